"""Connects AAA: for one router its users, its RADIUS servers and the accounting of its sessions; for a lab what its routers share.

`app.py` makes the one `LabAaa`, and owns its threads. `router_service.py` makes an `AaaService` for each router, and tells it of
changes of the configuration.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, count

from agent.aaa.access import Access
from agent.aaa.access_requests import AccessRequests
from agent.aaa.accounting.grants import Grants
from agent.aaa.accounting.lists import list_of
from agent.aaa.accounting.sender import RecordSender
from agent.aaa.accounting.sessions import OpenSession, SessionAccounting, Surroundings
from agent.aaa.accounting.spool import DEFAULT_LIMIT, LabSpool, Spool
from agent.aaa.accounting.traffic import Traffic
from agent.aaa.cli import CliLogins
from agent.aaa.debug_accounting import AccountingDebug
from agent.aaa.debug_dynamic import DynamicAuthorDebug
from agent.aaa.debug_isakmp import DebuggedAccess, IsakmpAaaDebug
from agent.aaa.debug_radius import RadiusDebug
from agent.aaa.dynamic.author import DynamicAuthorServer
from agent.aaa.dynamic.listener import DynamicAuthorListener
from agent.aaa.dynamic.router import DynamicRouter
from agent.aaa.facts import AaaFacts, AccountedSession, AccountingFacts, AuthorFacts
from agent.aaa.hash_worker import HashWorker
from agent.aaa.methods import Methods
from agent.aaa.nas_address import NasAddresses
from agent.aaa.questions import Questions, once
from agent.aaa.radius.client import RadiusClient
from agent.aaa.radius.messages import log_event
from agent.aaa.users import Users
from agent.base.clock import SECOND, RealClock, world_date
from agent.base.outside import OutsideTraffic
from agent.base.runner import BUDGET, RealRunner
from agent.base.scheduler import Scheduler, Timers
from agent.config.events import AaaChanged, ConfigEvent
from agent.engine.port import Node
from agent.flow.records import SessionUp
from agent.flow.sessions import Session
from agent.syslog.debug import Debugging
from agent.syslog.syslog import Syslog

_log = logging.getLogger(__name__)

Release = Callable[[], None]
# At the end of the program, in seconds: how long the last records may be made, how long the servers may take records then, and how
# long they may take none.
_MAKING, _LAST_RECORDS, _LAST_RECORD = 20.0, 10.0, 1.0


def _no_hold() -> Release:
    """For a clock that does not wait."""
    return lambda: None


def _nothing() -> Generator[None]:
    yield from ()


class LabAaa:
    """What the routers of a lab share. `hold` has a virtual clock stand still until the returned function is called.

    `virtual`: the clock is such a one. Without a `spool` nothing is accounted for.
    """

    def __init__(self, hold: Callable[[], Release] = _no_hold, virtual: bool = False, spool: LabSpool | None = None) -> None:
        self.spool = spool
        self.hashes = HashWorker()
        self.questions = Questions(hold, in_order=virtual)
        clock = RealClock()
        self._real_timers = Scheduler(clock)
        self._real_runner = RealRunner(self._real_timers, clock)

    def real_timers(self) -> Timers:
        """Timers of real time, whatever the lab's clock does. They run from the first call on."""
        self._real_runner.start()
        return self._real_timers

    async def end(self, endings: Sequence[Generator[None]]) -> None:
        """Have the last records of each router made (`AaaService.end`), and wait while servers take what is left.

        A hub may have a hundred thousand sessions. So few records are made in a turn of the loop, and both have little time: the
        next start sends what is left, and a Stop for each session that has none.
        """
        await self._make(chain.from_iterable(endings))
        for ending in endings:
            ending.close()
        await self._deliver()

    async def _make(self, ending: Iterable[None]) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + _MAKING
        while (began := loop.time()) < end:
            for _ in ending:
                if loop.time() - began >= BUDGET:
                    break
            else:
                return
            await asyncio.sleep(0)

    async def _deliver(self) -> None:
        """Wait while the servers take records."""
        if self.spool is None:
            return
        loop = asyncio.get_running_loop()
        end, before = loop.time() + _LAST_RECORDS, len(self.spool) + 1
        while 0 < len(self.spool) < before and loop.time() < end:
            before, empty = len(self.spool), asyncio.Event()
            self.spool.when_empty(empty.set)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(empty.wait(), _LAST_RECORD)

    def close(self) -> None:
        self.questions.close()
        self.hashes.close()
        self._real_runner.stop()
        if self.spool is not None:
            self.spool.close()


