"""CISCO-IPSEC-FLOW-MONITOR-MIB, the other half: history, failures, and the settings that a manager may change."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from agent.base.ike_counters import IkeCounter
from agent.flow.counters import IpsecCounter
from agent.flow.model import EndReason, Identity, IkeFailureReason, IpsecFailureReason
from agent.flow.records import CheckPointed, FlowRecord
from agent.mib import terms
from agent.mib.column import SetRefusedError
from agent.mib.schema import Schema
from tests.flow.builders import HUB, SPOKE
from tests.mib.world import MANAGER, VRF1, VRF2, World

INSIDE = IPv4Address("10.22.1.1")
SIZES = ("cipSecHistTableSize.0", "cipSecFailTableSize.0")


@pytest.fixture
def world(schema: Schema) -> World:
    return World(schema)


def end(world: World, reason: EndReason = EndReason.OPERATOR) -> None:
    """One tunnel of each phase that lived from the second 1 to the second 3."""
    world.clock.time = 1_000_000
    ike = world.ike(numbers={IkeCounter.IN_OCTETS: 336})
    ipsec = world.ipsec(ike, {IpsecCounter.OUT_OCTETS: 704, IpsecCounter.IN_OCTETS: 2**32 + 1})
    world.clock.time = 3_000_000
    world.monitor.ipsec_ended(ipsec, reason)
    world.monitor.ike_ended(ike, reason)


def columns(world: World, table: str) -> dict[str, object]:
    return {name.rpartition(".")[0]: value for name, value in world.walk(table)}


def test_an_ended_ike_tunnel_is_in_history_with_its_final_numbers(world: World) -> None:
    end(world)
    world.clock.time = 9_000_000
    row = columns(world, "cikeTunnelHistTable")
    assert world.labels("cikeTunHistTermReason.1") == "operRequest"
    assert {
        name: row[name] for name in row if not name.endswith(("Pkts", "Notifys", "Exchgs", "Invalids", "Rejects", "Requests"))
    } == {
        "cikeTunHistTermReason": 3,
        "cikeTunHistActiveIndex": 1,
        "cikeTunHistPeerLocalType": 1,
        "cikeTunHistPeerLocalValue": b"010.001.001.002",
        "cikeTunHistPeerIntIndex": 1,
        "cikeTunHistPeerRemoteType": 1,
        "cikeTunHistPeerRemoteValue": b"010.001.001.001",
        "cikeTunHistLocalAddr": HUB.packed,
        "cikeTunHistLocalName": b"ipsecf-3745b",
        "cikeTunHistRemoteAddr": SPOKE.packed,
        "cikeTunHistRemoteName": b"",
        "cikeTunHistNegoMode": 1,
        "cikeTunHistDiffHellmanGrp": 2,
        "cikeTunHistEncryptAlgo": 2,
        "cikeTunHistHashAlgo": 3,
        "cikeTunHistAuthMethod": 2,
        "cikeTunHistLifeTime": 86400,
        "cikeTunHistStartTime": 100,
        "cikeTunHistActiveTime": 200,
        "cikeTunHistTotalRefreshes": 0,
        "cikeTunHistTotalSas": 1,
        "cikeTunHistInOctets": 336,
        "cikeTunHistOutOctets": 0,
    }


def test_an_ended_ipsec_tunnel_is_in_history_with_its_endpoints(world: World) -> None:
    end(world)
    row = columns(world, "cipSecTunnelHistTable")
    expected = {
        "cipSecTunHistTermReason": 3,
        "cipSecTunHistActiveIndex": 1,
        "cipSecTunHistIkeTunnelIndex": 1,
        "cipSecTunHistStartTime": 100,
        "cipSecTunHistActiveTime": 200,
        "cipSecTunHistTotalSas": 4,
        "cipSecTunHistOutOctets": 704,
        "cipSecTunHistInOctets": 1,
        "cipSecTunHistHcInOctets": 2**32 + 1,
        "cipSecTunHistInOctWraps": 1,
    }
    assert {name: row[name] for name in expected} == expected
    ends = columns(world, "cipSecEndPtHistTable")
    assert (ends["cipSecEndPtHistTunIndex"], ends["cipSecEndPtHistActiveIndex"]) == (1, 1)
    assert ends["cipSecEndPtHistLocalAddr1"] == INSIDE.packed


def test_every_accessible_column_of_a_past_row_is_instantiated(world: World) -> None:
    """A row of the guide's tunnel knows everything."""
    end(world)
    for table in ("cikeTunnelHistTable", "cipSecTunnelHistTable", "cipSecEndPtHistTable", "cikeFailTable", "cipSecFailTable"):
        accessible = [column.name for column in world.schema.table(table).columns if column.accessible]
        assert list(columns(world, table)) == accessible


