"""Each kind of configuration line acts on the running router at once: no restart, no `clear`, for what comes after it.

The kinds are the lines with effect of docs/config.md. Notifications of such changes are in tests/e2e/test_notifications.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from agent.engine.values import ClearSessions
from agent.flow.model import Identity
from tests.lab.conftest import LINK, MakePair, only, ping

PROBES = 3
CLEAR = ClearSessions()
GRE = {
    name: (
        "interface Tunnel0",
        f"ip address 10.8.0.{me} 255.255.255.252",
        "tunnel source FastEthernet0/0",
        f"tunnel destination 192.0.2.{peer}",
    )
    for name, me, peer in (("east", 1, 2), ("west", 2, 1))
}


@dataclass(frozen=True)
class Kind:
    """Lines for east (and west), and the echoes that come back before and after them, of three, of which one makes the tunnel."""

    east: tuple[str, ...]
    before: int = 0
    after: int = 2
    west: tuple[str, ...] = ()
    start: dict[str, str] | None = None  # settings of east that differ
    start_west: dict[str, str] | None = None


KINDS = {
    "a key": Kind(("crypto isakmp key secret address 192.0.2.2",), start={"key": "wrong"}),
    "no key": Kind(("no crypto isakmp key secret address 192.0.2.2",), before=2, after=0),
    "a policy": Kind(
        ("crypto isakmp policy 5", "authentication pre-share", "encr aes", "group 2"),
        west=("crypto isakmp policy 5", "authentication pre-share", "encr aes", "group 2", "no crypto isakmp policy 10"),
        start={"encryption": "3des"},
    ),
    "a policy's cipher": Kind(("crypto isakmp policy 10", "encr des"), start={"encryption": "3des"}),
    "a transform set": Kind(
        ("crypto ipsec transform-set ours esp-des esp-sha-hmac",), start={"transforms": "esp-3des esp-md5-hmac"}
    ),
    "an entry's transform set": Kind(
        ("crypto ipsec transform-set other esp-des esp-sha-hmac", "exit", "crypto map outside 10", "set transform-set other"),
        start={"transforms": "esp-3des esp-md5-hmac"},
    ),
    "an entry's peer": Kind(
        ("crypto map outside 10", "no set peer 192.0.2.9", "set peer 192.0.2.2"),
        start={"map_lines": " no set peer 192.0.2.2\n set peer 192.0.2.9"},
    ),
    "an entry": Kind(("no crypto map outside 10",), before=2, after=0),
    "a map on an interface": Kind(("interface FastEthernet0/0", "no crypto map"), before=2, after=0),
    "an access list's entry": Kind(
        ("access-list 101 permit ip 10.0.1.0 0.0.0.255 10.0.2.0 0.0.0.255",),
        start={"flow": "10.66.0.0 0.0.0.255 10.0.{peer}.0 0.0.0.255"},
    ),
    "a route": Kind(("no ip route 10.0.2.0 255.255.255.0 192.0.2.2",), before=2, after=0),
    "an interface that is shut": Kind(("interface FastEthernet0/0", "shutdown"), before=2, after=0),
    "an interface's address": Kind(
        ("interface FastEthernet0/0", "ip address 192.0.2.1 255.255.255.0"),
        start={"lines": "interface FastEthernet0/0\n ip address 192.0.2.77 255.255.255.0"},
    ),
    "ISAKMP switched off": Kind(("no crypto isakmp enable",), before=2, after=0),
    "PFS": Kind(("crypto map outside 10", "set pfs group2"), start_west={"map_lines": " set pfs group2"}),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_line_acts_on_the_next_packet(make_pair: MakePair, name: str) -> None:
    kind = KINDS[name]
    lab = make_pair(east=kind.start, west=kind.start_west)
    assert ping(lab, PROBES) == kind.before
    lab.lab.routers["east"].engine.do(CLEAR, None)
    lab.wait(120)
    lab.configure("east", *kind.east)
    lab.configure("west", *kind.west)
    assert ping(lab, PROBES) == kind.after


def test_a_tunnel_interface_is_up_when_both_ends_are_configured(make_pair: MakePair) -> None:
    lab = make_pair()
    lab.configure("east", *GRE["east"])
    lab.configure("west", *GRE["west"])
    assert lab.east.device.interface("Tunnel0").oper_up
    assert lab.ping("east", "10.8.0.2") == 5
    lab.configure("west", "no interface Tunnel0")
    assert lab.ping("east", "10.8.0.2") == 0


def test_protection_of_a_tunnel_interface_begins_and_ends_with_its_line(make_pair: MakePair) -> None:
    lab = make_pair()
    protect = ("crypto ipsec profile p", "set transform-set ours", "exit", "interface Tunnel0", "tunnel protection ipsec profile p")
    for name in ("east", "west"):
        lab.configure(name, "interface FastEthernet0/0", "no crypto map", "exit", *GRE[name], "exit", *protect)
    assert lab.ping("east", "10.8.0.2") == 4
    assert len(lab.flow("east").ipsec_tunnels) == 1
    for name in ("east", "west"):
        lab.configure(name, "interface Tunnel0", "no tunnel protection ipsec profile p")
    assert lab.ping("east", "10.8.0.2") == 5
    assert len(lab.flow("east").ipsec_tunnels) == 0


def test_interfaces_that_are_typed_share_a_wire_with_their_subnet(make_pair: MakePair) -> None:
    lab = make_pair()
    for name, me in (("east", 1), ("west", 2)):
        lab.configure(name, "interface FastEthernet0/1", f"ip address 10.4.0.{me} 255.255.255.0")
    assert lab.ping("east", "10.4.0.2") == 5
    lab.configure("west", "interface FastEthernet0/1", "ip address 10.5.0.2 255.255.255.0")
    assert lab.ping("east", "10.4.0.2") == 0
    lab.configure("east", "interface FastEthernet0/1", "ip address 10.5.0.1 255.255.255.0")
    assert lab.ping("east", "10.5.0.2") == 5


def test_an_interface_that_comes_back_has_its_link_again(make_pair: MakePair) -> None:
    lab = make_pair()
    lab.configure("east", "no interface FastEthernet0/0")
    lab.configure("east", "interface FastEthernet0/0", "ip address 192.0.2.1 255.255.255.0", "crypto map outside")
    assert ping(lab, 3) == 2


def test_a_host_follows_the_address_of_its_gateway(make_pair: MakePair) -> None:
    host = '[[host]]\naddress = "10.7.0.9"\nbehind = "east:FastEthernet0/1"\n'
    lab = make_pair(link=LINK + host, east={"lines": "interface FastEthernet0/1\n ip address 10.7.0.1 255.255.255.0"})
    lab.configure("east", "interface FastEthernet0/1", "ip address 10.7.0.2 255.255.255.0")
    lab.configure("west", "ip route 10.7.0.0 255.255.255.0 192.0.2.1")
    assert lab.ping("west", "10.7.0.9") == 5


def test_two_vrfs_that_are_typed_keep_their_addresses_apart(make_pair: MakePair) -> None:
    lab = make_pair()
    for name, me in (("east", 1), ("west", 2)):
        lab.configure(name, "ip vrf red", "rd 1:1", "exit", "interface FastEthernet0/1", "ip vrf forwarding red")
        lab.configure(name, "interface FastEthernet0/1", f"ip address 10.4.0.{me} 255.255.255.0")
    assert lab.ping("east", "10.4.0.2") == 0
    assert lab.ping("east", "10.4.0.2", vrf="red") == 5


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (("crypto ipsec security-association lifetime seconds 600",), lambda tunnel: tunnel.facts.life_time == 600),
        (
            ("crypto map outside 10", "set security-association lifetime kilobytes 5000"),
            lambda tunnel: tunnel.facts.life_size == 5000,
        ),
    ],
    ids=["of all", "of an entry"],
)
def test_lifetimes_are_those_of_the_next_negotiation(
    make_pair: MakePair, lines: tuple[str, ...], value: Callable[[object], bool]
) -> None:
    lab = make_pair()
    lab.configure("east", *lines)
    ping(lab)
    assert value(only(lab.flow("east").ipsec_tunnels))


def test_a_peers_description_is_the_sessions(make_pair: MakePair) -> None:
    lab = make_pair()
    lab.configure("east", "crypto isakmp peer address 192.0.2.2", "description the west")
    ping(lab)
    (session,) = lab.east.monitor.sessions()
    assert session.facts.description == "the west"


def test_the_identity_is_that_of_the_next_phase_1(make_pair: MakePair) -> None:
    lab = make_pair()
    lab.configure("east", "crypto isakmp identity hostname")
    ping(lab)
    assert only(lab.flow("east").ike_tunnels).facts.local == Identity(False, "east")


def test_isakmp_that_is_switched_off_answers_nobody_either(make_pair: MakePair) -> None:
    lab = make_pair()
    lab.configure("west", "no crypto isakmp enable")
    assert ping(lab) == 0
    lab.configure("west", "crypto isakmp enable")
    lab.wait(60)
    assert ping(lab, 3) >= 2


def test_dead_peer_detection_begins_with_its_line(make_pair: MakePair) -> None:
    """RFC 3706: both ends must have announced it, so that it is for phase 1s that begin later."""
    lab = make_pair()
    for name in ("east", "west"):
        lab.configure(name, "crypto isakmp keepalive 10 3 periodic")
    ping(lab)
    lab.configure("west", "interface FastEthernet0/0", "shutdown")
    lab.wait(60)
    assert len(lab.flow("east").ike_tunnels) == 0
