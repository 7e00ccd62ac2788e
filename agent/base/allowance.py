"""Base room: a token bucket: a burst of so many, and then one more each interval."""

from __future__ import annotations

from collections.abc import Callable


class Allowance:
    """A token bucket. `now` never falls; `interval` has the same unit."""

    def __init__(self, burst: int, interval: float, now: Callable[[], float]) -> None:
        self._burst = float(burst)
        self._interval = interval
        self._now = now
        self._left = self._burst
        self._then = now()

    def is_left(self) -> bool:
        """Whether one is left to take."""
        now = self._now()
        self._left = min(self._burst, self._left + (now - self._then) / self._interval)
        self._then = now
        return self._left >= 1

    def take(self) -> bool:
        """Take one if one is left; whether it was."""
        if not self.is_left():
            return False
        self._left -= 1
        return True
