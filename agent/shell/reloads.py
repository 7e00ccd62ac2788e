"""Shell room: the restart of a router: at once, or at a moment to come (`reload in`, `reload at`)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from agent.base.errors import UserError
from agent.base.scheduler import Timer

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Planned:
    """A restart to come, at a moment of the router's clock. `by` says who asked for it, `reason` why."""

    at: int
    by: str
    reason: str


class Reloads:
    """The restarts of one router, which `restart` carries out (UserError: its startup configuration is wrong).

    `schedule` calls back at a moment of its clock.
    """

    def __init__(self, restart: Callable[[], None], schedule: Callable[[int, Callable[[], None]], Timer]) -> None:
        self.now = restart
        self._schedule = schedule
        self._timer: Timer | None = None
        self.planned: Planned | None = None

    def plan(self, planned: Planned, before: Callable[[], None]) -> None:
        """Restart later, in place of what was planned until now. `before` is called just before."""
        self.cancel()
        self.planned = planned
        self._timer = self._schedule(planned.at, lambda: self._come(before))

    def cancel(self) -> bool:
        """Forget a restart to come; whether there was one."""
        was = self.planned is not None
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.planned = None
        return was

    def _come(self, before: Callable[[], None]) -> None:
        self._timer = self.planned = None
        before()
        try:
            self.now()
        except UserError as error:
            _log.error("the router does not restart: %s", error)
