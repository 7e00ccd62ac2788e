"""An immutable collection of items with keys, against a plain dict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.base.keyed import Keyed, keyed_by_itself

pairs = st.lists(st.tuples(st.integers(0, 5), st.integers()))


@given(pairs, st.integers(0, 5))
def test_it_is_a_dict_that_never_changes(given_pairs: list[tuple[int, int]], key: int) -> None:
    expected: dict[int, int] = {}
    made: Keyed[int, int] = Keyed()
    for each, item in given_pairs:
        before, shown = made, list(made)
        made = made.put(each, item)
        expected[each] = item
        assert list(before) == shown
    assert list(made) == list(expected.values())
    assert [made[at] for at in range(len(made))] == list(made)
    assert (made.get(key), made.has(key)) == (expected.get(key), key in expected)
    assert list(made.drop(key)) == [item for each, item in expected.items() if each != key]
    assert list(made.keep(lambda item: item > 0)) == [item for item in expected.values() if item > 0]
    assert made == Keyed(expected)
    assert hash(made) == hash(Keyed(expected))


def test_the_order_counts() -> None:
    assert keyed_by_itself("ab") != keyed_by_itself("ba")
    assert keyed_by_itself("aba") == keyed_by_itself("ab")
    with pytest.raises(IndexError):
        keyed_by_itself("ab")[2]
