"""Lab room: remembers what has been reported, so that repetitions are not reported."""

from __future__ import annotations

from collections.abc import Hashable

_MOST = 256  # many forged ones must not fill the memory


class Reported:
    """The last items that were reported."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[Hashable, None] = {}

    def is_first(self, thing: Hashable) -> bool:
        """Whether an item has not been reported yet. It counts as reported from now on."""
        if thing in self._known:
            return False
        self._known[thing] = None
        if len(self._known) > _MOST:
            del self._known[next(iter(self._known))]
        return True
