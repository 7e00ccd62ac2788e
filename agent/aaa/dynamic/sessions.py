"""Aaa room: which sessions the attributes of a Disconnect-Request name, and whether they name this router (RFC 5176 §3).

Every attribute of a request must be understood. All that identify the router must fit it, and a session is named if all that
identify sessions fit it. Several sessions may be named; the request is about all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, ip_address
from types import MappingProxyType
from typing import Protocol

from agent.aaa.radius.values import Attribute
from agent.config.aaa_model import DynamicAuthor
from agent.flow.model import Address
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


class Sessions(Protocol):
    """The sessions of a router that are up."""

    def sessions(self) -> Iterable[Session]:
        """All of them."""
        ...

    def accounted(self, session_id: str) -> Iterable[Session]:
        """Those with an Acct-Session-Id."""
        ...

    def users(self, session: Session) -> Collection[str | None]:
        """The names of a session's user: the one that was typed, and that of its accounting records."""
        ...


@dataclass(frozen=True, slots=True)
class Nas:
    """What identifies a router: its addresses, and its names."""

    addresses: frozenset[IPv4Address]
    names: frozenset[str]

    def is_named_by(self, attribute: Attribute) -> bool:
        """Whether an attribute that identifies a router fits this one, which speaks IPv4 alone."""
        if attribute.name == "NAS-Identifier":
            return attribute.value in self.names
        return attribute.name == "NAS-IP-Address" and _address(attribute.value) in self.addresses


Test = Callable[[Session], bool]


def _never(session: Session) -> bool:
    return False


def _in_vrf(value: str) -> Test:
    return lambda session: session.peer.vrf == value


def _of_group(value: str) -> Test:
    return lambda session: session.facts.group == value


def _with_identity(value: str) -> Test:
    return lambda session: session.peer.key.remote.value == value


def _on_interface(value: str) -> Test:
    return lambda session: session.facts.interface == value


def _on_port(value: str) -> Test:
    """Every session of ours says NAS-Port 0."""
    return lambda session: value == "0"


def _at_an_address(of: Callable[[Session], Address | None]) -> Callable[[str], Test]:
    """For attributes whose value is an address."""

    def test_of(value: str) -> Test:
        address = _address(value)
        return (lambda session: of(session) == address) if address is not None else _never

    return test_of


def _not_ours(value: str) -> Test:
    """For attributes that no session of ours has."""
    return _never


_ROUTER = frozenset({"NAS-IP-Address", "NAS-IPv6-Address", "NAS-Identifier"})
_ACCOUNTED = "Acct-Session-Id"
_USER = "User-Name"
_SESSION_KEY = "Session-Svr-Key"
_PAIR = "Cisco-AVPair"

# What identifies a session (RFC 5176 §3), with its value as the session's Accounting-Requests have it.
_SESSION: Mapping[str, Callable[[str], Test]] = MappingProxyType(
    {
        "NAS-Port": _on_port,
        "Framed-IP-Address": _at_an_address(lambda session: session.facts.assigned_address),
        "Called-Station-Id": _at_an_address(lambda session: session.peer.local_address),
        "Calling-Station-Id": _at_an_address(lambda session: session.peer.remote_address),
        "Cisco-NAS-Port": _on_interface,
        "NAS-Port-Id": _on_interface,
        "Acct-Multi-Session-Id": _not_ours,
        "Chargeable-User-Identity": _not_ours,
        "Framed-Interface-Id": _not_ours,
        "Framed-IPv6-Prefix": _not_ours,
        _SESSION_KEY: _not_ours,
    }
)
# The same of pairs of Cisco-AVPair, by what stands before the "=".
_PAIRS: Mapping[str, Callable[[str], Test]] = MappingProxyType(
    {
        "vrf-id": _in_vrf,
        "isakmp-group-id": _of_group,
        "isakmp-phase1-id": _with_identity,
        "isakmp-initator-ip": _at_an_address(lambda session: session.peer.remote_address),
        "isakmp-initiator-ip": _at_an_address(lambda session: session.peer.remote_address),
    }
)
# What a request may have beside that: it identifies nothing (RFC 5176 §3.6).
_BESIDE = frozenset({"Reply-Message", "Class", "Proxy-State", "Acct-Terminate-Cause", "Event-Timestamp", "Message-Authenticator"})
_AUTHORIZE_ONLY = Attribute("Service-Type", 17)


def refusal(attributes: Iterable[Attribute], nas: Nas) -> ErrorCause | None:
    """Why a Disconnect-Request is refused, whatever sessions there are."""
    identified = False
    for attribute in attributes:
        if attribute.name in _ROUTER:
            if not nas.is_named_by(attribute):
                return ErrorCause.NAS_IDENTIFICATION_MISMATCH
        elif _identifies(attribute):
            identified = True
        elif attribute == _AUTHORIZE_ONLY:
            return ErrorCause.UNSUPPORTED_SERVICE
        elif attribute.name not in _BESIDE:
            return ErrorCause.UNSUPPORTED_ATTRIBUTE
    return None if identified else ErrorCause.MISSING_ATTRIBUTE


def named(attributes: Iterable[Attribute], author: DynamicAuthor, router: Sessions) -> Sequence[Session]:
    """The sessions that all attributes fit, as far as `auth-type` and `ignore session-key` say that they count."""
    wanted = [attribute for attribute in attributes if _identifies(attribute) and _counts(attribute.name, author)]
    if not wanted:
        return ()
    ids = {str(attribute.value) for attribute in wanted if attribute.name == _ACCOUNTED}
    if len(ids) > 1:
        return ()
    found = [*router.accounted(ids.pop())] if ids else router.sessions()
    for attribute in wanted:
        if attribute.name == _USER:
            found = [session for session in found if attribute.value in router.users(session)]
        elif attribute.name != _ACCOUNTED:
            found = list(filter(_test(attribute), found))
    return list(found)


def _identifies(attribute: Attribute) -> bool:
    """Whether an attribute is understood, and identifies sessions."""
    if attribute.name == _PAIR:
        return _pair(attribute)[0] in _PAIRS
    return attribute.name in (_ACCOUNTED, _USER) or attribute.name in _SESSION


def _counts(name: str, author: DynamicAuthor) -> bool:
    """Whether an attribute of this name has to fit. With `auth-type session-key` a session key alone does."""
    if name == _SESSION_KEY:
        return not author.ignore_session_key
    return author.auth_type != "session-key" or author.ignore_session_key


def _test(attribute: Attribute) -> Test:
    if attribute.name == _PAIR:
        name, value = _pair(attribute)
        return _PAIRS[name](value)
    return _SESSION[attribute.name](str(attribute.value))


def _pair(attribute: Attribute) -> tuple[str, str]:
    name, _, value = str(attribute.value).partition("=")
    return name, value


def _address(value: object) -> Address | None:
    try:
        return ip_address(str(value))
    except ValueError:
        return None
