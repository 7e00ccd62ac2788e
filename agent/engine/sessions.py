"""Engine room: sessions as a request and a display see them: where their ends are, and the status that IOS gives each.

A session that is up is a fact of the flow monitor. What has no IPsec SA is known by its phase-1 SAs alone, which the engine tells.
The rules of the status are those of `show crypto session` in the Cisco IOS Security Command Reference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from agent.engine.values import Phase1Sa, SessionEnds
from agent.flow.model import PeerEnds, nat_port_of
from agent.flow.sessions import Session


class SessionStatus(Enum):
    """As IOS prints it."""

    UP_ACTIVE = "UP-ACTIVE"  # SAs of both phases
    UP_IDLE = "UP-IDLE"  # a phase-1 SA alone
    UP_NO_IKE = "UP-NO-IKE"  # IPsec SAs alone
    DOWN_NEGOTIATING = "DOWN-NEGOTIATING"  # a phase-1 SA that is being negotiated, and nothing else
    DOWN = "DOWN"


# By whether there are IPsec SAs, a phase-1 SA that is up, one that is being negotiated.
_STATUS = {
    (ipsec, active, negotiating): status
    for ipsec, active, statuses in (
        (True, True, (SessionStatus.UP_ACTIVE, SessionStatus.UP_ACTIVE)),
        (True, False, (SessionStatus.UP_NO_IKE, SessionStatus.UP_NO_IKE)),
        (False, True, (SessionStatus.UP_IDLE, SessionStatus.UP_IDLE)),
        (False, False, (SessionStatus.DOWN, SessionStatus.DOWN_NEGOTIATING)),
    )
    for negotiating, status in zip((False, True), statuses, strict=True)
}


def status_of(session: Session | None, sas: Iterable[Phase1Sa]) -> SessionStatus:
    """The status of an association by its session, None where it has none up, and its phase-1 SAs."""
    up = {sa.index != 0 for sa in sas}
    return _STATUS[session is not None, True in up, False in up]


@dataclass(frozen=True, slots=True)
class ShownSession:
    """One association of two ends: its session where it has one up, and its phase-1 SAs, oldest first."""

    ends: PeerEnds
    inside_vrf: str | None
    session: Session | None
    sas: tuple[Phase1Sa, ...]

    @property
    def status(self) -> SessionStatus:
        return status_of(self.session, self.sas)


def shown_sessions(sessions: Iterable[Session], sas: Iterable[Phase1Sa]) -> list[ShownSession]:
    """Every association that has an SA of either phase, one being negotiated too: those with a session first."""
    up = list(sessions)
    by_tunnel = {tunnel.index: session for session in up for tunnel in session.peer.ike_tunnels}
    by_place = {_place(session.peer.ends): session for session in reversed(up)}
    of_session: dict[int, list[Phase1Sa]] = {session.id: [] for session in up}
    others: dict[tuple[object, ...], list[Phase1Sa]] = {}
    for sa in sas:
        place = _place(sa.ends)
        session = by_tunnel.get(sa.index) if sa.index else by_place.get(place)
        found = others.setdefault((*place, sa.inside_vrf), []) if session is None else of_session[session.id]
        found.append(sa)
    return [
        *(ShownSession(session.peer.ends, session.vrf, session, tuple(of_session[session.id])) for session in up),
        *(ShownSession(found[-1].ends, found[-1].inside_vrf, None, tuple(found)) for found in others.values()),
    ]


def _place(ends: PeerEnds) -> tuple[object, ...]:
    """What tells two ends from others: the ports of ISAKMP itself are one place, one that a NAT gave is another."""
    return ends.front_vrf, ends.local_address, ends.remote_address, nat_port_of(ends)


def ends_of(session: Session) -> SessionEnds:
    """What a filter looks at of a session that is up."""
    return SessionEnds(session.peer.ends, session.vrf, session.facts.interface)
