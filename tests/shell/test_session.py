"""Modes, prompts, errors with their carets, `do`, `enable`: one session against a fake router."""

from __future__ import annotations

import asyncio

import pytest

from agent.base.lines import TOO_LONG
from agent.base.origin import CONSOLE
from agent.config.events import HistorySizeSet, HostnameSet
from agent.shell.lines import LineState
from agent.shell.session import Session
from agent.shell.terminal import Collected
from tests.shell.fakes import COMMANDS, CONFIG, Console, make_router

INVALID = "^\n% Invalid input detected at '^' marker.\n\n"


def test_a_session_starts_in_privileged_exec() -> None:
    console = Console()
    assert console.session.prompt == "far#"
    assert console.type("disable") == ""
    assert console.session.prompt == "far>"


def test_configure_mode_and_its_sub_modes_show_in_the_prompt() -> None:
    console = Console()
    assert console.type("configure terminal") == "Enter configuration commands, one per line.  End with CNTL/Z.\n"
    assert console.session.prompt == "far(config)#"
    console.type("interface Loopback1")
    assert console.session.prompt == "far(config-if)#"
    console.type("exit")
    assert console.session.prompt == "far(config)#"
    console.type("interface Loopback1", "end")
    assert console.session.prompt == "far#"


def test_control_z_carries_out_what_is_before_it_and_leaves_configure_mode() -> None:
    console = Console()
    console.type("configure terminal", "interface Loopback1", "description uplink\x1a")
    assert console.session.prompt == "far#"
    assert " description uplink\n" in console.type("show running-config")
    assert console.type("disable\x1a") == ""
    assert console.session.prompt == "far#"


def test_configure_alone_asks_from_where() -> None:
    console = Console(answers=["", "memory"])
    assert console.type("configure").startswith("Configuring from terminal, memory, or network [terminal]? \nEnter conf")
    assert console.session.prompt == "far(config)#"
    console.type("end")
    assert console.result("configure").failed
    assert console.session.prompt == "far#"


def test_events_of_configuration_lines_go_to_their_door_once_the_document_has_changed() -> None:
    console = Console()
    console.type("conf t", "crypto mib ipsec flowmib history tunnel size 130", "hostname near")
    assert console.events == [HistorySizeSet(False, 130, origin=CONSOLE), HostnameSet("near", origin=CONSOLE)]
    assert console.session.prompt == "near(config)#"


def test_a_refused_configuration_line_has_no_events() -> None:
    console = Console()
    console.type("conf t")
    before = list(console.events)
    assert console.type("crypto mib ipsec flowmib history tunnel size") == "% Incomplete command.\n\n"
    assert console.events == before


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("bogus", 0),
        ("show bogus", 5),
        ("show crypto bogus sa", 12),
        ("  bogus", 2),
        ("ping 10.1.1.1 repeat 0", 21),
        ("clear logx", 6),
    ],
)
def test_the_caret_stands_under_the_word_as_typed_after_the_prompt(line: str, column: int) -> None:
    console = Console()
    result = console.result(line)
    assert result.error == " " * (len("far#") + column) + INVALID
    assert result.caret


def test_the_caret_in_configure_mode_counts_its_longer_prompt() -> None:
    console = Console()
    console.type("configure terminal", "interface Loopback1")
    assert console.result("bogus").error == " " * len("far(config-if)#") + INVALID
    assert console.result("do show bogus").error == " " * (len("far(config-if)#") + 8) + INVALID


def test_ambiguous_and_incomplete_lines_are_refused_as_ios_does() -> None:
    console = Console()
    assert console.type("e") == '% Ambiguous command:  "e"\n'
    assert console.type("show") == "% Incomplete command.\n\n"
    assert not console.result("show").caret


@pytest.mark.parametrize("typed", [True, False], ids=["typed", "pasted"])
@pytest.mark.parametrize(
    ("section", "lines"),
    [
        ((), ("i", "crypto i", "crypto isakmp k", "no i", "default i", "do sh i", "l", "snmp-server co")),
        (("interface Loopback1",), ("s", "d", "do c")),
    ],
    ids=["global", "interface"],
)
def test_each_ambiguous_line_of_configure_mode_is_named(section: tuple[str, ...], lines: tuple[str, ...], typed: bool) -> None:
    """Also after lines that were refused."""
    console = Console()
    console.type("configure terminal", *section)
    for line in lines:
        assert asyncio.run(console.session.execute(line, typed)).error == f'% Ambiguous command:  "{line}"\n'


def test_commands_may_be_abbreviated() -> None:
    console = Console()
    assert console.type("sh cry mib ips flow hist tun si") == "IPSec History Window Size: 200\n"
    assert console.type("config term").startswith("Enter configuration commands")


