"""Crypto room: informational exchanges (RFC 2408 §4.8, RFC 2409 §5.7): notifications and deletes, in and out.

Once there is an ISAKMP SA, they are encrypted and begin with HASH(1), and nothing in the clear is accepted. Before that, a peer can
only send an error, in the clear or under the keys of that moment; it ends the negotiation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from agent.base.ike_counters import IkeCounter
from agent.crypto.dialogues import Message, QuickMode
from agent.crypto.doi import FIRST_STATUS_NOTIFY, Exchange, NotifyType, Protocol
from agent.crypto.ike_events import (
    InitialContact,
    InvalidSpi,
    OverButUsed,
    PeerLost,
    Phase1Deleted,
    Phase1Expired,
    Phase1Failed,
    Phase2Deleted,
    RefusedError,
    Trouble,
)
from agent.crypto.ike_sa import ABOUT_OVER, IkeSa
from agent.crypto.isakmp import HEADER_LENGTH, Header, RefusedHeaderError, encode_payloads
from agent.crypto.payloads import Delete, Notification
from agent.crypto.phase1 import shorten
from agent.crypto.states import State

TROUBLE_OF_NOTIFY: Mapping[int, Trouble] = MappingProxyType(
    {
        NotifyType.NO_PROPOSAL_CHOSEN: Trouble.PROPOSAL,
        NotifyType.INVALID_ID_INFORMATION: Trouble.PROPOSAL,
        NotifyType.AUTHENTICATION_FAILED: Trouble.AUTHENTICATION,
        NotifyType.INVALID_HASH_INFORMATION: Trouble.HASH,
        # Notifications by which a peer rejects our certificate or signature.
        NotifyType.INVALID_CERT_ENCODING: Trouble.AUTHENTICATION,
        NotifyType.INVALID_CERTIFICATE: Trouble.AUTHENTICATION,
        NotifyType.CERT_TYPE_UNSUPPORTED: Trouble.AUTHENTICATION,
        NotifyType.INVALID_CERT_AUTHORITY: Trouble.AUTHENTICATION,
        NotifyType.INVALID_SIGNATURE: Trouble.AUTHENTICATION,
        NotifyType.CERTIFICATE_UNAVAILABLE: Trouble.AUTHENTICATION,
    }
)


_IKEV2 = 2  # the major version from which on a header says whether it is of an answer (RFC 7296 §3.1)
_IKEV2_RESPONSE = 0x20

# Notifications that reject a proof of identity.
_NOT_BELIEVED = frozenset(kind for kind, trouble in TROUBLE_OF_NOTIFY.items() if trouble in (Trouble.AUTHENTICATION, Trouble.HASH))


def receive(sa: IkeSa, message: Message, now: int) -> None:
    """One informational message, opened; `RefusedError` where its HASH is wrong or missing."""
    if message.header.encrypted:
        sa.check_hash(message)
        sa.used_ids.add(message.header.message_id)
    elif sa.authenticated or sa.waits_with_proof:
        raise RefusedError(Trouble.AUTHENTICATION)
    if not sa.authenticated:
        _receive_set_up_error(sa, message, now)
        return
    for decoded in message.payloads:
        match decoded.payload:
            case Notification() as notification:
                _receive_notification(sa, notification, now)
            case Delete() as delete:
                _receive_delete(sa, delete, now)
    if not any(notification.kind == NotifyType.R_U_THERE_ACK for notification in message.all(Notification)):
        sa.heard(now)  # an answer shows that the peer is there only if it matches a question


def _receive_set_up_error(sa: IkeSa, message: Message, now: int) -> None:
    for notification in message.all(Notification):
        sa.count(IkeCounter.IN_NOTIFYS)
        if notification.kind < FIRST_STATUS_NOTIFY:
            fail_phase1(sa, set_up_trouble(sa, notification.kind), now, Exchange.INFORMATIONAL)
            return


def set_up_trouble(sa: IkeSa, notify: int) -> Trouble:
    """The trouble that a peer's error means for phase 1. If it cannot read an encrypted message, the keys differ."""
    if notify == NotifyType.PAYLOAD_MALFORMED and sa.state is State.MM_KEY_EXCH:
        return Trouble.AUTHENTICATION
    return TROUBLE_OF_NOTIFY.get(notify, Trouble.REFUSED)


