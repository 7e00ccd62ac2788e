"""Shell room: `test aaa group`: asks a group of RADIUS servers about a user."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from agent.aaa.radius.values import Code, Reply
from agent.aaa.replies import pairs_of
from agent.base.text import shown, text_of
from agent.shell.command import Context, ExecCommand, ExecMatch

HELP = {
    "test": "Test subsystems, memory, and interfaces",
    "test aaa": "AAA functions",
    "test aaa group": "AAA server group",
    "<server-group>": "AAA server group name",
    "<user>": "username to send to the server",
    "<password>": "password to send to the server",
    "legacy": "Test the legacy AAA code path",
    "new-code": "Test the new AAA code path",
}

_SERVICES = {1: "Login", 2: "Framed", 5: "Outbound", 6: "Administrative", 7: "NAS Prompt"}
_SECRET = "tunnel-password"


async def _legacy(context: Context, match: ExecMatch) -> None:
    group = match.word("server-group")
    context.out.line(f"Attempting authentication test to server-group {group} using radius")
    reply = await context.router.logins.test(group, match.word("user"), match.word("password"))
    if reply is None:
        context.out.line("No authoritative response from any server.")
    elif reply.code is Code.ACCESS_ACCEPT:
        context.out.line("User was successfully authenticated.")
    else:
        context.out.line("User authentication request was rejected by server.")


async def _new_code(context: Context, match: ExecMatch) -> None:
    name = match.word("user")
    reply = await context.router.logins.test(match.word("server-group"), name, match.word("password"))
    if reply is None or reply.code is not Code.ACCESS_ACCEPT:
        context.out.line("User rejected")
        return
    for line in ("User successfully authenticated", "", "USER ATTRIBUTES", ""):
        context.out.line(line)
    for attribute, value in (("username", _quoted(name)), *_attributes(reply)):
        context.out.line(f"{attribute:<20} 0   {value}")


def _attributes(reply: Reply) -> Iterator[tuple[str, str]]:
    """What a server says of a user, by AAA's names of the attributes. A key is not shown."""
    for attribute, (name, write) in _NAMES.items():
        for value in reply.values(attribute):
            yield name, write(text_of(value) if isinstance(value, bytes) else str(value))
    for pair in pairs_of(reply):
        yield pair.name, _PAIRS.get(pair.name, _quoted)(pair.value)


def _quoted(value: str) -> str:
    return f'"{shown(value)}"'


def _hidden(value: str) -> str:
    return "<hidden>"


def _number(value: str) -> str:
    return f"{int(value)} (0x{int(value):X})" if value.isascii() and value.isdigit() else _quoted(value)


def _service(value: str) -> str:
    return f"{value} [{_SERVICES.get(int(value), 'Unknown')}]"


_NAMES: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "Service-Type": ("service-type", _service),
    "Framed-IP-Address": ("addr", str),
    "Framed-IP-Netmask": ("netmask", str),
    "Framed-Pool": ("addr-pool", _quoted),
    "Tunnel-Password": (_SECRET, _hidden),
    "Reply-Message": ("reply-message", _quoted),
}
_PAIRS: Mapping[str, Callable[[str], str]] = {_SECRET: _hidden, "priv-lvl": _number}
_QUESTION = "test aaa group <server-group:word> <user:word> <password:word>"

COMMANDS = (
    ExecCommand(f"{_QUESTION} legacy", _legacy),
    ExecCommand(f"{_QUESTION} new-code", _new_code),
)
