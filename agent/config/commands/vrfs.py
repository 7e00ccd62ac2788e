"""Config room: VRFs, declared by `ip vrf` or by `vrf definition`, and the SNMP contexts that show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from agent.base.keyed import Keyed
from agent.config.command import ConfigCommand, ConfigMatch, Edit, Mode, Place, Refused, Rendered, Section, State
from agent.config.commands.building import Leaves
from agent.config.model import RouterConfig, Vrf

MODES = {
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
}

_TARGET = "[way={both|export|import}] <target:target>"


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
    """IOS takes the VRF's static routes and the addresses of its interfaces away with it."""
    vrf = edit.config.vrfs.pop(match.word("name"), None)
    if vrf is None:
        return
    edit.state.forget(_vrf_place(vrf))
    edit.config.routes = edit.config.routes.keep(lambda route: route.vrf != vrf.name)
    for interface in list(edit.config.interfaces.values()):
        if interface.vrf == vrf.name:
            edit.config.interfaces[interface.name] = replace(interface, vrf=None, address=None, secondary=Keyed())
            edit.output.append(f"% Interface {interface.name} IP address removed due to deleting VRF {vrf.name}")


def _vrf_header(words: str, definition: bool) -> ConfigCommand:
    def apply(edit: Edit, match: ConfigMatch) -> Place:
        return _enter_vrf(definition, edit, match)

    def render(state: State, place: Place) -> Iterable[Rendered]:
        vrfs = [vrf for vrf in state.config.vrfs.values() if vrf.definition is definition]
        return [Section(f"{words} {vrf.name}", _vrf_place(vrf)) for vrf in vrfs]

    return ConfigCommand("config", f"{words} <name:word(32)>", 900 + definition, apply, _remove_vrf, render)


def _add_targets(match: ConfigMatch, vrf: Vrf) -> Mapping[str, object]:
    target, way = match.word("target"), match.maybe_word("way") or "both"
    changed: dict[str, object] = {}
    if way in ("both", "export") and target not in vrf.export_targets:
        changed["export_targets"] = (*vrf.export_targets, target)
    if way in ("both", "import") and target not in vrf.import_targets:
        changed["import_targets"] = (*vrf.import_targets, target)
    return changed


def _remove_targets(match: ConfigMatch, vrf: Vrf) -> Mapping[str, object]:
    target, way = match.word("target"), match.maybe_word("way") or "both"
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
        leaves.text("description", "<text:line(244)>", 5, "description"),
        leaves.text("rd", "<rd:word>", 10, "rd"),
        leaves.text("context", "<context:word(32)>", 20, "context"),
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
    return [
        Section(f"address-family {family}", Place("config-vrf-af", (vrf.name, family)), ("exit-address-family",))
        for family in vrf.families
    ]


def _family_targets(edit: Edit, match: ConfigMatch) -> list[tuple[str, str, str]]:
    way = match.maybe_word("way") or "both"
    ways = ("export", "import") if way == "both" else (way,)
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
        ConfigCommand("config-vrf-af", "exit-address-family", 90, _leave_family, navigate="exit"),
    ]
