"""Aaa room: visits to many members, each once in a period, a few at a time.

A hundred thousand sessions may come up in one second. Their interim records must not be made in one turn of the loop, nor sent in
one second. So a few members are visited at once, and the others a moment later.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

from agent.base.clock import SECOND
from agent.base.scheduler import Timer, Timers

AT_ONCE = 8
_LONGEST_PAUSE = SECOND // 10  # between two visits of members that are due

T = TypeVar("T", bound=Hashable)


class Rounds(Generic[T]):
    """The members are in the order of their next visits, which are a period (microseconds) apart. `visit` is called at each.

    Members that are due together are visited `within` a time, which is half a period at most.
    """

    def __init__(self, timers: Timers, period: int, visit: Callable[[T], None], within: int | None = None) -> None:
        self.period = period
        self.within = period // 2 if within is None else min(within, period // 2)
        self._timers = timers
        self._visit = visit
        self._due: OrderedDict[T, int] = OrderedDict()
        self._last = 0  # when the last member is due
        self._timer: Timer | None = None

    def __len__(self) -> int:
        return len(self._due)

    def add(self, member: T, since: int) -> None:
        """Visit a member each period from a moment on. Periods that have passed already have no visit."""
        self.add_all(((member, since),))

    def add_all(self, members: Iterable[tuple[T, int]]) -> None:
        """The same of many, each with its own moment."""
        now = self._timers.clock.now()
        for due, _, member in sorted((self._next(since, now), at, member) for at, (member, since) in enumerate(members)):
            self._append(member, due)
        if self._timer is None:
            self._wait()

    def remove(self, member: T) -> None:
        self._due.pop(member, None)

    def close(self) -> None:
        self._due.clear()
        self._wait()

    def _next(self, since: int, now: int) -> int:
        """The first whole period after `since` that is still to come."""
        return since + (max(0, now - since) // self.period + 1) * self.period

    def _append(self, member: T, due: int) -> None:
        # A member that would be due before the last one is due with it, which keeps the order.
        self._last = max(due, self._last) if self._due else due
        self._due[member] = self._last

    def _wait(self) -> None:
        """Wait for the first member."""
        self._arm(next(iter(self._due.values())) if self._due else None)

    def _arm(self, moment: int | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if moment is None else self._timers.at(moment, self._go_round)

    def _go_round(self) -> None:
        now, visited = self._timers.clock.now(), 0
        while self._due:
            member, due = next(iter(self._due.items()))
            if due > now:
                break
            if visited == AT_ONCE:
                self._arm(now + min(_LONGEST_PAUSE, self.within * AT_ONCE // len(self._due)))
                return
            visited += 1
            del self._due[member]
            self._append(member, self._next(due, now))
            self._visit(member)
        self._wait()
