"""Mib room: the phases of a SET of a context's tree, for any protocol (RFC 3416 §4.2.5, RFC 2741 §7.2.4).

First every assignment is tested; this changes nothing. Then the commits run in their order. If one fails, those before it are
undone, the last one first. Access rights are not checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.base.origin import Origin
from agent.mib.column import Commit, SetRefusedError, Undo
from agent.mib.schema import Object, Oid, Ranges, Syntax
from agent.mib.tree import Tree
from agent.mib.values import order_key, tag_of

Value = int | bytes | Oid | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """One binding of a SET: `value` is a number, octets or an OID, as `tag` has it.

    The tags are those of BER, which AgentX has as well (RFC 2741 §5.4).
    """

    name: Oid
    tag: int
    value: Value


def tested(tree: Tree, assignment: Assignment) -> Commit:
    """Make the tests (2) to (12) of RFC 3416 §4.2.5 for one assignment, and return its commit. Raises SetRefusedError."""
    column = tree.column_of(order_key(assignment.name))
    if column is None or column.write is None or not column.object.writable:
        raise SetRefusedError("notWritable")
    value = _checked(column.object, assignment)
    found = tree.entry(order_key(assignment.name))
    if found is None:
        raise SetRefusedError("noCreation")
    return column.write(tree.context, found[1].row, value)


class Transaction:
    """One tested SET: the commits in the order of its assignments. `failed` gets the exceptions of commits and undos.

    `commit` and `undo` may come by separate messages, as in AgentX.
    """

    def __init__(self, commits: Sequence[Commit], failed: Callable[[Exception], None]) -> None:
        self._commits = sorted(enumerate(commits, 1), key=lambda each: (each[1].order, each[0]))
        self._failed = failed
        self._undos: list[Undo | None] = []

    def commit(self, origin: Origin) -> int:
        """Run the commits. Returns 0, or the place (from 1) of the assignment whose commit failed; later ones do not run."""
        for place, commit in self._commits:
            try:
                self._undos.append(commit.do(origin))
            except Exception as error:  # whatever it is, the SET must be undone
                self._failed(error)
                return place
        return 0

    def undo(self) -> bool:
        """Undo the commits, the last one first; whether all were undone."""
        whole = True
        while self._undos:
            undo = self._undos.pop()
            if undo is None:
                whole = False
                continue
            try:
                undo()
            except Exception as error:  # the others are undone nevertheless
                self._failed(error)
                whole = False
        return whole


def _checked(obj: Object, assignment: Assignment) -> Value:
    syntax, value = obj.syntax, assignment.value
    if syntax is None or assignment.tag != tag_of(syntax.base):
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
