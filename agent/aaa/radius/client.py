"""Aaa room: the RADIUS client of one router: timers and sockets around the core of `exchange.py`.

A router without servers pays next to nothing for it, since a lab may have ten thousand routers. pyrad is loaded with the first
line about servers, which is at the start: it takes long, and a log-in would hold the event loop meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address

from agent.aaa.radius.events import Discarded, RadiusEvent, Refused, Withheld
from agent.aaa.radius.exchange import Answered, Exchanges, Port, SocketAddress
from agent.aaa.radius.packets import Packets, load
from agent.aaa.radius.servers import Server, ServerFacts, Servers
from agent.aaa.radius.sockets import Sockets
from agent.aaa.radius.statistics import Statistics
from agent.aaa.radius.values import Code, Reply, Request
from agent.base.bus import Bus, Subscription
from agent.base.limited_log import limited_in_loop
from agent.base.loop_timers import CallLater, LoopTimer
from agent.base.outside import OutsideTraffic
from agent.config.aaa_model import ServerAddress, ServerGroup
from agent.config.model import RouterConfig

_log = logging.getLogger(__name__)

NasAddress = Callable[[ServerGroup | None], IPv4Address]
_TIMEOUTS = 64  # handled in one turn of the loop
# What the configuration of the server or of the router may have to do with a discarded answer.
_CONFIGURED_WRONG = {
    Discarded.AUTHENTICATOR: "its authenticator is wrong, as if the two had different keys",
    Discarded.NO_MESSAGE_AUTHENTICATOR: "it has no Message-Authenticator. Have the server send one, or set "
    "radius_message_authenticator = false in the router's section of the lab file",
}


@dataclass(frozen=True, slots=True)
class Times:
    """Where the client has the time from. `now`: seconds that never fall; `later` calls back; `date`: seconds since 1970."""

    now: Callable[[], float]
    later: CallLater
    date: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a client has of its router.

    `nas_address` gives the address that the router sends to a group from; None is the group of every server. `demand`: an answer to
    an Access-Request must have a Message-Authenticator. `began` is when the counting began.
    """

    config: RouterConfig
    nas_address: NasAddress
    outside: OutsideTraffic
    times: Times
    demand: bool
    began: float


class RadiusClient:
    """Asks groups of servers. It is made within a running event loop, and follows the configuration at each `apply`."""

    def __init__(
        self,
        config: RouterConfig,
        nas_address: NasAddress,
        outside: OutsideTraffic,
        times: Times | None = None,
        demand: bool = True,
    ) -> None:
        """The arguments are as in `Surroundings`. Without `times` the event loop gives the time."""
        loop = asyncio.get_running_loop()
        times = times or Times(loop.time, loop.call_later)
        self._around = Surroundings(config, nas_address, outside, times, demand, times.now())
        self._events: Bus[RadiusEvent] = Bus()
        self._asking: _Asking | None = None
        self._closed = False
        self.apply()

    def ask(self, group: str, request: Request, answered: Answered) -> None:
        """Ask the servers of a group, one after another, until one answers.

        `answered` is called once, later and not from within this call: with the reply, or with None if no server answered, or none
        can be asked. An Access-Request that no packet can carry (its password is too long, say) is answered by an Access-Reject.
        """
        if not self._closed:
            self._begun().ask(group, request, answered)

    def subscribe(self, listener: Callable[[RadiusEvent], None]) -> Subscription:
        """Give a listener every event from now on."""
        return self._events.subscribe(listener)

    @property
    def statistics(self) -> Statistics:
        return self._begun().statistics

    def servers(self) -> list[ServerFacts]:
        """Every server, in the order of the configuration."""
        return self._begun().facts()

    def now(self) -> float:
        """The present moment, in seconds of the client's clock: that of the statistics."""
        return self._around.times.now()

    def apply(self) -> None:
        """Follow the configuration. What is asked of a server that is gone is asked of the next one."""
        radius = self._around.config.radius
        if self._asking is not None or radius.hosts or radius.servers or radius.groups:
            load()
            self._begun().apply()

    def close(self) -> None:
        """Stop. What is not answered stays so: no `answered` is called any more."""
        self._closed = True
        if self._asking is not None:
            self._asking.close()

    def _begun(self) -> _Asking:
        if self._asking is None:
            self._asking = _Asking(self._around, self._events.publish)
        return self._asking


