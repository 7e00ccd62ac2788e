"""Aaa room: which sessions the attributes of a Disconnect-Request name, and whether they name this router (RFC 5176 §3).

Every attribute of a request must be understood. All that identify the router must fit it, and a session is named if all that
identify sessions fit it. Several sessions may be named; the request is about all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, ip_address
from types import MappingProxyType

from agent.aaa.radius.values import Attribute
from agent.config.aaa_model import DynamicAuthor
from agent.flow.sessions import Session


class ErrorCause(IntEnum):
    """Why a request is not carried out: Error-Cause (RFC 5176 §3.5)."""

    UNSUPPORTED_ATTRIBUTE = 401
    MISSING_ATTRIBUTE = 402
    NAS_IDENTIFICATION_MISMATCH = 403
    INVALID_REQUEST = 404
    UNSUPPORTED_SERVICE = 405
    UNSUPPORTED_EXTENSION = 406
    SESSION_CONTEXT_NOT_FOUND = 503
    SESSION_CONTEXT_NOT_REMOVABLE = 504

    @property
    def words(self) -> str:
        """Its name, for the log."""
        return self.name.replace("_", " ").lower()


@dataclass(frozen=True, slots=True)
class Nas:
    """What identifies a router: its addresses, and its name."""

    addresses: frozenset[IPv4Address]
    name: str

    def is_named_by(self, attribute: Attribute) -> bool:
        """Whether an attribute that identifies a router fits this one, which speaks IPv4 alone."""
        if attribute.name == "NAS-Identifier":
            return attribute.value == self.name
        return attribute.name == "NAS-IP-Address" and _address(attribute.value) in self.addresses


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session that may be meant, and its Acct-Session-Id if it is accounted for."""

    session: Session
    accounting_id: str | None


_ROUTER = frozenset({"NAS-IP-Address", "NAS-IPv6-Address", "NAS-Identifier"})
_NOTHING: tuple[str, ...] = ()
_SESSION_KEY = "Session-Svr-Key"
_PAIR = "Cisco-AVPair"

# What identifies a session (RFC 5176 §3), as its Accounting-Requests have it. With _NOTHING no session of ours has the attribute.
_SESSION: Mapping[str, Callable[[Candidate], Iterable[object]]] = MappingProxyType(
    {
        "User-Name": lambda found: _known(found.session.facts.user),
        "NAS-Port": lambda found: ("0",),
        "Framed-IP-Address": lambda found: _known(found.session.facts.assigned_address),
        "Called-Station-Id": lambda found: (found.session.peer.local_address,),
        "Calling-Station-Id": lambda found: (found.session.peer.remote_address,),
        "Acct-Session-Id": lambda found: _known(found.accounting_id),
        "Cisco-NAS-Port": lambda found: _known(found.session.facts.interface),
        "NAS-Port-Id": lambda found: _known(found.session.facts.interface),
        "Acct-Multi-Session-Id": lambda found: _NOTHING,
        "Chargeable-User-Identity": lambda found: _NOTHING,
        "Framed-Interface-Id": lambda found: _NOTHING,
        "Framed-IPv6-Prefix": lambda found: _NOTHING,
        _SESSION_KEY: lambda found: _NOTHING,
    }
)
# The same of pairs of Cisco-AVPair, by what stands before the "=".
_PAIRS: Mapping[str, Callable[[Session], Iterable[object]]] = MappingProxyType(
    {
        "vrf-id": lambda session: _known(session.vrf),
        "isakmp-group-id": lambda session: _known(session.facts.group),
        "isakmp-phase1-id": lambda session: (session.peer.key.remote.value,),
        "isakmp-initator-ip": lambda session: (session.peer.remote_address,),
        "isakmp-initiator-ip": lambda session: (session.peer.remote_address,),
    }
)
# What a request may have beside that: it identifies nothing (RFC 5176 §3.6).
_BESIDE = frozenset({"Reply-Message", "Class", "Proxy-State", "Acct-Terminate-Cause", "Event-Timestamp", "Message-Authenticator"})
_SERVICE = "Service-Type"
_AUTHORIZE_ONLY = 17


def refusal(attributes: Iterable[Attribute], nas: Nas) -> ErrorCause | None:
    """Why a Disconnect-Request is refused, whatever sessions there are."""
    named = 0
    for attribute in attributes:
        if attribute.name in _ROUTER:
            if not nas.is_named_by(attribute):
                return ErrorCause.NAS_IDENTIFICATION_MISMATCH
        elif attribute.name in _SESSION or (attribute.name == _PAIR and _pair(attribute)[0] in _PAIRS):
            named += 1
        elif attribute == Attribute(_SERVICE, _AUTHORIZE_ONLY):
            return ErrorCause.UNSUPPORTED_SERVICE
        elif attribute.name not in _BESIDE:
            return ErrorCause.UNSUPPORTED_ATTRIBUTE
    return None if named else ErrorCause.MISSING_ATTRIBUTE


def named(attributes: Iterable[Attribute], author: DynamicAuthor, sessions: Iterable[Candidate]) -> Iterator[Candidate]:
    """The sessions that all attributes fit, as far as `auth-type` and `ignore session-key` say that they count."""
    wanted = [attribute for attribute in attributes if _counts(attribute.name, author)]
    if wanted:
        for session in sessions:
            if all(_fits(session, attribute) for attribute in wanted):
                yield session


def _counts(name: str, author: DynamicAuthor) -> bool:
    """Whether an attribute of this name has to fit. With `auth-type session-key` a session key alone does."""
    if name == _SESSION_KEY:
        return not author.ignore_session_key
    return (name == _PAIR or name in _SESSION) and (author.auth_type != "session-key" or author.ignore_session_key)


def _fits(found: Candidate, attribute: Attribute) -> bool:
    if attribute.name == _PAIR:
        name, value = _pair(attribute)
        return any(str(own) == value for own in _PAIRS[name](found.session))
    return any(str(own) == str(attribute.value) for own in _SESSION[attribute.name](found))


def _pair(attribute: Attribute) -> tuple[str, str]:
    name, _, value = str(attribute.value).partition("=")
    return name, value


def _known(value: object | None) -> tuple[object, ...]:
    return _NOTHING if value is None else (value,)


def _address(value: object) -> object:
    try:
        return ip_address(str(value))
    except ValueError:
        return None
