"""Sessions: when one comes up and goes, what it has carried, and who it is."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from agent.base.origin import CONSOLE
from agent.flow.counters import IpsecCounter, PolledCounters
from agent.flow.model import EndReason, Identity, IpsecTunnel, PeerEnds, PeerKey
from agent.flow.record_codec import decode_record, encode_record
from agent.flow.records import (
    FlowRecord,
    IkeTunnelEnded,
    IkeTunnelStarted,
    IpsecTunnelEnded,
    IpsecTunnelStarted,
    PeerMoved,
    SessionDown,
    SessionUp,
)
from agent.flow.sessions import NOTHING_CARRIED, Session, SessionFacts, SessionTotals
from tests.flow.builders import HUB, SPOKE, bundle, ike_facts, ipsec_facts
from tests.flow.router import Router, carry

# One packet each way of the guide's bundle: 100 octets of IP, 176 on the wire.
IN_100 = {"IN_PACKETS": 1, "IN_OCTETS": 100, "IN_OUTER_OCTETS": 176}
OUT_100 = {"OUT_PACKETS": 1, "OUT_INNER_OCTETS": 100, "OUT_OCTETS": 176}


@pytest.fixture
def router() -> Router:
    return Router()


def only_session(router: Router) -> Session:
    (session,) = router.monitor.sessions()
    return session


def kinds(records: list[FlowRecord]) -> list[str]:
    return [type(record).__name__ for record in records if type(record).__name__ != "VrfAdded"]


def test_a_session_comes_up_with_the_first_sa_pair_and_goes_with_the_last(router: Router) -> None:
    router.clock.time = 5
    ike = router.ike()
    assert not list(router.monitor.sessions())
    router.clock.time = 7
    first = router.ipsec(ike)
    session = only_session(router)
    assert (session.id, session.vrf, session.start, session.peer) == (1, "vrf1", 7, ike.peer)
    second = router.ipsec(ike, 512)
    router.monitor.ipsec_ended(first, EndReason.NORMAL)
    assert only_session(router) is session
    router.monitor.ike_ended(ike, EndReason.NORMAL)
    assert only_session(router) is session
    router.monitor.ipsec_ended(second, EndReason.PEER_LOST)
    assert not list(router.monitor.sessions())
    assert kinds(router.records) == [
        "IkeTunnelStarted",
        "IpsecTunnelStarted",
        "SessionUp",
        "IpsecTunnelStarted",
        "IpsecTunnelEnded",
        "IkeTunnelEnded",
        "IpsecTunnelEnded",
        "SessionDown",
    ]


def test_the_end_of_a_session_says_why_who_asked_since_when_and_how_much(router: Router) -> None:
    router.clock.time = 7
    tunnel = router.ipsec(router.ike())
    carry(tunnel, **IN_100, **OUT_100)
    router.clock.time = 1007
    with router.monitor.caused_by(CONSOLE):
        router.monitor.ipsec_ended(tunnel, EndReason.OPERATOR)
    (up,), (down,) = router.of(SessionUp), router.of(SessionDown)
    assert (up.at, up.vrf, up.start, up.origin) == (7, "vrf1", 7, None)
    assert (down.at, down.vrf, down.start, down.origin, down.reason) == (1007, "vrf1", 7, CONSOLE, EndReason.OPERATOR)
    assert (down.id, down.peer, down.ends, down.facts) == (up.id, up.peer, up.ends, up.facts)
    assert down.totals == SessionTotals(1, 100, 176, 1, 100, 176)


def test_totals_outlive_rekeys_and_the_tunnels_of_the_session(router: Router) -> None:
    ike = router.ike()
    first, second = router.ipsec(ike), router.ipsec(ike, 512)
    carry(first, **IN_100)
    router.monitor.sas_installed(first, bundle(1024), first.facts, first.spis)
    carry(first, **IN_100)
    router.monitor.ike_ended(ike, EndReason.NORMAL)
    router.monitor.ipsec_ended(first, EndReason.NORMAL)
    again = router.ike()
    third = router.ipsec(again, 2048)
    carry(second, **OUT_100)
    carry(third, **OUT_100)
    session = only_session(router)
    assert session.totals(0) == SessionTotals(2, 200, 352, 2, 200, 352)
    for tunnel in (second, third):
        router.monitor.ipsec_ended(tunnel, EndReason.NORMAL)
    (down,) = router.of(SessionDown)
    assert down.totals == SessionTotals(2, 200, 352, 2, 200, 352)


def test_a_number_that_a_tunnel_cannot_tell_is_unknown_in_the_totals_for_good(router: Router) -> None:
    ike = router.ike()
    counts: list[int | None] = [1] * len(IpsecCounter)
    counts[IpsecCounter.IN_OUTER_OCTETS] = None
    tunnel = router.monitor.ipsec_up(ike, ipsec_facts(), bundle(), PolledCounters(tuple(counts)))
    known = SessionTotals(1, 1, None, 1, 1, 1)
    assert only_session(router).totals(0) == known
    other = router.ipsec(ike, 512)
    router.monitor.ipsec_ended(tunnel, EndReason.NORMAL)
    assert only_session(router).totals(0) == known
    router.monitor.ipsec_ended(other, EndReason.NORMAL)
    assert router.of(SessionDown)[0].totals == known


def test_a_session_that_comes_again_is_another_and_ids_rise_router_wide(router: Router) -> None:
    ike = router.ike()
    carried = router.ipsec(ike)
    carry(carried, **IN_100)
    router.monitor.ipsec_ended(carried, EndReason.NORMAL)
    router.ipsec(ike)
    router.ipsec(router.ike("vrf2"))
    assert [(session.id, session.vrf) for session in router.monitor.sessions()] == [(2, "vrf1"), (3, "vrf2")]
    assert next(router.monitor.sessions()).totals(0) == NOTHING_CARRIED
    assert [record.id for record in router.of(SessionUp)] == [1, 2, 3]


def test_each_association_has_its_own_session(router: Router) -> None:
    one, other = router.ike(), router.ike(spoke=IPv4Address("10.1.9.9"))
    router.ipsec(one)
    router.ipsec(other, 512)
    assert {session.peer for session in router.monitor.sessions()} == {one.peer, other.peer}


def test_a_session_says_who_its_remote_end_is(router: Router) -> None:
    address = IPv4Address("10.9.0.1")
    facts = {"profile": "road", "user": "alice", "client_group": "staff", "assigned_address": address, "front_vrf": "outside"}
    ike = router.ike(remote_port=4500, local_port=4500, description="site A", **facts)
    router.ipsec(ike, interface="Serial1/2.1")
    session, (up,) = only_session(router), router.of(SessionUp)
    assert session.facts == up.facts == SessionFacts("site A", "road", "Serial1/2.1", "alice", "staff", address)
    assert session.peer.ends == up.ends == PeerEnds("outside", HUB, SPOKE, 4500, 4500)
    assert up.peer == ike.peer.key == PeerKey(Identity(True, str(HUB)), Identity(True, str(SPOKE)))


def test_the_ends_of_a_session_follow_its_peer(router: Router) -> None:
    tunnel = router.ipsec(router.ike(local_port=4500, remote_port=20001))
    ends = PeerEnds(None, HUB, IPv4Address("10.1.9.9"), 4500, 20002)
    router.monitor.peer_moved(tunnel.peer, ends)
    router.monitor.peer_moved(tunnel.peer, ends)
    assert only_session(router).peer.ends == ends
    assert [(record.peer, record.ends) for record in router.of(PeerMoved)] == [(tunnel.peer.key, ends)]
    router.monitor.ipsec_ended(tunnel, EndReason.NORMAL)
    assert router.of(SessionDown)[0].ends == ends


def test_a_session_older_than_the_monitor_has_its_true_start(router: Router) -> None:
    router.clock.time = 10
    ike = router.ike()
    router.monitor.ipsec_up(ike, ipsec_facts(), bundle(), PolledCounters((0,) * len(IpsecCounter)), start=-500)
    (up,) = router.of(SessionUp)
    assert (up.at, up.start, only_session(router).start) == (10, -500, -500)


def test_who_is_told_of_a_tunnel_finds_its_session(router: Router) -> None:
    found: list[tuple[type, int]] = []

    def look(record: FlowRecord) -> None:
        found.append((type(record), len(list(router.monitor.sessions()))))

    router.monitor.subscribe(look)
    ike = router.ike()
    router.monitor.ipsec_ended(router.ipsec(ike), EndReason.NORMAL)
    router.monitor.ike_ended(ike, EndReason.NORMAL)
    assert [(kind, sessions) for kind, sessions in found if kind.__name__ != "VrfAdded"] == [
        (IkeTunnelStarted, 0),
        (IpsecTunnelStarted, 1),
        (SessionUp, 1),
        (IpsecTunnelEnded, 0),
        (SessionDown, 0),
        (IkeTunnelEnded, 0),
    ]


def test_the_peer_row_goes_with_the_last_tunnel_not_with_the_session(router: Router) -> None:
    ike = router.ike()
    flow = router.monitor.vrf("vrf1")
    router.monitor.ipsec_ended(router.ipsec(ike), EndReason.NORMAL)
    assert list(flow.peers.values()) == [ike.peer]
    tunnel: IpsecTunnel = router.ipsec(ike)
    router.monitor.ike_ended(ike, EndReason.NORMAL)
    assert list(flow.peers.values()) == [ike.peer]
    router.monitor.ipsec_ended(tunnel, EndReason.NORMAL)
    assert not len(flow.peers)
    assert not flow.places


@pytest.mark.parametrize("kind", [SessionUp, SessionDown, PeerMoved])
def test_records_of_sessions_go_through_json(router: Router, kind: type[Any]) -> None:
    tunnel = router.ipsec(router.ike(user="alice", assigned_address=IPv4Address("10.9.0.1"), front_vrf="outside"))
    router.monitor.peer_moved(tunnel.peer, replace(tunnel.peer.ends, remote_port=20002))
    router.monitor.ipsec_ended(tunnel, EndReason.PEER_DELETE)
    (record,) = router.of(kind)
    assert decode_record(encode_record(record)) == record


def test_facts_that_an_older_version_does_not_write_have_their_defaults() -> None:
    line = encode_record(IkeTunnelStarted(1, PeerKey(*[Identity(True, "a")] * 2), ike_facts(), 0, (), at=0))
    older = line.replace(',"description":""', "")
    assert older != line
    assert decode_record(older) == decode_record(line)
