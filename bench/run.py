"""The benchmark: `python -m bench.run`, from the project's root.

Two servers of the same table on one core, a load client on another; rounds alternate between the servers, and medians
are compared. What is measured is the rate of right answers: the client checks each answer cell by cell.
"""

from __future__ import annotations

import argparse
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from bench import report
from bench.load import OPERATIONS, Figure, Operation, Settings, alternate
from bench.programs import BenchError, build
from bench.sides import ROOT, Cores, StartSide, starter_of_agent, starter_of_snmpd
from bench.spokes import measure_spokes
from bench.startup import warm_start_seconds
from bench.verify import differences

ROWS = (1_000, 10_000, 100_000)
Figures = dict[tuple[int, Operation], dict[str, Figure]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line asks for, and the means to do it."""

    sizes: tuple[int, ...]
    rounds: int
    settings: Settings
    starters: tuple[StartSide, ...]
    directory: Path


@dataclass(frozen=True, slots=True)
class Results:
    """Everything measured. Figures are by size and operation, then by side."""

    v2c: Figures
    v3: Figures
    memory: list[report.Memory]
    names: tuple[str, ...]


def say(text: str = "") -> None:
    """Prints at once, so that a reader sees the tables come."""
    print(text, flush=True)


def progress(text: str) -> None:
    """Says what is being done, outside the tables."""
    print(f"... {text}", file=sys.stderr, flush=True)


def measure_size(plan: Plan, rows: int, results: Results, verify: bool) -> tuple[str, ...]:
    """Starts every side with so many rows and measures all operations; adds to `results`. Returns the sides' names."""
    with ExitStack() as stack:
        sides = []
        for start in plan.starters:
            side = start(rows)
            stack.callback(side.stop)
            sides.append(side)
        servers = tuple(sides)
        if verify:
            progress("comparing the tables cell by cell")
            for line in differences(servers, rows, plan.directory):
                say(f"NOT EQUAL: {line}")
        for operation in OPERATIONS:
            progress(f"{rows:,} tunnels, {operation.title}")
            results.v2c[rows, operation] = alternate(operation, servers, rows, plan.settings, plan.rounds)
        # SNMPv3 comes after: it leaves snmpd's heap in a state in which its large GETBULKs are slower.
        try:
            for operation in OPERATIONS if all(side.user is not None for side in servers) else ():
                progress(f"{rows:,} tunnels, {operation.title}, SNMPv3 authPriv")
                results.v3[rows, operation] = alternate(operation, servers, rows, plan.settings, plan.rounds, v3=True)
        except BenchError as error:
            say(f"SNMPv3 at {rows:,} tunnels not measured further: {error}")
        results.memory.extend(report.Memory.of(side, rows) for side in servers)
        return tuple(side.name for side in servers)


def measure_all(plan: Plan) -> Results:
    """All sizes, the smallest first; the tables of the two sides are compared there."""
    results = Results({}, {}, [], ())
    for rows in sorted(plan.sizes):
        names = measure_size(plan, rows, results, verify=rows == min(plan.sizes))
        results = replace(results, names=names)
    return results


def print_results(results: Results, sizes: Sequence[int]) -> None:
    """The tables."""
    say("SNMPv2c, ten live counter columns; right answers per second, median of the rounds ± half their range")
    say(report.rates(results.v2c, results.names, limits=True))
    if len(set(sizes)) > 1:
        say()
        say(report.scale(results.v2c, sizes, results.names[0]))
    say()
    say("SNMPv3 authPriv, SHA and AES-128")
    say(report.rates(results.v3, results.names, limits=False) if results.v3 else "not measured")
    say()
    say(report.memory(results.memory))


def print_start(directory: Path, rounds: int) -> None:
    """The start-up time, or why there is none."""
    state = directory / "state"
    state.mkdir(mode=0o700)
    try:
        seconds = f"{warm_start_seconds(state, rounds):.2f} s"
    except BenchError as error:
        seconds = f"not measured: {error}"
    wanted = f"wanted < {report.START_LIMIT_SECONDS} s"
    say(f"ipsec-agent run, start to first answer with warm MIB cache: {seconds} ({wanted})")


def print_spokes(plan: Plan, rows: int, snmpd: StartSide, core: int | None) -> None:
    """A hub of so many spokes by number, coming up and then beside snmpd, while their traffic moves the counters."""
    progress(f"{rows:,} spokes by number")
    arrival, figures = measure_spokes(rows, core, snmpd, plan.settings, plan.rounds, plan.directory)
    took = f"{arrival.seconds:.1f} s after the start (wanted < 60), of which {arrival.cpu_seconds:.1f} s of work"
    say(f"{rows:,} spokes by number: all up {took}; {arrival.resident}")
    waits = f"median {arrival.median_ms:.1f} ms, slowest {arrival.slowest_ms:.0f} ms"
    say(f"polls meanwhile: {arrival.polls:,}, {arrival.lost} lost, {waits}")
    say(report.rates(figures, ("spokes", "snmpd"), limits=True))


def print_circumstances(cores: Cores, plan: Plan, without_libwrap: bool) -> None:
    """What a reader needs in order to judge the figures."""
    version = subprocess.run(["net-snmp-config", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    say(f"Python {platform.python_version()}, net-snmp {version}, Linux {platform.release()} {platform.machine()}")
    where = "nothing pinned: one core" if cores.server is None else f"servers on core {cores.server}, client on {cores.client}"
    say(f"{where}; {plan.rounds} rounds of {plan.settings.seconds} s; {plan.settings.window} requests outstanding")
    if without_libwrap:
        say("snmpd runs without its libwrap check")
    else:
        say("snmpd reads /etc/hosts.allow and hosts.deny for each datagram, as Debian builds it (see --without-libwrap)")
    say()


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="The agent beside net-snmp's snmpd.")
    parser.add_argument("--rows", type=lambda text: tuple(map(int, text.split(","))), help="tunnels: 1000,10000,100000")
    parser.add_argument("--rounds", type=int, help="measured rounds of each operation and side (5)")
    parser.add_argument("--seconds", type=float, help="length of a round (1)")
    parser.add_argument("--window", type=int, default=32, help="requests outstanding (32)")
    parser.add_argument("--quick", action="store_true", help="1,000 tunnels, 3 rounds of 0.3 s")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "bench", help="where to compile")
    parser.add_argument("--sides", choices=("both", "snmpd", "snmpd-twice"), default="both")
    parser.add_argument("--without-libwrap", action="store_true", help="spare snmpd its look into hosts.allow")
    parser.add_argument("--no-spokes", action="store_true", help="leave the hub with spokes by number out")
    parser.add_argument("--no-start", action="store_true", help="leave the start-up time out")
    options = parser.parse_args(arguments)
    quick = options.quick
    options.rows = options.rows or (ROWS[:1] if quick else ROWS)
    options.rounds = options.rounds or (3 if quick else 5)
    options.seconds = options.seconds or (0.3 if quick else 1.0)
    if options.rounds < 1 or options.seconds <= 0 or min(options.rows) <= 20 or not 1 <= options.window <= 256:
        parser.error("at least one round, more than 0 seconds, more than 20 rows, a window of 1 to 256")
    return options


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark; 1 where it cannot run, never because of a figure."""
    options = parse(arguments)
    # Ended from outside, the servers must end too: as an exception, so that the stacks unwind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cores = Cores.of_this_machine()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            directory = Path(name)
            programs = build(options.build)
            settings = Settings(programs.load, options.seconds, 0.2, options.window, cores.client)
            snmpd = starter_of_snmpd(programs, cores.server, directory, options.without_libwrap)
            snmpd_for_spokes = starter_of_snmpd(programs, cores.server, directory, options.without_libwrap, "snmpd beside spokes")
            again = starter_of_snmpd(programs, cores.server, directory, options.without_libwrap, "snmpd again")
            starters = {
                "both": (starter_of_agent(cores.server), snmpd),
                "snmpd": (snmpd,),
                "snmpd-twice": (again, snmpd),
            }[options.sides]
            plan = Plan(options.rows, options.rounds, settings, starters, directory)
            print_circumstances(cores, plan, options.without_libwrap)
            print_results(measure_all(plan), options.rows)
            if options.sides == "both" and not options.no_spokes:
                say()
                print_spokes(plan, max(options.rows), snmpd_for_spokes, cores.server)
            if options.sides == "both" and not options.no_start:
                say()
                print_start(directory, options.rounds)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
