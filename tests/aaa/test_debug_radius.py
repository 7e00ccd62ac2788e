"""`debug radius`: its lines from the octets of packets.

The three transcripts of Cisco's IPsec Management Configuration Guide are compared line by line. What a transcript has and no router
could print is in a table beside it, and in docs/transcripts.md. The lines of Access packets, of hexadecimal and of retransmissions
are those of published logs of IOS 15 (the Cisco IOS Debug Command Reference has their form).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from agent.aaa.debug_radius import RadiusDebug
from agent.aaa.radius.events import AllServersDead, Discarded, NoResponse, RadiusEvent, Received, Refused, Sent, Withheld
from agent.aaa.radius.values import Code, Place, ServerName
from agent.base.bus import Bus
from agent.syslog.debug import RADIUS_PACKETS, Debug
from agent.syslog.message import Message, Severity
from tests.aaa.radius_packets import attribute, cisco, packet, pair, vendor

TRANSCRIPTS = Path(__file__).parents[1] / "golden" / "transcripts"
SERVER = ServerName(IPv4Address("10.1.1.4"), 1645, 1646)
NAS = "10.1.1.147"


class Debugged:
    """A client's events, and the lines of its debug."""

    def __init__(self, *kinds: Debug) -> None:
        self.bus: Bus[RadiusEvent] = Bus()
        self.messages: list[Message] = []
        self.debug = RadiusDebug(self.bus.subscribe, self.messages.append)
        self.debug.follow(frozenset(kinds))

    def lines_of(self, *events: RadiusEvent) -> list[str]:
        before = len(self.messages)
        for event in events:
            self.bus.publish(event)
        return [str(message) for message in self.messages[before:]]


def sent(octets: bytes, server: ServerName = SERVER, about: int = 2, attempt: int = 1, nas: str = NAS) -> Sent:
    port = server.acct_port if octets[0] == Code.ACCOUNTING_REQUEST else server.auth_port
    return Sent(about, server, Place(server.address, port), octets, attempt, nas, source=1645)


def received(octets: bytes, server: ServerName = SERVER, source: int = 21645, about: int = 2) -> Received:
    port = server.acct_port if octets[0] == Code.ACCOUNTING_RESPONSE else server.auth_port
    return Received(about, server, Place(server.address, port), octets, source, 0.004)


def refused(octets: bytes, reason: Discarded) -> Refused:
    return Refused(reason, SERVER, Place(SERVER.address, 1645), octets, 1645)


# --- the guide's transcripts ---

SESSION_TIME, IN_OCTETS, OUT_OCTETS, IN_PACKETS, OUT_PACKETS, IN_WRAPS, OUT_WRAPS = 46, 42, 43, 47, 48, 52, 53
CONNECTED = pair("connect-progress=No Progress")
PORT = (cisco(2, "FastEthernet0/0.1"), attribute(5, 0))
INITIATOR = pair("isakmp-initator-ip=10.1.1.2")


def numbers(**values: int) -> Iterator[bytes]:
    return (attribute(globals()[name], value) for name, value in values.items())


START = packet(
    4,
    4,
    (
        attribute(44, "00000001"),
        pair("isakmp-group-id=cclient"),
        attribute(8, IPv4Address("10.13.13.1")),
        pair("vrf-id=cisco"),
        pair("isakmp-initator-ip=10.1.2.2"),
        CONNECTED,
        attribute(1, "username1"),
        attribute(40, 1),
        *PORT,
        attribute(4, IPv4Address("10.1.1.147")),
        attribute(41, 0),
    ),
    "38F5EB464DBE4A6F45EBEF7DB719FB3F",
)
OTHER_NAS = "100.1.1.147"
STOP = packet(
    4,
    19,
    (
        attribute(44, "00000002"),
        pair("vrf-id=cisco"),
        INITIATOR,
        CONNECTED,
        *numbers(SESSION_TIME=709, IN_OCTETS=152608, OUT_OCTETS=152608, IN_PACKETS=1004, OUT_PACKETS=1004, IN_WRAPS=0, OUT_WRAPS=0),
        attribute(49, 0),
        pair("disc-cause-ext=No Reason"),
        attribute(40, 2),
        *PORT,
        attribute(4, IPv4Address(OTHER_NAS)),
        attribute(41, 0),
    ),
    "82655B42F03F17C323F34C35A28A3EE6",
)
UPDATE = packet(
    4,
    22,
    (
        attribute(44, "00000003"),
        pair("vrf-id=cisco"),
        INITIATOR,
        CONNECTED,
        *numbers(SESSION_TIME=109, IN_OCTETS=608, OUT_OCTETS=608, IN_PACKETS=4, OUT_PACKETS=4),
        attribute(40, 3),
        *PORT,
        attribute(4, IPv4Address(OTHER_NAS)),
        attribute(41, 0),
    ),
    "30FA48868E438E4BF90971044AF15225",
)
OTHER_SERVER = ServerName(IPv4Address("100.1.1.4"), 1645, 1646)


