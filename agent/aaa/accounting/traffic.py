"""Aaa room: the records of one router on their way into the spool: how many of each kind, and what `debug` hears of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from agent.aaa.accounting.record import AccountingRecord, AcctStatus
from agent.aaa.accounting.sessions import Keeper
from agent.base.bus import Bus, Subscription


class Traffic:
    """The records that a router has made since its start. `made` counts them by their status, `sessions` the sessions."""

    def __init__(self) -> None:
        self._records: Bus[AccountingRecord] = Bus()
        self.made: Counter[AcctStatus] = Counter()
        self.sessions = 0

    def subscribe(self, listener: Callable[[AccountingRecord], None]) -> Subscription:
        """Give a listener each record that is made from now on."""
        return self._records.subscribe(listener)

    def into(self, keeper: Keeper) -> Keeper:
        """A keeper that counts what it passes on to another one."""
        return _Counted(self, keeper)

    def add(self, record: AccountingRecord) -> None:
        """Count a record."""
        self.made[record.status] += 1
        self._records.publish(record)


class _Counted:
    def __init__(self, traffic: Traffic, keeper: Keeper) -> None:
        self._traffic = traffic
        self._keeper = keeper
        self.will = keeper.will

    def next_session_id(self) -> str:
        self._traffic.sessions += 1
        return self._keeper.next_session_id()

    def append(self, record: AccountingRecord, will: AccountingRecord | None) -> None:
        self._traffic.add(record)
        self._keeper.append(record, will)
