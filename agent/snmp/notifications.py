"""Snmp room: which notifications an event causes, with the values of their objects at that moment (RFC 3416 §4.2.6).

Tables give for each notification its control, the type by which hosts select it, and the tables of its objects; and for each kind
of event the notification's name and the instances. The names of objects, their order and all OIDs come from the modules, once, at
the start. A value is the tree's. If the row has gone (a tunnel that has ended) or never existed (0), the event gives the value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agent.config.events import (
    ConfigEvent,
    CryptoMapAdded,
    CryptoMapAttached,
    CryptoMapDeleted,
    CryptoMapDetached,
    IsakmpPolicyAdded,
    IsakmpPolicyDeleted,
)
from agent.flow.device import InterfaceState
from agent.flow.model import Address, IkeFailureReason, IpsecFacts, IpsecFailureReason, PeerKey, Spi
from agent.flow.monitor import FlowMonitor
from agent.flow.records import (
    FlowRecord,
    IkeFailed,
    IkeTunnelEnded,
    IkeTunnelStarted,
    IpsecFailed,
    IpsecTunnelEnded,
    IpsecTunnelStarted,
    Sa,
    SaRefused,
)
from agent.flow.settings import TrapKind
from agent.flow.tables import IKE_FAILURE_OF_END, IPSEC_FAILURE_OF_END
from agent.mib.flow_live import peer_index
from agent.mib.schema import IndexValue, Object, Oid, Schema, Table, encode_index
from agent.mib.sources import MibError, undefined
from agent.mib.terms import interval
from agent.mib.tree import Tree
from agent.mib.values import is_number, number, octets, order_key
from agent.snmp.endpoint import Endpoint

Index = tuple[IndexValue, ...]  # values of a table's INDEX objects; () is the instance .0 of a scalar


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of a notification: its name, its instance, and the value (encoded) of that moment."""

    name: str
    oid: Oid
    value: bytes


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification to send. `vrf` is the VRF in whose context it is, None the global one; `kind` the type that hosts name."""

    name: str
    oid: Oid
    vrf: str | None
    kind: str
    objects: tuple[Instance, ...]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A notification's control (a TrapKind, or a leaf of `snmp-server enable traps`) and the type by which hosts choose it.

    `tables` are those that its event gives an instance of.
    """

    control: TrapKind | str
    host_type: str
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A notification by the modules: its objects in order, each with its table (None: a scalar)."""

    oid: Oid
    kind: _Kind
    objects: tuple[tuple[Object, Table | None], ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """What one endpoint's notifications are made from. `forms` are the notifications by name, `trees` gives a context's tree.

    `wanted` says whether any host takes a type of notification of a VRF; without one, none is made.
    """

    forms: Mapping[str, Form]
    endpoint: Endpoint
    monitor: FlowMonitor
    trees: Callable[[str], Tree | None]
    wanted: Callable[[str | None, str], bool] = lambda vrf, host_type: True


_PEER = ("cikePeerTable",)
_IKE_TUNNEL = (*_PEER, "cikeTunnelTable")
_IPSEC_TUNNEL = ("cipSecTunnelTable",)
_PEER_AND_SA = (*_PEER, *_IPSEC_TUNNEL, "cipSecSpiTable")
_MAP_SET = ("cipsStaticCryptomapSetTable",)
_INTERFACE = ("ifTable",)
_KINDS: Mapping[str, _Kind] = {
    "cikeTunnelStart": _Kind(TrapKind.IKE_TUNNEL_START, "isakmp", _IKE_TUNNEL),
    "cikeTunnelStop": _Kind(TrapKind.IKE_TUNNEL_STOP, "isakmp", _IKE_TUNNEL),
    "cikeSysFailure": _Kind(TrapKind.IKE_SYSTEM_FAILURE, "isakmp", _PEER),
    "cikeCertCrlFailure": _Kind(TrapKind.IKE_CERTIFICATE_FAILURE, "isakmp", _PEER),
    "cikeProtocolFailure": _Kind(TrapKind.IKE_PROTOCOL_FAILURE, "isakmp", _PEER),
    "cikeNoSa": _Kind(TrapKind.IKE_NO_SA, "isakmp", _PEER),
    "cipSecTunnelStart": _Kind(TrapKind.IPSEC_TUNNEL_START, "ipsec", _IPSEC_TUNNEL),
    "cipSecTunnelStop": _Kind(TrapKind.IPSEC_TUNNEL_STOP, "ipsec", _IPSEC_TUNNEL),
    "cipSecSysFailure": _Kind(TrapKind.IPSEC_SYSTEM_FAILURE, "ipsec", _PEER_AND_SA),
    "cipSecSetUpFailure": _Kind(TrapKind.IPSEC_SETUP_FAILURE, "ipsec", _PEER_AND_SA),
    "cipSecEarlyTunTerm": _Kind(TrapKind.IPSEC_EARLY_END, "ipsec", _PEER_AND_SA),
    "cipSecProtocolFailure": _Kind(TrapKind.IPSEC_PROTOCOL_FAILURE, "ipsec", _PEER_AND_SA),
    "cipSecNoSa": _Kind(TrapKind.IPSEC_NO_SA, "ipsec", _PEER_AND_SA),
    "cipsIsakmpPolicyAdded": _Kind(TrapKind.POLICY_ADDED, "isakmp"),
    "cipsIsakmpPolicyDeleted": _Kind(TrapKind.POLICY_DELETED, "isakmp"),
    "cipsCryptomapAdded": _Kind(TrapKind.MAP_ADDED, "ipsec", (*_MAP_SET, "cipsStaticCryptomapTable")),
    "cipsCryptomapDeleted": _Kind(TrapKind.MAP_DELETED, "ipsec", _MAP_SET),
    "cipsCryptomapSetAttached": _Kind(TrapKind.MAP_ATTACHED, "ipsec", _MAP_SET),
    "cipsCryptomapSetDetached": _Kind(TrapKind.MAP_DETACHED, "ipsec", _MAP_SET),
    "cipsTooManySAs": _Kind(TrapKind.TOO_MANY_SAS, "ipsec"),
    "coldStart": _Kind("snmp coldstart", "snmp"),
    "warmStart": _Kind("snmp warmstart", "snmp"),
    "linkUp": _Kind("snmp linkup", "snmp", _INTERFACE),
    "linkDown": _Kind("snmp linkdown", "snmp", _INTERFACE),
    "authenticationFailure": _Kind("snmp authentication", "snmp"),
}

# Reasons with a notification. For a delete, a lost peer, a peer that never answers, and an operator there is the stop alone.
_IKE_FAILURES: Mapping[IkeFailureReason, str] = {
    IkeFailureReason.LOCAL_FAILURE: "cikeSysFailure",
    IkeFailureReason.INTERNAL: "cikeSysFailure",
    IkeFailureReason.CAPACITY: "cikeSysFailure",
    IkeFailureReason.PEER_CERTIFICATE_UNAVAILABLE: "cikeCertCrlFailure",
    IkeFailureReason.PEER_CERTIFICATE_INVALID: "cikeCertCrlFailure",
    IkeFailureReason.LOCAL_CERTIFICATE_EXPIRED: "cikeCertCrlFailure",
    IkeFailureReason.CRL: "cikeCertCrlFailure",
    IkeFailureReason.AUTHENTICATION: "cikeProtocolFailure",
    IkeFailureReason.HASH_VALIDATION: "cikeProtocolFailure",
    IkeFailureReason.ENCRYPT: "cikeProtocolFailure",
    IkeFailureReason.PROPOSAL: "cikeProtocolFailure",
    IkeFailureReason.PEER_ENCODING: "cikeProtocolFailure",
    IkeFailureReason.NO_SA: "cikeNoSa",
}
# For all other reasons: a failed set-up is cipSecSetUpFailure, bad packets are cipSecProtocolFailure.
_IPSEC_FAILURES: Mapping[IpsecFailureReason, str] = {
    IpsecFailureReason.INTERNAL: "cipSecSysFailure",
    IpsecFailureReason.CAPACITY: "cipSecSysFailure",
    IpsecFailureReason.ENCRYPT: "cipSecSysFailure",
    IpsecFailureReason.OUT_AUTHENTICATION: "cipSecSysFailure",
    IpsecFailureReason.NO_SA: "cipSecNoSa",
}


@dataclass(frozen=True, slots=True)
class _Facts:
    """The instances of one notification's objects, by table, and the values of rows that have gone."""

    vrf: str | None = None
    indexes: Mapping[str, Index] | None = None  # by table
    values: Mapping[str, Any] | None = None  # by object: what was true when the row went, wins over the tree


