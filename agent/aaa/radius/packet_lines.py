"""Aaa room: a RADIUS packet in the form of IOS's `debug radius`: a line for each attribute, from the octets of the packet.

A line has the attribute's name, cut to 20 characters, its number, its length, and its value. A value that is no text, number or
address stands below it in hexadecimal, 16 octets to a line. Passwords and keys are an asterisk. The names are those of IOS, which
calls a few attributes by other names than RFC 2865 and RFC 2866 do ("Watchdog" is the Interim-Update of Acct-Status-Type).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType

from agent.aaa.radius.attributes import VENDOR_SPECIFIC, MalformedError, split
from agent.aaa.radius.packets import HEADER
from agent.base.printable import printable
from agent.base.text import text_of

_CISCO = 9
_NAME, _VENDOR_NAME, _VALUE = 20, 19, 26  # columns
_ROW = 16  # octets in a line of hexadecimal


def attributes_of(packet: bytes) -> Iterator[tuple[int, bytes]]:
    """The attributes of a packet, as number and value, in their order. It ends at one that has no right length."""
    return _attributes(packet[HEADER:])


def _attributes(octets: bytes) -> Iterator[tuple[int, bytes]]:
    with suppress(MalformedError):
        yield from split(octets)


def number_in(packet: bytes, attribute: int) -> int | None:
    """The value of an attribute that is a number; None where the packet has none."""
    return next((int.from_bytes(value, "big") for number, value in attributes_of(packet) if number == attribute), None)


def authenticator_line(packet: bytes) -> str:
    octets = packet[4:HEADER]
    return f"RADIUS:  authenticator {_hexadecimal(octets[:8])} - {_hexadecimal(octets[8:])}"


def attribute_lines(packet: bytes) -> Iterator[str]:
    """The lines of all attributes."""
    for number, value in attributes_of(packet):
        if number == VENDOR_SPECIFIC and len(value) > 4:
            yield from _vendor_lines(value)
        else:
            form = _FORMS.get(number, _UNKNOWN)
            yield from _lines(f"RADIUS:  {form.name[:_NAME]:{_NAME}}", number, value, form)


def _vendor_lines(value: bytes) -> Iterator[str]:
    """A Vendor-Specific attribute, and those in it (RFC 2865 §5.26)."""
    vendor = int.from_bytes(value[:4], "big")
    title = f"Vendor, {_VENDORS.get(vendor, vendor)}"[:_NAME]
    yield _line(f"RADIUS:  {title:{_NAME}}", VENDOR_SPECIFIC, value)
    for number, inner in _attributes(value[4:]):
        form = _CISCO_FORMS.get(number, _UNKNOWN) if vendor == _CISCO else _UNKNOWN
        yield from _lines(f"RADIUS:   {form.name[:_VENDOR_NAME]:{_VENDOR_NAME}}", number, inner, form)


def _lines(title: str, number: int, value: bytes, form: _Form) -> Iterator[str]:
    shown = form.shown(value, form.words)
    yield _line(title, number, value, shown or "")
    if shown is None:
        yield from _dump(value)


def _line(title: str, number: int, value: bytes, shown: str = "") -> str:
    return f"{title}{f'[{number}]':6}{len(value) + 2:<4}{shown}".rstrip()


def _dump(value: bytes) -> Iterator[str]:
    """Octets in hexadecimal, and those of them that are printable. IOS puts a blank before these where it has left some out."""
    for at in range(0, len(value), _ROW):
        row = value[at : at + _ROW]
        text = "".join(chr(octet) for octet in row if 0x20 <= octet < 0x7F)
        blank = "" if len(text) == _ROW else " "
        yield f"RADIUS:   {_hexadecimal(row)}{' ' * (_ROW + 2 - len(row))}[{blank}{text}]"


def _hexadecimal(octets: bytes) -> str:
    return octets.hex(" ").upper()


# --- values ---

Words = Mapping[int, str]
_Shown = Callable[[bytes, Words], str | None]


def _text(value: bytes, words: Words) -> str | None:
    return f'"{printable(text_of(value))}"'


def _pair(value: bytes, words: Words) -> str | None:
    """A pair of Cisco's. That of a key (`ipsec:tunnel-password=…`) has an asterisk for it, which IOS does not."""
    text = printable(text_of(value))
    key = _KEY.match(text)
    return f'"{key[0]}*"' if key else f'"{text}"'


_KEY = re.compile(r"(\w+:)?([a-z]+-)?password[=*]", re.IGNORECASE)


def _number(value: bytes, words: Words) -> str | None:
    """A number, and where it stands for something, its name before it."""
    if len(value) != 4:
        return None
    number = int.from_bytes(value, "big")
    return f"{words[number]:{_VALUE}}[{number}]" if number in words else str(number)


def _tagged_number(value: bytes, words: Words) -> str | None:
    """A number of three octets after its tag (RFC 2868 §3.1)."""
    if len(value) != 4:
        return None
    number = int.from_bytes(value[1:], "big")
    return f"{f'{value[0]:02}:{words.get(number, number)}':{_VALUE}}[{number}]"


def _tagged_text(value: bytes, words: Words) -> str | None:
    """Text, after a tag if its first octet is one (RFC 2868 §3.3)."""
    if value and value[0] <= 0x1F:
        return f"{value[0]:02}:{_text(value[1:], words)}"
    return _text(value, words)


def _address(value: bytes, words: Words) -> str | None:
    return str(IPv4Address(value)) if len(value) == 4 else None


def _address6(value: bytes, words: Words) -> str | None:
    return str(IPv6Address(value)) if len(value) == 16 else None


def _secret(value: bytes, words: Words) -> str | None:
    return "*"


