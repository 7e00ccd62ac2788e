"""Shell room: messages of the router's log on the terminal of a session."""

from __future__ import annotations

from collections.abc import Callable

from agent.base.bus import Subscription
from agent.shell.lines import LineState
from agent.shell.router import Router
from agent.syslog.destinations import Terminals


class Watch:
    """Gives a session the lines that its terminal shows: those of the console where it is one, those of `terminal monitor`."""

    def __init__(self, router: Router, line: LineState, show: Callable[[str], None], *, console: bool) -> None:
        self._logging = router.logging
        self._show = show
        self._console = self._logging.watch(Terminals.CONSOLE, show) if console else None
        self._monitor: Subscription | None = None
        line.shows_console = console
        line.watch = self.monitor

    def monitor(self, on: bool) -> None:
        """`terminal monitor`, and `terminal no monitor`."""
        if on and self._monitor is None:
            self._monitor = self._logging.watch(Terminals.MONITOR, self._show)
        elif not on and self._monitor is not None:
            self._monitor.close()
            self._monitor = None

    def close(self) -> None:
        """The session has ended."""
        self.monitor(False)
        if self._console is not None:
            self._console.close()
