"""Shell room: `show aaa …`, `show accounting`, `show radius statistics`, and the clearing of what is counted."""

from __future__ import annotations

from agent.shell.command import Context, ExecCommand, ExecMatch
from agent.shell.releases import Release, release_of
from agent.shell.render.aaa import accounting_lines, client_lines, server_lines, session_lines, statistics_lines

HELP = {
    "clear aaa": "Clear AAA values",
    "clear aaa counters": "Clear AAA counters",
    "clear aaa counters servers": "Clear server counters",
    "servers all": "Clear the counters of all servers",
    "servers radius": "Clear the counters of RADIUS servers",
    "servers radius all": "Clear the counters of all RADIUS servers",
    "clear radius": "Clear RADIUS information",
    "clear radius statistics": "Clear RADIUS statistics",
    "show aaa": "Show AAA values",
    "show aaa clients": "Show AAA client statistics for server",
    "show aaa servers": "Show AAA servers as seen by AAA Server MIB",
    "servers private": "Show private AAA servers",
    "servers public": "Show public AAA servers",
    "show aaa sessions": "Show AAA sessions as seen by AAA Session MIB",
    "show accounting": "Accounting data for active sessions",
    "show radius": "Shows radius information",
    "show radius statistics": "Shows radius statistics",
}


def _release(context: Context) -> Release:
    return release_of(context.router.document.config.version)


async def _servers(context: Context, match: ExecMatch) -> None:
    radius, which = context.router.aaa.radius, match.maybe_word("which")
    servers = [server for server in radius.servers() if which is None or bool(server.name.private) == (which == "private")]
    await context.out.lines(server_lines(_release(context), servers, radius.statistics.of, radius.now()))


async def _statistics(context: Context, match: ExecMatch) -> None:
    radius = context.router.aaa.radius
    await context.out.lines(statistics_lines(_release(context), radius.statistics.totals, radius.now()))


async def _sessions(context: Context, match: ExecMatch) -> None:
    await context.out.lines(session_lines(context.router.aaa.accounting()))


async def _clients(context: Context, match: ExecMatch) -> None:
    await context.out.lines(client_lines(context.router.aaa.author()))


async def _accounting(context: Context, match: ExecMatch) -> None:
    router = context.router
    zone = router.moment(router.monitor.clock.now()).tzname() or "UTC"
    await context.out.lines(accounting_lines(router.aaa.accounting(), zone))


async def _clear_servers(context: Context, match: ExecMatch) -> None:
    context.router.aaa.radius.statistics.clear_servers()


async def _clear_statistics(context: Context, match: ExecMatch) -> None:
    context.router.aaa.radius.statistics.clear_totals()


COMMANDS = (
    ExecCommand("show aaa clients", _clients),
    ExecCommand("show aaa servers [which={private | public}]", _servers, user=True),
    ExecCommand("show aaa sessions", _sessions),
    ExecCommand("show accounting", _accounting),
    ExecCommand("show radius statistics", _statistics, user=True),
    ExecCommand("clear aaa counters servers all", _clear_servers),
    ExecCommand("clear aaa counters servers radius all", _clear_servers),
    ExecCommand("clear radius statistics", _clear_statistics),
)
