"""Crypto room: IKEv1 (RFC 2409): runs the exchanges of one ISAKMP SA by their tables.

A message is checked for a duplicate, decrypted, checked for its payloads, and handled; then the state changes. No message raises:
one that cannot be used is counted, answered where RFC 2408 §5 says so, and reported as an event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from agent.base.ike_counters import IkeCounter
from agent.crypto import aggressive_mode, informational, main_mode, quick_mode, transaction
from agent.crypto.authentication import PRE_SHARED
from agent.crypto.ciphers import RandomSource
from agent.crypto.dialogues import Dialogue, Message, QuickMode, Transaction
from agent.crypto.doi import PHASE1_EXCHANGES, Exchange, NotifyType, Protocol
from agent.crypto.engine import CryptoEngine
from agent.crypto.ike_events import BadMessage, Decisions, OverButUsed, QuickStart, RefusedError, Tally, Trouble
from agent.crypto.ike_sa import IkeSa
from agent.crypto.isakmp import NO_COOKIE, Header, MalformedMessageError, decode_header
from agent.crypto.nat_traversal import NAT_TRAVERSAL, Ends, NatTraversal
from agent.crypto.payloads import Notification, SecurityAssociation, Vendor
from agent.crypto.phase1 import Step, take_requests
from agent.crypto.states import Cause, QuickState, Role, State

DialogueT = TypeVar("DialogueT", bound=Dialogue)


def initiate(
    decisions: Decisions,
    tally: Tally,
    random: RandomSource,
    now: int,
    ends: Ends,
    traversal: NatTraversal = NAT_TRAVERSAL,
    exchange: Exchange = Exchange.MAIN,
    engine: CryptoEngine | None = None,
) -> IkeSa:
    """Begin a main or an aggressive mode. An SA that fails at once is in state DEAD, and its events say so."""
    sa = IkeSa(
        role=Role.INITIATOR,
        decisions=decisions,
        tally=tally,
        random=random,
        ends=ends,
        traversal=traversal,
        exchange=exchange,
        engine=engine,
    )
    try:
        _BEGIN[exchange](sa, now)
    except RefusedError as refused:
        informational.fail_phase1(sa, refused.trouble, now)
    return sa


def respond(
    decisions: Decisions,
    tally: Tally,
    random: RandomSource,
    ends: Ends,
    traversal: NatTraversal = NAT_TRAVERSAL,
    exchange: Exchange = Exchange.MAIN,
    engine: CryptoEngine | None = None,
) -> IkeSa:
    """An SA that waits for MM1 or AM1."""
    return IkeSa(
        role=Role.RESPONDER,
        decisions=decisions,
        tally=tally,
        random=random,
        ends=ends,
        traversal=traversal,
        exchange=exchange,
        engine=engine,
    )


def negotiate(sa: IkeSa, start: QuickStart, now: int) -> QuickMode:
    """Begin a quick mode under an SA that is up."""
    return quick_mode.begin(sa, start, now)


def receive(sa: IkeSa, octets: bytes, now: int, ends: Ends | None = None) -> None:
    """Handle a datagram for this SA (found by its cookies), without a non-ESP marker. It never raises, whatever the octets are.

    `ends` are its addresses and ports. If it is accepted, the SA answers there from then on (RFC 3947 §4).
    """
    try:
        header = decode_header(octets)
    except MalformedMessageError:
        _drop(sa, octets, None, None)
        return
    handler = _EXCHANGES.get(header.exchange)
    if handler is None:
        _drop(sa, octets, Trouble.ENCODING, None)
        return
    sa.came_by(ends)
    if sa.state is State.DEAD and header.exchange not in PHASE1_EXCHANGES:
        handler = _receive_late
    handler(sa, header, octets, now)


def tick(sa: IkeSa, now: int) -> None:
    """Do the due work: retransmit, give up, expire, forget."""
    if sa.expires is not None and sa.expires <= now:
        informational.expire(sa, now)
    informational.watch(sa, now)
    for message_id, quick in list(sa.quick.items()):
        if quick.due is None or quick.due > now:
            continue
        if quick.state is QuickState.QM_COMPLETE:
            del sa.quick[message_id]
        elif quick.state is QuickState.QM_R_QM3:
            quick_mode.waited(sa, quick, now)
        elif not quick.resend or not sa.retry(quick, now):
            sa.give_up(quick, Trouble.TIMEOUT, now)
    for exchange in list(sa.transactions.values()):
        if exchange.due is None or exchange.due > now:
            continue
        if not exchange.resend:
            del sa.transactions[exchange.message_id]
        elif not sa.retry(exchange, now):
            transaction.unanswered(sa, exchange, now)
    if sa.main.due is not None and sa.main.due <= now:
        if sa.authenticated:
            transaction.waited(sa, now)
        elif sa.state is State.DEAD:
            sa.forget()
        elif not sa.main.resend or not sa.retry(sa.main, now):
            informational.fail_phase1(sa, sa.set_up.suspicion or Trouble.TIMEOUT, now)


# --- by exchange ---


def _receive_phase1(sa: IkeSa, header: Header, octets: bytes, now: int) -> None:
    if octets in sa.main.heard:
        _copy(sa, sa.main, octets)
        return
    step = _PHASE1[header.exchange].get((sa.role, sa.state))
    wrong = step is None or step.encrypted not in (None, header.encrypted) or header.message_id or not _has_cookies(sa, header)
    if step is None or wrong or sa.set_up.rest is not None:
        _drop(sa, octets, Trouble.ENCODING if sa.up else None, header)
        return
    _arrived(sa, octets)
    if sa.initiator_cookie == NO_COOKIE:
        sa.initiator_cookie = header.initiator_cookie
    sa.main.heard += (octets,)

    def take(now: int) -> None:
        message = sa.open(header, octets, sa.main.vector)
        if not all(message.has(kind) for kind in step.payloads):
            raise MalformedMessageError("a payload is missing")
        sa.follow()
        sa.announced(message.all(Vendor))
        take_requests(sa, message)
        step.handle(sa, message, now)

    _carry_out(sa, step.cause, take, header.encrypted, now)


def resume(sa: IkeSa, now: int) -> None:
    """Go on with the message of phase 1 that has named a peer, because the owner knows the peer now (`Decisions.is_unknown`)."""
    rest, sa.set_up.rest = sa.set_up.rest, None
    if rest is not None:
        step = _PHASE1[sa.exchange][sa.role, sa.state]
        _carry_out(sa, step.cause, rest, bool(step.encrypted), now)


def _carry_out(sa: IkeSa, cause: Cause, work: Callable[[int], None], encrypted: bool, now: int) -> None:
    """Do the work on a message of phase 1, or a part of it, and change the state if that was all."""
    try:
        work(now)
    except MalformedMessageError:
        # With a pre-shared key the first encrypted message shows whether both have the same (RFC 2409 §5.4).
        keyed = encrypted and sa.policy().authentication == PRE_SHARED
        trouble = Trouble.AUTHENTICATION if keyed else Trouble.ENCODING
        _fail_phase1(sa, RefusedError(trouble, NotifyType.PAYLOAD_MALFORMED), now)
    except RefusedError as refused:
        _fail_phase1(sa, refused, now)
    else:
        if sa.set_up.rest is None:
            sa.happened(cause)
            if sa.authenticated:
                transaction.begin(sa, now)


def _has_cookies(sa: IkeSa, header: Header) -> bool:
    """Whether the responder's cookie is the SA's; the responder gives it with its first message (RFC 2408 §2.5.3)."""
    if sa.initiator and sa.responder_cookie == NO_COOKIE:
        return header.responder_cookie != NO_COOKIE
    return header.responder_cookie == sa.responder_cookie


def _fail_phase1(sa: IkeSa, refused: RefusedError, now: int) -> None:
    sa.main.said = b""
    sa.count(IkeCounter.IN_DROPS)
    if refused.notify:
        sa.main.said = sa.inform((Notification(Protocol.ISAKMP, refused.notify, sa.cookies),))
    informational.fail_phase1(sa, refused.trouble, now, sa.exchange)


def _exchange_of(
    sa: IkeSa,
    header: Header,
    octets: bytes,
    known: Mapping[int, DialogueT],
    begin: Callable[..., DialogueT],
    allowed: bool,
) -> DialogueT | None:
    """The exchange with a message id of its own that a message is of, or begins; None where nothing more is to be done about it."""
    exchange = known.get(header.message_id)
    if exchange is not None and octets in exchange.heard:
        _copy(sa, exchange, octets)
    elif not allowed or not header.encrypted:
        _drop(sa, octets, Trouble.ENCODING if sa.up else None, header)
    elif exchange is not None:
        return exchange
    elif header.message_id in sa.used_ids:
        _duplicate(sa)  # of an exchange long over: RFC 2409 §5.5 has each message id once
    else:
        return begin(sa.vector_of(header.message_id), message_id=header.message_id)
    return None


def _receive_quick(sa: IkeSa, header: Header, octets: bytes, now: int, vector: bytes | None = None) -> None:
    """A message of a quick mode; `vector` is its own where it is not chained to those before."""
    begin = partial(QuickMode, initiator=False)
    quick = _exchange_of(sa, header, octets, sa.quick, begin, sa.takes_quick_modes)
    if quick is None:
        return
    step = quick_mode.QUICK_MODE.get((quick.role, quick.state))
    if step is None:
        _drop(sa, octets, None, header)
        return
    _arrived(sa, octets)
    sa.count(IkeCounter.IN_P2_EXCHANGES)
    try:
        message = sa.open(header, octets, quick.vector if vector is None else vector)
    except MalformedMessageError:
        _invalid(sa, Trouble.DECRYPT)
        return
    except RefusedError:
        sa.count(IkeCounter.IN_DROPS)
        return
    try:
        if not all(message.has(kind) for kind in step.payloads):
            raise MalformedMessageError("a payload is missing")
        cause = step.handle(sa, quick, message, now) or step.cause
    except MalformedMessageError:
        _invalid(sa, Trouble.ENCODING)
    except RefusedError as refused:
        if refused.trouble is Trouble.HASH:
            _invalid(sa, Trouble.HASH)
            return
        _fail_quick(sa, quick, octets, message.find(SecurityAssociation), refused, now)
    else:
        sa.follow()
        sa.heard(now)
        quick.heard += (octets,)
        quick.happened(cause)


def _fail_quick(
    sa: IkeSa, quick: QuickMode, octets: bytes, offer: SecurityAssociation | None, refused: RefusedError, now: int
) -> None:
    """Refuse the peer's offer or answer. The notification names the SPI by which the peer knows the exchange."""
    quick.heard += (octets,)
    sa.count(IkeCounter.IN_DROPS)
    sa.count(IkeCounter.OUT_P2_INVALIDS if quick.initiator else IkeCounter.IN_P2_REJECTS)
    proposal = offer.proposals[0] if offer and offer.proposals else None
    if refused.notify:
        protocol, spi = (proposal.protocol, proposal.spi) if proposal else (Protocol.ESP, b"")
        quick.said = sa.inform((Notification(protocol, refused.notify, spi),))
    if sa.up:
        sa.give_up(quick, refused.trouble, now, _protocol_of(offer), Exchange.QUICK)
    else:
        transaction.refuse_without_address(sa, now)


