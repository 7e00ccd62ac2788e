"""The CLI in a real terminal (tmux), at the socket and over the system's ssh: editing, help, completion, pages, interrupts."""

from __future__ import annotations

import runpy
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.tmux import Terminal, terminal
from tests.e2e.tools import AGENT, ROOT, wait_for
from tests.ssh_lab import ADMIN, HUB, SshLab, ssh_lab

EXEC, CONFIGURE = f"{HUB}#", f"{HUB}(config)#"
DOORS = ("socket", "ssh")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, mibs: Path, key: Path) -> Iterator[SshLab]:
    words = key.with_suffix(".pub").read_text().split()
    text = "\n".join(words[1][at : at + 72] for at in range(0, len(words[1]), 72))
    chain = f"ip ssh pubkey-chain\n username {ADMIN[0]}\n key-string\n{text}\nexit\n"
    with ssh_lab(sys.executable, tmp_path_factory.mktemp("lab"), mibs, chain) as started:
        yield started


def command(door: str, lab: SshLab, key: Path) -> list[str]:
    if door == "socket":
        return [*AGENT, "cli", "--state-dir", str(lab.folder / "state"), "--router", HUB]
    known = lab.folder / "known_hosts"
    options = ["-F", "none", "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=accept-new"]
    return ["ssh", *options, "-o", f"UserKnownHostsFile={known}", "-p", str(lab.ssh[HUB]), f"{ADMIN[0]}@127.0.0.1"]


@pytest.fixture(params=DOORS)
def screen(request: pytest.FixtureRequest, lab: SshLab, key: Path) -> Iterator[Terminal]:
    with tempfile.TemporaryDirectory(prefix="tmux") as folder, terminal(Path(folder), command(request.param, lab, key)) as opened:
        wait_for(lambda: opened.rows[-1] == EXEC, "the prompt")
        yield opened


def test_an_operator_types_a_session(screen: Terminal) -> None:
    screen.type("sh")
    screen.press("Tab")
    screen.shows(f"{EXEC}sh", f"{EXEC}show")
    screen.type("crypto mib ips")
    screen.press("Tab")
    screen.type("flowmib ver?")
    screen.shows(f"{EXEC}show crypto mib ipsec flowmib ver?", "version", "", f"{EXEC}show crypto mib ipsec flowmib ver")
    screen.press("C-a")
    screen.type("x")
    screen.shows(f"{EXEC}xshow crypto mib ipsec flowmib ver")
    assert screen.cursor[1] == len(EXEC) + 1
    screen.press("BSpace", "C-e", "Enter")
    screen.shows("IPSec Flow MIB version: 1", EXEC)
    screen.type("show bad words here")
    screen.press("C-w", "C-w")
    screen.type("clo")
    for _ in "bad clo":
        screen.press("Left")
    screen.press("C-d", "C-d", "C-d", "C-d")
    screen.shows(f"{EXEC}show clo")
    assert screen.cursor == (f"{EXEC}show clo", len(EXEC) + len("show "))
    screen.press("Right", "Left", "Enter")
    wait_for(lambda: screen.rows[-2].startswith("*") and screen.rows[-1] == EXEC, "the clock")
    screen.press("Up", "Up")
    screen.shows(f"{EXEC}show crypto mib ipsec flowmib ver")
    screen.press("Down", "C-c")
    screen.shows(f"{EXEC}show clo^C", EXEC)
    screen.line("configure terminal")
    screen.shows(CONFIGURE)
    screen.type("hostname nobody")
    screen.press("C-u")
    screen.type("interface Loopback9")
    screen.press("C-z")
    screen.shows(f"{CONFIGURE}interface Loopback9^Z", EXEC)
    screen.line("exit")
    wait_for(lambda: screen.status == "0", "the end of the session")


def test_pages_and_the_size_of_the_window(screen: Terminal) -> None:
    screen.line("show running-config")
    wait_for(lambda: screen.rows[-1] == " --More--", "a page")
    assert len(screen.rows) == 24
    first = screen.rows[-2]
    screen.press("Enter")
    wait_for(lambda: screen.rows[-3] == first and screen.rows[-1] == " --More--", "one line more")
    second = screen.rows[-2]
    screen.press("q")
    screen.shows(first, second, EXEC)
    screen.resize(60, 10)
    screen.line("show running-config")
    wait_for(lambda: len(screen.rows) == 10 and screen.rows[-1] == " --More--", "a page of the smaller window")
    screen.press("Space", "C-c")
    screen.shows(EXEC)
    long = f"show running-config | include x{'y' * 20}"
    screen.type(long)
    screen.shows(f"{EXEC}${long[10:]}")
    screen.press("C-a")
    screen.shows(f"{EXEC}{long[: 60 - len(EXEC) - 2]}$")


def test_control_c_ends_a_ping(screen: Terminal) -> None:
    screen.line("ping 172.31.255.254 timeout 60")
    wait_for(lambda: screen.rows[-1].startswith("Sending 5,"), "the ping")
    screen.press("C-c")
    screen.shows("Success rate is 0 percent (0/1)", EXEC)


def test_the_history_of_the_socket_is_kept_between_sessions(lab: SshLab, key: Path, tmp_path: Path) -> None:
    marker = "show clock | include kept"
    for last in (False, True):
        with tempfile.TemporaryDirectory(prefix="tmux") as folder, terminal(Path(folder), command("socket", lab, key)) as screen:
            screen.shows(EXEC)
            if last:
                screen.press("Up", "Up")
                screen.shows(f"{EXEC}{marker}")
            else:
                screen.line(marker)
                screen.shows(EXEC)
                screen.line("exit")
                wait_for(lambda: screen.status == "0", "the end of the session")


def test_the_recording_of_the_prompt_is_what_the_terminal_shows(lab: SshLab, key: Path) -> None:
    recorder = runpy.run_path(str(ROOT / "scripts" / "record_prompt.py"))
    size = (recorder["COLUMNS"], recorder["ROWS"])
    with tempfile.TemporaryDirectory(prefix="tmux") as folder, terminal(Path(folder), command("socket", lab, key), size) as screen:
        assert recorder["draw"](recorder["play"](screen)) == recorder["FILE"].read_text()
