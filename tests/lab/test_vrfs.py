"""Front-door and inside VRFs: whose tunnel it is, and that overlapping addresses never meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.base.origin import CONSOLE
from agent.engine.values import ANY, ClearSas, ClearSessions, Request, SessionFilter, VrfFilter

# A provider's hub: two customers with the same addresses, each behind an interface of its own VRF; both are reached through one
# outside interface in the global table, by peers of their own.
HUB = """
hostname hub
ip vrf red
ip vrf blue
crypto keyring all
 pre-shared-key address 0.0.0.0 0.0.0.0 key secret
crypto isakmp policy 10
 authentication pre-share
crypto isakmp profile red
 vrf red
 keyring all
 match identity address 192.0.2.2 255.255.255.255
crypto isakmp profile blue
 vrf blue
 keyring all
 match identity address 192.0.2.3 255.255.255.255
crypto ipsec transform-set ours esp-des esp-sha-hmac
crypto map outside 10 ipsec-isakmp
 set peer 192.0.2.2
 set transform-set ours
 set isakmp-profile red
 match address 101
crypto map outside 20 ipsec-isakmp
 set peer 192.0.2.3
 set transform-set ours
 set isakmp-profile blue
 match address 101
interface FastEthernet0/0
 ip address 192.0.2.1 255.255.255.0
 crypto map outside
interface Loopback1
 ip vrf forwarding red
 ip address 10.0.1.1 255.255.255.0
interface Loopback2
 ip vrf forwarding blue
 ip address 10.0.1.1 255.255.255.0
ip route vrf red 10.0.2.0 255.255.255.0 FastEthernet0/0 192.0.2.2
ip route vrf blue 10.0.2.0 255.255.255.0 FastEthernet0/0 192.0.2.3
access-list 101 permit ip 10.0.1.0 0.0.0.255 10.0.2.0 0.0.0.255
"""

SITE = """
hostname {name}
crypto isakmp policy 10
 authentication pre-share
crypto isakmp key secret address 192.0.2.1
crypto ipsec transform-set ours esp-des esp-sha-hmac
crypto map outside 10 ipsec-isakmp
 set peer 192.0.2.1
 set transform-set ours
 match address 101
interface FastEthernet0/0
 ip address 192.0.2.{number} 255.255.255.0
 crypto map outside
interface Loopback0
 ip address 10.0.2.1 255.255.255.0
ip route 10.0.1.0 255.255.255.0 192.0.2.1
access-list 101 permit ip 10.0.2.0 0.0.0.255 10.0.1.0 0.0.0.255
"""


def provider(make_lab: Callable[..., Any], **changes: str) -> Any:
    texts = {"hub": HUB, "red": SITE.format(name="red", number=2), "blue": SITE.format(name="blue", number=3)}
    return make_lab("", {**texts, **changes})


def test_each_customer_has_tunnels_in_its_inside_vrf(make_lab: Callable[..., Any]) -> None:
    lab = provider(make_lab)
    assert lab.ping("red", "10.0.1.1", "10.0.2.1", repeat=3) == 2
    assert len(lab.flow("hub", "red").ipsec_tunnels) == len(lab.flow("hub", "red").ike_tunnels) == 1
    assert not lab.flow("hub", "blue").ipsec_tunnels
    assert lab.ping("blue", "10.0.1.1", "10.0.2.1", repeat=3) == 2
    for vrf, peer in (("red", "192.0.2.2"), ("blue", "192.0.2.3")):
        (tunnel,) = lab.flow("hub", vrf).ipsec_tunnels.values()
        (ike,) = lab.flow("hub", vrf).ike_tunnels.values()
        assert str(tunnel.facts.remote_address) == peer
        assert (ike.facts.profile, ike.facts.front_vrf, ike.vrf) == (vrf, None, vrf)
        assert lab.ipsec("hub", "IN_PACKETS", vrf) == lab.ipsec("hub", "OUT_PACKETS", vrf) == 2
    assert not lab.flow("hub").ike_tunnels


def test_the_hub_sends_each_vrfs_packets_through_its_own_entry(make_lab: Callable[..., Any]) -> None:
    lab = provider(make_lab)
    assert lab.ping("hub", "10.0.2.1", repeat=3, vrf="blue") == 2
    assert len(lab.flow("blue").ipsec_tunnels) == 1
    assert not lab.flow("red").ipsec_tunnels
    assert not lab.flow("hub", "red").ipsec_tunnels


def test_what_fails_before_a_profile_matches_is_the_front_doors(make_lab: Callable[..., Any]) -> None:
    lab = provider(make_lab, red=SITE.format(name="red", number=2).replace("key secret", "key other"))
    assert lab.ping("red", "10.0.1.1", "10.0.2.1", repeat=1) == 0
    assert len(lab.flow("hub").ike_failures) == 1
    assert not lab.flow("hub", "red").ike_failures


def test_a_flow_of_another_vrf_is_refused(make_lab: Callable[..., Any]) -> None:
    """The site's peer is red's, but the map has no entry for that flow in red."""
    lab = provider(make_lab, hub=HUB.replace(" set peer 192.0.2.2\n", " set peer 192.0.2.9\n"))
    assert lab.ping("red", "10.0.1.1", "10.0.2.1", repeat=1) == 0
    assert len(lab.flow("hub", "red").ipsec_failures) == 1
    assert not lab.flow("hub").ipsec_failures


def test_an_inner_packet_goes_no_further_than_its_vrf(make_lab: Callable[..., Any]) -> None:
    lab = provider(make_lab, hub=HUB.replace("interface Loopback1\n ip vrf forwarding red\n", "interface Loopback1\n"))
    assert lab.ping("red", "10.0.1.1", "10.0.2.1", repeat=3) == 0
    assert lab.ipsec("hub", "IN_PACKETS", "red") == 2


OVERLAP = """
hostname {name}
ip vrf {vrf}
interface FastEthernet0/0
 ip vrf forwarding {vrf}
 ip address 10.9.9.{number} 255.255.255.0
