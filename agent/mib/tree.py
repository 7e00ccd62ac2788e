"""Mib room: the ordered tree of one SNMP context.

A tree has the context's columns in OID order; a scalar is a column with one row, 0. A table keeps its rows in the order of their
indexes. So GETNEXT searches the column, then the row. Cells are not stored: a value is computed when it is asked for.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field

from agent.mib.column import Column
from agent.mib.index import Entry


@dataclass(slots=True)
class Tree:
    """One context's columns in OID order."""

    columns: list[Column] = field(default_factory=list)
    _keys: list[bytes] = field(default_factory=list)

    def add(self, column: Column) -> None:
        at = bisect_left(self._keys, column.key)
        insort(self._keys, column.key)
        self.columns.insert(at, column)

    def column_of(self, key: bytes) -> Column | None:
        """The column of a name, by the name's order key."""
        at = bisect_right(self._keys, key) - 1
        if at >= 0 and key.startswith(self._keys[at]):
            return self.columns[at]
        return None

    def get(self, key: bytes, now: int) -> tuple[Column | None, bytes | None]:
        """The column of a name, and the cell's value if there is one (RFC 3416 §4.2.1)."""
        column = self.column_of(key)
        if column is None:
            return None, None
        at = column.table.place(key[len(column.key) :])
        return column, column.encode(column.subjects[at], now) if at >= 0 else None

    def entry(self, key: bytes) -> tuple[Column, Entry] | None:
        """The column and row that a name identifies."""
        column = self.column_of(key)
        if column is None:
            return None
        at = column.table.place(key[len(column.key) :])
        return (column, column.table.entry(at)) if at >= 0 else None

    def successors(self, key: bytes, now: int) -> Iterator[tuple[Column, Entry, bytes]]:
        """The cells after a name, in order (RFC 3416 §4.2.2)."""
        at = bisect_right(self._keys, key)
        if at and key.startswith(self._keys[at - 1]):
            column = self.columns[at - 1]
            yield from _cells(column, column.table.after(key[len(column.key) :]), now)
        for column in self.columns[at:]:
            yield from _cells(column, 0, now)


def _cells(column: Column, first: int, now: int) -> Iterator[tuple[Column, Entry, bytes]]:
    table, subjects, encode = column.table, column.subjects, column.encode
    for at in range(first, len(table)):
        value = encode(subjects[at], now)
        if value is not None:
            yield column, table.entry(at), value
