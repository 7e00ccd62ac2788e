"""Lab room: traffic: the packets of a [[traffic]] section, sent one by one from a host or from a router's interface.

Nobody answers UDP packets. ICMP packets are echo requests, which the other end answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.base.scheduler import Scheduler
from agent.crypto import ip
from agent.lab.ping import ECHO_OVERHEAD

_IDENTIFIER = 0  # of our echo requests; pings count theirs from 1
_UDP_OVERHEAD = ip.HEADER_OCTETS + ip.UDP_OCTETS


@dataclass(frozen=True, slots=True)
class Profile:
    """Times in microseconds; `interval` from packet to packet; `on` and `off` are 0 for traffic without pauses."""

    destination: int
    interval: float
    sizes: tuple[int, ...]
    protocol: int
    port: int
    start: int
    stop: int | None
    on: int
    off: int


class Traffic:
    """A running profile. `source` gives the present source address, None while there is none."""

    def __init__(
        self,
        profile: Profile,
        scheduler: Scheduler,
        source: Callable[[], int | None],
        send: Callable[[ip.Packet], None],
    ) -> None:
        self.profile = profile
        self.sent = 0
        self._scheduler = scheduler
        self._source = source
        self._send = send
        self._burst = profile.start  # when the current burst began
        self._in_burst = 0  # its packets

    def start(self) -> None:
        self._schedule(self.profile.start)

    def _schedule(self, moment: int) -> None:
        if self.profile.stop is None or moment < self.profile.stop:
            self._scheduler.at(moment, self._turn)

    def _turn(self) -> None:
        source = self._source()
        if source is not None:
            self._send(self._packet(source))
        self.sent += 1
        self._schedule(self._next())

    def _next(self) -> int:
        profile = self.profile
        self._in_burst += 1
        # Moments count from the beginning of the burst, so that a fractional period does not drift.
        later = int(self._in_burst * profile.interval)
        if profile.on and later >= profile.on:
            self._burst += profile.on + profile.off
            self._in_burst = later = 0
        return self._burst + later

    def _packet(self, source: int) -> ip.Packet:
        profile = self.profile
        size = profile.sizes[self.sent % len(profile.sizes)]
        if profile.protocol == ip.ICMP:
            echo = ip.Echo(True, _IDENTIFIER, self.sent & 0xFFFF, bytes(size - ECHO_OVERHEAD))
            payload = ip.encode_echo(echo)
        else:
            datagram = ip.Datagram(profile.port, profile.port, bytes(size - _UDP_OVERHEAD))
            payload = ip.encode_udp(source, profile.destination, datagram)
        return ip.Packet(source, profile.destination, profile.protocol, payload, identification=self.sent & 0xFFFF)