class Accounting:
    """The accounting of one router: the records of its sessions go to the spool, and from there to the servers."""

    def __init__(
        self,
        node: Node,
        spool: Spool,
        sender: RecordSender,
        traffic: Traffic,
        grants: Grants,
        identifier: Callable[[], str | None],
        timers: Timers,
        real_timers: Timers,
    ) -> None:
        began = node.epoch.timestamp()
        around = Surroundings(
            config=node.document.config,
            monitor=node.monitor,
            timers=timers,
            real_timers=real_timers,
            event=lambda moment: int(began + moment / SECOND),
            now=lambda: world_date().timestamp(),
            grants=grants,
            identifier=identifier,
        )
        self._clock = timers.clock
        self._spool = spool
        self._sender = sender
        self._traffic = traffic
        self.sessions = SessionAccounting(traffic.into(spool), around)
        self._subscription = node.monitor.subscribe(self.sessions)

    def apply(self) -> None:
        """Follow a change of the configuration."""
        self.sessions.apply()
        self._sender.retry()

    def number(self, session_id: str) -> int:
        """The number of a session in the lines of `debug`."""
        return self._sender.number(session_id)

    def accounted(self, session_id: str) -> list[Session]:
        """The sessions with an Acct-Session-Id."""
        return [opened.row for opened in self.sessions.sessions if opened.session_id == session_id]

    def facts(self) -> AccountingFacts:
        """What show commands ask."""
        opened, counters = list(self.sessions.sessions), self._spool.counters
        return AccountingFacts(
            sessions=map(self._accounted, opened),
            active=len(opened),
            sessions_made=self._traffic.sessions,
            records=self._traffic.made,
            waiting=len(self._spool),
            dropped=counters.dropped + counters.unwritten + counters.lost,
        )

    def _accounted(self, opened: OpenSession) -> AccountedSession:
        return AccountedSession(
            number=int(opened.session_id, 16),
            about=self.number(opened.session_id),
            user=opened.facts.user,
            interface=opened.facts.interface,
            address=opened.facts.assigned_address or opened.remote,
            seconds=(self._clock.now() - opened.row.start) // SECOND,
        )

    def end(self) -> Generator[None]:
        """Make the last records, one in each step."""
        self._subscription.close()
        return self.sessions.stop()

    def close(self) -> None:
        """Send no more. What no server has is in the spool."""
        self._sender.close()


@dataclass(frozen=True, slots=True)
class AaaSettings:
    """What the lab file says about the AAA of a router.

    `spool_limit` is how many of its accounting records may wait for a server before interim records are dropped.
    """

    spool_limit: int = DEFAULT_LIMIT
    demand_message_authenticator: bool = True


