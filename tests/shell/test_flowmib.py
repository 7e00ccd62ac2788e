"""`show crypto mib … flowmib …`: the transcripts of Cisco's guide (chapter 6), and what they do not show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest

from agent.base.clock import SECOND
from agent.base.ike_counters import IkeCounter
from agent.base.spans import elapsed
from agent.flow.counters import FrozenCounters, IpsecCounter
from agent.flow.model import (
    Endpoint,
    EndReason,
    Identity,
    IkeFailureReason,
    IkeTunnel,
    IpsecFailureReason,
    IpsecTunnel,
    SaAlgorithms,
)
from agent.flow.monitor import FlowMonitor, NewSpi
from agent.shell.releases import Release
from agent.shell.render.flowmib import (
    IKE_END,
    IKE_FAILURE,
    IKE_LISTINGS,
    IPSEC_END,
    IPSEC_FAILURE,
    IPSEC_LISTINGS,
    Asked,
    Fields,
    identity_type,
)
from tests.flow.builders import bundle, ike_facts, ipsec_facts
from tests.shell.fakes import Console, FakeClock
from tests.shell.transcripts import told, transcript

CLASSIC = "version 12.4\nhostname Router\n"
XE = "version 16.9\nhostname Router\nip vrf red\n rd 1:1\nip vrf blue\n rd 2:2\n"
# Both hashes are SHA's: in its history and its table of tunnels IOS 12.4 named that of AH by IKE's list of methods, in which `rsig`
# has the number of SHA. The outbound lines name it right.
IN_AH = {"In SA auth algorithm: rsig": "In SA auth algorithm: ESP_HMAC_SHA"}
AES_AH_SHA = SaAlgorithms(group=14, cipher="aes", key_bits=128, ah="sha", esp_auth="sha")
GUIDE_IPSEC = {
    IpsecCounter.IN_OCTETS: 400,
    IpsecCounter.IN_DECOMP_OCTETS: 400,
    IpsecCounter.IN_PACKETS: 4,
    IpsecCounter.IN_AUTHS: 4,
    IpsecCounter.IN_DECRYPTS: 4,
    IpsecCounter.OUT_OCTETS: 704,
    IpsecCounter.OUT_UNCOMP_OCTETS: 704,
    IpsecCounter.OUT_PACKETS: 4,
    IpsecCounter.OUT_DROPS: 1,
    IpsecCounter.OUT_AUTHS: 4,
    IpsecCounter.OUT_ENCRYPTS: 4,
}


def address(text: str) -> IPv4Address:
    return IPv4Address(text)


def router(config: str) -> Console:
    """With a flow for each VRF, as a router has from its start."""
    console = Console(config)
    for vrf in console.router.document.config.vrfs:
        console.router.monitor.vrf(vrf)
    return console


def at(console: Console, time: str) -> None:
    """Put the clock to "HH:MM:SS"."""
    hours, minutes, seconds = map(int, time.split(":"))
    console.clock.time = (hours * 3600 + minutes * 60 + seconds) * SECOND


def ike(
    monitor: FlowMonitor,
    vrf: str | None = None,
    ends: tuple[str, str] = ("192.0.2.1", "192.0.2.2"),
    counted: dict[IkeCounter, int | None] | None = None,
    **facts: Any,
) -> IkeTunnel:
    """An IKE tunnel as the guide's: group 2, and keepalives."""
    local, remote = ends
    known = {"local": Identity(True, local), "remote": Identity(True, remote), "group": 2, "keepalive": True}
    terms = ike_facts(address(remote), **{**known, "local_address": address(local), **facts})
    return monitor.ike_up(vrf, terms, FrozenCounters(tuple((counted or {}).get(counter, 0) for counter in IkeCounter)))


