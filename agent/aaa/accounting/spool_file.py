"""Aaa room: the SQLite file of the spool: accounting records, the wills of open sessions, and the counters of Acct-Session-Id.

A change is on the disk when `commit` returns: the file has a write-ahead log, which SQLite syncs at the end of each transaction
(`PRAGMA synchronous = FULL`). The methods block, so the writer's thread alone calls them.

SQLite gives up Python's lock in each step of a statement, and waits for it afterwards. So one statement writes many rows.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from agent.aaa.accounting.record import AcctStatus

VERSION = 1  # of the tables below
_SCHEMA = """
CREATE TABLE records (
    number INTEGER PRIMARY KEY, router TEXT NOT NULL, session TEXT NOT NULL, status INTEGER NOT NULL,
    groups TEXT NOT NULL, moment REAL NOT NULL, attributes TEXT NOT NULL
);
CREATE TABLE wills (
    router TEXT NOT NULL, session TEXT NOT NULL, groups TEXT NOT NULL, moment REAL NOT NULL, attributes TEXT NOT NULL,
    PRIMARY KEY (router, session, groups)
) WITHOUT ROWID;
CREATE TABLE counters (router TEXT PRIMARY KEY, session INTEGER NOT NULL);
"""
_WILLS_TO_STOPS = f"""
INSERT INTO records SELECT (SELECT coalesce(max(number), 0) FROM records) + row_number() OVER (ORDER BY router, session, groups),
    router, session, {AcctStatus.STOP.value}, groups, moment, attributes FROM wills
"""
_ROWS_AT_ONCE = 256  # of one statement; SQLite takes 32,766 values
_SPOILT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class SpoiltError(Exception):
    """The file is no spool, or its content is damaged. The text says what is wrong."""


class UnavailableError(Exception):
    """The file cannot be used now: the disk is full, or fails, or another process has the file. The text says which."""


def groups_text(groups: Sequence[str]) -> str:
    """The names of groups with a space between them. What is not ASCII is escaped: a name may have what UTF-8 cannot."""
    return " ".join(groups).encode("unicode_escape").decode("ascii")


def groups_of(text: str) -> tuple[str, ...]:
    """The reverse of `groups_text`."""
    return tuple(text.encode("ascii", "replace").decode("unicode_escape", "replace").split(" "))


class Row(NamedTuple):
    """A record in the file. `groups` are those of `groups_text`."""

    number: int
    router: str
    session: str
    status: int
    groups: str
    moment: float
    attributes: str


class WillRow(NamedTuple):
    """A Stop in the file for a session that is still open."""

    router: str
    session: str
    groups: str
    moment: float
    attributes: str


class Listed(NamedTuple):
    """A record in the file without its attributes."""

    number: int
    router: str
    session: str
    status: int
    groups: str
    moment: float


@dataclass(slots=True)
class Group:
    """What one transaction writes. `wills` has the rows of each (router, session) anew; without rows the session has none any more.

    `due` is the moment at which it is to be written at the latest. `written` are called in the event loop, once it is on the disk.
    """

    due: float
    records: list[Row] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    wills: dict[tuple[str, str], tuple[WillRow, ...]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    written: list[Callable[[], None]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many rows it changes, about."""
        return len(self.records) + len(self.acknowledged) + len(self.wills)

    def ended(self) -> dict[str, list[str]]:
        """The sessions that have no will any more, by router.

        A list of pairs of both would be simpler, but SQLite does not use the index for it, and reads all wills there are.
        """
        found: dict[str, list[str]] = {}
        for (router, session), rows in self.wills.items():
            if not rows:
                found.setdefault(router, []).append(session)
        return found


@dataclass(frozen=True, slots=True)
class Content:
    """What a file has when it is opened. The wills of the process before are among the records, as Stops.

    `counters` are the last numbers of Acct-Session-Id, by router. `recovered` is the number of Stops.
    """

    waiting: tuple[Listed, ...] = ()
    counters: dict[str, int] = field(default_factory=dict)
    recovered: int = 0


