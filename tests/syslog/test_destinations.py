"""Where messages go: buffer, console and monitoring terminals, each down to a severity (Cisco IOS, `logging …` commands)."""

from __future__ import annotations

import pytest

from agent.base.clock import SECOND
from agent.syslog.destinations import Status, Terminals
from agent.syslog.message import Severity, debug_line
from tests.syslog.world import LogWorld

QUIET = "no service timestamps\n"


def test_the_buffer_keeps_the_newest_messages_that_fit_in_its_octets() -> None:
    world = LogWorld(QUIET)
    for number in range(1000):
        world.say(f"message {number:03}")
    kept = world.buffered
    assert kept[-1] == "%SYS-5-CONFIG_I: message 999"
    assert len(kept) == 4096 // len("%SYS-5-CONFIG_I: message 999\n")
    assert world.log.status("buffered") == Status(Severity.DEBUGGING, 1000)


def test_another_size_begins_a_new_buffer() -> None:
    world = LogWorld(QUIET)
    world.say("before")
    world.type("logging buffered 10000 informational")
    assert world.buffered == [
        "%SYS-5-LOG_CONFIG_CHANGE: Buffer logging: level informational, xml disabled, filtering disabled, size (10000)"
    ]
    world.type("logging buffered warnings")
    assert world.log.buffer.size == 10000
    world.say("notice")
    assert not [line for line in world.buffered if "notice" in line]


def test_a_message_larger_than_the_buffer_is_not_kept() -> None:
    world = LogWorld(QUIET)
    world.say("x" * 5000)
    assert world.buffered == []


@pytest.mark.parametrize("line", ["no logging buffered", "no logging on"])
def test_a_buffer_that_is_off_gets_nothing(line: str) -> None:
    world = LogWorld(f"{QUIET}{line}\n")
    world.say()
    assert world.buffered == []


def test_each_kind_of_terminal_has_its_severity() -> None:
    world = LogWorld(f"{QUIET}logging console warnings\nlogging monitor 6\n")
    console: list[str] = []
    monitor: list[str] = []
    world.log.watch(Terminals.CONSOLE, console.append)
    watching = world.log.watch(Terminals.MONITOR, monitor.append)
    world.say("bad", Severity.ERRORS)
    world.say("fine", Severity.INFORMATIONAL)
    world.syslog.log(debug_line("detail"))
    watching.close()
    world.say("bad again", Severity.ERRORS)
    assert console == ["%SYS-3-CONFIG_I: bad", "%SYS-3-CONFIG_I: bad again"]
    assert monitor == ["%SYS-3-CONFIG_I: bad", "%SYS-6-CONFIG_I: fine"]
    assert world.log.status("console") == Status(Severity.WARNINGS, 2)
    assert world.log.status("monitor") == Status(Severity.INFORMATIONAL, 2)  # nobody watches any more


def test_without_logging_on_the_console_alone_gets_messages() -> None:
    world = LogWorld(f"{QUIET}no logging on\n")
    console: list[str] = []
    monitor: list[str] = []
    world.log.watch(Terminals.CONSOLE, console.append)
    world.log.watch(Terminals.MONITOR, monitor.append)
    world.say()
    assert (len(console), monitor, world.buffered) == (1, [], [])
    assert world.log.status("trap").logged == 0


def test_a_console_that_is_off_gets_nothing_until_it_is_on_again() -> None:
    world = LogWorld(f"{QUIET}no logging console\n")
    console: list[str] = []
    world.log.watch(Terminals.CONSOLE, console.append)
    world.say("unseen")
    world.type("default logging console")
    world.say("seen")
    assert console == [
        "%SYS-5-LOG_CONFIG_CHANGE: Console logging: level debugging, xml disabled, filtering disabled",
        "%SYS-5-CONFIG_I: seen",
    ]
    world.type("no logging console")
    assert world.buffered[-1] == "%SYS-5-LOG_CONFIG_CHANGE: Console logging disabled"


def test_messages_beyond_the_rate_limit_are_counted_and_go_nowhere() -> None:
    world = LogWorld(f"{QUIET}logging rate-limit 10 except errors\n")
    for _ in range(25):
        world.say("fine")
    world.say("bad", Severity.ERRORS)
    world.syslog.log(debug_line("a line of debug"))
    assert world.buffered.count("%SYS-5-CONFIG_I: fine") == 10
    assert world.buffered[-2:] == ["%SYS-3-CONFIG_I: bad", "a line of debug"]
    assert (world.log.rate_limited, world.log.rate_limited_elsewhere) == (15, 15)
    world.clock.advance(SECOND)
    world.say("fine")
    assert world.buffered[-1] == "%SYS-5-CONFIG_I: fine"


def test_a_rate_limit_of_the_console_holds_for_the_console_alone() -> None:
    world = LogWorld(f"{QUIET}logging rate-limit console all 1\n")
    console: list[str] = []
    world.log.watch(Terminals.CONSOLE, console.append)
    for _ in range(3):
        world.syslog.log(debug_line("a line of debug"))
    assert (len(console), len(world.buffered)) == (1, 3)
    assert (world.log.rate_limited, world.log.rate_limited_elsewhere) == (2, 0)


def test_lines_to_receivers_are_counted_also_while_there_are_none() -> None:
    world = LogWorld(f"{QUIET}logging trap warnings\n")
    world.say("bad", Severity.ERRORS)
    world.say("fine")
    assert world.log.status("trap") == Status(Severity.WARNINGS, 1)
