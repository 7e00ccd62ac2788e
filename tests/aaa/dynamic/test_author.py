"""Dynamic authorisation (RFC 5176): which sessions a server's request ends, and how each request is replied to."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import replace
from hashlib import md5
from typing import Any

import pytest
from pyrad import packet as radius

from agent.aaa.facts import AskedFor, AuthorClientFacts, AuthorFacts
from agent.aaa.radius.values import Code
from agent.base.keyed import Keyed
from agent.base.origin import Origin, OriginKind
from agent.config.aaa_model import DynamicAuthor, DynamicAuthorClient, Identity, Secret, by_identity
from agent.engine.values import ClearSessions
from tests.aaa.dynamic.requests import CLIENT, COA, KEY, SERVER, Router, request

ALICE, ALICE_TOO, BOB, PEER = "198.51.100.1:4500", "198.51.100.2:1024", "198.51.100.2:1025", "198.51.100.4:500"

# --- which sessions ---


@pytest.mark.parametrize(
    ("values", "ended"),
    [
        ({"Acct_Session_Id": "0000000B"}, [ALICE_TOO]),
        ({"User_Name": "bob"}, [BOB]),
        ({"User_Name": "alice"}, [ALICE, ALICE_TOO]),
        ({"User_Name": "bob@example.com"}, [BOB]),  # the name of its accounting records
        ({"Framed_IP_Address": "10.9.0.3"}, [BOB]),
        ({"Calling_Station_Id": "198.51.100.4"}, [PEER]),
        ({"Calling_Station_Id": "198.51.100.2", "User_Name": "alice"}, [ALICE_TOO]),
        ({"Called_Station_Id": "10.1.1.2", "User_Name": "bob"}, [BOB]),
        ({"NAS_Port": 0, "User_Name": "bob"}, [BOB]),
        ({"Cisco_NAS_Port": "FastEthernet0/0", "Acct_Session_Id": "0000000D"}, [PEER]),
        ({"Cisco_AVPair": "vrf-id=red"}, [ALICE_TOO]),
        ({"Cisco_AVPair": ["isakmp-group-id=road", "isakmp-initator-ip=198.51.100.1"]}, [ALICE]),
        ({"Cisco_AVPair": "isakmp-phase1-id=198.51.100.4"}, [PEER]),
        ({"User_Name": "bob", "NAS_IP_Address": "10.22.2.1", "NAS_Identifier": "hub"}, [BOB]),
        ({"User_Name": "bob", "NAS_Identifier": "the-hub"}, [BOB]),
        ({"User_Name": "bob", "NAS_Identifier": "hub.example.com"}, [BOB]),
        ({"User_Name": "alice", "Acct_Session_Id": "0000000B"}, [ALICE_TOO]),
        ({"User_Name": "bob", "Acct_Terminate_Cause": 6, "Class": b"c", "Reply_Message": "away"}, [BOB]),
        ({"User_Name": "bob", "Event_Timestamp": 1_000_299}, [BOB]),
    ],
)
def test_a_disconnect_request_ends_the_sessions_that_all_its_attributes_fit(values: dict[str, Any], ended: list[str]) -> None:
    """RFC 5176 §3: it is about every session that matches all."""
    router = Router()
    reply = router.ask(request(**values))
    assert reply.code == radius.DisconnectACK
    assert reply["Acct-Terminate-Cause"] == [6]  # RFC 5176 §2.1: Admin-Reset
    assert router.engine.ended == ended
    assert router.server.counts[SERVER[0]].sessions == len(ended)


def test_a_session_is_ended_as_the_one_that_it_is_and_for_the_server() -> None:
    router = Router()
    router.ask(request(User_Name="bob"))
    ((asked, origin),) = router.engine.asked
    assert isinstance(asked, ClearSessions)
    wanted = asked.wanted
    assert (str(wanted.local), wanted.local_port, wanted.front_vrf, wanted.inside_vrf) == ("10.1.1.2", 500, None, None)
    assert origin == Origin(OriginKind.RADIUS, SERVER[0])


def test_many_sessions_end_a_few_at_a_time() -> None:
    """The reply does not wait for them, and others have their turn in between. What has ended by itself is left alone."""
    turns: list[Callable[[], None]] = []
    router = Router(later=turns.append)
    assert router.cause(request(NAS_Port=0)) is None
    assert router.cause(request(User_Name="alice", identifier=8)) is None
    assert router.engine.ended == [ALICE, BOB]
    router.sessions[4].peer.session = None
    for turn in turns:  # turns are added meanwhile
        turn()
    assert router.engine.ended == [ALICE, BOB, ALICE_TOO, ALICE, ALICE_TOO]  # this engine only notes what it is asked for


def test_a_router_that_stops_ends_no_more_sessions() -> None:
    turns: list[Callable[[], None]] = []
    router = Router(later=turns.append)
    router.ask(request(NAS_Port=0))
    router.close()
    for turn in turns:
        turn()
    assert router.engine.ended == [ALICE, BOB]


# --- what is refused ---


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ({}, 402),  # Missing Attribute: no session is named
        ({"NAS_IP_Address": "10.1.1.2"}, 402),
        ({"User_Name": "bob", "Session_Timeout": 60}, 401),  # Unsupported Attribute: RFC 5176 §3 has only identification
        ({"User_Name": "bob", "Cisco_AVPair": "subscriber:command=reauthenticate"}, 401),
        ({"User_Name": "bob", "NAS_IP_Address": "10.1.1.3"}, 403),  # NAS Identification Mismatch
        ({"User_Name": "bob", "NAS_Identifier": "spoke"}, 403),
        ({"User_Name": "bob", "NAS_IPv6_Address": "2001:db8::1"}, 403),
        ({"User_Name": "bob", "Service_Type": 17}, 405),  # Unsupported Service: Authorize Only
        ({"User_Name": "carol"}, 503),  # Session Context Not Found
        ({"User_Name": "bob", "Framed_IP_Address": "10.9.0.1"}, 503),
        ({"Acct_Session_Id": "0000000C"}, 503),
        ({"Acct_Session_Id": ["0000000A", "0000000B"]}, 503),
        ({"Acct_Session_Id": "0000000A", "User_Name": "bob"}, 503),
        ({"Calling_Station_Id": "alice"}, 503),
        ({"User_Name": "bob", "Chargeable_User_Identity": b"x"}, 503),
        ({"User_Name": "bob", "Acct_Multi_Session_Id": "x"}, 503),
    ],
)
def test_a_disconnect_request_that_cannot_be_carried_out_gets_a_nak(values: dict[str, Any], cause: int) -> None:
    """Error-Cause as RFC 5176 §3.5 has it."""
    router = Router()
    assert router.cause(request(**values)) == cause
    assert not router.engine.asked
    assert sum(router.server.counts[SERVER[0]].naks.values()) == 1


def test_an_attribute_of_a_wrong_form_is_an_invalid_request() -> None:
    asked = request(User_Name="bob")
    asked[8] = [b"\x0a\x09"]  # Framed-IP-Address has four octets
    assert Router().cause(asked) == 404


def test_what_the_engine_does_not_end_is_not_removable() -> None:
    router = Router()
    router.engine.refuses = True
    assert router.cause(request(User_Name="alice")) == 504
    assert not router.engine.asked  # all or none (RFC 5176 §2.1)


@pytest.mark.parametrize("values", [{"User_Name": "bob"}, {"User_Name": "bob", "Service_Type": 17}, {}])
def test_a_coa_request_is_an_unsupported_extension(values: dict[str, Any]) -> None:
    router = Router()
    reply = router.ask(request(COA, **values))
    assert (reply.code, reply["Error-Cause"]) == (radius.CoANAK, [406])
    assert not router.engine.asked
    assert router.server.counts[SERVER[0]].requests == {Code.COA_REQUEST: 1}


# --- the reply ---


def test_proxy_states_come_back_as_they_are_and_in_order() -> None:
    """RFC 5176 §3.1."""
    reply = Router().ask(request(User_Name="bob", Proxy_State=[b"one", b"\x00two", b"one"]))
    assert reply["Proxy-State"] == [b"one", b"\x00two", b"one"]


def test_proxy_states_that_fill_a_packet_come_back_without_a_cause() -> None:
    """RFC 5176 §3.6: they have to come back as they are. An Error-Cause may be there."""
    states = [b"x" * 253] * 15 + [b"x" * 249]
    reply = Router().ask(request(COA, Proxy_State=states))
    assert reply["Proxy-State"] == states
    assert "Error-Cause" not in reply


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("user", ["bob", "carol"])
def test_a_reply_has_a_message_authenticator_if_the_request_has_one(user: str, signed: bool) -> None:
    """RFC 5176 §3.4. pyrad checks it by the authenticator of the request."""
    router = Router()
    asked = request(User_Name=user, signed=signed)
    octets = router.receive(asked.RequestPacket())
    assert octets is not None
    reply = asked.CreateReply(packet=octets)
    assert asked.VerifyReply(reply, octets, enforce_ma=signed)
    assert ("Message-Authenticator" in reply) is signed


def test_a_request_that_comes_again_gets_the_same_reply_and_ends_nothing_more() -> None:
    """RFC 5080 §2.2.2. Of another port, or with another authenticator, it is another request."""
    router = Router()
    datagram = request(User_Name="bob").RequestPacket()
    first = router.receive(datagram)
    router.now = 29.9
    assert router.receive(datagram) == first
    assert len(router.engine.asked) == router.server.counts[SERVER[0]].duplicates == 1
    router.receive(datagram, (SERVER[0], SERVER[1] + 1))
    assert len(router.engine.asked) == 2
    router.ask(request(User_Name="alice"))
    assert len(router.engine.asked) == 4
    router.now = 30.0
    assert router.receive(datagram) == first
    assert len(router.engine.asked) == 5


def test_a_copy_of_a_dated_request_does_nothing_as_long_as_its_date_is_valid() -> None:
    """RFC 5176 §6.3: Event-Timestamp is there against replays. Somebody else may send the copy, from another port."""
    router = Router()
    datagram = request(User_Name="bob", Event_Timestamp=1_000_300).RequestPacket()
    first = router.receive(datagram)
    for seconds in (1, 299, 599):
        router.now, router.date = seconds, 1_000_000 + seconds
        assert router.receive(datagram, (SERVER[0], 50000 + seconds)) == first
    assert len(router.engine.asked) == 1
    router.now, router.date = 601, 1_000_601
    assert router.receive(datagram) is None
    assert router.server.counts[SERVER[0]].duplicates == 3


def test_replies_are_not_remembered_without_end() -> None:
    router = Router()
    for number in range(5000):
        router.receive(request(User_Name="carol").RequestPacket(), (SERVER[0], number))
        router.receive(request(User_Name="carol", Event_Timestamp=1_000_000, Proxy_State=str(number).encode()).RequestPacket())
    assert len(router.server._replies) == len(router.server._dated_replies) == 4096


# --- what gets no reply ---


def damaged(octets: bytes, at: int) -> bytes:
    return octets[:at] + bytes((octets[at] ^ 1,)) + octets[at + 1 :]


SIGNED = request(User_Name="bob", signed=True).RequestPacket()


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (request(key="guess", User_Name="bob").RequestPacket(), "authenticator"),
        (damaged(request(User_Name="bob").RequestPacket(), -1), "authenticator"),
        (b"", "malformed"),
        (SIGNED[:19], "malformed"),
        (SIGNED[:-1], "malformed"),
        (radius.AcctPacket(id=1, secret=KEY.encode(), dict=request().dict, User_Name="bob").RequestPacket(), "code"),
        (request(User_Name="bob", Event_Timestamp=999_699).RequestPacket(), "stale"),
        (request(User_Name="bob", Event_Timestamp=1_000_301).RequestPacket(), "stale"),
    ],
    ids=["wrong key", "damaged", "empty", "no header", "cut", "accounting", "old", "of the future"],
)
def test_a_datagram_that_is_not_genuine_is_dropped_and_counted(datagram: bytes, reason: str) -> None:
    router = Router()
    assert router.receive(datagram) is None
    assert list(router.drops()) == [reason]
    assert not router.engine.asked


def test_a_wrong_message_authenticator_is_dropped_though_the_authenticator_is_right() -> None:
    """RFC 5176 §3.4: it is checked where it is there."""
    asked = request(User_Name="bob")
    asked.AddAttribute("Message-Authenticator", bytes(16))
    router = Router()
    octets = bytearray(asked._PktEncodeAttributes())
    head = bytes((40, 7)) + (20 + len(octets)).to_bytes(2, "big")
    datagram = head + md5(head + bytes(16) + bytes(octets) + KEY.encode()).digest() + bytes(octets)
    assert router.receive(datagram) is None
    assert list(router.drops()) == ["message authenticator"]


def test_a_stranger_gets_no_reply() -> None:
    router = Router()
    assert router.receive(request(User_Name="bob").RequestPacket(), ("192.0.2.10", 40000)) is None
    assert router.server.strangers == 1
    assert not router.server.counts
    assert not router.engine.asked


def test_padding_behind_a_packet_is_no_part_of_it() -> None:
    """RFC 2865 §3."""
    router = Router()
    assert router.receive(request(User_Name="bob").RequestPacket() + bytes(7)) is not None
    assert router.engine.ended == [BOB]


def test_ten_thousand_random_datagrams_do_nothing() -> None:
    router = Router()
    chance = random.Random(5176)
    genuine = SIGNED
    for number in range(10_000):
        if number % 2:
            datagram = bytes((chance.choice((40, 43)),)) + chance.randbytes(chance.randrange(80))
        else:
            cut = genuine[: chance.randrange(len(genuine) + 1)]
            datagram = bytes(octet ^ (chance.randrange(256) if chance.random() < 0.1 else 0) for octet in cut)
        if datagram != genuine:
            assert router.receive(datagram) is None
    assert not router.engine.asked


def test_the_log_says_what_has_become_of_a_request(caplog: pytest.LogCaptureFixture) -> None:
    router = Router()
    with caplog.at_level(logging.INFO):
        router.ask(request(User_Name="bob"))
        router.ask(request(User_Name="carol"))
        router.receive(request(key="guess", User_Name="bob").RequestPacket())
        router.receive(SIGNED, ("192.0.2.10", 40000))
    assert caplog.messages == [
        "hub: a request of dynamic-author's client 192.0.2.9 is carried out",
        "hub: a request of dynamic-author's client 192.0.2.9 is refused: session context not found",
        "hub: a request of dynamic-author's client 192.0.2.9 is dropped: authenticator",
        "hub: 192.0.2.10 is no client of dynamic-author",
    ]


def test_a_flood_is_not_written_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    router = Router()
    with caplog.at_level(logging.INFO):
        for _ in range(100):
            router.receive(request(key="guess", User_Name="bob").RequestPacket())
    assert len(caplog.messages) == 5


# --- keys and the lines of the configuration ---


OWN, COMMON, TYPE_7 = Secret("own"), Secret("common"), Secret("094F471A1A0A", 7)


def client(key: Secret | None = None) -> Keyed[Identity, DynamicAuthorClient]:
    return by_identity([replace(CLIENT, key=key)])


@pytest.mark.parametrize(
    ("author", "key", "replied"),
    [
        (DynamicAuthor(client(), key=COMMON), "common", True),
        (DynamicAuthor(client(OWN), key=COMMON), "own", True),
        (DynamicAuthor(client(OWN), key=COMMON), "common", False),
        (DynamicAuthor(client(TYPE_7)), "cisco", True),
        (DynamicAuthor(client(Secret("0", 6))), "0", False),  # nobody but IOS can read type 6
        (DynamicAuthor(client()), "", False),
        (DynamicAuthor(client(OWN), ignore_server_key=True), "guess", True),
    ],
)
def test_a_client_has_its_own_key_or_that_of_all(author: DynamicAuthor, key: str, replied: bool) -> None:
    router = Router(author)
    assert (router.receive(request(key=key, User_Name="bob").RequestPacket()) is not None) is replied
    assert (router.engine.ended == [BOB]) is replied


@pytest.mark.parametrize(
    ("author", "cause"),
    [
        (DynamicAuthor(by_identity([CLIENT]), auth_type="any"), None),
        (DynamicAuthor(by_identity([CLIENT]), auth_type="all"), None),
        (DynamicAuthor(by_identity([CLIENT]), auth_type="session-key"), 503),  # no session of ours has a key
        (DynamicAuthor(by_identity([CLIENT]), auth_type="session-key", ignore_session_key=True), None),
    ],
)
def test_what_identifies_a_session_is_as_auth_type_says(author: DynamicAuthor, cause: int | None) -> None:
    assert Router(author).cause(request(User_Name="bob")) == cause


def test_without_the_lines_everybody_is_a_stranger() -> None:
    router = Router(None)
    assert router.receive(request(User_Name="bob").RequestPacket()) is None
    assert router.server.strangers == 1


def test_what_show_commands_ask() -> None:
    router = Router()
    datagram = request(User_Name="bob").RequestPacket()
    for octets in (datagram, datagram, request(User_Name="nobody").RequestPacket(), request(COA).RequestPacket(), b"\x28"):
        router.receive(octets)
    router.receive(datagram, ("192.0.2.99", 1))
    assert router.server.facts() == AuthorFacts(
        [AuthorClientFacts(SERVER[0], AskedFor(2, 1, 1), AskedFor(1, 0, 1), duplicates=1, ended=1, dropped=1)], strangers=1
    )
