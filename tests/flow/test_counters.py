"""Counter sources and their sums: a total is what every source that ever joined has counted, at every moment."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.base.ike_counters import IkeCounter
from agent.flow.counters import (
    CounterSource,
    FrozenCounters,
    IpsecCounter,
    PacketCounters,
    PeriodicCounters,
    PolledCounters,
    Rhythm,
    RhythmGroup,
    SteppedCounters,
    Totals,
)

SIZE = len(IpsecCounter)
numbers = st.tuples(*[st.integers(0, 2**40)] * SIZE)
steps = st.tuples(*[st.integers(-3, 3000)] * SIZE)
moments = st.integers(-100_000, 100_000)
rhythms = [Rhythm(period, tuple((period + counter) % 3 for counter in range(SIZE))) for period in (1, 7, 100, 4096)]


def every(source: CounterSource | Totals, now: int) -> list[int | None]:
    return [source.value(counter, now) for counter in range(SIZE)]


def test_packet_counters_count_from_nothing() -> None:
    counters = PacketCounters(IkeCounter)
    assert counters.snapshot(0) == (0,) * len(IkeCounter)
    counters.add(IkeCounter.IN_PACKETS)
    counters.add(IkeCounter.IN_OCTETS, 336)
    assert counters.value(IkeCounter.IN_PACKETS, 5) == 1
    assert counters.snapshot(5)[:2] == (336, 1)


def test_increments_reach_the_totals_from_joining_until_leaving() -> None:
    totals, counters = Totals(IpsecCounter), PacketCounters(IpsecCounter)
    counters.add(IpsecCounter.OUT_DROPS, 1)
    assert totals.value(IpsecCounter.OUT_DROPS, 0) == 0
    counters.join(totals)
    assert totals.value(IpsecCounter.OUT_DROPS, 0) == 1
    counters.add(IpsecCounter.OUT_DROPS, 2)
    assert totals.value(IpsecCounter.OUT_DROPS, 0) == 3
    counters.leave(totals, 0)
    counters.add(IpsecCounter.OUT_DROPS, 4)
    assert totals.value(IpsecCounter.OUT_DROPS, 0) == 3


def test_periodic_counters_add_whole_packets_at_their_period() -> None:
    rhythm = Rhythm(100, (184, *(0,) * (SIZE - 1)))
    counters = PeriodicCounters((1000, *(5,) * (SIZE - 1)), rhythm, 50)
    assert [counters.value(0, now) for now in (50, 149, 150, 249, 250)] == [1000, 1000, 1184, 1184, 1368]
    assert counters.value(1, 10_000) == 5


def test_sources_that_have_counted_the_same_may_share_their_numbers() -> None:
    known: dict[tuple[int, ...], tuple[int, ...]] = {}
    sources = [SteppedCounters((0,) * SIZE), SteppedCounters((0,) * SIZE), PeriodicCounters((0,) * SIZE, rhythms[0], 0)]
    for source in sources:
        source.add_all((300,) * SIZE, lambda values: known.setdefault(values, values))
    assert sources[0].snapshot(0) is sources[1].snapshot(0)
    assert list(known) == [(300,) * SIZE]


@given(numbers, st.sampled_from(rhythms), moments, st.integers(0, 10_000))
def test_a_snapshot_is_every_value(base: tuple[int, ...], rhythm: Rhythm, start: int, later: int) -> None:
    counters = PeriodicCounters(base, rhythm, start)
    assert list(counters.snapshot(start + later)) == every(counters, start + later)


def test_frozen_counters_do_not_move_and_may_not_know() -> None:
    frozen = FrozenCounters((7, None, *(0,) * (SIZE - 2)))
    totals = Totals(IpsecCounter)
    frozen.join(totals)
    frozen.leave(totals, 99)
    assert (frozen.value(0, 0), frozen.value(0, 10**9), frozen.value(1, 0)) == (7, 7, None)
    assert frozen.snapshot(3) == (7, None, *(0,) * (SIZE - 2))
    assert every(totals, 0)[:2] == [7, None]  # what one source cannot tell, no sum can


def test_a_poll_replaces_the_numbers_and_the_sums_follow() -> None:
    totals = Totals(IpsecCounter)
    one, other = PolledCounters((5, None, *(0,) * (SIZE - 2))), PolledCounters((3, 8, *(0,) * (SIZE - 2)))
    for source in (one, other):
        source.join(totals)
    one.replace((9, None, *(0,) * (SIZE - 2)))
    assert (one.value(0, 0), one.value(1, 0), every(totals, 0)[:2]) == (9, None, [12, None])
    one.leave(totals, 0)
    other.replace((4, 9, *(0,) * (SIZE - 2)))
    assert every(totals, 0)[:2] == [13, None]


@given(st.integers(1, 500), st.lists(moments, max_size=20), st.data())
def test_the_closed_form_of_a_rhythm_is_the_sum_over_its_sources(period: int, starts: list[int], data: st.DataObject) -> None:
    group = RhythmGroup(Rhythm(period, (1,) * SIZE))
    live: list[int] = []
    for start in starts:
        group.join(start)
        live.append(start)
        if data.draw(st.booleans()):
            gone = data.draw(st.sampled_from(live))
            group.leave(gone)
            live.remove(gone)
        now = data.draw(moments)
        assert group.turns(now) == sum((now - start) // period for start in live)


@pytest.mark.parametrize("start", [-1, -99, -100, -101, -250])
def test_a_source_may_have_begun_before_the_clock(start: int) -> None:
    group = RhythmGroup(Rhythm(100, (1,) * SIZE))
    group.join(start)
    assert [group.turns(now) for now in (0, 1, 99, 100)] == [(now - start) // 100 for now in (0, 1, 99, 100)]


class Sources:
    """Live sources, and what those that left had counted when they left: what totals are to equal."""

    def __init__(self) -> None:
        self.live: list[CounterSource] = []
        self.ended: list[int | None] = [0] * SIZE

    def end(self, source: CounterSource, totals: Totals, now: int) -> None:
        self.live.remove(source)
        self.ended = [plus(had, new) for had, new in zip(self.ended, source.snapshot(now), strict=True)]
        source.leave(totals, now)

    def sum(self, now: int) -> list[int | None]:
        return [reduce(plus, (source.value(counter, now) for source in self.live), had) for counter, had in enumerate(self.ended)]


def plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def made(kind: str, data: st.DataObject, now: int) -> CounterSource:
    if kind == "packets":
        counters = PacketCounters(IpsecCounter)
        counters.add(data.draw(st.integers(0, SIZE - 1)), data.draw(st.integers(0, 9)))
        return counters
    if kind == "periodic":
        return PeriodicCounters(data.draw(numbers), data.draw(st.sampled_from(rhythms)), now - data.draw(st.integers(0, 10_000)))
    if kind == "stepped":
        return SteppedCounters(data.draw(numbers))
    return FrozenCounters(data.draw(st.tuples(*[st.none() | st.integers(0, 2**33)] * SIZE)))


@given(st.lists(st.sampled_from(["packets", "stepped", "periodic", "frozen", "count", "step", "end"]), max_size=30), st.data())
def test_totals_are_the_live_sources_and_the_ended_ones_at_any_moment(verbs: list[str], data: st.DataObject) -> None:
    totals, sources, now = Totals(IpsecCounter), Sources(), 0
    for verb in verbs:
        now += data.draw(st.integers(0, 5_000))
        if verb in ("packets", "stepped", "periodic", "frozen"):
            source: Any = made(verb, data, now)
            source.join(totals)
            sources.live.append(source)
        elif verb == "end" and sources.live:
            sources.end(data.draw(st.sampled_from(sources.live)), totals, now)
        elif verb == "count":
            counting = [source for source in sources.live if isinstance(source, PacketCounters)]
            if counting:
                data.draw(st.sampled_from(counting)).add(data.draw(st.integers(0, SIZE - 1)), data.draw(st.integers(1, 2000)))
        elif verb == "step":
            stepping = [source for source in sources.live if isinstance(source, SteppedCounters | PeriodicCounters)]
            if stepping:
                data.draw(st.sampled_from(stepping)).add_all(data.draw(steps))
        assert every(totals, now) == sources.sum(now)
    later = now + data.draw(st.integers(0, 50_000))
    assert every(totals, later) == sources.sum(later)
