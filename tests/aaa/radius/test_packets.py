"""RADIUS packets: what goes on the wire, and which answers are genuine (RFC 2865, RFC 2866, RFC 2868, RFC 2869, RFC 5176)."""

from __future__ import annotations

import hmac
from hashlib import md5
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrad.packet import AcctPacket, AuthPacket

from agent.aaa.radius.attributes import MalformedError, UnwritableError
from agent.aaa.radius.events import Discarded
from agent.aaa.radius.packets import Packets, check_request, check_response, whole
from agent.aaa.radius.values import Attribute, Code, Request
from agent.engine.access import ChapResponse

KEY = b"cisco"
PACKETS = Packets()
ZEROS = bytes(16)

# RFC 2865 §7.1: nemo telnets to a host. The secret is xyzzy5461, the password arctangent.
NEMO_KEY = b"xyzzy5461"
NEMO_ASKS = bytes.fromhex(
    "010000380f403f9473978057bd83d5cb98f4227a01066e656d6f02120dbe708d93d413ce3196e43f782a0aee0406c0a80110050600000003"
)
NEMO_MAY = bytes.fromhex("0200002686fe220e7624ba2a1005f6bf9b55e0b20606000000010f06000000000e06c0a80103")


def request(*attributes: tuple[str, str | int | bytes], proof: str | ChapResponse | None = None) -> Request:
    return Request(Code.ACCESS_REQUEST, tuple(Attribute(*each) for each in attributes), 1, proof)


def record(*attributes: tuple[str, str | int | bytes]) -> Request:
    return Request(Code.ACCOUNTING_REQUEST, tuple(Attribute(*each) for each in attributes), 1)


def attributes_of(packet: bytes) -> list[tuple[str, str | int | bytes]]:
    return [tuple(each) for each in PACKETS.attributes(packet, KEY, packet[4:20])]


def answer(code: Code, asked: bytes, body: bytes = b"", key: bytes = KEY) -> bytes:
    """A packet that answers another one, with a right authenticator (RFC 2865 §3)."""
    head = bytes((code, asked[1])) + (20 + len(body)).to_bytes(2, "big")
    return head + md5(head + asked[4:20] + body + key).digest() + body


def signature(head: bytes, authenticator: bytes, before: bytes = b"", after: bytes = b"", key: bytes = KEY) -> bytes:
    """A Message-Authenticator between other attributes (RFC 2869 §5.14)."""
    return b"\x50\x12" + hmac.digest(key, head + authenticator + before + b"\x50\x12" + ZEROS + after, "md5")


def revealed(hidden: bytes, authenticator: bytes, key: bytes) -> bytes:
    """The password of a User-Password (RFC 2865 §5.2)."""
    blocks = [hidden[at : at + 16] for at in range(0, len(hidden), 16)]
    masks = [md5(key + before).digest() for before in [authenticator, *blocks]]
    return b"".join(bytes(a ^ b for a, b in zip(*each, strict=True)) for each in zip(blocks, masks, strict=False)).rstrip(b"\0")


def test_attributes_keep_their_order_and_their_repetitions() -> None:
    """Cisco's guide shows pairs of Cisco-AVPair on both sides of other attributes."""
    packet = PACKETS.request(
        record(
            ("Acct-Session-Id", "00000001"),
            ("Cisco-AVPair", "vrf-id=cisco"),
            ("Framed-IP-Address", "10.13.13.1"),
            ("Cisco-AVPair", "connect-progress=No Progress"),
            ("Acct-Status-Type", 1),
            ("Cisco-NAS-Port", "FastEthernet0/0.1"),
            ("Acct-Delay-Time", 0),
        ),
        4,
        KEY,
    )
    assert packet[:4] == bytes((4, 4)) + len(packet).to_bytes(2, "big")
    assert packet[20:] == b"".join(
        (
            b"\x2c\x0a00000001",
            b"\x1a\x14\0\0\0\x09\x01\x0evrf-id=cisco",
            b"\x08\x06\x0a\x0d\x0d\x01",
            b"\x1a\x24\0\0\0\x09\x01\x1econnect-progress=No Progress",
            b"\x28\x06\0\0\0\x01",
            b"\x1a\x19\0\0\0\x09\x02\x13FastEthernet0/0.1",
            b"\x29\x06\0\0\0\0",
        )
    )


