"""Which notifications events make, with their objects in order, their instances, and the values of that moment."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from agent.base.keyed import keyed_by_itself
from agent.config.commands.traps import all_leaves
from agent.config.crypto_model import CryptoMapEntry, IsakmpPolicy
from agent.config.endpoint import RouterEndpoint
from agent.config.events import (
    CryptoChanged,
    CryptoMapAdded,
    CryptoMapAttached,
    CryptoMapDeleted,
    CryptoMapDetached,
    IsakmpPolicyAdded,
    IsakmpPolicyDeleted,
)
from agent.config.snmp_model import SnmpConfig
from agent.flow.device import InterfaceState
from agent.flow.model import EndReason, IkeFailureReason, IpsecFailureReason
from agent.flow.settings import DEFAULT_TRAPS, TrapKind
from agent.mib.compile import CompiledMibs
from agent.mib.schema import Schema, build_schema
from agent.mib.sources import MibError
from agent.snmp import notifications
from agent.snmp.notifications import (
    Notification,
    Scene,
    notification_forms,
    of_bad_community,
    of_config_event,
    of_link,
    of_record,
    of_start,
)
from agent.snmp.traps import KINDS_OF_LEAF, apply_trap_leaves, apply_trap_lines
from tests.flow.builders import HUB, SPOKE
from tests.mib.world import World, value_of

SECOND = 1_000_000
PAIR = "1.15.48.49.48.46.48.48.49.46.48.48.49.46.48.48.50.1.15.48.49.48.46.48.48.49.46.48.48.49.46.48.48.49.1"
PEERS = {f"cikePeerLocalAddr.{PAIR}": HUB.packed, f"cikePeerRemoteAddr.{PAIR}": SPOKE.packed}
MAP = "8.118.114.102.49.45.109.97.112"  # vrf1-map


class Told:
    """A router's world, and the notifications that its events make."""

    def __init__(self, schema: Schema) -> None:
        self.world = World(schema)
        self.schema = schema
        self.forms = notification_forms(schema)
        self.all: list[Notification] = []
        self.wanted: Any = lambda vrf, kind: True
        for flow in (self.world.monitor.vrf("vrf1"), self.world.monitor.vrf(None)):
            for kind in TrapKind:
                flow.set_trap(kind, True)
        self.world.monitor.subscribe(lambda event: self.all.extend(of_record(event, self.scene)))

    @property
    def scene(self) -> Scene:
        world = self.world
        return Scene(
            self.forms, RouterEndpoint(world.config), world.monitor, world.contexts.tree, lambda vrf, kind: self.wanted(vrf, kind)
        )

    def changed(self, event: Any) -> None:
        self.world.contexts.config_changed()
        self.all.extend(of_config_event(event, self.scene))

    def take(self) -> list[tuple[str, dict[str, Any]]]:
        """The notifications since the last call: names, and values by instance, in order."""
        taken = [(each.name, self._objects(each)) for each in self.all]
        self.all.clear()
        return taken

    def _objects(self, notification: Notification) -> dict[str, Any]:
        assert tuple(each.name for each in notification.objects) == self.schema.notification(notification.name).objects
        assert notification.oid == self.schema.notification(notification.name).oid
        found = {}
        for each in notification.objects:
            obj = self.schema.object(each.name)
            assert each.oid[: len(obj.oid)] == obj.oid
            value = value_of(each.value)
            assert obj.syntax is not None
            if obj.syntax.enum:
                assert value in obj.syntax.enum.values(), f"{each.name} has {value}, which its SYNTAX has not"
            label = obj.syntax.label(value) if obj.syntax and obj.syntax.enum and isinstance(value, int) else None
            found[f"{each.name}.{'.'.join(map(str, each.oid[len(obj.oid) :]))}"] = value if label is None else label
        return found


@pytest.fixture
def told(schema: Schema) -> Told:
    return Told(schema)


