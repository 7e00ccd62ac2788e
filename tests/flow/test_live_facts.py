"""What an engine of live tunnels tells and a lab does not: rekeys in place, several selectors, old tunnels, what is not known."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

import pytest

from agent.base.ike_counters import IkeCounter
from agent.flow.counters import IpsecCounter, PacketCounters, PolledCounters
from agent.flow.model import (
    NOT_USED,
    Endpoint,
    EndReason,
    Identity,
    IkeFailureReason,
    IkeTunnel,
    IpsecFailureReason,
    IpsecTunnel,
    SaAlgorithms,
)
from agent.flow.monitor import FlowMonitor
from agent.flow.record_codec import decode_record, encode_record
from agent.flow.records import FlowRecord, IkeFailed, IkeTunnelRekeyed, IkeTunnelStarted
from tests.flow.builders import HUB, SPOKE, bundle, ike_facts, ipsec_facts
from tests.flow.replica import follow, shown

UNKNOWN_ALGORITHMS = SaAlgorithms(group=None, cipher=None, key_bits=None, ah=None, esp_auth=None, compression=None)
GCM = SaAlgorithms(group=19, cipher="aes-gcm", key_bits=256, ah=NOT_USED, esp_auth=NOT_USED)


class Clock:
    time = 0

    def now(self) -> int:
        return self.time


class Gateway:
    """A monitor, its records, and another one that knows it by its records alone."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.monitor = FlowMonitor(self.clock)
        self.flow = self.monitor.vrf(None)
        self.records: list[FlowRecord] = []
        self.replica = follow(self.monitor, self.clock, (200, 200))
        self.monitor.subscribe(self.records.append)

    def ike(self, start: int | None = None, **facts: Any) -> IkeTunnel:
        return self.monitor.ike_up(None, ike_facts(**facts), PacketCounters(IkeCounter), start=start)

    def ipsec(self, start: int | None = None, ike: IkeTunnel | None = None, **facts: Any) -> IpsecTunnel:
        source = PacketCounters(IpsecCounter)
        return self.monitor.ipsec_up(ike or self.ike(), ipsec_facts(**facts), bundle(), source, start=start)

    def endpoints(self) -> dict[int, tuple[str, str]]:
        """The first addresses of each row's two ends, by cipSecEndPtIndex."""
        return {key[1]: (str(row[0].first), str(row[1].first)) for key, row in zip(*self._rows(), strict=True)}

    def _rows(self) -> Any:
        return self.flow.endpoints, self.flow.endpoints.values()

    def replica_is_equal(self) -> bool:
        return shown(self.replica, self.clock.time, counters=True) == shown(self.monitor, self.clock.time, counters=True)


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


def net(text: str, protocol: int = 0, port: int | None = 0) -> Endpoint:
    network = IPv6Network(text) if ":" in text else IPv4Network(text)
    return Endpoint("subnet", network.network_address, network.netmask, protocol, port)


# --- an IKE SA that is rekeyed in place (RFC 7296 §2.18) ---


def test_an_ike_sa_that_is_rekeyed_in_place_keeps_its_row(gateway: Gateway) -> None:
    before = ike_facts(version=2, initiator_cookie=b"\x3c" * 8, responder_cookie=b"\xf2" * 8)
    tunnel = gateway.monitor.ike_up(None, before, PolledCounters((5,) * len(IkeCounter)))
    ipsec = gateway.ipsec(ike=tunnel)
    gateway.clock.time = 1_000
    after = ike_facts(version=2, initiator_cookie=b"\x4e" * 8, responder_cookie=b"\xb2" * 8, group=19, lifetime=14_400)
    gateway.monitor.ike_rekeyed(tunnel, after)
    assert gateway.records[-1] == IkeTunnelRekeyed(1, after, at=1_000)
    assert list(gateway.flow.ike_tunnels) == [1]
    assert (tunnel.facts, tunnel.refreshes, tunnel.start) == (after, 1, 0)
    assert (ipsec.ike, ipsec.ike_index, tunnel.peer.tunnel_index) == (tunnel, 1, 1)
    assert gateway.replica_is_equal()
    gateway.monitor.ike_rekeyed(tunnel, before)
    gateway.monitor.ike_ended(tunnel, EndReason.PEER_DELETE)
    (history,) = gateway.flow.ike_history.values()
    assert (history.facts, history.refreshes, history.start, history.active) == (before, 2, 0, 1_000)
    assert gateway.replica_is_equal()