def notification_forms(schema: Schema) -> Mapping[str, Form]:
    """Every notification that is sent, by name.

    Raises MibError if the modules lack a name, or give a notification an object for which its event has no instance.
    """
    try:
        return {name: _form(schema, name, kind) for name, kind in _KINDS.items()}
    except KeyError as missing:
        raise undefined(missing.args[0]) from None


def _form(schema: Schema, name: str, kind: _Kind) -> Form:
    described = schema.notification(name)
    given = {schema.table(table).entry: schema.table(table) for table in kind.tables}
    objects = []
    for carried in map(schema.object, described.objects):
        table = None if carried.kind == "scalar" else given.get(carried.oid[:-1])
        if table is None and carried.kind != "scalar":
            problem = f"{described.module} has {carried.name} in {name}, of whose table its event has no instance"
            raise MibError(problem, "take the published revision of the module, or ours", module=described.module)
        objects.append((carried, table))
    return Form(described.oid, kind, tuple(objects))


def of_record(record: FlowRecord, scene: Scene) -> list[Notification]:
    """The notifications of a record whose control is enabled in their context."""
    return _made(_FLOW.get(type(record), _nothing)(record, scene), scene)


def of_config_event(event: ConfigEvent, scene: Scene) -> list[Notification]:
    """The notifications of a change of the configuration. The trees must have followed it before."""
    return _made(_CONFIG.get(type(event), _nothing)(event, scene), scene)