def test_an_accounting_request_has_the_authenticator_of_rfc_2866() -> None:
    packet = PACKETS.request(record(("Acct-Session-Id", "1"), ("Acct-Status-Type", 1)), 7, KEY)
    assert packet[4:20] == md5(packet[:4] + ZEROS + packet[20:] + KEY).digest()  # RFC 2866 §3
    assert AcctPacket(packet=packet, secret=KEY).VerifyAcctRequest()
    assert check_request(packet, KEY) is None


def test_an_access_request_begins_with_a_message_authenticator() -> None:
    packet = PACKETS.request(request(("User-Name", "nemo"), ("NAS-Port", 3), proof="arctangent"), 9, KEY)
    assert packet[20:38] == signature(packet[:4], packet[4:20], after=packet[38:])  # RFC 2869 §5.14
    assert AuthPacket(packet=packet, secret=KEY).verify_message_authenticator()
    # As IOS sends them, the password comes after the name.
    assert [name for name, _ in attributes_of(packet)] == ["Message-Authenticator", "User-Name", "User-Password", "NAS-Port"]


@pytest.mark.parametrize("password", ["", "arctangent", "sixteen octets!!", "pässwörd", "x" * 128])
def test_a_password_is_hidden(password: str) -> None:
    packet = PACKETS.request(request(("User-Name", "nemo"), proof=password), 0, KEY)
    hidden = dict(attributes_of(packet))["User-Password"]
    assert isinstance(hidden, bytes)
    assert password.encode() not in packet or not password
    assert len(hidden) % 16 == 0 < len(hidden)
    assert revealed(hidden, packet[4:20], KEY) == password.encode()
    assert revealed(NEMO_ASKS[28:44], NEMO_ASKS[4:20], NEMO_KEY) == b"arctangent"


def test_the_authenticator_of_an_access_request_is_never_the_same() -> None:
    asked = request(("User-Name", "nemo"), proof="arctangent")
    assert len({PACKETS.request(asked, 0, KEY)[4:20] for _ in range(50)}) == 50  # RFC 2865 §3: unpredictable and unique


def test_chap_goes_as_a_password_and_a_challenge() -> None:
    """RFC 2865 §5.3 and §5.40."""
    packet = PACKETS.request(request(("User-Name", "nemo"), proof=ChapResponse(22, b"challenge", b"r" * 16)), 0, KEY)
    assert attributes_of(packet)[1:] == [
        ("User-Name", "nemo"),
        ("CHAP-Password", b"\x16" + b"r" * 16),
        ("CHAP-Challenge", b"challenge"),
    ]


@pytest.mark.parametrize(
    "asked",
    [
        request(("User-Name", "nemo"), proof="x" * 129),  # RFC 2865 §5.2: at most 128 octets
        request(("User-Name", "x" * 254), proof="secret"),
        request(("Cisco-AVPair", "x" * 248)),
        request(*[("Reply-Message", "x" * 250)] * 17),  # RFC 2865 §3: at most 4096 octets
    ],
)
def test_an_access_request_that_no_packet_can_carry_is_not_cut(asked: Request) -> None:
    with pytest.raises(UnwritableError):
        PACKETS.request(asked, 0, KEY)


# What no packet can have: the spool's file may have been written by another version, or changed.
UNWRITABLE: list[Any] = [
    ("Of-Another-Version", "x"),
    (["User-Name"], "x"),
    ("User-Name", None),
    ("User-Name", 7),
    ("Class", {"octets": "00"}),
    ("NAS-Port", -1),
    ("NAS-Port", 1 << 32),
    ("NAS-Port", 0.5),
    ("NAS-Port", "7"),
    ("Class", b"x" * 254),
    ("Framed-IP-Address", ""),
    ("Framed-IP-Address", "10.0.0.256"),
    ("Framed-IP-Address", 7),
    ("NAS-IPv6-Address", "10.0.0.1"),
    ("Framed-IPv6-Prefix", "x"),
    ("Framed-Interface-Id", []),
    ("Tunnel-Password", "x" * 240),
    ("Tunnel-Preference", "x"),
]


