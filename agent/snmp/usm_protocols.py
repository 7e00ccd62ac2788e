"""Snmp room: USM's authentication and privacy protocols under the localised keys of one user, as the fast path applies them.

HMAC-MD5-96 and HMAC-SHA-96 (RFC 3414 §6, §7), HMAC-SHA-2 (RFC 7860 §4), CBC-DES (RFC 3414 §8), CFB128-AES (RFC 3826 §3); and by the
drafts that IOS follows, 3DES-EDE in CBC mode and AES with longer keys. Protocols go by their names in the configuration. Keys come
from pysnmp, which has localised them.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB

SALT_SIZE = 8  # octets of msgPrivacyParameters, with every cipher here
_DES_BLOCK = 8  # octets of a block of DES and of 3DES
_AES_BLOCK = 16

# Of an authentication protocol the hash, and how many octets of its HMAC a message carries.
_HASHES: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "md5": ("md5", 12),
        "sha": ("sha1", 12),
        "sha224": ("sha224", 16),
        "sha256": ("sha256", 24),
        "sha384": ("sha384", 32),
        "sha512": ("sha512", 48),
    }
)


@dataclass(frozen=True, slots=True)
class Authentication:
    """An authentication protocol with a key; a digest has `size` octets."""

    hash: str
    size: int
    key: bytes

    def digest(self, message: bytes) -> bytes:
        """The msgAuthenticationParameters of a whole message that has zeros in their place."""
        return hmac.digest(self.key, message, self.hash)[: self.size]


class UnusableUserError(Exception):
    """An unknown user, or one without keys for a security level. `str()` is the text for an operator."""


class SaltCounter(Protocol):
    """A counter of salts with a random start: pysnmp's service of a privacy protocol.

    Both paths use it, so that no IV is used twice with a key (RFC 3414 §8.1.1.1, RFC 3826 §3.1.4.1).
    """

    local_int: int


class Privacy(Protocol):
    """A privacy protocol with a key. Boots and time are those of the message, the salt is its msgPrivacyParameters."""

    def encrypt(self, boots: int, time: int, plain: bytes) -> tuple[bytes, bytes]:
        """A scopedPDU encrypted, and the salt."""

    def decrypt(self, boots: int, time: int, salt: bytes, octets: bytes) -> bytes:
        """The scopedPDU, perhaps with padding after it; empty if the octets cannot be cipher text."""


class CbcPrivacy:
    """DES and 3DES in CBC mode. The IV is the salt XOR a secret of the key (RFC 3414 §8.1.1.1)."""

    __slots__ = ("_algorithm", "_counter", "_secret")

    def __init__(self, algorithm: BlockCipherAlgorithm, secret: bytes, counter: SaltCounter) -> None:
        self._algorithm = algorithm
        self._secret = int.from_bytes(secret, "big")
        self._counter = counter

    def encrypt(self, boots: int, time: int, plain: bytes) -> tuple[bytes, bytes]:
        salt = boots.to_bytes(4, "big") + _count(self._counter, 4)
        # A whole block of padding where none is needed: so do pysnmp and net-snmp.
        padded = plain + bytes(_DES_BLOCK - len(plain) % _DES_BLOCK)
        return self._cipher(salt).encryptor().update(padded), salt

    def decrypt(self, boots: int, time: int, salt: bytes, octets: bytes) -> bytes:
        return b"" if len(octets) % _DES_BLOCK else self._cipher(salt).decryptor().update(octets)

    def _cipher(self, salt: bytes) -> Cipher[CBC]:
        vector = int.from_bytes(salt, "big") ^ self._secret
        return Cipher(self._algorithm, CBC(vector.to_bytes(_DES_BLOCK, "big")))


class CfbPrivacy:
    """AES in CFB mode. The IV is boots, time and salt (RFC 3826 §3.1.2.1).

    A new cipher context costs several times as much as a message. So each direction keeps one context for all messages. The state
    of CFB is the last block of cipher text. To decrypt, the IV is put before the message as that block. To encrypt, a block is put
    before the message whose cipher text is the IV: the IV XOR the encrypted block before it.
    """

    __slots__ = ("_block", "_counter", "_decryptor", "_encryptor", "_last")

    def __init__(self, key: bytes, counter: SaltCounter) -> None:
        algorithm = AES(key)
        self._block = Cipher(algorithm, ECB()).encryptor()
        self._encryptor = Cipher(algorithm, CFB(bytes(_AES_BLOCK))).encryptor()
        self._decryptor = Cipher(algorithm, CFB(bytes(_AES_BLOCK))).decryptor()
        self._last = bytes(_AES_BLOCK)  # the last block that the encryptor made
        self._counter = counter

    def encrypt(self, boots: int, time: int, plain: bytes) -> tuple[bytes, bytes]:
        salt = _count(self._counter, 8)
        vector = int.from_bytes(_vector(boots, time, salt), "big") ^ int.from_bytes(self._block.update(self._last), "big")
        made = self._encryptor.update(vector.to_bytes(_AES_BLOCK, "big") + plain + bytes(-len(plain) % _AES_BLOCK))
        self._last = made[-_AES_BLOCK:]
        return made[_AES_BLOCK : _AES_BLOCK + len(plain)], salt

    def decrypt(self, boots: int, time: int, salt: bytes, octets: bytes) -> bytes:
        whole = _vector(boots, time, salt) + octets + bytes(-len(octets) % _AES_BLOCK)
        return self._decryptor.update(whole)[_AES_BLOCK : _AES_BLOCK + len(octets)]


_CIPHERS: Mapping[str, Callable[[bytes, SaltCounter], Privacy]] = MappingProxyType(
    {
        "des": lambda key, counter: CbcPrivacy(TripleDES(key[:8] * 3), key[8:16], counter),  # DES is 3DES of one key three times
        "3des": lambda key, counter: CbcPrivacy(TripleDES(key[:24]), key[24:32], counter),
        "aes128": CfbPrivacy,
        "aes192": CfbPrivacy,
        "aes256": CfbPrivacy,
    }
)


@dataclass(frozen=True, slots=True)
class Protection:
    """What a message has at one security level: nothing at noAuthNoPriv, no privacy at authNoPriv."""

    authentication: Authentication | None = None
    privacy: Privacy | None = None


Levels = Mapping[str, Protection]  # by a level's name in the configuration: "noauth", "auth", "priv"


def levels_of(authentication: Authentication | None, privacy: Privacy | None) -> Levels:
    """The levels that a user with these protocols has, the lower ones too (RFC 3414 §3.2, step 5)."""
    levels = {"noauth": Protection()}
    if authentication is not None:
        levels["auth"] = Protection(authentication)
        if privacy is not None:
            levels["priv"] = Protection(authentication, privacy)
    return levels


def authentication(name: str, key: bytes) -> Authentication:
    """The authentication protocol of that name with a localised key."""
    return Authentication(*_HASHES[name], key)


def privacy(name: str, key: bytes, counter: SaltCounter) -> Privacy:
    """The privacy protocol of that name with a localised key."""
    return _CIPHERS[name](key, counter)


def _count(counter: SaltCounter, size: int) -> bytes:
    """The next number of a counter of so many octets."""
    number = counter.local_int
    counter.local_int = (number + 1) % (1 << 8 * size)
    return number.to_bytes(size, "big")


def _vector(boots: int, time: int, salt: bytes) -> bytes:
    return (boots << 32 | time).to_bytes(8, "big") + salt
