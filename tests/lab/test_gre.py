"""GRE on Tunnel interfaces: in the clear, under a crypto map, and with tunnel protection; and which VRF what belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.crypto import ip
from agent.flow.device import InterfaceCounter
from agent.flow.model import IpsecFailureReason
from tests.lab.conftest import DrivenLab

LINK = """
[[link]]
ends = ["east:FastEthernet0/0", "west:FastEthernet0/0"]
delay = "1ms"
"""
# Networks 10.0.me.0 lie behind the tunnel, whose own is 10.5.0.0.
ROUTER = """
hostname {name}
ip vrf red
ip vrf outer
crypto isakmp policy 10
 authentication pre-share
crypto isakmp key secret address 192.0.2.{peer}
crypto keyring outer vrf outer
 pre-shared-key address 192.0.2.{peer} key secret
crypto ipsec transform-set ours esp-des esp-sha-hmac
 mode {mode}
crypto ipsec profile ours
 set transform-set ours
 set security-association lifetime seconds 600
 set pfs group1
crypto map outside 10 ipsec-isakmp
 set peer 192.0.2.{peer}
 set transform-set ours
 match address 101
access-list 101 permit {permit} host 192.0.2.{me} host 192.0.2.{peer}
interface Loopback0
 {inner_vrf}
 ip address 10.0.{me}.1 255.255.255.0
interface FastEthernet0/0
 {outer_vrf}
 ip address 192.0.2.{me} 255.255.255.0
 {map}
interface Tunnel0
 {inner_vrf}
 ip address 10.5.0.{me} 255.255.255.0
 tunnel source {source}
 tunnel destination 192.0.2.{peer}
 {tunnel}