def test_tunnels_start_and_stop_with_their_objects(told: Told) -> None:
    world = told.world
    world.clock.time = 10 * SECOND
    ike = world.ike()
    ipsec = world.ipsec(ike)
    assert told.all[0].vrf == "vrf1"
    assert [each.kind for each in told.all] == ["isakmp", "ipsec"]
    assert told.take() == [
        ("cikeTunnelStart", {**PEERS, "cikeTunLifeTime.1": 86400}),
        ("cipSecTunnelStart", {"cipSecTunLifeTime.1": 5000, "cipSecTunLifeSize.1": 99000}),
    ]
    world.clock.time = 17 * SECOND + 123_456
    world.monitor.ipsec_ended(ipsec, EndReason.NORMAL)
    world.monitor.ike_ended(ike, EndReason.NORMAL)
    world.clock.time = 99 * SECOND
    assert told.take() == [
        ("cipSecTunnelStop", {"cipSecTunActiveTime.1": 712}),
        ("cikeTunnelStop", {**PEERS, "cikeTunActiveTime.1": 712}),
    ]


def test_a_time_that_its_syntax_cannot_hold_is_0(told: Told) -> None:
    world = told.world
    ike = world.ike()
    ipsec = world.ipsec(ike)
    told.take()
    world.clock.time = 250 * 86400 * SECOND
    world.monitor.ipsec_ended(ipsec, EndReason.NORMAL)
    world.monitor.ike_ended(ike, EndReason.NORMAL)
    assert told.take() == [
        ("cipSecTunnelStop", {"cipSecTunActiveTime.1": 0}),
        ("cikeTunnelStop", {**PEERS, "cikeTunActiveTime.1": 0}),
    ]


def test_an_early_end_is_told_with_the_protocol_of_its_first_sa(told: Told) -> None:
    world = told.world
    ike = world.ike()
    ipsec = world.ipsec(ike)
    told.take()
    world.clock.time = 3 * SECOND
    world.monitor.ipsec_ended(ipsec, EndReason.PEER_LOST)
    world.monitor.ike_ended(ike, EndReason.PEER_LOST)
    early = {"cipSecTunActiveTime.1": 300, "cipSecSpiProtocol.1.1": "ah"}
    assert told.take() == [
        ("cipSecTunnelStop", {"cipSecTunActiveTime.1": 300}),
        ("cipSecEarlyTunTerm", early),
        ("cikeTunnelStop", {**PEERS, "cikeTunActiveTime.1": 300}),
    ]


def test_a_tunnel_that_ends_by_our_own_failure_is_a_system_failure_too(told: Told) -> None:
    world = told.world
    ike = world.ike()
    ipsec = world.ipsec(ike)
    told.take()
    world.monitor.ipsec_ended(ipsec, EndReason.LOCAL_FAILURE)
    world.monitor.ike_ended(ike, EndReason.LOCAL_FAILURE)
    assert told.take() == [
        ("cipSecTunnelStop", {"cipSecTunActiveTime.1": 0}),
        ("cipSecEarlyTunTerm", {"cipSecTunActiveTime.1": 0, "cipSecSpiProtocol.1.1": "ah"}),
        ("cipSecSysFailure", {**PEERS, "cipSecTunActiveTime.1": 0, "cipSecSpiProtocol.1.1": "ah"}),
        ("cikeTunnelStop", {**PEERS, "cikeTunActiveTime.1": 0}),
        ("cikeSysFailure", PEERS),
    ]


IKE_REASONS = {
    "cikeSysFailure": (IkeFailureReason.INTERNAL, IkeFailureReason.CAPACITY, IkeFailureReason.LOCAL_FAILURE),
    "cikeCertCrlFailure": (
        IkeFailureReason.PEER_CERTIFICATE_UNAVAILABLE,
        IkeFailureReason.PEER_CERTIFICATE_INVALID,
        IkeFailureReason.LOCAL_CERTIFICATE_EXPIRED,
        IkeFailureReason.CRL,
    ),
    "cikeProtocolFailure": (
        IkeFailureReason.AUTHENTICATION,
        IkeFailureReason.HASH_VALIDATION,
        IkeFailureReason.ENCRYPT,
        IkeFailureReason.PROPOSAL,
        IkeFailureReason.PEER_ENCODING,
    ),
    "cikeNoSa": (IkeFailureReason.NO_SA,),
    None: (IkeFailureReason.OTHER, IkeFailureReason.PEER_DELETE, IkeFailureReason.PEER_LOST, IkeFailureReason.OPERATOR),
}


