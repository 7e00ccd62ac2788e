"""Flow room: the device: a router's identity, its interfaces with their counters (for SNMPv2-MIB and IF-MIB), and its routes.

ifIndex follows the order of the configuration and, once given, stays with its interface while the router runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from ipaddress import IPv4Address, IPv4Network

from agent.flow.counters import Totals
from agent.flow.rows import Rows


class InterfaceCounter(IntEnum):
    """The counters of an interface. Octets are those of IP packets."""

    IN_OCTETS = 0
    IN_UNICAST = 1
    IN_DISCARDS = 2
    IN_ERRORS = 3
    OUT_OCTETS = 4
    OUT_UNICAST = 5
    OUT_DISCARDS = 6
    OUT_ERRORS = 7


# As plain numbers, because every packet of a lab uses them.
_IN_OCTETS, _IN_UNICAST = int(InterfaceCounter.IN_OCTETS), int(InterfaceCounter.IN_UNICAST)
_OUT_OCTETS, _OUT_UNICAST = int(InterfaceCounter.OUT_OCTETS), int(InterfaceCounter.OUT_UNICAST)


@dataclass(slots=True, eq=False)
class InterfaceState:
    """One interface as it stands; `last_change` is microseconds of the router's clock, `speed` bits per second.

    Packets increment `counters`. `steady` is steady traffic, computed when read. Packets of its `parts`, the sub-interfaces, count
    here, too.
    """

    index: int
    name: str
    kind: str  # an IANAifType name: "ethernetCsmacd", "propPointToPointSerial", "frameRelay", "tunnel", "softwareLoopback"
    mtu: int
    speed: int
    description: str = ""
    physical_address: bytes = b""
    admin_up: bool = True
    oper_up: bool = True
    last_change: int = 0
    counters: list[int] = field(default_factory=lambda: [0] * len(InterfaceCounter))
    steady: Totals = field(default_factory=lambda: Totals(InterfaceCounter))
    parts: list[InterfaceState] = field(default_factory=list)

    def count(self, counter: int, now: int) -> int:
        """One counter as of a moment."""
        steady = self.steady.value(counter, now) or 0
        return self.counters[counter] + steady + sum(part.count(counter, now) for part in self.parts)

    def remove_part(self, part: InterfaceState, now: int) -> None:
        """Remove a sub-interface, and keep what it has counted."""
        if part not in self.parts:
            return
        self.parts.remove(part)
        for counter in InterfaceCounter:
            self.counters[counter] += part.count(counter, now)

    def count_in(self, octets: int) -> None:
        counters = self.counters
        counters[_IN_OCTETS] += octets
        counters[_IN_UNICAST] += 1

    def count_out(self, octets: int) -> None:
        counters = self.counters
        counters[_OUT_OCTETS] += octets
        counters[_OUT_UNICAST] += 1


class RouteSource(Enum):
    """What has put a route into the table."""

    CONNECTED = "connected"
    STATIC = "static"
    REVERSE = "reverse"  # a crypto map, while a tunnel has SAs (reverse-route)


@dataclass(frozen=True, slots=True)
class InstalledRoute:
    """A route in use, by an interface, a next hop, or both."""

    prefix: IPv4Network
    source: RouteSource
    interface: str | None
    next_hop: IPv4Address | None
    distance: int


@dataclass(slots=True, eq=False)
class Device:
    """One router's identity, interfaces and routes. `object_id` is sysObjectID in dotted decimal.

    `routes` gives the routes in use of a VRF; None is the global table. `restarted_by` says why it last started, in IOS's words.
    """

    name: str
    description: str
    object_id: str
    restarted_by: str = "power-on"
    services: int = 78  # physical, data link, internet, end-to-end, application: what an IOS router answers (RFC 3418)
    interfaces: Rows[int, InterfaceState] = field(default_factory=Rows)
    routes: Callable[[str | None], Iterable[InstalledRoute]] = lambda vrf: ()
    link_listeners: list[Callable[[InterfaceState], None]] = field(default_factory=list)

    def link_changed(self, state: InterfaceState) -> None:
        """Notify listeners of an interface that went up or down (linkUp, linkDown)."""
        for listener in self.link_listeners:
            listener(state)

    def interface(self, name: str) -> InterfaceState | None:
        return next((state for state in self.interfaces.values() if state.name == name), None)
