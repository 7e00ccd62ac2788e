"""The monitor's verbs, one by one: what rows come and go, what is kept of a tunnel that ended, what is emitted."""

from __future__ import annotations

from collections.abc import Sized
from ipaddress import IPv4Address
from typing import Any

import pytest

from agent.base.ike_counters import IkeCounter
from agent.flow.counters import IpsecCounter, PacketCounters
from agent.flow.model import EndReason, Identity, IkeFailureReason, IpsecFailureReason, PeerKey
from agent.flow.records import (
    CheckPointed,
    FlowRecord,
    IkeFailed,
    IkeTunnelEnded,
    IkeTunnelStarted,
    IpsecFailed,
    IpsecTunnelEnded,
    IpsecTunnelStarted,
    SaRefused,
    SasExpired,
    SasInstalled,
    SessionUp,
    VrfAdded,
)
from agent.flow.rows import INDEX_LIMIT, IndexAllocator
from agent.flow.settings import TrapKind
from agent.flow.vrf import IkeEvents, IpsecEvents
from tests.flow.builders import HUB, INSIDE_HUB, INSIDE_SPOKE, SPOKE, bundle, ike_facts
from tests.flow.replica import follow, shown
from tests.flow.router import Router

OTHER = IPv4Address("10.1.9.9")
KEY = PeerKey(Identity(True, "10.1.1.2"), Identity(True, "10.1.1.1"))


@pytest.fixture
def router() -> Router:
    return Router()


def sizes(*collections: Sized) -> set[int]:
    return {len(each) for each in collections}


def kinds(events: list[FlowRecord]) -> list[type]:
    return [type(event) for event in events if not isinstance(event, VrfAdded)]


def test_a_tunnel_coming_up_is_a_row_of_its_vrf_and_of_the_router(router: Router) -> None:
    router.clock.time = 7
    ike = router.ike()
    ipsec = router.ipsec(ike)
    flow = router.monitor.vrf("vrf1")
    assert (ike.index, ike.start, ike.vrf) == (1, 7, "vrf1")
    assert (ipsec.index, ipsec.start, ipsec.ike_index, ipsec.ike) == (1, 7, 1, ike)
    assert flow.ike_tunnels[1] is router.monitor.ike_tunnels[1] is ike
    assert flow.ipsec_tunnels[1] is router.monitor.ipsec_tunnels[1] is ipsec
    assert list(flow.peers) == [KEY]
    assert flow.peers[KEY].tunnel_index == 1
    assert flow.peer_links[KEY, 1] is ipsec
    assert flow.endpoints[1, 1] == (*ipsec.facts.local, *ipsec.facts.remote)
    assert [(key, spi.inbound, spi.protocol, spi.value, spi.expiring) for key, spi in zip(flow.spis, ipsec.spis, strict=True)] == [
        ((1, 1), True, "ah", 256, False),
        ((1, 2), False, "ah", 257, False),
        ((1, 3), True, "esp", 258, False),
        ((1, 4), False, "esp", 259, False),
    ]
    assert not len(router.monitor.vrf(None).ike_tunnels)
    assert kinds(router.records) == [IkeTunnelStarted, IpsecTunnelStarted, SessionUp]


def test_indexes_rise_router_wide(router: Router) -> None:
    tunnels = [router.ike("vrf1"), router.ike("vrf2"), router.ike(None)]
    assert [tunnel.index for tunnel in tunnels] == [1, 2, 3]
    assert [router.ipsec(tunnel).index for tunnel in tunnels] == [1, 2, 3]
    router.monitor.ike_ended(tunnels[2], EndReason.NORMAL)
    assert router.ike("vrf1").index == 4


def test_indexes_in_use_are_skipped_after_the_largest(router: Router) -> None:
    router.ike()
    router.monitor.ike_indexes = IndexAllocator(router.monitor.ike_tunnels.__contains__, INDEX_LIMIT - 1)
    assert [router.ike().index, router.ike().index] == [INDEX_LIMIT, 2]


def test_only_an_initiator_counts_as_having_initiated(router: Router) -> None:
    router.ike()
    router.ike(initiator=True)
    assert router.monitor.vrf("vrf1").ike_events[IkeEvents.INITIATED] == 1


