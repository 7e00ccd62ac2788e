"""The lab file: what it may say, and that an error names its key and what would be right."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from agent.base.clock import RealClock, VirtualClock
from agent.base.runner import VirtualRunner
from agent.config.errors import ConfigErrors
from agent.lab.lab import LabRouter, open_lab, open_router
from agent.lab.labfile.reading import LabFileError, parse_lab_file
from agent.lab.labfile.sections import LinkFault, RouterFault
from agent.lab.timeline.faults import LINK_FAULTS, ROUTER_FAULTS

GOOD = """
external_traffic = true
seed = 7
date = 2026-07-01T12:00:00+02:00
[router.a]
config = "a.cfg"
snmp = ["127.0.0.1:1161", "[::1]:1161"]
sysdescr = "A router"
accounting_spool = 5000
radius_message_authenticator = false
sysobjectid = "1.3.6.1.4.1.9.1.436"
[router.b]
config = "b.cfg"
[[link]]
ends = ["a:FastEthernet0/0", "b:FastEthernet0/0"]
delay = "1.5ms"
jitter = "200us"
loss = 0.5
[[host]]
address = "10.1.1.9"
behind = "a:FastEthernet0/0"
[[traffic]]
source = "10.1.1.9"
destination = "b:FastEthernet0/0"
rate = 0.1
sizes = [100, 1400]
protocol = "icmp"
on = "1m"
off = "1m"
[[at]]
time = "2m"
router = "b"
run = "ping 10.1.1.1"
[[at]]
time = "3m"
link = "a:FastEthernet0/0"
corrupt = 0.1
"""


def test_a_good_file_says_what_it_says() -> None:
    lab = parse_lab_file(GOOD, "lab.toml")
    assert lab.router["a"].snmp == [("127.0.0.1", 1161), ("::1", 1161)]
    assert (lab.router["a"].accounting_spool, lab.router["b"].accounting_spool) == (5000, 100_000)
    assert (lab.router["a"].radius_message_authenticator, lab.router["b"].radius_message_authenticator) == (False, True)
    assert (lab.link[0].delay, lab.link[0].jitter, lab.link[0].loss) == (1500, 200, 0.5)
    assert lab.link[0].ends == [("a", "FastEthernet0/0"), ("b", "FastEthernet0/0")]
    assert lab.date == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert (lab.at[0].time, lab.seed, lab.external_traffic) == (120_000_000, 7, True)
    assert (lab.at[0].run, lab.at[1].quality) == (("ping 10.1.1.1",), {"corrupt": 0.1})
    assert (lab.traffic[0].interval, lab.traffic[0].destination) == (10_000_000, ("b", "FastEthernet0/0"))


@pytest.mark.parametrize(
    "run", ['run = ["configure terminal", "interface FastEthernet0/0", "shutdown"]', 'fault = "router off"', 'fault = "router on"']
)
def test_what_may_be_on_the_timeline_of_a_router(run: str) -> None:
    lab = parse_lab_file(GOOD.replace('run = "ping 10.1.1.1"', run), "lab.toml")
    assert (lab.at[0].run or (lab.at[0].fault,))[0] in run


def test_every_fault_that_the_file_may_name_is_one_that_happens() -> None:
    assert set(get_args(RouterFault)) == set(ROUTER_FAULTS)
    assert set(get_args(LinkFault)) == set(LINK_FAULTS)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ('config = "a.cfg"', 'confg = "a.cfg"', "lab.toml: router.a.config: is missing"),
        (
            "seed = 7",
            "sed = 7",
            "lab.toml: sed: is not a key; there are router, link, host, peer, traffic, at, spokes, external_traffic, seed",
        ),
        ("date = 2026-07-01T12:00:00+02:00", "date = 20260701", "lab.toml: date: needs a date and time without quotes, such as"),
        ("seed = 7", 'seed = "7"', "lab.toml: seed: needs a whole number"),
        ('"1.5ms"', '"1.5"', 'lab.toml: link[0].delay: needs a time with its unit, such as "2ms", "5s", "10m" or "1h"'),
        ('"1.5ms"', f'"{"9" * 400}d"', "lab.toml: link[0].delay: needs a time of at most 36500d"),
        ("date = 2026-07-01T12:00:00+02:00", "date = 9999-12-31", "lab.toml: date: needs a date from 1970 to 2499"),
        ('config = "a.cfg"', 'config = "a\\u0000.cfg"', "lab.toml: router.a.config: needs a path, which has no NUL in it"),
        ("[[at]]", "[router]\nc = 1\n[[at]]", "lab.toml: TOML: Cannot declare ('router',) twice"),
        ("loss = 0.5", "loss = 1.5", "lab.toml: link[0].loss: needs a number of at most 1"),
        ('"10.1.1.9"', '"10.1.1"', 'lab.toml: host[0].address: needs an IPv4 address, such as "10.1.1.1"'),
        ('behind = "a:', 'behind = "c:', "lab.toml: host[0].behind: names router c, which is not in the file; there are a, b"),
        ('router = "b"', 'router = "c"', "lab.toml: at[0].router: names router c, which is not in the file; there are a, b"),
        (
            "127.0.0.1:1161",
            "127.0.0.1",
            'lab.toml: router.a.snmp[0]: needs an address and port, such as "127.0.0.1:1161"',
        ),
        (
            '"1.3.6.1.4.1.9.1.436"',
            '"cisco"',
            "lab.toml: router.a.sysobjectid: needs an object identifier, such as",
        ),
        ("[[at]]", "[[ssh]]\nport = 1\n[[at]]", "lab.toml: ssh: is not a key; there are router, link"),
        ('snmp = ["', 'ssh = ["127.0.0.1"]\nsnmp = ["', "lab.toml: router.a.ssh[0]: needs an address and port, such as"),
        ("accounting_spool = 5000", "accounting_spool = 0", "lab.toml: router.a.accounting_spool: needs a number of at least 1"),
        ("rate = 0.1", "rate = 0.0", "lab.toml: traffic[0].rate: needs a number above 0"),
        ("rate = 0.1", 'rate = 1\nperiod = "1s"', "lab.toml: traffic[0]: needs one of rate (packets per second) and period"),
        ("rate = 0.1", 'period = "0s"', "lab.toml: traffic[0].period: needs a number above 0"),
        ("sizes = [100, 1400]", "sizes = []", "lab.toml: traffic[0].sizes: needs at least 1, not 0"),
        ("sizes = [100, 1400]", "sizes = [20]", "lab.toml: traffic[0].sizes[0]: needs a number of at least 28"),
        ('protocol = "icmp"', 'protocol = "tcp"', "lab.toml: traffic[0].protocol: needs 'udp' or 'icmp'"),
        ('on = "1m"', 'stop = "1m"\nstart = "2m"', "lab.toml: traffic[0]: needs both of on and off, or neither"),
        ('off = "1m"', 'off = "1m"\nstop = "0s"', "lab.toml: traffic[0]: needs a stop that is later than start"),
        ('source = "10.1.1.9"', 'source = "10.1.1.9.1"', "lab.toml: traffic[0].source: needs an IPv4 address, or a router and its"),
        (
            '"b:FastEthernet0/0"\nrate',
            '"c:FastEthernet0/0"\nrate',
            "lab.toml: traffic[0].destination: names router c, which is not",
        ),
        ('source = "10.1.1.9"', 'source = "a:Serial0/0"\nbehind = "a:Serial0/0"', "lab.toml: traffic[0]: needs behind only with"),
        ('run = "ping 10.1.1.1"', "run = 1", "lab.toml: at[0].run: needs a line of the CLI in quotes, or a list of them"),
        ('run = "ping 10.1.1.1"', "run = []", "lab.toml: at[0].run: needs a line of the CLI in quotes, or a list of them"),
        ('run = "ping 10.1.1.1"', "", "lab.toml: at[0]: needs one of run and fault with router"),
        (
            'run = "ping 10.1.1.1"',
            'fault = "fire"',
            "lab.toml: at[0].fault: needs 'router off', 'router on', 'crypto engine down', 'crypto engine up'",
        ),
        ('run = "ping 10.1.1.1"', 'fault = "link up"', "lab.toml: at[0]: needs a fault of a router: router off or router on"),
        ('run = "ping 10.1.1.1"', "loss = 0.5", "lab.toml: at[0]: needs link, not router, for loss"),
        ('router = "b"\nrun', 'link = "b:FastEthernet0/0"\nrun', "lab.toml: at[0]: needs router, not link, for run"),
        ('router = "b"\n', "", "lab.toml: at[0]: needs one of router and link"),
        ("corrupt = 0.1", "corrupt = 2.0", "lab.toml: at[1].corrupt: needs a number of at most 1"),
        (
            "corrupt = 0.1",
            "corrupted = 0.1",
            "lab.toml: at[1].corrupted: is not a key; there are time, router, link, run, fault, delay",
        ),
        (', "b:FastEthernet0/0"]', "]", "lab.toml: link[0].ends: needs at least 2, not 1"),
        ("seed = 7", "seed 7", "lab.toml: TOML: "),
        ("[::1]:1161", "::1:1161", "lab.toml: router.a.snmp[1]: needs an address and port"),
        (".436", ".4294967296", "lab.toml: router.a.sysobjectid: needs an object identifier"),
        ('"1.3.6', '"1.40.6', "lab.toml: router.a.sysobjectid: needs an object identifier"),
        ("[router.b]", '[router."../b"]', "lab.toml: router.../b: needs a name of letters, digits"),
        ("[router.b]", '[router."b\\nc\\u001b[2J"]', r"lab.toml: router.b\nc\x1b[2J: needs a name of letters, digits"),
        ('snmp = ["127.0.0.1:1161", "[::1]:1161"]', 'snmp = "127.0.0.1:1161"', "lab.toml: router.a.snmp: needs a list"),
    ],
)
def test_an_error_is_a_line_that_names_file_and_key(old: str, new: str, error: str) -> None:
    with pytest.raises(LabFileError) as raised:
        parse_lab_file(GOOD.replace(old, new), "lab.toml")
    assert any(line.startswith(error) for line in str(raised.value).splitlines())


def test_all_errors_are_told_at_once() -> None:
    with pytest.raises(LabFileError) as raised:
        parse_lab_file(GOOD.replace("loss = 0.5", "loss = 7.0").replace('"2m"', '"2"'), "lab.toml")
    assert len(str(raised.value).splitlines()) == 2


INTERFACE = "hostname {0}\ninterface FastEthernet0/0\n ip address 10.1.1.{1} 255.255.255.0\ninterface Serial0/0\n"


def write(folder: Path, lab: str = GOOD, **configs: str) -> Path:
    texts = {"a": INTERFACE.format("a", 1), "b": INTERFACE.format("b", 2), **configs}
    for name, text in texts.items():
        (folder / f"{name}.cfg").write_text(text)
    path = folder / "lab.toml"
    path.write_text(lab)
    return path


def test_a_lab_is_built_from_its_files(tmp_path: Path) -> None:
    clock = VirtualClock()
    lab = open_lab(write(tmp_path), clock)
    assert list(lab.routers) == ["a", "b"]
    assert lab.first.device.object_id == "1.3.6.1.4.1.9.1.436"
    assert lab.first.snmp == (("127.0.0.1", 1161), ("::1", 1161))
    assert lab.routers["b"].device.object_id == "0.0"
    ran: list[tuple[str, tuple[str, ...], int]] = []

    def run(router: LabRouter, lines: tuple[str, ...], key: str) -> None:
        ran.append((router.name, lines, clock.now()))

    lab.start(run)
    VirtualRunner(lab.scheduler, clock).advance(300_000_000)
    assert ran == [("b", ("ping 10.1.1.1",), 120_000_000)]


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ('"a.cfg"', '"no.cfg"', "router.a.config: no.cfg: there is no such file"),
        (
            "b:FastEthernet0/0",
            "b:FastEthernet0/9",
            "link[0].ends[1]: b has no interface FastEthernet0/9; there are FastEthernet0/0, Serial0/0",
        ),
        (
            'behind = "a:FastEthernet0/0"',
            'behind = "a:Serial0/0"',
            "host[0].behind: Serial0/0 has no address, and what is behind it needs one",
        ),
        (
            "[[host]]",
            '[[link]]\nends = ["a:FastEthernet0/0", "b:Serial0/0"]\n[[host]]',
            "link[1].ends[0]: FastEthernet0/0 is on another link already",
        ),
        (
            'ends = ["a:FastEthernet0/0", "b:FastEthernet0/0"]',
            'ends = ["a:FastEthernet0/0", "b:FastEthernet0/0", "b:Serial0/0"]',
            "link[0].ends: has more than two ends, which only Ethernet interfaces can share",
        ),
        ('source = "10.1.1.9"', 'source = "10.1.1.8"', "traffic[0].source: 10.1.1.8 names no host of the file"),
        ('source = "10.1.1.9"', 'source = "a:Serial0/0"', "traffic[0].source: Serial0/0 has no address"),
        (
            "[[traffic]]",
            '[[host]]\naddress = "10.1.1.9"\nbehind = "b:FastEthernet0/0"\n[[traffic]]',
            "traffic[0].source: 10.1.1.9 names several hosts: say which by behind",
        ),
        ('link = "a:FastEthernet0/0"', 'link = "a:Serial0/0"', "at[1].link: Serial0/0 is on no link"),
    ],
)
def test_what_the_files_do_not_bear_out_is_an_error(tmp_path: Path, old: str, new: str, error: str) -> None:
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(LabFileError) as raised:
        open_lab(path, VirtualClock())
    place, told = str(raised.value).split(": ", 1)
    assert told == error
    line = path.read_text().split("\n")[int(place.removeprefix(f"{path}:")) - 1]
    assert error.split(": ")[0].split(".")[-1].rstrip("]0123456789[") in line


def test_wrong_configurations_are_told_all_together(tmp_path: Path) -> None:
    wrong = "crypto isakmp policy 1\n lifetime 1\n"
    path = write(tmp_path, a=wrong, b=wrong)
    with pytest.raises(ConfigErrors) as raised:
        open_lab(path, VirtualClock())
    assert [line.partition(":")[0] for line in str(raised.value).splitlines()] == [str(tmp_path / "a.cfg"), str(tmp_path / "b.cfg")]


def test_a_lab_file_that_is_not_there_or_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors) as raised:
        open_lab(tmp_path / "no.toml", VirtualClock())
    assert str(raised.value) == f"{tmp_path / 'no.toml'}: there is no such file"
    (tmp_path / "latin.toml").write_bytes(b"[router.a]\n# Ren\xe9\n")
    with pytest.raises(ConfigErrors) as raised:
        open_lab(tmp_path / "latin.toml", VirtualClock())
    assert str(raised.value) == f"{tmp_path / 'latin.toml'}:2: needs text in UTF-8: octet 0xe9 is none"


@pytest.mark.parametrize(("hostname", "name"), [("solo", "solo"), ("../Zürich#1", "Z-rich-1"), ("###", "router")])
def test_one_router_makes_a_lab(tmp_path: Path, hostname: str, name: str) -> None:
    path = tmp_path / "x.cfg"
    path.write_text(INTERFACE.format(hostname, 1))
    lab = open_router(path, RealClock())
    assert list(lab.routers) == [name]
    assert lab.first.document.config.hostname == hostname
    assert lab.first.device.interface("FastEthernet0/0").oper_up  # type: ignore[union-attr]  # it is there


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("a = " + "[" * 100_000, "TOML: needs fewer lists or tables within each other"),
        ("a = " + "{a = " * 50_000, "TOML: needs fewer lists or tables within each other"),
        ("seed = " + "9" * 5000, "TOML: needs numbers of fewer digits"),
        (
            '[router.a]\nconfig = "a.cfg"\nsnmp = ["127.0.0.1:' + "9" * 5000 + '"]',
            'router.a.snmp[0]: needs an address and port, such as "127.0.0.1:1161" or "[::1]:1161"',
        ),
        (
            '[router.a]\nconfig = "a.cfg"\n[[at]]\ntime = "1s"\nrouter = "b\\nc"\nrun = "x"',
            r"at[0].router: names router b\nc, which is not in the file; there are a",
        ),
    ],
)
def test_what_python_cannot_take_and_control_characters_are_one_line(text: str, right: str) -> None:
    with pytest.raises(LabFileError) as caught:
        parse_lab_file(text, "lab.toml")
    assert str(caught.value) == f"lab.toml: {right}"
