"""Syslog room: the log of one router. Messages get a moment and a number, and go to every destination."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.base.bus import Bus, Subscription
from agent.base.clock import Clock
from agent.syslog.message import Message


@dataclass(frozen=True, slots=True)
class Logged:
    """A message of the log. `number` rises from 1, `at` is in microseconds of the router's clock."""

    number: int
    at: int
    message: Message


class Syslog:
    """Takes a router's messages, and gives each to all subscribers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._number = 0
        self._bus: Bus[Logged] = Bus()

    def log(self, message: Message) -> None:
        """Write a message to the log."""
        self._number += 1
        self._bus.publish(Logged(self._number, self._clock.now(), message))

    def subscribe(self, subscriber: Callable[[Logged], None]) -> Subscription:
        """Give a destination every message from now on."""
        return self._bus.subscribe(subscriber)
