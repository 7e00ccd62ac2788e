"""Syslog room: the `debug` of one router: which kinds are on, and their lines.

The lines have the severity `debugging`. While nothing is on, nothing listens to the flow monitor, so that `debug` costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from agent.base.bus import Subscription
from agent.config.model import RouterConfig
from agent.flow.monitor import FlowMonitor
from agent.flow.records import FlowRecord
from agent.syslog.debug_lines import AAA, IPSEC, ISAKMP, MIB, MIB_DETAIL, MIB_ERROR, Scene
from agent.syslog.syslog import Syslog


class Debug(Enum):
    """What can be debugged. The value is IOS's name for it; `debug crypto mib` has one name for its three kinds."""

    ISAKMP = "Crypto ISAKMP", ISAKMP
    ISAKMP_AAA = "Crypto ISAKMP AAA", AAA
    IPSEC = "Crypto IPSEC", IPSEC
    MIB = "Crypto IPsec Mgmt Entity", MIB
    MIB_DETAIL = "Crypto IPsec Mgmt Entity", MIB_DETAIL
    MIB_ERROR = "Crypto IPsec Mgmt Entity", MIB_ERROR

    def state(self, on: bool) -> str:
        """What IOS says of it."""
        return f"{self.value[0]} debugging is {'on' if on else 'off'}"


class Debugging:
    """The kinds that are on, in the order of `Debug`, whoever has switched them on."""

    def __init__(self, config: RouterConfig, monitor: FlowMonitor, syslog: Syslog) -> None:
        self._scene = Scene(config, monitor)
        self._syslog = syslog
        self._on: set[Debug] = set()
        self._subscription: Subscription | None = None

    def switch(self, kind: Debug, on: bool) -> None:
        """Switch a kind on or off."""
        if on:
            self._on.add(kind)
        else:
            self._on.discard(kind)
        self._listen()

    def switch_off(self) -> None:
        """Switch everything off."""
        self._on.clear()
        self._listen()

    def shown(self) -> Iterator[str]:
        """The states of what is on, each name once."""
        yield from dict.fromkeys(kind.state(on=True) for kind in Debug if kind in self._on)

    def _listen(self) -> None:
        self._scene.monitor.reports.traced = Debug.ISAKMP in self._on
        if self._on and self._subscription is None:
            self._subscription = self._scene.monitor.subscribe(self._take)
        elif not self._on and self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def _take(self, record: FlowRecord) -> None:
        for kind in Debug:
            if kind in self._on:
                lines = kind.value[1].get(type(record))
                if lines is not None:
                    for message in lines(record, self._scene):
                        self._syslog.log(message)
