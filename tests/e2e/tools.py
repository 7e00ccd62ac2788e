"""What the tests that drive the real process share: where things are, waiting, and running other people's tools."""

from __future__ import annotations

import os
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
