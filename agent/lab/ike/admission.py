"""Lab room: decides which phase 1s may begin: IOS's Call Admission Control for IKE, and bounds where that has none.

A first message costs its sender nothing, because its source may be forged. So it must not cost us much. In main and in aggressive
mode, admission comes before any state is made or key agreed. A refused message gets no answer.

Cisco's Call Admission Control applies to new peers, and preserves existing SAs. So a peer that holds an SA always gets its next
phase 1. If there is no room, an SA gives its place whose peer has echoed no cookie of ours yet (RFC 2408 §2.5.3), and so has not
shown that it receives our messages. Our own phase 1s are admitted in the same way. A new peer gets the place of an SA that has been
silent for some seconds. So after a flood of forged addresses it need not wait for their expiry.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address
from itertools import islice

from agent.base.allowance import Allowance
from agent.base.clock import SECOND
from agent.base.limited_log import LimitedLog
from agent.base.scheduler import Timers
from agent.config.model import RouterConfig
from agent.crypto.dialogues import RETRY_AFTER
from agent.crypto.states import State
from agent.flow.model import IkeFailureReason
from agent.flow.monitor import FlowMonitor
from agent.lab.failures.reported import Reported
from agent.lab.failures.words import IKE_LIMIT
from agent.lab.ike.records import IkeRecord
from agent.lab.ike.sas import IkeSas
from agent.lab.policy.peer_pair import PeerPair

MOST_IN_NEGOTIATION = 4000  # a router, unless `crypto call admission limit ike in-negotiation-sa` sets another limit
MOST_OF_ADDRESS = 100  # of those that a peer address has begun
_MOST_PRESERVED = 4  # of those, how many an address of a known peer may have beyond the router's limit
_SILENT = 10 * SECOND  # after which an SA whose peer has echoed no cookie gives its place to a new peer
_NEWCOMERS = 50  # new peers a second that get another's place; each may cost a Diffie-Hellman
_LOOKED_AT = 64  # of the oldest SAs, to find one that gives its place
_ROWS = 5  # failure rows of refusals in one period, so that a flood does not push all others out of the table
_PERIOD = 10 * SECOND

# The states of a responder whose peer has echoed no cookie. In AG_NO_STATE its first message waits for AAA.
_UNPROVEN = (State.MM_SA_SETUP, State.AG_NO_STATE, State.AG_INIT_EXCH)

_log = logging.getLogger(__name__)


class Limit(Enum):
    """The limit that is reached; the value is the log's text."""

    SAS = "as many IKE SAs as crypto call admission limit ike sa allows are there"
    IN_NEGOTIATION = "as many IKE SAs as may be are being negotiated"
    ADDRESS = "as many as a peer address may have are being negotiated with that one"


@dataclass(slots=True)
class Requests:
    """Phase 1s asked for in one direction."""

    accepted: int = 0
    rejected: int = 0

    def count(self, admitted: bool) -> None:
        self.accepted += admitted
        self.rejected += not admitted


