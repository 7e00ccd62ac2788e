"""A key has several values, in order."""

from __future__ import annotations

from agent.base.multimap import Multimap


def test_the_values_of_a_key_are_in_the_order_in_which_they_came() -> None:
    found: Multimap[str, int] = Multimap()
    for key, value in (("a", 3), ("b", 1), ("a", 2), ("a", 3)):
        found.add(key, value)
    assert found.of("a") == list(found.oldest_first("a")) == [3, 2]
    assert list(found.newest_first("a")) == [2, 3]
    assert (found.count("a"), found.count("b"), found.count("c")) == (2, 1, 0)


def test_a_key_without_values_leaves_nothing() -> None:
    found: Multimap[str, int] = Multimap()
    found.add("a", 1)
    found.discard("a", 2)
    assert found.of("a") == [1]
    found.discard("a", 1)
    found.discard("a", 1)
    assert found.of("a") == []
    assert not found._values
