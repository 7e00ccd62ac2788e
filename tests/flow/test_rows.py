"""Rows and who listens, index allocation, sliding windows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.flow.rows import INDEX_LIMIT, IndexAllocator, LowestFree, Rows, Window


class Mirror:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.rows: dict[int, str] = {}
        self.removed: list[tuple[int, str]] = []

    def row_added(self, key: int, row: str) -> None:
        assert key not in self.rows
        self.rows[key] = row

    def row_removed(self, key: int, row: str) -> None:
        assert self.rows.pop(key) == row
        self.removed.append((key, row))


def test_rows_are_found_by_key() -> None:
    rows: Rows[int, str] = Rows()
    rows.add(3, "three")
    rows.add(1, "one")
    assert (rows.get(3), rows.get(2), rows[1]) == ("three", None, "one")
    assert 3 in rows
    assert 2 not in rows
    assert len(rows) == 2
    assert (list(rows), list(rows.values())) == ([3, 1], ["three", "one"])
    assert rows.remove(3) == "three"
    assert len(rows) == 1


def test_a_key_is_used_once_and_only_what_is_there_can_go() -> None:
    rows: Rows[int, str] = Rows()
    rows.add(1, "one")
    with pytest.raises(KeyError, match="row 1 exists already"):
        rows.add(1, "another")
    with pytest.raises(KeyError):
        rows.remove(2)


def test_a_listener_hears_of_the_rows_there_are_and_of_each_that_comes_or_goes() -> None:
    rows: Rows[int, str] = Rows()
    rows.add(1, "one")
    early, late = Mirror(), Mirror()
    rows.listen(early)
    rows.add(2, "two")
    rows.remove(1)
    rows.listen(late)
    rows.add(3, "three")
    assert early.rows == late.rows == {2: "two", 3: "three"}
    assert (early.removed, late.removed) == ([(1, "one")], [])


def test_indexes_begin_at_one_and_rise() -> None:
    indexes = IndexAllocator(lambda index: False)
    assert [indexes.take() for _ in range(3)] == [1, 2, 3]


def test_an_index_is_not_given_again_before_the_others_have_been() -> None:
    used: set[int] = set()
    indexes = IndexAllocator(used.__contains__)
    used.add(indexes.take())
    used.clear()
    assert indexes.take() == 2


def test_indexes_wrap_at_the_largest_and_skip_those_in_use() -> None:
    indexes = IndexAllocator({1, 2, 4, INDEX_LIMIT}.__contains__, INDEX_LIMIT - 2)
    assert [indexes.take() for _ in range(3)] == [INDEX_LIMIT - 1, 3, 5]


def test_the_largest_index_is_given() -> None:
    indexes = IndexAllocator(lambda index: False, INDEX_LIMIT - 1)
    assert [indexes.take(), indexes.take()] == [INDEX_LIMIT, 1]


@given(st.lists(st.integers(1, 12).map(lambda size: ("resize", size)) | st.just(("append", 0)), max_size=60), st.integers(1, 12))
def test_a_window_keeps_the_last_rows_under_rising_indexes(verbs: list[tuple[str, int]], size: int) -> None:
    window: Window[str] = Window(size)
    mirror = Mirror()
    window.listen(mirror)
    expected: list[tuple[int, str]] = []
    appended = 0
    for verb, number in verbs:
        if verb == "resize":
            size = number
            window.resize(number)
        else:
            appended += 1
            row = window.append(lambda index: f"row {index}")
            assert row == f"row {appended}"
            expected.append((appended, row))
        expected = expected[-size:]
        assert window.size == size
        assert [(index, window[index]) for index in window] == expected
        assert mirror.rows == dict(expected)


def test_shrinking_drops_the_oldest_at_once_and_growing_brings_none_back() -> None:
    window: Window[int] = Window(5)
    for _ in range(5):
        window.append(lambda index: index)
    window.resize(2)
    assert list(window) == [4, 5]
    window.resize(5)
    assert list(window) == [4, 5]
    window.append(lambda index: index)
    assert list(window) == [4, 5, 6]


def test_140_ends_leave_the_last_130() -> None:
    window: Window[int] = Window(130)
    for _ in range(140):
        window.append(lambda index: index)
    assert list(window) == list(range(11, 141))


@given(st.lists(st.integers(0, 9), max_size=40))
def test_the_lowest_free_number_is_given(turns: list[int]) -> None:
    """Of each turn, an odd number takes one, an even one gives one back."""
    numbers, taken = LowestFree(2), set[int]()
    for turn in turns:
        if turn % 2 or not taken:
            lowest = next(number for number in range(2, 50) if number not in taken)
            assert numbers.peek() == lowest
            assert numbers.take() == lowest
            taken.add(lowest)
        else:
            given_back = sorted(taken)[turn % len(taken)]
            numbers.give_back(given_back)
            taken.remove(given_back)
