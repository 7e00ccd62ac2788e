"""Snmp room: one receiver of notifications: its queue, its unanswered informs, and its counts.

Each receiver has a queue of its own, so that a slow, silent or absent one does not delay the others. An inform holds a place in
the receiver's window until it is answered or given up (RFC 3413 §3.3 step 6); the next one leaves when there is a place.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from agent.base.queue import BoundedQueue, Drops
from agent.snmp.notifications import Notification

_log = logging.getLogger(__name__)

MOST_WAITING = 25_000  # notifications that wait to be sent to one receiver
MOST_UNANSWERED = 100  # informs that one receiver has been sent and has not answered


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notification on its way. Receivers share it.

    `up_time` is sysUpTime at its event, `bindings` its encoded variable bindings, `until` the moment after which it is not sent.
    """

    notification: Notification
    up_time: int
    bindings: bytes
    until: float


class Receiver:
    """The account of one `snmp-server host`. It outlives changes of other lines.

    Each notification for it is waiting, unanswered, delivered or dropped. A trap counts as delivered when the system has accepted
    its datagram, because traps are not acknowledged.
    """

    def __init__(self, name: str, most_waiting: int = MOST_WAITING, most_unanswered: int = MOST_UNANSWERED) -> None:
        self.name = name
        self.unanswered = 0
        self.delivered = 0
        self.drops = Drops(self._drops_began, self._drops_ended)
        self.queue = BoundedQueue[Waiting](most_waiting, self.drops)
        self.listed = False  # whether the sender has it among those to whom it has something to send
        self._most_unanswered = most_unanswered

    def bound(self, most_waiting: int, most_unanswered: int) -> None:
        """Change the bounds. What is beyond a lower one already stays."""
        self.queue.limit = most_waiting
        self._most_unanswered = most_unanswered

    @property
    def may_send(self) -> bool:
        """Whether something waits, and there is a place for it in the window."""
        return bool(self.queue) and self.unanswered < self._most_unanswered

    def next(self, now: float) -> Waiting | None:
        """The next notification to send, None if there is none. One that has waited as long as an inform may is dropped."""
        while self.queue:
            waiting = self.queue.take()
            if now <= waiting.until:
                return waiting
            self.drops.drop("they wait for too long")
        return None

    def deliver(self) -> None:
        """A trap has left, or an inform has been answered."""
        self.delivered += 1
        if not self.queue and not self.unanswered:
            self.drops.over()

    def _drops_began(self, reason: str) -> None:
        _log.warning("notifications to %s are dropped from now on: %s", self.name, reason)

    def _drops_ended(self, number: int) -> None:
        _log.warning("notifications to %s are delivered again: %d were dropped", self.name, number)
