"""Each member is visited once in a period, and few of them at one moment."""

from __future__ import annotations

from collections import Counter

from agent.aaa.accounting.rounds import AT_ONCE, Rounds
from agent.base.clock import SECOND, VirtualClock
from agent.base.scheduler import Scheduler

PERIOD = 60 * SECOND


class World:
    def __init__(self, period: int = PERIOD) -> None:
        self.clock = VirtualClock()
        self.timers = Scheduler(self.clock)
        self.visits: list[tuple[int, int]] = []  # (moment, member)
        self.rounds: Rounds[int] = Rounds(self.timers, period, lambda member: self.visits.append((self.clock.now(), member)))

    def run_to(self, moment: int) -> None:
        while (due := self.timers.next_time()) is not None and due <= moment:
            self.clock.advance(due)
            self.timers.run_due(due)
        self.clock.advance(moment)


def test_a_member_is_visited_each_period_after_its_beginning() -> None:
    world = World()
    world.run_to(7 * SECOND)
    world.rounds.add(1, 7 * SECOND)
    world.run_to(200 * SECOND)
    assert world.visits == [(67 * SECOND, 1), (127 * SECOND, 1), (187 * SECOND, 1)]


def test_members_that_begin_together_are_visited_a_few_at_a_time() -> None:
    world = World()
    world.rounds.add_all((member, 0) for member in range(10_000))
    world.run_to(4 * PERIOD - 1)
    assert max(Counter(moment for moment, _ in world.visits).values()) == AT_ONCE
    assert Counter(member for _, member in world.visits) == dict.fromkeys(range(10_000), 3)
    assert max(moment for moment, _ in world.visits) <= 3.5 * PERIOD


def test_few_members_that_begin_together_are_soon_visited() -> None:
    world = World()
    world.rounds.add_all((member, 0) for member in range(20))
    world.run_to(PERIOD + SECOND // 2)
    assert len(world.visits) == 20


def test_a_member_that_has_left_is_not_visited() -> None:
    world = World()
    for member in range(3):
        world.rounds.add(member, 0)
    world.rounds.remove(1)
    world.run_to(PERIOD)
    world.rounds.remove(0)
    world.rounds.remove(0)
    world.run_to(2 * PERIOD)
    assert [member for _, member in world.visits] == [0, 2, 2]


def test_periods_that_have_passed_already_have_no_visit() -> None:
    """A session that is older than the configuration's period, or a machine that has slept."""
    world = World()
    world.run_to(150 * SECOND)
    world.rounds.add(1, 0)
    world.run_to(180 * SECOND)
    assert world.visits == [(180 * SECOND, 1)]
    world.clock.advance(1_000 * SECOND)
    world.timers.run_due(world.clock.now())
    assert world.visits == [(180 * SECOND, 1), (1_000 * SECOND, 1)]
    world.run_to(1_020 * SECOND)
    assert world.visits[2:] == [(1_020 * SECOND, 1)]


def test_members_of_different_ages_keep_their_own_moments() -> None:
    world = World()
    world.run_to(100 * SECOND)
    world.rounds.add_all([(1, 90 * SECOND), (2, 50 * SECOND), (3, 20 * SECOND)])
    world.run_to(160 * SECOND)
    assert world.visits == [(110 * SECOND, 2), (140 * SECOND, 3), (150 * SECOND, 1)]


def test_closed_rounds_visit_nobody() -> None:
    world = World()
    world.rounds.add(1, 0)
    world.rounds.close()
    world.run_to(2 * PERIOD)
    assert world.visits == []
