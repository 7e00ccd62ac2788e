"""Crypto room: the common part of main and aggressive mode (RFC 2409 §5): steps, vendor IDs, keys, proofs of identity, the end.

The two modes send the same payloads in different messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from types import UnionType

from agent.base.ike_counters import IkeCounter
from agent.crypto.authentication import METHODS, RSA_SIGNATURE
from agent.crypto.ciphers import BlockCipher
from agent.crypto.dh import BadPublicValueError, generate
from agent.crypto.dialogues import NONCE_OCTETS, Message
from agent.crypto.doi import ISAKMP_PORT, NAT_PORT, UDP, NotifyType, Protocol
from agent.crypto.ike_events import SECOND, InitialContact, PeerNamed, Phase1Shortened, RefusedError, Trouble
from agent.crypto.ike_sa import IkeSa
from agent.crypto.isakmp import COOKIE_LENGTH, encode_body
from agent.crypto.keys import hash_initiator, phase1_keys
from agent.crypto.nat_traversal import detection_payloads, situation
from agent.crypto.payloads import (
    CertificateRequest,
    Identification,
    KeyExchange,
    NatDetection,
    Nonce,
    Notification,
    Payload,
    SecurityAssociation,
    Vendor,
)
from agent.crypto.proposals import (
    Phase1Policy,
    accept_phase1,
    choose_phase1,
    offer_phase1,
    phase1_lifetime_attributes,
    read_phase1_lifetime,
    why_not,
)
from agent.crypto.states import Cause, Role
from agent.crypto.vendor import nat_answer, nat_offer

_IDENTITY_PORTS = (0, ISAKMP_PORT, NAT_PORT)


@dataclass(frozen=True, slots=True)
class Step:
    """One message expected: what it must carry, and what is done with it. Its acceptance is the cause of the next state.

    `encrypted` is None where the message may come either way.
    """

    cause: Cause
    payloads: tuple[type | UnionType, ...]
    encrypted: bool | None
    handle: Callable[[IkeSa, Message, int], None]


# --- vendor IDs ---


def nat_vendors(sa: IkeSa) -> Iterable[Vendor]:
    """Vendor IDs of NAT traversal: the initiator's offer, or the responder's answer to it."""
    enabled = sa.traversal.enabled
    return nat_offer(enabled) if sa.initiator else nat_answer(enabled, sa.peer)


# --- NAT detection ---


def nat_payloads(sa: IkeSa) -> Iterable[NatDetection]:
    """Ours, where both know the same kind of NAT traversal."""
    if not sa.traversal.enabled or sa.peer.nat is None:
        return ()
    return detection_payloads(sa.peer.nat, sa.traversal, sa.ends, sa.policy().hash, sa.cookies, sa.random)


def detect_nat(sa: IkeSa, message: Message) -> None:
    """Read the peer's."""
    if not sa.traversal.enabled or sa.peer.nat is None:
        return
    sa.detected(situation(message.all(NatDetection), sa.peer.nat, sa.traversal, sa.ends, sa.policy().hash, sa.cookies))


# --- the policy ---


def offer_policies(sa: IkeSa, policies: Iterable[Phase1Policy]) -> SecurityAssociation:
    """The initiator's offer. Raises RefusedError if no policy is usable with this peer."""
    sa.terms.offered = tuple(policies)
    if not sa.terms.offered:
        raise RefusedError(Trouble.PROPOSAL)
    sa.initiator_cookie = sa.random.take(COOKIE_LENGTH)
    offer = offer_phase1(sa.terms.offered)
    sa.terms.sa_body = encode_body(offer)[1]
    return offer


def choose_policy(sa: IkeSa, message: Message, policies: Sequence[Phase1Policy]) -> SecurityAssociation:
    """The responder's answer to an offer."""
    offer = message.need(SecurityAssociation)
    chosen = choose_phase1(offer, policies)
    if chosen is None:
        raise RefusedError(Trouble.PROPOSAL, why_not(offer))
    sa.terms.sa_body = message.body(SecurityAssociation)
    answer, sa.terms.agreed, sa.terms.offered_lifetime = chosen
    return answer


