"""Connects AAA: for one router its users, its RADIUS servers and the accounting of its sessions; for a lab what its routers share.

`app.py` makes the one `LabAaa`, and owns its threads. `router_service.py` makes an `AaaService` for each router, and tells it of
changes of the configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent.aaa.access import Access
from agent.aaa.cli import CliLogins
from agent.aaa.hash_worker import HashWorker
from agent.aaa.methods import Methods
from agent.aaa.questions import Questions
from agent.aaa.users import Users
from agent.base.outside import OutsideTraffic
from agent.base.scheduler import Timers
from agent.config.events import ConfigEvent
from agent.engine.port import Node

Release = Callable[[], None]


def _no_hold() -> Release:
    """For a clock that does not wait."""
    return lambda: None


class LabAaa:
    """What the routers of a lab share. `hold` has a virtual clock stand still until the returned function is called.

    `virtual`: the clock is such a one.
    """

    def __init__(self, hold: Callable[[], Release] = _no_hold, virtual: bool = False) -> None:
        self.hold = hold
        self.hashes = HashWorker()
        self.questions = Questions(hold, in_order=virtual)

    def close(self) -> None:
        self.questions.close()
        self.hashes.close()


class AaaService:
    """AAA of one router, from its start to its restart. `timers` are those of its clock; without them it has no interim records."""

    def __init__(self, node: Node, shared: LabAaa, outside: OutsideTraffic, timers: Timers | None = None) -> None:
        self._node = node
        self._shared = shared
        self._outside = outside
        self._timers = timers
        config, matches = node.document.config, shared.hashes.matches
        users = Users(config, matches)
        methods = Methods(config, users, matches)
        self.access = Access(config, methods, shared.questions.begin)
        self.logins = CliLogins(config, users, methods)

    def configured(self, events: Sequence[ConfigEvent]) -> None:
        """Follow what an edit of the configuration has changed."""

    def close(self) -> None:
        """Stop: the router restarts, or the lab ends."""
        self.access.close()
