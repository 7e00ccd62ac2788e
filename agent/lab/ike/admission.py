"""Lab room: which phase 1s may begin: IOS's Call Admission Control for IKE, and bounds where that has none.

A first message costs its sender nothing, for its source may be forged; so it must not cost us much. The gate stands before any
state is made and any key is agreed, in main and in aggressive mode alike. What it refuses gets no answer.

Cisco's Call Admission Control applies to peers with whom there is no SA yet, and preserves those that there are. So a peer that
holds an SA has its next phase 1 admitted. Where there is no room, an SA makes room whose peer has not yet shown that it hears us:
it has echoed no cookie of ours (RFC 2408 §2.5.3). What we begin ourselves is admitted in the same way. A peer that is new has the
router's room from an SA that has been silent for some seconds: after a flood of forged addresses it does not wait for their expiry.
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
from agent.base.scheduler import Scheduler
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

MOST_IN_NEGOTIATION = 4000  # a router, where `crypto call admission limit ike in-negotiation-sa` says nothing else
MOST_OF_ADDRESS = 100  # of those that a peer address has begun
_MOST_PRESERVED = 4  # of those, the ones that an address of a known peer may have beyond what the router has room for
_SILENT = 10 * SECOND  # after which an SA whose peer has echoed no cookie makes room for a newcomer
_NEWCOMERS = 50  # a second that have room made for them: each may cost a Diffie-Hellman
_LOOKED_AT = 64  # of the oldest, when one is to make room
_ROWS = 5  # failure rows of refusals in one period, so that a flood does not push all others out of the table
_PERIOD = 10 * SECOND

_log = logging.getLogger(__name__)


class Limit(Enum):
    """What leaves no room; the value is what the log says of it."""

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
    """The gate of one router. `established` says whether a peer holds an SA of either phase, `give_up` ends one that makes room."""

    def __init__(
        self,
        config: RouterConfig,
        sas: IkeSas,
        monitor: FlowMonitor,
        scheduler: Scheduler,
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
        self._newcomers = Allowance(_NEWCOMERS, _NEWCOMERS, lambda: scheduler.clock.now() / SECOND)
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
        """Whether a peer's first message may begin an SA; where it may not, that is counted, and told once for all its copies."""
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
        """The same of one that we would begin."""
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
        """The limit that is still in the way once an SA has made room, if one can: of the same address where that has too many.

        What is `preserved` takes the place of an SA that there is: it does not need the router's room, as long as it is one of few.
        """
        oldest = islice(self._sas.half_open(pair if limit is Limit.ADDRESS else None), _LOOKED_AT)
        candidate = next((each for each in oldest if self._can_make_room(each, age)), None)
        if candidate is not None:
            self._give_up(candidate)
            return None
        return None if preserved and self._sas.count_half_open(pair) < _MOST_PRESERVED else limit

    def _can_make_room(self, record: IkeRecord, age: int) -> bool:
        """An aggressive mode has cost us a Diffie-Hellman already: it stays as long as an answer may be on its way."""
        if record.sa.initiator or record.sa.state not in (State.MM_SA_SETUP, State.AG_INIT_EXCH):
            return False
        return self._clock.now() - record.begun >= (max(age, RETRY_AFTER[0]) if record.sa.aggressive else age)

    def _report(self, pair: PeerPair, limit: Limit, initiator: bool) -> None:
        """A set-up is refused: to the log, and to the flow monitor."""
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
