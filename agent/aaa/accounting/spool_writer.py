"""Aaa room: the thread that writes the spool, so that a slow disk does not hold the event loop.

Changes wait for at most 10 ms, and are written as one group, with one sync of the disk. Changes that may be repeated without harm
(a record was acknowledged, a session has new numbers) wait longer, for others to go with.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from agent.aaa.accounting.spool_file import Content, Group, Row, SpoiltError, SpoolFile, UnavailableError, WillRow
from agent.base.clock import world_date, world_seconds

URGENT, LATER = 0.01, 0.1  # seconds that a change waits for others
MOST_ROWS = 512  # of a group
RETRY = 1.0  # seconds after which a group is written again when the disk has failed

InLoop = Callable[[Callable[[], None]], object]


@dataclass(frozen=True, slots=True)
class _Load:
    """Read the attributes of records, and give them to `loaded` in the event loop."""

    numbers: tuple[int, ...]
    loaded: Callable[[dict[int, str]], None]


class Will(NamedTuple):
    """The will of a session, a row for each of its copies. Without rows the session has none any more."""

    router: str
    session: str
    rows: tuple[WillRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What the writer tells, in the event loop.

    `failing` has the reason for which nothing can be written now; `writing` says that it is over. `spoilt` has what is wrong with
    the file, and where it is now. `opened` has the content of a file that is opened later than by `SpoolWriter.open`.
    """

    failing: Callable[[str], None]
    writing: Callable[[], None]
    spoilt: Callable[[str, Path], None]
    opened: Callable[[Content], None]


