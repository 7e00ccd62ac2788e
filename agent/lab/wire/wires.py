"""Lab room: wires, which carry packets as octets between interfaces and hosts.

A wire delivers to the port with the next hop's address, else to the port with the destination (a host), else, if it has only two
ends, to the other end.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Protocol

from agent.base.scheduler import Scheduler
from agent.crypto.ciphers import RandomSource

_CHANCES = 1 << 32
_REORDER_DELAY = 3  # a reordered packet comes this many delays late


class Port(Protocol):
    """An end of a wire."""

    def has(self, address: int) -> bool:
        """Whether this is the port of an address."""
        ...

    def receive(self, octets: bytes) -> None: ...

    def carrier_changed(self) -> None:
        """The wire has gone down, or come up again."""
        ...


@dataclass(frozen=True, slots=True)
class Quality:
    """Delay and jitter in microseconds; the others are probabilities per packet."""

    delay: int = 0
    jitter: int = 0
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0


class Wire:
    def __init__(self, scheduler: Scheduler, random: RandomSource, quality: Quality, point_to_point: bool = False) -> None:
        self.quality = quality
        self.up = True
        self.ports: list[Port] = []
        self._scheduler = scheduler
        self._random = random
        self._point_to_point = point_to_point
        self._last_arrival = 0
        self._found: dict[int, Port] = {}  # the port of an address, as found last

    def attach(self, port: Port) -> None:
        self.ports.append(port)

    def detach(self, port: Port) -> None:
        self.ports.remove(port)
        self._found.clear()

    def set_up(self, up: bool) -> None:
        """Cut or restore the wire. Its ports lose or get carrier."""
        if up != self.up:
            self.up = up
            for port in self.ports:
                port.carrier_changed()

    def send(self, sender: Port, next_hop: int, destination: int, octets: bytes) -> None:
        receiver = self._receiver(sender, next_hop, destination)
        if receiver is None or not self.up or self._happens(self.quality.loss):
            return
        for _ in range(2 if self._happens(self.quality.duplicate) else 1):
            self._carry(receiver, octets)

    def _receiver(self, sender: Port, next_hop: int, destination: int) -> Port | None:
        for address in (next_hop, destination):
            known = self._found.get(address)
            if known is not None and known is not sender and known.has(address):
                return known
            for port in self.ports:
                if port is not sender and port.has(address):
                    self._found[address] = port
                    return port
        others = [port for port in self.ports if port is not sender]
        return others[0] if self._point_to_point and len(others) == 1 else None

    def _carry(self, receiver: Port, octets: bytes) -> None:
        quality = self.quality
        if self._happens(quality.corrupt):
            octets = self._corrupted(octets)
        delay = quality.delay
        if quality.jitter:
            delay += int(quality.jitter * self._chance())
        arrival = self._scheduler.clock.now() + delay
        if self._happens(quality.reorder):
            arrival += _REORDER_DELAY * max(delay, 1000)
        else:
            # Jitter stretches the gaps between packets, and keeps their order.
            arrival = self._last_arrival = max(arrival, self._last_arrival)
        self._scheduler.at(arrival, partial(self._arrive, receiver, octets))

    def _arrive(self, receiver: Port, octets: bytes) -> None:
        if self.up:
            receiver.receive(octets)

    def _chance(self) -> float:
        return int.from_bytes(self._random.take(4), "big") / _CHANCES

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._chance() < probability

    def _corrupted(self, octets: bytes) -> bytes:
        at = int(self._chance() * len(octets))
        return octets[:at] + bytes((octets[at] ^ 1 << int(self._chance() * 8),)) + octets[at + 1 :]
