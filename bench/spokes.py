"""The example of a hub with spokes by number: how long until all are up, what polls meet meanwhile, and its rate beside snmpd's."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bench.load import OPERATIONS, Figure, Operation, Settings, alternate
from bench.probe import ask_number, free_udp_port
from bench.programs import BenchError
from bench.sides import COMMUNITY, ROOT, Side, StartSide, pinned

EXAMPLE = ROOT / "examples" / "hub-100k.toml"
LIMIT_SECONDS = 300.0
ACTIVE_TUNNELS_0 = bytes((0x2B, 6, 1, 4, 1, 9, 9, 0x81, 0x2B, 1, 3, 1, 1, 0))  # cipSecGlobalActiveTunnels
POLL_SECONDS = 0.02
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Arrival:
    """How the spokes came up: seconds from the start of the process, its processor time and memory then, and polls meanwhile."""

    seconds: float
    cpu_seconds: float
    resident: str
    polls: int
    lost: int
    median_ms: float
    slowest_ms: float


def lab_of(rows: int, directory: Path) -> Path:
    """The example with so many spokes."""
    text = re.sub(r"^count = .*$", f"count = {rows}", EXAMPLE.read_text(), flags=re.MULTILINE)
    text = re.sub(r'^config = "(.*)"$', lambda found: f'config = "{EXAMPLE.parent / found[1]}"', text, flags=re.MULTILINE)
    lab = directory / "spokes.toml"
    lab.write_text(text)
    return lab


def start(rows: int, core: int | None, directory: Path) -> tuple[Side, Arrival]:
    """The hub as the command runs it, once all its spokes are up."""
    port, state = free_udp_port(), directory / "spokes-state"
    command = [sys.executable, "-m", "agent", "run", str(lab_of(rows, directory))]
    command += ["--listen", f"127.0.0.1:{port}", "--state-dir", str(state)]
    began = time.monotonic()
    log = directory / "spokes-log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            pinned(core, command), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, text=True
        )
    side, waits, lost, up = Side("spokes", process, port, COMMUNITY, None, 0.0), [], 0, 0
    while up < rows:
        asked = time.monotonic()
        found = ask_number(port, COMMUNITY, ACTIVE_TUNNELS_0, 2.0)
        if found is not None:
            up = found
            waits.append(time.monotonic() - asked)
        elif waits:
            lost += 1
        if process.poll() is not None or time.monotonic() - began > LIMIT_SECONDS:
            side.stop()
            raise BenchError(f"{up:,} of {rows:,} spokes are up: {log.read_text().strip()[-300:] or 'it says nothing'}")
        time.sleep(POLL_SECONDS)
    seconds = time.monotonic() - began
    resident = f"{side.resident_octets() / MEBIBYTE:,.0f} MiB (wanted ≤ 1,024)"
    arrival = Arrival(seconds, side.cpu_seconds(), resident, len(waits), lost, median(waits) * 1000, max(waits) * 1000)
    return replace(side, start_seconds=seconds), arrival


def measure_spokes(
    rows: int, core: int | None, start_snmpd: StartSide, settings: Settings, rounds: int, directory: Path
) -> tuple[Arrival, dict[tuple[int, Operation], dict[str, Figure]]]:
    """The arrival, and the rates of both sides."""
    spokes, arrival = start(rows, core, directory)
    try:
        snmpd = start_snmpd(rows)
        try:
            sides = (spokes, replace(snmpd, name="snmpd"))
            return arrival, {(rows, each): alternate(each, sides, rows, settings, rounds) for each in OPERATIONS}
        finally:
            snmpd.stop()
    finally:
        spokes.stop()
