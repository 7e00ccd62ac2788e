"""Shell room: `show crypto map`, `show crypto dynamic-map`, `show crypto ipsec profile` and the global lifetime of SAs.

The forms are those of the Cisco IOS Security Command Reference and of the IPsec Management Configuration Guide, the second one of
IOS XE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from itertools import chain

from agent.config.commands.acl import PROTOCOLS
from agent.config.crypto_model import CryptoConfig, CryptoMap, CryptoMapEntry, IpsecProfile, TransformSet
from agent.config.model import AccessList, RouterConfig
from agent.config.protection import Protection
from agent.engine.transforms import transforms_of, transforms_of_bundle
from agent.flow.model import Address, Endpoint, IpsecTunnel
from agent.shell.releases import Release

_INDENT = " " * 8
_FIRST_INSTANCE = 65536  # IOS's number for the first instance of a dynamic map
_PROFILE_HEAD = 65536  # its number for the IPsec profile of a Tunnel interface; the instance has the next
_ALL = 0xFFFFFFFF
_HEAD = {Release.CLASSIC: 'Crypto Map "{}" {} {}', Release.XE: 'Crypto Map IPv4 "{}" {} {}'}
_TRANSFORMS = {Release.CLASSIC: "{}: {{ {} }},", Release.XE: "{}:  {{ {}  }} ,"}


@dataclass(frozen=True, slots=True)
class MapScene:
    """What the lines of maps are made of. `built_in` are the default transform sets that stand.

    `instances` are the live tunnels of dynamic maps, by the map's name and oldest first; `peers` those that entries are up with,
    by the map's name and the entry's number.
    """

    config: RouterConfig
    release: Release
    built_in: Sequence[TransformSet]
    instances: Mapping[str, Sequence[IpsecTunnel]] = field(default_factory=dict)
    peers: Mapping[tuple[str, int], Address] = field(default_factory=dict)
    protections: Sequence[Protection] = ()  # of Tunnel interfaces


# --- maps ---


def map_lines(maps: Iterable[CryptoMap], scene: MapScene) -> Iterator[str]:
    """`show crypto map`: the entries of each map, the instances of its dynamic ones, and its interfaces."""
    for crypto_map in maps:
        interfaces = [each.name for each in scene.config.interfaces.values() if each.crypto_map == crypto_map.name]
        yield from _identity(crypto_map, scene.config)
        entries = (_map_entry(entry, scene) for entry in crypto_map.entries)
        instances = (
            _instance(crypto_map.name, _FIRST_INSTANCE + at, tunnel, scene)
            for at, tunnel in enumerate(scene.instances.get(crypto_map.name, ()))
        )
        yield from _parted(chain(entries, instances), scene.release)
        yield from _interfaces(crypto_map.name, interfaces)


def _identity(crypto_map: CryptoMap, config: RouterConfig) -> Iterator[str]:
    """The line of a map with `local-address`: the interface by whose address its peers know us."""
    interface = config.interfaces.get(crypto_map.local_address or "")
    if interface is not None and interface.address is not None:
        yield f'Crypto Map: "{crypto_map.name}" idb: {interface.name} local address: {interface.address.ip}'


def protection_lines(scene: MapScene) -> Iterator[str]:
    """The maps that IOS makes of `tunnel protection`: the IPsec profile, and its instance."""
    for protection in scene.protections:
        entry = protection.entry
        profile = scene.config.interfaces[protection.interface].tunnel_profile
        yield _head(entry.name, _PROFILE_HEAD, entry.kind, scene)
        yield f"{_INDENT}Profile name: {profile}"
        yield from _terms(entry, scene)
        yield from _sets(_sets_of(entry.transform_sets, scene), scene.release)
        if scene.release is Release.XE:
            yield ""
        yield _head(entry.name, entry.sequence, entry.kind, scene)
        yield f"{_INDENT}Map is a PROFILE INSTANCE."
        yield from _who(entry.peers, entry, scene.release)
        yield f"{_INDENT}Extended IP access list"
        yield from (f"{_INDENT}    access-list {rule.text}" for rule in protection.rules)
        yield f"{_INDENT}Current peer: {entry.peers[0]}"
        yield from _terms(entry, scene)
        yield from _sets(_sets_of(entry.transform_sets, scene), scene.release)
        yield from _interfaces(entry.name, [protection.interface])


def _parted(parts: Iterable[Iterator[str]], release: Release) -> Iterator[str]:
    """The lines of entries and instances; on IOS XE a blank line parts them."""
    for at, lines in enumerate(parts):
        if at and release is Release.XE:
            yield ""
        yield from lines


def _head(name: str, sequence: int, kind: str, scene: MapScene) -> str:
    return _HEAD[scene.release].format(name, sequence, kind)


def _map_entry(entry: CryptoMapEntry, scene: MapScene) -> Iterator[str]:
    yield _head(entry.name, entry.sequence, entry.kind, scene)
    if entry.dynamic is not None:
        yield f"{_INDENT}Dynamic map template tag: {entry.dynamic}{' discover' if entry.discover else ''}"
        return
    access_list = scene.config.access_lists.get(entry.match_address or "")
    if not entry.peers or access_list is None or not access_list.entries:
        yield f"{_INDENT}WARNING: This crypto map is in an incomplete state!"
        yield f"{_INDENT}{_INDENT}(missing peer or access-list definitions)"
    yield from _description(entry)
    yield from _who(entry.peers, entry, scene.release)
    yield from _access_list(entry.match_address, access_list)
    current = scene.peers.get((entry.name, entry.sequence)) or next(iter(entry.peers), None)
    if current is not None:
        yield f"{_INDENT}Current peer: {current}"
    if entry.kind != "ipsec-manual":  # keys that are typed have no lifetime, and no PFS
        yield from _terms(entry, scene)
    yield from _sets(_sets_of(entry.transform_sets, scene), scene.release)
    yield from _reverse_route(entry)


def _instance(name: str, sequence: int, tunnel: IpsecTunnel, scene: MapScene) -> Iterator[str]:
    """The entry that a dynamic map has made for one flow of a peer. Its set is the negotiated one."""
    facts = tunnel.facts
    template = _template(facts.template or "", scene.config.crypto) or CryptoMapEntry(name, sequence)
    yield _head(name, sequence, template.kind, scene)
    yield from _who([facts.remote_address], template, scene.release)
    yield f"{_INDENT}Extended IP access list"
    for local, remote in facts.endpoints:
        yield f"{_INDENT}    access-list permit {flow_words(local, remote)}"
    yield f"{_INDENT}    dynamic (created from dynamic map {facts.template})"
    yield f"{_INDENT}Current peer: {facts.remote_address}"
    yield from _terms(template, scene)
    words = " ".join(transforms_of_bundle(facts.outbound))
    yield from _sets([(facts.transform_set, words)] if facts.transform_set else [], scene.release)
    yield from _reverse_route(template)


def _template(place: str, crypto: CryptoConfig) -> CryptoMapEntry | None:
    """The entry of a dynamic map by "D/N"."""
    name, _, number = place.rpartition("/")
    found = crypto.dynamic_maps.get(name)
    return next((entry for entry in found.entries if str(entry.sequence) == number), None) if found else None


def _interfaces(name: str, interfaces: Iterable[str]) -> Iterator[str]:
    yield f"{_INDENT}Interfaces using crypto map {name}:"
    yield from (f"{_INDENT}{_INDENT}{interface}" for interface in interfaces)


# --- templates and profiles ---


def template_lines(maps: Iterable[CryptoMap], scene: MapScene) -> Iterator[str]:
    """`show crypto dynamic-map`."""
    for entry in (entry for crypto_map in maps for entry in crypto_map.entries):
        yield f'Crypto Map Template"{entry.name}" {entry.sequence}'
        yield from _description(entry)
        yield from (f"{_INDENT}Peer = {peer}" for peer in entry.peers)
        if entry.isakmp_profile:
            yield f"{_INDENT}ISAKMP Profile: {entry.isakmp_profile}"
        yield from _access_list(entry.match_address, scene.config.access_lists.get(entry.match_address or ""))
        yield from _terms(entry, scene)
        yield from _sets(_sets_of(entry.transform_sets, scene), scene.release)
        yield from _reverse_route(entry)
        yield ""


def profile_lines(profiles: Iterable[IpsecProfile], scene: MapScene) -> Iterator[str]:
    """`show crypto ipsec profile`."""
    for profile in profiles:
        yield f"IPSEC profile {profile.name}"
        yield from _description(profile)
        if profile.isakmp_profile:
            yield f"{_INDENT}ISAKMP Profile: {profile.isakmp_profile}"
        yield from _terms(profile, scene)
        yield from _sets(_sets_of(profile.transform_sets, scene), scene.release)
        yield ""


def lifetime_line(crypto: CryptoConfig) -> str:
    """`show crypto ipsec security-association lifetime`."""
    return _lifetime(crypto.lifetime_kilobytes, crypto.lifetime_seconds)


# --- parts ---


def _description(entry: CryptoMapEntry | IpsecProfile) -> Iterator[str]:
    if entry.description:
        yield f"{_INDENT}Description: {entry.description}"


def _who(peers: Iterable[Address | str], entry: CryptoMapEntry, release: Release) -> Iterator[str]:
    """The peers of an entry or an instance, and its ISAKMP profile. The line that IOS XE has before the access list ends it."""
    yield from (f"{_INDENT}Peer = {peer}" for peer in peers)
    if entry.isakmp_profile:
        yield f"{_INDENT}ISAKMP Profile: {entry.isakmp_profile}"
    if release is Release.XE:
        yield f"{_INDENT}Access-List SS dynamic: False"


def _access_list(name: str | None, access_list: AccessList | None) -> Iterator[str]:
    if name is None:
        yield f"{_INDENT}No matching address list set."
        return
    yield f"{_INDENT}Extended IP access list {name}"
    yield from (f"{_INDENT}    access-list {name} {rule.text}" for rule in (access_list.entries if access_list else ()))


def _lifetime(kilobytes: int, seconds: int) -> str:
    return f"Security association lifetime: {kilobytes} kilobytes/{seconds} seconds"


def _terms(entry: CryptoMapEntry | IpsecProfile, scene: MapScene) -> Iterator[str]:
    """The lifetime and PFS of an entry, by the global lifetime where it has none."""
    crypto = scene.config.crypto
    kilobytes = entry.lifetime_kilobytes or crypto.lifetime_kilobytes
    yield f"{_INDENT}{_lifetime(kilobytes, entry.lifetime_seconds or crypto.lifetime_seconds)}"
    if scene.release is Release.XE:
        yield f"{_INDENT}Responder-Only (Y/N): N"
    yield f"{_INDENT}PFS (Y/N): {'N' if entry.pfs_group is None else 'Y'}"
    if entry.pfs_group is not None:
        yield f"{_INDENT}DH group:  group{entry.pfs_group}"
    if scene.release is Release.XE:
        yield f"{_INDENT}Mixed-mode : Disabled"


def _sets_of(names: Sequence[str], scene: MapScene) -> list[tuple[str, str]]:
    """Transform sets by name, with their transforms; without a name, the built-in ones."""
    known = scene.config.crypto.transform_sets
    sets = [known[name] for name in names if name in known] if names else scene.built_in
    return [(each.shown_name, " ".join(word for words in transforms_of(each) for word in words)) for each in sets]


def _sets(sets: Iterable[tuple[str, str]], release: Release) -> Iterator[str]:
    yield f"{_INDENT}Transform sets={{"
    yield from (f"{_INDENT}{_INDENT}{_TRANSFORMS[release].format(name, words)}" for name, words in sets)
    yield f"{_INDENT}}}"


def _reverse_route(entry: CryptoMapEntry) -> Iterator[str]:
    if entry.reverse_route:
        yield f"{_INDENT}Reverse Route Injection Enabled"


# --- selectors as lines of access lists ---

_PROTOCOL_NAMES = {number: word for word, number in PROTOCOLS.items()}


def flow_words(local: Endpoint, remote: Endpoint) -> str:
    """A selector as an access list writes it: "ip host 10.1.1.1 10.2.0.0 0.0.255.255"."""
    number = local.protocol or remote.protocol or 0
    return " ".join([_PROTOCOL_NAMES.get(number, str(number)), *_end_words(local), *_end_words(remote)])


def _end_words(end: Endpoint) -> list[str]:
    port = [f"eq {end.port}"] if end.port else []
    if end.kind == "range" and end.first != end.last:
        return [f"range {end.first} {end.last}", *port]
    if end.kind != "subnet":
        return [f"host {end.first}", *port]
    if not isinstance(end.last, IPv4Address):
        return [f"{end.first} {end.last}", *port]
    wildcard = int(end.last) ^ _ALL
    special = {_ALL: "any", 0: f"host {end.first}"}
    return [special.get(wildcard, f"{end.first} {IPv4Address(wildcard)}"), *port]