def refusal(refused: RefusedHeaderError) -> bytes | None:
    """The answer to a refused header: an informational exchange in the clear (RFC 2408 §5.2).

    RFC 7296 §2.5 wants the same of who hears IKEv2 and does not speak it: the notification without data, the SPIs and the message
    id of the request (§1.5), and in the header our own version, in whose format the message is (§3.1). An answer is not answered.
    """
    heard = refused.header
    answers = heard.exchange == Exchange.INFORMATIONAL if heard.major < _IKEV2 else bool(heard.flags & _IKEV2_RESPONSE)
    if answers:
        return None
    first, chain = encode_payloads((Notification(Protocol.ISAKMP, refused.notify),))
    cookies = heard.initiator_cookie, heard.responder_cookie
    return Header(*cookies, first, Exchange.INFORMATIONAL, 0, heard.message_id, HEADER_LENGTH + len(chain)).encode() + chain


def fail_phase1(sa: IkeSa, trouble: Trouble, now: int, exchange: Exchange | None = None) -> None:
    """End a failed phase 1. `exchange` is as in `Phase1Failed`."""
    sa.end(now, trouble)
    sa.emit(Phase1Failed(trouble, exchange))


def delete_phase1(sa: IkeSa, now: int, trouble: Trouble = Trouble.GIVEN_UP) -> None:
    """Tell the peer that the ISAKMP SA is gone, and forget it."""
    if sa.authenticated:
        _say_deleted(sa)
    sa.end(now, trouble)


def _say_deleted(sa: IkeSa) -> None:
    if not sa.engine.failed:
        sa.inform((Delete(Protocol.ISAKMP, (sa.cookies,)),))


def expire(sa: IkeSa, now: int) -> None:
    """End an expired SA with a delete, because the peer may count another lifetime."""
    delete_phase1(sa, now, Trouble.EXPIRED)
    sa.emit(Phase1Expired())


def receive_late(sa: IkeSa, message: Message, now: int) -> None:
    """Handle a decrypted message under an SA that is over: send the delete again. Raises RefusedError as in `receive`."""
    sa.check_hash(message)
    sa.used_ids.add(message.header.message_id)
    deletes = message.all(Delete)
    for delete in deletes:
        if delete.protocol != Protocol.ISAKMP:
            _receive_delete(sa, delete, now)
    if not deletes:
        _say_deleted(sa)
        sa.emit(OverButUsed())


def delete_phase2(sa: IkeSa, spis: Mapping[Protocol, tuple[int, ...]]) -> None:
    """Tell the peer that SAs inbound here are gone (RFC 2408 §3.15: the sender's own SPIs), a payload for each protocol."""
    sa.inform([Delete(protocol, tuple(spi.to_bytes(4, "big") for spi in values)) for protocol, values in spis.items()])


# --- dead peer detection ---


def about_to_send(sa: IkeSa, now: int) -> None:
    """Something is to be sent to the peer: send an R-U-THERE if the peer has been silent."""
    if sa.dpd and (question := sa.dpd.about_to_send(now)):
        _say_dpd(sa, NotifyType.R_U_THERE, question)


def watch(sa: IkeSa, now: int) -> None:
    """Send the next R-U-THERE if it is due. After the last one the peer is lost, and the SA with it."""
    if sa.dpd is None or sa.dpd.due is None or sa.dpd.due > now:
        return
    question = sa.dpd.fell_due(now)
    if question is not None:
        _say_dpd(sa, NotifyType.R_U_THERE, question)
    else:
        sa.end(now, Trouble.TIMEOUT)
        sa.emit(PeerLost())


def _say_dpd(sa: IkeSa, kind: NotifyType, sequence: bytes) -> None:
    sa.inform((Notification(Protocol.ISAKMP, kind, sa.cookies, sequence),))


def _receive_dpd(sa: IkeSa, payload: Notification, now: int) -> None:
    """RFC 3706 §6.2: the cookies must be those of this SA; a question is answered with its own number."""
    if payload.spi != sa.cookies:
        return
    if payload.kind == NotifyType.R_U_THERE:
        _say_dpd(sa, NotifyType.R_U_THERE_ACK, payload.data)
    elif sa.dpd:
        sa.dpd.acknowledged(payload.data, now)