def test_a_rekey_keeps_the_row_and_counts_what_it_replaces(router: Router) -> None:
    ipsec = router.ipsec(router.ike())
    old = list(ipsec.spis)
    flow = router.monitor.vrf("vrf1")
    router.monitor.sas_installed(ipsec, bundle(512), ipsec.facts, ipsec.spis)
    assert (ipsec.index, ipsec.refreshes, ipsec.expired_sas) == (1, 1, 0)
    assert [(index, spi.expiring) for (_, index), spi in zip(flow.spis, ipsec.spis, strict=True)] == [
        *((index, True) for index in range(1, 5)),
        *((index, False) for index in range(5, 9)),
    ]
    router.monitor.sas_expired(ipsec, old)
    assert (ipsec.refreshes, ipsec.expired_sas) == (1, 4)
    assert [(key, spi.value) for key, spi in zip(flow.spis, flow.spis.values(), strict=True)] == [
        ((1, index), 507 + index) for index in range(5, 9)
    ]
    installed, expired = router.records[-2:]
    assert isinstance(installed, SasInstalled)
    assert isinstance(expired, SasExpired)
    assert [(sa.index, sa.value) for sa in installed.sas] == [(spi.index, spi.value) for spi in ipsec.spis]
    assert installed.replaced == expired.sas == tuple(spi.index for spi in old)


def test_an_ike_tunnel_that_ends_leaves_its_ipsec_tunnels_until_the_next_takes_them(router: Router) -> None:
    first = router.ike()
    ipsec = router.ipsec(first)
    peer = first.peer
    router.monitor.ike_ended(first, EndReason.NORMAL)
    assert (ipsec.ike, ipsec.ike_index, peer.tunnel_index) == (None, 1, 0)
    assert KEY in router.monitor.vrf("vrf1").peers
    second = router.ike()
    assert second.peer is peer
    assert (second.index, ipsec.ike, ipsec.ike_index, peer.tunnel_index) == (2, second, 2, 2)


def test_where_two_ike_tunnels_overlap_the_newer_counts(router: Router) -> None:
    first = router.ike()
    ipsec = router.ipsec(first)
    second = router.ike()
    assert (ipsec.ike, ipsec.peer.tunnel_index) == (second, 2)
    router.monitor.ike_ended(second, EndReason.PEER_DELETE)
    assert (ipsec.ike, ipsec.ike_index, ipsec.peer.tunnel_index) == (first, 1, 1)
    router.monitor.ike_ended(first, EndReason.PEER_DELETE)
    assert (ipsec.ike, ipsec.ike_index, ipsec.peer.tunnel_index) == (None, 1, 0)


def test_a_peer_goes_with_its_last_tunnel_of_either_phase(router: Router) -> None:
    flow = router.monitor.vrf("vrf1")
    ike = router.ike()
    ipsec = router.ipsec(ike)
    router.monitor.ike_ended(ike, EndReason.NORMAL)
    assert len(flow.peers) == 1
    router.monitor.ipsec_ended(ipsec, EndReason.NORMAL)
    assert not len(flow.peers)
    ike = router.ike()
    router.monitor.ipsec_ended(router.ipsec(ike), EndReason.NORMAL)
    assert len(flow.peers) == 1
    router.monitor.ike_ended(ike, EndReason.NORMAL)
    assert not len(flow.peers)


def test_pairs_that_share_their_identities_are_told_apart_and_keep_their_rows(router: Router) -> None:
    group: dict[str, Any] = {"local": Identity(False, "hub"), "remote": Identity(False, "clients")}
    first, second = router.ike(**group), router.ike(spoke=OTHER, **group)
    assert (first.peer.key.internal, second.peer.key.internal) == (1, 2)
    router.monitor.ike_ended(first, EndReason.NORMAL)
    again = router.ike(spoke=OTHER, **group)
    assert again.peer is second.peer
    assert router.ike(**group).peer.key.internal == 1


def test_one_pair_in_two_vrfs_is_two_peers(router: Router) -> None:
    assert router.ike("vrf1").peer is not router.ike("vrf2").peer


