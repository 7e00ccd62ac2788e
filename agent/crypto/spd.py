"""Crypto room: the security policy database (RFC 4301 §4.4.1): which flows are protected, and by which entry.

An entry has rules in order, like the access list of a crypto map. The first rule that a flow matches decides whether the entry
takes it. If it denies, later entries may take the flow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from agent.crypto import ip

TargetT = TypeVar("TargetT")
_ALL = 0xFFFFFFFF


class Flow(NamedTuple):
    """The properties by which a packet is matched. Addresses are numbers; ports are 0 if there are none.

    The ports of a later fragment are unknown (RFC 4301 §4.4.1.1: OPAQUE).
    """

    protocol: int
    source: int
    destination: int
    source_port: int = 0
    destination_port: int = 0

    @property
    def opaque(self) -> bool:
        return self.source_port == ip.UNKNOWN_PORT

    def reversed(self) -> Flow:
        return Flow(self.protocol, self.destination, self.source, self.destination_port, self.source_port)


def flow_of(packet: ip.Packet) -> Flow:
    source, destination, protocol = packet[:3]
    if protocol not in (ip.TCP, ip.UDP):
        return Flow(protocol, source, destination)
    return Flow(protocol, source, destination, *ip.ports(packet))


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses equal to `base` in every bit that `wildcard` does not have."""

    base: int
    wildcard: int = 0

    def holds(self, address: int) -> bool:
        return (address ^ self.base) & ~self.wildcard & _ALL == 0

    def within(self, other: Addresses | AddressRange) -> bool:
        if isinstance(other, AddressRange):
            return other.holds(self.base) and other.holds(self.base | self.wildcard)
        return self.wildcard & ~other.wildcard & _ALL == 0 and other.holds(self.base)


@dataclass(frozen=True, slots=True)
class AddressRange:
    """Addresses from `low` to `high`. A peer may ask for a range; no access list can express one."""

    low: int
    high: int

    def holds(self, address: int) -> bool:
        return self.low <= address <= self.high

    def within(self, other: Addresses | AddressRange) -> bool:
        if isinstance(other, AddressRange):
            return other.holds(self.low) and other.holds(self.high)
        # The bits in which two of the range may differ must all be open.
        differing = (1 << (self.low ^ self.high).bit_length()) - 1
        return differing & ~other.wildcard & _ALL == 0 and other.holds(self.low)


@dataclass(frozen=True, slots=True)
class Ports:
    """An inclusive range; 0–65535 is any. With `negated`, all ports except those."""

    low: int = 0
    high: int = 65535
    negated: bool = False

    def holds(self, port: int) -> bool:
        """Whether a port is in the range. An unknown port is, if every port is (RFC 4301 §7.1)."""
        if port == ip.UNKNOWN_PORT:
            return self == ANY_PORT
        return (self.low <= port <= self.high) is not self.negated

    def within(self, other: Ports) -> bool:
        """Whether every port of this range is one of the other's."""
        if other.negated:
            return self == other or (not self.negated and (self.high < other.low or other.high < self.low))
        return not self.negated and other.low <= self.low and self.high <= other.high


ANY_PORT = Ports()


@dataclass(frozen=True, slots=True)
class Selector:
    """Flows by protocol (0: any), addresses and ports."""

    protocol: int
    source: Addresses | AddressRange
    destination: Addresses | AddressRange
    source_ports: Ports = ANY_PORT
    destination_ports: Ports = ANY_PORT

    def matches(self, flow: Flow) -> bool:
        return (
            self.protocol in (0, flow.protocol)
            and self.source.holds(flow.source)
            and self.destination.holds(flow.destination)
            and (self.source_ports is ANY_PORT or self.source_ports.holds(flow.source_port))
            and (self.destination_ports is ANY_PORT or self.destination_ports.holds(flow.destination_port))
        )

    def without_ports(self) -> Selector:
        return Selector(self.protocol, self.source, self.destination)

    def within(self, other: Selector) -> bool:
        """Whether every flow of this one is one of the other's."""
        return (
            other.protocol in (0, self.protocol)
            and self.source.within(other.source)
            and self.destination.within(other.destination)
            and self.source_ports.within(other.source_ports)
            and self.destination_ports.within(other.destination_ports)
        )

    def reversed(self) -> Selector:
        return Selector(self.protocol, self.destination, self.source, self.destination_ports, self.source_ports)


@dataclass(frozen=True, slots=True)
class Rule:
    permit: bool
    selector: Selector
    text: str = ""


@dataclass(frozen=True, slots=True)
class PolicyEntry(Generic[TargetT]):
    """Rules, and the protection of the flows that they permit."""

    rules: tuple[Rule, ...]
    target: TargetT

    def decide(self, flow: Flow) -> Rule | None:
        """The permitting rule that takes the flow, if one does."""
        for rule in self.rules:
            if rule.selector.matches(flow):
                return rule if rule.permit else None
        return None

    def may_take(self, flow: Flow) -> bool:
        """Whether a rule might permit a flow with unknown ports by its ports. Such a flow must not pass in the clear."""
        return flow.opaque and any(rule.permit and rule.selector.without_ports().matches(flow) for rule in self.rules)

    def covering(self, selector: Selector) -> Rule | None:
        """The rule that permits every flow of a selector; None if the first rule that covers them all denies, or if none does."""
        rule = next((rule for rule in self.rules if selector.within(rule.selector)), None)
        return rule if rule and rule.permit else None


@dataclass(frozen=True, slots=True, eq=False)
class Spd(Generic[TargetT]):
    """The entries of one interface, in order (RFC 4301 §4.4.1). It equals only itself, so that it can be a key."""

    entries: tuple[PolicyEntry[TargetT], ...]
