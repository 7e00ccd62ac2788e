"""Shell room: `show processes cpu` and `show processes memory`."""

from __future__ import annotations

import asyncio
from collections import Counter

from agent.base.process import held, resident_octets
from agent.base.processor import INTERVAL
from agent.shell.command import Context, ExecCommand, ExecMatch
from agent.shell.render.processes import WINDOWS, ProcessorUse, cpu_lines, memory_lines

HELP = {
    "show processes": "Active process statistics",
    "show processes cpu": "Show CPU usage per process",
    "show processes memory": "Show memory usage per process",
    "show processes memory sorted": "Sorted by the memory held",
    "sorted": "Sorted by the last five seconds",
}
_MOST_OBJECTS = 500_000  # that are looked at: a router with more holds at least what is shown
_A_TURN = 2_000  # objects, before others have their turn of the loop


async def _cpu(context: Context, match: ExecMatch) -> None:
    processor = context.router.processor
    samples = processor.total
    use = ProcessorUse(
        runtime={module: count * INTERVAL // 1000 for module, count in samples.items()},
        samples=samples,
        shares=(processor.shares(WINDOWS[0]), processor.shares(WINDOWS[1]), processor.shares(WINDOWS[2])),
    )
    await context.out.lines(cpu_lines(use, "sorted" in match))


async def _memory(context: Context, match: ExecMatch) -> None:
    found: Counter[str] = Counter()

    async def look() -> None:
        for at, (module, octets) in enumerate(held(context.router.parts(), _MOST_OBJECTS)):
            found[module] += octets
            if at % _A_TURN == 0:
                await asyncio.sleep(0)

    if await context.unless_interrupted(look()):
        await context.out.lines(memory_lines(resident_octets(), found, "sorted" in match))


COMMANDS = (
    ExecCommand("show processes cpu [sorted]", _cpu, user=True),
    ExecCommand("show processes memory [sorted]", _memory, user=True),
)
