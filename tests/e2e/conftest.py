"""The real process, driven by real clients. Each lab runs in a folder of its own, on ports that the kernel gave."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AGENT = [sys.executable, "-m", "agent"]
PATIENCE = 30.0  # seconds that a thing which must happen is waited for; a test that passes does not wait

Wait = Callable[[Callable[[], object], str], object]


def free_port() -> int:
    """A UDP port that the kernel has free."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], object], what: str) -> object:
    """What the condition gives as soon as it is true; fails, saying what was waited for, when patience ends."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        threading.Event().wait(0.02)
    raise AssertionError(f"waited in vain for {what}")


@dataclass
class Lab:
    """A running `ipsec-agent run`."""

    folder: Path
    process: subprocess.Popen[str]
    ports: dict[str, int]
    output: list[str] = field(default_factory=list)

    @property
    def hub(self) -> str:
        return f"127.0.0.1:{self.ports['ipsecf-3745b']}"

    def cli(self, *words: str, router: str | None = None, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """`ipsec-agent cli`; with `stdin`, lines as pasted into a terminal."""
        chosen = ["--router", router] if router else []
        return subprocess.run(
            [*AGENT, "cli", "--state-dir", str(self.folder / "state"), *chosen, *words],
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=ROOT,
        )

    def ping(self, destination: str = "10.22.1.1", source: str = "10.20.1.1") -> str:
        done = self.cli("ping", destination, "source", source, "repeat", "5", router="ipsecf-3745a")
        assert done.returncode == 0, done.stderr
        return done.stdout


def run_tool(*command: str, check: bool = True) -> str:
    """A net-snmp tool with our modules, and nothing of the user's own set-up."""
    environment = {
        **os.environ,
        "MIBDIRS": str(ROOT / "mibs"),
        "MIBS": "ALL",
        "SNMPCONFPATH": "/nonexistent",
        "SNMP_PERSISTENT_DIR": "/nonexistent",
    }
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    if check:
        assert done.returncode == 0, (command, done.stdout[-500:], done.stderr)
    return done.stdout


@pytest.fixture
def start_lab(tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    """Starts the guide's lab from a copy; `edit` may change its files (by name) before, `options` go to `run`."""
    labs: list[Lab] = []

    def start(edit: dict[str, Callable[[str], str]] | None = None, options: list[str] | None = None) -> Lab:
        folder = tmp_path / f"lab{len(labs)}"
        shutil.copytree(ROOT / "examples", folder)
        lab_file = folder / "two-vrf-hub.toml"
        lab_file.write_text(re.sub(r'"127\.0\.0\.1:\d+"', '"127.0.0.1:0"', lab_file.read_text()))
        for name, change in (edit or {}).items():
            path = folder / name
            path.write_text(change(path.read_text()))
        process = subprocess.Popen(
            [*AGENT, "run", str(lab_file), "--state-dir", str(folder / "state"), *(options or [])],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        lab = Lab(folder, process, {})
        labs.append(lab)
        assert process.stdout is not None
        for line in process.stdout:
            lab.output.append(line)
            if found := re.match(r"(\S+): SNMP at 127\.0\.0\.1:(\d+)", line):
                lab.ports[found[1]] = int(found[2])
            if line.startswith("ready"):
                break
        else:
            raise AssertionError("the lab did not start:\n" + "".join(lab.output))
        threading.Thread(target=lambda: lab.output.extend(process.stdout or ()), daemon=True).start()
        return lab

    yield start
    for lab in labs:
        if lab.process.poll() is None:
            lab.process.send_signal(signal.SIGTERM)
        assert lab.process.wait(20) == 0, "".join(lab.output)
        assert "Traceback" not in "".join(lab.output), "".join(lab.output)


@pytest.fixture
def lab(start_lab: Callable[..., Lab]) -> Lab:
    return start_lab()
