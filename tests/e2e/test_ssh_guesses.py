"""Wrong passwords by SSH while a manager polls. A few each time; with SOAK=1 in the environment (`make soak`) ten thousand.

A password of type 9 (scrypt) costs tens of milliseconds, which its thread takes and the event loop does not. `-s` shows the times.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from resource import getpagesize

from agent.mib.values import NULL, number, object_identifier, octets, wrap
from tests.e2e.tools import ROOT
from tests.ssh_lab import ADMIN, HUB, ssh_lab

GUESSES, AT_ONCE, TRIES = (10_000, 20, 5) if os.environ.get("SOAK") else (20, 4, 5)
INTERVAL = 0.02  # seconds between polls
MOST_ADDED = 30 << 20  # octets of memory
# The password "lab-admin" as `username … algorithm-type scrypt secret` keeps it: RFC 7914 with N=16384, r=1, p=1.
SECRET = "$9$nhEmQVczB7dqsO$jk6mFXGh5cIu3zLKEASkDWm0ZiiX5JrTvUakA1YAo5c"
LINES = f"ip ssh authentication-retries {TRIES}\nusername {ADMIN[0]} privilege 15 secret 9 {SECRET}\n"

# A GET of sysUpTime.0 (RFC 3416 §4.2.1); an answer has the same head, up to the PDU's tag.
_NAME = wrap(0x30, object_identifier((1, 3, 6, 1, 2, 1, 1, 3, 0)) + NULL)
_PDU = number("Integer32", 1) + number("Integer32", 0) * 2 + wrap(0x30, _NAME)
_HEAD = number("Integer32", 1) + octets(b"global1")
REQUEST, RESPONSE = wrap(0x30, _HEAD + wrap(0xA0, _PDU)), _HEAD + bytes((0xA2,))


def resident(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * getpagesize()


def poll(port: int, working: subprocess.Popen[str]) -> list[float]:
    """Poll as long as somebody works; how long each answer took, in milliseconds. A poll without an answer fails."""
    times = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)
        asking.connect(("127.0.0.1", port))
        while working.poll() is None:
            began = time.perf_counter()
            asking.send(REQUEST)
            assert RESPONSE in asking.recv(65535)
            took = time.perf_counter() - began
            times.append(took * 1000)
            try:
                working.wait(max(0.001, INTERVAL - took))
            except subprocess.TimeoutExpired:
                pass
    return sorted(times)


def test_soak_of_wrong_passwords(tmp_path: Path, mibs: Path) -> None:
    with ssh_lab(sys.executable, tmp_path, mibs, LINES) as lab:
        before = resident(lab.pid)
        guesser = [sys.executable, "-m", "tests.ssh_guesser", str(lab.ssh[HUB]), ADMIN[0], str(GUESSES), str(AT_ONCE), str(TRIES)]
        with subprocess.Popen(guesser, stdout=subprocess.PIPE, text=True, cwd=ROOT) as working:
            times = poll(lab.snmp[HUB], working)
            output, _ = working.communicate()
        added = resident(lab.pid) - before
        assert int(output) == GUESSES
        assert times
        assert added < MOST_ADDED
        p99 = times[int(len(times) * 0.99)]
        print(
            f"\n{GUESSES:,} wrong passwords, {len(times):,} polls: median {times[len(times) // 2]:.1f} ms, p99 {p99:.1f} ms, ",
            end="",
        )
        print(f"longest {times[-1]:.1f} ms; {added:,} octets of memory added")
        right = subprocess.run(
            [*guesser[:2], "tests.ssh_guesser", str(lab.ssh[HUB]), *ADMIN], capture_output=True, text=True, cwd=ROOT
        )
        assert " PST " in right.stdout, right.stderr
