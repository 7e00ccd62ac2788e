"""Lab room: limits answers to unauthenticated sources: a few at first, then one from time to time.

A forged source must not make us flood its owner, and all sources together must not keep us busy with answers.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial

from agent.base.allowance import Allowance
from agent.base.clock import SECOND

_MOST = 256  # sources that are remembered; a forgotten one starts again


class SourceAllowance:
    """Each source gets `at_once` answers, and one more each `interval` (microseconds). All together get `times` as many."""

    def __init__(self, now: Callable[[], int], at_once: int = 5, interval: int = SECOND, times: int = 20) -> None:
        self._begin = partial(Allowance, at_once, interval, now)
        self._of_all = Allowance(at_once * times, interval // times, now)
        self._of_each: dict[Hashable, Allowance] = {}

    def allows(self, whom: Hashable) -> bool:
        """Whether a source may be answered now. If so, the answer is counted."""
        if not self._of_all.is_left():
            return False  # in a flood from many sources, nothing is made for each
        own = self._of_each.pop(whom, None) or self._begin()
        self._of_each[whom] = own
        if len(self._of_each) > _MOST:
            del self._of_each[next(iter(self._of_each))]
        return own.is_left() and self._of_all.take() and own.take()
