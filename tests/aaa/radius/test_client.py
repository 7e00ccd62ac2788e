"""The client's edge: real sockets on loopback, and timers."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, TypeVar

import pytest

from agent.aaa.radius.client import RadiusClient, Times
from agent.aaa.radius.events import Discarded, RadiusEvent, Received, Refused, Withheld
from agent.aaa.radius.values import Code, Reply, Request
from agent.base.outside import OutsideTraffic
from agent.config.aaa_model import RadiusServer, Secret, ServerGroup, by_identity
from agent.config.model import RouterConfig
from tests.aaa.radius.desk import KEY, PACKETS, log_in, record

LOG = logging.getLogger("tests.radius")
T = TypeVar("T")


def finished(work: Coroutine[Any, Any, T]) -> T:
    """The result of some work in an event loop of its own. Work that waits for ever fails."""
    return asyncio.run(asyncio.wait_for(work, 30))


class FakeServer:
    """A server on a port of the kernel's. It answers when it has got `after` requests, all of them at once."""

    def __init__(self, address: str = "127.0.0.1", after: int = 1) -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.address = ip_address(address)
        self.port: int = self.socket.getsockname()[1]
        self.after = after
        self.signs = True
        self.got: list[tuple[bytes, tuple[str, int]]] = []
        asyncio.get_running_loop().add_reader(self.socket, self._read)

    def _read(self) -> None:
        try:
            while True:
                packet, source = self.socket.recvfrom(5000)
                self.got.append((packet, source))
        except BlockingIOError:
            pass
        if len(self.got) >= self.after:
            for packet, source in self.got:
                self.socket.sendto(self.answer(packet), source)
            self.after = len(self.got) + 1

    def answer(self, packet: bytes) -> bytes:
        access = packet[0] == Code.ACCESS_REQUEST
        code = Code.ACCESS_ACCEPT if access else Code.ACCOUNTING_RESPONSE
        return PACKETS.response(code, [], packet, KEY.encode(), signed=access and self.signs)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()


@dataclass
class FakeTimes:
    """A client's time, which a test moves."""

    time: float = 0.0
    timers: list[FakeTimer] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def later(self, delay: float, callback: Callable[..., object], *values: object) -> FakeTimer:
        self.timers.append(FakeTimer(self.time + delay, callback))
        return self.timers[-1]

    def advance(self, seconds: float) -> None:
        self.time += seconds
        for timer in [timer for timer in self.timers if timer.due <= self.time]:
            self.timers.remove(timer)
            if not timer.cancelled:
                timer.callback()

    @property
    def times(self) -> Times:
        return Times(self.now, self.later, lambda: 1_700_000_000 + self.time)


@dataclass(eq=False)
class FakeTimer:
    due: float
    callback: Callable[..., object]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


def configured(*servers: RadiusServer) -> RouterConfig:
    config = RouterConfig()
    config.radius.hosts = by_identity(servers)
    config.radius.key = Secret(KEY)
    return config


def client_of(config: RouterConfig, nas: str = "10.1.1.147", times: Times | None = None, allowed: bool = False) -> RadiusClient:
    return RadiusClient(config, lambda group: IPv4Address(nas), OutsideTraffic(LOG, allowed), times)


def server_at(fake: FakeServer) -> RadiusServer:
    return RadiusServer(fake.address, auth_port=fake.port, acct_port=fake.port)


async def asked(client: RadiusClient, request: Request, group: str = "radius") -> Reply | None:
    """The answer to a request."""
    future: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
    client.ask(group, request, future.set_result)
    assert not future.done()  # never from within the call
    return await asyncio.wait_for(future, 30)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("request_", [log_in(), record()])
def test_a_server_is_asked(address: str, request_: Request) -> None:
    async def run() -> Reply | None:
        fake = FakeServer(address)
        client = client_of(configured(server_at(fake)))
        reply = await asked(client, request_)
        client.close()
        fake.close()
        return reply

    reply = finished(run())
    assert reply is not None
    assert reply.server.address == ip_address(address)


@pytest.mark.parametrize(
    ("nas", "source"),
    [
        ("127.0.0.77", "127.0.0.77"),  # the router's own address, so that a server can tell routers apart
        ("10.1.1.147", "127.0.0.1"),  # not one of this machine
        ("0.0.0.0", "127.0.0.1"),
    ],
)
def test_where_requests_come_from(nas: str, source: str) -> None:
    async def run() -> str:
        fake = FakeServer()
        client = client_of(configured(server_at(fake)), nas)
        await asked(client, record())
        client.close()
        fake.close()
        return fake.got[0][1][0]

    assert finished(run()) == source


