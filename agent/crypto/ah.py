"""Crypto room: AH (RFC 2402, RFC 4302): one SA in one direction signs or verifies a whole packet.

The ICV covers the IP header, too. Fields that routers may change count as zero (RFC 4302 §3.3.3.1.1): TOS, flags, fragment offset,
TTL, checksum, and options.
"""

from __future__ import annotations

import struct
from hmac import compare_digest

from agent.crypto import ip
from agent.crypto.ciphers import KeyedHash
from agent.crypto.replay import Fault, PacketRefusedError, ReplayWindow, Sequence

_HEADER = struct.Struct(">BBHII")
_IMMUTABLE = struct.Struct(">BBHHHBBHII")


class AhSa:
    """`auth` as IOS names it."""

    __slots__ = ("_auth", "_sequence", "_window", "spi")

    protocol = 51

    def __init__(self, spi: int, auth: str, auth_key: bytes, window: int = 0) -> None:
        self.spi = spi
        self._auth = KeyedHash(auth, auth_key)
        self._sequence = Sequence()
        self._window = ReplayWindow(window)

    def sealed_octets(self, octets: int) -> int:
        """How many octets a payload of so many becomes."""
        return _HEADER.size + self._auth.icv + octets

    def seal(self, next_header: int, payload: bytes, outer: ip.Packet) -> bytes:
        """The AH header and the payload behind it; `outer` is the packet's header (its protocol and payload do not matter)."""
        icv = self._auth.icv
        head = _HEADER.pack(next_header, (_HEADER.size + icv) // 4 - 2, 0, self.spi, self._sequence.take())
        covered = _covered(outer, _HEADER.size + icv + len(payload))
        return b"".join((head, self._auth.check_value(b"".join((covered, head, bytes(icv), payload))), payload))

    def open(self, packet: ip.Packet) -> tuple[int, bytes]:
        """The next header and the payload; `PacketRefusedError` for a packet that must not pass."""
        octets, icv = packet.payload, self._auth.icv
        behind = _HEADER.size + icv
        if len(octets) < behind:
            raise PacketRefusedError(Fault.MALFORMED)
        next_header, words, _, _, sequence = _HEADER.unpack_from(octets)
        if (words + 2) * 4 != behind:
            raise PacketRefusedError(Fault.INTEGRITY)  # an ICV of a wrong length proves nothing
        self._window.check(sequence)
        covered = _covered(packet, len(octets))
        mine = self._auth.check_value(b"".join((covered, octets[: _HEADER.size], bytes(icv), octets[behind:])))
        if not compare_digest(mine, octets[_HEADER.size : behind]):
            raise PacketRefusedError(Fault.INTEGRITY)
        self._window.accept(sequence)
        return next_header, octets[behind:]


def _covered(outer: ip.Packet, payload_octets: int) -> bytes:
    header = ip.HEADER_OCTETS + len(outer.options)
    return _IMMUTABLE.pack(
        0x40 | header // 4,
        0,
        header + payload_octets,
        outer.identification,
        0,
        0,
        ip.AH,
        0,
        outer.source,
        outer.destination,
    ) + bytes(len(outer.options))
