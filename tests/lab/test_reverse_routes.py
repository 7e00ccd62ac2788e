"""reverse-route: the other end's network is in the routing table while its SAs live."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Any

import pytest

from agent.base.origin import CONSOLE
from agent.engine.values import ClearSessions
from tests.lab.conftest import router_text

LINK = """
[[link]]
ends = ["east:FastEthernet0/0", "west:FastEthernet0/0"]
delay = "1ms"
"""
NO_ROUTE = "no ip route 10.0.{peer}.0 255.255.255.0 192.0.2.{peer}"
FAR = IPv4Network("10.0.1.0/24")  # what is behind east


def reverse(lab: Any, name: str, vrf: str | None = None) -> list[tuple[IPv4Network, str, int]]:
    return [(route.prefix, route.interface, route.next_hop) for route in lab.router(name).routes(vrf) if route.origin == "reverse"]


def test_a_route_lives_as_long_as_the_sas(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(west={"map_lines": " reverse-route", "lines": NO_ROUTE}, seconds="120")
    assert not reverse(lab, "west")
    assert lab.ping("west", "10.0.1.1", "10.0.2.1", repeat=1) == 0  # no way there
    assert not lab.flow("west").ipsec_failures
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 4
    assert reverse(lab, "west") == [(FAR, "FastEthernet0/0", 0xC0000201)]
    assert lab.ping("west", "10.0.1.1", "10.0.2.1") == 5
    lab.wait(400)
    assert not lab.flow("west").ipsec_tunnels
    assert not reverse(lab, "west")


def test_a_static_one_is_there_from_the_beginning(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(west={"map_lines": " reverse-route static", "lines": NO_ROUTE})
    assert reverse(lab, "west") == [(FAR, "FastEthernet0/0", 0xC0000201)]
    assert lab.ping("west", "10.0.1.1", "10.0.2.1") == 4
    lab.configure("west", "crypto map outside 10", "no reverse-route")
    assert not reverse(lab, "west")


def test_the_peer_itself_may_be_routed_too(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(west={"map_lines": " reverse-route remote-peer", "lines": NO_ROUTE})
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 4
    assert reverse(lab, "west") == [
        (FAR, "FastEthernet0/0", 0xC0000201),
        (IPv4Network("192.0.2.1/32"), "FastEthernet0/0", 0xC0000201),
    ]
    assert lab.ping("west", "10.0.1.1", "10.0.2.1") == 5


def test_a_gateway_gets_the_route_to_the_peer(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(west={"map_lines": " reverse-route remote-peer 192.0.2.1", "lines": NO_ROUTE})
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 4
    assert reverse(lab, "west") == [
        (FAR, "FastEthernet0/0", 0xC0000201),
        (IPv4Network("192.0.2.1/32"), "FastEthernet0/0", 0xC0000201),
    ]


@pytest.mark.parametrize("end", ["interface FastEthernet0/0\nshutdown", "interface FastEthernet0/0\nno crypto map"])
def test_a_route_goes_with_its_interface_or_map(make_pair: Callable[..., Any], end: str) -> None:
    lab = make_pair(west={"map_lines": " reverse-route", "lines": NO_ROUTE})
    lab.ping("east", "10.0.2.1", "10.0.1.1")
    lab.configure("west", *end.split("\n"))
    assert not reverse(lab, "west")


DYNAMIC = """
hostname west
ip vrf red
crypto isakmp policy 10
 authentication pre-share
crypto keyring all
 pre-shared-key address 0.0.0.0 0.0.0.0 key secret
crypto isakmp profile red
 keyring all
 vrf red
 match identity address 192.0.2.1 255.255.255.255
crypto ipsec transform-set ours esp-des esp-sha-hmac
crypto dynamic-map anybody 10
 set transform-set ours
 set isakmp-profile red
 reverse-route
crypto map outside 10 ipsec-isakmp dynamic anybody
interface Loopback0
 ip vrf forwarding red
 ip address 10.0.2.1 255.255.255.0
interface FastEthernet0/0
 ip address 192.0.2.2 255.255.255.0
 crypto map outside
"""


def test_a_dynamic_map_learns_where_its_peers_networks_are(make_lab: Callable[..., Any]) -> None:
    lab = make_lab(LINK, {"east": router_text("east", 1, 2), "west": DYNAMIC})
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 4
    assert reverse(lab, "west", "red") == [(FAR, "FastEthernet0/0", 0xC0000201)]
    assert not reverse(lab, "west")
    lab.lab.routers["east"].engine.do(ClearSessions(), CONSOLE)
    lab.wait(1)
    assert not reverse(lab, "west", "red")
