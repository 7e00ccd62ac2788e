"""Engine room: sessions as a request and a display see them: their ends, what they protect, and the status that IOS gives each.

A session that is up is a fact of the flow monitor. An association without an IPsec SA is one of the monitor's peers, or is known by
the phase-1 SAs that the engine tells. A peer that the configuration names and that has no SA at all is a session that is down. The
rules of the status are those of `show crypto session` in the Cisco IOS Security Command Reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import IPv4Address

from agent.base.work import STEPS, Work
from agent.config.model import RouterConfig
from agent.config.protection import Protection, line_of, protections
from agent.engine.flows import selector_of
from agent.engine.port import Node
from agent.engine.values import ANY, EVERY_SESSION, Phase1Sa, SessionEnds, SessionFilter
from agent.flow.model import Address, Endpoint, IkeTunnel, IpsecTunnel, Peer, PeerEnds, nat_port_of
from agent.flow.sessions import Session, SessionFacts, session_facts


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


@dataclass(frozen=True, slots=True)
class ShownFlow:
    """What two selectors protect. `tunnel` carries it; None if there is no SA for it."""

    local: Endpoint
    remote: Endpoint
    tunnel: IpsecTunnel | None = None


@dataclass(frozen=True, slots=True)
class ShownSession:
    """One association of two ends, or a configured peer without one.

    `peer` is its row in the flow monitor, with the tunnels of both phases. `negotiating` are its phase-1 SAs that are not up yet,
    oldest first. `protections` are the parts of the configuration that name both its ends. `facts` are those of the session where
    it is up, else those of its newest phase 1 or of the configuration.
    """

    ends: PeerEnds
    inside_vrf: str | None
    facts: SessionFacts
    peer: Peer | None = None
    negotiating: tuple[Phase1Sa, ...] = ()
    protections: tuple[Protection, ...] = ()

    @property
    def session(self) -> Session | None:
        return self.peer.session if self.peer is not None else None

    @property
    def ike_tunnels(self) -> tuple[IkeTunnel, ...]:
        """Oldest first."""
        return tuple(self.peer.ike_tunnels) if self.peer is not None else ()

    @property
    def status(self) -> SessionStatus:
        return _STATUS[self.session is not None, bool(self.ike_tunnels), bool(self.negotiating)]

    @property
    def start(self) -> int | None:
        """When it came up: with its first IPsec SAs, else with its phase 1; None of one that is down."""
        if self.session is not None:
            return self.session.start
        return self.peer.start if self.peer is not None else None

    @property
    def phase1_id(self) -> str | None:
        """The identity that the peer has told; None before it has."""
        return self.peer.key.remote.value if self.peer is not None else None

    def flows(self) -> Iterator[ShownFlow]:
        """What it protects: each line of the access lists, with the tunnels that carry it; then tunnels of no line."""
        carried: dict[tuple[object, ...], list[IpsecTunnel]] = {}
        for tunnel in list(self.peer.ipsec_tunnels.values()) if self.peer is not None else ():
            facts = tunnel.facts
            carried.setdefault((facts.map_name, facts.map_sequence, facts.acl_entry), []).append(tunnel)
        told: set[tuple[object, ...]] = set()  # a map with `local-address` may be on several interfaces
        for protection in self.protections:
            for rule in protection.rules:
                key = protection.map_name, protection.sequence, line_of(protection.entry, rule.text)
                if key in carried:
                    yield from _carried(carried.pop(key))
                elif rule.permit and key not in told:
                    yield ShownFlow(*selector_of(rule))
                told.add(key)
        for tunnels in carried.values():
            yield from _carried(tunnels)


def _carried(tunnels: Iterable[IpsecTunnel]) -> Iterator[ShownFlow]:
    return (ShownFlow(*ends, tunnel) for tunnel in tunnels for ends in tunnel.facts.endpoints)


class Sides:
    """What the configuration says of associations: at which interface of ours one is and, once `read`, what protects them."""

    def __init__(self, config: RouterConfig) -> None:
        self._config = config
        # By inside VRF: what names its peers, as a dynamic map does not.
        self.static: dict[str | None, list[Protection]] = {}
        self._between: dict[tuple[object, ...], list[Protection]] = {}
        self._by_address: dict[tuple[str | None, Address], str] = {}
        for interface in config.interfaces.values():
            for address in interface.addresses:
                self._by_address.setdefault((interface.vrf, address.ip), interface.name)

    def read(self) -> Work[None]:
        """Read what the configuration protects, which may be thousands of map entries."""
        for number, protection in enumerate(protections(self._config), 1):
            if not protection.dynamic:
                self.static.setdefault(protection.inside_vrf, []).append(protection)
                for remote in protection.peers:
                    self._between.setdefault((protection.front_vrf, protection.local, remote), []).append(protection)
            if number % STEPS == 0:
                yield

    def protecting(self, ends: PeerEnds, inside_vrf: str | None) -> tuple[Protection, ...]:
        found = self._between.get((ends.front_vrf, ends.local_address, ends.remote_address), ())
        return tuple(protection for protection in found if protection.inside_vrf == inside_vrf)

    def interface_of(self, ends: PeerEnds) -> str | None:
        """The interface whose protection names both ends, else the one with our address."""
        found = self._between.get((ends.front_vrf, ends.local_address, ends.remote_address))
        return found[0].interface if found else self._by_address.get((ends.front_vrf, ends.local_address))

    def description_of(self, ends: PeerEnds) -> str:
        """The description of `crypto isakmp peer address`."""
        remote = ends.remote_address
        peer = self._config.crypto.peers.get((remote, ends.front_vrf)) if isinstance(remote, IPv4Address) else None
        return (peer.description or "") if peer is not None else ""


def ends_of(session: Session) -> SessionEnds:
    """What a filter looks at of a session that is up."""
    return SessionEnds(session.peer.ends, session.vrf, session.facts.interface)


Place = tuple[object, ...]


def place_of(ends: PeerEnds) -> Place:
    """What tells two ends from others: the ports of ISAKMP itself are one place, one that a NAT gave is another."""
    return ends.front_vrf, ends.local_address, ends.remote_address, nat_port_of(ends)


def shown_sessions(node: Node, wanted: SessionFilter = EVERY_SESSION) -> Iterator[ShownSession | None]:
    """Every session that a filter selects, inside VRF by inside VRF, those that are down last in each.

    None is a pause: sessions were looked at, and none of them was selected, so that others may have their turn. Each session is as
    of the moment when it is asked for. With a remote address the sessions are found by an index.
    """
    return _Sessions(node, wanted).all()


class _Sessions:
    def __init__(self, node: Node, wanted: SessionFilter) -> None:
        self._monitor, self._engine = node.monitor, node.engine
        self._wanted = wanted
        self._sides = Sides(node.document.config)
        self._vrfs = {flow.name: flow for flow in node.monitor.vrfs()}
        # Places with SAs in negotiation: those of an association that the monitor knows; the others, with their inside VRFs.
        self._joining: set[Place] = set()
        self._alone: dict[Place, PeerEnds] = {}
        self._inside: dict[Place, str | None] = {}
        for sa in node.engine.negotiating_sas(wanted.remote):
            place = place_of(sa.ends)
            if self._association_at(place, sa.ends.remote_address):
                self._joining.add(place)
            else:
                self._alone[place], self._inside[place] = sa.ends, sa.inside_vrf
        self._alone_between = {place[:3] for place in self._alone}

    def _association_at(self, place: Place, remote: Address) -> bool:
        return any(place_of(peer.ends) == place for peer in self._monitor.peers_at(remote))

    def all(self) -> Iterator[ShownSession | None]:
        """The inside VRFs in turn, the global table first."""
        yield from self._sides.read()
        for vrf in dict.fromkeys((None, *self._vrfs, *self._sides.static, *self._inside.values())):
            if self._wanted.inside_vrf in (ANY, vrf):
                yield from self._associations(vrf)
                yield from self._negotiating(vrf)
                yield from self._down(vrf)

    def _associations(self, vrf: str | None) -> Iterator[ShownSession | None]:
        remote, flow = self._wanted.remote, self._vrfs.get(vrf)
        if flow is None:
            return
        peers = list(flow.peers.values()) if remote is None else flow.by_remote.of(remote)
        for number, peer in enumerate(peers, 1):
            if number % STEPS == 0:
                yield None
            if peer.ike_tunnels or peer.ipsec_tunnels:  # it may have gone since the list was made
                shown = self._association(peer)
                if self._wanted.takes(_looked_at(shown)):
                    yield shown

    def _association(self, peer: Peer) -> ShownSession:
        ends, sides = peer.ends, self._sides
        if peer.session is not None:
            facts = peer.session.facts
        else:
            facts = session_facts(peer.ike_tunnels[-1].facts, None) if peer.ike_tunnels else SessionFacts()
        if facts.interface is None:
            facts = replace(facts, interface=sides.interface_of(ends))
        joining = self._negotiated(ends) if self._joining else ()
        return ShownSession(ends, peer.vrf, facts, peer, joining, sides.protecting(ends, peer.vrf))

    def _negotiated(self, ends: PeerEnds) -> tuple[Phase1Sa, ...]:
        """The SAs in negotiation at a place that had some, as of now. They are told of one association."""
        place = place_of(ends)
        if place not in self._joining and place not in self._alone:
            return ()
        self._joining.discard(place)
        return tuple(sa for sa in self._engine.negotiating_sas(ends.remote_address) if place_of(sa.ends) == place)

    def _negotiating(self, vrf: str | None) -> Iterator[ShownSession]:
        for place, ends in self._alone.items():
            if self._inside[place] == vrf and (sas := self._negotiated(ends)):
                yield from self._selected(sas[-1].ends, vrf, sas)

    def _down(self, vrf: str | None) -> Iterator[ShownSession | None]:
        """Configured peers without an SA."""
        told: set[Place] = set()
        for number, protection in enumerate(self._sides.static.get(vrf, ()), 1):
            if number % STEPS == 0:
                yield None
            for remote in protection.peers:
                ends = PeerEnds(protection.front_vrf, protection.local, remote)
                place = place_of(ends)
                if self._wanted.remote in (None, remote) and place not in told and not self._is_there(ends, vrf):
                    told.add(place)
                    yield from self._selected(ends, vrf)

    def _is_there(self, ends: PeerEnds, vrf: str | None) -> bool:
        """Whether the two have an association of a VRF, or an SA in negotiation, through whatever port."""
        both = ends.front_vrf, ends.local_address, ends.remote_address
        if both in self._alone_between:
            return True
        found = (peer for peer in self._monitor.peers_at(ends.remote_address) if peer.vrf == vrf)
        return any(place_of(peer.ends)[:3] == both for peer in found)

    def _selected(self, ends: PeerEnds, vrf: str | None, sas: tuple[Phase1Sa, ...] = ()) -> Iterator[ShownSession]:
        sides = self._sides
        facts = SessionFacts(sides.description_of(ends), interface=sides.interface_of(ends))
        shown = ShownSession(ends, vrf, facts, None, sas, sides.protecting(ends, vrf))
        if self._wanted.takes(_looked_at(shown)):
            yield shown


def _looked_at(shown: ShownSession) -> SessionEnds:
    """What a filter looks at: of a session that is up its own facts."""
    return SessionEnds(shown.ends, shown.inside_vrf, shown.facts.interface)
