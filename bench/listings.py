"""Listings of a hub with many spokes beside polls: `python -m bench.listings [--spokes N]`.

Each command is run at the CLI's socket. Its first output, its end, the polls meanwhile and the memory of the process are measured.
"""

from __future__ import annotations

import argparse
import json
import socket
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bench.probe import SYS_UP_TIME_0, get
from bench.sides import COMMUNITY, Side
from bench.spokes import MEBIBYTE, start

INTERVAL = 0.005  # seconds between polls
COMMANDS = (
    "show crypto session",
    "show crypto session detail",
    "show crypto session brief",
    "show crypto isakmp sa",
    "show crypto isakmp sa detail",
    "show crypto session remote 10.64.0.7 detail",
    "show crypto isakmp sa peer 10.64.0.7",
)


@dataclass(frozen=True, slots=True)
class Listing:
    """One command: seconds until its first output and its end, octets, polls in milliseconds, and MiB before and at most."""

    command: str
    first: float
    end: float
    octets: int
    polls: tuple[float, ...]
    before: int
    most: int

    def row(self) -> str:
        polls = sorted(self.polls) or [float("nan")]
        p99 = polls[min(len(polls) - 1, int(len(polls) * 0.99))]
        memory = f"{self.before} → {self.most} MiB"
        return f"| `{self.command}` | {1000 * self.first:.0f} ms | {self.end:.2f} s | {self.octets:,} | {p99:.1f} ms | {memory} |"


class Polls(threading.Thread):
    """Polls an agent until it is stopped. `times` are milliseconds."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self.stopped = threading.Event()
        self.times: list[float] = []

    def run(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(5)
            asking.connect(("127.0.0.1", self._port))
            while not self.stopped.wait(INTERVAL):
                began = time.perf_counter()
                asking.send(get(COMMUNITY, SYS_UP_TIME_0))
                asking.recv(65535)
                self.times.append(1000 * (time.perf_counter() - began))


def listing(command: str, path: Path, side: Side) -> Listing:
    """Run one command at the CLI's socket."""
    polls, before = Polls(side.port), side.resident_octets() // MEBIBYTE
    first, octets, most = 0.0, 0, before
    with socket.socket(socket.AF_UNIX) as cli:
        cli.connect(str(path))
        frames = cli.makefile("rwb")
        frames.write(json.dumps({"hello": None}).encode() + b"\n")
        frames.flush()
        frames.readline()
        polls.start()
        began = time.perf_counter()
        frames.write(json.dumps({"run": command, "id": 1}).encode() + b"\n")
        frames.flush()
        while "done" not in (frame := json.loads(frames.readline())):
            text = frame.get("out", "")
            first = first or (time.perf_counter() - began if text else 0.0)
            octets += len(text)
            most = max(most, side.resident_octets() // MEBIBYTE)
        end = time.perf_counter() - began
    polls.stopped.set()
    polls.join()
    return Listing(command, first, end, octets, tuple(polls.times), before, most)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.listings", description=__doc__)
    parser.add_argument("--spokes", type=int, default=100_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        side, _ = start(wanted.spokes, None, Path(directory))
        try:
            print("| command | first output | end | octets | polls, p99 | memory |\n| --- | --- | --- | --- | --- | --- |")
            for command in COMMANDS:
                print(listing(command, Path(directory) / "spokes-state" / "spokes.cli", side).row(), flush=True)
        finally:
            side.stop()


if __name__ == "__main__":
    main()
