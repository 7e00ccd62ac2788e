"""Lab room: shifts a record of the first spoke to another spoke: it replaces what each spoke has of its own.

The tables below say by name how a field is shifted. Other fields are shifted by type: addresses, identities, and values that
contain them, follow the spoke's number. All else stays.

A record of the first spoke names a tunnel by its place (from 1) among the spoke's tunnels of that phase. A shifted record names it
by its index at the hub.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from ipaddress import IPv4Address
from operator import attrgetter
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

from agent.config.crypto_model import IsakmpPeer
from agent.crypto.ciphers import RandomSource
from agent.flow.model import Address, Endpoint, Identity, IkeFacts, IkeTunnel, IpsecTunnel, PeerKey
from agent.flow.records import (
    IkeFailed,
    IkeMessagePassed,
    IkeMessageRefused,
    IkeTunnelEnded,
    IkeTunnelRekeyed,
    IkeTunnelShortened,
    IkeTunnelStarted,
    IpsecFailed,
    IpsecTunnelEnded,
    IpsecTunnelStarted,
    PacketRefused,
    Sa,
    SasExpired,
    SasInstalled,
    SasRetired,
    SessionDown,
    SessionUp,
)
from agent.flow.sessions import session_facts
from agent.flow.tables import new_key
from agent.lab.router import Router
from agent.lab.spokes.numbers import SpokeNumbers
from agent.lab.spokes.spoke import Phase, Spoke

_LOWEST_SPI = 256
_COOKIE_OCTETS = 8

# The phase of the tunnel that a record names by its index.
PHASE_OF: Mapping[type, Phase] = MappingProxyType(
    dict.fromkeys(
        (IkeTunnelStarted, IkeTunnelShortened, IkeTunnelRekeyed, IkeTunnelEnded, IkeFailed, IkeMessagePassed, IkeMessageRefused),
        IkeTunnel,
    )
    | dict.fromkeys(
        (IpsecTunnelStarted, SasInstalled, SasRetired, SasExpired, IpsecTunnelEnded, IpsecFailed, PacketRefused), IpsecTunnel
    )
)


class Shift:
    """Shifts the records of one section's first spoke. `names` are the hub's `ip host` lines, by address."""

    def __init__(self, numbers: SpokeNumbers, hub: Router, random: RandomSource) -> None:
        self.numbers = numbers
        self.random = random
        self.monitor = hub.monitor
        self.sad = hub.sa_keeper.sad
        self.peers: Mapping[Any, IsakmpPeer] = hub.config.crypto.peers
        self.names: Mapping[Address | None, str] = {address: name for name, address in reversed(hub.config.hosts.items())}

    def now(self) -> int:
        return self.monitor.clock.now()

    def any_spi(self) -> int:
        return max(_LOWEST_SPI, int.from_bytes(self.random.take(4), "big"))

    def moved(self, address: Address | None, spoke: Spoke) -> Address | None:
        return address and self.numbers.moved(address, spoke.number)

    def identity(self, identity: Identity | None, spoke: Spoke) -> Identity | None:
        return identity and self.numbers.identity(identity, spoke.number)

    def name(self, address: Address, spoke: Spoke) -> str:
        return self.names.get(self.numbers.moved(address, spoke.number), "") if self.names else ""

    def description(self, facts: IkeFacts, spoke: Spoke) -> str:
        """The description of `crypto isakmp peer address`."""
        peer = self.peers.get((self.moved(facts.remote_address, spoke), facts.front_vrf)) if self.peers else None
        return (peer and peer.description) or ""

    def association(self, key: PeerKey, vrf: str | None, spoke: Spoke) -> PeerKey:
        """The key of the association that a spoke has, or would have."""
        flow, peer, remote = self.monitor.vrf(vrf), spoke.peer, self.numbers.identity(key.remote, spoke.number)
        if peer is not None and (spoke.ikes or spoke.ipsecs) and (peer.vrf, peer.key.remote) == (vrf, remote):
            return peer.key
        return new_key(flow, PeerKey(key.local, remote))


class Form:
    """A record of the first spoke, or a part of one, prepared for shifting.

    Hundreds of thousands of records are made from it. So the slots of a record are filled directly, without its constructor.
    """

    __slots__ = ("_fixed", "_moving", "kind", "whole")

    def __init__(self, whole: Any) -> None:
        self.kind: Any = whole.__class__
        self.whole = whole
        rules = rules_of(self.kind)
        slots = [(field.name, getattr(self.kind, field.name).__set__, getattr(whole, field.name)) for field in fields(whole)]
        self._fixed = [(put, value) for name, put, value in slots if name not in rules]
        self._moving = [(put, rules[name], _taken_apart(value, rules[name])) for name, put, value in slots if name in rules]

    def shifted(self, shift: Shift, spoke: Spoke) -> Any:
        """The record of a spoke. Raises NotItsOwnError."""
        own = object.__new__(self.kind)
        for put, value in self._fixed:
            put(own, value)
        for put, rule, value in self._moving:
            put(own, rule(shift, spoke, value, self.whole))
        return own


# Rules that depend on the field's value, and on the record, or part of one, that has the field.
Rule = Callable[[Shift, Spoke, Any, Any], Any]


def _taken_apart(value: Any, rule: Rule) -> Any:
    if rule not in (_of_parts, _terms):
        return value
    return tuple(map(Form, value)) if isinstance(value, tuple) else Form(value)


def _of_parts(shift: Shift, spoke: Spoke, parts: Any, whole: object) -> Any:
    return tuple(each.shifted(shift, spoke) for each in parts) if isinstance(parts, tuple) else parts.shifted(shift, spoke)


def _row(spoke: Spoke, record: Any) -> Any:
    """The live tunnel that a record is about, or the session that is over. Raises NotItsOwnError."""
    phase = PHASE_OF.get(type(record))
    return spoke.tunnel(phase, record.index) if phase else spoke.empty_session()


def _of_row(path: str) -> Rule:
    """A field that is read from the spoke's own tunnel or session at the hub."""
    read = attrgetter(path)
    return lambda shift, spoke, value, record: read(_row(spoke, record))