def _protocol_of(offer: SecurityAssociation | None) -> int | None:
    """The protocol that an offer asks for: ESP if its first bundle has it, else the first protocol."""
    if offer is None or not offer.proposals:
        return None
    bundle = [each.protocol for each in offer.proposals if each.number == offer.proposals[0].number]
    return Protocol.ESP if Protocol.ESP in bundle else bundle[0]


def _receive_transaction(sa: IkeSa, header: Header, octets: bytes, now: int) -> None:
    exchange = _exchange_of(sa, header, octets, sa.transactions, Transaction, sa.authenticated)
    if exchange is None:
        return
    if _take(sa, header, octets, exchange.vector, lambda message: transaction.receive(sa, exchange, message, now)):
        exchange.heard += (octets,)


def _receive_informational(sa: IkeSa, header: Header, octets: bytes, now: int) -> None:
    quick = sa.quick.get(header.message_id)
    if header.encrypted and quick is not None and quick.state in (QuickState.QM_I_QM3, QuickState.QM_R_QM3):
        # CONNECTED comes in an exchange of its own kind, but under the message id of the quick mode (RFC 2408 §3.1).
        _receive_quick(sa, header, octets, now, sa.vector_of(header.message_id))
        return
    if header.encrypted and header.message_id in sa.used_ids:
        _duplicate(sa)
        return
    if header.encrypted and sa.keying.keys is None:
        _drop(sa, octets, None, header)
        return
    vector = sa.vector_of(header.message_id) if header.encrypted else b""
    _take(sa, header, octets, vector, lambda message: informational.receive(sa, message, now))


