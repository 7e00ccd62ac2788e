"""`debug crypto isakmp aaa` (Cisco IOS Debug Command Reference, debug crypto isakmp aaa)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent.aaa.accounting.record import AccountingRecord, AcctStatus
from agent.aaa.accounting.traffic import Traffic
from agent.aaa.debug_isakmp import DebuggedAccess, IsakmpAaaDebug
from agent.aaa.radius.values import Attribute
from agent.base.ike_counters import IkeCounter
from agent.config.crypto_model import ClientGroup
from agent.engine.access import LoginAccepted, LoginAnswer, LoginAttempt, LoginChallenge, LoginRefused
from agent.flow.counters import IpsecCounter, PacketCounters
from agent.flow.monitor import FlowMonitor
from agent.flow.records import SessionUp
from agent.syslog.debug import Debug
from tests.flow.builders import bundle, ike_facts, ipsec_facts
from tests.shell.fakes import FakeClock

ON = frozenset({Debug.ISAKMP_AAA})
REFUSED = LoginRefused()


class Debugged:
    def __init__(self, accounted: bool = False) -> None:
        self.lines: list[str] = []
        self.asked: list[SessionUp] = []
        self.monitor = FlowMonitor(FakeClock())
        self.traffic = Traffic()
        self.debug = IsakmpAaaDebug(
            self.monitor, self._is_accounted, self.traffic.subscribe, lambda message: self.lines.append(str(message))
        )
        self._accounted = accounted

    def _is_accounted(self, session: SessionUp) -> bool:
        self.asked.append(session)
        return self._accounted

    def bring_up(self) -> None:
        ike = self.monitor.ike_up(None, ike_facts(), PacketCounters(IkeCounter))
        self.monitor.ipsec_up(ike, ipsec_facts(), bundle()[2:], PacketCounters(IpsecCounter))


def test_a_session_without_accounting() -> None:
    debugged = Debugged()
    debugged.debug.follow(ON)
    debugged.bring_up()
    assert debugged.lines == ["ISAKMP AAA: Accounting is not enabled"]


def test_a_session_with_accounting() -> None:
    debugged = Debugged(accounted=True)
    debugged.debug.follow(ON)
    debugged.bring_up()
    assert len(debugged.asked) == 1
    assert debugged.lines == []


def record(status: AcctStatus, *attributes: Attribute) -> AccountingRecord:
    return AccountingRecord(status, "00000001", attributes, ("radius",), False, 0.0)


def test_the_records_of_a_client() -> None:
    debugged = Debugged(accounted=True)
    debugged.debug.follow(ON)
    debugged.traffic.add(record(AcctStatus.START, Attribute("User-Name", "alice")))
    told = ["ISAKMP AAA: Sent Accounting Message", "ISAKMP AAA: Accounting message successful", "ISAKMP AAA: Rx Accounting Message"]
    client = "ISAKMP AAA: Adding Client Attributes to Accounting Record"
    assert debugged.lines == [*told, client, "ISAKMP AAA: Accounting Started"]
    debugged.lines.clear()
    packets = (Attribute("Acct-Input-Packets", 176), Attribute("Acct-Output-Packets", 10))
    updated = ["ISAKMP AAA: Updating Stats", " Traffic on sa (PKTS) IN: 176 OUT: 10"]
    debugged.traffic.add(record(AcctStatus.INTERIM, *packets))
    assert debugged.lines == [*updated, *told]
    debugged.lines.clear()
    debugged.traffic.add(record(AcctStatus.STOP, *packets))
    assert debugged.lines == [*updated, *told, "ISAKMP AAA: Accounting Stopped"]


def test_the_records_of_the_router_are_of_no_session() -> None:
    debugged = Debugged()
    debugged.debug.follow(ON)
    debugged.traffic.add(record(AcctStatus.ON))
    assert debugged.lines == []


class FakeAccess:
    """Gives each question the answer that it was made with."""

    def __init__(self, answer: LoginAnswer = REFUSED, group: ClientGroup | None = None) -> None:
        self.answer, self.found = answer, group
        self.asked: list[tuple[str, object]] = []

    def log_in(self, list_name: str, attempt: LoginAttempt, answer: Callable[[LoginAnswer], None]) -> None:
        self.asked.append((list_name, attempt))
        answer(self.answer)

    def group(self, list_name: str, name: str, answer: Callable[[ClientGroup | None], None]) -> None:
        self.asked.append((list_name, name))
        answer(self.found)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (LoginAccepted(), "PASS"),
        (REFUSED, "FAIL"),
        (LoginRefused(unanswered=True), "no answer"),
        (LoginChallenge("code?", b"1"), "CHALLENGE"),
    ],
)
def test_the_login_of_a_client(answer: LoginAnswer, outcome: str) -> None:
    """Neither the password nor control characters of a name are printed."""
    debugged, asked, given = Debugged(), FakeAccess(answer), []
    access = DebuggedAccess(asked, debugged.debug)
    attempt = LoginAttempt("al\nice", "secret")
    access.log_in("clients", attempt, given.append)
    assert debugged.lines == []
    debugged.debug.follow(ON)
    access.log_in("clients", attempt, given.append)
    assert debugged.lines == [
        "ISAKMP AAA: Authentication request for user al\\nice sent to AAA",
        f"ISAKMP AAA: Authentication of user al\\nice: {outcome}",
    ]
    assert given == [answer, answer]
    assert asked.asked == [("clients", attempt)] * 2


@pytest.mark.parametrize(("found", "outcome"), [(ClientGroup("cclient"), "PASS"), (None, "FAIL")])
def test_the_policy_of_a_group(found: ClientGroup | None, outcome: str) -> None:
    debugged, given = Debugged(), []
    debugged.debug.follow(ON)
    DebuggedAccess(FakeAccess(group=found), debugged.debug).group("groups", "cclient", given.append)
    assert debugged.lines == [
        "ISAKMP/author: Author request for group cclient successfully sent to AAA",
        f"ISAKMP AAA: Authorization of group cclient: {outcome}",
    ]
    assert given == [found]


def test_nothing_listens_while_it_is_off() -> None:
    debugged = Debugged()
    before = len(debugged.monitor._bus)
    debugged.debug.follow(ON)
    debugged.debug.follow(ON | {Debug.ISAKMP})
    assert len(debugged.monitor._bus) == before + 1
    debugged.debug.follow(frozenset())
    assert len(debugged.monitor._bus) == before
    debugged.bring_up()
    assert debugged.lines == []
