"""Aaa room: requests to RADIUS servers: which server is asked, what is sent again, and which answer is taken (RFC 2865 §2.5).

One `Exchange` is one request, and all that is sent for it. `TRANSITIONS` is the only writer of its stage:

- A server is chosen. If all identifiers towards it are in use, the request waits for one.
- An unanswered packet is sent again after the server's timeout, with the same octets, its identifier and authenticator included
  (RFC 5080 §2.2.1). So a server can tell that it is the same request.
- After the last retransmission the next server of the group is asked by a packet of its own.

Nothing here does I/O. The owner tells the time and the datagrams, and lends source ports. A server port has 256 identifiers for
each source port (RFC 2865 §3), so more requests than that need more source ports.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from ipaddress import IPv4Address, ip_address
from typing import Protocol

from agent.aaa.radius.attributes import MalformedError, UnwritableError
from agent.aaa.radius.events import AllServersDead, Discarded, NoResponse, RadiusEvent, Received, Refused, Sent, Withheld
from agent.aaa.radius.packets import Packets, check_response, identifier_of, whole
from agent.aaa.radius.servers import Server, Servers
from agent.aaa.radius.values import NAS_IP_ADDRESS, Attribute, Code, Place, Reply, Request
from agent.config.aaa_model import ServerAddress, ServerGroup

IDENTIFIERS = 256
MOST_PORTS = 16  # source ports of one address, so 4,096 requests may wait for each server port
MOST_WAITING = 10_000  # requests that may wait for an identifier towards one server port
_ACCT_DELAY_TIME = "Acct-Delay-Time"
_LONGEST_DELAY = 0xFFFF_FFFF  # seconds

Answered = Callable[[Reply | None], None]
SocketAddress = tuple[str, int]


class Stage(Enum):
    """Where an exchange is."""

    CHOOSING = auto()  # of a server
    WAITING = auto()  # for an identifier towards its server
    ASKED = auto()  # its packet is sent
    ANSWERED = auto()
    UNANSWERED = auto()


class Happening(Enum):
    """What moves an exchange on."""

    PLACED = auto()  # a server is chosen, and there is an identifier
    BUSY = auto()  # a server is chosen, and all identifiers are in use
    NO_SERVER = auto()  # no server is left
    TIMEOUT = auto()  # no answer in time; the packet may be sent again
    LAST_TIMEOUT = auto()  # no answer to the last retransmission
    ANSWER = auto()  # a genuine one
    SERVER_GONE = auto()  # it is no longer configured, or, while an identifier is waited for, dead or out of reach
    UNASKABLE = auto()  # no packet can carry the request


TRANSITIONS: dict[Stage, dict[Happening, Stage]] = {
    Stage.CHOOSING: {
        Happening.PLACED: Stage.ASKED,
        Happening.BUSY: Stage.WAITING,
        Happening.NO_SERVER: Stage.UNANSWERED,
        Happening.UNASKABLE: Stage.ANSWERED,
    },
    Stage.WAITING: {
        Happening.PLACED: Stage.ASKED,
        Happening.SERVER_GONE: Stage.CHOOSING,
        Happening.UNASKABLE: Stage.ANSWERED,
    },
    Stage.ASKED: {
        Happening.TIMEOUT: Stage.ASKED,
        Happening.LAST_TIMEOUT: Stage.CHOOSING,
        Happening.ANSWER: Stage.ANSWERED,
        Happening.SERVER_GONE: Stage.CHOOSING,
    },
    Stage.ANSWERED: {},
    Stage.UNANSWERED: {},
}


class Port(Protocol):
    """A source port: a socket at the edge."""

    @property
    def number(self) -> int: ...

    def send(self, packet: bytes, to: SocketAddress) -> None:
        """Send a datagram. If it cannot be sent, it counts as lost."""
        ...

    def close(self) -> None:
        """Receive nothing any more."""
        ...


class Edge(Protocol):
    """What the core asks of its owner."""

    def now(self) -> float:
        """Seconds that never fall."""
        ...

    def date(self) -> float:
        """Seconds since 1970."""
        ...

    def deliver(self, answered: Answered, reply: Reply | None) -> None:
        """Call `answered` later, not from within this call."""
        ...

    def withholds(self, address: ServerAddress) -> bool:
        """Whether nothing may be sent to an address."""
        ...

    def nas_address(self, group: ServerGroup | None) -> IPv4Address:
        """The router's address towards a group."""
        ...

    def local_address(self, address: ServerAddress, nas: IPv4Address) -> str:
        """The address of this machine to send to a server from."""
        ...

    def open_port(self, local: str) -> Port | None:
        """Another source port of an address; None if there is none."""
        ...


