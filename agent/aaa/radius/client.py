"""Aaa room: the RADIUS client of one router: sockets and timers around the core of `exchange.py`.

Requests leave by ports that the kernel gives, and answers are taken at those ports alone. pyrad is loaded with the first request.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address

from agent.aaa.radius.events import RadiusEvent, Withheld
from agent.aaa.radius.exchange import Answered, Exchanges, Port, SocketAddress
from agent.aaa.radius.packets import LONGEST, Packets
from agent.aaa.radius.servers import Server, ServerFacts, Servers
from agent.aaa.radius.statistics import Statistics
from agent.aaa.radius.values import Code, Reply, Request
from agent.base.bus import Bus, Subscription
from agent.base.clock import SECOND
from agent.base.limited_log import LimitedLog
from agent.base.loop_timers import CallLater, LoopTimer
from agent.base.outside import OutsideTraffic
from agent.base.own_addresses import is_ours
from agent.config.aaa_model import ServerAddress, ServerGroup
from agent.config.model import RouterConfig

_log = logging.getLogger(__name__)

NasAddress = Callable[[ServerGroup | None], IPv4Address]
_DATAGRAMS = 32  # taken from a port in one turn of the loop
_TIMEOUTS = 64  # handled in one turn
_RECEIVE_BUFFER = 1 << 20  # octets, as far as the system allows


@dataclass(frozen=True, slots=True)
class Times:
    """Where the client has the time from. `now`: seconds that never fall; `later` calls back; `date`: seconds since 1970."""

    now: Callable[[], float]
    later: CallLater
    date: Callable[[], float] = time.time


class _Port:
    """A source port."""

    def __init__(self, bound: socket.socket, received: Callable[[Port, bytes, SocketAddress], None], log: LimitedLog) -> None:
        self._socket = bound
        self._received = received
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self.number: int = bound.getsockname()[1]
        self._loop.add_reader(bound, self._read)

    def send(self, packet: bytes, to: SocketAddress) -> None:
        try:
            self._socket.sendto(packet, to)
        except OSError as error:
            self._log.warning("a RADIUS request to %s port %d is lost: %s", *to, error)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _read(self) -> None:
        for _ in range(_DATAGRAMS):
            if self._closed:  # by what an answer has caused
                return
            try:
                datagram, source = self._socket.recvfrom(LONGEST + 1)
            except OSError:  # nothing more, or an error of something sent before
                return
            self._received(self, datagram, source[:2])


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
        """`nas_address` gives the address that the router sends to a group from; None is the group of every server.

        Without `times` the event loop gives the time. `demand`: an answer to an Access-Request must have a Message-Authenticator.
        """
        loop = asyncio.get_running_loop()
        self._times = times or Times(loop.time, loop.call_later)
        self._nas_address = nas_address
        self._outside = outside
        self._demand = demand
        self._events: Bus[RadiusEvent] = Bus()
        self._limited = LimitedLog(
            _log, lambda: int(self._times.now() * SECOND), lambda delay, call: loop.call_later(delay / SECOND, call)
        )
        self._ours: dict[IPv4Address, bool] = {}  # whether this machine has an address
        self.statistics = Statistics(self._times.now)
        self._servers = Servers(config.radius, self._times.now, self._tell)
        self._exchanges: Exchanges | None = None
        self._timer: LoopTimer | None = None
        self._due = 0.0  # when the timer ends
        self._closed = False

    def ask(self, group: str, request: Request, answered: Answered) -> None:
        """Ask the servers of a group, one after another, until one answers.

        `answered` is called once, later and not from within this call: with the reply, or with None if no server answered, or none
        can be asked. An Access-Request that no packet can carry (its password is too long, say) is answered by an Access-Reject.
        """
        if self._exchanges is None:
            self._exchanges = Exchanges(self._servers, Packets(), self, self._tell, self._demand)
        self._exchanges.ask(group, request, answered)
        self._arm()

    def subscribe(self, listener: Callable[[RadiusEvent], None]) -> Subscription:
        """Give a listener every event from now on."""
        return self._events.subscribe(listener)

    def servers(self) -> list[ServerFacts]:
        """Every server, in the order of the configuration."""
        return [self._facts(server) for server in self._servers]

    def apply(self) -> None:
        """Follow the configuration. What is asked of a server that is gone is asked of the next one."""
        self._ours.clear()
        if self._exchanges is None:
            self._servers.apply()
        else:
            self._exchanges.apply()
            self._arm()

    def close(self) -> None:
        """Stop. What is not answered stays so: no `answered` is called any more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._exchanges is not None:
            self._exchanges.close()
        self._limited.close()

    # --- what the core asks of its edge ---

    def now(self) -> float:
        return self._times.now()

    def date(self) -> float:
        return self._times.date()

    def deliver(self, answered: Answered, reply: Reply | None) -> None:
        asyncio.get_running_loop().call_soon(self._deliver, answered, reply)

    def withholds(self, address: ServerAddress) -> bool:
        return self._outside.withholds(address)

    def nas_address(self, group: ServerGroup | None) -> IPv4Address:
        return self._nas_address(group)

    def local_address(self, address: ServerAddress, nas: IPv4Address) -> str:
        """The router's own address if this machine has it, so that a server can tell routers apart; else the machine's choice.

        A server on loopback is asked from a loopback address, and no datagram from elsewhere gets there.
        """
        if address.version == 6:
            return "::1" if address.is_loopback else "::"
        if nas.is_loopback == address.is_loopback and self._has(nas):
            return str(nas)
        return "127.0.0.1" if address.is_loopback else "0.0.0.0"

    def open_port(self, local: str) -> Port | None:
        family = socket.AF_INET6 if ":" in local else socket.AF_INET
        try:
            opened = socket.socket(family, socket.SOCK_DGRAM)
        except OSError as error:
            self._limited.warning("no socket for RADIUS requests from %s: %s", local, error)
            return None
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        try:
            opened.bind((local, 0))
        except OSError as error:
            opened.close()
            self._limited.warning("no socket for RADIUS requests from %s: %s", local, error)
            return None
        return _Port(opened, self._received, self._limited)

    # --- what becomes of it ---

    def _has(self, address: IPv4Address) -> bool:
        known = self._ours.get(address)
        if known is None:
            known = self._ours[address] = is_ours(str(address))
        return known

    def _received(self, port: Port, datagram: bytes, source: SocketAddress) -> None:
        assert self._exchanges is not None  # it has opened the port
        self._exchanges.received(port, datagram, source)

    def _deliver(self, answered: Answered, reply: Reply | None) -> None:
        if not self._closed:
            answered(reply)

    def _tell(self, event: RadiusEvent) -> None:
        if isinstance(event, Withheld):
            self._outside.tell("RADIUS requests", str(event.server))
        self.statistics.take(event)
        self._events.publish(event)

    def _arm(self) -> None:
        """Have a timer for what is due next. One that ends before is as good: it will be set anew."""
        due = None if self._exchanges is None else self._exchanges.next_due()
        if due is None or self._closed or (self._timer is not None and self._due <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = self._times.later(max(0.0, due - self._times.now()), self._run)

    def _run(self) -> None:
        self._timer = None
        if self._exchanges is not None:
            self._exchanges.run(_TIMEOUTS)
        self._arm()

    def _facts(self, server: Server) -> ServerFacts:
        groups = [group for group in self._servers.groups() if server in group.servers]
        places = server.place(Code.ACCESS_REQUEST), server.place(Code.ACCOUNTING_REQUEST)
        exchanges, duration, alive = self._exchanges, self._times.now() - server.since, server.dead_until is None
        access, accounting = ((0, 0) if exchanges is None else exchanges.load(server, place) for place in places)
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
