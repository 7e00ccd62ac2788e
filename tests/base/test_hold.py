"""A virtual clock stands still while something outside the lab has to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agent.base.clock import SECOND, VirtualClock
from agent.base.runner import VirtualRunner
from agent.base.scheduler import Scheduler


def test_a_held_clock_stands_still_until_every_hold_is_released() -> None:
    asyncio.run(_held())


async def _held() -> None:
    clock = VirtualClock()
    scheduler = Scheduler(clock)
    runner = VirtualRunner(scheduler, clock)
    releases: list[Callable[[], None]] = []
    seen: list[int] = []
    scheduler.at(1 * SECOND, lambda: releases.extend([runner.hold(), runner.hold()]))
    scheduler.at(2 * SECOND, lambda: seen.append(clock.now()))
    running = asyncio.ensure_future(runner.run_to(3 * SECOND))
    while not releases:
        await asyncio.sleep(0)
    releases[0]()
    releases[0]()  # a second time releases nothing else
    for _ in range(10):
        await asyncio.sleep(0)
    assert (clock.now(), seen) == (1 * SECOND, [])
    releases[1]()
    await running
    assert (clock.now(), seen) == (3 * SECOND, [2 * SECOND])
