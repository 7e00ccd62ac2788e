"""Clocks, the schedule, and those who drive it."""

from __future__ import annotations

import asyncio
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from agent.base.clock import RealClock, VirtualClock
from agent.base.runner import RealRunner, VirtualRunner
from agent.base.scheduler import CANCELLED_AT_ONCE, Scheduler


def test_a_real_clock_goes_at_its_speed() -> None:
    world = [5_000_000_000]
    clock = RealClock(10.0, lambda: world[0])
    assert clock.now() == 0
    world[0] += 1_000_000
    assert clock.now() == 10_000


def test_a_virtual_clock_never_falls() -> None:
    clock = VirtualClock()
    clock.advance(50)
    clock.advance(20)
    assert clock.now() == 50


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=40))
def test_callbacks_come_in_order_and_cancelled_ones_do_not(asked: list[tuple[int, bool]]) -> None:
    clock = VirtualClock()
    scheduler, came = Scheduler(clock), list[tuple[int, int]]()
    for number, (moment, cancelled) in enumerate(asked):
        timer = scheduler.at(moment, partial(came.append, (moment, number)))
        if cancelled:
            timer.cancel()
    VirtualRunner(scheduler, clock).advance(100)
    assert came == sorted((moment, number) for number, (moment, cancelled) in enumerate(asked) if not cancelled)
    assert scheduler.next_time() is None


def test_the_budget_ends_a_turn_with_work_left() -> None:
    scheduler, done = Scheduler(VirtualClock()), list[int]()
    for number in range(5):
        scheduler.at(0, partial(done.append, number))
    ticks = iter(range(100))
    assert scheduler.run_due(0, budget=3, meter=lambda: next(ticks))
    assert len(done) in range(1, 5)
    assert not scheduler.run_due(0)
    assert done == [0, 1, 2, 3, 4]


def test_thousands_that_were_cancelled_do_not_hold_a_turn_either() -> None:
    """A flood of set-ups leaves as many timers of one moment: putting them away is work that the budget bounds."""
    scheduler, done = Scheduler(VirtualClock()), list[int]()
    for _ in range(100_000):
        scheduler.at(0, lambda: None).cancel()
    scheduler.at(0, partial(done.append, 1))
    ticks = iter(range(1_000))
    assert scheduler.next_time(CANCELLED_AT_ONCE) == 0
    assert scheduler.run_due(0, budget=3, meter=lambda: next(ticks))
    assert 95_000 < len(scheduler) < 100_000
    assert not done
    assert not scheduler.run_due(0)
    assert done == [1]


def test_an_earlier_event_is_told_and_a_later_one_is_not() -> None:
    scheduler, told = Scheduler(VirtualClock()), list[int]()
    scheduler.on_earlier = lambda: told.append(1)
    scheduler.at(10, lambda: None)
    scheduler.at(20, lambda: None)
    scheduler.at(5, lambda: None)
    assert len(told) == 2


def test_a_virtual_runner_stands_still_between_calls() -> None:
    clock = VirtualClock()
    scheduler = Scheduler(clock)
    runner = VirtualRunner(scheduler, clock)
    seen: list[int] = []

    def again() -> None:
        seen.append(clock.now())
        scheduler.after(10, again)

    scheduler.at(10, again)
    asyncio.run(runner.run_to(35))
    assert (clock.now(), seen) == (35, [10, 20, 30])
    asyncio.run(runner.until(lambda: len(seen) == 5))
    assert (clock.now(), len(seen)) == (50, 5)
    scheduler_of_nothing = VirtualRunner(Scheduler(clock), clock)
    asyncio.run(scheduler_of_nothing.until(lambda: False))  # nothing will ever happen


def test_commands_of_the_schedule_happen_at_their_moments() -> None:
    clock = VirtualClock()
    scheduler = Scheduler(clock)
    runner = VirtualRunner(scheduler, clock)
    began: list[int] = []
    ended: list[int] = []
    tasks: list[asyncio.Task[None]] = []

    async def command(takes: int) -> None:
        await asyncio.create_task(asyncio.sleep(0))  # commands begin through tasks of their own
        began.append(clock.now())
        finished: list[int] = []
        scheduler.after(takes, lambda: finished.append(1))
        await asyncio.create_task(runner.until(lambda: bool(finished)))
        ended.append(clock.now())

    def begin(takes: int) -> None:
        tasks.append(runner.begin(command(takes)))

    async def drive() -> None:
        for moment, takes in ((10, 20), (15, 3), (95, 10)):
            scheduler.at(moment, partial(begin, takes))
        await runner.run_to(100)
        assert (clock.now(), began, ended) == (100, [10, 15, 95], [18, 30])
        await asyncio.sleep(0.001)
        assert clock.now() == 100  # the command that is under way waits
        await asyncio.gather(runner.until(lambda: clock.now() >= 105), runner.until(lambda: len(ended) == 3))
        assert (clock.now(), ended) == (105, [18, 30, 105])
        assert all(task.done() for task in tasks)

    asyncio.run(drive())


def test_a_real_runner_runs_what_falls_due() -> None:
    async def drive() -> list[int]:
        clock = RealClock(speed=1000.0)
        scheduler = Scheduler(clock)
        runner = RealRunner(scheduler, clock)
        came: list[int] = []
        scheduler.at(1000, lambda: came.append(1))
        runner.start()
        scheduler.at(2000, lambda: scheduler.after(500, lambda: came.append(2)))
        scheduler.at(10_000_000_000, lambda: came.append(3))
        async with asyncio.timeout(5):
            await runner.until(lambda: len(came) == 2)
        waiting = asyncio.ensure_future(runner.until(lambda: False))
        await asyncio.sleep(0)
        runner.stop()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        return came

    assert asyncio.run(drive()) == [1, 2]


def test_the_loop_gets_its_turn_while_there_is_much_to_do() -> None:
    async def drive() -> int:
        clock = RealClock()
        scheduler = Scheduler(clock)
        runner = RealRunner(scheduler, clock, budget=0.0)
        done: list[int] = []
        for number in range(50):
            scheduler.at(0, partial(done.append, number))
        runner.start()
        turns = 0
        async with asyncio.timeout(5):
            while len(done) < 50:
                turns += 1
                await asyncio.sleep(0)
                if turns > 10_000:
                    break
        runner.stop()
        return len(done)

    # With no budget at all nothing would ever be done; each turn does at least one thing.
    assert asyncio.run(drive()) == 50
