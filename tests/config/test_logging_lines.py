"""`logging …`, `service timestamps` and `service sequence-numbers`: what each line sets, and how it is written back."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from agent.config.document import load
from agent.config.events import LoggingChanged
from agent.config.logging_model import FACILITIES, LoggingHost
from agent.config.session import Session


def lines_of(text: str) -> list[str]:
    """The lines of a rendered configuration that are about messages."""
    return [line for line in load(text).render().splitlines() if "logging" in line or "service" in line]


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("logging buffered 64000", None),
        ("logging buffered 64000 informational", None),
        ("logging buffered 7", "logging buffered 4096 debugging"),
        ("no logging buffered", None),
        ("logging console critical", None),
        ("no logging console", None),
        ("logging monitor 6", "logging monitor informational"),
        ("no logging monitor", None),
        ("logging trap debugging", None),
        ("no logging trap", None),
        ("no logging on", None),
        ("logging facility local5", None),
        ("logging facility sys14", None),
        ("logging source-interface Loopback0", None),
        ("logging source-interface lo0 vrf red", "logging source-interface Loopback0 vrf red"),
        ("logging origin-id hostname", None),
        ("logging origin-id ip", None),
        ("logging origin-id string site seven", None),
        ("logging 10.0.0.1", "logging host 10.0.0.1"),
        ("logging host collector", None),
        ("logging host 10.0.0.1 transport udp port 514", "logging host 10.0.0.1"),
        ("logging host 10.0.0.1 transport udp port 1514", None),
        ("logging host 10.0.0.1 transport tcp", None),
        ("logging host 10.0.0.1 transport tcp port 1470", None),
        ("logging host 10.0.0.1 transport tcp port 5 vrf red", "logging host 10.0.0.1 vrf red transport tcp port 5"),
        ("logging host 10.0.0.1 discriminator NOISE sequence-num-session", None),
        ("logging host 10.0.0.1 session-id string site7 xml", None),
        ("logging host 10.0.0.1 session-id hostname filtered", None),
        ("logging rate-limit 10 except warnings", None),
        ("logging rate-limit console all 10", None),
        ("logging queue-limit trap 500", None),
        ("no logging message-counter syslog", None),
        ("service sequence-numbers", None),
    ],
)
def test_a_line_is_written_as_ios_writes_it(line: str, written: str | None) -> None:
    text = "".join(f"{each}\n" for each in lines_of(f"hostname r1\n{line}\n"))
    assert text == f"{written or line}\n"
    assert lines_of(text) == text.splitlines()


def test_an_interface_may_log_no_links() -> None:
    text = "interface Loopback0\n no logging event link-status\n"
    assert not load(text).config.interfaces["Loopback0"].logs_link
    assert " no logging event link-status\n" in load(text).render()
    assert load(f"{text} default logging event link-status\n").config.interfaces["Loopback0"].logs_link


def test_lines_of_time_stamps() -> None:
    assert lines_of("service timestamps log datetime msec localtime show-timezone year\nservice timestamps debug\n") == [
        "service timestamps debug uptime",
        "service timestamps log datetime msec localtime show-timezone year",
    ]
    assert lines_of("no service timestamps\n") == ["no service timestamps debug", "no service timestamps log"]
    assert lines_of("no service timestamps\ndefault service timestamps log\n") == ["no service timestamps debug"]


def test_time_stamps_without_any_word_are_those_of_debug() -> None:
    """Cisco IOS Configuration Fundamentals Command Reference, `service timestamps`: the default is `debug uptime`."""
    assert lines_of("service timestamps\n") == ["service timestamps debug uptime"]


def test_the_options_of_a_time_stamp_are_written_in_one_order() -> None:
    """That of the syntax in the command reference, however they were typed."""
    assert lines_of("service timestamps log date year show-timezone local msec msec\n") == [
        "service timestamps log datetime msec localtime show-timezone year"
    ]


def test_a_host_may_be_configured_by_several_transports_and_vrfs() -> None:
    text = "logging host 10.0.0.1\nlogging host 10.0.0.1 transport tcp port 5\nlogging host 10.0.0.1 vrf red\n"
    assert load(text).config.logging.hosts == (
        LoggingHost(IPv4Address("10.0.0.1")),
        LoggingHost(IPv4Address("10.0.0.1"), transport="tcp", port=5),
        LoggingHost(IPv4Address("10.0.0.1"), vrf="red"),
    )
    assert lines_of(f"{text}no logging host 10.0.0.1 transport tcp port 5\n") == [
        "logging host 10.0.0.1",
        "logging host 10.0.0.1 vrf red",
    ]
    assert lines_of(f"{text}no logging 10.0.0.1\n") == ["logging host 10.0.0.1 vrf red"]
    assert lines_of(f"{text}no logging host 10.0.0.1 vrf red\n") == [
        "logging host 10.0.0.1",
        "logging host 10.0.0.1 transport tcp port 5",
    ]


def test_an_option_of_a_host_that_has_no_effect_is_warned_of() -> None:
    read = load("logging host 10.0.0.1 discriminator NOISE\n")
    assert [warning.message for warning in read.warnings] == ["`discriminator NOISE` of a syslog server has no effect here"]


@pytest.mark.parametrize(
    ("name", "number"),
    [("kern", 0), ("auth", 4), ("uucp", 8), ("sys9", 9), ("sys14", 14), ("cron", 15), ("local0", 16), ("local7", 23)],
)
def test_facilities_have_the_numbers_of_rfc_3164(name: str, number: int) -> None:
    assert FACILITIES[name] == number


@pytest.mark.parametrize(
    "line",
    ["logging buffered 4095", "logging trap 8", "logging facility local8", "logging host 10.0.0.1 transport tcp port 0"],
)
def test_a_value_that_ios_does_not_take_is_refused(line: str) -> None:
    document = load("hostname r1\n")
    outcome = Session(document).feed(line)
    assert outcome.problem is not None
    assert document.config.logging == load("hostname r1\n").config.logging


def test_a_line_that_takes_effect_gives_one_event_and_one_that_changes_nothing_none() -> None:
    document = load("hostname r1\n")
    before = document.config.logging
    assert Session(document).feed("logging trap errors").events == (LoggingChanged(before),)
    assert Session(document).feed("logging trap errors").events == ()
