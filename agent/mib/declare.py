"""Mib room: table views, and how they become a plan.

A table view declares the rows of a table in a context, the index of a row, and the value of each column. All else (OIDs, syntaxes,
enumerations, the form of the index) comes from the compiled module. A value function takes the row and the moment. It returns None
if the row does not instantiate the column. For an enumerated column it returns the label; a label that the module lacks is not
instantiated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from agent.base.bus import Subscription
from agent.config.events import ConfigEvent
from agent.mib.column import Column, Commit, CounterColumn, SetRefusedError
from agent.mib.index import NumberIndex, Row, TableIndex
from agent.mib.name_index import NameIndex
from agent.mib.plan import Bound, Plan, TablePlan
from agent.mib.schema import Object, Schema, Table
from agent.mib.values import LONGEST_NAME, is_number, number, number_cell, object_identifier, octets

Value = Callable[[Row, int], Any]
Write = Callable[[Any, Row, Any], Commit]  # (context, row, value)
Index = Callable[[Any, Row], tuple[Any, ...]]


class RowSource(Protocol):
    """The rows of a table: a collection that notifies listeners of each row that comes or goes."""

    def listen(self, listener: Any) -> Subscription: ...


@dataclass(frozen=True, slots=True)
class RowCounter:
    """A value function that reads one counter of the row's counter source.

    It is a type of its own, so that `plan_of` can recognise it and make a CounterColumn, which encodes from the source itself.
    """

    counter: int

    def __call__(self, row: Row, now: int) -> int | None:
        count: int | None = row.counters.value(self.counter, now)
        return count


@dataclass(frozen=True, slots=True)
class InContext:
    """A value function that needs the context as well. It takes the row, the moment and the context."""

    value: Callable[[Row, int, Any], Any]

    def __call__(self, subject: tuple[Row, Any], now: int) -> Any:
        row, context = subject
        return self.value(row, now, context)


@dataclass(frozen=True, slots=True)
class TableView:
    """One table. `rows` gives its rows in a context. `index` takes a row's key and the row, and returns the values of the table's
    INDEX objects. A `shared` table is the same in all contexts of a router.
    """

    table: str
    rows: Callable[[Any], RowSource]
    index: Index
    columns: Mapping[str, Value]
    writes: Mapping[str, Write] = field(default_factory=dict)
    shared: bool = False


@dataclass(frozen=True, slots=True)
class ScalarView:
    """Scalars by name. Their functions get the `row` of a context. `shared` is as in TableView."""

    row: Callable[[Any], Row]
    scalars: Mapping[str, Value]
    writes: Mapping[str, Write] = field(default_factory=dict)
    shared: bool = False


View = TableView | ScalarView


class ComputedRows:
    """Rows computed from something else, such as the configuration. `refresh` computes them again and notifies listeners.

    They change with events of these kinds only; without any, with all.
    """

    def __init__(self, compute: Callable[[], Iterable[tuple[Any, Row]]], kinds: tuple[type, ...] = ()) -> None:
        self._compute = compute
        self._kinds = kinds
        self._rows: dict[Any, Row] = dict(compute())
        self._listeners: list[Any] = []

    def listen(self, listener: Any) -> Subscription:
        self._listeners.append(listener)
        for key, row in self._rows.items():
            listener.row_added(key, row)
        return Subscription(lambda: self._listeners.remove(listener))

    def refresh(self, events: Iterable[ConfigEvent] = ()) -> None:
        """Follow these events; without any, everything may have changed."""
        followed = tuple(events)
        if followed and self._kinds and not any(isinstance(event, self._kinds) for event in followed):
            return
        rows = dict(self._compute())
        for key in [key for key, row in self._rows.items() if rows.get(key) != row]:
            row = self._rows.pop(key)
            for listener in self._listeners:
                listener.row_removed(key, row)
        for key, row in rows.items():
            if key not in self._rows:
                self._rows[key] = row
                for listener in self._listeners:
                    listener.row_added(key, row)


class _TableListener:
    """Updates a table's sorted index when rows come and go.

    `longest` is the number of sub-identifiers that a name has left for the index. A row with a longer index cannot be represented:
    a peer with two long identities, for example.
    """

    def __init__(self, index: TableIndex, longest: int, sub_identifiers: Callable[[Any, Row], tuple[int, ...]]) -> None:
        self._index = index
        self._longest = longest
        self._sub_identifiers = sub_identifiers

    def row_added(self, key: Any, row: Row) -> None:
        index = self._sub_identifiers(key, row)
        if len(index) <= self._longest:
            self._index.add(index, row)

    def row_removed(self, key: Any, row: Row) -> None:
        index = self._sub_identifiers(key, row)
        if len(index) <= self._longest:
            self._index.remove(index)


def computed(compute: Callable[[Any], Iterable[tuple[Any, Row]]], *kinds: type) -> Callable[[Any], ComputedRows]:
    """The rows of a table that follows events of the configuration: `compute` gives those of a context, each with its key."""
    return lambda context: ComputedRows(partial(compute, context), kinds)


def plan_of(schema: Schema, views: Iterable[View]) -> Plan:
    """The plan of these tables and scalars. Raises KeyError with the name of an object that the modules lack."""
    tables: list[TablePlan] = []
    columns: list[Column] = []
    for place, view in enumerate(views):
        table, some = _scalars(schema, view, place) if isinstance(view, ScalarView) else _table(schema, view, place)
        tables.append(table)
        columns += some
    return Plan(tables, columns)


def _table(schema: Schema, view: TableView, place: int) -> tuple[TablePlan, list[Column]]:
    table = schema.table(view.table)
    counted = any(isinstance(value, RowCounter) for value in view.columns.values())
    make_index = NumberIndex if _is_one_number(table) else NameIndex
    longest = LONGEST_NAME - len(table.entry) - 1

    def sub_identifiers(key: Any, row: Row) -> tuple[int, ...]:
        return schema.encode_index(table, view.index(key, row))

    def bind(context: Any) -> Bound:
        index, rows = make_index(counted), view.rows(context)
        subscription = rows.listen(_TableListener(index, longest, sub_identifiers))
        return Bound(index, subscription, rows.refresh if isinstance(rows, ComputedRows) else None)

    columns = [_column(schema.object(name), place, value, view.writes.get(name)) for name, value in view.columns.items()]
    return TablePlan(view.table, bind, view.shared), columns


def _is_one_number(table: Table) -> bool:
    syntax = table.index[0].syntax
    return len(table.index) == 1 and syntax is not None and is_number(syntax.base)


def _scalars(schema: Schema, view: ScalarView, place: int) -> tuple[TablePlan, list[Column]]:
    """Each scalar is a column of one row, .0."""

    def bind(context: Any) -> Bound:
        index = NumberIndex()
        index.add((0,), view.row(context))
        return Bound(index)

    columns = [_column(schema.object(name), place, value, view.writes.get(name)) for name, value in view.scalars.items()]
    return TablePlan(next(iter(view.scalars)), bind, view.shared), columns


def _column(obj: Object, table: int, value: Value, write: Write | None) -> Column:
    if isinstance(value, RowCounter) and obj.syntax is not None:
        return CounterColumn(obj, table, obj.syntax.base, value.counter)
    return Column(obj, table, cell_encoder(obj, value), _writer(obj, write), isinstance(value, InContext))


def cell_encoder(obj: Object, value: Value) -> Callable[[Row, int], bytes | None]:
    """The function that returns the encoded cell, made from a value function by the object's syntax."""
    syntax = obj.syntax
    if syntax is None:
        raise ValueError(f"{obj.name} has no syntax: only scalars and columns have cells")
    if syntax.enum and is_number(syntax.base):
        encoded = {label: number(syntax.base, code) for label, code in syntax.enum.items()}
        return lambda row, now: encoded.get(value(row, now))
    if is_number(syntax.base):
        return number_cell(syntax.base, value)
    if syntax.base == "ObjectIdentifier":
        return _optional(value, object_identifier)
    return _optional(value, octets)


def _writer(obj: Object, write: Write | None) -> Write | None:
    """The write function for numbers, made from one for labels if the object is enumerated."""
    if write is None or obj.syntax is None or not obj.syntax.enum:
        return write
    labels = {code: label for label, code in obj.syntax.enum.items()}

    def by_label(context: Any, row: Row, value: int) -> Commit:
        if value not in labels:
            raise SetRefusedError("wrongValue")
        return write(context, row, labels[value])

    return by_label


def _optional(value: Value, encode: Callable[[Any], bytes]) -> Callable[[Row, int], bytes | None]:
    def cell(row: Row, now: int) -> bytes | None:
        found = value(row, now)
        return None if found is None else encode(found)

    return cell
