"""What somebody new reads and types: the lab of their own in docs/lab.md, the hint at the start, the log, and odd ways to run."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import AGENT, ROOT, Lab, run_tool, wait_for
from tests.e2e.tools import until_ready

StartLab = Callable[..., Lab]


def written(page: str, name: str) -> str:
    """The indented lines that follow a file's name in a page of docs."""
    text = (ROOT / "docs" / page).read_text()
    found = re.search(rf"`{re.escape(name)}`:\n\n((?:    .*\n|\n)+)", text)
    assert found is not None, name
    return re.sub(r"^    ", "", found[1], flags=re.MULTILINE).strip() + "\n"


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    """The lab of docs/lab.md, in a folder of its own, with changed files and options."""
    running: list[Lab] = []

    def start(edit: dict[str, tuple[str, str]] | None = None, *options: str) -> Lab:
        for name in ("site1.cfg", "site2.cfg", "mine.toml"):
            text = written("lab.md", name)
            if edit and name in edit:
                text = text.replace(*edit[name])
            (tmp_path / name).write_text(re.sub(r"127\.0\.0\.1:116\d", "127.0.0.1:0", text))
        command = [*AGENT, "run", "mine.toml", "--state-dir", "state", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path, env=None)
        lab = Lab(tmp_path, process, {})
        running.append(lab)
        until_ready(process, lab.ports, lab.output)
        return lab

    yield start
    for lab in running:
        lab.process.send_signal(signal.SIGTERM)
        assert lab.process.wait(20) == 0


def said(lab: Lab, text: str) -> object:
    return wait_for(lambda: text in "".join(lab.output), f"{text!r} in the log:\n{''.join(lab.output)}")


def test_the_lab_of_ones_own_in_the_docs_has_a_tunnel(own_lab: Callable[..., Lab]) -> None:
    lab = own_lab(None, "--log-level", "info", "--strict")
    done = lab.cli("ping", "10.2.0.1", "source", "10.1.0.254", router="site1")
    assert "80 percent (4/5)" in done.stdout
    address = f"127.0.0.1:{lab.ports['site1']}"
    assert run_tool("snmpget", "-v2c", "-c", "public", "-OQv", address, "cipSecGlobalActiveTunnels.0") == "1\n"
    said(lab, "site1: IKE tunnel 1 with 192.0.2.2: up")
    said(lab, "site2: IPsec tunnel 1 with 192.0.2.1: up")
    lab.cli("clear", "crypto", "session", router="site1")
    said(lab, "site2: IPsec tunnel 1 with 192.0.2.1: down: ended by the peer")


def test_the_log_says_why_no_tunnel_comes_up(own_lab: Callable[..., Lab]) -> None:
    lab = own_lab({"site2.cfg": ("key secret", "key another")}, "--log-level", "info")
    lab.cli("ping", "10.2.0.1", "source", "10.1.0.254", "repeat", "1", router="site1")
    said(lab, "site2: IKE with 192.0.2.1: failed: the pre-shared keys differ (authentication failure)")


def test_a_refused_community_and_a_withheld_notification_are_told(own_lab: Callable[..., Lab]) -> None:
    lines = "snmp-server community public RO\naccess-list 10 permit 10.9.9.9\nsnmp-server community shut RO 10\n"
    lines += "snmp-server host 10.9.9.9 version 2c public\n"
    lab = own_lab({"site1.cfg": ("snmp-server community public RO\n", lines)}, "--log-level", "info")
    address = f"127.0.0.1:{lab.ports['site1']}"
    for community in ("shut", "nobody"):
        run_tool("snmpget", "-v2c", "-c", community, "-r0", "-t1", address, "sysName.0", check=False)
    said(lab, "site1: SNMPv2c from 127.0.0.1 with community shut: refused by access-list 10")
    said(lab, "with community nobody: no such community")
    lab.cli("ping", "10.2.0.1", "source", "10.1.0.254", "repeat", "2", router="site1")
    said(lab, "cikeTunnelStart to 10.9.9.9:162 is withheld: external_traffic is not set")


