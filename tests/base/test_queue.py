"""The bounded queue: order, its limit, and when drops are told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.base.queue import BoundedQueue, Drops


class Told:
    """Drops that keep what they tell."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.drops = Drops(lambda reason: self.said.append(f"began: {reason}"), lambda number: self.said.append(f"ended: {number}"))


def test_what_comes_beyond_the_limit_is_dropped_counted_and_told_once() -> None:
    told = Told()
    queue = BoundedQueue[int](2, told.drops)
    assert [queue.put(item) for item in range(5)] == [True, True, False, False, False]
    assert told.drops.total == 3
    assert told.said == ["began: 2 are waiting"]
    assert (queue.first(), queue.take(), queue.take(), len(queue)) == (0, 0, 1, 0)
    told.drops.over()
    told.drops.over()
    assert told.said == ["began: 2 are waiting", "ended: 3"]
    assert told.drops.total == 3


def test_drops_that_begin_again_are_told_again_with_their_own_number() -> None:
    told = Told()
    told.drops.drop("silent", 0)
    told.drops.drop("silent", 4)
    told.drops.over()
    told.drops.drop("refused")
    told.drops.over()
    assert told.said == ["began: silent", "ended: 4", "began: refused", "ended: 1"]
    assert told.drops.total == 5


@given(st.integers(1, 5), st.lists(st.booleans(), max_size=50))
def test_every_item_is_taken_in_order_waiting_or_dropped(limit: int, steps: list[bool]) -> None:
    told = Told()
    queue = BoundedQueue[int](limit, told.drops)
    put, kept, taken = 0, [], []
    for adding in steps:
        if adding:
            if queue.put(put):
                kept.append(put)
            put += 1
        elif len(queue):
            taken.append(queue.take())
        assert len(queue) <= limit
    assert taken == kept[: len(taken)]
    assert put == len(taken) + len(queue) + told.drops.total
