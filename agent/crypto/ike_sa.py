"""Crypto room: one ISAKMP SA: its state and keys; it encrypts, decrypts, sends and retransmits messages.

RFC 2408 §5 (processing, retransmission), RFC 2409 §5 and appendix B (encryption, vectors). The exchanges themselves are in
main_mode, aggressive_mode, quick_mode, transaction and informational; `ikev1` drives them. What an exchange works out is in the
values `terms`, `keying`, `identities` and `set_up`, which the exchanges alone write. The owner of an SA reads, and calls methods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hmac import compare_digest

from agent.base.ike_counters import IkeCounter
from agent.crypto.certificates import Credential
from agent.crypto.ciphers import BlockCipher, RandomSource, keyed_digest
from agent.crypto.dh import DhSecret
from agent.crypto.dialogues import RETRY_AFTER, Dialogue, Message, QuickMode, Transaction
from agent.crypto.doi import Exchange, Flag, Protocol
from agent.crypto.dpd import Dpd
from agent.crypto.engine import CryptoEngine
from agent.crypto.ike_events import (
    NO_REMOTE_ACCESS,
    SECOND,
    Decisions,
    EngineFailed,
    IkeEvent,
    Phase2Failed,
    RefusedError,
    RemoteAccess,
    Tally,
    Trouble,
)
from agent.crypto.isakmp import (
    HEADER_LENGTH,
    NO_COOKIE,
    Header,
    MalformedMessageError,
    decode_payloads,
    encode_payloads,
    put_before,
)
from agent.crypto.keys import Phase1Keys, exchange_vector
from agent.crypto.nat_traversal import Ends, NatSituation, NatTraversal
from agent.crypto.payloads import Delete, Hash, Identification, Notification, Payload, Vendor
from agent.crypto.proposals import Phase1Policy
from agent.crypto.states import TRANSITIONS, Cause, Machine, QuickCause, Role, State
from agent.crypto.udp_encapsulation import NON_ESP_MARKER
from agent.crypto.vendor import PeerTraits

ABOUT_OVER = 10 * SECOND  # the two ends of an SA may expire so far apart, because they count from different messages
UDP_OVERHEAD = 28  # octets of the IP and UDP headers of a datagram


@dataclass(slots=True)
class Terms:
    """What the initiator offers, and what of it the responder has taken. `sa_body` is SAi_b."""

    offered: tuple[Phase1Policy, ...] = ()
    agreed: Phase1Policy | None = None
    offered_lifetime: int = 0
    sa_body: bytes = b""


@dataclass(slots=True)
class Keying:
    """The keys, and the values that they are made of. Values of both ends are in the order initiator, responder.

    `last_block` is that of phase 1, from which the vectors of phase 2 come. It is there once the peer believes
    nothing in the clear.
    """

    secret: DhSecret | None = None
    public_values: tuple[bytes, bytes] = (b"", b"")
    nonces: tuple[bytes, bytes] = (b"", b"")
    keys: Phase1Keys | None = None
    cipher: BlockCipher | None = None
    last_block: bytes = b""


@dataclass(slots=True)
class Identities:
    """The identities of both ends, and their proofs.

    `remote_body` is IDii_b or IDir_b of the peer, as it was on the wire. `requested` are the authorities of which the peer has
    asked for a certificate; `credential` is ours.
    """

    local: Identification | None = None
    remote: Identification | None = None
    remote_body: bytes = b""
    requested: tuple[bytes, ...] = ()
    credential: Credential | None = None


@dataclass(slots=True)
class LoginRequest:
    """What the server has last asked of a client. `identifier` is that of all its messages (draft-beaulieu-ike-xauth-02 §6).

    `message` is for the user, and `user` is the name that the client gave before. With a `challenge` the type is RADIUS-CHAP, else
    generic.
    """

    identifier: int = 0
    message: str = ""
    challenge: bytes = b""
    user: str = ""


@dataclass(slots=True)
class SetUp:
    """The steps before quick modes, and the trouble to report if nothing more is received.

    `rest` is the work on a message of phase 1 that waits until the owner knows the peer (`Decisions.is_unknown`).
    """

    access: RemoteAccess = NO_REMOTE_ACCESS
    suspicion: Trouble | None = None
    rest: Callable[[int], None] | None = None
    login: LoginRequest = field(default_factory=LoginRequest)


_ECHOES = frozenset((Cause.MM2, Cause.MM3, Cause.AM2, Cause.AM3))  # the first messages that have the receiver's own cookie


class IkeSa:
    """One ISAKMP SA, from its first message until it is forgotten. It collects datagrams to send and events for the owner."""

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
        self.exchange = exchange  # of its phase 1
        self.decisions = decisions
        self.random = random
        self.traversal = traversal
        self.engine = engine or CryptoEngine()
        first = State.AG_NO_STATE if exchange is Exchange.AGGRESSIVE else State.MM_NO_STATE
        self._machine = Machine(TRANSITIONS, role, first)
        self._tally = tally
        # The responder's tunnel begins with the acceptance of HASH_I, and so does its count.
        self._counting = role is Role.INITIATOR
        self.initiator_cookie = NO_COOKIE
        self.responder_cookie = NO_COOKIE
        self._ends = ends
        self._heard_from = ends
        self._peer = PeerTraits()
        self._nat: NatSituation | None = None
        self.main = Dialogue()
        self.quick: dict[int, QuickMode] = {}
        self.transactions: dict[int, Transaction] = {}
        self.used_ids: set[int] = {0}
        self.terms = Terms()
        self.keying = Keying()
        self.identities = Identities()
        self.set_up = SetUp()
        self._outbox: list[bytes] = []
        self._events: list[IkeEvent] = []
        self._expires: int | None = None
        self._dpd: Dpd | None = None
        self._forgotten = False
        self._echoed = False

    # --- what it is ---

    @property
    def role(self) -> Role:
        return self._machine.role

    @property
    def initiator(self) -> bool:
        return self.role is Role.INITIATOR

    @property
    def state(self) -> State:
        return self._machine.state

    def happened(self, cause: Cause) -> None:
        """The state that follows is the table's to say (`states.TRANSITIONS`)."""
        self._machine.happened(cause)
        self._echoed |= cause in _ECHOES

    @property
    def echoed(self) -> bool:
        """Whether the peer has repeated our cookie. Until then nothing shows that the messages are from its address."""
        return self._echoed

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
        return self.state in _AUTHENTICATED

    @property
    def waits_with_proof(self) -> bool:
        """Whether the peer has proved who it is, and waits until the owner knows it. Then nothing in the clear is believed."""
        return self.set_up.rest is not None and self.keying.keys is not None

    @property
    def cookies(self) -> bytes:
        return self.initiator_cookie + self.responder_cookie

    @property
    def takes_quick_modes(self) -> bool:
        """Of the peer's: a client may begin one before it has asked for an address, or has acknowledged what we have sent it."""
        return self.up or (self.state is State.CONF_ADDR and not self.initiator)

    @property
    def local_identity(self) -> Identification | None:
        return self.identities.local

    @property
    def remote_identity(self) -> Identification | None:
        return self.identities.remote

    @property
    def keying_for(self) -> set[object]:
        """The tags of those flows that quick modes under way are about."""
        return {quick.start.tag for quick in self.quick.values() if quick.under_way and quick.start}

    @property
    def expires(self) -> int | None:
        """When its lifetime is over; None before it has one."""
        return self._expires

    def expire_at(self, time: int) -> None:
        self._expires = time

    # --- the peer ---

    @property
    def ends(self) -> Ends:
        """The addresses and ports that the owner sends to and from. They change by RFC 3947 §4."""
        return self._ends

    def move_to(self, ends: Ends) -> None:
        self._ends = ends

    def came_by(self, ends: Ends | None) -> None:
        """Where a message came by that is not believed yet; None: by the ends that there are."""
        self._heard_from = ends or self._ends

    def follow(self) -> None:
        """The message was accepted: from now on send to its source."""
        self._ends = self._heard_from

    @property
    def peer(self) -> PeerTraits:
        """What the peer can do."""
        return self._peer

    def announced(self, vendors: Sequence[Vendor]) -> None:
        self._peer = self._peer.and_also(vendors)

    @property
    def nat(self) -> NatSituation | None:
        """Once both have sent their hashes."""
        return self._nat

    def detected(self, nat: NatSituation | None) -> None:
        """Set the result of NAT detection. The initiator changes its ports with its next message (RFC 3947 §4)."""
        self._nat = nat
        if nat and nat.detected and self.initiator and not self.floated:
            self._ends = self.traversal.floated(self._ends)

    @property
    def dpd(self) -> Dpd | None:
        """Where the peer is watched."""
        return self._dpd

    def watch(self, dpd: Dpd | None) -> None:
        self._dpd = dpd

    def heard(self, now: int) -> None:
        """Something authentic has come from the peer."""
        if self._dpd:
            self._dpd.heard(now)

    @property
    def overhead(self) -> int:
        """Octets of a datagram that are not the message."""
        return UDP_OVERHEAD + (len(NON_ESP_MARKER) if self.floated else 0)

    @property
    def floated(self) -> bool:
        """Whether messages use the ports of NAT traversal, each behind a non-ESP marker."""
        return self._ends.local_port == self.traversal.ports[0]

    def policy(self) -> Phase1Policy:
        """The agreed policy, in states that have one."""
        assert self.terms.agreed is not None
        return self.terms.agreed

    def phase1_keys(self) -> Phase1Keys:
        """The keys, in states that have them."""
        assert self.keying.keys is not None
        return self.keying.keys

    # --- counting ---

    def begin_counting(self) -> None:
        self._counting = True

    def count(self, what: IkeCounter, amount: int = 1) -> None:
        if self._counting and amount:
            self._tally.add(what, amount)

    # --- what it has for its owner ---

    def emit(self, event: IkeEvent) -> None:
        self._events.append(event)

    @property
    def pending(self) -> bool:
        """Whether there are datagrams to send, or events."""
        return bool(self._outbox or self._events)

    def take_messages(self) -> list[bytes]:
        """Datagrams to send to `ends`, each once."""
        messages, self._outbox = self._outbox, []
        return messages

    def take_events(self) -> list[IkeEvent]:
        """What has happened, each once."""
        events, self._events = self._events, []
        return events

    def _send(self, message: bytes) -> None:
        self._outbox.append(message)
        self.count(IkeCounter.OUT_PACKETS)
        self.count(IkeCounter.OUT_OCTETS, len(message) + self.overhead)

    # --- sealing and opening ---

    def use_engine(self, trouble: Trouble = Trouble.ENGINE) -> None:
        """Use the crypto engine. Raises RefusedError if it has failed."""
        if self.engine.failed:
            if self.authenticated:
                self.emit(EngineFailed(sending=trouble is Trouble.ENCRYPT))
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
        """Encrypt a chain of payloads with at least one octet of padding; the last counts the others (RFC 2409 appendix B)."""
        assert self.keying.cipher is not None
        self.use_engine(Trouble.ENCRYPT)
        first, chain = encoded
        padding = self.keying.cipher.block - len(chain) % self.keying.cipher.block
        sealed = self.keying.cipher.encrypt(dialogue.vector, chain + bytes(padding - 1) + bytes((padding - 1,)))
        dialogue.vector = sealed[-self.keying.cipher.block :]
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
        if self.keying.cipher is None or not body or len(body) % self.keying.cipher.block:
            raise MalformedMessageError("not a message encrypted under this SA")
        self.use_engine()
        plain = self.keying.cipher.decrypt(vector, body)
        return Message(header, plain, decode_payloads(header.next_payload, plain), body[-self.keying.cipher.block :])

    def vector_of(self, message_id: int) -> bytes:
        """The first vector of a phase-2 exchange, or of an error that ends phase 1 once there are keys."""
        policy = self.policy()
        last_block = self.keying.last_block or self.main.vector
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
        """What follows a message's HASH. Raises RefusedError if the HASH is not the one that `seal_behind_hash` makes."""
        theirs, rest = message.after_hash()
        if not compare_digest(self.authenticate(message.header.message_id.to_bytes(4, "big"), nonce, rest), theirs):
            raise RefusedError(Trouble.HASH)
        return rest

    # --- sending ---

    def say(self, dialogue: Dialogue, message: bytes, now: int, resend: bool) -> None:
        """Send a message of an exchange. With `resend`, retransmit it until another message is received or sent."""
        dialogue.said = message
        dialogue.tries = 0
        if resend:
            dialogue.due, dialogue.resend = now + RETRY_AFTER[0], True
        self._send(message)

    def say_again(self, dialogue: Dialogue) -> None:
        if dialogue.said:
            self._send(dialogue.said)

    def retry(self, dialogue: Dialogue, now: int) -> bool:
        """Retransmit, with growing waits; False after the last try."""
        dialogue.tries += 1
        if dialogue.tries >= len(RETRY_AFTER):
            return False
        dialogue.due = now + RETRY_AFTER[dialogue.tries]
        self._send(dialogue.said)
        return True

    def inform(self, payloads: Sequence[Payload]) -> bytes:
        """An informational exchange of one message (RFC 2409 §5.7): encrypted and hashed once both have keys for it.

        The message is returned, or nothing where it cannot be sealed.

        An initiator that has sent AM3 is up, and believes nothing in the clear; so is a responder that has sent MM6.
        """
        message_id = self.new_message_id()
        after_am3 = self.state is State.AG_INIT_EXCH and not self.initiator
        sealed = bool(self.keying.last_block) or after_am3
        if sealed and self.engine.failed:
            self.emit(EngineFailed(sending=True))
            return b""
        if sealed:
            message = self.seal_behind_hash(Exchange.INFORMATIONAL, Dialogue(self.vector_of(message_id)), payloads, message_id)
        else:
            message = self.encode(Exchange.INFORMATIONAL, payloads, message_id)
        self.count(IkeCounter.OUT_NOTIFYS, sum(isinstance(payload, Notification) for payload in payloads))
        deletes = (payload for payload in payloads if isinstance(payload, Delete))
        self.count(IkeCounter.OUT_P2_SA_DELETES, sum(delete.protocol != Protocol.ISAKMP for delete in deletes))
        self._send(message)
        return message

    # --- ends ---

    def give_up(
        self, quick: QuickMode, trouble: Trouble, now: int, asked: int | None = None, exchange: Exchange | None = None
    ) -> None:
        """End a failed quick mode. It is remembered for late copies. `asked` and `exchange` are as in `Phase2Failed`."""
        quick.happened(QuickCause.GIVEN_UP)
        quick.linger(now)
        spis = tuple(int.from_bytes(spi, "big") for spi in quick.spis.values())
        self.emit(Phase2Failed(trouble, quick.initiator, quick.start.tag if quick.start else None, spis, asked, exchange))

    def end(self, now: int, trouble: Trouble) -> None:
        """End the SA, but remember it. Its unfinished quick modes fail for the same reason."""
        for quick in self.quick.values():
            if quick.under_way:
                self.give_up(quick, trouble, now)
        if self.state is not State.DEAD:
            self.happened(Cause.ENDED)
        self.quick.clear()
        self.transactions.clear()
        self.set_up.rest = None
        self._expires = None
        self._dpd = None
        self.main.linger(now)

    @property
    def forgotten(self) -> bool:
        return self._forgotten

    def forget(self) -> None:
        """Forget the SA: late copies are no longer recognised."""
        self.main.due = None
        self._forgotten = True

    def next_timer(self) -> int | None:
        """When the owner must call `ikev1.tick`."""
        dialogues = (*self.quick.values(), *self.transactions.values())
        dues = [dialogue.due for dialogue in dialogues if dialogue.due is not None]
        dues += [due for due in (self.main.due, self._expires, self._dpd.due if self._dpd else None) if due is not None]
        return min(dues, default=None)


_AUTHENTICATED = (State.QM_IDLE, State.CONF_ADDR, State.CONF_XAUTH, State.MM_KEY_AUTH, State.AG_AUTH)