def test_lines_that_are_not_carried_out_are_told_at_the_start_and_refused_by_strict(
    own_lab: Callable[..., Lab], tmp_path: Path
) -> None:
    edit = {"site1.cfg": (" set transform-set ts\n", " set transform-set tss\n tunnel protction 1\n")}
    lab = own_lab(edit)
    output = "".join(lab.output)
    number = (tmp_path / "site1.cfg").read_text().split("\n").index(" tunnel protction 1") + 1
    kept = f"site1.cfg: 1 line not understood, 1 of them about IPsec (line {number}: tunnel protction 1)"
    assert kept in output
    warning = f"site1.cfg:{number - 1}: set transform-set tss: names transform set tss, which is not configured"
    assert warning in output
    (hint,) = re.findall(r"see (.+)", output)
    checked = subprocess.run(shlex.split(hint), cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0
    assert warning in checked.stdout.splitlines()
    strict = subprocess.run(
        [*AGENT, "run", "mine.toml", "--strict", "--state-dir", "other"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (strict.returncode, strict.stdout) == (1, "")
    assert strict.stderr == f"site1.cfg:{number}: tunnel protction 1: not understood\n"


def test_each_hint_is_a_command_that_runs_as_it_is_printed(own_lab: Callable[..., Lab], tmp_path: Path) -> None:
    lab = own_lab()
    hints = re.findall(r"^CLI: (.+)$", "".join(lab.output), re.MULTILINE)
    assert len(hints) == 2
    for name, hint in zip(("site1", "site2"), hints, strict=True):
        done = subprocess.run(f"{hint} show running-config", shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert f"\nhostname {name}\n" in done.stdout, done.stderr


def test_a_wrong_command_of_the_timeline_is_one_line_with_its_place(own_lab: Callable[..., Lab]) -> None:
    at = '\n[[at]]\ntime = "0s"\nrouter = "site1"\nrun = ["configure terminal", "hostname site1", "frobnicate"]\n\n[[host]]'
    lab = own_lab({"mine.toml": ("\n[[host]]", at)})
    said(lab, "mine.toml: at[0].run[2]: site1(config)#frobnicate: % Invalid input detected at '^' marker.\n")


def test_the_failure_notifications_are_enabled_as_the_page_says(start_lab: StartLab) -> None:
    lab = start_lab()
    lines = re.findall(r"^    (snmpset .+)$", (ROOT / "docs" / "failures.md").read_text(), re.MULTILINE)
    assert len(lines) == 4
    for line in lines:
        shown = run_tool(*shlex.split(line.replace("127.0.0.1:1161", lab.hub)))
        assert shown.count("enabled") == line.count(" i enabled")
    for community in ("abc1", "abc2", "global1"):
        assert run_tool("snmpget", "-v2c", "-c", community, "-OQv", lab.hub, "cipSecTrapCntlIkeProtocolFail.0") == "enabled\n"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line.replace("ipsec-agent", shlex.join(AGENT))],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_without_words_there_is_the_help_and_the_version_is_told() -> None:
    done = shell("ipsec-agent")
    assert (done.returncode, done.stderr) == (0, "")
    assert "run a lab" in done.stdout
    assert re.fullmatch(r"ipsec-agent \d+\.\d+\.\d+\n", shell("ipsec-agent --version").stdout)


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path) -> None:
    for line in (
        f"ipsec-agent mibs compile --state-dir {tmp_path} | head -n 1",
        "ipsec-agent config check examples/hub.cfg | true",
    ):
        done = shell(line)
        assert (done.returncode, done.stderr) == (0, ""), line


def test_a_configuration_and_a_lab_file_in_each_others_place_are_told() -> None:
    done = shell("ipsec-agent run examples/hub.cfg")
    right = "is no lab file (TOML), but a configuration: run it with --config examples/hub.cfg"
    assert (done.returncode, done.stderr) == (1, f"examples/hub.cfg: {right}\n")
    done = shell("ipsec-agent run --config examples/two-vrf-hub.toml")
    assert done.returncode == 1
    assert re.fullmatch(
        r"examples/two-vrf-hub\.toml: needs an IOS configuration: .*; a lab file is run without --config\n", done.stderr
    )
