"""Mib room: the plan of a tree: the tables and columns that all contexts of a kind have. It is made once for a schema.

A context (`tree`) binds the plan to its rows, table by table, when they are first asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from agent.base.bus import Subscription
from agent.config.events import ConfigEvent
from agent.mib.column import Column
from agent.mib.index import TableIndex

_MOST_SELECTIONS = 64  # that a plan keeps


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A table with the rows of one context. `refresh` follows events of the configuration, which may change them."""

    index: TableIndex
    subscription: Subscription | None = None
    refresh: Callable[[Iterable[ConfigEvent]], None] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TablePlan:
    """One table, or a group of scalars. `bind` gives its rows in a context.

    A `shared` one is the same in all contexts of a router.
    """

    name: str
    bind: Callable[[Any], Bound]
    shared: bool = False


class Selection:
    """Some columns of a plan, in OID order, compiled for look-up by octets and by order."""

    __slots__ = ("_by_prefix", "_prefix_sizes", "columns", "keys")

    def __init__(self, columns: Iterable[Column]) -> None:
        self.columns = tuple(columns)
        self.keys = tuple(column.key for column in self.columns)
        self._by_prefix = {column.prefix: at for at, column in enumerate(self.columns)}
        sizes = Counter(len(column.prefix) for column in self.columns)
        self._prefix_sizes = sorted(sizes, key=lambda size: -sizes[size])  # most columns first; no column lies within another

    def position(self, name: bytes) -> int | None:
        """The position of the column that an encoded name lies in."""
        by_prefix = self._by_prefix
        for size in self._prefix_sizes:
            at = by_prefix.get(name[:size])
            if at is not None:
                return at
        return None


class Plan:
    """The tables, and their columns in OID order. The table of a column is `tables[column.table]`."""

    __slots__ = ("_selections", "columns", "keys", "tables")

    def __init__(self, tables: Iterable[TablePlan], columns: Iterable[Column]) -> None:
        self.tables = tuple(tables)
        self.columns = tuple(sorted(columns, key=lambda column: column.key))
        self.keys = tuple(column.key for column in self.columns)
        self._selections: dict[tuple[Column, ...], Selection] = {}

    def select(self, columns: Iterable[Column]) -> Selection:
        """A selection of columns. Equal ones are one object, because many routers have views that show the same."""
        chosen = tuple(columns)
        found = self._selections.get(chosen)
        if found is None:
            if len(self._selections) >= _MOST_SELECTIONS:
                self._selections.clear()
            found = self._selections[chosen] = Selection(chosen)
        return found

    def column_of(self, key: bytes) -> Column | None:
        """The column of a name, by the name's order key."""
        at = bisect_right(self.keys, key) - 1
        return self.columns[at] if at >= 0 and key.startswith(self.keys[at]) else None
