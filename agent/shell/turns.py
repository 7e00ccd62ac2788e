"""Shell room: sessions that have much to do take turns, so that many of them take no more of the event loop than one."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """Lets one waiting session go on in each turn of the event loop, in the order in which they asked."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait until it is the caller's turn."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append(turn)
        if len(self._waiting) == 1:
            loop.call_soon(self._next)
        await turn

    def _next(self) -> None:
        while self._waiting and self._waiting[0].done():  # a session that was ended meanwhile
            self._waiting.popleft()
        if self._waiting:
            self._waiting[0].set_result(None)
            self._waiting.popleft()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._next)
