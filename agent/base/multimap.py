"""Base room: a multimap: a key has several values, in the order in which they came."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT", bound=Hashable)


class Multimap(Generic[KeyT, ValueT]):
    """The values of one key are found without looking at the others. A value is there once for a key."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[KeyT, dict[ValueT, None]] = {}

    def add(self, key: KeyT, value: ValueT) -> None:
        self._values.setdefault(key, {})[value] = None

    def discard(self, key: KeyT, value: ValueT) -> None:
        values = self._values.get(key)
        if values is not None:
            values.pop(value, None)
            if not values:
                del self._values[key]

    def of(self, key: KeyT) -> list[ValueT]:
        """The values of a key as they are now."""
        return list(self._values.get(key, ()))

    def count(self, key: KeyT) -> int:
        return len(self._values.get(key, ()))

    def oldest_first(self, key: KeyT) -> Iterator[ValueT]:
        return iter(self._values.get(key, {}))

    def newest_first(self, key: KeyT) -> Iterator[ValueT]:
        return reversed(self._values.get(key, {}))

    def clear(self) -> None:
        self._values.clear()
