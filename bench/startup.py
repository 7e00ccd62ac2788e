"""How long `ipsec-agent run` takes from its start to its first answer, with the MIB cache warm."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from bench.probe import free_udp_port, wait_for_answer
from bench.programs import BenchError
from bench.sides import ROOT, STOP_SECONDS

LAB = ROOT / "examples" / "two-vrf-hub.toml"
COMMUNITY = "global1"
LIMIT_SECONDS = 60.0


def seconds_to_first_answer(state_directory: Path) -> float:
    """Starts the hub of the example lab, asks it until it answers, and ends it."""
    port = free_udp_port()
    command = [sys.executable, "-m", "agent", "run", str(LAB)]
    command += ["--listen", f"127.0.0.1:{port}", "--state-dir", str(state_directory)]
    log = state_directory / "bench-stderr"
    with log.open("w") as errors:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
    try:
        answered = wait_for_answer(port, COMMUNITY, LIMIT_SECONDS, lambda: process.poll() is None)
        elapsed = time.monotonic() - started
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if not answered:
        raise BenchError(f"ipsec-agent run does not answer: {log.read_text().strip()[-300:] or 'it says nothing'}")
    return elapsed


def warm_start_seconds(state_directory: Path, rounds: int) -> float:
    """The median of so many starts; one before them fills the cache."""
    if not LAB.exists():
        raise BenchError(f"{LAB.name} is not there")
    seconds_to_first_answer(state_directory)
    return median(seconds_to_first_answer(state_directory) for _ in range(rounds))
