"""Config room: crypto maps, dynamic maps, and the `set …` lines that they share with IPsec profiles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from agent.base.keyed import Keyed
from agent.config.command import ConfigCommand, ConfigMatch, Edit, Mode, Place, Refused, Rendered, Section, State
from agent.config.commands.building import ADDRESS_WAYS, Leaves, with_way, without_way
from agent.config.commands.ipsec import KILOBYTES, SECONDS
from agent.config.commands.isakmp import GROUPS, doubt_of_group
from agent.config.crypto_model import CryptoMap, CryptoMapEntry, IpsecProfile
from agent.config.model import RouterConfig

MODES = {
    "crypto-map": Mode("(config-crypto-map)#", "crypto-map"),
    "dynamic-map": Mode("(config-crypto-map)#", "crypto-map"),
}

HELP = {
    "crypto map": "Enter a crypto map",
    "crypto map <map>": "Crypto map tag",
    "crypto dynamic-map": "Specify a dynamic crypto map template",
    "<sequence>": "Sequence to insert into crypto map entry",
    "ipsec-isakmp": "IPSEC w/ISAKMP",
    "ipsec-manual": "IPSEC w/manual keying",
    "dynamic": "Reference to a dynamic crypto map template",
    "discover": "Enable dynamic peer discovery",
    "set": "Set values for encryption/decryption",
    "set peer": "Allowed Encryption/Decryption peer.",
    "set transform-set": "Specify list of transform sets in priority order",
    "set pfs": "Specify pfs settings",
    "set isakmp-profile": "Specify isakmp Profile",
    "set security-association": "Security association parameters",
    "match": "Match values.",
    "match address": "Match address of packets to encrypt.",
    "match address <acl>": "Access-list name or number",
    "reverse-route": "Reverse Route Injection.",
    "local-address": "Interface to use for local address for this crypto map",
}

NOTE = ("% NOTE: This new crypto map will remain disabled until a peer", "and a valid access list have been configured.")


# --- entries -------------------------------------------------------------------------------------------------------------


def _maps(config: RouterConfig, place: Place) -> dict[str, CryptoMap]:
    return config.crypto.dynamic_maps if place.mode == "dynamic-map" else config.crypto.maps


def _get(config: RouterConfig, place: Place) -> CryptoMapEntry:
    name, sequence = place.key
    entry = _entry_at(_maps(config, place), str(name), int(str(sequence)))
    if entry is None:
        raise KeyError(place)
    return entry


def _put(config: RouterConfig, place: Place, entry: CryptoMapEntry) -> None:
    """Puts an entry among those of its name, by sequence number."""
    maps = _maps(config, place)
    known = maps.get(entry.name) or CryptoMap(entry.name)
    maps[entry.name] = known.put(entry)


def _entry_at(maps: dict[str, CryptoMap], name: str, sequence: int) -> CryptoMapEntry | None:
    known = maps.get(name)
    return known.entry(sequence) if known else None


def _enter_map(edit: Edit, match: ConfigMatch) -> Place | None:
    name, sequence = match.word("map"), match.number("sequence")
    known = _entry_at(edit.config.crypto.maps, name, sequence)
    kind = match.maybe_word("kind") or (known.kind if known else None)
    if kind is None:
        raise Refused("ipsec-isakmp or ipsec-manual after a new sequence number", "% Incomplete command.")
    place = Place("crypto-map", (name, sequence))
    dynamic = match.maybe_word("dynamic-map")
    if known is not None and (known.kind != kind or ("kind" in match.values and (known.dynamic is None) != (dynamic is None))):
        raise Refused("the kind that the entry has", "Attempt to change the type of an existing crypto map entry is not allowed.")
    entry = known or CryptoMapEntry(name, sequence, kind)
    if dynamic is not None:
        entry = replace(entry, dynamic=dynamic, discover="discover" in match.words)
    if known is None and dynamic is None and kind == "ipsec-isakmp":
        edit.output.extend(NOTE)
    _put(edit.config, place, entry)
    # An entry that only refers to a dynamic map has nothing to set: IOS stays where it is.
    return None if entry.dynamic is not None else place


def _remove_map(edit: Edit, match: ConfigMatch) -> None:
    """`no crypto map M` takes all entries away, `no crypto map M SEQ …` one."""
    _remove(edit, "crypto-map", match.word("map"), match.maybe_number("sequence"))


def _remove(edit: Edit, mode: str, name: str, sequence: int | None) -> None:
    maps = _maps(edit.config, Place(mode))
    known = maps.get(name)
    if known is None:
        return
    gone = [entry.sequence for entry in known.entries] if sequence is None else [sequence]
    for each in gone:
        edit.state.forget(Place(mode, (name, each)))
    left = CryptoMap(name) if sequence is None else known.drop(sequence)
    if left != CryptoMap(name):
        maps[name] = left
    else:
        del maps[name]


def _written_header(entry: CryptoMapEntry) -> str:
    dynamic = f" dynamic {entry.dynamic}{' discover' if entry.discover else ''}" if entry.dynamic else ""
    return f"crypto map {entry.name} {entry.sequence} {entry.kind}{dynamic}"


def _render_maps(state: State, place: Place) -> Iterable[Rendered]:
    for each in state.config.crypto.maps.values():
        yield from _written_settings(each)
        for entry in each.entries:
            text = _written_header(entry)
            yield text if entry.dynamic else Section(text, Place("crypto-map", (entry.name, entry.sequence)))


def _enter_dynamic(edit: Edit, match: ConfigMatch) -> Place:
    name, sequence = match.word("map"), match.number("sequence")
    place = Place("dynamic-map", (name, sequence))
    if _entry_at(edit.config.crypto.dynamic_maps, name, sequence) is None:
        _put(edit.config, place, CryptoMapEntry(name, sequence))
    return place


def _remove_dynamic(edit: Edit, match: ConfigMatch) -> None:
    _remove(edit, "dynamic-map", match.word("map"), match.maybe_number("sequence"))


def _render_dynamic(state: State, place: Place) -> Iterable[Rendered]:
    for each in state.config.crypto.dynamic_maps.values():
        for entry in each.entries:
            yield Section(f"crypto dynamic-map {entry.name} {entry.sequence}", Place("dynamic-map", (entry.name, entry.sequence)))


# --- what is said of a whole map -----------------------------------------------------------------------------------------

_SETTINGS = {
    "accounting_list": "client accounting list",
    "client_authentication": "client authentication list",
    "isakmp_authorization": "isakmp authorization list",
    "local_address": "local-address",
}


def _written_settings(crypto_map: CryptoMap) -> list[str]:
    said = [(words, getattr(crypto_map, name)) for name, words in _SETTINGS.items()]
    said += [(_ADDRESS, way) for way in crypto_map.address_ways]
    return [f"crypto map {crypto_map.name} {words} {value}" for words, value in said if value is not None]


def _change_map(edit: Edit, match: ConfigMatch, change: Callable[[CryptoMap], CryptoMap]) -> None:
    """Puts a changed map in place; one of which nothing is said goes."""
    maps = edit.config.crypto.maps
    changed = change(maps.get(match.word("map")) or CryptoMap(match.word("map")))
    maps[changed.name] = changed
    if changed == CryptoMap(changed.name):
        del maps[changed.name]


def _setting(name: str, argument: str, value: Callable[[ConfigMatch], str]) -> ConfigCommand:
    def change(edit: Edit, match: ConfigMatch, new: str | None) -> None:
        changed: dict[str, Any] = {name: new}
        _change_map(edit, match, lambda known: replace(known, **changed))

    def apply(edit: Edit, match: ConfigMatch) -> None:
        change(edit, match, value(match))

    def negate(edit: Edit, match: ConfigMatch) -> None:
        change(edit, match, None)

    return ConfigCommand("config", f"crypto map <map:word> {_SETTINGS[name]} ~ {argument}", 1510, apply, negate)


_ADDRESS = "client configuration address"


def _address_ways() -> ConfigCommand:
    def apply(edit: Edit, match: ConfigMatch) -> None:
        _change_map(edit, match, lambda known: replace(known, address_ways=with_way(known.address_ways, match.word("way"))))

    def negate(edit: Edit, match: ConfigMatch) -> None:
        way = match.maybe_word("way")
        _change_map(edit, match, lambda known: replace(known, address_ways=without_way(known.address_ways, way)))

    pattern = f"crypto map <map:word> {_ADDRESS} ~ way={{{'|'.join(ADDRESS_WAYS)}}}"
    return ConfigCommand("config", pattern, 1510, apply, negate)


# --- the lines of an entry -----------------------------------------------------------------------------------------------


def _peer(match: ConfigMatch) -> IPv4Address | str:
    peer = match.maybe("peer")
    return peer if isinstance(peer, IPv4Address) else str(peer)


def _add_peer(match: ConfigMatch, entry: CryptoMapEntry) -> Mapping[str, object]:
    peer = _peer(match)
    return {} if entry.peers.has(peer) else {"peers": entry.peers.put(peer, peer)}


def _remove_peer(match: ConfigMatch, entry: CryptoMapEntry) -> Mapping[str, object]:
    return {"peers": entry.peers.drop(_peer(match)) if "peer" in match else Keyed()}


def _route(match: ConfigMatch, entry: CryptoMapEntry) -> Mapping[str, object]:
    option = " ".join(match.words[1:]) or None
    return {"reverse_route": True, "reverse_route_option": option}


def _written_lifetimes(leaf: CryptoMapEntry | IpsecProfile) -> list[str]:
    said = (("seconds", leaf.lifetime_seconds), ("kilobytes", leaf.lifetime_kilobytes))
    return [f"set security-association lifetime {unit} {value}" for unit, value in said if value is not None]


def _set_lifetime(match: ConfigMatch, leaf: CryptoMapEntry | IpsecProfile) -> Mapping[str, object]:
    unit = "seconds" if "seconds" in match.values else "kilobytes"
    return {f"lifetime_{unit}": match.number(unit)}


def _unset_lifetime(match: ConfigMatch, leaf: CryptoMapEntry | IpsecProfile) -> Mapping[str, object]:
    units = [unit for unit in ("seconds", "kilobytes") if unit in match.words] or ["seconds", "kilobytes"]
    return {f"lifetime_{unit}": None for unit in units}


def _shared_lines(leaves: Leaves[Any]) -> list[ConfigCommand]:
    """What crypto map entries and IPsec profiles have in common; the ranks leave room for what only entries have."""
    line = leaves.command
    return [
        leaves.text("description", "<text:line(80)>", 5, "description"),
        line(
            f"set security-association lifetime ~ {{seconds ~ {SECONDS}|kilobytes ~ ... {KILOBYTES}}}",
            20,
            _set_lifetime,
            _unset_lifetime,
            _written_lifetimes,
        ),
        line(
            "set transform-set ~ {<set:word>}*",
            30,
            lambda m, e: {"transform_sets": tuple(dict.fromkeys(str(name) for name in m.all("set")))},
            {"transform_sets": ()},
            lambda e: "set transform-set " + " ".join(e.transform_sets) if e.transform_sets else None,
        ),
        line(
            "set pfs ~ [group={" + "|".join(f"group{number}" for number in GROUPS.split("|")) + "}]",
            40,
            lambda m, e: {"pfs_group": int((m.maybe_word("group") or "group1").removeprefix("group"))},
            {"pfs_group": None},
            lambda e: f"set pfs group{e.pfs_group}" if e.pfs_group else None,
            doubt=doubt_of_group,
        ),
        leaves.text("set isakmp-profile", "<profile:word>", 50, "isakmp_profile"),
    ]


def _entry_lines(leaves: Leaves[CryptoMapEntry]) -> list[ConfigCommand]:
    line = leaves.command
    return [
        line("set peer ~ <peer:host>", 10, _add_peer, _remove_peer, lambda e: [f"set peer {peer}" for peer in e.peers]),
        line(
            "set security-association level per-host",
            25,
            lambda m, e: {"per_host": True},
            {"per_host": False},
            lambda e: "set security-association level per-host" if e.per_host else None,
        ),
        leaves.text("match address", "<acl:word>", 60, "match_address"),
        line(
            "reverse-route ~ [static|remote-peer [<gateway:address>]]",
            70,
            _route,
            {"reverse_route": False, "reverse_route_option": None},
            lambda e: f"reverse-route {e.reverse_route_option or ''}".rstrip() if e.reverse_route else None,
        ),
    ]


def _get_profile(config: RouterConfig, place: Place) -> IpsecProfile:
    return config.crypto.ipsec_profiles[str(place.key[0])]


def _put_profile(config: RouterConfig, place: Place, profile: IpsecProfile) -> None:
    config.crypto.ipsec_profiles[profile.name] = profile


def commands() -> list[ConfigCommand]:
    entries = Leaves("crypto-map", _get, _put)
    return [
        ConfigCommand(
            "config",
            "crypto dynamic-map <map:word> ~ ... <sequence:int(1-65535)>",
            1500,
            _enter_dynamic,
            _remove_dynamic,
            _render_dynamic,
        ),
        ConfigCommand(
            "config",
            "crypto map <map:word> ~ <sequence:int(1-65535)>"
            " ... [kind={ipsec-isakmp} [dynamic <dynamic-map:word> [discover]]|kind={ipsec-manual}]",
            1510,
            _enter_map,
            _remove_map,
            _render_maps,
        ),
        _setting("accounting_list", "<list:word>", lambda m: m.word("list")),
        _setting("client_authentication", "<list:word>", lambda m: m.word("list")),
        _setting("isakmp_authorization", "<list:word>", lambda m: m.word("list")),
        _address_ways(),
        _setting("local_address", "<interface:interface>", lambda m: m.word("interface")),
        *_shared_lines(entries),
        *_entry_lines(entries),
        *_shared_lines(Leaves("ipsec-profile", _get_profile, _put_profile)),
    ]