def nine_digits(number: int, *ends: str) -> dict[str, str]:
    return {f"RADIUS(00000000{number}): {end}": f"RADIUS(0000000{number}): {end}" for end in ends}


# The lines of a transcript that no packet can have, and what is printed for them.
SLIPS: Mapping[str, Mapping[str, str]] = {
    "start": {
        # The name was replaced, and the two lengths were not.
        "RADIUS(00000002): Send Accounting-Request to 10.1.1.4:1646 id 4, len 220": (
            "RADIUS(00000002): Send Accounting-Request to 10.1.1.4:1646 id 4, len 218"
        ),
        'RADIUS: User-Name [1] 13 "username1"': 'RADIUS: User-Name [1] 11 "username1"',
        # A length of 29 is that of the spelling in the other two transcripts.
        'RADIUS: Cisco AVpair [1] 29 "isakmp-initiator-ip=10.1.2.2"': 'RADIUS: Cisco AVpair [1] 29 "isakmp-initator-ip=10.1.2.2"',
    },
    "stop": {
        **nine_digits(3, "Using existing nas_port 0", "Config NAS IP: 100.1.1.147", "sending"),
        # The two lines of giga-words, whose time stamps are of another month, were added to the transcript, and not to the length.
        "RADIUS(000000003): Send Accounting-Request to 100.1.1.4:1646 id 19, len 238": (
            "RADIUS(00000003): Send Accounting-Request to 100.1.1.4:1646 id 19, len 250"
        ),
    },
    "update": {
        **nine_digits(4, "Using existing nas_port 0", "Config NAS IP: 100.1.1.147", "sending"),
        **nine_digits(4, "Send Accounting-Request to 100.1.1.4:1646 id 22, len 200"),
        # An authenticator has 16 octets.
        "RADIUS: authenticator 51 6B BB 27 A4 F5 D7 61 - A7 03 73 D3 0A AC 1C": (
            "RADIUS: authenticator 51 6B BB 27 A4 F5 D7 61 - A7 03 73 D3 0A AC 1C 00"
        ),
    },
}


def told(lines: Iterable[str]) -> list[str]:
    """Lines in one spacing: the guide's text has other blanks than a router, also before the number of an attribute."""
    return [re.sub(r"\s*\[", " [", re.sub(r"\s+", " ", line)) for line in lines]


def transcript(name: str) -> list[str]:
    """A transcript of the guide without its time stamps. A line that is wider than the guide's page goes on in the next one."""
    text = (TRANSCRIPTS / f"radius-accounting-{name}.txt").read_text()
    lines = told(re.sub(r"\n(?!\*)", " ", text).splitlines())
    slips = SLIPS[name]
    said = [re.sub(r"^\*\w+ \d+ [\d:.]+: ", "", line).strip() for line in lines]
    assert slips.keys() <= set(said)
    return [slips.get(line, line) for line in said]


@pytest.mark.parametrize(
    ("name", "request_", "about", "server", "nas", "answer"),
    [
        ("start", START, 2, SERVER, NAS, "B7E3D0F5619A89D899A68A8A98799D5D"),
        ("stop", STOP, 3, OTHER_SERVER, OTHER_NAS, "F1CAC128CEA026C93E22C9DAEAB822A0"),
        ("update", UPDATE, 4, OTHER_SERVER, OTHER_NAS, "516BBB27A4F5D761A70373D30AAC1C00"),
    ],
)
def test_the_guides_transcripts(name: str, request_: bytes, about: int, server: ServerName, nas: str, answer: str) -> None:
    debugged = Debugged(*RADIUS_PACKETS)
    response = packet(5, request_[1], (), answer)
    lines = debugged.lines_of(sent(request_, server, about, nas=nas), received(response, server))
    assert told(lines) == transcript(name)
    assert {message.severity for message in debugged.messages} == {Severity.DEBUGGING}


