"""Aaa room: the thread that compares passwords and makes keys, so that slow cryptography does not hold the event loop.

A hash of IOS's types 8 and 9 takes tens of milliseconds on purpose. One thread does one after another, so that a flood of log-ins
takes one core at most. `app.py` owns the worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from agent.config.passwords import password_matches

T = TypeVar("T")


class HashWorker:
    """Works from its first use until `close`."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="password-hash")

    async def matches(self, typed: str, stored: str, encoding: int) -> bool:
        """Whether `typed` is the password that is `stored` in one of IOS's encodings. Cancelling forgets what has not begun."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, password_matches, typed, stored, encoding)

    async def run(self, work: Callable[[], T]) -> T:
        """What work gives that takes long, such as a new key."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """End without waiting for hashes that have not begun."""
        self._thread.shutdown(wait=False, cancel_futures=True)
