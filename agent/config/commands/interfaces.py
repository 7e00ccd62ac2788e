"""Config room: VRFs and interfaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv4Interface

from agent.config.arguments import VIRTUAL_INTERFACE_TYPES
from agent.config.command import ConfigCommand, ConfigMatch, Edit, Mode, Place, Refused, Rendered, Section, State
from agent.config.commands.building import Leaves
from agent.config.model import Interface, RouterConfig, Vrf

MODES = {
    "config-if": Mode("(config-if)#", "config-if"),
    "config-subif": Mode("(config-subif)#", "config-if"),
    "config-vrf": Mode("(config-vrf)#", "config-vrf"),
    "config-vrf-definition": Mode("(config-vrf)#", "config-vrf-definition"),
    "config-vrf-af": Mode("(config-vrf-af)#", "config-vrf-af"),
}

HELP = {
    "ip vrf": "Configure an IP VPN Routing/Forwarding instance",
    "ip vrf <name>": "VPN Routing/Forwarding instance name",
    "vrf": "VRF commands",
    "vrf definition": "VRF definition configuration",
    "rd": "Specify Route Distinguisher",
    "context": "Associate SNMP context with this vrf",
    "route-target": "Specify Target VPN Extended Communities",
    "export": "Export Target-VPN community",
    "import": "Import Target-VPN community",
    "both": "Both import and export Target-VPN community",
    "interface": "Select an interface to configure",
    "<interface>": "Interface name",
    "description": "Interface specific description",
    "shutdown": "Shutdown the selected interface",
    "ip address": "Set the IP address of an interface",
    "forwarding": "Configure forwarding table",
    "crypto map": "Assign a Crypto Map",
    "bandwidth": "Set bandwidth informational parameter",
    "mtu": "Set the interface Maximum Transmission Unit (MTU)",
    "tunnel": "protocol-over-protocol tunneling",
    "tunnel source": "source of tunnel packets",
    "tunnel destination": "destination of tunnel",
    "tunnel vrf": "Specify tunnel VRF",
    "tunnel mode": "tunnel encapsulation method",
    "tunnel protection": "Enable tunnel protection",
}

_TARGET = "way={both|export|import} <target:word>"


def interface_place(name: str) -> Place:
    return Place("config-subif" if "." in name else "config-if", (name,))


# --- VRFs ----------------------------------------------------------------------------------------------------------------


def _get_vrf(config: RouterConfig, place: Place) -> Vrf:
    return config.vrfs[str(place.key[0])]


def _put_vrf(config: RouterConfig, place: Place, vrf: Vrf) -> None:
    config.vrfs[vrf.name] = vrf


def _vrf_place(vrf: Vrf) -> Place:
    return Place("config-vrf-definition" if vrf.definition else "config-vrf", (vrf.name,))


def _enter_vrf(definition: bool, edit: Edit, match: ConfigMatch) -> Place:
    name = match.word("name")
    vrf = edit.config.vrfs.setdefault(name, Vrf(name, definition=definition))
    if vrf.definition != definition:
        words = "vrf definition" if vrf.definition else "ip vrf"
        raise Refused(f"`{words} {name}`, as it was declared", f"% VRF {name} is already configured by `{words}`")
    return _vrf_place(vrf)


def _remove_vrf(edit: Edit, match: ConfigMatch) -> None:
    """IOS takes the addresses of the VRF's interfaces away with it."""
    vrf = edit.config.vrfs.pop(match.word("name"), None)
    if vrf is None:
        return
    edit.state.forget(_vrf_place(vrf))
    for interface in list(edit.config.interfaces.values()):
        if interface.vrf == vrf.name:
            edit.config.interfaces[interface.name] = replace(interface, vrf=None, address=None, secondary=())
            edit.output.append(f"% Interface {interface.name} IP address removed due to deleting VRF {vrf.name}")


def _vrf_header(words: str, definition: bool) -> ConfigCommand:
    def apply(edit: Edit, match: ConfigMatch) -> Place:
        return _enter_vrf(definition, edit, match)

    def render(state: State, place: Place) -> Iterable[Rendered]:
        vrfs = [vrf for vrf in state.config.vrfs.values() if vrf.definition is definition]
        return [Section(f"{words} {vrf.name}", _vrf_place(vrf)) for vrf in vrfs]

    return ConfigCommand("config", f"{words} <name:word(32)>", 900 + definition, apply, _remove_vrf, render)


def _add_targets(match: ConfigMatch, vrf: Vrf) -> Mapping[str, object]:
    target, way = match.word("target"), match.word("way")
    changed: dict[str, object] = {}
    if way in ("both", "export") and target not in vrf.export_targets:
        changed["export_targets"] = (*vrf.export_targets, target)
    if way in ("both", "import") and target not in vrf.import_targets:
        changed["import_targets"] = (*vrf.import_targets, target)
    return changed


