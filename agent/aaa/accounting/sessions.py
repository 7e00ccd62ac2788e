"""Aaa room: the accounting of one router's sessions: which records are made, and when.

A session that a list accounts for has a Start when it comes up (its first pair of IPsec SAs), a Stop when it goes down (its last
pair has gone), and interim records in between: one in each period of the router's clock, and one for each news. A rekey makes none.
With `stop-only` there is the Stop alone. A session keeps the list that it has come up with, whatever the configuration says later.

Each record is given to the keeper (the spool) together with the session's will: the Stop that the session has if the program dies.
The keeper has its own copy of each will. It is made anew once a minute of real time, where the numbers have changed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, ValuesView
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol

from agent.aaa.accounting.attributes import SYSTEM_SESSION, Accounted, Sender, Usage, session_attributes, system_attributes
from agent.aaa.accounting.causes import DIED, RELOADED, Cause, cause_of
from agent.aaa.accounting.grants import NOTHING_SAID, Grants
from agent.aaa.accounting.lists import has_starts, jitter_of, list_of, list_of_system, period_of
from agent.aaa.accounting.record import AccountingRecord, AcctStatus
from agent.aaa.accounting.rounds import Rounds
from agent.base.clock import SECOND
from agent.base.scheduler import Timers
from agent.config.aaa_model import AccountingList
from agent.config.model import RouterConfig
from agent.flow.model import Address, Peer, PeerKey
from agent.flow.monitor import FlowMonitor
from agent.flow.records import FlowRecord, IkeTunnelStarted, PeerMoved, SessionDown, SessionUp
from agent.flow.sessions import Session, SessionFacts, SessionTotals

# A will is renewed in each period, and up to so much later where many are due. So none is older than a minute.
WILL_PERIOD, WILL_WITHIN = 45 * SECOND, 14 * SECOND


class Keeper(Protocol):
    """What keeps the records of a router, and has them sent."""

    def next_session_id(self) -> str:
        """A new Acct-Session-Id."""
        ...

    def append(self, record: AccountingRecord, will: AccountingRecord | None) -> None:
        """Keep a record, to be sent after those of its session before it. `will` takes the place of the session's will."""
        ...

    def will(self, session: str, record: AccountingRecord) -> None:
        """Keep another will of a session."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the accounting has of its router.

    `timers` are those of the router's clock, `real_timers` those of real time. `event` turns a moment of the router's clock into
    seconds since 1970; `now` gives these by the real clock. `grants` are of the users who have logged in. `identifier` gives
    NAS-Identifier, None where it is not sent.
    """

    config: RouterConfig
    monitor: FlowMonitor
    timers: Timers
    real_timers: Timers
    event: Callable[[int], int]
    now: Callable[[], float]
    grants: Grants
    identifier: Callable[[], str | None] = lambda: None


@dataclass(slots=True, eq=False)
class OpenSession:
    """A session that is accounted for. `row` is the monitor's, `plan` the list that it came up with.

    `facts` are those of the session, and what log-ins and later IKE SAs have added. `classes` and `interval` are the grant's.
    `remote` is the peer's address that was last told. `started` says whether its Start has been made. `period` is that of its
    interim records in seconds, 0 for none. `willed` is the moment of the numbers in its will, by the router's clock.
    """

    row: Session
    session_id: str
    plan: AccountingList
    facts: SessionFacts
    remote: Address
    classes: tuple[bytes, ...] = NOTHING_SAID.classes
    interval: int | None = NOTHING_SAID.interval
    started: bool = False
    period: int = 0
    willed: int = 0