def ipsec(
    ike_tunnel: IkeTunnel,
    monitor: FlowMonitor,
    counted: dict[IpsecCounter, int | None] | None = None,
    spis: list[NewSpi] | None = None,
    **facts: Any,
) -> IpsecTunnel:
    known = {
        "local_address": ike_tunnel.facts.local_address,
        "life_size": 4608000,
        "life_time": 3600,
        "inbound": AES_AH_SHA,
        "outbound": AES_AH_SHA,
    }
    terms = ipsec_facts(address(str(ike_tunnel.facts.remote_address)), **{**known, **facts})
    counters = FrozenCounters(tuple((counted or GUIDE_IPSEC).get(counter, 0) for counter in IpsecCounter))
    return monitor.ipsec_up(ike_tunnel, terms, spis or bundle(), counters)


def shown(console: Console, what: str) -> list[str]:
    return told(console.type(f"show crypto mib {what}"))


# --- the guide's transcripts ---


def test_isakmp_tunnel() -> None:
    console = Console(CLASSIC)
    counted: dict[IkeCounter, int | None] = {
        IkeCounter.IN_OCTETS: 2148,
        IkeCounter.IN_PACKETS: 15,
        IkeCounter.IN_NOTIFYS: 11,
        IkeCounter.IN_P2_EXCHANGES: 1,
        IkeCounter.OUT_OCTETS: 2328,
        IkeCounter.OUT_PACKETS: 16,
        IkeCounter.OUT_NOTIFYS: 12,
        IkeCounter.OUT_P2_EXCHANGES: 2,
    }
    ike(console.router.monitor, counted=counted)
    at(console, "00:03:08")
    assert shown(console, "isakmp flowmib tunnel") == transcript("isakmp-flowmib-tunnel")


def test_isakmp_peer() -> None:
    console = Console(CLASSIC)
    for network in ("2", "3", "4"):
        ike(console.router.monitor, ends=(f"192.0.{network}.1", f"192.0.{network}.2"))
    own = {f"Remote address: 192.0.{network}.1": f"Remote address: 192.0.{network}.2" for network in ("3", "4")}
    assert shown(console, "isakmp flowmib peer") == transcript("isakmp-flowmib-peer", own)


def test_isakmp_global() -> None:
    console = Console(CLASSIC)
    totals: list[dict[IkeCounter, int | None]] = [{}, {}, {}]
    totals[0] = {
        IkeCounter.IN_OCTETS: 2856,
        IkeCounter.OUT_OCTETS: 3396,
        IkeCounter.IN_PACKETS: 16,
        IkeCounter.OUT_PACKETS: 19,
        IkeCounter.IN_NOTIFYS: 4,
        IkeCounter.OUT_NOTIFYS: 7,
        IkeCounter.IN_P2_EXCHANGES: 3,
        IkeCounter.OUT_P2_EXCHANGES: 6,
    }
    for network, counted in enumerate(totals, 2):
        ike(console.router.monitor, ends=(f"192.0.{network}.1", f"192.0.{network}.2"), counted=counted, initiator=True)
    assert shown(console, "isakmp flowmib global") == transcript("isakmp-flowmib-global")


def test_isakmp_history() -> None:
    """The guide's window has lost its first row."""
    console = Console(CLASSIC)
    monitor = console.router.monitor
    monitor.resize_windows(tunnels=2)
    numbers = ((3024, 22, 18, 4188, 33, 28), (3140, 23, 19, 4304, 34, 29))
    old = ike(monitor, ends=("192.0.4.1", "192.0.4.2"))
    tunnels = [
        ike(
            monitor,
            ends=(f"192.0.{network}.1", f"192.0.{network}.2"),
            counted={
                IkeCounter.IN_OCTETS: in_octets,
                IkeCounter.IN_PACKETS: in_packets,
                IkeCounter.IN_NOTIFYS: in_notifys,
                IkeCounter.IN_P2_EXCHANGES: 1,
                IkeCounter.OUT_OCTETS: out_octets,
                IkeCounter.OUT_PACKETS: out_packets,
                IkeCounter.OUT_NOTIFYS: out_notifys,
                IkeCounter.OUT_P2_EXCHANGES: 2,
            },
        )
        for network, (in_octets, in_packets, in_notifys, out_octets, out_packets, out_notifys) in enumerate(numbers, 2)
    ]
    monitor.ike_ended(old, EndReason.NORMAL)
    at(console, "00:06:30")
    monitor.ike_ended(tunnels[0], EndReason.PEER_LOST)
    at(console, "00:06:25")
    monitor.ike_ended(tunnels[1], EndReason.PEER_LOST)
    assert shown(console, "isakmp flowmib history") == transcript("isakmp-flowmib-history")


