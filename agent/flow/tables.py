"""Flow room: the tables of one router, and the effect of each record on them. Nothing else changes a row.

The rules of rows (CISCO-IPSEC-FLOW-MONITOR-MIB):
- a peer row is one association, and exists while that has a tunnel of either phase;
- a session is an association from its first IPsec tunnel to its last;
- a rekeyed phase 2 keeps its row, and so does an IKE SA that is rekeyed in place (IKEv2); any other new IKE SA is a new row, to
  which the pair's IPsec tunnels then point;
- a tunnel has an endpoint row for each pair of its selectors; those that a rekey leaves as they are keep their index;
- a tunnel that ends goes to history with its final counters, and to the failure table unless it expired;
- a failed set-up is in the failure table alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from agent.flow.counters import CounterSource, Counts, FrozenCounters, PolledCounters, Totals
from agent.flow.model import (
    Address,
    EndpointHistory,
    EndReason,
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
    PeerEnds,
    PeerKey,
    Spi,
)
from agent.flow.records import (
    CheckPointed,
    CountersReported,
    DefaultsUsed,
    FlowRecord,
    IkeFailed,
    IkeFaultCounted,
    IkeMessagePassed,
    IkeMessageRefused,
    IkeTunnelEnded,
    IkeTunnelRekeyed,
    IkeTunnelShortened,
    IkeTunnelStarted,
    IpsecFailed,
    IpsecFaultCounted,
    IpsecTunnelEnded,
    IpsecTunnelStarted,
    PacketRefused,
    PeerMoved,
    Sa,
    SaRefused,
    SasExpired,
    SasInstalled,
    SasRetired,
    SessionDown,
    SessionUp,
    TrapSwitched,
    VrfAdded,
    VrfRemoved,
    WindowsResized,
    WindowsRestored,
)
from agent.flow.rows import Rows
from agent.flow.sa_counts import ReportedCounts, SaShare, SaSource, share_from
from agent.flow.sessions import Session
from agent.flow.vrf import IkeEvents, IpsecEvents, Namesakes, VrfFlow, place_of

KeptT = TypeVar("KeptT", IkeHistory, IpsecHistory, EndpointHistory, IkeFailure, IpsecFailure)

# A tunnel that ends for one of these reasons also gets a failure row.
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


class Sources(NamedTuple):
    """The counter sources of a new tunnel, and of each new SA of a bundle; None if records alone give the counters."""

    tunnel: CounterSource | None = None
    sas: Sequence[SaSource | None] = ()


NO_SOURCES = Sources()


class Tables:
    """All facts about tunnels of one router, per VRF. `vrfs` always has the global table (None)."""

    def __init__(self, tunnel_window: int, failure_window: int) -> None:
        self.vrfs: dict[str | None, VrfFlow] = {None: VrfFlow(None, tunnel_window, failure_window)}
        self.ike_tunnels: Rows[int, IkeTunnel] = Rows()  # of every VRF
        self.ipsec_tunnels: Rows[int, IpsecTunnel] = Rows()
        self.sas_by_map: Counter[str] = Counter()

    def apply(self, record: FlowRecord, sources: Sources = NO_SOURCES) -> None:
        """Apply a record to the tables. `sources` are the counter sources of what is new."""
        _APPLY[type(record)](self, record, sources)

    # --- phase 1 ---

    def _ike_started(self, record: IkeTunnelStarted, sources: Sources) -> None:
        flow, facts = self.vrfs[record.vrf], record.facts
        peer = flow.peers.get(record.peer)
        if peer is None:
            peer = _new_peer(flow, record.peer, facts, record.start)
        peer.start = min(peer.start, record.start)
        _move(flow, peer, facts)
        source = sources.tunnel or PolledCounters(record.counters)
        tunnel = IkeTunnel(record.index, record.vrf, facts, peer, source, record.start)
        source.join(flow.ike_totals)
        if facts.initiator:
            flow.ike_events[IkeEvents.INITIATED] += 1
        peer.ike_tunnels.append(tunnel)
        _point(peer, tunnel)
        self.ike_tunnels.add(tunnel.index, tunnel)
        flow.ike_tunnels.add(tunnel.index, tunnel)

    def _ike_shortened(self, record: IkeTunnelShortened, sources: Sources) -> None:
        tunnel = self.ike_tunnels[record.index]
        tunnel.facts = replace(tunnel.facts, lifetime=record.lifetime)

    def _ike_rekeyed(self, record: IkeTunnelRekeyed, sources: Sources) -> None:
        tunnel = self.ike_tunnels[record.index]
        tunnel.facts = record.facts
        tunnel.refreshes += 1
        _move(self.vrfs[record.vrf], tunnel.peer, record.facts)

    def _ike_ended(self, record: IkeTunnelEnded, sources: Sources) -> None:
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

    def _ike_failed(self, record: IkeFailed, sources: Sources) -> None:
        self._count_ike_fault(record)
        parties = record.local, record.remote, record.local_address, record.remote_address
        self.vrfs[record.vrf].ike_failures.append(lambda index: IkeFailure(index, record.reason, record.at, *parties))

    def _ike_fault(self, record: IkeFaultCounted, sources: Sources) -> None:
        self._count_ike_fault(record)

    def _count_ike_fault(self, record: IkeFailed | IkeFaultCounted) -> None:
        events = self.vrfs[record.vrf].ike_events
        if record.initiator is not None:
            events[IkeEvents.INITIATOR_FAILS if record.initiator else IkeEvents.RESPONDER_FAILS] += 1
        if record.reason in _IKE_COUNT_OF_FAILURE:
            events[_IKE_COUNT_OF_FAILURE[record.reason]] += 1

    # --- phase 2 ---

    def _ipsec_started(self, record: IpsecTunnelStarted, sources: Sources) -> None:
        flow, facts, index = self.vrfs[record.vrf], record.facts, record.index
        peer = flow.peers.get(record.peer)
        if peer is None:
            peer = _new_peer(flow, record.peer, PeerEnds(None, facts.local_address, facts.remote_address), record.start)
        peer.start = min(peer.start, record.start)
        ike = self.ike_tunnels.get(record.ike_index)
        source = sources.tunnel or PolledCounters(record.counters)
        tunnel = IpsecTunnel(
            index=index,
            vrf=record.vrf,
            facts=facts,
            peer=peer,
            peer_link=record.link,
            ike_index=record.ike_index,
            ike=ike,
            counters=source,
            start=record.start,
        )
        source.join(flow.ipsec_totals)
        peer.ipsec_tunnels[record.link] = tunnel
        self.ipsec_tunnels.add(index, tunnel)
        flow.ipsec_tunnels.add(index, tunnel)
        flow.peer_links.add((peer.key, record.link), tunnel)
        _show_endpoints(flow, tunnel)
        self._install(flow, tunnel, record.sas, record.start, record.counters, sources)

    def _sas_installed(self, record: SasInstalled, sources: Sources) -> None:
        flow, tunnel = self.vrfs[record.vrf], self.ipsec_tunnels[record.index]
        _expire(tunnel, record.replaced, record.counters)
        _show_facts(flow, tunnel, record.facts)
        tunnel.refreshes += 1
        self._install(flow, tunnel, record.sas, record.at, record.counters, sources)

    def _sas_retired(self, record: SasRetired, sources: Sources) -> None:
        tunnel = self.ipsec_tunnels[record.index]
        _expire(tunnel, record.sas, record.counters)
        if record.facts is not None:
            _show_facts(self.vrfs[record.vrf], tunnel, record.facts)

    def _sas_expired(self, record: SasExpired, sources: Sources) -> None:
        tunnel = self.ipsec_tunnels[record.index]
        tunnel.expired_sas += len(record.sas)
        self._uninstall(self.vrfs[record.vrf], tunnel, record.sas)

    def _ipsec_ended(self, record: IpsecTunnelEnded, sources: Sources) -> None:
        flow, tunnel = self.vrfs[record.vrf], self.ipsec_tunnels[record.index]
        tunnel.counters = _settled(tunnel.counters, flow.ipsec_totals, record.counters, record.at)
        _keep_ipsec(flow, tunnel, record.reason, record.at, record.counters)
        if tunnel.peer.session is not None:
            tunnel.peer.session.tunnel_ended(record.counters)
        cause = IPSEC_FAILURE_OF_END.get(record.reason)
        if cause is not None:
            ends = record.facts.local_address, record.facts.remote_address
            spi = _failed_spi(tunnel)
            flow.ipsec_failures.append(lambda row: IpsecFailure(row, cause, record.at, tunnel.index, spi, *ends))
        self._uninstall(flow, tunnel, [spi.index for spi in tunnel.spis])
        flow.ipsec_events[IpsecEvents.PREVIOUS] += 1
        for endpoint in _endpoints(flow, tunnel):
            flow.endpoints.remove((tunnel.index, endpoint))
        flow.peer_links.remove((tunnel.peer.key, tunnel.peer_link))
        flow.ipsec_tunnels.remove(tunnel.index)
        self.ipsec_tunnels.remove(tunnel.index)
        del tunnel.peer.ipsec_tunnels[tunnel.peer_link]
        _release(flow, tunnel.peer)

    def _ipsec_failed(self, record: IpsecFailed, sources: Sources) -> None:
        self._count_ipsec_fault(record)
        which = record.index, record.spi, record.source, record.destination
        self.vrfs[record.vrf].ipsec_failures.append(lambda row: IpsecFailure(row, record.reason, record.at, *which))

    def _ipsec_fault(self, record: IpsecFaultCounted, sources: Sources) -> None:
        self._count_ipsec_fault(record)

    def _count_ipsec_fault(self, record: IpsecFailed | IpsecFaultCounted) -> None:
        if record.reason in _IPSEC_COUNT_OF_FAILURE:
            self.vrfs[record.vrf].ipsec_events[_IPSEC_COUNT_OF_FAILURE[record.reason]] += 1

    def _install(
        self, flow: VrfFlow, tunnel: IpsecTunnel, sas: tuple[Sa, ...], start: int, counted: Counts, sources: Sources
    ) -> None:
        """Install a bundle of SAs at `start`, when the tunnel had these counters."""
        share, facts, index = share_from(counted), tunnel.facts, tunnel.index
        for sa, own in zip_longest(sas, sources.sas):
            source = own or (share if sa.counts is None else ReportedCounts(sa.counts))
            since = start if sa.start is None else sa.start
            spi = Spi(tunnel, sa.index, sa.inbound, sa.protocol, sa.value, since, facts, source)
            tunnel.spis.append(spi)
            flow.spis.add((index, spi.index), spi)
            tunnel.next_spi_index = sa.index + 1
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

    # --- associations and sessions ---

    def _peer_moved(self, record: PeerMoved, sources: Sources) -> None:
        flow = self.vrfs[record.vrf]
        _move(flow, flow.peers[record.peer], record.ends)

    def _session_up(self, record: SessionUp, sources: Sources) -> None:
        peer = self.vrfs[record.vrf].peers[record.peer]
        peer.session = Session(record.id, peer, record.facts, record.start)

    def _session_down(self, record: SessionDown, sources: Sources) -> None:
        flow = self.vrfs[record.vrf]
        peer = flow.peers[record.peer]
        peer.session = None
        _release(flow, peer)

    # --- settings, windows, VRFs ---

    def _vrf_added(self, record: VrfAdded, sources: Sources) -> None:
        self.vrfs.setdefault(record.vrf, VrfFlow(record.vrf, record.tunnels, record.failures))

    def _vrf_removed(self, record: VrfRemoved, sources: Sources) -> None:
        del self.vrfs[record.vrf]

    def _resized(self, record: WindowsResized, sources: Sources) -> None:
        flow = self.vrfs[record.vrf]
        if record.tunnels is not None:
            flow.resize_tunnel_windows(record.tunnels)
        if record.failures is not None:
            flow.resize_failure_windows(record.failures)

    def _switched(self, record: TrapSwitched, sources: Sources) -> None:
        self.vrfs[record.vrf].set_trap(record.kind, record.enabled)

    def _check_pointed(self, record: CheckPointed, sources: Sources) -> None:
        flow = self.vrfs[record.vrf]
        for index, counted in record.ike:
            _keep_ike(flow, self.ike_tunnels[index], EndReason.CHECKPOINT, record.at, counted)
        for index, counted in record.ipsec:
            _keep_ipsec(flow, self.ipsec_tunnels[index], EndReason.CHECKPOINT, record.at, counted)

    def _restored(self, record: WindowsRestored, sources: Sources) -> None:
        flow = self.vrfs[record.vrf]
        ended = [end.index for end in flow.endpoint_history.values() if end.tunnel_index in record.added_ipsec]
        flow.ike_history.restore(record.tunnels, _by_index(record.ike_history), record.added_ike)
        flow.ipsec_history.restore(record.tunnels, _by_index(record.ipsec_history), record.added_ipsec)
        flow.endpoint_history.restore(record.tunnels, _by_index(record.endpoint_history), ended)
        flow.ike_failures.restore(record.failures, _by_index(record.ike_failures), ())
        flow.ipsec_failures.restore(record.failures, _by_index(record.ipsec_failures), ())

    def _counters_reported(self, record: CountersReported, sources: Sources) -> None:
        for index, counted in record.ike:
            _replace(self.ike_tunnels[index].counters, counted)
        for index, counted in record.ipsec:
            _replace(self.ipsec_tunnels[index].counters, counted)
        for told in record.sas:
            spi = self.vrfs[self.ipsec_tunnels[told.tunnel].vrf].spis[told.tunnel, told.index]
            if isinstance(spi.source, ReportedCounts):
                spi.source.replace(told.counts)

    def _nothing(self, record: SaRefused, sources: Sources) -> None:
        """The record changes no table."""


def key_for(flow: VrfFlow, wanted: PeerKey, ends: PeerEnds | IkeFacts) -> PeerKey:
    """The key that the association with these identities and ends has, or would have."""
    peer = flow.places.get(place_of(wanted, ends))
    return peer.key if peer is not None else new_key(flow, wanted)


def key_by_addresses(flow: VrfFlow, wanted: PeerKey, addresses: tuple[Address | None, Address | None]) -> PeerKey:
    """The same if only the addresses are known: the first of several."""
    first, namesakes = flow.peers.get(wanted), flow.namesakes.get((wanted.local, wanted.remote))
    known = ([first] if first else []) + (list(namesakes.peers.values()) if namesakes else [])
    for peer in known:
        if (peer.local_address, peer.remote_address) == addresses:
            return peer.key
    return new_key(flow, wanted)


def new_key(flow: VrfFlow, wanted: PeerKey) -> PeerKey:
    """The key for another association with these identities. Such associations differ in `internal`."""
    if wanted not in flow.peers:
        return wanted
    namesakes = flow.namesakes.get((wanted.local, wanted.remote))
    return PeerKey(wanted.local, wanted.remote, namesakes.next() if namesakes else 2)


def _new_peer(flow: VrfFlow, key: PeerKey, ends: PeerEnds | IkeFacts, start: int) -> Peer:
    """The row of an association that has had a tunnel since `start`."""
    flow.associations += 1
    peer = flow.places[place_of(key, ends)] = Peer(key, flow.name, ends, start, flow.associations)
    flow.by_remote.add(peer)
    flow.peers.add(key, peer)
    if key.internal > 1:
        flow.namesakes.setdefault((key.local, key.remote), Namesakes()).add(peer)
    return peer


def _move(flow: VrfFlow, peer: Peer, ends: PeerEnds | IkeFacts) -> None:
    """Set the ends of an association. Another may have been at that place; a NAT has moved it without our knowledge."""
    if peer.at is not ends:
        _leave(flow, peer)
        peer.at = ends
        flow.places[place_of(peer.key, ends)] = peer
        flow.by_remote.add(peer)


def _leave(flow: VrfFlow, peer: Peer) -> None:
    place = place_of(peer.key, peer.at)
    if flow.places.get(place) is peer:
        del flow.places[place]
    flow.by_remote.remove(peer)


def _release(flow: VrfFlow, peer: Peer) -> None:
    """Remove the row of an association without a tunnel of either phase, once its session is down."""
    if not peer.ike_tunnels and not peer.ipsec_tunnels and peer.session is None:
        flow.peers.remove(peer.key)
        if peer.key.internal > 1:
            flow.namesakes[peer.key.local, peer.key.remote].remove(peer)
        _leave(flow, peer)


def _point(peer: Peer, ike: IkeTunnel | None) -> None:
    peer.tunnel_index = ike.index if ike else 0
    for tunnel in peer.ipsec_tunnels.values():
        tunnel.ike = ike
        if ike:
            tunnel.ike_index = ike.index


def _endpoints(flow: VrfFlow, tunnel: IpsecTunnel) -> list[int]:
    """The cipSecEndPtIndexes of a tunnel's rows."""
    return [index for index in range(1, tunnel.next_endpoint_index) if (tunnel.index, index) in flow.endpoints]


