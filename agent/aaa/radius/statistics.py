"""Aaa room: what a router's RADIUS client has counted, for `show aaa servers` and `show radius statistics`.

Everything is counted from the client's events. One `Counts` is about one kind of requests, to one server or to all of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.aaa.radius.events import Discarded, NoResponse, RadiusEvent, Received, Refused, Sent
from agent.aaa.radius.packets import identifier_of
from agent.aaa.radius.values import Code, ServerName

LATENCIES = (2, 5, 10, 20, 50, 100)  # milliseconds: the upper ends of the classes of the latency distribution; one more is above


@dataclass(slots=True)
class Counts:
    """Counts of one kind of requests: authentication (Access-Requests) or accounting.

    `sent` and `answered` are packets by their code (`Code`), retransmissions not included. Of accounting, `records` are the sent
    ones by Acct-Status-Type, and `acknowledged` the answered ones. `timeouts` are transmissions without an answer, `failovers`
    requests that went on to another server, `unanswered` those that a server did not answer. Delays are in seconds, from the last
    transmission to its answer.
    """

    sent: Counter[int] = field(default_factory=Counter)
    answered: Counter[int] = field(default_factory=Counter)
    records: Counter[int] = field(default_factory=Counter)
    acknowledged: Counter[int] = field(default_factory=Counter)
    refused: Counter[Discarded] = field(default_factory=Counter)
    retransmissions: int = 0
    timeouts: int = 0
    failovers: int = 0
    unanswered: int = 0
    delay: float = 0.0  # of all answers together
    longest_delay: float = 0.0
    latencies: list[int] = field(default_factory=lambda: [0] * (len(LATENCIES) + 1))
    largest: int = 0  # octets of the largest packet that was sent
    last: tuple[int, int] | None = None  # the source port and identifier of the last request

    @property
    def requests(self) -> int:
        """Requests that were sent, each once for each server that it went to."""
        return self.sent.total()

    @property
    def responses(self) -> int:
        """Valid answers."""
        return self.answered.total()

    @property
    def average_delay(self) -> float:
        return self.delay / self.responses if self.responses else 0.0


@dataclass(slots=True)
class Run:
    """How often something has happened one after another: now, and at most."""

    now: int = 0
    most: int = 0

    def add(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)


@dataclass(slots=True)
class ByKind:
    """The counts of both kinds of requests. `since` is when they began, in seconds of the client's clock.

    `failures` are requests without an answer since the last answer, `timeouts` transmissions.
    """

    since: float
    authentication: Counts = field(default_factory=Counts)
    accounting: Counts = field(default_factory=Counts)
    failures: Run = field(default_factory=Run)
    timeouts: Run = field(default_factory=Run)

    def of(self, accounting: bool) -> Counts:
        return self.accounting if accounting else self.authentication


class Statistics:
    """The counts of one router's client: `totals`, and those of each server."""

    def __init__(self, now: Callable[[], float], began: float | None = None) -> None:
        """`began` is when the counting has begun, which is now if it is not given."""
        self._now = now
        self._began = now() if began is None else began
        self.totals = ByKind(self._began)
        self._servers: dict[ServerName, ByKind] = {}

    def of(self, server: ServerName) -> ByKind:
        return self._servers.get(server) or ByKind(self._began)

    def clear_totals(self) -> None:
        """`clear radius statistics`."""
        self.totals = ByKind(self._now())

    def clear_servers(self) -> None:
        """`clear aaa counters servers all`."""
        self._began = self._now()
        self._servers.clear()

    def take(self, event: RadiusEvent) -> None:
        """Count an event."""
        match event:
            case Sent():
                for each in self._both(event.name):
                    if event.attempt > 1:
                        each.timeouts.add()
                    _count_sent(each.of(event.octets[0] == Code.ACCOUNTING_REQUEST), event)
            case Received():
                for each in self._both(event.name):
                    each.failures.now = each.timeouts.now = 0
                    _count_received(each.of(event.octets[0] == Code.ACCOUNTING_RESPONSE), event)
            case NoResponse():
                for each in self._both(event.name):
                    each.failures.add()
                    each.timeouts.add()
                    counts = each.of(event.code is Code.ACCOUNTING_REQUEST)
                    counts.timeouts += 1
                    counts.unanswered += 1
                    counts.failovers += event.more
            case Refused():
                for each in self._both(event.name):
                    each.of(event.octets[:1] == bytes((Code.ACCOUNTING_RESPONSE,))).refused[event.reason] += 1
            case _:
                pass

    def _both(self, server: ServerName | None) -> tuple[ByKind, ...]:
        """The counts of all servers, and those of one."""
        if server is None:
            return (self.totals,)
        of_server = self._servers.get(server)
        if of_server is None:
            of_server = self._servers[server] = ByKind(self._began)
        return self.totals, of_server


def _count_sent(counts: Counts, event: Sent) -> None:
    if event.attempt > 1:
        counts.retransmissions += 1
        counts.timeouts += 1
        return
    counts.sent[event.octets[0]] += 1
    counts.largest = max(counts.largest, len(event.octets))
    counts.last = event.source, identifier_of(event.octets)
    if event.status is not None:
        counts.records[event.status] += 1


def _count_received(counts: Counts, event: Received) -> None:
    counts.answered[event.octets[0]] += 1
    counts.delay += event.delay
    counts.longest_delay = max(counts.longest_delay, event.delay)
    counts.latencies[bisect_left(LATENCIES, event.delay * 1000)] += 1
    if event.status is not None:
        counts.acknowledged[event.status] += 1
