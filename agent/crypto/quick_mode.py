"""Crypto room: quick mode (RFC 2409 §5.5), both sides, with and without PFS, as a table of steps.

    QM1  HDR*, HASH(1), SA, Ni [, KE], IDci, IDcr   →
    QM2                                             ←  HDR*, HASH(2), SA, Nr [, KE], IDci, IDcr
    QM3  HDR*, HASH(3)                              →

    QM4                                             ←  HDR*, HASH, CONNECTED (only where QM2 had the commit bit)
        HDR*, HASH, CONNECTED                       →  (only where QM1 or QM3 had it)

QM2 carries RESPONDER-LIFETIME if a lifetime of the responder is shorter. Without an answer, the initiator sends QM1 again, and the
responder QM2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hmac import compare_digest
from types import MappingProxyType
from typing import NoReturn

from agent.base.ike_counters import IkeCounter
from agent.crypto.ciphers import HASHES, key_octets
from agent.crypto.dh import BadPublicValueError, generate
from agent.crypto.dialogues import NONCE_OCTETS, RETRY_AFTER, Message, QuickMode
from agent.crypto.doi import Exchange, NotifyType, Protocol
from agent.crypto.ike_events import (
    InitialContact,
    Phase2Keyed,
    Phase2Result,
    Phase2Up,
    QuickRequest,
    QuickStart,
    RefusedError,
    SaKeys,
    Trouble,
)
from agent.crypto.ike_sa import IkeSa
from agent.crypto.isakmp import MalformedMessageError
from agent.crypto.keys import keymat
from agent.crypto.payloads import Hash, Identification, KeyExchange, Nonce, Notification, Payload, SecurityAssociation
from agent.crypto.proposals import (
    Phase2Choice,
    accept_phase2,
    asks_for_mode,
    choose_phase2,
    offer_phase2,
    phase2_lifetime_attributes,
    read_phase2_lifetimes,
    taking_pfs_of,
    why_not,
    with_spis,
)
from agent.crypto.states import QuickCause, QuickState, Role
from agent.crypto.transaction import open_quick_modes


@dataclass(frozen=True, slots=True)
class Step:
    """One message expected of a quick mode. Its acceptance is the cause of the next state, unless `handle` returns another."""

    cause: QuickCause
    payloads: tuple[type[Payload], ...]
    handle: Callable[[IkeSa, QuickMode, Message, int], QuickCause | None]
    commit: QuickCause | None = None  # the other cause that `handle` may return: the commit bit


def begin(sa: IkeSa, start: QuickStart, now: int) -> QuickMode:
    """Send QM1 for a flow. If nothing can be offered (AH behind a NAT), it fails at once."""
    start = _encapsulated(sa, start)
    quick = QuickMode(message_id=sa.new_message_id(), initiator=True, start=start)
    if not start.terms.suites:
        sa.give_up(quick, Trouble.PROPOSAL, now)
        return quick
    quick.vector = sa.vector_of(quick.message_id)
    quick.initiator_nonce = sa.random.take(NONCE_OCTETS)
    quick.spis = {
        protocol: sa.decisions.new_spi(protocol)
        for protocol in sorted({protocol for suite in start.terms.suites for protocol in suite.protocols})
    }
    payloads: list[Payload] = [offer_phase2(start.terms, quick.spis), Nonce(quick.initiator_nonce)]
    if start.terms.group is not None:
        quick.secret = generate(start.terms.group, sa.random)
        payloads.append(KeyExchange(quick.secret.public))
    if start.local is not None and start.remote is not None:
        payloads += [start.local, start.remote]
    quick.happened(QuickCause.QM1_SENT)
    sa.quick[quick.message_id] = quick
    try:
        _say(sa, quick, payloads, b"", now, resend=True)
    except RefusedError as refused:
        sa.give_up(quick, refused.trouble, now)
    return quick


def _receive_qm1(sa: IkeSa, quick: QuickMode, message: Message, now: int) -> None:
    rest = sa.check_hash(message)
    if not sa.up and sa.set_up.suspicion is not None:
        raise RefusedError(sa.set_up.suspicion, NotifyType.NO_PROPOSAL_CHOSEN)  # a client without an address
    if not sa.up:
        open_quick_modes(sa)
    quick.vector = message.vector
    quick.committed = message.committed
    sa.used_ids.add(quick.message_id)
    sa.quick[quick.message_id] = quick
    quick.initiator_nonce = message.need_nonce()
    _take_notifications(sa, message)
    identities = message.all(Identification)
    if len(identities) not in (0, 2) or not rest:
        raise RefusedError(Trouble.ENCODING, NotifyType.PAYLOAD_MALFORMED)
    if not all(identity.well_formed for identity in identities):
        raise RefusedError(Trouble.ENCODING, NotifyType.INVALID_ID_INFORMATION)
    remote, local = identities or (None, None)
    offer = _offer(message)
    translated = sa.nat is not None and asks_for_mode(offer, sa.nat.flavour.transport)
    start = sa.decisions.answer(QuickRequest(local, remote, translated))
    quick.start = _encapsulated(sa, start) if start else None
    chosen = choose_phase2(offer, taking_pfs_of(offer, quick.start.terms)) if quick.start else None
    if quick.start is None or chosen is None:
        _refuse(offer)
    proposals, choice, shorter = chosen
    quick.spis = {protocol: sa.decisions.new_spi(protocol) for protocol in choice.suite.protocols}
    quick.responder_nonce = sa.random.take(NONCE_OCTETS)
    payloads: list[Payload] = [with_spis(proposals, quick.spis), Nonce(quick.responder_nonce)]
    shared = b""
    if choice.group is not None:
        quick.secret = generate(choice.group, sa.random)
        payloads.append(KeyExchange(quick.secret.public))
        shared = _agree(quick, message)
    payloads += identities
    if shorter:
        data = phase2_lifetime_attributes(choice.seconds, choice.kilobytes)
        outer = choice.suite.protocols[0]
        payloads.append(Notification(outer, NotifyType.RESPONDER_LIFETIME, quick.spis[outer], data))
        sa.count(IkeCounter.OUT_NOTIFYS)
    quick.result = _result(sa, quick, choice, shared)
    _say(sa, quick, payloads, quick.initiator_nonce, now, resend=True)
    sa.emit(Phase2Keyed(quick.result))


def _take_notifications(sa: IkeSa, message: Message) -> list[Notification]:
    """Take the notifications of the first messages: INITIAL-CONTACT may come in any quick mode (RFC 2407 §4.6.3)."""
    found = message.all(Notification)
    sa.count(IkeCounter.IN_NOTIFYS, len(found))
    if any(notification.kind == NotifyType.INITIAL_CONTACT for notification in found):
        sa.emit(InitialContact())
    return found


def _receive_qm2(sa: IkeSa, quick: QuickMode, message: Message, now: int) -> QuickCause | None:
    sa.check_hash(message, quick.initiator_nonce)
    quick.vector = message.vector
    quick.responder_nonce = message.need_nonce()
    assert quick.start is not None
    answer = _offer(message)
    choice = accept_phase2(answer, quick.start.terms)
    expected = [] if quick.start.local is None or quick.start.remote is None else [quick.start.local, quick.start.remote]
    if choice is None or message.all(Identification) != expected:
        _refuse(answer)
    for notification in _take_notifications(sa, message):
        if notification.kind == NotifyType.RESPONDER_LIFETIME:
            choice = _shortened(choice, notification)
    shared = _agree(quick, message) if choice.group is not None else b""
    quick.result = _result(sa, quick, choice, shared)
    mine = sa.authenticate(b"\0", _id(quick), quick.initiator_nonce, quick.responder_nonce)
    sa.say(quick, sa.seal(Exchange.QUICK, quick, (Hash(mine),), quick.message_id), now, resend=message.committed)
    sa.count(IkeCounter.OUT_P2_EXCHANGES)
    if message.committed:
        # RFC 2408 §3.1: its SAs must not be used before it says that they exist.
        sa.emit(Phase2Keyed(quick.result))
        return QuickCause.QM2_COMMIT
    _complete(sa, quick, now)
    return None


def _receive_qm4(sa: IkeSa, quick: QuickMode, message: Message, now: int) -> None:
    sa.check_hash(message)
    if not any(notification.kind == NotifyType.CONNECTED for notification in message.all(Notification)):
        raise MalformedMessageError("not what a quick mode with the commit bit ends with")
    sa.count(IkeCounter.IN_NOTIFYS)
    _complete(sa, quick, now)


def _receive_qm3(sa: IkeSa, quick: QuickMode, message: Message, now: int) -> QuickCause | None:
    theirs, _ = message.after_hash()
    if not compare_digest(sa.authenticate(b"\0", _id(quick), quick.initiator_nonce, quick.responder_nonce), theirs):
        raise RefusedError(Trouble.HASH)
    quick.vector = message.vector
    quick.said = b""  # QM3 wants no answer
    if quick.committed or message.committed:
        quick.wait(now, RETRY_AFTER[0])
        return QuickCause.QM3_COMMIT
    _complete(sa, quick, now)
    return None


def waited(sa: IkeSa, quick: QuickMode, now: int) -> None:
    """The initiator has not confirmed its SAs. Its last message has come, so waiting longer is useless."""
    quick.happened(QuickCause.NO_QM4)
    _complete(sa, quick, now)


# The message expected in each state of quick mode, by role.
QUICK_MODE: Mapping[tuple[Role, QuickState], Step] = MappingProxyType(
    {
        (Role.RESPONDER, QuickState.QM_READY): Step(QuickCause.QM1, (Hash, SecurityAssociation, Nonce), _receive_qm1),
        (Role.INITIATOR, QuickState.QM_I_QM1): Step(
            QuickCause.QM2, (Hash, SecurityAssociation, Nonce), _receive_qm2, QuickCause.QM2_COMMIT
        ),
        (Role.INITIATOR, QuickState.QM_I_QM3): Step(QuickCause.QM4, (Hash, Notification), _receive_qm4),
        (Role.RESPONDER, QuickState.QM_R_QM2): Step(QuickCause.QM3, (Hash,), _receive_qm3, QuickCause.QM3_COMMIT),
        (Role.RESPONDER, QuickState.QM_R_QM3): Step(QuickCause.QM4, (Hash, Notification), _receive_qm4),
    }
)


# --- parts of the steps ---


def _encapsulated(sa: IkeSa, start: QuickStart) -> QuickStart:
    """The terms with ESP in UDP, if phase 1 has found a NAT (RFC 3947 §5)."""
    if sa.nat is None or not sa.nat.detected:
        return start
    return replace(start, terms=start.terms.past_nat(sa.nat.flavour))


def _offer(message: Message) -> SecurityAssociation:
    """The first offer. A quick mode may negotiate several (RFC 2409 §5.5); one is answered here."""
    found = message.find(SecurityAssociation)
    assert found is not None  # every step that needs one says so
    return found


def _refuse(offer: SecurityAssociation) -> NoReturn:
    notify = why_not(offer)
    trouble = Trouble.ENCODING if notify == NotifyType.INVALID_SPI else Trouble.PROPOSAL
    raise RefusedError(trouble, notify)


def _id(quick: QuickMode) -> bytes:
    return quick.message_id.to_bytes(4, "big")


def _say(sa: IkeSa, quick: QuickMode, payloads: list[Payload], nonce: bytes, now: int, resend: bool) -> None:
    """QM1 or QM2: HASH = prf(SKEYID_a, M-ID [| Ni_b] | the payloads that follow)."""
    sa.say(quick, sa.seal_behind_hash(Exchange.QUICK, quick, payloads, quick.message_id, nonce), now, resend)
    sa.count(IkeCounter.OUT_P2_EXCHANGES)


def _agree(quick: QuickMode, message: Message) -> bytes:
    assert quick.secret is not None
    if not message.has(KeyExchange):
        raise RefusedError(Trouble.PROPOSAL, NotifyType.NO_PROPOSAL_CHOSEN)
    public = message.need(KeyExchange)
    try:
        return quick.secret.agree(public.data)
    except BadPublicValueError:
        raise RefusedError(Trouble.KEY_EXCHANGE, NotifyType.INVALID_KEY_INFORMATION) from None


def _shortened(choice: Phase2Choice, notification: Notification) -> Phase2Choice:
    try:
        seconds, kilobytes = read_phase2_lifetimes(notification.data)
    except MalformedMessageError:
        return choice
    return replace(
        choice,
        seconds=min(seconds or choice.seconds, choice.seconds),
        kilobytes=min(kilobytes or choice.kilobytes, choice.kilobytes),
    )


def _complete(sa: IkeSa, quick: QuickMode, now: int) -> None:
    assert quick.result is not None
    quick.linger(now)
    sa.emit(Phase2Up(quick.result))


def _result(sa: IkeSa, quick: QuickMode, choice: Phase2Choice, shared: bytes) -> Phase2Result:
    assert quick.start is not None
    nonces = quick.initiator_nonce + quick.responder_nonce
    sas = tuple(
        _sa_keys(sa, protocol, quick.spis[protocol], choice.spis[protocol], choice, nonces, shared)
        for protocol in choice.suite.protocols
    )
    start = quick.start
    return Phase2Result(
        tag=start.tag,
        message_id=quick.message_id,
        initiator=quick.initiator,
        choice=choice,
        local=start.local,
        remote=start.remote,
        sas=sas,
        cookies=sa.cookies,
    )


def _sa_keys(
    sa: IkeSa, protocol: Protocol, inbound: bytes, outbound: bytes, choice: Phase2Choice, nonces: bytes, shared: bytes
) -> SaKeys:
    """KEYMAT of both directions: the cipher's key first, then the hash's (RFC 2409 §5.5, RFC 2407 §4.4)."""
    suite = choice.suite
    encrypts = protocol == Protocol.ESP and suite.esp_cipher not in (None, "null")
    auth = suite.ah if protocol == Protocol.AH else suite.esp_auth
    cipher_octets = key_octets(suite.esp_cipher or "null", suite.key_bits) if encrypts else 0
    octets = cipher_octets + (HASHES[auth].size if auth else 0)
    derive, hash_name = sa.phase1_keys().derive, sa.policy().hash
    ours = keymat(hash_name, derive, protocol, inbound, nonces, octets, shared)
    theirs = keymat(hash_name, derive, protocol, outbound, nonces, octets, shared)
    return SaKeys(
        protocol,
        int.from_bytes(inbound, "big"),
        int.from_bytes(outbound, "big"),
        ours[:cipher_octets],
        ours[cipher_octets:],
        theirs[:cipher_octets],
        theirs[cipher_octets:],
    )