def _receive_late(sa: IkeSa, header: Header, octets: bytes, now: int) -> None:
    """Handle a message under an SA that is over. Copies are recognised. An SA that was never up reports nothing."""
    if not sa.keying.last_block or header.message_id in sa.used_ids:
        return
    try:
        if not header.encrypted:
            raise RefusedError(Trouble.AUTHENTICATION)
        informational.receive_late(sa, sa.open(header, octets, sa.vector_of(header.message_id)), now)
    except (MalformedMessageError, RefusedError):
        sa.emit(OverButUsed())


def _take(sa: IkeSa, header: Header, octets: bytes, vector: bytes, handle: Callable[[Message], None]) -> bool:
    """Decrypt and handle a message that does not affect other exchanges; whether it was accepted."""
    _arrived(sa, octets)
    trouble = Trouble.DECRYPT if header.encrypted else Trouble.ENCODING
    try:
        message = sa.open(header, octets, vector)
        trouble = Trouble.ENCODING
        handle(message)
    except (MalformedMessageError, RefusedError) as wrong:
        sa.count(IkeCounter.IN_DROPS)
        if header.encrypted and not sa.authenticated:
            # Most likely an error under different keys, or a message that overtook the last one of phase 1.
            sa.set_up.suspicion = Trouble.AUTHENTICATION
        told = wrong.trouble if isinstance(wrong, RefusedError) else trouble
        sa.emit(BadMessage(told, Exchange(header.exchange), sa.authenticated and not header.encrypted))
        return False
    if header.encrypted:
        sa.follow()
    return True


