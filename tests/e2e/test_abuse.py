"""The real process under what it must outlive: signals at any moment, a lab that stands still, files that are none."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.conftest import AGENT, ROOT, Lab, run_tool, state_of, wait_for

StartLab = Callable[..., Lab]
CONFIG = ROOT / "examples" / "ipsecf-3745a.cfg"
KILLS = 100 if os.environ.get("SOAK") else 8
INTERRUPTS = 30 if os.environ.get("SOAK") else 4


def begin(state: Path) -> subprocess.Popen[str]:
    """A lab of one router that is on its way up."""
    command = [*AGENT, "run", "--config", str(CONFIG), "--listen", "127.0.0.1:0", "--state-dir", str(state)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)


def later(process: subprocess.Popen[str], number: int, seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, process.send_signal, [number])
    timer.start()
    return timer


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory, mibs: Path) -> Path:
    """A state directory with the compiled modules in it."""
    state = state_of(tmp_path_factory.mktemp("abuse"), mibs)
    subprocess.run([*AGENT, "mibs", "compile", "--state-dir", str(state)], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    return state


def test_soak_kills_at_any_moment_of_a_start_leave_the_state_whole_and_boots_rising(warm: Path) -> None:
    """RFC 3414 §2.2.2: snmpEngineBoots never falls, whatever ends the engine."""
    path = warm / f"{CONFIG.stem}.ipsecf-3745a.engine.json"
    chance = random.Random(11)
    boots, engine = 0, None
    for _ in range(KILLS):
        process = begin(warm)
        killer = later(process, signal.SIGKILL, chance.uniform(0, 3))
        output, _ = process.communicate()
        killer.join()
        assert process.returncode == -signal.SIGKILL, output
        if path.exists():
            kept = json.loads(path.read_text())
            assert kept["boots"] in (boots, boots + 1)
            assert engine in (None, kept["engine_id"])
            boots, engine = kept["boots"], kept["engine_id"]
    process = begin(warm)
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    assert any(line.startswith("ready") for line in lines)
    process.terminate()
    assert process.wait(20) == 0
    assert json.loads(path.read_text())["boots"] == boots + 1


def has_begun(process: subprocess.Popen[str]) -> bool:
    """Whether anything of ours has run: until then the interpreter loads, and says in its own way that it was interrupted."""
    ignored = re.search(r"^SigIgn:\s*([0-9a-f]+)$", Path(f"/proc/{process.pid}/status").read_text(), re.M)
    return ignored is not None and bool(int(ignored[1], 16) >> (signal.SIGUSR1 - 1) & 1)


def test_an_interrupt_at_any_moment_of_a_start_ends_it_without_a_traceback(warm: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    shutil.copytree(warm / "mibs", state / "mibs")
    chance = random.Random(50)
    for at in (0.0, 0.05, *(chance.uniform(0.05, 1) for _ in range(INTERRUPTS))):
        process = begin(state)
        wait_for(partial(has_begun, process), "the command to begin")
        killer = later(process, signal.SIGINT, at)
        output, _ = process.communicate()
        killer.join()
        assert "Traceback" not in output, (at, output)
        assert process.returncode in (0, -signal.SIGINT), (at, output)


def test_signals_that_ask_for_files_to_be_read_again_change_nothing(lab: Lab) -> None:
    before = lab.cli("show", "running-config", "|", "exclude", "^!|bytes").stdout
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        lab.process.send_signal(number)
    assert lab.cli("show", "running-config", "|", "exclude", "^!|bytes").stdout == before
    assert run_tool("snmpget", "-v2c", "-c", "global1", "-Oqv", lab.hub, "1.3.6.1.2.1.1.5.0").startswith("ipsecf-3745b")


def test_a_lab_that_stands_still_is_given_up_by_its_client(start_lab: StartLab) -> None:
    lab = start_lab()
    lab.process.send_signal(signal.SIGSTOP)
    try:
        done = lab.cli("show", "clock")
    finally:
        lab.process.send_signal(signal.SIGCONT)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ipsec-agent: the lab does not answer: its process is stopped, or hangs\n"
    assert lab.cli("show", "clock").returncode == 0


def test_a_state_file_that_is_none_is_one_line(warm: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    shutil.copytree(warm / "mibs", state / "mibs")
    path = state / f"{CONFIG.stem}.ipsecf-3745a.engine.json"
    os.mkfifo(path)
    process = begin(state)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert output == f"{path}: cannot read the SNMP engine's identity: Not a regular file\n"


def test_a_receiver_of_notifications_is_shown_with_its_counts(lab: Lab) -> None:
    wait_for(lambda: "type: trap" in lab.cli("show", "snmp", "host").stdout, "the trap hosts of the guide")
    counts = [line for line in lab.cli("show", "snmp", "host").stdout.splitlines() if line.startswith("queue: ")]
    assert counts
    assert all(line.endswith(" 0 dropped") for line in counts)
