"""Crypto room: main mode with pre-shared keys (RFC 2409 §5.4), both sides, as a table of steps.

    MM1  HDR, SA               →
    MM2                        ←  HDR, SA
    MM3  HDR, KE, Ni           →
    MM4                        ←  HDR, KE, Nr
    MM5  HDR*, IDii, HASH_I    →
    MM6                        ←  HDR*, IDir, HASH_R

MM5 carries INITIAL-CONTACT where there is no other SA with the peer, MM6 RESPONDER-LIFETIME where ours is the shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from agent.crypto.ciphers import BlockCipher
from agent.crypto.dh import BadPublicValueError, generate
from agent.crypto.doi import Exchange, NotifyType, Protocol
from agent.crypto.ike_events import SECOND, IkeCount, InitialContact, Phase1Up, RefusedError, Role, State, Trouble
from agent.crypto.ike_sa import NONCE_OCTETS, IkeSa, Message
from agent.crypto.isakmp import (
    COOKIE_LENGTH,
    Hash,
    Identification,
    KeyExchange,
    Nonce,
    Notification,
    Payload,
    SecurityAssociation,
    encode_body,
)
from agent.crypto.keys import hash_initiator, phase1_keys, skeyid_pre_shared
from agent.crypto.proposals import accept_phase1, choose_phase1, offer_phase1, phase1_lifetime_attributes, read_phase1_lifetime

_NONCE_LIMITS = range(8, 257)  # RFC 2409 §5


@dataclass(frozen=True, slots=True)
class Step:
    """One message expected: what it is called, what it must carry, what is done with it, and what state follows."""

    name: str
    payloads: tuple[type[Payload], ...]
    encrypted: bool
    handle: Callable[[IkeSa, Message, int], None]
    next_state: State


def begin(sa: IkeSa, now: int) -> None:
    """Send MM1; `RefusedError` where no policy can be done with this peer."""
    sa.offered = tuple(sa.decisions.policies())
    if not sa.offered:
        raise RefusedError(Trouble.PROPOSAL)
    sa.initiator_cookie = sa.random.take(COOKIE_LENGTH)
    offer = offer_phase1(sa.offered)
    sa.sa_body = encode_body(offer)[1]
    sa.say(sa.main, sa.encode(Exchange.MAIN, (offer,)), now, resend=True)


def _receive_mm1(sa: IkeSa, message: Message, now: int) -> None:
    sa.responder_cookie = sa.random.take(COOKIE_LENGTH)
    chosen = choose_phase1(message.need(SecurityAssociation), tuple(sa.decisions.policies()))
    if chosen is None:
        raise RefusedError(Trouble.PROPOSAL, NotifyType.NO_PROPOSAL_CHOSEN)
    sa.sa_body = message.body(SecurityAssociation)
    answer, sa.agreed, sa.offered_lifetime = chosen
    _answer(sa, sa.encode(Exchange.MAIN, (answer,)), now)


def _receive_mm2(sa: IkeSa, message: Message, now: int) -> None:
    sa.agreed = accept_phase1(message.need(SecurityAssociation), sa.offered)
    if sa.agreed is None:
        raise RefusedError(Trouble.PROPOSAL, NotifyType.NO_PROPOSAL_CHOSEN)
    sa.responder_cookie = message.header.responder_cookie
    sa.secret = generate(sa.agreed.group, sa.random)
    nonce = sa.random.take(NONCE_OCTETS)
    sa.public_values, sa.nonces = (sa.secret.public, b""), (nonce, b"")
    sa.say(sa.main, sa.encode(Exchange.MAIN, (KeyExchange(sa.secret.public), Nonce(nonce))), now, resend=True)


def _receive_mm3(sa: IkeSa, message: Message, now: int) -> None:
    nonce = sa.random.take(NONCE_OCTETS)
    sa.secret = generate(sa.policy().group, sa.random)
    sa.public_values = (message.need(KeyExchange).data, sa.secret.public)
    sa.nonces = (_nonce(message), nonce)
    _derive(sa, sa.public_values[0])
    _answer(sa, sa.encode(Exchange.MAIN, (KeyExchange(sa.public_values[1]), Nonce(nonce))), now)


def _receive_mm4(sa: IkeSa, message: Message, now: int) -> None:
    sa.public_values = (sa.public_values[0], message.need(KeyExchange).data)
    sa.nonces = (sa.nonces[0], _nonce(message))
    _derive(sa, sa.public_values[1])
    identity = sa.local_identity = sa.decisions.local_identity()
    payloads: list[Payload] = [identity, Hash(_hash(sa, Role.INITIATOR, encode_body(identity)[1]))]
    if sa.decisions.first_contact():
        payloads.append(Notification(Protocol.ISAKMP, NotifyType.INITIAL_CONTACT, sa.cookies))
        sa.count(IkeCount.OUT_NOTIFYS)
    sa.say(sa.main, sa.seal(Exchange.MAIN, sa.main, payloads), now, resend=True)


def _receive_mm5(sa: IkeSa, message: Message, now: int) -> None:
    _check_identity(sa, message, Role.INITIATOR)
    sa.counting = True
    sa.main.vector = message.vector
    notifications = message.all(Notification)
    sa.count(IkeCount.IN_NOTIFYS, len(notifications))
    identity = sa.local_identity = sa.decisions.local_identity()
    payloads: list[Payload] = [identity, Hash(_hash(sa, Role.RESPONDER, encode_body(identity)[1]))]
    if sa.offered_lifetime > sa.policy().lifetime:
        data = phase1_lifetime_attributes(sa.policy().lifetime)
        payloads.append(Notification(Protocol.ISAKMP, NotifyType.RESPONDER_LIFETIME, sa.cookies, data))
        sa.count(IkeCount.OUT_NOTIFYS)
    sa.say(sa.main, sa.seal(Exchange.MAIN, sa.main, payloads), now, resend=False)
    if any(notification.kind == NotifyType.INITIAL_CONTACT for notification in notifications):
        sa.events.append(InitialContact())
    _establish(sa, now)


def _receive_mm6(sa: IkeSa, message: Message, now: int) -> None:
    _check_identity(sa, message, Role.RESPONDER)
    sa.main.vector = message.vector
    for notification in message.all(Notification):
        sa.count(IkeCount.IN_NOTIFYS)
        lifetime = read_phase1_lifetime(notification.data) if notification.kind == NotifyType.RESPONDER_LIFETIME else None
        if lifetime:
            sa.agreed = replace(sa.policy(), lifetime=min(lifetime, sa.policy().lifetime))
    _establish(sa, now)


# What main mode does with what it hears, by role and state.
MAIN_MODE: Mapping[tuple[Role, State], Step] = MappingProxyType(
    {
        (Role.RESPONDER, State.MM_NO_STATE): Step("MM1", (SecurityAssociation,), False, _receive_mm1, State.MM_SA_SETUP),
        (Role.INITIATOR, State.MM_NO_STATE): Step("MM2", (SecurityAssociation,), False, _receive_mm2, State.MM_SA_SETUP),
        (Role.RESPONDER, State.MM_SA_SETUP): Step("MM3", (KeyExchange, Nonce), False, _receive_mm3, State.MM_KEY_EXCH),
        (Role.INITIATOR, State.MM_SA_SETUP): Step("MM4", (KeyExchange, Nonce), False, _receive_mm4, State.MM_KEY_EXCH),
        (Role.RESPONDER, State.MM_KEY_EXCH): Step("MM5", (Identification, Hash), True, _receive_mm5, State.QM_IDLE),
        (Role.INITIATOR, State.MM_KEY_EXCH): Step("MM6", (Identification, Hash), True, _receive_mm6, State.QM_IDLE),
    }
)


# --- parts of the steps ---


def _answer(sa: IkeSa, message: bytes, now: int) -> None:
    """A responder's message: the initiator asks again if it is lost, so we only wait."""
    sa.say(sa.main, message, now, resend=False)
    sa.main.wait(now)


