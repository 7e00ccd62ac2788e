"""Base room: the scheduler: callbacks by time. Callbacks of one moment run in the order in which they were added."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from agent.base.clock import Clock, world_seconds

CANCELLED_AT_ONCE = 256  # cancelled callbacks that are removed between two looks at the time


class Timer:
    """One callback to come."""

    __slots__ = ("callback", "time")

    def __init__(self, time: int, callback: Callable[[], None]) -> None:
        self.time = time
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


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
        first = self._queue[0][0] if self._queue else None
        self._count += 1
        heapq.heappush(self._queue, (moment, self._count, timer))
        if self.on_earlier and (first is None or moment < first):
            self.on_earlier()
        return timer

    def after(self, delay: int, callback: Callable[[], None]) -> Timer:
        return self.at(self.clock.now() + delay, callback)

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
