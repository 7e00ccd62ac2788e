"""Broken and forged messages and packets against a live router: nothing raises, its tunnels live on, nothing of it stays.

Twenty thousand in all each time; with SOAK=1 in the environment (`make soak`) a million. The resident memory stays what it was.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from agent.base.origin import CONSOLE
from agent.crypto import ip
from agent.crypto.dialogues import Dialogue
from agent.crypto.doi import Exchange, PayloadType, Protocol
from agent.crypto.isakmp import NO_COOKIE, encode_payloads
from agent.crypto.payloads import Delete, Hash, Identification, Notification, Vendor
from agent.engine.values import ClearSessions
from agent.flow.device import InterfaceCounter
from agent.flow.model import IkeFailureReason
from agent.flow.vrf import IkeEvents, IpsecEvents
from agent.lab.ike.admission import MOST_OF_ADDRESS
from tests.lab.bringing import port_of
from tests.lab.bringing_phase1 import DATED, SIGNED_AGGRESSIVE, trusting
from tests.lab.conftest import DrivenLab
from tests.lab.test_nat_traversal import behind_a_nat
from tests.memory import steady_memory

WHOLE = 1_000_000 if os.environ.get("SOAK") else 20_000
PARTS = 5
TURN = 400  # after so many, time goes on by a while
WATCHED = "crypto isakmp keepalive 10 2"
AGGRESSIVE = {**SIGNED_AGGRESSIVE, "lines": f"{WATCHED}\n{SIGNED_AGGRESSIVE['lines']}"}
PLAIN_ISAKMP, NAT_PORTS = 500, 4500

Make = Callable[[], DrivenLab]


def pair(make_pair: Callable[..., Any], **settings: Any) -> Make:
    return lambda: make_pair(lines=WATCHED, **settings)


def talk(lab: DrivenLab) -> list[bytes]:
    """What west hears of a whole life: both phases, packets, deletes, both phases again, questions of whether it is there."""
    port, heard = port_of(lab, "west"), list[bytes]()
    receive = port.receive
    port.receive = lambda octets: (heard.append(octets), receive(octets))
    lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=4)
    lab.east.engine.do(ClearSessions(), CONSOLE)
    lab.wait(1)
    lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=4)
    lab.wait(30)
    lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=2)
    port.receive = receive
    return heard


def mutated(dice: random.Random, packet: ip.Packet) -> bytes:
    """A packet with some octets behind its IP header changed, often one of those that hold a kind or a length; or cut short."""
    udp = ip.decode_udp(packet) if packet.protocol == ip.UDP else None
    changed = bytearray(udp.data if udp else packet.payload)
    for _ in range(dice.randint(1, 4)):
        at = dice.choice((dice.randrange(len(changed)), dice.randrange(min(64, len(changed)))))
        changed[at] = dice.choice((0, 1, 0xFF, 0x7F, dice.randrange(256)))
    if dice.random() < 0.2:
        changed = changed[: dice.randrange(len(changed))]
    if dice.random() < 0.05:
        changed += dice.randbytes(dice.randrange(60))
    payload = bytes(changed)
    if udp:
        payload = ip.encode_udp(packet.source, packet.destination, udp._replace(data=payload))
    return packet._replace(payload=payload).encode()


def forged(dice: random.Random, source: int, destination: int) -> bytes:
    """Octets of no sense, in the clear and in each kind of packet that is for the router itself."""
    noise = dice.randbytes(dice.randrange(120))
    kind = dice.randrange(4)
    if kind == 0:
        return noise[: dice.randrange(80)]
    if kind == 1:
        return ip.Packet(source, destination, dice.choice((ip.ICMP, ip.UDP, ip.GRE, ip.ESP, ip.AH)), noise).encode()
    port = dice.choice((PLAIN_ISAKMP, NAT_PORTS))
    marker = bytes(4) if dice.random() < 0.5 else b""
    if kind == 2:
        noise = dice.randbytes(8) + NO_COOKIE + bytes((dice.randrange(14), 0x10, dice.choice((2, 4, 5, 6, 32)), 0)) + noise
    return ip.Packet(
        source, destination, ip.UDP, ip.encode_udp(source, destination, ip.Datagram(port, port, marker + noise))
    ).encode()


def assert_nothing_stays(lab: DrivenLab) -> None:
    """Once all has been waited for, a router holds what its tunnels need and no more."""
    lab.wait(300)
    router, flow = lab.west.router, lab.flow("west")
    sas, records = router.sa_keeper, list(router.ike.sas)
    assert not router.ike.sas.over
    assert len(records) == len(flow.ike_tunnels)
    assert {live.row for live in sas.flows} == set(flow.ipsec_tunnels.values())
    assert sas.sad.spis == len(sas.sad) == len(flow.spis) / 2
    assert not [record for record in records if record.sa.quick]
    timers = [timer for _, _, timer in lab.lab.scheduler._queue if timer.callback]
    assert len(timers) <= 10 * (1 + len(records) + len(sas.flows))


@pytest.mark.parametrize("scenario", ["AH and ESP", "ESP without authentication", "ESP in UDP", "aggressive mode and signatures"])
def test_soak_of_mutated_and_forged_datagrams(scenario: str, make_pair: Callable[..., Any]) -> None:
    lab = {
        "AH and ESP": pair(make_pair, transforms="ah-sha-hmac esp-des esp-sha-hmac"),
        "ESP without authentication": pair(make_pair, transforms="esp-des"),
        "ESP in UDP": lambda: behind_a_nat(west=WATCHED)[0],
        "aggressive mode and signatures": lambda: make_pair(link=DATED, trustpoints=trusting(), **AGGRESSIVE),
    }[scenario]()
    heard = [ip.decode(octets) for octets in talk(lab)]
    port, dice = port_of(lab, "west"), random.Random(scenario)
    source, destination = heard[0].source, heard[0].destination
    with steady_memory(scenario, WHOLE // PARTS):
        for number in range(WHOLE // PARTS):
            if dice.random() < 0.75:
                port.receive(mutated(dice, dice.choice(heard)))
            else:
                port.receive(forged(dice, source, destination))
            if number % TURN == 0:
                lab.wait(5)
        assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=3) >= 2
        assert len(lab.flow("west").ike_tunnels) == len(lab.flow("west").ipsec_tunnels) == 1
        assert_nothing_stays(lab)


def nonsense(dice: random.Random, spis: list[bytes], cookies: bytes) -> bytes:
    """A chain of payloads that begins well and is then changed."""
    notification = Notification(
        dice.choice((1, 2, 3)), dice.choice((1, 11, 14, 16, 18, 24576, 24578, 36136, 36137)), cookies, bytes(4)
    )
    payloads = [
        notification,
        Delete(Protocol.ESP, tuple(dice.choices([*spis, dice.randbytes(4)], k=dice.randint(1, 3)))),
        Vendor(dice.randbytes(16)),
        Identification(dice.randrange(12), dice.randbytes(8)),
    ]
    first, chain = encode_payloads(dice.sample(payloads, k=dice.randint(1, 3)))
    changed = bytearray(chain)
    for _ in range(dice.randrange(3)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes((first,)) + bytes(changed)


def sealed(sa: Any, dice: random.Random, exchange: Exchange, chain: bytes) -> bytes:
    """A message of an authentic peer: sealed, with the HASH that its payloads want, whatever they are."""
    message_id = sa.new_message_id()
    mine = sa.authenticate(message_id.to_bytes(4, "big"), chain[1:])
    _, hashed = encode_payloads((Hash(mine),))
    octets = bytes((chain[0],)) + hashed[1:] + chain[1:]
    dialogue = Dialogue(sa.vector_of(message_id))
    padding = -len(octets) % sa.keying.cipher.block
    body = sa.keying.cipher.encrypt(dialogue.vector, octets + bytes(padding))
    return bytes(sa._frame(exchange, message_id, 1, PayloadType.HASH, body))


def test_soak_of_an_authentic_peer_that_talks_nonsense(make_pair: Callable[..., Any]) -> None:
    """It may end its tunnels, and does; new ones come up as ever."""
    lab = make_pair(lines=WATCHED)
    talk(lab)
    dice = random.Random(11)
    exchanges = (Exchange.INFORMATIONAL, Exchange.INFORMATIONAL, Exchange.QUICK, Exchange.TRANSACTION)
    port = port_of(lab, "west")
    with steady_memory("an authentic peer", WHOLE // PARTS):
        for number in range(WHOLE // PARTS):
            if number % 50 == 0:
                lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=3)
            if number % TURN == 0:
                lab.wait(5)
            records = [record for record in lab.east.router.ike.sas if record.sa.up]
            if not records:
                continue
            sa = dice.choice(records).sa
            spis = [sa_.spi.to_bytes(4, "big") for each in lab.east.router.sa_keeper.sad for sa_ in each.bundle.inbound]
            message = sealed(sa, dice, dice.choice(exchanges), nonsense(dice, spis, sa.cookies))
            datagram = ip.encode_udp(0xC0000201, 0xC0000202, ip.Datagram(500, 500, message))
            port.receive(ip.Packet(0xC0000201, 0xC0000202, ip.UDP, datagram).encode())
        lab.wait(60)
        lab.east.engine.do(ClearSessions(), CONSOLE)
        lab.wait(1)
        assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=4) >= 2
        assert_nothing_stays(lab)


# --- what must be counted is counted ---


@pytest.fixture
def counted(make_pair: Callable[..., Any]) -> tuple[DrivenLab, list[ip.Packet], Callable[[], int]]:
    """A lab, what west has heard, and all that west has counted of what it did not take."""
    lab = make_pair(transforms="ah-sha-hmac esp-des esp-sha-hmac")
    heard = [ip.decode(octets) for octets in talk(lab)]

    def refused() -> int:
        flow, state = lab.flow("west"), lab.west.device.interface("FastEthernet0/0")
        ipsec = sum(lab.ipsec("west", name) for name in ("IN_DROPS", "IN_REPLAY_DROPS"))
        ike = lab.ike("west", "IN_DROPS") + flow.ike_events[IkeEvents.NO_SA_FAILS]
        return int(ipsec + ike + flow.ipsec_events[IpsecEvents.NO_SA_FAILS] + state.counters[InterfaceCounter.IN_ERRORS])

    return lab, heard, refused


def test_every_bad_packet_is_counted(counted: tuple[DrivenLab, list[ip.Packet], Callable[[], int]]) -> None:
    lab, heard, refused = counted
    packets = [packet for packet in heard if packet.protocol == ip.AH]
    dice = random.Random(3)
    for _ in range(1000):
        before = refused()
        port_of(lab, "west").receive(mutated(dice, dice.choice(packets)))
        assert refused() == before + 1


def test_every_bad_message_of_a_live_sa_is_counted(counted: tuple[DrivenLab, list[ip.Packet], Callable[[], int]]) -> None:
    """Of the second half of the talk, whose ISAKMP SA is there; the cookies are left alone."""
    lab, heard, refused = counted
    (tunnel,) = lab.flow("west").ike_tunnels.values()
    cookies = tunnel.facts.initiator_cookie + tunnel.facts.responder_cookie
    messages = [packet for packet in heard if packet.protocol == ip.UDP and packet.payload[8:24] == cookies]
    dice = random.Random(4)
    for _ in range(1000):
        before = refused()
        packet = dice.choice(messages)
        datagram = ip.decode_udp(packet)
        octets = bytearray(datagram.data)
        octets[dice.randrange(16, len(octets))] ^= dice.randint(1, 255)
        payload = ip.encode_udp(packet.source, packet.destination, datagram._replace(data=bytes(octets)))
        port_of(lab, "west").receive(packet._replace(payload=payload).encode())
        assert refused() == before + 1


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
        payload = ip.encode_udp(0xC0000201, 0xC0000202, ip.Datagram(500, 500, message))
        port.receive(ip.Packet(0xC0000201, 0xC0000202, ip.UDP, payload).encode())
    assert lab.leaks("west").records == MOST_OF_ADDRESS
    lab.wait(400)
    assert lab.leaks("west").records == 0
    assert not lab.west.router.ike.sas.over
    reasons = Counter(row.reason for row in lab.flow("west").ike_failures.values())
    # None has repeated our cookie: all count, and at most 50 of an address have a row at once (docs/security.md).
    assert 0 < reasons[IkeFailureReason.PEER_LOST] <= 60
    assert lab.flow("west").ike_events[IkeEvents.RESPONDER_FAILS] == 1499
    assert 0 < reasons[IkeFailureReason.CAPACITY] < 10
