"""Tunnels that come up and go, and the rows that they leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agent.base.ike_counters import IkeCounter
from agent.base.origin import CONSOLE, manager
from agent.crypto.doi import IdentificationType
from agent.crypto.payloads import Identification
from agent.engine.values import ClearIsakmp, ClearSas, ClearSessions, DestroyIke, DestroyIpsec
from agent.flow.counters import IpsecCounter
from agent.flow.model import EndReason, IpsecFailureReason
from agent.flow.records import IkeTunnelEnded, IkeTunnelStarted, IpsecTunnelEnded, IpsecTunnelStarted, SessionUp
from agent.lab.ipsec import ipsec as ipsec_module
from tests.lab.bringing import on_the_way, port_of
from tests.lab.conftest import LINK, DrivenLab, only, ping


@pytest.mark.parametrize(
    "settings",
    [
        {"encryption": "aes 256", "group": "14", "transforms": "esp-aes 256 esp-sha-hmac"},
        {"encryption": "3des", "group": "2", "transforms": "esp-3des esp-md5-hmac"},
        {"group": "5", "transforms": "ah-md5-hmac"},
        {"transforms": "ah-sha-hmac esp-null", "map_lines": " set pfs group1"},
        {"transforms": "esp-null esp-md5-hmac"},
    ],
    ids=lambda settings: settings["transforms"],
)
def test_other_algorithms_carry_packets_too(make_pair: Callable[..., Any], settings: dict[str, str]) -> None:
    lab = make_pair(**settings)
    assert ping(lab, 5) == 4
    assert lab.ipsec("west", "IN_PACKETS") == 4


def test_a_subnet_flow_is_one_tunnel_for_all_its_hosts(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    ping(lab)
    facts = only(lab.flow("west").ipsec_tunnels).facts
    assert (facts.local[0].kind, str(facts.local[0].first), str(facts.local[0].last)) == ("subnet", "10.0.2.0", "255.255.255.0")


def test_per_host_level_makes_a_tunnel_for_each_pair_of_hosts(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(map_lines=" set security-association level per-host")
    ping(lab)
    facts = only(lab.flow("west").ipsec_tunnels).facts
    assert (facts.local[0].kind, str(facts.local[0].first), str(facts.remote[0].first)) == ("address", "10.0.2.1", "10.0.1.1")


def test_transport_mode_is_for_flows_between_the_peers(make_pair: Callable[..., Any]) -> None:
    between = make_pair(mode="transport", flow="host 192.0.2.{me} host 192.0.2.{peer}")
    assert between.ping("east", "192.0.2.2", repeat=2) == 1
    assert only(between.flow("east").ipsec_tunnels).facts.transport
    behind = make_pair(mode="transport")
    assert ping(behind) == 1
    assert not only(behind.flow("east").ipsec_tunnels).facts.transport


def test_a_protocol_of_its_own_has_a_tunnel_of_its_own(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(lines="no access-list 101\naccess-list 101 permit icmp 10.0.{me}.0 0.0.0.255 10.0.{peer}.0 0.0.0.255")
    assert ping(lab) == 1
    assert only(lab.flow("west").ipsec_tunnels).facts.local[0].protocol == 1


UDP_TO_5000 = """
[[traffic]]
source = "east:Loopback0"
destination = "west:Loopback0"
period = "1s"
port = {port}
"""


@pytest.mark.parametrize(("port", "tunnels"), [(5000, 1), (5001, 0)])
def test_a_port_of_its_own_has_a_tunnel_of_its_own(make_pair: Callable[..., Any], port: int, tunnels: int) -> None:
    list_101 = "no access-list 101\naccess-list 101 permit udp "
    lab = make_pair(
        LINK + UDP_TO_5000.format(port=port),
        east={"lines": list_101 + "10.0.1.0 0.0.0.255 10.0.2.0 0.0.0.255 eq 5000"},
        west={"lines": list_101 + "10.0.2.0 0.0.0.255 eq 5000 10.0.1.0 0.0.0.255"},
    ).start()
    lab.wait(5.5)
    ends = [row.facts.endpoints[0] for row in lab.flow("west").ipsec_tunnels.values()]
    assert [(local.protocol, local.port, remote.port) for local, remote in ends] == [(17, 5000, 0)] * tunnels
    assert lab.ipsec("west", "IN_PACKETS") == 5 * tunnels


@pytest.mark.parametrize(
    ("window", "late", "passes"),
    [
        ("window-size 64", 63, 1),
        ("window-size 64", 64, 0),
        ("window-size 128", 127, 1),
        ("window-size 128", 128, 0),
        ("disable", 500, 1),
    ],
)
def test_the_replay_window_has_the_size_that_is_configured(
    make_pair: Callable[..., Any], window: str, late: int, passes: int
) -> None:
    """A packet comes when so many others, sent after it, have come."""
    lab = make_pair(lines=f"crypto ipsec security-association replay {window}")
    ping(lab)
    kept: list[bytes] = []
    undo = on_the_way(lab, "west", lambda octets: kept.append(octets))
    ping(lab, 1)
    undo()
    assert ping(lab, late) == late
    before = lab.ipsec("west", "IN_PACKETS")
    port_of(lab, "west").receive(kept[0])
    assert lab.ipsec("west", "IN_PACKETS") - before == passes
    assert lab.ipsec("west", "IN_REPLAY_DROPS") == 1 - passes


def test_a_denied_flow_passes_in_the_clear(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(
        lines="no access-list 101\naccess-list 101 deny ip any host 10.0.{peer}.1\naccess-list 101 permit ip any any",
    )
    # The reply of the one is denied by the other's list only if that names it: both lists deny towards the loopbacks.
    assert ping(lab, 3) == 3
    assert not lab.flow("east").ipsec_tunnels


def test_a_pfs_group_that_nobody_does_is_not_negotiated(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(map_lines=" set pfs group15")
    assert ping(lab) == 0
    for name in ("east", "west"):
        assert not lab.flow(name).ike_tunnels
        assert lab.leaks(name).flows == 0


def test_a_pfs_group_that_the_responder_does_not_do_is_refused(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(east={"map_lines": " set pfs group2"}, west={"map_lines": " set pfs group15"})
    assert ping(lab, 1) == 0
    assert [row.reason for row in lab.flow("west").ipsec_failures.values()] == [IpsecFailureReason.PROPOSAL]


def test_a_dynamic_map_answers_who_comes(make_pair: Callable[..., Any]) -> None:
    dynamic = (
        "no crypto map outside 10\ncrypto dynamic-map spokes 5\n set transform-set ours\n"
        "crypto map outside 20 ipsec-isakmp dynamic spokes"
    )
    lab = make_pair(west={"lines": dynamic})
    assert ping(lab, 3) == 2
    facts = only(lab.flow("west").ipsec_tunnels).facts
    assert (facts.map_name, facts.map_sequence, str(facts.remote[0].first)) == ("outside", 20, "10.0.1.0")
    # It sends through what it answered, and asks for nothing itself.
    assert ping(lab, 2, by="west") == 2
    lab.west.engine.do(ClearSessions(), CONSOLE)
    lab.wait(1)
    assert ping(lab, 1, by="west") == 0
    assert not lab.flow("west").ike_tunnels


def test_the_lesser_lifetimes_hold_on_both_sides(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(west={"seconds": "600", "kilobytes": "5000", "ike_lifetime": "1000"})
    ping(lab)
    for name in ("east", "west"):
        facts = only(lab.flow(name).ipsec_tunnels).facts
        assert (facts.life_time, facts.life_size) == (600, 5000)
        assert only(lab.flow(name).ike_tunnels).facts.lifetime == 1000


def test_both_may_begin_at_once(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    pings = [lab.start_ping("east", "10.0.2.1", "10.0.1.1"), lab.start_ping("west", "10.0.1.1", "10.0.2.1")]
    lab.wait_for(*pings)
    assert [ping.received for ping in pings] == [4, 4]
    for name in ("east", "west"):
        row = only(lab.flow(name).ipsec_tunnels)
        assert len(row.spis) == 2 * (1 + row.refreshes)
        assert not lab.flow(name).ike_failures
        assert not lab.flow(name).ipsec_failures
    lab.wait(2)
    assert ping(lab, 1) == 1  # each hears on which SAs the other sends
    lab.wait(60)
    for name in ("east", "west"):
        assert len(only(lab.flow(name).ipsec_tunnels).spis) == 2
        assert lab.leaks(name).sad == 1


def test_a_peer_that_has_begun_afresh_ends_what_was(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    ping(lab)
    lab.east.router.ike.lose_everything()  # as in a crash: it says nothing
    assert ping(lab, 3) == 2
    flow = lab.flow("west")
    assert only(flow.ike_history).reason is EndReason.PEER_LOST
    assert only(flow.ipsec_history).reason is EndReason.PEER_LOST
    assert only(flow.ike_tunnels).index == 2
    assert only(flow.ipsec_tunnels).index == 2


def test_destroying_an_ipsec_tunnel_leaves_the_ike_tunnel(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    ping(lab)
    engine, row = lab.east.engine, only(lab.flow("east").ipsec_tunnels)
    engine.do(DestroyIpsec(row.index), CONSOLE)
    assert not lab.flow("east").ipsec_tunnels
    engine.do(DestroyIpsec(row.index), CONSOLE)  # a second manager's: there is nothing left to do
    lab.wait(1)
    assert only(lab.flow("east").ipsec_history).reason is EndReason.OPERATOR
    assert only(lab.flow("west").ipsec_history).reason is EndReason.PEER_DELETE
    assert len(lab.flow("west").ike_tunnels) == 1
    # Under the same IKE tunnel the next packet makes another.
    assert ping(lab, 2) == 1
    assert only(lab.flow("east").ipsec_tunnels).ike_index == 1


def test_destroying_an_ike_tunnel_leaves_the_ipsec_tunnel(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    ping(lab)
    row = only(lab.flow("west").ike_tunnels)
    lab.west.engine.do(DestroyIke(row.index), CONSOLE)
    assert not lab.flow("west").ike_tunnels
    lab.wait(1)
    assert only(lab.flow("east").ike_history).reason is EndReason.PEER_DELETE
    tunnel = only(lab.flow("east").ipsec_tunnels)
    assert (tunnel.ike, tunnel.ike_index, only(lab.flow("east").peers).tunnel_index) == (None, 1, 0)
    assert ping(lab, 2) == 2


def test_clear_crypto_isakmp_and_sa(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    ping(lab)
    assert not lab.east.engine.do(ClearIsakmp(7), CONSOLE)
    assert lab.east.engine.do(ClearIsakmp(1), CONSOLE)
    lab.east.engine.do(ClearSas(), CONSOLE)
    assert not lab.flow("east").ike_tunnels
    assert not lab.flow("east").ipsec_tunnels


def test_a_session_is_cleared_while_it_is_being_made(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    ping_ = lab.start_ping("east", "10.0.2.1", "10.0.1.1")
    for _ in range(12):
        lab.wait(0.001)
        lab.east.engine.do(ClearSessions(), CONSOLE)
    lab.wait_for(ping_)
    lab.wait(200)
    for name in ("east", "west"):
        assert lab.leaks(name).flows == len(lab.flow(name).ipsec_tunnels)


def test_isakmp_sas_lists_those_being_made(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    lab.start_ping("east", "10.0.2.1", "10.0.1.1")
    lab.wait(0.0035)
    (ours,) = lab.east.engine.phase1_sas()
    assert (ours.state, ours.index, str(ours.source)) == ("MM_SA_SETUP", 0, "192.0.2.1")
    lab.wait(1)
    (theirs,) = lab.west.engine.phase1_sas()
    assert (theirs.state, theirs.index, str(theirs.source)) == ("QM_IDLE", 1, "192.0.2.1")


def test_totals_are_the_rows_and_what_ended(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(seconds="120")
    for _ in range(4):
        ping(lab, 3)
        lab.wait(70)
        lab.west.engine.do(ClearSas(), CONSOLE)
        lab.wait(1)
    for name in ("east", "west"):
        flow, now = lab.flow(name), lab.clock.now()
        for totals, live, past, kind in (
            (flow.ike_totals, flow.ike_tunnels, flow.ike_history, IkeCounter),
            (flow.ipsec_totals, flow.ipsec_tunnels, flow.ipsec_history, IpsecCounter),
        ):
            for counter in kind:
                rows = [*live.values(), *past.values()]
                assert totals.value(counter, now) == sum(row.counters.value(counter, now) for row in rows)


def test_events_come_once_for_each_thing(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    events: list[Any] = []
    lab.west.monitor.subscribe(events.append)
    ping(lab, 5)
    assert [type(event) for event in events] == [IkeTunnelStarted, IpsecTunnelStarted, SessionUp]


def test_a_peer_may_ask_for_a_range(make_pair: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours never does: east is made to, by identities that are ranges within what the access lists permit."""
    plan_of = ipsec_module.plan_of

    def in_ranges(*arguments: Any) -> Any:
        plan = plan_of(*arguments)
        ends = [bytes((10, 0, number, 1, 10, 0, number, 6)) for number in (1, 2)]
        local, remote = (Identification(IdentificationType.IPV4_ADDR_RANGE, end) for end in ends)
        return replace(plan, local_identity=local, remote_identity=remote)

    monkeypatch.setattr(ipsec_module, "plan_of", in_ranges)
    lab = make_pair()
    assert ping(lab, 3) == 2
    assert ping(lab, 2, by="west") == 2  # through the same SAs
    facts = only(lab.flow("west").ipsec_tunnels).facts
    assert (facts.remote[0].kind, str(facts.remote[0].first), str(facts.remote[0].last)) == ("range", "10.0.1.1", "10.0.1.6")


