"""Shell room: `show ip ssh` and `show ssh`."""

from __future__ import annotations

from agent.shell.command import Context, ExecCommand, ExecMatch
from agent.shell.releases import release_of
from agent.shell.render.ssh import server_lines, session_lines

HELP = {
    "show ip ssh": "Information on SSH",
    "show ssh": "Status of SSH server connections",
}


async def _server(context: Context, match: ExecMatch) -> None:
    config = context.router.document.config
    await context.out.lines(server_lines(context.router.ssh(), config.ssh, config.full_name, release_of(config.version)))


async def _sessions(context: Context, match: ExecMatch) -> None:
    await context.out.lines(session_lines(context.router.ssh().sessions))


COMMANDS = (
    ExecCommand("show ip ssh", _server, user=True),
    ExecCommand("show ssh", _sessions, user=True),
)
