"""Shell room: `show logging` and `clear logging`."""

from __future__ import annotations

from agent.shell.command import Context, ExecCommand, ExecMatch
from agent.shell.releases import release_of
from agent.shell.render.logging import LoggingFacts, logging_lines

HELP = {
    "clear logging": "Clear logging buffer",
    "show logging": "Show the contents of logging buffers",
}


async def _show(context: Context, match: ExecMatch) -> None:
    config, log = context.router.document.config, context.router.logging
    facts = LoggingFacts(
        on=config.logging.on,
        dropped=log.dropped,
        rate_limited=log.rate_limited,
        rate_limited_elsewhere=log.rate_limited_elsewhere,
        console=log.status("console"),
        monitor=log.status("monitor"),
        buffer=log.status("buffered"),
        trap=log.status("trap"),
        hosts=log.hosts(),
        sources=config.logging.source_interfaces,
        buffer_size=log.buffer.size,
    )
    await context.out.lines(logging_lines(facts, release_of(config.version), log.buffer.lines()))


async def _clear(context: Context, match: ExecMatch) -> None:
    if await context.confirmed("Clear logging buffer "):
        context.router.logging.buffer.clear()


COMMANDS = (
    ExecCommand("show logging", _show),
    ExecCommand("clear logging", _clear),
)
