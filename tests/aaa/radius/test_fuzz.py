"""A hundred thousand spoilt answers: none is taken, and none raises. The right one is still taken after them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from hashlib import md5

from agent.aaa.radius.events import Discarded, Refused
from agent.aaa.radius.values import Attribute, Code
from tests.aaa.radius.desk import KEY, PACKETS, Datagram, Desk, config, log_in, record, server

ANSWERS = 100_000


def spoilt(genuine: bytes, chance: random.Random) -> bytes:
    """A packet that differs from a genuine one: octets, its length, parts that are left out, repeated or invented."""
    octets = bytearray(genuine)
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        kind, at = chance.randrange(6), chance.randrange(max(1, len(octets)))
        if kind == 0 and octets:
            octets[at] ^= 1 << chance.randrange(8)
        elif kind == 1 and octets:
            octets[at] = chance.randrange(256)
        elif kind == 2:
            del octets[at:]
        elif kind == 3:
            octets[at:at] = chance.randbytes(chance.randrange(1, 40))
        elif kind == 4:
            octets += octets[at : at + chance.randrange(60)]
        else:
            octets[2:4] = chance.randrange(5000).to_bytes(2, "big")
    return bytes(octets)


def invented(asked: Datagram, chance: random.Random) -> bytes:
    """A packet of random attributes with the identifier of a request, and at times a length that is right."""
    body = b"".join(
        bytes((chance.randrange(256), chance.choice((0, 1, 2, 6, 18, len(part) + 2)))) + part
        for part in (chance.randbytes(chance.randrange(30)) for _ in range(chance.randrange(6)))
    )
    length = 20 + len(body) if chance.random() < 0.8 else chance.randrange(1 << 16)
    return bytes((chance.choice((2, 3, 5, 11)), asked.identifier)) + length.to_bytes(2, "big") + chance.randbytes(16) + body


def without_signature(asked: Datagram, code: Code) -> bytes:
    return PACKETS.response(code, [Attribute("Cisco-AVPair", "shell:priv-lvl=15")], asked.packet, KEY.encode())


def test_spoilt_answers_are_refused() -> None:
    desk = Desk(config(server(1)))
    desk.ask(1, request=log_in())
    desk.ask(2, request=record(2))
    access, accounting = desk.sent
    genuine = {
        access: PACKETS.response(
            Code.ACCESS_ACCEPT,
            [Attribute("Tunnel-Password", "groupkey"), Attribute("Cisco-AVPair", "ipsec:addr-pool=p"), Attribute("Class", b"x")],
            access.packet,
            KEY.encode(),
            signed=True,
        ),
        accounting: PACKETS.response(Code.ACCOUNTING_RESPONSE, [Attribute("Class", b"x")], accounting.packet, KEY.encode()),
    }
    chance = random.Random(2865)
    unsigned = [without_signature(access, code) for code in (Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE)]
    makers: list[Callable[[Datagram], bytes]] = [
        lambda asked: spoilt(genuine[asked], chance),
        lambda asked: spoilt(genuine[asked], chance),
        lambda asked: invented(asked, chance),
        lambda asked: chance.choice(unsigned),
    ]
    seen: Counter[Discarded] = Counter()
    while seen.total() < ANSWERS:
        asked = chance.choice((access, accounting))
        octets = chance.choice(makers)(asked)
        right = genuine[asked]
        # What is the same but for padding after the packet is the genuine answer (RFC 2865 §3).
        if octets[: len(right)] == right:
            continue
        desk.hear(asked, octets)
        (event,) = desk.events[-1:]
        assert isinstance(event, Refused)
        assert event.octets in octets
        seen[event.reason] += 1
        desk.events.clear()
    assert desk.replies == {}
    assert seen.keys() >= {
        Discarded.MALFORMED,
        Discarded.UNKNOWN,
        Discarded.CODE,
        Discarded.AUTHENTICATOR,
        Discarded.NO_MESSAGE_AUTHENTICATOR,
    }
    for asked, octets in genuine.items():
        desk.hear(asked, octets + b"padding")
    assert {about: reply is not None for about, reply in desk.replies.items()} == {1: True, 2: True}


def test_what_whoever_knows_the_key_may_send_does_not_raise() -> None:
    """A server of ours that is broken: its authenticators are right, and its attributes are nonsense."""
    chance = random.Random(5080)
    desk = Desk(config(server(1)))
    for about in range(2_000):
        desk.ask(about)
        asked = desk.sent[-1]
        octets = invented(asked, chance)
        length = min(20 + 200, len(octets))
        body = octets[20:length]
        head = bytes((Code.ACCOUNTING_RESPONSE, asked.identifier)) + length.to_bytes(2, "big")
        desk.hear(asked, head + md5(head + asked.packet[4:20] + body + KEY.encode()).digest() + body)
        desk.sent.clear()
        desk.events.clear()
    assert 0 < len(desk.replies) < 2_000