class SpoolFile:
    """The file, between `open` and `close`. Every method may raise SpoiltError and UnavailableError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: int | None = None
        self._database: sqlite3.Connection | None = None

    def open(self) -> Content:
        """Open or make the file, and make records of the wills that it has."""
        try:
            self._take()
            with _our_errors():
                database = self._database = sqlite3.connect(self._path, isolation_level=None, cached_statements=64)
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = FULL")
                return self._content(database)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def set_aside(self, name: str) -> Path:
        """Rename a spoilt file, so that another can be made in its place. Returns where it is now."""
        self.close()
        aside = self._path.with_name(name)
        try:
            for suffix in ("-wal", "-shm"):
                extra = self._path.with_name(self._path.name + suffix)
                if extra.exists():
                    extra.replace(aside.with_name(aside.name + suffix))
            self._path.replace(aside)
        except OSError as error:
            raise UnavailableError(error.strerror or str(error)) from error
        return aside

    def commit(self, group: Group) -> None:
        """Write a group in one transaction. When this raises, it can be written again."""
        database = self._opened
        with _our_errors():
            database.execute("BEGIN IMMEDIATE")
            try:
                _replace(database, "REPLACE INTO records VALUES", group.records)
                _each(database, "DELETE FROM records WHERE number IN", group.acknowledged)
                for router, gone in group.ended().items():
                    _each(database, "DELETE FROM wills WHERE router = ? AND session IN", gone, router)
                _replace(database, "REPLACE INTO wills VALUES", [row for rows in group.wills.values() for row in rows])
                _replace(database, "REPLACE INTO counters VALUES", list(group.counters.items()))
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                _shorten(database)
                raise

    def attributes(self, numbers: Sequence[int]) -> dict[int, str]:
        """The attributes of records, by number, as they are in the file. A record that is not there is left out."""
        found: dict[int, str] = {}
        with _our_errors():
            for some in _chunks(numbers):
                marks = ",".join("?" * len(some))
                found.update(self._opened.execute(f"SELECT number, attributes FROM records WHERE number IN ({marks})", some))
        return found

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            raise UnavailableError("the file is not open")
        return self._database

    def _take(self) -> None:
        """Make the file, with mode 0600, unless it is there, and lock it: two processes must not send the same records."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnavailableError("another process uses it") from None
        except OSError as error:
            raise UnavailableError(error.strerror or str(error)) from error

    def _content(self, database: sqlite3.Connection) -> Content:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if version == 0 and not tables:
            database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        elif version != VERSION:
            raise SpoiltError(f"its version is {version}, and {VERSION} is needed")
        (finding,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if finding != "ok":
            raise SpoiltError(" ".join(finding.split()))  # it may have several lines
        database.execute("BEGIN IMMEDIATE")
        recovered = database.execute(_WILLS_TO_STOPS).rowcount
        database.execute("DELETE FROM wills")
        database.execute("COMMIT")
        columns = ", ".join(Listed._fields)
        waiting = tuple(map(Listed._make, database.execute(f"SELECT {columns} FROM records ORDER BY number")))
        return Content(waiting, dict(database.execute("SELECT router, session FROM counters")), recovered)


@contextlib.contextmanager
def _our_errors() -> Iterator[None]:
    """Turns the errors of SQLite into ours, and those of values that it does not take."""
    try:
        yield
    except (sqlite3.Error, UnicodeError, OverflowError) as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code of an extended one
        raise (SpoiltError if code in _SPOILT else UnavailableError)(str(error)) from error


def _shorten(database: sqlite3.Connection) -> None:
    """Put what the log has into the file, and empty the log: on a full disk that may be the space that is needed."""
    with contextlib.suppress(sqlite3.OperationalError):
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The rows in parts whose sizes are powers of two, so that few different statements are prepared."""
    at = 0
    while at < len(rows):
        size = min(_ROWS_AT_ONCE, 1 << ((len(rows) - at).bit_length() - 1))
        yield rows[at : at + size]
        at += size


def _replace(database: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    for some in _chunks(rows):
        mark = f"({','.join('?' * len(some[0]))})"
        database.execute(f"{statement} {','.join([mark] * len(some))}", [value for row in some for value in row])


def _each(database: sqlite3.Connection, statement: str, values: Sequence[int | str], *first: str) -> None:
    """A statement that ends with the list of values. `first` are those of the marks before it."""
    for some in _chunks(values):
        database.execute(f"{statement} ({','.join('?' * len(some))})", [*first, *some])
