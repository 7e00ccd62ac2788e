"""snmptrapd on a port of its own, and what it has received."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.conftest import ROOT, free_port, wait_for

_FORMAT = "TRAP %P\\n%v\\nEND\\n"


@dataclass(frozen=True)
class Trap:
    """One notification: how it came ("TRAP2, SNMP v2c, community abc1"), its name, and its objects by instance."""

    how: str
    name: str
    objects: dict[str, str]


@dataclass
class TrapReceiver:
    port: int
    process: subprocess.Popen[str]
    traps: list[Trap] = field(default_factory=list)

    def names(self) -> list[str]:
        return [trap.name for trap in self.traps]

    def await_names(self, *names: str) -> None:
        """Waits until exactly so many notifications are there, and compares their names in order."""
        wait_for(lambda: len(self.traps) >= len(names), f"{names}; there are {self.names()}")
        assert self.names() == list(names)

    def read(self) -> None:
        how, lines = "", []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("TRAP "):
                how, lines = line.removeprefix("TRAP ").strip(), []
            elif line.startswith("END"):
                self.traps.append(_trap(how, "".join(lines)))
            else:
                lines.append(line)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def _trap(how: str, text: str) -> Trap:
    objects = {}
    for binding in re.split(r"[\t\n]", text):
        name, separator, value = binding.partition(" = ")
        if separator:
            objects[name.strip()] = value.strip()
    return Trap(how, objects.get("snmpTrapOID.0", ""), objects)


def start_receiver(folder: Path, *users: str) -> TrapReceiver:
    """A receiver of everything; `users` are its SNMPv3 users, as `createUser` takes them."""
    port = free_port()
    configuration = folder / f"snmptrapd{port}.conf"
    configuration.write_text("\n".join(["disableAuthorization yes", *(f"createUser {user}" for user in users), ""]))
    program = shutil.which("snmptrapd") or "/usr/sbin/snmptrapd"
    process = subprocess.Popen(
        [program, "-f", "-n", "-Lo", "-C", "-c", str(configuration), "-OQsbU", "-F", _FORMAT, f"udp:127.0.0.1:{port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
        env={
            "MIBDIRS": str(ROOT / "mibs"),
            "MIBS": "ALL",
            "SNMP_PERSISTENT_DIR": str(folder / f"persist{port}"),
            "PATH": "/usr/bin:/bin",
        },
    )
    receiver = TrapReceiver(port, process)
    threading.Thread(target=receiver.read, daemon=True).start()
    wait_for(lambda: _bound(port), "snmptrapd to listen")
    return receiver


def _bound(port: int) -> bool:
    return any(line.split()[1].endswith(f":{port:04X}") for line in Path("/proc/net/udp").read_text().splitlines()[1:])


Edit = Callable[[str], str]


def sent_to(**ports: int) -> dict[str, Edit]:
    """An edit of the hub's configuration: the trap hosts of each community listen elsewhere."""
    guide = {"abc1": 2001, "abc2": 2002, "global1": 2000}

    def edit(text: str) -> str:
        for community, port in ports.items():
            text = text.replace(f"udp-port {guide[community]}", f"udp-port {port}")
        return text

    return {"ipsecf-3745b.cfg": edit}
