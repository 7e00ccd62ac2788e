"""Flow room: the counters of tunnels, and their sources.

A tunnel holds one *counter source* as long as it lives. The source gives one counter, or all of them, as of a moment:
- `PacketCounters` are incremented by a packet path.
- `SteppedCounters` change seldom, many counters at once.
- `PeriodicCounters` are a base plus whole packets at a period, computed when read.
- `PolledCounters` are replaced at each poll of an engine.
- `FrozenCounters` are those of an ended tunnel.

`Totals` sums the sources of a VRF. It keeps what is counted for good, and computes one formula for each group of periodic sources.
So a global costs the same at one tunnel and at 100,000.

Counters are unbounded; the views make the MIB's 32-bit objects and their Wraps from them. A counter that an engine cannot know is
None.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from operator import add
from typing import Protocol

from agent.base.ike_counters import IkeCounter


class IpsecCounter(IntEnum):
    """The counters of an IPsec tunnel (cipSecTunInOctets and its neighbours).

    IN_OCTETS are those of decapsulated inner packets, OUT_OCTETS those of whole packets on the wire. The last two count the other
    layer of each direction, for accounting.
    """

    IN_OCTETS = 0
    IN_DECOMP_OCTETS = 1
    IN_PACKETS = 2
    IN_DROPS = 3
    IN_REPLAY_DROPS = 4
    IN_AUTHS = 5
    IN_AUTH_FAILS = 6
    IN_DECRYPTS = 7
    IN_DECRYPT_FAILS = 8
    OUT_OCTETS = 9
    OUT_UNCOMP_OCTETS = 10
    OUT_PACKETS = 11
    OUT_DROPS = 12
    OUT_AUTHS = 13
    OUT_AUTH_FAILS = 14
    OUT_ENCRYPTS = 15
    OUT_ENCRYPT_FAILS = 16
    IN_OUTER_OCTETS = 17
    OUT_INNER_OCTETS = 18


Counts = tuple[int | None, ...]  # a value for each IkeCounter, or for each IpsecCounter
Keep = Callable[[tuple[int, ...]], tuple[int, ...]]


def _same(values: tuple[int, ...]) -> tuple[int, ...]:
    return values


class CounterSource(Protocol):
    """Counters that can be read as of a moment (microseconds of the router's clock)."""

    def value(self, counter: int, now: int) -> int | None: ...

    def snapshot(self, now: int) -> tuple[int | None, ...]: ...

    def join(self, totals: Totals) -> None:
        """Begin to count in a VRF's totals, too."""

    def leave(self, totals: Totals, now: int) -> None:
        """Stop counting. The totals keep what was counted until now."""


class PacketCounters:
    """Counters that a packet path increments. Once joined to totals, it increments those, too."""

    __slots__ = ("_totals", "_values")

    def __init__(self, kind: type[IkeCounter] | type[IpsecCounter]) -> None:
        self._values = [0] * len(kind)
        self._totals: Totals | None = None

    def add(self, counter: int, amount: int = 1) -> None:
        self._values[counter] += amount
        if self._totals is not None:
            self._totals.add(counter, amount)

    def add_each(self, counters: Sequence[int], amounts: Sequence[int]) -> None:
        """Increment several counters in one call, because a packet path must save calls."""
        values = self._values
        for counter, amount in zip(counters, amounts, strict=True):
            values[counter] += amount
        if self._totals is not None:
            self._totals.add_each(counters, amounts)

    def value(self, counter: int, now: int) -> int:
        return self._values[counter]

    def snapshot(self, now: int) -> tuple[int, ...]:
        return tuple(self._values)

    def join(self, totals: Totals) -> None:
        for counter, amount in enumerate(self._values):
            totals.add(counter, amount)
        self._totals = totals

    def leave(self, totals: Totals, now: int) -> None:
        self._totals = None


def _sum(values: tuple[int, ...], amounts: Sequence[int]) -> tuple[int, ...]:
    return tuple(map(add, values, amounts))


class SteppedCounters:
    """Counters that change seldom, several at once. Many sources may share one tuple of values, which is never changed."""

    __slots__ = ("_totals", "values")

    def __init__(self, values: tuple[int, ...]) -> None:
        self.values = values
        self._totals: Totals | None = None

    def add_all(self, amounts: Sequence[int], keep: Keep = _same) -> None:
        """`keep` may give an equal tuple that is there already."""
        self.values = keep(_sum(self.values, amounts))
        if self._totals is not None:
            self._totals.add_all(amounts)

    def value(self, counter: int, now: int) -> int:
        return self.values[counter]

    def snapshot(self, now: int) -> tuple[int, ...]:
        return self.values

    def join(self, totals: Totals) -> None:
        totals.add_all(self.values)
        self._totals = totals

    def leave(self, totals: Totals, now: int) -> None:
        self._totals = None


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Steady traffic: it adds `step[counter]` every `period` microseconds. Tunnels with the same traffic share it."""

    period: int
    step: tuple[int, ...]


class PeriodicCounters:
    """`base` plus what `rhythm` has added since `start` (microseconds). It needs no timer.

    A request reads many counters of a source as of one moment. So the number of whole periods is kept for the next read.
    """

    __slots__ = ("_at", "_totals", "_turns", "base", "rhythm", "start")

    def __init__(self, base: tuple[int, ...], rhythm: Rhythm, start: int) -> None:
        self.base = base
        self.rhythm = rhythm
        self.start = start
        self._totals: Totals | None = None
        self._at = start
        self._turns = 0

    def add_all(self, amounts: Sequence[int], keep: Keep = _same) -> None:
        """Add what came outside the rhythm. It is negative for a packet that did not come. `keep` is as in SteppedCounters."""
        self.base = keep(_sum(self.base, amounts))
        if self._totals is not None:
            self._totals.add_all(amounts)

    def value(self, counter: int, now: int) -> int:
        if now is not self._at:  # within a request `now` is the same object
            self._at = now
            self._turns = (now - self.start) // self.rhythm.period
        return self.base[counter] + self.rhythm.step[counter] * self._turns

    def snapshot(self, now: int) -> tuple[int, ...]:
        turns = (now - self.start) // self.rhythm.period
        if not turns:
            return self.base
        return tuple([base + step * turns for base, step in zip(self.base, self.rhythm.step, strict=True)])

    def join(self, totals: Totals) -> None:
        totals.add_all(self.base)
        totals.group(self.rhythm).join(self.start)
        self._totals = totals

    def leave(self, totals: Totals, now: int) -> None:
        totals.group(self.rhythm).leave(self.start)
        turns = (now - self.start) // self.rhythm.period
        totals.add_all([step * turns for step in self.rhythm.step])
        self._totals = None


class PolledCounters:
    """Counters that are replaced from time to time: by an engine's poll, or by another monitor's record.

    If a counter is unknown (None), so is every sum that the source is in.
    """

    __slots__ = ("_totals", "_values")

    def __init__(self, values: tuple[int | None, ...]) -> None:
        self._values = values
        self._totals: Totals | None = None

    def replace(self, values: tuple[int | None, ...]) -> None:
        """Replace the counters. The totals change by the difference."""
        before, self._values = self._values, values
        if self._totals is not None:
            self._totals.add_known([None if new is None else new - (old or 0) for new, old in zip(values, before, strict=True)])

    def value(self, counter: int, now: int) -> int | None:
        return self._values[counter]

    def snapshot(self, now: int) -> tuple[int | None, ...]:
        return self._values

    def join(self, totals: Totals) -> None:
        totals.add_known(self._values)
        self._totals = totals

    def leave(self, totals: Totals, now: int) -> None:
        self._totals = None


@dataclass(frozen=True, slots=True)
class FrozenCounters:
    """The counters of an ended tunnel."""

    values: tuple[int | None, ...]

    def value(self, counter: int, now: int) -> int | None:
        return self.values[counter]

    def snapshot(self, now: int) -> tuple[int | None, ...]:
        return self.values

    def join(self, totals: Totals) -> None:
        totals.add_known(self.values)

    def leave(self, totals: Totals, now: int) -> None:
        """Do nothing: the totals keep what was counted."""


@dataclass(slots=True)
class RhythmGroup:
    """The sum of whole periods over all sources of one rhythm, in O(log n).

    A start is q·period + r, and ⌊(now - start) / period⌋ = ⌊now / period⌋ - q - [r > now mod period]; so the sum needs the number
    of sources, the sum of their q, and how many r lie above the present phase.
    """

    rhythm: Rhythm
    count: int = 0
    quotients: int = 0
    phases: list[int] = field(default_factory=list)
    in_order: bool = True

    def join(self, start: int) -> None:
        quotient, phase = divmod(start, self.rhythm.period)
        self.count += 1
        self.quotients += quotient
        self.phases.append(phase)
        self.in_order = False

    def leave(self, start: int) -> None:
        quotient, phase = divmod(start, self.rhythm.period)
        self.count -= 1
        self.quotients -= quotient
        self._sort()
        del self.phases[bisect_right(self.phases, phase) - 1]

    def turns(self, now: int) -> int:
        quotient, phase = divmod(now, self.rhythm.period)
        self._sort()
        above = len(self.phases) - bisect_right(self.phases, phase)
        return self.count * quotient - self.quotients - above

    def _sort(self) -> None:
        if not self.in_order:
            self.phases.sort()
            self.in_order = True


class Totals:
    """The sum over every source that ever joined, as of a moment."""

    __slots__ = ("_counted", "_groups", "_unknown")

    def __init__(self, kind: type[IntEnum]) -> None:
        self._counted = [0] * len(kind)
        self._unknown: set[int] = set()  # counters that a source does not know
        self._groups: dict[Rhythm, RhythmGroup] = {}

    def add(self, counter: int, amount: int) -> None:
        self._counted[counter] += amount

    def add_each(self, counters: Sequence[int], amounts: Sequence[int]) -> None:
        counted = self._counted
        for counter, amount in zip(counters, amounts, strict=True):
            counted[counter] += amount

    def add_all(self, amounts: Sequence[int]) -> None:
        self._counted = list(map(add, self._counted, amounts))

    def add_known(self, amounts: Sequence[int | None]) -> None:
        """The same with unknown counters (None). Such a sum stays unknown."""
        for counter, amount in enumerate(amounts):
            if amount is None:
                self._unknown.add(counter)
            else:
                self._counted[counter] += amount

    def group(self, rhythm: Rhythm) -> RhythmGroup:
        found = self._groups.get(rhythm)
        if found is None:
            found = self._groups[rhythm] = RhythmGroup(rhythm)
        return found

    def value(self, counter: int, now: int) -> int | None:
        if counter in self._unknown:
            return None
        total = self._counted[counter]
        for rhythm, group in self._groups.items():
            if rhythm.step[counter]:
                total += rhythm.step[counter] * group.turns(now)
        return total

    def snapshot(self, now: int) -> tuple[int | None, ...]:
        return tuple(self.value(counter, now) for counter in range(len(self._counted)))