ip route {route_vrf} 10.0.{peer}.0 255.255.255.0 Tunnel0
"""
DEFAULTS = {
    "mode": "transport",
    "permit": "gre",
    "map": "no crypto map",
    "tunnel": "description none",
    "inner_vrf": "description inner",
    "outer_vrf": "description outer",
    "route_vrf": "",
    "source": "FastEthernet0/0",
}
PROTECTED = "tunnel protection ipsec profile ours"
MAPPED = "crypto map outside"
PING = 100


@pytest.fixture
def lab_with() -> Callable[..., DrivenLab]:
    def make(link: str = LINK, **settings: str) -> DrivenLab:
        texts = {}
        for me, peer, name in ((1, 2, "east"), (2, 1, "west")):
            values = {**DEFAULTS, **settings, "name": name, "me": str(me), "peer": str(peer)}
            texts[name] = ROUTER.format(**{key: value.replace("{me}", str(me)) for key, value in values.items()})
        return DrivenLab(link, texts)

    return make


def interface(lab: Any, name: str, which: str = "Tunnel0") -> Any:
    return lab.lab.routers[name].device.interface(which)


@pytest.mark.parametrize("source", ["FastEthernet0/0", "192.0.2.{me}"])
def test_packets_go_through_the_tunnel_in_the_clear(lab_with: Callable[..., Any], source: str) -> None:
    lab = lab_with(source=source)
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 5
    tunnel, wire = interface(lab, "east").counters, interface(lab, "east", "FastEthernet0/0").counters
    assert (tunnel[InterfaceCounter.OUT_UNICAST], tunnel[InterfaceCounter.OUT_OCTETS]) == (5, 5 * PING)
    assert (tunnel[InterfaceCounter.IN_UNICAST], tunnel[InterfaceCounter.IN_OCTETS]) == (5, 5 * PING)
    # An outer IP header and four octets of GRE.
    assert (wire[InterfaceCounter.OUT_UNICAST], wire[InterfaceCounter.OUT_OCTETS]) == (5, 5 * (PING + 24))
    assert interface(lab, "east").kind == "tunnel"


@pytest.mark.parametrize(
    "settings",
    [{"map": MAPPED}, {"map": MAPPED, "permit": "47"}, {"tunnel": PROTECTED}],
    ids=["crypto map", "by number", "protection"],
)
@pytest.mark.parametrize("mode", ["transport", "tunnel"])
def test_protected_gre(lab_with: Callable[..., Any], settings: dict[str, str], mode: str) -> None:
    lab = lab_with(mode=mode, **settings)
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 4  # the first packet brings up the tunnel
    (row,) = lab.flow("east").ipsec_tunnels.values()
    assert row.facts.transport is (mode == "transport")
    for (end,), address in ((row.facts.local, "192.0.2.1"), (row.facts.remote, "192.0.2.2")):
        assert (end.kind, str(end.first), end.protocol, end.port) == ("address", address, 47, 0)
    assert lab.ipsec("east", "OUT_PACKETS") == lab.ipsec("west", "IN_PACKETS") == 4
    # ESP: 8 + 8 of header and vector, what is in it with its trailer to 8 octets, 12 of authentication.
    inside = {"transport": 4 + PING, "tunnel": 24 + PING}[mode]
    assert lab.ipsec("east", "OUT_OCTETS") == 4 * (20 + 16 + (inside + 2 + 7) // 8 * 8 + 12)
    assert lab.ipsec("west", "IN_OCTETS") == 4 * (24 + PING)  # the GRE packet, with its outer header
    assert interface(lab, "west").counters[InterfaceCounter.IN_UNICAST] == 4
    assert interface(lab, "east").counters[InterfaceCounter.OUT_UNICAST] == 5


def test_the_profile_says_the_terms_of_protection(lab_with: Callable[..., Any]) -> None:
    lab = lab_with(tunnel=PROTECTED)
    lab.ping("east", "10.0.2.1", "10.0.1.1")
    (row,) = lab.flow("west").ipsec_tunnels.values()
    assert (row.facts.life_time, row.facts.outbound.group) == (600, 1)
    assert (row.facts.map_name, row.facts.interface) == ("Tunnel0-head-0", "Tunnel0")


def test_either_end_may_begin(lab_with: Callable[..., Any]) -> None:
    lab = lab_with(tunnel=PROTECTED)
    assert lab.ping("west", "10.0.1.1", "10.0.2.1") == 4
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 5
    assert len(lab.flow("east").ipsec_tunnels) == 1


def test_a_protected_tunnel_and_one_in_the_clear_do_not_meet(lab_with: Callable[..., Any]) -> None:
    lab = lab_with(tunnel=PROTECTED)
    lab.configure("east", "interface Tunnel0", "no tunnel protection")
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 0
    assert interface(lab, "west", "FastEthernet0/0").counters[InterfaceCounter.IN_DISCARDS] == 5
    assert interface(lab, "west").counters[InterfaceCounter.IN_UNICAST] == 0


VRFS = {"inner_vrf": "ip vrf forwarding red", "outer_vrf": "ip vrf forwarding outer", "route_vrf": "vrf red"}


def test_what_a_protected_tunnel_carries_is_of_its_own_vrf(lab_with: Callable[..., Any]) -> None:
    lab = lab_with(tunnel=f"tunnel vrf outer\n {PROTECTED}", **VRFS)
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", vrf="red") == 4
    for name in ("east", "west"):
        assert len(lab.flow(name, "red").ipsec_tunnels) == len(lab.flow(name, "red").ike_tunnels) == 1
        assert not lab.flow(name, "outer").ike_tunnels
        (tunnel,) = lab.flow(name, "red").ike_tunnels.values()
        assert tunnel.facts.front_vrf == "outer"


def test_a_tunnel_of_another_vrf_in_the_clear(lab_with: Callable[..., Any]) -> None:
    lab = lab_with(tunnel="tunnel vrf outer", **VRFS)
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", vrf="red") == 5


def test_line_protocol_is_up_where_source_and_destination_are_there(lab_with: Callable[..., Any]) -> None:
    lab = lab_with()
    told: list[tuple[str, bool]] = []
    lab.lab.routers["east"].device.link_listeners.append(lambda state: told.append((state.name, state.oper_up)))
    tunnel = interface(lab, "east")
    assert tunnel.oper_up
    for lines, back in (
        (("interface FastEthernet0/0", "shutdown"), ("interface FastEthernet0/0", "no shutdown")),
        (("interface Tunnel0", "no tunnel source"), ("interface Tunnel0", "tunnel source 192.0.2.1")),
        (("interface Tunnel0", "no tunnel destination"), ("interface Tunnel0", "tunnel destination 192.0.2.2")),
        (("interface Tunnel0", "tunnel source 192.0.2.77"), ("interface Tunnel0", "tunnel source 192.0.2.1")),
        (("interface Tunnel0", "tunnel vrf red"), ("interface Tunnel0", "no tunnel vrf")),
        (("interface Tunnel0", "tunnel destination 203.0.113.1"), ("interface Tunnel0", "tunnel destination 192.0.2.2")),
        (("interface Tunnel0", "shutdown"), ("interface Tunnel0", "no shutdown")),
        (("ip route 192.0.2.2 255.255.255.255 Tunnel0",), ("no ip route 192.0.2.2 255.255.255.255 Tunnel0",)),  # into itself
    ):
        lab.configure("east", *lines)
        assert not tunnel.oper_up, lines
        lab.configure("east", *back)
        assert tunnel.oper_up, back
    assert [up for name, up in told if name == "Tunnel0"] == [False, True] * 8
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 5


def test_two_tunnels_that_lead_into_each_other_send_nothing(lab_with: Callable[..., Any]) -> None:
    lab = lab_with()
    lab.configure("east", "interface Tunnel1", "ip address 10.6.0.1 255.255.255.0", "tunnel source FastEthernet0/0")
    lab.configure("east", "interface Tunnel1", "tunnel destination 10.5.0.9")
    lab.configure("east", "ip route 192.0.2.2 255.255.255.255 Tunnel1")
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=1) == 0
    assert interface(lab, "east", "FastEthernet0/0").counters[InterfaceCounter.OUT_UNICAST] == 0


def test_a_tunnel_that_is_shut_down_loses_its_sas(lab_with: Callable[..., Any]) -> None:
    lab = lab_with(tunnel=PROTECTED)
    lab.ping("east", "10.0.2.1", "10.0.1.1")
    lab.configure("east", "interface Tunnel0", "shutdown")
    lab.wait(1)
    assert not lab.flow("east").ipsec_tunnels
    assert not lab.flow("west").ipsec_tunnels


def test_corrupted_gre_is_an_error_of_the_interface(lab_with: Callable[..., Any]) -> None:
    lab = lab_with()
    tunnel = lab.lab.routers["west"].router.ports["Tunnel0"]
    outer = ip.Packet(0xC0000201, 0xC0000202, ip.GRE, b"\0\0\x86\xdd" + bytes(40))
    lab.lab.routers["west"].router.ports["FastEthernet0/0"].receive(outer.encode())
    assert tunnel.state.counters[InterfaceCounter.IN_ERRORS] == 1


def test_the_failure_of_a_profile_without_a_common_transform(lab_with: Callable[..., Any]) -> None:
    lab = lab_with(tunnel=PROTECTED)
    lab.configure("west", "crypto ipsec transform-set other esp-3des esp-md5-hmac")
    lab.configure("west", "crypto ipsec profile ours", "no set transform-set", "set transform-set other")
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=2) == 0
    assert [row.reason for row in lab.flow("west").ipsec_failures.values()] == [IpsecFailureReason.PROPOSAL] * 2