def test_what_is_not_there_is_refused_and_never_answered_emptily() -> None:
    console = Console()
    for line in ("show crypto ikev2 sa", "show ip bgp", "show platform", "archive config", "configure replace nvram:x"):
        assert console.result(line).error.endswith(INVALID), line


def test_blank_lines_and_comments_do_nothing() -> None:
    console = Console()
    assert console.type("", "   ", "! a comment") == ""


def test_do_carries_out_an_exec_command_and_stays_in_its_mode() -> None:
    console = Console()
    console.type("configure terminal", "interface Loopback1")
    assert console.type("do show crypto mib ipsec flowmib version") == "IPSec Flow MIB version: 1\n"
    assert "Success rate is 80 percent" in console.type("  do   ping 10.22.1.1")
    assert console.type("do show running-config | include ^hostname") == "hostname far\n"
    assert console.session.prompt == "far(config-if)#"


def test_exit_leaves() -> None:
    for word in ("exit", "logout", "quit"):
        console = Console()
        console.type("configure terminal", "exit")
        assert not console.session.closed
        console.type(word)
        assert console.session.closed


def test_user_exec_has_no_privileged_commands() -> None:
    console = Console(privileged=False)
    assert console.session.prompt == "far>"
    for line in ("configure terminal", "clear crypto session", "show running-config"):
        assert console.result(line).failed, line
    assert console.type("show clock").startswith("*")


def test_enable_wants_the_password_and_gives_three_attempts() -> None:
    console = Console(privileged=False)
    console.ready("wrong", "lab")
    assert console.type("enable") == "Password: \nPassword: \n"
    assert console.session.prompt == "far#"
    assert console.type("enable") == ""
    console.type("disable")
    console.ready("a", "b", "c", "lab")
    assert console.type("enable") == "Password: \n" * 3 + "% Bad passwords\n\n"
    assert console.session.prompt == "far>"


def test_the_secret_goes_before_the_password() -> None:
    console = Console(CONFIG + "enable secret 5 $1$28772684$iEwNOgGugqO9.bIz5sk8k/\n", privileged=False)
    console.ready("lab", "lab", "lab")
    assert "% Bad secrets" in console.type("enable")
    console.ready("hashcat")
    console.type("enable")
    assert console.session.prompt == "far#"


def test_without_a_password_a_console_is_let_in() -> None:
    console = Console("hostname far\n", privileged=False)
    assert console.type("enable") == ""
    assert console.session.prompt == "far#"


def test_log_in_sequences_of_clients_are_understood() -> None:
    console = Console()
    lines = ["terminal width 511", "terminal length 0", "enable", "term length 0", "term width 0", "config term"]
    lines += ["no logging console", "line console 0", "exec-timeout 0", "line vty 0 4", "exec-timeout 0", "end", "show version"]
    lines += ["show version | include operating mode"]
    for line in lines:
        assert not console.result(line).failed, line


def test_a_session_that_nobody_types_collects_its_output() -> None:
    terminal = Collected()
    session = Session(make_router(), terminal, COMMANDS, LineState(CONSOLE))
    asyncio.run(session.execute("ping 10.22.1.1"))
    assert terminal.text.endswith("round-trip min/avg/max = 4/4/4 ms\n")
    assert asyncio.run(session.execute("ping")).failed


# --- lines that are too long ---


def test_a_typed_line_of_more_than_254_characters_is_refused_whole() -> None:
    """IOS takes 254 characters on a line: a part of the line might be another command."""
    console = Console()
    assert console.result(f"show clock {' ' * 300}").error == f"{TOO_LONG}\n"
    console.type("configure terminal", "interface Loopback1")
    assert "% Line too long" in console.type(f"interface Loopback2 {' ' * 300}")
    assert "Invalid input" in console.result("  description x").error  # as all that stands under a refused line
    console.type(f"description {'a' * 200}")
    assert console.session.complete("description " * 30) == "description " * 30
    assert console.session.help_text("description " * 30) == f"{TOO_LONG}\n"


def test_the_text_of_a_banner_with_too_long_a_line_is_no_command() -> None:
    console = Console()
    console.type("configure terminal", f"banner motd ^{'a' * 300}", "hostname elsewhere")
    assert "% Line too long" in console.type("^")
    assert console.session.prompt == "far(config)#"


def test_help_describes_the_help_in_every_mode() -> None:
    console = Console()
    described = console.type("help")
    assert described.startswith("Help may be requested at any point in a command by entering\n")
    console.type("configure terminal", "interface Loopback1")
    assert console.type("help") == console.type("do help") == described
    assert console.session.prompt == "far(config-if)#"
