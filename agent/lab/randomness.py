"""Lab room: the two sources of random octets: the system's, and a seeded one that gives the same octets each run."""

from __future__ import annotations

import os
import random


class SystemRandom:
    seeded = False

    def take(self, count: int) -> bytes:
        return os.urandom(count)


class SeededRandom:
    """Not for secrets: for runs that are to be repeated to the octet."""

    seeded = True

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)

    def take(self, count: int) -> bytes:
        return self._random.randbytes(count)
