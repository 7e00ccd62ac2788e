"""Base room: runners, which run the callbacks of a scheduler with asyncio.

A turn holds the event loop for a few milliseconds at most, so that a burst of Diffie-Hellman does not delay polls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, Protocol

from agent.base.clock import RealClock, VirtualClock
from agent.base.scheduler import CANCELLED_AT_ONCE, Scheduler

BUDGET = 0.005  # seconds of work per turn of the loop


class Runner(Protocol):
    """Runs the callbacks of a scheduler."""

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait until `done` is true; it is called after every turn. A virtual clock moves on meanwhile."""
        ...

    def begin(self, command: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Carry out a command of the schedule. A virtual clock stands still unless the command waits in `until`."""
        ...

    def hold(self) -> Callable[[], None]:
        """Have a virtual clock stand still until the returned function is called: something outside the lab has to answer."""
        ...


class RealRunner:
    """Runs callbacks in real time, times the clock's speed. `start` needs a running loop; `stop` ends it."""

    def __init__(self, scheduler: Scheduler, clock: RealClock, budget: float = BUDGET) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._budget = budget
        self._handle: asyncio.Handle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._commands: set[asyncio.Task[None]] = set()

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

    def begin(self, command: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(command)
        self._commands.add(task)  # the loop holds tasks by weak references alone
        task.add_done_callback(self._commands.discard)
        return task

    def hold(self) -> Callable[[], None]:
        return lambda: None  # real time does not wait

    def _arm(self) -> None:
        if self._loop is None:
            return
        if self._handle:
            self._handle.cancel()
            self._handle = None
        due = self._scheduler.next_time(CANCELLED_AT_ONCE)
        if due is not None:
            delay = (due - self._clock.now()) / (1_000_000 * self._clock.speed)
            self._handle = self._loop.call_later(max(0.0, delay), self._turn)

    def _turn(self) -> None:
        # The timer is set once, after the turn, and not for every event that a callback adds.
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


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    """A caller that waits while another moves the time. A `scheduled` one, a command of the schedule, never moves it."""

    done: Callable[[], bool]
    told: asyncio.Future[None]
    scheduled: bool


class VirtualRunner:
    """Moves a virtual clock from event to event as fast as possible. Between calls the clock stands still."""

    def __init__(self, scheduler: Scheduler, clock: VirtualClock, budget: float = BUDGET) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._budget = budget
        self._driving = False
        self._commands: set[asyncio.Task[None]] = set()
        self._waiting: list[_Waiter] = []
        # Whether a command of the schedule is running. Its tasks inherit it.
        self._scheduled: ContextVar[bool] = ContextVar("scheduled", default=False)
        self._holds: set[object] = set()
        self._released = asyncio.Event()

    def step(self) -> bool:
        """Move the clock to the next event and run it; False if there is none."""
        due = self._scheduler.next_time()
        if due is None:
            return False
        self._clock.advance(due)
        self._scheduler.run_due(self._clock.now())
        return True

    def advance(self, to: int) -> None:
        """Run to a moment (microseconds) without yielding to the event loop."""
        scheduler, clock = self._scheduler, self._clock
        while (due := scheduler.next_time()) is not None and due <= to:
            clock.advance(due)
            scheduler.run_due(due)
        clock.advance(to)

    async def run_to(self, to: int) -> None:
        """Run to a moment, and yield to the event loop. A command of the schedule may still be unfinished then."""
        await self._drive(lambda: (due := self._scheduler.next_time()) is None or due > to)
        self._clock.advance(to)

    async def until(self, done: Callable[[], bool]) -> None:
        scheduled = self._scheduled.get()
        while not done():
            if not self._driving and not scheduled:
                await self._drive(done)
                return
            await self._wait(done, scheduled)

    def begin(self, command: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        context = copy_context()
        context.run(self._scheduled.set, True)
        task = asyncio.get_running_loop().create_task(command, context=context)
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)
        return task

    def hold(self) -> Callable[[], None]:
        held = object()
        self._holds.add(held)

        def release() -> None:
            self._holds.discard(held)
            if not self._holds:
                self._released.set()

        return release

    async def _drive(self, done: Callable[[], bool]) -> None:
        """Move the time until `done`, or until there is no event. One caller at a time moves it, the others wait."""
        meter = asyncio.get_running_loop().time
        turn_ends = meter() + self._budget
        self._driving = True
        try:
            while True:
                # A command of the schedule runs at the moment that began it: time stands still until the command waits.
                while len(self._commands) > sum(waiter.scheduled for waiter in self._waiting):
                    await asyncio.sleep(0)
                while self._holds:
                    self._released.clear()
                    await self._released.wait()
                if done() or not self.step():
                    return
                self._tell(lambda waiter: waiter.done())
                if meter() >= turn_ends:
                    await asyncio.sleep(0)
                    turn_ends = meter() + self._budget
        finally:
            self._driving = False
            self._tell(lambda waiter: not waiter.scheduled)  # one of them moves the time from here

    async def _wait(self, done: Callable[[], bool], scheduled: bool) -> None:
        waiter = _Waiter(done, asyncio.get_running_loop().create_future(), scheduled)
        self._waiting.append(waiter)
        try:
            await waiter.told
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    def _tell(self, chosen: Callable[[_Waiter], bool]) -> None:
        if not self._waiting:
            return
        told = [waiter for waiter in self._waiting if chosen(waiter)]
        # They count as no longer waiting, although they resume only in a later turn.
        self._waiting = [waiter for waiter in self._waiting if waiter not in told]
        for waiter in told:
            if not waiter.told.done():
                waiter.told.set_result(None)


def runner_of(scheduler: Scheduler, clock: RealClock | VirtualClock) -> RealRunner | VirtualRunner:
    """The runner for a kind of clock."""
    return RealRunner(scheduler, clock) if isinstance(clock, RealClock) else VirtualRunner(scheduler, clock)