@pytest.mark.parametrize(("name", "value"), UNWRITABLE)
def test_a_value_that_no_packet_can_have(name: Any, value: Any) -> None:
    """A record goes without it, so that it is not lost. A log-in does not: it would ask something else."""
    spoilt = (("Acct-Status-Type", 1), (name, value), ("NAS-Port", 0))
    assert attributes_of(PACKETS.request(record(*spoilt), 0, KEY)) == [("Acct-Status-Type", 1), ("NAS-Port", 0)]
    with pytest.raises(UnwritableError):
        PACKETS.request(request(*spoilt), 0, KEY)


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("User-Name", "x" * 300, "x" * 253),
        ("Cisco-AVPair", "x" * 300, "x" * 247),
        ("User-Name", "x" * 252 + "é!", "x" * 252),  # half a character would not be UTF-8
        ("User-Name", "x" * 251 + "é!", "x" * 251 + "é"),
        ("User-Name", "x" * 250 + "\U0001f512", "x" * 250),
    ],
)
def test_a_long_text_of_a_record_loses_its_end(name: str, text: str, kept: str) -> None:
    packet = PACKETS.request(record((name, text), ("Acct-Status-Type", 2)), 0, KEY)
    assert attributes_of(packet) == [(name, kept), ("Acct-Status-Type", 2)]


def test_a_record_with_too_many_attributes_loses_the_last_ones() -> None:
    packet = PACKETS.request(record(("Acct-Status-Type", 2), *[("Reply-Message", "x" * 250)] * 17), 0, KEY)
    assert len(packet) <= 4096
    assert attributes_of(packet)[0] == ("Acct-Status-Type", 2)
    assert check_request(packet, KEY) is None


def test_an_empty_text_is_no_attribute() -> None:
    """RFC 2865 §5: a text of length zero must not be sent."""
    assert attributes_of(PACKETS.request(record(("User-Name", ""), ("Acct-Status-Type", 1)), 0, KEY)) == [("Acct-Status-Type", 1)]


_TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60)
_ATTRIBUTES = st.one_of(
    st.tuples(st.sampled_from(["User-Name", "Acct-Session-Id", "Cisco-AVPair", "Cisco-NAS-Port", "Calling-Station-Id"]), _TEXTS),
    st.tuples(st.sampled_from(["NAS-Port", "Acct-Input-Octets", "Event-Timestamp"]), st.integers(0, (1 << 32) - 1)),
    st.tuples(st.sampled_from(["State", "Class", "CHAP-Challenge"]), st.binary(min_size=1, max_size=253)),
    st.tuples(st.sampled_from(["NAS-IP-Address", "Framed-IP-Address"]), st.ip_addresses(v=4).map(str)),
    st.tuples(st.sampled_from(["NAS-IPv6-Address"]), st.ip_addresses(v=6).map(str)),
)


@given(st.lists(_ATTRIBUTES, max_size=15))
def test_attributes_come_back_as_they_were(attributes: list[tuple[str, str | int | bytes]]) -> None:
    assert attributes_of(PACKETS.request(record(*attributes), 0, KEY)) == attributes


def test_the_password_of_a_tunnel_is_hidden_with_a_salt() -> None:
    """RFC 2868 §3.5: a tag, two octets of salt, then the length and the password under MD5 of the key and what went before."""
    asked = PACKETS.request(request(("User-Name", "staff"), proof="cisco"), 0, KEY)
    for password in ("groupkey", "a password of more than sixteen octets"):
        packet = PACKETS.response(Code.ACCESS_ACCEPT, [Attribute("Tunnel-Password", password)], asked, KEY)
        tag, salt, hidden = packet[22], packet[23:25], packet[25:]
        assert (tag, salt[0] >> 7) == (0, 1)
        assert revealed(hidden, asked[4:20] + salt, KEY)[1:] == password.encode()
        assert list(PACKETS.attributes(packet, KEY, asked[4:20])) == [Attribute("Tunnel-Password", password)]


