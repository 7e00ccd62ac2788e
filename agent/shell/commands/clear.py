"""Shell room: `clear crypto …`. What comes of it shows in the flow monitor."""

from __future__ import annotations

from collections.abc import Iterator

from agent.base.work import STEPS
from agent.engine.values import ANY, ClearIsakmp, ClearSas, ClearSessions, DestroyIpsec, Request, SessionFilter
from agent.flow.model import IpsecTunnel
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
    "clear crypto sa counters": "Reset the SA counters",
    "clear crypto sa entry": "Clear all SAs of one negotiation",
    "clear crypto sa map": "Clear the SAs of one crypto map",
    "clear crypto sa peer": "Clear the SAs of one peer",
    "clear crypto sa peer vrf": "Front-door VRF of the peer",
    "clear crypto sa vrf": "Clear the SAs of one inside VRF",
    "entry <destination>": "Destination address of the SA",
    "entry <destination> ah": "AH protocol",
    "entry <destination> esp": "ESP protocol",
    "<spi>": "SPI of the SA",
    "<map>": "Crypto map name",
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
    front = match.word("fvrf") if "fvrf" in match.values else ANY
    wanted = SessionFilter(remote=match.maybe_address("peer"), front_vrf=front, inside_vrf=inside)
    _ask(context, ClearSas(wanted, match.maybe_word("map")))


async def _entry(context: Context, match: ExecMatch) -> None:
    """End the tunnel that has an SA: IOS deletes the SAs of the same negotiation with it."""
    monitor, destination = context.router.monitor, match.address("destination")
    wanted = match.word("protocol"), match.number("spi")

    def has_it(tunnel: IpsecTunnel) -> bool:
        facts = tunnel.facts
        found = (spi for spi in tunnel.spis if (spi.protocol, spi.value) == wanted)
        return any((facts.local_address if spi.inbound else facts.remote_address) == destination for spi in found)

    def ended() -> Iterator[None]:
        for number, tunnel in enumerate(list(monitor.ipsec_tunnels.values()), 1):
            if has_it(tunnel):
                _ask(context, DestroyIpsec(tunnel.index))
                return
            if number % STEPS == 0:
                yield None

    await context.out.lines(ended())


async def _counters(context: Context, match: ExecMatch) -> None:
    await context.out.lines(context.router.cleared.clear())


COMMANDS = (
    ExecCommand("clear crypto isakmp [<connection:int(1-2147483647)>]", _isakmp),
    ExecCommand("clear crypto sa [peer [vrf <fvrf:word>] <peer:address> | map <map:word> | vrf <vrf:word>]", _sa),
    ExecCommand("clear crypto sa counters", _counters),
    ExecCommand("clear crypto sa entry <destination:address> protocol={ah | esp} <spi:int(256-4294967295)>", _entry),
    ExecCommand(f"clear crypto session {SESSION_FILTERS}", _session),
)