class _Asking:
    """The client from the first line about servers on: the edge of the core (`exchange.Edge`)."""

    def __init__(self, around: Surroundings, publish: Callable[[RadiusEvent], None]) -> None:
        self._around = around
        self._publish = publish
        self._loop = asyncio.get_running_loop()
        self.now = around.times.now
        self.date = around.times.date
        self.withholds: Callable[[ServerAddress], bool] = around.outside.withholds
        self.nas_address = around.nas_address
        self.statistics = Statistics(self.now, around.began)
        self._limited = limited_in_loop(_log, self.now, self._loop.call_later)
        self._sockets = Sockets(self._receive, self._limited)
        self.local_address = self._sockets.local_address
        self.open_port = self._sockets.open
        self._servers = Servers(around.config.radius, self.now, self._tell)
        self._exchanges = Exchanges(self._servers, Packets(), self, self._tell, around.demand)
        self._timer: LoopTimer | None = None
        self._due = 0.0  # when the timer ends
        self._closed = False

    def ask(self, group: str, request: Request, answered: Answered) -> None:
        self._exchanges.ask(group, request, answered)
        self._arm()

    def apply(self) -> None:
        self._sockets.forget()
        self._exchanges.apply()
        self._arm()

    def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._exchanges.close()
        self._limited.close()

    def facts(self) -> list[ServerFacts]:
        return [self._facts(server) for server in self._servers]

    def deliver(self, answered: Answered, reply: Reply | None) -> None:
        self._loop.call_soon(self._deliver, answered, reply)

    def _deliver(self, answered: Answered, reply: Reply | None) -> None:
        if not self._closed:
            answered(reply)

    def _receive(self, port: Port, datagram: bytes, source: SocketAddress) -> None:
        self._exchanges.received(port, datagram, source)
        self._arm()

    def _tell(self, event: RadiusEvent) -> None:
        if isinstance(event, Withheld):
            self._around.outside.tell("RADIUS requests", str(event.server))
        elif isinstance(event, Refused) and event.name is not None and event.reason in _CONFIGURED_WRONG:
            what = self._around.config.hostname, event.name, _CONFIGURED_WRONG[event.reason]
            self._limited.warning("%s: an answer of the RADIUS server %s is discarded: %s", *what)
        self.statistics.take(event)
        self._publish(event)

    def _arm(self) -> None:
        """Have a timer for what is due next. One that ends before is as good: it will be set anew."""
        due = self._exchanges.next_due()
        if due is None or self._closed or (self._timer is not None and self._due <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = self._around.times.later(max(0.0, due - self.now()), self._run)

    def _run(self) -> None:
        self._timer = None
        self._exchanges.run(_TIMEOUTS)
        self._arm()

    def _facts(self, server: Server) -> ServerFacts:
        groups = [group for group in self._servers.groups() if server in group.servers]
        places = server.place(Code.ACCESS_REQUEST), server.place(Code.ACCOUNTING_REQUEST)
        duration, alive = self.now() - server.since, server.dead_until is None
        access, accounting = (self._exchanges.load(server, place) for place in places)
        return ServerFacts(
            number=server.number,
            priority=groups[0].servers.index(server) + 1 if groups else 1,
            name=server.name,
            groups=tuple(group.name for group in groups),
            alive=alive,
            duration=duration,
            previous=server.previous,
            deaths=server.deaths,
            dead_time=server.dead_time + (0.0 if alive else duration),
            timeouts=server.timeouts,
            outstanding=(access[0], accounting[0]),
            waiting=(access[1], accounting[1]),
        )
