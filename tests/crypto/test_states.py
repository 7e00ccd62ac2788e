"""The tables of transitions are all that changes a state: what happens is in them, and what is in them happens."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from enum import Enum
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from agent.crypto import ikev1, transaction
from agent.crypto.aggressive_mode import AGGRESSIVE_MODE
from agent.crypto.dialogues import Dialogue, QuickMode
from agent.crypto.doi import Exchange
from agent.crypto.ike_events import Addressing, Login, RemoteAccess, Trouble
from agent.crypto.main_mode import MAIN_MODE
from agent.crypto.quick_mode import QUICK_MODE
from agent.crypto.states import (
    QUICK_TRANSITIONS,
    TRANSITIONS,
    Cause,
    Machine,
    QuickCause,
    QuickState,
    Role,
    State,
    TransitionError,
)
from agent.crypto.transaction import TRANSACTION
from tests.crypto.ike_pair import CONNECTED, DES, Pair, Side, committed_by_the_initiator, committing, connected, last_block

Taken = list[tuple[Role, Enum, Enum]]
AGENT = Path(__file__).parents[2] / "agent"


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Taken:
    """What happens to the states of every SA and quick mode of a test: role, state before, cause."""
    seen: Taken = []
    happened = Machine.happened

    def watched(machine: Machine[Any, Any], cause: Enum) -> None:
        seen.append((machine.role, machine.state, cause))
        happened(machine, cause)

    monkeypatch.setattr(Machine, "happened", watched)
    return seen


def remote_access(exchange: Exchange, login: bool, addressing: Addressing) -> Pair:
    proposals = (replace(DES, xauth=login),)
    server = Side("10.1.1.2", spi=0x2000, proposals=proposals, access=RemoteAccess(login, addressing))
    client = Side("10.1.1.1", proposals=proposals, access=RemoteAccess(False, addressing), user=Login("alice", "secret"))
    return Pair(client, server, exchange=exchange).up()


WAYS = list(product((Exchange.MAIN, Exchange.AGGRESSIVE), (False, True), Addressing))


def test_phase_1_and_remote_access_go_through_every_row_of_the_table(taken: Taken) -> None:
    for way in WAYS:
        remote_access(*way)
    assert set(taken) == {row for row in TRANSITIONS if row[2] is not Cause.ENDED}


@pytest.mark.parametrize(("role", "state"), [(role, state) for role, state, cause in TRANSITIONS if cause is Cause.ENDED])
def test_an_sa_can_end_in_every_state(role: Role, state: State) -> None:
    sa = Pair(exchange=Exchange.AGGRESSIVE if state.value.startswith("AG") else Exchange.MAIN).ends[role is Role.RESPONDER]
    sa._machine = Machine(TRANSITIONS, role, state)
    sa.end(0, Trouble.TIMEOUT)
    assert sa.state is State.DEAD
    sa.end(1, Trouble.TIMEOUT)
    assert sa.state is State.DEAD


def test_quick_modes_go_through_every_row_of_the_table(taken: Taken) -> None:
    Pair().up().quick()
    pair = committing(Pair().up())
    ikev1.receive(pair.initiator, connected(pair, Exchange.QUICK, last_block(pair)), pair.now)
    committed_by_the_initiator(Pair().up(), 1).wait(3)
    pair = committed_by_the_initiator(Pair().up(), 2)
    (message_id,) = pair.initiator.quick
    said = pair.initiator.seal_behind_hash(Exchange.QUICK, Dialogue(last_block(pair)), (CONNECTED,), message_id)
    ikev1.receive(pair.responder, said, pair.now)
    quick = {row for row in taken if isinstance(row[2], QuickCause)}
    assert quick == {row for row in QUICK_TRANSITIONS if row[2] is not QuickCause.GIVEN_UP}


@pytest.mark.parametrize(
    ("role", "state"), [(role, state) for role, state, cause in QUICK_TRANSITIONS if cause is QuickCause.GIVEN_UP]
)
def test_a_quick_mode_can_fail_in_every_state_but_the_last(role: Role, state: QuickState) -> None:
    sa, quick = Pair().up().initiator, QuickMode(initiator=role is Role.INITIATOR)
    quick._machine = Machine(QUICK_TRANSITIONS, role, state)
    sa.give_up(quick, Trouble.TIMEOUT, 0)
    assert quick.state is QuickState.QM_COMPLETE


def test_each_message_that_is_expected_is_a_cause_in_the_table() -> None:
    phase1 = {(role, state, step.cause) for steps in (MAIN_MODE, AGGRESSIVE_MODE) for (role, state), step in steps.items()}
    assert phase1 <= TRANSITIONS.keys()
    quick = {(role, state, cause) for (role, state), step in QUICK_MODE.items() for cause in (step.cause, step.commit) if cause}
    assert quick <= QUICK_TRANSITIONS.keys()
    remote = {(role, state, cause) for (role, state, _), step in TRANSACTION.items() for cause in step.causes}
    assert remote <= TRANSITIONS.keys()


def test_a_transaction_message_is_the_cause_of_what_its_step_says(taken: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what is printed of it is true. Each cause that a step names comes about."""
    came: set[tuple[str, Enum]] = set()

    def watched(step: transaction.Step) -> transaction.Step:
        def handle(*arguments: Any) -> None:
            before = len(taken)
            step.handle(*arguments)
            causes = [cause for _, _, cause in taken[before:]]
            assert set(causes) <= {*step.causes, Cause.ENDED}
            came.update((step.name, cause) for cause in causes)

        return replace(step, handle=handle)

    monkeypatch.setattr(transaction, "TRANSACTION", {at: watched(step) for at, step in TRANSACTION.items()})
    for way in WAYS:
        remote_access(*way)
    assert came == {(step.name, cause) for step in TRANSACTION.values() for cause in step.causes}


