"""Lab room: ping as on IOS: the next probe is sent when the last one is answered, or after the timeout."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

from agent.base.scheduler import Timer, Timers
from agent.crypto import ip
from agent.engine.values import PingRequest, Probe, ProbeOutcome

ECHO_OVERHEAD = 28  # octets of the IP and ICMP headers


class Ping:
    """A running ping. `probes` grows until `done`."""

    def __init__(
        self,
        request: PingRequest,
        identifier: int,
        scheduler: Timers,
        send: Callable[[PingRequest, bytes], None],
        on_probe: Callable[[Probe], None] | None,
        on_done: Callable[[Ping], None] | None,
    ) -> None:
        self.request = request
        self.identifier = identifier
        self.probes: list[Probe] = []
        self.done = False
        self._scheduler = scheduler
        self._send = send
        self._on_probe = on_probe
        self._on_done = on_done
        self._sent_at = 0
        self._timer: Timer | None = None

    @property
    def received(self) -> int:
        return sum(probe.outcome is ProbeOutcome.REPLY for probe in self.probes)

    def start(self) -> None:
        self._next()

    def stop(self) -> None:
        """End it now, like the escape sequence."""
        if not self.done:
            self.done = True
            if self._timer:
                self._timer.cancel()
            if self._on_done:
                self._on_done(self)

    def answered(self, sequence: int, outcome: ProbeOutcome, responder: int) -> None:
        """Take an answer to an echo with our identifier. A late one does not count."""
        if not self.done and sequence == len(self.probes) & 0xFFFF:
            self._finish(Probe(outcome, self._scheduler.clock.now() - self._sent_at, IPv4Address(responder)))

    def _next(self) -> None:
        if len(self.probes) >= self.request.repeat:
            self.stop()
            return
        self._sent_at = self._scheduler.clock.now()
        self._timer = self._scheduler.after(self.request.timeout, lambda: self._finish(Probe(ProbeOutcome.TIMEOUT)))
        data = bytes(at & 0xFF for at in range(max(0, self.request.size - ECHO_OVERHEAD)))
        self._send(self.request, ip.encode_echo(ip.Echo(True, self.identifier, len(self.probes) & 0xFFFF, data)))

    def _finish(self, probe: Probe) -> None:
        if self._timer:
            self._timer.cancel()
        self.probes.append(probe)
        if self._on_probe:
            self._on_probe(probe)
        if not self.done:
            # Not during the reply's delivery: the effects of the probe come after those of the reply.
            self._timer = self._scheduler.after(0, self._next)