@pytest.mark.parametrize(("reason", "name"), [(reason, name) for name, reasons in IKE_REASONS.items() for reason in reasons])
def test_a_failed_phase_1_is_told_by_its_reason_under_the_index_it_would_have(
    told: Told, reason: IkeFailureReason, name: str | None
) -> None:
    told.world.monitor.ike_failed("vrf1", reason, HUB, SPOKE, initiator=True)
    assert told.take() == ([] if name is None else [(name, PEERS)])


def test_every_phase_1_reason_has_been_thought_of() -> None:
    assert {reason for reasons in IKE_REASONS.values() for reason in reasons} == set(IkeFailureReason)


@pytest.mark.parametrize("reason", list(IpsecFailureReason))
def test_a_phase_2_that_never_was_carries_index_and_value_0(told: Told, reason: IpsecFailureReason) -> None:
    told.world.monitor.ipsec_failed("vrf1", reason, HUB, SPOKE)
    never = {"cipSecTunActiveTime.0": 0, "cipSecSpiProtocol.0.0": "esp"}
    system = (
        IpsecFailureReason.INTERNAL,
        IpsecFailureReason.CAPACITY,
        IpsecFailureReason.ENCRYPT,
        IpsecFailureReason.OUT_AUTHENTICATION,
    )
    if reason in system:
        assert told.take() == [("cipSecSysFailure", {**PEERS, **never})]
    elif reason is IpsecFailureReason.NO_SA:
        assert told.take() == [("cipSecNoSa", {})]
    else:
        assert told.take() == [("cipSecSetUpFailure", PEERS)]


@pytest.mark.parametrize(("spi", "index", "protocol"), [(258, 3, "esp"), (999, 1, "ah")])
def test_bad_packets_of_a_live_tunnel_are_told_with_their_sa(told: Told, spi: int, index: int, protocol: str) -> None:
    world = told.world
    tunnel = world.ipsec(world.ike())
    told.take()
    world.clock.time = 2 * SECOND
    world.monitor.ipsec_failed("vrf1", IpsecFailureReason.DECRYPT, SPOKE, HUB, spi, tunnel)
    assert told.take() == [("cipSecProtocolFailure", {"cipSecTunActiveTime.1": 200, f"cipSecSpiProtocol.1.{index}": protocol})]
    world.monitor.ipsec_failed("vrf1", IpsecFailureReason.ENCRYPT, HUB, SPOKE, spi, tunnel)
    ((name, objects),) = told.take()
    assert name == "cipSecSysFailure"
    assert objects == {**PEERS, "cipSecTunActiveTime.1": 200, f"cipSecSpiProtocol.1.{index}": protocol}


def test_a_refused_sa_is_told_in_the_global_context(told: Told) -> None:
    told.world.config.crypto.ipsec_sa_limit = 25
    told.world.monitor.sa_refused("vrf1")
    assert told.all[0].vrf is None
    assert told.take() == [("cipsTooManySAs", {"cipsMaxSAs.0": 25})]


