"""Questions of an engine in the event loop: a virtual clock waits for the answers, and gets them in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from agent.aaa.questions import Questions


class Holds:
    """Counts the holds that are not released."""

    def __init__(self) -> None:
        self.count = 0

    def hold(self) -> Callable[[], None]:
        self.count += 1

        def release() -> None:
            self.count -= 1

        return release


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("in_order", "first"), [(True, []), (False, ["second"])])
def test_answers_come_in_order_under_a_virtual_clock(in_order: bool, first: list[str]) -> None:
    async def ask() -> None:
        holds, given = Holds(), list[str]()
        questions = Questions(holds.hold, in_order)
        gates = asyncio.Event(), asyncio.Event()

        async def question(at: int, text: str) -> str:
            await gates[at].wait()
            return text

        questions.begin(question(0, "first"), given.append)
        questions.begin(question(1, "second"), given.append)
        gates[1].set()
        await turns()
        assert (given, holds.count) == (first, 2 - len(first))
        gates[0].set()
        await turns()
        assert (sorted(given), holds.count) == (["first", "second"], 0)
        assert given == (["first", "second"] if in_order else ["second", "first"])

    asyncio.run(ask())


def test_what_is_not_answered_at_the_end_is_forgotten() -> None:
    async def ask() -> None:
        holds, given = Holds(), list[str]()
        questions = Questions(holds.hold, in_order=True)

        async def question() -> str:
            await asyncio.Event().wait()
            return ""

        questions.begin(question(), given.append)
        questions.close()
        await turns()
        assert (given, holds.count) == ([], 0)

    asyncio.run(ask())


def test_a_question_that_is_cancelled_gets_no_answer_and_holds_nothing() -> None:
    async def ask() -> None:
        holds, given = Holds(), list[str]()
        questions = Questions(holds.hold, in_order=True)
        never = asyncio.Event()

        async def question(text: str) -> str:
            if text == "waits":
                await never.wait()
            return text

        cancels = [questions.begin(question(text), given.append) for text in ("waits", "done")]
        await turns()
        for cancel in cancels:
            cancel()
        await turns()
        assert (given, holds.count) == ([], 0)

    asyncio.run(ask())
