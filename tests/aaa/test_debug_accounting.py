"""`debug aaa accounting`: the lines of IOS 12.4, from the records that are made and what servers answer."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from agent.aaa.accounting.record import AccountingRecord, AcctStatus
from agent.aaa.accounting.traffic import Traffic
from agent.aaa.debug_accounting import AccountingDebug
from agent.aaa.radius.events import NoResponse, RadiusEvent, Received
from agent.aaa.radius.values import Code, Place, ServerName
from agent.base.bus import Bus
from agent.syslog.debug import Debug
from tests.aaa.radius_packets import packet

SERVER = ServerName(IPv4Address("10.1.1.4"), 1645, 1646)
PLACE = Place(SERVER.address, 1646)
ON = frozenset({Debug.AAA_ACCOUNTING})


class Debugged:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.traffic = Traffic()
        self.packets: Bus[RadiusEvent] = Bus()
        log = self.lines
        self.debug = AccountingDebug(
            self.traffic.subscribe, self.packets.subscribe, lambda session: int(session, 16) + 1, lambda each: log.append(str(each))
        )
        self.debug.follow(ON)

    def made(self, status: AcctStatus) -> list[str]:
        self.lines.clear()
        self.traffic.add(AccountingRecord(status, "0000000A", (), ("radius",), False, 0.0))
        return list(self.lines)

    def passed(self, *events: RadiusEvent) -> list[str]:
        self.lines.clear()
        for event in events:
            self.packets.publish(event)
        return list(self.lines)


def received(status: int | None) -> Received:
    return Received(0xB, SERVER, PLACE, packet(5, 1), 1646, 0.001, status)


def unanswered(more: bool) -> NoResponse:
    return NoResponse(0xB, SERVER, PLACE, Code.ACCOUNTING_REQUEST, 1, more, AcctStatus.STOP)


@pytest.mark.parametrize(
    ("status", "lines"),
    [
        (AcctStatus.START, ["AAA/ACCT/EVENT/(0000000B): NET UP", "AAA/ACCT/NET(0000000B): Queueing record is START"]),
        (AcctStatus.INTERIM, ["AAA/ACCT/NET(0000000B): Queueing record is UPDATE"]),
        (AcctStatus.STOP, ["AAA/ACCT/EVENT/(0000000B): NET DOWN", "AAA/ACCT/NET(0000000B): Queueing record is STOP"]),
        (AcctStatus.ON, ["AAA/ACCT/SYSTEM(0000000B): Queueing record is ON"]),
        (AcctStatus.OFF, ["AAA/ACCT/SYSTEM(0000000B): Queueing record is OFF"]),
    ],
)
def test_a_record_is_made(status: AcctStatus, lines: list[str]) -> None:
    assert Debugged().made(status) == lines


def test_a_server_takes_it() -> None:
    assert Debugged().passed(received(1)) == ["AAA/ACCT/NET(0000000B): START protocol reply PASS"]
    assert Debugged().passed(received(7)) == ["AAA/ACCT/SYSTEM(0000000B): ON protocol reply PASS"]


def test_the_last_server_does_not_answer() -> None:
    lines = Debugged().passed(unanswered(more=True), unanswered(more=False))
    assert lines == ["AAA/ACCT/NET(0000000B): STOP protocol reply FAIL"]


def test_log_ins_are_not_its_affair() -> None:
    assert Debugged().passed(received(None)) == []


def test_nothing_listens_while_it_is_off() -> None:
    debugged = Debugged()
    debugged.debug.follow(ON)
    assert len(debugged.packets) == 1
    debugged.debug.follow(frozenset({Debug.ISAKMP_AAA}))
    assert len(debugged.packets) == 0
    assert debugged.made(AcctStatus.START) == []
