"""What the tests that drive the real process share: where things are, waiting, and running other people's tools."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

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


def until_ready(process: subprocess.Popen[str], ports: dict[str, int], output: list[str]) -> None:
    """Read what a lab prints until it is ready, with its routers' SNMP ports; the rest of its output is gathered behind."""
    assert process.stdout is not None
    for line in process.stdout:
        output.append(line)
        if found := re.match(r"(\S+): SNMP at 127\.0\.0\.1:(\d+)", line):
            ports[found[1]] = int(found[2])
        if line.startswith("ready"):
            break
    else:
        raise AssertionError("the lab did not start:\n" + "".join(output))
    threading.Thread(target=lambda: output.extend(process.stdout or ()), daemon=True).start()


def run_tool(*command: str, check: bool = True) -> str:
    """A net-snmp tool with our modules, and nothing of the user's own set-up."""
    environment = {
        **os.environ,
        "MIBDIRS": str(ROOT / "mibs"),
        "MIBS": "ALL",
        "SNMPCONFPATH": "/nonexistent",
        "SNMP_PERSISTENT_DIR": "/nonexistent",
    }
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="surrogateescape", timeout=60, env=environment)
    if check:
        assert done.returncode == 0, (command, done.stdout[-500:], done.stderr)
    return done.stdout
