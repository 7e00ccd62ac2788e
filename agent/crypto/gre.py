"""Crypto room: GRE (RFC 2784): an IPv4 packet behind a header of four octets, or of eight where the sender adds a checksum.

It encrypts nothing; it is here beside the other headers. Keys and sequence numbers (RFC 2890) are not implemented.
"""

from __future__ import annotations

import struct

from agent.crypto.ip import BadPacketError, checksum

_HEADER = struct.Struct(">HH")
_CHECKSUM = 0x8000
_REFUSED = 0x7C00  # §2.3: bits 1 to 5 are RFC 1701's; a packet with one of them is to be discarded
_VERSION = 0x0007
_IPV4 = 0x0800
_PLAIN = _HEADER.pack(0, _IPV4)


def encode(packet: bytes) -> bytes:
    """An IPv4 packet with its GRE header, without a checksum."""
    return _PLAIN + packet


def decode(octets: bytes) -> bytes:
    """The IPv4 packet within; `BadPacketError` for what is no GRE that we know."""
    if len(octets) < _HEADER.size:
        raise BadPacketError("shorter than a GRE header")
    flags, kind = _HEADER.unpack_from(octets)
    if flags & (_REFUSED | _VERSION) or kind != _IPV4:
        raise BadPacketError("not GRE of version 0 that carries IPv4")
    if not flags & _CHECKSUM:
        return octets[_HEADER.size :]
    if len(octets) < 2 * _HEADER.size or checksum(octets):
        raise BadPacketError("the GRE checksum is wrong")
    return octets[2 * _HEADER.size :]
