"""Flow room: sessions: an association of two ends from its first pair of IPsec SAs to its last.

A session is up while its association (`model.Peer`) has an IPsec tunnel. It has the association's IKE and IPsec tunnels, and its
ends, which may move behind a NAT. Its totals outlive rekeys and the tunnels within it. `show crypto session` and its
clear, the session messages of syslog, and accounting read sessions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import lru_cache
from operator import attrgetter

from agent.flow.counters import Counts, IpsecCounter
from agent.flow.model import Address, IkeFacts, Peer


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """The facts about the remote end of a session, from when it came up.

    `description` is that of `crypto isakmp peer address`. `interface` is ours, the one whose crypto map or protection it is.
    `user`, `group` and `assigned_address` are a remote-access client's.
    """

    description: str = ""
    profile: str | None = None
    interface: str | None = None
    user: str | None = None
    group: str | None = None
    assigned_address: Address | None = None


def session_facts(ike: IkeFacts, interface: str | None) -> SessionFacts:
    """The facts of a session, from the IKE tunnel and the interface of its first IPsec tunnel."""
    return _shared(ike.description, ike.profile, interface, ike.user, ike.client_group, ike.assigned_address)


# Equal facts are one object: there may be a hundred thousand sessions with the same.
_shared = lru_cache(maxsize=4096)(SessionFacts)


@dataclass(frozen=True, slots=True)
class SessionTotals:
    """What a session has carried. Inner octets are those of unprotected packets, outer octets those on the wire.

    A total is None if one of its tunnels does not know the counter.
    """

    in_packets: int | None = 0
    in_inner_octets: int | None = 0
    in_outer_octets: int | None = 0
    out_packets: int | None = 0
    out_inner_octets: int | None = 0
    out_outer_octets: int | None = 0

    def plus(self, counts: Iterable[int | None]) -> SessionTotals:
        """The totals plus a tunnel's counters, in this order."""
        had = _numbers(self)
        return SessionTotals(*[None if old is None or new is None else old + new for old, new in zip(had, counts, strict=True)])


_numbers = attrgetter(*(field.name for field in fields(SessionTotals)))
NOTHING_CARRIED = SessionTotals()
_SUMMED = (
    IpsecCounter.IN_PACKETS,
    IpsecCounter.IN_OCTETS,
    IpsecCounter.IN_OUTER_OCTETS,
    IpsecCounter.OUT_PACKETS,
    IpsecCounter.OUT_INNER_OCTETS,
    IpsecCounter.OUT_OCTETS,
)


@dataclass(slots=True, eq=False)
class Session:
    """A session that is up. `id` rises router-wide from 1. `ended` are the totals of its ended tunnels."""

    id: int
    peer: Peer
    facts: SessionFacts
    start: int
    ended: SessionTotals = NOTHING_CARRIED

    @property
    def vrf(self) -> str | None:
        """The inside VRF."""
        return self.peer.vrf

    def totals(self, now: int) -> SessionTotals:
        """What it has carried until a moment."""
        totals = self.ended
        for tunnel in self.peer.ipsec_tunnels.values():
            totals = totals.plus([tunnel.counters.value(counter, now) for counter in _SUMMED])
        return totals

    def tunnel_ended(self, counted: Counts) -> None:
        """A tunnel of it has ended with these counters."""
        self.ended = self.ended.plus(counted[counter] for counter in _SUMMED)