# --- several selectors (RFC 7296 §2.9: the SAs carry what matches one of each end) ---


def test_each_local_selector_is_paired_with_each_remote_one(gateway: Gateway) -> None:
    gateway.ipsec(local=(net("10.1.0.0/24"), net("10.2.0.0/24")), remote=tuple(net(f"10.{n}.0.0/16") for n in (7, 8, 9)))
    assert gateway.endpoints() == {
        1: ("10.1.0.0", "10.7.0.0"),
        2: ("10.1.0.0", "10.8.0.0"),
        3: ("10.1.0.0", "10.9.0.0"),
        4: ("10.2.0.0", "10.7.0.0"),
        5: ("10.2.0.0", "10.8.0.0"),
        6: ("10.2.0.0", "10.9.0.0"),
    }


@pytest.mark.parametrize(
    ("local", "remote", "pairs"),
    [
        ([net("10.1.0.0/24"), net("2001:db8:1::/64")], [net("10.2.0.0/24"), net("2001:db8:2::/64")], 2),
        ([net("10.1.0.0/24", 6)], [net("10.2.0.0/24", 17)], 0),
        ([net("10.1.0.0/24", 6, 80)], [net("10.2.0.0/24", 6), net("10.3.0.0/24")], 2),
        ([], [net("10.2.0.0/24")], 0),
        ([net("10.1.0.0/24"), net("10.1.0.0/24")], [net("10.2.0.0/24")], 1),
    ],
)
def test_ends_that_no_packet_can_have_together_are_no_pair(
    gateway: Gateway, local: list[Endpoint], remote: list[Endpoint], pairs: int
) -> None:
    tunnel = gateway.ipsec(local=tuple(local), remote=tuple(remote))
    assert len(gateway.endpoints()) == pairs
    gateway.monitor.ipsec_ended(tunnel, EndReason.NORMAL)
    assert not gateway.endpoints()
    assert len(gateway.flow.endpoint_history) == pairs
    assert gateway.replica_is_equal()


def test_endpoints_have_indexes_of_their_own_tunnel(gateway: Gateway) -> None:
    ends = {"local": (net("10.1.0.0/24"), net("10.2.0.0/24")), "remote": (net("10.9.0.0/24"),)}
    gateway.ipsec(**ends)
    gateway.ipsec(**ends)
    assert list(gateway.flow.endpoints) == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_rekey_for_other_selectors_leaves_the_rows_that_are_still_right(gateway: Gateway) -> None:
    remote = (net("10.9.0.0/24"),)
    tunnel = gateway.ipsec(local=(net("10.1.0.0/24"), net("10.2.0.0/24"), net("10.3.0.0/24")), remote=remote)
    facts = ipsec_facts(local=(net("10.4.0.0/24"), net("10.2.0.0/24"), net("10.5.0.0/24")), remote=remote)
    gateway.monitor.sas_installed(tunnel, bundle(512), facts, tunnel.spis)
    assert gateway.endpoints() == {2: ("10.2.0.0", "10.9.0.0"), 4: ("10.4.0.0", "10.9.0.0"), 5: ("10.5.0.0", "10.9.0.0")}
    assert gateway.replica_is_equal()
    gateway.monitor.sas_installed(tunnel, bundle(1024), facts, tunnel.spis)
    assert list(gateway.endpoints()) == [2, 4, 5]
    gateway.monitor.ipsec_ended(tunnel, EndReason.NORMAL)
    past = list(gateway.flow.endpoint_history.values())
    assert [(row.index, row.tunnel_index, row.active_index, str(row.local.first)) for row in past] == [
        (1, 1, 1, "10.2.0.0"),
        (2, 1, 1, "10.4.0.0"),
        (3, 1, 1, "10.5.0.0"),
    ]
    assert gateway.replica_is_equal()


