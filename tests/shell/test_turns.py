"""Sessions take turns."""

from __future__ import annotations

import asyncio

from agent.base.origin import CONSOLE
from agent.shell.interactive import Interactive
from agent.shell.lines import LineState
from agent.shell.session import Commands
from agent.shell.turns import Turns
from tests.shell.fakes import CONFIG, make_router

SESSIONS = 12


async def turns_of_loop(condition: asyncio.Event) -> int:
    """How many turns the loop makes until something happens."""
    count = 0
    while not condition.is_set():
        count += 1
        await asyncio.sleep(0)
    return count


async def test_one_goes_on_in_each_turn_of_the_loop_in_the_order_in_which_they_asked() -> None:
    turns, order, done = Turns(), [], asyncio.Event()

    async def ask(name: int) -> None:
        for _ in range(10):
            await turns.take()
            order.append(name)
        if name == SESSIONS - 1:
            done.set()

    asking = [asyncio.ensure_future(ask(name)) for name in range(SESSIONS)]
    assert await turns_of_loop(done) >= SESSIONS * 10
    await asyncio.gather(*asking)
    assert order == [*range(SESSIONS)] * 10


async def test_a_session_that_ends_while_it_waits_keeps_nobody_waiting() -> None:
    turns = Turns()
    first, second, third = (asyncio.ensure_future(turns.take()) for _ in range(3))
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    await asyncio.wait_for(third, 20)


async def test_floods_of_many_sessions_take_turns() -> None:
    """64 keys a turn of the loop, however many sessions there are."""
    commands, router, ended = Commands(), make_router(CONFIG), asyncio.Event()

    async def drain() -> None:
        return None

    sessions = [Interactive(router, commands, LineState(CONSOLE), lambda _: None, drain) for _ in range(SESSIONS)]
    running = [asyncio.ensure_future(session.run()) for session in sessions]
    for session in sessions:
        session.feed(b"\x01x" * 500)

    async def watch() -> None:
        while any(session._editor.waiting for session in sessions):
            await asyncio.sleep(0)
        ended.set()

    watching = asyncio.ensure_future(watch())
    assert await turns_of_loop(ended) >= SESSIONS * 1000 // 64 - 2 * SESSIONS
    for session in sessions:
        session.hang_up()
    await asyncio.gather(watching, *running)
