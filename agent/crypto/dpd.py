"""Crypto room: dead peer detection (RFC 3706): when to send an R-U-THERE to the peer of an ISAKMP SA, and when the peer is lost.

An R-U-THERE has a sequence number, and the R-U-THERE-ACK repeats it. Anything else authentic from the peer, such as an IPsec
packet, counts as an answer too (§5.5). As on IOS, an unanswered R-U-THERE is sent again every `retry`, five times unless the terms
differ.
"""

from __future__ import annotations

from dataclasses import dataclass

RETRIES = 5
_SEQUENCE_OCTETS = 4
_MODULUS = 1 << 32


@dataclass(frozen=True, slots=True)
class DpdTerms:
    """Times in microseconds. Periodic asks every `interval`; on demand asks only before sending, after an `interval` of silence."""

    interval: int
    retry: int
    periodic: bool
    retries: int = RETRIES


class Dpd:
    """The state of dead peer detection at one end. The owner calls `fell_due` at `due`."""

    __slots__ = ("_asked", "_heard_at", "_sequence", "due", "terms")

    def __init__(self, terms: DpdTerms, seed: bytes, now: int) -> None:
        self.terms = terms
        self._heard_at = now
        self._asked = 0  # R-U-THEREs since the peer was last heard
        # RFC 3706 §6.2: the first number is random, with its high bit clear.
        self._sequence = int.from_bytes(seed[:_SEQUENCE_OCTETS], "big") >> 1
        self.due: int | None = None
        self._rest(now)

    @property
    def waiting(self) -> bool:
        """Whether a question is open."""
        return bool(self._asked)

    def heard(self, now: int) -> None:
        """Something authentic came from the peer."""
        self._heard_at = now
        if self._asked:
            self._asked = 0
            self._rest(now)

    def acknowledged(self, data: bytes, now: int) -> None:
        """An answer came; it counts if it is to a question that is open (§6.2)."""
        behind = (self._sequence - int.from_bytes(data, "big")) % _MODULUS
        if len(data) == _SEQUENCE_OCTETS and behind < self._asked:
            self.heard(now)

    def about_to_send(self, now: int) -> bytes | None:
        """Something is to be sent. If the peer has been silent, returns the number of an R-U-THERE to send as well."""
        if self.terms.periodic or self._asked or now - self._heard_at < self.terms.interval:
            return None
        return self._ask(now)

    def fell_due(self, now: int) -> bytes | None:
        """The sequence number of the next R-U-THERE; None if there have been enough, and the peer is lost."""
        return self._ask(now) if self._asked <= self.terms.retries else None

    def _ask(self, now: int) -> bytes:
        self._asked += 1
        self._sequence = (self._sequence + 1) % _MODULUS
        self.due = now + self.terms.retry
        return self._sequence.to_bytes(_SEQUENCE_OCTETS, "big")

    def _rest(self, now: int) -> None:
        self.due = now + self.terms.interval if self.terms.periodic else None
