"""Config room: what a line says of a RADIUS server: its address, ports, key and keywords; `radius server NAME` (RFC 2865)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import TypeVar

from agent.base.keyed import Keyed
from agent.config.aaa_model import (
    ACCT_PORT,
    AUTH_PORT,
    DynamicAuthorClient,
    Identity,
    RadiusServer,
    Secret,
    ServerAddress,
    ServerReference,
    by_identity,
)
from agent.config.command import ConfigCommand, ConfigMatch, Edit, Mode, Place, Rendered, Section, State
from agent.config.commands.building import Leaves, encoded, inert, resolved_name
from agent.config.model import RouterConfig

L = TypeVar("L", RadiusServer, RadiusServer | ServerReference)
S = TypeVar("S", RadiusServer, ServerReference, DynamicAuthorClient, RadiusServer | ServerReference)

MODE = "radius-server"
MODES = {MODE: Mode("(config-radius-server)#", MODE)}

HELP = {
    "radius-server non-standard": "Parse attributes that violate the RADIUS standard",
    "radius-server address": "Specify the radius server address",
    **{
        f"{words} <host>": "IP address or name of RADIUS server"
        for words in (
            "radius-server host",
            "server-group server",
            "server-private",
            "address ipv4",
            "address ipv6",
            "client",
            "ipv6",
        )
    },
    "<host> timeout": "Time to wait for this RADIUS server to reply (overrides default)",
    "host ipv6": "IPv6 address",
    "server ipv6": "IPv6 address",
    "server-private ipv6": "IPv6 address",
    "client ipv6": "IPv6 address",
    "address ipv4": "IPv4 Address",
    "address ipv6": "IPv6 Address",
    "radius-server automate-tester": "Configure server automated testing.",
    "radius-server pac": "Protected Access Credential key",
    "pac key": "Per-server encryption key",
    "<host> alias": "1-8 aliases for this server (max. 8)",
    "<alias>": "IP address or name",
    "<host> key": "per-server encryption key (overrides default)",
    "<host> non-standard": "Parse attributes that violate the RADIUS standard",
    "<host> backoff": "Retry backoff pattern(Default is retransmits with constant delay)",
    "exponential": "Exponential retransmit backoff",
    "max-delay": "Max delay between retransmits(default is 3 min)",
    "<max-delay>": "Max delay in minutes",
    "backoff-retry": "Exponential backoff retry number(default is 8)",
    "<backoff-retry>": "Number of retries",
    "<host> test": "Configure server automated testing.",
    "automate-tester username": "Username for the test requests",
    "test username": "Username for the test requests",
    "<test-user>": "Name of the user",
    "ignore-acct-port": "Do not test accounting ports of the servers.",
    "ignore-auth-port": "Do not test authentication port of the servers.",
    "<test-user> idle-time": "Minutes of idle-time after which server state should be verified.",
    "<idle-time>": "Idle time in minutes",
    "probe-on": "Send a packet to verify the server status",
    "load-balance method": "Method by which the next host will be picked.",
    "least-outstanding": "Pick the server with the least transactions outstanding.",
    "batch-size": "Size of the transaction batch that should be load-balanced.",
    "<batch>": "Number of transactions",
    "ignore-preferred-server": "Should the preferred-server be ignored.",
    "config radius": "RADIUS server configuration commands",
    "radius server": "Server configuration",
}

PORTS = "auth-port <auth-port:int(0-65535)>|acct-port <acct-port:int(0-65535)>"
KEY = "[0|6|7] <key:line>"
_TYPED_KEY = re.compile(r"([067])\s+(.+)")
TIMEOUT_ARGUMENT, RETRIES = "<timeout:int(1-1000)>", "<retries:int(0-100)>"
BACKOFF = "backoff exponential [max-delay <max-delay:int(1-120)>] [backoff-retry <backoff-retry:int(1-50)>]"
_TEST = "[ignore-auth-port|ignore-acct-port|idle-time <idle-time:int(1-35791)>]*"
_ALIAS = "alias {<alias:host>}*"
SERVER = "{<host:host>|<host:ipv6>|ipv6 <host:ipv6>}"
OPTIONS = (
    f"[{PORTS}|timeout {TIMEOUT_ARGUMENT}|retransmit {RETRIES}|{BACKOFF}|non-standard|test username <test-user:word> {_TEST}]*"
    f" [{_ALIAS}] [key {KEY}]"
)
BALANCE = "load-balance method least-outstanding [batch-size <batch:int(1-2147483647)>] [ignore-preferred-server]"
# Keywords of a server's line that the model holds, each with a value; what else stands there is kept as it is written.
_HELD = ("auth-port", "acct-port", "timeout", "retransmit")


# --- keys and servers --------------------------------------------------------------------------------------------------------


def secret_of(edit: Edit, match: ConfigMatch) -> Secret | None:
    """The key of a line, if it has one. A key that nobody can read here gives a warning, and no packet is signed with it."""
    if "key" not in match.values:
        return None
    typed = _TYPED_KEY.fullmatch(match.word("key"))  # a text takes the whole line, its type number too
    secret = Secret(typed[2], int(typed[1])) if typed else Secret(match.word("key"))
    if secret.plain is None:
        why = "needs the master key of the router that wrote it" if secret.encoding == 6 else "is no text of type 7"
        edit.warnings.append(f"the key {why}, and is not used")
    return secret


def written_key(secret: Secret) -> str:
    """A plain key whose first word could be taken for a type number gets its own."""
    if not secret.encoding and _TYPED_KEY.fullmatch(secret.text):
        return f"0 {secret.text}"
    return encoded(secret.encoding, secret.text)


def address_of(edit: Edit, match: ConfigMatch) -> tuple[ServerAddress | None, str]:
    """The address that a line names, or the name that no `ip host` line knows so far."""
    host = match.values["host"][-1]
    found = host if isinstance(host, IPv4Address | IPv6Address) else resolved_name(edit, str(host), "host")
    return (None, found) if isinstance(found, str) else (found, "")


def known_address(edit: Edit, match: ConfigMatch) -> tuple[ServerAddress | None, str]:
    """As `address_of`, for a `no` form: no word about the name."""
    host = match.values["host"][-1]
    if isinstance(host, IPv4Address | IPv6Address):
        return host, ""
    found = edit.config.host_address(str(host))
    return found, "" if found is not None else str(host)


def _options(words: Iterable[str]) -> str:
    """The keywords of a server's line that have no effect here, as they are written. `words` are those after the address."""
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "key":
            break
        if word in _HELD and "alias" not in kept:  # aliases are last, and have any name
            next(rest)
        elif word == "username":
            kept += [word, next(rest, "")]
        else:
            kept.append(word)
    return " ".join(kept).strip()


