"""A disk that is really full: records wait for it, nothing is lost, and the program goes on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from tests.aaa.accounting.server import AccountingServer
from tests.e2e.tools import ROOT

SIZE, FILLED = "8m", "8100k"
# A file system of its own in a namespace of its own, which goes with the process.
SCRIPT = """\
mount -t tmpfs -o size={size} none {folder}
head -c {filled} /dev/zero >{folder}/filler
exec {python} -m tests.aaa.accounting.victim {folder} {port} 1 last
"""


async def fill_the_disk(folder: Path) -> tuple[AccountingServer, str, int]:
    """Run until the disk is full, make room, and let the program end. Returns also what it has said, and its exit status."""
    server = AccountingServer(asyncio.get_running_loop().time)
    server.answer = server.ignore
    script = SCRIPT.format(size=SIZE, filled=FILLED, folder=folder, python=sys.executable, port=server.port)
    process = await asyncio.create_subprocess_exec(
        "unshare", "--mount", "sh", "-ec", script, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    said = ""
    while "cannot be written" not in said:
        line = await process.stdout.readline()
        assert line, said
        said += line.decode()
    subprocess.run(["nsenter", "--mount", "--target", str(process.pid), "rm", str(folder / "filler")], check=True)
    server.answer = server.accept
    rest, _ = await process.communicate()
    server.close()
    assert process.returncode is not None
    return server, said + rest.decode(), process.returncode


def test_records_wait_for_a_full_disk_and_all_arrive(tmp_path: Path) -> None:
    server, said, status = asyncio.run(fill_the_disk(tmp_path))
    assert status == 0, said
    assert "the accounting spool cannot be written: database or disk is full" in said
    assert "the accounting spool is written again" in said
    assert "unwritten 0" in said
    order: dict[str, list[str]] = defaultdict(list)
    for got in server.first():
        order[got.session].append(got.status)
    del order["00000000"]
    assert order
    assert {(statuses[0], statuses[-1]) for statuses in order.values()} == {("START", "STOP")}
