"""Lab room: a hidden pair of routers: a hub and its first spoke, on a wire and under a virtual clock of their own.

They are ordinary routers, with the hub's configuration and the spoke's. The spoke sends from the beginning on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.base.clock import SECOND, VirtualClock
from agent.base.origin import TIMELINE
from agent.base.runner import VirtualRunner
from agent.crypto import ip
from agent.engine.values import Request
from agent.flow.model import IkeTunnel, IpsecTunnel
from agent.lab.labfile.sections import SteadySection
from agent.lab.ping import ECHO_OVERHEAD

if TYPE_CHECKING:
    from agent.lab.lab import Lab

HUB, SPOKE = "hub", "spoke"  # the names of the two
_PATIENCE = 300 * SECOND  # how long a set-up may take


class NoTunnelError(Exception):
    """The hub and a spoke set up no tunnel. The text says why, as far as it is known."""


class HiddenPair:
    """A hub and its first spoke. The spoke sends `traffic` from its address `source`. `runner` moves the pair's clock."""

    def __init__(self, lab: Lab, clock: VirtualClock, source: int, traffic: SteadySection) -> None:
        self.hub, self._spoke = lab.routers[HUB], lab.routers[SPOKE]
        self.now = clock.now
        self.runner = VirtualRunner(lab.scheduler, clock)
        self.period = traffic.period
        self.lag: int | None = None  # how long after each packet the counters are compared, whether or not it arrives
        self._scheduler = lab.scheduler
        self._ends = source, int(traffic.destination)
        self._data = bytes(traffic.size - ECHO_OVERHEAD)
        self._scheduler.at(0, self._send)

    def _send(self) -> None:
        sequence = self.now() // self.period & 0xFFFF
        echo = ip.encode_echo(ip.Echo(True, 0, sequence, self._data))
        self._spoke.router.send(ip.Packet(*self._ends, ip.ICMP, echo), None)
        self._scheduler.after(self.period, self._send)
        if self.lag is not None:
            self._scheduler.after(self.lag, lambda: None)

    def next_time(self) -> int:
        due = self._scheduler.next_time()
        assert due is not None  # traffic never ends
        return due

    def do(self, request: Request) -> None:
        """Carry out a request of an operator at the hub, with its immediate effects."""
        self.hub.engine.do(request, TIMELINE)
        self.runner.advance(self.now())

    def up(self) -> tuple[IkeTunnel, IpsecTunnel]:
        """Run until the tunnels are up, and return them. Raises NoTunnelError."""
        monitor = self.hub.monitor
        end = self.now() + _PATIENCE + self.period  # its first packet may be one period away
        while not (monitor.ike_tunnels and monitor.ipsec_tunnels):
            if self.next_time() > end:
                raise NoTunnelError(self._trouble())
            self.runner.step()
        return next(iter(monitor.ike_tunnels.values())), next(iter(monitor.ipsec_tunnels.values()))

    def _trouble(self) -> str:
        for whose, router in (("the hub", self.hub), ("the spoke", self._spoke)):
            for flow in router.monitor.vrfs():
                for phase, failures in (("IKE", flow.ike_failures), ("IPsec", flow.ipsec_failures)):
                    for failure in failures.values():
                        return f"{whose} has an {phase} failure, {failure.reason.value}"
        return "its traffic needs none"
