"""Engine room: what an engine asks about its remote-access clients: may this user log in, and what is this group.

AAA answers (`agent/aaa`), now or later: a server may have to be asked. Each answer comes once, in the event loop. Under a virtual
clock the time stands still until it has come, so that the run is the same every time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Protocol

from agent.config.crypto_model import ClientGroup


@dataclass(frozen=True, slots=True)
class ChapResponse:
    """The answer to a CHAP challenge (RFC 1994 §4.1): its identifier, the challenge, and the 16 octets of the response."""

    identifier: int
    challenge: bytes
    response: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """A user and the proof: a password, or the response to a CHAP challenge.

    `state` is that of the `LoginChallenge` that this answers. `remote` is where the user comes from, empty if that is not known.
    """

    user: str
    proof: str | ChapResponse = field(repr=False)
    state: bytes | None = None
    remote: str = ""


@dataclass(frozen=True, slots=True)
class UserPolicy:
    """What a server says about a user. A field that is None is the group's.

    `vpn_group`: the user may log in as a client of this group alone. `privilege` is that of a CLI user (`shell:priv-lvl`).
    """

    address: IPv4Address | None = None
    netmask: IPv4Address | None = None
    pool: str | None = None
    privilege: int | None = None
    vpn_group: str | None = None
    save_password: bool | None = None
    include_local_lan: bool | None = None


@dataclass(frozen=True, slots=True)
class LoginAccepted:
    """The user may log in."""

    policy: UserPolicy = field(default_factory=UserPolicy)


@dataclass(frozen=True, slots=True)
class LoginRefused:
    """The user may not log in: a method has refused, or none has answered (`unanswered`). `message` is for the user."""

    message: str = ""
    unanswered: bool = False


@dataclass(frozen=True, slots=True)
class LoginChallenge:
    """The server wants an answer of the user to `message` (RFC 2865 §4.4). `echo` says whether it may be seen as it is typed."""

    message: str
    state: bytes
    echo: bool = False


LoginAnswer = LoginAccepted | LoginRefused | LoginChallenge


class AccessControl(Protocol):
    """Who may log in, and the policies of groups. `list_name` is that of a method list in the configuration."""

    def log_in(self, list_name: str, attempt: LoginAttempt, answer: Callable[[LoginAnswer], None]) -> None:
        """Ask the methods of `aaa authentication login LIST` in order, until one has an answer."""
        ...

    def group(self, list_name: str, name: str, answer: Callable[[ClientGroup | None], None]) -> None:
        """Find the policy of a client group by the methods of `aaa authorization network LIST`; None: there is none."""
        ...


class NobodyKnown:
    """The access control of an engine that has been given none: it refuses every log-in, and knows no group."""

    def log_in(self, list_name: str, attempt: LoginAttempt, answer: Callable[[LoginAnswer], None]) -> None:
        answer(LoginRefused())

    def group(self, list_name: str, name: str, answer: Callable[[ClientGroup | None], None]) -> None:
        answer(None)
