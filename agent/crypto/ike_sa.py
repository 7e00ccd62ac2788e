"""Crypto room: one ISAKMP SA: its state, its keys, and how its messages are sealed, opened, sent and sent again.

RFC 2408 §5 (processing, retransmission), RFC 2409 §5 and appendix B (encryption, vectors). The exchanges themselves are in
main_mode, quick_mode and informational; `ikev1` drives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hmac import compare_digest
from types import UnionType
from typing import TypeVar

from agent.crypto.certificates import Credential
from agent.crypto.ciphers import BlockCipher, RandomSource, keyed_digest
from agent.crypto.dh import DhSecret
from agent.crypto.doi import ConfigurationType, Exchange, Flag, NotifyType, Protocol
from agent.crypto.dpd import Dpd
from agent.crypto.engine import CryptoEngine
from agent.crypto.ike_events import (
    NO_REMOTE_ACCESS,
    SECOND,
    Decisions,
    EngineFailed,
    IkeCount,
    IkeEvent,
    Phase2Failed,
    Phase2Result,
    QuickStart,
    QuickState,
    RefusedError,
    Role,
    State,
    Tally,
    Trouble,
)
from agent.crypto.isakmp import (
    HEADER_LENGTH,
    NO_COOKIE,
    Decoded,
    Header,
    MalformedMessageError,
    decode_payloads,
    encode_payloads,
    put_before,
)
from agent.crypto.keys import Phase1Keys, exchange_vector
from agent.crypto.nat_traversal import Ends, NatSituation, NatTraversal
from agent.crypto.payloads import Delete, Hash, Identification, Nonce, Notification, Payload
from agent.crypto.proposals import Phase1Policy
from agent.crypto.udp_encapsulation import NON_ESP_MARKER
from agent.crypto.vendor import PeerTraits

# Seconds until a message is sent again, then again …; the last is how long an answer is waited for after the last copy.
RETRY_AFTER = tuple(seconds * SECOND for seconds in (2, 4, 8, 16, 20, 20))
ANSWER_WAIT = sum(RETRY_AFTER)  # how long a responder waits for an initiator that has all these tries
LINGER = 60 * SECOND  # how long what is over is remembered, so that late copies are known for what they are
ABOUT_OVER = 10 * SECOND  # what is left of a lifetime at one end when it is over at the other: they began with different messages
UDP_OVERHEAD = 28  # octets of the IP and UDP headers of a datagram

NONCE_OCTETS = 24
NONCE_LIMITS = range(8, 257)  # RFC 2409 §5

PayloadT = TypeVar("PayloadT", bound=Payload)


@dataclass(frozen=True, slots=True)
class Message:
    """A message opened: `plain` is what follows the header, padding included; `vector` the one for the next message."""

    header: Header
    plain: bytes
    payloads: tuple[Decoded, ...]
    vector: bytes = b""

    @property
    def committed(self) -> bool:
        """Whether its sender wants to say when SAs are there (RFC 2408 §3.1)."""
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
    """What every exchange has: its vector, what was heard, what was last said, and when something is to be done about it."""

    vector: bytes = b""
    heard: tuple[bytes, ...] = ()
    said: bytes = b""
    tries: int = 0
    due: int | None = None
    resend: bool = False  # what falls due is our message, to be sent again; else the exchange is given up or forgotten

    def wait(self, now: int, time: int = ANSWER_WAIT) -> None:
        """Have the exchange looked at again unless something is heard within `time`."""
        self.due, self.resend = now + time, False

    def linger(self, now: int) -> None:
        """Remember what is over for a while."""
        self.wait(now, LINGER)


@dataclass(slots=True, eq=False)
class QuickMode(Dialogue):
    """One quick mode (RFC 2409 §5.5); nonces without their payload headers."""

    message_id: int = 0
    initiator: bool = True
    state: QuickState = QuickState.QM_READY
    start: QuickStart | None = None
    spis: dict[Protocol, bytes] = field(default_factory=dict)  # ours
    initiator_nonce: bytes = b""
    responder_nonce: bytes = b""
    secret: DhSecret | None = None
    result: Phase2Result | None = None
    committed: bool = False  # the peer is to say when its SAs are there (RFC 2408 §3.1)


@dataclass(slots=True, eq=False)
class Transaction(Dialogue):
    """One transaction exchange (draft-dukes-ike-mode-cfg-02 §3.1): a REQUEST and its REPLY, or a SET and its ACK.

    `begun` is what we have begun it with, None where the peer began; `answered`: ours has its answer. `identifier` is what the
    peer's REQUEST or SET has, and its answer repeats.
    """

    message_id: int = 0
    identifier: int = 0
    begun: ConfigurationType | None = None
    answered: bool = False

    @property
    def ours(self) -> bool:
        return self.begun is not None


class IkeSa:
    """One ISAKMP SA from its first message until it is forgotten. Datagrams to send and events are collected for the owner."""

    def __init__(
        self,
        role: Role,
        decisions: Decisions,
        tally: Tally,
        random: RandomSource,
        ends: Ends,
        traversal: NatTraversal,
        exchange: Exchange = Exchange.MAIN,
        engine: CryptoEngine | None = None,
    ) -> None:
        self.role = role
        self.exchange = exchange  # of its phase 1
        self.decisions = decisions
        self.tally = tally
        self.random = random
        self.state = State.AG_NO_STATE if exchange is Exchange.AGGRESSIVE else State.MM_NO_STATE
        # The responder's tunnel begins with the acceptance of HASH_I, and so does its count.
        self.counting = role is Role.INITIATOR
        self.initiator_cookie = NO_COOKIE
        self.responder_cookie = NO_COOKIE
        self.ends = ends  # where the owner is to send to, and from; it changes as RFC 3947 §4 says
        self.heard_from = ends
        self.traversal = traversal
        self.engine = engine or CryptoEngine()
        self.peer = PeerTraits()
        self.nat: NatSituation | None = None  # once both have sent their hashes
        self.main = Dialogue()
        self.quick: dict[int, QuickMode] = {}
        self.transactions: dict[int, Transaction] = {}
        self.access = NO_REMOTE_ACCESS
        self.used_ids: set[int] = {0}
        self.outbox: list[bytes] = []
        self.events: list[IkeEvent] = []
        self.offered: tuple[Phase1Policy, ...] = ()
        self.agreed: Phase1Policy | None = None
        self.offered_lifetime = 0
        self.sa_body = b""  # SAi_b
        self.secret: DhSecret | None = None
        self.public_values: tuple[bytes, bytes] = (b"", b"")  # initiator's, responder's
        self.nonces: tuple[bytes, bytes] = (b"", b"")
        self.keys: Phase1Keys | None = None
        self.cipher: BlockCipher | None = None
        self.last_block = b""  # of phase 1, from which the vectors of phase 2 come; once the peer believes nothing in the clear
        self.local_identity: Identification | None = None
        self.remote_identity: Identification | None = None
        self.remote_id_body = b""  # IDii_b or IDir_b of the peer, as it was on the wire
        self.requested: tuple[bytes, ...] = ()  # authorities that the peer asked for a certificate of
        self.credential: Credential | None = None  # ours
        self.expires: int | None = None
        self.dpd: Dpd | None = None  # where the peer is watched
        self.suspicion: Trouble | None = None  # what it will have been, if nothing more is heard
        self.forgotten = False

    @property
    def initiator(self) -> bool:
        return self.role is Role.INITIATOR

    @property
    def aggressive(self) -> bool:
        return self.exchange is Exchange.AGGRESSIVE

    @property
    def up(self) -> bool:
        """Quick modes may begin."""
        return self.state is State.QM_IDLE

    @property
    def authenticated(self) -> bool:
        """Phase 1 is over: messages are encrypted, and what comes in the clear is not believed."""
        return self.state in (State.CONF_XAUTH, State.CONF_ADDR, State.QM_IDLE)

    @property
    def cookies(self) -> bytes:
        return self.initiator_cookie + self.responder_cookie

    @property
    def takes_quick_modes(self) -> bool:
        """Of the peer's: a client may begin one before it has asked for an address, or has acknowledged what we have sent it."""
        return self.up or (self.state is State.CONF_ADDR and not self.initiator)

    def follow(self) -> None:
        """The message was believed: what we say from now on goes to where it came from."""
        self.ends = self.heard_from

    def heard(self, now: int) -> None:
        """Something authentic came from the peer: it is there."""
        if self.dpd:
            self.dpd.heard(now)

    @property
    def overhead(self) -> int:
        """Octets of a datagram that are not the message."""
        return UDP_OVERHEAD + (len(NON_ESP_MARKER) if self.floated else 0)

    @property
    def floated(self) -> bool:
        """Whether messages go by the ports of NAT traversal, each behind a non-ESP marker."""
        return self.ends.local_port == self.traversal.ports[0]

    def policy(self) -> Phase1Policy:
        """The agreed policy, in states that have one."""
        assert self.agreed is not None
        return self.agreed

    def phase1_keys(self) -> Phase1Keys:
        """The keys, in states that have them."""
        assert self.keys is not None
        return self.keys

    # --- counting ---

    def count(self, what: IkeCount, amount: int = 1) -> None:
        if self.counting and amount:
            self.tally.count(what, amount)

    def _send(self, message: bytes) -> None:
        self.outbox.append(message)
        self.count(IkeCount.OUT_PACKETS)
        self.count(IkeCount.OUT_OCTETS, len(message) + self.overhead)

    # --- sealing and opening ---

    def use_engine(self, trouble: Trouble = Trouble.ENGINE) -> None:
        """Something is to be keyed, sealed or opened: `RefusedError` where that cannot be done."""
        if self.engine.failed:
            if self.authenticated:
                self.events.append(EngineFailed())
            raise RefusedError(trouble)

    def encode(self, exchange: Exchange, payloads: Sequence[Payload], message_id: int = 0) -> bytes:
        """A message in the clear."""
        first, chain = encode_payloads(payloads)
        return self._frame(exchange, message_id, 0, first, chain)

    def seal(self, exchange: Exchange, dialogue: Dialogue, payloads: Sequence[Payload], message_id: int = 0) -> bytes:
        """An encrypted message."""
        return self.seal_chain(exchange, dialogue, encode_payloads(payloads), message_id)

    def seal_behind_hash(
        self, exchange: Exchange, dialogue: Dialogue, payloads: Sequence[Payload], message_id: int, nonce: bytes = b""
    ) -> bytes:
        """An encrypted message that begins with HASH = prf(SKEYID_a, M-ID [| Ni_b] | the payloads) (RFC 2409 §5.5, §5.7)."""
        first, chain = encode_payloads(payloads)
        mine = Hash(self.authenticate(message_id.to_bytes(4, "big"), nonce, chain))
        return self.seal_chain(exchange, dialogue, put_before(mine, first, chain), message_id)

    def seal_chain(self, exchange: Exchange, dialogue: Dialogue, encoded: tuple[int, bytes], message_id: int) -> bytes:
        """Padded by at least one octet, the last of which counts the others (RFC 2409 appendix B)."""
        assert self.cipher is not None
        self.use_engine(Trouble.ENCRYPT)
        first, chain = encoded
        padding = self.cipher.block - len(chain) % self.cipher.block
        sealed = self.cipher.encrypt(dialogue.vector, chain + bytes(padding - 1) + bytes((padding - 1,)))
        dialogue.vector = sealed[-self.cipher.block :]
        return self._frame(exchange, message_id, Flag.ENCRYPTION, first, sealed)

    def _frame(self, exchange: Exchange, message_id: int, flags: int, first: int, body: bytes) -> bytes:
        length = HEADER_LENGTH + len(body)
        header = Header(self.initiator_cookie, self.responder_cookie, first, exchange, flags, message_id, length)
        return header.encode() + body

    def open(self, header: Header, octets: bytes, vector: bytes) -> Message:
        """Decrypt where the header says so, and decode; the caller keeps the new vector once it trusts the message."""
        body = octets[HEADER_LENGTH:]
        if not header.encrypted:
            return Message(header, body, decode_payloads(header.next_payload, body))
        if self.cipher is None or not body or len(body) % self.cipher.block:
            raise MalformedMessageError("not a message encrypted under this SA")
        self.use_engine()
        plain = self.cipher.decrypt(vector, body)
        return Message(header, plain, decode_payloads(header.next_payload, plain), body[-self.cipher.block :])

    def vector_of(self, message_id: int) -> bytes:
        """The first vector of a phase-2 exchange, or of an error that ends phase 1 once there are keys."""
        policy = self.policy()
        last_block = self.last_block or self.main.vector
        return exchange_vector(policy.hash, policy.encryption, last_block, message_id)

    def new_message_id(self) -> int:
        while True:
            message_id = int.from_bytes(self.random.take(4), "big")
            if message_id not in self.used_ids:
                self.used_ids.add(message_id)
                return message_id

    def authenticate(self, *parts: bytes) -> bytes:
        """prf(SKEYID_a, parts): the HASHes of phase 2."""
        return keyed_digest(self.policy().hash, self.phase1_keys().authenticate, *parts)

    def check_hash(self, message: Message, nonce: bytes = b"") -> bytes:
        """What stands behind a message's HASH, where it is the one that `seal_behind_hash` makes; RefusedError where it is not."""
        theirs, rest = message.after_hash()
        if not compare_digest(self.authenticate(message.header.message_id.to_bytes(4, "big"), nonce, rest), theirs):
            raise RefusedError(Trouble.HASH)
        return rest

    # --- sending ---

    def say(self, dialogue: Dialogue, message: bytes, now: int, resend: bool) -> None:
        """Send a message of an exchange; with `resend`, again and again until something else is heard or said."""
        dialogue.said = message
        dialogue.tries = 0
        if resend:
            dialogue.due, dialogue.resend = now + RETRY_AFTER[0], True
        self._send(message)

    def say_again(self, dialogue: Dialogue) -> None:
        if dialogue.said:
            self._send(dialogue.said)

    def retry(self, dialogue: Dialogue, now: int) -> bool:
        """Send what fell due again, with longer and longer waits; False when every try has been made."""
        dialogue.tries += 1
        if dialogue.tries >= len(RETRY_AFTER):
            return False
        dialogue.due = now + RETRY_AFTER[dialogue.tries]
        self._send(dialogue.said)
        return True

    def inform(self, payloads: Sequence[Payload]) -> None:
        """An informational exchange of one message (RFC 2409 §5.7): encrypted and hashed once both have keys for it.

        An initiator that has sent AM3 is up, and believes nothing in the clear; so is a responder that has sent MM6.
        """
        message_id = self.new_message_id()
        after_am3 = self.state is State.AG_INIT_EXCH and not self.initiator
        sealed = bool(self.last_block) or after_am3
        if sealed and self.engine.failed:
            self.events.append(EngineFailed())
            return
        if sealed:
            message = self.seal_behind_hash(Exchange.INFORMATIONAL, Dialogue(self.vector_of(message_id)), payloads, message_id)
        else:
            message = self.encode(Exchange.INFORMATIONAL, payloads, message_id)
        self.count(IkeCount.OUT_NOTIFYS, sum(isinstance(payload, Notification) for payload in payloads))
        deletes = (payload for payload in payloads if isinstance(payload, Delete))
        self.count(IkeCount.OUT_P2_SA_DELETES, sum(delete.protocol != Protocol.ISAKMP for delete in deletes))
        self._send(message)

    # --- ends ---

    def give_up(self, quick: QuickMode, trouble: Trouble, now: int, asked: int | None = None) -> None:
        """End a quick mode that will not come about; it is remembered for late copies. `asked`: the protocol that it was for."""
        quick.state = QuickState.QM_COMPLETE
        quick.linger(now)
        spis = tuple(int.from_bytes(spi, "big") for spi in quick.spis.values())
        self.events.append(Phase2Failed(trouble, quick.initiator, quick.start.tag if quick.start else None, spis, asked))

    def die(self, now: int, trouble: Trouble) -> None:
        """No more of this SA but the memory of it; quick modes under way fail with it, for the reason given."""
        for quick in self.quick.values():
            if quick.state is not QuickState.QM_COMPLETE:
                self.give_up(quick, trouble, now)
        self.state = State.DEAD
        self.quick.clear()
        self.transactions.clear()
        self.expires = None
        self.dpd = None
        self.main.linger(now)

    def next_timer(self) -> int | None:
        """When `ikev1.tick` wants to be called."""
        dialogues = (*self.quick.values(), *self.transactions.values())
        dues = [dialogue.due for dialogue in dialogues if dialogue.due is not None]
        dues += [due for due in (self.main.due, self.expires, self.dpd.due if self.dpd else None) if due is not None]
        return min(dues, default=None)
