"""Aaa room: what an engine asks about its remote-access clients (`agent/engine/access.py`), answered by the lists of methods.

A list that is not defined admits nobody, and knows no group.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from agent.aaa.methods import Entered, Entrance, Methods, methods_of
from agent.config.crypto_model import ClientGroup
from agent.config.model import RouterConfig
from agent.engine.access import LoginAccepted, LoginAnswer, LoginAttempt

T = TypeVar("T")


class Begin(Protocol):
    """Has a question carried out, and gives its answer, now or later (`questions.py`)."""

    def __call__(self, question: Coroutine[Any, Any, T], answer: Callable[[T], None]) -> None: ...


class Access:
    """The access control of one router, until `close`: what is answered after that is dropped."""

    def __init__(self, config: RouterConfig, methods: Methods, begin: Begin) -> None:
        self._config = config
        self._methods = methods
        self._begin = begin
        self._closed = False

    def log_in(self, list_name: str, attempt: LoginAttempt, answer: Callable[[LoginAnswer], None]) -> None:
        self._ask(self._log_in(list_name, attempt), answer)

    def group(self, list_name: str, name: str, answer: Callable[[ClientGroup | None], None]) -> None:
        self._ask(self._group(list_name, name), answer)

    def close(self) -> None:
        self._closed = True

    def _ask(self, question: Coroutine[Any, Any, T], answer: Callable[[T], None]) -> None:
        def give(answered: T) -> None:
            if not self._closed:
                answer(answered)

        self._begin(question, give)

    async def _log_in(self, list_name: str, attempt: LoginAttempt) -> LoginAnswer:
        methods = methods_of(self._config, self._config.aaa.login, list_name)
        outcome = await self._methods.log_in(methods, attempt, Entrance())
        return LoginAccepted() if isinstance(outcome, Entered) else outcome

    async def _group(self, list_name: str, name: str) -> ClientGroup | None:
        for method in methods_of(self._config, self._config.aaa.network, list_name):
            found = self._config.crypto.client_groups.get(name) if method == "local" else None
            if found is not None:
                return found
        return None