def test_of_sas_that_crossed_the_row_has_the_terms_of_those_that_stay(gateway: Gateway) -> None:
    first = ipsec_facts(local=(net("10.1.0.0/24"),), remote=(net("10.9.0.0/24"),), life_time=1800)
    second = ipsec_facts(local=(net("10.2.0.0/24"),), remote=(net("10.9.0.0/24"),), life_time=900)
    tunnel = gateway.ipsec(local=first.local, remote=first.remote)
    gateway.monitor.sas_installed(tunnel, bundle(512), first, tunnel.spis)
    newest = gateway.monitor.sas_installed(tunnel, bundle(1024), second, [])
    assert (tunnel.facts, list(gateway.endpoints())) == (second, [2])
    gateway.monitor.sas_retired(tunnel, newest, first)
    assert tunnel.facts == first
    assert gateway.endpoints() == {3: ("10.1.0.0", "10.9.0.0")}
    assert {spi.index for spi in tunnel.spis if not spi.expiring} == {5, 6, 7, 8}
    assert gateway.replica_is_equal()


def test_a_check_point_copies_every_endpoint(gateway: Gateway) -> None:
    gateway.ipsec(local=(net("10.1.0.0/24"), net("10.2.0.0/24")), remote=(net("10.9.0.0/24"),))
    gateway.monitor.checkpoint(None)
    assert [str(row.local.first) for row in gateway.flow.endpoint_history.values()] == ["10.1.0.0", "10.2.0.0"]


# --- tunnels that are older than the monitor ---


def test_a_peer_is_as_old_as_its_oldest_tunnel(gateway: Gateway) -> None:
    gateway.clock.time = 10_000
    ike = gateway.ike(start=8_000)
    assert ike.peer.start == 8_000
    gateway.ipsec(start=-5_000, ike=ike)
    assert ike.peer.start == -5_000
    gateway.ike()
    assert ike.peer.start == -5_000
    assert gateway.replica_is_equal()


def test_a_tunnel_from_before_the_clock_has_its_true_age_in_history(gateway: Gateway) -> None:
    tunnel = gateway.ike(start=-9_000)
    gateway.clock.time = 1_000
    gateway.monitor.ike_ended(tunnel, EndReason.NORMAL)
    (history,) = gateway.flow.ike_history.values()
    assert (history.start, history.active) == (-9_000, 10_000)


# --- what is not known, and what IKEv1 has not ---

NOTHING_KNOWN: dict[str, Any] = dict.fromkeys(
    ("aggressive", "encryption", "key_bits", "hash", "group", "lifetime", "prf", "local_authentication", "refresh_threshold")
)


def test_everything_survives_json(gateway: Gateway) -> None:
    hub, spoke = IPv6Address("2001:db8::1"), IPv6Address("2001:db8::2")
    ike = gateway.ike(
        **NOTHING_KNOWN,
        version=2,
        remote_authentication="eap",
        remote=Identity(True, str(spoke)),
        local_address=hub,
        remote_address=spoke,
    )
    tunnel = gateway.ipsec(
        ike=ike,
        transport=None,
        life_size=None,
        life_time=None,
        life_size_threshold=None,
        inbound=GCM,
        outbound=UNKNOWN_ALGORITHMS,
        local=(net("2001:db8:1::/64", port=None),),
        remote=(net("2001:db8:2::/64"),),
        local_address=hub,
        remote_address=spoke,
    )
    gateway.monitor.sas_installed(tunnel, bundle(512), tunnel.facts, tunnel.spis)
    gateway.monitor.ike_rekeyed(ike, ike.facts)
    gateway.monitor.ike_failed(None, IkeFailureReason.OTHER, None, spoke)
    gateway.monitor.ipsec_failed(None, IpsecFailureReason.OTHER, None, None, spi=None)
    assert gateway.replica_is_equal()
    gateway.monitor.ipsec_ended(tunnel, EndReason.PEER_LOST)
    gateway.monitor.ike_ended(ike, EndReason.PEER_LOST)
    assert gateway.replica_is_equal()


def test_a_record_from_before_these_facts_is_read_as_ikev1_with_the_rest_unknown(gateway: Gateway) -> None:
    gateway.ike()
    (record,) = gateway.records
    assert isinstance(record, IkeTunnelStarted)
    written = json.loads(encode_record(record))
    for name in ("version", "prf", "local_authentication", "remote_authentication", "refresh_threshold"):
        del written["facts"][name]
    read = decode_record(json.dumps(written))
    assert isinstance(read, IkeTunnelStarted)
    assert (read.facts.version, read.facts.prf, read.facts.authentication, read.facts.refresh_threshold) == (1, None, None, None)


