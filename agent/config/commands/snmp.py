"""Config room: `snmp-server …` and `snmp mib community-map` (RFC 3411–3415, 3584)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import IPv4Address

from agent.config.command import ConfigCommand, ConfigMatch, Edit, Place, Refused, Rendered, State
from agent.config.commands.building import as_lines, resolved_name
from agent.config.commands.traps import OTHER_TYPES, TYPES
from agent.config.model import RouterConfig
from agent.config.snmp_model import (
    IKE,
    LONGEST_TEXT,
    Community,
    SnmpConfig,
    SnmpGroup,
    SnmpHost,
    SnmpUser,
    SnmpView,
    ViewSubtree,
    canonical_type,
)

HELP = {
    "snmp-server": "Modify SNMP engine parameters",
    "snmp-server chassis-id": "String to uniquely identify this chassis",
    "snmp-server community": "Enable SNMP; set community string and access privs",
    "snmp-server community <name>": "SNMP community string",
    "snmp-server contact": "Text for mib object sysContact",
    "snmp-server context": "Create/Delete a context apart from default",
    "snmp-server group": "Define a User Security Model group",
    "snmp-server host": "Specify hosts to receive SNMP notifications",
    "snmp-server inform": "Configure SNMP Informs options",
    "snmp-server location": "Text for mib object sysLocation",
    "snmp-server packetsize": "Largest SNMP packet size",
    "snmp-server queue-length": "Message queue length for each TRAP host",
    "snmp-server trap-source": "Assign an interface for the source address of all traps",
    "snmp-server user": "Define a user who can access the SNMP engine",
    "snmp-server view": "Define an SNMPv2 MIB view",
    "RO": "Read-only access with this community string",
    "RW": "Read-write access with this community string",
    "view": "Restrict this community to a named MIB view",
    "included": "MIB family is included in the view",
    "excluded": "MIB family is excluded from the view",
    "v1": "group using the v1 security model",
    "v2c": "group using the v2c security model",
    "v3": "group using the User Security Model (SNMPv3)",
    "noauth": "group using the noAuthNoPriv Security Level",
    "auth": "group using the authNoPriv Security Level",
    "priv": "group using SNMPv3 authPriv security level",
    "traps": "Send Trap messages to this host",
    "informs": "Send Inform messages to this host",
    "udp-port": "The notification host's UDP port number",
    "snmp": "Modify non engine SNMP parameters",
    "pending": "Set number of unacked informs to hold",
    "retries": "Set retry count for informs",
    "timeout": "Set timeout for informs",
    "snmp mib": "Modify/configure MIB parameters",
    "snmp mib community-map": "Map a community to a context",
}

_LEVELS = "level={noauth|auth|priv}"
_ACL = "{<acl:int(1-99,1300-1999)>|<acl:name>}"


def _line(
    pattern: str,
    rank: int,
    apply: Callable[[SnmpConfig, ConfigMatch], None],
    negate: Callable[[SnmpConfig, ConfigMatch], None],
    write: Callable[[SnmpConfig], Iterable[str] | str | None],
) -> ConfigCommand:
    def do(edit: Edit, match: ConfigMatch) -> None:
        apply(edit.config.snmp, match)

    def undo(edit: Edit, match: ConfigMatch) -> None:
        negate(edit.config.snmp, match)

    def render(state: State, place: Place) -> Iterable[Rendered]:
        return as_lines(write(state.config.snmp))

    return ConfigCommand("config", pattern, rank, do, undo, render)


def _text(keyword: str, name: str, rank: int) -> ConfigCommand:
    def apply(snmp: SnmpConfig, match: ConfigMatch) -> None:
        setattr(snmp, name, match.word("text"))

    def negate(snmp: SnmpConfig, match: ConfigMatch) -> None:
        setattr(snmp, name, "")

    def write(snmp: SnmpConfig) -> str | None:
        return f"snmp-server {keyword} {getattr(snmp, name)}" if getattr(snmp, name) else None

    return _line(f"snmp-server {keyword} ~ <text:line({LONGEST_TEXT})>", rank, apply, negate, write)


# --- communities, views, contexts ----------------------------------------------------------------------------------------


def _add_community(snmp: SnmpConfig, match: ConfigMatch) -> None:
    name = match.word("name")
    snmp.communities[name] = Community(name, match.maybe_word("access") or "RO", match.maybe_word("view"), match.maybe_word("acl"))


def _remove_community(snmp: SnmpConfig, match: ConfigMatch) -> None:
    snmp.communities.pop(match.word("name"), None)


def _written_community(community: Community) -> str:
    view = f" view {community.view}" if community.view else ""
    acl = f" {community.acl}" if community.acl else ""
    return f"snmp-server community {community.name}{view} {community.access}{acl}"


def _add_subtree(snmp: SnmpConfig, match: ConfigMatch) -> None:
    """A subtree that the view names already is changed in its place."""
    view = snmp.views.get(match.word("name")) or SnmpView(match.word("name"))
    new = ViewSubtree(match.word("subtree"), match.word("inclusion") == "included")
    snmp.views[view.name] = replace(view, subtrees=view.subtrees.put(new.subtree, new))


def _remove_subtree(snmp: SnmpConfig, match: ConfigMatch) -> None:
    view = snmp.views.get(match.word("name"))
    if view is None:
        return
    left = view.subtrees.drop(match.word("subtree")) if "subtree" in match else ()
    if left:
        snmp.views[view.name] = replace(view, subtrees=left)
    else:
        del snmp.views[view.name]


def _written_views(snmp: SnmpConfig) -> Iterable[str]:
    for view in snmp.views.values():
        for each in view.subtrees:
            yield f"snmp-server view {view.name} {each.subtree} {'included' if each.included else 'excluded'}"


def _add_context(snmp: SnmpConfig, match: ConfigMatch) -> None:
    if match.word("context") not in snmp.contexts:
        snmp.contexts.append(match.word("context"))


def _remove_context(snmp: SnmpConfig, match: ConfigMatch) -> None:
    snmp.contexts[:] = [each for each in snmp.contexts if each != match.word("context")]


def _map_community(snmp: SnmpConfig, match: ConfigMatch) -> None:
    snmp.community_contexts[match.word("community")] = match.word("context")


def _unmap_community(snmp: SnmpConfig, match: ConfigMatch) -> None:
    snmp.community_contexts.pop(match.word("community"), None)


# --- groups and users ----------------------------------------------------------------------------------------------------


def _group_key(match: ConfigMatch) -> tuple[str, str, str, str | None]:
    return match.word("name"), match.word("model"), match.maybe_word("level") or "noauth", match.maybe_word("context")


def _add_group(snmp: SnmpConfig, match: ConfigMatch) -> None:
    name, model, level, context = _group_key(match)
    snmp.groups[name, model, level, context] = SnmpGroup(
        name=name,
        model=model,
        level=level,
        context=context,
        read=match.maybe_word("read"),
        write=match.maybe_word("write"),
        notify=match.maybe_word("notify"),
        acl=match.maybe_word("acl"),
        match=match.maybe_word("compare") or "exact",
    )


def _remove_group(snmp: SnmpConfig, match: ConfigMatch) -> None:
    snmp.groups.pop(_group_key(match), None)


def _written_group(group: SnmpGroup) -> str:
    words = [f"snmp-server group {group.name} {group.model}", group.level if group.model == "v3" else ""]
    words += [f"context {group.context}" if group.context else "", "match prefix" if group.match == "prefix" else ""]
    said = (("read", group.read), ("write", group.write), ("notify", group.notify), ("access", group.acl))
    return " ".join(word for word in [*words, *(f"{keyword} {value}" for keyword, value in said if value)] if word)


def _add_user(snmp: SnmpConfig, match: ConfigMatch) -> None:
    priv = "".join(str(word) for word in match.all("priv")) or None
    if priv == "des56":  # as some releases write it
        priv = "des"
    snmp.users[match.word("name")] = SnmpUser(
        name=match.word("name"),
        group=match.word("group"),
        model=match.word("model"),
        auth=match.maybe_word("auth"),
        auth_password=match.maybe_word("auth-password"),
        priv="aes128" if priv == "aes" else priv,
        priv_password=match.maybe_word("priv-password"),
        acl=match.maybe_word("acl"),
    )


def _remove_user(snmp: SnmpConfig, match: ConfigMatch) -> None:
    snmp.users.pop(match.word("name"), None)


def written_users(snmp: SnmpConfig) -> list[str]:
    """The lines that define the users: IOS keeps them out of `show running-config`, and saves them apart."""
    return [_written_user(user) for user in snmp.users.values()]


def _written_user(user: SnmpUser) -> str:
    priv = user.priv.replace("aes", "aes ") if user.priv else None
    words = (
        f"snmp-server user {user.name} {user.group} {user.model}",
        f"auth {user.auth} {user.auth_password}" if user.auth else "",
        f"priv {priv} {user.priv_password}" if priv else "",
        f"access {user.acl}" if user.acl else "",
    )
    return " ".join(word for word in words if word)


# --- hosts ---------------------------------------------------------------------------------------------------------------


def _host_key(host: SnmpHost) -> tuple[str, str | None, str, int]:
    return str(host.address), host.vrf, host.community, host.port


def _types(match: ConfigMatch) -> tuple[str, ...]:
    """The types as written; `ike` and `isakmp` are one."""
    written: dict[str, str] = {}
    for word in map(str, match.all("type")):
        written.setdefault(canonical_type(word), word)
    return tuple(written.values())


def _add_host(edit: Edit, match: ConfigMatch) -> None:
    said = match.maybe("host")
    host = SnmpHost(
        address=said if isinstance(said, IPv4Address) else resolved_name(edit, str(said), "host"),
        community=match.word("community"),
        vrf=match.maybe_word("vrf"),
        informs=match.maybe_word("kind") == "informs",
        version=match.maybe_word("version") or "1",
        level=match.maybe_word("level") or "noauth",
        port=match.maybe_number("port") or 162,
        types=_types(match),
    )
    if host.informs and host.version == "1":
        raise Refused("version 2c or 3 for informs", "%Informs cannot be sent with version 1", argument=None)
    edit.config.snmp.hosts[_host_key(host)] = host


def _remove_host(edit: Edit, match: ConfigMatch) -> None:
    host = match.maybe("host")
    address = str(edit.config.host_address(host if isinstance(host, IPv4Address) else str(host)) or host)
    edit.config.snmp.hosts.pop(
        (address, match.maybe_word("vrf"), match.word("community"), match.maybe_number("port") or 162),
        None,
    )


def settle_hosts(config: RouterConfig) -> None:
    """Looks the named hosts of a file up, once all its lines are read; a name that no `ip host` line knows stays."""
    hosts = list(config.snmp.hosts.values())
    config.snmp.hosts.clear()
    for host in hosts:
        settled = replace(host, address=config.host_address(host.address) or host.address)
        config.snmp.hosts[_host_key(settled)] = settled


def _written_host(host: SnmpHost) -> str:
    version = {"1": "", "2c": "version 2c", "3": f"version 3 {host.level}"}[host.version]
    words = [
        f"snmp-server host {host.address}",
        f"vrf {host.vrf}" if host.vrf else "",
        "informs" if host.informs else "",
        version,
        host.community,
        f"udp-port {host.port}" if host.port != 162 else "",
        *host.types,
    ]
    return " ".join(word for word in words if word)


def _render_hosts(state: State, place: Place) -> Iterable[Rendered]:
    return [_written_host(host) for host in state.config.snmp.hosts.values()]


# --- the rest ------------------------------------------------------------------------------------------------------------


def _set_source(snmp: SnmpConfig, match: ConfigMatch) -> None:
    snmp.trap_source = match.word("interface")


def _unset_source(snmp: SnmpConfig, match: ConfigMatch) -> None:
    snmp.trap_source = None


def _set_size(snmp: SnmpConfig, match: ConfigMatch) -> None:
    snmp.packet_size = match.number("octets")


def _unset_size(snmp: SnmpConfig, match: ConfigMatch) -> None:
    snmp.packet_size = 1500


def _set_queue(snmp: SnmpConfig, match: ConfigMatch) -> None:
    snmp.queue_length = match.number("length")


def _unset_queue(snmp: SnmpConfig, match: ConfigMatch) -> None:
    snmp.queue_length = None


_INFORM_OPTIONS = ("pending", "retries", "timeout")


def _set_inform(snmp: SnmpConfig, match: ConfigMatch) -> None:
    for option in _INFORM_OPTIONS:
        value = match.maybe_number(option)
        if value is not None:
            setattr(snmp, f"inform_{option}", value)


def _unset_inform(snmp: SnmpConfig, match: ConfigMatch) -> None:
    """Take back the options that the line names, or all of them."""
    named = [option for option in _INFORM_OPTIONS if match.maybe_number(option) is not None]
    for option in named or _INFORM_OPTIONS:
        setattr(snmp, f"inform_{option}", None)


def _written_inform(snmp: SnmpConfig) -> str | None:
    values = {option: getattr(snmp, f"inform_{option}") for option in _INFORM_OPTIONS}
    words = [f"{option} {value}" for option, value in values.items() if value is not None]
    return f"snmp-server inform {' '.join(words)}" if words else None


_GROUP = (
    f"snmp-server group <name:word(32)> {{model={{v1|v2c}}|model={{v3}} {_LEVELS}}} [context <context:word(32)>] ~"
    f" [match compare={{exact|prefix}}] [read <read:word>] [write <write:word>] [notify <notify:word>] [access {_ACL}]"
)
_USER = (
    "snmp-server user <name:word(32)> <group:word(32)> ... {model={v1|v2c}|model={v3} ~"
    " [auth ... auth={md5|sha|sha224|sha256|sha384|sha512} <auth-password:word>"
    " [priv {priv={des|des56|3des}|priv={aes} [priv={128|192|256}]} <priv-password:word>]]}"
    f" [access {_ACL}]"
)
_HOST = (
    "snmp-server host <host:host> {[vrf <vrf:word>] [kind={traps|informs}]|kind={traps|informs} vrf <vrf:word>}"
    f" [version {{version={{1|2c}}|version={{3}} {_LEVELS}}}] <community:word> ~ [udp-port <port:int(0-65535)>]"
    f" [... type={{{'|'.join(TYPES)}|{IKE}|{OTHER_TYPES}}}]*"
)

_RETRIES, _TIMEOUT = "retries <retries:int(0-100)>", "timeout <timeout:int(0-42949671)>"
_INFORM = (
    f"snmp-server inform ~ {{pending <pending:int(1-4294967295)> [{_RETRIES}] [{_TIMEOUT}]|{_RETRIES} [{_TIMEOUT}]|{_TIMEOUT}}}"
)


def commands() -> list[ConfigCommand]:
    return [
        _line(_GROUP, 2400, _add_group, _remove_group, lambda s: [_written_group(group) for group in s.groups.values()]),
        _line(
            "snmp-server view <name:word> ~ <subtree:subtree> ~ inclusion={included|excluded}",
            2410,
            _add_subtree,
            _remove_subtree,
            _written_views,
        ),
        _line(
            f"snmp-server community <name:word> ~ [view <view:word>] [access={{RO|RW}}] [{_ACL}]",
            2420,
            _add_community,
            _remove_community,
            lambda s: [_written_community(community) for community in s.communities.values()],
        ),
        _line(
            "snmp-server trap-source ~ <interface:interface>",
            2430,
            _set_source,
            _unset_source,
            lambda s: f"snmp-server trap-source {s.trap_source}" if s.trap_source else None,
        ),
        _line(
            "snmp-server packetsize ~ <octets:int(484-17892)>",
            2432,
            _set_size,
            _unset_size,
            lambda s: f"snmp-server packetsize {s.packet_size}" if s.packet_size != 1500 else None,
        ),
        _line(
            "snmp-server queue-length ~ <length:int(1-5000)>",
            2434,
            _set_queue,
            _unset_queue,
            lambda s: f"snmp-server queue-length {s.queue_length}" if s.queue_length is not None else None,
        ),
        _line(_INFORM, 2436, _set_inform, _unset_inform, _written_inform),
        _text("location", "location", 2440),
        _text("contact", "contact", 2441),
        _text("chassis-id", "chassis_id", 2442),
        ConfigCommand("config", _HOST, 2460, _add_host, _remove_host, _render_hosts),
        _line(
            "snmp-server context <context:word(32)>",
            2470,
            _add_context,
            _remove_context,
            lambda s: [f"snmp-server context {context}" for context in s.contexts],
        ),
        _line(_USER, 2480, _add_user, _remove_user, lambda s: None),
        _line(
            "snmp mib community-map <community:word> ~ context <context:word(32)>",
            2550,
            _map_community,
            _unmap_community,
            lambda s: [
                f"snmp mib community-map {community} context {context}" for community, context in s.community_contexts.items()
            ],
        ),
    ]