def test_isakmp_failure() -> None:
    """In its third row the local identity never became known."""
    console = Console(CLASSIC)
    monitor = console.router.monitor
    rows = (("00:07:27", "2", True), ("00:07:27", "3", True), ("00:07:32", "2", False))
    for time, network, known in rows:
        at(console, time)
        ours, theirs = f"192.0.{network}.1", f"192.0.{network}.2"
        who = Identity(True, ours) if known else None
        lost = IkeFailureReason.PEER_LOST
        monitor.ike_failed(None, lost, address(ours), address(theirs), who, Identity(True, theirs))
    assert shown(console, "isakmp flowmib failure") == transcript("isakmp-flowmib-failure")


def test_ipsec_tunnel() -> None:
    console = Console(CLASSIC)
    monitor = console.router.monitor
    ipsec(ike(monitor), monitor)
    at(console, "00:05:46")
    assert shown(console, "ipsec flowmib tunnel") == transcript("ipsec-flowmib-tunnel", IN_AH)


def test_ipsec_history() -> None:
    """Its thresholds are not those of the same tunnel while it lived."""
    console = Console(CLASSIC)
    monitor = console.router.monitor
    tunnel = ipsec(ike(monitor, ends=("192.1.2.1", "192.1.2.2")), monitor)
    at(console, "00:24:32")
    monitor.ipsec_ended(tunnel, EndReason.OPERATOR)
    printed = IN_AH | {
        "Lifetime threshold (KB): 423559168": "Lifetime threshold (KB): 64",
        "Lifetime threshold (Sec): 3590000": "Lifetime threshold (Sec): 10",
    }
    assert shown(console, "ipsec flowmib history") == transcript("ipsec-flowmib-history", printed)


def test_ipsec_global() -> None:
    console = Console(CLASSIC)
    monitor = console.router.monitor
    for network in ("2", "3"):
        ipsec(ike(monitor, ends=(f"192.0.{network}.1", f"192.0.{network}.2")), monitor)
    assert shown(console, "ipsec flowmib global") == transcript("ipsec-flowmib-global")


def test_ipsec_endpoint() -> None:
    console = Console(CLASSIC)
    monitor = console.router.monitor
    single = [Endpoint("address", address(text), address(text)) for text in ("192.1.2.1", "192.1.2.2")]
    subnet = Endpoint("subnet", address("192.1.3.0"), address("255.255.255.0"))
    tunnel = ike(monitor)
    ipsec(tunnel, monitor, local=(single[0],), remote=(single[1],))
    ipsec(tunnel, monitor, local=(subnet,), remote=(subnet,))
    assert shown(console, "ipsec flowmib endpoint") == transcript("ipsec-flowmib-endpoint")


def test_ipsec_spi() -> None:
    console = Console(CLASSIC)
    monitor = console.router.monitor
    values = (0xCC57D053, 0x68612DF, 0x56947526, 0x8D7C2204)
    spis = [spi._replace(value=value) for spi, value in zip(bundle(), values, strict=True)]
    ipsec(ike(monitor), monitor, spis=spis)
    assert shown(console, "ipsec flowmib spi") == transcript("ipsec-flowmib-spi")


def test_ipsec_failure() -> None:
    console = Console(CLASSIC)
    at(console, "00:25:18")
    ends = address("192.1.2.1"), address("192.1.2.2")
    console.router.monitor.ipsec_failed(None, IpsecFailureReason.OPERATOR, *ends)
    assert shown(console, "ipsec flowmib failure") == transcript("ipsec-flowmib-failure")


def test_sizes_and_version() -> None:
    console = Console(CLASSIC)
    console.type("configure terminal", "crypto mib ipsec flowmib history tunnel size 130", "end")
    console.router.monitor.resize_windows(130, 140)
    for what in ("history tunnel size", "history failure size", "version"):
        assert shown(console, f"ipsec flowmib {what}") == transcript(f"ipsec-flowmib-{what.replace(' ', '-')}")


