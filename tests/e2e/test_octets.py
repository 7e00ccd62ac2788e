"""A configuration whose octets are not UTF-8: what was read goes out again octet by octet, by SNMP and in the CLI."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.base.text import octets_of, text_of
from tests.e2e.conftest import state_of
from tests.e2e.tools import AGENT, ROOT, run_tool, until_ready

RunConfig = Callable[[bytes], tuple[str, Path]]


@pytest.fixture
def run_config(tmp_path: Path, mibs: Path) -> Iterator[RunConfig]:
    """Runs one router's configuration; gives where it answers SNMP, and the state directory."""
    running: list[subprocess.Popen[str]] = []

    def start(octets: bytes) -> tuple[str, Path]:
        config, state = tmp_path / "router.cfg", state_of(tmp_path, mibs)
        config.write_bytes(octets)
        arguments = ["run", "--config", str(config), "--state-dir", str(state), "--listen", "127.0.0.1:0"]
        process = subprocess.Popen([*AGENT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
        running.append(process)
        ports: dict[str, int] = {}
        until_ready(process, ports, [])
        (port,) = ports.values()
        return f"127.0.0.1:{port}", state

    yield start
    for process in running:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def cli(state: Path, *words: str | bytes, stdin: bytes | None = None) -> bytes:
    done = subprocess.run(
        [*AGENT, "cli", "--state-dir", str(state), *words], input=stdin, capture_output=True, timeout=60, cwd=ROOT
    )
    assert done.stderr == b""
    return done.stdout


def asked(address: str, name: str, *credentials: bytes) -> bytes:
    """A value as net-snmp prints it, which leaves its octets alone."""
    return octets_of(run_tool("snmpget", *map(text_of, credentials), "-Oqv", address, name)).removesuffix(b"\n")


def test_latin_1_goes_out_as_it_came_in(run_config: RunConfig, tmp_path: Path) -> None:
    lines = (b"snmp-server community public RO", b"snmp-server location P\xe9cs", "snmp-server contact René".encode(), b"frob\xfc")
    address, state = run_config(b"\n".join(lines) + b"\n")
    assert asked(address, "sysLocation.0", b"-v2c", b"-cpublic") == b"P\xe9cs"
    assert asked(address, "sysContact.0", b"-v2c", b"-cpublic") == "René".encode()
    shown = cli(state, "show", "running-config")
    assert set(lines) <= set(shown.split(b"\n"))
    checked = subprocess.run([*AGENT, "config", "check", str(tmp_path / "router.cfg")], capture_output=True, timeout=60, cwd=ROOT)
    assert checked.stdout.startswith(b"%s:4: frob\xfc: not understood\n" % bytes(tmp_path / "router.cfg"))

    transcript = cli(state, stdin=b"configure terminal\nsnmp-server location K\xf6ln\nend\n")
    assert b"(config)#snmp-server location K\xf6ln\n" in transcript
    assert asked(address, "sysLocation.0", b"-v2c", b"-cpublic") == b"K\xf6ln"


def test_names_and_secrets_are_octets_too(run_config: RunConfig) -> None:
    address, _ = run_config(
        b"ip vrf red\n context c\xe9\nsnmp-server context c\xe9\n"
        b"snmp-server community s\xe9cret RO\nsnmp-server community inside RO\n"
        b"snmp mib community-map inside context c\xe9\nsnmp-server group g v3 auth\nsnmp-server group g v3 auth context c\xe9\n"
        b"snmp-server user u\xe9 g v3 auth md5 m\xf6t-de-passe\n"
    )
    assert asked(address, "sysName.0", b"-v2c", b"-cs\xe9cret") == b"Router"
    assert asked(address, "sysName.0", b"-v2c", b"-cinside") == b"Router"
    user = (b"-v3", b"-lauthNoPriv", b"-aMD5", b"-uu\xe9", b"-Am\xf6t-de-passe", b"-nc\xe9")
    assert asked(address, "sysName.0", *user) == b"Router"
