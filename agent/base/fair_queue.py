"""Base room: a bounded queue in which those who put things take turns.

What waits, waits in line behind what the same sender put before it, and behind no one else's. Senders are known by a group and a
member of it (an address and a port): groups take turns, and within a group its members do. So one sender who puts ten thousand
things makes the next one wait for one of them.

Each group may have so many octets waiting, and all together so many. What comes beyond that is dropped and counted. A sender who
has nothing waiting is let in all the same, up to twice the bound.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")
OVERHEAD = 512  # octets that each thing counts for besides its own: what it costs to keep it


class _Group(Generic[T]):
    """The lines of one group, and whose turn it is in it."""

    __slots__ = ("held", "lines", "turns")

    def __init__(self) -> None:
        self.held = 0
        self.lines: dict[Hashable, deque[tuple[T, int]]] = {}
        self.turns: deque[Hashable] = deque()


class FairQueue(Generic[T]):
    """Holds at most `share` octets of each group and `whole` octets in all.

    `held` are the octets that wait, overhead included; `dropped` counts what was not let in.
    """

    def __init__(self, share: int, whole: int) -> None:
        self.held = 0
        self.dropped = 0
        self._share = share
        self._whole = whole
        self._size = 0
        self._groups: dict[Hashable, _Group[T]] = {}
        self._turns: deque[Hashable] = deque()

    def __len__(self) -> int:
        return self._size

    def put(self, group: Hashable, member: Hashable, thing: T, octets: int) -> bool:
        """Add a thing at the end of its sender's line; False where it is dropped."""
        octets += OVERHEAD
        there = self._groups.get(group)
        if not _admits(self.held, self._whole, there is None) or (
            there is not None and not _admits(there.held, self._share, member not in there.lines)
        ):
            self.dropped += 1
            return False
        if there is None:
            there = self._groups[group] = _Group()
            self._turns.append(group)
        line = there.lines.get(member)
        if line is None:
            line = there.lines[member] = deque()
            there.turns.append(member)
        line.append((thing, octets))
        there.held += octets
        self.held += octets
        self._size += 1
        return True

    def take(self) -> T:
        """Remove the thing whose turn it is, and give it. Raises IndexError where nothing waits."""
        group = self._turns[0]
        there = self._groups[group]
        member = there.turns[0]
        line = there.lines[member]
        thing, octets = line.popleft()
        there.held -= octets
        self.held -= octets
        self._size -= 1
        if line:
            there.turns.rotate(-1)
        else:
            del there.lines[member]
            there.turns.popleft()
        if there.lines:
            self._turns.rotate(-1)
        else:
            del self._groups[group]
            self._turns.popleft()
        return thing


def _admits(held: int, bound: int, is_new: bool) -> bool:
    return held < (2 * bound if is_new else bound)
