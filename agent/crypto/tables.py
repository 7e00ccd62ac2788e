"""Crypto room: prints the tables that drive the exchanges of RFC 2409, for docs/crypto.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import get_args

from agent.crypto.aggressive_mode import AGGRESSIVE_MODE
from agent.crypto.doi import ConfigurationType
from agent.crypto.ike_events import Role, State
from agent.crypto.main_mode import MAIN_MODE
from agent.crypto.phase1 import Step
from agent.crypto.quick_mode import QUICK_MODE
from agent.crypto.transaction import TRANSACTION


def _table(title: str, rows: Iterable[tuple[str, ...]]) -> str:
    head = ("role", "state", "receives", "with", "next state")
    lines = [f"### {title}", "", *("| " + " | ".join(cells) + " |" for cells in (head, ("---",) * len(head), *rows)), ""]
    return "\n".join(lines)


_HEADERS = {True: "HDR*", False: "HDR", None: "HDR[*]"}


def _named(payload: type | UnionType) -> str:
    return " or ".join(kind.__name__ for kind in (get_args(payload) or (payload,)))


def _carried(payloads: tuple[type | UnionType, ...], encrypted: bool | None) -> str:
    return _HEADERS[encrypted] + "".join(f", {_named(payload)}" for payload in payloads)


def _phase1(steps: Mapping[tuple[Role, State], Step]) -> Iterable[tuple[str, ...]]:
    return (
        (role.value, state.value, step.name, _carried(step.payloads, step.encrypted), step.next_state.value)
        for role in Role
        for (of, state), step in steps.items()
        if of is role
    )


def state_machines() -> str:
    """Markdown: one table for each exchange, a row for each message that is expected in a state."""
    quick = (
        (role.value, state.value, step.name, _carried(step.payloads, True), step.next_state.value)
        for role in Role
        for (of, state), step in QUICK_MODE.items()
        if of is role
    )
    transactions = (
        (role.value, state.value, step.name, f"HDR*, Hash, Attributes ({ConfigurationType(kind).name})", step.next_state.value)
        for role in Role
        for (of, state, kind), step in TRANSACTION.items()
        if of is role
    )
    tables = (
        _table("Main mode", _phase1(MAIN_MODE)),
        _table("Aggressive mode", _phase1(AGGRESSIVE_MODE)),
        _table("Transaction exchanges", transactions),
        _table("Quick mode", quick),
    )
    return "\n".join(tables)
