"""The CLI by SSH of a running lab, with OpenSSH's client."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.e2e.tools import run_tool
from tests.ssh_lab import ADMIN, FAR, HUB, SshLab, ssh_lab


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key of `ssh-keygen`."""
    path = tmp_path_factory.mktemp("key") / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-C", "me@here", "-f", str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, mibs: Path, key: Path) -> Iterator[SshLab]:
    words = key.with_suffix(".pub").read_text().split()
    text = "\n".join(words[1][at : at + 72] for at in range(0, len(words[1]), 72))
    chain = f"ip ssh pubkey-chain\n username {ADMIN[0]}\n key-string\n{text}\nexit\n"
    with ssh_lab(sys.executable, tmp_path_factory.mktemp("lab"), mibs, chain) as started:
        yield started


def ssh(
    lab: SshLab, key: Path, *words: str, router: str = HUB, stdin: str = "", user: str = ADMIN[0], options: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """OpenSSH's client with a key, and nothing of the user's own set-up."""
    settings = {
        "BatchMode": "yes",
        "IdentitiesOnly": "yes",
        "StrictHostKeyChecking": "accept-new",
        "UserKnownHostsFile": str(lab.folder / "known_hosts"),
    }
    command = ["ssh", "-F", "none", "-i", str(key), "-p", str(lab.ssh[router])]
    for name, value in settings.items():
        command += ["-o", f"{name}={value}"]
    return subprocess.run(
        [*command, *options, f"{user}@127.0.0.1", *words], input=stdin, capture_output=True, text=True, timeout=60
    )


def test_a_command_is_answered(lab: SshLab, key: Path) -> None:
    done = ssh(lab, key, "show", "crypto", "isakmp", "policy")
    assert done.returncode == 0, done.stderr
    assert "Global IKE policy" in done.stdout


def test_a_refused_command_has_a_status(lab: SshLab, key: Path) -> None:
    done = ssh(lab, key, "show crypto nothing")
    assert done.returncode == 1
    assert "% Invalid input detected at '^' marker." in done.stdout


def test_a_ping_by_ssh_brings_up_a_tunnel(lab: SshLab, key: Path) -> None:
    done = ssh(lab, key, "ping 10.22.1.1 source 10.20.1.1 repeat 5", router=FAR)
    assert "Success rate is 80 percent (4/5)" in done.stdout
    hub = f"127.0.0.1:{lab.snmp[HUB]}"
    assert "= 400" in run_tool("snmpget", "-v2c", "-c", "abc1", "-OQt", hub, "cipSecGlobalInOctets.0")


def test_lines_of_a_pipe_are_carried_out(lab: SshLab, key: Path) -> None:
    lines = "configure terminal\ninterface Loopback7\ndescription by ssh\nend\nshow running-config | section Loopback7\n"
    shown = ssh(lab, key, stdin=lines).stdout
    assert f"{HUB}#configure terminal" in shown
    assert "interface Loopback7\n description by ssh\n" in shown
    assert "by admin on vty0 (127.0.0.1)" in ssh(lab, key, "show logging").stdout


def test_another_user_and_another_key_are_not_let_in(lab: SshLab, key: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    for refused in (ssh(lab, key, "show clock", user="op"), ssh(lab, other, "show clock")):
        assert refused.returncode == 255
        assert "Permission denied" in refused.stderr


def test_forwarding_is_refused(lab: SshLab, key: Path) -> None:
    done = ssh(lab, key, router=HUB, options=("-W", f"127.0.0.1:{lab.ssh[HUB]}"))
    assert done.returncode == 255
    assert "open failed" in done.stderr


def test_files_are_not_copied(lab: SshLab, key: Path, tmp_path: Path) -> None:
    options = ["-F", "none", "-i", str(key), "-P", str(lab.ssh[HUB]), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"]
    options += ["-o", f"UserKnownHostsFile={lab.folder / 'known_hosts'}", "-o", "StrictHostKeyChecking=accept-new"]
    for legacy in ([], ["-O"]):
        done = subprocess.run(
            ["scp", *legacy, *options, f"{ADMIN[0]}@127.0.0.1:running-config", str(tmp_path / "copy")],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode != 0
    assert not (tmp_path / "copy").exists()
