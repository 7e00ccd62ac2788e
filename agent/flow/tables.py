"""Flow room: the tables of one router, and what each kind of record does to them. Nothing else changes a row.

The rules of rows (CISCO-IPSEC-FLOW-MONITOR-MIB):
- a peer row lives while its pair has a tunnel of either phase;
- a rekeyed phase 2 keeps its row; a new IKE SA is a new row, to which the pair's IPsec tunnels then point;
- a tunnel that ends goes to history with its final numbers, and to the failure table unless it simply expired;
- a set-up that failed is in the failure table alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from agent.flow.counters import CounterSource, FrozenCounters, PolledCounters, Totals
from agent.flow.model import (
    Address,
    EndpointHistory,
    EndReason,
    IkeFailure,
    IkeFailureReason,
    IkeHistory,
    IkeTunnel,
    IpsecFailure,
    IpsecFailureReason,
    IpsecHistory,
    IpsecTunnel,
    Peer,
    PeerKey,
    Spi,
)
from agent.flow.records import (
    CheckPointed,
    CountersTold,
    Counts,
    FlowRecord,
    IkeFailed,
    IkeFaultCounted,
    IkeTunnelEnded,
    IkeTunnelShortened,
    IkeTunnelStarted,
    IpsecFailed,
    IpsecFaultCounted,
    IpsecTunnelEnded,
    IpsecTunnelStarted,
    Sa,
    SaRefused,
    SasExpired,
    SasInstalled,
    SasRetired,
    TrapSwitched,
    VrfAdded,
    VrfRemoved,
    WindowsResized,
)
from agent.flow.rows import LowestFree, Rows
from agent.flow.vrf import IkeEvents, IpsecEvents, VrfFlow

# A tunnel that ends for one of these reasons has a failure row, too.
IKE_FAILURE_OF_END: Mapping[EndReason, IkeFailureReason] = MappingProxyType(
    {
        EndReason.OTHER: IkeFailureReason.OTHER,
        EndReason.OPERATOR: IkeFailureReason.OPERATOR,
        EndReason.PEER_DELETE: IkeFailureReason.PEER_DELETE,
        EndReason.PEER_LOST: IkeFailureReason.PEER_LOST,
        EndReason.LOCAL_FAILURE: IkeFailureReason.LOCAL_FAILURE,
    }
)
IPSEC_FAILURE_OF_END: Mapping[EndReason, IpsecFailureReason] = MappingProxyType(
    {
        EndReason.OTHER: IpsecFailureReason.OTHER,
        EndReason.OPERATOR: IpsecFailureReason.OPERATOR,
        EndReason.PEER_DELETE: IpsecFailureReason.PEER_DELETE,
        EndReason.PEER_LOST: IpsecFailureReason.PEER_LOST,
        EndReason.LOCAL_FAILURE: IpsecFailureReason.INTERNAL,
        EndReason.SEQUENCE_ROLLOVER: IpsecFailureReason.SEQUENCE_ROLLOVER,
        EndReason.UNKNOWN_TO_PEER: IpsecFailureReason.NO_SA,
    }
)
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


class Tables:
    """All tunnel facts of one router, per VRF. `vrfs` has the global table (None) always."""

    def __init__(self, tunnel_window: int, failure_window: int) -> None:
        self.vrfs: dict[str | None, VrfFlow] = {None: VrfFlow(None, tunnel_window, failure_window)}
        self.ike_tunnels: Rows[int, IkeTunnel] = Rows()  # of every VRF
        self.ipsec_tunnels: Rows[int, IpsecTunnel] = Rows()
        self.sas_by_map: Counter[str] = Counter()

    def apply(self, record: FlowRecord, counters: CounterSource | None = None) -> None:
        """Do to the tables what a record says. `counters` is where a new tunnel's numbers come from, if not from records alone."""
        _APPLY[type(record)](self, record, counters)

    # --- phase 1 ---

    def _ike_started(self, record: IkeTunnelStarted, counters: CounterSource | None) -> None:
        flow, facts = self.vrfs[record.vrf], record.facts
        peer = _peer(flow, record.peer, facts.local_address, facts.remote_address, record.at)
        source = counters or PolledCounters(record.counters)
        tunnel = IkeTunnel(record.index, record.vrf, facts, peer, source, record.start)
        source.join(flow.ike_totals)
        if facts.initiator:
            flow.ike_events[IkeEvents.INITIATED] += 1
        peer.ike_tunnels.append(tunnel)
        _point(peer, tunnel)
        self.ike_tunnels.add(tunnel.index, tunnel)
        flow.ike_tunnels.add(tunnel.index, tunnel)

    def _ike_shortened(self, record: IkeTunnelShortened, counters: None) -> None:
        tunnel = self.ike_tunnels[record.index]
        tunnel.facts = replace(tunnel.facts, lifetime=record.lifetime)

    def _ike_ended(self, record: IkeTunnelEnded, counters: None) -> None:
        flow, tunnel = self.vrfs[record.vrf], self.ike_tunnels[record.index]
        tunnel.counters = _settled(tunnel.counters, flow.ike_totals, record.counters, record.at)
        _keep_ike(flow, tunnel, record.reason, record.at, record.counters)
        cause = IKE_FAILURE_OF_END.get(record.reason)
        if cause is not None:
            facts = record.facts
            parties = facts.local, facts.remote, facts.local_address, facts.remote_address
            flow.ike_failures.append(lambda index: IkeFailure(index, cause, record.at, *parties))
        flow.ike_events[IkeEvents.PREVIOUS] += 1
        flow.ike_tunnels.remove(tunnel.index)
        self.ike_tunnels.remove(tunnel.index)
        peer = tunnel.peer
        peer.ike_tunnels.remove(tunnel)
        _point(peer, peer.ike_tunnels[-1] if peer.ike_tunnels else None)
        _release(flow, peer)

    def _ike_failed(self, record: IkeFailed, counters: None) -> None:
        self._count_ike_fault(record)
        parties = record.local, record.remote, record.local_address, record.remote_address
        self.vrfs[record.vrf].ike_failures.append(lambda index: IkeFailure(index, record.reason, record.at, *parties))

    def _ike_fault(self, record: IkeFaultCounted, counters: None) -> None:
        self._count_ike_fault(record)

    def _count_ike_fault(self, record: IkeFailed | IkeFaultCounted) -> None:
        events = self.vrfs[record.vrf].ike_events
        if record.initiator is not None:
            events[IkeEvents.INITIATOR_FAILS if record.initiator else IkeEvents.RESPONDER_FAILS] += 1
        if record.reason in _IKE_COUNT_OF_FAILURE:
            events[_IKE_COUNT_OF_FAILURE[record.reason]] += 1

    # --- phase 2 ---

    def _ipsec_started(self, record: IpsecTunnelStarted, counters: CounterSource | None) -> None:
        flow, facts, index = self.vrfs[record.vrf], record.facts, record.index
        peer = _peer(flow, record.peer, facts.local_address, facts.remote_address, record.at)
        ike = self.ike_tunnels.get(record.ike_index)
        source = counters or PolledCounters(record.counters)
        tunnel = IpsecTunnel(index, record.vrf, facts, peer, record.link, record.ike_index, ike, source, record.start)
        source.join(flow.ipsec_totals)
        peer.ipsec_tunnels[record.link] = tunnel
        self.ipsec_tunnels.add(index, tunnel)
        flow.ipsec_tunnels.add(index, tunnel)
        flow.peer_links.add((peer.key, record.link), tunnel)
        flow.endpoints.add((index, 1), (facts.local, facts.remote))
        self._install(flow, tunnel, record.sas)

    def _sas_installed(self, record: SasInstalled, counters: None) -> None:
        tunnel = self.ipsec_tunnels[record.index]
        _expire(tunnel, record.replaced)
        tunnel.facts = record.facts
        tunnel.refreshes += 1
        self._install(self.vrfs[record.vrf], tunnel, record.sas)

    def _sas_retired(self, record: SasRetired, counters: None) -> None:
        _expire(self.ipsec_tunnels[record.index], record.sas)

    def _sas_expired(self, record: SasExpired, counters: None) -> None:
        tunnel = self.ipsec_tunnels[record.index]
        tunnel.expired_sas += len(record.sas)
        self._uninstall(self.vrfs[record.vrf], tunnel, record.sas)

    def _ipsec_ended(self, record: IpsecTunnelEnded, counters: None) -> None:
        flow, tunnel = self.vrfs[record.vrf], self.ipsec_tunnels[record.index]
        tunnel.counters = _settled(tunnel.counters, flow.ipsec_totals, record.counters, record.at)
        _keep_ipsec(flow, tunnel, record.reason, record.at, record.counters)
        cause = IPSEC_FAILURE_OF_END.get(record.reason)
        if cause is not None:
            ends = record.facts.local_address, record.facts.remote_address
            spi = _failed_spi(tunnel)
            flow.ipsec_failures.append(lambda row: IpsecFailure(row, cause, record.at, tunnel.index, spi, *ends))
        self._uninstall(flow, tunnel, [spi.index for spi in tunnel.spis])
        flow.ipsec_events[IpsecEvents.PREVIOUS] += 1
        flow.endpoints.remove((tunnel.index, 1))
        flow.peer_links.remove((tunnel.peer.key, tunnel.peer_link))
        flow.ipsec_tunnels.remove(tunnel.index)
        self.ipsec_tunnels.remove(tunnel.index)
        del tunnel.peer.ipsec_tunnels[tunnel.peer_link]
        _release(flow, tunnel.peer)

    def _ipsec_failed(self, record: IpsecFailed, counters: None) -> None:
        self._count_ipsec_fault(record)
        which = record.index, record.spi, record.source, record.destination
        self.vrfs[record.vrf].ipsec_failures.append(lambda row: IpsecFailure(row, record.reason, record.at, *which))

    def _ipsec_fault(self, record: IpsecFaultCounted, counters: None) -> None:
        self._count_ipsec_fault(record)

    def _count_ipsec_fault(self, record: IpsecFailed | IpsecFaultCounted) -> None:
        if record.reason in _IPSEC_COUNT_OF_FAILURE:
            self.vrfs[record.vrf].ipsec_events[_IPSEC_COUNT_OF_FAILURE[record.reason]] += 1

    def _install(self, flow: VrfFlow, tunnel: IpsecTunnel, sas: tuple[Sa, ...]) -> None:
        for sa in sas:
            spi = Spi(tunnel, sa.index, sa.inbound, sa.protocol, sa.value)
            tunnel.next_spi_index = sa.index + 1
            tunnel.spis.append(spi)
            flow.spis.add((tunnel.index, spi.index), spi)
        self._count_sas(tunnel, len(sas))

    def _uninstall(self, flow: VrfFlow, tunnel: IpsecTunnel, indexes: Iterable[int]) -> None:
        gone = frozenset(indexes)
        tunnel.spis = [spi for spi in tunnel.spis if spi.index not in gone]
        for index in gone:
            flow.spis.remove((tunnel.index, index))
        self._count_sas(tunnel, -len(gone))

    def _count_sas(self, tunnel: IpsecTunnel, number: int) -> None:
        if tunnel.facts.map_name is not None:
            self.sas_by_map[tunnel.facts.map_name] += number

    # --- settings, windows, VRFs ---

    def _vrf_added(self, record: VrfAdded, counters: None) -> None:
        self.vrfs.setdefault(record.vrf, VrfFlow(record.vrf, record.tunnels, record.failures))

    def _vrf_removed(self, record: VrfRemoved, counters: None) -> None:
        del self.vrfs[record.vrf]

    def _resized(self, record: WindowsResized, counters: None) -> None:
        flow = self.vrfs[record.vrf]
        if record.tunnels is not None:
            flow.resize_tunnel_windows(record.tunnels)
        if record.failures is not None:
            flow.resize_failure_windows(record.failures)

    def _switched(self, record: TrapSwitched, counters: None) -> None:
        self.vrfs[record.vrf].set_trap(record.kind, record.enabled)

    def _check_pointed(self, record: CheckPointed, counters: None) -> None:
        flow = self.vrfs[record.vrf]
        for index, counted in record.ike:
            _keep_ike(flow, self.ike_tunnels[index], EndReason.CHECKPOINT, record.at, counted)
        for index, counted in record.ipsec:
            _keep_ipsec(flow, self.ipsec_tunnels[index], EndReason.CHECKPOINT, record.at, counted)

    def _told(self, record: CountersTold, counters: None) -> None:
        for index, counted in record.ike:
            _replace(self.ike_tunnels[index].counters, counted)
        for index, counted in record.ipsec:
            _replace(self.ipsec_tunnels[index].counters, counted)

    def _nothing(self, record: SaRefused, counters: None) -> None:
        """It is told, and leaves no trace in a table."""