# --- the two forms ---


@pytest.mark.parametrize("command", ["isakmp flowmib tunnel", "ipsec flowmib tunnel", "ipsec flowmib endpoint"])
def test_ios_xe_has_its_values_in_column_31_and_an_empty_line_between_entries(command: str) -> None:
    """As in the samples of Genie's parsers, which are of real routers."""
    console = router(XE)
    monitor = console.router.monitor
    for network in ("2", "3"):
        ipsec(ike(monitor, "red", ends=(f"192.0.{network}.1", f"192.0.{network}.2")), monitor)
    lines = console.type(f"show crypto mib {command}").splitlines()
    entries = [line for line in lines if line.startswith("  ")]
    assert all(line[30] == " " and line[31] != " " and line.index(":") <= 29 for line in entries)
    first, second = (at for at, line in enumerate(lines) if line.startswith("  Index:"))
    assert lines[:first] == ["vrf red"]
    assert lines[second - 1] == ""
    assert lines[-3:] == ["", "vrf blue", "vrf Global"]


@pytest.mark.parametrize("family", ["isakmp", "ipsec"])
def test_ios_xe_has_the_sums_in_column_36(family: str) -> None:
    lines = router(XE).type(f"show crypto mib {family} flowmib global vrf red").splitlines()
    assert lines[0] == "vrf red"
    assert all(line[35] == " " and line[36:] == "0" for line in lines[1:])


def test_a_release_names_the_hash_of_ah_in_its_way() -> None:
    for config, label in ((CLASSIC, "In SA auth algorithm: ESP_HMAC_SHA"), (XE, "In SA AH auth algorithm: ESP_HMAC_SHA")):
        console = Console(config)
        ipsec(ike(console.router.monitor), console.router.monitor)
        assert label in shown(console, "ipsec flowmib tunnel")


# --- VRFs and indexes ---


def test_every_vrf_in_turn_or_the_one_asked_for() -> None:
    console = router(XE)
    monitor = console.router.monitor
    for vrf in ("blue", "red", "left over"):  # a profile may name a VRF that is not configured any more
        ike(monitor, vrf)
    heads = [line for line in shown(console, "ike flowmib tunnel") if line.startswith("vrf")]
    assert heads == ["vrf red", "vrf blue", "vrf left over", "vrf Global"]
    assert shown(console, "isakmp flowmib tunnel vrf blue")[:2] == ["vrf blue", "Index: 1"]
    assert shown(console, "isakmp flowmib tunnel vrf Global") == ["vrf Global"]
    assert console.type("show crypto mib isakmp flowmib tunnel vrf green") == "% VRF green does not exist\n"


@pytest.mark.parametrize("command", ["isakmp flowmib tunnel", "ipsec flowmib tunnel"])
def test_one_tunnel_by_its_index(command: str) -> None:
    console = router(XE)
    monitor = console.router.monitor
    for vrf in ("red", None):
        ipsec(ike(monitor, vrf), monitor)
    assert shown(console, f"{command} index 2")[:2] == ["vrf Global", "Index: 2"]
    assert "Index: 2" not in shown(console, f"{command} index 1")
    assert shown(console, f"{command} index 2 vrf red") == []


def test_peers_keep_their_number_when_older_ones_go() -> None:
    console = router(XE)
    monitor = console.router.monitor
    first, second = (ike(monitor, "red", ends=("192.0.2.1", f"192.0.2.{host}")) for host in (2, 3))
    monitor.ike_ended(first, EndReason.NORMAL)
    assert [line for line in shown(console, "ike flowmib peer") if line.startswith("Index")] == ["Index: 2"]
    assert "Remote address: 192.0.2.3" in shown(console, "ike flowmib peer index 2")
    assert shown(console, "ike flowmib peer index 1") == []
    assert second.peer.number == 2


# --- what the guide does not show ---


