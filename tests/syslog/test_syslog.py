"""A router's log: messages get a number and a moment, and every destination gets each."""

from __future__ import annotations

from agent.base.clock import VirtualClock
from agent.syslog.message import Message, Severity, debug_line
from agent.syslog.syslog import Logged, Syslog

UP = Message("LINK", Severity.ERRORS, "UPDOWN", "Interface Serial1/2, changed state to up")


def test_a_message_is_written_as_ios_writes_it() -> None:
    assert str(UP) == "%LINK-3-UPDOWN: Interface Serial1/2, changed state to up"
    assert str(debug_line("ISAKMP: new node")) == "ISAKMP: new node"


def test_each_destination_gets_every_message_in_order() -> None:
    syslog = Syslog(VirtualClock())
    first: list[Logged] = []
    second: list[Logged] = []
    syslog.subscribe(first.append)
    syslog.log(UP)
    syslog.subscribe(second.append)
    syslog.log(debug_line("x"))
    assert [(each.number, each.at, str(each.message)) for each in first] == [(1, 0, str(UP)), (2, 0, "x")]
    assert second == first[1:]
