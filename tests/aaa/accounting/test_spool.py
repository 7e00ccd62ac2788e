"""Accounting records are on disk before they are sent, and stay there until they are acknowledged."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent.aaa.accounting import spool as spool_module
from agent.aaa.accounting import spool_writer
from agent.aaa.accounting.record import AcctStatus
from agent.aaa.accounting.record_codec import attributes_of, attributes_text
from agent.aaa.accounting.spool import HELD_ABOVE
from agent.aaa.accounting.spool_file import Group, SpoolFile, WillRow
from tests.aaa.accounting.spools import (
    FILE,
    PATIENCE,
    Arrivals,
    Holds,
    interim,
    leave,
    opened,
    read,
    record,
    rows,
    run,
    said,
    start,
    stop,
)


def test_a_record_is_on_disk_when_it_may_be_sent(tmp_path: Path) -> None:
    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            on_disk: list[list[tuple[Any, ...]]] = []
            spool.listen(lambda waiting: on_disk.append(rows(tmp_path)))
            arrivals = asyncio.Event()
            spool.listen(lambda waiting: (on_disk.append(rows(tmp_path)), arrivals.set()))
            spool.append(start("00000001"))
            assert on_disk == []  # nothing here waits for the disk
            async with asyncio.timeout(PATIENCE):
                await arrivals.wait()
            assert on_disk == [[("00000001", AcctStatus.START, "A")]]

    run(body())


def test_each_group_is_synced(tmp_path: Path) -> None:
    """`PRAGMA synchronous` 2 is FULL: with a write-ahead log SQLite then syncs it at the end of each transaction."""
    file = SpoolFile(tmp_path / FILE)
    file.open()
    database = file._opened
    assert database.execute("PRAGMA synchronous").fetchone() == (2,)
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    file.close()


def test_records_that_come_together_are_written_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[int] = []
    commit = SpoolFile.commit
    monkeypatch.setattr(SpoolFile, "commit", lambda file, group: (commits.append(len(group.records)), commit(file, group)))

    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            with lab.writer._changed:  # the thread begins when all have come, however slow this machine is
                for number in range(100):
                    spool.append(start(f"{number:08X}"))
            await Arrivals(spool).until(100)

    run(body())
    assert commits == [100]


def test_an_acknowledged_record_leaves_the_disk(tmp_path: Path) -> None:
    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            spool.append(start("00000001"))
            spool.append(start("00000002"))
            first, _ = await Arrivals(spool).until(2)
            spool.acknowledge(first)
            assert len(spool) == 1

    run(body())
    assert rows(tmp_path) == [("00000002", AcctStatus.START, "A")]


def test_another_process_finds_what_was_left_in_order_and_as_it_was(tmp_path: Path) -> None:
    leave(tmp_path, start("00000001", "A", "B", octets=7, moment=12.25), stop("00000001", "A", "B", octets=9))

    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            arrivals = Arrivals(spool)
            assert arrivals.told() == [("00000001", "START"), ("00000001", "STOP")]
            await read(spool, arrivals.all)
            assert [waiting.record for waiting in arrivals.all] == [
                start("00000001", "A", "B", octets=7, moment=12.25),
                stop("00000001", "A", "B", octets=9),
            ]

    run(body())


def test_the_name_of_a_group_may_have_any_octets(tmp_path: Path) -> None:
    """A configuration's octets that are not UTF-8 are lone surrogates in its text."""
    groups = ("caf\u00e9\\n", "\udcff")
    leave(tmp_path, start("00000001", *groups), wills=[stop("00000002", *groups)])

    async def body() -> None:
        async with opened(tmp_path) as lab:
            assert [waiting.groups for waiting in Arrivals(lab.router("r1")).all] == [groups, groups]

    run(body())


def test_routers_have_parts_of_their_own(tmp_path: Path) -> None:
    leave(tmp_path, start("00000001"), router="r1")
    leave(tmp_path, start("00000002"), router="r2")

    async def body() -> None:
        async with opened(tmp_path) as lab:
            assert Arrivals(lab.router("r2")).told() == [("00000002", "START")]
            assert Arrivals(lab.router("r1")).told() == [("00000001", "START")]
            assert Arrivals(lab.router("r3")).told() == []
            assert lab.router("r1") is lab.router("r1")

    run(body())


def test_a_router_that_restarts_is_given_again_what_is_not_acknowledged(tmp_path: Path) -> None:
    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            spool.append(start("00000001"))
            before = Arrivals(spool)
            await before.until(1)
            before.listening.close()
            spool.append(stop("00000001"))
            spool.append(start("00000002"))
            after = Arrivals(lab.router("r1"))
            await after.until(3)
            assert after.told() == [("00000001", "START"), ("00000001", "STOP"), ("00000002", "START")]
            assert before.told() == [("00000001", "START")]

    run(body())


# --- wills ---


