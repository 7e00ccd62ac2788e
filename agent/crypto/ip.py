"""Crypto room: IPv4 headers (RFC 791), ICMP echo (RFC 792) and UDP (RFC 768), built and read, with their checksums.

Addresses are integers, because a packet path makes millions of them, and an `ipaddress` object costs more than the rest of a
header. A fragment is a packet here; `fragments` makes and reassembles them.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

ICMP, IP_IN_IP, TCP, UDP, GRE, ESP, AH = 1, 4, 6, 17, 47, 50, 51
HEADER_OCTETS = 20
UDP_OCTETS = 8
DEFAULT_TTL = 255

_HEADER = struct.Struct(">BBHHHBBHII")
_UDP = struct.Struct(">HHHH")
_ECHO = struct.Struct(">BBHHH")
_OFFSET = 0x1FFF  # in units of 8 octets
DONT_FRAGMENT, MORE_FRAGMENTS = 0x4000, 0x2000  # of the flags
_FRAGMENT = MORE_FRAGMENTS | _OFFSET
LARGEST = 65535  # octets of a packet

ECHO_REPLY, ECHO_REQUEST = 0, 8
_UNREACHABLE, _TOO_BIG = 3, 4  # type and code
_TIME_EXCEEDED = 11
UNKNOWN_PORT = -1


class BadPacketError(Exception):
    """The octets are not a packet that can be read."""


class Packet(NamedTuple):
    """One IPv4 packet, or a fragment of one; `length` is of the whole, `offset` that of a fragment, in octets."""

    source: int
    destination: int
    protocol: int
    payload: bytes
    ttl: int = DEFAULT_TTL
    tos: int = 0
    identification: int = 0
    flags: int = 0
    options: bytes = b""

    @property
    def length(self) -> int:
        return HEADER_OCTETS + len(self.options) + len(self.payload)

    @property
    def fragmented(self) -> bool:
        return bool(self.flags & _FRAGMENT)

    @property
    def offset(self) -> int:
        return (self.flags & _OFFSET) * 8

    def encode(self) -> bytes:
        source, destination, options = self.source, self.destination, self.options
        first = 0x40 | 5 + len(options) // 4
        length = HEADER_OCTETS + len(options) + len(self.payload)
        # The sum of the header's words, as numbers (RFC 1071): cheaper than to pack it twice.
        total = (first << 8) + self.tos + length + self.identification + self.flags + (self.ttl << 8) + self.protocol
        total += (source >> 16) + (source & 0xFFFF) + (destination >> 16) + (destination & 0xFFFF)
        if options:
            total += int.from_bytes(options, "big") % 0xFFFF
        header = _HEADER.pack(
            first,
            self.tos,
            length,
            self.identification,
            self.flags,
            self.ttl,
            self.protocol,
            ~(total % 0xFFFF or 0xFFFF) & 0xFFFF,
            source,
            destination,
        )
        return b"".join((header, options, self.payload))


def checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071) of octets whose checksum field is zero; of a whole good header it is 0.

    The ones' complement sum of 16-bit words is the whole number modulo 65535, whose zero is written as all ones.
    """
    if len(octets) % 2:
        octets += b"\0"
    whole = int.from_bytes(octets, "big")
    return ~(whole % 0xFFFF or 0xFFFF) & 0xFFFF if whole else 0xFFFF


def decode(octets: bytes) -> Packet:
    """Read a packet; `BadPacketError` for one cut short, or corrupted in its header."""
    if len(octets) < HEADER_OCTETS:
        raise BadPacketError("shorter than a header")
    first, tos, length, identification, flags, ttl, protocol, _, source, destination = _HEADER.unpack_from(octets)
    header = (first & 15) * 4
    if first >> 4 != 4 or header < HEADER_OCTETS or length != len(octets) or length < header:
        raise BadPacketError("not an IPv4 header")
    if int.from_bytes(octets[:header], "big") % 0xFFFF:
        raise BadPacketError("the header's checksum is wrong")
    payload = octets[header:]
    return Packet(source, destination, protocol, payload, ttl, tos, identification, flags, octets[HEADER_OCTETS:header])


# --- UDP ---


class Datagram(NamedTuple):
    source_port: int
    destination_port: int
    data: bytes


def _pseudo_header(source: int, destination: int, length: int) -> bytes:
    return struct.pack(">IIBBH", source, destination, 0, UDP, length)


