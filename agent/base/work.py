"""Base room: work that may take long, done bit by bit: a generator that pauses now and then, and returns what comes of it.

Whoever has such work done goes on with it for as long as there is time, and has others do theirs in between. A pause gives
nothing: what was looked at before it may have changed after it, which the work has to allow for.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")
Work = Generator[None, None, T]
STEPS = 64  # pauses after which work has had its share: a millisecond or less of looking at rows


def go_on(work: Work[T], steps: int = STEPS) -> T | Work[T]:
    """Do some of a work: what came of it, or the work itself where it is not done."""
    try:
        for _ in range(steps):
            next(work)
    except StopIteration as done:
        result: T = done.value
        return result
    return work


def in_shares(work: Work[T], wanted: Callable[[], bool], otherwise: U) -> Work[T | U]:
    """The same work with a pause after each share of it. Where it is not wanted any more, it ends with `otherwise`."""
    while wanted():
        found = go_on(work)
        if not isinstance(found, Generator):
            return found
        yield
    return otherwise
