"""Octets that arrive by SSH are handed on in slices, and connections take turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agent.shell.ssh.link import Link, Turns


class Handler(asyncio.Protocol):
    """asyncssh's side: it remembers what it is given, in a list that all share."""

    def __init__(self, name: str, seen: list[tuple[str, str, int]]) -> None:
        self.name = name
        self.seen = seen

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.seen.append((self.name, "made", 0))

    def data_received(self, data: bytes) -> None:
        self.seen.append((self.name, "data", len(data)))

    def eof_received(self) -> None:
        self.seen.append((self.name, "eof", 0))

    def connection_lost(self, exc: Exception | None) -> None:
        self.seen.append((self.name, "lost", 0))


class Wire(asyncio.Transport):
    """A transport whose peer is the test. `unsent` is what the peer has not taken."""

    def __init__(self) -> None:
        super().__init__()
        self.unsent = 0
        self.reading = True
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def abort(self) -> None:
        self.aborted = True


class World:
    """Links of one loop."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.seen: list[tuple[str, str, int]] = []
        self.gone: list[Link] = []

    def link(self, name: str, begin: Callable[[Link], asyncio.Protocol | None] | None = None) -> tuple[Link, Wire]:
        link = Link(self.turns, lambda _: None, begin or (lambda _: Handler(name, self.seen)), self.gone.append)
        wire = Wire()
        link.connection_made(wire)
        return link, wire


async def idle(world: World) -> None:
    """Let the loop run until nothing waits any more."""
    before = None
    while before != (len(world.seen), len(world.gone)):
        before = (len(world.seen), len(world.gone))
        for _ in range(50):
            await asyncio.sleep(0)


def test_octets_come_in_slices_and_connections_take_turns() -> None:
    async def work() -> list[tuple[str, str, int]]:
        world = World()
        for name in ("a", "b"):
            link, _ = world.link(name)
            link.start()
            link.data_received(b"x" * 5000)
        await idle(world)
        return world.seen

    seen = asyncio.run(work())
    assert seen[:2] == [("a", "made", 0), ("b", "made", 0)]
    assert [(name, size) for name, what, size in seen if what == "data"] == [
        ("a", 2048),
        ("b", 2048),
        ("a", 2048),
        ("b", 2048),
        ("a", 904),
        ("b", 904),
    ]


def test_the_end_comes_after_the_octets() -> None:
    async def work() -> list[tuple[str, str, int]]:
        world = World()
        link, _ = world.link("a")
        link.start()
        link.data_received(b"x" * 3000)
        assert link.eof_received()
        await idle(world)
        link.connection_lost(None)
        await idle(world)
        assert world.gone == [link]
        return world.seen

    assert [what for _, what, _ in asyncio.run(work())] == ["made", "data", "data", "eof", "lost"]


def test_a_connection_that_waits_for_a_place_is_given_nothing() -> None:
    async def work() -> None:
        world = World()
        link, wire = world.link("a")
        link.data_received(b"x" * 100_000)
        await idle(world)
        assert world.seen == []
        assert not wire.reading  # and no more than its share is kept
        link.start()
        await idle(world)
        assert sum(size for _, _, size in world.seen) == 100_000
        assert wire.reading

    asyncio.run(work())


def test_a_connection_that_is_gone_before_its_turn_begins_nothing() -> None:
    async def work() -> None:
        world = World()
        link, _ = world.link("a")
        link.connection_lost(None)
        link.start()
        await idle(world)
        assert world.seen == []
        assert world.gone == [link]

    asyncio.run(work())


def test_a_connection_that_is_not_wanted_is_closed() -> None:
    async def work() -> None:
        world = World()
        link, wire = world.link("a", lambda _: None)
        link.start()
        await idle(world)
        assert wire.aborted

    asyncio.run(work())


def test_nothing_is_handled_while_the_peer_does_not_take_its_answers() -> None:
    async def work() -> None:
        world = World()
        link, wire = world.link("a")
        link.start()
        await idle(world)
        wire.unsent = 2 << 20
        link.pause_writing()
        link.data_received(b"x" * 100)
        await idle(world)
        assert world.seen == [("a", "made", 0)]
        assert not link.writable.is_set()
        wire.unsent = 0
        link.resume_writing()
        await idle(world)
        assert world.seen[1:] == [("a", "data", 100)]
        assert link.writable.is_set()

    asyncio.run(work())
