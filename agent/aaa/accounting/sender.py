"""Aaa room: sends the records of a router's spool to its servers, in the order of `delivery`. This is the asyncio edge."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from random import SystemRandom
from typing import Protocol

from agent.aaa.accounting.delivery import Attempt, Delivery
from agent.aaa.accounting.record import AcctStatus
from agent.aaa.accounting.spool import Spool
from agent.aaa.accounting.waiting import Waiting
from agent.aaa.radius.values import Code, Reply, Request

AT_ONCE = 16  # records that are sent in one turn of the loop


class Servers(Protocol):
    """What the sender asks of the RADIUS client (`radius/client.py`)."""

    def ask(self, group: str, request: Request, answered: Callable[[Reply | None], None]) -> None:
        """Ask the servers of a group; None: none of them has answered."""
        ...


class RecordSender:
    """Sends until `close`. It is made within a running event loop."""

    def __init__(self, spool: Spool, servers: Servers, new_about: Callable[[], int]) -> None:
        """`new_about` numbers the sessions, as the lines of `debug radius` do."""
        self._spool = spool
        self._servers = servers
        self._new_about = new_about
        self._about: dict[str, int] = {}  # the numbers of sessions that have not ended
        self._loop = asyncio.get_running_loop()
        self._delivery = Delivery(SystemRandom().random)
        self._read: deque[Attempt] = deque()  # their records have come from the disk, and are to be sent
        self._turn: asyncio.Handle | None = None  # the next one, at once or later
        self._soon = False  # whether it is at once
        self._closed = False
        self._listening = spool.listen(self._arrived)

    def close(self) -> None:
        """Stop sending. What is not acknowledged stays in the spool."""
        self._closed = True
        self._listening.close()
        self._cancel()

    def retry(self) -> None:
        """The configuration has other servers: ask again at once."""
        self._delivery.retry()
        self._plan()

    def _arrived(self, waiting: Waiting) -> None:
        self._delivery.add(waiting)
        self._plan()

    def _plan(self) -> None:
        """Take a turn soon: many records that come at once share it."""
        if not self._soon and not self._closed:
            self._cancel()
            self._soon = True
            self._turn = self._loop.call_soon(self._take_turn)

    def _cancel(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        self._soon = False

    def _take_turn(self) -> None:
        self._turn, self._soon = None, False
        read = [self._read.popleft() for _ in range(min(AT_ONCE, len(self._read)))]
        due = self._delivery.due(self._loop.time(), AT_ONCE - len(read))
        if len(read) + len(due) == AT_ONCE:
            self._plan()
        on_disk = [attempt for attempt in due if attempt.waiting.record is None]
        if on_disk:
            self._spool.load([attempt.waiting for attempt in on_disk], partial(self._have_read, on_disk))
        self._send([*read, *(attempt for attempt in due if attempt.waiting.record is not None)])
        wakes = self._delivery.wakes()
        if wakes is not None and not self._soon:
            self._turn = self._loop.call_at(wakes, self._take_turn)

    def _have_read(self, attempts: list[Attempt]) -> None:
        """The disk may give many at once, which are sent in several turns."""
        self._read += attempts
        self._plan()

    def _send(self, attempts: list[Attempt]) -> None:
        for attempt in attempts:
            record = attempt.waiting.record
            if record is None:
                self._delivery.lost(attempt)
                self._plan()
            else:
                about = self.number(record.session)
                request = Request(Code.ACCOUNTING_REQUEST, record.attributes, about, moment=record.moment)
                self._servers.ask(attempt.group, request, partial(self._answered, attempt))

    def _answered(self, attempt: Attempt, reply: Reply | None) -> None:
        spool, now = self._spool, self._loop.time()
        if reply is None:
            if self._delivery.failed(attempt, now):
                spool.log.warning(
                    "%s: no server of group %s takes accounting records: %d wait", spool.router, attempt.group, len(spool)
                )
        else:
            if self._delivery.answered(attempt, now):
                spool.log.warning("%s: group %s takes accounting records again: %d wait", spool.router, attempt.group, len(spool))
            spool.acknowledge(attempt.waiting)
            if attempt.waiting.status is AcctStatus.STOP:
                self._about.pop(attempt.waiting.session, None)
        self._plan()

    def number(self, session: str) -> int:
        """The number of a session in the lines of `debug`, which it has from now on until its Stop is taken."""
        number = self._about.get(session)
        if number is None:
            number = self._about[session] = self._new_about()
        return number
