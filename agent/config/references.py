"""Config room: names by which lines refer to what other lines define; it finds names that nothing defines.

IOS lets a line name what is not there: the line has no effect, or not the one that was meant, and nothing is said. So a file's
report has each such name with its line. To add a reference, add a row to `_REFERENCES`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from agent.config.aaa_model import DEFAULT_LIST, RadiusServer, ServerReference
from agent.config.command import GLOBAL, Place, State
from agent.config.commands.aaa import accounting_lists, accounting_place
from agent.config.commands.dynamic_author import PLACE as AUTHOR_PLACE
from agent.config.commands.interfaces import interface_place
from agent.config.commands.lines import MODE as LINE_MODE
from agent.config.commands.radius_groups import group_place
from agent.config.commands.radius_servers import server_place, written_address
from agent.config.defaults import DEFAULT_TRANSFORM_SETS
from agent.config.errors import Finding
from agent.config.model import RouterConfig

Lines = Mapping[Place, Sequence[tuple[int, str]]]  # the lines of each place that were understood: number, canonical text
_Names = Iterable[str | None]
_Holders = Iterable[tuple[Place, str, Any]]  # what can refer: where its lines stand, the line that opens it, and its value

OWN_VIEW = "v1default"  # IOS's own,
OWN_NOTIFY_VIEW = "*tv."  # and how the names of its notify views begin
_OWN_INTERFACES = "Null"
_OWN_SERVER_GROUPS = ("radius", "tacacs+")


# --- what can refer ---


def _interfaces(config: RouterConfig) -> _Holders:
    return ((interface_place(name), f"interface {name}", each) for name, each in config.interfaces.items())


def _keyrings(config: RouterConfig) -> _Holders:
    return ((GLOBAL, f"crypto keyring {name}", each) for name, each in config.crypto.keyrings.items())


def _profiles(config: RouterConfig) -> _Holders:
    return (
        (Place("isakmp-profile", (name,)), f"crypto isakmp profile {name}", each) for name, each in config.crypto.profiles.items()
    )


def _profiles_of_own_groups(config: RouterConfig) -> _Holders:
    """The profiles whose client groups only the configuration knows. A list that asks servers may find others."""
    lists = config.aaa.network
    return (
        (place, where, each)
        for place, where, each in _profiles(config)
        if not any(method.startswith("group ") for method in lists.get(each.isakmp_authorization or "", ()))
    )


def _peers(config: RouterConfig) -> _Holders:
    return ((GLOBAL, f"crypto isakmp peer address {each.address}", each) for each in config.crypto.peers.values())


def _client_groups(config: RouterConfig) -> _Holders:
    return (
        (Place("isakmp-group", (name,)), f"crypto isakmp client configuration group {name}", each)
        for name, each in config.crypto.client_groups.items()
    )


def _trustpoints(config: RouterConfig) -> _Holders:
    return (
        (Place("trustpoint", (name,)), f"crypto pki trustpoint {name}", each) for name, each in config.crypto.trustpoints.items()
    )


def _ipsec_profiles(config: RouterConfig) -> _Holders:
    return (
        (Place("ipsec-profile", (name,)), f"crypto ipsec profile {name}", each)
        for name, each in config.crypto.ipsec_profiles.items()
    )


def _entries(config: RouterConfig) -> _Holders:
    """Of crypto maps and of dynamic maps' templates."""
    for mode, words, maps in (
        ("crypto-map", "crypto map", config.crypto.maps),
        ("dynamic-map", "crypto dynamic-map", config.crypto.dynamic_maps),
    ):
        for each in maps.values():
            for entry in each.entries:
                yield Place(mode, (entry.name, entry.sequence)), f"{words} {entry.name} {entry.sequence}", entry


def _headers(config: RouterConfig) -> _Holders:
    """Entries of crypto maps that are one global line."""
    for each in config.crypto.maps.values():
        yield from ((GLOBAL, f"crypto map {entry.name} {entry.sequence}", entry) for entry in each.entries)


def _maps(config: RouterConfig) -> _Holders:
    return ((GLOBAL, f"crypto map {name}", each) for name, each in config.crypto.maps.items())


def _routes(config: RouterConfig) -> _Holders:
    for each in config.routes:
        vrf = f"vrf {each.vrf} " if each.vrf else ""
        yield GLOBAL, f"ip route {vrf}{each.typed or each.prefix.network_address} {each.prefix.netmask}", each


def _method_lists(words: str, lists: Mapping[str, tuple[str, ...]]) -> _Holders:
    return ((GLOBAL, f"{words} {name}", methods) for name, methods in lists.items())


def _authentications(config: RouterConfig) -> _Holders:
    return _method_lists("aaa authentication login", config.aaa.login)


