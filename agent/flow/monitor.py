"""Flow room: the monitor and its verbs. An engine calls these and nothing else; each emits one event to who subscribed.

The rules of rows (CISCO-IPSEC-FLOW-MONITOR-MIB):
- tunnel indexes rise router-wide; a peer row lives while its pair has a tunnel of either phase;
- a rekeyed phase 2 keeps its row, a new IKE SA is a new row that the pair's IPsec tunnels then point to;
- a tunnel that ends goes to history with its final numbers, and to the failure table unless it simply expired;
- a set-up that failed is in the failure table alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from agent.base.clock import Clock
from agent.flow.counters import CounterSource, FrozenCounters
from agent.flow.events import (
    CheckPointed,
    FlowEvent,
    IkeFailed,
    IkeTunnelEnded,
    IkeTunnelShortened,
    IkeTunnelStarted,
    IpsecFailed,
    IpsecTunnelEnded,
    IpsecTunnelStarted,
    SaRefused,
    SasExpired,
    SasInstalled,
)
from agent.flow.model import (
    Address,
    EndpointHistory,
    EndReason,
    Identity,
    IkeFacts,
    IkeFailure,
    IkeFailureReason,
    IkeHistory,
    IkeTunnel,
    IpsecFacts,
    IpsecFailure,
    IpsecFailureReason,
    IpsecHistory,
    IpsecTunnel,
    Peer,
    PeerKey,
    Spi,
)
from agent.flow.rows import IndexAllocator, LowestFree, Rows
from agent.flow.vrf import IkeEvents, IpsecEvents, VrfFlow

DEFAULT_WINDOW = 200

_IKE_FAILURE_OF_END = {
    EndReason.OTHER: IkeFailureReason.OTHER,
    EndReason.OPERATOR: IkeFailureReason.OPERATOR,
    EndReason.PEER_DELETE: IkeFailureReason.PEER_DELETE,
    EndReason.PEER_LOST: IkeFailureReason.PEER_LOST,
    EndReason.LOCAL_FAILURE: IkeFailureReason.LOCAL_FAILURE,
}
_IPSEC_FAILURE_OF_END = {
    EndReason.OTHER: IpsecFailureReason.OTHER,
    EndReason.OPERATOR: IpsecFailureReason.OPERATOR,
    EndReason.PEER_DELETE: IpsecFailureReason.PEER_DELETE,
    EndReason.PEER_LOST: IpsecFailureReason.PEER_LOST,
    EndReason.LOCAL_FAILURE: IpsecFailureReason.INTERNAL,
    EndReason.SEQUENCE_ROLLOVER: IpsecFailureReason.SEQUENCE_ROLLOVER,
    EndReason.UNKNOWN_TO_PEER: IpsecFailureReason.NO_SA,
}
_IKE_COUNT_OF_FAILURE = {
    IkeFailureReason.CAPACITY: IkeEvents.CAPACITY_FAILS,
    IkeFailureReason.AUTHENTICATION: IkeEvents.AUTHENTICATION_FAILS,
    IkeFailureReason.PEER_CERTIFICATE_UNAVAILABLE: IkeEvents.AUTHENTICATION_FAILS,
    IkeFailureReason.PEER_CERTIFICATE_INVALID: IkeEvents.AUTHENTICATION_FAILS,
    IkeFailureReason.LOCAL_CERTIFICATE_EXPIRED: IkeEvents.AUTHENTICATION_FAILS,
    IkeFailureReason.CRL: IkeEvents.AUTHENTICATION_FAILS,
    IkeFailureReason.ENCRYPT: IkeEvents.DECRYPT_FAILS,
    IkeFailureReason.HASH_VALIDATION: IkeEvents.HASH_FAILS,
    IkeFailureReason.NO_SA: IkeEvents.NO_SA_FAILS,
}
_IPSEC_COUNT_OF_FAILURE = {
    IpsecFailureReason.PROTOCOL_USE: IpsecEvents.PROTOCOL_USE_FAILS,
    IpsecFailureReason.NO_SA: IpsecEvents.NO_SA_FAILS,
    IpsecFailureReason.CAPACITY: IpsecEvents.CAPACITY_FAILS,
}


@dataclass(frozen=True, slots=True)
class NewSpi:
    """An SA that an engine has installed."""

    inbound: bool
    protocol: str  # "ah", "esp", "ipcomp"
    value: int


class FlowMonitor:
    """All tunnel facts of one router."""

    def __init__(self, clock: Clock, tunnel_window: int = DEFAULT_WINDOW, failure_window: int = DEFAULT_WINDOW) -> None:
        self.clock = clock
        self.ike_tunnels: Rows[int, IkeTunnel] = Rows()  # of every VRF
        self.ipsec_tunnels: Rows[int, IpsecTunnel] = Rows()
        self._tunnel_window = tunnel_window
        self._failure_window = failure_window
        self._vrfs: dict[str | None, VrfFlow] = {}
        self._subscribers: list[Callable[[FlowEvent], None]] = []

        self._sas_by_map: Counter[str] = Counter()
        self._ike_indexes = IndexAllocator(self.ike_tunnels.__contains__)
        self._ipsec_indexes = IndexAllocator(self.ipsec_tunnels.__contains__)
        self.vrf(None)

    # --- who listens ---

    def subscribe(self, subscriber: Callable[[FlowEvent], None]) -> None:
        self._subscribers.append(subscriber)

    def vrf(self, name: str | None) -> VrfFlow:
        """The facts of one VRF (None: the global table), begun when first asked for."""
        found = self._vrfs.get(name)
        if found is None:
            found = self._vrfs[name] = VrfFlow(name, self._tunnel_window, self._failure_window)
        return found

    def vrfs(self) -> Iterable[VrfFlow]:
        return self._vrfs.values()

    def sas_of_map(self, map_name: str) -> int:
        """Live SAs that a crypto map's entries brought about, in every VRF (cipsStaticCryptomapSetNumSAs)."""
        return self._sas_by_map[map_name]

    # --- phase 1 ---

    def ike_up(self, vrf: str | None, facts: IkeFacts, counters: CounterSource) -> IkeTunnel:
        """A phase 1 has finished: the pair's IPsec tunnels point to the new tunnel from now on."""
        flow = self.vrf(vrf)
        peer = self._peer(flow, facts)
        tunnel = IkeTunnel(self._ike_indexes.take(), vrf, facts, peer, counters, self.clock.now())
        counters.join(flow.ike_totals)
        if facts.initiator:
            flow.ike_events[IkeEvents.INITIATED] += 1
        peer.ike_tunnels.append(tunnel)
        self._point(peer, tunnel)
        self.ike_tunnels.add(tunnel.index, tunnel)
        flow.ike_tunnels.add(tunnel.index, tunnel)
        self._emit(IkeTunnelStarted(vrf, tunnel))
        return tunnel

    def ike_shortened(self, tunnel: IkeTunnel, lifetime: int) -> None:
        """The responder of a live phase 1 has told that it keeps it for so many seconds only."""
        tunnel.facts = replace(tunnel.facts, lifetime=lifetime)
        self._emit(IkeTunnelShortened(tunnel.vrf, tunnel))

    def ike_ended(self, tunnel: IkeTunnel, reason: EndReason) -> None:
        """A live phase 1 is gone; IPsec tunnels under it live on, pointing to the pair's next IKE tunnel where there is one."""
        flow = self.vrf(tunnel.vrf)
        now = self.clock.now()
        tunnel.counters.leave(flow.ike_totals, now)
        tunnel.counters = FrozenCounters(tunnel.counters.snapshot(now))
        history = self._keep_ike(flow, tunnel, reason, now)
        failure = None
        if reason in _IKE_FAILURE_OF_END:
            facts = tunnel.facts
            failure = flow.ike_failures.append(
                lambda index: IkeFailure(
                    index,
                    _IKE_FAILURE_OF_END[reason],
                    now,
                    facts.local,
                    facts.remote,
                    facts.local_address,
                    facts.remote_address,
                )
            )
        flow.ike_events[IkeEvents.PREVIOUS] += 1
        flow.ike_tunnels.remove(tunnel.index)
        self.ike_tunnels.remove(tunnel.index)
        peer = tunnel.peer
        peer.ike_tunnels.remove(tunnel)
        self._point(peer, peer.ike_tunnels[-1] if peer.ike_tunnels else None)
        self._emit(IkeTunnelEnded(tunnel.vrf, tunnel, reason, history, failure))
        self._release(flow, peer)

    def ike_failed(
        self,
        vrf: str | None,
        reason: IkeFailureReason,
        local_address: Address,
        remote_address: Address,
        local: Identity | None = None,
        remote: Identity | None = None,
        initiator: bool | None = None,
        tunnel: IkeTunnel | None = None,
        *,
        cause: str = "",
    ) -> None:
        """A phase 1 did not come about (`initiator` true or false), or a live one had trouble (None). `cause` says why in words."""
        flow = self.vrf(vrf)
        now = self.clock.now()
        self.ike_fault(vrf, reason, initiator)
        failure = flow.ike_failures.append(
            lambda index: IkeFailure(index, reason, now, local, remote, local_address, remote_address)
        )
        peer = tunnel.peer.key if tunnel else self._key_for(flow, local_address, remote_address, local, remote)
        self._emit(IkeFailed(vrf, failure, peer, initiator, tunnel, cause))

    def ike_fault(self, vrf: str | None, reason: IkeFailureReason, initiator: bool | None = None) -> None:
        """Another message, or set-up (`initiator` as in `ike_failed`), of which a failure row tells already: it only counts."""
        if initiator is not None:
            self.vrf(vrf).ike_events[IkeEvents.INITIATOR_FAILS if initiator else IkeEvents.RESPONDER_FAILS] += 1
        if reason in _IKE_COUNT_OF_FAILURE:
            self.vrf(vrf).ike_events[_IKE_COUNT_OF_FAILURE[reason]] += 1

    # --- phase 2 ---

    def ipsec_up(self, ike: IkeTunnel, facts: IpsecFacts, spis: Iterable[NewSpi], counters: CounterSource) -> IpsecTunnel:
        """A phase 2 has finished under `ike`: a new flow is protected."""
        vrf, peer = ike.vrf, ike.peer
        flow = self.vrf(vrf)
        link = max(peer.ipsec_tunnels, default=0) + 1
        index = self._ipsec_indexes.take()
        tunnel = IpsecTunnel(index, vrf, facts, peer, link, ike.index, ike, counters, self.clock.now())
        counters.join(flow.ipsec_totals)
        peer.ipsec_tunnels[link] = tunnel
        self.ipsec_tunnels.add(index, tunnel)
        flow.ipsec_tunnels.add(index, tunnel)
        flow.peer_links.add((peer.key, link), tunnel)
        flow.endpoints.add((index, 1), (facts.local, facts.remote))
        self._install(flow, tunnel, spis)
        self._emit(IpsecTunnelStarted(vrf, tunnel))
        return tunnel

    def sas_installed(self, tunnel: IpsecTunnel, spis: Iterable[NewSpi]) -> None:
        """A rekey: the SAs there were are expiring, the new ones carry the flow."""
        flow = self.vrf(tunnel.vrf)
        for spi in tunnel.spis:
            spi.expiring = True
        installed = self._install(flow, tunnel, spis)
        tunnel.refreshes += 1
        self._emit(SasInstalled(tunnel.vrf, tunnel, installed))

    def sas_expired(self, tunnel: IpsecTunnel, spis: Iterable[Spi]) -> None:
        """SAs that a rekey has replaced are gone."""
        flow = self.vrf(tunnel.vrf)
        gone = tuple(spis)
        for spi in gone:
            tunnel.spis.remove(spi)
            flow.spis.remove((tunnel.index, spi.index))
        tunnel.expired_sas += len(gone)
        self._count_sas(tunnel, -len(gone))
        self._emit(SasExpired(tunnel.vrf, tunnel, gone))

    def ipsec_ended(self, tunnel: IpsecTunnel, reason: EndReason) -> None:
        """A live phase 2 is gone with all its SAs."""
        flow = self.vrf(tunnel.vrf)
        now = self.clock.now()
        tunnel.counters.leave(flow.ipsec_totals, now)
        tunnel.counters = FrozenCounters(tunnel.counters.snapshot(now))
        history = self._keep_ipsec(flow, tunnel, reason, now)
        failure = None
        if reason in _IPSEC_FAILURE_OF_END:
            facts, cause, index = tunnel.facts, _IPSEC_FAILURE_OF_END[reason], tunnel.index
            # Of the SA that leads from the one address of the row to the other; of one on its way out only where there is no other.
            outbound = sorted((each for each in tunnel.spis if not each.inbound), key=lambda each: each.expiring)
            sa = outbound[0].value if outbound else 0
            failure = flow.ipsec_failures.append(
                lambda row: IpsecFailure(row, cause, now, index, sa, facts.local_address, facts.remote_address)
            )
        spis = tuple(tunnel.spis)
        for spi in spis:
            flow.spis.remove((tunnel.index, spi.index))
        self._count_sas(tunnel, -len(spis))
        flow.ipsec_events[IpsecEvents.PREVIOUS] += 1
        flow.endpoints.remove((tunnel.index, 1))
        flow.peer_links.remove((tunnel.peer.key, tunnel.peer_link))
        flow.ipsec_tunnels.remove(tunnel.index)
        self.ipsec_tunnels.remove(tunnel.index)
        del tunnel.peer.ipsec_tunnels[tunnel.peer_link]
        self._emit(IpsecTunnelEnded(tunnel.vrf, tunnel, reason, history, failure, spis))
        self._release(flow, tunnel.peer)

    def ipsec_failed(
        self,
        vrf: str | None,
        reason: IpsecFailureReason,
        source: Address,
        destination: Address,
        spi: int = 0,
        tunnel: IpsecTunnel | None = None,
        peer: Peer | None = None,
        *,
        inbound: bool = False,
        protocol: str = "esp",
        cause: str = "",
    ) -> None:
        """A phase 2 did not come about, or packets of a live one (`tunnel`) were bad: the addresses are the packet's.

        `inbound` says that the packet, or the proposal, came from the remote end: `source` is then the peer and `destination` we.
        `protocol` is "esp" or "ah": the one asked for, ESP of a bundle.
        """
        flow = self.vrf(vrf)
        now = self.clock.now()
        self.ipsec_fault(vrf, reason)
        index = tunnel.index if tunnel else 0
        failure = flow.ipsec_failures.append(lambda row: IpsecFailure(row, reason, now, index, spi, source, destination))
        known = tunnel.peer if tunnel else peer
        local, remote = (destination, source) if inbound else (source, destination)
        if tunnel:
            local, remote = tunnel.facts.local_address, tunnel.facts.remote_address
        key = known.key if known else self._key_for(flow, local, remote, None, None)
        self._emit(IpsecFailed(vrf, failure, key, tunnel, local, remote, protocol, cause))

    def ipsec_fault(self, vrf: str | None, reason: IpsecFailureReason) -> None:
        """Another packet of which a failure row tells already: it counts, and that is all."""
        if reason in _IPSEC_COUNT_OF_FAILURE:
            self.vrf(vrf).ipsec_events[_IPSEC_COUNT_OF_FAILURE[reason]] += 1

    def sa_refused(self, vrf: str | None) -> None:
        """The configured ceiling of SAs kept another one from being installed."""
        self._emit(SaRefused(vrf))

    # --- windows ---

    def resize_windows(self, tunnels: int | None = None, failures: int | None = None) -> None:
        """Set the window sizes of every VRF, those to come too."""
        if tunnels is not None:
            self._tunnel_window = tunnels
        if failures is not None:
            self._failure_window = failures
        for flow in self._vrfs.values():
            if tunnels is not None:
                flow.resize_tunnel_windows(tunnels)
            if failures is not None:
                flow.resize_failure_windows(failures)

    def checkpoint(self, vrf: str | None) -> None:
        """Copy every live tunnel of a VRF to its history, which leaves the tunnels as they are (cipSecHistCheckPoint)."""
        flow = self.vrf(vrf)
        now = self.clock.now()
        for ike in flow.ike_tunnels.values():
            self._keep_ike(flow, ike, EndReason.CHECKPOINT, now)
        for ipsec in flow.ipsec_tunnels.values():
            self._keep_ipsec(flow, ipsec, EndReason.CHECKPOINT, now)
        self._emit(CheckPointed(vrf))

    # --- within ---

    def _emit(self, event: FlowEvent) -> None:
        for subscriber in self._subscribers:
            subscriber(event)

    def _peer(self, flow: VrfFlow, facts: IkeFacts) -> Peer:
        pair = (facts.local, facts.remote, facts.local_address, facts.remote_address)
        peer = flow.pairs.get(pair)
        if peer is None:
            key = self._key_for(flow, facts.local_address, facts.remote_address, facts.local, facts.remote)
            peer = flow.pairs[pair] = Peer(key, facts.local_address, facts.remote_address, self.clock.now())
            flow.peers.add(key, peer)
            if key.internal > 1:
                flow.internals.setdefault((key.local, key.remote), LowestFree(2)).take()
        return peer

    def _key_for(
        self,
        flow: VrfFlow,
        local_address: Address,
        remote_address: Address,
        local: Identity | None,
        remote: Identity | None,
    ) -> PeerKey:
        """The key that a pair has, or would have: pairs that share identities but not addresses differ in `internal`."""
        key = PeerKey(local or Identity(True, str(local_address)), remote or Identity(True, str(remote_address)))
        peer = flow.pairs.get((key.local, key.remote, local_address, remote_address))
        if peer is not None:
            return peer.key
        if key in flow.peers:
            others = flow.internals.get((key.local, key.remote))
            key = PeerKey(key.local, key.remote, others.peek() if others else 2)
        return key

    def _release(self, flow: VrfFlow, peer: Peer) -> None:
        if not peer.ike_tunnels and not peer.ipsec_tunnels:
            flow.peers.remove(peer.key)
            if peer.key.internal > 1:
                flow.internals[peer.key.local, peer.key.remote].give_back(peer.key.internal)
            del flow.pairs[peer.key.local, peer.key.remote, peer.local_address, peer.remote_address]

    @staticmethod
    def _point(peer: Peer, ike: IkeTunnel | None) -> None:
        peer.tunnel_index = ike.index if ike else 0
        for tunnel in peer.ipsec_tunnels.values():
            tunnel.ike = ike
            if ike:
                tunnel.ike_index = ike.index

    def _install(self, flow: VrfFlow, tunnel: IpsecTunnel, spis: Iterable[NewSpi]) -> tuple[Spi, ...]:
        installed = []
        for new in spis:
            spi = Spi(tunnel, tunnel.next_spi_index, new.inbound, new.protocol, new.value)
            tunnel.next_spi_index += 1
            tunnel.spis.append(spi)
            flow.spis.add((tunnel.index, spi.index), spi)
            installed.append(spi)
        self._count_sas(tunnel, len(installed))
        return tuple(installed)

    def _count_sas(self, tunnel: IpsecTunnel, number: int) -> None:
        if tunnel.facts.map_name is not None:
            self._sas_by_map[tunnel.facts.map_name] += number

    @staticmethod
    def _keep_ike(flow: VrfFlow, tunnel: IkeTunnel, reason: EndReason, now: int) -> IkeHistory:
        return flow.ike_history.append(
            lambda index: IkeHistory(
                index=index,
                reason=reason,
                active_index=tunnel.index,
                facts=tunnel.facts,
                internal=tunnel.peer.key.internal,
                start=tunnel.start,
                active=now - tunnel.start,
                refreshes=tunnel.refreshes,
                counters=FrozenCounters(tunnel.counters.snapshot(now)),
            )
        )

    @staticmethod
    def _keep_ipsec(flow: VrfFlow, tunnel: IpsecTunnel, reason: EndReason, now: int) -> IpsecHistory:
        history = flow.ipsec_history.append(
            lambda index: IpsecHistory(
                index=index,
                reason=reason,
                active_index=tunnel.index,
                ike_index=tunnel.ike_index,
                facts=tunnel.facts,
                start=tunnel.start,
                active=now - tunnel.start,
                refreshes=tunnel.refreshes,
                total_sas=tunnel.expired_sas + len(tunnel.spis),
                current_sas=len(tunnel.spis),
                counters=FrozenCounters(tunnel.counters.snapshot(now)),
            )
        )
        flow.endpoint_history.append(
            lambda index: EndpointHistory(index, history.index, tunnel.index, tunnel.facts.local, tunnel.facts.remote)
        )
        return history
