"""Who may log in to a lab's routers, for tests: an AAA whose answers a test decides, and gives when it wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from agent.config.crypto_model import ClientGroup
from agent.config.model import RouterConfig
from agent.config.passwords import password_matches
from agent.engine.access import LoginAccepted, LoginAnswer, LoginAttempt, LoginRefused


@dataclass
class FakeAccess:
    """Users and groups are those of the configuration, whatever the list, but for the `users` whose answers a test has set.

    With `waits` nothing is answered until `answer` is called.
    """

    config: RouterConfig
    users: dict[str, list[LoginAnswer]] = field(default_factory=dict)  # the answers to their logins, in order; the last stays
    groups: dict[str, ClientGroup] = field(default_factory=dict)  # beside those of the configuration
    waits: bool = False
    logins: list[tuple[str, LoginAttempt]] = field(default_factory=list)  # what was asked, with the list's name
    asked_groups: list[tuple[str, str]] = field(default_factory=list)
    waiting: list[Callable[[], None]] = field(default_factory=list)

    def log_in(self, list_name: str, attempt: LoginAttempt, answer: Callable[[LoginAnswer], None]) -> None:
        self.logins.append((list_name, attempt))
        self._give(partial(answer, self._judge(attempt)))

    def group(self, list_name: str, name: str, answer: Callable[[ClientGroup | None], None]) -> None:
        self.asked_groups.append((list_name, name))
        self._give(lambda: answer({**self.config.crypto.client_groups, **self.groups}.get(name)))

    def answer(self, count: int | None = None) -> None:
        """Give so many of the answers that wait, the oldest first; None: all of them."""
        now, self.waiting = self.waiting[:count], self.waiting[len(self.waiting[:count]) :]
        for give in now:
            give()

    def _judge(self, attempt: LoginAttempt) -> LoginAnswer:
        answers = self.users.get(attempt.user)
        if answers is not None:
            return answers.pop(0) if len(answers) > 1 else answers[0]
        known, proof = self.config.users.get(attempt.user), attempt.proof
        right = known is not None and isinstance(proof, str) and password_matches(proof, known.password, known.encoding)
        return LoginAccepted() if right else LoginRefused()

    def _give(self, answer: Callable[[], None]) -> None:
        if self.waits:
            self.waiting.append(answer)
        else:
            answer()
