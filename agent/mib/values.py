"""Mib room: encodes values as octets (RFC 3416 §3, X.690 definite short and long forms).

An encoder takes a Python value and returns tag, length and content. Small numbers are looked up in tables, because most counters of
most tunnels are small most of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from struct import Struct
from typing import Any

from agent.base.text import octets_of

NULL = b"\x05\x00"
NO_SUCH_OBJECT = b"\x80\x00"
NO_SUCH_INSTANCE = b"\x81\x00"
END_OF_MIB_VIEW = b"\x82\x00"

INTEGER = 0x02
OCTET_STRING = 0x04
OBJECT_IDENTIFIER = 0x06
IP_ADDRESS = 0x40
COUNTER32 = 0x41
GAUGE32 = 0x42
TIME_TICKS = 0x43
OPAQUE = 0x44
COUNTER64 = 0x46

_TAG_OF_BASE = {
    "Integer32": INTEGER,
    "Unsigned32": GAUGE32,
    "Gauge32": GAUGE32,
    "Counter32": COUNTER32,
    "Counter64": COUNTER64,
    "TimeTicks": TIME_TICKS,
}
_TAG_OF_ANY_BASE = {
    **_TAG_OF_BASE,
    "OctetString": OCTET_STRING,
    "Bits": OCTET_STRING,
    "ObjectIdentifier": OBJECT_IDENTIFIER,
    "IpAddress": IP_ADDRESS,
    "Opaque": OPAQUE,
}
MASKS = {"Counter32": 0xFFFFFFFF, "Counter64": 0xFFFFFFFFFFFFFFFF, "TimeTicks": 0xFFFFFFFF}
LONGEST_NAME = 128  # sub-identifiers (RFC 2578 §7.1.3)
LONGEST_NAME_CONTENT = 5 * LONGEST_NAME  # octets; longer names are refused unread, because they are slow to decode
_SMALL = 256
_FOUR = Struct(">HI").pack  # tag and length, then four octets


def length(octets: int) -> bytes:
    """The length octets for a content of that size."""
    if octets < 0x80:
        return bytes((octets,))
    size = (octets.bit_length() + 7) // 8
    return bytes((0x80 | size,)) + octets.to_bytes(size, "big")


def content_at(data: bytes, at: int) -> tuple[int, int]:
    """Where the contents of the value at `at` begin and end. Raises IndexError if the data end before its length."""
    size = data[at + 1]
    if size < 0x80:
        return at + 2, at + 2 + size
    count = size & 0x7F
    begin = at + 2 + count
    return begin, begin + int.from_bytes(data[at + 2 : begin], "big")


def wrap(tag: int, content: bytes) -> bytes:
    return bytes((tag,)) + length(len(content)) + content


def tag_of(base: str) -> int:
    """The tag of a value in the SMI type `base`."""
    return _TAG_OF_ANY_BASE[base]


def number_cell(base: str, read: Callable[[Any, int], int | None]) -> Callable[[Any, int], bytes | None]:
    """The function that returns an encoded number of a row, made from one that returns the number. `base` is a numeric SMI type.

    Counters wrap at their size, TimeTicks at 2³². The code is repeated in one function, because a walk spends its time here.
    """
    heads, small, mask = _heads(_TAG_OF_BASE[base]), _small(base), MASKS.get(base, -1)

    def cell(row: Any, now: int) -> bytes | None:
        value = read(row, now)
        if value is None:
            return None
        if 0 <= value < _SMALL:
            return small[value]
        value &= mask
        size = ((value if value >= 0 else ~value).bit_length() >> 3) + 1
        return heads[size] + value.to_bytes(size, "big", signed=value < 0)

    return cell


def counter_cell(base: str, counter: int) -> Callable[[Any, int], bytes | None]:
    """`number_cell` of one counter of a counter source."""
    heads, small, mask = _heads(_TAG_OF_BASE[base]), _small(base), MASKS[base]
    four = _TAG_OF_BASE[base] << 8 | 4

    def cell(source: Any, now: int) -> bytes | None:
        value: int | None = source.value(counter, now)
        if value is None:
            return None
        if 0x800000 <= value < 0x80000000:  # four octets, the usual case for a busy tunnel
            return _FOUR(four, value)
        if value < _SMALL:
            return small[value]
        value &= mask
        size = (value.bit_length() >> 3) + 1
        return heads[size] + value.to_bytes(size)

    return cell


def number(base: str, value: int) -> bytes:
    """One number in the numeric SMI type `base`."""
    size = ((value if value >= 0 else ~value).bit_length() >> 3) + 1
    return bytes((_TAG_OF_BASE[base], size)) + value.to_bytes(size, "big", signed=True)


def _heads(tag: int) -> list[bytes]:
    return [bytes((tag, size)) for size in range(10)]


@cache
def _small(base: str) -> list[bytes]:
    return [number(base, value) for value in range(_SMALL)]


def is_number(base: str) -> bool:
    return base in _TAG_OF_BASE


def octets(value: bytes | str | IPv4Address | IPv6Address) -> bytes:
    """An OCTET STRING: the octets of a string, or the 4 or 16 octets of an address."""
    if isinstance(value, str):
        value = octets_of(value)
    elif not isinstance(value, bytes):
        value = value.packed
    return wrap(OCTET_STRING, value)


def sub_identifiers(numbers: tuple[int, ...]) -> bytes:
    """Sub-identifiers in base 128, without the fold of the first two."""
    out = bytearray()
    for number in numbers:
        if number < 0x80:
            out.append(number)
            continue
        groups = [number & 0x7F]
        number >>= 7
        while number:
            groups.append(0x80 | number & 0x7F)
            number >>= 7
        out += bytes(reversed(groups))
    return bytes(out)


def name_content(oid: tuple[int, ...]) -> bytes:
    """The content octets of an OBJECT IDENTIFIER. One of fewer than two sub-identifiers is padded to 0.0, as net-snmp does."""
    if len(oid) < 2:
        oid = (*oid, *(0,) * (2 - len(oid)))
    return sub_identifiers((oid[0] * 40 + oid[1], *oid[2:]))


def object_identifier(oid: tuple[int, ...]) -> bytes:
    return wrap(OBJECT_IDENTIFIER, name_content(oid))


def decode_sub_identifiers(content: bytes) -> tuple[int, ...] | None:
    """Sub-identifiers in base 128, without the fold of the first two; None where they are malformed (X.690 §8.19) or too long."""
    if not content or content[-1] & 0x80 or len(content) > LONGEST_NAME_CONTENT:
        return None
    numbers: list[int] = []
    number = 0
    for octet in content:
        if number == 0 and octet == 0x80:
            return None
        number = number << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(number)
            number = 0
    return tuple(numbers) if max(numbers) <= 0xFFFFFFFF + 80 else None  # the first two are encoded as one


def decode_name(content: bytes) -> tuple[int, ...] | None:
    """The sub-identifiers of an OBJECT IDENTIFIER's content.

    None where it is malformed (X.690 §8.19), a number exceeds 32 bits or there are more than 128 of them (RFC 2578 §7.1.3).
    """
    numbers = decode_sub_identifiers(content)
    if numbers is None:
        return None
    first = min(numbers[0] // 40, 2)
    oid = (first, numbers[0] - first * 40, *numbers[1:])
    return oid if max(oid) <= 0xFFFFFFFF and len(oid) <= LONGEST_NAME else None


def order_key(oid: tuple[int, ...]) -> bytes:
    """The order key of a name: four octets for each sub-identifier. Keys compare as names do (RFC 3416 §4.2.2)."""
    return b"".join([number.to_bytes(4, "big") for number in oid])