_BEGIN: Mapping[Exchange, Callable[[IkeSa, int], None]] = {
    Exchange.MAIN: main_mode.begin,
    Exchange.AGGRESSIVE: aggressive_mode.begin,
}
_PHASE1: Mapping[int, Mapping[tuple[Role, State], Step]] = {
    Exchange.MAIN: main_mode.MAIN_MODE,
    Exchange.AGGRESSIVE: aggressive_mode.AGGRESSIVE_MODE,
}
_EXCHANGES: Mapping[int, Callable[[IkeSa, Header, bytes, int], None]] = {
    Exchange.MAIN: _receive_phase1,
    Exchange.AGGRESSIVE: _receive_phase1,
    Exchange.QUICK: _receive_quick,
    Exchange.TRANSACTION: _receive_transaction,
    Exchange.INFORMATIONAL: _receive_informational,
}


# Exchanges whose messages are always encrypted (RFC 2409 §5.5, draft-dukes-ike-mode-cfg-02 §3.1).
_ENCRYPTED = (Exchange.QUICK, Exchange.TRANSACTION)


# --- counting ---


def _arrived(sa: IkeSa, octets: bytes) -> None:
    sa.count(IkeCounter.IN_PACKETS)
    sa.count(IkeCounter.IN_OCTETS, len(octets) + sa.overhead)


def _duplicate(sa: IkeSa) -> None:
    """A duplicate counts as a packet and a drop, and in nothing else."""
    sa.count(IkeCounter.IN_PACKETS)
    sa.count(IkeCounter.IN_DROPS)


def _copy(sa: IkeSa, dialogue: Dialogue, octets: bytes) -> None:
    """A copy of an earlier message. A copy of the last one means that our answer was lost."""
    _duplicate(sa)
    if octets == dialogue.heard[-1]:
        sa.say_again(dialogue)


def _drop(sa: IkeSa, octets: bytes, trouble: Trouble | None, header: Header | None) -> None:
    """Drop a message. Trouble of a live SA is reported. `header` is that of a message whose exchange there is."""
    _arrived(sa, octets)
    sa.count(IkeCounter.IN_DROPS)
    if trouble is not None and sa.up:
        exchange = Exchange(header.exchange) if header else None
        sa.emit(BadMessage(trouble, exchange, exchange in _ENCRYPTED and header is not None and not header.encrypted))


def _invalid(sa: IkeSa, trouble: Trouble) -> None:
    sa.count(IkeCounter.IN_DROPS)
    sa.count(IkeCounter.IN_P2_INVALIDS)
    sa.emit(BadMessage(trouble, Exchange.QUICK))
