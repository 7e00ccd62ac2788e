"""The access control of a router whose questions are answered at once: without an event loop, a thread, or a server."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from agent.aaa.access import Access
from agent.aaa.methods import Methods
from agent.aaa.users import Users
from agent.config.model import RouterConfig
from agent.config.passwords import password_matches

T = TypeVar("T")


def at_once(question: Coroutine[Any, Any, T], answer: Callable[[T], None]) -> None:
    """Carry out a question that waits for nothing."""
    try:
        question.send(None)
    except StopIteration as done:
        answer(done.value)
    else:
        raise AssertionError("the question waits for something")


async def compare(typed: str, stored: str, encoding: int) -> bool:
    return password_matches(typed, stored, encoding)


def access_of(config: RouterConfig) -> Access:
    return Access(config, Methods(config, Users(config, compare), compare), at_once)