def test_changes_of_the_configuration_are_told_in_the_global_context(told: Told) -> None:
    crypto = told.world.config.crypto
    (first,) = crypto.maps["vrf1-map"].entries
    second = CryptoMapEntry("vrf1-map", 20, peers=keyed_by_itself([IPv4Address("10.1.1.9")]))
    crypto.maps["vrf1-map"] = replace(crypto.maps["vrf1-map"], entries=(first, second))
    told.changed(CryptoMapAdded(second))
    crypto.maps["vrf1-map"] = replace(crypto.maps["vrf1-map"], entries=(first,))
    told.changed(CryptoMapDeleted(second))
    told.changed(CryptoMapAttached("vrf1-map", "Serial1/0.1"))
    told.changed(CryptoMapDetached("vrf1-map", "Serial1/0.1"))
    del crypto.maps["vrf1-map"]
    told.changed(CryptoMapDeleted(first))
    told.changed(CryptoMapDetached("vrf1-map", "Serial1/2.1"))
    policy = IsakmpPolicy(30)
    crypto.policies[30] = policy
    told.changed(IsakmpPolicyAdded(policy))
    del crypto.policies[30]
    told.changed(IsakmpPolicyDeleted(policy))
    told.changed(CryptoChanged())
    assert {each.vrf for each in told.all} == {None}
    assert [each.kind for each in told.all] == ["ipsec"] * 6 + ["isakmp"] * 2
    size = f"cipsStaticCryptomapSetSize.{MAP}"
    assert told.take() == [
        ("cipsCryptomapAdded", {f"cipsStaticCryptomapType.{MAP}.20": "cryptomapTypeISAKMP", size: 2}),
        ("cipsCryptomapDeleted", {size: 1}),
        (
            "cipsCryptomapSetAttached",
            {size: 1, f"cipsStaticCryptomapSetNumIsakmp.{MAP}": 1, f"cipsStaticCryptomapSetNumDynamic.{MAP}": 0},
        ),
        ("cipsCryptomapSetDetached", {size: 1}),
        ("cipsCryptomapDeleted", {size: 0}),
        ("cipsCryptomapSetDetached", {size: 0}),
        ("cipsIsakmpPolicyAdded", {"cipsNumIsakmpPolicies.0": 3}),
        ("cipsIsakmpPolicyDeleted", {"cipsNumIsakmpPolicies.0": 2}),
    ]


def test_a_map_that_is_attached_but_not_configured_has_no_entries(told: Told) -> None:
    told.changed(CryptoMapAttached("none", "Serial1/0.1"))
    ((_, objects),) = told.take()
    assert list(objects.values()) == [0, 0, 0]


def test_what_is_not_enabled_in_its_context_is_not_told(told: Told) -> None:
    world = told.world
    for flow in (world.monitor.vrf("vrf1"), world.monitor.vrf(None)):
        flow.traps.clear()
    ike = world.ike()
    world.monitor.ipsec_ended(world.ipsec(ike), EndReason.OPERATOR)
    world.monitor.ike_failed("vrf1", IkeFailureReason.NO_SA, HUB, SPOKE)
    world.monitor.sa_refused("vrf1")
    told.changed(CryptoMapAdded(CryptoMapEntry("m", 1)))
    assert told.take() == []
    world.ike(vrf="vrf2")  # its own settings hold there
    assert [name for name, _ in told.take()] == ["cikeTunnelStart"]