@pytest.mark.parametrize(
    ("octets", "attribute"),
    [
        (b"\x40\x06\x01\0\0\x09", ("Tunnel-Type", 9)),  # RFC 2868 §3.1: a tag, then the value
        (b"\x40\x06\0\0\0\x09", ("Tunnel-Type", 9)),
        (b"\x51\x06\x01abc", ("Tunnel-Private-Group-ID", "abc")),
        (b"\x51\x05abc", ("Tunnel-Private-Group-ID", "abc")),  # a first octet above 1F is the text's
        (b"\xf0\x04ab", ("Attr-240", b"ab")),
        (b"\x1a\x0a\0\0\0\x09\xfa\x04ab", ("Vendor-Specific", b"\0\0\0\x09\xfa\x04ab")),
        (b"\x1a\x0a\0\0\x01\x37\x01\x04ab", ("Vendor-Specific", b"\0\0\x01\x37\x01\x04ab")),
        (b"\x1a\x09\0\0\0\x09\x01\x04a", ("Vendor-Specific", b"\0\0\0\x09\x01\x04a")),  # a length too long: not our form
        (b"\x01\x05\xff\xfea", ("User-Name", "\udcff\udcfea")),  # not UTF-8
    ],
)
def test_what_a_server_may_say(octets: bytes, attribute: tuple[str, object]) -> None:
    assert [tuple(each) for each in PACKETS.attributes(bytes(20) + octets, KEY, ZEROS)] == [attribute]


def test_a_vendor_attribute_may_hold_several() -> None:
    """RFC 2865 §5.26."""
    octets = b"\x1a\x10\0\0\0\x09\x01\x05abc\x02\x05def"
    found = PACKETS.attributes(bytes(20) + octets, KEY, ZEROS)
    assert [tuple(each) for each in found] == [("Cisco-AVPair", "abc"), ("Cisco-NAS-Port", "def")]


@pytest.mark.parametrize(
    "octets",
    [
        b"\x01",  # no length
        b"\x01\x01",  # a length below that of the head
        b"\x01\x06ab",  # longer than the packet
        b"\x08\x05\x0a\x03\x01",  # an address of three octets
        b"\x1b\x05\0\0\0",  # a number of three octets
        b"\x45\x06\0\x80\0a",  # a salted password without a block
        b"\x40\x02",  # a number without octets
        b"\x62\x17" + bytes(21),  # an IPv6 address that has not 16 octets (RFC 3162 §2.4)
        b"\x62\x06" + bytes(4),
        b"\x61\x03\0",  # a prefix without its length (RFC 3162 §2.3)
    ],
)
def test_attributes_that_are_malformed(octets: bytes) -> None:
    with pytest.raises(MalformedError):
        PACKETS.attributes(bytes(20) + octets, KEY, ZEROS)


def test_the_answer_of_rfc_2865_is_genuine_but_for_what_came_later() -> None:
    assert check_response(NEMO_MAY, NEMO_ASKS, NEMO_KEY, demand=False) is None
    assert check_response(NEMO_MAY, NEMO_ASKS, NEMO_KEY) is Discarded.NO_MESSAGE_AUTHENTICATOR
    assert check_response(NEMO_MAY, NEMO_ASKS, b"other") is Discarded.AUTHENTICATOR


ASKED = PACKETS.request(request(("User-Name", "nemo"), proof="arctangent"), 3, KEY)
COUNTED = PACKETS.request(record(("Acct-Status-Type", 1)), 3, KEY)
ACCEPT_HEAD = b"\x02\x03\0\x32"
SIGNED = signature(ACCEPT_HEAD, ASKED[4:20], after=b"\x12\x0cwelcome in")