def encode_udp(source: int, destination: int, datagram: Datagram, summed: bool = True) -> bytes:
    """A datagram's octets; not `summed`, its checksum is 0, which means that there is none."""
    length = UDP_OCTETS + len(datagram.data)
    if not summed:
        return _UDP.pack(datagram.source_port, datagram.destination_port, length, 0) + datagram.data
    header = _UDP.pack(datagram.source_port, datagram.destination_port, length, 0)
    total = checksum(_pseudo_header(source, destination, length) + header + datagram.data) or 0xFFFF
    return _UDP.pack(datagram.source_port, datagram.destination_port, length, total) + datagram.data


def decode_udp(packet: Packet) -> Datagram:
    octets = packet.payload
    if len(octets) < UDP_OCTETS:
        raise BadPacketError("shorter than a UDP header")
    source_port, destination_port, length, total = _UDP.unpack_from(octets)
    if length != len(octets):
        raise BadPacketError("a UDP length that is not the packet's")
    if total and checksum(_pseudo_header(packet.source, packet.destination, length) + octets):
        raise BadPacketError("the UDP checksum is wrong")
    return Datagram(source_port, destination_port, octets[UDP_OCTETS:])


# --- ICMP echo ---


class Echo(NamedTuple):
    request: bool
    identifier: int
    sequence: int
    data: bytes


def encode_echo(echo: Echo) -> bytes:
    kind = ECHO_REQUEST if echo.request else ECHO_REPLY
    header = _ECHO.pack(kind, 0, 0, echo.identifier, echo.sequence)
    return _ECHO.pack(kind, 0, checksum(header + echo.data), echo.identifier, echo.sequence) + echo.data


def decode_echo(octets: bytes) -> Echo | None:
    """An echo request or reply; None for any other ICMP message."""
    if len(octets) < _ECHO.size:
        raise BadPacketError("shorter than an ICMP header")
    if checksum(octets):
        raise BadPacketError("the ICMP checksum is wrong")
    kind, code, _, identifier, sequence = _ECHO.unpack_from(octets)
    if code or kind not in (ECHO_REQUEST, ECHO_REPLY):
        return None
    return Echo(kind == ECHO_REQUEST, identifier, sequence, octets[_ECHO.size :])


def encode_too_big(packet: Packet, mtu: int) -> bytes:
    """ICMP's "fragmentation needed and DF set" about a packet, with the MTU that it was too big for (RFC 1191 §4)."""
    return _encode_error(_UNREACHABLE, _TOO_BIG, packet, mtu)


def encode_time_exceeded(packet: Packet) -> bytes:
    """ICMP's "time to live exceeded in transit" about a packet (RFC 792)."""
    return _encode_error(_TIME_EXCEEDED, 0, packet)


def _encode_error(kind: int, code: int, packet: Packet, last: int = 0) -> bytes:
    """An ICMP error with the beginning of the packet that it is about; `last` is the last field of its header."""
    about = packet.encode()[: HEADER_OCTETS + len(packet.options) + 8]
    header = _ECHO.pack(kind, code, 0, 0, last)
    return _ECHO.pack(kind, code, checksum(header + about), 0, last) + about


def is_icmp_error(packet: Packet) -> bool:
    return packet.protocol == ICMP and packet.payload[:1] not in (b"\0", b"\x08")


def expired_echo(octets: bytes) -> tuple[int, int] | None:
    """The identifier and sequence of the echo request that a "time exceeded" message is about; None for any other message."""
    if len(octets) < _ECHO.size or octets[0] != _TIME_EXCEEDED or checksum(octets):
        return None
    about = octets[_ECHO.size :]
    start = (about[0] & 15) * 4 if about else 0
    if start < HEADER_OCTETS or len(about) < start + _ECHO.size or about[9] != ICMP or about[start] != ECHO_REQUEST:
        return None
    identifier, sequence = struct.unpack_from(">HH", about, start + 4)
    return identifier, sequence


def ports(packet: Packet) -> tuple[int, int]:
    """Source and destination port of TCP and UDP, 0 for what has none; of a fragment behind the first they are not known."""
    if packet.flags & _OFFSET and packet.protocol in (TCP, UDP):
        return UNKNOWN_PORT, UNKNOWN_PORT
    if packet.protocol in (TCP, UDP) and len(packet.payload) >= 4:
        source, destination = struct.unpack_from(">HH", packet.payload)
        return source, destination
    return 0, 0
