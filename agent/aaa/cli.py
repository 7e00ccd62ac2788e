"""Aaa room: log-ins to the CLI of a router.

Without `aaa new-model` the users of the configuration may log in, as with `login local` on a line. With it, the methods of the
list `default` are asked in order, and the local users where there is no such list.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.aaa.methods import Entered, Entrance, Methods
from agent.aaa.users import Users
from agent.config.aaa_model import DEFAULT_LIST
from agent.config.model import RouterConfig, User
from agent.engine.access import LoginAttempt

_LOCAL = ("local",)


class CliLogins:
    """Who may log in to the CLI."""

    def __init__(self, config: RouterConfig, users: Users, methods: Methods) -> None:
        self._config = config
        self._users = users
        self._methods = methods

    async def by_password(self, name: str, password: str) -> User | None:
        """The user who logs in with a password; None of a wrong one."""
        outcome = await self._methods.log_in(self._list(), LoginAttempt(name, password), Entrance())
        return (outcome.user or User(outcome.name, "")) if isinstance(outcome, Entered) else None

    def by_key(self, name: str, blob: bytes) -> User | None:
        """The user who logs in with a public key."""
        return self._users.by_key(name, blob)

    def _list(self) -> Sequence[str]:
        return self._config.aaa.login.get(DEFAULT_LIST, _LOCAL) if self._config.aaa.new_model else _LOCAL
