"""Many sessions by SSH, and sessions that die, flood or never read: the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.shell.ssh_server import CONFIG, Served, serving

SESSIONS = 200
CLOCK = "*23:59:58.000 UTC Thu Feb 29 2024"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


def run(state: Path, work: Callable[[Served], Awaitable[Any]], config: str = CONFIG) -> Any:
    async def serve() -> Any:
        async with serving(state, config) as served:
            return await work(served)

    return asyncio.run(serve())


async def session(client: Any) -> Any:
    return await client.create_process(term_type="vt100", encoding="utf-8")


async def clock(served: Served) -> str:
    """What another session is answered."""
    async with served.connect("bob", "builder") as client:
        return str((await client.run("show clock")).stdout)


def test_two_hundred_sessions_at_once(state: Path) -> None:
    """They log in at once, are all there at once, and each is answered."""

    async def work(served: Served) -> None:
        all_there = asyncio.Event()

        async def one() -> str:
            async with served.connect(login_timeout=60) as client:
                process = await session(client)
                await process.stdout.readuntil("far#")
                if len(list(served.router.lines)) == SESSIONS:
                    all_there.set()
                await all_there.wait()
                process.stdin.write("show clock\rexit\r")
                shown: str = await process.stdout.read()
                return shown

        shown = await asyncio.gather(*(one() for _ in range(SESSIONS)))
        assert all(CLOCK in each for each in shown)
        assert len(shown) == SESSIONS

    run(state, work)


def test_a_session_that_dies_ends_its_command(state: Path) -> None:
    async def work(served: Served) -> str:
        served.engine.endless = True
        client = await served.connect()
        process = await session(client)
        process.stdin.write("ping 10.1.1.2\r")
        await served.engine.probed.wait()
        client.abort()
        while list(served.router.lines):
            await asyncio.sleep(0)
        assert not served.server.sessions
        assert served.engine.ended_pings == 1
        return await clock(served)

    assert CLOCK in run(state, work)


def test_a_session_that_floods_does_not_keep_another_from_its_answer(state: Path) -> None:
    async def work(served: Served) -> None:
        flooding = await served.connect()
        process = await flooding.create_process(term_type="vt100", encoding=None)
        octets = bytes(range(32, 127)) * 40 + b"\r"

        async def flood() -> None:
            while True:
                process.stdin.write(octets)
                await process.stdin.drain()

        async def read() -> None:
            while await process.stdout.read(1 << 16):
                pass

        work = [asyncio.ensure_future(each()) for each in (flood, read)]
        assert CLOCK in await clock(served)
        assert not any(each.done() for each in work)
        for each in work:
            each.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        flooding.abort()

    run(state, work)


def test_a_session_that_never_reads_waits_and_keeps_little(state: Path) -> None:
    """The window of a channel (RFC 4254 §5.2) bounds what it is sent, and the command waits."""

    async def work(served: Served) -> None:
        client = await served.connect()
        process = await client.create_process(term_type="vt100", encoding=None, window=1 << 15, bufsize=1)
        process.stdin.write(b"terminal length 0\r" + b"show running-config\r" * 1000)
        for _ in range(3):
            assert CLOCK in await clock(served)
        (channel,) = served.server.sessions
        assert channel.unread < 1 << 20
        client.abort()

    run(state, work, CONFIG + "".join(f"ip host name{number} 10.0.{number}.1\n" for number in range(200)))


@pytest.mark.parametrize("size", [0, 1, 3000])
def test_random_keys_leave_the_session_usable(state: Path, size: int) -> None:
    """After whatever was typed, ^C begins a new line."""
    keys = bytes((number * 7919) % 251 for number in range(size))

    async def work(served: Served) -> bytes:
        async with served.connect() as client:
            process = await client.create_process(term_type="vt100", encoding=None)
            process.stdin.write(keys.replace(b"\x04", b"") + b"\x03\r\x1a\r\x03show clock\r")
            found: bytes = await process.stdout.readuntil(b"UTC")
            return found

    assert run(state, work).endswith(b"UTC")


def test_a_stranger_s_connections_leave_room_for_others(state: Path) -> None:
    """More connections than may log in at once, of which none logs in."""

    async def work(served: Served) -> str:
        strangers = [await served.raw() for _ in range(30)]
        for reader, _ in strangers[:10]:
            await reader.readline()
        waiting = asyncio.ensure_future(clock(served))
        for _, writer in strangers:
            writer.close()
        return await waiting

    assert CLOCK in run(state, work, f"{CONFIG}ip ssh maxstartups 10\n")


def test_a_log_in_that_is_cut_off_is_forgotten(state: Path) -> None:
    async def work(served: Served) -> None:
        for octets in (b"", b"SSH-2.0-x\r\n", b"SSH-2.0-x\r\n" + b"\0" * 40):
            reader, writer = await served.raw()
            await reader.readline()
            writer.write(octets)
            writer.close()
        assert CLOCK in await clock(served)
        while served.server.connections:
            await asyncio.sleep(0)

    run(state, work)