def test_the_columns_are_those_of_a_router() -> None:
    lines = Debugged(Debug.RADIUS_ACCOUNTING).lines_of(sent(STOP))
    assert 'RADIUS:  Acct-Session-Id     [44]  10  "00000002"' in lines
    assert "RADIUS:  Vendor, Cisco       [26]  20" in lines
    assert 'RADIUS:   Cisco AVpair       [1]   14  "vrf-id=cisco"' in lines
    assert "RADIUS:  Acct-Output-Giga-Wor[53]  6   0" in lines
    assert "RADIUS:  Acct-Terminate-Cause[49]  6   none                      [0]" in lines
    assert 'RADIUS:   cisco-nas-port     [2]   19  "FastEthernet0/0.1"' in lines


# --- log-ins ---

ACCESS = packet(
    1,
    8,
    (
        attribute(80, bytes.fromhex("00112233445566778899AABBCCDDEEFF")),
        attribute(1, "alice"),
        attribute(2, bytes(16)),
        attribute(5, 2),
        attribute(87, "tty2"),
        attribute(61, 5),
        attribute(6, 1),
        attribute(4, IPv4Address("192.168.55.254")),
    ),
    "588052B4DB61FB111244433518D4947E",
)
STATE = b"ReauthSession:96013701cymdxie9MlVfeKYcIxocvfa_x9/_HxLv5hp9a1QluL4"
ACCEPT = packet(
    2,
    8,
    (attribute(1, "alice"), attribute(24, STATE), pair("shell:priv-lvl=15")),
    "3A1FD64A858396D276B698201DD4E527",
)


def test_a_login() -> None:
    lines = Debugged(Debug.RADIUS_AUTHENTICATION).lines_of(
        sent(ACCESS, about=0x14, nas="192.168.55.254"), received(ACCEPT, source=1645, about=0x14)
    )
    assert lines == [
        "RADIUS(00000014): Config NAS IP: 192.168.55.254",
        "RADIUS(00000014): sending",
        f"RADIUS(00000014): Send Access-Request to 10.1.1.4:1645 id 8, len {len(ACCESS)}",
        "RADIUS:  authenticator 58 80 52 B4 DB 61 FB 11 - 12 44 43 35 18 D4 94 7E",
        "RADIUS:  Message-Authenticato[80]  18",
        'RADIUS:   00 11 22 33 44 55 66 77 88 99 AA BB CC DD EE FF  [ "3DUfw]',
        'RADIUS:  User-Name           [1]   7   "alice"',
        "RADIUS:  User-Password       [2]   18  *",
        "RADIUS:  NAS-Port            [5]   6   2",
        'RADIUS:  NAS-Port-Id         [87]  6   "tty2"',
        "RADIUS:  NAS-Port-Type       [61]  6   Virtual                   [5]",
        "RADIUS:  Service-Type        [6]   6   Login                     [1]",
        "RADIUS:  NAS-IP-Address      [4]   6   192.168.55.254",
        f"RADIUS: Received from id 1645/8 10.1.1.4:1645, Access-Accept, len {len(ACCEPT)}",
        "RADIUS:  authenticator 3A 1F D6 4A 85 83 96 D2 - 76 B6 98 20 1D D4 E5 27",
        'RADIUS:  User-Name           [1]   7   "alice"',
        "RADIUS:  State               [24]  67",
        "RADIUS:   52 65 61 75 74 68 53 65 73 73 69 6F 6E 3A 39 36  [ReauthSession:96]",
        "RADIUS:   30 31 33 37 30 31 63 79 6D 64 78 69 65 39 4D 6C  [013701cymdxie9Ml]",
        "RADIUS:   56 66 65 4B 59 63 49 78 6F 63 76 66 61 5F 78 39  [VfeKYcIxocvfa_x9]",
        "RADIUS:   2F 5F 48 78 4C 76 35 68 70 39 61 31 51 6C 75 4C  [/_HxLv5hp9a1QluL]",
        "RADIUS:   34                 [ 4]",
        "RADIUS:  Vendor, Cisco       [26]  25",
        'RADIUS:   Cisco AVpair       [1]   19  "shell:priv-lvl=15"',
        "RADIUS(00000014): Received from id 1645/8",
    ]


