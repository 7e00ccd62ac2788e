"""The debug of dynamic authorisation: the lines of published logs of IOS (Cisco IOS Debug Command Reference, debug aaa pod)."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from agent.aaa.debug_dynamic import DynamicAuthorDebug
from agent.aaa.radius.events import AuthorAsked
from agent.aaa.radius.values import Place
from agent.base.bus import Bus
from agent.syslog.debug import RADIUS_PACKETS, Debug
from tests.aaa.radius_packets import attribute, packet

CLIENT = Place(IPv4Address("172.29.39.46"), 3799)
REQUEST = packet(40, 21, (attribute(44, "0000000A"),), "0102030405060708090A0B0C0D0E0F10")


class Debugged:
    def __init__(self, *kinds: Debug) -> None:
        self.lines: list[str] = []
        self.bus: Bus[AuthorAsked] = Bus()
        self.debug = DynamicAuthorDebug(self.bus.subscribe, lambda message: self.lines.append(str(message)))
        self.debug.follow(frozenset(kinds))

    def asked(self, octets: bytes, reply: bytes | None) -> list[str]:
        self.lines.clear()
        self.bus.publish(AuthorAsked(CLIENT, octets, reply, 1700))
        return list(self.lines)


def test_a_session_is_ended() -> None:
    assert Debugged(Debug.AAA_POD).asked(REQUEST, packet(41, 21)) == [
        "POD: 172.29.39.46 request queued",
        "POD: Sending ACK from port 1700 to 172.29.39.46/3799",
    ]


def test_a_session_that_is_not_there() -> None:
    assert Debugged(Debug.AAA_POD).asked(REQUEST, packet(42, 21, (attribute(101, 503),))) == [
        "POD: 172.29.39.46 request queued",
        "POD: Added NACK Error Cause: Session Context Not Found",
        "POD: Sending NAK from port 1700 to 172.29.39.46/3799",
    ]


def test_a_request_without_a_reply() -> None:
    assert Debugged(Debug.AAA_POD).asked(REQUEST, None)[-1] == "POD: The request of 172.29.39.46:3799 is dropped"


def test_a_change_is_refused() -> None:
    change = packet(43, 22)
    assert Debugged(Debug.AAA_POD).asked(change, packet(45, 22)) == []
    assert Debugged(Debug.AAA_COA).asked(change, packet(45, 22, (attribute(101, 406),))) == [
        "COA: 172.29.39.46 request queued",
        "COA: Added NACK Error Cause: Unsupported Extension",
        "COA: Sending NAK from port 1700 to 172.29.39.46/3799",
    ]


@pytest.mark.parametrize("kind", sorted(RADIUS_PACKETS, key=lambda kind: kind.name))
def test_the_request_in_debug_radius(kind: Debug) -> None:
    assert Debugged(kind).asked(REQUEST, packet(41, 21)) == [
        "RADIUS: POD received from id 21 172.29.39.46:3799, POD Request, len 30",
        "RADIUS:  authenticator 01 02 03 04 05 06 07 08 - 09 0A 0B 0C 0D 0E 0F 10",
        'RADIUS:  Acct-Session-Id     [44]  10  "0000000A"',
    ]
    assert len(Debugged(kind, Debug.RADIUS_BRIEF).asked(REQUEST, packet(41, 21))) == 1


@pytest.mark.parametrize("octets", [b"", b"\x28", b"\x28\x01\x00\x14", bytes(20), packet(1, 1)])
def test_what_is_no_request_has_no_lines(octets: bytes) -> None:
    assert Debugged(Debug.AAA_POD, Debug.AAA_COA, *RADIUS_PACKETS).asked(octets, None) == []


def test_nothing_listens_while_it_is_off() -> None:
    debugged = Debugged(Debug.AAA_POD)
    assert len(debugged.bus) == 1
    debugged.debug.follow(frozenset({Debug.ISAKMP}))
    assert len(debugged.bus) == 0