@pytest.mark.parametrize("reason", [reason for reason in EndReason if reason is not EndReason.CHECKPOINT])
def test_an_ipsec_tunnel_that_ends_is_in_history_and_in_the_failures_unless_it_expired(router: Router, reason: EndReason) -> None:
    ipsec = router.ipsec(router.ike())
    router.monitor.sas_installed(ipsec, bundle(512), ipsec.facts, ipsec.spis)
    router.monitor.sas_expired(ipsec, ipsec.spis[:4])
    ipsec.counters.add(IpsecCounter.IN_OCTETS, 400)  # type: ignore[attr-defined]  # the source that `router` gives
    router.clock.time = 1_000
    router.monitor.ipsec_ended(ipsec, reason)
    flow = router.monitor.vrf("vrf1")
    assert sizes(flow.ipsec_tunnels, flow.endpoints, flow.spis, flow.peer_links, router.monitor.ipsec_tunnels) == {0}
    history = flow.ipsec_history[1]
    assert (history.reason, history.active_index, history.ike_index, history.start, history.active) == (reason, 1, 1, 0, 1_000)
    assert (history.refreshes, history.total_sas, history.current_sas) == (1, 8, 4)
    assert history.counters.value(IpsecCounter.IN_OCTETS, 0) == 400
    ends = flow.endpoint_history[1]
    assert (ends.tunnel_index, ends.active_index, ends.local, ends.remote) == (1, 1, *history.facts.local, *history.facts.remote)
    failures = list(flow.ipsec_failures.values())
    assert len(failures) == (reason is not EndReason.NORMAL)
    for failure in failures:
        assert (failure.time, failure.tunnel_index, failure.source, failure.destination) == (1_000, 1, HUB, SPOKE)
        others = {EndReason.LOCAL_FAILURE: "internal error", EndReason.UNKNOWN_TO_PEER: "non-existent sa"}
        assert failure.reason.value == others.get(reason, reason.value)
    event, _ = router.records[-2:]
    assert isinstance(event, IpsecTunnelEnded)
    assert (event.at, event.vrf, event.index, event.reason, event.start) == (1_000, "vrf1", ipsec.index, reason, history.start)
    assert (event.facts, event.counters) == (history.facts, history.counters.snapshot(0))
    assert [sa.index for sa in event.sas] == [5, 6, 7, 8]


@pytest.mark.parametrize(
    "reason",
    [
        reason
        for reason in EndReason
        if reason not in (EndReason.CHECKPOINT, EndReason.SEQUENCE_ROLLOVER, EndReason.UNKNOWN_TO_PEER)
    ],
)
def test_an_ike_tunnel_that_ends_is_in_history_and_in_the_failures_unless_it_expired(router: Router, reason: EndReason) -> None:
    router.clock.time = 5
    ike = router.ike()
    ike.counters.add(IkeCounter.IN_OCTETS, 336)  # type: ignore[attr-defined]  # the source that `router` gives
    router.clock.time = 1_005
    router.monitor.ike_ended(ike, reason)
    flow = router.monitor.vrf("vrf1")
    assert sizes(flow.ike_tunnels, flow.peers, router.monitor.ike_tunnels) == {0}
    history = flow.ike_history[1]
    assert (history.reason, history.active_index, history.internal, history.start, history.active) == (reason, 1, 1, 5, 1_000)
    assert (history.facts, history.counters.value(IkeCounter.IN_OCTETS, 0)) == (ike.facts, 336)
    failures = list(flow.ike_failures.values())
    assert [(failure.reason.value, failure.time, failure.local) for failure in failures] == (
        [] if reason is EndReason.NORMAL else [(reason.value, 1_005, ike.facts.local)]
    )
    event = router.records[-1]
    assert isinstance(event, IkeTunnelEnded)
    assert (event.at, event.index, event.start, event.facts) == (1_005, ike.index, 5, ike.facts)
    assert event.counters == history.counters.snapshot(0)


def test_a_tunnel_in_the_event_of_its_end_no_longer_moves(router: Router) -> None:
    source = PacketCounters(IkeCounter)
    ike = router.monitor.ike_up("vrf1", ike_facts(), source)
    router.monitor.ike_ended(ike, EndReason.NORMAL)
    source.add(IkeCounter.IN_PACKETS)
    assert ike.counters.value(IkeCounter.IN_PACKETS, 0) == 0
    assert router.monitor.vrf("vrf1").ike_totals.value(IkeCounter.IN_PACKETS, 0) == 0


