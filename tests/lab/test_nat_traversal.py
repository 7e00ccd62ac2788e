"""Routers behind a NAT (RFC 3947, 3948): their ESP goes in UDP, they are followed where they move, and keep their way open."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.base.origin import CONSOLE
from agent.crypto import ip
from agent.engine.values import ClearSas, ClearSessions, DestroyIke
from agent.flow.model import EndReason, IkeFailureReason, IpsecFailureReason
from tests.lab.conftest import DrivenLab
from tests.lab.nat import Nat

# east is behind the NAT, west is the hub, which takes whoever knows the key.
EAST = """hostname {name}
crypto isakmp policy 10
 authentication pre-share
crypto isakmp key secret address 0.0.0.0 0.0.0.0
crypto ipsec transform-set ours {transforms}
 mode {mode}
crypto map outside 10 ipsec-isakmp
 set peer 192.0.2.2
 set transform-set ours
 match address 101
interface Loopback0
 ip address 10.0.{me}.1 255.255.255.0
interface FastEthernet0/0
 ip address 192.168.1.{me} 255.255.255.0
 crypto map outside
ip route 0.0.0.0 0.0.0.0 192.168.1.254
access-list 101 permit ip {flow}
{lines}
"""
WEST = """hostname west
crypto isakmp policy 10
 authentication pre-share
crypto isakmp key secret address 0.0.0.0 0.0.0.0
crypto ipsec transform-set ours {transforms}
 mode {mode}
crypto dynamic-map roamers 10
 set transform-set ours
crypto map outside 10 ipsec-isakmp dynamic roamers
interface Loopback0
 ip address 10.0.2.1 255.255.255.0
interface FastEthernet0/0
 ip address 192.0.2.2 255.255.255.0
 crypto map outside