def server_of(edit: Edit, match: ConfigMatch, opening: int) -> RadiusServer:
    """The server of a line that has so many words before the address."""
    address, host = address_of(edit, match)
    return RadiusServer(
        address,
        auth_port=port_of(match, "auth-port", AUTH_PORT),
        acct_port=port_of(match, "acct-port", ACCT_PORT),
        timeout=match.maybe_number("timeout"),
        retransmit=match.maybe_number("retries"),
        key=secret_of(edit, match),
        host=host,
        options=_options(match.words[opening + 1 :] if host or match.words[opening] != "ipv6" else match.words[opening + 2 :]),
    )


def port_of(match: ConfigMatch, name: str, default: int) -> int:
    found = match.maybe_number(name)
    return default if found is None else found


def written_address(server: RadiusServer | ServerReference | DynamicAuthorClient) -> str:
    return server.host or str(server.address).upper()


def written_ports(server: RadiusServer | ServerReference) -> str:
    """IOS always writes both."""
    return f"auth-port {server.auth_port} acct-port {server.acct_port}"


def written_server(server: RadiusServer) -> str:
    words = (
        written_address(server),
        written_ports(server),
        f"timeout {server.timeout}" if server.timeout is not None else "",
        f"retransmit {server.retransmit}" if server.retransmit is not None else "",
        server.options,
        f"key {written_key(server.key)}" if server.key is not None else "",
    )
    return " ".join(word for word in words if word)


def without_server(
    edit: Edit, match: ConfigMatch, servers: Keyed[Identity, L], kind: type[RadiusServer] | type[ServerReference]
) -> Keyed[Identity, L]:
    """The servers that the `no` form of a line leaves; ports that it does not say are any."""
    address, host = known_address(edit, match)
    auth_port, acct_port = match.maybe_number("auth-port"), match.maybe_number("acct-port")
    if auth_port is not None and acct_port is not None:
        return servers.drop(kind(address=address, host=host, auth_port=auth_port, acct_port=acct_port).identity)

    def stays(server: L) -> bool:
        same = isinstance(server, kind) and (server.address, server.host) == (address, host)
        return not same or auth_port not in (None, server.auth_port) or acct_port not in (None, server.acct_port)

    return servers.keep(stays)


