"""Aaa room: `debug aaa accounting`: which records are made, and whether a server takes them.

The lines are those of published logs of IOS 12.4 and later. The examples of the Cisco IOS Debug Command Reference have an older
form, and are of other kinds of accounting. For Accounting-On and -Off the words are our own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agent.aaa.accounting.record import AccountingRecord, AcctStatus
from agent.aaa.radius.events import NoResponse, RadiusEvent, Received
from agent.base.bus import Subscription
from agent.syslog.debug import Debug
from agent.syslog.message import Message, debug_line

_NAMES: Mapping[int | None, str] = {
    AcctStatus.START: "START",
    AcctStatus.STOP: "STOP",
    AcctStatus.INTERIM: "UPDATE",
    AcctStatus.ON: "ON",
    AcctStatus.OFF: "OFF",
}
_EVENTS = {AcctStatus.START: "NET UP", AcctStatus.STOP: "NET DOWN"}
_SYSTEM = (AcctStatus.ON, AcctStatus.OFF)

Records = Callable[[Callable[[AccountingRecord], None]], Subscription]
Packets = Callable[[Callable[[RadiusEvent], None]], Subscription]


def _kind(status: int | None, about: int) -> str:
    return f"AAA/ACCT/{'SYSTEM' if status in _SYSTEM else 'NET'}({about:08X}):"


class AccountingDebug:
    """The debug of one router. It listens only while it is on.

    `records` and `packets` subscribe to the records that are made, and to the events of the RADIUS client. `about` gives the number
    in parentheses of an Acct-Session-Id, which is that of `debug radius`.
    """

    def __init__(self, records: Records, packets: Packets, about: Callable[[str], int], log: Callable[[Message], None]) -> None:
        self._records = records
        self._packets = packets
        self._about = about
        self._log = log
        self._subscriptions: list[Subscription] = []

    def follow(self, on: frozenset[Debug]) -> None:
        if Debug.AAA_ACCOUNTING not in on:
            self.close()
        elif not self._subscriptions:
            self._subscriptions = [self._records(self._made), self._packets(self._passed)]

    def close(self) -> None:
        for subscription in self._subscriptions:
            subscription.close()
        self._subscriptions.clear()

    def _made(self, record: AccountingRecord) -> None:
        about = self._about(record.session)
        if record.status in _EVENTS:
            self._log(debug_line(f"AAA/ACCT/EVENT/({about:08X}): {_EVENTS[record.status]}"))
        self._log(debug_line(f"{_kind(record.status, about)} Queueing record is {_NAMES[record.status]}"))

    def _passed(self, event: RadiusEvent) -> None:
        if isinstance(event, Received) or (isinstance(event, NoResponse) and not event.more):
            name = _NAMES.get(event.status)
            if name is not None:
                outcome = "PASS" if isinstance(event, Received) else "FAIL"
                self._log(debug_line(f"{_kind(event.status, event.about)} {name} protocol reply {outcome}"))
