"""A lab's spool in a test: records to put into it, and what its file has."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.aaa.accounting.record import ACCT_DELAY_TIME, AccountingRecord, AcctStatus
from agent.aaa.accounting.spool import LabSpool, Spool
from agent.aaa.accounting.waiting import Waiting
from agent.aaa.radius.values import Attribute
from agent.base.clock import SECOND

if TYPE_CHECKING:
    import pytest

FILE = "lab.accounting.sqlite"
PATIENCE = 30.0  # seconds for what must happen; a test that passes does not wait


def record(
    status: AcctStatus, session: str, *groups: str, broadcast: bool = False, moment: float = 1000.0, octets: int = 0
) -> AccountingRecord:
    """A record; `octets` tells one of a session from another."""
    attributes = (
        Attribute("Acct-Session-Id", session),
        Attribute("Acct-Input-Octets", octets),
        Attribute("Class", b"\x00\xff"),
        ACCT_DELAY_TIME,
    )
    return AccountingRecord(status, session, attributes, groups or ("A",), broadcast, moment)


def start(session: str, *groups: str, **values: Any) -> AccountingRecord:
    return record(AcctStatus.START, session, *groups, **values)


def interim(session: str, *groups: str, **values: Any) -> AccountingRecord:
    return record(AcctStatus.INTERIM, session, *groups, **values)


def stop(session: str, *groups: str, **values: Any) -> AccountingRecord:
    return record(AcctStatus.STOP, session, *groups, **values)


class Holds:
    """How often a virtual clock is held now."""

    def __init__(self) -> None:
        self.now = 0

    def hold(self) -> Callable[[], None]:
        self.now += 1
        return self._release

    def _release(self) -> None:
        self.now -= 1


async def read(spool: Spool, wanted: Sequence[Waiting]) -> None:
    """Have records read from the disk."""
    loaded = asyncio.Event()
    spool.load(wanted, loaded.set)
    async with asyncio.timeout(PATIENCE):
        await loaded.wait()


@asynccontextmanager
async def opened(folder: Path, hold: Callable[[], Callable[[], None]] | None = None) -> AsyncIterator[LabSpool]:
    """The spool of a lab. The end closes it, and all that has been given to it is on disk then."""
    loop = asyncio.get_running_loop()
    lab = LabSpool(
        folder / FILE,
        in_loop=loop.call_soon_threadsafe,
        now=lambda: int(loop.time() * SECOND),
        later=lambda delay, call: loop.call_later(delay / SECOND, call),
        hold=hold or Holds().hold,
    )
    try:
        yield lab
    finally:
        lab.close()


class Arrivals:
    """The records of a spool that are on disk, in order, as its listener gets them."""

    def __init__(self, spool: Spool) -> None:
        self.all: list[Waiting] = []
        self._came = asyncio.Event()
        self.listening = spool.listen(self._take)

    def _take(self, waiting: Waiting) -> None:
        self.all.append(waiting)
        self._came.set()

    async def until(self, number: int) -> list[Waiting]:
        """Wait for so many."""
        async with asyncio.timeout(PATIENCE):
            while len(self.all) < number:
                self._came.clear()
                await self._came.wait()
        return self.all

    def told(self) -> list[tuple[str, str]]:
        return [(waiting.session, waiting.status.name) for waiting in self.all]


def rows(folder: Path, table: str = "records", columns: str = "session, status, groups") -> list[tuple[Any, ...]]:
    """What the file has, by a connection of the test's own."""
    with closing(sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True)) as database:
        return database.execute(f"SELECT {columns} FROM {table}").fetchall()


def leave(folder: Path, *records: AccountingRecord, wills: Iterable[AccountingRecord] = (), router: str = "r1") -> None:
    """Have an earlier process leave records and wills."""

    async def run() -> None:
        async with opened(folder) as lab:
            spool = lab.router(router)
            for each in records:
                spool.append(each)
            for will in wills:
                spool.will(will.session, will)

    asyncio.run(run())


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def said(caplog: pytest.LogCaptureFixture, part: str) -> Callable[[], bool]:
    return lambda: any(part in message for message in caplog.messages)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0)
