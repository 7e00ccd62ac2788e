"""Crypto room: the unfinished exchanges of an ISAKMP SA, and a decrypted message of one.

RFC 2408 §5 (processing, retransmission), RFC 2409 §5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import UnionType
from typing import TypeVar

from agent.crypto.dh import DhSecret
from agent.crypto.doi import ConfigurationType, Flag, NotifyType, Protocol
from agent.crypto.ike_events import SECOND, Phase2Result, QuickStart, RefusedError, Trouble
from agent.crypto.isakmp import Decoded, Header, MalformedMessageError
from agent.crypto.payloads import Hash, Nonce, Payload
from agent.crypto.states import QUICK_TRANSITIONS, Machine, QuickCause, QuickState, Role

# Seconds until a message is sent again, then again …; the last is how long an answer is waited for after the last copy.
RETRY_AFTER = tuple(seconds * SECOND for seconds in (2, 4, 8, 16, 20, 20))
ANSWER_WAIT = sum(RETRY_AFTER)  # how long a responder waits for an initiator that has all these tries
LINGER = 60 * SECOND  # how long an ended exchange is remembered, so that late copies are recognised

NONCE_OCTETS = 24
NONCE_LIMITS = range(8, 257)  # RFC 2409 §5

PayloadT = TypeVar("PayloadT", bound=Payload)


@dataclass(frozen=True, slots=True)
class Message:
    """A decrypted message. `plain` is what follows the header, padding included; `vector` is the IV for the next message."""

    header: Header
    plain: bytes
    payloads: tuple[Decoded, ...]
    vector: bytes = b""

    @property
    def committed(self) -> bool:
        """Whether it has the commit bit (RFC 2408 §3.1)."""
        return bool(self.header.flags & Flag.COMMIT)

    def find(self, kind: type[PayloadT]) -> PayloadT | None:
        return next((decoded.payload for decoded in self.payloads if isinstance(decoded.payload, kind)), None)

    def all(self, kind: type[PayloadT]) -> list[PayloadT]:
        return [decoded.payload for decoded in self.payloads if isinstance(decoded.payload, kind)]

    def body(self, kind: type[Payload], at: int = 0) -> bytes:
        """The body of the `at`th payload of a kind, as it was on the wire; MalformedMessageError where there is none."""
        bodies = [decoded.body for decoded in self.payloads if isinstance(decoded.payload, kind)]
        if at >= len(bodies):
            raise MalformedMessageError("a payload is missing")
        return bodies[at]

    def has(self, kind: type | UnionType) -> bool:
        return any(isinstance(decoded.payload, kind) for decoded in self.payloads)

    def need(self, kind: type[PayloadT]) -> PayloadT:
        """The one payload of a kind; MalformedMessageError where it is missing, `RefusedError` where there are several."""
        found = self.all(kind)
        if not found:
            raise MalformedMessageError("a payload is missing")
        if len(found) > 1:
            raise RefusedError(Trouble.ENCODING, NotifyType.PAYLOAD_MALFORMED)
        return found[0]

    def need_nonce(self) -> bytes:
        """The nonce, which has 8 to 256 octets (RFC 2409 §5)."""
        nonce = self.need(Nonce).data
        if len(nonce) not in NONCE_LIMITS:
            raise RefusedError(Trouble.ENCODING, NotifyType.PAYLOAD_MALFORMED)
        return nonce

    def after_hash(self) -> tuple[bytes, bytes]:
        """The HASH that begins the message, and the octets behind it up to the padding (RFC 2409 §5.5, §5.7)."""
        if not self.payloads or not isinstance(self.payloads[0].payload, Hash):
            raise MalformedMessageError("the message does not begin with a HASH")
        return self.payloads[0].body, self.plain[self.payloads[0].end : self.payloads[-1].end]


@dataclass(slots=True, eq=False)
class Dialogue:
    """The common state of exchanges: IV, last messages received and sent, and the time of the next action."""

    vector: bytes = b""
    heard: tuple[bytes, ...] = ()
    said: bytes = b""
    tries: int = 0
    due: int | None = None
    resend: bool = False  # the next action is a retransmission; else the exchange is given up or forgotten

    def wait(self, now: int, time: int = ANSWER_WAIT) -> None:
        """Set the next action after `time`, unless a message comes before."""
        self.due, self.resend = now + time, False

    def linger(self, now: int) -> None:
        """Remember the ended exchange for a while."""
        self.wait(now, LINGER)


@dataclass(slots=True, eq=False)
class QuickMode(Dialogue):
    """One quick mode (RFC 2409 §5.5); nonces without their payload headers."""

    message_id: int = 0
    initiator: bool = True
    start: QuickStart | None = None
    spis: dict[Protocol, bytes] = field(default_factory=dict)  # ours
    initiator_nonce: bytes = b""
    responder_nonce: bytes = b""
    secret: DhSecret | None = None
    result: Phase2Result | None = None
    committed: bool = False  # the peer is to say when its SAs are there (RFC 2408 §3.1)
    _machine: Machine[QuickState, QuickCause] = field(init=False)

    def __post_init__(self) -> None:
        self._machine = Machine(QUICK_TRANSITIONS, self.role, QuickState.QM_READY)

    @property
    def role(self) -> Role:
        return Role.INITIATOR if self.initiator else Role.RESPONDER

    @property
    def state(self) -> QuickState:
        return self._machine.state

    @property
    def under_way(self) -> bool:
        return self.state is not QuickState.QM_COMPLETE

    def happened(self, cause: QuickCause) -> None:
        self._machine.happened(cause)


@dataclass(slots=True, eq=False)
class Transaction(Dialogue):
    """One transaction exchange (draft-dukes-ike-mode-cfg-02 §3.1): a REQUEST and its REPLY, or a SET and its ACK.

    `begun` is the type that we have begun it with, None if the peer began. `answered`: ours has its answer. `identifier` is that of
    the peer's REQUEST or SET, which its answer repeats.
    """

    message_id: int = 0
    identifier: int = 0
    begun: ConfigurationType | None = None
    answered: bool = False

    @property
    def ours(self) -> bool:
        return self.begun is not None
