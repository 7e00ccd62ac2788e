"""Snmp room: read requests in BER, decoded without a general parser (RFC 1157 §4, RFC 3416 §3, X.690).

Only what a manager ordinarily sends is recognised: definite lengths, minimal integers, NULL values. All else is not an error, it is
None: "not for the fast path".
"""

from __future__ import annotations

GET, GET_NEXT, GET_BULK = 0xA0, 0xA1, 0xA5
VERSION_1, VERSION_2C = 0, 1


# (version, head, kind, request-id, first, second, names, bindings): a plain tuple, for this is made for every datagram. `head` is
# what a response repeats, version and community; the request-id is its whole INTEGER; `first` and `second` are non-repeaters and
# max-repetitions, or 0; `names` are contents of OBJECT IDENTIFIERs, `bindings` where the variable bindings begin.
ReadRequest = tuple[int, bytes, int, bytes, int, int, list[bytes], int]
# The same from `kind` on: what a PDU alone says.
ReadPdu = tuple[int, bytes, int, int, list[bytes], int]

INTEGER, OCTET_STRING, SEQUENCE = 0x02, 0x04, 0x30
_NULL = b"\x05\x00"


class Decoder:
    """`decode_read`, remembering the shapes of what came before.

    A manager's requests for one object each differ in the request-id and the name, and all lengths follow from the first octets:
    those of the message, up to the request-id's length. What such a request shares with one seen before is compared, not decoded.
    """

    def __init__(self, most: int) -> None:
        self._most = most  # shapes that are remembered
        self._shapes: dict[bytes, tuple[int, int, int, int, bytes, int, bytes, int, int, int]] = {}

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
        request = decode_read(data)
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


def decode_read(data: bytes) -> ReadRequest | None:
    """A GET, GETNEXT or GETBULK of version 1 or 2c, or None for whatever else the octets are."""
    try:
        return _decode_read(data)
    except IndexError:
        return None


def _decode_read(data: bytes) -> ReadRequest | None:
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
    pdu = read_pdu(data, at, end, version)
    return None if pdu is None else (version, data[begin:at], *pdu)


def read_pdu(data: bytes, at: int, end: int, version: int) -> ReadPdu | None:
    """The GET, GETNEXT or GETBULK in the octets from `at` to `end`, or None. Raises IndexError where the data end early."""
    kind = data[at]
    if kind not in (GET, GET_NEXT, GET_BULK) or (kind == GET_BULK and version == VERSION_1):
        return None
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
    at += 2 + size
    first = second = 0
    if kind == GET_BULK:
        for turn in (0, 1):
            size = data[at + 1]
            if data[at] != 0x02 or not 1 <= size <= 4:
                return None
            number = int.from_bytes(data[at + 2 : at + 2 + size], "big", signed=True)
            if number < 0:  # outside the syntax of RFC 3416 §3
                return None
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
    names = []
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
        at = stop + 2
    return kind, request_id, first, second, names, bindings


class NotRecognisedError(Exception):
    """What stands there is not what was looked for, or not as managers encode it."""


def value_at(data: bytes, at: int, tag: int) -> tuple[int, int]:
    """Where the contents of the value of that tag at `at` begin and end. The end may lie beyond the data."""
    if data[at] != tag:
        raise NotRecognisedError
    size = data[at + 1]
    at += 2
    if size >= 0x80:
        size, at = _long_length(data, at - 1)
    return at, at + size


def number_at(data: bytes, at: int) -> tuple[int, int]:
    """The INTEGER at `at`, of 0 to 2147483647 in as few octets as can be, and where it ends."""
    size = data[at + 1]
    first = data[at + 2]
    if data[at] != INTEGER or not 1 <= size <= 4 or first >= 0x80 or (size > 1 and first == 0 and data[at + 3] < 0x80):
        raise NotRecognisedError
    end = at + 2 + size
    return int.from_bytes(data[at + 2 : end], "big"), end


def _long_length(data: bytes, at: int) -> tuple[int, int]:
    """A length in the long form at `at`, and where its contents begin; a length that no datagram has where it is malformed."""
    count = data[at] & 0x7F
    if not 1 <= count <= 2:
        return 0x1000000, at
    if data[at + 1] == 0 or (count == 1 and data[at + 1] < 0x80):
        return 0x1000000, at  # longer than need be: pysnmp's affair
    return int.from_bytes(data[at + 1 : at + 1 + count], "big"), at + 1 + count
