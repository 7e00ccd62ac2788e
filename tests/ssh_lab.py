"""The guide's lab with SSH, for clients of the CLI. It needs Python's own libraries alone.

The clients' own environments need not have the agent: `python` is the interpreter that has.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.tools import ROOT, until_ready

HUB, FAR = "ipsecf-3745b", "ipsecf-3745a"
EMPTY = tuple(f"empty{number}" for number in range(1, 9))  # one for each configuration of the guide
ADMIN, OPERATOR, ENABLE = ("admin", "lab-admin"), ("op", "lab-op"), "lab"
USERS = f"""\
username {ADMIN[0]} privilege 15 secret 0 {ADMIN[1]}
username {OPERATOR[0]} password 0 {OPERATOR[1]}
no enable password
enable secret 0 {ENABLE}
"""
_SSH = 'ssh = ["127.0.0.1:0"]\nsnmp'


@dataclass(frozen=True, slots=True)
class SshLab:
    """`ssh` and `snmp` are the ports of the routers, `pid` is the process."""

    folder: Path
    pid: int
    snmp: dict[str, int] = field(default_factory=dict)
    ssh: dict[str, int] = field(default_factory=dict)
    output: list[str] = field(default_factory=list)


@contextmanager
def ssh_lab(python: str, folder: Path, mibs: Path | None = None, lines: str = "", release: str = "12.4") -> Iterator[SshLab]:
    """The lab, from its start to its end: the hub, the far router, and some without a configuration. `lines` are for all."""
    shutil.copytree(ROOT / "examples", folder, dirs_exist_ok=True)
    lab_file = folder / "two-vrf-hub.toml"
    text = re.sub(r'"127\.0\.0\.1:\d+"', '"127.0.0.1:0"', lab_file.read_text())
    empty = "".join(f'[router.{name}]\nconfig = "{name}.cfg"\nsnmp = ["127.0.0.1:0"]\n\n' for name in EMPTY)
    lab_file.write_text(text.replace("[[link]]", f"{empty}[[link]]", 1).replace("\nsnmp", f"\n{_SSH}"))
    for name in (HUB, FAR):
        config = folder / f"{name}.cfg"
        written = re.sub(r"^version .*", f"version {release}", config.read_text(), flags=re.MULTILINE)
        config.write_text(re.sub(r"\nend\s*$", "\n", written) + USERS + lines)
    for name in EMPTY:
        (folder / f"{name}.cfg").write_text(f"version {release}\nhostname {name}\nip domain name example.com\n{USERS}{lines}")
    state = folder / "state"
    state.mkdir()
    if mibs is not None:
        (state / "mibs").symlink_to(mibs)
    command = [python, "-m", "agent", "run", str(lab_file), "--state-dir", str(state)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    lab = SshLab(folder, process.pid)
    try:
        until_ready(process, lab.snmp, lab.output)
        for line in lab.output:
            if found := re.match(r"(\S+): SSH at 127\.0\.0\.1:(\d+)", line):
                lab.ssh[found[1]] = int(found[2])
        yield lab
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, "".join(lab.output)
    assert "Traceback" not in "".join(lab.output), "".join(lab.output)
