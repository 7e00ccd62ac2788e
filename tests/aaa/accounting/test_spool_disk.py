"""The accounting spool on a disk that is full or fails, and with a file that is spoilt or not its own."""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
import stat
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from agent.aaa.accounting import spool_writer
from agent.aaa.accounting.record import AcctStatus
from agent.aaa.accounting.spool_file import Group, Row, SpoiltError, SpoolFile, UnavailableError
from tests.aaa.accounting.spools import (
    FILE,
    Arrivals,
    interim,
    leave,
    opened,
    read,
    rows,
    run,
    said,
    start,
    stop,
    until,
)


class Disk:
    """A disk that is full as long as the test wants. It counts what was tried."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self._commit = SpoolFile.commit
        monkeypatch.setattr(SpoolFile, "commit", lambda file, group: self._try(file, group))
        monkeypatch.setattr(spool_writer, "RETRY", 0.001)

    def _try(self, file: SpoolFile, group: Group) -> None:
        if self.full:
            raise UnavailableError("database or disk is full")
        self._commit(file, group)


def test_a_full_disk_is_said_and_records_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(monkeypatch)

    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            arrivals = Arrivals(spool)
            disk.full = True
            spool.append(start("00000001"), stop("00000001"))
            await until(said(caplog, "cannot be written: database or disk is full"))
            spool.append(start("00000002"))
            assert arrivals.all == []
            assert lab.failing
            disk.full = False
            await arrivals.until(2)
            assert not lab.failing
            assert arrivals.told() == [("00000001", "START"), ("00000002", "START")]

    run(body())
    assert said(caplog, "the accounting spool is written again")()
    assert sum("cannot be written" in message for message in caplog.messages) == 1


def test_what_is_wrong_with_a_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / FILE
    file = SpoolFile(path)
    file.open()
    file.commit(Group(0.0, [Row(number, "r1", f"{number:08X}", 1, "A", 1.0, "[]") for number in range(1, 2_000)]))
    file.close()
    with path.open("r+b") as damaged:
        damaged.seek(path.stat().st_size - 4096)
        damaged.write(b"\xff" * 4096)
    with pytest.raises(SpoiltError) as caught:
        SpoolFile(path).open()
    assert "Page" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_has_waited_for_a_full_disk_does_not_come_in_one_turn_of_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk, records = Disk(monkeypatch), 4 * spool_writer.MOST_ROWS

    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            arrivals = Arrivals(spool)
            disk.full = True
            spool.append(start("00000000"))
            await until(said(caplog, "cannot be written"))
            for number in range(1, records):
                spool.append(start(f"{number:08X}"))
            disk.full = False
            turns = [0]
            while turns[-1] < records:
                await asyncio.sleep(0)
                turns.append(len(arrivals.all))
            assert max(after - before for before, after in pairwise(turns)) <= spool_writer.MOST_ROWS
            assert [waiting.number for waiting in arrivals.all] == list(range(1, records + 1))

    run(body())


def test_what_a_full_disk_does_not_take_is_bounded_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(monkeypatch)

    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1", limit=2_000)
            disk.full = True
            spool.append(start("00000001"))
            await until(lambda: lab.failing)
            for number in range(2_000):
                spool.append(interim("00000001", octets=number))
            assert spool.counters.unwritten == 1_001
            for number in range(2_000):
                spool.append(stop(f"{number:08X}"))
            assert spool.counters.unwritten == 2_001 + len(range(1_000, 2_000)) - 1_000
            disk.full = False

    run(body())
    assert said(caplog, "an accounting record is dropped: 2000 wait until the spool can be written")()


def test_a_stop_that_a_full_disk_does_not_take_leaves_the_will(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """So the next start sends the session a Stop."""
    disk = Disk(monkeypatch)

    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1", limit=2)
            spool.append(start("00000001"), stop("00000001", octets=1))
            arrivals = await Arrivals(spool).until(1)
            spool.acknowledge(arrivals[0])
            disk.full = True
            spool.append(start("00000002"))
            await until(lambda: lab.failing)
            spool.append(start("00000003"))
            spool.append(stop("00000001", octets=2))
            assert spool.counters.unwritten == 1
            disk.full = False

    run(body())
    assert rows(tmp_path, "wills", "session") == [("00000001",)]


def test_records_that_the_disk_does_not_take_until_the_end_are_said_to_be_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(monkeypatch)

    async def body() -> None:
        async with opened(tmp_path) as lab:
            disk.full = True
            lab.router("r1").append(start("00000001"))
            lab.router("r1").append(stop("00000001"))

    run(body())
    assert f"{tmp_path / FILE}: 2 accounting records are lost: they could not be written" in caplog.messages


def test_the_file_is_the_user_s_alone(tmp_path: Path) -> None:
    leave(tmp_path / "new" / "directory", start("00000001"))
    path = tmp_path / "new" / "directory" / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


SPOILS: list[Callable[[Path], object]] = [
    lambda path: path.write_bytes(b"no database at all" * 1000),
    lambda path: path.write_bytes(path.read_bytes()[:4096] + b"\xaa" * 8192),
]


@pytest.mark.parametrize("spoil", SPOILS, ids=["another file", "pages overwritten"])
def test_a_spoilt_file_is_set_aside(tmp_path: Path, spoil: Callable[[Path], object], caplog: pytest.LogCaptureFixture) -> None:
    leave(tmp_path, start("00000001"))
    path = tmp_path / FILE
    spoil(path)
    spoilt = path.read_bytes()

    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            arrivals = Arrivals(spool)
            spool.append(start("00000002"))
            await arrivals.until(1)
            assert arrivals.told() == [("00000002", "START")]
            assert int(spool.next_session_id(), 16) > 1_700_000_000  # seconds since 1970, so that no identifier comes again

    run(body())
    (aside,) = tmp_path.glob(f"{FILE}.spoilt-*")
    assert aside.read_bytes() == spoilt
    assert any("the accounting spool is spoilt" in message and str(aside) in message for message in caplog.messages)
    assert rows(tmp_path) == [("00000002", AcctStatus.START, "A")]


def test_a_file_of_another_version_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    leave(tmp_path, start("00000001"))
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.execute("PRAGMA user_version = 99")
    leave(tmp_path, start("00000002"))
    assert said(caplog, "its version is 99, and 1 is needed")()
    assert rows(tmp_path) == [("00000002", AcctStatus.START, "A")]


def test_a_file_that_turns_out_to_be_spoilt_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Records that memory has are written into the new file; others of the old one are lost."""
    monkeypatch.setattr(spool_writer, "RETRY", 0.001)
    leave(tmp_path, start("00000001"))
    commit, faults = SpoolFile.commit, list[Exception]()

    def commit_or_find(file: SpoolFile, group: Group) -> None:
        if faults:
            raise faults.pop()
        commit(file, group)

    monkeypatch.setattr(SpoolFile, "commit", commit_or_find)

    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            arrivals = Arrivals(spool)
            spool.append(start("00000002"))
            await arrivals.until(2)
            faults.append(SpoiltError("database disk image is malformed"))
            spool.append(start("00000003"))
            await arrivals.until(3)
            await read(spool, arrivals.all[:1])
            assert (arrivals.all[0].gone, spool.counters.lost, len(spool)) == (True, 1, 2)
            assert arrivals.all[1].record == start("00000002")

    run(body())
    assert len(list(tmp_path.glob(f"{FILE}.spoilt-*"))) == 1
    assert said(caplog, "the accounting spool is spoilt (database disk image is malformed)")()
    assert rows(tmp_path) == [("00000002", AcctStatus.START, "A"), ("00000003", AcctStatus.START, "A")]


