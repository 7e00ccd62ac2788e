"""Pages of a terminal."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.shell.pager import Pager


def test_a_page_leaves_a_row_for_the_question() -> None:
    pager = Pager(4, 80)
    assert pager.take("1\n2\n3\n") == "1\n2\n3\n"
    assert not pager.full
    assert pager.take("4\n5\n6\n7\n8\n9\n") == ""
    assert pager.full
    assert pager.next_page() == "4\n5\n6\n"
    assert pager.next_line() == "7\n"
    assert pager.next_page() == "8\n9\n"
    assert not pager.full


def test_a_line_that_is_wider_than_the_terminal_takes_several_rows() -> None:
    pager = Pager(4, 10)
    assert pager.take("x" * 25 + "\n" + "next\n") == "x" * 25 + "\n"
    assert pager.full


def test_a_length_of_zero_is_one_endless_page() -> None:
    pager = Pager(0, 80)
    assert pager.take("line\n" * 1000) == "line\n" * 1000
    assert not pager.full


@settings(max_examples=100, deadline=None, database=None)
@given(st.lists(st.text("ab\n", max_size=30), max_size=10), st.integers(1, 6))
def test_nothing_is_lost_or_doubled(pieces: list[str], length: int) -> None:
    pager = Pager(length, 10)
    shown = "".join(pager.take(piece) for piece in pieces)
    while pager.full:
        page = pager.next_page()
        assert page
        shown += page
    assert shown == "".join(pieces)
