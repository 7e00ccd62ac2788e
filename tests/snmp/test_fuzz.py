"""Random and mutated datagrams: nothing escapes, what must have no answer has none, everything is counted (RFC 3412 §4.2.1).

A hundred thousand each time; with SOAK=1 in the environment (`make soak`) a million. The resident memory stays what it was.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyasn1.codec.ber import encoder
from pysnmp.proto.api import v1, v2c

from agent.mib.values import NULL, number, object_identifier, wrap
from tests.memory import steady_memory
from tests.snmp.conftest import Station
from tests.snmp.fakes import (
    BIG,
    ENTRY,
    GET,
    GET_BULK,
    GET_NEXT,
    READ_ONLY,
    ROOT,
    SET,
    SIZE,
    TEXT,
    add_group,
    add_user,
    request,
    router,
)

DATAGRAMS = 1_000_000 if os.environ.get("SOAK") else 100_000
COMMUNITIES = {b"public", b"private", b"red", b"blue"}
MANAGER = ("127.0.0.1", 40000)
UNASKED = (0xA2, 0xA8)  # tags of PDUs that answer something
# What a datagram that got no answer is counted in; an unasked-for response is the one kind that RFC 3412 drops without a count.
DROPS = (
    "snmpInASNParseErrs",
    "snmpInBadVersions",
    "snmpInBadCommunityNames",
    "snmpSilentDrops",
    "snmpUnknownPDUHandlers",
    "snmpInvalidMsgs",
    "snmpUnknownSecurityModels",
    "usmStatsUnknownEngineIDs",
    "usmStatsUnknownUserNames",
    "usmStatsUnsupportedSecLevels",
    "usmStatsWrongDigests",
    "usmStatsNotInTimeWindows",
    "usmStatsDecryptionErrors",
)


class Wire:
    """The station's transport with a socket of ours in place of its own."""

    def __init__(self, here: Station, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here = here
        self.transport = here.agent._transports[0]
        self._arrived: list[bytes] = []
        self._sent: list[bytes] = []
        monkeypatch.setattr(self.transport, "_socket", self)

    def receive(self, datagram: bytes) -> list[bytes]:
        """What is sent because of a datagram."""
        self._sent.clear()
        self._arrived.append(datagram)
        while self._arrived or self.transport._waiting:
            self.transport._drain()
        return list(self._sent)

    def recvfrom(self, size: int) -> tuple[bytes, Any]:
        if not self._arrived:
            raise BlockingIOError
        return self._arrived.pop(), MANAGER

    def sendto(self, message: bytes, address: Any) -> None:
        assert address == MANAGER
        self._sent.append(message)

    def count(self, *names: str) -> int:
        return sum(self.here.counters.value(name) for name in names)


@pytest.fixture
def wire(station: Callable[..., Station], monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    config = router()
    add_user(config, "ann", "anns")
    add_user(config, "joe", "joes", auth="sha", auth_password="authpass1", priv="aes128", priv_password="privpass1")
    for group in ("anns", "joes"):
        add_group(config, group, "v3", match="prefix")
    here = station(config)
    yield Wire(here, monkeypatch)
    assert here.faults == []
    assert here.escaped == []


def seeds(here: Station) -> list[bytes]:
    """Well-formed messages of every kind."""
    ann = here.v3_user("ann")
    joe = here.v3_user("joe", auth="authpass1", priv="privpass1")
    nobody = here.v3_user("nobody")
    stranger = here.v3_user("ann")
    stranger.engine_id = b""
    plain = [request(kind, [SIZE, (*ENTRY, 2, 3), ROOT], community, version) for version in (0, 1)
             for kind in (GET, GET_NEXT) for community in (b"public", b"red")]  # fmt: skip
    return [
        *plain,
        request(GET_BULK, [READ_ONLY, (*ENTRY, 3), TEXT], non_repeaters=1, repetitions=5),
        request(SET, [(SIZE, v2c.Integer32(7)), (TEXT, v2c.OctetString("abc"))], b"private"),
        request(SET, [(BIG, v1.Integer(7))], b"private", 0),
        ann.request(GET, [SIZE, TEXT]),
        ann.request(GET_BULK, [ROOT], "red-context"),
        joe.request(GET_NEXT, [ROOT], "blue-context"),
        nobody.request(GET, [SIZE]),
        stranger.request(GET, []),
    ]


def mutated(datagram: bytes, chance: random.Random) -> bytes:
    octets = bytearray(datagram)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        turn = chance.randrange(6)
        at = chance.randrange(len(octets)) if octets else 0
        if turn == 0 and octets:
            octets[at] = chance.randrange(256)
        elif turn == 1 and octets:
            octets[at] ^= 1 << chance.randrange(8)
        elif turn == 2:
            del octets[at : at + chance.randrange(1, 6)]
        elif turn == 3:
            octets[at:at] = chance.randbytes(chance.randrange(1, 6))
        elif turn == 4:
            del octets[at:]
        elif octets:
            octets[at] = chance.choice((0x00, 0x80, 0xFF, 0x30, 0x24, 0x7F, 0x1F))
    return bytes(octets)


def some_datagram(here: Station, whole: list[bytes], chance: random.Random) -> bytes:
    draw = chance.random()
    if draw < 0.05:
        return chance.randbytes(chance.randrange(120))
    return sealed(here, chance) if draw < 0.1 else mutated(chance.choice(whole), chance)


def sealed(here: Station, chance: random.Random) -> bytes:
    """An authentic message, in time, of a PDU that is mutated."""
    joe = here.v3_user("joe", auth="authpass1", priv=chance.choice(("privpass1", None)), time=here.agent.engine_time())
    names = b"".join(wrap(0x30, object_identifier(name) + NULL) for name in (SIZE, ROOT)[: chance.randrange(3)])
    fields = b"".join(number("Integer32", value) for value in (chance.randrange(2**31), 0, chance.randrange(40)))
    pdu = wrap(chance.choice((0xA0, 0xA1, 0xA5)), fields + wrap(0x30, names))
    return joe.message(mutated(pdu, chance), chance.choice(("", "red-context")))


@pytest.mark.parametrize(
    ("fast", "datagrams"), [(False, DATAGRAMS // 10), (True, DATAGRAMS * 9 // 10)], ids=["pysnmp alone", "both paths"]
)
def test_soak_of_mutated_datagrams(wire: Wire, fast: bool, datagrams: int) -> None:
    """Of the path that a router has most are for; pysnmp alone takes fifty times as long for each."""
    here = wire.here
    if fast:
        agent = here.agent
        agent.use_fast_path(agent.fast_path())
    chance = random.Random(20240607)
    whole = seeds(here)
    unanswered = 0
    for datagram in whole:
        wire.receive(datagram)
    begun = {name: wire.count(name) for name in ("snmpInPkts", "snmpOutPkts")}
    with steady_memory("SNMP, both paths" if fast else "SNMP, pysnmp alone", datagrams):
        for _ in range(datagrams):
            datagram = some_datagram(here, whole, chance)
            sent = wire.receive(datagram)
            assert len(sent) <= 1
            unanswered += not sent
            for message in sent:
                at = community_at(message)
                if at is not None:
                    assert message[at : at + message[at - 1]] in COMMUNITIES  # its request named a community that there is
    assert wire.count("snmpInPkts") - begun["snmpInPkts"] == datagrams
    assert wire.count("snmpInASNParseErrs") > datagrams // 10
    assert wire.count("snmpOutPkts") - begun["snmpOutPkts"] == datagrams - unanswered
    for model in here.agent.engine.security_models.values():
        assert model._cache.is_empty()


def community_at(datagram: bytes) -> int | None:
    """Where the community of a well-formed v1 or v2c message begins; None of a v3 message."""
    at = 2 if datagram[1] < 0x80 else 2 + (datagram[1] & 0x7F)
    return at + 5 if datagram[at + 2] < 2 else None


def must_have_none(chance: random.Random, whole: list[bytes]) -> Iterator[bytes]:
    """Datagrams that no agent may answer."""
    for datagram in whole:
        for size in range(len(datagram)):
            yield datagram[:size]
        at = community_at(datagram)
        if at is None:
            continue
        yield datagram[:at] + b"?" + datagram[at + 1 :]  # an unknown community
        pdu = at + datagram[at - 1]
        for tag in (*UNASKED, 0xA4, 0xA6, 0xA7, 0xA9, 0x30):  # answers, traps, an inform, and no PDU at all
            yield datagram[:pdu] + bytes([tag]) + datagram[pdu + 1 :]
        yield datagram[: at - 3] + b"\x02" + datagram[at - 2 :]  # no such version
    for _ in range(200):
        yield chance.randbytes(chance.randrange(200))


def test_what_must_have_no_answer_has_none_and_is_counted(wire: Wire) -> None:
    before = wire.count(*DROPS)
    quiet = list(must_have_none(random.Random(7), seeds(wire.here)))
    for datagram in quiet:
        assert wire.receive(datagram) == [], datagram.hex()
        counted = wire.count(*DROPS)
        if counted == before:
            at = community_at(datagram)
            assert at is not None, datagram.hex()
            assert datagram[at + datagram[at - 1]] in UNASKED, datagram.hex()
        before = counted
    assert wire.count("snmpInPkts") == len(quiet)
    assert wire.count("snmpOutPkts") == 0


def test_an_unreportable_v3_message_has_no_report(wire: Wire) -> None:
    nobody = wire.here.v3_user("nobody")
    assert wire.receive(nobody.request(GET, [SIZE], reportable=False)) == []
    assert len(wire.receive(nobody.request(GET, [SIZE]))) == 1
    assert wire.count("usmStatsUnknownUserNames") == 2


def test_a_trap_sent_to_the_agent_is_no_request(wire: Wire) -> None:
    message = v2c.Message()
    pdu = v2c.SNMPv2TrapPDU()
    v2c.apiTrapPDU.set_defaults(pdu)
    v2c.apiMessage.set_defaults(message)
    v2c.apiMessage.set_community(message, b"public")
    v2c.apiMessage.set_pdu(message, pdu)
    assert wire.receive(encoder.encode(message)) == []
    assert wire.count("snmpUnknownPDUHandlers") == 1


def test_the_seeds_are_answered(wire: Wire) -> None:
    for datagram in seeds(wire.here):
        assert len(wire.receive(datagram)) == 1
