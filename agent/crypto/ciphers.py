"""Crypto room: ciphers, hashes and keyed hashes: the one file that knows the `cryptography` library's symmetric side.

RFC 2405 (DES-CBC), RFC 2451 (3DES-CBC), RFC 3602 (AES-CBC), RFC 2403/2404 (HMAC-MD5-96, HMAC-SHA-1-96), RFC 4868 (HMAC-SHA-2).
Algorithms go by their IOS names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, CipherContext, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

_KEYS_REMEMBERED = 64


class RandomSource(Protocol):
    """The source of nonces, cookies, SPIs, IVs and private values. A seeded one gives the same octets each run."""

    seeded: bool

    def take(self, count: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class CipherKind:
    """A block cipher in CBC mode; key lengths in octets, the default first."""

    name: str
    block: int
    key_lengths: tuple[int, ...]
    algorithm: Callable[[bytes], BlockCipherAlgorithm]


def _single_des(key: bytes) -> BlockCipherAlgorithm:
    """DES is triple DES under one key three times; the library has no other."""
    return TripleDES(key * 3)


CIPHERS = MappingProxyType(
    {
        "des": CipherKind("des", 8, (8,), _single_des),
        "3des": CipherKind("3des", 8, (24,), TripleDES),
        "aes": CipherKind("aes", 16, (16, 24, 32), AES),
    }
)


@dataclass(frozen=True, slots=True)
class HashKind:
    """A hash; `icv` is how many octets of its HMAC an ESP or AH packet carries."""

    name: str
    size: int
    icv: int
    algorithm: Callable[[], hashes.HashAlgorithm]


HASHES = MappingProxyType(
    {
        "md5": HashKind("md5", 16, 12, hashes.MD5),
        "sha": HashKind("sha", 20, 12, hashes.SHA1),
        "sha256": HashKind("sha256", 32, 16, hashes.SHA256),
        "sha384": HashKind("sha384", 48, 24, hashes.SHA384),
        "sha512": HashKind("sha512", 64, 32, hashes.SHA512),
    }
)


def key_octets(cipher: str, key_bits: int) -> int:
    """How long the key of a cipher is (DES counts 56 bits but takes 64)."""
    kind = CIPHERS[cipher]
    return key_bits // 8 if len(kind.key_lengths) > 1 and key_bits else kind.key_lengths[0]


class BlockCipher:
    """One key of a cipher in CBC mode. Octets must fill whole blocks.

    A new cipher context costs ten times as much as a packet, so each direction keeps one context for all messages. The state of CBC
    is the last block of cipher text. To encrypt, an XOR removes that block's effect. To decrypt, the IV is put before the message
    as the preceding block, and its output is dropped.
    """

    __slots__ = ("_algorithm", "_decryptor", "_encryptor", "_last", "block")

    def __init__(self, name: str, key: bytes) -> None:
        kind = CIPHERS[name]
        self.block = kind.block
        self._algorithm = kind.algorithm(key)
        self._encryptor: CipherContext | None = None
        self._decryptor: CipherContext | None = None
        self._last = 0  # the last block that was made

    def encrypt(self, vector: bytes, plain: bytes) -> bytes:
        block = self.block
        if not plain or len(plain) % block:
            raise ValueError("not whole blocks")
        if self._encryptor is None:
            self._encryptor = self._context().encryptor()
        first = int.from_bytes(plain[:block], "big") ^ int.from_bytes(vector, "big") ^ self._last
        made = self._encryptor.update(first.to_bytes(block, "big") + plain[block:])
        self._last = int.from_bytes(made[-block:], "big")
        return made

    def decrypt(self, vector: bytes, cipher: bytes) -> bytes:
        if len(cipher) % self.block:
            raise ValueError("not whole blocks")
        if self._decryptor is None:
            self._decryptor = self._context().decryptor()
        return self._decryptor.update(vector + cipher)[self.block :]

    def _context(self) -> Cipher[modes.CBC]:
        return Cipher(self._algorithm, modes.CBC(bytes(self.block)))


class PacketCipher:
    """One key of a cipher in CBC mode for packets that carry their IVs. Each direction is one chain over all packets.

    A random block is put before each packet. Its cipher text is the packet's IV, as unpredictable as an encrypted nonce (NIST SP
    800-38A, appendix C). The rest of the packet is encrypted in the same call.
    """

    __slots__ = ("_chain", "_decryptor", "_encryptor", "block")

    def __init__(self, name: str, key: bytes) -> None:
        kind = CIPHERS[name]
        self.block = kind.block
        self._chain = Cipher(kind.algorithm(key), modes.CBC(bytes(kind.block)))
        self._encryptor: CipherContext | None = None
        self._decryptor: CipherContext | None = None

    def encrypt(self, octets: bytes) -> bytes:
        """Takes a random block and blocks of plain text; returns the IV and the encrypted blocks."""
        if self._encryptor is None:
            self._encryptor = self._chain.encryptor()
        return self._encryptor.update(octets)

    def decrypt(self, octets: bytes) -> bytes:
        """Takes an IV and encrypted blocks; returns a meaningless block and the plain text."""
        if self._decryptor is None:
            self._decryptor = self._chain.decryptor()
        return self._decryptor.update(octets)


class KeyedHash:
    """HMAC with one key. The key schedule is made once and copied for each message."""

    __slots__ = ("_keyed", "icv")

    def __init__(self, name: str, key: bytes) -> None:
        kind = HASHES[name]
        self.icv = kind.icv
        self._keyed = hmac.HMAC(key, kind.algorithm())

    def check_value(self, octets: bytes) -> bytes:
        """The integrity check value that a packet carries."""
        context = self._keyed.copy()
        context.update(octets)
        return context.finalize()[: self.icv]


@lru_cache(_KEYS_REMEMBERED)
def _keyed(name: str, key: bytes) -> hmac.HMAC:
    """A key's schedule, which costs three times what a short message does: a negotiation uses each key several times."""
    return hmac.HMAC(key, HASHES[name].algorithm())


def digest(name: str, *parts: bytes) -> bytes:
    """The plain hash of the parts, joined."""
    context = hashes.Hash(HASHES[name].algorithm())
    for part in parts:
        context.update(part)
    return context.finalize()


def keyed_digest(name: str, key: bytes, *parts: bytes) -> bytes:
    """HMAC of the parts, joined: the prf of RFC 2409 §4 when none is negotiated."""
    context = _keyed(name, key).copy()
    for part in parts:
        context.update(part)
    return context.finalize()
