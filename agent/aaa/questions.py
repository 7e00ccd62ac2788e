"""Aaa room: carries out what the engine of a router asks of AAA, and gives the answers in the event loop.

A virtual clock stands still until the answer has come. Answers then come in the order of the questions, so that the run is the
same every time. With a real clock no answer waits for another.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def once(ask: Callable[[Callable[[T], None]], None]) -> Awaitable[T]:
    """The answer that `ask` gives to a callback."""
    told: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def tell(answer: T) -> None:
        if not told.done():
            told.set_result(answer)

    ask(tell)
    return told


class Questions:
    """The questions of a lab. `hold` has a virtual clock stand still until the returned function is called."""

    def __init__(self, hold: Callable[[], Callable[[], None]], in_order: bool) -> None:
        self._hold = hold
        self._in_order = in_order
        self._tasks: set[asyncio.Task[Any]] = set()  # the loop holds tasks by weak references alone
        self._given: deque[tuple[asyncio.Task[Any], Callable[[], None]]] = deque()  # those that come in order

    def begin(self, question: Coroutine[Any, Any, T], answer: Callable[[T], None]) -> Callable[[], None]:
        """Carry out a question. `answer` is called once, unless the returned function, or `close`, cancels it before."""
        release = self._hold()
        task = asyncio.get_running_loop().create_task(question)
        cancelled = False

        def give() -> None:
            try:
                if not (cancelled or task.cancelled()):
                    answer(task.result())
            finally:
                release()

        self._tasks.add(task)
        if self._in_order:
            self._given.append((task, give))
        task.add_done_callback(lambda _: self._done(task, give))

        def cancel() -> None:
            nonlocal cancelled
            cancelled = True
            task.cancel()

        return cancel

    def close(self) -> None:
        """Forget what is not answered."""
        for task in self._tasks:
            task.cancel()

    def _done(self, task: asyncio.Task[Any], give: Callable[[], None]) -> None:
        self._tasks.discard(task)
        if not self._in_order:
            give()
        while self._given and self._given[0][0].done():
            asyncio.get_running_loop().call_soon(self._given.popleft()[1])
