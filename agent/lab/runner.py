"""Lab room: what drives a lab's schedule: the only asyncio here.

The loop is never held for more than a few milliseconds of lab work at a time, so that a burst of Diffie-Hellman does not keep polls
waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from agent.lab.clock import RealClock, VirtualClock
from agent.lab.scheduler import Scheduler

BUDGET = 0.005  # seconds of work per turn of the loop


class Runner(Protocol):
    """Drives a schedule."""

    async def until(self, done: Callable[[], bool]) -> None:
        """Come back once `done` says so; it is asked after every turn. Under a virtual clock, time moves on until then."""
        ...


class RealRunner:
    """Runs what falls due as real time (times the clock's speed) goes by. `start` within a running loop; `stop` ends it."""

    def __init__(self, scheduler: Scheduler, clock: RealClock, budget: float = BUDGET) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._budget = budget
        self._handle: asyncio.Handle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._scheduler.on_earlier = self._arm
        self._arm()

    def stop(self) -> None:
        self._scheduler.on_earlier = None
        self._loop = None
        if self._handle:
            self._handle.cancel()
        for _, future in self._waiting:
            future.cancel()
        self._waiting.clear()

    async def until(self, done: Callable[[], bool]) -> None:
        if done():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((done, future))
        await future

    def _arm(self) -> None:
        if self._loop is None:
            return
        if self._handle:
            self._handle.cancel()
            self._handle = None
        due = self._scheduler.next_time()
        if due is not None:
            delay = (due - self._clock.now()) / (1_000_000 * self._clock.speed)
            self._handle = self._loop.call_later(max(0.0, delay), self._turn)

    def _turn(self) -> None:
        # Arming waits until the turn is over: it would otherwise be done again for every event that a callback adds.
        self._handle = None
        self._scheduler.on_earlier = None
        try:
            self._scheduler.run_due(self._clock.now(), self._budget)
        finally:
            if self._loop is not None:
                self._scheduler.on_earlier = self._arm
                self._arm()
            self._tell()

    def _tell(self) -> None:
        still = []
        for done, future in self._waiting:
            if future.cancelled():
                continue
            if done():
                future.set_result(None)
            else:
                still.append((done, future))
        self._waiting = still


class VirtualRunner:
    """Moves a virtual clock from event to event, as fast as they can be done; between calls it stands still."""

    def __init__(self, scheduler: Scheduler, clock: VirtualClock, budget: float = BUDGET) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._budget = budget

    def step(self) -> bool:
        """Do what happens next, moving the clock to it; False when nothing is to happen."""
        due = self._scheduler.next_time()
        if due is None:
            return False
        self._clock.advance(due)
        self._scheduler.run_due(self._clock.now())
        return True

    def advance(self, to: int) -> None:
        """Run to a moment (microseconds) without giving way."""
        while (due := self._scheduler.next_time()) is not None and due <= to:
            self.step()
        self._clock.advance(to)

    def advance_until(self, done: Callable[[], bool]) -> None:
        """Run until `done`, or until nothing more is to happen, without giving way."""
        while not done() and self.step():
            pass

    async def run_to(self, to: int) -> None:
        """Run to a moment, giving the loop its turns."""
        await self._run(lambda: (due := self._scheduler.next_time()) is None or due > to)
        self._clock.advance(to)

    async def until(self, done: Callable[[], bool]) -> None:
        await self._run(done)

    async def _run(self, done: Callable[[], bool]) -> None:
        meter = asyncio.get_running_loop().time
        turn_ends = meter() + self._budget
        while not done() and self.step():
            if meter() >= turn_ends:
                await asyncio.sleep(0)
                turn_ends = meter() + self._budget