class SessionAccounting:
    """A subscriber of the flow monitor, which makes the accounting records of one router."""

    def __init__(self, keeper: Keeper, around: Surroundings) -> None:
        self._keeper = keeper
        self._around = around
        self._config, self._clock = around.config, around.timers.clock
        self._open: dict[int, OpenSession] = {}  # by the session's number
        self._wills: Rounds[int] = Rounds(around.real_timers, WILL_PERIOD, self._renew_will, WILL_WITHIN)
        self._interims: dict[int, Rounds[int]] = {}  # by their period in seconds
        self._jitter = jitter_of(self._config)

    def __call__(self, record: FlowRecord) -> None:
        handle = _HANDLERS.get(type(record))
        if handle is not None:
            handle(self, record)

    @property
    def sessions(self) -> ValuesView[OpenSession]:
        """The sessions that are accounted for, oldest first."""
        return self._open.values()

    def opened(self, number: int) -> OpenSession | None:
        """The session of this number, if it is accounted for."""
        return self._open.get(number)

    def start(self) -> None:
        """The router has started."""
        self._tell_of_router(AcctStatus.ON)

    def stop(self) -> Generator[None]:
        """The router ends in order: each step is the Stop of an open session, and Accounting-Off comes last.

        No record is made afterwards. If the iterator is closed before, the sessions that are left keep their wills.
        """
        try:
            for number, opened in list(self._open.items()):
                now = self._clock.now()
                self._end(number, opened, now, opened.row.totals(now), RELOADED)
                yield
            self._tell_of_router(AcctStatus.OFF)
        finally:
            self._wills.close()
            self._forget_interims()

    def apply(self) -> None:
        """Follow a change of the configuration: of the period of interim records, and of `delay-start`."""
        jitter = jitter_of(self._config)
        if jitter != self._jitter:
            self._jitter = jitter
            self._forget_interims()
        self._expect_interims()
        for opened in self._open.values():
            self._start_at_last(opened)

    # --- what happens to a session ---

    def _up(self, record: SessionUp) -> None:
        peer = self._peer(record.vrf, record.peer)
        if peer is None or peer.session is None:
            return
        plan = list_of(self._config, peer.session)
        if plan is None:
            return
        new_id = self._keeper.next_session_id()
        opened = self._open[record.id] = OpenSession(peer.session, new_id, plan, record.facts, record.ends.remote_address)
        self._take_grant(opened, record.facts.user)
        if not self._start_at_last(opened):
            self._keeper.will(new_id, self._will(opened, self._usage(opened)))
        self._wills.add(record.id, self._around.real_timers.clock.now())
        self._expect_interim(record.id, opened)

    def _start_at_last(self, opened: OpenSession) -> bool:
        """Make the Start of a session, once, unless it has none, or has to wait. Whether it was made."""
        aaa, facts = self._config.aaa, opened.facts
        waits = (aaa.delay_start or aaa.delay_start_all) and facts.group is not None and facts.assigned_address is None
        if opened.started or waits or not has_starts(opened.plan):
            return False
        self._start(opened)
        return True

    def _start(self, opened: OpenSession) -> None:
        opened.started = True
        self._keeper.append(self._record(AcctStatus.START, opened, None), self._will(opened, self._usage(opened)))

    def _interim(self, number: int) -> None:
        opened = self._open[number]
        if opened.started:
            usage = self._usage(opened)
            self._keeper.append(self._record(AcctStatus.INTERIM, opened, usage), self._will(opened, usage))

    def _renew_will(self, number: int) -> None:
        """Keep the present numbers of a session, unless its time has stood still."""
        opened = self._open[number]
        if self._clock.now() // SECOND != opened.willed // SECOND:
            self._keeper.will(opened.session_id, self._will(opened, self._usage(opened)))

    def _down(self, record: SessionDown) -> None:
        opened = self._open.get(record.id)
        if opened is not None:
            self._end(record.id, opened, record.at, record.totals, cause_of(record.reason, record.origin))

    def _end(self, number: int, opened: OpenSession, now: int, totals: SessionTotals, cause: Cause) -> None:
        del self._open[number]
        self._wills.remove(number)
        if opened.period:
            self._interims[opened.period].remove(number)
        if has_starts(opened.plan) and not opened.started:
            self._start(opened)  # the address that it has waited for does not come any more
        usage = Usage((now - opened.row.start) // SECOND, totals, cause)
        self._keeper.append(self._record(AcctStatus.STOP, opened, usage), None)

    # --- interim records: each session has its own a period after it has come up, and so on ---

    def _expect_interims(self) -> None:
        """Follow the periods of the configuration."""
        changed: dict[int, list[int]] = {}
        for number, opened in self._open.items():
            period = period_of(self._config, opened.plan, opened.interval)
            if period != opened.period:
                if opened.period:
                    self._interims[opened.period].remove(number)
                opened.period = period
                changed.setdefault(period, []).append(number)
        for period, numbers in changed.items():
            if period:
                self._rounds(period).add_all((number, self._open[number].row.start) for number in numbers)

    def _expect_interim(self, number: int, opened: OpenSession) -> None:
        opened.period = period_of(self._config, opened.plan, opened.interval)
        if opened.period:
            self._rounds(opened.period).add(number, opened.row.start)

    def _forget_interims(self) -> None:
        for rounds in self._interims.values():
            rounds.close()
        self._interims.clear()
        for opened in self._open.values():
            opened.period = 0

    def _rounds(self, period: int) -> Rounds[int]:
        rounds = self._interims.get(period)
        if rounds is None:
            within = None if self._jitter is None else self._jitter * SECOND
            rounds = self._interims[period] = Rounds(self._around.timers, period * SECOND, self._interim, within)
        return rounds

    # --- news ---

    def _ike_started(self, record: IkeTunnelStarted) -> None:
        """A later IKE SA of an association may have a user or an address that its session has not."""
        opened = self._opened_of(self._peer(record.vrf, record.peer))
        if opened is not None:
            before, ike = (opened.facts, opened.classes), record.facts
            had = opened.facts
            opened.facts = replace(
                had, group=ike.client_group or had.group, assigned_address=ike.assigned_address or had.assigned_address
            )
            self._take_grant(opened, ike.user)
            self._tell_news(opened, before != (opened.facts, opened.classes))

    def _take_grant(self, opened: OpenSession, user: str | None) -> None:
        """A user has logged in: a server may have said another name, and a Class."""
        if user is not None:
            grant = self._around.grants.of(user, str(opened.row.peer.remote_address))
            name, opened.classes, opened.interval = grant.name or user, grant.classes, grant.interval
            if name != opened.facts.user:
                opened.facts = replace(opened.facts, user=name)

    def _moved(self, record: PeerMoved) -> None:
        opened = self._opened_of(self._peer(record.vrf, record.peer))
        if opened is not None:
            self._tell_news(opened, False)

    def _tell_news(self, opened: OpenSession, news: bool) -> None:
        """Make an interim record if there are news, or if the peer has another address."""
        before, opened.remote = opened.remote, opened.row.peer.remote_address
        update = self._config.aaa.update
        if not self._start_at_last(opened) and (news or before != opened.remote) and update is not None and update.newinfo:
            self._interim(opened.row.id)

    # --- records ---

    def _tell_of_router(self, status: AcctStatus) -> None:
        plan = list_of_system(self._config)
        if plan is not None and (status is AcctStatus.OFF or has_starts(plan)):
            attributes = system_attributes(status, self._sender())
            self._keeper.append(
                AccountingRecord(status, SYSTEM_SESSION, attributes, plan.groups, plan.broadcast, self._around.now()), None
            )

    def _will(self, opened: OpenSession, usage: Usage) -> AccountingRecord:
        """The Stop of a session with its present numbers, if the program dies."""
        opened.willed = self._clock.now()
        return self._record(AcctStatus.STOP, opened, replace(usage, cause=DIED))

    def _usage(self, opened: OpenSession) -> Usage:
        now = self._clock.now()
        return Usage((now - opened.row.start) // SECOND, opened.row.totals(now))

    def _record(self, status: AcctStatus, opened: OpenSession, usage: Usage | None) -> AccountingRecord:
        peer, plan = opened.row.peer, opened.plan
        who = Accounted(opened.session_id, peer.vrf, peer.key.remote, peer.ends, opened.facts, opened.classes)
        attributes = session_attributes(status, who, usage, self._sender())
        return AccountingRecord(status, opened.session_id, attributes, plan.groups, plan.broadcast, self._around.now())

    def _sender(self) -> Sender:
        radius, around = self._config.radius, self._around
        return Sender(
            pairs=radius.vsa_accounting,
            gigawords=self._config.aaa.gigawords is not False,
            identifier=around.identifier(),
            event=around.event(self._clock.now()) if radius.event_timestamp else None,
        )

    # --- finding ---

    def _peer(self, vrf: str | None, key: PeerKey) -> Peer | None:
        return self._around.monitor.vrf(vrf).peers.get(key)

    def _opened_of(self, peer: Peer | None) -> OpenSession | None:
        """The session of an association, if it is up and accounted for."""
        return self._open.get(peer.session.id) if peer is not None and peer.session is not None else None


_HANDLERS: Mapping[type[FlowRecord], Callable[[SessionAccounting, Any], None]] = MappingProxyType(
    {
        SessionUp: SessionAccounting._up,
        SessionDown: SessionAccounting._down,
        IkeTunnelStarted: SessionAccounting._ike_started,
        PeerMoved: SessionAccounting._moved,
    }
)
