"""Aaa room: `debug crypto isakmp aaa`: what IKE has to do with AAA (Cisco IOS Debug Command Reference, debug crypto isakmp aaa)."""

from __future__ import annotations

from collections.abc import Callable

from agent.base.bus import Subscription
from agent.flow.monitor import FlowMonitor
from agent.flow.records import FlowRecord, SessionUp
from agent.syslog.debug import Debug
from agent.syslog.message import Message, debug_line


class IsakmpAaaDebug:
    """The debug of one router. It listens to the monitor only while it is on.

    `is_accounted` says whether a session that has come up is accounted for.
    """

    def __init__(self, monitor: FlowMonitor, is_accounted: Callable[[SessionUp], bool], log: Callable[[Message], None]) -> None:
        self._monitor = monitor
        self._is_accounted = is_accounted
        self._log = log
        self._subscription: Subscription | None = None

    def follow(self, on: frozenset[Debug]) -> None:
        if Debug.ISAKMP_AAA not in on:
            self.close()
        elif self._subscription is None:
            self._subscription = self._monitor.subscribe(self._take)

    def close(self) -> None:
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def _take(self, record: FlowRecord) -> None:
        if isinstance(record, SessionUp) and not self._is_accounted(record):
            self._log(debug_line("ISAKMP AAA: Accounting is not enabled"))