def test_what_no_host_wants_is_not_even_made(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    told.wanted = lambda vrf, kind: asked.append((vrf, kind))
    monkeypatch.setattr(notifications, "_notification", None)
    told.world.ipsec(told.world.ike())
    assert told.take() == []
    assert asked == [("vrf1", "isakmp"), ("vrf1", "ipsec")]


def test_a_vrf_without_a_context_is_told_of_without_a_tree(told: Told) -> None:
    told.world.monitor.vrf("hidden").set_trap(TrapKind.IKE_TUNNEL_START, True)
    told.world.ike(vrf="hidden")
    ((name, _),) = told.take()
    assert name == "cikeTunnelStart"


def test_the_standard_ones_follow_their_lines(told: Told) -> None:
    state = InterfaceState(3, "Serial1/0.1", "propPointToPointSerial", 1500, 1_544_000)
    down = replace(state, admin_up=False, oper_up=False)

    def all_of_them() -> list[Notification]:
        scene = told.scene
        return [
            *of_start(True, scene),
            *of_start(False, scene),
            *of_link(state, scene),
            *of_link(down, scene),
            *of_bad_community(scene),
        ]

    assert all_of_them() == []
    told.world.config.snmp.traps |= {f"snmp {leaf}" for leaf in ("coldstart", "warmstart", "linkup", "linkdown", "authentication")}
    told.all = all_of_them()
    assert {(each.vrf, each.kind) for each in told.all} == {(None, "snmp")}
    assert told.take() == [
        ("coldStart", {}),
        ("warmStart", {}),
        ("linkUp", {"ifIndex.3": 3, "ifAdminStatus.3": "up", "ifOperStatus.3": "up"}),
        ("linkDown", {"ifIndex.3": 3, "ifAdminStatus.3": "down", "ifOperStatus.3": "down"}),
        ("authenticationFailure", {}),
    ]


def test_every_notification_of_the_modules_is_known(schema: Schema) -> None:
    assert set(notifications._KINDS) == {each.name for each in schema.notifications()}


@pytest.mark.parametrize(
    ("module", "lacks", "named"),
    [
        ("CISCO-IPSEC-FLOW-MONITOR-MIB", "cikeNoSa", "cikeNoSa"),
        ("CISCO-IPSEC-FLOW-MONITOR-MIB", "cipSecSpiProtocol", "cipSecSpiProtocol"),
        ("CISCO-IPSEC-MIB", "cipsStaticCryptomapSetTable", "cipsStaticCryptomapSetTable"),
    ],
)
def test_a_name_that_the_modules_lack_is_an_error_at_the_start(compiled: CompiledMibs, module: str, lacks: str, named: str) -> None:
    documents = {name: dict(document) for name, document in compiled.documents.items()}
    del documents[module][lacks]
    with pytest.raises(MibError, match=f"do not define {named}; take"):
        notification_forms(build_schema(documents))


def test_an_object_that_no_event_has_an_instance_of_is_an_error_at_the_start(compiled: CompiledMibs) -> None:
    documents = {name: dict(document) for name, document in compiled.documents.items()}
    module = documents["CISCO-IPSEC-FLOW-MONITOR-MIB"]
    carried = [*module["cikeTunnelStart"]["objects"], {"module": "CISCO-IPSEC-FLOW-MONITOR-MIB", "object": "cipSecSpiValue"}]
    module["cikeTunnelStart"] = {**module["cikeTunnelStart"], "objects": carried}
    with pytest.raises(MibError, match="has cipSecSpiValue in cikeTunnelStart, of whose table its event has no instance"):
        notification_forms(build_schema(documents))


def test_leaves_switch_their_notifications_in_every_vrf(told: Told) -> None:
    monitor = told.world.monitor
    for name in (None, "vrf1", "vrf2"):
        monitor.vrf(name).traps = set(DEFAULT_TRAPS)
    apply_trap_leaves(monitor, {"ipsec cryptomap add", "isakmp policy delete", "tty"}, True)
    apply_trap_leaves(monitor, ["ipsec tunnel start"], False)
    expected = DEFAULT_TRAPS - {TrapKind.IPSEC_TUNNEL_START} | {TrapKind.MAP_ADDED, TrapKind.POLICY_DELETED}
    for name in (None, "vrf1", "vrf2"):
        assert monitor.vrf(name).traps == expected
    late = monitor.vrf("late")
    assert late.traps == DEFAULT_TRAPS
    apply_trap_lines(monitor, "late", SnmpConfig(traps_disabled={"isakmp tunnel stop"}))
    assert late.traps == DEFAULT_TRAPS - {TrapKind.IKE_TUNNEL_STOP}


def test_every_leaf_switches_a_notification_of_its_own() -> None:
    leaves = [leaf for leaf in all_leaves() if leaf.startswith(("ipsec ", "isakmp "))]
    assert len({KINDS_OF_LEAF[leaf] for leaf in leaves}) == len(leaves) == 11
