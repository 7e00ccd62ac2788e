"""Base room: a queue with a limit, and an account of drops.

Work for a receiver that may be slow or gone is kept up to a limit. Drops beyond it are counted. The owner is called once when
drops begin, and once when they have ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Drops:
    """Counts what is dropped. `began` is called at the first drop, `ended` with the number of drops when they are over."""

    def __init__(self, began: Callable[[str], None], ended: Callable[[int], None]) -> None:
        self.total = 0
        self._began = began
        self._ended = ended
        self._spell = 0  # drops since they began; 0 if there are none now

    def drop(self, reason: str, number: int = 1) -> None:
        """Count `number` drops for a reason."""
        if number < 1:
            return
        first = self._spell == 0
        self.total += number
        self._spell += number
        if first:
            self._began(reason)

    def over(self) -> None:
        """The drops, if there were any, have ended."""
        if self._spell:
            spell, self._spell = self._spell, 0
            self._ended(spell)


class BoundedQueue(Generic[T]):
    """First in, first out, at most `limit` items. If it is full, a new item is dropped, and counted in `drops`."""

    def __init__(self, limit: int, drops: Drops) -> None:
        self.limit = limit
        self._drops = drops
        self._items: deque[T] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> bool:
        """Add an item at the end; whether there was room for it."""
        if len(self._items) >= self.limit:
            self._drops.drop(f"{self.limit} are waiting")
            return False
        self._items.append(item)
        return True

    def first(self) -> T:
        """The next item; raises IndexError if there is none."""
        return self._items[0]

    def take(self) -> T:
        """Remove and return the next item; raises IndexError if there is none."""
        return self._items.popleft()
