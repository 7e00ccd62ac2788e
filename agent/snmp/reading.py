"""Snmp room: reads as pure functions over a tree and a view (RFC 3416 §4.2.1–4.2.3; for SNMPv1 RFC 1157 §4.1 by RFC 3584 §4.2).

Names are tuples of sub-identifiers, values the encoded octets that the tree gives. SNMPv1 has no Counter64: those columns are not
there for it. How much a message can hold is the caller's to know.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from agent.mib.column import Column
from agent.mib.schema import Oid
from agent.mib.tree import Tree
from agent.mib.values import END_OF_MIB_VIEW, NO_SUCH_INSTANCE, NO_SUCH_OBJECT, length, name_content, order_key
from agent.snmp.view import View

NO_ERROR, TOO_BIG, NO_SUCH_NAME, BAD_VALUE, GEN_ERR = 0, 1, 2, 3, 5  # error-status

Binding = tuple[Oid, bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes into a response. With an error, `index` is the place of the failed binding from 1, or 0."""

    status: int = NO_ERROR
    index: int = 0
    bindings: Sequence[Binding] = ()


class ReadFaultError(Exception):
    """A view raised where it had to give a value; its `__cause__` is what was raised. `place` is the binding's, from 1."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


@dataclass(slots=True)
class Visible:
    """A tree as a view shows it: the columns that are not wholly hidden, each with whether the view may cut inside it."""

    columns: list[Column]
    cut: list[bool]
    view: View
    keys: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.keys = [column.key for column in self.columns]

    def column_of(self, key: bytes) -> Column | None:
        at = bisect_right(self.keys, key) - 1
        return self.columns[at] if at >= 0 and key.startswith(self.keys[at]) else None


def visible(tree: Tree, view: View, version_1: bool) -> Visible:
    """What of a tree a view shows to a version of SNMP."""
    columns, cut = [], []
    for column in tree.columns:
        covered = view.covers(column.object.oid)
        syntax = column.object.syntax
        if covered is not False and not (version_1 and syntax is not None and syntax.base == "Counter64"):
            columns.append(column)
            cut.append(covered is None)
    return Visible(columns, cut, view)


def get(shown: Visible, names: Sequence[Oid], now: int, version_1: bool) -> Answer:
    """GET (RFC 3416 §4.2.1)."""
    bindings = []
    for place, name in enumerate(names, 1):
        with _faults_of(place):
            value = _value(shown, name, now)
        if version_1 and value in (NO_SUCH_OBJECT, NO_SUCH_INSTANCE):
            return Answer(NO_SUCH_NAME, place)
        bindings.append((name, value))
    return Answer(bindings=bindings)


def get_next(shown: Visible, names: Sequence[Oid], now: int, version_1: bool) -> Answer:
    """GETNEXT (RFC 3416 §4.2.2)."""
    bindings = []
    for place, name in enumerate(names, 1):
        with _faults_of(place):
            binding = next(_cells(shown, name, now), None)
        if binding is None and version_1:
            return Answer(NO_SUCH_NAME, place)
        bindings.append(binding or (name, END_OF_MIB_VIEW))
    return Answer(bindings=bindings)


def get_bulk(shown: Visible, names: Sequence[Oid], non_repeaters: int, repetitions: int, now: int, budget: int) -> Answer:
    """GETBULK (RFC 3416 §4.2.3). No more is gathered than `budget` octets of bindings can hold, and one binding.

    Once every repeater is past the end of the view no further repetition is made, as the RFC allows.
    """
    once = min(max(non_repeaters, 0), len(names))
    bindings: list[Binding] = []
    for place, walk in _looked_at(shown, names[:once], now, 1):
        budget = _add_next(bindings, place, walk, budget)
        if budget < 0:
            return Answer(bindings=bindings)
    walks: list[tuple[int, Iterator[Binding]]] = []
    looked_at = _looked_at(shown, names[once:], now, once + 1)
    for turn in range(max(repetitions, 0) if names[once:] else 0):
        begin = len(bindings)
        for each in walks if turn else looked_at:
            budget = _add_next(bindings, *each, budget)
            if budget < 0:
                return Answer(bindings=bindings)
            if not turn:
                walks.append(each)
        if all(value == END_OF_MIB_VIEW for _, value in bindings[begin:]):
            break
    return Answer(bindings=bindings)


def _looked_at(shown: Visible, names: Sequence[Oid], now: int, first: int) -> Iterator[tuple[int, Iterator[Binding]]]:
    """The cells after each name, and the name's place; a name is looked at when its turn comes."""
    return ((place, _endless(shown, name, now)) for place, name in enumerate(names, first))


def _add_next(bindings: list[Binding], place: int, walk: Iterator[Binding], budget: int) -> int:
    """Add the next cell of a walk; gives what is left of the budget."""
    with _faults_of(place):
        bindings.append(next(walk))
    return budget - binding_size(bindings[-1])


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
    """Say which binding a view's fault belongs to: genErr's error-index names it (RFC 3416 §4.2.1)."""
    try:
        yield
    except Exception as fault:
        raise ReadFaultError(place) from fault


def _value(shown: Visible, name: Oid, now: int) -> bytes:
    key = order_key(name)
    column = shown.column_of(key)
    if column is None:
        return NO_SUCH_OBJECT
    if not shown.view.contains(name):
        return NO_SUCH_INSTANCE
    at = column.table.place(key[len(column.key) :])
    return (column.encode(column.subjects[at], now) if at >= 0 else None) or NO_SUCH_INSTANCE


def _cells(shown: Visible, name: Oid, now: int) -> Iterator[Binding]:
    """The cells after a name that the view shows, in order."""
    key = order_key(name)
    at = bisect_right(shown.keys, key)
    first = 0
    if at and key.startswith(shown.keys[at - 1]):
        at -= 1
        first = shown.columns[at].table.after(key[len(shown.keys[at]) :])
    for column, cut in zip(shown.columns[at:], shown.cut[at:], strict=True):
        oid, encode, table, subjects = column.object.oid, column.encode, column.table, column.subjects
        for place in _shown_rows(column, shown.view, first) if cut else range(first, len(table)):
            value = encode(subjects[place], now)
            if value is not None:
                yield (*oid, *_numbers(table.key(place))), value
        first = 0


def _shown_rows(column: Column, view: View, place: int) -> Iterator[int]:
    """The rows from a place on whose cells a view shows. What it hides is passed over range by range."""
    oid, table = column.object.oid, column.table
    while place < len(table):
        name = (*oid, *_numbers(table.key(place)))
        if view.contains(name):
            yield place
            place += 1
            continue
        behind = view.behind(name, len(oid))
        if behind is None:
            return
        key = order_key(behind[len(oid) :])
        exact = table.place(key)
        place = exact if exact >= 0 else table.after(key)


def _endless(shown: Visible, name: Oid, now: int) -> Iterator[Binding]:
    """The cells after a name, then the end of the view for ever, under the last name."""
    for binding in _cells(shown, name, now):
        name = binding[0]
        yield binding
    while True:
        yield name, END_OF_MIB_VIEW


def _numbers(key: bytes) -> Oid:
    return tuple(int.from_bytes(key[at : at + 4], "big") for at in range(0, len(key), 4))