def settle_servers(config: RouterConfig) -> None:
    """Looks the named servers of a file up, once all its lines are read; a name that no `ip host` line knows stays."""
    radius = config.radius
    radius.hosts = by_identity(_settled(config, each) for each in radius.hosts)
    for name, server in radius.servers.items():
        radius.servers[name] = _settled(config, server)
    for name, group in radius.groups.items():
        radius.groups[name] = replace(group, members=by_identity(_settled(config, member) for member in group.members))
    if radius.dynamic_author is not None:
        clients = by_identity(_settled(config, client) for client in radius.dynamic_author.clients)
        radius.dynamic_author = replace(radius.dynamic_author, clients=clients)


def _settled(config: RouterConfig, server: S) -> S:
    found = config.host_address(server.host) if server.host else None
    return server if found is None else replace(server, address=found, host="")


# --- `radius server` -----------------------------------------------------------------------------------------------------------


def server_place(name: str) -> Place:
    return Place(MODE, (name,))


def _enter_server(edit: Edit, match: ConfigMatch) -> Place:
    name = match.word("name")
    edit.config.radius.servers.setdefault(name, RadiusServer(None, name))
    return server_place(name)


def _remove_server(edit: Edit, match: ConfigMatch) -> None:
    edit.config.radius.servers.pop(match.word("name"), None)
    edit.state.forget(server_place(match.word("name")))


def _render_servers(state: State, place: Place) -> Iterable[Rendered]:
    return [Section(f"radius server {name}", server_place(name)) for name in state.config.radius.servers]


def _named(config: RouterConfig, place: Place) -> RadiusServer:
    return config.radius.servers[str(place.key[0])]


def _put_named(config: RouterConfig, place: Place, server: RadiusServer) -> None:
    config.radius.servers[server.name] = server


def _set_address(edit: Edit, match: ConfigMatch) -> None:
    said = server_of(edit, match, 2)  # `address ipv4`
    changed = replace(
        _named(edit.config, edit.place),
        address=said.address,
        host=said.host,
        auth_port=said.auth_port,
        acct_port=said.acct_port,
        options=said.options,
    )
    _put_named(edit.config, edit.place, changed)


def _no_address(edit: Edit, match: ConfigMatch) -> None:
    bare = RadiusServer(None)
    changed = replace(
        _named(edit.config, edit.place),
        address=None,
        host="",
        auth_port=bare.auth_port,
        acct_port=bare.acct_port,
        options="",
    )
    _put_named(edit.config, edit.place, changed)


def _render_address(state: State, place: Place) -> Iterable[Rendered]:
    server = _named(state.config, place)
    if server.address is not None or server.host:
        family = "ipv6" if isinstance(server.address, IPv6Address) else "ipv4"
        yield f"address {family} {written_address(server)} {written_ports(server)} {server.options}".rstrip()


def _set_key(edit: Edit, match: ConfigMatch) -> None:
    _put_named(edit.config, edit.place, replace(_named(edit.config, edit.place), key=secret_of(edit, match)))


def _no_key(edit: Edit, match: ConfigMatch) -> None:
    _put_named(edit.config, edit.place, replace(_named(edit.config, edit.place), key=None))


def _render_key(state: State, place: Place) -> Iterable[Rendered]:
    key = _named(state.config, place).key
    return () if key is None else (f"key {written_key(key)}",)


def commands() -> list[ConfigCommand]:
    leaves = Leaves(MODE, _named, _put_named)

    def number(word: str, argument: str, rank: int, field: str) -> ConfigCommand:
        name = argument[1:].partition(":")[0]

        def write(server: RadiusServer) -> str | None:
            value = getattr(server, field)
            return None if value is None else f"{word} {value}"

        return leaves.command(f"{word} ~ {argument}", rank, lambda match, _: {field: match.number(name)}, {field: None}, write)

    return [
        ConfigCommand("config", "radius server <name:word>", 2560, _enter_server, _remove_server, _render_servers),
        ConfigCommand(
            MODE,
            f"address ~ {{ipv4 <host:host>|ipv6 <host:ipv6>}} [{PORTS}]* [{_ALIAS}]",
            10,
            _set_address,
            _no_address,
            _render_address,
        ),
        number("timeout", TIMEOUT_ARGUMENT, 20, "timeout"),
        number("retransmit", RETRIES, 21, "retransmit"),
        inert(MODE, BACKOFF, 22),
        inert(MODE, "non-standard", 23),
        inert(MODE, "automate-tester ~ username <test-user:word> [probe-on] " + _TEST + " [probe-on]", 24),
        ConfigCommand(MODE, f"key ~ {KEY}", 30, _set_key, _no_key, _render_key),
        inert(MODE, "pac key ~ [0|6|7] <key:line>", 31),
    ]
