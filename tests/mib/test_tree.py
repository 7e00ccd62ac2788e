"""The ordered tree against a plain sorted list of every cell that there is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.mib.column import Column
from agent.mib.index import Entry, NumberIndex, TableIndex
from agent.mib.name_index import NameIndex
from agent.mib.plan import Bound, Plan, TablePlan
from agent.mib.schema import Object, Syntax
from agent.mib.tree import Tree
from agent.mib.values import number, order_key, sub_identifiers
from tests.mib.trees import tree_of

Oid = tuple[int, ...]
Cells = dict[Oid, bytes]
small = st.sampled_from([0, 1, 2, 3, 127, 128, 4294967295])
indexes = st.lists(small, min_size=1, max_size=3).map(tuple)
numbers = (small | st.integers(0, 300)).map(lambda number: (number,))
KINDS: tuple[tuple[Callable[[], TableIndex], st.SearchStrategy[Oid]], ...] = (
    (NameIndex, indexes),
    (partial(NameIndex, largest_block=2), indexes),
    (NumberIndex, numbers),
)
BASE = (1, 3, 6, 1)


def column_at(oid: Oid, table: int, encode: Callable[[int, int], bytes | None]) -> Column:
    return Column(Object("A-MIB", "anObject", oid, "column", "read-only", Syntax("Integer32", "Integer32")), table, encode)


def hole_every(step: int, of: int) -> Callable[[int, int], bytes | None]:
    """A column that one row in `step` does not instantiate; its value tells row and moment."""
    return lambda row, now: None if (row + of) % step == 0 else number("Integer32", row * 1000 + now)


@st.composite
def trees(draw: st.DrawFn) -> tuple[Tree, Cells, int]:
    """A tree of some tables, with rows that came and went, and its cells as one plain mapping at one moment."""
    now = draw(st.integers(0, 9))
    columns: list[Column] = []
    tables: list[TableIndex] = []
    cells: Cells = {}
    for branch in draw(st.lists(st.sampled_from([1, 2, 5, 200]), unique=True, max_size=3)):
        kind, indexes_of_it = draw(st.sampled_from(KINDS))
        table: TableIndex = kind()
        rows = draw(st.lists(indexes_of_it, unique=True, max_size=8))
        gone = draw(st.lists(st.sampled_from(rows), unique=True)) if rows else []
        for row, index in enumerate(rows):
            table.add(index, row)
        for index in gone:
            table.remove(index)
        for leaf in draw(st.lists(st.sampled_from([1, 2, 3, 9]), unique=True, max_size=3)):
            oid = (*BASE, branch, 1, leaf)
            encode = hole_every(draw(st.integers(1, 4)), leaf)
            columns.append(column_at(oid, len(tables), encode))
            for row, index in enumerate(rows):
                value = encode(row, now)
                if index not in gone and value is not None:
                    cells[(*oid, *index)] = value
        tables.append(table)
    return tree_of(columns, *tables), dict(sorted(cells.items())), now


def names_near(cells: Cells) -> st.SearchStrategy[Oid]:
    """Names of cells, of their prefixes and extensions, and others in and around the tree."""
    anywhere = st.lists(small, max_size=4).map(lambda rest: (*BASE, *rest)) | st.sampled_from([(), (0,), (1,), (1, 3), (2, 9)])
    if not cells:
        return anywhere
    known = st.sampled_from(list(cells))
    return st.one_of(
        anywhere,
        known,
        st.tuples(known, st.integers(0, 9)).map(lambda pair: pair[0][: pair[1]]),
        st.tuples(known, small).map(lambda pair: (*pair[0], pair[1])),
        st.tuples(known, small).map(lambda pair: (*pair[0][:-1], pair[1])),
    )


def name_of(column: Column, entry: Entry) -> Oid:
    index = [int.from_bytes(entry.key[at : at + 4], "big") for at in range(0, len(entry.key), 4)]
    return (*column.object.oid, *index)


@given(trees(), st.data())
def test_get_finds_what_is_there_and_nothing_else(made: tuple[Tree, Cells, int], data: st.DataObject) -> None:
    tree, cells, now = made
    name = data.draw(names_near(cells))
    column, value = tree.get(order_key(name), now)
    assert value == cells.get(name)
    within = next((each for each in tree.columns if name[: len(each.object.oid)] == each.object.oid), None)
    assert column is within
    found = tree.entry(order_key(name))
    if value is not None:
        assert found is not None
        assert name_of(*found) == name


@given(trees(), st.data())
def test_successors_are_the_cells_after_a_name_in_order(made: tuple[Tree, Cells, int], data: st.DataObject) -> None:
    tree, cells, now = made
    name = data.draw(names_near(cells))
    following = [(name_of(column, entry), value) for column, entry, value in tree.successors(order_key(name), now)]
    assert following == [cell for cell in cells.items() if cell[0] > name]


@given(trees())
def test_a_walk_by_single_steps_meets_every_cell_once(made: tuple[Tree, Cells, int]) -> None:
    tree, cells, now = made
    walked: list[Oid] = []
    name: Oid = ()
    while (step := next(tree.successors(order_key(name), now), None)) is not None:
        name = name_of(step[0], step[1])
        walked.append(name)
    assert walked == list(cells)


@given(st.sampled_from(KINDS), st.data())
def test_an_index_stays_sorted_while_rows_come_and_go(
    kind: tuple[Callable[[], TableIndex], st.SearchStrategy[Oid]], data: st.DataObject
) -> None:
    table = kind[0]()
    there: dict[Oid, int] = {}
    for row, index in enumerate(data.draw(st.lists(kind[1], unique=True))):
        table.add(index, row)
        there[index] = row
        if row % 3 == 2:
            gone = sorted(there)[row % len(there)]
            table.remove(gone)
            del there[gone]
        ordered = sorted(there)
        suffixes = [sub_identifiers(index) for index in ordered]
        assert [table.entry(at) for at in range(len(table))] == [
            Entry(order_key(index), suffix, there[index]) for index, suffix in zip(ordered, suffixes, strict=True)
        ]
        assert [table.find(suffix) for suffix in suffixes] == list(range(len(table)))
        assert [table.place(order_key(index)) for index in ordered] == list(range(len(table)))
        assert stretches(table) == suffixes
        assert [*table.rows] == list(table.rows[:]) == [there[index] for index in ordered]
        assert [table.after(order_key(index)) for index in ordered] == list(range(1, len(table) + 1))
    with pytest.raises(KeyError):
        table.remove((5, 5, 5, 5)[: 1 if kind[0] is NumberIndex else 4] if (5,) not in there else (301,))


def stretches(table: TableIndex) -> list[bytes]:
    """Every suffix of a table, as runs of rows give them."""
    found: list[bytes] = []
    while len(found) < len(table):
        same, rests = table.stretch(len(found), min(len(found) + 7, len(table)))
        assert len({len(rest) for rest in rests}) == 1
        found += [same + rest for rest in rests]
    return found


def test_values_are_made_when_they_are_asked_for() -> None:
    table = NumberIndex()
    table.add((0,), 7)
    tree = tree_of([column_at((*BASE, 1), 0, lambda row, now: number("Integer32", row + now))], table)
    key = order_key((*BASE, 1, 0))
    assert [tree.get(key, now)[1] for now in (0, 1)] == [number("Integer32", 7), number("Integer32", 8)]


def test_columns_are_in_order_however_they_came() -> None:
    tree = tree_of([column_at((*BASE, leaf), 0, lambda row, now: None) for leaf in (3, 1, 200, 2)], NumberIndex())
    assert [column.object.oid[-1] for column in tree.columns] == [1, 2, 3, 200]


@pytest.mark.parametrize("first", [1, 120, 128, 16_300, 16_384, 2_097_100, 2**31 - 301])
def test_rows_are_found_by_their_numbers(first: int) -> None:
    table = NumberIndex()
    for index in range(first, first + 300):
        table.add((index,), index)
    assert [table.find(sub_identifiers((index,))) for index in (first - 1, first, first + 299, first + 300)] == [-1, 0, 299, -1]
    padded = b"\x80" + sub_identifiers((first,))
    assert table.find(padded) == -1  # X.690 §8.19: no number begins with 0x80
    assert table.find(sub_identifiers((first, 0))) == -1
    assert table.find(sub_identifiers((first,))[:-1] + b"\x80") == -1  # ends in the middle of a number
    assert table.find(b"") == -1
    table.remove((first + 7,))
    assert table.find(sub_identifiers((first + 7,))) == -1
    assert table.find(sub_identifiers((first + 8,))) == 7


def test_a_number_beyond_32_bits_is_no_rows() -> None:
    for table in (NumberIndex(), NameIndex()):
        table.add((0,), 0)
        assert table.find(sub_identifiers((2**32,))) == -1


def test_counter_sources_stand_beside_their_rows() -> None:
    class Row:
        def __init__(self, counters: str) -> None:
            self.counters = counters

    for table in (NumberIndex(counted=True), NameIndex(counted=True)):
        for index in (3, 1, 2):
            table.add((index,), Row(f"source {index}"))
        table.remove((2,))
        assert list(table.sources) == [row.counters for row in table.rows] == ["source 1", "source 3"]


def test_a_table_is_bound_when_it_is_first_asked_for_and_a_shared_one_once() -> None:
    bound: list[tuple[str, object]] = []

    def plan(name: str, shared: bool) -> TablePlan:
        def bind(context: object) -> Bound:
            bound.append((name, context))
            return Bound(NumberIndex())

        return TablePlan(name, bind, shared)

    columns = [column_at((*BASE, place + 1), place, lambda row, now: None) for place in (0, 1)]
    both, shared = Plan([plan("own", False), plan("shared", True)], columns), {}
    red, blue = Tree(both, "red", shared), Tree(both, "blue", shared)
    assert bound == []
    for tree in (red, blue, red):
        for column in columns:
            tree.table(column)
    assert bound == [("own", "red"), ("shared", "red"), ("own", "blue")]
    assert red.table(columns[1]) is blue.table(columns[1])
