"""The whole program is killed at any moment, with sessions that come and go, and FreeRADIUS too: no session is lost.

Two kills of the program each time; with SOAK=1 in the environment (`make soak`) a hundred.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random

from tests.e2e.freeradius import FreeRadius, Packet
from tests.e2e.tools import AGENT, ROOT, until_ready, wait_for

KILLS = 100 if os.environ.get("SOAK") else 2
HUB, SPOKE = (ROOT / "examples" / f"hub-100k{end}.cfg" for end in ("", "-spoke"))
ACCOUNTING = """\
aaa new-model
aaa accounting network billing start-stop group radius
aaa accounting system default start-stop group radius
aaa accounting update periodic 1
radius-server timeout 1
{server}
crypto map outside client accounting list billing
"""
LAB = """\
[router.hub]
config = "hub.cfg"
snmp = ["127.0.0.1:0"]
[[host]]
address = "10.0.0.10"
behind = "hub:GigabitEthernet0/1"
[[spokes]]
hub = "hub:GigabitEthernet0/0"
config = "spoke.cfg"
count = 40
address = { first = "10.64.0.1" }
inside = { first = "10.128.0.1", step = 4 }
start = "0s"
over = "1s"
traffic = { destination = "10.0.0.10", period = "300ms", size = 200 }
"""
CHURN = "".join(
    f'[[at]]\ntime = "{1500 + 700 * number}ms"\nrouter = "hub"\nrun = "clear crypto session"\n' for number in range(100)
)
_START = 1


class Hub:
    """The program with a hub whose sessions are cleared again and again, and come back."""

    def __init__(self, folder: Path, server: FreeRadius) -> None:
        self._folder = folder
        self.spool = folder / "state" / "lab.accounting.sqlite"
        lines = ACCOUNTING.format(server=server.ios())
        (folder / "hub.cfg").write_text(HUB.read_text().replace("!\nend\n", f"{lines}!\nend\n"))
        (folder / "spoke.cfg").write_text(SPOKE.read_text())

    def start(self, churn: bool) -> subprocess.Popen[str]:
        (self._folder / "lab.toml").write_text(LAB + (CHURN if churn else ""))
        command = [*AGENT, "run", str(self._folder / "lab.toml"), "--state-dir", str(self._folder / "state")]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        until_ready(process, {}, [])
        return process

    def kept(self) -> set[str]:
        """The sessions whose Start, or will, is on disk."""
        with closing(sqlite3.connect(f"file:{self.spool}?mode=ro", uri=True)) as database:
            starts = database.execute("SELECT session FROM records WHERE status = ?", (_START,))
            return {session for (session,) in (*starts, *database.execute("SELECT session FROM wills"))}

    def waiting(self) -> int:
        with closing(sqlite3.connect(f"file:{self.spool}?mode=ro", uri=True)) as database:
            (number,) = database.execute("SELECT count(*) FROM records").fetchone()
            return int(number)


def kill_again_and_again(hub: Hub, server: FreeRadius, random: Random) -> set[str]:
    """Returns the sessions whose Start was on disk at one of the kills."""
    promised: set[str] = set()
    for number in range(KILLS):
        process = hub.start(churn=True)
        had, more = len(server.records()), random.randrange(150)
        if number % 3 == 1:
            server.kill()
            wait_for(lambda: hub.waiting() >= 40, "records to wait for the server")
        else:
            wait_for(lambda had=had, more=more: len(server.records()) > had + more, "records at the server")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        promised |= hub.kept()
        if server.process is None:
            server.start()
    return promised


def without_delay(record: Packet) -> Sequence[tuple[str, str]]:
    """What FreeRADIUS adds, and Acct-Delay-Time, differ from one packet of a record to another."""
    added = ("Acct-Delay-Time", "Event-Timestamp", "Tmp-String-9", "Acct-Unique-Session-Id")
    return tuple(each for each in record.attributes if each[0] not in added)


def test_soak_no_session_is_lost_however_often_the_program_is_killed(tmp_path: Path) -> None:
    server = FreeRadius(tmp_path / "radius")
    server.start()
    try:
        hub = Hub(tmp_path, server)
        promised = kill_again_and_again(hub, server, Random(1))
        last = hub.start(churn=False)
        wait_for(lambda: hub.waiting() == 0, "the server to take what was left")
        last.terminate()
        assert last.wait(30) == 0
        wait_for(lambda: server.records()[-1]["Acct-Status-Type"] == "Accounting-Off", "Accounting-Off")
        records = server.records()
    finally:
        server.kill()
    order: dict[str, list[str]] = defaultdict(list)
    contents: dict[tuple[str, str], set[object]] = defaultdict(set)
    for record in records:
        session, status = record["Acct-Session-Id"], record["Acct-Status-Type"]
        if status in ("Start", "Stop"):
            contents[session, status].add(without_delay(record))
            order[session].append(status)
    assert promised
    assert promised <= set(order)
    for session, statuses in order.items():
        assert list(dict.fromkeys(statuses)) == ["Start", "Stop"], session
    assert {len(each) for each in contents.values()} == {1}
    assert hub.kept() == set()