def test_a_file_that_turns_out_to_be_spoilt_when_it_is_read_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spool_writer, "RETRY", 0.001)
    leave(tmp_path, start("00000001"))
    attributes, faults = SpoolFile.attributes, [SpoiltError("database disk image is malformed")]

    def read_or_find(file: SpoolFile, numbers: Sequence[int]) -> dict[int, str]:
        if faults:
            raise faults.pop()
        return attributes(file, numbers)

    monkeypatch.setattr(SpoolFile, "attributes", read_or_find)

    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            arrivals = Arrivals(spool)
            await read(spool, arrivals.all)
            assert (len(spool), spool.counters.lost) == (0, 1)
            spool.append(start("00000002"))
            await arrivals.until(2)

    run(body())
    assert said(caplog, "the accounting spool is spoilt (database disk image is malformed)")()
    assert rows(tmp_path) == [("00000002", AcctStatus.START, "A")]


def test_a_file_that_another_process_uses_is_left_alone_until_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spool_writer, "RETRY", 0.001)
    leave(tmp_path, start("00000001"), wills=[stop("00000001")])

    async def body() -> None:
        with (tmp_path / FILE).open("rb") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            async with opened(tmp_path) as lab:
                spool = lab.router("r1")
                arrivals = Arrivals(spool)
                spool.append(start("00000002"))
                await until(said(caplog, "cannot be written: another process uses it"))
                assert rows(tmp_path) == [("00000001", AcctStatus.START, "A")]
                assert rows(tmp_path, "wills", "session") == [("00000001",)]
                fcntl.flock(other, fcntl.LOCK_UN)
                await arrivals.until(3)
                assert arrivals.told() == [("00000001", "START"), ("00000001", "STOP"), ("00000002", "START")]

    run(body())
