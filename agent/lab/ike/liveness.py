"""Lab room: dead peer detection for a router's ISAKMP SAs, as configured and on request."""

from __future__ import annotations

from collections.abc import Callable

from agent.base.clock import SECOND
from agent.base.scheduler import Timers
from agent.crypto.ciphers import RandomSource
from agent.crypto.dpd import Dpd, DpdTerms
from agent.crypto.informational import about_to_send
from agent.lab.ike.records import IkeRecord
from agent.lab.policy.clients import Client

_AT_ONCE = DpdTerms(0, 1 * SECOND, periodic=False, retries=1)  # a live peer answers within two seconds


class Liveness:
    """`settle` does the due work of an SA; `record_of` gives the SA of a client, if it has one."""

    def __init__(
        self,
        scheduler: Timers,
        random: RandomSource,
        settle: Callable[[IkeRecord], None],
        record_of: Callable[[Client], IkeRecord | None],
    ) -> None:
        self._clock = scheduler.clock
        self._random = random
        self._settle = settle
        self._record_of = record_of

    def watch(self, record: IkeRecord) -> None:
        """Begin dead peer detection, if it is configured and the peer has announced it (RFC 3706 §5.1)."""
        terms = record.decisions.dpd_terms()
        record.sa.watch(self._dpd(terms) if terms and record.sa.peer.dpd else None)

    def is_there(self, client: Client, answer: Callable[[bool], None]) -> None:
        """Send a connected client an R-U-THERE now. If it does not answer in time, it is lost, and its session ends."""
        record = self._record_of(client)
        if record is None or not record.sa.up or not record.sa.peer.dpd:
            answer(record is not None)
        else:
            self.ask(record, answer)

    def ask(self, record: IkeRecord, answer: Callable[[bool], None] | None = None) -> None:
        """Send a peer an R-U-THERE now (RFC 3706 §5.5 leaves the time to each end)."""
        if not record.sa.peer.dpd:
            return
        if record.answers is None:
            record.answers = []
            record.sa.watch(self._dpd(_AT_ONCE))
            about_to_send(record.sa, self._clock.now())
        if answer is not None:
            record.answers.append(answer)
        self._settle(record)

    def settled(self, record: IkeRecord) -> None:
        """After the work on an SA: if an R-U-THERE on request is answered or given up, report whether the peer is there."""
        sa = record.sa
        if record.answers is None or (sa.dpd and sa.dpd.waiting):
            return
        answers, record.answers = record.answers, None
        there = sa.up
        if there:
            self.watch(record)
        for answer in answers:
            answer(there)

    def _dpd(self, terms: DpdTerms) -> Dpd:
        return Dpd(terms, self._random.take(4), self._clock.now())
