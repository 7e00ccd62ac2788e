"""Aaa room: log-ins to one router: its `username` lines, its keys, and the methods of `aaa authentication login`.

Without `aaa new-model` the users of the configuration may log in, as with `login local` on a line. With it, the methods of the
list `default` are asked in order, and the local users where there is no such list. IOS compares
names without their case, except for `local-case`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum, auto

from agent.config.model import RouterConfig, User

Matches = Callable[[str, str, int], Awaitable[bool]]  # (typed, stored, encoding)
_LOCAL = ("local",)


class _Verdict(Enum):
    """An answer of a method. Without one, the next method is asked."""

    YES = auto()
    NO = auto()
    NO_ANSWER = auto()


class Users:
    """Who may log in to a router. It reads the configuration at each log-in, so that a change counts at once."""

    def __init__(self, config: RouterConfig, matches: Matches) -> None:
        self._config = config
        self._matches = matches

    async def by_password(self, name: str, password: str) -> User | None:
        """The user who logs in with a password; None of a wrong one.

        It takes as long for a name that is not there, so that the time does not tell which names are.
        """
        for method in self._methods():
            verdict, user = await _METHODS.get(method.partition(" ")[0], Users._no_answer)(self, name, password)
            if verdict is not _Verdict.NO_ANSWER:
                return user if verdict is _Verdict.YES else None
        return None

    def by_key(self, name: str, blob: bytes) -> User | None:
        """The user who logs in with a public key (RFC 4253 §6.6), if `ip ssh pubkey-chain` has its hash."""
        for known, keys in self._config.public_keys.items():
            if known.lower() == name.lower() and any(key.matches(blob) for key in keys):
                return self._named(known) or User(known, "")
        return None

    def _methods(self) -> Sequence[str]:
        return self._config.aaa.login.get("default", _LOCAL) if self._config.aaa.new_model else _LOCAL

    def _named(self, name: str) -> User | None:
        """The user of a name, in whichever case."""
        return next((user for user in self._config.users.values() if user.name.lower() == name.lower()), None)

    async def _is_password_of(self, user: User | None, password: str) -> bool:
        """Whether it is the user's password. One hash of each encoding in use is made, whoever the user is."""
        samples = {each.encoding: each.password for each in self._config.users.values() if each.password}
        if user is not None and user.password:
            samples[user.encoding] = user.password
        outcomes = {encoding: await self._matches(password, stored, encoding) for encoding, stored in samples.items()}
        return user is not None and bool(user.password) and outcomes[user.encoding]

    # --- methods ---

    async def _judge(self, user: User | None, password: str) -> tuple[_Verdict, User | None]:
        if await self._is_password_of(user, password):
            return _Verdict.YES, user
        return (_Verdict.NO_ANSWER if user is None else _Verdict.NO), None

    async def _local(self, name: str, password: str) -> tuple[_Verdict, User | None]:
        return await self._judge(self._named(name), password)

    async def _local_case(self, name: str, password: str) -> tuple[_Verdict, User | None]:
        return await self._judge(self._config.users.get(name), password)

    async def _enable(self, name: str, password: str) -> tuple[_Verdict, User | None]:
        """The password of `enable`, whatever the name."""
        config = self._config
        for stored, encoding in (
            (config.enable_secret, config.enable_secret_encoding),
            (config.enable_password, config.enable_password_encoding),
        ):
            if stored is not None:
                right = await self._matches(password, stored, encoding)
                return (_Verdict.YES if right else _Verdict.NO), User(name, "")
        return _Verdict.NO_ANSWER, None

    async def _none(self, name: str, password: str) -> tuple[_Verdict, User | None]:
        return _Verdict.YES, self._named(name) or User(name, "")

    async def _no_answer(self, name: str, password: str) -> tuple[_Verdict, User | None]:
        """A group of servers: none is asked yet, as if none answered."""
        return _Verdict.NO_ANSWER, None


_METHODS: Mapping[str, Callable[[Users, str, str], Awaitable[tuple[_Verdict, User | None]]]] = {
    "local": Users._local,
    "local-case": Users._local_case,
    "enable": Users._enable,
    "none": Users._none,
}