def test_values_of_other_kinds() -> None:
    """Passwords and keys never show; what is not known shows its octets; a tag stands before the value (RFC 2868 §3.1)."""
    attributes = (
        attribute(3, bytes(17)),
        attribute(64, bytes([1, 0, 0, 9])),
        attribute(69, bytes([1, 0x80, 0x01]) + bytes(16)),
        attribute(81, b"\x0130"),
        attribute(6, 99),
        attribute(5, b"\x01"),
        attribute(95, bytes(15) + b"\x01"),
        attribute(151, "07B8F45D"),
        attribute(1, "two\nlines"),
        vendor(311, 11, "challenge"),
        vendor(99999, 1, "x"),
        cisco(252, "x"),
        attribute(26, b"\x00\x00"),
    )
    lines = Debugged(*RADIUS_PACKETS).lines_of(received(packet(2, 1, attributes)))
    assert lines[2:-1] == [
        "RADIUS:  CHAP-Password       [3]   19  *",
        "RADIUS:  Tunnel-Type         [64]  6   01:ESP                    [9]",
        "RADIUS:  Tunnel-Password     [69]  21  01:*",
        'RADIUS:  Tunnel-Private-Group[81]  5   01:"30"',
        "RADIUS:  Service-Type        [6]   6   99",
        "RADIUS:  NAS-Port            [5]   3",
        "RADIUS:   01                 [ ]",
        "RADIUS:  NAS-IPv6-Address    [95]  18  ::1",
        "RADIUS:  Unsupported         [151] 10",
        "RADIUS:   30 37 42 38 46 34 35 44          [ 07B8F45D]",
        'RADIUS:  User-Name           [1]   11  "two\\nlines"',
        "RADIUS:  Vendor, Microsoft   [26]  17",
        "RADIUS:   Unsupported        [11]  11",
        "RADIUS:   63 68 61 6C 6C 65 6E 67 65         [ challenge]",
        "RADIUS:  Vendor, 99999       [26]  9",
        "RADIUS:   Unsupported        [1]   3",
        "RADIUS:   78                 [ x]",
        "RADIUS:  Vendor, Cisco       [26]  9",
        "RADIUS:   Unsupported        [252] 3",
        "RADIUS:   78                 [ x]",
        "RADIUS:  Unsupported         [26]  4",
        "RADIUS:   00 00                [ ]",
    ]


@pytest.mark.parametrize(
    "octets", [b"", b"\x02", b"\x05\x01", b"\x02\x01\x00\x14", packet(2, 1) + b"\x01", packet(2, 1) + b"\x01\x00", b"\xff" * 30]
)
@pytest.mark.parametrize("reason", list(Discarded))
def test_octets_of_any_kind_have_lines(octets: bytes, reason: Discarded) -> None:
    """A datagram is refused as not authentic only if it has a header (RFC 2865 §3)."""
    if reason in (Discarded.AUTHENTICATOR, Discarded.MESSAGE_AUTHENTICATOR):
        octets = octets.ljust(20, b"\x00")
    for kinds in (RADIUS_PACKETS, RADIUS_PACKETS | {Debug.RADIUS_BRIEF}):
        assert Debugged(*kinds).lines_of(refused(octets, reason))[0].startswith("RADIUS: Received from ")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ipsec:tunnel-password=lab", "ipsec:tunnel-password=*"),
        ("ipsec:Tunnel-Password*lab", "ipsec:Tunnel-Password**"),
        ("ipsec:key-exchange=ike", "ipsec:key-exchange=ike"),
        ("ipsec:user-save-password=1", "ipsec:user-save-password=1"),
        ("shell:priv-lvl=15", "shell:priv-lvl=15"),
    ],
)
def test_a_pair_shows_no_key(text: str, shown: str) -> None:
    """A log may go to other machines."""
    lines = Debugged(*RADIUS_PACKETS).lines_of(received(packet(2, 1, (pair(text),))))
    assert lines[3].split("]", 1)[1].split(maxsplit=1)[1] == f'"{shown}"'


# --- what goes wrong ---


def test_a_server_that_does_not_answer() -> None:
    """The lines of IOS 15: a retransmission has no packet, a request to the next server does, for it is another packet."""
    debugged = Debugged(*RADIUS_PACKETS)
    second = ServerName(IPv4Address("10.1.1.5"), 1912, 1913)
    assert debugged.lines_of(sent(START, attempt=2)) == [
        "RADIUS(00000002): Request timed out!",
        "RADIUS: Retransmit to (10.1.1.4:1645,1646) for id 1645/4",
    ]
    place = Place(SERVER.address, 1646)
    gone = NoResponse(2, SERVER, place, Code.ACCOUNTING_REQUEST, 4, more=True, source=1645)
    assert debugged.lines_of(gone) == ["RADIUS(00000002): Request timed out!"]
    lines = debugged.lines_of(sent(START, second))
    assert lines[0] == "RADIUS: Fail-over to (10.1.1.5:1912,1913) for id 1645/4"
    assert lines[2] == "RADIUS(00000002): Send Accounting-Request to 10.1.1.5:1913 id 4, len 218"
    last = NoResponse(2, second, Place(second.address, 1913), Code.ACCOUNTING_REQUEST, 4, more=False, source=1645)
    assert debugged.lines_of(last) == [
        "RADIUS(00000002): Request timed out!",
        "RADIUS: No response from (10.1.1.5:1912,1913) for id 1645/4",
        "RADIUS: No response from server",
    ]
    assert debugged.lines_of(sent(START))[0] == "RADIUS(00000002): sending"


