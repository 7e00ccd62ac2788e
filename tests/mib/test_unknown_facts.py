"""CISCO-IPSEC-FLOW-MONITOR-MIB of a live engine: what it does not know, and what the MIB cannot say, is not instantiated."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Any

import pytest

from agent.base.ike_counters import IkeCounter
from agent.flow.counters import IpsecCounter, PolledCounters
from agent.flow.model import NOT_USED, Endpoint, EndReason, Identity, IkeFailureReason, IpsecFailureReason, SaAlgorithms
from agent.mib.schema import Schema
from tests.flow.builders import bundle, ike_facts, ipsec_facts
from tests.mib.world import World

UNKNOWN = SaAlgorithms(group=None, cipher=None, key_bits=None, ah=None, esp_auth=None, compression=None)
ALGORITHMS = ("DiffHellmanGrp", "EncryptAlgo", "AhAuthAlgo", "EspAuthAlgo")
HUB6, SPOKE6 = IPv6Address("2001:db8::1"), IPv6Address("2001:db8:0:1::a")


@pytest.fixture
def world(schema: Schema) -> World:
    return World(schema)


def columns_of(world: World, table: str) -> set[str]:
    """The columns that are instantiated in the one row of a table."""
    return {name.partition(".")[0] for name, _ in world.walk(table)}


@pytest.mark.parametrize(
    ("facts", "column", "historic"),
    [
        ({"aggressive": None}, "NegoMode", True),
        ({"group": None}, "DiffHellmanGrp", True),
        ({"encryption": None, "key_bits": None}, "EncryptAlgo", True),
        ({"hash": None}, "HashAlgo", True),
        ({"local_authentication": None}, "AuthMethod", True),
        ({"remote_authentication": None}, "AuthMethod", True),
        ({"local_authentication": "rsa-sig", "remote_authentication": "eap"}, "AuthMethod", True),
        ({"local_authentication": "ecdsa-sig", "remote_authentication": "ecdsa-sig"}, "AuthMethod", True),
        ({"local_authentication": "eap", "remote_authentication": "eap"}, "AuthMethod", True),
        ({"lifetime": None}, "LifeTime", True),
        ({"lifetime": 2**31}, "LifeTime", True),
        ({"refresh_threshold": None}, "SaRefreshThreshold", False),
        ({"encryption": "aes-gcm", "key_bits": 256}, "EncryptAlgo", True),
        ({"encryption": "chacha20-poly1305", "key_bits": 256}, "EncryptAlgo", True),
    ],
)
def test_an_unknown_fact_of_phase_1_is_missing_in_the_row_and_in_history(
    world: World, facts: dict[str, Any], column: str, historic: bool
) -> None:
    known = columns_of(world, "cikeTunnelTable") if world.ike() else set()
    world.monitor.ike_ended(world.monitor.ike_tunnels[1], EndReason.NORMAL)
    past = columns_of(world, "cikeTunnelHistTable")
    tunnel = world.ike(**facts)
    assert known - columns_of(world, "cikeTunnelTable") == {f"cikeTun{column}"}
    world.monitor.resize("vrf1", tunnels=1)
    world.monitor.ike_ended(tunnel, EndReason.NORMAL)
    assert past - columns_of(world, "cikeTunnelHistTable") == ({f"cikeTunHist{column}"} if historic else set())


@pytest.mark.parametrize(
    ("facts", "columns", "historic"),
    [
        ({"transport": None}, ["EncapMode"], True),
        ({"life_size": None}, ["LifeSize"], True),
        ({"life_time": None}, ["LifeTime"], True),
        ({"life_size_threshold": None}, ["SaLifeSizeThreshold"], False),
        ({"life_time_threshold": None}, ["SaLifeTimeThreshold"], False),
        ({"inbound": UNKNOWN}, [f"InSa{name}" for name in (*ALGORITHMS, "DecompAlgo")], True),
        ({"outbound": UNKNOWN}, [f"OutSa{name}" for name in (*ALGORITHMS, "CompAlgo")], True),
    ],
)
def test_an_unknown_fact_of_phase_2_is_missing_in_the_row_and_in_history(
    world: World, facts: dict[str, Any], columns: list[str], historic: bool
) -> None:
    ike = world.ike()
    first = world.ipsec(ike)
    known = columns_of(world, "cipSecTunnelTable")
    world.monitor.ipsec_ended(first, EndReason.NORMAL)
    past = columns_of(world, "cipSecTunnelHistTable")
    tunnel = world.ipsec(ike, **facts)
    assert known - columns_of(world, "cipSecTunnelTable") == {f"cipSecTun{column}" for column in columns}
    world.monitor.resize("vrf1", tunnels=1)
    world.monitor.ipsec_ended(tunnel, EndReason.NORMAL)
    assert past - columns_of(world, "cipSecTunnelHistTable") == {f"cipSecTunHist{column}" for column in columns if historic}


def test_an_aead_cipher_has_no_integrity_algorithm_beside_it(world: World) -> None:
    """RFC 7296 §3.3: it is NONE, or not negotiated. The cipher itself is nothing that EncryptAlgo can say."""
    gcm = SaAlgorithms(group=2, cipher="aes-gcm", key_bits=256, ah=NOT_USED, esp_auth=NOT_USED)
    world.ipsec(world.ike(version=2, aggressive=None, encryption="aes-gcm", hash=NOT_USED, prf="sha256"), inbound=gcm, outbound=gcm)
    assert (world.labels("cikeTunHashAlgo.1"), world.labels("cikeTunEncryptAlgo.1")) == ("none", None)
    for direction in ("In", "Out"):
        labels = [world.labels(f"cipSecTun{direction}Sa{name}.1") for name in ("EncryptAlgo", "EspAuthAlgo", "AhAuthAlgo")]
        assert labels == [None, "none", "none"]


def test_thresholds_are_the_tunnels_own(world: World) -> None:
    world.ipsec(world.ike(refresh_threshold=540), life_size_threshold=0, life_time_threshold=396)
    assert world.get("cikeTunSaRefreshThreshold.1") == 540
    assert (world.get("cipSecTunSaLifeSizeThreshold.1"), world.get("cipSecTunSaLifeTimeThreshold.1")) == (0, 396)


def test_an_ike_sa_rekeyed_in_place_shows_its_new_terms(world: World) -> None:
    tunnel = world.ike(version=2, aggressive=None)
    world.monitor.ike_rekeyed(tunnel, ike_facts(version=2, aggressive=None, group=2, hash="md5", lifetime=14_400))
    shown = [world.labels("cikeTunDiffHellmanGrp.1"), world.labels("cikeTunHashAlgo.1"), world.get("cikeTunLifeTime.1")]
    assert shown == ["dhGroup2", "md5", 14_400]
    assert (world.get("cikeTunTotalRefreshes.1"), world.get("cikeTunNegoMode.1")) == (1, None)
    world.monitor.ike_ended(tunnel, EndReason.NORMAL)
    assert (world.get("cikeTunHistTotalRefreshes.1"), world.get("cikeTunHistTotalSas.1")) == (1, 2)
    assert (world.labels("cikeTunHistDiffHellmanGrp.1"), world.get("cikeTunHistLifeTime.1")) == ("dhGroup2", 14_400)


def test_what_failed_without_being_known_is_missing_in_the_failure_tables(world: World) -> None:
    world.monitor.ike_failed("vrf1", IkeFailureReason.AUTHENTICATION, None, IPv4Address("192.0.2.1"))
    world.monitor.ipsec_failed("vrf1", IpsecFailureReason.PROPOSAL, None, None, spi=None)
    assert columns_of(world, "cikeFailTable") == {"cikeFailReason", "cikeFailTime", "cikeFailRemoteAddr"}
    assert columns_of(world, "cipSecFailTable") == {"cipSecFailReason", "cipSecFailTime", "cipSecFailTunnelIndex"}


def test_a_tunnel_from_before_sysuptime_started_at_0_and_is_as_old_as_it_is(world: World) -> None:
    """RFC 2579, TimeStamp: what happened before sysUpTime began is 0."""
    world.clock.time = 1_000_000
    ike = world.monitor.ike_up("vrf1", ike_facts(), PolledCounters((0,) * len(IkeCounter)), start=-60_000_000)
    ipsec = world.monitor.ipsec_up(ike, ipsec_facts(), bundle(), PolledCounters((0,) * len(IpsecCounter)), start=-30_000_000)
    assert (world.get("cikeTunActiveTime.1"), world.get("cipSecTunActiveTime.1")) == (6_100, 3_100)
    assert [value for _, value in world.walk("cikePeerActiveTime")] == [6_100]
    world.monitor.ipsec_ended(ipsec, EndReason.NORMAL)
    world.monitor.ike_ended(ike, EndReason.NORMAL)
    for phase in ("cikeTun", "cipSecTun"):
        assert world.get(f"{phase}HistStartTime.1") == 0
    assert (world.get("cikeTunHistActiveTime.1"), world.get("cipSecTunHistActiveTime.1")) == (6_100, 3_100)


def test_several_selectors_are_several_rows(world: World) -> None:
    hosts = [Endpoint("address", IPv4Address(f"10.0.0.{n}"), IPv4Address(f"10.0.0.{n}"), 6, None) for n in (1, 2, 3)]
    tunnel = world.ipsec(world.ike(), local=tuple(hosts[:1]), remote=tuple(hosts[1:]))
    assert [name for name, _ in world.walk("cipSecEndPtRemoteAddr1")] == [
        "cipSecEndPtRemoteAddr1.1.1",
        "cipSecEndPtRemoteAddr1.1.2",
    ]
    assert world.walk("cipSecEndPtLocalPort") == []  # a range of ports is none in particular
    world.monitor.ipsec_ended(tunnel, EndReason.NORMAL)
    assert world.walk("cipSecEndPtHistRemoteAddr1") == [
        ("cipSecEndPtHistRemoteAddr1.1", bytes((10, 0, 0, 2))),
        ("cipSecEndPtHistRemoteAddr1.2", bytes((10, 0, 0, 3))),
    ]
    assert world.walk("cipSecEndPtHistTunIndex") == [("cipSecEndPtHistTunIndex.1", 1), ("cipSecEndPtHistTunIndex.2", 1)]


def test_an_ipv6_tunnel_has_16_octets_everywhere(world: World) -> None:
    """IPSIpAddress is 4 or 16 octets; an index string writes IPv6 as RFC 5952 does."""
    inside = IPv6Network("2001:db8:5::/48")
    end = Endpoint("subnet", inside.network_address, inside.netmask)
    ends = {"local_address": HUB6, "remote_address": SPOKE6}
    ike = world.ike(**ends, local=Identity(True, str(HUB6)), remote=Identity(True, str(SPOKE6)))
    tunnel = world.ipsec(ike, **ends, local=(end,), remote=(end,))
    world.monitor.ike_failed("vrf1", IkeFailureReason.OTHER, HUB6, SPOKE6, ike.facts.local, ike.facts.remote)
    world.monitor.ipsec_failed("vrf1", IpsecFailureReason.OTHER, HUB6, SPOKE6)
    index = ".".join(
        str(number) for text in (str(HUB6), str(SPOKE6)) for number in (1, len(text), *text.encode())
    )  # a type and a counted string for each end
    assert world.get(f"cikePeerRemoteAddr.{index}.1") == SPOKE6.packed
    assert world.get(f"cikePeerCorrIpSecTunIndex.{index}.1.1") == 1
    assert (world.get("cikeTunLocalAddr.1"), world.get("cikeTunLocalValue.1")) == (HUB6.packed, b"2001:db8::1")
    assert (world.get("cipSecTunLocalAddr.1"), world.get("cipSecTunRemoteAddr.1")) == (HUB6.packed, SPOKE6.packed)
    assert world.get("cipSecEndPtLocalAddr2.1.1") == inside.netmask.packed
    world.monitor.ipsec_ended(tunnel, EndReason.NORMAL)
    world.monitor.ike_ended(ike, EndReason.NORMAL)
    for column in ("cikeTunHistRemoteAddr", "cipSecTunHistRemoteAddr", "cikeFailRemoteAddr", "cipSecFailPktDstAddr"):
        assert world.get(f"{column}.1") == SPOKE6.packed
    assert world.get("cipSecEndPtHistRemoteAddr1.1") == inside.network_address.packed
    assert world.get("cikeTunHistPeerRemoteValue.1") == str(SPOKE6).encode()


@pytest.mark.parametrize(("whole", "ike_objects", "ipsec_objects"), [(True, 16, 25), (False, 8, 12)])
def test_an_unknown_counter_is_in_no_form_of_a_row_or_a_sum(
    world: World, whole: bool, ike_objects: int, ipsec_objects: int
) -> None:
    """Of one tunnel among two each counter, or every second one, is unknown: rows, history and sums have the rest."""
    ike = world.ike()
    world.ipsec(ike)
    tables = "cikeTunnelTable", "cipSecTunnelTable"
    scalars = "cikeGlobalStats", "cipSecGlobalStats"
    rows, sums = [columns_of(world, table) for table in tables], [columns_of(world, group) for group in scalars]
    second = world.ike(numbers={counter: None for counter in IkeCounter if whole or counter % 2})
    tunnel = world.ipsec(second, {counter: None for counter in IpsecCounter if whole or counter % 2})
    lost = [
        known - {name.partition(".")[0] for name, _ in world.walk(table) if name.endswith(".2")}
        for known, table in zip(rows, tables, strict=True)
    ]
    assert [len(each) for each in lost] == [ike_objects, ipsec_objects]
    if not whole:  # the inner octets are known, those before decompression are not
        assert {f"cipSecTun{form}" for form in ("InDecompOctets", "HcInDecompOctets", "InDecompOctWraps")} <= lost[1]
        assert not {f"cipSecTun{form}" for form in ("InOctets", "HcInOctets", "InOctWraps")} & lost[1]

    def lost_sums() -> list[set[str]]:
        """As the tunnel tables call them: cipSecGlobalStats says "Drops" where those say "DropPkts"."""
        found = [known - columns_of(world, group) for known, group in zip(sums, scalars, strict=True)]
        return [{name.replace("Global", "Tun").replace("Drops", "DropPkts") for name in each} for each in found]

    assert lost_sums() == lost
    world.monitor.ipsec_ended(tunnel, EndReason.NORMAL)
    world.monitor.ike_ended(second, EndReason.NORMAL)
    assert lost_sums() == lost
    past = columns_of(world, "cikeTunnelHistTable") | columns_of(world, "cipSecTunnelHistTable")
    assert past
    assert not {name.replace("Tun", "TunHist", 1) for name in lost[0] | lost[1]} & past
