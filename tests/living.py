"""The guide's lab as a running process, for the programs that read its CLI. It needs Python's own libraries and net-snmp alone.

The programs' own environments need not have the agent: `python` is the interpreter that has.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.tools import ROOT, run_tool, until_ready

HUB, FAR = "ipsecf-3745b", "ipsecf-3745a"
PEERS = {"vrf1": "10.1.1.1", "vrf2": "10.1.2.1"}
COMMUNITIES = {"vrf1": "abc1", "vrf2": "abc2"}
CLASSIC, XE = "12.4", "16.9"
# What the guide's hub does not have, and some parsers want to see.
_ALSO = """
crypto isakmp peer address 10.1.1.1 vrf vrf1
 description Branch-1
"""
_DESCRIPTIONS = {
    CLASSIC: "Cisco IOS Software, 3700 Software (C3745-ADVIPSERVICESK9-M), Version 12.4(15)T14, RELEASE SOFTWARE (fc2)",
    XE: "Cisco IOS Software [Fuji], ISR Software (X86_64_LINUX_IOSD-UNIVERSALK9-M), Version 16.9.4, RELEASE SOFTWARE (fc2)",
}


@dataclass(frozen=True, slots=True)
class LivingLab:
    """Its hub has a tunnel in vrf1 and one in vrf2, and is of the release."""

    python: str
    folder: Path
    release: str
    ports: dict[str, int]

    def cli(self, *words: str, router: str = HUB) -> subprocess.CompletedProcess[str]:
        where = ["--state-dir", str(self.folder / "state"), "--router", router]
        command = [self.python, "-m", "agent", "cli", *where, *words]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, cwd=ROOT)

    def show(self, command: str, router: str = HUB) -> str:
        """What an exec command prints; a test of a command that is refused fails."""
        done = self.cli(*command.split(), router=router)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def mib(self, vrf: str, *instances: str) -> list[str]:
        """Values of CISCO-IPSEC-FLOW-MONITOR-MIB's objects in a VRF's context; enumerations are numbers."""
        where = ["-v2c", "-c", COMMUNITIES[vrf], f"127.0.0.1:{self.ports[HUB]}"]
        return run_tool("snmpget", "-OQveUt", *where, *instances).split("\n")[: len(instances)]

    def numbers(self, vrf: str, *instances: str) -> list[int]:
        return [int(value) for value in self.mib(vrf, *instances)]


@contextmanager
def living_lab(python: str, folder: Path, release: str, mibs: Path | None = None) -> Iterator[LivingLab]:
    """The lab, from its start to its end. `mibs` is where compiled modules are kept, if others share them."""
    shutil.copytree(ROOT / "examples", folder, dirs_exist_ok=True)
    lab_file, hub = folder / "two-vrf-hub.toml", folder / f"{HUB}.cfg"
    text = re.sub(r'"127\.0\.0\.1:\d+"', '"127.0.0.1:0"', lab_file.read_text())
    text = re.sub(r"^sysdescr = .*\n", "", text, flags=re.MULTILINE)
    lab_file.write_text(text.replace("sysobjectid", f'sysdescr = "{_DESCRIPTIONS[release]}"\nsysobjectid', 1))
    config = re.sub(r"^version .*", f"version {release}", hub.read_text(), flags=re.MULTILINE)
    hub.write_text(config.replace("\ncrypto ipsec security-association", f"{_ALSO}\ncrypto ipsec security-association", 1))
    state = folder / "state"
    state.mkdir()
    if mibs is not None:
        (state / "mibs").symlink_to(mibs)
    command = [python, "-m", "agent", "run", str(lab_file), "--state-dir", str(state)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    ports: dict[str, int] = {}
    output: list[str] = []
    try:
        until_ready(process, ports, output)
        lab = LivingLab(python, folder, release, ports)
        for network in (1, 2):
            ping = ("ping", f"10.22.{network}.1", "source", f"10.20.{network}.1", "repeat", "5")
            assert "80 percent" in lab.cli(*ping, router=FAR).stdout
        yield lab
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, "".join(output)
    assert "Traceback" not in "".join(output), "".join(output)
