"""Clients behind a NAT, and clients that come again: whose flow is whose, and who gets which address."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any

import pytest

from agent.base.origin import CONSOLE
from agent.crypto import ip
from agent.crypto.ike_events import Login
from agent.engine.values import ClearSessions
from agent.flow.model import EndReason, IkeFailureReason
from tests.lab.nat import Nat
from tests.lab.remote_hub import ALICE, MakeHub, clients, reasons
from tests.lab.vpn_client import VpnClient

BOB = Login("bob", "builder")
BEHIND = ("192.168.1.2", "192.168.1.3")


@pytest.fixture
def behind_nat(make_hub: MakeHub) -> Callable[..., tuple[Any, Nat]]:
    def make(**settings: str) -> tuple[Any, Nat]:
        lines = "username bob password builder\n" + settings.pop("map_lines", "")
        lab = make_hub(map_lines=lines, **settings)
        return lab, Nat(lab, (), "hub", "192.0.2.77")

    return make


MakeNat = Callable[..., tuple[Any, Nat]]


@pytest.mark.parametrize("user", [BOB, ALICE], ids=["two users", "one user twice"])
def test_two_clients_behind_one_nat_each_move_their_own_flow(behind_nat: MakeNat, user: Login) -> None:
    lab, nat = behind_nat()
    one = VpnClient(lab, BEHIND[0], nat=nat).connect()
    two = VpnClient(lab, BEHIND[1], nat=nat, user=user).connect()
    assert {one.inner, two.inner} == {IPv4Address("10.9.0.1"), IPv4Address("10.9.0.2")}
    assert (one.ping("10.0.0.1"), two.ping("10.0.0.1")) == (3, 3)
    for _ in range(3):
        nat.move("192.0.2.77")  # other ports; the first to speak has moved nobody but itself
        assert one.ping("10.0.0.1") == 3
        places = {live.ends.remote_port for live in lab.router("hub").sa_keeper.flows}
        assert len(places) == 2
        assert two.ping("10.0.0.1") == 3
        assert one.ping("10.0.0.1") == 3
    assert len(lab.hub.monitor.ike_tunnels) == len(lab.hub.monitor.ipsec_tunnels) == clients(lab) == 2


def test_two_clients_whose_nat_swaps_their_ports_stay_two(behind_nat: MakeNat) -> None:
    lab, nat = behind_nat(map_lines="crypto isakmp keepalive 10")
    one = VpnClient(lab, BEHIND[0], nat=nat).connect()
    two = VpnClient(lab, BEHIND[1], nat=nat, user=BOB).connect()
    nat.swap()
    assert one.ping("10.0.0.1") == 3
    assert two.ping("10.0.0.1") == 3
    assert one.ping("10.0.0.1") == 3
    one.vanish()
    lab.router("hub").send(echo_to(one), None)  # on demand: there is something to send, and nothing has been heard for long
    lab.wait(30)
    lab.router("hub").send(echo_to(one), None)
    lab.wait(30)
    assert two.ping("10.0.0.1") == 3
    assert [row.reason for row in lab.flow("hub").ike_history.values()] == [EndReason.PEER_LOST]
    assert len(lab.hub.monitor.ike_tunnels) == len(lab.hub.monitor.ipsec_tunnels) == clients(lab) == 1


def test_a_client_that_begins_afresh_by_anothers_port_ends_nothing_of_that_one(behind_nat: MakeNat) -> None:
    """INITIAL-CONTACT is of the sending system (RFC 2407 §4.6.3.3). A NAT may have given it the port that another had."""
    lab, nat = behind_nat(map_lines="crypto isakmp keepalive 10")
    one = VpnClient(lab, BEHIND[0], nat=nat).connect()
    two = VpnClient(lab, BEHIND[1], nat=nat, user=BOB).connect()
    two.vanish()
    nat.swap()
    two = VpnClient(lab, BEHIND[1], nat=nat, user=BOB, first=True)
    two._settle(two.sa)
    lab.wait(0.5)
    assert one.ping("10.0.0.1") == 3
    lab.wait(3)
    assert (one.ping("10.0.0.1"), two.ping("10.0.0.1")) == (3, 3)
    assert [row.reason for row in lab.flow("hub").ike_history.values()] == [EndReason.PEER_LOST]
    assert len(lab.hub.monitor.ike_tunnels) == len(lab.hub.monitor.ipsec_tunnels) == clients(lab) == 2


def echo_to(client: VpnClient) -> ip.Packet:
    assert client.inner is not None
    octets = ip.encode_echo(ip.Echo(True, 9, 9, bytes(56)))
    return ip.Packet(int(IPv4Address("10.0.0.1")), int(client.inner), ip.ICMP, octets)


@pytest.mark.parametrize("ports", ["the same port", "another port"])
def test_a_client_that_authenticates_again_behind_a_nat_keeps_its_address(behind_nat: MakeNat, ports: str) -> None:
    lab, nat = behind_nat()
    other = VpnClient(lab, BEHIND[1], nat=nat, user=BOB).connect()
    client = VpnClient(lab, BEHIND[0], nat=nat).connect()
    before = client.inner
    if ports == "another port":
        nat.move("192.0.2.77")
        assert other.ping("10.0.0.1") == 3
    client.authenticate_again()
    assert client.inner == before
    assert clients(lab) == len(lab.hub.monitor.ike_tunnels) == 3
    assert client.ping("10.0.0.1") == 3
    client.drop()  # the old one
    assert client.ping("10.0.0.1") == 3
    assert clients(lab) == len(lab.hub.monitor.ike_tunnels) == len(lab.hub.monitor.ipsec_tunnels) == 2
    lab.wait(100)
    assert client.ping("10.0.0.1") == 3
    client.drop()
    assert clients(lab) == len(lab.hub.monitor.ike_tunnels) == len(lab.hub.monitor.ipsec_tunnels) == 1


@pytest.mark.parametrize("first", [False, True], ids=["charon", "with INITIAL-CONTACT"])
@pytest.mark.parametrize("ports", ["the same port", "another port", "another address"])
def test_a_client_that_crashed_gets_its_address_back_and_the_dead_sa_nothing(behind_nat: MakeNat, ports: str, first: bool) -> None:
    """charon does not send INITIAL-CONTACT after a crash."""
    lab, nat = behind_nat(last="2")
    VpnClient(lab, BEHIND[1], nat=nat, user=BOB).connect()
    before = VpnClient(lab, BEHIND[0], nat=nat).connect()
    assert before.ping("10.0.0.1") == 3
    before.vanish()
    if ports != "the same port":
        nat.move("192.0.2.77" if ports == "another port" else "192.0.2.78")
    again = VpnClient(lab, BEHIND[0], nat=nat, first=first).connect()
    assert again.inner == before.inner
    assert again.ping("10.0.0.1") == 3
    lab.wait(5)
    assert len(lab.hub.monitor.ike_tunnels) == clients(lab) == 2
    assert len(lab.hub.monitor.ipsec_tunnels) == 2
    assert again.ping("10.0.0.1") == 3
    assert [row.reason for row in lab.flow("hub").ike_history.values()] == [EndReason.PEER_LOST]


def test_a_second_computer_of_a_user_takes_nothing_from_the_first(behind_nat: MakeNat) -> None:
    lab, nat = behind_nat(last="1")
    first = VpnClient(lab, BEHIND[0], nat=nat).connect()
    second = VpnClient(lab, BEHIND[1], nat=nat).connect()
    assert second.inner is None
    assert reasons(lab) == [IkeFailureReason.CAPACITY]
    assert first.ping("10.0.0.1") == 3


def test_a_client_that_was_lost_gets_the_address_that_it_had(make_hub: MakeHub) -> None:
    lab = make_hub()
    VpnClient(lab, "192.0.2.101", user=Login("carol", "hashcat")).connect().disconnect()
    assert VpnClient(lab, "192.0.2.102").connect().inner == IPv4Address("10.9.0.1")
    assert VpnClient(lab, "192.0.2.103", user=Login("carol", "hashcat")).connect().inner == IPv4Address("10.9.0.2")
    lab.hub.engine.do(ClearSessions(), CONSOLE)
    lab.wait(1)
    assert VpnClient(lab, "192.0.2.104", user=Login("carol", "hashcat")).connect().inner == IPv4Address("10.9.0.2")


def test_a_client_that_comes_again_is_no_second_login(make_hub: MakeHub) -> None:
    lab = make_hub(group_lines=" max-logins 1")
    client = VpnClient(lab, "192.0.2.101").connect()
    assert client.authenticate_again().inner == IPv4Address("10.9.0.1")
    assert reasons(lab) == []
