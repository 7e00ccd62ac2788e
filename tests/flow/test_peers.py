"""Peer rows: one for each association of two ends, told apart by ports behind a NAT, and kept by what continues them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from agent.base.ike_counters import IkeCounter
from agent.flow.counters import PacketCounters
from agent.flow.model import EndReason, Identity, IkeFailureReason, IkeTunnel, IpsecFailureReason, Peer, PeerEnds
from agent.flow.records import IkeFailed, IpsecFailed
from tests.flow.builders import HUB, SPOKE, ike_facts
from tests.flow.router import Router

NAT = IPv4Address("192.0.2.77")
GROUP: dict[str, Any] = {"local": Identity(False, "hub"), "remote": Identity(False, "clients")}


@pytest.fixture
def router() -> Router:
    return Router()


def client(router: Router, port: int, continues: list[Peer] | None = None, **facts: Any) -> IkeTunnel:
    """A member of the group behind the NAT, which has given it a port."""
    told = ike_facts(NAT, local_port=4500, remote_port=port, **(GROUP | facts))
    return router.monitor.ike_up("vrf1", told, PacketCounters(IkeCounter), continues=continues)


def test_two_clients_of_a_group_behind_one_nat_are_two_rows(router: Router) -> None:
    one, two = client(router, 20001), client(router, 20002)
    assert (one.peer.key.internal, two.peer.key.internal) == (1, 2)
    assert len(router.monitor.vrf("vrf1").peers) == 2
    assert client(router, 20002).peer is two.peer
    router.monitor.ike_ended(one, EndReason.NORMAL)
    assert client(router, 20003).peer.key.internal == 1


def test_the_ports_of_isakmp_are_one_place(router: Router) -> None:
    """RFC 3947 §4: a negotiation begins at port 500 and goes on at 4500."""
    first = router.ike(local_port=500, remote_port=500)
    second = router.ike(local_port=4500, remote_port=4500)
    assert second.peer is first.peer
    assert first.peer.ends == PeerEnds(None, HUB, SPOKE, 4500, 4500)


def test_the_same_addresses_through_two_front_vrfs_are_two_rows(router: Router) -> None:
    one, other = router.ike(front_vrf="outside"), router.ike(front_vrf="inside")
    assert one.peer is not other.peer
    assert router.ike(front_vrf="outside").peer is one.peer


def test_an_engine_says_which_association_goes_on(router: Router) -> None:
    one, two = client(router, 20001), client(router, 20002)
    moved = client(router, 20009, [two.peer])
    assert moved.peer is two.peer
    assert two.peer.ends.remote_port == 20009
    # Another client that a NAT has given a port of before is another association.
    other = client(router, 20001, [])
    assert other.peer not in (one.peer, two.peer)
    assert other.peer.key.internal == 3


def test_an_association_goes_on_under_its_own_identities_alone(router: Router) -> None:
    one = client(router, 20001)
    other = client(router, 20001, [one.peer], remote=Identity(False, "others"))
    assert other.peer is not one.peer
    assert client(router, 20005, [other.peer, one.peer]).peer is one.peer


def test_what_is_gone_does_not_go_on(router: Router) -> None:
    one = client(router, 20001)
    router.monitor.ike_ended(one, EndReason.NORMAL)
    again = client(router, 20001, [one.peer])
    assert again.peer is not one.peer
    assert again.peer.key == one.peer.key


def test_a_row_has_the_ends_of_its_newest_tunnel_or_where_its_peer_was_heard_last(router: Router) -> None:
    one = client(router, 20001)
    row = one.peer
    router.monitor.peer_moved(row, replace(row.ends, remote_port=20002, remote_address=SPOKE))
    assert (row.remote_address, row.ends.remote_port) == (SPOKE, 20002)
    assert router.ike(spoke=SPOKE, remote_port=20002, **GROUP).peer is row
    assert client(router, 20001).peer is not row


def test_clients_whose_ports_a_nat_has_swapped_keep_their_rows(router: Router) -> None:
    one, two = client(router, 20001), client(router, 20002)
    ends = one.peer.ends, two.peer.ends
    router.monitor.peer_moved(one.peer, ends[1])
    router.monitor.peer_moved(two.peer, ends[0])
    assert client(router, 20001).peer is two.peer
    assert client(router, 20002).peer is one.peer
    for tunnel in list(router.monitor.ike_tunnels.values()):
        router.monitor.ike_ended(tunnel, EndReason.NORMAL)
    flow = router.monitor.vrf("vrf1")
    assert not len(flow.peers)
    assert not flow.places
    assert not any(namesakes.peers for namesakes in flow.namesakes.values())


@pytest.mark.parametrize(("port", "internal"), [(20001, 1), (20002, 2), (20003, 3)])
def test_a_failure_has_the_instance_that_the_association_has_or_would_have(router: Router, port: int, internal: int) -> None:
    client(router, 20001)
    client(router, 20002)
    ends = PeerEnds(None, HUB, NAT, 4500, port)
    parties = GROUP["local"], GROUP["remote"]
    router.monitor.ike_failed("vrf1", IkeFailureReason.PROPOSAL, HUB, NAT, *parties, False, ends=ends)
    (failed,) = router.of(IkeFailed)
    assert failed.peer.internal == internal


def test_a_failure_of_which_the_addresses_alone_are_known_has_the_first_instance_there(router: Router) -> None:
    client(router, 20001)
    client(router, 20002)
    router.ike(spoke=SPOKE, **GROUP)
    for address in (NAT, SPOKE, IPv4Address("192.0.2.99")):
        router.monitor.ike_failed("vrf1", IkeFailureReason.PROPOSAL, HUB, address, GROUP["local"], GROUP["remote"], False)
    assert [failed.peer.internal for failed in router.of(IkeFailed)] == [1, 3, 4]


def test_packets_of_no_sa_have_the_instance_of_the_pair_through_their_front_vrf(router: Router) -> None:
    router.ike(front_vrf="outside")
    inner = router.ike(front_vrf="inside")
    router.monitor.ipsec_failed("vrf1", IpsecFailureReason.NO_SA, SPOKE, HUB, 7, inbound=True, ends=inner.peer.ends)
    (failed,) = router.of(IpsecFailed)
    assert failed.peer == inner.peer.key
    assert failed.peer.internal == 2
