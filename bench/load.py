"""Runs the load client against one side, for each of the operations that are compared."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.programs import BenchError
from bench.sides import Side, pinned

# Counters that move, 32 and 64 bits, both directions: the columns that an NMS polls again and again.
LIVE_COLUMNS = (26, 27, 32, 35, 37, 39, 40, 45, 47, 49)


@dataclass(frozen=True, slots=True)
class Operation:
    """What one kind of request is; `limit` is the ratio to snmpd that we want. `together`: all columns at once."""

    title: str
    name: str
    limit: float
    repetitions: int = 1
    together: bool = False


OPERATIONS = (
    Operation("GET", "get", 1.5),
    Operation("GETNEXT", "getnext", 1.5),
    Operation("GETBULK-20, 1 column", "getbulk", 2.0, repetitions=20),
    Operation("GETBULK-20, 10 columns", "getbulk", 2.0, repetitions=20, together=True),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """How one measurement is made: seconds, requests outstanding, the core of the client."""

    load: Path
    seconds: float
    warm_up: float
    window: int
    core: int | None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One round: right answers per second, wrong and lost ones, and shares of a core used by client and server."""

    rate: float
    errors: int
    timeouts: int
    client_cpu: float
    server_cpu: float


@dataclass(frozen=True, slots=True)
class Figure:
    """All rounds of one operation on one side."""

    rounds: tuple[Measurement, ...]

    @property
    def rate(self) -> float:
        """The median of the rates."""
        return median(one.rate for one in self.rounds)

    @property
    def spread(self) -> float:
        """Half of the range between slowest and fastest round, as a share of the median."""
        rates = [one.rate for one in self.rounds]
        return (max(rates) - min(rates)) / 2 / self.rate if self.rate else 0.0

    @property
    def client_cpu(self) -> float:
        """The median share of its core that the client used: near 1, it is the limit."""
        return median(one.client_cpu for one in self.rounds)

    @property
    def server_cpu(self) -> float:
        """The median share of its core that the server used."""
        return median(one.server_cpu for one in self.rounds)

    @property
    def bad(self) -> int:
        """Wrong and lost answers of all rounds."""
        return sum(one.errors + one.timeouts for one in self.rounds)


def load_command(operation: Operation, side: Side, rows: int, settings: Settings, v3: bool) -> list[str]:
    """The client's command line."""
    command = [str(settings.load), "--port", str(side.port), "--op", operation.name, "--rows", str(rows)]
    command += ["--columns", ",".join(map(str, LIVE_COLUMNS)), "--repetitions", str(operation.repetitions)]
    command += ["--seconds", str(settings.seconds), "--warm-up", str(settings.warm_up)]
    command += ["--window", str(settings.window), "--community", side.community]
    if operation.together:
        command.append("--together")
    if v3 and side.user is not None:
        command += ["--user", side.user.name, "--auth-password", side.user.auth_password]
        command += ["--priv-password", side.user.priv_password]
    return pinned(settings.core, command)


def measure(operation: Operation, side: Side, rows: int, settings: Settings, v3: bool = False) -> Measurement:
    """One round. Raises BenchError where the client cannot run or the side has died."""
    if v3 and side.user is None:
        raise BenchError(f"{side.name} has no SNMPv3 user")
    cpu, started = side.cpu_seconds(), time.monotonic()
    done = subprocess.run(load_command(operation, side, rows, settings, v3), capture_output=True, text=True, check=False)
    server_cpu = (side.cpu_seconds() - cpu) / (time.monotonic() - started)
    if done.returncode != 0:
        raise BenchError(f"{side.name}, {operation.title}: {done.stderr.strip()}")
    words = dict(word.split("=", 1) for word in done.stdout.split())
    if words["responses"] == "0":
        raise BenchError(f"{side.name}, {operation.title}: no right answer, {words['errors']} wrong, {words['timeouts']} lost")
    return Measurement(float(words["rate"]), int(words["errors"]), int(words["timeouts"]), float(words["cpu"]), server_cpu)


def alternate(
    operation: Operation, sides: tuple[Side, ...], rows: int, settings: Settings, rounds: int, v3: bool = False
) -> dict[str, Figure]:
    """Rounds from side to side, so that what disturbs the machine disturbs both; the first of each is thrown away."""
    measured: dict[str, list[Measurement]] = {side.name: [] for side in sides}
    for number in range(rounds + 1):
        for side in sides:
            one = measure(operation, side, rows, settings, v3)
            if number > 0:
                measured[side.name].append(one)
    return {name: Figure(tuple(found)) for name, found in measured.items()}
