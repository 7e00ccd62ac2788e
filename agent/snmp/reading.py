"""Snmp room: reads as pure functions over a tree and a view (RFC 3416 §4.2.1–4.2.3; for SNMPv1 RFC 1157 §4.1 by RFC 3584 §4.2).

Names are tuples of sub-identifiers, values the tree's encoded octets. SNMPv1 has no Counter64, so those columns do not exist for
it. The caller knows how much a message can hold.

A read is work that pauses (`agent/base/work.py`): after each binding, and after rows without a cell or out of view have been
skipped. Between two pauses it takes some tens of microseconds, whatever the tables and the view hold. Rows may come and go in a
pause: a walk continues after the last name. Values are those of the moment when they are read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from agent.base.work import Work
from agent.mib.column import Column
from agent.mib.plan import Plan
from agent.mib.schema import Oid
from agent.mib.tree import Tree
from agent.mib.values import END_OF_MIB_VIEW, NO_SUCH_INSTANCE, NO_SUCH_OBJECT, length, name_content, order_key
from agent.snmp.view import Standing, View

NO_ERROR, TOO_BIG, NO_SUCH_NAME, BAD_VALUE, GEN_ERR = 0, 1, 2, 3, 5  # error-status

LONGEST_SEARCH = 2000  # rows, columns and ranges without a cell that a GETBULK skips; then it answers with what it has
_CELLS = 32  # that are not instantiated, and passed without a pause
Binding = tuple[Oid, bytes]
Now = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Answer:
    """The content of a response. With an error, `index` is the place of the failed binding from 1, or 0."""

    status: int = NO_ERROR
    index: int = 0
    bindings: Sequence[Binding] = ()


class ReadFaultError(Exception):
    """A view raised where it had to give a value; its `__cause__` is what was raised. `place` is the binding's, from 1."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


@dataclass(slots=True)
class Part:
    """The visible part of a plan: the columns that are not wholly hidden, each with its standing in the view."""

    columns: list[Column]
    standings: list[Standing]
    keys: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.keys = [column.key for column in self.columns]

    def position(self, key: bytes) -> int | None:
        """The position of the column that a name lies in, by the name's order key."""
        at = bisect_right(self.keys, key) - 1
        return at if at >= 0 and key.startswith(self.keys[at]) else None


def visible(plan: Plan, view: View, version_1: bool) -> Part:
    """The part of a plan that a view shows to a version of SNMP."""
    columns, standings = [], []
    for column in plan.columns:
        standing = view.whole.below(column.object.oid)
        syntax = column.object.syntax
        if standing.covers is not False and not (version_1 and syntax is not None and syntax.base == "Counter64"):
            columns.append(column)
            standings.append(standing)
    return Part(columns, standings)


class Visible(NamedTuple):
    """The visible part of a context's tree."""

    part: Part
    tree: Tree


def get(shown: Visible, names: Sequence[Oid], now: Now, budget: int, version_1: bool) -> Work[Answer]:
    """GET (RFC 3416 §4.2.1), of bindings of `budget` octets at most."""
    bindings: list[Binding] = []
    for place, name in enumerate(names, 1):
        with _faults_of(place):
            value = _value(shown, name, now())
        if version_1 and value in (NO_SUCH_OBJECT, NO_SUCH_INSTANCE):
            return Answer(NO_SUCH_NAME, place)
        bindings.append((name, value))
        budget -= binding_size(bindings[-1])
        if budget < 0:
            return Answer(TOO_BIG)
        yield
    return Answer(bindings=bindings)


def get_next(shown: Visible, names: Sequence[Oid], now: Now, budget: int, version_1: bool) -> Work[Answer]:
    """GETNEXT (RFC 3416 §4.2.2), of bindings of `budget` octets at most."""
    bindings: list[Binding] = []
    for place, name in enumerate(names, 1):
        found = None
        with _faults_of(place):
            for found in _cells(shown, name, now):
                yield
                if found is not None:
                    break
        if found is None and version_1:
            return Answer(NO_SUCH_NAME, place)
        bindings.append(found or (name, END_OF_MIB_VIEW))
        budget -= binding_size(bindings[-1])
        if budget < 0:
            return Answer(TOO_BIG)
        yield
    return Answer(bindings=bindings)