class SpoolWriter:
    """Writes a file, from `open` to `close`. Its methods are for the event loop, and it calls back there."""

    def __init__(self, path: Path, in_loop: InLoop, told: Told) -> None:
        self._path = path
        self._file = SpoolFile(path)
        self._in_loop = in_loop
        self._told = told
        self._changed = threading.Condition()
        self._work: deque[Group | _Load] = deque()
        self._written: deque[Callable[[], None]] = deque()  # to be called in the event loop
        self._open = False  # whether the file is
        self._failing = False
        self._closing = False
        self._abandoned = 0  # records
        self._thread: threading.Thread | None = None

    def open(self) -> Content | None:
        """Open the file, and wait for its content. None: it is spoilt or cannot be opened now, and is opened later."""
        opened: Future[Content | None] = Future()
        self._thread = threading.Thread(target=self._run, args=(opened,), name="accounting-spool", daemon=True)
        self._thread.start()
        return opened.result()

    def close(self) -> int:
        """Write what waits, if the disk lets us, and end. Returns how many records could not be written."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
        return self._abandoned

    def add(self, rows: Sequence[Row], written: Callable[[], None], will: Will | None = None) -> None:
        """Keep records, and a session's will or its end, all together or nothing."""
        with self._changed:
            group = self._group(URGENT)
            group.records += rows
            group.written.append(written)
            if will is not None:
                group.wills[will.router, will.session] = will.rows

    def acknowledge(self, number: int) -> None:
        """Forget a record."""
        with self._changed:
            self._group(LATER).acknowledged.append(number)

    def will(self, will: Will) -> None:
        """Keep the will of a session, or none any more."""
        with self._changed:
            self._group(LATER).wills[will.router, will.session] = will.rows

    def count(self, router: str, session: int) -> None:
        """Keep the last number of Acct-Session-Id."""
        with self._changed:
            self._group(LATER).counters[router] = session

    def load(self, numbers: tuple[int, ...], loaded: Callable[[dict[int, str]], None]) -> None:
        """Read the attributes of records."""
        with self._changed:
            self._work.append(_Load(numbers, loaded))
            self._changed.notify()

    def _have_written(self, calls: Sequence[Callable[[], None]]) -> None:
        """A group is on the disk. After a full disk it may be large, so a turn of the loop makes some of its calls."""
        waited = bool(self._written)
        self._written += calls
        if not waited:
            self._call_some()

    def _call_some(self) -> None:
        calls = [self._written.popleft() for _ in range(min(MOST_ROWS, len(self._written)))]
        if self._written:
            self._tell(self._call_some)
        for call in calls:
            call()

    def _group(self, wait: float) -> Group:
        """The group that a change joins. While the disk fails there is one, so that new numbers replace old ones."""
        due = world_seconds() + wait
        last = self._work[-1] if self._work else None
        if not isinstance(last, Group) or (last.size >= MOST_ROWS and not self._failing):
            last = Group(due)
            self._work.append(last)
            self._changed.notify()
        elif due < last.due:
            last.due = due
            self._changed.notify()
        return last

    # --- in the thread ---

    def _tell(self, call: Callable[[], None]) -> None:
        """Have something called in the event loop, unless it has ended before us: then nobody wants to know."""
        with contextlib.suppress(RuntimeError):
            self._in_loop(call)

    def _run(self, opened: Future[Content | None]) -> None:
        try:
            opened.set_result(self._first_open())
        except BaseException as error:
            opened.set_exception(error)
            raise
        while (work := self._next()) is not None:
            if isinstance(work, _Load):
                self._load(work)
            elif self._until_done(partial(self._commit, work)):
                self._tell(partial(self._have_written, work.written))
            else:
                self._abandoned += len(work.records)
        self._file.close()

    def _next(self) -> Group | _Load | None:
        """Wait for work that is due, and take it; None: there is no more."""
        with self._changed:
            while True:
                if self._work:
                    first = self._work[0]
                    wait = first.due - world_seconds() if isinstance(first, Group) and len(self._work) == 1 else 0.0
                    if wait <= 0 or self._closing or (isinstance(first, Group) and first.size >= MOST_ROWS):
                        return self._work.popleft()
                    self._changed.wait(wait)
                elif self._closing:
                    return None
                else:
                    self._changed.wait()

    def _first_open(self) -> Content | None:
        try:
            return self._file_opened()
        except SpoiltError as error:
            self._replace(str(error))
        except UnavailableError as error:
            self._fail(str(error))
        return None

    def _file_opened(self) -> Content:
        content = self._file.open()
        self._open = True
        return content

    def _ensure_open(self) -> None:
        if not self._open:
            self._tell(partial(self._told.opened, self._file_opened()))

    def _commit(self, group: Group) -> None:
        self._ensure_open()
        self._file.commit(group)

    def _load(self, load: _Load) -> None:
        found: dict[int, str] = {}

        def read() -> None:
            self._ensure_open()
            found.update(self._file.attributes(load.numbers))

        self._until_done(read)
        self._tell(partial(load.loaded, found))

    def _until_done(self, step: Callable[[], None]) -> bool:
        """Do a step again until the file lets it be done; False if the writer is to end before that."""
        while True:
            try:
                step()
            except SpoiltError as error:
                self._replace(str(error))
            except UnavailableError as error:
                self._fail(str(error))
            else:
                self._succeed()
                return True
            if not self._paused():
                return False

    def _paused(self) -> bool:
        """Wait before the next try; False if the writer is to end."""
        ends = world_seconds() + RETRY
        with self._changed:
            while not self._closing and (left := ends - world_seconds()) > 0:
                self._changed.wait(left)
            return not self._closing

    def _replace(self, reason: str) -> None:
        """Set a spoilt file aside. Another is made for the next group."""
        self._open = False
        try:
            aside = self._file.set_aside(f"{self._path.name}.spoilt-{world_date():%Y%m%d-%H%M%S}")
        except UnavailableError as error:
            self._fail(str(error))
        else:
            self._tell(partial(self._told.spoilt, reason, aside))

    def _fail(self, reason: str) -> None:
        if not self._failing:
            self._failing = True
            self._tell(partial(self._told.failing, reason))

    def _succeed(self) -> None:
        if self._failing:
            self._failing = False
            self._tell(self._told.writing)
