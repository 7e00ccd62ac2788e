"""Flow room: the counters of one SA.

An engine that counts by SA gives each SA a source. If an engine counts by tunnel alone, an SA has carried what its tunnel counted
in its direction from the installation of the SA until another SA took over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from agent.flow.counters import CounterSource, Counts, IpsecCounter


@dataclass(frozen=True, slots=True)
class SaCounts:
    """The counters of an SA. `octets` are those of inner packets, `errors` are packets that did not pass. None is unknown."""

    packets: int | None = None
    octets: int | None = None
    errors: int | None = None


# The counters of a tunnel in which an inbound or an outbound SA has a share. A replay drop is no other drop.
_OF_TUNNEL: dict[bool, tuple[tuple[IpsecCounter, ...], ...]] = {
    True: ((IpsecCounter.IN_PACKETS,), (IpsecCounter.IN_OCTETS,), (IpsecCounter.IN_DROPS, IpsecCounter.IN_REPLAY_DROPS)),
    False: ((IpsecCounter.OUT_PACKETS,), (IpsecCounter.OUT_INNER_OCTETS,), (IpsecCounter.OUT_DROPS,)),
}


class SaSource(Protocol):
    """The numbers of one SA, readable as of a moment (microseconds of the router's clock)."""

    def counts(self, now: int) -> SaCounts: ...


class ReportedCounts:
    """Counters that are replaced from time to time, by records or a poll, or that are final."""

    __slots__ = ("_counts",)

    def __init__(self, counts: SaCounts) -> None:
        self._counts = counts

    def replace(self, counts: SaCounts) -> None:
        self._counts = counts

    def counts(self, now: int) -> SaCounts:
        return self._counts


@dataclass(frozen=True, slots=True)
class SaShare:
    """The tunnel's counters in each direction when the SA was installed. SAs with equal ones share this object."""

    inbound: SaCounts
    outbound: SaCounts

    def of(self, tunnel: CounterSource, inbound: bool, now: int) -> SaCounts:
        """The counters of an SA, by the tunnel's counters at a moment."""
        counted = _counted(inbound, lambda counter: tunnel.value(counter, now))
        return _difference(counted, self._base(inbound))

    def until(self, end: SaShare, inbound: bool) -> SaCounts:
        """The counters of an SA when another's share began."""
        return _difference(end._base(inbound), self._base(inbound))

    def _base(self, inbound: bool) -> SaCounts:
        return self.inbound if inbound else self.outbound


@lru_cache(maxsize=4096)  # equal shares are one object: there may be a hundred thousand tunnels with equal numbers
def share_from(counts: Counts) -> SaShare:
    """The share that begins with these counters of the tunnel. Without any, it is unknown."""
    if not counts:
        return SaShare(SaCounts(), SaCounts())
    return SaShare(_counted(True, counts.__getitem__), _counted(False, counts.__getitem__))


def _counted(inbound: bool, value: Callable[[int], int | None]) -> SaCounts:
    """The counters of one direction, from a tunnel's counters."""
    sums = ([value(counter) for counter in counters] for counters in _OF_TUNNEL[inbound])
    return SaCounts(*(None if None in known else sum(number or 0 for number in known) for known in sums))


def _difference(counts: SaCounts, base: SaCounts) -> SaCounts:
    """The difference of counters. One that is unknown in either is unknown."""
    pairs = (counts.packets, base.packets), (counts.octets, base.octets), (counts.errors, base.errors)
    return SaCounts(*(None if new is None or old is None else new - old for new, old in pairs))
