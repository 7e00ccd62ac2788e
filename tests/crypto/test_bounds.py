"""What RFC 2407, 2408 and 2409 bound in a message: beyond that it is refused, with the notification that the RFC names."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from agent.base.ike_counters import IkeCounter
from agent.crypto import ikev1, quick_mode
from agent.crypto.doi import Exchange, Flag, IdentificationType, NotifyType, Protocol
from agent.crypto.ike_events import InitialContact, Phase1Failed, Phase1Up, Phase2Failed, Phase2Up, QuickStart, Trouble
from agent.crypto.ike_sa import IkeSa
from agent.crypto.informational import refusal
from agent.crypto.isakmp import NO_COOKIE, Header, RefusedHeaderError, decode_header, decode_payloads
from agent.crypto.payloads import (
    Attribute,
    CertificateRequest,
    Identification,
    KeyExchange,
    Nonce,
    Notification,
    Payload,
    SecurityAssociation,
    Transform,
)
from agent.crypto.proposals import choose_phase1, offer_phase1, offer_phase2, read_phase1_lifetime
from tests.crypto.ike_pair import DES, GUIDE, LOCAL, REMOTE, Pair, Side
from tests.crypto.in_the_clear import encode_message

COOKIE = b"initiate"
ADDRESS = IPv4Address("10.1.1.1").packed


def notified(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The kinds of the notifications that both ends send from now on."""
    kinds: list[int] = []
    inform = IkeSa.inform

    def informing(sa: IkeSa, payloads: list[Payload]) -> None:
        kinds.extend(payload.kind for payload in payloads if isinstance(payload, Notification))
        inform(sa, payloads)

    monkeypatch.setattr(IkeSa, "inform", informing)
    return kinds


# --- identities ---


