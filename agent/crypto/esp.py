"""Crypto room: ESP (RFC 2406, RFC 4303): one SA in one direction seals or opens the payload of a packet.

SPI | sequence | IV | cipher(payload | 1, 2, 3, … | pad length | next header) | ICV
"""

from __future__ import annotations

import struct
from hmac import compare_digest

from agent.crypto.ciphers import KeyedHash, PacketCipher, RandomSource
from agent.crypto.replay import Fault, PacketRefusedError, ReplayWindow, Sequence

_HEADER = struct.Struct(">II")
_NULL_BLOCK = 4  # RFC 4303 §2.4: the trailer ends on 4 octets even without a cipher
_PADDING = bytes(range(1, 256))
_TRAILERS = [_PADDING[:padding] + bytes((padding,)) for padding in range(256)]  # but for the next header
_OCTETS = [bytes((octet,)) for octet in range(256)]


class EspSa:
    """Names as IOS has them; None for a cipher or hash is "not used"."""

    __slots__ = ("_auth", "_cipher", "_icv", "_sequence", "_window", "spi")

    protocol = 50

    def __init__(self, spi: int, cipher: str | None, cipher_key: bytes, auth: str | None, auth_key: bytes, window: int = 0) -> None:
        self.spi = spi
        self._cipher = PacketCipher(cipher, cipher_key) if cipher not in (None, "null") else None
        self._auth = KeyedHash(auth, auth_key) if auth else None
        self._icv = self._auth.icv if self._auth else 0
        self._sequence = Sequence()
        # RFC 2406 §3.4.3: without authentication a sequence number says nothing.
        self._window = ReplayWindow(window if auth else 0)

    def sealed_octets(self, octets: int) -> int:
        """How many octets a payload of so many becomes."""
        block = self._cipher.block if self._cipher else 0
        return _HEADER.size + block + octets + 2 + -(octets + 2) % (block or _NULL_BLOCK) + self._icv

    def seal(self, next_header: int, payload: bytes, random: RandomSource) -> bytes:
        """The ESP packet's octets behind the IP header."""
        head = _HEADER.pack(self.spi, self._sequence.take())
        cipher = self._cipher
        padding = -(len(payload) + 2) % (cipher.block if cipher else _NULL_BLOCK)
        if cipher:
            seed = random.take(cipher.block)
            body = cipher.encrypt(b"".join((seed, payload, _TRAILERS[padding], _OCTETS[next_header])))
        else:
            body = b"".join((payload, _TRAILERS[padding], _OCTETS[next_header]))
        sealed = head + body
        return sealed + self._auth.check_value(sealed) if self._auth else sealed

    def open(self, octets: bytes) -> tuple[int, bytes]:
        """The next header and the payload; `PacketRefusedError` for a packet that must not pass."""
        end = len(octets) - self._icv
        if end < _HEADER.size + 2:
            raise PacketRefusedError(Fault.MALFORMED)
        sequence = _HEADER.unpack_from(octets)[1]
        self._window.check(sequence)
        if self._auth and not compare_digest(self._auth.check_value(octets[:end]), octets[end:]):
            raise PacketRefusedError(Fault.INTEGRITY)
        self._window.accept(sequence)
        body = octets[_HEADER.size : end]
        begin = 0
        if cipher := self._cipher:
            begin = cipher.block
            if len(body) < 2 * begin or len(body) % begin:
                raise PacketRefusedError(Fault.DECRYPT)
            body = cipher.decrypt(body)
        padding = body[-2]
        end = len(body) - 2 - padding
        if end < begin or body[end:-1] != _TRAILERS[padding]:
            raise PacketRefusedError(Fault.DECRYPT)
        return body[-1], body[begin:end]