def _enable_lists(config: RouterConfig) -> _Holders:
    return _method_lists("aaa authentication enable", config.aaa.enable)


def _authorizations(config: RouterConfig) -> _Holders:
    return _method_lists("aaa authorization network", config.aaa.network)


def _exec_authorizations(config: RouterConfig) -> _Holders:
    return _method_lists("aaa authorization exec", config.aaa.exec)


def _accounting_lists(config: RouterConfig) -> _Holders:
    return (
        (accounting_place(service, name), f"aaa accounting {service} {name}", each)
        for service, name, each in accounting_lists(config.aaa)
    )


def _server_groups(config: RouterConfig) -> _Holders:
    return ((group_place(name), f"aaa group server radius {name}", each) for name, each in config.radius.groups.items())


def _servers(config: RouterConfig) -> _Holders:
    for each in config.radius.hosts:
        yield GLOBAL, "radius-server host", each
    for name, each in config.radius.servers.items():
        yield server_place(name), f"radius server {name}", each


def _dynamic_author(config: RouterConfig) -> _Holders:
    if config.radius.dynamic_author is not None:
        yield AUTHOR_PLACE, "aaa server radius dynamic-author", config.radius.dynamic_author


def _radius(config: RouterConfig) -> _Holders:
    for vrf, interface in config.radius.source_interfaces.items():
        yield GLOBAL, "ip radius source-interface", (vrf, interface)


def _lines(config: RouterConfig) -> _Holders:
    for (kind, first, last), each in config.lines.items():
        until = f" {last}" if last != first else ""
        yield Place(LINE_MODE, (kind, first, last)), f"line {kind} {first}{until}", each


def _communities(config: RouterConfig) -> _Holders:
    return ((GLOBAL, f"snmp-server community {name}", each) for name, each in config.snmp.communities.items())


def _groups(config: RouterConfig) -> _Holders:
    return ((GLOBAL, f"snmp-server group {each.name} {each.model}", each) for each in config.snmp.groups.values())


def _users(config: RouterConfig) -> _Holders:
    return ((GLOBAL, f"snmp-server user {name}", each) for name, each in config.snmp.users.items())


def _hosts(config: RouterConfig) -> _Holders:
    return ((GLOBAL, "snmp-server host", each) for each in config.snmp.hosts.values())


def _community_maps(config: RouterConfig) -> _Holders:
    return ((GLOBAL, f"snmp mib community-map {each[0]}", each) for each in config.snmp.community_contexts.items())


def _snmp(config: RouterConfig) -> _Holders:
    yield GLOBAL, "snmp-server trap-source", config.snmp


# --- definitions ---


def _defined_groups(state: State) -> Collection[str]:
    """The groups of RADIUS servers; those of TACACS+ are no lines that are understood, and are found among the kept ones."""
    kept = (line.split() for line in state.kept_lines(GLOBAL))
    others = (words[4] for words in kept if words[:3] == ["aaa", "group", "server"] and len(words) > 4)
    return {*_OWN_SERVER_GROUPS, *state.config.radius.groups, *others}


def _defined_hosts(state: State) -> Collection[str]:
    """The servers of `radius-server host`, as a group's line names them."""
    return {_written_reference(server) for server in state.config.radius.hosts}


def _transform_sets(state: State) -> Collection[str]:
    crypto = state.config.crypto
    own = (each.name for each in DEFAULT_TRANSFORM_SETS if crypto.default_transform_set)
    return {*crypto.transform_sets, *own}


_DEFINED: Mapping[str, Callable[[State], Collection[str]]] = {
    "VRF": lambda state: state.config.vrfs,
    "interface": lambda state: state.config.interfaces,
    "access list": lambda state: state.config.access_lists,
    "pool": lambda state: state.config.pools,
    "host": lambda state: state.config.hosts,
    "keyring": lambda state: state.config.crypto.keyrings,
    "ISAKMP profile": lambda state: state.config.crypto.profiles,
    "client group": lambda state: state.config.crypto.client_groups,
    "trustpoint": lambda state: state.config.crypto.trustpoints,
    "transform set": _transform_sets,
    "IPsec profile": lambda state: state.config.crypto.ipsec_profiles,
    "crypto map": lambda state: state.config.crypto.maps,
    "dynamic map": lambda state: state.config.crypto.dynamic_maps,
    "login list": lambda state: state.config.aaa.login,
    "authorization list": lambda state: state.config.aaa.network,
    "exec authorization list": lambda state: state.config.aaa.exec,
    "accounting list": lambda state: state.config.aaa.network_accounting,
    "server group": _defined_groups,
    "RADIUS server": lambda state: state.config.radius.servers,
    "RADIUS host": _defined_hosts,
    "SNMP view": lambda state: {OWN_VIEW, *state.config.snmp.views},
    "SNMP group": lambda state: {group.name for group in state.config.snmp.groups.values()},
    "SNMP user": lambda state: state.config.snmp.users,
    "SNMP community": lambda state: {*state.config.snmp.communities, *_hosted(state.config)},
    "SNMP context of a VRF": lambda state: {vrf.context for vrf in state.config.vrfs.values() if vrf.context},
}


