"""Lab room: the two sources of random octets: the system's, and a seeded one that gives the same octets each run."""

from __future__ import annotations

import os
import random

_POOL = 4096  # octets that are read from the system at a time; a packet takes a few


class SystemRandom:
    seeded = False

    def __init__(self) -> None:
        self._pool = b""
        self._taken = 0

    def take(self, count: int) -> bytes:
        begin, end = self._taken, self._taken + count
        if end > len(self._pool):
            self._pool = os.urandom(max(count, _POOL))
            begin, end = 0, count
        self._taken = end
        return self._pool[begin:end]


class SeededRandom:
    """For runs that must be repeated exactly. Not for secrets."""

    seeded = True

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)

    def take(self, count: int) -> bytes:
        return self._random.randbytes(count)
