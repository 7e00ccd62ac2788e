"""Lab room: routing tables, one per VRF: connected and static routes, longest prefix first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from types import MappingProxyType

from agent.config.model import RouterConfig
from agent.flow.device import InstalledRoute, RouteSource

_MAX_RECURSION = 8


@dataclass(frozen=True, slots=True)
class RouteEntry:
    """A route in use. Next hop 0 means that the destination is on the interface's wire.

    `origin` is "connected", "static", or "reverse" for one that a crypto map has put there (reverse-route).
    """

    prefix: IPv4Network
    interface: str | None
    next_hop: int
    distance: int
    origin: str = "static"


@dataclass(frozen=True, slots=True)
class Path:
    """Where a packet leaves."""

    interface: str
    next_hop: int


class RoutingTable:
    """The usable routes of one VRF.

    As on IOS, a route through a next hop is usable while another route, perhaps recursive itself, leads to that next hop. Otherwise
    a route with a greater distance or a shorter prefix takes its place.
    """

    def __init__(self, entries: list[RouteEntry]) -> None:
        self.given = entries
        self._by_length: list[tuple[int, dict[int, RouteEntry]]] = []
        self._paths: dict[int, Path | None] = {}
        usable: list[RouteEntry] = []
        ready, waiting = _parted(entries, lambda entry: entry.interface is not None)
        while ready:
            usable += ready
            self._arrange(usable)
            ready, waiting = _parted(waiting, self._is_reached)
        there = set(map(id, usable))
        self.entries = tuple(entry for entry in entries if id(entry) in there)

    def _arrange(self, entries: list[RouteEntry]) -> None:
        lengths: dict[int, dict[int, RouteEntry]] = {}
        for entry in sorted(entries, key=lambda entry: entry.distance, reverse=True):
            lengths.setdefault(entry.prefix.prefixlen, {})[int(entry.prefix.network_address)] = entry
        self._by_length = [(_mask(length), lengths[length]) for length in sorted(lengths, reverse=True)]

    def _is_reached(self, entry: RouteEntry) -> bool:
        """Whether another route leads to a route's next hop."""
        through = self._longest(entry.next_hop)
        if through is None:
            return False
        itself = entry.next_hop & _mask(entry.prefix.prefixlen) == int(entry.prefix.network_address)
        return not itself or through.prefix.prefixlen > entry.prefix.prefixlen

    def lookup(self, destination: int) -> Path | None:
        """The path to an address; None if there is none."""
        if destination not in self._paths:
            if len(self._paths) > 65536:
                self._paths.clear()
            self._paths[destination] = self._resolve(destination, 0)
        return self._paths[destination]

    def _resolve(self, destination: int, depth: int) -> Path | None:
        entry = self._longest(destination)
        if entry is None or depth > _MAX_RECURSION:
            return None
        if entry.interface is not None:
            return Path(entry.interface, entry.next_hop or destination)
        through = self._resolve(entry.next_hop, depth + 1)
        # If a next hop is beyond another router, the packet goes to the last resolved next hop.
        return Path(through.interface, through.next_hop) if through else None

    def _longest(self, destination: int) -> RouteEntry | None:
        for mask, entries in self._by_length:
            entry = entries.get(destination & mask)
            if entry is not None:
                return entry
        return None


def installed(entry: RouteEntry) -> InstalledRoute:
    """The route as the device shows it."""
    next_hop = IPv4Address(entry.next_hop) if entry.next_hop else None
    return InstalledRoute(entry.prefix, RouteSource(entry.origin), entry.interface, next_hop, entry.distance)


def _mask(length: int) -> int:
    return ~((1 << (32 - length)) - 1) & 0xFFFFFFFF


def _parted(entries: list[RouteEntry], test: Callable[[RouteEntry], bool]) -> tuple[list[RouteEntry], list[RouteEntry]]:
    """Those that pass and those that do not."""
    passed: list[RouteEntry] = []
    others: list[RouteEntry] = []
    for entry in entries:
        (passed if test(entry) else others).append(entry)
    return passed, others


def build_tables(
    config: RouterConfig,
    up: Collection[str],
    reverse: Iterable[tuple[str | None, RouteEntry]] = (),
    known: Mapping[str | None, RoutingTable] = MappingProxyType({}),
) -> dict[str | None, RoutingTable]:
    """A table for the global routing and each VRF, of routes by interfaces that are `up`, and of reverse routes.

    Of the `known` tables those stay whose routes are the same: there may be a thousand VRFs, and a line changes one.
    """
    entries: dict[str | None, list[RouteEntry]] = {None: [], **{name: [] for name in config.vrfs}}
    for interface in config.interfaces.values():
        if interface.address is not None and interface.name in up:
            for address in interface.addresses:
                entries.setdefault(interface.vrf, []).append(RouteEntry(address.network, interface.name, 0, 0, "connected"))
    for route in config.routes:
        if route.interface is not None and route.interface not in up:
            continue
        next_hop = int(route.next_hop) if route.next_hop is not None else 0
        entries.setdefault(route.vrf, []).append(RouteEntry(route.prefix, route.interface, next_hop, route.distance))
    for vrf, entry in reverse:
        if entry.interface in up:
            entries.setdefault(vrf, []).append(entry)
    return {vrf: _table(found, known.get(vrf)) for vrf, found in entries.items()}


def _table(entries: list[RouteEntry], known: RoutingTable | None) -> RoutingTable:
    return known if known is not None and known.given == entries else RoutingTable(entries)
