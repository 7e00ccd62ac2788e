"""Log-ins to the CLI by a RADIUS server, with OpenSSH's client and FreeRADIUS."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.freeradius import FreeRadius, RadiusUser
from tests.ssh_lab import ADMIN, ENABLE, HUB, SshLab, ssh_lab

PASSWORD, CODE = "by-radius", "1234"
USERS = (
    RadiusUser("root15", PASSWORD, reply=('Cisco-AVPair = "shell:priv-lvl=15"',)),
    RadiusUser("reader", PASSWORD, reply=("Service-Type = NAS-Prompt-User",)),
    RadiusUser("token", PASSWORD, reply=('Cisco-AVPair = "shell:priv-lvl=15"',), challenge="Code: ", answer=CODE),
    RadiusUser("$enab15$", "up-by-radius"),
)
LINES = """\
aaa new-model
aaa authentication login default group radius local
aaa authorization exec default group radius local
aaa authentication enable default group radius enable
radius-server timeout 1
radius-server retransmit 0
"""
# What ssh runs to ask the user: with the question as its argument.
ASKPASS = """\
#!/bin/sh
echo "$1" >> "{asked}"
case "$1" in *Code:*) echo "$SSH_CODE";; *) echo "$SSH_PASSWORD";; esac
"""


@dataclass(frozen=True)
class Doors:
    """A lab whose routers ask a server, and that server."""

    lab: SshLab
    server: FreeRadius
    folder: Path

    def ssh(self, user: str, password: str, *words: str, code: str = CODE, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """OpenSSH's client, whose user answers each question once."""
        options = {
            "StrictHostKeyChecking": "accept-new",
            "UserKnownHostsFile": str(self.folder / "known_hosts"),
            "PubkeyAuthentication": "no",
            "NumberOfPasswordPrompts": "1",
        }
        command = ["ssh", "-F", "none", "-p", str(self.lab.ssh[HUB])]
        for name, value in options.items():
            command += ["-o", f"{name}={value}"]
        asks = {"SSH_ASKPASS": str(self.folder / "askpass"), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ""}
        environment = {**os.environ, **asks, "SSH_PASSWORD": password, "SSH_CODE": code}
        return subprocess.run(
            [*command, f"{user}@127.0.0.1", *words], input=stdin, capture_output=True, text=True, timeout=60, env=environment
        )

    def privilege(self, user: str, password: str, code: str = CODE) -> str:
        """What the session says of its privilege level; why there is none."""
        done = self.ssh(user, password, "show privilege", code=code)
        return (done.stdout or done.stderr).strip().splitlines()[-1]


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory, mibs: Path) -> Iterator[Doors]:
    folder = tmp_path_factory.mktemp("doors")
    askpass = folder / "askpass"
    askpass.write_text(ASKPASS.format(asked=folder / "asked"))
    askpass.chmod(0o700)
    server = FreeRadius(folder / "radius", USERS)
    server.start()
    try:
        with ssh_lab(sys.executable, folder / "lab", mibs, f"{LINES}{server.ios()}\n") as lab:
            yield Doors(lab, server, folder)
    finally:
        server.stop()


LEVEL_15, LEVEL_1 = "Current privilege level is 15", "Current privilege level is 1"


@pytest.mark.parametrize(("user", "level"), [("root15", LEVEL_15), ("reader", LEVEL_1), ("token", LEVEL_15)])
def test_a_user_of_the_server_logs_in(doors: Doors, user: str, level: str) -> None:
    assert doors.privilege(user, PASSWORD) == level


def test_what_the_server_is_told(doors: Doors) -> None:
    doors.ssh("reader", PASSWORD, "show clock")
    request = doors.server.accesses()[-1]
    assert (request["User-Name"], request["User-Password"]) == ("reader", PASSWORD)
    assert (request["NAS-Port-Type"], request["Calling-Station-Id"]) == ("Virtual", "127.0.0.1")
    assert request["NAS-Port-Id"] == f"tty{request['NAS-Port']}"
    assert "Message-Authenticator" in request
    assert "NAS-IP-Address" in request


@pytest.mark.parametrize(
    ("user", "password", "code"),
    [("root15", "wrong", CODE), ("token", PASSWORD, "9999"), ("token", "wrong", CODE), (*ADMIN, CODE)],
)
def test_a_refusal_of_the_server_counts(doors: Doors, user: str, password: str, code: str) -> None:
    """Also of a local user: a refusal is an answer."""
    done = doors.ssh(user, password, "show privilege", code=code)
    assert done.returncode == 255
    assert "Permission denied" in done.stderr or "Too many authentication failures" in done.stderr


def test_the_challenge_is_asked_of_the_user(doors: Doors) -> None:
    (doors.folder / "asked").unlink(missing_ok=True)
    doors.ssh("token", PASSWORD, "show clock")
    first, second = (doors.folder / "asked").read_text().splitlines()
    assert "Password:" in first
    assert "Code:" in second


def test_enable_is_asked_of_the_server(doors: Doors) -> None:
    raised = doors.ssh("reader", PASSWORD, stdin="enable\nup-by-radius\nshow privilege\n").stdout
    assert LEVEL_15 in raised
    refused = doors.ssh("reader", PASSWORD, stdin=f"enable\n{ENABLE}\nshow privilege\n").stdout
    assert "% Error in authentication." in refused
    assert LEVEL_1 in refused


def test_the_server_is_tested_from_the_cli(doors: Doors) -> None:
    test = doors.ssh("root15", PASSWORD, f"test aaa group radius reader {PASSWORD} legacy").stdout
    assert "User was successfully authenticated." in test
    shown = doors.ssh("root15", PASSWORD, f"test aaa group radius root15 {PASSWORD} new-code").stdout.splitlines()
    assert shown[-2:] == ['username             0   "root15"', "priv-lvl             0   15 (0xF)"]


def test_local_users_log_in_while_the_server_is_away(doors: Doors) -> None:
    doors.server.stop()
    try:
        assert doors.privilege(*ADMIN) == LEVEL_15
        assert doors.ssh("root15", PASSWORD, "show privilege").returncode == 255
    finally:
        doors.server.start()
    assert doors.privilege("root15", PASSWORD) == LEVEL_15