def _remove_targets(match: ConfigMatch, vrf: Vrf) -> Mapping[str, object]:
    target, way = match.word("target"), match.word("way")
    changed: dict[str, object] = {}
    if way in ("both", "export"):
        changed["export_targets"] = tuple(each for each in vrf.export_targets if each != target)
    if way in ("both", "import"):
        changed["import_targets"] = tuple(each for each in vrf.import_targets if each != target)
    return changed


def _written_targets(vrf: Vrf) -> list[str]:
    exports = [f"route-target export {target}" for target in vrf.export_targets]
    return exports + [f"route-target import {target}" for target in vrf.import_targets]


def _vrf_lines(mode: str) -> list[ConfigCommand]:
    leaves = Leaves(mode, _get_vrf, _put_vrf)
    return [
        leaves.command(
            "description ~ <text:line(244)>",
            5,
            lambda m, v: {"description": m.word("text")},
            {"description": None},
            lambda v: f"description {v.description}" if v.description else None,
        ),
        leaves.command(
            "rd ~ <rd:word>", 10, lambda m, v: {"rd": m.word("rd")}, {"rd": None}, lambda v: f"rd {v.rd}" if v.rd else None
        ),
        leaves.command(
            "context ~ <context:word(32)>",
            20,
            lambda m, v: {"context": m.word("context")},
            {"context": None},
            lambda v: f"context {v.context}" if v.context else None,
        ),
        leaves.command(f"route-target {_TARGET}", 30, _add_targets, _remove_targets, _written_targets),
    ]


def _enter_family(edit: Edit, match: ConfigMatch) -> Place:
    vrf, family = _get_vrf(edit.config, edit.place), match.word("family")
    if family not in vrf.families:
        _put_vrf(edit.config, edit.place, replace(vrf, families=(*vrf.families, family)))
    return Place("config-vrf-af", (vrf.name, family))


def _remove_family(edit: Edit, match: ConfigMatch) -> None:
    vrf, family = _get_vrf(edit.config, edit.place), match.word("family")
    families = tuple(each for each in vrf.families if each != family)
    targets = tuple(each for each in vrf.family_targets if each[0] != family)
    _put_vrf(edit.config, edit.place, replace(vrf, families=families, family_targets=targets))
    edit.state.forget(Place("config-vrf-af", (vrf.name, family)))


def _render_families(state: State, place: Place) -> Iterable[Rendered]:
    vrf = _get_vrf(state.config, place)
    return [Section(f"address-family {family}", Place("config-vrf-af", (vrf.name, family))) for family in vrf.families]


def _family_targets(edit: Edit, match: ConfigMatch) -> list[tuple[str, str, str]]:
    ways = ("export", "import") if match.word("way") == "both" else (match.word("way"),)
    return [(str(edit.place.key[1]), way, match.word("target")) for way in ways]


def _add_family_targets(edit: Edit, match: ConfigMatch) -> None:
    vrf = _get_vrf(edit.config, edit.place)
    added = tuple(each for each in _family_targets(edit, match) if each not in vrf.family_targets)
    _put_vrf(edit.config, edit.place, replace(vrf, family_targets=vrf.family_targets + added))


def _remove_family_targets(edit: Edit, match: ConfigMatch) -> None:
    vrf, gone = _get_vrf(edit.config, edit.place), _family_targets(edit, match)
    _put_vrf(edit.config, edit.place, replace(vrf, family_targets=tuple(each for each in vrf.family_targets if each not in gone)))


def _render_family_targets(state: State, place: Place) -> Iterable[Rendered]:
    targets = [each for each in _get_vrf(state.config, place).family_targets if each[0] == place.key[1]]
    return [f"route-target {way} {target}" for _, way, target in sorted(targets, key=lambda each: each[1])]


def _leave_family(edit: Edit, match: ConfigMatch) -> None:
    return None


# --- interfaces ----------------------------------------------------------------------------------------------------------


def _get(config: RouterConfig, place: Place) -> Interface:
    return config.interfaces[str(place.key[0])]


def _put(config: RouterConfig, place: Place, interface: Interface) -> None:
    config.interfaces[interface.name] = interface


def _enter_interface(edit: Edit, match: ConfigMatch) -> Place:
    name = match.word("interface")
    interface = edit.config.interfaces.get(name) or Interface(name)
    if match.maybe_word("link") == "point-to-point":
        interface = replace(interface, point_to_point=True)
    edit.config.interfaces[name] = interface
    return interface_place(name)


def _remove_interface(edit: Edit, match: ConfigMatch) -> None:
    name = match.word("interface")
    kind = name.rstrip("0123456789./:")
    if "." not in name and kind not in VIRTUAL_INTERFACE_TYPES:
        raise Refused("an interface that is not a physical one", "% Removal of physical interfaces is not permitted")
    for each in [each for each in edit.config.interfaces if each == name or each.startswith(f"{name}.")]:
        del edit.config.interfaces[each]
        edit.state.forget(interface_place(each))


