"""Lab room: limits answers to unauthenticated sources: a few at first, then one from time to time.

A forged source must not make us flood its owner, and all sources together must not keep us busy with answers.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from agent.base.clock import SECOND

_MOST = 256  # sources that are remembered; a forgotten one starts again


@dataclass(slots=True)
class _Bucket:
    left: float
    filled_at: int

    def refill(self, now: int, size: int, interval: int) -> None:
        self.left = min(size, self.left + (now - self.filled_at) / interval)
        self.filled_at = now


class Allowance:
    """Each source gets `at_once` answers, and one more each `interval`. All together get `times` as many."""

    def __init__(self, at_once: int = 5, interval: int = SECOND, times: int = 20) -> None:
        self._at_once = at_once
        self._interval = interval
        self._times = times
        self._of_all = _Bucket(at_once * times, 0)
        self._buckets: dict[Hashable, _Bucket] = {}

    def allows(self, whom: Hashable, now: int) -> bool:
        """Whether a source may be answered now. If so, the answer is counted."""
        bucket = self._buckets.pop(whom, None) or _Bucket(self._at_once, now)
        self._buckets[whom] = bucket
        if len(self._buckets) > _MOST:
            del self._buckets[next(iter(self._buckets))]
        bucket.refill(now, self._at_once, self._interval)
        self._of_all.refill(now, self._at_once * self._times, self._interval // self._times)
        if bucket.left < 1 or self._of_all.left < 1:
            return False
        bucket.left -= 1
        self._of_all.left -= 1
        return True
