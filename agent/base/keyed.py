"""Base room: an immutable collection of items, each with a key, in the order in which they came.

It is for the lines of a configuration of which there may be ten thousand, and each of which must be found to be replaced. A changed
copy takes a copy of a dict, and no comparison of items.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Keyed(Generic[K, T]):
    """The items. Two collections are equal if they have the same items under the same keys in the same order."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[K, T] | Iterable[tuple[K, T]] = ()) -> None:
        self._items = dict(items)

    def get(self, key: K) -> T | None:
        return self._items.get(key)

    def has(self, key: K) -> bool:
        return key in self._items

    def put(self, key: K, item: T) -> Keyed[K, T]:
        """With an item: in its place if there was one with its key, else last."""
        return Keyed({**self._items, key: item})

    def drop(self, key: K) -> Keyed[K, T]:
        """Without the item of a key, if there is one."""
        if key not in self._items:
            return self
        left = dict(self._items)
        del left[key]
        return Keyed(left)

    def keep(self, wanted: Callable[[T], bool]) -> Keyed[K, T]:
        """With those items alone that are wanted."""
        return Keyed({key: item for key, item in self._items.items() if wanted(item)})

    def __iter__(self) -> Iterator[T]:
        return iter(self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, at: int) -> T:
        """The item at a position, which takes a step for each one before it."""
        try:
            return next(islice(self._items.values(), at, None))
        except StopIteration:
            raise IndexError(at) from None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Keyed):
            return NotImplemented
        return self._items == other._items and list(self._items) == list(other._items)

    def __hash__(self) -> int:
        return hash(tuple(self._items))

    def __repr__(self) -> str:
        return f"Keyed({self._items!r})"


def keyed_by_itself(items: Iterable[K]) -> Keyed[K, K]:
    """Items that are their own keys: each is there once."""
    return Keyed((item, item) for item in items)
