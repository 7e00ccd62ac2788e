"""Base room: a log for lines that somebody outside can cause. It limits the lines of each kind.

A stranger who sends a hundred thousand datagrams must not write a hundred thousand lines. The first lines of a kind in an interval
are written. The rest is counted, and one line at the end of the interval reports the count. After an interval without a line,
lines are written again.

The owner of the log supplies the time in microseconds: that of a lab's clock or of an event loop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from agent.base.clock import SECOND
from agent.base.loop_timers import CallLater

AT_ONCE = 5  # lines of a kind that are written in one interval
INTERVAL = 10 * SECOND

Later = Callable[[int, Callable[[], None]], object]


class _Kind:
    """The lines of one kind in the current interval. `last` is the last one that was held back."""

    __slots__ = ("began", "held", "last", "written")

    def __init__(self, began: int, written: int = 0) -> None:
        self.began = began
        self.written = written
        self.held = 0
        self.last: tuple[object, ...] = ()


class LimitedLog:
    """Writes to a logger. Lines with the same template, and different arguments, are of one kind."""

    def __init__(
        self,
        log: logging.Logger,
        now: Callable[[], int],
        later: Later,
        at_once: int = AT_ONCE,
        interval: int = INTERVAL,
    ) -> None:
        """`now` gives microseconds, and never falls. `later` calls back after a number of microseconds."""
        self._log = log
        self._now = now
        self._later = later
        self._at_once = at_once
        self._interval = interval
        self._kinds: dict[tuple[int, str], _Kind] = {}

    def error(self, template: str, *values: object, fault: BaseException | None = None) -> None:
        """As `warning`, one level up. A line that is written has the traceback of `fault`."""
        if self._log.isEnabledFor(logging.ERROR) and self._may_write(logging.ERROR, template, values):
            self._log.error(template, *values, exc_info=fault)

    def warning(self, template: str, *values: object) -> None:
        self._say(logging.WARNING, template, values)

    def info(self, template: str, *values: object) -> None:
        self._say(logging.INFO, template, values)

    def debug(self, template: str, *values: object) -> None:
        self._say(logging.DEBUG, template, values)

    def close(self) -> None:
        """Report now what was held back, because no further interval will end."""
        for level, template in list(self._kinds):
            self._summarise(level, template)
        self._kinds.clear()

    def _say(self, level: int, template: str, values: tuple[object, ...]) -> None:
        if self._log.isEnabledFor(level) and self._may_write(level, template, values):
            self._log.log(level, template, *values)

    def _may_write(self, level: int, template: str, values: tuple[object, ...]) -> bool:
        """Whether a line is to be written now. If not, it is counted."""
        key, now = (level, template), self._now()
        kind = self._kinds.get(key)
        if kind is None or (not kind.held and now - kind.began >= self._interval):
            kind = self._kinds[key] = _Kind(now)
        if kind.written < self._at_once:
            kind.written += 1
            return True
        if not kind.held:
            self._later(max(0, kind.began + self._interval - now), lambda: self._end(key, kind))
        kind.held += 1
        kind.last = values
        return False

    def _end(self, key: tuple[int, str], kind: _Kind) -> None:
        """End an interval with held-back lines. In the next one all lines are counted."""
        if self._kinds.get(key) is kind:
            self._summarise(*key)
            self._kinds[key] = _Kind(self._now(), self._at_once)

    def _summarise(self, level: int, template: str) -> None:
        kind = self._kinds[level, template]
        if kind.held:
            seconds = max(1, round((self._now() - kind.began) / SECOND))
            self._log.log(
                level, f"{template} (the last of %d such lines held back within %d seconds)", *kind.last, kind.held, seconds
            )


def limited_in_loop(log: logging.Logger, now: Callable[[], float], later: CallLater) -> LimitedLog:
    """A limited log by the time of an event loop, which counts in seconds."""
    return LimitedLog(log, lambda: int(now() * SECOND), lambda delay, call: later(delay / SECOND, call))