class IkeAdmission:
    """Admission of one router. `established` says whether a peer holds an SA of either phase. `give_up` ends an SA."""

    def __init__(
        self,
        config: RouterConfig,
        sas: IkeSas,
        monitor: FlowMonitor,
        scheduler: Timers,
        established: Callable[[PeerPair], bool],
        give_up: Callable[[IkeRecord], None],
    ) -> None:
        self.incoming = Requests()
        self.outgoing = Requests()
        self.refused_by: dict[Limit, int] = dict.fromkeys(Limit, 0)
        self._config = config
        self._sas = sas
        self._monitor = monitor
        self._clock = scheduler.clock
        self._established = established
        self._give_up = give_up
        self._limited = LimitedLog(_log, scheduler.clock.now, scheduler.after)
        self._reported = Reported()
        self._newcomers = Allowance(_NEWCOMERS, SECOND // _NEWCOMERS, scheduler.clock.now)
        self._rows = 0
        self._rows_since = 0

    @property
    def most_in_negotiation(self) -> int:
        configured = self._config.crypto.ike_negotiation_limit
        return MOST_IN_NEGOTIATION if configured is None else configured

    @property
    def most_sas(self) -> int:
        """0 is no limit."""
        return self._config.crypto.ike_sa_limit or 0

    @property
    def active(self) -> int:
        return len(self._sas) - self.negotiating

    @property
    def negotiating(self) -> int:
        return self._sas.count_half_open()

    def admits_incoming(self, pair: PeerPair, remote_port: int, cookie: bytes) -> bool:
        """Whether a peer's first message may begin an SA. A refusal is counted, and reported once for all its copies."""
        limit = self._limit_of_address(pair) or self._limit_of_router()
        if limit is not None and any(map(self._established, {pair, pair.heard_from(remote_port)})):
            limit = self._with_room_made(pair, limit, preserved=True)
        elif limit in (Limit.SAS, Limit.IN_NEGOTIATION) and self._newcomers.take():
            limit = self._with_room_made(pair, limit, preserved=False, age=_SILENT)
        self.incoming.count(limit is None)
        if limit is not None:
            self.refused_by[limit] += 1
            if self._reported.is_first((pair, cookie)):
                self._report(pair, limit, initiator=False)
        return limit is None

    def admits_outgoing(self, pair: PeerPair) -> bool:
        """The same for a phase 1 of ours."""
        limit = self._limit_of_router()
        if limit is not None:
            limit = self._with_room_made(pair, limit, self._established(pair))
        self.outgoing.count(limit is None)
        if limit is not None:
            self.refused_by[limit] += 1
            self._report(pair, limit, initiator=True)
        return limit is None

    def _limit_of_address(self, pair: PeerPair) -> Limit | None:
        return Limit.ADDRESS if self._sas.count_half_open(pair) >= MOST_OF_ADDRESS else None

    def _limit_of_router(self) -> Limit | None:
        if self.most_sas and len(self._sas) >= self.most_sas:
            return Limit.SAS
        return Limit.IN_NEGOTIATION if self.negotiating >= self.most_in_negotiation else None

    def _with_room_made(self, pair: PeerPair, limit: Limit, preserved: bool, age: int = 0) -> Limit | None:
        """The limit that is still reached after an SA has given its place. It is an SA of the same address if that has too many.

        A `preserved` phase 1 replaces an existing SA, so the router's limit does not apply to a few of them.
        """
        oldest = islice(self._sas.half_open(pair if limit is Limit.ADDRESS else None), _LOOKED_AT)
        candidate = next((each for each in oldest if self._can_make_room(each, age)), None)
        if candidate is not None:
            self._give_up(candidate)
            return None
        return None if preserved and self._sas.count_half_open(pair) < _MOST_PRESERVED else limit

    def _can_make_room(self, record: IkeRecord, age: int) -> bool:
        """Whether an SA may give its place. An aggressive mode may have cost a Diffie-Hellman, so it stays for an answer's time."""
        if record.sa.initiator or record.sa.state not in _UNPROVEN:
            return False
        return self._clock.now() - record.begun >= (max(age, RETRY_AFTER[0]) if record.sa.aggressive else age)

    def _report(self, pair: PeerPair, limit: Limit, initiator: bool) -> None:
        """Report a refused set-up to the log and to the flow monitor."""
        local, remote = IPv4Address(pair.local), IPv4Address(pair.remote)
        source, destination = (local, remote) if initiator else (remote, local)
        way = "outgoing" if initiator else "incoming"
        name = self._config.hostname
        self._limited.warning("%s: an %s IKE SA from %s to %s is refused: %s", name, way, source, destination, limit.value)
        now = self._clock.now()
        if now - self._rows_since >= _PERIOD:
            self._rows, self._rows_since = 0, now
        if self._rows < _ROWS:
            self._rows += 1
            reason, cause = IkeFailureReason.CAPACITY, IKE_LIMIT[initiator]
            self._monitor.ike_failed(pair.front_vrf, reason, local, remote, initiator=initiator, ends=pair.ends, cause=cause)
        else:
            self._monitor.ike_fault(pair.front_vrf, IkeFailureReason.CAPACITY, initiator)
