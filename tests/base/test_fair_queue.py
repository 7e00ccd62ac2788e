"""Senders take turns, and nobody has more than a share waiting."""

from __future__ import annotations

import pytest

from agent.base.fair_queue import OVERHEAD, FairQueue

SHARE = 100 * OVERHEAD


def taken(queue: FairQueue[str]) -> list[str]:
    return [queue.take() for _ in range(len(queue))]


def test_one_sender_is_first_in_first_out() -> None:
    queue: FairQueue[str] = FairQueue(SHARE, SHARE)
    for thing in "abc":
        assert queue.put("host", 1, thing, 0)
    assert taken(queue) == ["a", "b", "c"]


def test_groups_take_turns_and_members_within_them() -> None:
    queue: FairQueue[str] = FairQueue(SHARE, SHARE)
    for thing in ("a1", "a2", "a3"):
        queue.put("loud", 1, thing, 0)
    queue.put("loud", 2, "b1", 0)
    queue.put("quiet", 1, "c1", 0)
    assert taken(queue) == ["a1", "c1", "b1", "a2", "a3"]


def test_a_share_bounds_what_waits_and_the_rest_is_counted() -> None:
    queue: FairQueue[int] = FairQueue(SHARE, 10 * SHARE)
    for number in range(5000):
        queue.put("loud", 1, number, 0)
    assert len(queue) == 100
    assert queue.dropped == 4900
    assert queue.put("quiet", 1, -1, 0)
    assert queue.put("loud", 2, -2, 0), "another member of the group has nothing waiting"


def test_many_senders_have_a_bound_together() -> None:
    queue: FairQueue[int] = FairQueue(SHARE, 10 * SHARE)
    for number in range(100_000):
        queue.put(f"host {number}", 1, number, 1000)
    assert queue.held <= 20 * SHARE + 2000
    assert queue.dropped == 100_000 - len(queue)


def test_nothing_of_what_was_taken_stays() -> None:
    queue: FairQueue[int] = FairQueue(SHARE, SHARE)
    for number in range(90):
        queue.put(number % 7, number % 3, number, 5)
    assert sorted(queue.take() for _ in range(90)) == list(range(90))
    assert (len(queue), queue.held, queue._groups, len(queue._turns)) == (0, 0, {}, 0)
    with pytest.raises(IndexError):
        queue.take()
