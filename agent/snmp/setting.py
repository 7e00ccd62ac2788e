"""Snmp room: SET as a function over a tree and a view: all of it or nothing (RFC 3416 §4.2.5; SNMPv1's codes by RFC 3584 §4.4).

First every binding is tested, in the RFC's order. If all pass, the commits run in their order, so that those that destroy rows come
last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.mib.column import Commit, SetRefusedError
from agent.mib.schema import Object, Oid, Ranges, Syntax
from agent.mib.tree import Tree
from agent.mib.values import (
    COUNTER32,
    COUNTER64,
    GAUGE32,
    INTEGER,
    IP_ADDRESS,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    TIME_TICKS,
    order_key,
)
from agent.snmp.view import View

OPAQUE = 0x44

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
_TAG_OF_BASE = {
    "Integer32": INTEGER,
    "Unsigned32": GAUGE32,
    "Gauge32": GAUGE32,
    "Counter32": COUNTER32,
    "Counter64": COUNTER64,
    "TimeTicks": TIME_TICKS,
    "OctetString": OCTET_STRING,
    "Bits": OCTET_STRING,
    "ObjectIdentifier": OBJECT_IDENTIFIER,
    "IpAddress": IP_ADDRESS,
    "Opaque": OPAQUE,
}

Value = int | bytes | Oid | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """One binding of a SET: `value` is a number, octets or an OID, as the wire's `tag` has it."""

    name: Oid
    tag: int
    value: Value


@dataclass(frozen=True, slots=True)
class Refusal:
    """A SET's error-status by name, and the number of the binding from 1 (0: no single one)."""

    status: str
    index: int


def set_values(
    tree: Tree, view: View | None, assignments: Sequence[Assignment], failed: Callable[[Exception], None] = lambda error: None
) -> Refusal | None:
    """Do a SET, or return why not. `failed` gets the exception of a commit; only then may a part of the SET remain done."""
    commits: list[tuple[int, int, Commit]] = []
    for place, assignment in enumerate(assignments, 1):
        try:
            commit = _test(tree, view, assignment)
        except SetRefusedError as refused:
            return Refusal(refused.status, place)
        except Exception as error:  # the manager gets an answer even if a view raises
            failed(error)
            return Refusal("genErr", place)
        commits.append((commit.order, place, commit))
    for done, (_, place, commit) in enumerate(sorted(commits, key=lambda each: each[:2])):
        try:
            commit.act()
        except Exception as error:
            failed(error)
            # Nothing that went before can be taken back (RFC 3416 §4.2.5: undoFailed names no binding).
            return Refusal("undoFailed", 0) if done else Refusal("commitFailed", place)
    return None


def _test(tree: Tree, view: View | None, assignment: Assignment) -> Commit:
    """The tests (1) to (12) of RFC 3416 §4.2.5 for one binding."""
    if view is None or not view.contains(assignment.name):
        raise SetRefusedError("noAccess")
    column = tree.column_of(order_key(assignment.name))
    if column is None or column.write is None or not column.object.writable:
        raise SetRefusedError("notWritable")
    value = _checked(column.object, assignment)
    found = tree.entry(order_key(assignment.name))
    if found is None:
        raise SetRefusedError("noCreation")
    return column.write(found[1].row, value)


def _checked(obj: Object, assignment: Assignment) -> Value:
    syntax, value = obj.syntax, assignment.value
    if syntax is None or assignment.tag != _TAG_OF_BASE[syntax.base]:
        raise SetRefusedError("wrongType")
    if isinstance(value, bytes) and not _within(len(value), syntax.sizes):
        raise SetRefusedError("wrongLength")
    if isinstance(value, int) and not _allowed(value, syntax):
        raise SetRefusedError("wrongValue")
    return value


def _allowed(value: int, syntax: Syntax) -> bool:
    return value in syntax.enum.values() if syntax.enum else _within(value, syntax.ranges)


def _within(number: int, limits: Ranges) -> bool:
    return not limits or any(low <= number <= high for low, high in limits)
