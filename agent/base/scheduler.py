"""Base room: what is to happen when: callbacks by time, those of one moment in the order in which they were asked for."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from agent.base.clock import Clock, world_seconds

CANCELLED_AT_ONCE = 256  # cancelled callbacks that are put away without a look at the time


class Timer:
    """One callback to come."""

    __slots__ = ("callback", "time")

    def __init__(self, time: int, callback: Callable[[], None]) -> None:
        self.time = time
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Scheduler:
    """Times are microseconds of the clock. Whoever drives it sets `on_earlier` to hear of a new first event."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.on_earlier: Callable[[], None] | None = None
        self._queue: list[tuple[int, int, Timer]] = []
        self._count = 0

    def __len__(self) -> int:
        """Callbacks to come, cancelled ones whose time has not come among them."""
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
        """When the next callback is due; None when there is none.

        With `most`, no more cancelled ones than that are put away now: the time may be that of a further one.
        """
        queue = self._queue
        while queue and queue[0][2].callback is None and most != 0:
            heapq.heappop(queue)
            most = None if most is None else most - 1
        return queue[0][0] if queue else None

    def run_due(self, now: int, budget: float | None = None, meter: Callable[[], float] = world_seconds) -> bool:
        """Run what is due at `now`, beginning no more after `budget` seconds of the world's time; whether something is left.

        Cancelled callbacks cost a little, too: thousands of them may fall due at one moment.
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
