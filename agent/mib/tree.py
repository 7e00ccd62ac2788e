"""Mib room: the ordered tree of one SNMP context: a plan, bound to the context's rows.

The plan has the columns in OID order; a scalar is a column with one row, 0. A table keeps its rows in the order of their indexes.
So GETNEXT searches the column, then the row. Cells are not stored: a value is computed when it is asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

from agent.mib.column import Column
from agent.mib.index import Entry, TableIndex
from agent.mib.plan import Bound, Plan


class Tree:
    """One context's tree. A table is bound when it is first asked for. `shared` has the bound tables that all contexts share."""

    __slots__ = ("_bound", "_shared", "context", "plan")

    def __init__(self, plan: Plan, context: Any, shared: dict[str, Bound] | None = None) -> None:
        self.plan = plan
        self.context = context
        self._shared = {} if shared is None else shared
        self._bound: dict[int, Bound] = {}

    @property
    def columns(self) -> Sequence[Column]:
        return self.plan.columns

    def table(self, column: Column) -> TableIndex:
        """The rows of a column's table."""
        bound = self._bound.get(column.table)
        return (bound or self._bind(column.table)).index

    def subjects(self, column: Column) -> Sequence[Any]:
        """What the cells of a column are encoded from, an item for each row."""
        return column.subjects(self.table(column), self.context)

    def _bind(self, number: int) -> Bound:
        table = self.plan.tables[number]
        bound = self._shared.get(table.name) if table.shared else None
        if bound is None:
            bound = table.bind(self.context)
            if table.shared:
                self._shared[table.name] = bound
        self._bound[number] = bound
        return bound

    def close(self) -> None:
        """Follow no rows any more, but for shared ones."""
        for number, bound in self._bound.items():
            if bound.subscription is not None and not self.plan.tables[number].shared:
                bound.subscription.close()

    def column_of(self, key: bytes) -> Column | None:
        """The column of a name, by the name's order key."""
        return self.plan.column_of(key)

    def get(self, key: bytes, now: int) -> tuple[Column | None, bytes | None]:
        """The column of a name, and the cell's value if there is one (RFC 3416 §4.2.1)."""
        column = self.column_of(key)
        if column is None:
            return None, None
        at = self.table(column).place(key[len(column.key) :])
        return column, column.encode(self.subjects(column)[at], now) if at >= 0 else None

    def entry(self, key: bytes) -> tuple[Column, Entry] | None:
        """The column and row that a name identifies."""
        column = self.column_of(key)
        if column is None:
            return None
        table = self.table(column)
        at = table.place(key[len(column.key) :])
        return (column, table.entry(at)) if at >= 0 else None

    def successors(self, key: bytes, now: int) -> Iterator[tuple[Column, Entry, bytes]]:
        """The cells after a name, in order (RFC 3416 §4.2.2)."""
        keys, columns = self.plan.keys, self.plan.columns
        at = bisect_right(keys, key)
        if at and key.startswith(keys[at - 1]):
            column = columns[at - 1]
            yield from self._cells(column, self.table(column).after(key[len(column.key) :]), now)
        for column in columns[at:]:
            yield from self._cells(column, 0, now)

    def _cells(self, column: Column, first: int, now: int) -> Iterator[tuple[Column, Entry, bytes]]:
        table, subjects, encode = self.table(column), self.subjects(column), column.encode
        for at in range(first, len(table)):
            value = encode(subjects[at], now)
            if value is not None:
                yield column, table.entry(at), value
