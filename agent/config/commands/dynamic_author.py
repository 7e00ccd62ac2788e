"""Config room: `aaa server radius dynamic-author`: who may end sessions (RFC 5176; Cisco IOS Security Command Reference)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agent.config.aaa_model import DYNAMIC_AUTHOR_PORT, DynamicAuthor, DynamicAuthorClient
from agent.config.command import ConfigCommand, ConfigMatch, Edit, Mode, Place, Rendered, Section, State
from agent.config.commands.building import Leaves, inert
from agent.config.commands.radius_servers import KEY, SERVER, address_of, known_address, secret_of, written_address, written_key
from agent.config.model import RouterConfig

MODE = "dynamic-author"
MODES = {MODE: Mode("(config-locsvr-da-radius)#", MODE)}

HELP = {
    "aaa server": "Local AAA server",
    "aaa server radius": "Profile for local radius server",
    "radius dynamic-author": "Local server profile for RFC 3576 support",
    f"{MODE} client": "Specify a RADIUS client",
    f"{MODE} server-key": "Encryption key shared with the radius clients",
    "client <host> vrf": "Virtual Routing/Forwarding parameters",
    "<host> server-key": "Specify a RADIUS client server-key",
    f"{MODE} port": "Specify port for local radius server",
    f"{MODE} port <port>": "Port number",
    f"{MODE} auth-type": "Specify the server authorization type",
    "auth-type all": "Matches when all attributes match",
    "auth-type any": "Matches when all sent attributes match",
    "auth-type session-key": "Matches with session key attribute only",
    f"{MODE} ignore": "Override behaviour to ignore certain parameters",
    "ignore retransmission": "Drop packets using same radius id",
    "ignore server-key": "Ignore shared secret",
    "ignore session-key": "Ignore attr 151",
    f"{MODE} domain": "Username domain options",
    "domain delimiter": "Domain delimiter, Choose from {@, /, $, %, \\, #, -}",
    "<delimiter>": "One of @ / $ % \\ # -",
    "domain stripping": "Match incoming username left oriented of the @ domain delimiter",
}


PLACE = Place(MODE)


def _enter_author(edit: Edit, match: ConfigMatch) -> Place:
    edit.config.radius.dynamic_author = edit.config.radius.dynamic_author or DynamicAuthor()
    return PLACE


def _remove_author(edit: Edit, match: ConfigMatch) -> None:
    edit.config.radius.dynamic_author = None
    edit.state.forget(PLACE)


def _render_author(state: State, place: Place) -> Iterable[Rendered]:
    return () if state.config.radius.dynamic_author is None else (Section("aaa server radius dynamic-author", PLACE),)


def _author(config: RouterConfig, place: Place) -> DynamicAuthor:
    return config.radius.dynamic_author or DynamicAuthor()


def _put_author(config: RouterConfig, place: Place, author: DynamicAuthor) -> None:
    config.radius.dynamic_author = author


def _add_client(edit: Edit, match: ConfigMatch) -> None:
    address, host = address_of(edit, match)
    client = DynamicAuthorClient(address, secret_of(edit, match), match.maybe_word("vrf"), host)
    author = _author(edit.config, edit.place)
    _put_author(edit.config, edit.place, replace(author, clients=author.clients.put(client.identity, client)))


def _remove_client(edit: Edit, match: ConfigMatch) -> None:
    address, host = known_address(edit, match)
    gone = DynamicAuthorClient(address, vrf=match.maybe_word("vrf"), host=host)
    author = _author(edit.config, edit.place)
    _put_author(edit.config, edit.place, replace(author, clients=author.clients.drop(gone.identity)))


def _render_clients(state: State, place: Place) -> Iterable[Rendered]:
    for client in _author(state.config, place).clients:
        vrf = f" vrf {client.vrf}" if client.vrf else ""
        key = f" server-key {written_key(client.key)}" if client.key is not None else ""
        yield f"client {written_address(client)}{vrf}{key}"


def _set_author_key(edit: Edit, match: ConfigMatch) -> None:
    _put_author(edit.config, edit.place, replace(_author(edit.config, edit.place), key=secret_of(edit, match)))


def _no_author_key(edit: Edit, match: ConfigMatch) -> None:
    _put_author(edit.config, edit.place, replace(_author(edit.config, edit.place), key=None))


def _render_author_key(state: State, place: Place) -> Iterable[Rendered]:
    key = _author(state.config, place).key
    return () if key is None else (f"server-key {written_key(key)}",)


def commands() -> list[ConfigCommand]:
    line = Leaves(MODE, _author, _put_author).command

    def ignore(word: str, rank: int, field: str) -> ConfigCommand:
        def write(author: DynamicAuthor) -> str | None:
            return f"ignore {word}" if getattr(author, field) else None

        return line(f"ignore {word}", rank, lambda match, _: {field: True}, {field: False}, write)

    return [
        ConfigCommand("config", "aaa server radius dynamic-author", 645, _enter_author, _remove_author, _render_author),
        ConfigCommand(
            MODE,
            f"client {SERVER} [vrf <vrf:word>] ~ [server-key {KEY}]",
            10,
            _add_client,
            _remove_client,
            _render_clients,
        ),
        ConfigCommand(MODE, f"server-key ~ {KEY}", 20, _set_author_key, _no_author_key, _render_author_key),
        line(
            "port ~ <port:int(0-65535)>",
            30,
            lambda match, _: {"port": match.number("port")},
            {"port": DYNAMIC_AUTHOR_PORT},
            lambda author: None if author.port == DYNAMIC_AUTHOR_PORT else f"port {author.port}",
        ),
        line(
            "auth-type ~ kind={all|any|session-key}",
            40,
            lambda match, _: {"auth_type": match.word("kind")},
            {"auth_type": "all"},
            lambda author: None if author.auth_type == "all" else f"auth-type {author.auth_type}",
        ),
        ignore("session-key", 50, "ignore_session_key"),
        ignore("server-key", 51, "ignore_server_key"),
        inert(MODE, "ignore retransmission", 52),
        inert(MODE, "domain {delimiter <delimiter:word>|stripping [right-to-left]}", 60, many=True),
    ]
