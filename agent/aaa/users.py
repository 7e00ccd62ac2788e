"""Aaa room: the users that the configuration of a router knows: its `username` lines, and the keys of `ip ssh pubkey-chain`.

IOS compares names without their case, except where a method wants it (`local-case`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable

from agent.base.text import octets_of
from agent.config.model import RouterConfig, User
from agent.config.passwords import revealed
from agent.engine.access import ChapResponse

Matches = Callable[[str, str, int], Awaitable[bool]]  # (typed, stored, encoding)


class Users:
    """The users of a router. It reads the configuration at each question, so that a change counts at once."""

    def __init__(self, config: RouterConfig, matches: Matches) -> None:
        self._config = config
        self._matches = matches

    def named(self, name: str) -> User | None:
        """The user of a name, in whichever case."""
        return next((user for user in self._config.users.values() if user.name.lower() == name.lower()), None)

    def exactly(self, name: str) -> User | None:
        """The user of a name, in the case of the configuration."""
        return self._config.users.get(name)

    def by_key(self, name: str, blob: bytes) -> User | None:
        """The user who logs in with a public key (RFC 4253 §6.6), if `ip ssh pubkey-chain` has its hash."""
        for known, keys in self._config.public_keys.items():
            if known.lower() == name.lower() and any(key.matches(blob) for key in keys):
                return self.named(known) or User(known, "")
        return None

    async def proves(self, user: User | None, proof: str | ChapResponse) -> bool:
        """Whether it is the user's password, or the answer to a challenge by that password.

        It takes as long for a user that is not there, so that the time does not tell which names are: one hash of each
        encoding in use is made. A user without a password cannot log in with one.
        """
        if isinstance(proof, ChapResponse):
            return user is not None and bool(user.password) and _answers(proof, user)
        samples = {each.encoding: each.password for each in self._config.users.values() if each.password}
        if user is not None and user.password:
            samples[user.encoding] = user.password
        outcomes = {encoding: await self._matches(proof, stored, encoding) for encoding, stored in samples.items()}
        return user is not None and bool(user.password) and outcomes[user.encoding]


def _answers(proof: ChapResponse, user: User) -> bool:
    """Whether a CHAP response is right (RFC 1994 §4.1). That can be known only of a password that is not stored as a hash."""
    password = revealed(user.password, user.encoding)
    if password is None:
        return False
    expected = hashlib.md5(bytes([proof.identifier]) + octets_of(password) + proof.challenge).digest()
    return hmac.compare_digest(expected, proof.response)
