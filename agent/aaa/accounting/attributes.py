"""Aaa room: the attributes of an accounting record, in the order in which IOS sends them.

The order is that of the three records in the chapter "IPsec VPN Accounting" of Cisco's guide. Attributes of Cisco's (26) are sent
with `radius-server vsa send accounting` alone. docs/aaa.md has a table of which record has which.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    """How the router writes records: whether with attributes of Cisco's, and with gigawords.

    `identifier` is NAS-Identifier, `event` the moment of Event-Timestamp (seconds since 1970). None: the attribute is not sent.
    """

    pairs: bool = True
    gigawords: bool = True
    identifier: str | None = None
    event: int | None = None


@dataclass(frozen=True, slots=True)
class Accounted:
    """A session as its records describe it. `remote` is the identity of the peer in phase 1, `classes` are those of a server."""

    session_id: str
    vrf: str | None
    remote: Identity
    ends: PeerEnds
    facts: SessionFacts
    classes: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """For how many whole seconds a session has been up, and what it has carried. `cause` is why it has ended, if it has."""

    seconds: int
    totals: SessionTotals
    cause: Cause | None = None


def session_attributes(status: AcctStatus, who: Accounted, usage: Usage | None, sender: Sender) -> tuple[Attribute, ...]:
    """The attributes of a Start (without `usage`), an interim record or a Stop."""
    told = [Attribute("Acct-Session-Id", who.session_id), *_peer(who, sender)]
    if who.facts.user is not None:
        told.append(Attribute("User-Name", who.facts.user))
    if usage is not None:
        told += _carried(status, usage, sender)
        if usage.cause is not None:
            told.append(Attribute("Acct-Terminate-Cause", int(usage.cause.terminate)))
            if sender.pairs:
                told.append(_pair("disc-cause-ext", usage.cause.disconnect))
    told.append(Attribute("Acct-Status-Type", int(status)))
    if sender.pairs and who.facts.interface is not None:
        told.append(Attribute("Cisco-NAS-Port", who.facts.interface))
    told.append(_NAS_PORT)
    told += [Attribute("Class", each) for each in who.classes]
    told += _router(sender)
    return tuple(told)


def system_attributes(status: AcctStatus, sender: Sender) -> tuple[Attribute, ...]:
    """The attributes of Accounting-On and Accounting-Off (RFC 2866 §5.1)."""
    return (Attribute("Acct-Session-Id", SYSTEM_SESSION), Attribute("Acct-Status-Type", int(status)), *_router(sender))


def _pair(name: str, value: object) -> Attribute:
    return Attribute("Cisco-AVPair", f"{name}={value}")


_PROGRESS = _pair("connect-progress", "No Progress")
_NAS_PORT = Attribute("NAS-Port", 0)  # an IPsec session is on no port; its place is the interface that protects it


def _peer(who: Accounted, sender: Sender) -> Iterator[Attribute]:
    """The pair about the initiator is misspelt on IOS's wire, and names the remote end whoever has begun."""
    facts, remote = who.facts, who.ends.remote_address
    if sender.pairs and facts.group is not None:
        yield _pair("isakmp-group-id", facts.group)
    if isinstance(facts.assigned_address, IPv4Address):
        yield Attribute("Framed-IP-Address", str(facts.assigned_address))
    if sender.pairs:
        if who.vrf is not None:
            yield _pair("vrf-id", who.vrf)
        if isinstance(remote, IPv4Address):
            yield _pair("isakmp-initator-ip", remote)
        yield _pair("isakmp-phase1-id", who.remote.value)
        yield _PROGRESS


def _carried(status: AcctStatus, usage: Usage, sender: Sender) -> Iterator[Attribute]:
    """Counters, as far as the engine knows them."""
    totals = usage.totals
    received, sent = totals.in_outer_octets, totals.out_outer_octets
    yield Attribute("Acct-Session-Time", usage.seconds & _WORD)
    counts = [
        ("Acct-Input-Octets", received),
        ("Acct-Output-Octets", sent),
        ("Acct-Input-Packets", totals.in_packets),
        ("Acct-Output-Packets", totals.out_packets),
    ]
    # A Stop always has the gigawords, an interim record once one is needed.
    if sender.gigawords and (status is AcctStatus.STOP or max(received or 0, sent or 0) > _WORD):
        counts += [
            ("Acct-Input-Gigawords", received and received >> _GIGAWORD),
            ("Acct-Output-Gigawords", sent and sent >> _GIGAWORD),
        ]
    for name, count in counts:
        if count is not None:
            yield Attribute(name, count & _WORD)


def _router(sender: Sender) -> Iterator[Attribute]:
    yield NAS_IP_ADDRESS
    if sender.identifier:
        yield Attribute("NAS-Identifier", sender.identifier)
    if sender.event is not None:
        yield Attribute("Event-Timestamp", sender.event & _WORD)
    yield ACCT_DELAY_TIME
