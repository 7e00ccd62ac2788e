"""Base room: an allowance: so many in a burst, and then so many a second (a token bucket)."""

from __future__ import annotations

from collections.abc import Callable


class Allowance:
    """`now` gives seconds that never fall."""

    def __init__(self, burst: int, a_second: float, now: Callable[[], float]) -> None:
        self._burst = float(burst)
        self._a_second = a_second
        self._now = now
        self._left = self._burst
        self._then = now()

    def take(self) -> bool:
        """Whether one more is allowed now; it is taken then."""
        now = self._now()
        self._left = min(self._burst, self._left + (now - self._then) * self._a_second)
        self._then = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
