"""A process that is killed at any moment loses no session: each whose Start was on disk has a Start and a Stop at the server."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.aaa.accounting.server import AccountingServer, Got
from tests.aaa.accounting.spools import FILE

ROOT = Path(__file__).parents[3]
KILLS = 10
_START = 1
_TERMINATE_CAUSE, _NAS_REBOOT = 49, 11


def on_disk(folder: Path) -> tuple[set[str], set[str]]:
    """The sessions whose Start is in the spool, and those that have a will. The file is not changed."""
    with closing(sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True)) as database:
        starts = {session for (session,) in database.execute("SELECT session FROM records WHERE status = ?", (_START,))}
        return starts, {session for (session,) in database.execute("SELECT session FROM wills")}


class Trigger:
    """A server that behaves in one way, and does something after a number of requests."""

    def __init__(self, server: AccountingServer, behaviour: str) -> None:
        self._server = server
        self._left = 0
        self.reached = asyncio.Event()
        self._answer = {
            "answers": server.accept,
            "says nothing": server.ignore,
            "has another secret": lambda got: server.accept(got, b"another secret"),
            "answers every other": lambda got: server.accept(got) if len(server.got) % 2 else None,
        }[behaviour]

    def after(self, requests: int) -> None:
        self._left = requests
        self._server.answer = self._count

    def _count(self, got: Got) -> None:
        self._answer(got)
        self._left -= 1
        if self._left == 0:
            self.reached.set()


async def victim(folder: Path, port: int, seed: int, *last: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.aaa.accounting.victim", str(folder), str(port), str(seed), *last, cwd=ROOT
    )


async def kill_many_times(folder: Path, kills: int, seed: int) -> tuple[AccountingServer, set[str]]:
    """Kill a process again and again, and let the last one end. Returns the server, and the sessions whose Start was on disk."""
    random = Random(seed)
    server = AccountingServer(asyncio.get_running_loop().time)
    promised: set[str] = set()
    for number in range(kills):
        behaviour = random.choice(["answers", "answers", "answers every other", "says nothing", "has another secret"])
        trigger = Trigger(server, behaviour)
        trigger.after(random.randrange(1, 150 if behaviour == "answers" else 4))
        process = await victim(folder, server.port, seed + number)
        await trigger.reached.wait()
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        starts, wills = on_disk(folder)
        promised |= starts | wills
    server.answer = server.accept
    process = await victim(folder, server.port, seed + kills, "last")
    assert await process.wait() == 0
    server.close()
    return server, promised


@dataclass(frozen=True)
class Outcome:
    """What the server has got after all kills, and the sessions whose Start was on disk at one of them."""

    got: Sequence[Got]
    first: Sequence[Got]
    promised: set[str]
    left: tuple[set[str], set[str]]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("kills")
    server, promised = asyncio.run(kill_many_times(folder, KILLS, 1))
    return Outcome(server.got, server.first(), promised, on_disk(folder))


def test_whenever_it_is_killed_each_session_has_its_start_and_its_stop(outcome: Outcome) -> None:
    order: dict[str, list[str]] = defaultdict(list)
    for got in outcome.first:
        order[got.session].append(got.status)
    sessions = set(order) - {"00000000"}
    assert outcome.promised
    assert outcome.promised <= sessions
    for session in sessions:
        assert order[session][0] == "START"
        assert order[session][-1] == "STOP"
        assert set(order[session][1:-1]) <= {"INTERIM"}
    assert outcome.left == (set(), set())


def test_a_record_that_comes_again_is_the_same_and_no_identifier_is_given_twice(outcome: Outcome) -> None:
    contents: dict[tuple[str, str], set[object]] = defaultdict(set)
    for got in outcome.got:
        if got.status in ("START", "STOP"):
            contents[got.session, got.status].add(got.rest)
    assert len(outcome.got) > len(outcome.first)
    assert {key: len(each) for key, each in contents.items()} == dict.fromkeys(contents, 1)


def test_sessions_of_a_killed_process_are_stopped_before_the_next_one_tells_that_it_is_on(outcome: Outcome) -> None:
    """RFC 2866 §5.10: NAS-Reboot; §5.1: Accounting-On marks the start of accounting, before which no session is open."""
    still_open: set[str] = set()
    rebooted = 0
    for got in outcome.first:
        match got.status:
            case "ON":
                assert not still_open
            case "START":
                still_open.add(got.session)
            case "STOP":
                still_open.discard(got.session)
                rebooted += (_TERMINATE_CAUSE, _NAS_REBOOT.to_bytes(4)) in got.rest
    assert rebooted