def test_a_failure_of_which_an_address_is_not_known_has_a_row_without_it(gateway: Gateway) -> None:
    gateway.monitor.ike_failed(None, IkeFailureReason.AUTHENTICATION, None, SPOKE)
    (row,) = gateway.flow.ike_failures.values()
    assert (row.local_address, row.remote_address) == (None, SPOKE)
    (record,) = gateway.records
    assert isinstance(record, IkeFailed)
    assert (record.peer.local, record.peer.remote) == (Identity(False, ""), Identity(True, str(SPOKE)))


@pytest.mark.parametrize(
    ("algorithms", "protocol"),
    [
        (GCM, "esp"),
        (UNKNOWN_ALGORITHMS, "esp"),
        (SaAlgorithms(group=1, cipher="null", key_bits=0, ah=NOT_USED, esp_auth="sha"), "esp"),
        (SaAlgorithms(group=1, cipher="des", key_bits=56, ah="sha", esp_auth=NOT_USED), "esp"),
        (SaAlgorithms(group=1, cipher=NOT_USED, key_bits=0, ah="sha", esp_auth=NOT_USED), "ah"),
    ],
)
def test_the_protocol_of_a_bundle_is_ah_where_there_is_no_esp(algorithms: SaAlgorithms, protocol: str) -> None:
    assert ipsec_facts(inbound=algorithms).protocol == protocol


@pytest.mark.parametrize(
    ("local", "remote", "both"),
    [("rsa-sig", "rsa-sig", "rsa-sig"), ("rsa-sig", "eap", None), ("pre-share", None, None), (None, None, None)],
)
def test_one_authentication_method_is_told_where_both_ends_have_it(local: str | None, remote: str | None, both: str | None) -> None:
    assert ike_facts(local_authentication=local, remote_authentication=remote).authentication == both


# --- counters that are not known ---


def test_an_unknown_counter_is_unknown_in_the_sum_from_its_tunnel_on(gateway: Gateway) -> None:
    """A sum with a hole in it is none: not while the tunnel lives, and not after, for what it carried stays in the sum."""
    known = gateway.ike()
    assert gateway.flow.ike_totals.value(IkeCounter.IN_OCTETS, 0) == 0
    counted = [7 if counter is not IkeCounter.IN_OCTETS else None for counter in IkeCounter]
    tunnel = gateway.monitor.ike_up(None, ike_facts(), PolledCounters(tuple(counted)))
    assert gateway.flow.ike_totals.value(IkeCounter.IN_OCTETS, 0) is None
    assert gateway.flow.ike_totals.value(IkeCounter.OUT_OCTETS, 0) == 7
    gateway.monitor.ike_ended(tunnel, EndReason.NORMAL)
    gateway.monitor.ike_ended(known, EndReason.NORMAL)
    assert gateway.flow.ike_totals.value(IkeCounter.IN_OCTETS, 0) is None
    assert gateway.flow.ike_totals.value(IkeCounter.OUT_OCTETS, 0) == 7
    assert gateway.monitor.vrf("other").ike_totals.value(IkeCounter.IN_OCTETS, 0) == 0
    assert gateway.replica_is_equal()


def test_what_a_poll_can_no_longer_tell_is_unknown_in_the_sum(gateway: Gateway) -> None:
    source = PolledCounters((3,) * len(IkeCounter))
    gateway.monitor.ike_up(None, ike_facts(local_address=HUB), source)
    source.replace(tuple(None if counter is IkeCounter.IN_DROPS else 10 for counter in IkeCounter))
    totals = gateway.flow.ike_totals
    assert (totals.value(IkeCounter.IN_DROPS, 0), totals.value(IkeCounter.IN_PACKETS, 0)) == (None, 10)


def test_addresses_of_both_versions_are_told_apart(gateway: Gateway) -> None:
    """::a01:102 and 10.1.1.2 are the same number."""
    four, six = IPv4Address("10.1.1.2"), IPv6Address("::a01:102")
    gateway.ike(local=Identity(False, "h"), local_address=four)
    other = gateway.ike(local=Identity(False, "h"), local_address=six)
    assert (len(gateway.flow.peers), other.peer.key.internal) == (2, 2)
