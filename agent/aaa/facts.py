"""Aaa room: what show commands ask of a router's AAA."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agent.aaa.accounting.record import AcctStatus
from agent.aaa.radius.servers import ServerFacts
from agent.aaa.radius.statistics import Statistics
from agent.flow.model import Address


@dataclass(frozen=True, slots=True)
class AccountedSession:
    """A session that is accounted for. `number` is its Acct-Session-Id, `about` the number in parentheses of `debug radius`.

    `seconds` is for how long it has been up. `address` is the assigned one of a remote-access client, else that of the peer.
    """

    number: int
    about: int
    user: str | None
    interface: str | None
    address: Address
    seconds: int


@dataclass(frozen=True, slots=True)
class AccountingFacts:
    """The accounting of a router: its open sessions, and what it has made since its start.

    `active` is the number of the open sessions, `sessions_made` that of all. `records` are those that were made, by their status.
    `waiting` are the records that no server has acknowledged yet; `dropped` were lost.
    """

    sessions: Iterable[AccountedSession] = ()
    active: int = 0
    sessions_made: int = 0
    records: Mapping[AcctStatus, int] = field(default_factory=dict)
    waiting: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class AskedFor:
    """One kind of requests of a dynamic authorisation client, without those that came again, and how they were answered."""

    requests: int
    acks: int
    naks: int


@dataclass(frozen=True, slots=True)
class AuthorClientFacts:
    """A client of dynamic authorisation. `ended` are the sessions that it has ended; `dropped` are requests without a reply."""

    address: str
    disconnects: AskedFor
    changes: AskedFor
    duplicates: int
    ended: int
    dropped: int


@dataclass(frozen=True, slots=True)
class AuthorFacts:
    """Dynamic authorisation. `strangers` are datagrams of somebody who is no client."""

    clients: Sequence[AuthorClientFacts] = ()
    strangers: int = 0


class RadiusFacts(Protocol):
    """What a RADIUS client tells."""

    @property
    def statistics(self) -> Statistics: ...

    def servers(self) -> Sequence[ServerFacts]:
        """Every server, in the order of the configuration."""
        ...

    def now(self) -> float:
        """Seconds of the clock of its times."""
        ...


class NoServers:
    """The RADIUS client of a router that has none."""

    def __init__(self) -> None:
        self.statistics = Statistics(self.now)

    def servers(self) -> Sequence[ServerFacts]:
        return ()

    def now(self) -> float:
        return 0.0


@dataclass(frozen=True, slots=True, eq=False)
class AaaFacts:
    """A router's AAA as a CLI session sees it."""

    radius: RadiusFacts = field(default_factory=NoServers)
    accounting: Callable[[], AccountingFacts] = AccountingFacts
    author: Callable[[], AuthorFacts] = AuthorFacts
