"""Lab room: a router's interfaces: their kinds (IF-MIB, IANAifType), and the ports that connect them to wires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.config.interface_names import type_of
from agent.config.model import Interface, RouterConfig
from agent.flow.device import InterfaceCounter, InterfaceState
from agent.lab.wire.wires import Wire


@dataclass(frozen=True, slots=True)
class Kind:
    """`name` is IANAifType's; speed in bits per second."""

    name: str
    mtu: int
    speed: int
    shared: bool = False  # a shared medium: a next hop must be the address of some port


# By the letters that an interface's name begins with, as IOS 12.4 has them.
KINDS = {
    "Ethernet": Kind("ethernetCsmacd", 1500, 10_000_000, shared=True),
    "FastEthernet": Kind("ethernetCsmacd", 1500, 100_000_000, shared=True),
    "GigabitEthernet": Kind("ethernetCsmacd", 1500, 1_000_000_000, shared=True),
    "Serial": Kind("propPointToPointSerial", 1500, 1_544_000),
    "Loopback": Kind("softwareLoopback", 1514, 8_000_000_000 - 1),
    "Tunnel": Kind("tunnel", 1514, 9_000),
    "Null": Kind("other", 1500, 8_000_000_000 - 1),
}
TUNNEL = KINDS["Tunnel"]
_GRE_MTU = 1476  # 1500 less GRE and its IP header
_SERIAL_SUBINTERFACE = Kind("frameRelay", 1500, 1_544_000)
_ETHERNET_SUBINTERFACE = "l2vlan"
_OTHER = Kind("other", 1500, 0)


def kind_of(name: str) -> Kind:
    """The kind of an interface by its name. A sub-interface of a serial line is a frame relay circuit."""
    letters = type_of(name)
    kind = KINDS.get(letters, _OTHER)
    if "." in name and letters == "Serial":
        return _SERIAL_SUBINTERFACE
    if "." in name and kind.shared:
        return Kind(_ETHERNET_SUBINTERFACE, kind.mtu, kind.speed, shared=True)
    return kind


def parent_of(name: str) -> str | None:
    """The interface that a sub-interface is part of."""
    return name.partition(".")[0] if "." in name else None


def is_switched_on(config: RouterConfig, interface: Interface) -> bool:
    """Whether neither an interface nor its parent is shut down."""
    parent = config.interfaces.get(parent_of(interface.name) or "")
    return not interface.shutdown and not (parent and parent.shutdown)


def refresh_state(state: InterfaceState, interface: Interface, oper_up: bool, now: int) -> bool:
    """Update an interface's row by the configuration; whether it went up or down."""
    kind = kind_of(interface.name)
    state.kind = kind.name
    state.mtu = interface.mtu or kind.mtu
    state.speed = interface.bandwidth * 1000 if interface.bandwidth else kind.speed
    state.description = interface.description or ""
    state.admin_up = not interface.shutdown
    if oper_up == state.oper_up:
        return False
    state.oper_up = oper_up
    state.last_change = now
    return True


class InterfacePort:
    """One interface of a router, on a wire or on none. Received octets are counted and given to the router."""

    def __init__(
        self,
        interface: Interface,
        state: InterfaceState,
        deliver: Callable[[InterfacePort, bytes], None],
        carrier_changed: Callable[[], None],
    ) -> None:
        self.interface = interface
        self.name, self.vrf = interface.name, interface.vrf
        self.state = state
        self.wire: Wire | None = None
        self.carrier_changed = carrier_changed
        self._deliver = deliver
        self.address = 0  # the primary one
        self.addresses: frozenset[int] = frozenset()
        self.ip_mtu = 0  # octets of an IP packet that goes out in one piece
        self.configure(interface)

    @property
    def has_carrier(self) -> bool:
        """Whether its wire is up. An interface on no wire has carrier."""
        return self.wire is None or self.wire.up

    def configure(self, interface: Interface) -> None:
        self.interface = interface
        self.name, self.vrf = interface.name, interface.vrf
        self.address = int(interface.address.ip) if interface.address else 0
        kind = kind_of(self.name)
        mtu = _GRE_MTU if kind is TUNNEL else interface.mtu or kind.mtu
        self.ip_mtu = interface.ip_mtu if interface.ip_mtu and (kind is TUNNEL or interface.ip_mtu < mtu) else mtu
        self.addresses = frozenset({self.address, *(int(other.ip) for other in interface.secondary)} - {0})

    def has(self, address: int) -> bool:
        return address in self.addresses

    def receive(self, octets: bytes) -> None:
        if not self.state.oper_up:
            return
        self.state.count_in(len(octets))
        self._deliver(self, octets)

    def send(self, next_hop: int, destination: int, octets: bytes) -> None:
        """Put a packet on the wire. Without a wire it counts as sent, and nobody receives it."""
        self.state.count_out(len(octets))
        if self.wire:
            self.wire.send(self, next_hop, destination, octets)

    def discard_in(self) -> None:
        self.state.counters[InterfaceCounter.IN_DISCARDS] += 1

    def discard_out(self) -> None:
        self.state.counters[InterfaceCounter.OUT_DISCARDS] += 1

    def error_in(self) -> None:
        self.state.counters[InterfaceCounter.IN_ERRORS] += 1
