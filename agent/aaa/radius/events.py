"""Aaa room: what happens between a router and its RADIUS servers. `debug radius` and the statistics are made of these events."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from agent.aaa.radius.values import Code, Place, ServerName


class Discarded(Enum):
    """Why a datagram from a server is not taken as an answer."""

    MALFORMED = "malformed"
    AUTHENTICATOR = "authenticator"  # wrong secret, or forged (RFC 2865 §3)
    NO_MESSAGE_AUTHENTICATOR = "no message authenticator"
    MESSAGE_AUTHENTICATOR = "message authenticator"  # it is there, and wrong (RFC 2869 §5.14)
    PROXY_STATE = "proxy state"  # that we have not sent (RFC 2865 §5.33), and no Message-Authenticator
    CODE = "code"  # no answer to this kind of request
    UNKNOWN = "unknown"  # no request has this identifier: late, duplicate, or forged
    SOURCE = "source"  # no server of ours has this address and port


@dataclass(frozen=True, slots=True)
class Sent:
    """A request went to a server for the `attempt`th time, from 1. `octets` is the packet; `about` is as in `Request`.

    `server` is where the packet goes, `name` the server as messages name it. `status` is the Acct-Status-Type of an
    Accounting-Request. `source` is the port that it leaves from.
    """

    about: int
    name: ServerName
    server: Place
    octets: bytes
    attempt: int
    nas_address: str
    status: int | None = None
    source: int = 0


@dataclass(frozen=True, slots=True)
class Received:
    """A valid answer came. `delay` is in seconds, since the request's last transmission; `status` is as in `Sent`.

    `source` is the port that the request was sent from, for IOS's `id SOURCE/ID`.
    """

    about: int
    name: ServerName
    server: Place
    octets: bytes
    source: int
    delay: float
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A datagram was discarded. `name` is the server that the request went to, None if there is no such request.

    `source` is the port that it came to.
    """

    reason: Discarded
    name: ServerName | None
    server: Place
    octets: bytes
    source: int = 0


@dataclass(frozen=True, slots=True)
class NoResponse:
    """A server has not answered the last retransmission of a request. `more`: the next server is asked.

    `status` and `source` are as in `Sent`.
    """

    about: int
    name: ServerName
    server: Place
    code: Code
    identifier: int
    more: bool
    status: int | None = None
    source: int = 0


@dataclass(frozen=True, slots=True)
class ServerDead:
    """A server is marked as dead: it has not answered for the time and the tries of `radius-server dead-criteria`."""

    server: ServerName


@dataclass(frozen=True, slots=True)
class ServerAlive:
    """A server that was dead is marked as alive: its dead time is over, or it has answered a request to `group`."""

    server: ServerName
    group: str | None = None  # None: its dead time is over


@dataclass(frozen=True, slots=True)
class AllServersDead:
    """Every server of a group is dead; they are asked all the same."""

    about: int
    group: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """A request is not sent to a server, because it is outside loopback, and the lab may send nothing there."""

    name: ServerName
    server: Place


RadiusEvent = Sent | Received | Refused | NoResponse | ServerDead | ServerAlive | AllServersDead | Withheld


@dataclass(frozen=True, slots=True)
class AuthorAsked:
    """A server has asked for something by a request of its own (RFC 5176). `port` is ours; `reply` None: it gets none."""

    client: Place
    octets: bytes
    reply: bytes | None
    port: int
