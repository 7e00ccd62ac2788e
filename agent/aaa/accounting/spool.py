"""Aaa room: the spool: the accounting records that no server has acknowledged yet, on disk.

A record is on disk before it is first sent, and leaves the spool when a server has acknowledged it. For each open session the spool
also has the *will*: the Stop that the session gets if the process dies now. The next process makes records of the wills that it
finds, before any other.

One file serves the routers of a lab (`LabSpool`). Each router has its part of it (`Spool`), with a limit and a counter of its own.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from agent.aaa.accounting.record import AccountingRecord, AcctStatus
from agent.aaa.accounting.record_codec import CodecError, attributes_of, attributes_text
from agent.aaa.accounting.spool_file import Content, Row, WillRow, groups_of, groups_text
from agent.aaa.accounting.spool_writer import InLoop, SpoolWriter, Told, Will
from agent.aaa.accounting.waiting import Waiting
from agent.base.bus import Subscription
from agent.base.clock import SECOND, world_date
from agent.base.limited_log import Later, LimitedLog

_log = logging.getLogger(__name__)

DEFAULT_LIMIT = 100_000  # records of a router
HELD_ABOVE = 1_000  # records of a lab: a virtual clock waits while there are more
IN_MEMORY = 5_000  # records of a lab that need not be read from the disk to be sent
_STATUSES = frozenset(AcctStatus)
_SESSIONS = 1 << 32  # Acct-Session-Id has 8 hexadecimal digits
_UNWRITTEN_INTERIMS = 1_000  # records that wait for a full disk before interim records are dropped
_AFTER_ALL = 1 << 40  # numbers of records from here on are greater than those of a file that cannot be read yet
_HELD_LONG = 10 * SECOND

Release = Callable[[], None]
Hold = Callable[[], Release]


@dataclass(slots=True)
class SpoolCounters:
    """What has become of a router's records since the start.

    `dropped` were over the limit. `unwritten` could not be written, and were too many to wait for that. `lost` were on disk, and
    could not be read again.
    """

    acknowledged: int = 0
    dropped: int = 0
    unwritten: int = 0
    lost: int = 0


class Spool:
    """A router's part of the spool. Nothing here waits for the disk."""

    def __init__(self, lab: LabSpool, router: str, limit: int) -> None:
        """`LabSpool.router` makes it. `limit` is that of `accounting_spool` in the lab file."""
        self._lab = lab
        self.log = lab.log
        self.router = router
        self.limit = limit
        self.counters = SpoolCounters()
        self._session = 0  # the last number of Acct-Session-Id
        self._waiting: dict[int, Waiting] = {}  # on disk, in order
        self._unwritten = 0  # on their way there
        self._interims: OrderedDict[int, Waiting] = OrderedDict()  # the oldest first
        self._arrived: Callable[[Waiting], None] | None = None

    def __len__(self) -> int:
        """How many records wait, those on their way to the disk included. A broadcast record counts for each of its groups."""
        return len(self._waiting) + self._unwritten

    # --- for the sessions ---

    def next_session_id(self) -> str:
        """A new Acct-Session-Id: 8 hexadecimal digits. The counter goes on after a restart."""
        self._session = self._session % (_SESSIONS - 1) + 1  # 00000000 is left out
        self._lab.writer.count(self.router, self._session)
        return f"{self._session:08X}"

    def append(self, record: AccountingRecord, will: AccountingRecord | None = None) -> None:
        """Keep a record until a server has it. With a Start or an interim record comes the session's new will.

        A Stop ends the session's will: both come to the disk together.
        """
        kept = [waiting for groups in _copies(record) if (waiting := self._accept(record, groups)) is not None]
        change = None if will is None else self._will(will)
        if kept:
            if record.status is AcctStatus.STOP:
                change = Will(self.router, record.session)
            text = attributes_text(record.attributes)
            self._lab.writer.add([self._row(waiting, text) for waiting in kept], partial(self._written, kept), change)
        elif change is not None:
            self._lab.writer.will(change)

    def will(self, session: str, record: AccountingRecord) -> None:
        """Keep the Stop that an open session is to get if the process dies from now on."""
        self._lab.writer.will(self._will(record))

    def forget(self, session: str) -> None:
        """Keep no will of a session any more."""
        self._lab.writer.will(Will(self.router, session))

    # --- for the delivery ---

    def listen(self, arrived: Callable[[Waiting], None]) -> Subscription:
        """Give `arrived` each record that is on disk, in order: those that are there at once, others as they come."""
        self._arrived = arrived
        for waiting in list(self._waiting.values()):
            arrived(waiting)
        return Subscription(self._deafen)

    def acknowledge(self, waiting: Waiting) -> None:
        """A server has the record."""
        if not waiting.gone:
            self.counters.acknowledged += 1
            self._remove(waiting)

    def load(self, wanted: Sequence[Waiting], loaded: Callable[[], None]) -> None:
        """Read the attributes of records whose `record` is None. Records that cannot be read are gone then."""
        self._lab.writer.load(tuple(waiting.number for waiting in wanted), partial(self._loaded, wanted, loaded))

    # --- inside ---

    def _accept(self, record: AccountingRecord, groups: tuple[str, ...]) -> Waiting | None:
        """Take one copy of a record; None if there is no room for it."""
        interim = record.status is AcctStatus.INTERIM
        if not self._has_room(interim):
            return None
        waiting = Waiting(self._lab.next_number(), record.session, record.status, groups, record.moment)
        self._lab.keep_in_memory(waiting, replace(record, groups=groups, broadcast=False) if record.broadcast else record)
        if interim:
            self._interims[waiting.number] = waiting
        self._unwritten += 1
        self._lab.changed(1)
        return waiting

    def _row(self, waiting: Waiting, attributes: str) -> Row:
        status, groups = waiting.status.value, groups_text(waiting.groups)
        return Row(waiting.number, self.router, waiting.session, status, groups, waiting.moment, attributes)

    def _will(self, record: AccountingRecord) -> Will:
        text = attributes_text(record.attributes)
        copies = map(groups_text, _copies(record))
        rows = tuple(WillRow(self.router, record.session, groups, record.moment, text) for groups in copies)
        return Will(self.router, record.session, rows)

    def _has_room(self, interim: bool) -> bool:
        """Whether another record may be kept. The oldest interim record may make room for it."""
        log = self.log
        if self._lab.failing and self._unwritten >= (min(_UNWRITTEN_INTERIMS, self.limit) if interim else self.limit):
            self.counters.unwritten += 1
            log.error("%s: an accounting record is dropped: %d wait until the spool can be written", self.router, self._unwritten)
            return False
        if len(self) < self.limit:
            return True
        if self._drop_interim():
            log.warning(
                "%s: the oldest interim accounting record is dropped: %d records wait for a server", self.router, self.limit
            )
            return True
        if interim:
            self.counters.dropped += 1
            log.warning("%s: an interim accounting record is dropped: %d records wait for a server", self.router, len(self))
            return False
        log.warning(
            "%s: %d accounting records wait for a server, more than accounting_spool = %d: Start and Stop are never dropped",
            self.router,
            len(self) + 1,
            self.limit,
        )
        return True

    def _drop_interim(self) -> bool:
        if not self._interims:
            return False
        self.counters.dropped += 1
        self._remove(next(iter(self._interims.values())))
        return True

    def _written(self, kept: Sequence[Waiting]) -> None:
        """They are on disk, and may be sent."""
        self._unwritten -= len(kept)
        for waiting in kept:
            if waiting.gone:
                self._lab.changed(-1)
                continue
            self._waiting[waiting.number] = waiting
            if self._arrived is not None:
                self._arrived(waiting)

    def _remove(self, waiting: Waiting) -> None:
        waiting.gone = True
        self._lab.leave_memory(waiting)
        self._lab.writer.acknowledge(waiting.number)
        self._interims.pop(waiting.number, None)
        if self._waiting.pop(waiting.number, None) is not None:
            self._lab.changed(-1)

    def _loaded(self, wanted: Sequence[Waiting], loaded: Callable[[], None], found: dict[int, str]) -> None:
        for waiting in wanted:
            if waiting.gone:
                continue
            try:
                attributes = attributes_of(found[waiting.number])
            except (KeyError, CodecError):
                self.counters.lost += 1
                self.log.error("%s: the accounting record %d of the spool cannot be read: it is lost", self.router, waiting.number)
                self._remove(waiting)
                continue
            record = AccountingRecord(waiting.status, waiting.session, attributes, waiting.groups, False, waiting.moment)
            self._lab.keep_in_memory(waiting, record, wanted=True)
        loaded()

    def _deafen(self) -> None:
        self._arrived = None

    # --- for LabSpool ---

    def restore(self, waiting: Waiting) -> None:
        """Take over a record that an earlier process has left."""
        self._waiting[waiting.number] = waiting
        if waiting.status is AcctStatus.INTERIM:
            self._interims[waiting.number] = waiting
        self._lab.changed(1)
        if self._arrived is not None:
            self._arrived(waiting)

    def write_again(self) -> None:
        """There is a new file: write what memory has. Wills are renewed soon in any case."""
        self._lab.writer.count(self.router, self._session)
        found = ((waiting, waiting.record) for waiting in self._waiting.values())
        rows = [self._row(waiting, attributes_text(record.attributes)) for waiting, record in found if record is not None]
        self._lab.writer.add(rows, _nothing)

    def count_from(self, session: int) -> None:
        """Go on from the last number of Acct-Session-Id that an earlier process has used."""
        self._session = session