def test_what_the_table_does_not_have_cannot_happen() -> None:
    sa = Pair().up().initiator
    with pytest.raises(TransitionError, match="initiator in QM_IDLE: MM2"):
        sa.happened(Cause.MM2)
    assert sa.state is State.QM_IDLE


# --- from the source ---


def assigned(path: Path) -> Iterator[ast.Attribute]:
    """Attributes that a file assigns or deletes."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            yield node


def names_in(node: ast.expr) -> Iterator[str]:
    """The names on the way to an attribute: `record`, `sa`, `main` of `record.sa.main.due`, without the last."""
    while isinstance(node, ast.Attribute):
        node = node.value
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id


def test_the_table_alone_writes_a_state() -> None:
    writers = {
        (path.name, node.attr)
        for path in (AGENT / "crypto").glob("*.py")
        for node in assigned(path)
        if node.attr in ("state", "_state", "_machine")
    }
    assert writers == {("states.py", "_state"), ("ike_sa.py", "_machine"), ("dialogues.py", "_machine")}


def test_the_lab_writes_nothing_of_an_isakmp_sa() -> None:
    written = [
        (path.name, node.lineno)
        for path in (AGENT / "lab").rglob("*.py")
        for node in assigned(path)
        if {"sa", "isakmp"} & set(names_in(node))
    ]
    assert not written


def test_the_exchanges_write_only_what_is_theirs_of_an_isakmp_sa() -> None:
    """The cookies, and the values that group what an exchange works out; all else an SA changes itself."""
    theirs = {"terms", "keying", "identities", "set_up", "main"}
    for path in (AGENT / "crypto").glob("*.py"):
        for node in assigned(path):
            if isinstance(node.value, ast.Name) and node.value.id == "sa":
                assert node.attr in ("initiator_cookie", "responder_cookie"), (path.name, node.lineno)
            elif "sa" in (names := list(names_in(node))):
                assert theirs & set(names), (path.name, node.lineno)
