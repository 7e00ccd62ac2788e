"""The records of a router are counted on their way into the spool."""

from __future__ import annotations

from agent.aaa.accounting.record import AccountingRecord, AcctStatus
from agent.aaa.accounting.traffic import Traffic

Kept = tuple[AccountingRecord, AccountingRecord | None]


class FakeKeeper:
    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self.wills: list[tuple[str, AccountingRecord]] = []

    def next_session_id(self) -> str:
        return "00000001"

    def append(self, record: AccountingRecord, will: AccountingRecord | None) -> None:
        self.kept.append((record, will))

    def will(self, session: str, record: AccountingRecord) -> None:
        self.wills.append((session, record))


def record(status: AcctStatus) -> AccountingRecord:
    return AccountingRecord(status, "00000001", (), ("radius",), False, 0.0)


def test_the_keeper_gets_what_is_counted() -> None:
    traffic, keeper = Traffic(), FakeKeeper()
    counted, heard = traffic.into(keeper), []
    subscription = traffic.subscribe(heard.append)
    start, stop = record(AcctStatus.START), record(AcctStatus.STOP)
    assert counted.next_session_id() == "00000001"
    counted.append(start, stop)
    counted.will("00000001", stop)
    subscription.close()
    counted.append(stop, None)
    assert keeper.kept == [(start, stop), (stop, None)]
    assert keeper.wills == [("00000001", stop)]
    assert heard == [start]
    assert traffic.made == {AcctStatus.START: 1, AcctStatus.STOP: 1}
    assert traffic.sessions == 1
