"""Flow room: the monitor and its verbs. An engine calls these and nothing else.

Each verb makes one record (`records`). Applying it changes the tables, then the subscribers get it. `apply` takes the record of
another monitor, so that a monitor that gets nothing else shows the same tables.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, ValuesView
from contextlib import contextmanager
from typing import NamedTuple

from agent.base.bus import Bus, Subscription
from agent.base.clock import Clock
from agent.base.defaults import HISTORY_SIZE
from agent.base.origin import Origin
from agent.flow.counters import CounterSource
from agent.flow.model import (
    Address,
    EndReason,
    Identity,
    IkeFacts,
    IkeFailureReason,
    IkeTunnel,
    IpsecFacts,
    IpsecFailureReason,
    IpsecTunnel,
    Peer,
    PeerEnds,
    PeerKey,
    Spi,
)
from agent.flow.records import (
    CheckPointed,
    CountersReported,
    FlowRecord,
    IkeFailed,
    IkeFaultCounted,
    IkeTunnelEnded,
    IkeTunnelRekeyed,
    IkeTunnelShortened,
    IkeTunnelStarted,
    IpsecFailed,
    IpsecFaultCounted,
    IpsecTunnelEnded,
    IpsecTunnelStarted,
    PeerMoved,
    Sa,
    SaRefused,
    SaReported,
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
from agent.flow.reports import Reports
from agent.flow.rows import IndexAllocator, Rows
from agent.flow.sa_counts import SaShare, SaSource
from agent.flow.sessions import Session, session_facts
from agent.flow.settings import TrapKind
from agent.flow.tables import NO_SOURCES, Sources, Tables, key_by_addresses, key_for, new_key
from agent.flow.vrf import VrfFlow


class NewSpi(NamedTuple):
    """An SA that an engine has installed, now or at `start`.

    `source` is where its own numbers come from, None for an engine that counts by tunnel.
    """

    inbound: bool
    protocol: str  # "ah", "esp", "ipcomp"
    value: int
    start: int | None = None
    source: SaSource | None = None


class FlowMonitor:
    """All facts about tunnels of one router."""

    def __init__(self, clock: Clock, tunnel_window: int = HISTORY_SIZE, failure_window: int = HISTORY_SIZE) -> None:
        self.clock = clock
        self._tables = Tables(tunnel_window, failure_window)
        self._window_sizes = tunnel_window, failure_window  # of future VRFs
        self._bus: Bus[FlowRecord] = Bus()
        self._origin: Origin | None = None
        self.reports = Reports(clock, self._happened, lambda: self._origin)
        self.ike_indexes = IndexAllocator(self.ike_tunnels.__contains__)
        self.ipsec_indexes = IndexAllocator(self.ipsec_tunnels.__contains__)
        self.session_ids = IndexAllocator(lambda number: False)

    # --- queries ---

    @property
    def ike_tunnels(self) -> Rows[int, IkeTunnel]:
        """Live IKE tunnels of every VRF, by cikeTunIndex."""
        return self._tables.ike_tunnels

    @property
    def ipsec_tunnels(self) -> Rows[int, IpsecTunnel]:
        """Live IPsec tunnels of every VRF, by cipSecTunIndex."""
        return self._tables.ipsec_tunnels

    def vrf(self, name: str | None) -> VrfFlow:
        """The facts of one VRF (None: the global table). They begin with the first call."""
        found = self._tables.vrfs.get(name)
        if found is None:
            tunnels, failures = self._window_sizes
            self._happened(VrfAdded(tunnels, failures, at=self.clock.now(), vrf=name))
            found = self._tables.vrfs[name]
        return found

    def vrfs(self) -> ValuesView[VrfFlow]:
        return self._tables.vrfs.values()

    def peers_at(self, remote: Address) -> Iterator[Peer]:
        """The associations with a remote address, of every VRF, found by an index."""
        return (peer for flow in self.vrfs() for peer in flow.by_remote.of(remote))

    def sessions(self) -> Iterator[Session]:
        """The sessions that are up, of every VRF."""
        return (peer.session for flow in self.vrfs() for peer in flow.peers.values() if peer.session is not None)

    def sas_of_map(self, map_name: str) -> int:
        """The number of live SAs of a crypto map's entries, in every VRF (cipsStaticCryptomapSetNumSAs)."""
        return self._tables.sas_by_map[map_name]

    # --- records ---

    def subscribe(self, subscriber: Callable[[FlowRecord], None]) -> Subscription:
        """Give a subscriber every record in order, after its verb has finished, until the subscription is closed."""
        return self._bus.subscribe(subscriber)

    def apply(self, record: FlowRecord, sources: Sources = NO_SOURCES) -> None:
        """Apply another monitor's record, and publish it. `sources` are where new numbers come from, if not from records."""
        self._happened(record, sources=sources)

    @property
    def origin(self) -> Origin | None:
        """Who causes the present verbs; None if nobody asked for them."""
        return self._origin

    @contextmanager
    def caused_by(self, origin: Origin | None) -> Iterator[None]:
        """Verbs called within this context put the origin into their records."""
        before, self._origin = self._origin, origin
        try:
            yield
        finally:
            self._origin = before

    def _happened(self, record: FlowRecord, *more: FlowRecord, sources: Sources = NO_SOURCES) -> None:
        """`sources` are the first record's. Subscribers are given the records when all have been applied."""
        self._tables.apply(record, sources)
        for each in more:
            self._tables.apply(each)
        self._bus.publish(record)
        for each in more:
            self._bus.publish(each)

    # --- phase 1 ---

    def ike_up(
        self,
        vrf: str | None,
        facts: IkeFacts,
        counters: CounterSource,
        *,
        start: int | None = None,
        continues: Collection[Peer] | None = None,
    ) -> IkeTunnel:
        """A phase 1 has finished: its association's IPsec tunnels point to the new tunnel from now on.

        `start` is when it came up, if that was not now. `continues` are the associations with the same peer, as far as the engine
        knows them: the tunnel belongs to the first that has its identities, else to a new one. Without it the ends decide.
        """
        now, index = self.clock.now(), self.ike_indexes.take()
        flow, wanted = self.vrf(vrf), PeerKey(facts.local, facts.remote)
        if continues is None:
            key = key_for(flow, wanted, facts)
        else:
            same = (peer.key for peer in continues if flow.peers.get(peer.key) is peer)
            fitting = (key for key in same if (key.local, key.remote) == (facts.local, facts.remote))
            key = next(fitting, None) or new_key(flow, wanted)
        since = now if start is None else start
        counted = counters.snapshot(now)
        record = IkeTunnelStarted(index, key, facts, since, counted, at=now, vrf=vrf, origin=self._origin)
        self._happened(record, sources=Sources(counters))
        return self.ike_tunnels[index]

    def peer_moved(self, peer: Peer, ends: PeerEnds) -> None:
        """The remote end of an association, past a NAT, was heard from elsewhere."""
        if peer.ends != ends:
            self._happened(PeerMoved(peer.key, ends, at=self.clock.now(), vrf=peer.vrf, origin=self._origin))

    def ike_shortened(self, tunnel: IkeTunnel, lifetime: int) -> None:
        """The responder of a live phase 1 has told that it keeps it for so many seconds only."""
        self._happened(IkeTunnelShortened(tunnel.index, lifetime, at=self.clock.now(), vrf=tunnel.vrf, origin=self._origin))

    def ike_rekeyed(self, tunnel: IkeTunnel, facts: IkeFacts) -> None:
        """A new IKE SA has taken the place of a live one (IKEv2): `facts` say what it agreed on. The identities stay."""
        self._happened(IkeTunnelRekeyed(tunnel.index, facts, at=self.clock.now(), vrf=tunnel.vrf, origin=self._origin))

    def ike_ended(self, tunnel: IkeTunnel, reason: EndReason) -> None:
        """A live phase 1 has ended. Its IPsec tunnels live on, and point to the pair's next IKE tunnel, if there is one."""
        now = self.clock.now()
        counted = tunnel.counters.snapshot(now)
        self._happened(
            IkeTunnelEnded(
                tunnel.index,
                reason,
                tunnel.peer.key,
                tunnel.facts,
                tunnel.start,
                counted,
                at=now,
                vrf=tunnel.vrf,
                origin=self._origin,
            )
        )

    def ike_failed(
        self,
        vrf: str | None,
        reason: IkeFailureReason,
        local_address: Address | None,
        remote_address: Address | None,
        local: Identity | None = None,
        remote: Identity | None = None,
        initiator: bool | None = None,
        tunnel: IkeTunnel | None = None,
        *,
        peer: Peer | None = None,
        ends: PeerEnds | None = None,
        cause: str = "",
    ) -> None:
        """A phase 1 has failed (`initiator` true or false), or a live one had trouble (None). `cause` is a text.

        `peer` is the association of the two, if it is known. `ends` are where they are, if more than their addresses is known.
        """
        known = tunnel.peer if tunnel else peer
        key = known.key if known else self._key(vrf, local, remote, (local_address, remote_address), ends)
        self._happened(
            IkeFailed(
                reason=reason,
                local_address=local_address,
                remote_address=remote_address,
                local=local,
                remote=remote,
                peer=key,
                initiator=initiator,
                index=tunnel.index if tunnel else 0,
                cause=cause,
                at=self.clock.now(),
                vrf=vrf,
                origin=self._origin,
            )
        )

    def ike_fault(self, vrf: str | None, reason: IkeFailureReason, initiator: bool | None = None) -> None:
        """Count another message, or set-up (`initiator` as in `ike_failed`), with the reason of an existing failure row."""
        self.vrf(vrf)
        self._happened(IkeFaultCounted(reason, initiator, at=self.clock.now(), vrf=vrf))

    # --- phase 2 ---

    def ipsec_up(
        self, ike: IkeTunnel, facts: IpsecFacts, spis: Iterable[NewSpi], counters: CounterSource, *, start: int | None = None
    ) -> IpsecTunnel:
        """A phase 2 has finished under `ike`: a new flow is protected. `start` is as in `ike_up`."""
        now, index, peer = self.clock.now(), self.ipsec_indexes.take(), ike.peer
        since, new = now if start is None else start, tuple(spis)
        started = IpsecTunnelStarted(
            index,
            ike.index,
            peer.key,
            max(peer.ipsec_tunnels, default=0) + 1,
            facts,
            since,
            _numbered(new, 1, now),
            counters.snapshot(now),
            at=now,
            vrf=ike.vrf,
            origin=self._origin,
        )
        more = [self._session_up(ike, facts, since, now)] if peer.session is None else []
        self._happened(started, *more, sources=Sources(counters, tuple([spi.source for spi in new])))
        return self.ipsec_tunnels[index]

    def _session_up(self, ike: IkeTunnel, facts: IpsecFacts, start: int, now: int) -> SessionUp:
        peer, who = ike.peer, session_facts(ike.facts, facts.interface)
        return SessionUp(self.session_ids.take(), peer.key, peer.ends, who, start, at=now, vrf=ike.vrf, origin=self._origin)

    def sas_installed(
        self, tunnel: IpsecTunnel, spis: Iterable[NewSpi], facts: IpsecFacts, replaced: Iterable[Spi]
    ) -> tuple[Spi, ...]:
        """A rekey: new SAs carry the flow, on the terms of `facts`. Those that they replace are expiring from now on."""
        now, new = self.clock.now(), tuple(spis)
        sas = _numbered(new, tunnel.next_spi_index, now)
        gone, counted = tuple(spi.index for spi in replaced), tunnel.counters.snapshot(now)
        record = SasInstalled(tunnel.index, facts, sas, gone, counted, at=now, vrf=tunnel.vrf, origin=self._origin)
        self._happened(record, sources=Sources(sas=tuple([spi.source for spi in new])))
        return tuple(tunnel.spis[-len(sas) :])

    def sas_retired(self, tunnel: IpsecTunnel, spis: Iterable[Spi], facts: IpsecFacts | None = None) -> None:
        """SAs carry nothing any more, and are expiring: another tunnel's have taken over, or others of this one's.

        `facts` are the terms of those that carry the flow: they may be older than what the tunnel shows.
        """
        retired = tuple(spi.index for spi in spis if not spi.expiring)
        if retired:
            now = self.clock.now()
            counted = tunnel.counters.snapshot(now)
            terms = None if facts == tunnel.facts else facts
            self._happened(SasRetired(tunnel.index, retired, counted, terms, at=now, vrf=tunnel.vrf, origin=self._origin))

    def sas_expired(self, tunnel: IpsecTunnel, spis: Iterable[Spi]) -> None:
        """SAs that a rekey has replaced have gone."""
        gone = tuple(spi.index for spi in spis)
        self._happened(SasExpired(tunnel.index, gone, at=self.clock.now(), vrf=tunnel.vrf, origin=self._origin))

    def ipsec_ended(self, tunnel: IpsecTunnel, reason: EndReason) -> None:
        """A live phase 2 has ended with all its SAs."""
        now = self.clock.now()
        ended = IpsecTunnelEnded(
            tunnel.index,
            reason,
            tunnel.peer.key,
            tunnel.facts,
            tunnel.start,
            tuple(Sa(spi.index, spi.inbound, spi.protocol, spi.value) for spi in tunnel.spis),
            tunnel.counters.snapshot(now),
            at=now,
            vrf=tunnel.vrf,
            origin=self._origin,
        )
        session = tunnel.peer.session if len(tunnel.peer.ipsec_tunnels) == 1 else None
        self._happened(ended, *([self._session_down(session, reason, now)] if session else []))

    def _session_down(self, session: Session, reason: EndReason, now: int) -> SessionDown:
        peer, totals = session.peer, session.totals(now)
        what = session.id, reason, peer.key, peer.ends, session.facts, session.start, totals
        return SessionDown(*what, at=now, vrf=session.vrf, origin=self._origin)

    def ipsec_failed(
        self,
        vrf: str | None,
        reason: IpsecFailureReason,
        source: Address | None,
        destination: Address | None,
        spi: int | None = 0,
        tunnel: IpsecTunnel | None = None,
        peer: Peer | None = None,
        *,
        inbound: bool = False,
        ends: PeerEnds | None = None,
        protocol: str = "esp",
        cause: str = "",
    ) -> None:
        """A phase 2 has failed, or packets of a live one (`tunnel`) were bad. The addresses are the packet's.

        `inbound` says that the packet, or the proposal, came from the remote end: `source` is then the peer and `destination` we.
        `protocol` is "esp" or "ah": the one asked for, ESP of a bundle. `ends` is as in `ike_failed`.
        """
        known = tunnel.peer if tunnel else peer
        local, remote = (destination, source) if inbound else (source, destination)
        if tunnel:
            local, remote = tunnel.facts.local_address, tunnel.facts.remote_address
        key = known.key if known else self._key(vrf, None, None, (local, remote), ends)
        self._happened(
            IpsecFailed(
                reason=reason,
                source=source,
                destination=destination,
                spi=spi,
                peer=key,
                local_address=local,
                remote_address=remote,
                index=tunnel.index if tunnel else 0,
                protocol=protocol,
                cause=cause,
                at=self.clock.now(),
                vrf=vrf,
                origin=self._origin,
            )
        )

    def ipsec_fault(self, vrf: str | None, reason: IpsecFailureReason) -> None:
        """Count another packet with the reason of an existing failure row."""
        self.vrf(vrf)
        self._happened(IpsecFaultCounted(reason, at=self.clock.now(), vrf=vrf))

    def sa_refused(self, vrf: str | None) -> None:
        """An SA was refused at the configured limit."""
        self._happened(SaRefused(at=self.clock.now(), vrf=vrf))

    # --- settings, windows, VRFs ---

    def resize_windows(self, tunnels: int | None = None, failures: int | None = None) -> None:
        """Set the window sizes of every VRF, future ones included."""
        before = self._window_sizes
        self._window_sizes = before[0] if tunnels is None else tunnels, before[1] if failures is None else failures
        for name in list(self._tables.vrfs):
            self.resize(name, tunnels, failures)

    def resize(self, vrf: str | None, tunnels: int | None = None, failures: int | None = None) -> None:
        """Set the window sizes of one VRF (cipSecHistTableSize, cipSecFailTableSize)."""
        self._happened(WindowsResized(tunnels, failures, at=self.clock.now(), vrf=vrf, origin=self._origin))

    def switch_trap(self, vrf: str | None, kind: TrapKind, enabled: bool) -> None:
        """Set the control scalar of one notification in a VRF's context."""
        self._happened(TrapSwitched(kind, enabled, at=self.clock.now(), vrf=vrf, origin=self._origin))

    def remove_vrf(self, name: str) -> None:
        """Remove a VRF with all its facts. If it still has a tunnel, it stays until the next call."""
        flow = self._tables.vrfs.get(name)
        if flow is not None and not flow.peers:
            self._happened(VrfRemoved(at=self.clock.now(), vrf=name, origin=self._origin))

    def checkpoint(self, vrf: str | None) -> None:
        """Copy every live tunnel of a VRF to its history (cipSecHistCheckPoint). The tunnels do not change."""
        flow, now = self.vrf(vrf), self.clock.now()
        self._happened(
            CheckPointed(
                tuple((index, flow.ike_tunnels[index].counters.snapshot(now)) for index in flow.ike_tunnels),
                tuple((index, flow.ipsec_tunnels[index].counters.snapshot(now)) for index in flow.ipsec_tunnels),
                at=now,
                vrf=vrf,
                origin=self._origin,
            )
        )

    def reversibly(self, vrf: str | None, act: Callable[[], None]) -> Callable[[], None]:
        """Resize a VRF's windows, or check-point it, by `act`. What is given takes that back: sizes, rows dropped, rows added."""
        flow = self.vrf(vrf)
        ike, ipsec, ends = flow.ike_history, flow.ipsec_history, flow.endpoint_history
        ike_failures, ipsec_failures = flow.ike_failures, flow.ipsec_failures
        tunnels, failures = flow.tunnel_window, flow.failure_window
        had = ike.copy(), ipsec.copy(), ends.copy(), ike_failures.copy(), ipsec_failures.copy()
        act()
        added_ike, added_ipsec = ike.added_since(had[0]), ipsec.added_since(had[1])

        def undo() -> None:
            self._happened(
                WindowsRestored(
                    tunnels=tunnels,
                    failures=failures,
                    ike_history=ike.dropped_since(had[0]),
                    ipsec_history=ipsec.dropped_since(had[1]),
                    endpoint_history=ends.dropped_since(had[2]),
                    ike_failures=ike_failures.dropped_since(had[3]),
                    ipsec_failures=ipsec_failures.dropped_since(had[4]),
                    added_ike=added_ike,
                    added_ipsec=added_ipsec,
                    at=self.clock.now(),
                    vrf=vrf,
                    origin=self._origin,
                )
            )

        return undo

    def report_counters(self) -> None:
        """Make a record of every live tunnel's counters, for monitors that follow by records alone."""
        now = self.clock.now()
        self._happened(
            CountersReported(
                tuple((index, self.ike_tunnels[index].counters.snapshot(now)) for index in self.ike_tunnels),
                tuple((index, self.ipsec_tunnels[index].counters.snapshot(now)) for index in self.ipsec_tunnels),
                tuple(
                    SaReported(tunnel.index, spi.index, spi.counted(now))
                    for tunnel in self.ipsec_tunnels.values()
                    for spi in tunnel.spis
                    if not isinstance(spi.source, SaShare)
                ),
                at=now,
            )
        )

    # --- internal ---

    def _key(
        self,
        vrf: str | None,
        local: Identity | None,
        remote: Identity | None,
        addresses: tuple[Address | None, Address | None],
        ends: PeerEnds | None,
    ) -> PeerKey:
        flow = self.vrf(vrf)
        wanted = PeerKey(local or _identity_of(addresses[0]), remote or _identity_of(addresses[1]))
        return key_by_addresses(flow, wanted, addresses) if ends is None else key_for(flow, wanted, ends)


def _identity_of(address: Address | None) -> Identity:
    """Of an end that has told no identity: its address, or a name without letters."""
    return Identity(True, str(address)) if address is not None else Identity(False, "")


def _numbered(spis: Sequence[NewSpi], first: int, now: int) -> tuple[Sa, ...]:
    """The SAs of a bundle, with the indexes that they get."""
    return tuple(
        [
            Sa(index, spi.inbound, spi.protocol, spi.value, spi.start, spi.source.counts(now) if spi.source else None)
            for index, spi in enumerate(spis, first)
        ]
    )