def test_an_answer_that_is_refused() -> None:
    debugged = Debugged(*RADIUS_PACKETS)
    assert debugged.lines_of(refused(packet(3, 124), Discarded.AUTHENTICATOR)) == [
        "RADIUS: Received from id 1645/124 10.1.1.4:1645, Access-Reject, len 20",
        "RADIUS: response-authenticator decrypt fail, pak len 20",
        "RADIUS: Response (124) failed decrypt",
    ]
    assert debugged.lines_of(refused(packet(5, 9), Discarded.UNKNOWN)) == [
        "RADIUS: Received from id 1645/9 10.1.1.4:1645, Accounting-response, len 20",
        "RADIUS: Response for non-existent request ident",
    ]


def test_a_server_that_nothing_may_be_sent_to() -> None:
    lines = Debugged(Debug.RADIUS_ACCOUNTING).lines_of(Withheld(SERVER, Place(SERVER.address, 1646)))
    assert lines == ["RADIUS: Nothing is sent to 10.1.1.4:1646: it is outside loopback"]


# --- which of it is printed ---

BOTH = (sent(START), received(packet(5, 4)), sent(ACCESS), received(ACCEPT))


def test_accounting_and_authentication_alone() -> None:
    accounting = Debugged(Debug.RADIUS_ACCOUNTING).lines_of(*BOTH)
    assert accounting == Debugged(*RADIUS_PACKETS).lines_of(*BOTH[:2])
    authentication = Debugged(Debug.RADIUS_AUTHENTICATION).lines_of(*BOTH)
    assert authentication == Debugged(*RADIUS_PACKETS).lines_of(*BOTH[2:])


def test_in_brief() -> None:
    """The lines of the RADIUS Debug Enhancements feature (Cisco IOS Debug Command Reference, debug radius)."""
    unanswered = NoResponse(2, SERVER, Place(SERVER.address, 1646), Code.ACCOUNTING_REQUEST, 4, more=False, source=1645)
    lines = Debugged(*RADIUS_PACKETS, Debug.RADIUS_BRIEF).lines_of(sent(START), sent(START, attempt=2), *BOTH[1:], unanswered)
    assert lines == [
        "RADIUS: Initial Transmit unknown id 4 10.1.1.4:1646, Accounting-Request, len 218",
        "RADIUS: Retransmit id 4",
        "RADIUS: Received from id 4 10.1.1.4:1646, Accounting-response, len 20",
        f"RADIUS: Initial Transmit unknown id 8 10.1.1.4:1645, Access-Request, len {len(ACCESS)}",
        f"RADIUS: Received from id 8 10.1.1.4:1645, Access-Accept, len {len(ACCEPT)}",
        "RADIUS: Tried all servers.",
        "RADIUS: No response for id 4",
    ]


def test_retransmissions_and_fail_overs_alone() -> None:
    place = Place(SERVER.address, 1646)
    gone = NoResponse(2, SERVER, place, Code.ACCOUNTING_REQUEST, 4, more=True, source=1645)
    events = (sent(START), sent(START, attempt=2), gone, sent(START, OTHER_SERVER), received(packet(5, 4)))
    again = ["RADIUS(00000002): Request timed out!", "RADIUS: Retransmit to (10.1.1.4:1645,1646) for id 1645/4"]
    over = ["RADIUS(00000002): Request timed out!", "RADIUS: Fail-over to (100.1.1.4:1645,1646) for id 1645/4"]
    assert Debugged(Debug.RADIUS_RETRANSMIT).lines_of(*events) == again
    assert Debugged(Debug.RADIUS_FAILOVER).lines_of(*events) == over


def test_nothing_listens_while_nothing_is_debugged() -> None:
    debugged = Debugged()
    assert len(debugged.bus) == 0
    debugged.debug.follow(frozenset({Debug.RADIUS_ACCOUNTING}))
    debugged.debug.follow(frozenset({Debug.RADIUS_ACCOUNTING, Debug.RADIUS_BRIEF, Debug.ISAKMP}))
    assert len(debugged.bus) == 1
    debugged.debug.follow(frozenset({Debug.ISAKMP}))
    assert len(debugged.bus) == 0
    assert Debugged(*RADIUS_PACKETS).lines_of(AllServersDead(1, "radius")) == []
