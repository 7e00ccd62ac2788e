"""Base room: the bus: delivers messages to subscribers.

All subscribers get all messages in the same order. If a subscriber raises, this is logged, and it loses that message alone. If a
subscriber publishes a message, it is delivered after the present one has reached everybody.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Subscription:
    """One subscriber of a bus. After `close` it gets no more messages."""

    __slots__ = ("_end",)

    def __init__(self, end: Callable[[], None]) -> None:
        self._end: Callable[[], None] | None = end

    def close(self) -> None:
        end, self._end = self._end, None
        if end is not None:
            end()


class Bus(Generic[T]):
    """Messages of one kind, from one publisher to any number of subscribers."""

    def __init__(self) -> None:
        self._subscribers: dict[int, Callable[[T], None]] = {}
        self._next = 0
        self._waiting: deque[T] | None = None  # where a subscriber has published
        self._delivering = False

    def subscribe(self, subscriber: Callable[[T], None]) -> Subscription:
        """Give a subscriber every message from now on, until the subscription is closed."""
        key = self._next
        self._next += 1
        self._subscribers[key] = subscriber
        return Subscription(lambda: self._forget(key))

    def __len__(self) -> int:
        """How many subscribers there are."""
        return len(self._subscribers)

    def publish(self, message: T) -> None:
        if not self._subscribers:
            return
        if self._delivering:
            if self._waiting is None:
                self._waiting = deque()
            self._waiting.append(message)
            return
        self._delivering = True
        try:
            self._deliver(message)
            while self._waiting:
                self._deliver(self._waiting.popleft())
        finally:
            self._delivering = False

    def _deliver(self, message: T) -> None:
        for key, subscriber in list(self._subscribers.items()):
            if key not in self._subscribers:  # another subscriber has closed this subscription meanwhile
                continue
            try:
                subscriber(message)
            except Exception:
                _log.exception("a subscriber failed at %s", type(message).__name__)

    def _forget(self, key: int) -> None:
        self._subscribers.pop(key, None)
