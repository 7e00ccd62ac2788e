"""Crypto room: sequence numbers of ESP and AH: outbound numbers (RFC 4303 §3.3.3) and the anti-replay window (§3.4.3)."""

from __future__ import annotations

from enum import Enum

LAST_SEQUENCE = 0xFFFFFFFF


class Fault(Enum):
    """What is wrong with a packet to or from an SA."""

    MALFORMED = "malformed"
    REPLAY = "replayed or late"
    INTEGRITY = "not authentic"
    DECRYPT = "not decryptable"
    ROLLOVER = "sequence numbers used up"
    POLICY = "not what the SA is for"
    # Faults of our own crypto engine.
    NOT_ENCRYPTED = "not encrypted"
    NOT_SIGNED = "not signed"
    NOT_DECRYPTED = "not decrypted"
    NOT_VERIFIED = "not verified"


class PacketRefusedError(Exception):
    """A packet is refused."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class ReplayWindow:
    """Which of the last `size` sequence numbers were seen, as bits. Size 0 refuses nothing."""

    __slots__ = ("_mask", "_seen", "highest", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.highest = 0
        self._mask = (1 << size) - 1
        self._seen = 0  # bit n: highest - n

    def check(self, sequence: int) -> None:
        """Raises PacketRefusedError for a number that was seen, is left of the window, or is 0 (never sent)."""
        if sequence > self.highest or not self.size:
            return
        behind = self.highest - sequence
        if sequence == 0 or behind >= self.size or self._seen >> behind & 1:
            raise PacketRefusedError(Fault.REPLAY)

    def accept(self, sequence: int) -> None:
        """Mark the number of an authentic packet."""
        if not self.size:
            return
        ahead = sequence - self.highest
        if ahead > 0:
            self._seen = (self._seen << ahead | 1) & self._mask if ahead < self.size else 1
            self.highest = sequence
        else:
            self._seen |= 1 << -ahead


class Sequence:
    """The sequence numbers of one sender, from 1. They may not wrap."""

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last = 0

    def take(self) -> int:
        if self.last == LAST_SEQUENCE:
            raise PacketRefusedError(Fault.ROLLOVER)
        self.last += 1
        return self.last
