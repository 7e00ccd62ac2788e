"""Before anything is timed: do both sides serve the same cells with the same types, and do their counters move?"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from bench.programs import BenchError
from bench.sides import Side

TABLE = "1.3.6.1.4.1.9.9.171.1.3.2"
COLUMNS = 50
IN_PKTS_1 = f"{TABLE}.1.32.1"
# net-snmp prints an octet string by what is in it.
OCTET_STRING_FORMS = ("STRING", "Hex-STRING", '""')


def net_snmp(tool: str, side: Side, directory: Path, *arguments: str) -> list[str]:
    """The output lines of one of net-snmp's tools, numeric names."""
    command = [
        tool,
        "-v2c",
        "-c",
        side.community,
        "-On",
        "-Ih",
        *arguments[:-1],
        f"127.0.0.1:{side.port}",
        arguments[-1],
    ]
    environment = {**os.environ, "MIBS": "", "SNMP_PERSISTENT_DIR": str(directory)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"{side.name}: {tool}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.splitlines()


def name_and_type(line: str) -> tuple[str, str]:
    """Of `.1.3… = Counter32: 5`, the name and the type."""
    name, _, value = line.partition(" = ")
    kind = value.split(":", 1)[0]
    return name, "STRING" if kind in OCTET_STRING_FORMS else kind


def cells(side: Side, directory: Path) -> list[tuple[str, str]]:
    """Names and types of the whole table as snmpbulkwalk lists it."""
    return [name_and_type(line) for line in net_snmp("snmpbulkwalk", side, directory, "-Cr20", TABLE)]


def counter_value(side: Side, directory: Path) -> int:
    """cipSecTunInPkts of tunnel 1 now."""
    return int(net_snmp("snmpget", side, directory, IN_PKTS_1)[0].rpartition(" ")[2])


def differences(sides: tuple[Side, ...], rows: int, directory: Path) -> list[str]:
    """What is wrong, as lines to print; empty where all is well."""
    found: list[str] = []
    walks = {side.name: cells(side, directory) for side in sides}
    for side in sides:
        if len(walks[side.name]) != rows * COLUMNS:
            found.append(f"{side.name}: {len(walks[side.name])} cells, not {rows * COLUMNS}")
        before = counter_value(side, directory)
        time.sleep(0.3)
        if counter_value(side, directory) <= before:
            found.append(f"{side.name}: {IN_PKTS_1} did not move in 0.3 s")
    first, *rest = sides
    for other in rest:
        pairs = zip(walks[first.name], walks[other.name], strict=False)
        different = next((pair for pair in pairs if pair[0] != pair[1]), None)
        if different is not None:
            found.append(f"{first.name} has {different[0]}, {other.name} has {different[1]}")
    return found