def accept_policy(sa: IkeSa, message: Message) -> None:
    """Take the responder's choice of our offer."""
    sa.terms.agreed = accept_phase1(message.need(SecurityAssociation), sa.terms.offered)
    if sa.terms.agreed is None:
        raise RefusedError(Trouble.PROPOSAL, NotifyType.NO_PROPOSAL_CHOSEN)
    sa.responder_cookie = message.header.responder_cookie


# --- keys ---


def key_exchange(sa: IkeSa, group: int) -> list[Payload]:
    """Our public value and nonce."""
    sa.use_engine()
    secret, nonce, keying = generate(group, sa.random), sa.random.take(NONCE_OCTETS), sa.keying
    keying.secret = secret
    if sa.initiator:
        keying.public_values, keying.nonces = (secret.public, b""), (nonce, b"")
    else:
        keying.public_values, keying.nonces = (keying.public_values[0], secret.public), (keying.nonces[0], nonce)
    return [KeyExchange(secret.public), Nonce(nonce)]


def take_key_exchange(sa: IkeSa, message: Message) -> None:
    """The peer's public value and nonce."""
    public, nonce = message.need(KeyExchange).data, message.need_nonce()
    keying = sa.keying
    if sa.initiator:
        keying.public_values, keying.nonces = (keying.public_values[0], public), (keying.nonces[0], nonce)
    else:
        keying.public_values, keying.nonces = (public, b""), (nonce, b"")


def derive(sa: IkeSa) -> None:
    """Derive SKEYID and the other keys from the shared secret and the authentication method's part."""
    keying, policy = sa.keying, sa.policy()
    assert keying.secret is not None
    sa.use_engine()
    try:
        shared = keying.secret.agree(keying.public_values[1 if sa.initiator else 0])
    except BadPublicValueError:
        raise RefusedError(Trouble.KEY_EXCHANGE, NotifyType.INVALID_KEY_INFORMATION) from None
    skeyid = METHODS[policy.authentication].skeyid(sa, shared)
    public_values = b"".join(keying.public_values)
    keying.keys = phase1_keys(policy.hash, policy.encryption, policy.key_bits, skeyid, shared, sa.cookies, public_values)
    keying.cipher = BlockCipher(policy.encryption, keying.keys.cipher_key)
    sa.main.vector = keying.keys.first_vector
    keying.secret = None


# --- proofs of identity ---


def _hash(sa: IkeSa, author: Role, id_body: bytes) -> bytes:
    """HASH_I or HASH_R: the same of the author's and the other's values."""
    initiator, responder = sa.keying.public_values
    mine, other = (initiator, responder) if author is Role.INITIATOR else (responder, initiator)
    cookies = sa.cookies if author is Role.INITIATOR else sa.responder_cookie + sa.initiator_cookie
    return hash_initiator(sa.policy().hash, sa.phase1_keys().skeyid, mine, other, cookies, sa.terms.sa_body, id_body)


def certificate_requests(sa: IkeSa, policies: Iterable[Phase1Policy]) -> list[CertificateRequest]:
    """Requests for certificates of each accepted authority, if the phase 1 may use signatures."""
    if all(policy.authentication != RSA_SIGNATURE for policy in policies):
        return []
    return [CertificateRequest(authority.name) for authority in sa.decisions.trust(sa.remote_identity).authorities]


def take_requests(sa: IkeSa, message: Message) -> None:
    sa.identities.requested += tuple(request.authority for request in message.all(CertificateRequest))


def identify(sa: IkeSa, authentication: str) -> Identification:
    """Our identity, and the credential that will prove it."""
    credential = sa.decisions.credential(sa.identities.requested) if authentication == RSA_SIGNATURE else None
    identity = sa.decisions.local_identity(credential)
    sa.identities.credential, sa.identities.local = credential, identity
    return identity


def proof(sa: IkeSa) -> list[Payload]:
    """What proves our identity."""
    assert sa.local_identity is not None
    mine = _hash(sa, sa.role, encode_body(sa.local_identity)[1])
    return METHODS[sa.policy().authentication].prove(sa, mine)


