"""RADIUS packets, octet by octet, for tests that need no client (RFC 2865 §3, §5)."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

CISCO = 9
Value = str | int | bytes | IPv4Address


def octets_of(value: Value) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, int):
        return value.to_bytes(4, "big")
    return value if isinstance(value, bytes) else value.packed


def attribute(number: int, value: Value) -> bytes:
    octets = octets_of(value)
    return bytes([number, len(octets) + 2]) + octets


def cisco(number: int, value: Value) -> bytes:
    return vendor(CISCO, number, value)


def vendor(which: int, number: int, value: Value) -> bytes:
    return attribute(26, which.to_bytes(4, "big") + attribute(number, value))


def pair(text: str) -> bytes:
    """A Cisco-AVPair."""
    return cisco(1, text)


def packet(code: int, identifier: int, attributes: Iterable[bytes] = (), authenticator: str = "00" * 16) -> bytes:
    """A packet with an authenticator in hexadecimal."""
    body = b"".join(attributes)
    return bytes([code, identifier]) + (20 + len(body)).to_bytes(2, "big") + bytes.fromhex(authenticator) + body
