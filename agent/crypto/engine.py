"""Crypto room: the crypto engine of a device: what keys, seals and opens for it, and may fail to."""

from __future__ import annotations


class CryptoEngine:
    """While it has `failed`, nothing can be keyed, sealed or opened."""

    __slots__ = ("failed",)

    def __init__(self) -> None:
        self.failed = False
