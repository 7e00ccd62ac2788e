"""Compiles the benchmark's C programs: the load client and the table module for snmpd."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
CLIENT_SOURCES = ("load.c", "requests.c", "usm.c", "ber.c")
NEEDED = {
    "gcc": "gcc",
    "net-snmp-config": "libsnmp-dev",
    "snmpbulkwalk": "snmp",
    "snmpd": "snmpd",
    "taskset": "util-linux",
}


class BenchError(Exception):
    """The benchmark cannot go on; the text says what would be right."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Paths of what was built, and of snmpd."""

    load: Path
    table_module: Path
    no_libwrap: Path
    snmpd: Path


def find_program(name: str) -> Path:
    """The path of a system program, /usr/sbin included although an ordinary user's PATH lacks it."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    if found is None:
        raise BenchError(f"{name} is not installed: Debian's package {NEEDED.get(name, name)} has it")
    return Path(found)


def compile_c(command: Sequence[str | Path]) -> None:
    """Runs a compiler; its words go into the error."""
    done = subprocess.run(list(command), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"{shlex.join(map(str, command))} failed:\n{done.stderr}")


def build(directory: Path) -> Programs:
    """Compiles everything into `directory`. Raises BenchError where a tool or a library is missing."""
    for name in NEEDED:
        find_program(name)
    directory.mkdir(parents=True, exist_ok=True)
    programs = Programs(directory / "load", directory / "ipsec_tunnel_table.so", directory / "no_libwrap.so", find_program("snmpd"))
    module = HERE / "snmpd_module"
    flags = subprocess.run(["net-snmp-config", "--base-cflags"], capture_output=True, text=True, check=True).stdout
    shared = ["gcc", "-Wall", "-Wextra", "-fPIC", "-shared"]
    compile_c(
        [
            *shared,
            *shlex.split(flags),
            "-O2",
            "-o",
            programs.table_module,
            module / "ipsec_tunnel_table.c",
        ]
    )
    compile_c([*shared, "-O2", "-o", programs.no_libwrap, module / "no_libwrap.c"])
    sources = [HERE / "client" / name for name in CLIENT_SOURCES]
    compile_c(["gcc", "-Wall", "-Wextra", "-O2", "-o", programs.load, *sources, "-lcrypto"])
    return programs
