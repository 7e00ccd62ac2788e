"""The last accounting records of a lab: they hold neither the event loop nor the end of the program for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator

import pytest

from agent.aaa_service import LabAaa
from agent.base.runner import BUDGET

STEP = 0.001  # seconds that a record takes


def end(steps: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """How many of so many records are made, and in how many turns of the loop."""
    made = turns = 0
    now = 0.0

    def ending() -> Generator[None]:
        nonlocal made, now
        for _ in range(steps):
            made += 1
            now += STEP
            yield

    async def count(ended: Callable[[], bool]) -> None:
        nonlocal turns
        while not ended():
            turns += 1
            await asyncio.sleep(0)

    async def body() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
        aaa = LabAaa()
        making = asyncio.ensure_future(aaa.end([ending()]))
        await count(making.done)
        aaa.close()

    asyncio.run(body())
    return made, turns


def test_a_turn_of_the_loop_makes_few_of_the_last_records(monkeypatch: pytest.MonkeyPatch) -> None:
    made, turns = end(1_000, monkeypatch)
    assert made == 1_000
    assert turns >= 1_000 * STEP / BUDGET


def test_the_end_of_the_program_does_not_wait_for_all_last_records(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = end(100_000, monkeypatch)
    assert 10_000 < made < 50_000