def _tagged_secret(value: bytes, words: Words) -> str | None:
    return f"{value[0]:02}:*" if value else "*"


def _octets(value: bytes, words: Words) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class _Form:
    """How an attribute is shown: its name, its value, and the words for values that are numbers."""

    name: str
    shown: _Shown = _octets
    words: Words = field(default_factory=lambda: MappingProxyType({}))


_UNKNOWN = _Form("Unsupported")
_VENDORS = {_CISCO: "Cisco", 311: "Microsoft"}
_CISCO_FORMS = {1: _Form("Cisco AVpair", _pair), 2: _Form("cisco-nas-port", _text)}

_SERVICE_TYPES = {
    1: "Login",
    2: "Framed",
    3: "Callback Login",
    4: "Callback Framed",
    5: "Outbound",
    6: "Administrative",
    7: "NAS Prompt",
    8: "Authenticate Only",
    9: "Callback NAS Prompt",
    10: "Call Check",
    17: "Authorize Only",
}
_STATUS_TYPES = {1: "Start", 2: "Stop", 3: "Watchdog", 7: "Accounting-On", 8: "Accounting-Off"}
_TERMINATE_CAUSES = {
    0: "none",
    1: "user-request",
    2: "lost-carrier",
    3: "lost-service",
    4: "idle-timeout",
    5: "session-timeout",
    6: "admin-reset",
    7: "admin-reboot",
    8: "port-error",
    9: "nas-error",
    10: "nas-request",
    11: "nas-reboot",
    12: "port-unneeded",
    13: "port-preempted",
    14: "port-suspended",
    15: "service-unavailable",
    16: "callback",
    17: "user-error",
    18: "host-request",
}
ERROR_CAUSES = {  # RFC 5176 §3.6
    201: "Residual Context Removed",
    401: "Unsupported Attribute",
    402: "Missing Attribute",
    403: "NAS Identification Mismatch",
    404: "Invalid Request",
    405: "Unsupported Service",
    406: "Unsupported Extension",
    501: "Administratively Prohibited",
    503: "Session Context Not Found",
    504: "Session Context Not Removable",
    506: "Resources Unavailable",
}
_FORMS: Mapping[int, _Form] = MappingProxyType(
    {
        1: _Form("User-Name", _text),
        2: _Form("User-Password", _secret),
        3: _Form("CHAP-Password", _secret),
        4: _Form("NAS-IP-Address", _address),
        5: _Form("NAS-Port", _number),
        6: _Form("Service-Type", _number, _SERVICE_TYPES),
        7: _Form("Framed-Protocol", _number, {1: "PPP", 2: "SLIP"}),
        8: _Form("Framed-IP-Address", _address),
        9: _Form("Framed-IP-Netmask", _address),
        11: _Form("Filter-Id", _text),
        12: _Form("Framed-MTU", _number),
        14: _Form("login-ip-addr-host", _address),
        18: _Form("Reply-Message"),
        22: _Form("Framed-Route", _text),
        24: _Form("State"),
        25: _Form("Class"),
        27: _Form("Session-Timeout", _number),
        28: _Form("Idle-Timeout", _number),
        30: _Form("Called-Station-Id", _text),
        31: _Form("Calling-Station-Id", _text),
        32: _Form("Nas-Identifier", _text),
        33: _Form("Proxy-State"),
        40: _Form("Acct-Status-Type", _number, _STATUS_TYPES),
        41: _Form("Acct-Delay-Time", _number),
        42: _Form("Acct-Input-Octets", _number),
        43: _Form("Acct-Output-Octets", _number),
        44: _Form("Acct-Session-Id", _text),
        45: _Form("Acct-Authentic", _number, {1: "RADIUS", 2: "Local", 3: "Remote"}),
        46: _Form("Acct-Session-Time", _number),
        47: _Form("Acct-Input-Packets", _number),
        48: _Form("Acct-Output-Packets", _number),
        49: _Form("Acct-Terminate-Cause", _number, _TERMINATE_CAUSES),
        50: _Form("Acct-Multi-Session-Id", _text),
        51: _Form("Acct-Link-Count", _number),
        52: _Form("Acct-Input-Giga-Words", _number),
        53: _Form("Acct-Output-Giga-Words", _number),
        55: _Form("Event-Timestamp", _number),
        60: _Form("CHAP-Challenge"),
        61: _Form("NAS-Port-Type", _number, {0: "Async", 1: "Sync", 5: "Virtual", 15: "Ethernet"}),
        64: _Form("Tunnel-Type", _tagged_number, {1: "PPTP", 2: "L2F", 3: "L2TP", 6: "AH", 9: "ESP", 10: "GRE", 13: "VLAN"}),
        65: _Form("Tunnel-Medium-Type", _tagged_number, {1: "IPv4", 2: "IPv6", 6: "ALL_802"}),
        66: _Form("Tunnel-Client-Endpoint", _tagged_text),
        67: _Form("Tunnel-Server-Endpoint", _tagged_text),
        69: _Form("Tunnel-Password", _tagged_secret),
        76: _Form("Prompt", _number, {0: "No-Echo", 1: "Echo"}),
        77: _Form("Connect-Info", _text),
        79: _Form("EAP-Message"),
        80: _Form("Message-Authenticator"),
        81: _Form("Tunnel-Private-Group-Id", _tagged_text),
        85: _Form("Acct-Interim-Interval", _number),
        87: _Form("NAS-Port-Id", _text),
        88: _Form("Framed-Pool", _text),
        95: _Form("NAS-IPv6-Address", _address6),
        101: _Form("Dynamic-Author-Error-Cause", _number, ERROR_CAUSES),
        168: _Form("Framed-IPv6-Address", _address6),
    }
)