def _default_interface(edit: Edit, match: ConfigMatch) -> None:
    name = match.word("interface")
    if name in edit.config.interfaces:
        edit.config.interfaces[name] = Interface(name, point_to_point=edit.config.interfaces[name].point_to_point)
        edit.state.forget(interface_place(name))


def _render_interfaces(state: State, place: Place) -> Iterable[Rendered]:
    for interface in state.config.interfaces.values():
        link = " point-to-point" if interface.point_to_point else ""
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
        edit.output.append(f"% Interface {interface.name} IP address {interface.address.ip} removed due to {why}")
    _put(edit.config, edit.place, replace(interface, vrf=vrf, address=None, secondary=()))


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
    elif interface.address is None:
        raise Refused("a primary address first", "% Primary address must be configured before a secondary one")
    elif address not in interface.secondary:
        _put(edit.config, edit.place, replace(interface, secondary=(*interface.secondary, address)))


def _remove_address(edit: Edit, match: ConfigMatch) -> None:
    interface = _get(edit.config, edit.place)
    if "secondary" in match:
        gone = match.address("address")
        left = tuple(each for each in interface.secondary if each.ip != gone)
        _put(edit.config, edit.place, replace(interface, secondary=left))
    elif interface.secondary and match.maybe_address("address") is not None:
        raise Refused("its secondary addresses to go first", "Must delete secondary before deleting primary")
    else:
        _put(edit.config, edit.place, replace(interface, address=None, secondary=()))


def _render_address(state: State, place: Place) -> Iterable[Rendered]:
    interface = _get(state.config, place)
    if interface.address is None:
        yield "no ip address"
        return
    for each in interface.secondary:
        yield f"ip address {each.ip} {each.netmask} secondary"
    yield f"ip address {interface.address.ip} {interface.address.netmask}"


def _written_protection(interface: Interface) -> str | None:
    return f"tunnel protection ipsec profile {interface.tunnel_profile}" if interface.tunnel_profile else None


def _interface_lines() -> list[ConfigCommand]:
    line = Leaves("config-if", _get, _put).command
    return [
        line(
            "description ~ <text:line(240)>",
            5,
            lambda m, i: {"description": m.word("text")},
            {"description": None},
            lambda i: f"description {i.description}" if i.description else None,
        ),
        line(
            "bandwidth ~ <kilobits:int(1-10000000)>",
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
        line("shutdown", 50, lambda m, i: {"shutdown": True}, {"shutdown": False}, lambda i: "shutdown" if i.shutdown else None),
        line(
            "tunnel source ~ {<address:address>|<interface:interface>}",
            70,
            lambda m, i: {"tunnel_source": m.maybe_word("address") or m.word("interface")},
            {"tunnel_source": None},
            lambda i: f"tunnel source {i.tunnel_source}" if i.tunnel_source else None,
            later=True,
        ),
        line(
            "tunnel mode ~ mode={gre ip|ipsec ipv4}",
            71,
            lambda m, i: {"tunnel_mode": None if "gre" in m.words else "ipsec ipv4"},  # GRE over IP is what a tunnel is by itself
            {"tunnel_mode": None},
            lambda i: f"tunnel mode {i.tunnel_mode}" if i.tunnel_mode else None,
            later=True,
        ),
        line(
            "tunnel destination ~ <address:address>",
            72,
            lambda m, i: {"tunnel_destination": m.address("address")},
            {"tunnel_destination": None},
            lambda i: f"tunnel destination {i.tunnel_destination}" if i.tunnel_destination else None,
            later=True,
        ),
        line(
            "tunnel vrf ~ <vrf:word>",
            73,
            lambda m, i: {"tunnel_vrf": m.word("vrf")},
            {"tunnel_vrf": None},
            lambda i: f"tunnel vrf {i.tunnel_vrf}" if i.tunnel_vrf else None,
            later=True,
        ),
        line(
            "tunnel protection ~ ipsec profile <profile:word>",
            74,
            lambda m, i: {"tunnel_profile": m.word("profile")},
            {"tunnel_profile": None},
            _written_protection,
            later=True,
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
        _vrf_header("ip vrf", False),
        _vrf_header("vrf definition", True),
        *_vrf_lines("config-vrf"),
        *_vrf_lines("config-vrf-definition"),
        ConfigCommand(
            "config-vrf-definition", "address-family family={ipv4|ipv6}", 40, _enter_family, _remove_family, _render_families
        ),
        ConfigCommand(
            "config-vrf-af", f"route-target {_TARGET}", 10, _add_family_targets, _remove_family_targets, _render_family_targets
        ),
        ConfigCommand("config-vrf-af", "exit-address-family", 90, _leave_family, render=_render_leave, navigate="exit"),
        ConfigCommand(
            "config",
            "interface <interface:interface> [link={point-to-point|multipoint}]",
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


def _render_leave(state: State, place: Place) -> Iterable[Rendered]:
    return ("exit-address-family",)
