"""Aaa room: the attributes of an accounting record, in the order in which IOS sends them.

The order is that of the three records in the chapter "IPsec VPN Accounting" of Cisco's guide. Attributes of Cisco's (26) are sent
with `radius-server vsa send accounting` alone. docs/aaa.md has a table of which record has which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from agent.aaa.accounting.causes import Cause
from agent.aaa.accounting.record import ACCT_DELAY_TIME, AcctStatus
from agent.aaa.radius.values import NAS_IP_ADDRESS, Attribute
from agent.flow.model import Identity, PeerEnds
from agent.flow.sessions import SessionFacts, SessionTotals

_WORD = 0xFFFF_FFFF
_GIGAWORD = 32  # Acct-Input-Gigawords counts how often 2³² octets have gone by (RFC 2869 §5.1)
SYSTEM_SESSION = "00000000"  # Acct-Session-Id of what is about the router, and no session


@dataclass(frozen=True, slots=True)
class Sender:
    """How the router writes records: whether with attributes of Cisco's, and the moment (seconds since 1970) of Event-Timestamp."""

    pairs: bool = True
    event: int | None = None


@dataclass(frozen=True, slots=True)
class Accounted:
    """A session as its records describe it. `remote` is the identity of the peer in phase 1."""

    session_id: str
    vrf: str | None
    remote: Identity
    ends: PeerEnds
    facts: SessionFacts


@dataclass(frozen=True, slots=True)
class Usage:
    """For how many whole seconds a session has been up, and what it has carried. `cause` is why it has ended, if it has."""

    seconds: int
    totals: SessionTotals
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class _Told:
    status: AcctStatus
    who: Accounted
    usage: Usage | None
    sender: Sender


def session_attributes(status: AcctStatus, who: Accounted, usage: Usage | None, sender: Sender) -> tuple[Attribute, ...]:
    """The attributes of a Start (without `usage`), an interim record or a Stop."""
    told = _Told(status, who, usage, sender)
    return tuple([attribute for part in _PARTS for attribute in part(told)])


def system_attributes(status: AcctStatus, sender: Sender) -> tuple[Attribute, ...]:
    """The attributes of Accounting-On and Accounting-Off (RFC 2866 §5.1)."""
    return (Attribute("Acct-Session-Id", SYSTEM_SESSION), Attribute("Acct-Status-Type", int(status)), *_router(sender))


def _pair(name: str, value: object) -> Attribute:
    return Attribute("Cisco-AVPair", f"{name}={value}")


def _session(told: _Told) -> Iterable[Attribute]:
    return (Attribute("Acct-Session-Id", told.who.session_id),)


def _group(told: _Told) -> Iterator[Attribute]:
    if told.sender.pairs and told.who.facts.group is not None:
        yield _pair("isakmp-group-id", told.who.facts.group)


def _assigned(told: _Told) -> Iterator[Attribute]:
    address = told.who.facts.assigned_address
    if isinstance(address, IPv4Address):
        yield Attribute("Framed-IP-Address", str(address))


def _peer(told: _Told) -> Iterator[Attribute]:
    """The pair about the initiator is misspelt on IOS's wire, and names the remote end whoever has begun."""
    who = told.who
    if not told.sender.pairs:
        return
    if who.vrf is not None:
        yield _pair("vrf-id", who.vrf)
    if isinstance(who.ends.remote_address, IPv4Address):
        yield _pair("isakmp-initator-ip", who.ends.remote_address)
    yield _pair("isakmp-phase1-id", who.remote.value)
    yield _pair("connect-progress", "No Progress")


def _user(told: _Told) -> Iterator[Attribute]:
    if told.who.facts.user is not None:
        yield Attribute("User-Name", told.who.facts.user)


def _usage(told: _Told) -> Iterator[Attribute]:
    usage = told.usage
    if usage is None:
        return
    totals = usage.totals
    octets = totals.in_outer_octets, totals.out_outer_octets
    yield Attribute("Acct-Session-Time", usage.seconds & _WORD)
    yield from _counts(("Acct-Input-Octets", octets[0]), ("Acct-Output-Octets", octets[1]))
    yield from _counts(("Acct-Input-Packets", totals.in_packets), ("Acct-Output-Packets", totals.out_packets))
    # A Stop always has the gigawords, an interim record where it needs them.
    if told.status is AcctStatus.STOP or any(each is not None and each > _WORD for each in octets):
        gigawords = [None if each is None else each >> _GIGAWORD for each in octets]
        yield from _counts(("Acct-Input-Gigawords", gigawords[0]), ("Acct-Output-Gigawords", gigawords[1]))


def _counts(*counts: tuple[str, int | None]) -> Iterator[Attribute]:
    """Counters, as far as the engine knows them."""
    return (Attribute(name, count & _WORD) for name, count in counts if count is not None)


def _cause(told: _Told) -> Iterator[Attribute]:
    cause = told.usage.cause if told.usage is not None else None
    if cause is not None:
        yield Attribute("Acct-Terminate-Cause", int(cause.terminate))
        if told.sender.pairs:
            yield _pair("disc-cause-ext", cause.disconnect)


def _status(told: _Told) -> Iterable[Attribute]:
    return (Attribute("Acct-Status-Type", int(told.status)),)


def _port(told: _Told) -> Iterator[Attribute]:
    """An IPsec session is on no port (NAS-Port 0). Its place is the interface that protects it."""
    if told.sender.pairs and told.who.facts.interface is not None:
        yield Attribute("Cisco-NAS-Port", told.who.facts.interface)
    yield Attribute("NAS-Port", 0)


def _router(sender: Sender) -> Iterator[Attribute]:
    yield NAS_IP_ADDRESS
    if sender.event is not None:
        yield Attribute("Event-Timestamp", sender.event & _WORD)
    yield ACCT_DELAY_TIME


_PARTS: tuple[Callable[[_Told], Iterable[Attribute]], ...] = (
    _session,
    _group,
    _assigned,
    _peer,
    _user,
    _usage,
    _cause,
    _status,
    _port,
    lambda told: _router(told.sender),
)
