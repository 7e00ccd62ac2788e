"""A column's cells as variable bindings, against the same built from its parts (RFC 3416 §3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.flow.counters import CounterSource, FrozenCounters
from agent.mib.column import LARGEST_KEPT_VALUE, Column, CounterColumn
from agent.mib.index import NumberIndex
from agent.mib.name_index import NameIndex
from agent.mib.schema import Object, Syntax
from agent.mib.values import name_content, number, object_identifier, sub_identifiers, wrap

Oid = tuple[int, ...]
ENTRY = (1, 3, 6, 1, 4, 1)
SIZES = {"Counter32": 2**32, "Counter64": 2**64}
edges = st.sampled_from([2**bits + more for bits in (0, 7, 8, 15, 16, 23, 24, 31, 32, 33, 40, 63, 64, 65) for more in (-1, 0, 1)])
counts = st.none() | edges | st.integers(0, 300) | st.integers(0, 2**66)


@dataclass(frozen=True, slots=True)
class Counted:
    counters: CounterSource


def object_of(base: str) -> Object:
    return Object("A-MIB", "anObject", (*ENTRY, 9), "column", "read-only", Syntax(base, base))


def binding(index: Oid, value: bytes) -> bytes:
    return wrap(0x30, object_identifier((*ENTRY, 9, *index)) + value)


@given(st.sampled_from(sorted(SIZES)), st.sampled_from([0, 100, 2**31 - 70]), st.lists(counts, max_size=40), st.booleans())
def test_a_run_of_a_counter_is_its_cells_one_by_one(base: str, lead: int, values: list[int | None], by_number: bool) -> None:
    """Whatever the sizes of neighbours: a value that wrapped shows what is left, one that is not known has no cell."""
    table = NumberIndex(counted=True) if by_number else NameIndex(counted=True, largest_block=16)
    for row, value in enumerate(values):
        table.add((lead + row,), Counted(FrozenCounters((0, value))))
    column = CounterColumn(object_of(base), 0, base, 1)
    expected = [binding((lead + row,), number(base, value % SIZES[base])) for row, value in enumerate(values) if value is not None]
    sources = column.subjects(table, None)
    assert column.bindings(table, sources, 0, len(values), 0, 100)[0] == expected
    assert column.bindings(table, sources, 0, 3, 0, 100)[0] == expected[:3]
    cells = [column.encode(source, 0) for source in sources]
    assert cells == [None if value is None else number(base, value % SIZES[base]) for value in values]


@pytest.mark.parametrize("index", [(1,), (300, 7), (4294967295,) * 24])
def test_a_head_and_a_value_make_a_binding(index: Oid) -> None:
    suffix = sub_identifiers(index)
    column = Column(object_of("Integer32"), 0, lambda row, now: None)
    for value in (number("Integer32", 5), number("Counter64", 2**63), *(wrap(0x04, b"x" * size) for size in (21, 22, 200))):
        assert name_content((*ENTRY, 9, *index)) == column.prefix + suffix
        assert column.head(len(suffix), len(value)) + suffix + value == binding(index, value)
        if len(value) < LARGEST_KEPT_VALUE:
            assert column.heads[len(suffix)][len(value)] == column.head(len(suffix), len(value))


@pytest.mark.parametrize("index", [NumberIndex, NameIndex])
def test_missing_cells_are_passed_over_in_growing_numbers(index: type[NumberIndex] | type[NameIndex]) -> None:
    """RFC 3416 §4.2.2 asks for the next cell that there is: one far off costs few steps, and no cell is lost or doubled."""
    table = index()
    shown = {1, 5, 6, 3000, 3001, 9999}
    for row in range(10_000):
        table.add((row,), row)
    steps: list[int] = []

    class Watched(Column):
        def run(self, same: bytes, rests: list[bytes], subjects: Sequence[Any], now: int) -> list[bytes]:
            steps.append(len(rests))
            return super().run(same, rests, subjects, now)

    column = Watched(object_of("Gauge32"), 0, lambda row, now: number("Gauge32", row) if row in shown else None)
    rows = column.subjects(table, None)
    all_of_them = [binding((row,), number("Gauge32", row)) for row in sorted(shown)]
    assert column.bindings(table, rows, 0, 100, 0, 20_000)[0] == all_of_them
    for count in range(1, 7):
        assert column.bindings(table, rows, 0, count, 0, 20_000)[0] == all_of_them[:count]
    steps.clear()
    assert column.bindings(table, rows, 3002, 1, 0, 20_000)[0] == all_of_them[-1:]
    assert len(steps) < 100


def test_a_column_that_needs_its_context_gets_each_row_with_it() -> None:
    table = NumberIndex()
    column = Column(object_of("Integer32"), 0, lambda subject, now: number("Integer32", sum(subject)), in_context=True)
    pairs = column.subjects(table, 1000)
    for row in (3, 1, 2):
        table.add((row,), row)
    assert (pairs[1], pairs[1:], len(pairs)) == ((2, 1000), [(2, 1000), (3, 1000)], 3)
    found, _ = column.bindings(table, pairs, 0, 9, 0, 100)
    assert found == [binding((row,), number("Integer32", 1000 + row)) for row in (1, 2, 3)]