@pytest.mark.parametrize("exchange", [Exchange.MAIN, Exchange.AGGRESSIVE])
@pytest.mark.parametrize(
    "identity",
    [
        Identification(IdentificationType.IPV4_ADDR, ADDRESS, 6, 0),
        Identification(IdentificationType.IPV4_ADDR, ADDRESS, 17, 80),
        Identification(IdentificationType.IPV4_ADDR, ADDRESS, 0, 1),
        Identification(IdentificationType.IPV4_ADDR, ADDRESS[:3], 17, 500),
        Identification(IdentificationType.IPV4_ADDR_SUBNET, ADDRESS, 17, 500),
        Identification(IdentificationType.IPV6_ADDR, ADDRESS, 17, 500),
        Identification(0, ADDRESS, 17, 500),
        Identification(99, ADDRESS, 17, 500),
    ],
)
def test_a_phase_1_identity_of_another_port_protocol_kind_or_length_is_refused(
    exchange: Exchange, identity: Identification, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 2407 §4.6.2: any other values must be treated as an error, and the set-up aborted."""
    pair = Pair(Side("10.1.1.1", identity=identity), exchange=exchange)
    kinds = notified(pair, monkeypatch)
    pair.run()
    assert pair.of(1, Phase1Failed) == [Phase1Failed(Trouble.ENCODING)]
    assert kinds == [NotifyType.INVALID_ID_INFORMATION]


@pytest.mark.parametrize("exchange", [Exchange.MAIN, Exchange.AGGRESSIVE])
@pytest.mark.parametrize(("protocol", "port"), [(0, 0), (17, 0), (17, 500), (17, 4500), (0, 500)])
def test_a_phase_1_identity_of_ikes_ports_is_taken(exchange: Exchange, protocol: int, port: int) -> None:
    identity = Identification(IdentificationType.IPV4_ADDR, ADDRESS, protocol, port)
    assert Pair(Side("10.1.1.1", identity=identity), exchange=exchange).run().of(1, Phase1Up)


@pytest.mark.parametrize(
    "identity",
    [
        replace(LOCAL, data=b"\x0a\x14\x01"),
        Identification(IdentificationType.IPV4_ADDR_SUBNET, ADDRESS + b"\xff\x00\xff\x00"),
        Identification(IdentificationType.IPV4_ADDR_RANGE, b"\x0a\0\0\x09\x0a\0\0\x05"),
        Identification(200, ADDRESS),
    ],
)
def test_a_phase_2_identity_that_means_nothing_is_refused(identity: Identification, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 2408 §5.8, RFC 2409 §5.5."""
    pair = Pair().up()
    kinds = notified(pair, monkeypatch)
    ikev1.negotiate(pair.initiator, QuickStart(GUIDE, identity, REMOTE, "asked"), pair.now)
    pair.run()
    assert kinds == [NotifyType.INVALID_ID_INFORMATION]
    assert not pair.sides[1].asked
    assert pair.of(0, Phase2Failed)


# --- SPIs ---


@pytest.mark.parametrize("spi", [b"\0\0\0\0", b"\0\0\0\x01", b"\0\0\0\xff", b"\x12\x34", b"\x12\x34\x56\x78\x9a"])
@pytest.mark.parametrize("by", [0, 1])
def test_an_spi_that_no_sa_may_have_is_refused_by_either_end(spi: bytes, by: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 4303 §2.1, RFC 4302 §2.4: 0 is never sent on the wire, 1 to 255 are reserved; RFC 2408 §5.5 names the notification."""
    pair = Pair().up()
    kinds = notified(pair, monkeypatch)
    monkeypatch.setattr(pair.sides[by], "new_spi", lambda protocol: spi)
    pair.quick()
    assert kinds == [NotifyType.INVALID_SPI]
    assert not pair.of(0, Phase2Up)
    assert not pair.of(1, Phase2Up)
    assert pair.of(1 - by, Phase2Failed)
    if by == 0:  # who has offered it hears that it is its offer that was refused
        (failed,) = pair.of(0, Phase2Failed)
        assert isinstance(failed, Phase2Failed)
        assert failed.trouble is Trouble.REFUSED


def test_of_several_offers_one_with_a_good_spi_is_taken() -> None:
    spis = {Protocol.ESP: b"\0\0\0\0", Protocol.AH: b"\0\0\x10\x02"}
    bad = offer_phase2(replace(GUIDE, suites=(replace(GUIDE.suites[0], ah=None),)), spis).proposals
    good = tuple(replace(each, number=2, spi=b"\0\0\x10\x01") for each in bad)
    pair = Pair(responder=Side("10.1.1.2", spi=0x2000, terms=replace(GUIDE, suites=(replace(GUIDE.suites[0], ah=None),)))).up()
    offer_by_hand(pair, [SecurityAssociation((*bad, *good)), Nonce(bytes(range(20)))])
    assert pair.of(1, Phase2Up) or pair.responder.quick  # answered
    assert not pair.of(1, Phase2Failed)


def test_an_spi_of_phase_1_means_nothing_up_to_16_octets() -> None:
    """RFC 2408 §3.5: it may be from 0 to 16 octets long there, and is ignored."""
    (proposal,) = offer_phase1([DES]).proposals
    for octets, taken in ((0, True), (8, True), (16, True), (17, False)):
        offer = SecurityAssociation((replace(proposal, spi=bytes(octets)),))
        assert (choose_phase1(offer, [DES]) is not None) is taken


# --- nonces, copies of payloads, public values ---


def offer_by_hand(pair: Pair, payloads: list[Payload]) -> None:
    quick = ikev1.negotiate(pair.initiator, QuickStart(GUIDE, None, None, "asked"), pair.now)
    pair.initiator.take_messages()
    quick.vector = pair.initiator.vector_of(quick.message_id)
    quick_mode._say(pair.initiator, quick, payloads, b"", pair.now, resend=False)
    pair.run()


OFFER = offer_phase2(GUIDE, {Protocol.ESP: b"\0\0\x10\x01", Protocol.AH: b"\0\0\x10\x02"})
NONCE = Nonce(bytes(20))


@pytest.mark.parametrize(
    "payloads",
    [
        [OFFER, Nonce(bytes(7))],
        [OFFER, Nonce(bytes(257))],
        [OFFER, NONCE, NONCE],
        [OFFER, NONCE, LOCAL],
        [OFFER, NONCE, LOCAL, REMOTE, LOCAL],
    ],
    ids=["7 octets", "257 octets", "two nonces", "one identity", "three identities"],
)
def test_a_quick_mode_whose_payloads_are_not_as_rfc_2409_has_them_is_refused(
    payloads: list[Payload], monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 2409 §5: nonces have 8 to 256 octets; §5.5: one nonce, and no identity or two."""
    pair = Pair().up()
    kinds = notified(pair, monkeypatch)
    offer_by_hand(pair, payloads)
    assert kinds == [NotifyType.PAYLOAD_MALFORMED]
    assert pair.counts[1][IkeCounter.IN_P2_REJECTS] == 1


@pytest.mark.parametrize("octets", [8, 256])
def test_nonces_at_the_bounds_are_taken(octets: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair().up()
    kinds = notified(pair, monkeypatch)
    offer_by_hand(pair, [OFFER, Nonce(bytes(octets))])
    assert not kinds
    assert pair.responder.quick


def clear(pair: Pair, payloads: list[Payload]) -> None:
    """A message of main mode in the clear, to the responder."""
    sa = pair.responder
    header = Header(COOKIE, sa.responder_cookie, 0, Exchange.MAIN, 0, 0)
    ikev1.receive(sa, encode_message(header, payloads), pair.now)


@pytest.mark.parametrize(
    ("payloads", "kind"),
    [
        ([KeyExchange(bytes(95) + b"\x02"), NONCE, NONCE], NotifyType.PAYLOAD_MALFORMED),
        ([KeyExchange(bytes(95) + b"\x02"), KeyExchange(bytes(95) + b"\x02"), NONCE], NotifyType.PAYLOAD_MALFORMED),
        ([KeyExchange(bytes(95)), NONCE], NotifyType.INVALID_KEY_INFORMATION),
        ([KeyExchange(b"\x02" * 97), NONCE], NotifyType.INVALID_KEY_INFORMATION),
    ],
    ids=["two nonces", "two public values", "a short public value", "a long public value"],
)
def test_a_third_message_that_is_not_as_it_must_be_is_refused(
    payloads: list[Payload], kind: NotifyType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 2408 §5.7 for public values."""
    pair = Pair()
    kinds = notified(pair, monkeypatch)
    clear(pair, [offer_phase1([DES])])
    clear(pair, payloads)
    assert kinds == [kind]


@pytest.mark.parametrize(
    ("offer", "kind"),
    [
        (replace(offer_phase1([DES]), doi=0), NotifyType.DOI_NOT_SUPPORTED),
        (replace(offer_phase1([DES]), doi=7), NotifyType.DOI_NOT_SUPPORTED),
        (replace(offer_phase1([DES]), situation=b"\0\0\0\x02"), NotifyType.SITUATION_NOT_SUPPORTED),
        (offer_phase1([replace(DES, group=2)]), NotifyType.NO_PROPOSAL_CHOSEN),
    ],
)
def test_what_a_peer_is_told_of_an_offer_that_is_none(
    offer: SecurityAssociation, kind: NotifyType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 2408 §5.4."""
    pair = Pair()
    kinds = notified(pair, monkeypatch)
    clear(pair, [offer])
    assert kinds == [kind]


def test_a_responder_that_does_not_name_itself_is_not_believed() -> None:
    """RFC 2408 §2.5.3: its cookie comes with its first message."""
    pair = Pair()
    pair.wire = lambda from_initiator, number, octets: [octets if from_initiator else octets[:8] + NO_COOKIE + octets[16:]]
    pair.run()
    assert pair.initiator.responder_cookie == NO_COOKIE
    assert not pair.of(0, Phase1Failed)


# --- lifetimes, many payloads ---


def test_a_lifetime_of_nothing_in_phase_1_is_none() -> None:
    """As in phase 2: else the SA would be over when it comes up."""
    (proposal,) = offer_phase1([DES]).proposals
    (transform,) = proposal.transforms
    for nothing in (0, b"", bytes(4)):
        attributes = tuple(Attribute(12, nothing) if each.kind == 12 else each for each in transform.attributes)
        offer = SecurityAssociation((replace(proposal, transforms=(Transform(1, 1, attributes),)),))
        chosen = choose_phase1(offer, [DES])
        assert chosen is not None
        assert (chosen[1].lifetime, chosen[2]) == (DES.lifetime, DES.lifetime)
    assert not read_phase1_lifetime(b"\x80\x0b\0\x01\x80\x0c\0\0")


@pytest.mark.parametrize("number", [65, 80, 500])
def test_a_message_may_ask_for_many_certificates(number: int) -> None:
    pair = Pair()
    clear(pair, [offer_phase1([DES]), *[CertificateRequest(b"0\0")] * number])
    assert pair.responder.take_messages()  # MM2
    assert len(pair.responder.identities.requested) == number


# --- headers ---


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"version": 0x20}, NotifyType.INVALID_MAJOR_VERSION),
        ({"version": 0x21}, NotifyType.INVALID_MAJOR_VERSION),
        ({"version": 0x30}, NotifyType.INVALID_MAJOR_VERSION),
        ({"version": 0x00}, NotifyType.INVALID_MAJOR_VERSION),
        ({"version": 0x11}, NotifyType.INVALID_MINOR_VERSION),
        ({"flags": 0x08}, NotifyType.INVALID_FLAGS),
    ],
)
def test_a_header_that_is_refused_is_answered_in_our_own_version(changed: dict[str, int], kind: NotifyType) -> None:
    """RFC 2408 §5.2; RFC 7296 §1.5, §2.5 and §3.1: the SPIs and the message id of the request, no data, and version 1."""
    heard = replace(Header(COOKIE, NO_COOKIE, 0, Exchange.MAIN, 0, 7), **changed)
    with pytest.raises(RefusedHeaderError) as raised:
        decode_header(encode_message(heard, [offer_phase1([DES])]))
    said = refusal(raised.value)
    assert said is not None
    header = decode_header(said)
    assert (header.initiator_cookie, header.responder_cookie, header.message_id) == (COOKIE, NO_COOKIE, 7)
    assert (header.version, header.exchange, header.flags) == (0x10, Exchange.INFORMATIONAL, 0)
    (only,) = decode_payloads(header.next_payload, said[28:])
    assert only.payload == Notification(Protocol.ISAKMP, kind)


