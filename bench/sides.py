"""Starts and stops the two sides of the comparison: the agent and snmpd, each a process on 127.0.0.1.

The agent's side is `python -m bench.agent_table --rows N --listen 127.0.0.1:PORT`, which serves N rows with the indexes
1..N, all 50 accessible columns instantiated and the counters moving, and prints one line when it answers:

    READY [community=C] [user=U auth=PASSWORD priv=PASSWORD]

(defaults: community public; without a user SNMPv3 is not measured; the user is SHA and AES-128). It ends on SIGTERM.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.probe import free_udp_port, wait_for_answer
from bench.programs import BenchError, Programs

ROOT = Path(__file__).parent.parent
STOP_SECONDS = 10
SNMPD_START_SECONDS = 60
AGENT_START_SECONDS = 300
COMMUNITY = "public"


@dataclass(frozen=True, slots=True)
class V3User:
    """An SNMPv3 user at authPriv with SHA and AES-128."""

    name: str
    auth_password: str
    priv_password: str


SNMPD_USER = V3User("bench", "bench-auth-password", "bench-priv-password")


@dataclass(frozen=True, slots=True)
class Side:
    """One running agent. `start_seconds` is from the start of the process until it answered."""

    name: str
    process: subprocess.Popen[str]
    port: int
    community: str
    user: V3User | None
    start_seconds: float

    def resident_octets(self) -> int:
        """Resident memory now."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise BenchError(f"{self.name} has ended")

    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """Ends the process that we started, and only that."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


StartSide = Callable[[int], Side]


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core the servers run on and which the client; None: this machine has one core, nothing is pinned."""

    server: int | None
    client: int | None

    @classmethod
    def of_this_machine(cls) -> Cores:
        """The first two cores that we may use."""
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[0], usable[1]) if len(usable) > 1 else cls(None, None)


def pinned(core: int | None, command: list[str]) -> list[str]:
    """The command, started on one core; taskset becomes the program, so that the process id is the program's."""
    return command if core is None else ["taskset", "-c", str(core), *command]


def snmpd_configuration(port: int, module: Path) -> str:
    """snmpd's configuration: our table, one community, one user, nothing that costs it time per request."""
    user = SNMPD_USER
    return "\n".join(
        (
            f"agentAddress udp:127.0.0.1:{port}",
            f"rocommunity {COMMUNITY}",
            "maxGetbulkResponses -1",
            "dontLogTCPWrappersConnects yes",
            f"createUser {user.name} SHA {user.auth_password} AES {user.priv_password}",
            f"rouser {user.name} authpriv",
            f"dlmod ipsec_tunnel_table {module}",
            "",
        )
    )


def starter_of_snmpd(
    programs: Programs, core: int | None, directory: Path, without_libwrap: bool, name: str = "snmpd"
) -> StartSide:
    """A function that starts snmpd with our module and so many rows; its files are in `directory`."""

    def start(rows: int) -> Side:
        port = free_udp_port()
        own = directory / f"{name}-{rows}"
        own.mkdir()
        configuration = own / "snmpd.conf"
        configuration.write_text(snmpd_configuration(port, programs.table_module))
        configuration.chmod(0o600)
        log = own / "log"
        environment: Mapping[str, str] = {
            **os.environ,
            "BENCH_ROWS": str(rows),
            "MIBS": "",
            "SNMP_PERSISTENT_DIR": str(own / "persistent"),
            **({"LD_PRELOAD": str(programs.no_libwrap)} if without_libwrap else {}),
        }
        # -f in the foreground, -C no other configuration, errors alone to the log (a line per datagram costs time).
        command = [str(programs.snmpd), "-f", "-C", "-c", str(configuration), "-LF", "0-3", str(log)]
        started = time.monotonic()
        process = subprocess.Popen(pinned(core, command), env=environment, stdin=subprocess.DEVNULL, text=True)
        if not wait_for_answer(port, COMMUNITY, SNMPD_START_SECONDS, lambda: process.poll() is None):
            process.kill()
            process.wait()
            raise BenchError(f"snmpd does not answer: {log.read_text() if log.exists() else 'no log'}")
        return Side(name, process, port, COMMUNITY, SNMPD_USER, time.monotonic() - started)

    return start


def read_ready_line(process: subprocess.Popen[str], limit_seconds: float) -> dict[str, str]:
    """The words of the READY line. Raises BenchError where the process ends or is silent."""
    deadline = time.monotonic() + limit_seconds
    assert process.stdout is not None
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([process.stdout], [], [], left)[0]:
            break
        line = process.stdout.readline()
        if not line:
            raise BenchError(f"the agent ended with {process.wait()} before it was ready")
        if line.startswith("READY"):
            return dict(word.split("=", 1) for word in line.split()[1:] if "=" in word)
    process.kill()
    process.wait()
    raise BenchError(f"the agent was not ready within {limit_seconds:.0f} s")


def starter_of_agent(core: int | None) -> StartSide:
    """A function that starts the agent's side with so many rows."""

    def start(rows: int) -> Side:
        port = free_udp_port()
        command = [sys.executable, "-m", "bench.agent_table", "--rows", str(rows), "--listen", f"127.0.0.1:{port}"]
        started = time.monotonic()
        process = subprocess.Popen(pinned(core, command), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        words = read_ready_line(process, AGENT_START_SECONDS)
        user = V3User(words["user"], words["auth"], words["priv"]) if "user" in words else None
        return Side("agent", process, port, words.get("community", COMMUNITY), user, time.monotonic() - started)

    return start
