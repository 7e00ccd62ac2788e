"""What somebody new reads and types: the lab of their own in docs/lab.md, the hint at the start, the log, and odd ways to run."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import pytest

from agent.__main__ import main
from agent.shell.sockets import bind_socket
from tests.e2e.conftest import AGENT, ROOT, Lab, run_tool, state_of, wait_for
from tests.e2e.tools import until_ready

StartLab = Callable[..., Lab]


def written(page: str, name: str) -> str:
    """The indented lines that follow a file's name in a page of docs."""
    text = (ROOT / "docs" / page).read_text()
    found = re.search(rf"`{re.escape(name)}`:\n\n((?:    .*\n|\n)+)", text)
    assert found is not None, name
    return re.sub(r"^    ", "", found[1], flags=re.MULTILINE).strip() + "\n"


Edit = dict[str, tuple[str, str]]

LISTED = """\
snmp-server community public RO
access-list 10 permit 10.9.9.9
snmp-server community shut RO 10
snmp-server group g v3 noauth
snmp-server user ann g v3 access 10
snmp-server host 10.9.9.9 version 2c public
"""
AT = """
[[at]]
time = "0s"
router = "site1"
run = ["configure terminal", "hostname site1", "frobnicate"]

[[at]]
time = "0s"
router = "site2"
run = "frobnicate"

[[host]]"""


@contextmanager
def own_lab(folder: Path, mibs: Path, edit: Edit, *options: str) -> Iterator[Lab]:
    """The lab of docs/lab.md, in a folder of its own, with changed files and options."""
    for name in ("site1.cfg", "site2.cfg", "mine.toml"):
        text = written("lab.md", name)
        if name in edit:
            assert edit[name][0] in text
            text = text.replace(*edit[name])
        (folder / name).write_text(re.sub(r"127\.0\.0\.1:116\d", "127.0.0.1:0", text))
    state_of(folder, mibs)
    command = [*AGENT, "run", "mine.toml", "--state-dir", "state", "--log-level", "info", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder)
    lab = Lab(folder, process, {})
    until_ready(process, lab.ports, lab.output)
    yield lab
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, mibs: Path) -> Iterator[Lab]:
    """The lab of the docs with a few lines more: all of them are carried out."""
    edit = {"site1.cfg": ("snmp-server community public RO\n", LISTED), "mine.toml": ("\n[[host]]", AT)}
    with own_lab(tmp_path_factory.mktemp("own"), mibs, edit, "--strict") as started:
        yield started


@pytest.fixture(scope="module")
def broken_lab(tmp_path_factory: pytest.TempPathFactory, mibs: Path) -> Iterator[Lab]:
    """The same with lines that are not carried out at one site, and another key at the other."""
    edit = {
        "site1.cfg": (" set transform-set ts\n", " set transform-set tss\n tunnel protction 1\n"),
        "site2.cfg": ("key secret", "key another"),
    }
    with own_lab(tmp_path_factory.mktemp("broken"), mibs, edit) as started:
        yield started


def said(lab: Lab, text: str) -> object:
    return wait_for(lambda: text in "".join(lab.output), f"{text!r} in the log:\n{''.join(lab.output)}")