def _hosted(config: RouterConfig) -> Iterable[str]:
    """The communities that `snmp-server host` alone defines."""
    return (host.community for host in config.snmp.hosts.values() if host.version != "3")


# --- what refers to what ---


@dataclass(frozen=True, slots=True)
class _Reference:
    """`holders` refer by `names` to things of a kind, in a line that begins with `words`; without them, in their opening line."""

    kind: str
    holders: Callable[[RouterConfig], _Holders]
    names: Callable[[Any], _Names]
    words: tuple[str, ...] = ()


def _source_interface(interface: Any) -> _Names:
    """`tunnel source` has an address or the name of an interface."""
    source = interface.tunnel_source
    return () if source is None or source[:1].isdigit() else (source,)


def _route_interface(route: Any) -> _Names:
    return () if (route.interface or "").startswith(_OWN_INTERFACES) else (route.interface,)


def _vrfs_of_trustpoint(trustpoint: Any) -> _Names:
    return (line.split(" ")[1] for line in trustpoint.lines if line.startswith("vrf "))


def _server_groups_of(methods: Any) -> _Names:
    return (method.removeprefix("group ") for method in methods if method.startswith("group "))


def _written_reference(server: RadiusServer | ServerReference) -> str:
    return f"{written_address(server)}:{server.auth_port},{server.acct_port}"


def _hosts_of_group(group: Any) -> _Names:
    return (_written_reference(each) for each in group.members if isinstance(each, ServerReference) and not each.name)


def _hosts_without_address(holder: Any) -> _Names:
    """Names of hosts that no `ip host` line knows, of a server or of what has several."""
    several = getattr(holder, "members", getattr(holder, "clients", (holder,)))
    return (each.host for each in several if each.host)


def _but_default(name: str | None) -> _Names:
    """A terminal line may name the list `default`, whether it is there or not."""
    return () if name == DEFAULT_LIST else (name,)


def _group_views(group: Any) -> _Names:
    own = (group.notify or "").startswith(OWN_NOTIFY_VIEW)
    return (group.read, group.write, *(() if own else (group.notify,)))


