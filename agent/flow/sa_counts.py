"""Flow room: what one SA has counted, and where its numbers come from.

An engine that counts by SA gives each SA a source. For one that counts by tunnel alone, an SA has carried what its tunnel counted
in its direction from the SA's installation on, until another took over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from agent.flow.counters import CounterSource, Counts, IpsecCounter


@dataclass(frozen=True, slots=True)
class SaCounts:
    """What an SA has carried. `octets` are those of inner packets, `errors` are packets that did not pass; None is not known."""

    packets: int | None = None
    octets: int | None = None
    errors: int | None = None


# What of a tunnel's counters an SA has its share of, by whether it is inbound; what is dropped as replayed is no other drop.
_OF_TUNNEL: dict[bool, tuple[tuple[IpsecCounter, ...], ...]] = {
    True: ((IpsecCounter.IN_PACKETS,), (IpsecCounter.IN_OCTETS,), (IpsecCounter.IN_DROPS, IpsecCounter.IN_REPLAY_DROPS)),
    False: ((IpsecCounter.OUT_PACKETS,), (IpsecCounter.OUT_INNER_OCTETS,), (IpsecCounter.OUT_DROPS,)),
}


class SaSource(Protocol):
    """The numbers of one SA, readable as of a moment (microseconds of the router's clock)."""

    def counts(self, now: int) -> SaCounts: ...


class ToldCounts:
    """Numbers that come as a whole from time to time, and may move no more: from records, a poll, or of an SA that was replaced."""

    __slots__ = ("_counts",)

    def __init__(self, counts: SaCounts) -> None:
        self._counts = counts

    def replace(self, counts: SaCounts) -> None:
        self._counts = counts

    def counts(self, now: int) -> SaCounts:
        return self._counts


@dataclass(frozen=True, slots=True)
class SaShare:
    """What the tunnel had counted in each direction when the SA was installed. SAs that began with equal numbers share it."""

    inbound: SaCounts
    outbound: SaCounts

    def of(self, tunnel: CounterSource, inbound: bool, now: int) -> SaCounts:
        """What an SA has of it, by the tunnel's numbers of a moment."""
        counted = _counted(inbound, lambda counter: tunnel.value(counter, now))
        return _difference(counted, self._base(inbound))

    def until(self, end: SaShare, inbound: bool) -> SaCounts:
        """What an SA had when another's share began."""
        return _difference(end._base(inbound), self._base(inbound))

    def _base(self, inbound: bool) -> SaCounts:
        return self.inbound if inbound else self.outbound


@lru_cache(maxsize=4096)  # equal shares are one object: there may be a hundred thousand tunnels with equal numbers
def share_from(counts: Counts) -> SaShare:
    """The share that begins with these numbers of the tunnel; where none are given, nothing is known of it."""
    if not counts:
        return SaShare(SaCounts(), SaCounts())
    return SaShare(_counted(True, counts.__getitem__), _counted(False, counts.__getitem__))


def _counted(inbound: bool, value: Callable[[int], int | None]) -> SaCounts:
    """The numbers of one direction, by what a tunnel's counters say."""
    sums = ([value(counter) for counter in counters] for counters in _OF_TUNNEL[inbound])
    return SaCounts(*(None if None in known else sum(number or 0 for number in known) for known in sums))


def _difference(counts: SaCounts, base: SaCounts) -> SaCounts:
    """Numbers since others; one that is unknown in either is unknown."""
    pairs = (counts.packets, base.packets), (counts.octets, base.octets), (counts.errors, base.errors)
    return SaCounts(*(None if new is None or old is None else new - old for new, old in pairs))