class LabSpool:
    """The spool of a lab. Its file and its thread are there from the first call of `router`.

    `in_loop` runs a call in the event loop, from any thread. `now` and `later` are the event loop's, in microseconds. `hold` has a
    virtual clock stand still until the returned function is called; a real clock has none.
    """

    def __init__(self, path: Path, in_loop: InLoop, now: Callable[[], int], later: Later, hold: Hold | None = None) -> None:
        self._path = path
        self.log = LimitedLog(_log, now, later)
        self.writer = SpoolWriter(path, in_loop, Told(self._failed, self._succeeded, self._spoilt, self._opened))
        self.failing = False
        self._later = later
        self._hold = hold
        self._release: Release | None = None
        self._begun = False
        self._spools: dict[str, Spool] = {}
        self._left: dict[str, list[Waiting]] = {}  # by router: what an earlier process has left, until the router takes it over
        self._counters: dict[str, int] | None = None  # of Acct-Session-Id, as the file has them
        self._number = 0  # of the last record
        self._total = 0
        self._emptied: Callable[[], None] | None = None
        self._in_memory = 0

    def router(self, name: str, limit: int = DEFAULT_LIMIT) -> Spool:
        """A router's part, which outlives the router's restart."""
        self._begin()
        spool = self._spools.get(name)
        if spool is None:
            spool = self._spools[name] = Spool(self, name, limit)
            spool.count_from(self._known_counter(name))
            self._hand_over(spool)
        spool.limit = limit
        return spool

    def __len__(self) -> int:
        """How many records wait, of all routers."""
        return self._total

    def when_empty(self, call: Callable[[], None]) -> None:
        """Call once no record waits. An earlier call that still waits is forgotten."""
        self._emptied = call
        self.changed(0)

    def has_left(self, name: str) -> bool:
        """Whether an earlier process, or an earlier start of the router, has left records of a router."""
        if not self._begun and not self._path.exists():
            return False
        self._begin()
        return name in self._left or name in self._spools

    def close(self) -> None:
        """Write what is not on disk yet, and end."""
        abandoned = self.writer.close()
        if abandoned:
            _log.error("%s: %d accounting records are lost: they could not be written", self._path, abandoned)
        if left := self._total - abandoned:
            _log.warning("%s: %d accounting records wait for the next start: no server has taken them yet", self._path, left)
        self.log.close()

    # --- for the parts ---

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def keep_in_memory(self, waiting: Waiting, record: AccountingRecord, wanted: bool = False) -> None:
        """Give a record to who waits, unless memory has many; one that is `wanted` now in any case."""
        if wanted or self._in_memory < IN_MEMORY:
            waiting.record = record
            self._in_memory += 1

    def leave_memory(self, waiting: Waiting) -> None:
        if waiting.record is not None:
            waiting.record = None
            self._in_memory -= 1

    def changed(self, by: int) -> None:
        """The number of records has changed. A virtual clock waits while there are many."""
        self._total += by
        if self._total == 0 and self._emptied is not None:
            call, self._emptied = self._emptied, None
            call()
        if self._total > HELD_ABOVE:
            if self._release is None and self._hold is not None:
                release = self._release = self._hold()
                self._later(_HELD_LONG, lambda: self._held(release))
        elif self._release is not None:
            release, self._release = self._release, None
            release()

    # --- inside ---

    def _begin(self) -> None:
        """Open the file. This waits for the disk, once."""
        if self._begun:
            return
        self._begun = True
        content = self.writer.open()
        if content is None:
            # Numbers of records that the file may have must not come again.
            self._number = round(world_date().timestamp() * 1_000) << 20
        else:
            self._counters = content.counters
            self._opened(content)

    def _opened(self, content: Content) -> None:
        if content.recovered:
            _log.warning(
                "%s: sessions that were open when the process ended: %d. Each gets a Stop record", self._path, content.recovered
            )
        for number, router, session, status, groups, moment in content.waiting:
            self._number = max(self._number, number)
            if status in _STATUSES:
                waiting = Waiting(number, session, AcctStatus(status), groups_of(groups), moment)
                self._left.setdefault(router, []).append(waiting)
            else:
                self.log.error("%s: %s: a record of status %d is not one of ours: it stays there", self._path, router, status)
        for spool in self._spools.values():
            self._hand_over(spool)

    def _known_counter(self, router: str) -> int:
        """The last number of Acct-Session-Id. If the file cannot tell, they go on from the date: none comes again."""
        return round(world_date().timestamp()) % _SESSIONS if self._counters is None else self._counters.get(router, 0)

    def _hand_over(self, spool: Spool) -> None:
        for waiting in self._left.pop(spool.router, ()):
            spool.restore(waiting)

    def _held(self, release: Release) -> None:
        if self._release is release:
            self.log.warning(
                "%s: %d accounting records wait for a server. A virtual clock stands still while there are more than %d",
                self._path,
                self._total,
                HELD_ABOVE,
            )

    def _failed(self, reason: str) -> None:
        self.failing = True
        _log.error(
            "%s: the accounting spool cannot be written: %s. New records wait in memory, and are not sent", self._path, reason
        )

    def _succeeded(self) -> None:
        self.failing = False
        _log.warning("%s: the accounting spool is written again", self._path)

    def _spoilt(self, reason: str, aside: Path) -> None:
        _log.error("%s: the accounting spool is spoilt (%s). It is kept as %s, and another is made", self._path, reason, aside)
        for spool in self._spools.values():
            spool.write_again()


def _nothing() -> None:
    """They were on disk before."""


def _copies(record: AccountingRecord) -> tuple[tuple[str, ...], ...]:
    """The groups of each copy of a record: with `broadcast` each group gets one of its own."""
    return tuple((group,) for group in record.groups) if record.broadcast else (record.groups,)
