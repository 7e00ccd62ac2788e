"""Base room: a token bucket: a burst of so many, and then so many a second."""

from __future__ import annotations

from collections.abc import Callable


class Allowance:
    """A token bucket. `now` gives seconds, and never falls."""

    def __init__(self, burst: int, a_second: float, now: Callable[[], float]) -> None:
        self._burst = float(burst)
        self._a_second = a_second
        self._now = now
        self._left = self._burst
        self._then = now()

    def take(self) -> bool:
        """Take one if one is left; whether it was."""
        now = self._now()
        self._left = min(self._burst, self._left + (now - self._then) * self._a_second)
        self._then = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