def _show_facts(flow: VrfFlow, tunnel: IpsecTunnel, facts: IpsecFacts) -> None:
    """The SAs that carry a tunnel's flow have other terms."""
    before, tunnel.facts = tunnel.facts, facts
    if (before.local, before.remote) != (facts.local, facts.remote):
        _show_endpoints(flow, tunnel)


def _show_endpoints(flow: VrfFlow, tunnel: IpsecTunnel) -> None:
    """Update a tunnel's endpoint rows by its facts. A row that is still right keeps its index."""
    wanted = tunnel.facts.endpoints
    there = {flow.endpoints[tunnel.index, index]: index for index in _endpoints(flow, tunnel)}
    if there:  # a new tunnel has none, and there may be a hundred thousand new ones
        for pair in there.keys() - wanted:
            flow.endpoints.remove((tunnel.index, there[pair]))
        wanted = tuple(pair for pair in wanted if pair not in there)
    for pair in wanted:
        flow.endpoints.add((tunnel.index, tunnel.next_endpoint_index), pair)
        tunnel.next_endpoint_index += 1


def _expire(tunnel: IpsecTunnel, indexes: tuple[int, ...], counted: Counts) -> None:
    """SAs carry nothing any more. Those with a share of their tunnel's counters keep what it was until now."""
    for spi in tunnel.spis:
        if spi.index in indexes and not spi.expiring:
            spi.expiring = True
            if isinstance(spi.source, SaShare):
                spi.source = ReportedCounts(spi.source.until(share_from(counted), spi.inbound))


