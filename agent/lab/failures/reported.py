"""Lab room: what has been reported, so that it is reported once however often it comes."""

from __future__ import annotations

from collections.abc import Hashable

_MOST = 256  # forged ones in large numbers must not fill the memory


class Reported:
    """The last things that were reported."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[Hashable, None] = {}

    def is_first(self, thing: Hashable) -> bool:
        """Whether a thing has not been reported yet. From now on it has."""
        if thing in self._known:
            return False
        self._known[thing] = None
        if len(self._known) > _MOST:
            del self._known[next(iter(self._known))]
        return True
