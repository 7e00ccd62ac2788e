"""Config room: groups of RADIUS servers (Cisco IOS Security Command Reference, `aaa group server radius`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from agent.config.aaa_model import ACCT_PORT, AUTH_PORT, RadiusServer, ServerGroup, ServerReference
from agent.config.command import ConfigCommand, ConfigMatch, Edit, Mode, Place, Refused, Rendered, Section, State
from agent.config.commands.building import Leaves, inert
from agent.config.commands.radius_servers import (
    BACKOFF,
    BALANCE,
    OPTIONS,
    PORTS,
    SERVER,
    address_of,
    port_of,
    server_of,
    without_server,
    written_address,
    written_ports,
    written_server,
)
from agent.config.model import RouterConfig

MODE = "server-group"
MODES = {MODE: Mode("(config-sg-radius)#", MODE)}

HELP = {
    f"{MODE} ip vrf": "Set VPN Routing Forwarding to use with the servers",
    f"{MODE} ip": "Internet Protocol config commands",
    "server name": "Name of radius server",
    "<radius-server>": "Name of radius server",
    "server-group server-private": "Define a private RADIUS server (per group)",
    "server-group deadtime": "Specify time in minutes to ignore an unresponsive server",
    "deadtime <minutes>": "time in minutes",
    "server-group load-balance": "Server group load-balancing options.",
    "server-group backoff": "Retry backoff pattern(Default is retransmits with constant delay)",
    "server-group ipv6": "IPv6 config commands",
    "server-group accounting": "Specify a RADIUS attribute filter for accounting",
    "server-group authorization": "Specify a RADIUS attribute filter for authorization",
    "accounting accept": "Accept the attributes specified in this list",
    "accounting reject": "Reject the attributes specified in this list",
    "accounting reply": "Attribute filtering for replies",
    "accounting request": "Attribute filtering for requests",
    "accounting system": "System accounting related configuration.",
    f"{MODE} attribute": "Customize selected radius attributes",
    f"{MODE} key-wrap": "Key wrap of RADIUS (FIPS)",
    "key-wrap enable": "Enable it",
    "reply accept": "Accept the attributes specified in this list",
    "reply reject": "Reject the attributes specified in this list",
    "request reject": "Reject the attributes specified in this list",
    "mac-delimiter": "MAC Delimiter for Radius Compatibility Mode",
    "mac-delimiter colon": "Colon",
    "mac-delimiter hyphen": "Hyphen",
    "mac-delimiter none": "No delimiter",
    "single-hyphen": "One hyphen in the middle",
}


# "Words that cannot be used as the group-name" in the command reference: they are, or were, methods.
_RESERVED = (
    *("auth-guest", "enable", "guest", "if-authenticated", "if-needed", "krb5", "krb-instance", "krb-telnet", "line", "local"),
    *("none", "radius", "rcmd", "tacacs", "tacacsplus"),
)


def group_place(name: str) -> Place:
    return Place(MODE, (name,))


def _enter_group(edit: Edit, match: ConfigMatch) -> Place:
    name = match.word("name")
    if name in _RESERVED:
        raise Refused(f"a name that is no word of the lists of methods, as {', '.join(_RESERVED)} are", argument="name")
    edit.config.radius.groups.setdefault(name, ServerGroup(name))
    return group_place(name)


def _remove_group(edit: Edit, match: ConfigMatch) -> None:
    edit.config.radius.groups.pop(match.word("name"), None)
    edit.state.forget(group_place(match.word("name")))


def _render_groups(state: State, place: Place) -> Iterable[Rendered]:
    return [Section(f"aaa group server radius {name}", group_place(name)) for name in state.config.radius.groups]


def _group(config: RouterConfig, place: Place) -> ServerGroup:
    return config.radius.groups[str(place.key[0])]


def _put_group(config: RouterConfig, place: Place, group: ServerGroup) -> None:
    config.radius.groups[group.name] = group


_Member = RadiusServer | ServerReference


def _member_line(
    pattern: str, rank: int, member: Callable[[Edit, ConfigMatch], _Member], kind: type[RadiusServer] | type[ServerReference]
) -> ConfigCommand:
    """A line that adds a member of a kind to a group, or replaces the one that is the same server."""

    def apply(edit: Edit, match: ConfigMatch) -> None:
        group, new = _group(edit.config, edit.place), member(edit, match)
        _put_group(edit.config, edit.place, replace(group, members=group.members.put(new.identity, new)))

    def negate(edit: Edit, match: ConfigMatch) -> None:
        group = _group(edit.config, edit.place)
        if "radius-server" in match.values:
            left = group.members.drop(_reference(edit, match).identity)
        else:
            left = without_server(edit, match, group.members, kind)
        _put_group(edit.config, edit.place, replace(group, members=left))

    return ConfigCommand(MODE, pattern, rank, apply, negate)


def _reference(edit: Edit, match: ConfigMatch) -> ServerReference:
    if "radius-server" in match.values:
        return ServerReference(match.word("radius-server"))
    address, host = address_of(edit, match)
    ports = port_of(match, "auth-port", AUTH_PORT), port_of(match, "acct-port", ACCT_PORT)
    return ServerReference("", address, *ports, host=host)


def _private(edit: Edit, match: ConfigMatch) -> RadiusServer:
    return server_of(edit, match, 1)  # `server-private`


def _written_members(state: State, place: Place) -> Iterable[Rendered]:
    for member in _group(state.config, place).members:
        if isinstance(member, RadiusServer):
            yield f"server-private {written_server(member)}"
        else:
            yield f"server name {member.name}" if member.name else f"server {written_address(member)} {written_ports(member)}"


def commands() -> list[ConfigCommand]:
    leaves = Leaves(MODE, _group, _put_group)
    by_name = _member_line("server name <radius-server:word>", 10, _reference, ServerReference)
    return [
        ConfigCommand("config", "aaa group server radius <name:word(32)>", 605, _enter_group, _remove_group, _render_groups),
        replace(by_name, render=_written_members),
        _member_line(f"server {SERVER} [{PORTS}]*", 10, _reference, ServerReference),
        _member_line(f"server-private {SERVER} {OPTIONS}", 10, _private, RadiusServer),
        leaves.text("ip vrf forwarding", "<vrf:word>", 20, "vrf"),
        leaves.text("ip radius source-interface", "<interface:interface>", 21, "source_interface"),
        inert(MODE, "ipv6 radius source-interface ~ <interface:interface>", 22),
        leaves.command(
            "deadtime ~ <minutes:int(0-1440)>",
            23,
            lambda match, group: {"deadtime": match.number("minutes")},
            {"deadtime": None},
            lambda group: None if group.deadtime is None else f"deadtime {group.deadtime}",
        ),
        inert(MODE, BALANCE, 24),
        inert(
            MODE,
            "{accounting|authorization} {accept|reject|request reject|reply accept|reply reject} <list:word>",
            25,
            many=True,
        ),
        inert(
            MODE,
            "{accounting system host-config|key-wrap enable|attribute nas-port format <format:word> [<text:line>]}",
            25,
            many=True,
        ),
        inert(MODE, BACKOFF, 26),
        inert(MODE, "mac-delimiter {colon|hyphen|none|single-hyphen}", 27),
    ]