# --- notifications and deletes ---


def _receive_initial_contact(sa: IkeSa, payload: Notification, now: int) -> None:
    sa.emit(InitialContact())


def _receive_invalid_spi(sa: IkeSa, payload: Notification, now: int) -> None:
    """For our SPI in an unfinished quick mode, it refuses our offer. Otherwise it names an SPI that we send with."""
    if any(payload.spi in quick.spis.values() for quick in _waiting(sa)):
        _receive_phase2_error(sa, payload, now)
    elif payload.protocol != Protocol.ISAKMP:
        sa.emit(InvalidSpi(payload.protocol, int.from_bytes(payload.spi, "big")))


def _receive_lifetime(sa: IkeSa, payload: Notification, now: int) -> None:
    if payload.protocol == Protocol.ISAKMP and sa.initiator:
        shorten(sa, payload)


def _receive_error(sa: IkeSa, payload: Notification, now: int) -> None:
    if payload.protocol != Protocol.ISAKMP:
        _receive_phase2_error(sa, payload, now)
    elif payload.spi == sa.cookies and payload.kind in _NOT_BELIEVED:
        # The peer has not accepted the last message of our phase 1, and has no SA.
        sa.set_up.suspicion = TROUBLE_OF_NOTIFY[payload.kind]
        _deleted(sa, now)


def _waiting(sa: IkeSa) -> list[QuickMode]:
    return [quick for quick in sa.quick.values() if quick.under_way]


def _receive_phase2_error(sa: IkeSa, payload: Notification, now: int) -> None:
    """The SPI identifies the quick mode. Without an SPI it must be the only one."""
    if payload.kind >= FIRST_STATUS_NOTIFY:
        return
    waiting = _waiting(sa)
    meant = [quick for quick in waiting if payload.spi in quick.spis.values()] or (waiting if len(waiting) == 1 else [])
    for quick in meant:
        sa.count(IkeCounter.OUT_P2_REJECTS if quick.initiator else IkeCounter.OUT_P2_INVALIDS)
        sa.give_up(quick, TROUBLE_OF_NOTIFY.get(payload.kind, Trouble.REFUSED), now, exchange=Exchange.INFORMATIONAL)


# What is done about a notification, by its kind; every other may be an error.
_NOTIFICATIONS: Mapping[int, Callable[[IkeSa, Notification, int], None]] = MappingProxyType(
    {
        NotifyType.R_U_THERE: _receive_dpd,
        NotifyType.R_U_THERE_ACK: _receive_dpd,
        NotifyType.INITIAL_CONTACT: _receive_initial_contact,
        NotifyType.INVALID_SPI: _receive_invalid_spi,
        NotifyType.RESPONDER_LIFETIME: _receive_lifetime,
    }
)


def _receive_notification(sa: IkeSa, payload: Notification, now: int) -> None:
    sa.count(IkeCounter.IN_NOTIFYS)
    _NOTIFICATIONS.get(payload.kind, _receive_error)(sa, payload, now)


def _deleted(sa: IkeSa, now: int) -> None:
    """The peer has deleted the ISAKMP SA. For a client that is not through yet, the set-up has failed."""
    if not sa.up:
        told = sa.set_up.suspicion
        fail_phase1(sa, told or Trouble.PEER_DELETED, now, Exchange.INFORMATIONAL if told else None)
    elif sa.expires is not None and sa.expires - now <= ABOUT_OVER:
        sa.end(now, Trouble.EXPIRED)
        sa.emit(Phase1Expired())
    else:
        sa.end(now, Trouble.PEER_DELETED)
        sa.emit(Phase1Deleted())


def _receive_delete(sa: IkeSa, payload: Delete, now: int) -> None:
    if payload.protocol == Protocol.ISAKMP:
        if sa.cookies in payload.spis:
            _deleted(sa, now)
        return
    sa.count(IkeCounter.IN_P2_SA_DELETES)
    sa.emit(Phase2Deleted(payload.protocol, tuple(int.from_bytes(spi, "big") for spi in payload.spis)))
