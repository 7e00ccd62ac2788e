"""`write memory` and `reload` in the real process: what restarts, what goes on, and what the next run starts with."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import AGENT, ROOT, Lab, run_tool, wait_for
from tests.e2e.tools import until_ready
from tests.e2e.traps import TrapReceiver, sent_to, start_receiver

FILE = "ipsecf-3745b.cfg"
HUB, FAR = "ipsecf-3745b", "ipsecf-3745a"


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[TrapReceiver]:
    started = start_receiver(tmp_path)
    yield started
    started.stop()


@pytest.fixture
def lab(start_lab: Callable[..., Lab], receiver: TrapReceiver) -> Lab:
    edit = sent_to(global1=receiver.port)[FILE]
    return start_lab({FILE: lambda text: f"snmp-server enable traps snmp coldstart\n{edit(text)}"})


def boots(lab: Lab) -> int:
    """RFC 3411: snmpEngineBoots."""
    kept = json.loads((lab.folder / "state" / f"two-vrf-hub.{HUB}.engine.json").read_text())
    return int(kept["boots"])


def start_again(lab: Lab) -> list[str]:
    """What `run` prints when the lab is run again from the same files."""
    lab.process.send_signal(signal.SIGTERM)
    assert lab.process.wait(20) == 0
    command = [*AGENT, "run", str(lab.folder / "two-vrf-hub.toml"), "--state-dir", str(lab.folder / "state")]
    lab.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    lab.output.clear()
    until_ready(lab.process, lab.ports, lab.output)
    return lab.output


def hostname_of(lab: Lab) -> str:
    return lab.cli("show", "running-config", "|", "include", "^hostname").stdout


def test_one_router_restarts_and_the_rest_goes_on(lab: Lab, receiver: TrapReceiver) -> None:
    lab.ping()
    receiver.await_names("coldStart")
    before = boots(lab)
    with subprocess.Popen(
        [*AGENT, "cli", "--state-dir", str(lab.folder / "state"), "--router", FAR],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write("show clock\n")
        other.stdin.flush()
        assert "show clock" in other.stdout.readline()
        waiting = subprocess.Popen(
            [*AGENT, "cli", "--state-dir", str(lab.folder / "state"), "--router", HUB, "ping", "10.99.99.99", "repeat", "1000"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert waiting.stdout is not None
        waiting.stdout.readline()
        script = "configure terminal\nhostname saved\nend\nwrite memory\nreload\n\n"
        done = lab.cli(stdin=script, router=HUB)
        assert "Building configuration...\n[OK]\n" in done.stdout
        assert done.stdout.endswith("saved#reload\nProceed with reload? [confirm]\n")
        waiting.stdout.read()
        assert waiting.wait(20) == 1  # its session has ended
        other.stdin.write("show crypto isakmp sa\n")
        other.stdin.close()
        assert "QM_IDLE" in other.stdout.read()  # the peer has not been told

    receiver.await_names("coldStart", "coldStart")
    assert boots(lab) == before + 1
    up = run_tool("snmpget", "-Oqvt", "-v2c", "-c", "global1", lab.hub, "sysUpTime.0")
    assert int(receiver.traps[1].objects["sysUpTime.0"].split(":")[-1].split(".")[0]) <= 1
    assert int(up) < 6000
    assert run_tool("snmpget", "-Oqv", "-v2c", "-c", "abc1", lab.hub, "cikeGlobalInOctets.0").startswith("0")
    assert lab.cli("show", "crypto", "isakmp", "sa").stdout.count("QM_IDLE") == 0
    assert hostname_of(lab) == "hostname saved\n"
    assert lab.cli("clear", "crypto", "session", router=FAR).returncode == 0
    assert "Success rate is 80 percent" in lab.ping()


def test_the_next_run_starts_with_what_was_saved_until_the_labs_file_is_edited(lab: Lab) -> None:
    lab.cli(stdin="configure terminal\nhostname saved\nend\ncopy running-config startup-config\n\n", router=HUB)
    printed = start_again(lab)
    assert hostname_of(lab) == "hostname saved\n"
    assert [line for line in printed if "starts with the configuration that its CLI has saved" in line]
    config = lab.folder / FILE
    config.write_text(config.read_text().replace("hostname ipsecf-3745b", "hostname edited"))
    printed = start_again(lab)
    assert hostname_of(lab) == "hostname edited\n"
    assert [line for line in printed if f"{config} has been edited since" in line]
    lab.cli(stdin="write erase\n\nreload\nno\n\n", router=HUB)
    wait_for(lambda: hostname_of(lab) != "hostname edited\n", "an empty router")
    assert "startup-config is not present" in lab.cli("show", "startup-config", router=HUB).stderr