def take_identity(sa: IkeSa, message: Message) -> None:
    """Take the peer's identity. Its port and protocol must be those of IKE, or 0 (RFC 2407 §4.6.2, RFC 3947 §4)."""
    identity = message.need(Identification)
    if not identity.well_formed or identity.port not in _IDENTITY_PORTS or identity.protocol not in (0, UDP):
        raise RefusedError(Trouble.ENCODING, NotifyType.INVALID_ID_INFORMATION)
    sa.identities.remote = identity
    sa.identities.remote_body = message.body(Identification)


def once_known(sa: IkeSa, rest: Callable[[int], None], now: int) -> None:
    """Do the rest of the work on a message when the owner knows the peer that has named itself: now, or with `ikev1.resume`.

    Meanwhile the peer gets no answer, and its copies of the message are dropped.
    """
    assert sa.remote_identity is not None
    if sa.decisions.is_unknown(sa.remote_identity):
        sa.set_up.rest = rest
        sa.main.said, sa.main.due = b"", None
        sa.emit(PeerNamed(sa.remote_identity))
    else:
        rest(now)


def check_proof(sa: IkeSa, message: Message) -> None:
    """Check the proof of the peer's identity, and whether the owner accepts that peer."""
    assert sa.remote_identity is not None
    author = Role.RESPONDER if sa.initiator else Role.INITIATOR
    METHODS[sa.policy().authentication].check(sa, message, _hash(sa, author, sa.identities.remote_body))
    if not sa.decisions.accepts(sa.remote_identity):
        raise RefusedError(Trouble.AUTHENTICATION, NotifyType.AUTHENTICATION_FAILED)


# --- notifications of phase 1 ---


def initial_contact(sa: IkeSa) -> list[Notification]:
    """INITIAL-CONTACT for the initiator's last message, if there is no other SA with the peer (RFC 2407 §4.6.3.3)."""
    if not sa.decisions.first_contact():
        return []
    return [Notification(Protocol.ISAKMP, NotifyType.INITIAL_CONTACT, sa.cookies)]


def responder_lifetime(sa: IkeSa) -> list[Notification]:
    """RESPONDER-LIFETIME, if the responder's lifetime is shorter (RFC 2407 §4.6.3.1)."""
    if sa.terms.offered_lifetime <= sa.policy().lifetime:
        return []
    data = phase1_lifetime_attributes(sa.policy().lifetime)
    return [Notification(Protocol.ISAKMP, NotifyType.RESPONDER_LIFETIME, sa.cookies, data)]


def with_proof(sa: IkeSa, notifications: Sequence[Notification]) -> Sequence[Notification]:
    """Notifications that go with our proof, counted."""
    sa.count(IkeCounter.OUT_NOTIFYS, len(notifications))
    return notifications


def take_notifications(sa: IkeSa, message: Message) -> None:
    """Those that came with the peer's proof."""
    for notification in message.all(Notification):
        sa.count(IkeCounter.IN_NOTIFYS)
        if notification.kind == NotifyType.INITIAL_CONTACT:
            sa.emit(InitialContact())
        elif notification.kind == NotifyType.RESPONDER_LIFETIME and sa.initiator:
            shorten(sa, notification)


def shorten(sa: IkeSa, notification: Notification) -> None:
    """Take the responder's lifetime, where it is shorter than what was agreed; it may come when the SA is already up."""
    was, named = sa.policy().lifetime, read_phase1_lifetime(notification.data)
    if not named or named >= was:
        return
    sa.terms.agreed = replace(sa.policy(), lifetime=named)
    if sa.expires is not None:
        sa.expire_at(sa.expires - (was - named) * SECOND)
        sa.emit(Phase1Shortened(named))


# --- sending, and the end ---


def answer(sa: IkeSa, message: bytes, now: int) -> None:
    """A responder's message in main mode: the initiator asks again if it is lost, so we only wait."""
    sa.say(sa.main, message, now, resend=False)
    sa.main.wait(now)


def establish(sa: IkeSa, now: int) -> None:
    """The peer is authenticated, and the lifetime begins."""
    sa.keying.last_block = sa.main.vector
    sa.main.due = None
    sa.expire_at(now + sa.policy().lifetime * SECOND)
