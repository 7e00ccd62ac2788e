"""Shell room: `show interfaces`, `show interfaces description` and `show ip interface`. What is not known has no line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agent.config.interface_names import type_of
from agent.config.model import Interface
from agent.flow.device import InterfaceCounter, InterfaceState
from agent.shell.releases import Release

_HARDWARE = {
    "Ethernet": "AmdP2",
    "FastEthernet": "Fast Ethernet",
    "GigabitEthernet": "Gigabit Ethernet",
    "Loopback": "Loopback",
    "Serial": "Serial",
    "Tunnel": "Tunnel",
}
_ENCAPSULATION = {"Serial": "HDLC", "Loopback": "LOOPBACK", "Tunnel": "TUNNEL"}
_NAME_WIDTH = {Release.CLASSIC: 26, Release.XE: 22}
_SHORT = 2  # letters of an abbreviated interface type


@dataclass(frozen=True, slots=True)
class ShownInterface:
    """An interface as it is configured, and as it stands. `configured` is None while its configuration is being removed."""

    state: InterfaceState
    configured: Interface | None

    @property
    def line(self) -> str:
        if not self.state.admin_up:
            return "administratively down"
        return "up" if self.state.oper_up else "down"

    @property
    def protocol(self) -> str:
        return "up" if self.state.oper_up else "down"

    @property
    def address(self) -> str | None:
        found = self.configured.address if self.configured else None
        return str(found) if found is not None else None

    @property
    def head(self) -> str:
        return f"{self.state.name} is {self.line}, line protocol is {self.protocol} "

    def count(self, counter: InterfaceCounter, now: int) -> int:
        return self.state.count(counter, now)


def short_name(name: str) -> str:
    """An interface's name as IOS abbreviates it: "Fa0/0"."""
    kind = type_of(name)
    return kind[:_SHORT] + name[len(kind) :]


def brief_lines(interfaces: Iterable[ShownInterface], release: Release) -> Iterator[str]:
    """`show ip interface brief`."""
    width = _NAME_WIDTH[release]
    yield f"{'Interface':<{width}} {'IP-Address':<15} OK? Method {'Status':<21} Protocol"
    for shown in interfaces:
        address = shown.address.partition("/")[0] if shown.address else "unassigned"
        method = "NVRAM" if shown.address else "unset"
        yield f"{shown.state.name:<{width}} {address:<15} YES {method:<6} {shown.line:<21} {shown.protocol:<8}"


def description_lines(interfaces: Iterable[ShownInterface]) -> Iterator[str]:
    """`show interfaces description`."""
    yield f"{'Interface':<30} {'Status':<14} Protocol Description"
    for shown in interfaces:
        line = "admin down" if not shown.state.admin_up else shown.line
        yield f"{short_name(shown.state.name):<30} {line:<14} {shown.protocol:<8} {shown.state.description}".rstrip()


def full_lines(shown: ShownInterface, now: int) -> Iterator[str]:
    """`show interfaces` of one interface."""
    state = shown.state
    kind = type_of(state.name)
    yield shown.head
    address = f", address is {_mac(state.physical_address)}" if state.physical_address else ""
    yield f"  Hardware is {_HARDWARE.get(kind, kind)}{address}"
    if state.description:
        yield f"  Description: {state.description}"
    if shown.address:
        yield f"  Internet address is {shown.address}"
    yield f"  MTU {state.mtu} bytes, BW {state.speed // 1000} Kbit/sec, "
    yield f"  Encapsulation {_ENCAPSULATION.get(kind, 'ARPA')}, loopback not set"
    yield from _tunnel_lines(shown.configured)
    yield '  Last clearing of "show interface" counters never'
    counts = {counter: shown.count(counter, now) for counter in InterfaceCounter}
    yield f"     {counts[InterfaceCounter.IN_UNICAST]} packets input, {counts[InterfaceCounter.IN_OCTETS]} bytes, 0 no buffer"
    yield f"     {counts[InterfaceCounter.IN_ERRORS]} input errors, {counts[InterfaceCounter.IN_DISCARDS]} input drops"
    yield f"     {counts[InterfaceCounter.OUT_UNICAST]} packets output, {counts[InterfaceCounter.OUT_OCTETS]} bytes, 0 underruns"
    yield f"     {counts[InterfaceCounter.OUT_ERRORS]} output errors, {counts[InterfaceCounter.OUT_DISCARDS]} output drops"


def _tunnel_lines(configured: Interface | None) -> Iterator[str]:
    if configured is None or not configured.tunnel_source:
        return
    destination = f", destination {configured.tunnel_destination}" if configured.tunnel_destination else ""
    yield f"  Tunnel source {configured.tunnel_source}{destination}"
    yield f"  Tunnel protocol/transport {'IPSEC/IP' if configured.tunnel_mode == 'ipsec ipv4' else 'GRE/IP'}"
    if configured.tunnel_profile:
        yield f'  Tunnel protection via IPSec (profile "{configured.tunnel_profile}")'


def _mac(octets: bytes) -> str:
    digits = octets.hex()
    return ".".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def ip_lines(shown: ShownInterface) -> Iterator[str]:
    """`show ip interface` of one interface."""
    yield shown.head.rstrip()
    configured = shown.configured
    if configured is None or configured.address is None:
        yield "  Internet protocol processing disabled"
        return
    yield f"  Internet address is {configured.address}"
    yield "  Broadcast address is 255.255.255.255"
    yield "  Address determined by non-volatile memory"
    yield f"  MTU is {configured.ip_mtu or shown.state.mtu} bytes"
    yield from (f"  Secondary address {address}" for address in configured.secondary)
    if configured.vrf:
        yield f'  VPN Routing/Forwarding "{configured.vrf}"'
