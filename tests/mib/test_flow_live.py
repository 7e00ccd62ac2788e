"""CISCO-IPSEC-FLOW-MONITOR-MIB, the live half: the guide's polls, and what a row instantiates."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.base.ike_counters import IkeCounter
from agent.engine.values import DestroyIke, DestroyIpsec, Refusal
from agent.flow.counters import IpsecCounter, PeriodicCounters, Rhythm
from agent.flow.model import NO_GROUP, NOT_USED, Endpoint, EndReason, Identity, IkeFailureReason, IpsecFailureReason, SaAlgorithms
from agent.flow.monitor import NewSpi
from agent.mib.column import SetRefusedError
from agent.mib.schema import Schema
from tests.flow.builders import ipsec_facts
from tests.mib.world import MANAGER, VRF1, VRF2, World, golden

VARYING = ("cikePeerActiveTime", "cikeTunActiveTime", "cipSecTunActiveTime")
IKE_NUMBERS: dict[IkeCounter, int | None] = {
    IkeCounter.IN_OCTETS: 336,
    IkeCounter.IN_PACKETS: 2,
    IkeCounter.IN_NOTIFYS: 1,
    IkeCounter.IN_P2_EXCHANGES: 2,
    IkeCounter.OUT_OCTETS: 344,
    IkeCounter.OUT_PACKETS: 2,
    IkeCounter.OUT_P2_EXCHANGES: 1,
}
IPSEC_NUMBERS: dict[IpsecCounter, int | None] = {
    IpsecCounter.IN_OCTETS: 400,
    IpsecCounter.IN_DECOMP_OCTETS: 400,
    IpsecCounter.IN_PACKETS: 4,
    IpsecCounter.IN_AUTHS: 4,
    IpsecCounter.IN_DECRYPTS: 4,
    IpsecCounter.OUT_OCTETS: 704,
    IpsecCounter.OUT_UNCOMP_OCTETS: 704,
    IpsecCounter.OUT_PACKETS: 4,
    IpsecCounter.OUT_AUTHS: 4,
    IpsecCounter.OUT_ENCRYPTS: 4,
}
SPIS = [
    NewSpi(True, "ah", 3891970674),
    NewSpi(False, "ah", 1963217493),
    NewSpi(True, "esp", 3691920464),
    NewSpi(False, "esp", 3458912974),
]
OCTET_FORMS = [
    ("InOctets", "HcInOctets", "InOctWraps", IpsecCounter.IN_OCTETS),
    ("InDecompOctets", "HcInDecompOctets", "InDecompOctWraps", IpsecCounter.IN_DECOMP_OCTETS),
    ("OutOctets", "HcOutOctets", "OutOctWraps", IpsecCounter.OUT_OCTETS),
    ("OutUncompOctets", "HcOutUncompOctets", "OutUncompOctWraps", IpsecCounter.OUT_UNCOMP_OCTETS),
]


@pytest.fixture
def world(schema: Schema) -> World:
    return World(schema)


@pytest.mark.parametrize(
    ("context", "poll"), [(VRF1, "1-cleared-abc1.txt"), (VRF2, "2-cleared-abc2.txt"), ("", "1-cleared-abc1.txt")]
)
def test_a_cleared_context_has_the_guides_73_objects(world: World, context: str, poll: str) -> None:
    expected = golden(poll)
    assert len(expected) == 73
    assert world.walk("cipSecMIBObjects", context) == expected


def test_the_guides_tunnel_gives_the_guides_third_poll(world: World) -> None:
    world.ipsec(world.ike(numbers=IKE_NUMBERS), IPSEC_NUMBERS, SPIS)
    walked, expected = world.walk("cipSecMIBObjects"), golden("3-after-ping-abc1.txt")
    assert [name for name, _ in walked] == [name for name, _ in expected]
    differing = [mine for mine, theirs in zip(walked, expected, strict=True) if mine != theirs]
    assert [name.partition(".")[0] for name, _ in differing] == list(VARYING)
    assert world.walk("cipSecMIBObjects", VRF2) == golden("4-after-ping-abc2.txt")


def test_active_times_are_hundredths_of_a_second_since_each_came_up(world: World) -> None:
    ike = world.ike()
    world.clock.time = 30_000
    world.ipsec(ike)
    world.clock.time = 137_520_000 + 9_999
    (peer_time,) = (value for name, value in world.walk("cikePeerTable") if name.startswith("cikePeerActiveTime"))
    assert (peer_time, world.get("cikeTunActiveTime.1"), world.get("cipSecTunActiveTime.1")) == (13752, 13752, 13749)


def test_a_time_beyond_a_time_interval_is_not_instantiated(world: World) -> None:
    world.ike()
    world.clock.time = 2147483647 * 10_000 + 9_999
    assert world.get("cikeTunActiveTime.1") == 2147483647
    world.clock.time += 1
    assert world.get("cikeTunActiveTime.1") is None
    assert world.get("cikeTunLifeTime.1") == 86400


def test_a_tunnel_is_in_its_vrfs_context_alone(world: World) -> None:
    world.ike("vrf2")
    world.ike(None)
    assert world.walk("cikeTunLocalName", VRF1) == []
    assert world.walk("cikeTunLocalName", VRF2) == [("cikeTunLocalName.1", b"ipsecf-3745b")]
    assert world.walk("cikeTunLocalName", "") == [("cikeTunLocalName.2", b"ipsecf-3745b")]


def test_rows_go_with_their_tunnel(world: World) -> None:
    ike = world.ike()
    ipsec = world.ipsec(ike)
    world.monitor.ipsec_ended(ipsec, EndReason.NORMAL)
    world.monitor.ike_ended(ike, EndReason.NORMAL)
    for table in (
        "cikePeerTable",
        "cikeTunnelTable",
        "cikePeerCorrTable",
        "cipSecTunnelTable",
        "cipSecEndPtTable",
        "cipSecSpiTable",
    ):
        assert world.walk(table) == []


def test_a_name_as_identity_is_written_as_it_is(world: World) -> None:
    world.ike(local=Identity(False, "hub"), remote=Identity(False, "a.b"))
    index = "2.3.104.117.98.2.3.97.46.98.1"
    assert world.get(f"cikePeerActiveTunnelIndex.{index}") == 1
    assert (world.labels("cikeTunRemoteType.1"), world.get("cikeTunRemoteValue.1")) == ("namePeer", b"a.b")


def test_a_peer_whose_name_would_exceed_128_sub_identifiers_has_no_row(world: World) -> None:
    for length in (94, 95):  # beside them a name has 14 of the column, 2 types, 2 lengths, 15 of "hhh…" and the internal index
        world.ipsec(world.ike(local=Identity(False, "h" * 15), remote=Identity(False, "s" * length)))
    assert [name.count(".") + len(world.schema.oid_of("cikePeerLocalAddr")) for name, _ in world.walk("cikePeerLocalAddr")] == [128]
    assert len(world.walk("cikeTunLocalName")) == 2
    for tunnel in list(world.monitor.ipsec_tunnels.values()):
        world.monitor.ipsec_ended(tunnel, EndReason.NORMAL)
    for ike in list(world.monitor.ike_tunnels.values()):
        world.monitor.ike_ended(ike, EndReason.NORMAL)
    assert world.walk("cikePeerTable") == []


def test_peers_that_share_identities_have_a_row_each(world: World) -> None:
    for address in ("192.0.2.1", "192.0.2.2"):
        world.ike(spoke=IPv4Address(address), local=Identity(False, "h"), remote=Identity(False, "c"))
    assert world.walk("cikePeerRemoteAddr") == [
        ("cikePeerRemoteAddr.2.1.104.2.1.99.1", b"\xc0\x00\x02\x01"),
        ("cikePeerRemoteAddr.2.1.104.2.1.99.2", b"\xc0\x00\x02\x02"),
    ]


def test_ipv6_addresses_are_16_octets_and_their_identities_unpadded(world: World) -> None:
    address = IPv6Address("2001:db8::1")
    world.ike(remote=Identity(True, str(address)), remote_address=address)
    assert world.get("cikeTunRemoteAddr.1") == address.packed
    assert world.get("cikeTunRemoteValue.1") == b"2001:db8::1"


@pytest.mark.parametrize(
    ("facts", "missing", "present"),
    [
        ({"encryption": "aes", "key_bits": 256}, "cikeTunEncryptAlgo", "cikeTunHashAlgo"),
        ({"group": 14}, "cikeTunDiffHellmanGrp", "cikeTunEncryptAlgo"),
        ({"hash": "sha256"}, "cikeTunHashAlgo", "cikeTunAuthMethod"),
    ],
)
def test_what_phase_1_agreed_on_and_the_mib_cannot_say_is_not_instantiated(
    world: World, facts: dict[str, Any], missing: str, present: str
) -> None:
    world.ike(**facts)
    ike = world.monitor.ike_tunnels[1]
    assert world.get(f"{missing}.1") is None
    assert world.get(f"{present}.1") is not None
    assert world.walk(missing) == []
    world.monitor.ike_ended(ike, EndReason.NORMAL)
    past = missing.replace("cikeTun", "cikeTunHist")
    assert world.get(f"{past}.1") is None


def test_what_phase_2_agreed_on_and_the_mib_cannot_say_is_not_instantiated(world: World) -> None:
    modern = SaAlgorithms(group=14, cipher="aes", key_bits=256, ah="sha256", esp_auth="sha512", compression="lzs")
    plain = SaAlgorithms(group=NO_GROUP, cipher="null", key_bits=0, ah=NOT_USED, esp_auth="md5")
    world.ipsec(world.ike(), inbound=modern, outbound=plain)
    assert world.walk("cipSecTunnelTable")  # the row is there
    columns = ("DiffHellmanGrp", "EncryptAlgo", "AhAuthAlgo", "EspAuthAlgo")
    assert [world.get(f"cipSecTunInSa{column}.1") for column in columns] == [None] * 4
    assert world.get("cipSecTunInSaDecompAlgo.1") is None
    assert [world.labels(f"cipSecTunOutSa{column}.1") for column in columns] == ["none", "none", "none", "hmacMd5"]
    assert world.labels("cipSecTunOutSaCompAlgo.1") == "none"


def test_a_lifetime_that_an_integer_cannot_hold_is_not_instantiated(world: World) -> None:
    world.ipsec(world.ike(), life_size=2147483648, life_time=0)
    assert world.get("cipSecTunLifeSize.1") is None
    assert world.get("cipSecTunLifeTime.1") == 0  # where the truth is 0 and the syntax begins at 1, the truth


def test_what_an_engine_does_not_know_is_not_instantiated(world: World) -> None:
    world.ipsec(
        world.ike(numbers={IkeCounter.IN_OCTETS: None}),
        {IpsecCounter.OUT_DROPS: None, IpsecCounter.IN_OCTETS: None, IpsecCounter.IN_PACKETS: 3},
    )
    for column in ("cikeTunInOctets", "cipSecTunOutDropPkts", "cipSecTunInOctets", "cipSecTunHcInOctets", "cipSecTunInOctWraps"):
        assert world.get(f"{column}.1") is None
    assert world.get("cipSecTunInPkts.1") == 3


@pytest.mark.parametrize("true", [0, 2**32 - 1, 2**32, 5 * 2**32 + 7, 2**63 + 2**31])
def test_octets_come_wrapped_counted_and_whole(world: World, true: int) -> None:
    ipsec = world.ipsec(world.ike(), {counter: true + 3 * counter for *_, counter in OCTET_FORMS})
    for prefix, index in (("cipSecTun", 1), ("cipSecGlobal", 0), ("cipSecTunHist", 1)):
        if prefix == "cipSecTunHist":
            world.monitor.ipsec_ended(ipsec, EndReason.NORMAL)
        for low, whole, wraps, counter in OCTET_FORMS:
            expected = true + 3 * counter
            found = [world.get(f"{prefix}{name}.{index}") for name in (low, whole, wraps)]
            assert found == [expected % 2**32, expected, expected >> 32]


def test_other_counters_wrap_too(world: World) -> None:
    world.ipsec(world.ike(numbers={IkeCounter.IN_PACKETS: 2**32 + 5}), {IpsecCounter.IN_PACKETS: 2**33 + 6})
    assert (world.get("cikeTunInPkts.1"), world.get("cikeGlobalInPkts.0")) == (5, 5)
    assert (world.get("cipSecTunInPkts.1"), world.get("cipSecGlobalInPkts.0")) == (6, 6)


def test_steady_traffic_moves_rows_and_globals_as_the_clock_does(world: World) -> None:
    rhythm = Rhythm(1_000, tuple(int(counter == IpsecCounter.OUT_OCTETS) * 176 for counter in IpsecCounter))
    for _ in range(3):
        world.monitor.ipsec_up(world.ike(), ipsec_facts(), [], PeriodicCounters((0,) * len(IpsecCounter), rhythm, 0))
    world.clock.time = 4_500
    assert [world.get(f"cipSecTunOutOctets.{index}") for index in (1, 2, 3)] == [704] * 3
    assert world.get("cipSecGlobalHcOutOctets.0") == 3 * 704


counts = st.lists(st.tuples(st.integers(0, 2**34), st.booleans()), max_size=6)


@settings(max_examples=25)
@given(tunnels=counts)
def test_a_global_is_its_rows_and_what_ended(schema: Schema, tunnels: list[tuple[int, bool]]) -> None:
    world = World(schema)
    for true, ends in tunnels:
        ike = world.ike(numbers={IkeCounter.OUT_OCTETS: true})
        ipsec = world.ipsec(ike, {IpsecCounter.OUT_OCTETS: true})
        if ends:
            world.monitor.ipsec_ended(ipsec, EndReason.NORMAL)
            world.monitor.ike_ended(ike, EndReason.NORMAL)
    total = sum(true for true, _ in tunnels)
    live = sum(not ends for _, ends in tunnels)
    assert world.get("cipSecGlobalHcOutOctets.0") == total
    assert world.get("cipSecGlobalOutOctets.0") == world.get("cikeGlobalOutOctets.0") == total % 2**32
    assert world.get("cipSecGlobalOutOctWraps.0") == total >> 32
    assert (world.get("cikeGlobalActiveTunnels.0"), world.get("cikeGlobalPreviousTunnels.0")) == (live, len(tunnels) - live)
    assert (world.get("cipSecGlobalActiveTunnels.0"), world.get("cipSecGlobalPreviousTunnels.0")) == (live, len(tunnels) - live)


def test_globals_count_set_ups_and_failures(world: World) -> None:
    world.ike(initiator=True)
    hub, spoke = IPv4Address("10.1.1.2"), IPv4Address("10.1.1.1")
    phase_1 = [IkeFailureReason.CAPACITY, IkeFailureReason.AUTHENTICATION, IkeFailureReason.ENCRYPT]
    phase_1 += [IkeFailureReason.HASH_VALIDATION, IkeFailureReason.NO_SA]
    for reason in phase_1:
        world.monitor.ike_failed("vrf1", reason, hub, spoke, initiator=True)
    world.monitor.ike_failed("vrf1", IkeFailureReason.PROPOSAL, hub, spoke, initiator=False)
    for phase_2 in (IpsecFailureReason.PROTOCOL_USE, IpsecFailureReason.NO_SA, IpsecFailureReason.CAPACITY):
        world.monitor.ipsec_failed("vrf1", phase_2, hub, spoke)
    found = {name.partition(".")[0]: value for name, value in (*world.walk("cikeGlobalStats"), *world.walk("cipSecGlobalStats"))}
    assert {name: value for name, value in found.items() if value} == {
        "cikeGlobalActiveTunnels": 1,
        "cikeGlobalInitTunnels": 1,
        "cikeGlobalInitTunnelFails": 5,
        "cikeGlobalRespTunnelFails": 1,
        "cikeGlobalSysCapFails": 1,
        "cikeGlobalAuthFails": 1,
        "cikeGlobalDecryptFails": 1,
        "cikeGlobalHashValidFails": 1,
        "cikeGlobalNoSaFails": 1,
        "cipSecGlobalProtocolUseFails": 1,
        "cipSecGlobalNoSaFails": 1,
        "cipSecGlobalSysCapFails": 1,
    }


def test_a_rekey_shows_in_its_row_and_its_sas(world: World) -> None:
    ipsec = world.ipsec(world.ike())
    world.monitor.sas_installed(ipsec, [NewSpi(True, "esp", 4000000000), NewSpi(False, "esp", 7)], ipsec.facts, ipsec.spis)
    assert [value for _, value in world.walk("cipSecSpiStatus")] == [2, 2, 2, 2, 1, 1]
    assert (world.get("cipSecTunTotalRefreshes.1"), world.get("cipSecTunCurrentSaInstances.1")) == (1, 6)
    world.monitor.sas_expired(ipsec, ipsec.spis[:4])
    assert world.walk("cipSecSpiValue") == [("cipSecSpiValue.1.5", 4000000000), ("cipSecSpiValue.1.6", 7)]
    assert (world.get("cipSecTunExpiredSaInstances.1"), world.get("cipSecTunCurrentSaInstances.1")) == (4, 2)


def test_between_two_ike_tunnels_the_old_index_is_kept_and_not_alive(world: World) -> None:
    ike = world.ike()
    world.ipsec(ike)
    peer = next(name for name, _ in world.walk("cikePeerActiveTunnelIndex"))
    world.monitor.ike_ended(ike, EndReason.NORMAL)
    assert (world.get("cipSecTunIkeTunnelIndex.1"), world.labels("cipSecTunIkeTunnelAlive.1"), world.get(peer)) == (1, "false", 0)
    world.ike()
    assert (world.get("cipSecTunIkeTunnelIndex.1"), world.labels("cipSecTunIkeTunnelAlive.1"), world.get(peer)) == (2, "true", 2)


def test_endpoints_are_hosts_ranges_or_subnets(world: World) -> None:
    low, high, mask = IPv4Address("10.0.0.0"), IPv4Address("10.0.0.9"), IPv4Address("255.255.255.0")
    servers, clients = Endpoint("subnet", low, mask, 6, 80, "servers"), Endpoint("range", low, high, 6)
    world.ipsec(world.ike(), local=(servers,), remote=(clients,))
    assert world.walk("cipSecEndPtTable") == [
        ("cipSecEndPtLocalName.1.1", b"servers"),
        ("cipSecEndPtLocalType.1.1", 3),
        ("cipSecEndPtLocalAddr1.1.1", low.packed),
        ("cipSecEndPtLocalAddr2.1.1", mask.packed),
        ("cipSecEndPtLocalProtocol.1.1", 6),
        ("cipSecEndPtLocalPort.1.1", 80),
        ("cipSecEndPtRemoteName.1.1", b""),
        ("cipSecEndPtRemoteType.1.1", 2),
        ("cipSecEndPtRemoteAddr1.1.1", low.packed),
        ("cipSecEndPtRemoteAddr2.1.1", high.packed),
        ("cipSecEndPtRemoteProtocol.1.1", 6),
        ("cipSecEndPtRemotePort.1.1", 0),
    ]


def test_modes_are_told(world: World) -> None:
    signed = {"local_authentication": "rsa-sig", "remote_authentication": "rsa-sig"}
    world.ipsec(world.ike(aggressive=True, group=2, encryption="3des", hash="md5", **signed), transport=True)
    labels = [
        world.labels(f"cikeTun{column}.1") for column in ("NegoMode", "AuthMethod", "DiffHellmanGrp", "EncryptAlgo", "HashAlgo")
    ]
    assert labels == ["aggressive", "rsaSig", "dhGroup2", "des3", "md5"]
    assert world.labels("cipSecTunEncapMode.1") == "transport"


def test_the_gateway_tables_are_there_without_rows(world: World) -> None:
    world.ipsec(world.ike())
    for table in ("cikePhase1GWStatsTable", "cipSecPhase2GWStatsTable"):
        accessible = [column.name for column in world.schema.table(table).columns if column.accessible]
        assert accessible
        assert set(accessible) <= set(world.columns())
        assert world.walk(table) == []


@pytest.mark.parametrize("status", ["cikeTunStatus", "cipSecTunStatus"])
def test_destroy_asks_the_engine_once_the_whole_set_is_accepted(world: World, status: str) -> None:
    ipsec = world.ipsec(world.ike())
    commit = world.test(f"{status}.1", 2)
    assert world.tunnels.requests == []
    assert commit.order > world.test(f"{status}.1", 1).order
    commit.do(MANAGER)
    assert ipsec.ike is not None
    wanted = DestroyIpsec(ipsec.index) if status == "cipSecTunStatus" else DestroyIke(ipsec.ike.index)
    assert world.tunnels.requests == [wanted]


@pytest.mark.parametrize("status", ["cikeTunStatus", "cipSecTunStatus"])
def test_destroy_is_no_access_where_the_engine_refuses(world: World, status: str) -> None:
    world.ipsec(world.ike())
    world.tunnels.refusal = Refusal("read-only")
    with pytest.raises(SetRefusedError) as refused:
        world.test(f"{status}.1", 2)
    assert refused.value.status == "noAccess"


@pytest.mark.parametrize("status", ["cikeTunStatus", "cipSecTunStatus"])
def test_active_is_what_a_tunnel_is(world: World, status: str) -> None:
    world.ipsec(world.ike())
    world.set(f"{status}.1", 1)
    assert world.tunnels.requests == []