@pytest.mark.parametrize(
    ("reason", "label"),
    [
        (EndReason.NORMAL, "normal"),
        (EndReason.OPERATOR, "operRequest"),
        (EndReason.PEER_DELETE, "peerDelRequest"),
        (EndReason.PEER_LOST, "peerLost"),
        (EndReason.LOCAL_FAILURE, "localFailure"),
        (EndReason.OTHER, "other"),
    ],
)
def test_why_a_tunnel_ended_is_told_and_an_early_end_is_a_failure(world: World, reason: EndReason, label: str) -> None:
    end(world, reason)
    assert world.labels("cikeTunHistTermReason.1") == label
    assert world.labels("cipSecTunHistTermReason.1") == label.replace("localFailure", "other")
    if reason is EndReason.NORMAL:
        assert world.walk("cikeFailTable") == world.walk("cipSecFailTable") == []
    else:
        assert world.labels("cikeFailReason.1") == label
        assert world.labels("cipSecFailReason.1") == label.replace("localFailure", "internalError")
        assert (world.get("cikeFailTime.1"), world.get("cipSecFailTime.1"), world.get("cipSecFailTunnelIndex.1")) == (300, 300, 1)


def test_history_indexes_are_the_contexts_own(world: World) -> None:
    for vrf in ("vrf1", "vrf2", "vrf2"):
        world.monitor.ike_ended(world.ike(vrf), EndReason.NORMAL)
    assert world.walk("cikeTunHistActiveIndex", VRF1) == [("cikeTunHistActiveIndex.1", 1)]
    assert world.walk("cikeTunHistActiveIndex", VRF2) == [("cikeTunHistActiveIndex.1", 2), ("cikeTunHistActiveIndex.2", 3)]


def test_a_failed_phase_1_leaves_out_identities_that_never_became_known(world: World) -> None:
    world.clock.time = 50_000
    world.monitor.ike_failed("vrf1", IkeFailureReason.PROPOSAL, HUB, SPOKE, initiator=False)
    assert [name.partition(".")[0] for name, _ in world.walk("cikeFailTable")] == [
        "cikeFailReason",
        "cikeFailTime",
        "cikeFailLocalAddr",
        "cikeFailRemoteAddr",
    ]
    assert (world.labels("cikeFailReason.1"), world.get("cikeFailTime.1")) == ("proposalFailure", 5)
    world.monitor.ike_failed(
        "vrf1", IkeFailureReason.AUTHENTICATION, HUB, SPOKE, Identity(False, "hub"), Identity(True, str(SPOKE))
    )
    assert [world.get(f"cikeFail{side}Value.2") for side in ("Local", "Remote")] == [b"hub", b"010.001.001.001"]


def test_a_failed_phase_2_tells_its_packet_and_no_tunnel(world: World) -> None:
    world.monitor.ipsec_failed("vrf1", IpsecFailureReason.NO_SA, SPOKE, HUB, spi=258)
    assert columns(world, "cipSecFailTable") == {
        "cipSecFailReason": world.schema.object("cipSecFailReason").syntax.number("nonExistentSa"),  # type: ignore[union-attr]  # it has a syntax
        "cipSecFailTime": 0,
        "cipSecFailTunnelIndex": 0,
        "cipSecFailSaSpi": 258,
        "cipSecFailPktSrcAddr": SPOKE.packed,
        "cipSecFailPktDstAddr": HUB.packed,
    }


@pytest.mark.parametrize(("spi", "shown"), [(0, 0), (2147483647, 2147483647), (2147483648, None), (4294967295, None)])
def test_an_spi_that_an_integer_cannot_hold_is_not_instantiated(world: World, spi: int, shown: int | None) -> None:
    world.monitor.ipsec_failed("vrf1", IpsecFailureReason.DECRYPT, SPOKE, HUB, spi=spi)
    assert world.get("cipSecFailSaSpi.1") == shown
    assert [name for name, _ in world.walk("cipSecFailSaSpi")] == ["cipSecFailSaSpi.1"] * (shown is not None)


# --- terms: every label that we use is one that the modules have ---

LABELS = [
    ("cikeTunHistTermReason", terms.IKE_END.values()),
    ("cipSecTunHistTermReason", terms.IPSEC_END.values()),
    ("cikeFailReason", terms.IKE_FAILURE.values()),
    ("cipSecFailReason", terms.IPSEC_FAILURE.values()),
    ("cikeTunDiffHellmanGrp", terms.GROUP.values()),
    ("cipsIsakmpPolGroup", terms.GROUP.values()),
    ("cipsStaticCryptomapPfs", terms.GROUP.values()),
    ("cikeTunEncryptAlgo", terms.CIPHER.values()),
    ("cipSecTunInSaEncryptAlgo", terms.CIPHER.values()),
    ("cipsIsakmpPolEncr", terms.CIPHER.values()),
    ("cikeTunHashAlgo", terms.IKE_HASH.values()),
    ("cipsIsakmpPolHash", terms.IKE_HASH.values()),
    ("cikeTunAuthMethod", terms.AUTHENTICATION.values()),
    ("cipsIsakmpPolAuth", terms.AUTHENTICATION.values()),
    ("cipSecTunInSaAhAuthAlgo", terms.HMAC.values()),
    ("cipSecTunInSaDecompAlgo", terms.COMPRESSION.values()),
    ("cipSecEndPtLocalType", terms.ENDPOINT_KIND.values()),
    ("cikeTunLocalType", ["ipAddrPeer", "namePeer"]),
]


