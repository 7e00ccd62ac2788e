"""Flow room: tables of rows that notify listeners, sliding windows, and allocation of indexes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, ValuesView
from heapq import heappop, heappush
from typing import Generic, Protocol, TypeVar

from agent.base.bus import Subscription

KeyT = TypeVar("KeyT", bound=Hashable)
RowT = TypeVar("RowT")
KeyIn = TypeVar("KeyIn", contravariant=True)
RowIn = TypeVar("RowIn", contravariant=True)

INDEX_LIMIT = 2147483647  # every index object of the IPsec MIBs is an Integer32 (1..2147483647)


class Listener(Protocol[KeyIn, RowIn]):
    """Is notified when a row comes or goes, but not of changes within a row."""

    def row_added(self, key: KeyIn, row: RowIn) -> None: ...

    def row_removed(self, key: KeyIn, row: RowIn) -> None: ...


class Rows(Generic[KeyT, RowT]):
    """Rows by key, in no order; the views sort them."""

    __slots__ = ("_listeners", "_rows")

    def __init__(self) -> None:
        self._rows: dict[KeyT, RowT] = {}
        self._listeners: list[Listener[KeyT, RowT]] = []

    def listen(self, listener: Listener[KeyT, RowT]) -> Subscription:
        """Notify the listener of every existing row, then of every change, until the subscription is closed."""
        self._listeners.append(listener)
        for key, row in self._rows.items():
            listener.row_added(key, row)
        return Subscription(lambda: self._listeners.remove(listener))

    def add(self, key: KeyT, row: RowT) -> None:
        if self._rows.setdefault(key, row) is not row:
            raise KeyError(f"row {key!r} exists already")
        for listener in self._listeners:
            listener.row_added(key, row)

    def remove(self, key: KeyT) -> RowT:
        row = self._rows.pop(key)
        for listener in self._listeners:
            listener.row_removed(key, row)
        return row

    def get(self, key: KeyT) -> RowT | None:
        return self._rows.get(key)

    def __getitem__(self, key: KeyT) -> RowT:
        return self._rows[key]

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[KeyT]:
        return iter(self._rows)

    def values(self) -> ValuesView[RowT]:
        return self._rows.values()


class IndexAllocator:
    """Indexes that rise by one from 1. After 2147483647 they begin again, and skip those in use."""

    __slots__ = ("_last", "_used")

    def __init__(self, used: Callable[[int], bool], last: int = 0) -> None:
        self._used = used
        self._last = last

    def take(self) -> int:
        index = self._last
        while True:
            index = index % INDEX_LIMIT + 1
            if not self._used(index):
                self._last = index
                return index


class LowestFree:
    """Allocates the lowest free number from a first one on."""

    __slots__ = ("_freed", "_next")

    def __init__(self, first: int) -> None:
        self._next = first
        self._freed: list[int] = []

    def peek(self) -> int:
        """The number that `take` would return."""
        return self._freed[0] if self._freed else self._next

    def take(self) -> int:
        if self._freed:
            return heappop(self._freed)
        self._next += 1
        return self._next - 1

    def give_back(self, number: int) -> None:
        heappush(self._freed, number)


class Window(Rows[int, RowT]):
    """The last `size` rows, oldest first, with rising indexes. Shrinking drops the oldest rows."""

    __slots__ = ("_indexes", "_size")

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self._indexes = IndexAllocator(self.__contains__)

    @property
    def size(self) -> int:
        return self._size

    def resize(self, size: int) -> None:
        self._size = size
        self._trim(size)

    def copy(self) -> dict[int, RowT]:
        """The rows as they are, oldest first."""
        return self._rows.copy()

    def added_since(self, had: Mapping[int, RowT]) -> tuple[int, ...]:
        """The indexes of rows that a copy does not have."""
        return tuple(index for index in self._rows if index not in had)

    def dropped_since(self, had: Mapping[int, RowT]) -> tuple[RowT, ...]:
        """The rows of a copy that are gone, oldest first."""
        return tuple(row for index, row in had.items() if index not in self._rows)

    def restore(self, size: int, dropped: Mapping[int, RowT], added: Iterable[int]) -> None:
        """Take a resize or an addition back: rows that were dropped, oldest first, are back as the oldest ones; others go."""
        for index in added:
            if index in self._rows:
                self.remove(index)
        self._rows = {**dropped, **self._rows}
        for index, row in dropped.items():
            for listener in self._listeners:
                listener.row_added(index, row)
        self.resize(size)

    def append(self, make: Callable[[int], RowT]) -> RowT:
        """Add the row that `make` returns for the new index. A full window drops its oldest row."""
        self._trim(self._size - 1)
        index = self._indexes.take()
        row = make(index)
        self.add(index, row)
        return row

    def _trim(self, size: int) -> None:
        while len(self._rows) > size:
            self.remove(next(iter(self._rows)))
