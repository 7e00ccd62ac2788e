"""What a display and a filter make of sessions: the status of each, what its phase-1 SAs are, whether a filter takes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any

import pytest

from agent.base.work import STEPS
from agent.config.document import load
from agent.engine.port import Node
from agent.engine.sessions import SessionStatus, ShownSession, ends_of, shown_sessions
from agent.engine.values import EVERY_SESSION, Phase1Sa, SessionEnds, SessionFilter
from agent.flow.device import Device
from agent.flow.model import Endpoint, EndReason, PeerEnds
from agent.flow.sessions import Session
from tests.flow.builders import HUB, SPOKE
from tests.flow.router import Router
from tests.shell.fakes import FakeEngine

NAT = IPv4Address("192.0.2.77")
UP = Phase1Sa(SPOKE, HUB, "QM_IDLE", 1, initiator=False)
NEGOTIATED = Phase1Sa(SPOKE, HUB, "MM_KEY_EXCH", 0, initiator=False)


@pytest.fixture
def router() -> Router:
    return Router()


def up_session(router: Router, **facts: Any) -> Session:
    tunnel = router.ipsec(router.ike(**facts), interface="Serial1/2.1")
    assert tunnel.peer.session is not None
    return tunnel.peer.session


def node(router: Router, *sas: Phase1Sa, config: str = "") -> Node:
    engine = FakeEngine()
    engine.rows = list(sas)
    device = Device("Router", "", "1.3")
    return Node("Router", load(config), router.monitor, device, engine, datetime(2024, 2, 29, tzinfo=UTC))


def shown_of(node: Node, wanted: SessionFilter = EVERY_SESSION) -> list[ShownSession]:
    return [shown for shown in shown_sessions(node, wanted) if shown is not None]


# The table of `show crypto session` in the Cisco IOS Security Command Reference: IKE SA, IPsec SAs, status.
@pytest.mark.parametrize(
    ("has_ipsec", "ike", "status"),
    [
        (True, "up", "UP-ACTIVE"),
        (True, "up, and the next in negotiation", "UP-ACTIVE"),
        (False, "up", "UP-IDLE"),
        (False, "up, and the next in negotiation", "UP-IDLE"),
        (True, "in negotiation", "UP-NO-IKE"),
        (True, "none", "UP-NO-IKE"),
        (False, "in negotiation", "DOWN-NEGOTIATING"),
        (False, "none", "DOWN"),
    ],
)
def test_the_status_is_that_of_ios(router: Router, has_ipsec: bool, ike: str, status: str) -> None:
    config = (
        "ip vrf vrf1\n rd 1:1\naccess-list 101 permit ip any any\ncrypto map m 10 ipsec-isakmp\n set peer 10.1.1.1\n"
        " match address 101\ninterface Serial0\n ip vrf forwarding vrf1\n ip address 10.1.1.2 255.255.255.0\n crypto map m\n"
    )
    in_vrf = {"front_vrf": "vrf1"}
    if has_ipsec or ike.startswith("up"):
        tunnel = router.ike(**in_vrf)
        if has_ipsec:
            router.ipsec(tunnel)
        if not ike.startswith("up"):
            router.monitor.ike_ended(tunnel, EndReason.NORMAL)
    negotiated = [replace(NEGOTIATED, inside_vrf="vrf1", **in_vrf)] if "negotiation" in ike else []
    (shown,) = shown_of(node(router, *negotiated, config=config))
    assert shown.status is SessionStatus(status)
    assert (shown.inside_vrf, len(shown.protections)) == ("vrf1", 1)


def test_the_ends_of_a_phase_1_sa_are_ours_first_whoever_began() -> None:
    ends = PeerEnds("outside", HUB, NAT, 4500, 20001)
    ports: dict[str, Any] = {"front_vrf": "outside", "local_port": 4500, "remote_port": 20001}
    assert Phase1Sa(NAT, HUB, "QM_IDLE", 1, initiator=False, **ports).ends == ends
    assert Phase1Sa(HUB, NAT, "QM_IDLE", 1, initiator=True, **ports).ends == ends


def test_sas_in_negotiation_go_to_their_association_and_others_stand_alone(router: Router) -> None:
    session = up_session(router)
    begun = Phase1Sa(HUB, IPv4Address("10.1.8.8"), "MM_NO_STATE", 0, initiator=True)
    idle = router.ike(vrf=None, spoke=IPv4Address("10.1.9.9"))
    shown = shown_of(node(router, UP, begun, NEGOTIATED))
    assert [(each.session, each.ike_tunnels, each.negotiating, each.status.value) for each in shown] == [
        (None, (idle,), (), "UP-IDLE"),
        (None, (), (begun,), "DOWN-NEGOTIATING"),
        (session, tuple(session.peer.ike_tunnels), (NEGOTIATED,), "UP-ACTIVE"),
    ]
    assert [each.ends for each in shown] == [idle.peer.ends, begun.ends, session.peer.ends]


def test_the_sas_of_two_clients_behind_one_nat_are_kept_apart(router: Router) -> None:
    def sa(port: int) -> Phase1Sa:
        return Phase1Sa(NAT, HUB, "AG_INIT_EXCH", 0, initiator=False, local_port=4500, remote_port=port, inside_vrf="vrf1")

    one = up_session(router, spoke=NAT, local_port=4500, remote_port=20001)
    two = up_session(router, spoke=NAT, local_port=4500, remote_port=20002)
    shown = shown_of(node(router, sa(20002), sa(20003)))
    assert [(each.session, each.negotiating) for each in shown] == [(one, ()), (two, (sa(20002),)), (None, (sa(20003),))]
    assert [each.ends.remote_port for each in shown] == [20001, 20002, 20003]


def test_an_old_and_a_new_sa_without_ipsec_are_one_association(router: Router) -> None:
    tunnels = tuple(router.ike(remote_port=port) for port in (500, 4500))
    (shown,) = shown_of(node(router))
    assert (shown.ike_tunnels, shown.status, shown.ends.remote_port) == (tunnels, SessionStatus.UP_IDLE, 4500)


PEERS = """
crypto isakmp peer address 192.0.2.2
 description the branch
