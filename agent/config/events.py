"""Config room: the changes of a configuration line, as typed events. The first six cause CISCO-IPSEC-MIB's notifications.

An event is emitted after the model has changed. It carries the change, and the last value of what was removed.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.config.crypto_model import CryptoMapEntry, IsakmpPolicy


@dataclass(frozen=True, slots=True)
class CryptoMapAdded:
    entry: CryptoMapEntry


@dataclass(frozen=True, slots=True)
class CryptoMapDeleted:
    entry: CryptoMapEntry


@dataclass(frozen=True, slots=True)
class CryptoMapAttached:
    """A map was put on an interface."""

    map_name: str
    interface: str


@dataclass(frozen=True, slots=True)
class CryptoMapDetached:
    """A map was taken off an interface."""

    map_name: str
    interface: str


@dataclass(frozen=True, slots=True)
class IsakmpPolicyAdded:
    policy: IsakmpPolicy


@dataclass(frozen=True, slots=True)
class IsakmpPolicyDeleted:
    policy: IsakmpPolicy


@dataclass(frozen=True, slots=True)
class HistorySizeSet:
    """`crypto mib ipsec flowmib history {tunnel|failure} size N`: N rows in every context."""

    failure: bool
    size: int


@dataclass(frozen=True, slots=True)
class TrapTypesSet:
    """`[no] snmp-server enable traps …`: the leaves that the line turned on or off (as in `SnmpConfig.traps`)."""

    leaves: frozenset[str]
    enabled: bool


@dataclass(frozen=True, slots=True)
class SnmpChanged:
    """Communities, views, groups, users, hosts or contexts changed: access tables must be compiled again."""


@dataclass(frozen=True, slots=True)
class VrfChanged:
    """A VRF appeared, went, or changed its context."""

    name: str


@dataclass(frozen=True, slots=True)
class InterfaceChanged:
    """An interface appeared, went, or changed its address, VRF, state or tunnel."""

    name: str


@dataclass(frozen=True, slots=True)
class RoutingChanged:
    """A route or an access list changed."""


@dataclass(frozen=True, slots=True)
class HostnameSet:
    hostname: str


@dataclass(frozen=True, slots=True)
class CryptoChanged:
    """Any other crypto line took effect (a key, a transform set, an existing map entry's settings, …)."""


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
    | VrfChanged
    | InterfaceChanged
    | RoutingChanged
    | HostnameSet
    | CryptoChanged
)