ip route 10.0.0.0 255.255.0.0 192.0.2.77
{lines}
"""
ESP = "esp-des esp-sha-hmac"


def behind_a_nat(transforms: str = ESP, mode: str = "tunnel", others: tuple[str, ...] = (), **lines: str) -> tuple[DrivenLab, Nat]:
    texts = {"west": WEST.format(transforms=transforms, mode=mode, lines=lines.get("west", ""))}
    for me, name in enumerate(("east", *others), 1):
        number = me if me == 1 else me + 1
        flow = f"10.0.{number}.0 0.0.0.255 10.0.2.0 0.0.0.255"
        if mode == "transport":
            flow = f"host 192.168.1.{number} host 192.0.2.2"
        text = EAST.format(name=name, me=number, transforms=transforms, mode=mode, flow=flow, lines=lines.get(name, ""))
        texts[name] = text
    lab = DrivenLab("", texts)
    return lab, Nat(lab, ("east", *others), "west", "192.0.2.77")


def tunnel(lab: DrivenLab, name: str) -> Any:
    (found,) = lab.flow(name).ipsec_tunnels.values()
    return found


def test_esp_goes_in_udp_and_its_header_counts() -> None:
    lab, nat = behind_a_nat()
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 4
    esp = [datagram for _, datagram in nat.seen if 4500 in datagram[:2] and not datagram.data.startswith(bytes(4))]
    assert len(esp) == 8
    for name in ("east", "west"):
        # 20 of IP, 8 of UDP, 8 of ESP, 8 of IV, 104 of payload and trailer, 12 of ICV.
        assert lab.ipsec(name, "OUT_OCTETS") == 4 * 160
        assert lab.ipsec(name, "IN_OUTER_OCTETS") == 4 * 160
        assert lab.ipsec(name, "IN_OCTETS") == 400
        (ike,) = lab.flow(name).ike_tunnels.values()
        assert 4500 in (ike.facts.local_port, ike.facts.remote_port)


def test_a_peer_that_has_moved_is_followed_by_what_is_authentic() -> None:
    lab, nat = behind_a_nat()
    lab.ping("east", "10.0.2.1", "10.0.1.1")
    nat.move("192.0.2.99")
    assert lab.ping("west", "10.0.1.1", "10.0.2.1", repeat=1) == 0  # nobody knows yet
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 5
    assert lab.ping("west", "10.0.1.1", "10.0.2.1") == 5
    # IKE has followed too: the end of the tunnel is heard.
    lab.west.engine.do(ClearSas(), CONSOLE)
    lab.wait(1)
    assert not lab.flow("east").ipsec_tunnels
    assert [row.reason for row in lab.flow("east").ipsec_history.values()] == [EndReason.PEER_DELETE]


def test_a_tunnel_with_a_peer_past_a_nat_can_be_destroyed() -> None:
    lab, _ = behind_a_nat()
    lab.ping("east", "10.0.2.1", "10.0.1.1")
    (ike,) = lab.flow("west").ike_tunnels.values()
    lab.west.engine.do(DestroyIke(ike.index), CONSOLE)
    lab.wait(1)
    assert not lab.flow("west").ike_tunnels
    assert [row.reason for row in lab.flow("east").ike_history.values()] == [EndReason.PEER_DELETE]


def test_a_peer_that_has_moved_is_followed_by_its_ike_messages() -> None:
    lab, nat = behind_a_nat()
    lab.ping("east", "10.0.2.1", "10.0.1.1")
    nat.move("192.0.2.99")
    lab.east.engine.do(ClearSas(), CONSOLE)
    lab.wait(1)
    assert [row.reason for row in lab.flow("west").ipsec_history.values()] == [EndReason.PEER_DELETE]
    assert IkeFailureReason.NO_SA not in {row.reason for row in lab.flow("west").ike_failures.values()}


def test_a_forged_packet_moves_nobody() -> None:
    lab, nat = behind_a_nat()
    lab.ping("east", "10.0.2.1", "10.0.1.1")
    west = lab.router("west")
    (live,) = west.sa_keeper.flows
    before = live.ends
    _, genuine = next(seen for seen in reversed(nat.seen) if seen[0])
    nat.move("192.0.2.99")
    nat._send(1, nat.address, 0xC0000202, genuine._replace(data=genuine.data[:-1] + b"x"))
    lab.wait(1)
    assert live.ends == before
    assert lab.ipsec("west", "IN_REPLAY_DROPS") == 1  # its sequence number was used by the genuine one


def test_who_is_behind_the_nat_and_silent_keeps_the_way_open() -> None:
    lab, nat = behind_a_nat()
    lab.ping("east", "10.0.2.1", "10.0.1.1")
    before = lab.ike("east", "OUT_PACKETS"), lab.ike("west", "IN_PACKETS"), lab.ike("west", "IN_DROPS")
    nat.seen.clear()
    lab.wait(61)
    assert [(out, datagram.data) for out, datagram in nat.seen] == [(True, b"\xff")] * 3
    # A keepalive is no message of IKE: nobody counts it, nobody drops it.
    assert before == (lab.ike("east", "OUT_PACKETS"), lab.ike("west", "IN_PACKETS"), lab.ike("west", "IN_DROPS"))


def test_who_sends_needs_no_keepalive() -> None:
    lab, nat = behind_a_nat(east="crypto isakmp nat keepalive 10")
    lab.ping("east", "10.0.2.1", "10.0.1.1")
    nat.seen.clear()
    for _ in range(10):
        assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=1) == 1
        lab.wait(6)
    assert not [datagram for _, datagram in nat.seen if datagram.data == b"\xff"]
    lab.wait(41)
    assert len([datagram for _, datagram in nat.seen if datagram.data == b"\xff"]) == 4


def test_keepalives_end_with_the_tunnels() -> None:
    lab, nat = behind_a_nat()
    lab.ping("east", "10.0.2.1", "10.0.1.1")
    lab.east.engine.do(ClearSessions(), CONSOLE)
    lab.wait(1)
    nat.seen.clear()
    lab.wait(600)
    assert not nat.seen


def test_ah_cannot_go_past_a_nat() -> None:
    lab, _ = behind_a_nat("ah-sha-hmac esp-des")
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=2) == 0
    assert {row.reason for row in lab.flow("east").ipsec_failures.values()} == {IpsecFailureReason.PROPOSAL}
    assert lab.flow("east").ike_tunnels


@pytest.mark.parametrize("name", ["east", "west"])
def test_without_nat_transparency_esp_stays_what_it_is(name: str) -> None:
    lab, nat = behind_a_nat(**{name: "no crypto ipsec nat-transparency udp-encapsulation"})
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 0  # and does not come past the NAT
    assert lab.ipsec("east", "OUT_PACKETS") == 4
    assert {500} == {port for out, datagram in nat.seen for port in [datagram.destination_port if out else datagram.source_port]}


def test_the_rekeying_hub_finds_the_peer() -> None:
    lab, _ = behind_a_nat(west="crypto ipsec security-association lifetime seconds 120")
    lab.ping("east", "10.0.2.1", "10.0.1.1")
    for _ in range(40):
        assert lab.ping("west", "10.0.1.1", "10.0.2.1", repeat=1) == 1
        lab.wait(10)
    assert tunnel(lab, "east").refreshes >= 3
    assert lab.ipsec("west", "OUT_DROPS") == 0


def test_transport_mode_is_between_the_addresses_that_each_end_sees() -> None:
    lab, _ = behind_a_nat(mode="transport", east="ip route 192.0.2.0 255.255.255.0 192.168.1.254")
    assert lab.ping("east", "192.0.2.2", "192.168.1.1") == 4
    assert lab.ping("west", "192.0.2.77", "192.0.2.2") == 5
    for name in ("east", "west"):
        assert tunnel(lab, name).facts.transport
        # 20 of IP, 8 of UDP, 8 of ESP, 8 of IV, 88 of payload and trailer, 12 of ICV.
        assert lab.ipsec(name, "OUT_OCTETS") == 9 * 144


def test_the_hub_rekeys_transport_mode_too() -> None:
    lab, _ = behind_a_nat(mode="transport", west="crypto ipsec security-association lifetime seconds 120")
    lab.ping("east", "192.0.2.2", "192.168.1.1")
    for _ in range(30):
        assert lab.ping("west", "192.0.2.77", "192.0.2.2", repeat=1) == 1
        lab.wait(10)
    assert tunnel(lab, "east").refreshes >= 2


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([b"", bytes(4), b"\xff"]), st.binary(max_size=80)), max_size=20))
def test_whatever_comes_to_the_port_breaks_nothing(datagrams: list[tuple[bytes, bytes]]) -> None:
    lab, nat = behind_a_nat()
    lab.ping("east", "10.0.2.1", "10.0.1.1")
    for begins, data in datagrams:
        nat._send(1, nat.address, 0xC0000202, ip.Datagram(20001, 4500, begins + data))
    lab.wait(5)
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 5
    assert len(lab.flow("west").ike_tunnels) == len(lab.flow("west").ipsec_tunnels) == 1


# --- several peers behind one NAT ---


def ping_both(lab: DrivenLab) -> tuple[int, int]:
    return lab.ping("east", "10.0.2.1", "10.0.1.1"), lab.ping("north", "10.0.2.1", "10.0.3.1")


def test_two_peers_of_one_address_are_two() -> None:
    lab, _ = behind_a_nat(others=("north",))
    assert ping_both(lab) == (4, 4)  # north's INITIAL-CONTACT says nothing of east
    assert ping_both(lab) == (5, 5)
    assert lab.ping("west", "10.0.1.1", "10.0.2.1") == lab.ping("west", "10.0.3.1", "10.0.2.1") == 5
    assert len(lab.flow("west").ike_tunnels) == len(lab.flow("west").ipsec_tunnels) == 2
    lab.north.engine.do(ClearSessions(), CONSOLE)
    lab.wait(1)
    assert len(lab.flow("west").ike_tunnels) == len(lab.flow("west").ipsec_tunnels) == 1
    assert lab.ping("west", "10.0.1.1", "10.0.2.1") == 5


def test_one_that_begins_afresh_ends_its_own_alone() -> None:
    lab, _ = behind_a_nat(others=("north",))
    ping_both(lab)
    lab.router("north").power_off()
    lab.router("north").power_on()
    assert lab.ping("north", "10.0.2.1", "10.0.3.1") == 4
    reasons = [row.reason for row in lab.flow("west").ipsec_history.values()]
    assert reasons == [EndReason.PEER_LOST]
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 5
    assert len(lab.flow("west").ipsec_tunnels) == 2


def test_each_has_new_sas_when_the_old_ones_end() -> None:
    lab, nat = behind_a_nat(
        others=("north",), west="crypto ipsec security-association lifetime seconds 120\ncrypto isakmp policy 10\n lifetime 300"
    )
    ping_both(lab)
    for _ in range(50):
        assert lab.ping("west", "10.0.1.1", "10.0.2.1", repeat=1) == 1
        assert lab.ping("west", "10.0.3.1", "10.0.2.1", repeat=1) == 1
        lab.wait(10)
    for name in ("east", "north"):
        assert tunnel(lab, name).refreshes >= 3
        assert not lab.flow(name).ike_failures
    nat.move("192.0.2.99")
    assert ping_both(lab) == (5, 5)
    assert lab.ping("west", "10.0.1.1", "10.0.2.1") == lab.ping("west", "10.0.3.1", "10.0.2.1") == 5


def test_the_hub_begins_an_ike_sa_with_where_it_last_heard_the_peer() -> None:
    lab, _ = behind_a_nat(others=("north",), west="crypto isakmp policy 10\n lifetime 300")
    ping_both(lab)
    lab.wait(310)
    assert not lab.flow("west").ike_tunnels
    lives = list(lab.router("west").sa_keeper.flows)
    for live in lives:
        lab.router("west").sa_keeper.negotiate(live)
    lab.wait(2)
    assert [tunnel.facts.initiator for tunnel in lab.flow("west").ike_tunnels.values()] == [True, True]
    assert [tunnel.refreshes for tunnel in lab.flow("west").ipsec_tunnels.values()] == [1, 1]
    assert len({tunnel.facts.remote_port for tunnel in lab.flow("west").ike_tunnels.values()}) == 2
    assert ping_both(lab) == (5, 5)
