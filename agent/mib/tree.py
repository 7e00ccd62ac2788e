"""Mib room: the ordered tree, computed rather than stored.

A tree is the columns that one SNMP context has, in OID order; a scalar is a column of one row, 0. A table keeps its rows in the
order of their indexes, so a successor is found by a search for the column, then for the row. A cell's value is made at the moment
that it is asked for.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from agent.mib.index import Entry, Row, TableIndex
from agent.mib.schema import Object
from agent.mib.values import length, name_content, order_key

LARGEST_KEPT_VALUE = 24  # octets of an encoded value whose binding's head is kept; a number takes at most 11


@dataclass(frozen=True, slots=True)
class Commit:
    """The second half of a SET of one cell; commits of lower `order` come first, those that destroy rows last."""

    act: Callable[[], None]
    order: int = 0


class SetRefusedError(Exception):
    """A value that may not be set; `status` is an error-status name of RFC 3416 ("wrongValue", "genErr", …)."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Column:
    """One accessible object of a context: how its cells are named, valued and, where it is writable, set.

    `encode(subject, now)` gives a cell's tag, length and value, or None where that row does not instantiate it; `subjects` is the
    table's rows, or the counter sources beside them. `write(row, value)` tests a value of the right syntax, and gives the commit or
    raises SetRefusedError.
    """

    __slots__ = ("encode", "heads", "key", "object", "prefix", "subjects", "table", "write")

    def __init__(
        self,
        obj: Object,
        table: TableIndex,
        encode: Callable[[Any, int], bytes | None],
        write: Callable[[Row, Any], Commit] | None = None,
        of_sources: bool = False,
    ) -> None:
        self.object = obj
        self.table = table
        self.subjects = table.sources if of_sources else table.rows
        self.encode = encode
        self.write = write
        self.key = order_key(obj.oid)
        self.prefix = name_content(obj.oid)
        self.heads: dict[int, list[bytes]] = {}

    def heads_of(self, suffix_size: int) -> list[bytes]:
        """What stands before a suffix of that size, by the size of the value; kept in `heads`."""
        self.heads[suffix_size] = made = [self._head(suffix_size, size) for size in range(LARGEST_KEPT_VALUE)]
        return made

    def head(self, suffix_size: int, value_size: int) -> bytes:
        """What stands before a suffix and a value of these sizes."""
        if value_size >= LARGEST_KEPT_VALUE:
            return self._head(suffix_size, value_size)
        return (self.heads.get(suffix_size) or self.heads_of(suffix_size))[value_size]

    def _head(self, suffix_size: int, value_size: int) -> bytes:
        """The binding's tag and length, the name's tag and length, the column's own name (X.690, RFC 3416 §3)."""
        name = b"\x06" + length(len(self.prefix) + suffix_size) + self.prefix
        return b"\x30" + length(len(name) + suffix_size + value_size) + name


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
        """The column that a name lies in, by the name's order key."""
        at = bisect_right(self._keys, key) - 1
        if at >= 0 and key.startswith(self._keys[at]):
            return self.columns[at]
        return None

    def get(self, key: bytes, now: int) -> tuple[Column | None, bytes | None]:
        """The column that a name lies in, and the cell's value where there is one (RFC 3416 §4.2.1)."""
        column = self.column_of(key)
        if column is None:
            return None, None
        at = column.table.place(key[len(column.key) :])
        return column, column.encode(column.subjects[at], now) if at >= 0 else None

    def entry(self, key: bytes) -> tuple[Column, Entry] | None:
        """The column and row that a name is the name of."""
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
