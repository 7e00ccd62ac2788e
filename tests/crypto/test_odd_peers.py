"""What other implementations may do in a quick mode, and ours does not: commit bit, IPCOMP, many transforms, ranges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from agent.base.ike_counters import IkeCounter
from agent.crypto import ikev1, quick_mode
from agent.crypto.dialogues import Dialogue
from agent.crypto.doi import Exchange, IdentificationType, NotifyType, Protocol
from agent.crypto.ike_events import BadMessage, Phase2Failed, Phase2Keyed, Phase2Up, QuickStart, Trouble
from agent.crypto.payloads import Identification, Nonce, Proposal, SecurityAssociation, Transform
from agent.crypto.proposals import Suite, choose_phase2, offer_phase2
from tests.crypto.ike_pair import (
    CONNECTED,
    GUIDE,
    REMOTE,
    Pair,
    Side,
    committed_by_the_initiator,
    committing,
    connected,
    last_block,
)

ESP = Suite(None, "des", 56, "sha")
ONE = replace(GUIDE, suites=(ESP,))


# --- the commit bit ---


@pytest.mark.parametrize(
    ("exchange", "vector"),
    [
        (Exchange.QUICK, last_block),
        (Exchange.INFORMATIONAL, lambda pair: pair.responder.vector_of(next(iter(pair.responder.quick)))),
    ],
    ids=["a fourth message", "an exchange of its own"],
)
def test_with_the_commit_bit_sas_are_used_once_the_responder_has_said_so(
    exchange: Exchange, vector: Callable[[Pair], bytes]
) -> None:
    pair = committing(Pair().up())
    assert pair.of(0, Phase2Keyed)  # packets may come in
    assert not pair.of(0, Phase2Up)
    ikev1.receive(pair.initiator, connected(pair, exchange, vector(pair)), pair.now)
    pair.run()
    assert pair.of(0, Phase2Up)
    assert pair.counts[0][IkeCounter.IN_NOTIFYS] == 1
    pair.wait(200)
    assert not pair.initiator.quick


def test_a_forged_word_changes_nothing() -> None:
    pair = committing(Pair().up())
    good = connected(pair, Exchange.QUICK, last_block(pair))
    for exchange in (Exchange.INFORMATIONAL, Exchange.QUICK):
        forged = connected(pair, exchange, bytes(8))
        ikev1.receive(pair.initiator, forged[:-8] + bytes(8), pair.now)
    pair.run()
    assert pair.of(0, BadMessage)
    assert not pair.of(0, Phase2Up)
    ikev1.receive(pair.initiator, good, pair.now)
    pair.run()
    assert pair.of(0, Phase2Up)


def test_another_notification_is_not_that_word() -> None:
    pair = committing(Pair().up())
    other = replace(CONNECTED, kind=NotifyType.RESPONDER_LIFETIME)
    ikev1.receive(pair.initiator, connected(pair, Exchange.QUICK, last_block(pair), other), pair.now)
    pair.run()
    assert not pair.of(0, Phase2Up)


def test_a_responder_that_never_says_so_is_given_up() -> None:
    pair = committing(Pair().up()).wait(100)
    (failed,) = pair.of(0, Phase2Failed)
    assert isinstance(failed, Phase2Failed)
    assert failed.trouble is Trouble.TIMEOUT
    assert len(set(pair.sent[0])) == 5
    assert len(pair.sent[0]) == 5 + 5  # the last is said again, as any that waits for an answer


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("exchange", [Exchange.QUICK, Exchange.INFORMATIONAL])
def test_with_the_commit_bit_of_the_initiator_the_responder_waits_for_its_word(number: int, exchange: Exchange) -> None:
    pair = committed_by_the_initiator(Pair().up(), number)
    assert pair.of(1, Phase2Keyed)
    assert not pair.of(1, Phase2Up)
    sa, (message_id,) = pair.initiator, pair.initiator.quick
    vector = last_block(pair) if exchange is Exchange.QUICK else sa.vector_of(message_id)
    message = sa.seal_behind_hash(exchange, Dialogue(vector), (CONNECTED,), message_id)
    ikev1.receive(pair.responder, message, pair.now)
    pair.run()
    assert pair.of(1, Phase2Up)
    pair.wait(100)
    assert len(pair.of(1, Phase2Up)) == 1
    assert not pair.responder.quick


def test_the_responder_does_not_wait_for_ever() -> None:
    pair = committed_by_the_initiator(Pair().up(), 1)
    said = len(pair.sent[1])
    pair.wait(2)
    assert pair.of(1, Phase2Up)
    assert not pair.of(1, Phase2Failed)
    pair.wait(100)
    assert len(pair.sent[1]) == said  # nothing was said again
    assert not pair.responder.quick


# --- proposals ---


def offer(*proposals: Proposal) -> SecurityAssociation:
    return SecurityAssociation(proposals)


SPIS = {Protocol.ESP: b"\0\0\x10\x01", Protocol.AH: b"\0\0\x10\x02"}
(WITHOUT,) = offer_phase2(ONE, SPIS).proposals
COMPRESSION = Proposal(1, Protocol.IPCOMP, b"\x12\x34", (Transform(1, 3, WITHOUT.transforms[0].attributes[:1]),))


def test_a_proposal_with_compression_is_declined() -> None:
    assert choose_phase2(offer(WITHOUT, COMPRESSION), ONE) is None
    assert choose_phase2(offer(COMPRESSION), ONE) is None


def test_the_same_without_compression_is_chosen() -> None:
    chosen = choose_phase2(offer(WITHOUT, COMPRESSION, replace(WITHOUT, number=2)), ONE)
    assert chosen is not None
    (proposal,), choice, _ = chosen
    assert (proposal.number, choice.suite) == (2, ESP)


def test_a_peer_that_offers_nothing_but_compression_is_told_that_nothing_is_chosen() -> None:
    pair = Pair().up()
    quick = ikev1.negotiate(pair.initiator, QuickStart(GUIDE, None, None, "asked"), pair.now)
    pair.initiator.take_messages()
    quick.vector = pair.initiator.vector_of(quick.message_id)
    quick_mode._say(pair.initiator, quick, [offer(WITHOUT, COMPRESSION), Nonce(quick.initiator_nonce)], b"", pair.now, resend=True)
    pair.run()
    (failed,) = pair.of(0, Phase2Failed)
    assert isinstance(failed, Phase2Failed)
    assert failed.trouble is Trouble.PROPOSAL
    assert pair.counts[1][IkeCounter.IN_P2_REJECTS] == 1


def test_the_first_transform_that_fits_is_returned_as_it_came() -> None:
    other, (ours,) = Transform(1, 12, WITHOUT.transforms[0].attributes), WITHOUT.transforms
    many = replace(WITHOUT, transforms=(other, replace(ours, number=2), replace(ours, number=3)))
    chosen = choose_phase2(offer(many), ONE)
    assert chosen is not None
    assert [transform.number for transform in chosen[0][0].transforms] == [2]


def test_of_several_proposals_each_with_several_transforms_one_is_chosen() -> None:
    strange = Transform(1, 99, WITHOUT.transforms[0].attributes)
    first = replace(WITHOUT, number=1, transforms=(strange, replace(strange, number=2)))
    second = replace(WITHOUT, number=7, transforms=(strange, replace(WITHOUT.transforms[0], number=9)))
    chosen = choose_phase2(offer(first, second), ONE)
    assert chosen is not None
    assert (chosen[0][0].number, chosen[0][0].transforms[0].number) == (7, 9)


# --- identities ---


def test_a_range_is_its_first_and_last_address() -> None:
    low, high = IPv4Address("10.0.0.5"), IPv4Address("10.0.0.9")
    span = Identification(IdentificationType.IPV4_ADDR_RANGE, low.packed + high.packed)
    assert span.range() == (low, high)
    assert span.network() is None
    assert REMOTE.range() is None
    assert Identification(IdentificationType.IPV4_ADDR_RANGE, high.packed + low.packed).range() is None
    assert Identification(IdentificationType.IPV4_ADDR_RANGE, low.packed).range() is None


def test_identities_of_a_protocol_and_ports_are_asked_about_as_they_came() -> None:
    pair = Pair(responder=Side("10.1.1.2", spi=0x2000)).up()
    local = Identification.of_address(IPv4Address("10.20.1.1"), 6, 1024)
    remote = Identification(IdentificationType.IPV4_ADDR_RANGE, bytes((10, 22, 1, 1, 10, 22, 1, 7)), 6, 23)
    ikev1.negotiate(pair.initiator, QuickStart(GUIDE, local, remote, "asked"), pair.now)
    pair.run()
    (asked,) = pair.sides[1].asked
    assert (asked.local, asked.remote) == (remote, local)
    assert pair.result(1).local == remote