def test_previous_counts_the_ended(router: Router) -> None:
    for reason in (EndReason.NORMAL, EndReason.PEER_LOST):
        ike = router.ike()
        router.monitor.ipsec_ended(router.ipsec(ike), reason)
        router.monitor.ike_ended(ike, reason)
    flow = router.monitor.vrf("vrf1")
    assert (flow.ike_events[IkeEvents.PREVIOUS], flow.ipsec_events[IpsecEvents.PREVIOUS]) == (2, 2)


@pytest.mark.parametrize(
    ("reason", "initiator", "counted"),
    [
        (IkeFailureReason.PROPOSAL, True, {IkeEvents.INITIATOR_FAILS}),
        (IkeFailureReason.PROPOSAL, False, {IkeEvents.RESPONDER_FAILS}),
        (IkeFailureReason.CAPACITY, False, {IkeEvents.RESPONDER_FAILS, IkeEvents.CAPACITY_FAILS}),
        (IkeFailureReason.AUTHENTICATION, True, {IkeEvents.INITIATOR_FAILS, IkeEvents.AUTHENTICATION_FAILS}),
        (IkeFailureReason.ENCRYPT, None, {IkeEvents.DECRYPT_FAILS}),
        (IkeFailureReason.HASH_VALIDATION, None, {IkeEvents.HASH_FAILS}),
        (IkeFailureReason.NO_SA, None, {IkeEvents.NO_SA_FAILS}),
    ],
)
def test_a_phase_1_that_failed_is_a_failure_row_and_counts(
    router: Router, reason: IkeFailureReason, initiator: bool | None, counted: set[IkeEvents]
) -> None:
    router.clock.time = 9
    router.monitor.ike_failed("vrf2", reason, HUB, OTHER, initiator=initiator)
    flow = router.monitor.vrf("vrf2")
    assert {event for event in IkeEvents if flow.ike_events[event]} == counted
    failure = flow.ike_failures[1]
    assert (failure.reason, failure.time, failure.local, failure.remote) == (reason, 9, None, None)
    assert (failure.local_address, failure.remote_address) == (HUB, OTHER)
    assert not len(flow.ike_history)
    event = router.records[-1]
    assert isinstance(event, IkeFailed)
    assert (event.reason, event.at, event.initiator, event.index) == (reason, 9, initiator, 0)
    assert event.peer == PeerKey(Identity(True, str(HUB)), Identity(True, str(OTHER)))


@pytest.mark.parametrize(
    ("reason", "counted"),
    [
        (IpsecFailureReason.PROTOCOL_USE, {IpsecEvents.PROTOCOL_USE_FAILS}),
        (IpsecFailureReason.NO_SA, {IpsecEvents.NO_SA_FAILS}),
        (IpsecFailureReason.CAPACITY, {IpsecEvents.CAPACITY_FAILS}),
        (IpsecFailureReason.PROPOSAL, set()),
    ],
)
def test_a_phase_2_that_failed_is_a_failure_row_and_counts(
    router: Router, reason: IpsecFailureReason, counted: set[IpsecEvents]
) -> None:
    router.monitor.ipsec_failed(None, reason, INSIDE_HUB, INSIDE_SPOKE, spi=4_000_000_000)
    flow = router.monitor.vrf(None)
    assert {event for event in IpsecEvents if flow.ipsec_events[event]} == counted
    failure = flow.ipsec_failures[1]
    assert (failure.tunnel_index, failure.spi, failure.source) == (0, 4_000_000_000, INSIDE_HUB)
    assert not len(flow.ipsec_history)
    assert kinds(router.records) == [IpsecFailed]


def test_bad_packets_of_a_live_tunnel_name_it_and_its_peer(router: Router) -> None:
    ike = router.ike()
    ipsec = router.ipsec(ike)
    router.monitor.ipsec_failed("vrf1", IpsecFailureReason.DECRYPT, SPOKE, HUB, spi=258, tunnel=ipsec)
    router.monitor.ike_failed("vrf1", IkeFailureReason.HASH_VALIDATION, HUB, SPOKE, tunnel=ike)
    phase_2, phase_1 = router.records[-2:]
    assert isinstance(phase_2, IpsecFailed)
    assert isinstance(phase_1, IkeFailed)
    assert (phase_2.index, phase_2.peer) == (ipsec.index, KEY)
    assert (phase_2.local_address, phase_2.remote_address) == (HUB, SPOKE)
    assert (phase_1.index, phase_1.peer) == (ike.index, KEY)


