"""netmiko (`cisco_ios`) logs in by SSH, configures, reads and pings, as it does with a router."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from netmiko import ConnectHandler, NetmikoAuthenticationException, NetmikoTimeoutException

from agent.config.document import load
from agent.config.pattern import Argument, Group, Item, Keyword, parse_pattern
from agent.shell import commands
from tests.e2e.tools import ROOT, wait_for
from tests.ssh_lab import ADMIN, EMPTY, ENABLE, FAR, HUB, OPERATOR, SshLab, ssh_lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, mibs: Path) -> Iterator[SshLab]:
    with ssh_lab(sys.executable, tmp_path_factory.mktemp("lab"), mibs) as started:
        yield started


def connect(lab: SshLab, router: str, user: tuple[str, str] = ADMIN) -> Any:
    name, password = user
    where = {"host": "127.0.0.1", "port": lab.ssh[router], "device_type": "cisco_ios"}
    return ConnectHandler(**where, username=name, password=password, secret=ENABLE)


def test_a_wrong_password_is_refused(lab: SshLab) -> None:
    with pytest.raises(NetmikoAuthenticationException):
        connect(lab, HUB, (ADMIN[0], "wrong"))


def test_an_operator_enables(lab: SshLab) -> None:
    with connect(lab, HUB, OPERATOR) as client:
        assert client.find_prompt() == f"{HUB}>"
        assert not client.check_enable_mode()
        client.enable()
        assert client.find_prompt() == f"{HUB}#"
        client.exit_enable_mode()
        assert not client.check_enable_mode()


GOLDEN = ROOT / "tests" / "config" / "golden"
GUIDES = [
    ROOT / "examples" / f"{HUB}.cfg",
    ROOT / "examples" / f"{FAR}.cfg",
    *(GOLDEN / f"accounting-{which}-profile.cfg" for which in ("with", "without")),
    *(GOLDEN / f"default-{what}-{router}.cfg" for what in ("policies", "transforms") for router in ("RouterA", "RouterB")),
]


def typed(path: Path) -> list[str]:
    """The lines of a configuration as they are typed: without comments, and without what ends it or renames the router."""
    lines = [line.rstrip() for line in path.read_text().splitlines()]
    left_out = ("!", "#", "end", "hostname ", "Building", "Current")
    return [line for line in lines if line.strip() and not line.strip().startswith(left_out)]


@pytest.mark.parametrize(("path", "router"), list(zip(GUIDES, EMPTY, strict=True)), ids=[path.stem for path in GUIDES])
def test_a_configuration_of_the_guide_is_typed_line_by_line(lab: SshLab, path: Path, router: str) -> None:
    """The router then has each line that it has from the file, but those that IOS refuses and a file keeps."""
    with connect(lab, router) as client:
        output = client.send_config_set(typed(path), read_timeout=60)
        assert output.rstrip().endswith(f"{router}#")
        written = client.send_command("show running-config").splitlines()
    document = load(path.read_text())
    kept = {finding.text.strip() for finding in document.unknown}
    wanted = [line for line in document.render().splitlines() if line.strip() not in kept]
    ours = ("hostname ", "version ", "enable ", "end")
    assert [line for line in wanted if line not in written and not line.startswith(ours)] == []


def test_a_line_that_is_refused_is_found(lab: SshLab) -> None:
    with connect(lab, EMPTY[0]) as client, pytest.raises(Exception, match="Invalid input"):
        client.send_config_set(["crypto nothing"], error_pattern=r"% Invalid input")


def test_the_configuration_is_saved(lab: SshLab) -> None:
    with connect(lab, EMPTY[0]) as client:
        client.send_config_set(["snmp-server location by netmiko"])
        assert "[OK]" in client.save_config()
        assert "snmp-server location by netmiko" in client.send_command("show startup-config")


SAMPLES = {"address": "10.1.1.1", "interface": "Loopback1", "mask": "255.255.255.255"}


def example(items: tuple[Item, ...]) -> list[str]:
    """The words of the shortest command of a pattern."""
    words: list[str] = []
    for item in items:
        if isinstance(item, Keyword):
            words.append(item.text)
        elif isinstance(item, Argument):
            words.append(SAMPLES.get(item.type_name) or item.parameters.partition("-")[0] or "1")
        elif isinstance(item, Group) and item.least:
            words += example(item.options[0])
    return words


def show_commands() -> list[str]:
    """Each `show` command that there is, in its shortest form."""
    areas = [import_module(f"{commands.__name__}.{area.name}") for area in iter_modules(commands.__path__)]
    patterns = [command.pattern for area in areas for command in getattr(area, "COMMANDS", ())]
    return sorted(" ".join(example(parse_pattern(pattern))) for pattern in patterns if pattern.startswith("show "))


def test_each_show_command_is_read_to_its_end(lab: SshLab) -> None:
    shows = show_commands()
    assert "show version" in shows
    with connect(lab, HUB) as client:
        for command in shows:
            output = client.send_command(command, read_timeout=30)
            assert "% Invalid input" not in output, command
            assert "--More--" not in output, command
            assert "command broke" not in output, command
        assert client.find_prompt() == f"{HUB}#"


def test_paging_is_on_until_the_client_ends_it(lab: SshLab) -> None:
    """netmiko itself sends `terminal length 0`; here the pages are asked for again."""
    with connect(lab, HUB) as client:
        client.send_command("terminal length 10")
        page = client.send_command_timing("show running-config", strip_prompt=False)
        assert page.rstrip().endswith("--More--")
        assert client.send_command_timing("q", strip_prompt=False).endswith(f"{HUB}#")
        client.send_command("terminal length 0")
        assert client.send_command("show running-config").rstrip().endswith("end")


def test_the_dialogue_of_ping_is_answered(lab: SshLab) -> None:
    """The extended ping of the guide's third chapter."""
    answers = [
        ["ping", r"Protocol \[ip\]: "],
        ["", r"Target IP address: "],
        ["10.22.1.1", r"Repeat count \[5\]: "],
        ["", r"Datagram size \[100\]: "],
        ["", r"Timeout in seconds \[2\]: "],
        ["", r"Extended commands \[n\]: "],
        ["y", r"Source address or interface: "],
        ["10.20.1.1", r"Type of service \[0\]: "],
        ["", r"Set DF bit in IP header\? \[no\]: "],
        ["", r"Validate reply data\? \[no\]: "],
        ["", r"Data pattern \[0xABCD\]: "],
        ["", r"Loose, Strict, Record, Timestamp, Verbose\[none\]: "],
        ["", r"Sweep range of sizes \[n\]: "],
        ["", rf"{FAR}#"],
    ]
    with connect(lab, FAR) as client:
        output = client.send_multiline(answers, read_timeout=30)
        assert "Success rate is 80 percent (4/5)" in output


def test_a_router_is_saved_and_reloaded_and_comes_back(lab: SshLab) -> None:
    with connect(lab, FAR) as client:
        client.send_config_set(["interface Loopback77", "description by netmiko"])
        assert "[OK]" in client.save_config()
        client.send_config_set(["interface Loopback78"])
        asked = client.send_command_timing("reload", strip_prompt=False)
        assert "System configuration has been modified. Save? [yes/no]:" in asked
        assert "Proceed with reload? [confirm]" in client.send_command_timing("no", strip_prompt=False)
        client.write_channel("\n")
        wait_for(lambda: not client.is_alive(), "the session's end")

    def again() -> Any:
        with suppress(NetmikoTimeoutException, NetmikoAuthenticationException):
            return connect(lab, FAR)
        return None

    back: Any = wait_for(again, "the router's return")
    with back as client:
        interfaces = client.send_command("show ip interface brief")
        assert "Loopback77" in interfaces
        assert "Loopback78" not in interfaces
        assert "System returned to ROM by reload" in client.send_command("show version")
