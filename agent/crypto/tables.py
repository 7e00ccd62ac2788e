"""Crypto room: prints the tables that drive the exchanges of RFC 2409, for docs/crypto.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import get_args

from agent.crypto.aggressive_mode import AGGRESSIVE_MODE
from agent.crypto.doi import ConfigurationType
from agent.crypto.main_mode import MAIN_MODE
from agent.crypto.phase1 import Step
from agent.crypto.quick_mode import QUICK_MODE
from agent.crypto.states import QUICK_TRANSITIONS, TRANSITIONS, Cause, CauseT, QuickCause, QuickState, Role, State, StateT
from agent.crypto.transaction import TRANSACTION

Row = tuple[str, ...]


def _table(title: str, heads: tuple[str, ...], rows: Iterable[Row]) -> str:
    lines = [f"### {title}", "", *("| " + " | ".join(cells) + " |" for cells in (heads, ("---",) * len(heads), *rows)), ""]
    return "\n".join(lines)


_RECEIVED = ("role", "state", "receives", "with", "next state")
_DECIDED = ("role", "state", "what happens", "next state")
_HEADERS = {True: "HDR*", False: "HDR", None: "HDR[*]"}


def _named(payload: type | UnionType) -> str:
    return " or ".join(kind.__name__ for kind in (get_args(payload) or (payload,)))


def _carried(payloads: tuple[type | UnionType, ...], encrypted: bool | None) -> str:
    return _HEADERS[encrypted] + "".join(f", {_named(payload)}" for payload in payloads)


def _phase1(steps: Mapping[tuple[Role, State], Step]) -> Iterator[Row]:
    for role in Role:
        for (of, state), step in steps.items():
            if of is role:
                carried, following = _carried(step.payloads, step.encrypted), TRANSITIONS[role, state, step.cause]
                yield role.value, state.value, step.cause.value, carried, following.value


def _transactions() -> Iterator[Row]:
    for role in Role:
        for (of, state, kind), step in TRANSACTION.items():
            if of is role:
                carried = f"HDR*, Hash, Attributes ({ConfigurationType(kind).name})"
                following = [TRANSITIONS[role, state, cause].value for cause in step.causes] or [state.value]
                yield role.value, state.value, step.name, carried, " or ".join(following)


def _quick() -> Iterator[Row]:
    for role in Role:
        for (of, state), step in QUICK_MODE.items():
            for cause in (step.cause, step.commit) if of is role else ():
                if cause is not None:
                    following = QUICK_TRANSITIONS[role, state, cause]
                    yield role.value, state.value, cause.value, _carried(step.payloads, True), following.value


def _decided(
    transitions: Mapping[tuple[Role, StateT, CauseT], StateT], causes: Iterable[CauseT], states: Iterable[StateT]
) -> Iterator[Row]:
    """What no single message is the cause of; one row for the states and roles that it means the same to."""
    order = list(states)
    for cause in causes:
        grouped: dict[tuple[StateT, tuple[StateT, ...]], list[Role]] = {}
        for role in Role:
            by_following: dict[StateT, list[StateT]] = {}
            for state in order:
                if (following := transitions.get((role, state, cause))) is not None:
                    by_following.setdefault(following, []).append(state)
            for following, before in by_following.items():
                grouped.setdefault((following, tuple(before)), []).append(role)
        for (following, states_before), roles in grouped.items():
            names = "either" if len(roles) == len(Role) else roles[0].value
            yield names, ", ".join(state.value for state in states_before), cause.value, following.value


_PHASE1_DECIDED = (Cause.AM1_SENT, Cause.LOGIN_FIRST, Cause.CONFIGURATION_FIRST, Cause.READY, Cause.ENDED)
_QUICK_DECIDED = (QuickCause.QM1_SENT, QuickCause.NO_QM4, QuickCause.GIVEN_UP)


def state_machines() -> str:
    """Markdown: for each exchange the messages that are expected in a state, then what else changes the state."""
    tables = (
        _table("Main mode", _RECEIVED, _phase1(MAIN_MODE)),
        _table("Aggressive mode", _RECEIVED, _phase1(AGGRESSIVE_MODE)),
        _table("Transaction exchanges", _RECEIVED, _transactions()),
        _table("What else changes the state of an ISAKMP SA", _DECIDED, _decided(TRANSITIONS, _PHASE1_DECIDED, State)),
        _table("Quick mode", _RECEIVED, _quick()),
        _table("What else changes the state of a quick mode", _DECIDED, _decided(QUICK_TRANSITIONS, _QUICK_DECIDED, QuickState)),
    )
    return "\n".join(tables)
