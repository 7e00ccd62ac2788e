"""Config room: the public keys by which SSH users log in: read from `key-string` text, kept as IOS keeps them, as a hash.

A key is a blob of RFC 4253 §6.6, whose first string names its kind. IOS keeps its MD5 digest (RFC 4716 §4's fingerprint).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

KINDS = ("ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")

_MOST_WORDS = 100  # of a text; an RSA key of 4096 bits has 716 characters


@dataclass(frozen=True, slots=True)
class KeyHash:
    """`key-hash KIND DIGEST [COMMENT]`: `digest` is 32 hexadecimal digits, in capitals."""

    kind: str
    digest: str
    comment: str = ""

    def matches(self, blob: bytes) -> bool:
        """Whether this is the hash of a key."""
        return (self.kind, self.digest) == (kind_of(blob), _digest(blob))

    @property
    def text(self) -> str:
        return f"key-hash {self.kind} {self.digest} {self.comment}".rstrip()


def kind_of(blob: bytes) -> str | None:
    """The kind of a key, None of one that is none of `KINDS`."""
    if len(blob) < 4:
        return None
    (length,) = struct.unpack_from(">I", blob)
    name = blob[4 : 4 + length].decode("latin-1") if length <= len(blob) - 4 else ""
    return name if name in KINDS else None


def key_of_text(text: str) -> KeyHash | None:
    """The key in lines of text: Base64, which may be cut anywhere, or a line of OpenSSH's `.pub` file. None if there is none."""
    words = text.split()[: _MOST_WORDS + 1]
    if words and words[0] in KINDS:
        words = words[1:]
    for end in range(len(words), 0, -1):  # what follows the key is a comment
        blob = _blob("".join(words[:end]))
        kind = kind_of(blob) if blob is not None and _is_whole(blob) else None
        if blob is not None and kind is not None:
            return KeyHash(kind, _digest(blob), " ".join(words[end:]))
    return None


def _digest(blob: bytes) -> str:
    return hashlib.md5(blob, usedforsecurity=False).hexdigest().upper()


def _blob(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _is_whole(blob: bytes) -> bool:
    """Whether a blob is strings (RFC 4251 §5) from its first to its last octet, and more than one."""
    at = count = 0
    while at + 4 <= len(blob):
        (length,) = struct.unpack_from(">I", blob, at)
        at += 4 + length
        count += 1
    return at == len(blob) and count > 1
