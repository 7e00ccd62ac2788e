"""The monitor under random verbs: what holds of its rows and sums at every instant, whatever an engine reports."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from ipaddress import IPv4Address

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.base.ike_counters import IkeCounter
from agent.flow.counters import CounterSource, FrozenCounters, IpsecCounter, PacketCounters, PeriodicCounters, Rhythm
from agent.flow.model import Endpoint, EndReason, Identity, IkeFailureReason, IkeTunnel, IpsecFailureReason, IpsecTunnel, Peer
from agent.flow.monitor import FlowMonitor
from agent.flow.records import FlowRecord, SessionDown, SessionUp, VrfAdded
from agent.flow.sessions import SessionTotals
from agent.flow.settings import TrapKind
from agent.flow.vrf import IkeEvents, IpsecEvents, VrfFlow, place_of
from tests.flow.builders import HUB, bundle, ike_facts, ipsec_facts
from tests.flow.replica import follow, shown

VRFS = (None, "vrf1", "vrf2")
SPOKES = [IPv4Address(f"10.1.1.{number}") for number in (1, 3)]
PORTS = [500, 4500, 20001, 20002]
IDENTITIES = [None, Identity(False, "clients")]  # their address, or one name that both share
NETWORKS = [Endpoint("address", IPv4Address(f"10.2{number}.1.1"), IPv4Address(f"10.2{number}.1.1")) for number in range(3)]
SELECTORS = st.lists(st.sampled_from(NETWORKS), min_size=1, max_size=3, unique=True).map(tuple)
ENDS = [EndReason.NORMAL, EndReason.OPERATOR, EndReason.PEER_LOST]
# In the order of SessionTotals. In counts inner octets and Out whole packets, the other layer is beside them.
SUMMED = [
    IpsecCounter[name] for name in ("IN_PACKETS", "IN_OCTETS", "IN_OUTER_OCTETS", "OUT_PACKETS", "OUT_INNER_OCTETS", "OUT_OCTETS")
]
IPSEC_SIZE, IKE_SIZE = len(IpsecCounter), len(IkeCounter)


class Clock:
    time = 0

    def now(self) -> int:
        return self.time


class Engine(RuleBasedStateMachine):
    """Calls the verbs as an engine may, and keeps beside them the plainest account of what they should amount to."""

    @initialize(window=st.integers(1, 4))
    def boot(self, window: int) -> None:
        self.clock = Clock()
        self.monitor = FlowMonitor(self.clock, window, window)
        self.windows: dict[str | None, int] = dict.fromkeys(VRFS, window)
        self.events: list[FlowRecord] = []
        self.monitor.subscribe(self.events.append)
        self.replica = follow(self.monitor, self.clock, (window, window))
        self.verbs = 0
        self.taken: dict[type, int] = {IkeTunnel: 0, IpsecTunnel: 0}
        self.ikes: list[IkeTunnel] = []
        self.ipsecs: list[IpsecTunnel] = []
        self.refreshes: Counter[int] = Counter()
        self.expired: Counter[int] = Counter()
        self.ended: dict[tuple[type, str | None], list[int]] = {}
        self.previous: Counter[tuple[type, str | None]] = Counter()
        self.failures: Counter[tuple[type, str | None]] = Counter()
        self.histories: Counter[tuple[type, str | None]] = Counter()
        self.sessions: dict[Peer, tuple[int, list[CounterSource | tuple[int, ...]]]] = {}  # ids, and what their tunnels count
        self.next_session = 1
        self.past_endpoints: Counter[str | None] = Counter()

    def tunnels(self) -> list[IkeTunnel | IpsecTunnel]:
        return [*self.ikes, *self.ipsecs]

    def source(self, data: st.DataObject, size: int) -> CounterSource:
        kind = IpsecCounter if size == IPSEC_SIZE else IkeCounter
        which = data.draw(st.sampled_from(["packets", "periodic", "frozen"]))
        if which == "packets":
            return PacketCounters(kind)
        base = tuple(data.draw(st.integers(0, 2**33)) + counter for counter in range(size))
        if which == "frozen":
            return FrozenCounters(base)
        rhythm = Rhythm(data.draw(st.sampled_from([10, 1000])), tuple(counter % 3 for counter in range(size)))
        return PeriodicCounters(base, rhythm, self.clock.time - data.draw(st.integers(0, 5000)))

    def took(self, tunnel: IkeTunnel | IpsecTunnel) -> None:
        self.taken[type(tunnel)] += 1
        assert tunnel.index == self.taken[type(tunnel)]
        self.verbs += 1

    def gone(self, tunnel: IkeTunnel | IpsecTunnel, numbers: tuple[int | None, ...], reason: EndReason) -> None:
        key = (type(tunnel), tunnel.vrf)
        had = self.ended.get(key, [0] * len(numbers))
        self.ended[key] = [old + (new or 0) for old, new in zip(had, numbers, strict=True)]
        self.previous[key] += 1
        self.kept(tunnel)
        self.failures[key] += reason is not EndReason.NORMAL
        self.verbs += 1

    def kept(self, tunnel: IkeTunnel | IpsecTunnel) -> None:
        self.histories[type(tunnel), tunnel.vrf] += 1
        if isinstance(tunnel, IpsecTunnel):
            self.past_endpoints[tunnel.vrf] += len(tunnel.facts.local) * len(tunnel.facts.remote)

    @rule(
        vrf=st.sampled_from(VRFS),
        spoke=st.sampled_from(SPOKES),
        identity=st.sampled_from(IDENTITIES),
        port=st.sampled_from(PORTS),
        data=st.data(),
        me=st.booleans(),
    )
    def ike_up(
        self, vrf: str | None, spoke: IPv4Address, identity: Identity | None, port: int, data: st.DataObject, me: bool
    ) -> None:
        facts = ike_facts(spoke, remote=identity or Identity(True, str(spoke)), remote_port=port, initiator=me)
        before = list(self.monitor.vrf(vrf).peers.values())
        continues = data.draw(st.none() | st.lists(st.sampled_from(before), max_size=2) if before else st.none() | st.just([]))
        tunnel = self.monitor.ike_up(vrf, facts, self.source(data, IKE_SIZE), continues=continues)
        self.took(tunnel)
        self.ikes.append(tunnel)
        if continues is not None:
            fitting = [peer for peer in continues if (peer.key.local, peer.key.remote) == (facts.local, facts.remote)]
            assert tunnel.peer is fitting[0] if fitting else tunnel.peer not in before
        assert tunnel.peer.ends == facts.ends
        assert all(other.ike is tunnel for other in self.ipsecs if other.peer is tunnel.peer)

    @precondition(lambda self: self.ikes)
    @rule(data=st.data())
    def ike_rekeyed(self, data: st.DataObject) -> None:
        tunnel = data.draw(st.sampled_from(self.ikes))
        before = tunnel.refreshes
        self.monitor.ike_rekeyed(tunnel, replace(tunnel.facts, group=data.draw(st.integers(1, 21))))
        self.verbs += 1
        assert tunnel.refreshes == before + 1

    @precondition(lambda self: self.ikes)
    @rule(data=st.data(), local=SELECTORS, remote=SELECTORS)
    def ipsec_up(self, data: st.DataObject, local: tuple[Endpoint, ...], remote: tuple[Endpoint, ...]) -> None:
        ike = data.draw(st.sampled_from(self.ikes))
        facts = ipsec_facts(local=local, remote=remote)
        tunnel = self.monitor.ipsec_up(ike, facts, bundle(), self.source(data, IPSEC_SIZE))
        self.took(tunnel)
        self.ipsecs.append(tunnel)
        if tunnel.peer not in self.sessions:
            self.sessions[tunnel.peer] = self.next_session, []
            self.next_session += 1
        self.sessions[tunnel.peer][1].append(tunnel.counters)
        assert (tunnel.ike, tunnel.ike_index) == (ike, ike.index)

    @precondition(lambda self: self.ipsecs)
    @rule(data=st.data(), local=SELECTORS)
    def rekey(self, data: st.DataObject, local: tuple[Endpoint, ...]) -> None:
        tunnel = data.draw(st.sampled_from(self.ipsecs))
        self.monitor.sas_installed(tunnel, bundle(1000), replace(tunnel.facts, local=local), tunnel.spis)
        self.refreshes[tunnel.index] += 1
        self.verbs += 1
        assert [spi.expiring for spi in tunnel.spis] == [True] * (len(tunnel.spis) - 4) + [False] * 4

    @precondition(lambda self: any(spi.expiring for tunnel in self.ipsecs for spi in tunnel.spis))
    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        tunnel = data.draw(st.sampled_from([tunnel for tunnel in self.ipsecs if any(spi.expiring for spi in tunnel.spis)]))
        expiring = [spi for spi in tunnel.spis if spi.expiring]
        self.monitor.sas_expired(tunnel, expiring)
        self.expired[tunnel.index] += len(expiring)
        self.verbs += 1

    @precondition(lambda self: self.ikes)
    @rule(data=st.data(), reason=st.sampled_from(ENDS))
    def ike_ended(self, data: st.DataObject, reason: EndReason) -> None:
        tunnel = data.draw(st.sampled_from(self.ikes))
        self.ikes.remove(tunnel)
        numbers = tunnel.counters.snapshot(self.clock.time)
        self.monitor.ike_ended(tunnel, reason)
        self.gone(tunnel, numbers, reason)
        assert all(other.ike is not tunnel for other in self.ipsecs)

    @precondition(lambda self: self.ipsecs)
    @rule(data=st.data(), reason=st.sampled_from(ENDS))
    def ipsec_ended(self, data: st.DataObject, reason: EndReason) -> None:
        tunnel = data.draw(st.sampled_from(self.ipsecs))
        self.ipsecs.remove(tunnel)
        source, numbers = tunnel.counters, tunnel.counters.snapshot(self.clock.time)
        number, counted = self.sessions[tunnel.peer]
        counted[counted.index(source)] = tuple(value or 0 for value in numbers)
        self.monitor.ipsec_ended(tunnel, reason)
        self.gone(tunnel, numbers, reason)
        if not any(other.peer is tunnel.peer for other in self.ipsecs):
            down = self.events[-1]
            assert isinstance(down, SessionDown)
            assert (down.id, down.reason, down.vrf, down.ends) == (number, reason, tunnel.vrf, tunnel.peer.ends)
            assert down.totals == self.carried(tunnel.peer)
            del self.sessions[tunnel.peer]

    def carried(self, peer: Peer) -> SessionTotals:
        """What the tunnels of a session have counted, those that have ended too."""
        now = self.clock.time
        rows = [source if isinstance(source, tuple) else source.snapshot(now) for source in self.sessions[peer][1]]
        return SessionTotals(*(sum(row[counter] or 0 for row in rows) for counter in SUMMED))

    @precondition(lambda self: self.ikes or self.ipsecs)
    @rule(data=st.data(), port=st.sampled_from(PORTS), address=st.sampled_from(SPOKES))
    def peer_moved(self, data: st.DataObject, port: int, address: IPv4Address) -> None:
        peer = data.draw(st.sampled_from(self.tunnels())).peer
        ends = replace(peer.ends, remote_port=port, remote_address=address)
        self.verbs += peer.ends != ends
        self.monitor.peer_moved(peer, ends)
        assert peer.ends == ends

    @rule(vrf=st.sampled_from(VRFS), reason=st.sampled_from(IkeFailureReason), spoke=st.sampled_from(SPOKES))
    def ike_failed(self, vrf: str | None, reason: IkeFailureReason, spoke: IPv4Address) -> None:
        self.monitor.ike_failed(vrf, reason, HUB, spoke, initiator=True)
        self.failures[IkeTunnel, vrf] += 1
        self.verbs += 1

    @rule(vrf=st.sampled_from(VRFS), reason=st.sampled_from(IpsecFailureReason), spoke=st.sampled_from(SPOKES))
    def ipsec_failed(self, vrf: str | None, reason: IpsecFailureReason, spoke: IPv4Address) -> None:
        self.monitor.ipsec_failed(vrf, reason, spoke, HUB)
        self.failures[IpsecTunnel, vrf] += 1
        self.verbs += 1

    @rule(vrf=st.sampled_from(VRFS))
    def checkpoint(self, vrf: str | None) -> None:
        self.monitor.checkpoint(vrf)
        for tunnel in self.tunnels():
            if tunnel.vrf == vrf:
                self.kept(tunnel)
        self.verbs += 1

    @rule(vrf=st.sampled_from(VRFS), size=st.integers(1, 4))
    def resize(self, vrf: str | None, size: int) -> None:
        self.monitor.vrf(vrf)
        self.monitor.resize(vrf, tunnels=size, failures=size)
        self.windows[vrf] = size
        self.verbs += 1

    @rule(vrf=st.sampled_from(VRFS), size=st.integers(1, 4))
    def resize_and_take_back(self, vrf: str | None, size: int) -> None:
        self.monitor.vrf(vrf)
        before = shown(self.monitor, self.clock.time, counters=True)
        self.monitor.reversibly(vrf, lambda: self.monitor.resize(vrf, tunnels=size, failures=size))()
        assert shown(self.monitor, self.clock.time, counters=True) == before
        self.verbs += 2

    @rule(data=st.data(), later=st.integers(0, 3000))
    def traffic(self, data: st.DataObject, later: int) -> None:
        self.clock.time += later
        sources = [tunnel.counters for tunnel in self.tunnels() if isinstance(tunnel.counters, PacketCounters)]
        for source in sources:
            source.add(data.draw(st.integers(0, IKE_SIZE - 1)), data.draw(st.integers(1, 2000)))

    @rule(vrf=st.sampled_from(VRFS), kind=st.sampled_from(TrapKind), enabled=st.booleans())
    def switch(self, vrf: str | None, kind: TrapKind, enabled: bool) -> None:
        self.monitor.vrf(vrf)
        self.monitor.switch_trap(vrf, kind, enabled)
        self.verbs += 1

    @rule()
    def report_counters(self) -> None:
        self.monitor.report_counters()
        self.verbs += 1
        now = self.clock.time
        assert shown(self.replica, now, counters=True) == shown(self.monitor, now, counters=True)

    # --- what always holds ---

    @invariant()
    def a_monitor_that_is_fed_by_the_records_alone_shows_the_same(self) -> None:
        now = self.clock.time
        assert shown(self.replica, now, counters=False) == shown(self.monitor, now, counters=False)

    def flows(self) -> list[VrfFlow]:
        return [self.monitor.vrf(vrf) for vrf in VRFS]

    @invariant()
    def each_verb_makes_one_record(self) -> None:
        assert len([record for record in self.events if not isinstance(record, VrfAdded | SessionUp | SessionDown)]) == self.verbs

    @invariant()
    def live_rows_are_the_live_tunnels(self) -> None:
        for flow in self.flows():
            ikes = [tunnel for tunnel in self.ikes if tunnel.vrf == flow.name]
            ipsecs = [tunnel for tunnel in self.ipsecs if tunnel.vrf == flow.name]
            assert list(flow.ike_tunnels.values()) == ikes
            assert list(flow.ipsec_tunnels.values()) == ipsecs
            for tunnel in ipsecs:
                rows = [
                    row for (index, _), row in zip(flow.endpoints, flow.endpoints.values(), strict=True) if index == tunnel.index
                ]
                assert sorted(map(repr, rows)) == sorted(map(repr, tunnel.facts.endpoints))
            assert len(flow.endpoints) == sum(len(tunnel.facts.endpoints) for tunnel in ipsecs)
            assert set(flow.spis.values()) == {spi for tunnel in ipsecs for spi in tunnel.spis}
            assert {key: link.index for key, link in zip(flow.peer_links, flow.peer_links.values(), strict=True)} == {
                (tunnel.peer.key, tunnel.peer_link): tunnel.index for tunnel in ipsecs
            }
        assert set(self.monitor.ike_tunnels.values()) == set(self.ikes)
        assert set(self.monitor.ipsec_tunnels.values()) == set(self.ipsecs)
        assert self.monitor.sas_of_map("vrf1-map") == sum(len(tunnel.spis) for tunnel in self.ipsecs)

    @invariant()
    def a_peer_lives_while_its_pair_has_a_tunnel(self) -> None:
        for flow in self.flows():
            peers = {tunnel.peer for tunnel in self.tunnels() if tunnel.vrf == flow.name}
            assert set(flow.peers.values()) == peers >= set(flow.places.values())
            assert {peer.key: peer for peer in peers} == dict(zip(flow.peers, flow.peers.values(), strict=True))
            assert {place_of(peer.key, peer.ends) for peer in peers} >= set(flow.places)
            namesakes = {peer for found in flow.namesakes.values() for peer in found.peers.values()}
            assert namesakes == {peer for peer in peers if peer.key.internal > 1}
            for peer in peers:
                ikes = [tunnel.index for tunnel in self.ikes if tunnel.peer is peer]
                assert peer.tunnel_index == max(ikes, default=0)

    @invariant()
    def a_session_is_up_while_its_association_has_an_ipsec_tunnel(self) -> None:
        assert {session.peer: session.id for session in self.monitor.sessions()} == {
            peer: number for peer, (number, _) in self.sessions.items()
        }
        assert set(self.sessions) == {tunnel.peer for tunnel in self.ipsecs}
        for session in self.monitor.sessions():
            assert session.peer.session is session
            assert session.totals(self.clock.time) == self.carried(session.peer)

    @invariant()
    def an_ipsec_tunnel_points_to_a_live_ike_tunnel_or_to_the_last(self) -> None:
        for tunnel in self.ipsecs:
            if tunnel.ike is None:
                assert not any(ike.peer is tunnel.peer for ike in self.ikes)
            else:
                assert tunnel.ike in self.ikes
                assert (tunnel.ike_index, tunnel.ike.peer) == (tunnel.ike.index, tunnel.peer)

    @invariant()
    def rekeys_are_counted_in_their_row(self) -> None:
        for tunnel in self.ipsecs:
            assert tunnel.refreshes == self.refreshes[tunnel.index]
            assert tunnel.expired_sas == self.expired[tunnel.index]
            assert len(tunnel.spis) + tunnel.expired_sas == 4 + 4 * tunnel.refreshes

    @invariant()
    def each_global_is_its_rows_and_what_ended(self) -> None:
        now = self.clock.time
        for flow in self.flows():
            for kind, live, totals, size in (
                (IkeTunnel, self.ikes, flow.ike_totals, IKE_SIZE),
                (IpsecTunnel, self.ipsecs, flow.ipsec_totals, IPSEC_SIZE),
            ):
                rows = [tunnel.counters.snapshot(now) for tunnel in live if tunnel.vrf == flow.name]
                ended = self.ended.get((kind, flow.name), [0] * size)
                assert [totals.value(counter, now) for counter in range(size)] == [
                    sum(column) for column in zip(ended, *rows, strict=True)
                ]

    @invariant()
    def what_ended_is_counted_and_kept_as_far_as_the_windows_go(self) -> None:
        for flow in self.flows():
            assert flow.ike_events[IkeEvents.PREVIOUS] == self.previous[IkeTunnel, flow.name]
            assert flow.ipsec_events[IpsecEvents.PREVIOUS] == self.previous[IpsecTunnel, flow.name]
            size = self.windows[flow.name]
            for window, number in (
                (flow.ike_history, self.histories[IkeTunnel, flow.name]),
                (flow.ipsec_history, self.histories[IpsecTunnel, flow.name]),
                (flow.endpoint_history, self.past_endpoints[flow.name]),
                (flow.ike_failures, self.failures[IkeTunnel, flow.name]),
                (flow.ipsec_failures, self.failures[IpsecTunnel, flow.name]),
            ):
                kept = list(window)
                assert window.size == size
                assert len(kept) <= size
                assert kept == list(range(number - len(kept) + 1, number + 1))


Engine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestMonitorUnderRandomVerbs = Engine.TestCase
