"""Lab room: how many answers somebody gets who has not shown who it is: a few at once, then one in a while.

A forged source must not have us flood whoever it belongs to, nor may all sources together have us do nothing but answer.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from agent.base.clock import SECOND

_MOST = 256  # who is remembered; who has been forgotten begins afresh


@dataclass(slots=True)
class _Bucket:
    left: float
    filled_at: int

    def refill(self, now: int, size: int, interval: int) -> None:
        self.left = min(size, self.left + (now - self.filled_at) / interval)
        self.filled_at = now


class Allowance:
    """`at_once` answers to one that has had none for long, one more each `interval`; to all together `times` as many."""

    def __init__(self, at_once: int = 5, interval: int = SECOND, times: int = 20) -> None:
        self._at_once = at_once
        self._interval = interval
        self._times = times
        self._of_all = _Bucket(at_once * times, 0)
        self._buckets: dict[Hashable, _Bucket] = {}

    def allows(self, whom: Hashable, now: int) -> bool:
        """Whether one may be answered now; if so, that is one of its answers."""
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
