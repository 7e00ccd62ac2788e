"""Lab room: items in groups by a common property, so that a search need not look at all of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ThingT = TypeVar("ThingT", bound=Hashable)


class Groups(Generic[KeyT, ThingT]):
    """Each item is in one group. Within it, items keep the order in which they were added."""

    __slots__ = ("_groups",)

    def __init__(self) -> None:
        self._groups: dict[KeyT, dict[ThingT, None]] = {}

    def add(self, key: KeyT, thing: ThingT) -> None:
        self._groups.setdefault(key, {})[thing] = None

    def discard(self, key: KeyT, thing: ThingT) -> None:
        group = self._groups.get(key)
        if group is not None:
            group.pop(thing, None)
            if not group:
                del self._groups[key]

    def of(self, key: KeyT) -> list[ThingT]:
        """The present items of a group."""
        return list(self._groups.get(key, ()))

    def count(self, key: KeyT) -> int:
        return len(self._groups.get(key, ()))

    def oldest_first(self, key: KeyT) -> Iterator[ThingT]:
        return iter(self._groups.get(key, {}))

    def newest_first(self, key: KeyT) -> Iterator[ThingT]:
        return reversed(self._groups.get(key, {}))

    def clear(self) -> None:
        self._groups.clear()
