"""Aaa room: what an engine asks about its remote-access clients (`agent/engine/access.py`), answered by the lists of methods.

A list that is not defined admits nobody, and knows no group.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from agent.aaa.access_requests import AccessRequests, login_service
from agent.aaa.accounting.grants import Grants
from agent.aaa.methods import Entered, Entrance, Methods, methods_of
from agent.aaa.radius.values import Attribute, Code
from agent.aaa.replies import OUTBOUND, client_group, user_policy
from agent.config.crypto_model import ClientGroup
from agent.config.model import RouterConfig
from agent.engine.access import LoginAccepted, LoginAnswer, LoginAttempt

T = TypeVar("T")


# The port of a client, as IOS describes it: a virtual one, without a number.
_PORT = (Attribute("NAS-Port-Type", 5), Attribute("NAS-Port", 0))
_DEFAULT_GROUP = "default"  # that of clients whose group is not configured
_GROUP_PASSWORD = "cisco"  # that of every group, by which IOS asks for it
_OF_GROUPS = (*_PORT, Attribute("Service-Type", OUTBOUND))


class Begin(Protocol):
    """Has a question carried out, and gives its answer, now or later (`questions.py`). What it returns cancels the question."""

    def __call__(self, question: Coroutine[Any, Any, T], answer: Callable[[T], None]) -> Callable[[], None]: ...


class Access:
    """The access control of one router, until `close`, which forgets what is not answered."""

    def __init__(self, config: RouterConfig, methods: Methods, requests: AccessRequests, begin: Begin, grants: Grants) -> None:
        self._config = config
        self._methods = methods
        self._requests = requests
        self._begin = begin
        self._grants = grants
        self._waiting: dict[object, Callable[[], None]] = {}

    def log_in(self, list_name: str, attempt: LoginAttempt, answer: Callable[[LoginAnswer], None]) -> None:
        self._ask(self._log_in(list_name, attempt), answer)

    def group(self, list_name: str, name: str, answer: Callable[[ClientGroup | None], None]) -> None:
        self._ask(self._group(list_name, name), answer)

    def close(self) -> None:
        for cancel in list(self._waiting.values()):
            cancel()
        self._waiting.clear()

    def _ask(self, question: Coroutine[Any, Any, T], answer: Callable[[T], None]) -> None:
        key, given = object(), False

        def give(answered: T) -> None:
            nonlocal given
            given = True
            self._waiting.pop(key, None)
            answer(answered)

        cancel = self._begin(question, give)
        if not given:
            self._waiting[key] = cancel

    async def _log_in(self, list_name: str, attempt: LoginAttempt) -> LoginAnswer:
        methods = methods_of(self._config, self._config.aaa.login, list_name)
        caller = (Attribute("Calling-Station-Id", attempt.remote),) if attempt.remote else ()
        outcome = await self._methods.log_in(methods, attempt, Entrance((*login_service(self._config.radius), *caller, *_PORT)))
        if not isinstance(outcome, Entered):
            return outcome
        reply = outcome.reply
        self._grants.add(attempt.user, attempt.remote, reply)
        return LoginAccepted() if reply is None else LoginAccepted(user_policy(reply))

    async def _group(self, list_name: str, name: str) -> ClientGroup | None:
        for method in methods_of(self._config, self._config.aaa.network, list_name):
            kind, _, servers = method.partition(" ")
            groups = self._config.crypto.client_groups
            if kind == "local" and (found := groups.get(name) or groups.get(_DEFAULT_GROUP)) is not None:
                return found
            if kind == "none":
                return None
            if kind == "group":
                reply = await self._requests.prove(servers, name, _GROUP_PASSWORD, _OF_GROUPS)
                if reply is not None:
                    return client_group(name, reply) if reply.code is Code.ACCESS_ACCEPT else None
        return None
