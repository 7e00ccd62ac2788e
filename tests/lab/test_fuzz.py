"""Broken datagrams against a live router: nothing raises, its tunnels live on, and nothing of it stays."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from agent.crypto import ip
from agent.crypto.isakmp import NO_COOKIE

WEST, EAST = 0xC0000202, 0xC0000201


def test_mutated_and_random_datagrams(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(transforms="ah-sha-hmac esp-des esp-sha-hmac")
    port = lab.west.router.ports["FastEthernet0/0"]
    heard: list[bytes] = []
    receive = port.receive
    port.receive = lambda octets: (heard.append(octets), receive(octets))
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 4
    port.receive = receive
    events: list[Any] = []
    lab.west.monitor.subscribe(events.append)
    dice = random.Random(5)
    for _ in range(3000):
        packet = ip.decode(dice.choice(heard))
        changed = bytearray(packet.payload)
        first = 8 if packet.protocol == ip.UDP else 0
        for _ in range(dice.randint(1, 4)):
            changed[dice.randrange(first, len(changed))] = dice.randrange(256)
        if dice.random() < 0.2:
            changed = changed[: dice.randrange(first, len(changed))]
        payload = bytes(changed)
        if packet.protocol == ip.UDP:
            payload = ip.encode_udp(EAST, WEST, ip.Datagram(500, 500, payload[8:]))
        port.receive(packet._replace(payload=payload).encode())
        port.receive(dice.randbytes(dice.randrange(80)))
        port.receive(ip.Packet(EAST, WEST, dice.choice([1, 17, 50, 51]), dice.randbytes(dice.randrange(120))).encode())
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=3) == 3
    flow = lab.flow("west")
    assert len(flow.ike_tunnels) == len(flow.ipsec_tunnels) == 1
    assert not flow.ike_history
    lab.wait(300)
    router = lab.west.router
    assert not router.ike._dead
    assert vars(lab.leaks("west")) == {"sad": 2, "lives": 1, "records": 1}
    assert len(router.ipsec.sas.sad._reserved) == 2
    assert events


def test_a_flood_of_beginnings_is_forgotten(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    sent: list[bytes] = []
    east = lab.east.router
    east.ike._send = lambda vrf, ends, message: sent.append(message)
    lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=1)
    (first,) = {message for message in sent if message[8:16] == NO_COOKIE}
    port = lab.west.router.ports["FastEthernet0/0"]
    for number in range(1, 1500):
        message = number.to_bytes(8, "big") + first[8:]
        payload = ip.encode_udp(EAST, WEST, ip.Datagram(500, 500, message))
        port.receive(ip.Packet(EAST, WEST, ip.UDP, payload).encode())
    assert lab.leaks("west").records == 1499
    lab.wait(400)
    assert lab.leaks("west").records == 0
    assert not lab.west.router.ike._dead
    assert len(lab.flow("west").ike_failures) == 200  # the window
