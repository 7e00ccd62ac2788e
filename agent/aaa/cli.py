"""Aaa room: log-ins to the CLI of a router, the privilege level that a session begins with, and `enable`.

Without `aaa new-model` the users of the configuration may log in, as with `login local` on a line, and a session begins with the
level of its user. With it, the methods of the line's list are asked in order (`login authentication`), else those of the list
`default`, else the local users. The level comes from `aaa authorization exec`: without such a list it is that of the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.aaa.access_requests import AccessRequests, login_service
from agent.aaa.methods import Entered, Entrance, Methods, Outcome
from agent.aaa.radius.values import NAS_IP_ADDRESS, Attribute, Code, Reply, Request
from agent.aaa.replies import ADMINISTRATIVE, MOST_PRIVILEGED, message_of, privilege_of
from agent.aaa.users import Users
from agent.config.aaa_model import DEFAULT_LIST, MethodLists
from agent.config.line_model import CONSOLE, LineSettings, settings_of
from agent.config.model import RouterConfig
from agent.engine.access import LoginAttempt, LoginChallenge, LoginRefused

_LOCAL = ("local",)
_USUAL_LEVEL = 1
_ASYNC, _VIRTUAL = 0, 5  # NAS-Port-Type (RFC 2865 §5.41)


@dataclass(frozen=True, slots=True)
class TerminalLine:
    """A line of the router: its kind and number ("vty", 0), its number among all lines, and where its user comes from."""

    kind: str
    number: int
    absolute: int
    remote: str = ""


@dataclass(frozen=True, slots=True)
class CliUser:
    """Somebody who may log in. A session begins with the privilege level; None: there is no authorization for one.

    `message` is a server's text for the user.
    """

    name: str
    level: int | None
    message: str = ""


CliOutcome = CliUser | LoginRefused | LoginChallenge


class CliLogins:
    """Who may log in to the CLI. It reads the configuration at each question, so that a change counts at once."""

    def __init__(self, config: RouterConfig, users: Users, methods: Methods, requests: AccessRequests) -> None:
        self._config = config
        self._users = users
        self._methods = methods
        self._requests = requests

    async def log_in(self, attempt: LoginAttempt, line: TerminalLine) -> CliOutcome:
        """Log in by a password, or by the answer to a challenge."""
        methods = self._list(self._config.aaa.login, self._settings(line).login_list)
        entrance = self._entrance(line, *login_service(self._config.radius))
        outcome = await self._methods.log_in(_LOCAL if methods is None else methods, attempt, entrance)
        if not isinstance(outcome, Entered):
            return outcome
        user = await self._authorized(outcome, attempt, line)
        return user if outcome.reply is None else replace(user, message=message_of(outcome.reply))

    async def by_key(self, name: str, blob: bytes, line: TerminalLine) -> CliOutcome:
        """Log in by a public key."""
        user = self._users.by_key(name, blob)
        if user is None:
            return LoginRefused()
        return await self._authorized(Entered(user.name, user), None, line)

    # --- enable ---

    def enable_methods(self, level: int, line: TerminalLine) -> tuple[str, ...]:
        """The methods by which somebody gets a privilege level: those of `aaa authentication enable default`.

        Without that line the enable secret or password decides, which is that of level 15. If there is none, the console is let
        in. A password that is not configured is no method.
        """
        methods = self._list(self._config.aaa.enable, None)
        if methods is None:
            methods = ("enable", "none") if line.kind == CONSOLE else ("enable",)
        config = self._config
        has_enable = level == MOST_PRIVILEGED and (config.enable_secret is not None or config.enable_password is not None)
        there = {"enable": has_enable, "line": self._settings(line).password is not None}
        return tuple(method for method in methods if there.get(method, True))

    async def enable(self, level: int, attempt: LoginAttempt, line: TerminalLine) -> Outcome:
        """Raise the privilege level. Servers know each level as a user of its own."""
        named = LoginAttempt(f"$enab{level}$", attempt.proof, attempt.state)
        entrance = self._entrance(line, Attribute("Service-Type", ADMINISTRATIVE))
        return await self._methods.log_in(self.enable_methods(level, line), named, entrance)

    # --- test aaa ---

    async def test(self, group: str, name: str, password: str) -> Reply | None:
        """Ask a group of servers about a user, as `test aaa group` does. None: no server has answered."""
        said = (NAS_IP_ADDRESS, Attribute("NAS-Port-Type", _ASYNC), Attribute("User-Name", name))
        return await self._requests.ask(group, Request(Code.ACCESS_REQUEST, said, 0, password))

    # --- authorization ---

    async def _authorized(self, entered: Entered, attempt: LoginAttempt | None, line: TerminalLine) -> CliUser:
        """The session of somebody who has proved who it is, by the methods of `aaa authorization exec`."""
        settings = self._settings(line)
        usual = _USUAL_LEVEL if settings.privilege is None else settings.privilege
        if not self._config.aaa.new_model:
            level = entered.user.privilege if entered.user is not None else _USUAL_LEVEL
            return CliUser(entered.name, usual if level == _USUAL_LEVEL else level)
        methods = self._list(self._config.aaa.exec, settings.exec_list)
        if methods is None:
            return CliUser(entered.name, usual)
        for method in methods:
            kind, _, group = method.partition(" ")
            if kind in ("none", "if-authenticated"):
                return CliUser(entered.name, usual)
            if kind == "local" and (user := self._users.named(entered.name)) is not None:
                return CliUser(entered.name, user.privilege)
            if kind == "group" and (reply := await self._described(group, entered, attempt, line)) is not None:
                if reply.code is not Code.ACCESS_ACCEPT:
                    break
                said = privilege_of(reply)
                return CliUser(entered.name, usual if said is None else said)
        return CliUser(entered.name, None)

    async def _described(self, group: str, entered: Entered, attempt: LoginAttempt | None, line: TerminalLine) -> Reply | None:
        """What servers say about a user: what they have said at the log-in, else what they say when they are asked again.

        They are asked with the password that another method has taken. They cannot be asked about one who has logged in by a key.
        """
        if entered.reply is not None or attempt is None:
            return entered.reply
        return await self._requests.prove(group, entered.name, attempt.proof, self._entrance(line).attributes)

    # --- lines ---

    def _list(self, lists: MethodLists, name: str | None) -> Sequence[str] | None:
        """The list that a line names, else the list `default`. IOS takes that, too, if there is no list of the name."""
        if not self._config.aaa.new_model:
            return None
        return lists.get(name or DEFAULT_LIST) or lists.get(DEFAULT_LIST)

    def _settings(self, line: TerminalLine) -> LineSettings:
        return settings_of(self._config.lines, line.kind, line.number)

    def _entrance(self, line: TerminalLine, *more: Attribute) -> Entrance:
        """A line as servers see it: as IOS sends it."""
        port = [
            Attribute("NAS-Port", line.absolute),
            Attribute("NAS-Port-Id", f"tty{line.absolute}"),
            Attribute("NAS-Port-Type", _ASYNC if line.kind == CONSOLE else _VIRTUAL),
        ]
        caller = [Attribute("Calling-Station-Id", line.remote)] if line.remote else []
        return Entrance((*more, *port, *caller), self._settings(line).password)
