"""Aaa room: dynamic authorisation without I/O: a datagram of a server comes, is carried out, and gets its reply (RFC 5176).

A Disconnect-Request ends the sessions that it names. A CoA-Request is refused, because nothing about a session can be changed. A
datagram of somebody whom the configuration does not name gets no reply, nor one that is not genuine. Both are counted.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from agent.aaa.dynamic.sessions import ErrorCause, Nas, Sessions, named, refusal
from agent.aaa.facts import AskedFor, AuthorClientFacts, AuthorFacts
from agent.aaa.radius.attributes import MalformedError, UnwritableError
from agent.aaa.radius.events import Discarded
from agent.aaa.radius.packets import Packets, check_request, identifier_of, whole
from agent.aaa.radius.servers import key_of
from agent.aaa.radius.values import Attribute, Code
from agent.base.endpoints import Endpoint
from agent.base.limited_log import LimitedLog
from agent.config.aaa_model import DynamicAuthor, DynamicAuthorClient
from agent.config.model import RouterConfig
from agent.flow.sessions import Session

_REMEMBERED = 30.0  # seconds in which a request that comes again gets the same reply (RFC 5080 §2.2.2)
_WINDOW = 300  # seconds by which an Event-Timestamp may be off (RFC 5176 §6.3)
_MOST_REMEMBERED = 4096
_ADMIN_RESET = 6  # Acct-Terminate-Cause (RFC 2866 §5.10)
_AUTHENTICATOR = slice(4, 20)

_REPLIES = {  # by request: the reply to one that is carried out, and to one that is not
    Code.DISCONNECT_REQUEST: (Code.DISCONNECT_ACK, Code.DISCONNECT_NAK),
    Code.COA_REQUEST: (Code.COA_ACK, Code.COA_NAK),
}


class Dropped(Enum):
    """Why a datagram gets no reply, beside what `Discarded` has."""

    NO_KEY = "no key"  # the configuration has none for this client
    STALE = "stale"  # its Event-Timestamp is too far from the present


@dataclass(slots=True)
class ClientCounts:
    """What the datagrams of one client have come to (RFC 4673 has such counters)."""

    requests: Counter[Code] = field(default_factory=Counter)
    duplicates: int = 0
    acks: Counter[Code] = field(default_factory=Counter)  # by the request
    naks: Counter[tuple[Code, ErrorCause]] = field(default_factory=Counter)
    sessions: int = 0  # that were ended
    dropped: Counter[Discarded | Dropped] = field(default_factory=Counter)

    def facts(self, address: str) -> AuthorClientFacts:
        return AuthorClientFacts(
            address,
            disconnects=self._asked(Code.DISCONNECT_REQUEST),
            changes=self._asked(Code.COA_REQUEST),
            duplicates=self.duplicates,
            ended=self.sessions,
            dropped=self.dropped.total(),
        )

    def _asked(self, code: Code) -> AskedFor:
        naks = sum(number for (asked, _), number in self.naks.items() if asked is code)
        return AskedFor(self.requests[code], self.acks[code], naks)


class Controlled(Sessions, Protocol):
    """The router, as far as its servers can control it."""

    def nas(self) -> Nas:
        """What identifies the router."""
        ...

    def end(self, found: Sequence[Session], client: str) -> bool:
        """End all of these sessions or none, for a server of this address; whether they have been ended."""
        ...


@dataclass(frozen=True, slots=True)
class _Request:
    """A genuine request. `attributes` is None if the value of one has not the form of its type."""

    code: Code
    octets: bytes
    key: bytes
    source: Endpoint
    attributes: tuple[Attribute, ...] | None

    def values(self, name: str) -> Iterator[str | int | bytes]:
        return (attribute.value for attribute in self.attributes or () if attribute.name == name)

    @property
    def stamps(self) -> list[int]:
        """Its Event-Timestamps."""
        return [int(stamp) for stamp in self.values("Event-Timestamp")]


class _Replies:
    """The replies of the last `span` seconds. `what` tells requests apart; the oldest replies go where there are too many."""

    def __init__(self, span: float) -> None:
        self._span = span
        self._kept: OrderedDict[Hashable, tuple[float, bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, what: Hashable, now: float) -> bytes | None:
        while self._kept and now - next(iter(self._kept.values()))[0] >= self._span:
            self._kept.popitem(last=False)
        found = self._kept.get(what)
        return found[1] if found is not None else None

    def keep(self, what: Hashable, now: float, reply: bytes) -> None:
        self._kept[what] = now, reply
        if len(self._kept) > _MOST_REMEMBERED:
            self._kept.popitem(last=False)


class DynamicAuthorServer:
    """Replies to the requests of the clients of `aaa server radius dynamic-author`."""

    def __init__(self, config: RouterConfig, router: Controlled, log: LimitedLog) -> None:
        self._config = config
        self._router = router
        self._log = log
        self._packets = Packets()
        self._replies = _Replies(_REMEMBERED)
        self._dated_replies = _Replies(2 * _WINDOW)  # to requests with an Event-Timestamp: for as long as it can be valid
        self.counts: dict[str, ClientCounts] = {}  # by the client's address
        self.strangers = 0  # datagrams of somebody whom the configuration does not name

    def facts(self) -> AuthorFacts:
        """What show commands ask."""
        return AuthorFacts([counts.facts(address) for address, counts in self.counts.items()], self.strangers)

    def received(self, datagram: bytes, source: Endpoint, now: float, date: float) -> bytes | None:
        """The reply to a datagram; None if it gets none.

        `now` is in seconds of a clock that never falls, `date` in seconds since 1970.
        """
        author = self._config.radius.dynamic_author
        client = _client(author, source[0])
        if author is None or client is None:
            self.strangers += 1
            self._log.info("%s: %s is no client of dynamic-author", *self._whose(source))
            return None
        counts = self.counts.setdefault(source[0], ClientCounts())
        request = self._genuine(datagram, source, author, client)
        if isinstance(request, _Request) and any(abs(date - stamp) > _WINDOW for stamp in request.stamps):
            request = Dropped.STALE
        if not isinstance(request, _Request):
            counts.dropped[request] += 1
            self._log.warning("%s: a request of dynamic-author's client %s is dropped: %s", *self._whose(source), request.value)
            return None
        # A copy of a request with an Event-Timestamp is known from whichever port it comes (RFC 5176 §6.3).
        replies, sender = (self._dated_replies, source[0]) if request.stamps else (self._replies, source)
        what = sender, identifier_of(request.octets), request.octets[_AUTHENTICATOR]
        reply = replies.find(what, now)
        if reply is not None:
            counts.duplicates += 1
            return reply
        reply = self._answer(request, author, counts)
        replies.keep(what, now, reply)
        return reply

    def _whose(self, source: Endpoint) -> tuple[str, str]:
        """The router and the client, for the log."""
        return self._config.hostname, source[0]

    def _genuine(
        self, datagram: bytes, source: Endpoint, author: DynamicAuthor, client: DynamicAuthorClient
    ) -> _Request | Discarded | Dropped:
        """The request in a datagram, or why there is none."""
        octets = whole(datagram)
        if octets is None:
            return Discarded.MALFORMED
        if octets[0] not in _REPLIES:
            return Discarded.CODE
        key = _key(author, client)
        if key is None:
            return Dropped.NO_KEY
        flaw = None if author.ignore_server_key else check_request(octets, key)
        if flaw is not None:
            return flaw
        try:
            attributes = self._packets.attributes(octets, key, octets[_AUTHENTICATOR])
        except MalformedError:
            attributes = None
        return _Request(Code(octets[0]), octets, key, source, attributes)

    def _answer(self, request: _Request, author: DynamicAuthor, counts: ClientCounts) -> bytes:
        """Carry out a request. Its Proxy-States come back as they are, and a Message-Authenticator if it has one."""
        counts.requests[request.code] += 1
        cause = self._carry_out(request, author, counts)
        ack, nak = _REPLIES[request.code]
        if cause is None:
            counts.acks[request.code] += 1
            self._log.info("%s: a request of dynamic-author's client %s is carried out", *self._whose(request.source))
            told = Attribute("Acct-Terminate-Cause", _ADMIN_RESET)  # RFC 5176 §2.1
        else:
            counts.naks[request.code, cause] += 1
            self._log.info("%s: a request of dynamic-author's client %s is refused: %s", *self._whose(request.source), cause.words)
            told = Attribute("Error-Cause", cause)
        states = [Attribute("Proxy-State", value) for value in request.values("Proxy-State")]
        code, signed = nak if cause else ack, any(request.values("Message-Authenticator"))
        try:
            return self._packets.response(code, [told, *states], request.octets, request.key, signed)
        except UnwritableError:  # Proxy-States fill the packet; they come back whole (RFC 5176 §3.6), and the other is optional
            return self._packets.response(code, states, request.octets, request.key, signed)

    def _carry_out(self, request: _Request, author: DynamicAuthor, counts: ClientCounts) -> ErrorCause | None:
        """Do what a request asks, or say why it cannot be done."""
        if request.code is Code.COA_REQUEST:
            return ErrorCause.UNSUPPORTED_EXTENSION
        if request.attributes is None:
            return ErrorCause.INVALID_REQUEST
        cause = refusal(request.attributes, self._router.nas())
        if cause is not None:
            return cause
        found = named(request.attributes, author, self._router)
        if not found:
            return ErrorCause.SESSION_CONTEXT_NOT_FOUND
        if not self._router.end(found, request.source[0]):
            return ErrorCause.SESSION_CONTEXT_NOT_REMOVABLE
        counts.sessions += len(found)
        return None


def _client(author: DynamicAuthor | None, address: str) -> DynamicAuthorClient | None:
    clients = author.clients if author is not None else ()
    return next((client for client in clients if str(client.address) == address), None)


def _key(author: DynamicAuthor, client: DynamicAuthorClient) -> bytes | None:
    """The key of a client, or that of all; None if there is none. Where keys are ignored, it is needed for the reply alone."""
    return key_of(client.key or author.key) or (b"" if author.ignore_server_key else None)
