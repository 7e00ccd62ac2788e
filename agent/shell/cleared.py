"""Shell room: what `clear crypto sa counters` sets back to 0: the counters of tunnels as show commands print them.

The flow monitor's own counters never fall, because SNMP managers count on that. So the counters of the moment are remembered here
for each tunnel, and what is printed is the difference.
"""

from __future__ import annotations

from collections.abc import Iterator

from agent.base.bus import Subscription
from agent.base.work import STEPS
from agent.flow.counters import Counts, IpsecCounter
from agent.flow.model import IpsecTunnel
from agent.flow.monitor import FlowMonitor
from agent.flow.records import FlowRecord, IpsecTunnelEnded


class ClearedCounters:
    """The counters of one router's IPsec tunnels since they were cleared last."""

    def __init__(self, monitor: FlowMonitor) -> None:
        self._monitor = monitor
        self._before: dict[int, Counts] = {}  # by cipSecTunIndex
        self._subscription: Subscription | None = None

    def clear(self) -> Iterator[None]:
        """Clear the counters of every tunnel that there is. None is a pause."""
        if self._subscription is None:
            self._subscription = self._monitor.subscribe(self._follow)
        for number, tunnel in enumerate(list(self._monitor.ipsec_tunnels.values()), 1):
            if self._monitor.ipsec_tunnels.get(tunnel.index) is tunnel:  # it may have ended during a pause
                self._before[tunnel.index] = tunnel.counters.snapshot(self._monitor.clock.now())
            if number % STEPS == 0:
                yield None

    def _follow(self, record: FlowRecord) -> None:
        """A tunnel that has ended needs no numbers, and another may have its index."""
        if isinstance(record, IpsecTunnelEnded):
            self._before.pop(record.index, None)

    def counted(self, tunnel: IpsecTunnel, counter: IpsecCounter) -> int | None:
        """A counter of a tunnel at this moment; None if it is not known."""
        value = tunnel.counters.value(counter, self._monitor.clock.now())
        before = self._before.get(tunnel.index)
        return value if value is None or before is None else value - (before[counter] or 0)