"""


def test_one_subnet_in_two_vrfs_is_two_wires(make_lab: Callable[..., Any]) -> None:
    lab = make_lab(
        "",
        {
            "a": OVERLAP.format(name="a", vrf="red", number=1),
            "b": OVERLAP.format(name="b", vrf="red", number=2),
            "c": OVERLAP.format(name="c", vrf="blue", number=3),
        },
    )
    assert lab.ping("a", "10.9.9.2", repeat=1, vrf="red") == 1
    assert lab.ping("a", "10.9.9.3", repeat=1, vrf="red") == 0


def test_one_subnet_shares_a_wire_where_only_one_side_has_a_vrf(make_lab: Callable[..., Any]) -> None:
    plain = OVERLAP.format(name="b", vrf="red", number=2).replace(" ip vrf forwarding red\n", "")
    lab = make_lab("", {"a": OVERLAP.format(name="a", vrf="red", number=1), "b": plain})
    assert lab.ping("a", "10.9.9.2", repeat=1, vrf="red") == 1


def test_two_interfaces_with_one_address_are_on_no_wire(make_lab: Callable[..., Any]) -> None:
    same = OVERLAP.format(name="a", vrf="red", number=1)
    lab = make_lab("", {"a": same, "b": same, "c": OVERLAP.format(name="c", vrf="red", number=3)})
    assert lab.ping("c", "10.9.9.1", repeat=1, vrf="red") == 0
    assert lab.ping("a", "10.9.9.1", repeat=1, vrf="red") == 1  # itself


@pytest.mark.parametrize("ask", [ClearSessions, ClearSas])
@pytest.mark.parametrize(("vrf", "left"), [("any", ["blue"]), ("blue", ["any"]), (None, ["any", "blue"]), (ANY, [])])
def test_a_vrf_called_any_is_one_among_others(
    make_lab: Callable[..., Any], ask: Callable[[SessionFilter], Request], vrf: VrfFilter, left: list[str]
) -> None:
    lab = provider(make_lab, hub=HUB.replace("vrf red", "vrf any").replace("forwarding red", "forwarding any"))
    for site in ("red", "blue"):
        assert lab.ping(site, "10.0.1.1", "10.0.2.1", repeat=3) == 2
    lab.hub.engine.do(ask(SessionFilter(inside_vrf=vrf)), CONSOLE)
    assert [name for name in ("any", "blue") if lab.flow("hub", name).ipsec_tunnels] == left


def test_the_sessions_of_one_peer_in_two_vrfs_are_cleared_apart(make_lab: Callable[..., Any]) -> None:
    """`clear crypto session ivrf`: the Cisco IOS Security Command Reference has it clear the sessions of that inside VRF."""
    changes = (
        ("192.0.2.3", "192.0.2.2"),
        ("vrf blue 10.0.2.0", "vrf blue 10.0.3.0"),
        (" set isakmp-profile blue\n match address 101", " set isakmp-profile blue\n match address 102"),
    )
    hub = HUB + "access-list 102 permit ip 10.0.1.0 0.0.0.255 10.0.3.0 0.0.0.255\n"
    for old, new in changes:
        hub = hub.replace(old, new)
    site = SITE.format(name="red", number=2) + (
        "interface Loopback1\n ip address 10.0.3.1 255.255.255.0\naccess-list 101 permit ip 10.0.3.0 0.0.0.255 10.0.1.0 0.0.0.255\n"
    )
    lab = make_lab("", {"hub": hub, "red": site})
    assert lab.ping("hub", "10.0.2.1", repeat=3, vrf="red") == lab.ping("hub", "10.0.3.1", repeat=3, vrf="blue") == 2
    lab.hub.engine.do(ClearSessions(SessionFilter(inside_vrf="red")), CONSOLE)
    left = {vrf: (len(lab.flow("hub", vrf).ike_tunnels), len(lab.flow("hub", vrf).ipsec_tunnels)) for vrf in ("red", "blue")}
    assert left == {"red": (0, 0), "blue": (1, 1)}