def printed(arguments: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit status, output and errors of `ipsec-agent`, run here: for what ends before it is a lab."""
    with chdir(folder):
        status = main(shlex.split(arguments))
    return status, *capfd.readouterr()


def test_the_lab_of_ones_own_in_the_docs_has_a_tunnel(lab: Lab) -> None:
    lab.cli("clear", "crypto", "session", router="site1")
    done = lab.cli("ping", "10.2.0.1", "source", "10.1.0.254", router="site1")
    assert "80 percent (4/5)" in done.stdout
    address = f"127.0.0.1:{lab.ports['site1']}"
    assert run_tool("snmpget", "-v2c", "-c", "public", "-OQv", address, "cipSecGlobalActiveTunnels.0") == "1\n"
    said(lab, "site1: IKE tunnel 1 with 192.0.2.2: up")
    said(lab, "site2: IPsec tunnel 1 with 192.0.2.1: up")
    lab.cli("clear", "crypto", "session", router="site1")
    said(lab, "site2: IPsec tunnel 1 with 192.0.2.1: down: ended by the peer")


def test_the_log_says_why_no_tunnel_comes_up(broken_lab: Lab) -> None:
    broken_lab.cli("ping", "10.1.0.254", "source", "10.2.0.254", "repeat", "1", router="site2")
    said(broken_lab, "site1: IKE with 192.0.2.2: failed: the pre-shared keys differ (authentication failure)")


def test_who_is_refused_and_what_is_withheld_is_told(lab: Lab) -> None:
    address = f"127.0.0.1:{lab.ports['site1']}"
    for community in ("shut", "nobody"):
        run_tool("snmpget", "-v2c", "-c", community, "-r0", "-t0.2", address, "sysName.0", check=False)
    said(lab, "site1: SNMPv2c from 127.0.0.1 with community shut: refused by access-list 10")
    said(lab, "with community nobody: no such community")
    run_tool("snmpget", "-v3", "-l", "noAuthNoPriv", "-u", "ann", "-r0", "-t0.2", address, "sysName.0", check=False)
    said(lab, "site1: SNMPv3 from 127.0.0.1 with user ann: refused by access-list 10")
    lab.cli("ping", "10.2.0.1", "source", "10.1.0.254", "repeat", "2", router="site1")
    said(lab, "cikeTunnelStart to 10.9.9.9:162 is withheld: external_traffic is not set")


def test_lines_that_are_not_carried_out_are_told_at_the_start_and_refused_by_strict(
    broken_lab: Lab, capfd: pytest.CaptureFixture[str]
) -> None:
    output, folder = "".join(broken_lab.output), broken_lab.folder
    number = (folder / "site1.cfg").read_text().split("\n").index(" tunnel protction 1") + 1
    kept = f"site1.cfg: 1 line not understood, 1 of them about IPsec (line {number}: tunnel protction 1)"
    assert kept in output
    warning = f"site1.cfg:{number - 1}: set transform-set tss: names transform set tss, which is not configured"
    assert warning in output
    (hint,) = re.findall(r"see (.+)", output)
    checked = subprocess.run(shlex.split(hint), cwd=folder, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0
    assert warning in checked.stdout.splitlines()
    not_understood = f"site1.cfg:{number}: tunnel protction 1: not understood\n"
    assert printed("run mine.toml --strict --state-dir other", folder, capfd) == (1, "", not_understood)
    status, output, _ = printed("config check --strict site1.cfg", folder, capfd)
    assert (status, not_understood.replace("\n", " (about IPsec)\n") in output) == (1, True)


def test_each_hint_is_a_command_that_runs_as_it_is_printed(lab: Lab) -> None:
    """Also where another lab with routers of these names runs in the same state directory."""
    hints = re.findall(r"^CLI: (.+)$", "".join(lab.output), re.MULTILINE)
    assert len(hints) == 2
    other, _ = bind_socket(lab.folder / "state", "other")
    with other:
        other.listen()
        for name, hint in zip(("site1", "site2"), hints, strict=True):
            line = f"{hint} show running-config"
            done = subprocess.run(line, shell=True, cwd=lab.folder, capture_output=True, text=True, timeout=60)
            assert f"\nhostname {name}\n" in done.stdout, done.stderr


def test_a_wrong_command_of_the_timeline_is_one_line_with_its_place(lab: Lab) -> None:
    said(lab, "mine.toml: at[0].run[2]: site1(config)#frobnicate: % Invalid input detected at '^' marker.\n")
    said(lab, "mine.toml: at[1].run: site2#frobnicate: % Invalid input detected at '^' marker.\n")


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


def test_without_words_there_is_the_help_and_the_version_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    status, output, errors = printed("", ROOT, capfd)
    assert (status, errors) == (0, "")
    assert "run a lab" in output
    with pytest.raises(SystemExit, match=r"^0$"):
        printed("--version", ROOT, capfd)
    assert re.fullmatch(r"ipsec-agent \d+\.\d+\.\d+\n", capfd.readouterr().out)


def test_a_reader_that_has_gone_is_no_error(mibs: Path, tmp_path: Path, lab: Lab) -> None:
    state = state_of(tmp_path, mibs)
    for line in (
        f"ipsec-agent mibs compile --state-dir {state} | head -n 1",
        "ipsec-agent config check examples/hub.cfg | true",
        f"ipsec-agent cli --state-dir {lab.folder}/state show running-config | true",
    ):
        done = shell(line)
        assert (done.returncode, done.stderr) == (0, ""), line


def test_a_configuration_and_a_lab_file_in_each_others_place_are_told(capfd: pytest.CaptureFixture[str]) -> None:
    right = "is no lab file (TOML), but a configuration: run it with --config examples/hub.cfg"
    assert printed("run examples/hub.cfg", ROOT, capfd) == (1, "", f"examples/hub.cfg: {right}\n")
    status, _, errors = printed("run --config examples/two-vrf-hub.toml", ROOT, capfd)
    assert status == 1
    assert re.fullmatch(r"examples/two-vrf-hub\.toml: needs an IOS configuration: .*; a lab file is run without --config\n", errors)
