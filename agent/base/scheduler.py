"""Base room: the scheduler: callbacks by time. Callbacks of one moment run in the order in which they were added.

A branch of it has the callbacks of one router from its start to its restart, by the router's own clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Protocol

from agent.base.clock import Clock, LaterClock, world_seconds

CANCELLED_AT_ONCE = 256  # cancelled callbacks that are removed between two looks at the time


class Timer:
    """One callback to come. `time` is by the clock of the `branch` that it is of, if it is of one."""

    __slots__ = ("branch", "callback", "time")

    def __init__(self, time: int, callback: Callable[[], None] | None, branch: Branch | None = None) -> None:
        self.time = time
        self.callback = callback
        self.branch = branch

    def cancel(self) -> None:
        self.callback = None


class Timers(Protocol):
    """Where callbacks can be scheduled: a scheduler, or a branch of one. Times are microseconds of its clock."""

    @property
    def clock(self) -> Clock: ...

    def at(self, moment: int, callback: Callable[[], None]) -> Timer: ...

    def after(self, delay: int, callback: Callable[[], None]) -> Timer: ...


class Scheduler:
    """Callbacks by time, in microseconds of the clock. `on_earlier` is called if a new callback becomes the first."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.on_earlier: Callable[[], None] | None = None
        self._queue: list[tuple[int, int, Timer]] = []
        self._count = 0

    def __len__(self) -> int:
        """The number of callbacks to come, including cancelled ones."""
        return len(self._queue)

    def at(self, moment: int, callback: Callable[[], None]) -> Timer:
        timer = Timer(moment, callback)
        self.add(moment, timer)
        return timer

    def add(self, moment: int, timer: Timer) -> None:
        """Queue a timer for a moment of this scheduler's clock."""
        first = self._queue[0][0] if self._queue else None
        self._count += 1
        heapq.heappush(self._queue, (moment, self._count, timer))
        if self.on_earlier and (first is None or moment < first):
            self.on_earlier()

    def after(self, delay: int, callback: Callable[[], None]) -> Timer:
        return self.at(self.clock.now() + delay, callback)

    def cancel_all_of(self, branch: Branch) -> None:
        """Cancel every callback of a branch."""
        for _, _, timer in self._queue:
            if timer.branch is branch:
                timer.cancel()

    def next_time(self, most: int | None = None) -> int | None:
        """When the next callback is due; None if there is none.

        At most `most` cancelled callbacks are removed first, so the time may be that of another cancelled one.
        """
        queue = self._queue
        while queue and queue[0][2].callback is None and most != 0:
            heapq.heappop(queue)
            most = None if most is None else most - 1
        return queue[0][0] if queue else None

    def run_due(self, now: int, budget: float | None = None, meter: Callable[[], float] = world_seconds) -> bool:
        """Run the callbacks that are due at `now`; whether some are left.

        None begins after `budget` seconds of the machine's time. Thousands of cancelled callbacks cost time, too.
        """
        end = meter() + budget if budget is not None else None
        queue, cancelled = self._queue, 0
        while queue and queue[0][0] <= now:
            timer = heapq.heappop(queue)[2]
            callback, timer.callback = timer.callback, None
            if callback:
                callback()
            else:
                cancelled += 1
            if end is not None and (callback or cancelled % CANCELLED_AT_ONCE == 0) and meter() >= end:
                return bool(queue) and queue[0][0] <= now
        return False


class Branch:
    """The callbacks of one router from its start until `close`. It starts when the scheduler's clock is `began`, and its own 0."""

    def __init__(self, scheduler: Scheduler, began: int = 0) -> None:
        self._scheduler = scheduler
        self._began = began
        self._closed = False
        # At the start of a lab the clocks are one, so that reading it costs no more.
        self.clock: Clock = LaterClock(scheduler.clock, began) if began else scheduler.clock

    def at(self, moment: int, callback: Callable[[], None]) -> Timer:
        timer = Timer(moment, callback, self)
        if self._closed:
            timer.cancel()
        else:
            self._scheduler.add(moment + self._began, timer)
        return timer

    def after(self, delay: int, callback: Callable[[], None]) -> Timer:
        return self.at(self.clock.now() + delay, callback)

    def close(self) -> None:
        """Cancel its callbacks. Later ones are not scheduled any more."""
        self._closed = True
        self._scheduler.cancel_all_of(self)
