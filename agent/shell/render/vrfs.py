"""Shell room: `show vrf` and `show ip vrf`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from agent.config.model import Vrf
from agent.shell.releases import Release
from agent.shell.render.interfaces import ShownInterface, short_name

_NOT_SET = "<not set>"
_NAME, _PROTOCOLS = 32, 12  # columns
_DISTINGUISHER = {Release.CLASSIC: 20, Release.XE: 22}
_IN_A_LINE = 3  # interfaces, or route targets
_HAS_DISTINGUISHER, _NEW_FORM, _OLD_FORM = 0x4, 0x1808, 0x8  # flags
_IPV6_TABLES = 0x1E000000  # the table IDs of IPv6 begin after this one
_FAMILIES = ("ipv4 unicast", "ipv6 unicast", "ipv4 multicast", "ipv6 multicast")


@dataclass(frozen=True, slots=True)
class ShownVrf:
    """A VRF with its number, from 1 in the order of the configuration, and its interfaces."""

    vrf: Vrf
    number: int
    interfaces: tuple[ShownInterface, ...]

    @property
    def distinguisher(self) -> str:
        return self.vrf.rd or _NOT_SET

    @property
    def families(self) -> tuple[str, ...]:
        """The address families: `ip vrf` is of IPv4 alone."""
        return tuple(sorted(self.vrf.families)) if self.vrf.definition else ("ipv4",)

    def targets(self, family: str, direction: str) -> tuple[str, ...]:
        """The route targets of a family, those of the whole VRF first; `direction` is "import" or "export"."""
        whole = self.vrf.import_targets if direction == "import" else self.vrf.export_targets
        own = (target for of, way, target in self.vrf.family_targets if (of, way) == (family, direction))
        return (*whole, *own)


def table_lines(vrfs: Iterable[ShownVrf]) -> Iterator[str]:
    """`show vrf`."""
    yield from _table(vrfs, _DISTINGUISHER[Release.XE], _PROTOCOLS)


def ip_table_lines(vrfs: Iterable[ShownVrf], release: Release) -> Iterator[str]:
    """`show ip vrf`."""
    yield from _table(vrfs, _DISTINGUISHER[release], 0)


def _table(vrfs: Iterable[ShownVrf], distinguisher: int, protocols: int) -> Iterator[str]:
    def row(name: str, own: str, families: str, interface: str) -> str:
        middle = f"{families:<{protocols}}" if protocols else ""
        return f"  {name:<{_NAME}} {own:<{distinguisher}}{middle}{interface}".rstrip()

    yield row("Name", "Default RD", "Protocols", "Interfaces")
    for each in vrfs:
        names = [short_name(shown.state.name) for shown in each.interfaces]
        yield row(each.vrf.name, each.distinguisher, ",".join(each.families), names[0] if names else "")
        yield from (row("", "", "", name) for name in names[1:])


def interface_lines(vrfs: Iterable[ShownVrf]) -> Iterator[str]:
    """`show ip vrf interfaces`."""
    yield f"{'Interface':<22} {'IP-Address':<15} {'VRF':<32} Protocol"
    for each in vrfs:
        for shown in each.interfaces:
            address = shown.address.partition("/")[0] if shown.address else "unassigned"
            yield f"{short_name(shown.state.name):<22} {address:<15} {each.vrf.name:<32} {shown.protocol}"


def detail_lines(vrfs: Iterable[ShownVrf]) -> Iterator[str]:
    """`show vrf detail`, with an empty line after each VRF."""
    for each in vrfs:
        yield from _detail(each)
        yield ""


def _detail(shown: ShownVrf) -> Iterator[str]:
    vrf = shown.vrf
    yield f"VRF {vrf.name} (VRF Id = {shown.number}); default RD {shown.distinguisher}; default VPNID {_NOT_SET}"
    if vrf.description:
        yield f"  Description: {vrf.description}"
    if vrf.definition:
        yield "  New CLI format, supports multiple address-families"
    else:
        yield "  Old CLI format, supports IPv4 only"
    flags = (_NEW_FORM if vrf.definition else _OLD_FORM) | (_HAS_DISTINGUISHER if vrf.rd else 0)
    yield f"  Flags: 0x{flags:X}"
    if shown.interfaces:
        yield "  Interfaces:"
        yield from _columns([short_name(each.state.name) for each in shown.interfaces])
    else:
        yield "  No interfaces"
    for name in _FAMILIES:
        family = name.removesuffix(" unicast")
        if family not in shown.families:
            yield f"Address family {name} not active"
            continue
        table = shown.number + (_IPV6_TABLES if family == "ipv6" else 0)
        yield f"Address family {name} (Table ID = 0x{table:X}):"
        yield "  Flags: 0x0"
        yield from _targets("Export", shown.targets(family, "export"))
        yield from _targets("Import", shown.targets(family, "import"))
        yield "  No import route-map"
        yield "  No global export route-map"
        yield "  No export route-map"
        yield "  VRF label distribution protocol: not configured"
        yield "  VRF label allocation mode: per-prefix"


def _targets(direction: str, targets: Sequence[str]) -> Iterator[str]:
    if not targets:
        yield f"  No {direction} VPN route-target communities"
        return
    yield f"  {direction} VPN route-target communities"
    yield from _columns([f"RT:{target}" for target in targets])


def _columns(words: Sequence[str]) -> Iterator[str]:
    for at in range(0, len(words), _IN_A_LINE):
        yield ("    " + " ".join(f"{word:<24}" for word in words[at : at + _IN_A_LINE])).rstrip()
