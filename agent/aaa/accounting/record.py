"""Aaa room: an accounting record: what is to be said to a server about a session, or about the router.

It is complete but for what belongs to one attempt of sending it: the packet's identifier, Acct-Delay-Time and the authenticator.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from agent.aaa.radius.values import Attribute


class AcctStatus(IntEnum):
    """Acct-Status-Type (RFC 2866 §5.1)."""

    START = 1
    STOP = 2
    INTERIM = 3
    ON = 7
    OFF = 8


@dataclass(frozen=True, slots=True)
class AccountingRecord:
    """One record. `session` is its Acct-Session-Id. Records of one session are sent in order.

    `groups` are the groups of servers of the list: with `broadcast` each gets the record, without it the first that answers.
    `attributes` are all of the packet, in its order, with `ACCT_DELAY_TIME` at the place of Acct-Delay-Time.
    `moment` is when it happened, in seconds since 1970 by the real clock.
    """

    status: AcctStatus
    session: str
    attributes: tuple[Attribute, ...]
    groups: tuple[str, ...]
    broadcast: bool
    moment: float


ACCT_DELAY_TIME = Attribute("Acct-Delay-Time", 0)
