"""Lab room: asks AAA for the policies of client groups.

A first message that names a group costs its sender nothing. So a question that is under way is not asked again: its answer is for
all who wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from agent.config.crypto_model import ClientGroup
from agent.engine.access import AccessControl, NobodyKnown

GroupFound = Callable[[ClientGroup | None], None]


class GroupKey(NamedTuple):
    """Which group is meant: by the list of `aaa authorization network` that is asked for it, and its name."""

    list_name: str
    name: str


class Groups:
    """The client groups of one router, as AAA knows them."""

    def __init__(self) -> None:
        self._access: AccessControl = NobodyKnown()
        self._waiting: dict[GroupKey, list[GroupFound]] = {}

    def use_access(self, access: AccessControl) -> None:
        self._access = access

    def find(self, key: GroupKey, found: GroupFound) -> None:
        """Ask for a group's policy. `found` is called with it, now or later."""
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting.append(found)
            return
        self._waiting[key] = [found]

        def answered(group: ClientGroup | None) -> None:
            for each in self._waiting.pop(key, ()):
                each(group)

        self._access.group(*key, answered)