def test_an_open_session_gets_the_stop_of_its_will_before_anything_new(tmp_path: Path) -> None:
    """RFC 2866 §5.10: NAS-Reboot is for sessions that ended because the NAS died; the record is the session's will."""
    leave(tmp_path, start("00000001"), wills=[stop("00000001", octets=1), stop("00000001", octets=2, moment=1060.0)])

    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            spool.append(record(AcctStatus.ON, "00000000"))
            arrivals = Arrivals(spool)
            await arrivals.until(3)
            assert arrivals.told() == [("00000001", "START"), ("00000001", "STOP"), ("00000000", "ON")]
            await read(spool, arrivals.all[:2])
            assert arrivals.all[1].record == stop("00000001", octets=2, moment=1060.0)

    run(body())
    assert rows(tmp_path, "wills", "session") == []


def test_a_start_and_an_interim_record_bring_a_will(tmp_path: Path) -> None:
    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            spool.append(start("00000001"), stop("00000001", octets=1))
            spool.append(start("00000002"), stop("00000002", octets=2))
            spool.append(interim("00000002"), stop("00000002", octets=3))

    run(body())
    wills = rows(tmp_path, "wills", "session, attributes")
    assert wills == [
        ("00000001", attributes_text(stop("00000001", octets=1).attributes)),
        ("00000002", attributes_text(stop("00000002", octets=3).attributes)),
    ]


def test_a_record_and_what_it_changes_of_the_will_are_on_disk_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a process that is killed between them would leave a session without its Stop. Here each group is full at once."""
    groups: list[tuple[list[int], list[bool]]] = []
    commit = SpoolFile.commit

    def watched(file: SpoolFile, group: Group) -> None:
        groups.append(([row.status for row in group.records], [bool(rows) for rows in group.wills.values()]))
        commit(file, group)

    monkeypatch.setattr(SpoolFile, "commit", watched)
    monkeypatch.setattr(spool_writer, "MOST_ROWS", 1)

    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            spool.append(start("00000001", "A", "B", broadcast=True), stop("00000001"))
            spool.append(stop("00000001", "A", "B", broadcast=True))

    run(body())
    assert groups == [([AcctStatus.START] * 2, [True]), ([AcctStatus.STOP] * 2, [False])]


def test_a_session_that_has_ended_has_no_will(tmp_path: Path) -> None:
    leave(tmp_path, stop("00000001"), wills=[])

    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            spool.append(start("00000001"), stop("00000001"))
            spool.append(stop("00000001"))
            spool.will("00000002", stop("00000002"))
            spool.forget("00000002")
            spool.will("00000003", stop("00000003"))

    run(body())
    assert rows(tmp_path, "wills", "session") == [("00000003",)]


def test_the_end_of_a_will_costs_the_same_however_many_there_are(tmp_path: Path) -> None:
    def steps(wills: int) -> int:
        """Steps of SQLite's machine for the end of one will."""
        file = SpoolFile(tmp_path / f"{wills}.sqlite")
        file.open()
        sessions = [f"{number:08X}" for number in range(wills)]
        file.commit(Group(0.0, wills={("r1", each): (WillRow("r1", each, "A", 1.0, "[]"),) for each in sessions}))
        count = Counter[str]()
        file._opened.set_progress_handler(lambda: count.update(["steps"]), 1)
        file.commit(Group(0.0, wills={("r1", sessions[-1]): ()}))
        file.close()
        return count["steps"]

    assert steps(2_000) == steps(20)


# --- the end of the program ---


def test_the_end_says_how_many_records_wait_for_the_next_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            for number in range(3):
                spool.append(start(f"{number:08X}"))
            spool.acknowledge((await Arrivals(spool).until(3))[0])

    run(body())
    assert [text.split(": ", 1)[1] for text in caplog.messages] == [
        "2 accounting records wait for the next start: no server has taken them yet"
    ]


# --- broadcast ---


def test_with_broadcast_each_group_has_a_copy_of_its_own(tmp_path: Path) -> None:
    """`broadcast` in Cisco's command reference: records go to each of the groups."""
    leave(tmp_path, start("00000001", "A", "B", broadcast=True), wills=[stop("00000001", "A", "B", broadcast=True)])

    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            arrivals = Arrivals(spool)
            assert [(waiting.status.name, waiting.groups) for waiting in arrivals.all] == [
                ("START", ("A",)),
                ("START", ("B",)),
                ("STOP", ("A",)),
                ("STOP", ("B",)),
            ]
            spool.acknowledge(arrivals.all[0])

    run(body())
    assert rows(tmp_path) == [
        ("00000001", AcctStatus.START, "B"),
        ("00000001", AcctStatus.STOP, "A"),
        ("00000001", AcctStatus.STOP, "B"),
    ]


# --- Acct-Session-Id ---


def test_session_identifiers_go_on_after_a_restart(tmp_path: Path) -> None:
    async def body() -> None:
        async with opened(tmp_path) as lab:
            seen.extend(lab.router("r1").next_session_id() for _ in range(2))
            seen.append(lab.router("r2").next_session_id())

    seen: list[str] = []
    run(body())
    run(body())
    assert seen == ["00000001", "00000002", "00000001", "00000003", "00000004", "00000002"]


