"""Base room: a bounded queue that serves its senders in turn.

A sender is a member of a group (a port of an address). Groups take turns, and within a group its members do. Each sender's items
stay in order. So a sender with ten thousand items delays another sender by one of them.

The octets of each group are bounded, and those of all together. Items beyond a bound are dropped and counted. A sender without a
waiting item may exceed the common bound, up to twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")
OVERHEAD = 512  # octets that each item counts besides its own: the cost of keeping it


class _Group(Generic[T]):
    """The lines of a group's members, and whose turn it is."""

    __slots__ = ("held", "lines", "turns")

    def __init__(self) -> None:
        self.held = 0
        self.lines: dict[Hashable, deque[tuple[T, int]]] = {}
        self.turns: deque[Hashable] = deque()


class FairQueue(Generic[T]):
    """Holds at most `share` octets of each group and `whole` octets in all.

    `held` are the waiting octets, overhead included; `dropped` counts the items that were refused.
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
        """Add an item at the end of its sender's line; False if it is dropped."""
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
        """Remove and return the item whose turn it is. Raises IndexError if nothing waits."""
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
