"""An SNMP engine on a loop of the test's own, and a manager beside it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agent.config.endpoint import RouterEndpoint
from agent.config.model import RouterConfig
from agent.mib.tree import Tree
from agent.snmp.engine import SnmpAgent, Surroundings
from agent.snmp.identity import EngineIdentity, LocalEngine, new_engine_id
from tests.snmp.fakes import Fake, Response, fake_tree, request, resolve, response
from tests.snmp.v3 import V3User

PATIENCE = 10.0  # seconds; what must come comes at once
SENTINEL = 99


async def exchange(loop: asyncio.AbstractEventLoop, manager: socket.socket, router: Any, datagram: bytes) -> bytes | None:
    """The response to a datagram; None where there is none.

    Requests that are answered in any case are sent after it; one of them may overtake it, for a fast path's answers may be sent in
    bunches, the second cannot.
    """
    await loop.sock_sendto(manager, datagram, router)
    answers: list[bytes] = []
    for _ in range(2):
        await loop.sock_sendto(manager, request("get", [], b"public", request_id=SENTINEL), router)
        while not _is_sentinel(received := await loop.sock_recv(manager, 65535)):
            answers.append(received)
        if answers:
            break
    assert len(answers) <= 1
    return answers[0] if answers else None


class Unheeded:
    """In the place of the fast path: it passes everything on to pysnmp."""

    def __init__(self) -> None:
        self.answered = dict.fromkeys((0xA0, 0xA1, 0xA5), 0)
        self.variables = self.too_bigs = 0

    def answer(self, datagram: bytes, source: str) -> bytes | None:
        return None

    def policy_changed(self, largest: int) -> None:
        pass


class CurrentEndpoint:
    """The endpoint of the configuration that a station has at the moment."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def __getattr__(self, name: str) -> Any:
        return getattr(RouterEndpoint(self._station.config), name)


class Station:
    """A router's engine with the fake trees, without its fast path, and a manager's socket that talks to it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, config: RouterConfig, one_fake: bool = False) -> None:
        self.loop = loop
        self.config = config
        self.endpoint: Any = CurrentEndpoint(self)
        shared = Fake()
        self.fakes = {context: shared if one_fake else Fake(context) for context in ("", "red-context", "blue-context")}
        self.trees: dict[str, Tree] = {context: fake_tree(fake) for context, fake in self.fakes.items()}
        self.time = 5_000_000
        self.strangers: list[str] = []
        self.faults: list[Exception] = []
        self.escaped: list[Any] = []
        loop.set_exception_handler(lambda loop, context: self.escaped.append(context))
        self.identity = EngineIdentity(new_engine_id(), 3)
        self.agent = self.run(self._make())
        self.counters = self.agent.counters
        self.agent.listen([("127.0.0.1", 0)])
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.address = self.agent.addresses[0]

    def v3_user(self, name: str, **passwords: Any) -> V3User:
        """A v3 manager's user that knows this engine."""
        return V3User(name, self.identity.engine_id, **passwords)

    async def _make(self) -> SnmpAgent:
        given = Surroundings(resolve, self.trees.get, lambda: self.time)
        local = LocalEngine(self.identity, self.loop.time)
        agent = SnmpAgent(local, self.endpoint, given, lambda source: self.strangers.append(str(source)))
        agent.use_fast_path(Unheeded())
        agent.failed = self.faults.append  # type: ignore[method-assign]  # what would be logged
        agent._responder._failed = self.faults.append
        return agent

    def follow(self, config: RouterConfig) -> None:
        """Have another configuration, or the same one changed."""
        self.config = config
        self.agent.apply()

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(work, PATIENCE))

    def send(self, datagram: bytes) -> bytes | None:
        """The response to a datagram; None where there is none."""
        return self.run(exchange(self.loop, self.socket, self.address, datagram))

    def ask(self, kind: str, names: Any, community: bytes = b"public", version: int = 1, **rest: Any) -> Response | None:
        """A v1 or v2c request's response, decoded."""
        answered = self.send(request(kind, names, community, version, **rest))
        return None if answered is None else response(answered, version)

    def get(self, kind: str, names: Any, community: bytes = b"public", version: int = 1, **rest: Any) -> Response:
        """The same, where there must be one."""
        answered = self.ask(kind, names, community, version, **rest)
        assert answered is not None
        return answered

    def close(self) -> None:
        self.agent.close()
        self.socket.close()


def _is_sentinel(datagram: bytes) -> bool:
    try:
        return response(datagram).request_id == SENTINEL
    except Exception:
        return False


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    loop.run_until_complete(asyncio.sleep(0))
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def station(loop: asyncio.AbstractEventLoop) -> Iterator[Callable[..., Station]]:
    """Starts stations; `one_fake` has every context show the same."""
    stations: list[Station] = []

    def start(config: RouterConfig, one_fake: bool = False) -> Station:
        stations.append(Station(loop, config, one_fake))
        return stations[-1]

    yield start
    for each in stations:
        each.close()
