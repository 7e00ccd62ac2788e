"""Aaa room: what a router's RADIUS client has counted, for `show aaa servers` and `show radius statistics`.

Everything is counted from the client's events. One `Counts` is about one kind of requests, to one server or to all of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from agent.aaa.radius.events import Discarded
from agent.aaa.radius.values import Code

LATENCIES = (2, 5, 10, 20, 50, 100)  # milliseconds: the upper ends of the classes of the latency distribution; one more is above


@dataclass(slots=True)
class Counts:
    """Counts of one kind of requests: authentication (Access-Requests) or accounting.

    `sent` and `answered` are packets by their code, retransmissions not included; of accounting, `records` and `acknowledged` are
    the same by Acct-Status-Type. `failovers` are requests that went on to another server, `unanswered` those that a server did not
    answer, `timeouts` the transmissions without an answer. Delays are in seconds, from the last transmission to its answer.
    """

    sent: Counter[Code] = field(default_factory=Counter)
    answered: Counter[Code] = field(default_factory=Counter)
    records: Counter[int] = field(default_factory=Counter)
    acknowledged: Counter[int] = field(default_factory=Counter)
    refused: Counter[Discarded] = field(default_factory=Counter)
    retransmissions: int = 0
    timeouts: int = 0
    failovers: int = 0
    unanswered: int = 0
    delay: float = 0.0  # of all answers together
    last_delay: float = 0.0
    longest_delay: float = 0.0
    latencies: list[int] = field(default_factory=lambda: [0] * (len(LATENCIES) + 1))
    largest: int = 0  # octets of the largest packet that was sent
    source: int | None = None  # the port that the last request was sent from
    identifier: int | None = None  # of the last request

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
