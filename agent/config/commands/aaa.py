"""Config room: the lists of AAA methods; the RADIUS lines, which are kept and rendered and warn that they have no effect yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from agent.config.command import ConfigCommand, ConfigMatch, Edit, Mode, Place, Rendered, State
from agent.config.commands.building import inert
from agent.config.model import RouterConfig

MODES = {"server-group": Mode("(config-sg-radius)#", "server-group")}

HELP = {
    "aaa": "Authentication, Authorization and Accounting.",
    "aaa new-model": "Enable NEW access control commands and functions.",
    "aaa accounting": "Accounting configurations parameters.",
    "aaa authentication": "Authentication configurations parameters.",
    "aaa authorization": "Authorization configurations parameters.",
    "aaa session-id": "AAA Session ID",
    "start-stop": "Record start and stop without waiting",
    "stop-only": "Record stop when service terminates.",
    "broadcast": "Use Broadcast for Accounting",
    "radius-server": "Modify RADIUS query parameters",
    "radius-server host": "Specify a RADIUS server",
    "radius-server key": "encryption key shared with the radius servers",
    "radius-server retransmit": "Specify the number of retries to active server",
    "radius-server timeout": "Time to wait for a RADIUS server to reply",
    "radius-server vsa": "Vendor specific attribute configuration",
}

_METHODS = "{local|local-case|none|if-authenticated|group <server-group:word>}*"
_LOGIN_METHODS = "{local|local-case|none|enable|group <server-group:word>}*"
_GROUPS = "{group <server-group:word>}*"


def commands() -> list[ConfigCommand]:
    mode = "config"
    return [
        ConfigCommand(mode, "aaa new-model", 600, _new_model(True), _new_model(False), _render_new_model, _new_model(None)),
        inert(mode, "aaa group server radius <name:word>", 605, enters="server-group", later=True),
        inert(
            "server-group",
            "server <address:address> [auth-port <auth-port:int(0-65535)>] [acct-port <acct-port:int(0-65535)>]",
            10,
            many=True,
        ),
        _methods("aaa authentication login", "login", 610, _LOGIN_METHODS),
        _methods("aaa authorization network", "network", 620),
        inert(
            mode,
            f"aaa accounting network <list:word> ~ {{none|{{start-stop|stop-only}} [broadcast] {_GROUPS}}}",
            630,
            key_argument="list",
            later=True,
        ),
        inert(mode, "aaa accounting update [newinfo] ~ periodic <minutes:int(1-2147483647)>", 640, later=True),
        inert(mode, "aaa session-id {common|unique}", 650),
        inert(
            mode,
            "radius-server host <address:address> ~ [auth-port <auth-port:int(0-65535)>] [acct-port <acct-port:int(0-65535)>]"
            " [timeout <timeout:int(1-1000)>] [retransmit <retries:int(0-100)>] [key [{0|7}] <key:line>]",
            2500,
            key_argument="address",
            later=True,
        ),
        inert(mode, "radius-server retransmit ~ <retries:int(0-100)>", 2501, later=True),
        inert(mode, "radius-server timeout ~ <seconds:int(1-1000)>", 2502, later=True),
        inert(mode, "radius-server key ~ [{0|7}] <key:line>", 2503, later=True),
        inert(mode, "radius-server authorization permit missing Service-Type", 2504),
        inert(mode, "radius-server vsa send [{accounting|authentication}]", 2505, many=True),
    ]


def _new_model(value: bool | None) -> Callable[[Edit, ConfigMatch], None]:
    def change(edit: Edit, match: ConfigMatch) -> None:
        edit.config.aaa.new_model = value

    return change


def _render_new_model(state: State, place: Place) -> Iterable[Rendered]:
    stated = state.config.aaa.new_model
    return () if stated is None else ("aaa new-model" if stated else "no aaa new-model",)


def _methods(words: str, field: str, rank: int, methods: str = _METHODS) -> ConfigCommand:
    """Lists of methods by their names, each method as it is written: "local", "group radius"."""

    def lists(config: RouterConfig) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = getattr(config.aaa, field)
        return found

    def apply(edit: Edit, match: ConfigMatch) -> None:
        _, _, written = match.canonical.removeprefix(words).strip().partition(" ")
        names = written.replace("group ", "group\0").split(" ")
        lists(edit.config)[match.word("list")] = tuple(name.replace("\0", " ") for name in names)
        if "group" in match.words:
            edit.warnings.append("has no effect yet where it asks a group of servers")

    def negate(edit: Edit, match: ConfigMatch) -> None:
        lists(edit.config).pop(match.word("list"), None)

    def render(state: State, place: Place) -> Iterable[Rendered]:
        return [f"{words} {name} {' '.join(named)}" for name, named in lists(state.config).items()]

    return ConfigCommand("config", f"{words} <list:word> ~ {methods}", rank, apply, negate, render)
