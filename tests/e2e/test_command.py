"""The command as an operator meets it: its errors, its end, its restart, and each of its ways to run."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import AGENT, ROOT, Lab, run_tool, wait_for

StartLab = Callable[..., Lab]
HUB = "ipsecf-3745b"


def agent(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """`ipsec-agent` with arguments that make it end by itself."""
    return subprocess.run(
        [*AGENT, *map(str, arguments)], capture_output=True, text=True, timeout=60, cwd=ROOT, stdin=subprocess.DEVNULL
    )


def refused(*arguments: str | Path) -> list[str]:
    """The lines on stderr of a command that must end with 1, say nothing else, and show no traceback."""
    done = agent(*arguments)
    assert (done.returncode, done.stdout) == (1, ""), (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()


def ports_of(lab: Lab, pattern: str) -> list[int]:
    return [int(port) for port in re.findall(pattern, "".join(lab.output))]


# --- errors ---


def test_every_wrong_line_of_a_configuration_is_told_with_file_and_number(tmp_path: Path) -> None:
    path = tmp_path / "bad.cfg"
    path.write_text("hostname bad\ncrypto isakmp policy 10\n lifetime 5\nfrobnicate\nsnmp-server packetsize 9\n")
    wrong = [
        f"{path}:3: lifetime 5: needs a number from 60 to 86400",
        f"{path}:5: snmp-server packetsize 9: needs a number from 484 to 17892",
    ]
    assert refused("run", "--config", path, "--state-dir", tmp_path / "state") == wrong

    checked = agent("config", "check", path)
    assert (checked.returncode, checked.stderr) == (1, "")
    assert checked.stdout.splitlines() == [
        *wrong,
        f"{path}:4: frobnicate: not understood",
        f"{path}: 2 lines wrong, 1 line not understood",
    ]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("run lab.toml --listen nowhere", "nowhere: is not an address and port"),
        ("run --nope lab.toml", "--nope"),
        ("config check", "FILE"),
        ("fly", "'fly'"),
        ("run lab.toml --speed 1e300", "a number above 0, at most 100000"),
        ("run lab.toml --clock virtual --until 99999999999d", "--until 99999999999d: is not a time of at most"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_one_line(arguments: str, word: str) -> None:
    done = agent(*arguments.split())
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert word in line


def test_a_configuration_that_is_only_not_understood_passes_the_check(tmp_path: Path) -> None:
    path = tmp_path / "odd.cfg"
    path.write_text("hostname odd\nfrobnicate\n")
    checked = agent("config", "check", path)
    told = f"{path}:2: frobnicate: not understood\n{path}: 1 line not understood\n"
    assert (checked.returncode, checked.stdout) == (0, told)
    assert agent("config", "check", "--strict", path).returncode == 1


def test_every_wrong_key_of_a_lab_file_is_told_with_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('[router.a]\nconfg = "a.cfg"\nsnmp = ["127.0.0.1"]\n')
    assert refused("run", path, "--state-dir", tmp_path / "state") == [
        f"{path}:1: router.a.config: is missing",
        f'{path}:3: router.a.snmp[0]: needs an address and port, such as "127.0.0.1:1161" or "[::1]:1161"',
        f"{path}:2: router.a.confg: is not a key; there are config, snmp, ssh, dynamic_author, ike, nat, sysdescr, sysobjectid, "
        "accounting_spool, radius_message_authenticator, trustpoint",
    ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "no.cfg"
    (line,) = refused("run", "--config", missing)
    assert line == f"{missing}: there is no such file"
    (line,) = refused("config", "check", missing)
    assert line == f"{missing}: there is no such file"
    (line,) = refused("run", missing)
    assert line == f"{missing}: there is no such file"


def test_a_port_in_use_and_a_state_directory_that_is_none_are_one_line(tmp_path: Path) -> None:
    config = ROOT / "examples" / "ipsecf-3745a.cfg"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        (line,) = refused("run", "--config", config, "--state-dir", tmp_path / "state", "--listen", address)
    advice = "name another with --listen HOST:PORT, or with snmp in the lab file"
    assert line == f"{address}: cannot listen for SNMP there: Address already in use: another program has it; {advice}"
    assert not list((tmp_path / "state").glob("*.cli"))

    (line,) = refused("run", "--config", config, "--state-dir", config)
    assert line.startswith(str(config))


def test_a_cli_without_a_lab_says_where_it_looked(tmp_path: Path) -> None:
    (line,) = refused("cli", "--state-dir", tmp_path, "show", "clock")
    assert str(tmp_path) in line


# --- its end, and its restart ---


def contents(octets: bytes) -> list[bytes]:
    """The contents of the BER elements that octets are made of."""
    found = []
    while octets:
        length, start = octets[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(octets[2:start], "big")
        found.append(octets[start : start + length])
        octets = octets[start + length :]
    return found


def discovered(port: int) -> tuple[bytes, int]:
    """Engine ID and boots, as an engine tells them who has never heard of it (RFC 3414 §4)."""

    def tlv(tag: int, *parts: bytes) -> bytes:
        content = b"".join(parts)
        return bytes((tag, len(content))) + content

    def integer(value: int) -> bytes:
        return tlv(0x02, value.to_bytes(2, "big"))

    none = tlv(0x04)
    header = tlv(0x30, integer(1), integer(1500), tlv(0x04, b"\x04"), integer(3))
    security = tlv(0x04, tlv(0x30, none, integer(0), integer(0), none, none, none))
    scoped = tlv(0x30, none, none, tlv(0xA0, integer(1), integer(0), integer(0), tlv(0x30)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.sendto(tlv(0x30, integer(3), header, security, scoped), ("127.0.0.1", port))
        (message,) = contents(client.recv(2048))
    (parameters,) = contents(contents(message)[2])
    engine, boots = contents(parameters)[:2]
    return engine, int.from_bytes(boots, "big")


def test_a_restart_keeps_the_engine_and_counts_its_boots(start_lab: StartLab, tmp_path: Path) -> None:
    seen = []
    for number in (signal.SIGTERM, signal.SIGINT):
        lab = start_lab(options=["--state-dir", str(tmp_path / "kept")])
        seen.append(discovered(lab.ports[HUB]))
        lab.process.send_signal(number)
        assert lab.process.wait(20) == 0
        assert not list((tmp_path / "kept").glob("*.cli"))
    (engine, boots), (same, more) = seen
    assert (same, more) == (engine, boots + 1)
    assert len(engine) in range(5, 33)


def test_a_lab_ends_at_once_under_a_ping(start_lab: StartLab) -> None:
    lab = start_lab()
    command = [*AGENT, "cli", "--state-dir", str(lab.folder / "state"), "ping", "10.99.9.9", "repeat", "1000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as client:
        assert client.stdout is not None
        client.stdout.readline()
        lab.process.send_signal(signal.SIGTERM)
        assert lab.process.wait(20) == 0
        _, errors = client.communicate(timeout=20)
    assert (client.returncode, errors) == (1, "ipsec-agent: the lab has ended, or the router has restarted\n")


def test_a_lab_ends_at_once_while_a_virtual_clock_is_on_its_way(tmp_path: Path) -> None:
    (tmp_path / "r.cfg").write_text("hostname r\ninterface FastEthernet0/0\n ip address 10.1.1.1 255.255.255.0\n")
    (tmp_path / "long.toml").write_text(
        '[router.r]\nconfig = "r.cfg"\n'
        '[[at]]\ntime = "1s"\nrouter = "r"\nrun = "show clock"\n'
        '[[traffic]]\nsource = "r:FastEthernet0/0"\ndestination = "10.1.1.9"\nperiod = "1ms"\n'
    )
    options = ["--clock", "virtual", "--until", "10000d", "--log-level", "info", "--state-dir", str(tmp_path / "state")]
    command = [*AGENT, "run", str(tmp_path / "long.toml"), "--listen", "127.0.0.1:0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT) as running:
        assert running.stdout is not None
        next(line for line in running.stdout if "UTC" in line)  # what the timeline's command prints: the clock moves
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0
        assert "ready" not in running.stdout.read()


# --- its ways to run ---


def test_one_configuration_is_a_lab_and_its_own_running_config_again(start_lab: StartLab, tmp_path: Path) -> None:
    lab = start_lab()
    shown = lab.cli("show", "running-config").stdout
    config = tmp_path / "again.cfg"
    config.write_text(shown[shown.index("!") :])
    state = str(tmp_path / "again")
    arguments = ["run", "--config", str(config), "--state-dir", state, "--listen", "127.0.0.1:0", "--listen", "[::1]:0"]
    again = subprocess.Popen([*AGENT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    try:
        assert again.stdout is not None
        alone = Lab(tmp_path, again, {}, [])
        for line in again.stdout:
            alone.output.append(line)
            if line == "ready\n":
                break
        (four,), (six,) = ports_of(alone, r"127\.0\.0\.1:(\d+)"), ports_of(alone, r"\[::1\]:(\d+)")
        for address in (f"127.0.0.1:{four}", f"udp6:[::1]:{six}"):
            assert run_tool("snmpget", "-v2c", "-c", "global1", "-OQv", address, "sysName.0") == f"{HUB}\n"
        assert agent("cli", "--state-dir", state, "show", "running-config").stdout == shown
    finally:
        again.send_signal(signal.SIGTERM)
        assert again.wait(20) == 0
        again.stdout.close()


def test_a_virtual_clock_runs_to_its_moment_and_holds_still(start_lab: StartLab) -> None:
    lab = start_lab(options=["--clock", "virtual", "--until", "1h"])

    def uptime() -> int:
        return int(run_tool("snmpget", "-v2c", "-c", "global1", "-Oqvt", lab.hub, "sysUpTime.0"))

    assert (uptime(), uptime()) == (360_000, 360_000)
    assert "80 percent (4/5)" in lab.ping()  # a command moves it on, until it is done
    moved = uptime()
    assert moved > 360_000
    assert uptime() == moved


def test_the_timeline_happens_at_its_moments(start_lab: StartLab) -> None:
    at = '\n[[at]]\ntime = "30s"\nrouter = "ipsecf-3745a"\nrun = "ping 10.22.1.1 source 10.20.1.1"\n'
    at += '\n[[at]]\ntime = "60s"\nrouter = "ipsecf-3745b"\nrun = "clear crypto session"\n'
    options = ["--clock", "virtual", "--until", "90s"]
    lab = start_lab({"two-vrf-hub.toml": lambda text: text + at}, options)
    names = ("sysUpTime.0", "cipSecTunHistStartTime.1", "cipSecTunHistInPkts.1", "cipSecFailTime.1")
    shown = run_tool("snmpget", "-v2c", "-c", "abc1", "-OqvtU", lab.hub, *names).split()
    up, start, packets, failed = map(int, shown)
    assert (up, packets, failed) == (9000, 4, 6000)
    assert 3000 <= start < 3100


def test_lines_of_the_timeline_are_pasted_and_faults_are_seen(start_lab: StartLab) -> None:
    pasted = '["configure terminal", "interface Serial1/0.1", "shutdown", "do ping 10.22.1.1 repeat 1"]'
    at = f'\n[[at]]\ntime = "10s"\nrouter = "ipsecf-3745b"\nrun = {pasted}\n'
    at += '\n[[at]]\ntime = "20s"\nlink = "ipsecf-3745a:Serial1/2.2"\nfault = "link down"\n'
    lab = start_lab({"two-vrf-hub.toml": lambda text: text + at}, ["--clock", "virtual", "--until", "30s"])
    rows = run_tool("snmpbulkwalk", "-v2c", "-c", "global1", "-Oqv", lab.hub, "ifDescr").split("\n")
    status = dict(
        zip(rows, run_tool("snmpbulkwalk", "-v2c", "-c", "global1", "-Oqv", lab.hub, "ifOperStatus").split(), strict=False)
    )
    admin = dict(
        zip(rows, run_tool("snmpbulkwalk", "-v2c", "-c", "global1", "-Oqv", lab.hub, "ifAdminStatus").split(), strict=False)
    )
    assert (admin["Serial1/0.1"], status["Serial1/0.1"]) == ("down", "down")
    assert (admin["Serial1/2.2"], status["Serial1/2.2"]) == ("up", "down")
    assert status["Serial1/2.1"] == "up"


def test_modules_that_lack_an_object_are_named_at_the_start(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    text = (ROOT / "mibs" / "CISCO-IPSEC-MIB.mib").read_text()
    (old / "CISCO-IPSEC-MIB.mib").write_text(text.replace("cips3DesCapable", "cips3DesCapableOnce"))
    done = agent("run", ROOT / "examples" / "two-vrf-hub.toml", "--state-dir", tmp_path / "state", "--mib-source", old)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"the MIB modules do not define cips3DesCapable; .+\n", done.stderr)


def test_the_modules_are_compiled_once(tmp_path: Path) -> None:
    state = tmp_path / "state"
    first, second = (agent("mibs", "compile", "--state-dir", state) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0)
    module = "CISCO-IPSEC-FLOW-MONITOR-MIB"
    assert f"{module}: {ROOT / 'mibs' / module}.mib" in first.stdout.splitlines()
    cache = re.search(r"^compiled into (.+)$", first.stdout, re.MULTILINE)
    assert cache is not None
    assert Path(cache[1]).is_file()
    assert second.stdout.splitlines()[-1] == f"up to date in {cache[1]}"


# --- pasted into it ---

UNICON = """\
enable
term length 0
term width 0
show version
config term
no logging console
line console 0
exec-timeout 0
line vty 0 4
exec-timeout 0
end
show version | include operating mode
"""
NETMIKO = """\
terminal width 511
terminal length 0
enable
configure terminal
interface Serial1/2.1
description pasted
end
show running-config | include description
configure terminal
interface Serial1/2.1
no description
end
"""


def test_what_the_usual_clients_paste_is_accepted(start_lab: StartLab) -> None:
    lab = start_lab()
    done = lab.cli(stdin=UNICON + NETMIKO)
    assert (done.returncode, done.stderr) == (0, "")
    assert "%" not in done.stdout
    assert f"{HUB}(config-subif)#description pasted\n" in done.stdout
    assert "\n description pasted\n" in done.stdout
    # The one line of theirs that may be refused; what follows a refusal is still carried out.
    done = lab.cli(stdin="show install summary\nshow clock\n")
    assert "% Invalid input detected at '^' marker." in done.stdout
    assert re.search(r"\d\d:\d\d:\d\d\.\d{3} PST", done.stdout)


def test_a_cli_among_several_labs_lists_them(start_lab: StartLab, tmp_path: Path) -> None:
    state = tmp_path / "shared"
    lab = start_lab(options=["--state-dir", str(state)])
    config = ["--config", str(ROOT / "examples" / "ipsecf-3745a.cfg"), "--listen", "127.0.0.1:0", "--state-dir", str(state)]
    with subprocess.Popen([*AGENT, "run", *config], stdout=subprocess.DEVNULL, cwd=ROOT) as second:
        try:
            wait_for(lambda: len(list(state.glob("*.cli"))) == 2, "the second lab's socket")
            (line,) = refused("cli", "--state-dir", state, "show", "clock")
            assert "there are ipsecf-3745a, two-vrf-hub; name one with --lab" in line
            # Both have a router of that name: the hub's lab alone has the other.
            (line,) = refused("cli", "--state-dir", state, "--router", "ipsecf-3745a", "show", "clock")
            assert "there are ipsecf-3745a, two-vrf-hub; name one with --lab" in line
            assert agent("cli", "--state-dir", state, "--router", HUB, "show", "clock").returncode == 0
            for name in ("ipsecf-3745a", "two-vrf-hub"):
                named = agent("cli", "--state-dir", state, "--lab", name, "--router", "ipsecf-3745a", "show", "clock")
                assert named.returncode == 0
            (line,) = refused("cli", "--state-dir", state, "--lab", "no", "show", "clock")
            assert "no lab named no is running" in line
            (line,) = refused("run", lab.folder / "two-vrf-hub.toml", "--state-dir", state)
            assert "already running" in line
        finally:
            second.send_signal(signal.SIGTERM)
    assert second.returncode == 0