def _nonce(message: Message) -> bytes:
    nonce = message.need(Nonce).data
    if len(nonce) not in _NONCE_LIMITS:
        raise RefusedError(Trouble.ENCODING, NotifyType.PAYLOAD_MALFORMED)
    return nonce


def _derive(sa: IkeSa, peer_public: bytes) -> None:
    """SKEYID and its kin, from the shared secret and the pre-shared key of this peer."""
    assert sa.secret is not None
    policy = sa.policy()
    key = sa.decisions.pre_shared_key()
    if key is None:
        raise RefusedError(Trouble.AUTHENTICATION, NotifyType.AUTHENTICATION_FAILED)
    try:
        shared = sa.secret.agree(peer_public)
    except BadPublicValueError:
        raise RefusedError(Trouble.KEY_EXCHANGE, NotifyType.PAYLOAD_MALFORMED) from None
    skeyid = skeyid_pre_shared(policy.hash, key, *sa.nonces)
    public_values = b"".join(sa.public_values)
    sa.keys = phase1_keys(policy.hash, policy.encryption, policy.key_bits, skeyid, shared, sa.cookies, public_values)
    sa.cipher = BlockCipher(policy.encryption, sa.keys.cipher_key)
    sa.main.vector = sa.keys.first_vector
    sa.secret = None


def _hash(sa: IkeSa, author: Role, id_body: bytes) -> bytes:
    """HASH_I or HASH_R: the same of the author's and the other's values."""
    initiator, responder = sa.public_values
    mine, other = (initiator, responder) if author is Role.INITIATOR else (responder, initiator)
    cookies = sa.cookies if author is Role.INITIATOR else sa.responder_cookie + sa.initiator_cookie
    return hash_initiator(sa.policy().hash, sa.phase1_keys().skeyid, mine, other, cookies, sa.sa_body, id_body)


def _check_identity(sa: IkeSa, message: Message, author: Role) -> None:
    identity = message.need(Identification)
    if not sa.matches(_hash(sa, author, message.body(Identification)), message.need(Hash).data):
        raise RefusedError(Trouble.HASH, NotifyType.INVALID_HASH_INFORMATION)
    sa.remote_identity = identity
    if not sa.decisions.accepts(identity):
        raise RefusedError(Trouble.AUTHENTICATION, NotifyType.AUTHENTICATION_FAILED)


def _establish(sa: IkeSa, now: int) -> None:
    sa.state = State.QM_IDLE
    sa.last_block = sa.main.vector
    sa.main.due = None
    if sa.initiator:
        sa.main.said = b""  # MM6 wants no answer: to repeat MM5 for a copy of it would never end
    sa.expires = now + sa.policy().lifetime * SECOND
    sa.events.append(Phase1Up())
