"""Base room: a log for lines that somebody outside can cause: so many of a kind in a time, and then a count of the rest.

A stranger who sends a hundred thousand datagrams must not write a hundred thousand lines. The first lines of a kind are written at
once. The rest of the interval is counted, and told in one line when the interval ends; so is each further interval in which the
flood goes on. After an interval without a line the next one is written at once again.

The log takes its time from its owner, in microseconds, and so works with a lab's clock and with an event loop's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from agent.base.clock import SECOND

AT_ONCE = 5  # lines of a kind that are written in one interval
INTERVAL = 10 * SECOND

Later = Callable[[int, Callable[[], None]], object]


class _Kind:
    """The lines of one kind in the interval that is running. `last` is the last one that was held back."""

    __slots__ = ("began", "held", "last", "written")

    def __init__(self, began: int, written: int = 0) -> None:
        self.began = began
        self.written = written
        self.held = 0
        self.last: tuple[object, ...] = ()


class LimitedLog:
    """Writes to a logger. A kind of line is its template: lines that differ only in what is put into it are of one kind."""

    def __init__(
        self,
        log: logging.Logger,
        now: Callable[[], int],
        later: Later,
        at_once: int = AT_ONCE,
        interval: int = INTERVAL,
    ) -> None:
        """`now` gives microseconds that never fall; `later` calls back after as many of them as it is given."""
        self._log = log
        self._now = now
        self._later = later
        self._at_once = at_once
        self._interval = interval
        self._kinds: dict[tuple[int, str], _Kind] = {}

    def error(self, template: str, *values: object, fault: BaseException | None = None) -> None:
        """As `warning`, one level up; the traceback of a `fault` goes with the lines that are written."""
        if self._log.isEnabledFor(logging.ERROR) and self._may_write(logging.ERROR, template, values):
            self._log.error(template, *values, exc_info=fault)

    def warning(self, template: str, *values: object) -> None:
        self._say(logging.WARNING, template, values)

    def info(self, template: str, *values: object) -> None:
        self._say(logging.INFO, template, values)

    def debug(self, template: str, *values: object) -> None:
        self._say(logging.DEBUG, template, values)

    def close(self) -> None:
        """Tell now of what was held back: no interval will end any more."""
        for level, template in list(self._kinds):
            self._summarise(level, template)
        self._kinds.clear()

    def _say(self, level: int, template: str, values: tuple[object, ...]) -> None:
        if self._log.isEnabledFor(level) and self._may_write(level, template, values):
            self._log.log(level, template, *values)

    def _may_write(self, level: int, template: str, values: tuple[object, ...]) -> bool:
        """Whether a line is to be written now; one that is not is counted."""
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
        """An interval in which lines were held back is over: what comes in the next one is counted from its first line."""
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