def test_octets_are_those_of_64_bits_and_packets_wrap() -> None:
    """cipSecTunHcInOctets is a Counter64, cipSecTunInPkts a Counter32; IKE's octets have no object of 64 bits."""
    console = Console(CLASSIC)
    monitor = console.router.monitor
    past = (1 << 32) + 5
    tunnel = ike(monitor, counted={IkeCounter.IN_OCTETS: past})
    ipsec(tunnel, monitor, {IpsecCounter.IN_OCTETS: past, IpsecCounter.IN_PACKETS: past})
    assert {f"In octets: {past}", "In packets: 5"} <= set(shown(console, "ipsec flowmib tunnel"))
    assert {f"In octets: {past}", "In packets: 5"} <= set(shown(console, "ipsec flowmib global"))
    assert "In octets: 5" in shown(console, "isakmp flowmib tunnel")


def test_what_an_engine_cannot_know_has_no_line() -> None:
    console = router(XE)
    monitor = console.router.monitor
    unknown = ike(monitor, "red", counted=dict.fromkeys(IkeCounter), aggressive=None, policy=None, remote_authentication=None)
    ipsec(unknown, monitor, dict.fromkeys(IpsecCounter), transport=None, life_size=None)
    for command in ("ike flowmib tunnel", "ipsec flowmib tunnel", "ike flowmib global", "ipsec flowmib global"):
        lines = shown(console, f"{command} vrf red")
        labels = {line.partition(":")[0] for line in lines}
        unknown_here = {"In octets", "Out packets", "Negotiation mode", "Policy priority", "Auth method", "Encapsulation mode"}
        assert labels
        assert not unknown_here & labels


def test_an_ikev2_tunnel_has_no_mode_and_a_method_for_each_end() -> None:
    """The words are those of a sample of IOS XE."""
    console = router(XE)
    ends = {"local_authentication": "pre-share", "remote_authentication": "rsa-sig"}
    ike(console.router.monitor, "red", version=2, aggressive=None, policy=None, encryption="aes", hash="sha512", group=16, **ends)
    expected = {
        "Negotiation mode: IKEv2",
        "Diffie Hellman Grp: 16",
        "Encryption algo: aes",
        "Hash algo: sha512",
        "Auth method: localPskRemoteRsig",
        "Policy priority: 0",
    }
    assert expected <= set(shown(console, "ike flowmib tunnel"))


@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        (Identity(True, "10.1.1.1"), "ID_IPV4_ADDR"),
        (Identity(True, "2001:db8::1"), "ID_IPV6_ADDR"),
        (Identity(False, "hub.example.com"), "ID_FQDN"),
        (Identity(False, "alice@example.com"), "ID_USER_FQDN"),
        (Identity(False, "CN=alice@example.com,O=Example"), "ID_DER_ASN1_DN"),
        (Identity(False, "10.99.18.0/24"), "ID_IPV4_ADDR_SUBNET"),
        (Identity(False, "2001:db8::/32"), "ID_IPV6_ADDR_SUBNET"),
        (Identity(False, "10.1.0.1-10.1.0.9"), "ID_IPV4_ADDR_RANGE"),
        (Identity(False, "2001:db8::1-2001:db8::9"), "ID_IPV6_ADDR_RANGE"),
        (Identity(False, "staff"), "ID_KEY_ID"),
        (None, "ID_IPV4_ADDR"),
    ],
)
def test_the_type_of_an_identity(identity: Identity | None, kind: str) -> None:
    """The names of RFC 2407 §4.6.2.1."""
    assert identity_type(identity, "staff") == kind


def test_ends_of_every_kind() -> None:
    console = router(XE)
    monitor = console.router.monitor
    span = Endpoint("range", address("10.1.0.1"), address("10.1.0.9"), 17, 53)
    wide = Endpoint("subnet", IPv6Address("2001:db8::"), IPv6Address("ffff:ffff::"))
    tunnel = ike(monitor, "red")
    ipsec(tunnel, monitor, local=(span,), remote=(span,))
    ipsec(tunnel, monitor, local=(wide,), remote=(wide,))
    lines = shown(console, "ipsec flowmib endpoint")
    assert {"Local type: IP address range", "Local address: 10.1.0.1 10.1.0.9", "Protocol: 17", "Local port: 53"} <= set(lines)
    assert "Local address: 2001:db8::/32" in lines


