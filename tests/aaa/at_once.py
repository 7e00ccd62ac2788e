"""The access control of a router whose questions are answered at once: without an event loop, a thread, or real servers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from ipaddress import IPv4Address
from itertools import count
from typing import Any, TypeVar

from agent.aaa.access import Access
from agent.aaa.access_requests import AccessRequests
from agent.aaa.accounting.grants import Grants
from agent.aaa.cli import CliLogins
from agent.aaa.methods import Methods
from agent.aaa.radius.values import Attribute, Code, Place, Reply, Request
from agent.aaa.users import Users
from agent.config.aaa_model import RadiusConfig
from agent.config.model import RouterConfig
from agent.config.passwords import password_matches

T = TypeVar("T")


def at_once(question: Coroutine[Any, Any, T], answer: Callable[[T], None]) -> Callable[[], None]:
    """Carry out a question that waits for nothing."""
    try:
        question.send(None)
    except StopIteration as done:
        answer(done.value)
    else:
        raise AssertionError("the question waits for something")
    return lambda: None


async def compare(typed: str, stored: str, encoding: int) -> bool:
    return password_matches(typed, stored, encoding)


class FakeServers:
    """Groups of servers that answer at once. `replies` are theirs, each to one request; where there is none, nobody answers."""

    def __init__(self, *replies: Reply | None) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[str, Request]] = []

    async def ask(self, group: str, request: Request) -> Reply | None:
        self.asked.append((group, request))
        return self.replies.pop(0) if self.replies else None

    def requests(self, config: RadiusConfig | None = None) -> AccessRequests:
        return AccessRequests(config or RadiusConfig(), self.ask, count(1).__next__)


PLACE = Place(IPv4Address("127.0.0.1"), 1645)


def reply(code: Code, *attributes: tuple[str, str | int | bytes]) -> Reply:
    return Reply(code, tuple(Attribute(*each) for each in attributes), PLACE)


def methods_with(config: RouterConfig, requests: AccessRequests) -> Methods:
    return Methods(config, Users(config, compare), compare, requests)


def logins_with(config: RouterConfig, fake: FakeServers | None = None) -> CliLogins:
    requests = (fake or FakeServers()).requests(config.radius)
    return CliLogins(config, Users(config, compare), methods_with(config, requests), requests)


def access_of(config: RouterConfig, fake: FakeServers | None = None, grants: Grants | None = None) -> Access:
    requests = (fake or FakeServers()).requests(config.radius)
    return Access(config, methods_with(config, requests), requests, at_once, grants or Grants())