@pytest.mark.parametrize(
    ("response", "asked", "verdict"),
    [
        (answer(Code.ACCESS_ACCEPT, ASKED, SIGNED + b"\x12\x0cwelcome in"), ASKED, None),
        (answer(Code.ACCESS_ACCEPT, ASKED, SIGNED + b"\x12\x0cwelcome on"), ASKED, Discarded.MESSAGE_AUTHENTICATOR),
        (answer(Code.ACCESS_REJECT, ASKED, SIGNED + b"\x12\x0cwelcome in"), ASKED, Discarded.MESSAGE_AUTHENTICATOR),
        (answer(Code.ACCESS_ACCEPT, ASKED), ASKED, Discarded.NO_MESSAGE_AUTHENTICATOR),
        (answer(Code.ACCESS_REJECT, ASKED), ASKED, Discarded.NO_MESSAGE_AUTHENTICATOR),
        (answer(Code.ACCESS_CHALLENGE, ASKED), ASKED, Discarded.NO_MESSAGE_AUTHENTICATOR),
        (answer(Code.ACCESS_ACCEPT, ASKED, b"\x50\x11" + bytes(15)), ASKED, Discarded.MESSAGE_AUTHENTICATOR),
        (answer(Code.ACCESS_ACCEPT, ASKED, SIGNED + SIGNED), ASKED, Discarded.MESSAGE_AUTHENTICATOR),
        (answer(Code.ACCESS_ACCEPT, ASKED, b"\x12\x30"), ASKED, Discarded.MALFORMED),
        (answer(Code.ACCESS_ACCEPT, COUNTED), ASKED, Discarded.AUTHENTICATOR),
        (answer(Code.ACCOUNTING_RESPONSE, ASKED), ASKED, Discarded.CODE),
        (answer(Code.ACCESS_REQUEST, ASKED), ASKED, Discarded.CODE),
        (answer(Code.ACCOUNTING_RESPONSE, COUNTED), COUNTED, None),
        (answer(Code.ACCESS_ACCEPT, COUNTED), COUNTED, Discarded.CODE),
        (answer(Code.ACCOUNTING_RESPONSE, COUNTED, key=b"other"), COUNTED, Discarded.AUTHENTICATOR),
        (
            answer(Code.ACCOUNTING_RESPONSE, COUNTED, signature(b"\x05\x03\0\x26", ZEROS, key=b"other")),
            COUNTED,
            Discarded.MESSAGE_AUTHENTICATOR,
        ),
        (answer(Code.ACCOUNTING_RESPONSE, COUNTED, signature(b"\x05\x03\0\x26", ZEROS)), COUNTED, None),
    ],
    ids=count(),  # the octets are other ones in each process
)
def test_which_answers_are_genuine(response: bytes, asked: bytes, verdict: Discarded | None) -> None:
    assert check_response(response, asked, KEY) is verdict


def test_what_a_collision_needs_is_refused_where_no_message_authenticator_is_demanded() -> None:
    """An attacker adds a Proxy-State to the request, and the server repeats it (CVE-2024-3596); RFC 2865 §5.33: we sent none."""
    proxied = answer(Code.ACCESS_ACCEPT, ASKED, b"\x21\x05abc")
    assert check_response(proxied, ASKED, KEY, demand=False) is Discarded.PROXY_STATE
    assert check_response(answer(Code.ACCESS_ACCEPT, ASKED), ASKED, KEY, demand=False) is None
    assert check_response(answer(Code.ACCOUNTING_RESPONSE, COUNTED, b"\x21\x05abc"), COUNTED, KEY) is None


@pytest.mark.parametrize("signed", [True, False])
def test_an_answer_of_ours_is_genuine(signed: bool) -> None:
    asked = PACKETS.request(Request(Code.DISCONNECT_REQUEST, (Attribute("Acct-Session-Id", "00000001"),), 1), 5, KEY)
    assert check_request(asked, KEY) is None
    response = PACKETS.response(Code.DISCONNECT_NAK, [Attribute("Error-Cause", 503)], asked, KEY, signed)
    assert check_response(response, asked, KEY) is None
    assert ("Message-Authenticator" in dict(attributes_of(response))) is signed


@pytest.mark.parametrize(
    ("datagram", "packet"),
    [
        (b"", None),
        (bytes(19), None),
        (b"\x05\0\0\x14" + bytes(16), b"\x05\0\0\x14" + bytes(16)),
        (b"\x05\0\0\x14" + bytes(20), b"\x05\0\0\x14" + bytes(16)),  # RFC 2865 §3: the rest is padding
        (b"\x05\0\0\x15" + bytes(16), None),  # shorter than it says
        (b"\x05\0\0\x13" + bytes(16), None),
        (b"\x05\0\x10\x01" + bytes(4093), None),  # more than 4096 octets
    ],
)
def test_the_packet_in_a_datagram(datagram: bytes, packet: bytes | None) -> None:
    assert whole(datagram) == packet
