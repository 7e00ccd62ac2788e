"""Config room: compares a typed password with the configured one, in each of IOS's encodings; reveals keys that can be revealed.

0 plain; 5 the MD5 scheme of FreeBSD's crypt ("$1$"); 7 the reversible one; 8 PBKDF2 with SHA-256 (RFC 8018) and 9 scrypt
(RFC 7914), with IOS's parameters.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from agent.base.text import octets_of, text_of

_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TYPE_7_KEY = b"dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87"


def password_matches(typed: str, stored: str, encoding: int) -> bool:
    """Whether `typed` is the password that is `stored` in an encoding. A malformed stored text matches nothing."""
    try:
        encoded = _ENCODERS[encoding](typed, stored)
    except (KeyError, ValueError, IndexError):
        return False
    return hmac.compare_digest(octets_of(encoded), octets_of(stored))


def revealed(stored: str, encoding: int) -> str | None:
    """The password that is stored in an encoding that can be undone (0 or 7); None of another one, or of a malformed text."""
    if encoding == 0:
        return stored
    try:
        start, encoded = int(stored[:2]), bytes.fromhex(stored[2:])
    except ValueError:
        return None
    if encoding != 7 or start < 0:
        return None
    return text_of(bytes(each ^ _TYPE_7_KEY[(start + at) % len(_TYPE_7_KEY)] for at, each in enumerate(encoded)))


def _plain(typed: str, stored: str) -> str:
    return typed


def _md5_crypt(typed: str, stored: str) -> str:
    _, scheme, salt_text, _ = stored.split("$")
    if scheme != "1":
        raise ValueError(scheme)
    password, salt = octets_of(typed), octets_of(salt_text)
    inner = hashlib.md5(password + salt + password).digest()
    mixed = password + b"$1$" + salt + (inner * (len(password) // 16 + 1))[: len(password)]
    length = len(password)
    while length:
        mixed += b"\0" if length & 1 else password[:1]
        length >>= 1
    digest = hashlib.md5(mixed).digest()
    for turn in range(1000):
        block = password if turn & 1 else digest
        block += salt if turn % 3 else b""
        block += password if turn % 7 else b""
        block += digest if turn & 1 else password
        digest = hashlib.md5(block).digest()
    return f"$1${salt_text}${_md5_letters(digest)}"


def _md5_letters(digest: bytes) -> str:
    letters = ""
    for group in ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)):
        letters += _six_bits(int.from_bytes(bytes(digest[at] for at in group), "big"), 4)
    return letters + _six_bits(digest[11], 2)


def _six_bits(value: int, count: int) -> str:
    return "".join(_ALPHABET[value >> 6 * at & 0x3F] for at in range(count))


def _reversible(typed: str, stored: str) -> str:
    start = int(stored[:2])
    password = octets_of(typed)
    key = bytes(_TYPE_7_KEY[(start + at) % len(_TYPE_7_KEY)] for at in range(len(password)))
    encoded = bytes(letter ^ each for letter, each in zip(password, key, strict=True)).hex()
    return stored[:2] + (encoded.upper() if stored == stored.upper() else encoded)


def _pbkdf2(typed: str, stored: str) -> str:
    _, _, salt, _ = stored.split("$")
    return f"$8${salt}${_letters(hashlib.pbkdf2_hmac('sha256', octets_of(typed), octets_of(salt), 20000))}"


def _scrypt(typed: str, stored: str) -> str:
    _, _, salt, _ = stored.split("$")
    return f"$9${salt}${_letters(hashlib.scrypt(octets_of(typed), salt=octets_of(salt), n=16384, r=1, p=1, dklen=32))}"


def _letters(octets: bytes) -> str:
    return base64.b64encode(octets).decode().rstrip("=").translate(str.maketrans(_BASE64, _ALPHABET))


_ENCODERS: dict[int, Callable[[str, str], str]] = {0: _plain, 5: _md5_crypt, 7: _reversible, 8: _pbkdf2, 9: _scrypt}
