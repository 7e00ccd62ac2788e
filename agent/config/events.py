"""Config room: the changes of a configuration line, as typed events. The first six cause CISCO-IPSEC-MIB's notifications.

An event is emitted after the model has changed. It carries the change, and the last value of what was removed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from agent.base.origin import Origin
from agent.config.crypto_model import CryptoMapEntry, IsakmpPolicy
from agent.config.logging_model import LoggingConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event says: `origin` is who caused it, None of what a file says at load."""

    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class CryptoMapAdded(Event):
    entry: CryptoMapEntry


@dataclass(frozen=True, slots=True)
class CryptoMapDeleted(Event):
    entry: CryptoMapEntry


@dataclass(frozen=True, slots=True)
class CryptoMapAttached(Event):
    """A map was put on an interface."""

    map_name: str
    interface: str


@dataclass(frozen=True, slots=True)
class CryptoMapDetached(Event):
    """A map was taken off an interface."""

    map_name: str
    interface: str


@dataclass(frozen=True, slots=True)
class IsakmpPolicyAdded(Event):
    policy: IsakmpPolicy


@dataclass(frozen=True, slots=True)
class IsakmpPolicyDeleted(Event):
    policy: IsakmpPolicy


@dataclass(frozen=True, slots=True)
class HistorySizeSet(Event):
    """`crypto mib ipsec flowmib history {tunnel|failure} size N`: N rows in every context."""

    failure: bool
    size: int


@dataclass(frozen=True, slots=True)
class TrapTypesSet(Event):
    """`[no] snmp-server enable traps …`: the leaves that the line turned on or off (as in `SnmpConfig.traps`)."""

    leaves: frozenset[str]
    enabled: bool


@dataclass(frozen=True, slots=True)
class SnmpChanged(Event):
    """Communities, views, groups, users, hosts or contexts changed: access tables must be compiled again."""


@dataclass(frozen=True, slots=True)
class SnmpTextSet(Event):
    """`snmp-server contact|location|chassis-id` changed, which nobody has to follow."""


@dataclass(frozen=True, slots=True)
class VrfChanged(Event):
    """A VRF appeared, went, or changed its context."""

    name: str


@dataclass(frozen=True, slots=True)
class InterfaceChanged(Event):
    """An interface appeared, went, or changed its address, VRF, state or tunnel."""

    name: str


@dataclass(frozen=True, slots=True)
class RoutingChanged(Event):
    """A route or an access list changed."""


@dataclass(frozen=True, slots=True)
class HostsChanged(Event):
    """`ip host` lines changed: a name has another address, or none."""


@dataclass(frozen=True, slots=True)
class HostnameSet(Event):
    hostname: str


@dataclass(frozen=True, slots=True)
class LoggingChanged(Event):
    """A `logging`, `service timestamps` or `service sequence-numbers` line took effect."""

    before: LoggingConfig


@dataclass(frozen=True, slots=True)
class CryptoChanged(Event):
    """Any other crypto line took effect (a key, a transform set, an existing map entry's settings, …)."""


@dataclass(frozen=True, slots=True)
class AaaChanged(Event):
    """An `aaa`, `radius-server`, `radius server` or `ip radius` line took effect, or one about the log-ins of a terminal line."""


@dataclass(frozen=True, slots=True)
class RsaKeyGenerated(Event):
    """`crypto key generate rsa`: the router gets a new host key of so many bits."""

    modulus: int


@dataclass(frozen=True, slots=True)
class RsaKeyZeroized(Event):
    """`crypto key zeroize rsa`."""


ConfigEvent = (
    CryptoMapAdded
    | CryptoMapDeleted
    | CryptoMapAttached
    | CryptoMapDetached
    | IsakmpPolicyAdded
    | IsakmpPolicyDeleted
    | HistorySizeSet
    | TrapTypesSet
    | SnmpChanged
    | SnmpTextSet
    | VrfChanged
    | InterfaceChanged
    | RoutingChanged
    | HostsChanged
    | HostnameSet
    | LoggingChanged
    | CryptoChanged
    | AaaChanged
    | RsaKeyGenerated
    | RsaKeyZeroized
)


def caused_by(origin: Origin | None, events: Iterable[ConfigEvent]) -> tuple[ConfigEvent, ...]:
    """The events, with who caused them."""
    return tuple(replace(event, origin=origin) for event in events)