def get_bulk(shown: Visible, names: Sequence[Oid], non_repeaters: int, repetitions: int, now: Now, budget: int) -> Work[Answer]:
    """GETBULK (RFC 3416 §4.2.3). No more is gathered than `budget` octets of bindings can hold, and one binding.

    As the RFC allows, no further repetition is made once every repeater is past the end of the view, or much has been passed over
    to find the cells so far.
    """
    once = min(max(non_repeaters, 0), len(names))
    walks = ((place, _endless(shown, name, now)) for place, name in enumerate(names, 1))  # begun when their turn comes
    bindings: list[Binding] = []
    repeated: list[tuple[int, Iterator[Binding | None]]] = []
    passed = 0
    turn: Iterator[tuple[int, Iterator[Binding | None]]] = islice(walks, once)
    for repetition in range(max(repetitions, 0) + 1 if names[once:] else 1):
        begin = len(bindings)
        for place, walk in turn:
            with _faults_of(place):
                while (binding := next(walk)) is None:
                    passed += 1
                    yield
            yield
            bindings.append(binding)
            budget -= binding_size(binding)
            if budget < 0:
                return Answer(bindings=bindings)
            if repetition == 1:
                repeated.append((place, walk))
        if repetition and (passed > LONGEST_SEARCH or all(value == END_OF_MIB_VIEW for _, value in bindings[begin:])):
            break
        turn = iter(repeated) if repetition else walks
    return Answer(bindings=bindings)


def fitting(bindings: Sequence[Binding], budget: int) -> int:
    """How many of the bindings, from the first on, take no more than `budget` octets."""
    for count, binding in enumerate(bindings):
        budget -= binding_size(binding)
        if budget < 0:
            return count
    return len(bindings)


def binding_size(binding: Binding) -> int:
    """The octets of an encoded variable binding."""
    name = len(name_content(binding[0]))
    body = 1 + len(length(name)) + name + len(binding[1])
    return 1 + len(length(body)) + body


@contextmanager
def _faults_of(place: int) -> Iterator[None]:
    """Attribute a view's exception to a binding: genErr's error-index names it (RFC 3416 §4.2.1)."""
    try:
        yield
    except Exception as fault:
        raise ReadFaultError(place) from fault


def _value(shown: Visible, name: Oid, now: int) -> bytes:
    key = order_key(name)
    part, tree = shown
    at = part.position(key)
    if at is None:
        return NO_SUCH_OBJECT
    column = part.columns[at]
    if not part.standings[at].below(name[len(column.object.oid) :]).included:
        return NO_SUCH_INSTANCE
    row = tree.table(column).place(key[len(column.key) :])
    return (column.encode(tree.subjects(column)[row], now) if row >= 0 else None) or NO_SUCH_INSTANCE


def _cells(shown: Visible, name: Oid, now: Now) -> Iterator[Binding | None]:
    """The cells after a name that the view shows, in order; None where some rows, or a column, have been passed over."""
    part, tree = shown
    key = order_key(name)
    at = bisect_right(part.keys, key)
    behind = b""
    if at and key.startswith(part.keys[at - 1]):
        at -= 1
        behind = key[len(part.keys[at]) :]
    for column, standing in zip(part.columns[at:], part.standings[at:], strict=True):
        if standing.covers:
            yield from _cells_of(column, tree, behind, now)
        else:
            yield from _shown_cells_of(column, standing, tree, behind, now)
        yield None
        behind = b""


def _cells_of(column: Column, tree: Tree, behind: bytes, now: Now) -> Iterator[Binding | None]:
    """The cells of one column after an order key."""
    table, subjects, encode = tree.table(column), tree.subjects(column), column.encode
    ahead = 1
    place = table.after(behind)
    while place < len(table):
        binding = None
        moment = now()
        for subject in subjects[place : place + ahead]:
            value = encode(subject, moment)
            if value is not None:
                binding = (*column.object.oid, *_numbers(table.key(place))), value
                break
            place += 1
        ahead = 1 if binding else _CELLS
        behind = table.key(place if binding else place - 1)
        yield binding
        place = table.after(behind)


def _shown_cells_of(column: Column, standing: Standing, tree: Tree, behind: bytes, now: Now) -> Iterator[Binding | None]:
    """The same where a view cuts inside the column. What it hides is passed over range by range."""
    table, subjects = tree.table(column), tree.subjects(column)
    place = table.after(behind)
    while place < len(table):
        behind = table.key(place)
        index = _numbers(behind)
        if standing.below(index).included:
            value = column.encode(subjects[place], now())
            yield None if value is None else ((*column.object.oid, *index), value)
        else:
            onward = standing.behind(index)
            if onward is None:
                return
            yield None
            behind = order_key(onward)
            exact = table.place(behind)
            if exact >= 0:
                place = exact
                continue
        place = table.after(behind)


def _endless(shown: Visible, name: Oid, now: Now) -> Iterator[Binding | None]:
    """The cells after a name, then the end of the view for ever, under the last name."""
    for binding in _cells(shown, name, now):
        if binding is not None:
            name = binding[0]
        yield binding
    while True:
        yield name, END_OF_MIB_VIEW


def _numbers(key: bytes) -> Oid:
    return tuple(int.from_bytes(key[at : at + 4], "big") for at in range(0, len(key), 4))