def key_for(flow: VrfFlow, wanted: PeerKey, local_address: Address, remote_address: Address) -> PeerKey:
    """The key that a pair has, or would have: pairs that share identities but not addresses differ in `internal`."""
    peer = flow.pairs.get((wanted.local, wanted.remote, local_address, remote_address))
    if peer is not None:
        return peer.key
    if wanted in flow.peers:
        others = flow.internals.get((wanted.local, wanted.remote))
        return replace(wanted, internal=others.peek() if others else 2)
    return wanted


def _peer(flow: VrfFlow, key: PeerKey, local_address: Address, remote_address: Address, at: int) -> Peer:
    peer = flow.peers.get(key)
    if peer is None:
        peer = flow.pairs[key.local, key.remote, local_address, remote_address] = Peer(key, local_address, remote_address, at)
        flow.peers.add(key, peer)
        if key.internal > 1:
            flow.internals.setdefault((key.local, key.remote), LowestFree(2)).take()
    return peer


def _release(flow: VrfFlow, peer: Peer) -> None:
    """A pair without a tunnel of either phase has no row."""
    if not peer.ike_tunnels and not peer.ipsec_tunnels:
        flow.peers.remove(peer.key)
        if peer.key.internal > 1:
            flow.internals[peer.key.local, peer.key.remote].give_back(peer.key.internal)
        del flow.pairs[peer.key.local, peer.key.remote, peer.local_address, peer.remote_address]