class AaaService:
    """AAA of one router, from its start to its restart. `timers` are those of its clock; without them it has no interim records."""

    def __init__(
        self,
        node: Node,
        shared: LabAaa,
        outside: OutsideTraffic,
        syslog: Syslog,
        debugging: Debugging,
        timers: Timers | None = None,
        settings: AaaSettings | None = None,
    ) -> None:
        settings = settings or AaaSettings()
        self._node = node
        self._shared = shared
        self._timers = Scheduler(node.monitor.clock) if timers is None else timers  # nothing runs the former
        self._spool_limit = settings.spool_limit
        self._ended = False
        self.accounting: Accounting | None = None  # from `start` on, where something is accounted for
        config, matches = node.document.config, shared.hashes.matches
        self._addresses = NasAddresses(config, node.device)
        node.device.link_listeners.append(lambda state: self._addresses.forget())
        self.radius = RadiusClient(config, self._addresses, outside, demand=settings.demand_message_authenticator)
        self.new_about = count(1).__next__  # numbers log-ins and sessions, as `debug radius` does
        users = Users(config, matches)
        requests = AccessRequests(
            config=config.radius,
            ask=lambda group, request: once(partial(self.radius.ask, group, request)),
            about=self.new_about,
            identifier=lambda: self._addresses.identifier(config.radius.nas_identifier_in_access),
        )
        methods = Methods(config, users, matches, requests)
        self._grants = Grants()
        self.access = Access(config, methods, requests, shared.questions.begin, self._grants)
        self.logins = CliLogins(config, users, methods, requests)
        self.radius.subscribe(partial(log_event, log=syslog.log))
        debugging.follow(RadiusDebug(self.radius.subscribe, syslog.log).follow)
        self._traffic = traffic = Traffic()
        debugging.follow(AccountingDebug(traffic.subscribe, self.radius.subscribe, self._number, syslog.log).follow)
        isakmp = IsakmpAaaDebug(node.monitor, self._is_accounted, traffic.subscribe, syslog.log)
        debugging.follow(isakmp.follow)
        node.engine.use_access(DebuggedAccess(self.access, isakmp))

        self._controlled = DynamicRouter(
            node, self._accounted, self._identifiers, self._user, lambda call: asyncio.get_running_loop().call_soon(call)
        )
        self.dynamic = DynamicAuthorListener(node.name, config, lambda log: DynamicAuthorServer(config, self._controlled, log))
        debugging.follow(DynamicAuthorDebug(self.dynamic.subscribe, syslog.log).follow)

    def facts(self) -> AaaFacts:
        """What show commands ask."""
        return AaaFacts(
            self.radius,
            lambda: AccountingFacts() if self.accounting is None else self.accounting.facts(),
            lambda: AuthorFacts() if self.dynamic.server is None else self.dynamic.server.facts(),
        )

    def _accounted(self, session_id: str) -> list[Session]:
        return [] if self.accounting is None else self.accounting.accounted(session_id)

    def _user(self, session: Session) -> str | None:
        """The user of a session, as its accounting records say it."""
        opened = self.accounting.sessions.opened(session.id) if self.accounting is not None else None
        return opened.facts.user if opened is not None else None

    def _identifiers(self) -> list[str | None]:
        """What the router sends as NAS-Identifier."""
        radius = self._node.document.config.radius
        return [self._addresses.identifier(form) for form in (radius.nas_identifier_in_access, radius.nas_identifier_in_accounting)]

    def _number(self, session_id: str) -> int:
        return 0 if self.accounting is None else self.accounting.number(session_id)

    def start(self) -> None:
        """The router has started."""
        self._account()
        if self.accounting is not None:
            self.accounting.sessions.start()

    def configured(self, events: Sequence[ConfigEvent]) -> None:
        """Follow what an edit of the configuration has changed."""
        self._addresses.forget()
        if not any(isinstance(event, AaaChanged) for event in events):
            return
        self.radius.apply()
        self.dynamic.apply()
        if self.accounting is not None:
            self.accounting.apply()
        else:
            self._account()

    def _account(self) -> None:
        """Begin with accounting, if there is something to account for, or to be sent that an earlier process has left."""
        aaa, name, lab_spool = self._node.document.config.aaa, self._node.name, self._shared.spool
        if self._ended or lab_spool is None:
            return
        if aaa.network_accounting or aaa.system_accounting or lab_spool.has_left(name):
            spool = lab_spool.router(name, self._spool_limit)
            sender = RecordSender(spool, self.radius, self.new_about)
            self.accounting = Accounting(
                node=self._node,
                spool=spool,
                sender=sender,
                traffic=self._traffic,
                grants=self._grants,
                identifier=self._identifier,
                timers=self._timers,
                real_timers=self._shared.real_timers(),
            )

    def _identifier(self) -> str | None:
        return self._addresses.identifier(self._node.document.config.radius.nas_identifier_in_accounting)

    def _is_accounted(self, record: SessionUp) -> bool:
        peer = self._node.monitor.vrf(record.vrf).peers.get(record.peer)
        return peer is not None and peer.session is not None and list_of(self._node.document.config, peer.session) is not None

    def end(self) -> Generator[None]:
        """The router ends in order: its sessions have their last records, one in each step. Later calls have no step."""
        ended, self._ended = self._ended, True
        return _nothing() if ended or self.accounting is None else self.accounting.end()

    def close(self) -> None:
        """Stop: the router restarts, or the lab ends."""
        for _ in self.end():
            pass
        if self.accounting is not None:
            if left := len(self.accounting.sessions.sessions):
                _log.warning("%s: %d sessions have no Stop record yet: the next start sends it", self._node.name, left)
            self.accounting.close()
        self.dynamic.close()
        self._controlled.close()
        self.access.close()
        self.radius.close()