def test_a_thousand_requests_are_under_way_at_once() -> None:
    async def run() -> tuple[list[Reply | None], int]:
        fake = FakeServer(after=1000)
        client = client_of(configured(server_at(fake)))
        replies = await asyncio.gather(*(asked(client, record(about)) for about in range(1000)))
        client.close()
        fake.close()
        return replies, len({source for _, source in fake.got})

    replies, ports = finished(run())
    assert len(replies) == 1000
    assert None not in replies
    assert ports == 4  # 256 identifiers each (RFC 2865 §3)


@pytest.mark.parametrize("address", [IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1"), IPv4Address("0.0.0.0")])
def test_nothing_goes_outside(address: IPv4Address | IPv6Address, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> list[object]:
        client = client_of(configured(RadiusServer(address)))
        events: list[object] = []
        client.subscribe(events.append)
        assert [await asked(client, record()), await asked(client, record())] == [None, None]
        client.close()
        return events

    with caplog.at_level(logging.WARNING):
        events = finished(run())
    assert [type(event) for event in events] == [Withheld, Withheld]
    (line,) = [entry.getMessage() for entry in caplog.records]  # once for each destination
    assert line.startswith(f"RADIUS requests to {address}:1646 are not sent")


def test_an_unanswered_request_is_sent_again_by_the_clients_time() -> None:
    async def run() -> tuple[list[bytes], list[Reply | None]]:
        fake, clock = FakeServer(after=100), FakeTimes()
        client = client_of(configured(server_at(fake)), times=clock.times)
        replies: list[Reply | None] = []
        client.ask("radius", record(), replies.append)
        for count in range(1, 5):
            while len(fake.got) < count:
                await asyncio.sleep(0)
            clock.advance(5)
        await asyncio.sleep(0)
        client.close()
        fake.close()
        return [packet for packet, _ in fake.got], replies

    packets, replies = finished(run())
    assert (len(packets), len(set(packets))) == (4, 1)
    assert replies == [None]


def test_a_server_that_is_not_there_is_one_that_does_not_answer() -> None:
    """Its port is closed: the kernel says so by ICMP."""

    async def run() -> list[Reply | None]:
        fake, clock = FakeServer(), FakeTimes()
        fake.close()
        client = client_of(configured(server_at(fake)), times=clock.times)
        replies: list[Reply | None] = []
        client.ask("radius", record(), replies.append)
        for _ in range(4):
            clock.advance(5)
        await asyncio.sleep(0)
        client.close()
        return replies

    assert finished(run()) == [None]


def test_strangers_are_not_believed() -> None:
    async def run() -> tuple[list[object], Reply | None]:
        fake, events = FakeServer(after=2), list[object]()
        client = client_of(configured(server_at(fake)))
        client.subscribe(events.append)
        reply = asyncio.ensure_future(asked(client, log_in()))
        while not fake.got:
            await asyncio.sleep(0)
        packet, source = fake.got[0]
        stranger = FakeServer()
        stranger.socket.sendto(fake.answer(packet), source)  # a right answer from elsewhere
        fake.socket.sendto(b"nonsense", source)
        while len(events) < 3:
            await asyncio.sleep(0)
        fake.socket.sendto(fake.answer(packet), source)
        answer = await reply
        client.close()
        fake.close()
        stranger.close()
        return events, answer

    events, reply = finished(run())
    assert reply is not None
    assert {event.reason for event in events if isinstance(event, Refused)} == {Discarded.SOURCE, Discarded.MALFORMED}
    assert [type(event) for event in events][-1] is Received


@pytest.mark.parametrize("demand", [True, False])
def test_old_servers_may_be_believed(demand: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Their answers have no Message-Authenticator (RFC 2869 §5.14 demands one with EAP alone)."""

    async def run() -> Reply | None:
        fake, clock = FakeServer(), FakeTimes()
        fake.signs = False
        config = configured(server_at(fake))
        client = RadiusClient(config, lambda group: IPv4Address(0), OutsideTraffic(LOG), clock.times, demand)
        heard: asyncio.Future[RadiusEvent] = asyncio.get_running_loop().create_future()
        client.subscribe(lambda event: heard.set_result(event) if isinstance(event, Received | Refused) else None)
        answer = asyncio.ensure_future(asked(client, log_in()))
        await heard
        for _ in range(4):
            clock.advance(5)
        reply = await answer
        client.close()
        fake.close()
        return reply

    reply = finished(run())
    assert (reply is None) is demand
    hints = [message for message in caplog.messages if "Have the server send one, or set radius_message_authenticator" in message]
    assert len(hints) == demand


def test_the_log_says_that_a_server_seems_to_have_another_key(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> str:
        fake = FakeServer()
        server = replace(server_at(fake), key=Secret("another"))
        client = client_of(configured(server))
        heard: asyncio.Future[RadiusEvent] = asyncio.get_running_loop().create_future()
        client.subscribe(lambda event: heard.set_result(event) if isinstance(event, Refused) else None)
        asking = asyncio.ensure_future(asked(client, record()))
        await heard
        asking.cancel()
        client.close()
        fake.close()
        return f"127.0.0.1:{server.auth_port},{server.acct_port}"

    place = finished(run())
    reason = "its authenticator is wrong, as if the two had different keys"
    assert caplog.messages == [f"Router: an answer of the RADIUS server {place} is discarded: {reason}"]


def test_a_new_configuration_counts_at_once() -> None:
    async def run() -> tuple[Reply | None, Reply | None]:
        silent, fake = FakeServer(after=100), FakeServer()
        config = configured(server_at(silent))
        client = client_of(config)
        waiting = asyncio.ensure_future(asked(client, record()))
        while not silent.got:
            await asyncio.sleep(0)
        config.radius.hosts = by_identity([server_at(fake)])
        client.apply()
        answers = await waiting, await asked(client, record(2))
        for each in (client, silent, fake):
            each.close()
        return answers

    first, second = finished(run())
    assert first is not None
    assert second is not None


def test_a_closed_client_calls_nobody() -> None:
    async def run() -> list[Reply | None]:
        fake = FakeServer()
        client = client_of(configured(server_at(fake)))
        replies: list[Reply | None] = []
        client.ask("radius", record(), replies.append)
        client.ask("nowhere", record(), replies.append)
        client.close()
        client.close()
        while not fake.got:
            await asyncio.sleep(0)
        fake.close()
        return replies

    assert finished(run()) == []


def test_the_facts_of_servers() -> None:
    async def run() -> None:
        fake, clock = FakeServer(), FakeTimes()
        config = configured(server_at(fake), RadiusServer(IPv4Address("127.0.0.9")))
        config.radius.groups["g"] = ServerGroup("g", by_identity((RadiusServer(IPv4Address("127.0.0.9"), key=Secret("own")),)))
        client = client_of(config, times=clock.times)
        clock.advance(60)
        await asked(client, record())
        await asked(client, log_in())
        client.ask("g", record(), lambda reply: None)
        first, second, private = client.servers()
        assert (first.number, first.priority, first.groups, first.alive, first.duration) == (1, 1, ("radius",), True, 60)
        assert (second.priority, second.groups, second.name.private) == (2, ("radius",), "")
        assert (private.priority, private.groups, private.name.private) == (1, ("g",), "g")
        assert (first.outstanding, private.outstanding, private.waiting) == ((0, 0), (0, 1), (0, 0))
        counts = client.statistics.of(first.name)
        assert (counts.accounting.responses, counts.authentication.responses) == (1, 1)
        assert client.statistics.totals.accounting.requests == 2
        client.close()
        fake.close()

    finished(run())


def test_a_router_without_servers_pays_next_to_nothing() -> None:
    """A lab may have ten thousand routers."""

    async def run() -> float:
        config = RouterConfig()
        made = [client_of(config)]
        tracemalloc.start()
        made += [client_of(config) for _ in range(200)]
        octets, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert [await asked(made[0], record()), made[1].servers()] == [None, []]
        return octets / 200

    assert finished(run()) < 2000


@pytest.mark.parametrize("hosts", ["[]", "[RadiusServer(IPv4Address('127.0.0.1'))]"])
def test_the_library_is_loaded_with_the_first_line_about_servers(hosts: str) -> None:
    """Not by a router without such lines, and not by a log-in, which would hold the event loop for a tenth of a second."""
    made = (
        "import asyncio, logging, sys\n"
        "from agent.aaa.radius.client import RadiusClient\n"
        "from agent.base.outside import OutsideTraffic\n"
        "from agent.config.aaa_model import RadiusServer\n"
        "from agent.config.model import RouterConfig\n"
        "from ipaddress import IPv4Address\n"
        "config = RouterConfig()\n"
        f"config.radius.hosts = {hosts}\n"
        "async def run(): RadiusClient(config, None, OutsideTraffic(logging.getLogger())).close()\n"
        "asyncio.run(run())\n"
        "print(*sys.modules)"
    )
    modules = subprocess.run([sys.executable, "-c", made], capture_output=True, text=True, check=True).stdout.split()
    assert "agent.aaa.radius.exchange" in modules
    loaded = {name for name in modules if name.startswith("pyrad")}
    assert loaded >= {"pyrad.dictionary", "pyrad.packet"} if hosts != "[]" else not loaded