@pytest.mark.parametrize(("name", "labels"), LABELS, ids=[name for name, _ in LABELS])
def test_our_terms_are_labels_of_the_module(schema: Schema, name: str, labels: list[str]) -> None:
    syntax = schema.object(name).syntax
    assert syntax is not None
    assert set(labels) <= set(syntax.enum or ())


def test_every_reason_has_a_label() -> None:
    assert set(terms.IKE_FAILURE) == set(IkeFailureReason)
    assert set(terms.IPSEC_FAILURE) == set(IpsecFailureReason)
    assert set(terms.IPSEC_END) == set(EndReason)
    # An IKE SA has no sequence numbers and no SPI.
    assert set(terms.IKE_END) == set(EndReason) - {EndReason.SEQUENCE_ROLLOVER, EndReason.UNKNOWN_TO_PEER}


# --- what a manager may set ---


def test_a_window_set_in_one_context_is_that_contexts_alone(world: World) -> None:
    for index in range(1, 6):
        end(world)
        assert world.get(f"cikeTunHistActiveIndex.{index}") == index
    world.set("cipSecHistTableSize.0", 2)
    assert [[name for name, _ in world.walk(column)] for column in ("cikeTunHistActiveIndex", "cipSecTunHistActiveIndex")] == [
        ["cikeTunHistActiveIndex.4", "cikeTunHistActiveIndex.5"],
        ["cipSecTunHistActiveIndex.4", "cipSecTunHistActiveIndex.5"],
    ]
    assert len(world.walk("cipSecEndPtHistTunIndex")) == 2
    assert len(world.walk("cikeFailTime")) == 5
    world.set("cipSecFailTableSize.0", 3)
    assert [name for name, _ in world.walk("cikeFailTime")] == ["cikeFailTime.3", "cikeFailTime.4", "cikeFailTime.5"]
    assert [[world.get(size, context) for size in SIZES] for context in (VRF1, VRF2, "")] == [[2, 3], [200, 200], [200, 200]]


def test_of_140_ended_tunnels_the_last_130_are_left(world: World) -> None:
    world.monitor.resize_windows(tunnels=130)
    for _ in range(140):
        end(world, EndReason.NORMAL)
    assert [world.get("cipSecHistTableSize.0", context) for context in (VRF1, VRF2, "")] == [130] * 3
    assert [name for name, _ in world.walk("cikeTunHistActiveIndex")] == [
        f"cikeTunHistActiveIndex.{index}" for index in range(11, 141)
    ]


@pytest.mark.parametrize("instance", SIZES)
@pytest.mark.parametrize("size", [0, -1, 65536, 2147483647])
def test_a_size_that_no_window_has_is_a_wrong_value(world: World, instance: str, size: int) -> None:
    with pytest.raises(SetRefusedError, match="wrongValue"):
        world.test(instance, size)
    assert world.get(instance) == 200


@pytest.mark.parametrize("instance", SIZES)
def test_testing_a_value_changes_nothing(world: World, instance: str) -> None:
    for size in (1, 65535):
        commit = world.test(instance, size)
        assert world.get(instance) != size
        commit.do(MANAGER)
        assert world.get(instance) == size


@pytest.mark.parametrize("scalar", terms.FLOW_TRAP_SCALARS)
def test_each_notification_is_switched_by_its_own_scalar(world: World, scalar: str) -> None:
    kind = terms.FLOW_TRAP_SCALARS[scalar]
    settings = world.monitor.vrf("vrf1")
    default = kind in settings.traps
    others = settings.traps - {kind}
    for number, label in ((1, "enabled"), (2, "disabled")):
        world.set(f"{scalar}.0", number)
        assert world.labels(f"{scalar}.0") == label
        assert (kind in settings.traps) is (label == "enabled")
    assert settings.traps == others
    assert (world.labels(f"{scalar}.0", VRF2) == "enabled") is default
    with pytest.raises(SetRefusedError, match="wrongValue"):
        world.test(f"{scalar}.0", 3)


def test_a_check_point_copies_what_is_live_and_is_ready_again(world: World) -> None:
    events: list[FlowRecord] = []
    world.ipsec(world.ike())
    world.monitor.subscribe(events.append)
    commit = world.test("cipSecHistCheckPoint.0", 2)
    assert events == []
    commit.do(MANAGER)
    assert [(type(event), event.vrf) for event in events] == [(CheckPointed, "vrf1")]
    assert world.labels("cipSecHistCheckPoint.0") == "ready"
    assert [world.labels(f"{phase}HistTermReason.1") for phase in ("cikeTun", "cipSecTun")] == ["checkPointReg", "checkPointReq"]
    assert world.labels("cikeTunStatus.1") == world.labels("cipSecTunStatus.1") == "active"
    assert (world.get("cikeGlobalPreviousTunnels.0"), world.get("cipSecGlobalPreviousTunnels.0")) == (0, 0)
    world.set("cipSecHistCheckPoint.0", 1)
    assert len(events) == 1
    with pytest.raises(SetRefusedError, match="wrongValue"):
        world.test("cipSecHistCheckPoint.0", 3)
