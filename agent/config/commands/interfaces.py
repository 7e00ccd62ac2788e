"""Config room: interfaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv4Interface

from agent.base.keyed import Keyed
from agent.config.command import ConfigCommand, ConfigMatch, Edit, Mode, Place, Refused, Rendered, Section, State
from agent.config.commands.building import Leaves
from agent.config.interface_names import is_virtual
from agent.config.model import LONGEST_DESCRIPTION, Interface, RouterConfig

MODES = {
    "config-if": Mode("(config-if)#", "config-if"),
    "config-subif": Mode("(config-subif)#", "config-if"),
}

HELP = {
    "interface": "Select an interface to configure",
    "<interface>": "Interface name",
    "config-if clock": "Configure serial interface clock",
    "config-if description": "Interface specific description",
    "shutdown": "Shutdown the selected interface",
    "config-if logging": "Configure logging for interface",
    "logging event": "Interface events",
    "link-status": "UPDOWN and CHANGE messages",
    "ip address": "Set the IP address of an interface",
    "forwarding": "Configure forwarding table",
    "config-if crypto": "Encryption/Decryption commands",
    "config-if crypto map": "Assign a Crypto Map",
    "config-if ip vrf": "VPN Routing/Forwarding parameters on the interface",
    "config-if keepalive": "Enable keepalive",
    "config-if ip": "Interface Internet Protocol config commands",
    "bandwidth": "Set bandwidth informational parameter",
    "ip mtu": "Set IP Maximum Transmission Unit",
    "mtu": "Set the interface Maximum Transmission Unit (MTU)",
    "tunnel": "protocol-over-protocol tunneling",
    "tunnel source": "source of tunnel packets",
    "tunnel destination": "destination of tunnel",
    "tunnel vrf": "Specify tunnel VRF",
    "tunnel mode": "tunnel encapsulation method",
    "tunnel protection": "Enable tunnel protection",
}


def interface_place(name: str) -> Place:
    return Place("config-subif" if "." in name else "config-if", (name,))


def _get(config: RouterConfig, place: Place) -> Interface:
    return config.interfaces[str(place.key[0])]


def _put(config: RouterConfig, place: Place, interface: Interface) -> None:
    config.interfaces[interface.name] = interface


def _enter_interface(edit: Edit, match: ConfigMatch) -> Place:
    name = match.word("interface")
    interface = edit.config.interfaces.get(name) or Interface(name)
    if "link" in match.values:
        interface = replace(interface, link=" ".join(str(word) for word in match.all("link")))
    edit.config.interfaces[name] = interface
    return interface_place(name)


def _remove_interface(edit: Edit, match: ConfigMatch) -> None:
    name = match.word("interface")
    if "." not in name and not is_virtual(name):
        raise Refused("an interface that is not a physical one", "% Removal of physical interfaces is not permitted")
    for each in [each for each in edit.config.interfaces if each == name or each.startswith(f"{name}.")]:
        del edit.config.interfaces[each]
        edit.state.forget(interface_place(each))


def _default_interface(edit: Edit, match: ConfigMatch) -> None:
    name = match.word("interface")
    if name in edit.config.interfaces:
        edit.config.interfaces[name] = Interface(name, link=edit.config.interfaces[name].link)
        edit.state.forget(interface_place(name))
        edit.output += ("Building configuration...", "", f"Interface {name} set to default configuration")


def _render_interfaces(state: State, place: Place) -> Iterable[Rendered]:
    for interface in state.config.interfaces.values():
        link = f" {interface.link}" if interface.link else ""
        yield Section(f"interface {interface.name}{link}", interface_place(interface.name))


def _set_vrf(edit: Edit, vrf: str | None) -> None:
    """Moves the interface into another VRF; its addresses belonged to the old one and go (as IOS does)."""
    interface = _get(edit.config, edit.place)
    if vrf == interface.vrf:
        return
    if vrf is not None and vrf not in edit.config.vrfs and edit.typed:
        raise Refused("the name of a VRF", f"% VRF {vrf} not configured.")
    if interface.address is not None:
        why = f"enabling VRF {vrf}" if vrf else f"disabling VRF {interface.vrf}"
        said = f"% Interface {interface.name} IP address {interface.address.ip} removed due to {why}"
        edit.output.append(said)
        edit.warnings.append(said)
    _put(edit.config, edit.place, replace(interface, vrf=vrf, address=None, secondary=Keyed()))


def _join_vrf(edit: Edit, match: ConfigMatch) -> None:
    _set_vrf(edit, match.word("vrf"))


def _leave_vrf(edit: Edit, match: ConfigMatch) -> None:
    _set_vrf(edit, None)


def _render_vrf(definition: bool, state: State, place: Place) -> Iterable[Rendered]:
    name = _get(state.config, place).vrf
    if name is not None:
        vrf = state.config.vrfs.get(name)
        if (vrf is not None and vrf.definition) is definition:
            yield f"{'vrf' if definition else 'ip vrf'} forwarding {name}"


def _vrf_forwarding(pattern: str, definition: bool) -> ConfigCommand:
    def render(state: State, place: Place) -> Iterable[Rendered]:
        return _render_vrf(definition, state, place)

    return ConfigCommand("config-if", pattern, 10, _join_vrf, _leave_vrf, render)


def _set_address(edit: Edit, match: ConfigMatch) -> None:
    interface = _get(edit.config, edit.place)
    address = IPv4Interface((int(match.address("address")), str(match.address("mask"))))
    if "secondary" not in match:
        _put(edit.config, edit.place, replace(interface, address=address))
    elif interface.address is None and edit.typed:  # IOS writes the secondary ones first
        raise Refused("a primary address first", "% Primary address must be configured before a secondary one")
    elif not interface.secondary.has(address):
        _put(edit.config, edit.place, replace(interface, secondary=interface.secondary.put(address, address)))


def _remove_address(edit: Edit, match: ConfigMatch) -> None:
    interface = _get(edit.config, edit.place)
    if "secondary" in match:
        gone = match.address("address")
        left = interface.secondary.keep(lambda each: each.ip != gone)
        _put(edit.config, edit.place, replace(interface, secondary=left))
        return
    named = match.maybe_address("address")
    if named is not None and (interface.address is None or interface.address.ip != named):
        if edit.typed:
            raise Refused("the configured address", "% Invalid address")
    elif named is not None and interface.secondary:
        raise Refused("its secondary addresses to go first", "Must delete secondary before deleting primary")
    else:
        _put(edit.config, edit.place, replace(interface, address=None, secondary=Keyed()))


def _render_address(state: State, place: Place) -> Iterable[Rendered]:
    interface = _get(state.config, place)
    if interface.address is None and not any(_names_address(line) for line in state.kept_lines(place)):
        yield "no ip address"
    for each in interface.secondary:
        yield f"ip address {each.ip} {each.netmask} secondary"
    if interface.address is not None:
        yield f"ip address {interface.address.ip} {interface.address.netmask}"


def _names_address(line: str) -> bool:
    """Whether a line that is not understood says where the address comes from: `ip address dhcp`, `ip unnumbered Loopback0`."""
    return line.strip().startswith(("ip address ", "ip unnumbered "))


def _written_protection(interface: Interface) -> str | None:
    shared = " shared" if interface.tunnel_shared else ""
    return f"tunnel protection ipsec profile {interface.tunnel_profile}{shared}" if interface.tunnel_profile else None


def _interface_lines() -> list[ConfigCommand]:
    leaves = Leaves("config-if", _get, _put)
    line = leaves.command
    return [
        leaves.text("description", f"<text:line({LONGEST_DESCRIPTION})>", 5, "description"),
        line(
            "bandwidth ~ ... <kilobits:int(1-200000000)>",
            7,
            lambda m, i: {"bandwidth": m.number("kilobits")},
            {"bandwidth": None},
            lambda i: f"bandwidth {i.bandwidth}" if i.bandwidth else None,
        ),
        line(
            "mtu ~ <octets:int(64-18000)>",
            8,
            lambda m, i: {"mtu": m.number("octets")},
            {"mtu": None},
            lambda i: f"mtu {i.mtu}" if i.mtu else None,
        ),
        line(
            "ip mtu ~ <octets:int(68-18000)>",
            42,
            lambda m, i: {"ip_mtu": m.number("octets")},
            {"ip_mtu": None},
            lambda i: f"ip mtu {i.ip_mtu}" if i.ip_mtu else None,
        ),
        line(
            "logging event ... link-status",
            9,
            lambda m, i: {"logs_link": True},
            {"logs_link": False},
            lambda i: None if i.logs_link else "no logging event link-status",
            default={"logs_link": True},
        ),
        line("shutdown", 50, lambda m, i: {"shutdown": True}, {"shutdown": False}, lambda i: "shutdown" if i.shutdown else None),
        line(
            "tunnel source ~ {<address:address>|<interface:interface>}",
            70,
            lambda m, i: {"tunnel_source": m.maybe_word("address") or m.word("interface")},
            {"tunnel_source": None},
            lambda i: f"tunnel source {i.tunnel_source}" if i.tunnel_source else None,
        ),
        line(
            "tunnel mode ~ ... mode={gre ... ip|ipsec ... ipv4}",
            71,
            lambda m, i: {"tunnel_mode": None if "gre" in m.words else "ipsec ipv4"},  # GRE over IP is what a tunnel is by itself
            {"tunnel_mode": None},
            lambda i: f"tunnel mode {i.tunnel_mode}" if i.tunnel_mode else None,
        ),
        line(
            "tunnel destination ~ <address:address>",
            72,
            lambda m, i: {"tunnel_destination": m.address("address")},
            {"tunnel_destination": None},
            lambda i: f"tunnel destination {i.tunnel_destination}" if i.tunnel_destination else None,
        ),
        leaves.text("tunnel vrf", "<vrf:word>", 73, "tunnel_vrf"),
        line(
            "tunnel protection ~ ipsec profile <profile:word> [shared]",
            74,
            lambda m, i: {"tunnel_profile": m.word("profile"), "tunnel_shared": "shared" in m.words},
            {"tunnel_profile": None, "tunnel_shared": False},
            _written_protection,
        ),
        line(
            "crypto map ~ <map:word>",
            90,
            lambda m, i: {"crypto_map": m.word("map")},
            _detached,
            lambda i: f"crypto map {i.crypto_map}" if i.crypto_map else None,
        ),
    ]


def _detached(match: ConfigMatch, interface: Interface) -> Mapping[str, object]:
    """`no crypto map`, or `no crypto map NAME` of the map that is there."""
    return {"crypto_map": None} if match.maybe_word("map") in (None, interface.crypto_map) else {}


def commands() -> list[ConfigCommand]:
    return [
        ConfigCommand(
            "config",
            "interface <interface:interface> ... [link={point-to-point|multipoint|type {ethernet|serial|tunnel}}]",
            2000,
            _enter_interface,
            _remove_interface,
            _render_interfaces,
            default=_default_interface,
        ),
        _vrf_forwarding("ip vrf forwarding ~ <vrf:word>", False),
        _vrf_forwarding("vrf forwarding ~ <vrf:word>", True),
        ConfigCommand(
            "config-if",
            "ip address ~ <address:address> <mask:mask> [secondary]",
            20,
            _set_address,
            _remove_address,
            _render_address,
        ),
        *_interface_lines(),
    ]
