"""Aaa room: the methods of a list, asked in order: one rule for log-ins by XAUTH, by SSH and by `enable`.

A method that has no answer passes the question to the next: a server that does not answer, a user that is not there, a password
that is not configured. A refusal is an answer ("aaa authentication login" in the IOS security command reference).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.aaa.access_requests import AccessRequests
from agent.aaa.challenges import ChallengeState
from agent.aaa.radius.values import Attribute, Code, Reply
from agent.aaa.replies import message_of
from agent.aaa.users import Matches, Users
from agent.base.text import octets_of
from agent.config.aaa_model import MethodLists, Secret
from agent.config.model import RouterConfig, User
from agent.engine.access import LoginAttempt, LoginChallenge, LoginRefused

_NO_TEXT = "Response: "  # what is asked where a challenge has no text


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where somebody logs in. `attributes` say it to a server: the port, who calls, the service.

    `line_password` is that of the terminal line, if it has one.
    """

    attributes: tuple[Attribute, ...] = ()
    line_password: Secret | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody who has proved who it is. `user` is the `username` line of a local method, `reply` a server's Access-Accept."""

    name: str
    user: User | None = None
    reply: Reply | None = None


Outcome = Entered | LoginRefused | LoginChallenge


def methods_of(config: RouterConfig, lists: MethodLists, name: str) -> Sequence[str]:
    """The methods of a list. One that is not defined has none, and no list counts without `aaa new-model`."""
    return lists.get(name, ()) if config.aaa.new_model else ()


class Methods:
    """The methods by which a router knows somebody."""

    def __init__(self, config: RouterConfig, users: Users, matches: Matches, requests: AccessRequests) -> None:
        self._config = config
        self._users = users
        self._matches = matches
        self._requests = requests

    async def log_in(self, methods: Sequence[str], attempt: LoginAttempt, entrance: Entrance) -> Outcome:
        """Ask methods in order, until one has an answer. An answer to a challenge is for the group whose server has made it."""
        asked = methods if attempt.state is None else ChallengeState.read(attempt.state).methods
        for method in asked:
            kind, _, argument = method.partition(" ")
            outcome = await _METHODS.get(kind, Methods._no_answer)(self, argument, attempt, entrance)
            if outcome is not None:
                return outcome
        return LoginRefused(unanswered=True)

    # --- methods: (argument, attempt, entrance) ---

    async def _local(self, _: str, attempt: LoginAttempt, entrance: Entrance) -> Outcome | None:
        return await self._judge(self._users.named(attempt.user), attempt)

    async def _local_case(self, _: str, attempt: LoginAttempt, entrance: Entrance) -> Outcome | None:
        return await self._judge(self._users.exactly(attempt.user), attempt)

    async def _judge(self, user: User | None, attempt: LoginAttempt) -> Outcome | None:
        if await self._users.proves(user, attempt.proof) and user is not None:
            return Entered(user.name, user)
        return None if user is None else LoginRefused()

    async def _enable(self, _: str, attempt: LoginAttempt, entrance: Entrance) -> Outcome | None:
        """The password of `enable`, whatever the name."""
        config = self._config
        if config.enable_secret is not None:
            return await self._by_password(attempt, config.enable_secret, config.enable_secret_encoding)
        if config.enable_password is not None:
            return await self._by_password(attempt, config.enable_password, config.enable_password_encoding)
        return None

    async def _line(self, _: str, attempt: LoginAttempt, entrance: Entrance) -> Outcome | None:
        """The password of the terminal line, whatever the name."""
        secret = entrance.line_password
        return None if secret is None else await self._by_password(attempt, secret.text, secret.encoding)

    async def _by_password(self, attempt: LoginAttempt, stored: str, encoding: int) -> Outcome:
        right = isinstance(attempt.proof, str) and await self._matches(attempt.proof, stored, encoding)
        return Entered(attempt.user) if right else LoginRefused()

    async def _none(self, _: str, attempt: LoginAttempt, entrance: Entrance) -> Outcome | None:
        user = self._users.named(attempt.user)
        return Entered(attempt.user if user is None else user.name, user)

    async def _group(self, group: str, attempt: LoginAttempt, entrance: Entrance) -> Outcome | None:
        """The servers of a group. A State goes back to its server as it is (RFC 2865 §5.24)."""
        token = ChallengeState(group, self._requests.about()) if attempt.state is None else ChallengeState.read(attempt.state)
        state = () if token.state is None else (Attribute("State", token.state),)
        attributes = (*entrance.attributes, *state)
        reply = await self._requests.prove(group, attempt.user, attempt.proof, attributes, token.about, token.server)
        if reply is None:
            return None
        if reply.code is Code.ACCESS_ACCEPT:
            return Entered(attempt.user, reply=reply)
        if reply.code is Code.ACCESS_CHALLENGE:
            return self._challenge(reply, token)
        return LoginRefused(message_of(reply))

    def _challenge(self, reply: Reply, token: ChallengeState) -> LoginChallenge:
        """What a server wants to know of the user. Prompt says whether the answer may be seen (RFC 2869 §5.10)."""
        state = next((_octets(value) for value in reply.values("State")), None)
        echo = next((value == 1 for value in reply.values("Prompt")), not self._config.radius.challenge_noecho)
        return LoginChallenge(message_of(reply) or _NO_TEXT, replace(token, server=reply.server, state=state).written(), echo)

    async def _no_answer(self, _: str, attempt: LoginAttempt, entrance: Entrance) -> Outcome | None:
        """A method that is not known here."""
        return None


def _octets(value: str | int | bytes) -> bytes:
    return value if isinstance(value, bytes) else octets_of(str(value))


_Method = Callable[[Methods, str, LoginAttempt, Entrance], Awaitable[Outcome | None]]
_METHODS: Mapping[str, _Method] = {
    "local": Methods._local,
    "local-case": Methods._local_case,
    "enable": Methods._enable,
    "line": Methods._line,
    "none": Methods._none,
    "group": Methods._group,
}