def of_start(cold: bool, scene: Scene) -> list[Notification]:
    """coldStart or warmStart."""
    return _made([("coldStart" if cold else "warmStart", _Facts())], scene)


def of_link(state: InterfaceState, scene: Scene) -> list[Notification]:
    """linkUp or linkDown of an interface."""
    facts = _Facts(
        indexes={"ifTable": (state.index,)},
        values={
            "ifIndex": state.index,
            "ifAdminStatus": "up" if state.admin_up else "down",
            "ifOperStatus": "up" if state.oper_up else "down",
        },
    )
    return _made([("linkUp" if state.oper_up else "linkDown", facts)], scene)


def of_bad_community(scene: Scene) -> list[Notification]:
    """authenticationFailure."""
    return _made([("authenticationFailure", _Facts())], scene)


# --- events and their instances ---

_Made = Iterable[tuple[str, _Facts]]


def _nothing(event: Any, scene: Scene) -> _Made:
    return ()


def _ike_started(record: IkeTunnelStarted, scene: Scene) -> _Made:
    if record.start == record.at:  # a tunnel that is older than the monitor does not start now
        yield "cikeTunnelStart", _Facts(record.vrf, {"cikePeerTable": peer_index(record.peer), "cikeTunnelTable": (record.index,)})


def _ike_ended(record: IkeTunnelEnded, scene: Scene) -> _Made:
    facts = _Facts(
        record.vrf,
        {"cikePeerTable": peer_index(record.peer), "cikeTunnelTable": (record.index,)},
        {
            "cikePeerLocalAddr": record.facts.local_address,
            "cikePeerRemoteAddr": record.facts.remote_address,
            "cikeTunActiveTime": interval(record.at - record.start),
        },
    )
    yield "cikeTunnelStop", facts
    failure = IKE_FAILURE_OF_END.get(record.reason)
    if failure is not None and failure in _IKE_FAILURES:
        yield _IKE_FAILURES[failure], facts


def _ike_failed(record: IkeFailed, scene: Scene) -> _Made:
    name = _IKE_FAILURES.get(record.reason)
    if name is not None:
        yield name, _peer_facts(record.vrf, record.peer, record.local_address, record.remote_address)


def _ipsec_started(record: IpsecTunnelStarted, scene: Scene) -> _Made:
    if record.start == record.at:
        yield "cipSecTunnelStart", _Facts(record.vrf, {"cipSecTunnelTable": (record.index,)})


def _ipsec_ended(record: IpsecTunnelEnded, scene: Scene) -> _Made:
    first = record.sas[0] if record.sas else None
    facts = _ipsec_facts(record, record.facts, first, record.at - record.start)
    yield "cipSecTunnelStop", facts
    failure = IPSEC_FAILURE_OF_END.get(record.reason)
    if failure is not None:
        yield "cipSecEarlyTunTerm", facts
        if failure is IpsecFailureReason.INTERNAL:
            yield "cipSecSysFailure", facts


def _ipsec_failed(record: IpsecFailed, scene: Scene) -> _Made:
    tunnel = scene.monitor.ipsec_tunnels.get(record.index)
    name = _IPSEC_FAILURES.get(record.reason, "cipSecProtocolFailure" if record.index else "cipSecSetUpFailure")
    if tunnel is None:
        yield name, _peer_facts(record.vrf, record.peer, record.local_address, record.remote_address, record.protocol)
    else:
        spi = next((spi for spi in tunnel.spis if spi.value == record.spi), tunnel.spis[0] if tunnel.spis else None)
        yield name, _ipsec_facts(record, tunnel.facts, spi, record.at - tunnel.start)


def _sa_refused(event: SaRefused, scene: Scene) -> _Made:
    yield "cipsTooManySAs", _Facts()


def _peer_facts(vrf: str | None, peer: PeerKey, local: Address | None, remote: Address | None, protocol: str = "esp") -> _Facts:
    """For a tunnel that never existed: the instance that the pair has or would have; index 0 and value 0 for tunnel and SA.

    cipSecSpiProtocol cannot be 0: it is the requested protocol.
    """
    return _Facts(
        vrf,
        {"cikePeerTable": peer_index(peer), "cipSecTunnelTable": (0,), "cipSecSpiTable": (0, 0)},
        {"cikePeerLocalAddr": local, "cikePeerRemoteAddr": remote, "cipSecTunActiveTime": 0, "cipSecSpiProtocol": protocol},
    )