@pytest.mark.parametrize("inbound", [False, True])
def test_a_phase_2_that_never_was_is_told_by_its_ends_whichever_way_the_packet_went(router: Router, inbound: bool) -> None:
    ends = (SPOKE, HUB) if inbound else (HUB, SPOKE)
    router.monitor.ipsec_failed("vrf1", IpsecFailureReason.NO_SA, *ends, spi=258, inbound=inbound)
    event = router.records[-1]
    assert isinstance(event, IpsecFailed)
    assert (event.source, event.destination) == ends
    assert (event.peer, event.local_address, event.remote_address) == (KEY, HUB, SPOKE)


def test_a_failure_names_the_row_that_the_pair_has_or_would_have(router: Router) -> None:
    group: dict[str, Any] = {"local": Identity(False, "hub"), "remote": Identity(False, "clients")}
    router.ike(**group)
    for address in (SPOKE, OTHER):
        router.monitor.ike_failed("vrf1", IkeFailureReason.PROPOSAL, HUB, address, group["local"], group["remote"], False)
    assert [event.peer.internal for event in router.records if isinstance(event, IkeFailed)] == [1, 2]
    assert len(router.monitor.vrf("vrf1").peers) == 1


def test_a_refused_sa_is_told(router: Router) -> None:
    router.monitor.sa_refused("vrf1")
    assert router.records == [SaRefused(at=0, vrf="vrf1")]


def test_sas_are_counted_by_the_map_that_brought_them_about(router: Router) -> None:
    ike = router.ike()
    first, second = router.ipsec(ike), router.ipsec(ike, map_name=None)
    assert router.monitor.sas_of_map("vrf1-map") == 4
    router.monitor.sas_installed(first, bundle(512), first.facts, first.spis)
    assert router.monitor.sas_of_map("vrf1-map") == 8
    router.monitor.sas_expired(first, first.spis[:4])
    router.monitor.ipsec_ended(second, EndReason.NORMAL)
    assert router.monitor.sas_of_map("vrf1-map") == 4
    router.monitor.ipsec_ended(first, EndReason.NORMAL)
    assert (router.monitor.sas_of_map("vrf1-map"), router.monitor.sas_of_map("another")) == (0, 0)


def test_a_check_point_copies_the_live_tunnels_of_one_vrf_and_leaves_them(router: Router) -> None:
    ike = router.ike()
    ipsec = router.ipsec(ike)
    router.ike("vrf2")
    ipsec.counters.add(IpsecCounter.IN_PACKETS, 4)  # type: ignore[attr-defined]  # the source that `router` gives
    router.clock.time = 300
    router.monitor.checkpoint("vrf1")
    ipsec.counters.add(IpsecCounter.IN_PACKETS, 1)  # type: ignore[attr-defined]  # the source that `router` gives
    flow = router.monitor.vrf("vrf1")
    assert [(row.reason, row.active) for row in flow.ike_history.values()] == [(EndReason.CHECKPOINT, 300)]
    copied = flow.ipsec_history[1]
    assert (copied.reason, copied.counters.value(IpsecCounter.IN_PACKETS, 300)) == (EndReason.CHECKPOINT, 4)
    assert len(flow.endpoint_history) == 1
    assert flow.ipsec_tunnels[1] is ipsec
    assert ipsec.counters.value(IpsecCounter.IN_PACKETS, 300) == 5
    assert (flow.ike_events[IkeEvents.PREVIOUS], len(flow.ike_failures)) == (0, 0)
    assert not len(router.monitor.vrf("vrf2").ike_history)
    assert router.records[-1] == CheckPointed(
        ((1, flow.ike_history[1].counters.snapshot(0)),), ((1, copied.counters.snapshot(0)),), at=300, vrf="vrf1"
    )