def _terms(shift: Shift, spoke: Spoke, facts: Form, record: Any) -> object:
    """Equal terms are one object, because there may be a hundred thousand of them."""
    before, after = _row(spoke, record).facts, facts.shifted(shift, spoke)
    return before if before == after else after


def _new_session(shift: Shift, spoke: Spoke, value: object, record: object) -> int:
    spoke.tunnel(IpsecTunnel, 1)
    return shift.monitor.session_ids.take()


# None: the field stays as it is.
BY_NAME: Mapping[str, Rule | None] = MappingProxyType(
    {
        "at": lambda shift, spoke, value, record: shift.now(),
        "origin": lambda shift, spoke, value, record: shift.monitor.origin,
        "start": lambda shift, spoke, value, record: shift.now() - (record.at - value),
        "index": lambda shift, spoke, value, record: value and _row(spoke, record).index,
        "ike_index": lambda shift, spoke, value, record: spoke.tunnel(IkeTunnel, value).index,
        "link": lambda shift, spoke, value, record: max(spoke.ikes[-1].peer.ipsec_tunnels, default=0) + 1,
        "peer": lambda shift, spoke, value, record: shift.association(value, record.vrf, spoke),
        "counters": lambda shift, spoke, value, record: _row(spoke, record).counters.snapshot(shift.now()),
        "local": None,
        "local_address": None,
        "remote_name": lambda shift, spoke, value, facts: shift.name(facts.remote_address, spoke),
        "initiator_cookie": lambda shift, spoke, value, facts: shift.random.take(_COOKIE_OCTETS),
        "responder_cookie": lambda shift, spoke, value, facts: shift.random.take(_COOKIE_OCTETS),
        "spi": lambda shift, spoke, value, record: value and shift.any_spi(),
    }
)
_ENDED: Mapping[str, Rule] = {"facts": _of_row("facts"), "start": _of_row("start"), "peer": _of_row("peer.key")}
BY_KIND: Mapping[type, Mapping[str, Rule | None]] = MappingProxyType(
    {
        IkeTunnelStarted: {"index": lambda shift, *_: shift.monitor.ike_indexes.take(), "counters": None},
        IkeTunnelEnded: _ENDED,
        IpsecTunnelStarted: {
            "index": lambda shift, *_: shift.monitor.ipsec_indexes.take(),
            "peer": lambda shift, spoke, value, record: spoke.ikes[-1].peer.key,
            "counters": None,
        },
        SasInstalled: {"facts": _terms},
        IpsecTunnelEnded: {
            **_ENDED,
            "sas": lambda shift, spoke, value, record: tuple(
                Sa(spi.index, spi.inbound, spi.protocol, spi.value) for spi in _row(spoke, record).spis
            ),
        },
        SessionUp: {
            "id": _new_session,
            "peer": lambda shift, spoke, value, record: spoke.ikes[-1].peer.key,
            "ends": lambda shift, spoke, value, record: spoke.ikes[-1].peer.ends,
            "facts": lambda shift, spoke, value, record: session_facts(spoke.ikes[-1].facts, spoke.ipsecs[-1].facts.interface),
        },
        SessionDown: {
            **_ENDED,
            "id": _of_row("id"),
            "ends": _of_row("peer.ends"),
            "totals": lambda shift, spoke, value, record: spoke.empty_session().totals(shift.now()),
        },
        IkeFacts: {"description": lambda shift, spoke, value, facts: shift.description(facts, spoke)},
        Endpoint: {
            "last": lambda shift, spoke, value, end: (
                value if end.kind == "subnet" else shift.moved(value, spoke)
            ),  # or it is its mask
            "name": lambda shift, spoke, value, end: (
                shift.names.get(shift.moved(end.first, spoke), "") if end.kind == "address" else ""
            ),
        },
        Sa: {
            "index": None,
            "value": lambda shift, spoke, value, sa: shift.sad.new_spi(shift.random) if sa.inbound else shift.any_spi(),
            "start": None,
            "counts": lambda shift, spoke, value, sa: None,  # a spoke's SA has its share of what its tunnel counts
        },
    }
)
BY_TYPE: Mapping[Any, Rule] = MappingProxyType(
    {
        IPv4Address: lambda shift, spoke, value, whole: shift.moved(value, spoke),
        Identity: lambda shift, spoke, value, whole: shift.identity(value, spoke),
    }
)


@cache
def rules_of(kind: Any) -> Mapping[str, Rule]:
    """The rules for those fields of a record, or of a part of one, that are shifted."""
    hints, named = get_type_hints(kind), {**BY_NAME, **BY_KIND.get(kind, {})}
    rules = {field.name: named[field.name] if field.name in named else _by_type(hints[field.name]) for field in fields(kind)}
    return {name: rule for name, rule in rules.items() if rule is not None}


def _by_type(hint: Any) -> Rule | None:
    parts: tuple[Any, ...] = (hint, *get_args(hint))
    ruled = (part for part in parts if part in BY_TYPE or (hasattr(part, "__dataclass_fields__") and rules_of(part)))
    return next((BY_TYPE.get(part, _of_parts) for part in ruled), None)
