"""Lab room: which wire each interface of a lab is on.

The links of the lab file come first. An interface that no link names shares a wire with the interfaces in its subnet. If a subnet
is in several VRFs, each VRF has a wire of its own, so that overlapping addresses do not meet. A cable stays in its socket: an
interface that is removed and configured again, or whose router restarts, is on the wire of its link again. The wires of subnets
follow the configuration.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import IPv4Network

from agent.config.interface_names import has_medium
from agent.lab.wire.interfaces import InterfacePort
from agent.lab.wire.wires import Wire

Place = tuple[str, str]  # a router's name, and an interface's


class Cables:
    """The wires of a lab. `new_wire` makes one for a subnet."""

    def __init__(self, new_wire: Callable[[], Wire]) -> None:
        self._new_wire = new_wire
        self._linked: dict[Place, Wire] = {}
        self._kept: dict[Place, Wire] = {}  # wires with hosts or peers, by the interface that these are behind
        self._keeping: set[Wire] = set()
        self._subnet_of: dict[Place, IPv4Network] = {}
        self._by_subnet: dict[IPv4Network, dict[Place, InterfacePort]] = {}
        self._known: dict[Place, tuple[object, ...]] = {}  # what an interface's wire depends on, as of the last look

    def is_linked(self, place: Place) -> bool:
        """Whether a link of the lab file has an interface."""
        return place in self._linked

    def link(self, place: Place, port: InterfacePort | None, wire: Wire) -> None:
        """Put an interface on a link of the lab file. It need not be configured yet."""
        self._linked[place] = wire
        if port is not None:
            _move(port, wire)

    def behind(self, place: Place, port: InterfacePort | None) -> Wire:
        """The wire for what is behind an interface. From now on it stays with the interface."""
        wire = self._linked.get(place) or self._kept.get(place) or (port.wire if port else None) or self._new_wire()
        if port is not None:
            _move(port, wire)
        if place not in self._linked:
            self._kept[place] = wire
            self._keeping.add(wire)
        return wire

    def begin(self, ports: Iterable[tuple[Place, InterfacePort]]) -> None:
        """Put all interfaces that no link names on the wires of their subnets."""
        for place, port in ports:
            if place not in self._linked:
                self._note(place, port)
        for subnet in tuple(self._by_subnet):
            self._join(subnet)

    def follow(self, place: Place, port: InterfacePort) -> None:
        """Put an interface that is new, or that was configured, on its wire."""
        if place in self._linked:
            _move(port, self._linked[place])
        elif self._known.get(place) != _depends(port):
            self._leave(place)
            _move(port, self._kept.get(place))
            subnet = self._note(place, port)
            if subnet is not None:
                self._join(subnet)

    def remove(self, place: Place, port: InterfacePort) -> None:
        """Take an interface that has gone off its wire."""
        self._leave(place)
        _move(port, None)

    def _note(self, place: Place, port: InterfacePort) -> IPv4Network | None:
        """Note the subnet of an interface."""
        self._known[place] = _depends(port)
        address = port.interface.address
        if address is None or not has_medium(port.name):
            return None
        self._subnet_of[place] = address.network
        self._by_subnet.setdefault(address.network, {})[place] = port
        return address.network

    def _leave(self, place: Place) -> None:
        """Forget an interface, and put those that it leaves behind in its subnet on their wires."""
        self._known.pop(place, None)
        subnet = self._subnet_of.pop(place, None)
        if subnet is not None:
            del self._by_subnet[subnet][place]
            self._join(subnet)

    def _join(self, subnet: IPv4Network) -> None:
        """Put the interfaces of a subnet on their wires."""
        ports = self._by_subnet[subnet]
        taken: set[Wire] = set()
        for group in _groups(ports):
            wire = next((kept for place in group if (kept := self._kept.get(place))), None)
            if wire is None and len(group) > 1:
                present = (ports[place].wire for place in group)
                wire = next((each for each in present if each and each not in taken and each not in self._keeping), None)
                wire = wire or self._new_wire()
            if wire is not None:
                taken.add(wire)
            for place in group:
                _move(ports[place], self._kept.get(place, wire))
        if not ports:
            del self._by_subnet[subnet]


def _depends(port: InterfacePort) -> tuple[object, ...]:
    return port, port.interface.address, port.vrf


def _move(port: InterfacePort, wire: Wire | None) -> None:
    if port.wire is wire:
        return
    carried = port.has_carrier
    if port.wire is not None:
        port.wire.detach(port)
    port.wire = wire
    if wire is not None:
        wire.attach(port)
    if port.has_carrier != carried:
        port.carrier_changed()


def _groups(ports: Mapping[Place, InterfacePort]) -> Iterator[list[Place]]:
    """The interfaces of one subnet, by the wire that they share. Two with the same address share none."""
    vrfs = {port.vrf for port in ports.values() if port.vrf is not None}
    together = [list(ports)] if len(vrfs) < 2 else [[p for p in ports if ports[p].vrf == vrf] for vrf in (None, *sorted(vrfs))]
    for places in together:
        count = Counter(ports[place].address for place in places)
        yield [place for place in places if count[ports[place].address] == 1]
        yield from ([place] for place in places if count[ports[place].address] > 1)
