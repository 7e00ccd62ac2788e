"""Lab room: asks AAA for the policies of client groups.

A first message that names a group costs its sender nothing. So a question that is under way is not asked again: its answer is for
all who wait. And strangers cause few questions a second about groups that AAA has never known. Beyond that they are told that there
is no such group.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

from agent.base.allowance import Allowance
from agent.base.clock import SECOND
from agent.base.limited_log import LimitedLog
from agent.base.scheduler import Timers
from agent.config.crypto_model import ClientGroup
from agent.config.model import RouterConfig
from agent.engine.access import AccessControl, NobodyKnown

GroupFound = Callable[[ClientGroup | None], None]
QUESTIONS = 50  # about unknown groups at once, and as many a second
_MOST_KNOWN = 10_000  # names: a server may know any

_log = logging.getLogger(__name__)


class GroupKey(NamedTuple):
    """Which group is meant: by the list of `aaa authorization network` that is asked for it, and its name."""

    list_name: str
    name: str


class Groups:
    """The client groups of one router, as AAA knows them."""

    def __init__(self, config: RouterConfig, scheduler: Timers) -> None:
        self._config = config
        self._access: AccessControl = NobodyKnown()
        self._waiting: dict[GroupKey, list[GroupFound]] = {}
        self._known: dict[GroupKey, None] = {}  # those that AAA has known the last time, oldest first
        self._left = Allowance(QUESTIONS, SECOND // QUESTIONS, scheduler.clock.now)
        self._limited = LimitedLog(_log, scheduler.clock.now, scheduler.after)

    def use_access(self, access: AccessControl) -> None:
        self._access = access

    def find(self, key: GroupKey, stranger: bool, found: GroupFound) -> None:
        """Ask for a group's policy. `found` is called with it, now or later. `stranger`: nothing proves yet who wants to know."""
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting.append(found)
        elif stranger and key not in self._known and not self._left.take():
            text = "%s: AAA is not asked about a client group, because strangers name too many unknown ones"
            self._limited.warning(text, self._config.hostname)
            found(None)
        else:
            self._waiting[key] = [found]
            self._access.group(*key, lambda group: self._answered(key, group))

    def _answered(self, key: GroupKey, group: ClientGroup | None) -> None:
        self._known.pop(key, None)
        if group is not None:
            self._known[key] = None
            if len(self._known) > _MOST_KNOWN:
                del self._known[next(iter(self._known))]
        for found in self._waiting.pop(key, ()):
            found(group)
