"""Aaa room: an accounting record that waits in the spool until a server acknowledges it."""

from __future__ import annotations

from dataclasses import dataclass

from agent.aaa.accounting.record import AccountingRecord, AcctStatus


@dataclass(slots=True, eq=False)
class Waiting:
    """A record that no server has acknowledged. `groups` are asked in turn: one of them is to have it.

    Numbers are in the order of the records. `record` is None while the attributes are on disk alone. `gone`: it was acknowledged,
    dropped or lost.
    """

    number: int
    session: str
    status: AcctStatus
    groups: tuple[str, ...]
    moment: float
    record: AccountingRecord | None = None
    gone: bool = False
