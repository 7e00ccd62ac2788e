"""Snmp room: requests in BER, decoded without a general parser (RFC 1157 §4, RFC 3416 §3, X.690).

A PDU is recognised only as managers usually encode it: with minimal lengths and integers. Anything else is no error but None, which
means "not for the fast path". The fields around a PDU say who asks. They are read in every encoding that RFC 3417 §8 allows:
lengths are definite, and may take more octets than necessary.

At most as many names are read as an answer can hold, and one more, which shows that there are too many.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import NamedTuple

from agent.mib.setting import Assignment, Value
from agent.mib.values import (
    COUNTER32,
    COUNTER64,
    GAUGE32,
    INTEGER,
    IP_ADDRESS,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    TIME_TICKS,
    content_at,
    decode_name,
)

GET, GET_NEXT, SET, GET_BULK = 0xA0, 0xA1, 0xA3, 0xA5
RESPONSE, TRAP_V1, INFORM, TRAP_V2, REPORT = 0xA2, 0xA4, 0xA6, 0xA7, 0xA8
DROP = b""  # returned in place of an answer: nothing is sent
Response = bytes | None  # what is sent, or DROP; None if pysnmp is to answer
SMALLEST_BINDING = 7  # octets: of a name of one octet, and a value of two
VERSION_1, VERSION_2C = 0, 1


# (version, head, kind, request-id, first, second, names, bindings): a plain tuple, for this is made for every datagram. `head` is
# what a response repeats, version and community; the request-id is its whole INTEGER; `first` and `second` are non-repeaters and
# max-repetitions, or 0; `names` are contents of OBJECT IDENTIFIERs, `bindings` where the variable bindings begin.
ReadRequest = tuple[int, bytes, int, bytes, int, int, list[bytes], int]
# The same from `kind` on: what a PDU alone says.
ReadPdu = tuple[int, bytes, int, int, list[bytes], int]

SEQUENCE = 0x30
_NULL = b"\x05\x00"


class NotRecognisedError(Exception):
    """The octets are not the expected field, or not encoded as managers do."""


class Decoder:
    """`decode_read` with a memory for the shapes of earlier requests.

    Requests of one manager for one object each differ only in the request-id and the name. The octets up to the request-id's length
    determine all lengths. If they equal those of an earlier request, they are compared and not decoded.
    """

    def __init__(self, most: int) -> None:
        self._most = most  # shapes that are remembered
        self._heads: Container[bytes] = frozenset()
        self._names = 0
        self._shapes: dict[bytes, tuple[int, int, int, int, bytes, int, bytes, int, int, int]] = {}

    def use(self, heads: Container[bytes], names: int) -> None:
        """Decode only requests with one of these heads from now on, and up to that many names and one more."""
        self._heads = heads
        self._names = names
        self._shapes.clear()

    def decode(self, data: bytes) -> ReadRequest | None:
        try:
            shape = self._shapes[data[: 11 + data[6]]]
        except (KeyError, IndexError):
            return self._learn(data)
        size, request_at, middle_at, name_at, middle, version, head, kind, first, second = shape
        if (
            len(data) == size
            and data[middle_at:name_at] == middle
            and data[-2:] == _NULL
            and 0 < data[request_at + 2] < 0xFF  # a minimal INTEGER for certain
        ):
            return version, head, kind, data[request_at:middle_at], first, second, [data[name_at:-2]], middle_at + 8
        return self._learn(data)

    def _learn(self, data: bytes) -> ReadRequest | None:
        request = decode_read(data, self._heads, self._names)
        if request is None:
            return None
        version, head, kind, request_id, first, second, names, bindings = request
        begin = 11 + data[6]
        request_at = begin - 2
        middle_at = request_at + len(request_id)
        # Of lengths in their short form alone is `begin` where the request-id's length ends.
        if (
            len(names) == 1
            and bindings == middle_at + 8
            and data[2 : 2 + len(head)] == head
            and data[request_at:middle_at] == request_id
        ):
            if len(self._shapes) >= self._most:
                self._shapes.clear()
            name_at = len(data) - 2 - len(names[0])
            middle = data[middle_at:name_at]
            self._shapes[data[:begin]] = (len(data), request_at, middle_at, name_at, middle, version, head, kind, first, second)
        return request


def decode_read(data: bytes, heads: Container[bytes], most: int) -> ReadRequest | None:
    """A GET, GETNEXT or GETBULK with one of these heads and up to `most` names and one more; None for anything else."""
    try:
        return _decode_read(data, heads, most)
    except IndexError:
        return None


def _decode_read(data: bytes, heads: Container[bytes], most: int) -> ReadRequest | None:
    end = len(data)
    if data[0] != 0x30:
        return None
    at = 2
    size = data[1]
    if size >= 0x80:
        size, at = _long_length(data, 1)
    if at + size != end or data[at] != 0x02 or data[at + 1] != 1:
        return None
    begin = at
    version = data[at + 2]
    if version > VERSION_2C or data[at + 3] != 0x04:
        return None
    size = data[at + 4]
    if size >= 0x80:
        return None
    at += 5 + size
    head = data[begin:at]
    if head not in heads:
        return None  # who asks comes before what is asked
    pdu = read_pdu(data, at, end, version, most)
    return None if pdu is None else (version, head, *pdu)


def read_pdu(data: bytes, at: int, end: int, version: int, most: int) -> ReadPdu | None:
    """The GET, GETNEXT or GETBULK in the octets from `at` to `end`, or None. Raises IndexError where the data end early.

    It is read up to the first name after `most` names.
    """
    kind = data[at]
    if kind not in (GET, GET_NEXT, GET_BULK) or (kind == GET_BULK and version == VERSION_1):
        return None
    begun = _begin_pdu(data, at, end)
    if begun is None:
        return None
    request_id, at = begun
    first = second = 0
    if kind == GET_BULK:
        for turn in (0, 1):
            size = data[at + 1]
            if data[at] != 0x02 or not 1 <= size <= 4:
                return None
            number = max(int.from_bytes(data[at + 2 : at + 2 + size], "big", signed=True), 0)  # RFC 3416 §4.2.3
            at += 2 + size
            if turn:
                second = number
            else:
                first = number
    elif data[at : at + 6] == b"\x02\x01\x00\x02\x01\x00":
        at += 6
    else:
        return None
    if data[at] != 0x30:
        return None
    size = data[at + 1]
    at += 2
    if size >= 0x80:
        size, at = _long_length(data, at - 1)
    if at + size != end:
        return None
    bindings = at
    names: list[bytes] = []
    while at < end:
        size = data[at + 1]
        if data[at] != 0x30 or size >= 0x80:
            return None
        name_size = data[at + 3]
        if data[at + 2] != 0x06 or name_size == 0 or size != name_size + 4 or at + 2 + size > end:
            return None
        stop = at + 4 + name_size
        if data[stop] != 0x05 or data[stop + 1] != 0:
            return None
        names.append(data[at + 4 : stop])
        if len(names) > most:
            break
        at = stop + 2
    return kind, request_id, first, second, names, bindings


def _begin_pdu(data: bytes, at: int, end: int) -> tuple[bytes, int] | None:
    """The whole request-id of a PDU that fills the octets from `at` to `end`, and where it ends."""
    size = data[at + 1]
    at += 2
    if size >= 0x80:
        size, at = _long_length(data, at - 1)
    if at + size != end or data[at] != 0x02:
        return None
    size = data[at + 1]
    if not 1 <= size <= 4:
        return None
    request_id = data[at : at + 2 + size]
    if size > 1 and ((request_id[2] == 0 and request_id[3] < 0x80) or (request_id[2] == 0xFF and request_id[3] >= 0x80)):
        return None
    return request_id, at + 2 + size


class SetPdu(NamedTuple):
    """A SET: the whole request-id, what is assigned (None where a name is none that can be), and where the bindings begin."""

    request_id: bytes
    assignments: list[Assignment] | None
    bindings: int


def set_pdu(data: bytes, at: int, end: int, most: int) -> SetPdu | None:
    """The SET that fills the octets from `at` to `end`, up to the first binding after `most` of them.

    None, IndexError or NotRecognisedError where it is not encoded as managers do it.
    """
    begun = _begin_pdu(data, at, end) if data[at] == SET else None
    if begun is None:
        return None
    request_id, at = begun
    if data[at : at + 6] != b"\x02\x01\x00\x02\x01\x00":
        return None
    at, stop = _minimal(data, at + 6, SEQUENCE)
    if stop != end:
        return None
    bindings, assignments = at, list[Assignment]()
    while at < end:
        at, stop = _minimal(data, at, SEQUENCE)
        name_at, name_end = _minimal(data, at, OBJECT_IDENTIFIER)
        tag = data[name_end]
        value_begin, value_end = _minimal(data, name_end, tag)
        if value_end != stop or stop > end:
            return None
        name = decode_name(data[name_at:name_end])
        read = _VALUES.get(tag)
        value = None if read is None else read(data[value_begin:value_end])
        if value is _OTHERWISE or read is None:
            return None
        if name is None:
            return SetPdu(request_id, None, bindings)
        assignments.append(Assignment(name, tag, value))
        if len(assignments) > most:
            break
        at = stop
    return SetPdu(request_id, assignments, bindings)


def request_pdu(data: bytes, at: int, end: int, version: int, most: int) -> ReadPdu | SetPdu | None:
    """The request that fills the octets from `at` to `end`, of whichever kind; None where it is not encoded as managers do it."""
    try:
        return set_pdu(data, at, end, most) if data[at] == SET else read_pdu(data, at, end, version, most)
    except (IndexError, NotRecognisedError):
        return None


_OTHERWISE = (-1,)  # equal to no value: the encoding is another one


def _number(most: int, signed: bool) -> Callable[[bytes], Value]:
    """A reader of minimally encoded numbers up to `most`, and from -most - 1 on if they may be negative."""

    def read(content: bytes) -> Value:
        size = len(content)
        if not 1 <= size <= 9 or (size > 1 and content[0] in (0, 0xFF) and (content[0] ^ content[1]) < 0x80):
            return _OTHERWISE
        value = int.from_bytes(content, "big", signed=True)
        return value if (-most - 1 if signed else 0) <= value <= most else _OTHERWISE

    return read


def _name(content: bytes) -> Value:
    name = decode_name(content)
    return _OTHERWISE if name is None else name


_VALUES: dict[int, Callable[[bytes], Value]] = {
    INTEGER: _number(0x7FFFFFFF, signed=True),
    OCTET_STRING: lambda content: content if len(content) <= 65535 else _OTHERWISE,
    OBJECT_IDENTIFIER: _name,
    IP_ADDRESS: lambda content: content if len(content) == 4 else _OTHERWISE,
    COUNTER32: _number(0xFFFFFFFF, signed=False),
    GAUGE32: _number(0xFFFFFFFF, signed=False),
    TIME_TICKS: _number(0xFFFFFFFF, signed=False),
    COUNTER64: _number(0xFFFFFFFFFFFFFFFF, signed=False),
}


def value_at(data: bytes, at: int, tag: int) -> tuple[int, int]:
    """Where the contents of the value of that tag at `at` begin and end. The end may lie beyond the data."""
    if data[at] != tag:
        raise NotRecognisedError
    size = data[at + 1]
    if size < 0x80:  # most are short: spelt out, for every message has ten of them
        return at + 2, at + 2 + size
    if not 0x81 <= size <= 0x84:  # RFC 3417 §8 (1): the definite form alone
        raise NotRecognisedError
    return content_at(data, at)


def number_at(data: bytes, at: int) -> tuple[int, int]:
    """The INTEGER at `at`, of 0 to 2147483647, and where it ends."""
    begin, end = value_at(data, at, INTEGER)
    if not begin < end <= len(data) or end - begin > 8:
        raise NotRecognisedError
    number = int.from_bytes(data[begin:end], "big", signed=True)
    if not 0 <= number <= 0x7FFFFFFF:
        raise NotRecognisedError
    return number, end


def _minimal(data: bytes, at: int, tag: int) -> tuple[int, int]:
    """As `value_at`, of a length in as few octets as can be. The end may lie beyond the data."""
    if data[at] != tag:
        raise NotRecognisedError
    size = data[at + 1]
    return (at + 2, at + 2 + size) if size < 0x80 else _spanned(*_long_length(data, at + 1))


def _spanned(size: int, at: int) -> tuple[int, int]:
    return at, at + size


def _long_length(data: bytes, at: int) -> tuple[int, int]:
    """A length in the long form at `at`, and where its contents begin; a length that no datagram has where it is malformed."""
    count = data[at] & 0x7F
    if not 1 <= count <= 2:
        return 0x1000000, at
    if data[at + 1] == 0 or (count == 1 and data[at + 1] < 0x80):
        return 0x1000000, at  # longer than necessary: left to pysnmp
    return int.from_bytes(data[at + 1 : at + 1 + count], "big"), at + 1 + count