@pytest.mark.parametrize(
    "heard",
    [
        Header(COOKIE, NO_COOKIE, 0, 34, 0x20, 0, version=0x20),  # an answer in IKEv2 (RFC 7296 §3.1)
        Header(COOKIE, NO_COOKIE, 0, Exchange.INFORMATIONAL, 0, 0, version=0x11),
    ],
)
def test_an_answer_is_not_answered(heard: Header) -> None:
    with pytest.raises(RefusedHeaderError) as raised:
        decode_header(encode_message(heard, [NONCE]))
    assert refusal(raised.value) is None


def test_all_flags_of_rfc_2408_may_be_set() -> None:
    flags = Flag.ENCRYPTION | Flag.COMMIT | Flag.AUTHENTICATION_ONLY
    assert decode_header(encode_message(Header(COOKIE, NO_COOKIE, 0, 5, flags, 0), [NONCE])).flags == flags


# --- INITIAL-CONTACT, and what is counted of notifications ---


def contact(sa: IkeSa) -> Notification:
    return Notification(Protocol.ISAKMP, NotifyType.INITIAL_CONTACT, sa.cookies)


@pytest.mark.parametrize("by", [0, 1])
def test_initial_contact_in_an_informational_exchange(by: int) -> None:
    """RFC 2407 §4.6.3: a status message may have an exchange of its own; racoon and Apple's clients do it so."""
    pair = Pair(Side("10.1.1.1", first=False)).up()
    pair.ends[by].inform((contact(pair.initiator),))
    pair.run()
    assert pair.of(1 - by, InitialContact) == [InitialContact()]


def test_initial_contact_in_the_first_message_of_a_quick_mode_comes_before_its_sas() -> None:
    pair = Pair(Side("10.1.1.1", first=False)).up()
    before = pair.counts[1][IkeCounter.IN_NOTIFYS]
    offer_by_hand(pair, [OFFER, NONCE, contact(pair.initiator), Notification(Protocol.ESP, 24577, b"\0\0\x10\x01", bytes(4))])
    assert isinstance(pair.events[1][-2], InitialContact)
    assert pair.counts[1][IkeCounter.IN_NOTIFYS] == before + 2


def test_initial_contact_in_the_last_message_of_main_mode_may_be_the_responders(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 2407 §4.6.3: a payload in the last main mode exchange, whose messages are the fifth and the sixth."""
    monkeypatch.setattr("agent.crypto.phase1.responder_lifetime", lambda sa: [contact(sa)])
    pair = Pair(Side("10.1.1.1", first=False)).up()
    assert pair.events[0] == [InitialContact(), Phase1Up()]
