"""Base room: time. Left of the views a clock is its only source. It counts whole microseconds, so that equal moments are equal."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

SECOND = 1_000_000  # microseconds
CENTISECOND = 10_000


class Clock(Protocol):
    """Whole microseconds since the router started; never falls."""

    def now(self) -> int: ...


class RealClock:
    """Runs by itself, `speed` times as fast as the machine's time."""

    __slots__ = ("_began", "_nanoseconds", "speed")

    def __init__(self, speed: float = 1.0, nanoseconds: Callable[[], int] = time.monotonic_ns) -> None:
        self.speed = speed
        self._nanoseconds = nanoseconds
        self._began = nanoseconds()

    def now(self) -> int:
        elapsed = self._nanoseconds() - self._began
        return elapsed // 1000 if self.speed == 1.0 else int(elapsed * self.speed) // 1000


class VirtualClock:
    """Stands still until it is moved."""

    __slots__ = ("_now",)

    def __init__(self, now: int = 0) -> None:
        self._now = now

    def now(self) -> int:
        return self._now

    def advance(self, to: int) -> None:
        """Move on to a moment. A moment in the past changes nothing."""
        self._now = max(self._now, to)


class LaterClock:
    """A clock that was 0 when another, its `base`, showed `began`: that of a router that has restarted."""

    __slots__ = ("_began", "base")

    def __init__(self, base: Clock, began: int) -> None:
        self.base = base
        self._began = began

    def now(self) -> int:
        return self.base.now() - self._began


def stands_still(clock: Clock) -> bool:
    """Whether a clock is virtual, or follows a virtual one."""
    while isinstance(clock, LaterClock):
        clock = clock.base
    return isinstance(clock, VirtualClock)


def world_date() -> datetime:
    """The date of the machine."""
    return datetime.now(UTC)


def world_seconds() -> float:
    """Seconds of the machine's time since some moment. Budgets of work use it, whatever the lab's clock does."""
    return time.perf_counter()
