"""Shell room: `clear crypto …`. What comes of it shows in the flow monitor."""

from __future__ import annotations

from agent.engine.values import ANY, ClearIsakmp, ClearSas, ClearSessions, Request, SessionFilter
from agent.shell.command import CommandFailed, Context, ExecCommand, ExecMatch

HELP = {
    "clear": "Reset functions",
    "clear crypto": "Encryption subsystem",
    "clear crypto isakmp": "Flush the ISAKMP database",
    "clear crypto sa": "Clear all crypto SAs",
    "clear crypto session": "Clear crypto sessions (tunnels)",
    "<connection>": "Connection id of SA",
    "fvrf": "Front-door VRF",
    "ivrf": "Inside VRF",
    "interface": "Crypto interface",
    "local": "Local address of the crypto session",
    "remote": "Remote address of the crypto session",
    "port": "IKE port of the crypto session",
    "peer": "Clear the SAs of one peer",
    "clear crypto sa vrf": "Clear the SAs of one inside VRF",
    "<fvrf>": "Front-door VRF name",
    "<ivrf>": "Inside VRF name",
    "<local>": "Local address",
    "<local-port>": "Local port",
    "<remote>": "Remote address",
    "<remote-port>": "Remote port",
    "<peer>": "Peer address",
}

SESSION_FILTERS = (
    "[local <local:address> [port <local-port:int(1-65535)>] | remote <remote:address> [port <remote-port:int(1-65535)>]"
    " | fvrf <fvrf:word> | ivrf <ivrf:word> | interface <interface:interface>]*"
)


def session_filter(match: ExecMatch) -> SessionFilter:
    """What a line with `SESSION_FILTERS` asks for."""
    return SessionFilter(
        match.maybe_address("local"),
        match.maybe_number("local-port"),
        match.maybe_address("remote"),
        match.maybe_number("remote-port"),
        match.word("fvrf") if "fvrf" in match.values else ANY,
        match.word("ivrf") if "ivrf" in match.values else ANY,
        match.maybe_word("interface"),
    )


def _ask(context: Context, request: Request) -> bool:
    """Have the engine do it; whether there was anything to end."""
    engine = context.router.engine
    refusal = engine.test(request)
    if refusal is not None:
        raise CommandFailed(f"% {refusal.reason}")
    return engine.do(request, context.line.origin)


async def _session(context: Context, match: ExecMatch) -> None:
    _ask(context, ClearSessions(session_filter(match)))


async def _isakmp(context: Context, match: ExecMatch) -> None:
    connection = match.maybe_number("connection")
    found = _ask(context, ClearIsakmp(connection))
    if connection is not None and not found:
        raise CommandFailed(f"% There is no ISAKMP SA with connection id {connection}")


async def _sa(context: Context, match: ExecMatch) -> None:
    inside = match.word("vrf") if "vrf" in match.values else ANY
    _ask(context, ClearSas(SessionFilter(remote=match.maybe_address("peer"), inside_vrf=inside)))


COMMANDS = (
    ExecCommand("clear crypto isakmp [<connection:int(1-2147483647)>]", _isakmp),
    ExecCommand("clear crypto sa [peer <peer:address> | vrf <vrf:word>]", _sa),
    ExecCommand(f"clear crypto session {SESSION_FILTERS}", _session),
)