_REFERENCES = (
    _Reference("VRF", _interfaces, lambda each: (each.vrf,), ("ip vrf forwarding", "vrf forwarding")),
    _Reference("VRF", _interfaces, lambda each: (each.tunnel_vrf,), ("tunnel vrf",)),
    _Reference("VRF", _keyrings, lambda each: (each.vrf,)),
    _Reference("VRF", _profiles, lambda each: (each.vrf,), ("vrf",)),
    _Reference("VRF", _profiles, lambda each: (match.vrf for match in each.matches), ("match identity address",)),
    _Reference("VRF", _peers, lambda each: (each.vrf,)),
    _Reference("VRF", _routes, lambda each: (each.vrf,)),
    _Reference("VRF", _trustpoints, _vrfs_of_trustpoint, ("vrf",)),
    _Reference("VRF", _hosts, lambda each: (each.vrf,)),
    _Reference("interface", _interfaces, _source_interface, ("tunnel source",)),
    _Reference("interface", _routes, _route_interface),
    _Reference("interface", _maps, lambda each: (each.local_address,)),
    _Reference("interface", _snmp, lambda each: (each.trap_source,)),
    _Reference("access list", _entries, lambda each: (each.match_address,), ("match address",)),
    _Reference("access list", _client_groups, lambda each: (each.acl,), ("acl",)),
    _Reference("access list", _communities, lambda each: (each.acl,)),
    _Reference("access list", _groups, lambda each: (each.acl,)),
    _Reference("access list", _users, lambda each: (each.acl,)),
    _Reference("pool", _client_groups, lambda each: (each.pool,), ("pool",)),
    _Reference("host", _entries, lambda each: (peer for peer in each.peers if not isinstance(peer, IPv4Address)), ("set peer",)),
    _Reference("host", _hosts, lambda each: () if isinstance(each.address, IPv4Address) else (each.address,)),
    _Reference("keyring", _profiles, lambda each: (each.keyring,), ("keyring",)),
    _Reference("ISAKMP profile", _entries, lambda each: (each.isakmp_profile,), ("set isakmp-profile",)),
    _Reference("ISAKMP profile", _ipsec_profiles, lambda each: (each.isakmp_profile,), ("set isakmp-profile",)),
    _Reference("client group", _profiles_of_own_groups, lambda each: (each.client_group,), ("client configuration group",)),
    _Reference(
        "client group",
        _profiles_of_own_groups,
        lambda each: (match.value for match in each.matches if match.kind == "group"),
        ("match identity group",),
    ),
    _Reference("trustpoint", _profiles, lambda each: (each.trustpoint,), ("ca trust-point",)),
    _Reference("transform set", _entries, lambda each: each.transform_sets, ("set transform-set",)),
    _Reference("transform set", _ipsec_profiles, lambda each: each.transform_sets, ("set transform-set",)),
    _Reference("IPsec profile", _interfaces, lambda each: (each.tunnel_profile,), ("tunnel protection",)),
    _Reference("crypto map", _interfaces, lambda each: (each.crypto_map,), ("crypto map",)),
    _Reference("dynamic map", _headers, lambda each: (each.dynamic,)),
    _Reference("login list", _profiles, lambda each: (each.client_authentication,), ("client authentication list",)),
    _Reference("login list", _maps, lambda each: (each.client_authentication,)),
    _Reference("authorization list", _profiles, lambda each: (each.isakmp_authorization,), ("isakmp authorization list",)),
    _Reference("authorization list", _maps, lambda each: (each.isakmp_authorization,)),
    _Reference("accounting list", _profiles, lambda each: (each.accounting,), ("accounting",)),
    _Reference("accounting list", _maps, lambda each: (each.accounting_list,)),
    _Reference("server group", _authentications, _server_groups_of),
    _Reference("server group", _authorizations, _server_groups_of),
    _Reference("server group", _exec_authorizations, _server_groups_of),
    _Reference("server group", _enable_lists, _server_groups_of),
    _Reference("server group", _accounting_lists, lambda each: each.groups, ("group",)),
    _Reference("RADIUS server", _server_groups, lambda each: (member.name or None for member in each.members), ("server name",)),
    _Reference("RADIUS host", _server_groups, _hosts_of_group, ("server",)),
    _Reference("host", _servers, _hosts_without_address, ("address ipv4",)),
    _Reference("host", _server_groups, _hosts_without_address, ("server-private", "server")),
    _Reference("host", _dynamic_author, _hosts_without_address, ("client",)),
    _Reference("VRF", _server_groups, lambda each: (each.vrf,), ("ip vrf forwarding",)),
    _Reference("VRF", _radius, lambda each: each[:1]),
    _Reference("VRF", _dynamic_author, lambda each: (client.vrf for client in each.clients), ("client",)),
    _Reference("interface", _server_groups, lambda each: (each.source_interface,), ("ip radius source-interface",)),
    _Reference("interface", _radius, lambda each: each[1:]),
    _Reference("login list", _lines, lambda each: _but_default(each.login_list), ("login authentication",)),
    _Reference("exec authorization list", _lines, lambda each: _but_default(each.exec_list), ("authorization exec",)),
    _Reference("SNMP view", _communities, lambda each: (each.view,)),
    _Reference("SNMP view", _groups, _group_views),
    _Reference("SNMP group", _users, lambda each: (each.group,)),
    _Reference("SNMP user", _hosts, lambda each: (each.community,) if each.version == "3" else ()),
    _Reference("SNMP community", _community_maps, lambda each: each[:1]),
    _Reference("SNMP context of a VRF", _community_maps, lambda each: each[1:]),
    _Reference("SNMP context of a VRF", _groups, lambda each: (each.context,) if each.match == "exact" else ()),
)


def dangling(state: State, lines: Lines) -> list[Finding]:
    """A finding for each name that nothing defines, at its line."""
    found: list[Finding] = []
    told: dict[str, set[int]] = {}  # the lines that are reported, by the message
    for reference in _REFERENCES:
        defined = _DEFINED[reference.kind](state)
        for place, opening, holder in reference.holders(state.config):
            for name in dict.fromkeys(reference.names(holder)):
                if name is None or name in defined:
                    continue
                message = f"names {reference.kind} {name}, which is not configured"
                number, text = line_of(lines, place, reference.words, opening, name, told.setdefault(message, set()))
                told[message].add(number)
                found.append(Finding(number, text, message))
    return found


def line_of(
    lines: Lines, place: Place, words: Sequence[str], opening: str, name: str, told: Collection[int] = ()
) -> tuple[int, str]:
    """The last line with a name that is not reported yet, and its text; without one, the line that opens its section."""
    candidates = [(place, each) for each in words] + [(GLOBAL, opening)]
    for where, beginning in candidates:
        for number, text in reversed(lines.get(where, ())):
            if number not in told and text.startswith(beginning) and name in text[len(beginning) :].split(" "):
                return number, text
    for number, text in lines.get(GLOBAL, ()):
        if text.startswith(opening):
            return number, text
    return 0, opening