def _point(peer: Peer, ike: IkeTunnel | None) -> None:
    peer.tunnel_index = ike.index if ike else 0
    for tunnel in peer.ipsec_tunnels.values():
        tunnel.ike = ike
        if ike:
            tunnel.ike_index = ike.index


def _expire(tunnel: IpsecTunnel, indexes: tuple[int, ...]) -> None:
    for spi in tunnel.spis:
        spi.expiring = spi.expiring or spi.index in indexes


def _failed_spi(tunnel: IpsecTunnel) -> int:
    """Of the SA that leads from the one address of the row to the other; of one on its way out only where there is no other."""
    outbound = sorted((spi for spi in tunnel.spis if not spi.inbound), key=lambda spi: spi.expiring)
    return outbound[0].value if outbound else 0


def _replace(source: CounterSource, counted: Counts) -> None:
    """Give a tunnel that is followed by records alone its numbers; any other counts by itself."""
    if isinstance(source, PolledCounters):
        source.replace(counted)


def _settled(source: CounterSource, totals: Totals, counted: Counts, at: int) -> CounterSource:
    """A tunnel's last numbers: the totals keep them, and its source moves no more."""
    _replace(source, counted)
    source.leave(totals, at)
    return FrozenCounters(counted)


def _keep_ike(flow: VrfFlow, tunnel: IkeTunnel, reason: EndReason, at: int, counted: Counts) -> None:
    flow.ike_history.append(
        lambda index: IkeHistory(
            index=index,
            reason=reason,
            active_index=tunnel.index,
            facts=tunnel.facts,
            internal=tunnel.peer.key.internal,
            start=tunnel.start,
            active=at - tunnel.start,
            refreshes=tunnel.refreshes,
            counters=FrozenCounters(counted),
        )
    )


