"""Lab room: what has been told once, so that who goes on with it is not told of again."""

from __future__ import annotations

from collections.abc import Hashable

_MOST = 256  # a flood of forged ones must not fill the memory


class Told:
    """The last things that were told of."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[Hashable, None] = {}

    def is_first(self, thing: Hashable) -> bool:
        """Whether a thing has not been told of yet; from now on it has."""
        if thing in self._known:
            return False
        self._known[thing] = None
        if len(self._known) > _MOST:
            del self._known[next(iter(self._known))]
        return True