def test_sas_that_a_rekey_has_replaced_are_expiring() -> None:
    console = router(XE)
    monitor = console.router.monitor
    tunnel = ipsec(ike(monitor, "red"), monitor, spis=[NewSpi(True, "esp", 0x100), NewSpi(False, "esp", 0x101)])
    monitor.sas_installed(tunnel, [NewSpi(True, "esp", 0x200), NewSpi(False, "esp", 0x201)], tunnel.facts, tunnel.spis[:2])
    status = [line for line in shown(console, "ipsec flowmib spi") if line.startswith("SPI Status")]
    assert status == ["SPI Status: Expiring"] * 2 + ["SPI Status: Active"] * 2


def test_a_check_pointed_tunnel_has_live_sas() -> None:
    console = router(XE)
    monitor = console.router.monitor
    ipsec(ike(monitor, "red"), monitor)
    monitor.checkpoint("red")
    lines = shown(console, "ipsec flowmib history")
    assert {"Reason: Check point request", "Expired SA instances: 0", "Current SA instances: 4"} <= set(lines)


def test_a_tunnel_without_ah_and_with_null_encryption() -> None:
    console = Console(CLASSIC)
    monitor = console.router.monitor
    null = replace(AES_AH_SHA, cipher="null", ah="none", esp_auth="sha256", group=0)
    ipsec(ike(monitor), monitor, inbound=null, outbound=null)
    expected = {
        "In SA DH group: None",
        "In sa encrypt algorithm: null",
        "In SA auth algorithm: None",
        "In SA ESP auth algo: ESP_HMAC_SHA256",
        "Out SA auth algorithm: None",
    }
    assert expected <= set(shown(console, "ipsec flowmib tunnel"))


def test_every_reason_has_words() -> None:
    assert set(IKE_END) == set(EndReason) - {EndReason.SEQUENCE_ROLLOVER, EndReason.UNKNOWN_TO_PEER}
    assert set(IPSEC_END) == set(EndReason)
    assert set(IKE_FAILURE) == set(IkeFailureReason)
    assert set(IPSEC_FAILURE) == set(IpsecFailureReason)


LISTINGS = {
    f"{family} {word}": each for family, all in (("ike", IKE_LISTINGS), ("ipsec", IPSEC_LISTINGS)) for word, each in all.items()
}


@pytest.mark.parametrize("name", LISTINGS)
def test_rows_may_come_and_go_while_a_slow_reader_takes_a_listing(name: str) -> None:
    """A live row that goes is left out; a row of the past that comes is not in the listing any more."""
    monitor = FlowMonitor(FakeClock())
    tunnels = [ipsec(ike(monitor, ends=("192.0.2.1", f"192.0.2.{host}")), monitor) for host in (2, 3, 4, 5)]

    def end(tunnel: IpsecTunnel) -> None:
        monitor.ipsec_ended(tunnel, EndReason.OPERATOR)
        monitor.ike_ended(monitor.ike_tunnels[tunnel.ike_index], EndReason.OPERATOR)

    def entries() -> Iterator[Fields]:
        return LISTINGS[name].entries(monitor.vrf(None), Asked(0, Release.CLASSIC))

    end(tunnels[0])
    end(tunnels[1])
    before, listed = len(list(entries())), entries()
    next(listed)
    end(tunnels[3])
    live = name.rpartition(" ")[2] in ("peer", "tunnel", "endpoint", "spi")
    assert 1 + len(list(listed)) == before - live


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00:00"),
        (86399, "23:59:59"),
        (86400, "1d00h"),
        (93600, "1d02h"),
        (604800, "1w0d"),
        (2160000, "3w4d"),
        (31536000, "1y0w"),
    ],
)
def test_spans_of_time(seconds: int, text: str) -> None:
    """As `uptime` and `never` times of IOS's routing tables."""
    assert elapsed(seconds) == text