access-list 101 permit ip 10.1.0.0 0.0.255.255 host 10.2.0.1
access-list 101 deny ip any any
access-list 102 permit tcp any eq 80 any
crypto map m 10 ipsec-isakmp
 set peer 192.0.2.2
 set peer 192.0.2.3
 match address 101
crypto map m 20 ipsec-isakmp
 set peer 192.0.2.2
 match address 102
crypto map m 30 ipsec-isakmp
 set peer 192.0.2.4
crypto map m 40 ipsec-isakmp dynamic d
crypto dynamic-map d 10
 match address 101
interface Serial0
 ip address 192.0.2.1 255.255.255.0
 crypto map m
interface Tunnel0
 ip address 10.3.0.1 255.255.255.0
 tunnel source Serial0
 tunnel destination 192.0.2.9
 tunnel protection ipsec profile p
crypto ipsec profile p
"""


def test_configured_peers_without_an_sa_are_down(router: Router) -> None:
    """Those of complete entries, whose flows are the permit lines; a Tunnel interface protects its GRE (47) between its ends."""
    shown = shown_of(node(router, config=PEERS))
    host, network = IPv4Address("10.2.0.1"), IPv4Address("10.1.0.0")
    assert [(str(each.ends.remote_address), each.facts.interface, each.facts.description) for each in shown] == [
        ("192.0.2.9", "Tunnel0", ""),
        ("192.0.2.2", "Serial0", "the branch"),
        ("192.0.2.3", "Serial0", ""),
    ]
    assert {each.status for each in shown} == {SessionStatus.DOWN}
    gre, branch = (list(each.flows()) for each in shown[:2])
    assert [(flow.local.first, flow.remote.first, flow.local.protocol, flow.tunnel) for flow in gre] == [
        (IPv4Address("192.0.2.1"), IPv4Address("192.0.2.9"), 47, None)
    ]
    assert [(flow.local, flow.remote) for flow in branch] == [
        (Endpoint("subnet", network, IPv4Address("255.255.0.0")), Endpoint("address", host, host)),
        (
            Endpoint("subnet", IPv4Address(0), IPv4Address(0), 6, 80),
            Endpoint("subnet", IPv4Address(0), IPv4Address(0), 6),
        ),
    ]


def test_a_line_that_a_tunnel_carries_is_not_shown_twice(router: Router) -> None:
    line = "access-list 101 permit ip 10.1.0.0 0.0.255.255 host 10.2.0.1"
    ends: dict[str, Any] = {"local_address": IPv4Address("192.0.2.1"), "remote_address": IPv4Address("192.0.2.2")}
    of_map: dict[str, Any] = {"map_name": "m", "map_sequence": 10, "acl_entry": line, "interface": "Serial0"}
    ike = router.ike(vrf=None, **ends)
    first, second = router.ipsec(ike, **ends, **of_map), router.ipsec(ike, 300, **ends, **of_map)
    (shown,) = shown_of(node(router, config=PEERS), SessionFilter(remote=IPv4Address("192.0.2.2")))
    assert [flow.tunnel for flow in shown.flows()] == [first, second, None]
    assert [flow.local.port for flow in shown.flows()] == [0, 0, 80]


def test_a_line_of_a_map_on_two_interfaces_is_one_flow(router: Router) -> None:
    """`crypto map … local-address` makes the map on both interfaces one, with one session for a peer."""
    config = PEERS + "crypto map m local-address Loopback0\ninterface Loopback0\n ip address 10.255.0.1 255.255.255.255\n"
    config += "interface Serial1\n ip address 192.0.3.1 255.255.255.0\n crypto map m\n"
    wanted = SessionFilter(remote=IPv4Address("192.0.2.2"))
    (down,) = shown_of(node(router, config=config), wanted)
    assert [flow.local.port for flow in down.flows()] == [0, 80]
    line = "access-list 101 permit ip 10.1.0.0 0.0.255.255 host 10.2.0.1"
    ends: dict[str, Any] = {"local_address": IPv4Address("10.255.0.1"), "remote_address": IPv4Address("192.0.2.2")}
    tunnel = router.ipsec(router.ike(vrf=None, **ends), **ends, map_name="m", map_sequence=10, acl_entry=line, interface="Serial1")
    (up,) = shown_of(node(router, config=config), wanted)
    assert [flow.tunnel for flow in up.flows()] == [tunnel, None]


def test_an_sa_that_has_come_up_since_the_listing_began_is_not_in_negotiation(router: Router) -> None:
    session = up_session(router)
    there = node(router, NEGOTIATED)
    sessions = shown_sessions(there)
    there.engine.rows.clear()
    (shown,) = [each for each in sessions if each is not None]
    assert (shown.session, shown.negotiating) == (session, ())


def test_a_long_configuration_is_read_bit_by_bit(router: Router) -> None:
    entries = "".join(f"crypto map m {n} ipsec-isakmp\n set peer 10.1.0.{n}\n match address 101\n" for n in range(1, 200))
    there = node(
        router,
        config=f"access-list 101 permit ip any any\n{entries}interface Serial0\n ip address 10.0.0.1 255.0.0.0\n crypto map m\n",
    )
    found = list(shown_sessions(there, SessionFilter(remote=IPv4Address("10.1.0.7"))))
    assert [shown for shown in found if shown is not None] == [found[199 // STEPS]]
    assert found.count(None) == 2 * (199 // STEPS)


@pytest.mark.parametrize(
    ("wanted", "peers"),
    [
        (SessionFilter(), ["192.0.2.9", "192.0.2.2", "192.0.2.3"]),
        (SessionFilter(remote=IPv4Address("192.0.2.3")), ["192.0.2.3"]),
        (SessionFilter(interface="Tunnel0"), ["192.0.2.9"]),
        (SessionFilter(local=IPv4Address("192.0.2.1"), remote_port=500), ["192.0.2.9", "192.0.2.2", "192.0.2.3"]),
        (SessionFilter(local=IPv4Address("192.0.2.2")), []),
        (SessionFilter(inside_vrf="red"), []),
        (SessionFilter(front_vrf="red"), []),
    ],
)
def test_a_filter_looks_at_sessions_that_are_down_too(router: Router, wanted: SessionFilter, peers: list[str]) -> None:
    assert [str(each.ends.remote_address) for each in shown_of(node(router, config=PEERS), wanted)] == peers


def test_a_session_without_its_ike_sa_is_up_still(router: Router) -> None:
    session = up_session(router)
    router.monitor.ike_ended(session.peer.ike_tunnels[0], EndReason.NORMAL)
    (shown,) = shown_of(node(router))
    assert (shown.session, shown.status, shown.inside_vrf) == (session, SessionStatus.UP_NO_IKE, "vrf1")


def test_an_address_is_looked_up_and_the_other_sessions_are_not_looked_at(router: Router, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(300):
        up_session(router, spoke=IPv4Address(0x0A010000 + number))
    looked: list[PeerEnds] = []
    takes = SessionFilter.takes

    def watched(wanted: SessionFilter, ends: SessionEnds) -> bool:
        looked.append(ends.at)
        return takes(wanted, ends)

    monkeypatch.setattr(SessionFilter, "takes", watched)
    (shown,) = shown_of(node(router), SessionFilter(remote=IPv4Address(0x0A010007)))
    assert [ends.remote_address for ends in looked] == [shown.ends.remote_address] == [IPv4Address(0x0A010007)]


def test_sessions_are_told_one_by_one_and_a_long_search_pauses(router: Router) -> None:
    """A session that is gone before it is asked for is not told; one whose SAs have changed is told as it is."""
    for number in range(300):
        up_session(router, spoke=IPv4Address(0x0A010000 + number))
    nothing = list(shown_sessions(node(router), SessionFilter(interface="Tunnel9")))
    assert nothing == [None] * (300 // STEPS)
    sessions = shown_sessions(node(router))
    assert next(sessions).ends.remote_address == IPv4Address(0x0A010000)
    second, third = (next(iter(router.monitor.peers_at(IPv4Address(0x0A010000 + number)))) for number in (1, 2))
    router.monitor.ike_ended(second.ike_tunnels[0], EndReason.NORMAL)
    router.monitor.ipsec_ended(next(iter(second.ipsec_tunnels.values())), EndReason.NORMAL)
    router.monitor.ike_ended(third.ike_tunnels[0], EndReason.NORMAL)
    found = next(sessions)
    assert (found.peer, found.status) == (third, SessionStatus.UP_NO_IKE)


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (SessionFilter(), True),
        (SessionFilter(local=HUB, remote=SPOKE), True),
        (SessionFilter(remote=NAT), False),
        (SessionFilter(remote=SPOKE, remote_port=4500), True),
        (SessionFilter(remote=SPOKE, remote_port=500), False),
        (SessionFilter(local=HUB, local_port=4500), True),
        (SessionFilter(local=SPOKE), False),
        (SessionFilter(front_vrf="outside", inside_vrf="vrf1"), True),
        (SessionFilter(front_vrf=None), False),
        (SessionFilter(inside_vrf=None), False),
        (SessionFilter(interface="Serial1/2.1"), True),
        (SessionFilter(interface="Serial1/0.1"), False),
    ],
)
def test_a_filter_looks_at_the_session(router: Router, wanted: SessionFilter, taken: bool) -> None:
    session = up_session(router, front_vrf="outside", local_port=4500, remote_port=4500)
    assert wanted.takes(ends_of(session)) is taken
