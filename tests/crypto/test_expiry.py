"""The end of an ISAKMP SA's lifetime: the peer is told; one that goes on all the same is told again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.crypto import ikev1
from agent.crypto.doi import Exchange, NotifyType, Protocol
from agent.crypto.ike_events import (
    SECOND,
    OverButUsed,
    Phase1Deleted,
    Phase1Expired,
    Phase2Deleted,
    Phase2Failed,
    QuickStart,
    Trouble,
)
from agent.crypto.ike_sa import ABOUT_OVER
from agent.crypto.informational import delete_phase2
from agent.crypto.payloads import Notification
from tests.crypto.ike_pair import DES, GUIDE, LOCAL, REMOTE, Pair, Side
from tests.crypto.in_the_clear import encode_message

LIFETIME = 600
SHORT = (replace(DES, lifetime=LIFETIME),)


def pair_of(seconds_more: float = 0) -> Pair:
    """Two ends, the initiator of which keeps the SA for longer than was agreed."""
    pair = Pair(Side("10.1.1.1", SHORT), Side("10.1.1.2", SHORT, spi=0x2000)).up()
    assert pair.initiator.expires is not None
    pair.initiator.expire_at(pair.initiator.expires + int(seconds_more * SECOND))
    return pair


def losing_what_the_responder_says(pair: Pair) -> Pair:
    pair.wire = lambda from_initiator, number, octets: [octets] if from_initiator else []
    return pair


def heal(pair: Pair) -> None:
    pair.wire = lambda from_initiator, number, octets: [octets]


def test_a_peer_that_counts_another_lifetime_is_told_of_the_end() -> None:
    pair = pair_of(3600).wait(LIFETIME)
    assert pair.of(1, Phase1Expired)
    assert pair.told(1) == 1
    assert pair.of(0, Phase1Deleted)
    assert not pair.of(0, Phase1Expired)
    assert pair.told(0) == 0
    assert not pair.of(1, OverButUsed)


@pytest.mark.parametrize("seconds_more", [0, 0.002, ABOUT_OVER / SECOND])
def test_the_peers_word_just_before_the_end_is_the_end(seconds_more: float) -> None:
    """Both ends count from a message of their own; which is first must not matter."""
    pair = pair_of(seconds_more)
    ikev1.negotiate(pair.initiator, QuickStart(GUIDE, LOCAL, REMOTE, "asked"), pair.now)
    pair.initiator.take_messages()  # a quick mode under way is told from one that failed
    pair.now = (LIFETIME - 1) * SECOND
    pair.initiator.quick[next(iter(pair.initiator.quick))].due = None
    pair.wait(20)
    for side in (0, 1):
        assert pair.of(side, Phase1Expired)
        assert not pair.of(side, Phase1Deleted)
        assert not pair.of(side, OverButUsed)
    (failed,) = pair.of(0, Phase2Failed)
    assert isinstance(failed, Phase2Failed)
    assert failed.trouble is Trouble.EXPIRED


def test_who_goes_on_because_the_word_was_lost_is_told_again() -> None:
    pair = losing_what_the_responder_says(pair_of(3600)).wait(LIFETIME)
    assert pair.initiator.up
    heal(pair)
    pair.initiator.inform((Notification(Protocol.ISAKMP, NotifyType.R_U_THERE, pair.initiator.cookies, bytes(4)),))
    pair.run()
    assert pair.of(1, OverButUsed)
    assert pair.of(0, Phase1Deleted)


def test_a_quick_mode_under_an_sa_that_is_over_is_answered_by_its_end() -> None:
    pair = losing_what_the_responder_says(pair_of(3600)).wait(LIFETIME)
    heal(pair)
    pair.quick()
    assert len(pair.of(1, OverButUsed)) == 1
    assert pair.of(0, Phase1Deleted)
    (failed,) = pair.of(0, Phase2Failed)
    assert isinstance(failed, Phase2Failed)
    assert failed.trouble is Trouble.PEER_DELETED
    assert not pair.sides[1].asked


def test_what_nobody_can_have_sent_under_it_is_told_and_not_answered() -> None:
    pair = pair_of().wait(LIFETIME)
    pair.responder.take_messages()
    header = replace(ikev1.decode_header(pair.sent[0][-1]), exchange=Exchange.INFORMATIONAL, message_id=77)
    in_the_clear = encode_message(replace(header, flags=0), (Notification(Protocol.ISAKMP, NotifyType.R_U_THERE),))
    for octets in (in_the_clear, replace(header, length=28 + 64).encode() + bytes(64)):
        ikev1.receive(pair.responder, octets, pair.now)
        assert pair.responder.take_events().pop() == OverButUsed()
        assert not pair.responder.take_messages()


def test_copies_of_what_was_said_under_it_are_known_for_what_they_are() -> None:
    pair = pair_of().quick().wait(LIFETIME)
    for octets in pair.sent[0]:
        ikev1.receive(pair.responder, octets, pair.now)
    assert not pair.responder.take_events()


def test_a_delete_of_sas_that_lost_its_place_behind_that_of_the_isakmp_sa_is_heard() -> None:
    pair = pair_of()
    delete_phase2(pair.initiator, {Protocol.ESP: (0x1001,)})
    (late,) = pair.initiator.take_messages()
    pair.wait(LIFETIME)
    ikev1.receive(pair.responder, late, pair.now)
    assert pair.responder.take_events() == [Phase2Deleted(Protocol.ESP, (0x1001,))]
    assert not pair.responder.take_messages()


def test_with_a_failed_crypto_engine_nobody_can_be_told() -> None:
    pair = pair_of(3600)
    pair.responder.engine.failed = True
    pair.wait(LIFETIME)
    assert pair.events[1][-1] == Phase1Expired()
    assert pair.told(1) == 0
    assert pair.initiator.up