def test_session_identifiers_have_eight_digits_and_begin_again_after_the_last(tmp_path: Path) -> None:
    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            spool.count_from(0xFFFF_FFFE)
            assert [spool.next_session_id(), spool.next_session_id()] == ["FFFFFFFF", "00000001"]

    run(body())


# --- limits ---


def test_beyond_the_limit_the_oldest_interim_record_goes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1", limit=4)
            for number in range(1, 4):
                spool.append(interim("00000001", octets=number))
            spool.append(start("00000002"))
            await Arrivals(spool).until(4)
            spool.append(interim("00000001", octets=4))
            spool.append(stop("00000002"))
            assert (len(spool), spool.counters.dropped) == (4, 2)

    run(body())
    assert [attributes_of(text)[1].value for (text,) in rows(tmp_path, columns="attributes")] == [3, 0, 4, 0]
    assert "r1: the oldest interim accounting record is dropped: 4 records wait for a server" in caplog.messages


def test_start_and_stop_are_never_dropped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1", limit=2)
            for number in range(5):
                spool.append(start(f"{number:08X}"))
                spool.append(interim(f"{number:08X}"))
                spool.append(stop(f"{number:08X}"))
            assert spool.counters.dropped == 5

    run(body())
    assert [status for (status,) in rows(tmp_path, columns="status")] == [AcctStatus.START, AcctStatus.STOP] * 5
    assert any("more than accounting_spool = 2: Start and Stop are never dropped" in message for message in caplog.messages)
    assert any("an interim accounting record is dropped" in message for message in caplog.messages)


def test_an_interim_record_that_is_dropped_before_it_is_written_is_not_sent(tmp_path: Path) -> None:
    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1", limit=1)
            arrivals = Arrivals(spool)
            spool.append(interim("00000001", octets=1))
            spool.append(interim("00000001", octets=2))
            spool.append(stop("00000001"))
            await arrivals.until(1)
            assert arrivals.told() == [("00000001", "STOP")]

    run(body())
    assert rows(tmp_path) == [("00000001", AcctStatus.STOP, "A")]


def test_records_beyond_a_number_are_read_again_when_they_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "IN_MEMORY", 2)

    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            for number in range(4):
                spool.append(start(f"{number:08X}"))
            arrived = await Arrivals(spool).until(4)
            assert [waiting.record is not None for waiting in arrived] == [True, True, False, False]
            spool.acknowledge(arrived[0])
            spool.append(start("00000009"))
            await read(spool, arrived[2:4])
            assert [waiting.record for waiting in arrived[2:4]] == [start("00000002"), start("00000003")]

    run(body())


def test_a_record_that_cannot_be_read_again_is_lost_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    leave(tmp_path, start("00000001"), stop("00000001"))
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.execute("UPDATE records SET attributes = 'nothing of ours' WHERE status = 1")
        database.commit()

    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool = lab.router("r1")
            arrivals = Arrivals(spool)
            await read(spool, arrivals.all)
            assert [waiting.gone for waiting in arrivals.all] == [True, False]
            assert (len(spool), spool.counters.lost) == (1, 1)

    run(body())
    assert "r1: the accounting record 1 of the spool cannot be read: it is lost" in caplog.messages
    assert rows(tmp_path) == [("00000001", AcctStatus.STOP, "A")]


def test_a_record_of_an_unknown_kind_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    leave(tmp_path, start("00000001"), stop("00000001"))
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.execute("UPDATE records SET status = 99 WHERE status = 1")
        database.commit()

    async def body() -> None:
        async with opened(tmp_path) as lab:
            assert Arrivals(lab.router("r1")).told() == [("00000001", "STOP")]

    run(body())
    assert said(caplog, "a record of status 99 is not one of ours")()
    assert len(rows(tmp_path)) == 2


def test_a_virtual_clock_waits_while_many_records_wait(tmp_path: Path) -> None:
    holds = Holds()

    async def body() -> None:
        async with opened(tmp_path, holds.hold) as lab:
            spools = [lab.router("r1"), lab.router("r2")]
            for number in range(HELD_ABOVE + 1):
                assert holds.now == 0
                spools[number % 2].append(start(f"{number:08X}"))
            assert holds.now == 1
            arrivals = Arrivals(spools[0])
            await arrivals.until(HELD_ABOVE // 2)
            spools[0].acknowledge(arrivals.all[0])
            assert holds.now == 0

    run(body())


def test_a_virtual_clock_waits_for_what_an_earlier_process_has_left(tmp_path: Path) -> None:
    leave(tmp_path, *(start(f"{number:08X}") for number in range(HELD_ABOVE + 1)))
    holds = Holds()

    async def body() -> None:
        async with opened(tmp_path, holds.hold) as lab:
            spool = lab.router("r1")
            assert holds.now == 1
            spool.acknowledge(Arrivals(spool).all[0])
            assert holds.now == 0

    run(body())