def _failed_spi(tunnel: IpsecTunnel) -> int:
    """The SPI of the SA from one address of the row to the other. An expiring SA counts only if there is no other."""
    outbound = sorted((spi for spi in tunnel.spis if not spi.inbound), key=lambda spi: spi.expiring)
    return outbound[0].value if outbound else 0


def _replace(source: CounterSource, counted: Counts) -> None:
    """Set the counters of a tunnel that is followed by records alone. Any other counts by itself."""
    if isinstance(source, PolledCounters):
        source.replace(counted)


def _settled(source: CounterSource, totals: Totals, counted: Counts, at: int) -> CounterSource:
    """A tunnel's last counters. The totals keep them, and its source no longer counts."""
    _replace(source, counted)
    source.leave(totals, at)
    return FrozenCounters(counted)


def _by_index(rows: Iterable[KeptT]) -> dict[int, KeptT]:
    return {row.index: row for row in rows}


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
    for endpoint in _endpoints(flow, tunnel):
        local, remote = flow.endpoints[tunnel.index, endpoint]
        flow.endpoint_history.append(
            partial(EndpointHistory, tunnel_index=history.index, active_index=tunnel.index, local=local, remote=remote)
        )


_APPLY: Mapping[type[FlowRecord], Callable[[Tables, Any, Any], None]] = MappingProxyType(
    {
        IkeTunnelStarted: Tables._ike_started,
        IkeTunnelShortened: Tables._ike_shortened,
        IkeTunnelRekeyed: Tables._ike_rekeyed,
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
        IkeMessagePassed: Tables._nothing,
        IkeMessageRefused: Tables._nothing,
        PacketRefused: Tables._nothing,
        DefaultsUsed: Tables._nothing,
        PeerMoved: Tables._peer_moved,
        SessionUp: Tables._session_up,
        SessionDown: Tables._session_down,
        VrfAdded: Tables._vrf_added,
        VrfRemoved: Tables._vrf_removed,
        WindowsResized: Tables._resized,
        TrapSwitched: Tables._switched,
        CheckPointed: Tables._check_pointed,
        WindowsRestored: Tables._restored,
        CountersReported: Tables._counters_reported,
    }
)
