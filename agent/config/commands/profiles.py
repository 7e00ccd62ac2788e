"""Config room: ISAKMP profiles, remote-access client groups, and trustpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address

from agent.config.command import ConfigCommand, ConfigMatch, Edit, Mode, Place, Rendered, Section, State
from agent.config.commands.building import (
    LOCAL_ADDRESS,
    Leaves,
    encoded,
    inert,
    peer_network,
    with_way,
    without_way,
    written_network,
)
from agent.config.commands.isakmp import keepalive_of
from agent.config.crypto_model import ClientGroup, IsakmpProfile, MatchIdentity, Trustpoint
from agent.config.model import RouterConfig

MODES = {
    "isakmp-profile": Mode("(conf-isa-prof)#", "isakmp-profile"),
    "isakmp-group": Mode("(config-isakmp-group)#", "isakmp-group"),
    "trustpoint": Mode("(ca-trustpoint)#", "trustpoint"),
}

HELP = {
    "crypto isakmp profile": "Define ISAKMP Profiles",
    "crypto isakmp client": "Set client configuration policy",
    "crypto pki": "Public Key components",
    "crypto pki trustpoint": "Define a CA trustpoint",
    "keyring": "Specify keyring to use",
    "match identity": "match a peer identity",
    "match identity address": "match the address of the peer",
    "match identity host": "match the peer's FQDN",
    "match identity user": "match the peer's user FQDN",
    "match identity group": "match the peer's group name",
    "client": "Specify client configuration settings",
    "accounting": "Enable AAA accounting for IPsec sessions",
    "isakmp": "ISAKMP authorization parameters",
    "self-identity": "Specify identity to use",
    "initiate mode": "Initiate phase 1 in a mode",
    "initiate mode aggressive": "Initiate aggressive mode",
    "ca trust-point": "Trustpoint to validate the peer's certificate against",
    "keepalive": "Set a keepalive interval for use with IOS peers",
}


def _entering(mode: str, name: str) -> Place:
    return Place(mode, (name,))


# --- profiles ------------------------------------------------------------------------------------------------------------


def _get(config: RouterConfig, place: Place) -> IsakmpProfile:
    return config.crypto.profiles[str(place.key[0])]


def _put(config: RouterConfig, place: Place, profile: IsakmpProfile) -> None:
    config.crypto.profiles[profile.name] = profile


def _enter(edit: Edit, match: ConfigMatch) -> Place:
    name = match.word("name")
    profile = edit.config.crypto.profiles.setdefault(name, IsakmpProfile(name))
    if match.maybe_word("list"):
        edit.config.crypto.profiles[name] = replace(profile, accounting=match.word("list"))
    return _entering("isakmp-profile", name)


def _remove(edit: Edit, match: ConfigMatch) -> None:
    edit.config.crypto.profiles.pop(match.word("name"), None)
    edit.state.forget(_entering("isakmp-profile", match.word("name")))


def _render(state: State, place: Place) -> Iterable[Rendered]:
    return [Section(f"crypto isakmp profile {name}", _entering("isakmp-profile", name)) for name in state.config.crypto.profiles]


def _identity(match: ConfigMatch) -> MatchIdentity:
    if match.maybe_address("address") is not None:
        network, typed = peer_network(match.address("address"), match.maybe_address("mask"))
        return MatchIdentity("address", "", network, match.maybe_word("vrf"), typed)
    return MatchIdentity(" ".join(str(word) for word in match.all("kind")), match.word("value"))


def _written_identity(identity: MatchIdentity) -> str:
    if identity.network is None:
        return f"match identity {identity.kind} {identity.value}"
    vrf = f" {identity.vrf}" if identity.vrf else ""
    return f"match identity address {written_network(identity.network, identity.address)}{vrf}"


def _add_identity(match: ConfigMatch, profile: IsakmpProfile) -> Mapping[str, object]:
    identity = _identity(match)
    return {} if profile.matches.has(identity) else {"matches": profile.matches.put(identity, identity)}


def _remove_identity(match: ConfigMatch, profile: IsakmpProfile) -> Mapping[str, object]:
    return {"matches": profile.matches.drop(_identity(match))}


def _self_identity(match: ConfigMatch, profile: IsakmpProfile) -> Mapping[str, object]:
    words = [match.word("kind"), match.maybe_word("value") or ""]
    return {"self_identity": " ".join(word for word in words if word)}


def _written_dpd(profile: IsakmpProfile) -> str | None:
    dpd = profile.keepalive
    return f"keepalive {dpd.interval} retry {dpd.retry}" if dpd else None


_IDENTITIES = (
    "{address <address:address> [<mask:mask> [<vrf:word>]|<vrf:name>]|kind={host domain} <value:word>|kind={host} <value:word>"
    "|kind={user domain} <value:word>|kind={user} <value:word>|kind={group} <value:word>}"
)


def _profile_lines() -> list[ConfigCommand]:
    leaves = Leaves("isakmp-profile", _get, _put)
    line = leaves.command
    return [
        leaves.text("description", "<text:line(80)>", 5, "description"),
        leaves.text("vrf", "<vrf:word>", 10, "vrf"),
        leaves.text("keyring", "<keyring:word>", 20, "keyring"),
        inert("isakmp-profile", LOCAL_ADDRESS, 22, later=True),
        leaves.text("ca trust-point", "<trustpoint:word>", 25, "trustpoint"),
        line(
            "self-identity ~ {kind={address|fqdn}|kind={fqdn|user-fqdn} <value:word>}",
            30,
            _self_identity,
            {"self_identity": None},
            lambda p: f"self-identity {p.self_identity}" if p.self_identity else None,
        ),
        line(
            "initiate mode aggressive",
            35,
            lambda m, p: {"aggressive": True},
            {"aggressive": False},
            lambda p: "initiate mode aggressive" if p.aggressive else None,
        ),
        line(
            f"match identity {_IDENTITIES}",
            40,
            _add_identity,
            _remove_identity,
            lambda p: [_written_identity(identity) for identity in p.matches],
        ),
        leaves.text("client authentication list", "<list:word>", 50, "client_authentication"),
        leaves.text("isakmp authorization list", "<list:word>", 60, "isakmp_authorization"),
        line(
            "client configuration address ~ way={initiate|respond}",
            70,
            lambda m, p: {"address_ways": with_way(p.address_ways, m.word("way"))},
            lambda m, p: {"address_ways": without_way(p.address_ways, m.maybe_word("way"))},
            lambda p: [f"client configuration address {way}" for way in p.address_ways],
        ),
        leaves.text("client configuration group", "<group:word>", 71, "client_group"),
        leaves.text("accounting", "<list:word>", 80, "accounting"),
        line(
            "keepalive ~ <interval:int(10-3600)> retry <retry:int(2-60)>",
            90,
            lambda m, p: {"keepalive": keepalive_of(m)},
            {"keepalive": None},
            _written_dpd,
        ),
    ]


# --- client groups -------------------------------------------------------------------------------------------------------


def _get_group(config: RouterConfig, place: Place) -> ClientGroup:
    return config.crypto.client_groups[str(place.key[0])]


def _put_group(config: RouterConfig, place: Place, group: ClientGroup) -> None:
    config.crypto.client_groups[group.name] = group


def _enter_group(edit: Edit, match: ConfigMatch) -> Place:
    name = match.word("name")
    edit.config.crypto.client_groups.setdefault(name, ClientGroup(name))
    return _entering("isakmp-group", name)


def _remove_group(edit: Edit, match: ConfigMatch) -> None:
    edit.config.crypto.client_groups.pop(match.word("name"), None)
    edit.state.forget(_entering("isakmp-group", match.word("name")))


def _render_groups(state: State, place: Place) -> Iterable[Rendered]:
    for name in state.config.crypto.client_groups:
        yield Section(f"crypto isakmp client configuration group {name}", _entering("isakmp-group", name))


def _servers(match: ConfigMatch) -> tuple[IPv4Address, ...]:
    return tuple(server for server in match.all("server") if isinstance(server, IPv4Address))


def _written_servers(word: str, servers: tuple[IPv4Address, ...]) -> str | None:
    return " ".join((word, *map(str, servers))) if servers else None


def _group_lines() -> list[ConfigCommand]:
    leaves = Leaves("isakmp-group", _get_group, _put_group)
    line = leaves.command

    def flag(word: str, rank: int, field: str) -> ConfigCommand:
        return line(word, rank, lambda m, g: {field: True}, {field: False}, lambda g: word if getattr(g, field) else None)

    def limit(word: str, limits: str, rank: int, field: str) -> ConfigCommand:
        def write(group: ClientGroup) -> str | None:
            number = getattr(group, field)
            return None if number is None else f"{word} {number}"

        return line(f"{word} ~ <number:int({limits})>", rank, lambda m, g: {field: m.number("number")}, {field: None}, write)

    return [
        line(
            "key ~ [encoding={0|6}] <key:word>",
            10,
            lambda m, g: {"key": m.word("key"), "key_encoding": m.maybe_number("encoding") or 0},
            {"key": None, "key_encoding": 0},
            lambda g: f"key {encoded(g.key_encoding, g.key)}" if g.key else None,
        ),
        line(
            "dns ~ <server:address> [<server:address>]",
            20,
            lambda m, g: {"dns": _servers(m)},
            {"dns": ()},
            lambda g: _written_servers("dns", g.dns),
        ),
        line(
            "wins ~ <server:address> [<server:address>]",
            25,
            lambda m, g: {"wins": _servers(m)},
            {"wins": ()},
            lambda g: _written_servers("wins", g.wins),
        ),
        leaves.text("domain", "<domain:word>", 30, "domain"),
        leaves.text("pool", "<pool:word>", 40, "pool"),
        leaves.text("acl", "<acl:word>", 50, "acl"),
        line(
            "split-dns <domain:word>",
            55,
            lambda m, g: {"split_dns": (*(name for name in g.split_dns if name != m.word("domain")), m.word("domain"))},
            lambda m, g: {"split_dns": tuple(name for name in g.split_dns if name != m.word("domain"))},
            lambda g: [f"split-dns {name}" for name in g.split_dns],
        ),
        flag("save-password", 60, "save_password"),
        flag("include-local-lan", 65, "include_local_lan"),
        flag("pfs", 70, "pfs"),
        limit("max-users", "1-5000", 75, "max_users"),
        limit("max-logins", "1-10", 80, "max_logins"),
        line(
            "netmask ~ <mask:mask>",
            85,
            lambda m, g: {"netmask": m.address("mask")},
            {"netmask": None},
            lambda g: f"netmask {g.netmask}" if g.netmask is not None else None,
        ),
        leaves.text("banner", "<text:line>", 90, "banner"),
    ]


# --- trustpoints ---------------------------------------------------------------------------------------------------------

# What may stand under a trustpoint: the lab file names its key and certificates, so that these lines are kept as they are written.
_TRUSTPOINT_LINES = (
    "enrollment {url <url:word>|terminal [pem]|selfsigned}",
    "fqdn {none|<name:word>}",
    "ip-address {none|<address:word>}",
    "serial-number [none]",
    "subject-name <name:line>",
    "revocation-check {crl|none|ocsp}*",
    "crl optional",
    "rsakeypair <label:word> [<bits:int(360-4096)>]",
    "usage {ike|ssl-client|ssl-server}*",
    "vrf <vrf:word>",
)


def _get_trustpoint(config: RouterConfig, place: Place) -> Trustpoint:
    return config.crypto.trustpoints[str(place.key[0])]


def _put_trustpoint(config: RouterConfig, place: Place, trustpoint: Trustpoint) -> None:
    config.crypto.trustpoints[trustpoint.name] = trustpoint


def _enter_trustpoint(edit: Edit, match: ConfigMatch) -> Place:
    name = match.word("name")
    edit.config.crypto.trustpoints.setdefault(name, Trustpoint(name))
    return _entering("trustpoint", name)


def _remove_trustpoint(edit: Edit, match: ConfigMatch) -> None:
    edit.config.crypto.trustpoints.pop(match.word("name"), None)
    edit.state.forget(_entering("trustpoint", match.word("name")))


def _render_trustpoints(state: State, place: Place) -> Iterable[Rendered]:
    return [Section(f"crypto pki trustpoint {name}", _entering("trustpoint", name)) for name in state.config.crypto.trustpoints]


def _trustpoint_lines() -> list[ConfigCommand]:
    line = Leaves("trustpoint", _get_trustpoint, _put_trustpoint).command

    order = [pattern.split(" ")[0] for pattern in _TRUSTPOINT_LINES]

    def without(first: str, trustpoint: Trustpoint) -> tuple[str, ...]:
        return tuple(each for each in trustpoint.lines if each.split(" ")[0] != first)

    def sorted_lines(*lines: str) -> tuple[str, ...]:
        return tuple(sorted(lines, key=lambda line: order.index(line.split(" ")[0])))

    def one(rank: int, pattern: str) -> ConfigCommand:
        first = pattern.split(" ")[0]
        return line(
            pattern.replace(" ", " ~ ", 1),
            10 + rank,
            lambda m, t: {"lines": sorted_lines(*without(first, t), m.canonical)},
            lambda m, t: {"lines": without(first, t)},
            lambda t: [each for each in t.lines if each.split(" ")[0] == first],
        )

    return [one(rank, pattern) for rank, pattern in enumerate(_TRUSTPOINT_LINES)]


def commands() -> list[ConfigCommand]:
    return [
        ConfigCommand(
            "config",
            "crypto {pki|ca} trustpoint <name:word>",
            1150,
            _enter_trustpoint,
            _remove_trustpoint,
            _render_trustpoints,
        ),
        *_trustpoint_lines(),
        ConfigCommand(
            "config",
            "crypto isakmp client configuration group <name:word>",
            1340,
            _enter_group,
            _remove_group,
            _render_groups,
        ),
        *_group_lines(),
        ConfigCommand("config", "crypto isakmp profile <name:word> ~ [accounting <list:word>]", 1350, _enter, _remove, _render),
        *_profile_lines(),
    ]
