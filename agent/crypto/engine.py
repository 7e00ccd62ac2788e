"""Crypto room: the crypto engine of a device, which makes keys, encrypts and decrypts, and may fail."""

from __future__ import annotations


class CryptoEngine:
    """While `failed` is set, nothing can be keyed, encrypted or decrypted."""

    __slots__ = ("failed",)

    def __init__(self) -> None:
        self.failed = False
