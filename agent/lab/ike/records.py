"""Lab room: one ISAKMP SA of a router, with its counters and its facts for the flow monitor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from agent.base.scheduler import Timer
from agent.config.model import RouterConfig
from agent.crypto.doi import ISAKMP_PORT
from agent.crypto.ike_events import Trouble
from agent.crypto.ike_sa import IkeSa
from agent.crypto.nat_traversal import Ends
from agent.crypto.payloads import Notification
from agent.crypto.states import State
from agent.flow.counters import PacketCounters
from agent.flow.model import Identity, IkeFacts, IkeTunnel, PeerEnds
from agent.lab.ipsec.tunnels import LiveTunnel
from agent.lab.policy.isakmp import PeerDecisions, identity_of
from agent.lab.policy.peer_pair import PeerPair

_REFRESH_THRESHOLD = 0  # an IKE SA is not refreshed before its end


@dataclass(slots=True, eq=False)
class IkeRecord:
    """One ISAKMP SA of this router. `waiting`: flows whose quick mode begins when it is up.

    `answers`: callables that wait for the answer whether the peer is there.
    """

    pair: PeerPair
    sa: IkeSa
    decisions: PeerDecisions
    counters: PacketCounters
    begun: int  # when, by the lab's clock
    tunnel: IkeTunnel | None = None
    former: IkeTunnel | None = None  # the tunnel that it was, once it has gone down
    waiting: list[LiveTunnel] = field(default_factory=list)
    timer: Timer | None = None
    reported: set[Trouble] = field(default_factory=set)
    notifications: list[Notification] = field(default_factory=list)  # once it is up
    answers: list[Callable[[bool], None]] | None = None

    @property
    def local_port(self) -> int:
        return self.sa.ends.local_port

    @property
    def remote_port(self) -> int:
        return self.sa.ends.remote_port

    @property
    def peer_ends(self) -> PeerEnds:
        """Where the two ends are, for the flow monitor."""
        return peer_ends(self.pair, self.sa.ends)

    @property
    def peer(self) -> tuple[object, ...]:
        """The identity of the peer, whatever its address and port."""
        client = self.decisions.client
        return self.sa.remote_identity, client and client.user, client and client.address

    @property
    def negotiating(self) -> bool:
        return self.sa.state not in (State.QM_IDLE, State.DEAD)


def ends_of(pair: PeerPair, local_port: int = ISAKMP_PORT, remote_port: int = ISAKMP_PORT) -> Ends:
    return Ends(IPv4Address(pair.local), IPv4Address(pair.remote), local_port, remote_port)


def peer_ends(pair: PeerPair, ends: Ends) -> PeerEnds:
    """The ends of a datagram, for the flow monitor."""
    return PeerEnds(pair.front_vrf, ends.local, ends.remote, ends.local_port, ends.remote_port)


def facts_of(config: RouterConfig, record: IkeRecord) -> IkeFacts:
    """The negotiated terms of a phase 1."""
    sa, pair, policy, profile = record.sa, record.pair, record.sa.policy(), record.decisions.profile
    local_address, remote_address = IPv4Address(pair.local), IPv4Address(pair.remote)
    client = record.decisions.client
    peer = config.crypto.peers.get((remote_address, pair.front_vrf))
    return IkeFacts(
        local=identity_of(sa.local_identity) or Identity(True, str(local_address)),
        remote=identity_of(sa.remote_identity) or Identity(True, str(remote_address)),
        local_address=local_address,
        remote_address=remote_address,
        local_port=record.local_port,
        remote_port=record.remote_port,
        local_name=config.hostname,
        remote_name=config.host_name(remote_address),
        initiator=sa.initiator,
        aggressive=sa.aggressive,
        encryption=policy.encryption,
        key_bits=policy.key_bits,
        hash=policy.hash,
        group=policy.group,
        lifetime=policy.lifetime,
        initiator_cookie=sa.initiator_cookie,
        responder_cookie=sa.responder_cookie,
        policy=policy.priority,
        front_vrf=pair.front_vrf,
        profile=profile.name if profile else None,
        keepalive=sa.dpd is not None,
        user=client.user if client else None,
        client_group=client.group.name if client and client.group else None,
        assigned_address=client.address if client else None,
        prf=policy.hash,
        local_authentication=policy.authentication,
        remote_authentication=policy.authentication,
        refresh_threshold=_REFRESH_THRESHOLD,
        description=peer.description or "" if peer else "",
    )
