"""What stands before a message: the forms of `service timestamps` and `service sequence-numbers`, as IOS writes them."""

from __future__ import annotations

import pytest

from agent.base.clock import SECOND
from agent.base.spans import elapsed
from agent.syslog.message import Message, Severity, debug_line
from tests.syslog.world import LogWorld

SAYS = "%SYS-5-CONFIG_I: Configured from console by console"


@pytest.mark.parametrize(
    ("form", "stamp"),
    [
        ("", "*Nov 28 04:33:03.120: "),  # no line: dates with milliseconds
        ("no service timestamps log", ""),
        ("service timestamps log", "00:00:00: "),
        ("service timestamps log uptime", "00:00:00: "),
        ("service timestamps log datetime", "*Nov 28 04:33:03: "),
        ("service timestamps log datetime msec", "*Nov 28 04:33:03.120: "),
        ("service timestamps log datetime localtime", "*Nov 27 20:33:03: "),
        ("service timestamps log datetime msec localtime show-timezone", "*Nov 27 20:33:03.120 PST: "),
        ("service timestamps log datetime show-timezone", "*Nov 28 04:33:03 UTC: "),
        ("service timestamps log datetime msec localtime show-timezone year", "*Nov 27 2026 20:33:03.120 PST: "),
        ("service sequence-numbers", "000001: *Nov 28 04:33:03.120: "),
        ("service sequence-numbers\nno service timestamps", "000001: "),
    ],
)
def test_each_form_of_stamp(form: str, stamp: str) -> None:
    world = LogWorld(f"clock timezone PST -8\n{form}\n")
    world.say()
    assert world.buffered == [stamp + SAYS]


def test_a_day_of_one_digit_has_a_blank_before_it() -> None:
    world = LogWorld("service timestamps log datetime\n")
    world.clock.advance(4 * 86400 * SECOND)
    world.say()
    assert world.buffered == [f"*Dec  2 04:33:03: {SAYS}"]


def test_lines_of_debug_have_a_form_of_their_own() -> None:
    world = LogWorld("service timestamps debug uptime\nservice timestamps log datetime\n")
    world.clock.advance(46 * SECOND)
    world.syslog.log(debug_line("ISAKMP: new node"))
    assert world.buffered == ["00:00:46: ISAKMP: new node"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (46, "00:00:46"),
        (86_399, "23:59:59"),
        (86_400 + 2 * 3600, "1d02h"),
        (7 * 86_400 - 1, "6d23h"),
        (22 * 86_400, "3w1d"),
        (365 * 86_400 + 15 * 86_400, "1y2w"),
    ],
)
def test_uptime_is_written_as_ios_writes_it(seconds: int, text: str) -> None:
    assert elapsed(seconds) == text


def test_a_stamp_is_that_of_the_moment_of_the_message() -> None:
    """A line that is in the buffer keeps its stamp when the form changes."""
    world = LogWorld("service timestamps log uptime\n")
    world.say("one")
    world.type("service timestamps log datetime", "service sequence-numbers")
    world.say("two")
    assert world.buffered == ["00:00:00: %SYS-5-CONFIG_I: one", "000002: *Nov 28 04:33:03: %SYS-5-CONFIG_I: two"]


def test_foreign_text_in_a_message_ends_no_line() -> None:
    world = LogWorld("no service timestamps\n")
    world.say("Configured from console by evil\n<189>1: forged\x1b[2J")
    world.syslog.log(Message("SYS", Severity.NOTIFICATIONS, "RESTART", "System restarted --", ("A router", "of\x07 ours")))
    assert world.buffered == [
        "%SYS-5-CONFIG_I: Configured from console by evil\\n<189>1: forged\\x1b[2J",
        "%SYS-5-RESTART: System restarted --",
        "A router",
        "of\\x07 ours",
    ]
