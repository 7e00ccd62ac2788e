"""Mib room: the ordered tree, computed rather than stored.

A tree is the columns that one SNMP context has, in OID order; a scalar is a column of one row, 0. A table keeps its row indexes
sorted, so a successor is found by a search for the column, then for the row. A cell's value is made at the moment that it is asked
for.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from agent.mib.schema import Object
from agent.mib.values import decode_sub_identifiers, length, name_content, order_key, sub_identifiers

LARGEST_KEPT_VALUE = 24  # octets of an encoded value whose binding's head is kept; a number takes at most 11
# One sub-identifier as X.690 §8.19 has it encoded: each octet but the last with its high bit set, the first not 0x80.
_CANONICAL = re.compile(rb"(?:[\x81-\xff][\x80-\xff]{0,3})?[\x00-\x7f]").fullmatch
Row = Any  # each table's rows are of its own type; only the table's declaration knows it


class Entry(NamedTuple):
    """One row of a table: its index as an order key and as octets of a name, and what it shows."""

    key: bytes
    suffix: bytes
    row: Row


class TableIndex:
    """The rows of one table in the order of their indexes: three lists side by side, so that a run touches little memory."""

    __slots__ = ("_compound", "_gapless", "_lead", "keys", "rows", "suffixes")

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.suffixes: list[bytes] = []
        self.rows: list[Row] = []
        # See `find`: how far a row stands behind its number, and whether that is so of every row.
        self._lead = 0
        self._gapless = False
        self._compound = 0  # rows whose index is more than one number

    def add(self, index: tuple[int, ...], row: Row) -> None:
        key = order_key(index)
        # Rising indexes, the usual case, go to the end.
        at = len(self.keys) if not self.keys or key > self.keys[-1] else bisect_left(self.keys, key)
        self.keys.insert(at, key)
        self.suffixes.insert(at, sub_identifiers(index))
        self.rows.insert(at, row)
        self._compound += len(index) != 1
        self._measure()

    def remove(self, index: tuple[int, ...]) -> None:
        at = bisect_left(self.keys, order_key(index))
        if self.suffixes[at] != sub_identifiers(index):
            raise KeyError(index)
        del self.keys[at]
        del self.suffixes[at]
        del self.rows[at]
        self._compound -= len(index) != 1
        self._measure()

    def find(self, suffix: bytes) -> int:
        """The position of the row whose index is `suffix` (octets of a name); -1 where there is none.

        Indexes rise by one as a rule, so a row stands a constant number of places from where its own number says. Where they have
        no gap, that is all there is to it, and memory of no other row is touched; else it is tried first, and learnt anew from each
        search that it fails in.
        """
        number = 0
        for octet in suffix:
            number = number << 7 | octet & 0x7F
        suffixes = self.suffixes
        at = number - self._lead
        if self._gapless and _CANONICAL(suffix):
            return at if 0 <= at < len(suffixes) else -1
        if 0 <= at < len(suffixes) and suffixes[at] == suffix:
            return at
        index = decode_sub_identifiers(suffix)
        if index is None or max(index) > 0xFFFFFFFF:
            return -1
        key = order_key(index)
        at = bisect_left(self.keys, key)
        if at == len(suffixes) or suffixes[at] != suffix:
            return -1
        self._lead = number - at
        return at

    def _measure(self) -> None:
        """Whether the indexes are single numbers without a gap; then the lead is known."""
        keys = self.keys
        self._gapless = False
        if keys and not self._compound:
            first = int.from_bytes(keys[0])
            if int.from_bytes(keys[-1]) - first + 1 == len(keys):
                self._gapless = True
                self._lead = first

    def entry(self, at: int) -> Entry:
        return Entry(self.keys[at], self.suffixes[at], self.rows[at])

    def __len__(self) -> int:
        return len(self.keys)


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

    `encode(row, now)` gives a cell's tag, length and value, or None where that row does not instantiate it. `write(row, value)`
    tests a value of the right syntax, and gives the commit or raises SetRefusedError.
    """

    __slots__ = ("encode", "heads", "key", "object", "prefix", "table", "write")

    def __init__(
        self,
        obj: Object,
        table: TableIndex,
        encode: Callable[[Row, int], bytes | None],
        write: Callable[[Row, Any], Commit] | None = None,
    ) -> None:
        self.object = obj
        self.table = table
        self.encode = encode
        self.write = write
        self.key = order_key(obj.oid)
        self.prefix = name_content(obj.oid)
        self.heads: dict[int, list[bytes]] = {}

    def head(self, suffix_size: int) -> list[bytes]:
        """What stands before the suffix in an encoded binding, by the size of the value: made once for each size of suffix.

        That is the binding's tag and length, the name's tag and length, and the column's own name (X.690, RFC 3416 §3).
        """
        name = b"\x06" + length(len(self.prefix) + suffix_size) + self.prefix
        head = [b"\x30" + length(len(name) + suffix_size + size) + name for size in range(LARGEST_KEPT_VALUE)]
        self.heads[suffix_size] = head
        return head


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
        table, suffix = column.table, key[len(column.key) :]
        at = bisect_left(table.keys, suffix)
        if at < len(table.keys) and table.keys[at] == suffix:
            return column, column.encode(table.rows[at], now)
        return column, None

    def entry(self, key: bytes) -> tuple[Column, Entry] | None:
        """The column and row that a name is the name of."""
        column = self.column_of(key)
        if column is None:
            return None
        suffix = key[len(column.key) :]
        at = bisect_left(column.table.keys, suffix)
        if at < len(column.table.keys) and column.table.keys[at] == suffix:
            return column, column.table.entry(at)
        return None

    def successors(self, key: bytes, now: int) -> Iterator[tuple[Column, Entry, bytes]]:
        """The cells after a name, in order (RFC 3416 §4.2.2)."""
        at = bisect_right(self._keys, key)
        if at and key.startswith(self._keys[at - 1]):
            column = self.columns[at - 1]
            yield from _cells(column, bisect_right(column.table.keys, key[len(column.key) :]), now)
        for column in self.columns[at:]:
            yield from _cells(column, 0, now)


def _cells(column: Column, first: int, now: int) -> Iterator[tuple[Column, Entry, bytes]]:
    table, encode = column.table, column.encode
    for at in range(first, len(table)):
        value = encode(table.rows[at], now)
        if value is not None:
            yield column, table.entry(at), value