def test_a_range_beyond_the_access_list_is_refused(make_pair: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    plan_of = ipsec_module.plan_of
    beyond = Identification(IdentificationType.IPV4_ADDR_RANGE, bytes((10, 0, 2, 1, 10, 0, 3, 1)))
    monkeypatch.setattr(ipsec_module, "plan_of", lambda *arguments: replace(plan_of(*arguments), remote_identity=beyond))
    lab = make_pair()
    assert ping(lab, 1) == 0
    assert only(lab.flow("west").ipsec_failures).reason is IpsecFailureReason.PROPOSAL


def test_a_record_says_who_caused_it(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    ping(lab)
    records: list[Any] = []
    lab.east.monitor.subscribe(records.append)
    lab.east.engine.do(ClearSas(), CONSOLE)
    lab.west.engine.do(ClearSessions(), manager("192.0.2.9"))
    ends = [(type(record), record.origin) for record in records if isinstance(record, IpsecTunnelEnded | IkeTunnelEnded)]
    assert ends == [(IpsecTunnelEnded, CONSOLE)]
    lab.wait(1)
    # The other router's delete reached this one: nobody here asked for that end.
    assert [record.origin for record in records if isinstance(record, IkeTunnelEnded)] == [None]


TWO_WAYS = """
crypto isakmp policy 10
 authentication pre-share
crypto isakmp key k address 10.255.0.{peer}
crypto ipsec transform-set t esp-aes esp-sha-hmac
crypto map m local-address Loopback0
crypto map m 10 ipsec-isakmp
 set peer 10.255.0.{peer}
 set transform-set t
 match address 101
interface Loopback0
 ip address 10.255.0.{me} 255.255.255.255
interface Loopback1
 ip address 10.0.{me}.1 255.255.255.0
interface FastEthernet0/0
 ip address 192.0.2.{me} 255.255.255.252
 crypto map m
interface FastEthernet0/1
 ip address 192.0.3.{me} 255.255.255.252
 crypto map m
ip route 10.0.{peer}.0 255.255.255.0 192.0.3.{peer}
ip route 10.255.0.{peer} 255.255.255.255 192.0.3.{peer}
access-list 101 permit ip 10.0.{me}.0 0.0.0.255 10.0.{peer}.0 0.0.0.255
"""


def test_a_map_with_a_local_address_has_one_set_of_sas_for_its_interfaces() -> None:
    """The Cisco IOS Security Command Reference, `crypto map local-address`: such interfaces share the SAs with a peer."""
    lab = DrivenLab("", {"east": TWO_WAYS.format(me=1, peer=2), "west": TWO_WAYS.format(me=2, peer=1)})
    assert ping(lab, 5) == 4
    assert [len(lab.flow(name).ipsec_tunnels) for name in ("east", "west")] == [1, 1]
    lab.configure("east", "interface FastEthernet0/0", "no crypto map")
    assert ping(lab, 2) == 2
    lab.configure("east", "interface FastEthernet0/1", "no crypto map")
    assert not lab.flow("east").ipsec_tunnels
