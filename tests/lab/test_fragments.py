"""Packets that are too big for the way: cut before or after they are sealed, carried, and put together again.

Right values: RFC 791 §3.2, RFC 1191 §4, RFC 4301 §7 and §8, RFC 4303 §3.4.1, and IOS's default, `crypto ipsec fragmentation
before-encryption`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.crypto import ip
from agent.flow.device import InterfaceCounter
from agent.flow.vrf import IpsecEvents
from tests.lab.bringing import port_of
from tests.lab.conftest import LINK, ping

MakePair = Callable[..., Any]


def on_the_wire(lab: Any, name: str = "west") -> list[ip.Packet]:
    """What arrives at a router from now on."""
    port, came = port_of(lab, name), list[ip.Packet]()
    receive = port.receive

    def receiving(octets: bytes) -> None:
        came.append(ip.decode(octets))
        receive(octets)

    port.receive = receiving
    return came


def big_ping(lab: Any, size: int, repeat: int = 3) -> int:
    return int(lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=repeat, size=size))


@pytest.mark.parametrize("size", [1400, 1438, 1439, 1446, 1447, 1500, 1501, 3000, 18024])
@pytest.mark.parametrize(
    ("mode", "transforms"), [("tunnel", "esp-des esp-sha-hmac"), ("tunnel", "ah-sha-hmac esp-3des esp-md5-hmac")]
)
def test_a_big_ping_goes_through_a_tunnel(make_pair: MakePair, size: int, mode: str, transforms: str) -> None:
    lab = make_pair(mode=mode, transforms=transforms)
    ping(lab)
    came = on_the_wire(lab)
    assert big_ping(lab, size) == 3
    assert all(packet.length <= 1500 and not packet.fragmented for packet in came if packet.protocol in (ip.ESP, ip.AH))
    assert lab.ipsec("west", "IN_DECRYPT_FAILS") == lab.ipsec("west", "IN_DROPS") == 0


@pytest.mark.parametrize("size", [1500, 4000])
@pytest.mark.parametrize("transforms", ["esp-des esp-sha-hmac", "ah-sha-hmac"])
def test_in_transport_mode_the_sealed_packet_is_cut(make_pair: MakePair, size: int, transforms: str) -> None:
    """RFC 4303 §3.3.4: transport mode applies to whole packets alone; its fragments are put together before they are opened."""
    flow = {"flow": "host 192.0.2.{me} host 192.0.2.{peer}", "mode": "transport", "transforms": transforms}
    lab = make_pair(**flow)
    lab.ping("east", "192.0.2.2", repeat=2)
    came = on_the_wire(lab)
    assert lab.ping("east", "192.0.2.2", repeat=3, size=size) == 3
    assert all(packet.length <= 1500 for packet in came)
    assert any(packet.fragmented for packet in came)


def fragments_of_udp(identification: int = 9, port: int = 53) -> list[ip.Packet]:
    datagram = ip.encode_udp(0x0A000101, 0x0A000201, ip.Datagram(1024, port, bytes(2000)))
    whole = ip.Packet(0x0A000101, 0x0A000201, ip.UDP, datagram, identification=identification)
    return [
        whole._replace(payload=datagram[:1200], flags=ip.MORE_FRAGMENTS),
        whole._replace(payload=datagram[1200:], flags=150),
    ]


def test_inner_fragments_are_carried_where_no_ports_select(make_pair: MakePair) -> None:
    """RFC 4301 §7.1: an SA whose ports are ANY carries all fragments, the first and the others."""
    lab = make_pair()
    ping(lab)
    before = lab.ipsec("west", "IN_PACKETS")
    for piece in fragments_of_udp():
        lab.east.router.send(piece, None)
    lab.wait(1)
    assert lab.ipsec("west", "IN_PACKETS") == before + 2
    assert lab.ipsec("west", "IN_DROPS") == lab.ipsec("west", "IN_DECRYPT_FAILS") == 0
    assert not lab.flow("west").ipsec_failures


def with_ports(make_pair: MakePair) -> Any:
    """SAs for UDP to port 53 and back, made by a datagram of it."""
    by_ports = "\ncrypto map outside 10 ipsec-isakmp\n match address 102"
    west = "access-list 102 permit udp 10.0.2.0 0.0.0.255 eq 53 10.0.1.0 0.0.0.255" + by_ports
    east = "access-list 102 permit udp 10.0.1.0 0.0.0.255 10.0.2.0 0.0.0.255 eq 53" + by_ports
    lab = make_pair(east={"lines": east}, west={"lines": west})
    small = ip.encode_udp(0x0A000101, 0x0A000201, ip.Datagram(1024, 53, b"?"))
    lab.east.router.send(ip.Packet(0x0A000101, 0x0A000201, ip.UDP, small), None)
    lab.wait(1)
    assert lab.flow("west").ipsec_tunnels
    return lab


def test_where_ports_select_a_fragment_without_them_is_a_drop_by_policy(make_pair: MakePair) -> None:
    lab = with_ports(make_pair)
    live = next(iter(lab.east.router.sa_keeper.flows))
    bundle = live.outbound.bundle
    for piece in fragments_of_udp():
        sealed = bundle.seal(piece, live.pair.local, live.pair.remote, lab.east.router.ipsec._random)
        port_of(lab, "west").receive(sealed.encode())
    assert lab.ipsec("west", "IN_DROPS") == 1
    assert lab.ipsec("west", "IN_DECRYPT_FAILS") == 0
    assert [row.reason.name for row in lab.flow("west").ipsec_failures.values()] == ["PROTOCOL_USE"]
    assert lab.flow("west").ipsec_events[IpsecEvents.PROTOCOL_USE_FAILS] == 1


def test_where_ports_select_a_fragment_without_them_does_not_leave_in_the_clear(make_pair: MakePair) -> None:
    lab = with_ports(make_pair)
    came = on_the_wire(lab)
    discards = port_of(lab, "east").state.counters[InterfaceCounter.OUT_DISCARDS]
    lab.east.router.send(fragments_of_udp()[1], None)
    lab.wait(1)
    assert came == []
    assert port_of(lab, "east").state.counters[InterfaceCounter.OUT_DISCARDS] == discards + 1
    taken = port_of(lab, "west").state.counters[InterfaceCounter.IN_DISCARDS]
    port_of(lab, "west").receive(fragments_of_udp()[1]._replace(destination=0x0A000209).encode())  # nor does one come in
    assert port_of(lab, "west").state.counters[InterfaceCounter.IN_DISCARDS] == taken + 1


def test_where_ports_select_a_big_packet_is_cut_once_it_is_sealed(make_pair: MakePair) -> None:
    lab = with_ports(make_pair)
    before = lab.ipsec("west", "IN_PACKETS")
    datagram = ip.encode_udp(0x0A000101, 0x0A000201, ip.Datagram(1024, 53, bytes(1450)))
    lab.east.router._originate(ip.Packet(0x0A000101, 0x0A000201, ip.UDP, datagram), None)
    lab.wait(1)
    assert lab.ipsec("west", "IN_PACKETS") == before + 1
    assert lab.ipsec("west", "IN_DROPS") == 0


def test_what_must_not_be_cut_is_dropped_and_its_sender_told_the_room(make_pair: MakePair) -> None:
    """RFC 1191 §4; RFC 4301 §8.2: the MTU told is what is left of the way's behind the tunnel's headers."""
    lab = make_pair()
    ping(lab)
    told: list[ip.Packet] = []
    lab.east.router.send = _listening(lab.east.router.send, told)
    inner = ip.Packet(0x0A000109, 0x0A000201, ip.UDP, bytes(1480), flags=ip.DONT_FRAGMENT)
    lab.east.router.send(inner, None)
    ((_, destination, protocol, payload),) = [each[:4] for each in told if each.protocol == ip.ICMP]
    assert (destination, protocol, payload[:2]) == (inner.source, ip.ICMP, b"\x03\x04")
    room = int.from_bytes(payload[6:8], "big")
    bundle = next(iter(lab.east.router.sa_keeper.flows)).outbound.bundle
    assert bundle.sealed_octets(room) <= 1500 < bundle.sealed_octets(room + 1)
    assert payload[8:28] == inner.encode()[:20]


def _listening(send: Callable[[ip.Packet, str | None], None], told: list[ip.Packet]) -> Callable[[ip.Packet, str | None], None]:
    def sending(packet: ip.Packet, vrf: str | None) -> None:
        told.append(packet)
        send(packet, vrf)

    return sending


def test_ip_mtu_is_what_an_interface_sends_in_one_piece(make_pair: MakePair) -> None:
    lab = make_pair(east={"lines": "interface FastEthernet0/0\n ip mtu 600"}, flow="host 1.1.1.1 host 2.2.2.2")
    came = on_the_wire(lab)
    assert lab.ping("east", "192.0.2.2", repeat=2, size=1500) == 2
    assert max(packet.length for packet in came) <= 600
    assert len(came) == 6
    lab.configure("east", "interface FastEthernet0/0", "no ip mtu")
    came.clear()
    assert lab.ping("east", "192.0.2.2", repeat=2, size=1500) == 2
    assert len(came) == 2


def test_a_host_puts_together_what_is_for_it_and_cuts_what_it_says(make_pair: MakePair) -> None:
    host = '[[host]]\naddress = "10.0.2.9"\nbehind = "west:FastEthernet0/1"\n'
    lines = "interface FastEthernet0/1\n ip address 10.0.2.254 255.255.255.0\ninterface Loopback0\n no ip address"
    lab = make_pair(LINK + host, west={"lines": lines})
    lab.ping("east", "10.0.2.9", "10.0.1.1", repeat=2)
    assert lab.ping("east", "10.0.2.9", "10.0.1.1", repeat=3, size=4000) == 3


@pytest.mark.parametrize("protection", ["", " tunnel protection ipsec profile P"])
@pytest.mark.parametrize("mode", ["tunnel", "transport"])
def test_a_gre_tunnel_cuts_what_does_not_fit_it(make_pair: MakePair, protection: str, mode: str) -> None:
    tunnel = (
        "crypto ipsec profile P\n set transform-set ours\ninterface Tunnel0\n ip address 172.16.0.{me} 255.255.255.252\n"
        " tunnel source FastEthernet0/0\n tunnel destination 192.0.2.{peer}\n" + protection
    )
    lab = make_pair(lines=tunnel, mode=mode, flow="host 1.1.1.1 host 2.2.2.2")
    lab.ping("east", "172.16.0.2", repeat=2)
    came = on_the_wire(lab)
    assert lab.ping("east", "172.16.0.2", repeat=3, size=1500) == 3
    assert lab.ping("east", "172.16.0.2", repeat=3, size=5000) == 3
    assert all(packet.length <= 1500 for packet in came)