def _ipsec_facts(record: IpsecTunnelEnded | IpsecFailed, facts: IpsecFacts, sa: Sa | Spi | None, active: int) -> _Facts:
    """For a live or ended tunnel. `active` is in microseconds."""
    return _Facts(
        record.vrf,
        {
            "cikePeerTable": peer_index(record.peer),
            "cipSecTunnelTable": (record.index,),
            "cipSecSpiTable": (record.index, sa.index if sa else 0),
        },
        {
            "cikePeerLocalAddr": facts.local_address,
            "cikePeerRemoteAddr": facts.remote_address,
            "cipSecTunActiveTime": interval(active),
            "cipSecSpiProtocol": sa.protocol if sa else facts.protocol,
        },
    )


def _map_added(event: CryptoMapAdded, scene: Scene) -> _Made:
    entry = event.entry
    yield (
        "cipsCryptomapAdded",
        _Facts(None, {"cipsStaticCryptomapSetTable": (entry.name,), "cipsStaticCryptomapTable": (entry.name, entry.sequence)}),
    )


def _map_deleted(event: CryptoMapDeleted, scene: Scene) -> _Made:
    yield "cipsCryptomapDeleted", _map_set_facts(event.entry.name)


def _map_attached(event: CryptoMapAttached, scene: Scene) -> _Made:
    yield "cipsCryptomapSetAttached", _map_set_facts(event.map_name)


def _map_detached(event: CryptoMapDetached, scene: Scene) -> _Made:
    yield "cipsCryptomapSetDetached", _map_set_facts(event.map_name)


def _map_set_facts(name: str) -> _Facts:
    return _Facts(None, {"cipsStaticCryptomapSetTable": (name,)})


def _policy_added(event: IsakmpPolicyAdded, scene: Scene) -> _Made:
    yield "cipsIsakmpPolicyAdded", _Facts()


def _policy_deleted(event: IsakmpPolicyDeleted, scene: Scene) -> _Made:
    yield "cipsIsakmpPolicyDeleted", _Facts()


_FLOW: Mapping[type, Callable[[Any, Scene], _Made]] = {
    IkeTunnelStarted: _ike_started,
    IkeTunnelEnded: _ike_ended,
    IkeFailed: _ike_failed,
    IpsecTunnelStarted: _ipsec_started,
    IpsecTunnelEnded: _ipsec_ended,
    IpsecFailed: _ipsec_failed,
    SaRefused: _sa_refused,
}
_CONFIG: Mapping[type, Callable[[Any, Scene], _Made]] = {
    CryptoMapAdded: _map_added,
    CryptoMapDeleted: _map_deleted,
    CryptoMapAttached: _map_attached,
    CryptoMapDetached: _map_detached,
    IsakmpPolicyAdded: _policy_added,
    IsakmpPolicyDeleted: _policy_deleted,
}


# --- from names to instances ---


def _made(chosen: _Made, scene: Scene) -> list[Notification]:
    return [_notification(name, facts, scene) for name, facts in chosen if _enabled(name, facts.vrf, scene)]


def _enabled(name: str, vrf: str | None, scene: Scene) -> bool:
    kind = _KINDS[name]
    if isinstance(kind.control, TrapKind):
        enabled = kind.control in scene.monitor.vrf(vrf).traps
    else:
        enabled = kind.control in scene.endpoint.snmp.traps
    return enabled and scene.wanted(vrf, kind.host_type)


def _notification(name: str, facts: _Facts, scene: Scene) -> Notification:
    form = scene.forms[name]
    context = scene.endpoint.context_of(facts.vrf)
    tree = scene.trees(context) if context is not None else None
    now = scene.monitor.clock.now()
    objects = tuple(_instance(carried, table, facts, tree, now) for carried, table in form.objects)
    return Notification(name, form.oid, facts.vrf, form.kind.host_type, objects)


def _instance(carried: Object, table: Table | None, facts: _Facts, tree: Tree | None, now: int) -> Instance:
    index = (0,) if table is None else encode_index(table, (facts.indexes or {})[table.name])
    oid = (*carried.oid, *index)
    known = (facts.values or {}).get(carried.name)
    value = None
    if known is not None:
        value = _encoded(carried, known)
    elif tree is not None:
        value = tree.get(order_key(oid), now)[1]
    return Instance(carried.name, oid, value or _encoded(carried, 0))


def _encoded(carried: Object, value: Any) -> bytes:
    """A value in the object's syntax: a number, an enumeration's label, or octets; 0 is 0 or no octets."""
    syntax = carried.syntax
    assert syntax is not None  # it is a scalar or a column
    if is_number(syntax.base):
        return number(syntax.base, syntax.number(value) if isinstance(value, str) else value)
    return octets(value or b"")
