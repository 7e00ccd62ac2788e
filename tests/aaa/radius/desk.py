"""A RADIUS client without sockets: a test moves the time, sees what is sent, and answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address

from agent.aaa.radius.events import RadiusEvent
from agent.aaa.radius.exchange import Answered, Exchanges, SocketAddress, Stage
from agent.aaa.radius.packets import Packets
from agent.aaa.radius.servers import Servers
from agent.aaa.radius.values import Attribute, Code, Place, Reply, Request
from agent.config.aaa_model import RadiusConfig, RadiusServer, Secret, ServerAddress, ServerGroup, by_identity

KEY = "cisco"
NAS = IPv4Address("10.1.1.147")
PACKETS = Packets()


@dataclass(eq=False)
class FakePort:
    """A source port. `sent` is what left by it."""

    desk: Desk
    local: str
    number: int
    closed: bool = False

    def send(self, packet: bytes, to: SocketAddress) -> None:
        assert not self.closed
        self.desk.sent.append(Datagram(self, packet, Place(ip_address(to[0]), to[1])))

    def close(self) -> None:
        self.closed = True


@dataclass(frozen=True)
class Datagram:
    port: FakePort
    packet: bytes
    to: Place

    @property
    def identifier(self) -> int:
        return self.packet[1]


@dataclass
class Desk:
    """`replies` are what the exchanges have ended with, by the number that they are about."""

    config: RadiusConfig
    ports: int = 1000  # how many can be open
    demand: bool = True
    outside: Sequence[ServerAddress] = ()  # addresses to which nothing may be sent
    time: float = 1000.0
    began: float = 1_000_000_000.0  # the date at the time 0
    sent: list[Datagram] = field(default_factory=list)
    opened: list[FakePort] = field(default_factory=list)
    events: list[RadiusEvent] = field(default_factory=list)
    replies: dict[int, Reply | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.servers = Servers(self.config, self.now, self.events.append)
        self.exchanges = Exchanges(self.servers, PACKETS, self, self.events.append, self.demand)

    def now(self) -> float:
        return self.time

    def date(self) -> float:
        return self.began + self.time

    def deliver(self, answered: Answered, reply: Reply | None) -> None:
        answered(reply)

    def withholds(self, address: ServerAddress) -> bool:
        return address in self.outside

    def nas_address(self, group: ServerGroup | None) -> IPv4Address:
        return NAS

    def local_address(self, address: ServerAddress, nas: IPv4Address) -> str:
        return "127.0.0.1" if address.version == 4 else "::1"

    def open_port(self, local: str) -> FakePort | None:
        if sum(not port.closed for port in self.opened) == self.ports:
            return None
        self.opened.append(FakePort(self, local, 40000 + len(self.opened)))
        return self.opened[-1]

    def ask(self, about: int = 1, group: str = "radius", request: Request | None = None) -> None:
        def ended(reply: Reply | None) -> None:
            assert about not in self.replies, "answered twice"
            self.replies[about] = reply

        self.exchanges.ask(group, request or record(about), ended)

    def advance(self, seconds: float) -> None:
        """Let time pass, and do each thing at its moment."""
        end = self.time + seconds
        while (due := self.exchanges.next_due()) is not None and due <= end:
            self.time = max(due, self.time)
            self.exchanges.run(1000)
        self.time = end

    def answer(self, datagram: Datagram, code: Code | None = None, key: str = KEY, *attributes: Attribute) -> None:
        """Answer a request, with a Message-Authenticator if it is an Access-Request."""
        access = datagram.packet[0] == Code.ACCESS_REQUEST
        code = code or (Code.ACCESS_ACCEPT if access else Code.ACCOUNTING_RESPONSE)
        self.hear(datagram, PACKETS.response(code, attributes, datagram.packet, key.encode(), signed=access))

    def hear(self, datagram: Datagram, octets: bytes, source: Place | None = None) -> None:
        """A datagram comes to the port of a request, from its server or from elsewhere."""
        place = source or datagram.to
        self.exchanges.received(datagram.port, octets, (str(place.address), place.port))

    def check(self) -> None:
        """Identifiers are neither lost nor used twice, and the requests under way are those that are counted."""
        spaces = list(self.exchanges._spaces.values())
        for space in spaces:
            assert sorted([*space.free, *space.asked]) == list(range(256))
            assert all(exchange.space is space and exchange.stage is Stage.ASKED for exchange in space.asked.values())
        asked = [exchange for space in spaces for exchange in space.asked.values()]
        timed = [exchange for timers in self.exchanges._timers.values() for exchange in timers]
        assert set(map(id, timed)) == set(map(id, asked))
        for server in self.servers:
            assert server.outstanding == sum(exchange.server is server for exchange in asked)
        waiting = [exchange for queue in self.exchanges._waiting.values() for exchange in queue]
        assert all(exchange.stage is Stage.WAITING for exchange in waiting)

    def seen(self, kind: type[RadiusEvent]) -> list[RadiusEvent]:
        return [event for event in self.events if isinstance(event, kind)]


def record(about: int = 1, moment: float | None = None) -> Request:
    return Request(
        Code.ACCOUNTING_REQUEST,
        (
            Attribute("Acct-Session-Id", f"{about:08X}"),
            Attribute("Acct-Status-Type", 1),
            Attribute("NAS-IP-Address", "0.0.0.0"),
            Attribute("Acct-Delay-Time", 0),
        ),
        about,
        moment=moment,
    )


def log_in(about: int = 1, password: str = "secret") -> Request:
    return Request(Code.ACCESS_REQUEST, (Attribute("User-Name", "alice"),), about, password)


def server(number: int, timeout: int | None = None, retransmit: int | None = None) -> RadiusServer:
    """One of the servers 127.0.0.1, 127.0.0.2, and so on."""
    return RadiusServer(IPv4Address(f"127.0.0.{number}"), timeout=timeout, retransmit=retransmit)


def config(*servers: RadiusServer, deadtime: int = 0) -> RadiusConfig:
    return RadiusConfig(hosts=by_identity(servers), key=Secret(KEY), deadtime=deadtime)