def _keep_ipsec(flow: VrfFlow, tunnel: IpsecTunnel, reason: EndReason, at: int, counted: Counts) -> None:
    history = flow.ipsec_history.append(
        lambda index: IpsecHistory(
            index=index,
            reason=reason,
            active_index=tunnel.index,
            ike_index=tunnel.ike_index,
            facts=tunnel.facts,
            start=tunnel.start,
            active=at - tunnel.start,
            refreshes=tunnel.refreshes,
            total_sas=tunnel.expired_sas + len(tunnel.spis),
            current_sas=len(tunnel.spis),
            counters=FrozenCounters(counted),
        )
    )
    ends = tunnel.index, tunnel.facts.local, tunnel.facts.remote
    flow.endpoint_history.append(lambda index: EndpointHistory(index, history.index, *ends))


_APPLY: Mapping[type[FlowRecord], Callable[[Tables, Any, Any], None]] = MappingProxyType(
    {
        IkeTunnelStarted: Tables._ike_started,
        IkeTunnelShortened: Tables._ike_shortened,
        IkeTunnelEnded: Tables._ike_ended,
        IkeFailed: Tables._ike_failed,
        IkeFaultCounted: Tables._ike_fault,
        IpsecTunnelStarted: Tables._ipsec_started,
        SasInstalled: Tables._sas_installed,
        SasRetired: Tables._sas_retired,
        SasExpired: Tables._sas_expired,
        IpsecTunnelEnded: Tables._ipsec_ended,
        IpsecFailed: Tables._ipsec_failed,
        IpsecFaultCounted: Tables._ipsec_fault,
        SaRefused: Tables._nothing,
        VrfAdded: Tables._vrf_added,
        VrfRemoved: Tables._vrf_removed,
        WindowsResized: Tables._resized,
        TrapSwitched: Tables._switched,
        CheckPointed: Tables._check_pointed,
        CountersTold: Tables._told,
    }
)
