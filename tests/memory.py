"""What a soak may not add to: the memory that the test's own process holds."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from resource import getpagesize

MOST_ADDED = 30 << 20  # octets


def resident() -> int:
    """Octets of this process that are in memory, garbage left out."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()


@contextmanager
def steady_memory(what: str, number: int) -> Iterator[None]:
    """Some work with a number of datagrams, rest included, adds no memory to speak of. Prints what it has taken."""
    before, began = resident(), time.perf_counter()
    yield
    seconds, after = time.perf_counter() - began, resident()
    print(f"\n{what}: {number:,} datagrams in {seconds:.0f} s, resident {before:,} octets before, {after:,} after")
    assert after - before < MOST_ADDED