def test_window_sizes_are_kept_per_vrf_and_set_in_all_at_once(router: Router) -> None:
    monitor = router.monitor
    first, second = monitor.vrf("vrf1"), monitor.vrf("vrf2")
    assert (first.tunnel_window, first.failure_window) == (200, 200)
    first.resize_tunnel_windows(140)
    second.resize_failure_windows(3)
    assert (first.tunnel_window, second.tunnel_window) == (140, 200)
    assert (first.failure_window, second.failure_window) == (200, 3)
    monitor.resize_windows(tunnels=130)
    assert [(flow.tunnel_window, flow.failure_window) for flow in (first, second, monitor.vrf("later"))] == [
        (130, 200),
        (130, 3),
        (130, 200),
    ]
    monitor.resize_windows(failures=5)
    assert {flow.failure_window for flow in (*monitor.vrfs(), monitor.vrf("latest"))} == {5}


def test_all_windows_of_a_vrf_slide_by_its_sizes(router: Router) -> None:
    router.monitor.resize_windows(tunnels=2, failures=3)
    for _ in range(5):
        ike = router.ike()
        router.monitor.ipsec_ended(router.ipsec(ike), EndReason.OPERATOR)
        router.monitor.ike_ended(ike, EndReason.OPERATOR)
    flow = router.monitor.vrf("vrf1")
    assert [list(window) for window in (flow.ike_history, flow.ipsec_history, flow.endpoint_history)] == [[4, 5]] * 3
    assert [list(window) for window in (flow.ike_failures, flow.ipsec_failures)] == [[3, 4, 5]] * 2


def ended(router: Router, number: int) -> None:
    for _ in range(number):
        ike = router.ike()
        router.monitor.ipsec_ended(router.ipsec(ike), EndReason.OPERATOR)
        router.monitor.ike_ended(ike, EndReason.OPERATOR)


@pytest.mark.parametrize("change", ["tunnels", "failures", "both", "check-point"])
def test_a_resize_or_a_check_point_is_taken_back_with_the_rows_that_it_dropped_and_added(router: Router, change: str) -> None:
    monitor = router.monitor
    replica = follow(monitor, router.clock, (200, 200))
    monitor.vrf("vrf1")
    monitor.resize("vrf1", tunnels=3, failures=3)
    ended(router, 4)
    for _ in range(2):
        router.ipsec(router.ike())
    before = shown(monitor, 0, counters=True)
    sizes = {"tunnels": {"tunnels": 1}, "failures": {"failures": 2}, "both": {"tunnels": 2, "failures": 1}}

    def act() -> None:
        monitor.checkpoint("vrf1") if change == "check-point" else monitor.resize("vrf1", **sizes[change])

    undo = monitor.reversibly("vrf1", act)
    assert shown(monitor, 0, counters=True) != before
    undo()
    assert shown(monitor, 0, counters=True) == before
    assert shown(replica, 0, counters=False) == shown(monitor, 0, counters=False)


def test_rows_that_came_after_a_change_stay_when_it_is_taken_back(router: Router) -> None:
    monitor = router.monitor
    replica = follow(monitor, router.clock, (200, 200))
    monitor.vrf("vrf1")
    monitor.resize("vrf1", tunnels=3)
    ended(router, 3)
    undo = monitor.reversibly("vrf1", lambda: monitor.resize("vrf1", tunnels=1))
    ended(router, 1)
    undo()
    flow = monitor.vrf("vrf1")
    assert [list(window) for window in (flow.ike_history, flow.ipsec_history, flow.endpoint_history)] == [[2, 3, 4]] * 3
    assert shown(replica, 0, counters=False) == shown(monitor, 0, counters=False)


def test_the_four_starts_and_stops_are_sent_unless_switched_off(router: Router) -> None:
    flow = router.monitor.vrf("vrf1")
    assert {kind.value for kind in flow.traps} == {
        "isakmp tunnel start",
        "isakmp tunnel stop",
        "ipsec tunnel start",
        "ipsec tunnel stop",
    }
    flow.set_trap(TrapKind.IKE_TUNNEL_START, False)
    flow.set_trap(TrapKind.IKE_NO_SA, True)
    assert TrapKind.IKE_TUNNEL_START not in flow.traps
    assert TrapKind.IKE_NO_SA in flow.traps
    assert TrapKind.IKE_NO_SA not in router.monitor.vrf("vrf2").traps