class Space:
    """The identifiers between one source port and one port of a server. The one that is free for longest is taken next."""

    __slots__ = ("asked", "free", "place", "port", "to")

    def __init__(self, port: Port, place: Place) -> None:
        self.port = port
        self.place = place
        self.to: SocketAddress = (str(place.address), place.port)
        self.free = deque(range(IDENTIFIERS))
        self.asked: dict[int, Exchange] = {}


@dataclass(slots=True, eq=False)
class Exchange:
    """One request and what is sent for it. `packet` is what was sent to `server` `attempts` times, last at `sent`.

    `nas` is the router's address towards the group, `local` the one of this machine towards the server.
    """

    group: str
    request: Request
    answered: Answered
    status: int | None  # the Acct-Status-Type of an Accounting-Request
    tried: list[Server] = field(default_factory=list)
    stage: Stage = Stage.CHOOSING
    server: Server | None = None
    space: Space | None = None
    packet: bytes = b""
    key: bytes = field(default=b"", repr=False)
    timeout: float = 0.0
    retransmit: int = 0
    nas: str = ""
    local: str = ""
    attempts: int = 0
    sent: float = 0.0

    def move(self, happening: Happening) -> None:
        self.stage = TRANSITIONS[self.stage][happening]


class Exchanges:
    """The requests of one router that are under way."""

    def __init__(
        self, servers: Servers, packets: Packets, edge: Edge, tell: Callable[[RadiusEvent], None], demand: bool = True
    ) -> None:
        """`demand`: an answer to an Access-Request must have a Message-Authenticator."""
        self._servers = servers
        self._demand = demand
        self._packets = packets
        self._edge = edge
        self._tell = tell
        self._ports: dict[str, list[Port]] = {}
        self._spaces: dict[tuple[Port, SocketAddress], Space] = {}
        self._waiting: dict[Place, deque[Exchange]] = {}
        self._asked: Counter[Place] = Counter()  # how many requests wait for an answer
        self._left: deque[Exchange] = deque()  # those that have lost their server: `run` chooses another one
        # Those that wait for an answer with their moments, by their timeout: so the first of each is the earliest.
        self._timers: dict[float, dict[Exchange, float]] = {}

    def ask(self, group_name: str, request: Request, answered: Answered) -> None:
        """Begin an exchange."""
        group = self._servers.group(group_name)
        if group is not None and self._servers.all_dead(group):
            self._tell(AllServersDead(request.about, group_name))
        self._choose(Exchange(group_name, request, answered, _status(request)))

    def received(self, port: Port, datagram: bytes, source: SocketAddress) -> None:
        """Take a datagram, or refuse it."""
        space, packet = self._spaces.get((port, source)), whole(datagram)
        exchange = None if space is None or packet is None else space.asked.get(identifier_of(packet))
        if space is None or packet is None or exchange is None:
            place = Place(ip_address(source[0]), source[1]) if space is None else space.place
            if space is None and not self._is_of_server(place):
                fault = Discarded.SOURCE
            else:
                fault = Discarded.MALFORMED if packet is None else Discarded.UNKNOWN
            self._tell(Refused(fault, None, place, datagram, port.number))
            return
        server = exchange.server
        assert server is not None
        verdict = check_response(packet, exchange.packet, exchange.key, self._demand)
        attributes: tuple[Attribute, ...] = ()
        if verdict is None:
            try:
                attributes = self._packets.attributes(packet, exchange.key, exchange.packet[4:20])
            except MalformedError:
                verdict = Discarded.MALFORMED
        if verdict is not None:
            self._tell(Refused(verdict, server.name, space.place, packet, port.number))
            return
        exchange.move(Happening.ANSWER)
        delay = self._edge.now() - exchange.sent
        self._release(exchange)
        about, place = exchange.request.about, space.place
        self._tell(Received(about, server.name, place, packet, space.port.number, delay, exchange.status))
        self._servers.answered(server, exchange.group)
        self._edge.deliver(exchange.answered, Reply(Code(packet[0]), attributes, place))
        self._place_waiting(place)

    def next_due(self) -> float | None:
        """When `run` is to be called next; None: not before something else happens."""
        if self._left:
            return self._edge.now()
        due = [next(iter(timers.values())) for timers in self._timers.values() if timers]
        revival = self._servers.next_due()
        return min(due if revival is None else [*due, revival], default=None)

    def run(self, most: int) -> None:
        """Do what is due, for at most so many exchanges: the rest stays due."""
        self._servers.revive_due()
        now = self._edge.now()
        while most and self._left:
            most -= 1
            self._choose(self._left.popleft())
        for timers in list(self._timers.values()):
            while most and timers:
                exchange, due = next(iter(timers.items()))
                if due > now:
                    break
                del timers[exchange]
                most -= 1
                self._timed_out(exchange)

    def apply(self) -> None:
        """Follow the configuration. What is asked of a server that is gone, or has no key any more, is asked of another one."""
        self._servers.apply()
        waiting = [exchange for queue in self._waiting.values() for exchange in queue]
        asked = [exchange for space in self._spaces.values() for exchange in space.asked.values()]
        for exchange in [*waiting, *asked]:
            server = exchange.server
            if server is not None and (server not in self._servers or server.settings.key is None):
                self._leave(exchange)
        self._close_idle()

    def close(self) -> None:
        """Forget every request, and close every source port."""
        self._waiting.clear()
        self._timers.clear()
        self._asked.clear()
        self._left.clear()
        for space in self._spaces.values():
            space.asked.clear()
        self._close_idle()

    def load(self, server: Server, place: Place) -> tuple[int, int]:
        """The requests at a port of a server: those that wait for an answer, and for an identifier."""
        asked = [exchange for space in self._spaces.values() if space.place == place for exchange in space.asked.values()]
        waiting = self._waiting.get(place, ())
        return sum(each.server is server for each in asked), sum(each.server is server for each in waiting)

    # --- one exchange ---

    def _choose(self, exchange: Exchange) -> None:
        """Ask the next server of the group."""
        group, code = self._servers.group(exchange.group), exchange.request.code
        while group is not None and (server := self._servers.choose(group, exchange.request, exchange.tried)) is not None:
            exchange.server = server
            exchange.tried.append(server)
            address, place = server.name.address, server.place(code)
            if self._edge.withholds(address):
                self._tell(Withheld(server.name, place))
                continue
            nas = self._edge.nas_address(group.configured)
            exchange.nas, exchange.local = str(nas), self._edge.local_address(address, nas)
            space = self._space(place, exchange.local)
            if space is not None:
                self._send_first(exchange, server, space)
                return
            queue = self._waiting.setdefault(place, deque())
            if self._asked[place] and len(queue) < MOST_WAITING:
                exchange.move(Happening.BUSY)
                queue.append(exchange)
                return
        exchange.move(Happening.NO_SERVER)
        self._edge.deliver(exchange.answered, None)

    def _more(self, exchange: Exchange) -> bool:
        """Whether the group has another server that may be asked."""
        group, passed = self._servers.group(exchange.group), list(exchange.tried)
        while group is not None and (server := self._servers.choose(group, exchange.request, passed)) is not None:
            if not self._edge.withholds(server.name.address):
                return True
            passed.append(server)
        return False

    def _space(self, place: Place, local: str) -> Space | None:
        """A space with a free identifier."""
        ports = self._ports.setdefault(local, [])
        to = (str(place.address), place.port)
        for port in ports:
            space = self._spaces.get((port, to))
            if space is None:
                space = self._spaces[port, to] = Space(port, place)
            if space.free:
                return space
        if len(ports) >= MOST_PORTS or (opened := self._edge.open_port(local)) is None:
            return None
        ports.append(opened)
        space = self._spaces[opened, to] = Space(opened, place)
        return space

    def _send_first(self, exchange: Exchange, server: Server, space: Space) -> None:
        """Send an exchange's first packet to a server."""
        request, settings = exchange.request, server.settings
        assert settings.key is not None
        identifier = space.free[0]
        try:
            exchange.packet = self._packets.request(_filled(request, exchange.nas, self._edge.date()), identifier, settings.key)
        except UnwritableError:
            exchange.move(Happening.UNASKABLE)
            self._edge.deliver(exchange.answered, Reply(Code.ACCESS_REJECT, (), space.place))
            return
        space.free.popleft()
        exchange.move(Happening.PLACED)
        exchange.space, exchange.key, exchange.attempts = space, settings.key, 0
        exchange.timeout, exchange.retransmit = settings.timeout, settings.retransmit
        space.asked[identifier] = exchange
        self._asked[space.place] += 1
        server.outstanding += 1
        self._send(exchange, server, space)

    def _send(self, exchange: Exchange, server: Server, space: Space) -> None:
        exchange.attempts += 1
        exchange.sent = self._edge.now()
        self._timers.setdefault(exchange.timeout, {})[exchange] = exchange.sent + exchange.timeout
        self._tell(
            Sent(
                about=exchange.request.about,
                name=server.name,
                server=space.place,
                octets=exchange.packet,
                attempt=exchange.attempts,
                nas_address=exchange.nas,
                status=exchange.status,
                source=space.port.number,
            )
        )
        space.port.send(exchange.packet, space.to)

    def _timed_out(self, exchange: Exchange) -> None:
        server, space = exchange.server, exchange.space
        assert server is not None
        assert space is not None
        group = self._servers.group(exchange.group)
        was_dead = server.dead_until is not None
        self._servers.timed_out(server, 0.0 if group is None else group.deadtime)
        if exchange.attempts <= exchange.retransmit:
            exchange.move(Happening.TIMEOUT)
            self._send(exchange, server, space)
        else:
            exchange.move(Happening.LAST_TIMEOUT)
            request, identifier = exchange.request, identifier_of(exchange.packet)
            self._release(exchange)
            unanswered = NoResponse(
                about=request.about,
                name=server.name,
                server=space.place,
                code=request.code,
                identifier=identifier,
                more=self._more(exchange),
                status=exchange.status,
                source=space.port.number,
            )
            self._tell(unanswered)
            self._choose(exchange)
        if server.dead_until is not None and not was_dead:
            for waiting in [each for each in self._waiting.get(space.place, ()) if each.server is server]:
                self._leave(waiting)
        self._place_waiting(space.place)

    def _leave(self, exchange: Exchange) -> None:
        """Another server is to be chosen."""
        assert exchange.server is not None
        place = exchange.server.place(exchange.request.code)
        if exchange.stage is Stage.WAITING:
            self._waiting[place].remove(exchange)
        else:
            self._release(exchange)
        exchange.move(Happening.SERVER_GONE)
        self._left.append(exchange)
        self._place_waiting(place)

    def _release(self, exchange: Exchange) -> None:
        """Free the identifier of an exchange, and stop its timer."""
        server, space = exchange.server, exchange.space
        assert server is not None
        assert space is not None
        identifier = identifier_of(exchange.packet)
        del space.asked[identifier]
        space.free.append(identifier)
        self._asked[space.place] -= 1
        server.outstanding -= 1
        self._timers[exchange.timeout].pop(exchange, None)
        exchange.space = None

    def _place_waiting(self, place: Place) -> None:
        """Send what has waited for an identifier towards a server port. If none can be had any more, it goes to other servers."""
        queue = self._waiting.get(place)
        while queue:
            server = queue[0].server
            assert server is not None
            space = self._space(place, queue[0].local)
            if space is not None:
                self._send_first(queue.popleft(), server, space)
            elif self._asked[place]:
                return
            else:
                exchange = queue.popleft()
                exchange.move(Happening.SERVER_GONE)
                self._left.append(exchange)

    def _is_of_server(self, place: Place) -> bool:
        """Whether an address and port are those of a server."""
        names = (server.name for server in self._servers)
        return any(name.address == place.address and place.port in (name.auth_port, name.acct_port) for name in names)

    def _close_idle(self) -> None:
        """Close the source ports that wait for nothing. Another one is opened when it is needed."""
        busy = {port for (port, _), space in self._spaces.items() if space.asked}
        self._spaces = {key: space for key, space in self._spaces.items() if key[0] in busy}
        for local, ports in list(self._ports.items()):
            for port in ports:
                if port not in busy:
                    port.close()
            self._ports[local] = [port for port in ports if port in busy]


def _status(request: Request) -> int | None:
    found = next((value for name, value in request.attributes if name == "Acct-Status-Type"), None)
    return found if isinstance(found, int) else None


def _filled(request: Request, nas: str, date: float) -> Request:
    """The request with the values that belong to one packet (`Request`)."""
    attributes = list(request.attributes)
    for place, (name, value) in enumerate(attributes):
        if name == NAS_IP_ADDRESS.name and value == NAS_IP_ADDRESS.value:
            attributes[place] = Attribute(name, nas)
        elif name == _ACCT_DELAY_TIME and request.moment is not None:
            attributes[place] = Attribute(name, int(min(max(0.0, date - request.moment), _LONGEST_DELAY)))
    return Request(request.code, tuple(attributes), request.about, request.proof, request.moment)
