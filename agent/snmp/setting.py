"""Snmp room: SET as a function over a tree and a view: all of it or nothing (RFC 3416 §4.2.5; SNMPv1's codes by RFC 3584 §4.4).

The mib room has the phases (`agent.mib.setting`); here are the view and the error-status. If a commit fails and all commits before
it are taken back, the answer is commitFailed with the index of the binding. If one of them cannot be taken back, it is undoFailed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.base.origin import Origin
from agent.mib.column import SetRefusedError
from agent.mib.setting import Assignment, Transaction, tested
from agent.mib.tree import Tree
from agent.snmp.view import View

# error-status (RFC 3416 §3)
STATUS = {
    "noError": 0,
    "tooBig": 1,
    "noSuchName": 2,
    "badValue": 3,
    "readOnly": 4,
    "genErr": 5,
    "noAccess": 6,
    "wrongType": 7,
    "wrongLength": 8,
    "wrongEncoding": 9,
    "wrongValue": 10,
    "noCreation": 11,
    "inconsistentValue": 12,
    "resourceUnavailable": 13,
    "commitFailed": 14,
    "undoFailed": 15,
    "authorizationError": 16,
    "notWritable": 17,
    "inconsistentName": 18,
}
# The error-status for an SNMPv1 manager (RFC 3584 §4.4).
STATUS_FOR_VERSION_1 = {
    "wrongValue": "badValue",
    "wrongEncoding": "badValue",
    "wrongType": "badValue",
    "wrongLength": "badValue",
    "inconsistentValue": "badValue",
    "noAccess": "noSuchName",
    "notWritable": "noSuchName",
    "noCreation": "noSuchName",
    "inconsistentName": "noSuchName",
    "authorizationError": "noSuchName",
    "resourceUnavailable": "genErr",
    "commitFailed": "genErr",
    "undoFailed": "genErr",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A SET's error-status by name, and the number of the binding from 1 (0: no single one)."""

    status: str
    index: int


def set_values(
    tree: Tree,
    view: View | None,
    assignments: Sequence[Assignment],
    origin: Origin,
    failed: Callable[[Exception], None] = lambda error: None,
) -> Refusal | None:
    """Do a SET, or return why not. Only undoFailed leaves a part of it done. `failed` gets the exception of a commit or an undo."""
    commits = []
    for place, assignment in enumerate(assignments, 1):
        try:
            if view is None or not view.contains(assignment.name):
                raise SetRefusedError("noAccess")
            commits.append(tested(tree, assignment))
        except SetRefusedError as refused:
            return Refusal(refused.status, place)
        except Exception as error:  # the manager gets an answer even if a view raises
            failed(error)
            return Refusal("genErr", place)
    transaction = Transaction(commits, failed)
    place = transaction.commit(origin)
    if not place:
        return None
    return Refusal("commitFailed", place) if transaction.undo() else Refusal("undoFailed", 0)
