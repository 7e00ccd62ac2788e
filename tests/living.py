"""Labs as running processes, for the programs that read their CLI. It needs Python's own libraries and net-snmp alone.

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
LEFT, RIGHT = "10.0.0.1", "10.0.0.2"  # the ends of the pair's tunnel
CLASSIC, XE = "12.4", "16.9"
_DESCRIPTIONS = {
    CLASSIC: "Cisco IOS Software, 3700 Software (C3745-ADVIPSERVICESK9-M), Version 12.4(15)T14, RELEASE SOFTWARE (fc2)",
    XE: "Cisco IOS Software [Fuji], ISR Software (X86_64_LINUX_IOSD-UNIVERSALK9-M), Version 16.9.4, RELEASE SOFTWARE (fc2)",
}


@dataclass(frozen=True, slots=True)
class LivingLab:
    """A lab, and the UDP ports of its routers by their names."""

    python: str
    state: Path
    ports: dict[str, int]

    def cli(self, *words: str, router: str | None = None) -> subprocess.CompletedProcess[str]:
        where = ["--state-dir", str(self.state), *(["--router", router] if router else [])]
        command = [self.python, "-m", "agent", "cli", *where, *words]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, cwd=ROOT)

    def show(self, command: str, router: str | None = None) -> str:
        """What an exec command prints, at the first router unless one is named. A test of a refused command fails."""
        done = self.cli(*command.split(), router=router)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ping(self, destination: str, source: str, router: str) -> None:
        """Bring a tunnel up: the first packet is lost meanwhile."""
        assert "80 percent" in self.show(f"ping {destination} source {source} repeat 5", router)

    def mib(self, community: str, *instances: str) -> list[int]:
        """Numbers, and numbers of enumerations, that the first router's agent gives."""
        port = next(iter(self.ports.values()))
        return [
            int(line) for line in run_tool("snmpget", "-OQveUt", "-v2c", "-c", community, f"127.0.0.1:{port}", *instances).split()
        ]


@contextmanager
def two_vrf_hub(python: str, folder: Path, release: str, mibs: Path | None = None) -> Iterator[LivingLab]:
    """The guide's hub, of a release, with a tunnel in each VRF. `mibs` is where compiled modules are kept, if others share them."""
    shutil.copytree(ROOT / "examples", folder, dirs_exist_ok=True)
    hub = folder / f"{HUB}.cfg"
    hub.write_text(re.sub(r"^version .*", f"version {release}", hub.read_text(), flags=re.MULTILINE))
    text = (folder / "two-vrf-hub.toml").read_text()
    text = re.sub(r'^(snmp|ssh) = \["127\.0\.0\.1:\d+"\]', r'\1 = ["127.0.0.1:0"]', text, flags=re.MULTILINE)
    text = re.sub(r"^sysdescr = .*", f'sysdescr = "{_DESCRIPTIONS[release]}"', text, flags=re.MULTILINE)
    with _running(python, folder, text, mibs) as lab:
        for network in (1, 2):
            lab.ping(f"10.22.{network}.1", f"10.20.{network}.1", FAR)
        yield lab


_PAIR = """\
version {release}
hostname {name}
crypto isakmp key secret address {peer}
crypto isakmp keepalive 10
crypto isakmp peer address {peer}
 description Branch-1
crypto ipsec profile PROTECTION
crypto map VPN 10 ipsec-isakmp
 set peer {peer}
 match address 101
interface FastEthernet0/0
 ip address {own} 255.255.255.0
 crypto map VPN
interface FastEthernet0/1
 ip address 10.{near}.0.254 255.255.255.0
ip route 10.{far}.0.0 255.255.255.0 {peer}
access-list 101 permit ip 10.{near}.0.0 0.0.0.255 10.{far}.0.0 0.0.0.255
snmp-server community public RO
radius-server host {own} key secret
"""


@contextmanager
def pair(python: str, folder: Path, release: str, mibs: Path | None = None) -> Iterator[LivingLab]:
    """Two routers of a release with the default policies and transform sets, and a tunnel from the left one to the right one.

    Genie reads a map on an interface, but not on a sub-interface.
    """
    left = {"name": "left", "own": LEFT, "peer": RIGHT, "near": 1, "far": 2}
    right = {"name": "right", "own": RIGHT, "peer": LEFT, "near": 2, "far": 1}
    text = ""
    for settings in (left, right):
        name = settings["name"]
        (folder / f"{name}.cfg").write_text(_PAIR.format(release=release, **settings))
        text += f'[router.{name}]\nconfig = "{name}.cfg"\nsnmp = ["127.0.0.1:0"]\nsysdescr = "{_DESCRIPTIONS[release]}"\n'
    text += '[[host]]\naddress = "10.2.0.1"\nbehind = "right:FastEthernet0/1"\n'
    with _running(python, folder, text, mibs) as lab:
        lab.ping("10.2.0.1", "10.1.0.254", "left")
        yield lab


@contextmanager
def _running(python: str, folder: Path, lab_file: str, mibs: Path | None) -> Iterator[LivingLab]:
    path, state = folder / "lab.toml", folder / "state"
    path.write_text(lab_file)
    state.mkdir()
    if mibs is not None:
        (state / "mibs").symlink_to(mibs)
    command = [python, "-m", "agent", "run", str(path), "--state-dir", str(state)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    ports: dict[str, int] = {}
    output: list[str] = []
    try:
        until_ready(process, ports, output)
        yield LivingLab(python, state, ports)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, "".join(output)
    assert "Traceback" not in "".join(output), "".join(output)
