"""A phase 1 whose owner must find out about the initiator first: it waits, and nothing else happens meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.base.ike_counters import IkeCounter
from agent.crypto import ikev1
from agent.crypto.doi import Exchange, IdentificationType, NotifyType, Protocol
from agent.crypto.ike_events import PeerNamed, Phase1Failed, Phase1Up, Trouble
from agent.crypto.informational import delete_phase1
from agent.crypto.isakmp import Header
from agent.crypto.payloads import Identification, Notification
from agent.crypto.states import State
from tests.crypto.ike_pair import Pair, Side
from tests.crypto.in_the_clear import encode_message

ROAD = Identification(IdentificationType.KEY_ID, b"road", 17, 500)
MODES = [(Exchange.AGGRESSIVE, State.AG_NO_STATE, 0), (Exchange.MAIN, State.MM_KEY_EXCH, 2)]
modes = pytest.mark.parametrize(("exchange", "state", "answers"), MODES, ids=["aggressive mode", "main mode"])


def pair_of(exchange: Exchange, **responder: Any) -> Pair:
    return Pair(Side("10.1.1.1", identity=ROAD), Side("10.1.1.2", spi=0x2000, unknown=True, **responder), exchange=exchange)


@modes
def test_the_peer_is_answered_when_the_owner_knows_it(exchange: Exchange, state: State, answers: int) -> None:
    pair = pair_of(exchange).run()
    assert pair.of(1, PeerNamed) == [PeerNamed(ROAD)]
    assert pair.responder.state is state
    assert len(pair.sent[1]) == answers
    ikev1.resume(pair.responder, pair.now)
    pair.up()
    assert pair.of(1, Phase1Up) == [Phase1Up()]


@modes
def test_copies_meanwhile_are_dropped(exchange: Exchange, state: State, answers: int) -> None:
    pair = pair_of(exchange).run()
    pair.wait(20)
    assert len(pair.sent[0]) > answers + 1  # it has sent its last message again
    assert len(pair.sent[1]) == answers
    assert pair.of(1, PeerNamed) == [PeerNamed(ROAD)]
    ikev1.resume(pair.responder, pair.now)
    pair.up()


@modes
def test_another_message_in_place_of_the_one_that_waits_is_dropped(exchange: Exchange, state: State, answers: int) -> None:
    """Anybody on the way can send one, with the cookies that it has seen."""
    pair = pair_of(exchange).run()
    waiting = pair.sent[0][-1]
    ikev1.receive(pair.responder, waiting[:-1] + bytes((waiting[-1] ^ 1,)), pair.now)
    ikev1.resume(pair.responder, pair.now)
    pair.up()
    assert pair.of(1, PeerNamed) == [PeerNamed(ROAD)]


@modes
def test_it_waits_as_long_as_the_owner_needs(exchange: Exchange, state: State, answers: int) -> None:
    assert pair_of(exchange).run().responder.next_timer() is None


def test_only_an_authentic_peer_is_named_in_main_mode() -> None:
    pair = pair_of(Exchange.MAIN, key=b"another")
    pair.run()
    assert not pair.of(1, PeerNamed)


def test_aggressive_mode_that_is_disabled_names_nobody() -> None:
    pair = pair_of(Exchange.AGGRESSIVE, aggressive=False).run()
    assert pair.events[1] == [Phase1Failed(Trouble.DISABLED)]


def test_a_peer_that_the_owner_has_no_key_for_fails() -> None:
    pair = pair_of(Exchange.AGGRESSIVE, key=None).run()
    ikev1.resume(pair.responder, pair.now)
    pair.run()
    assert pair.of(1, Phase1Failed) == [Phase1Failed(Trouble.AUTHENTICATION)]
    assert pair.told(1) == 1


@modes
def test_what_has_ended_meanwhile_does_not_go_on(exchange: Exchange, state: State, answers: int) -> None:
    pair = pair_of(exchange).run()
    delete_phase1(pair.responder, pair.now)
    ikev1.resume(pair.responder, pair.now)
    pair.run()
    assert pair.responder.state is State.DEAD
    assert len(pair.sent[1]) == answers


def test_a_main_mode_counts_from_its_fifth_message_and_not_twice() -> None:
    waited, straight = pair_of(Exchange.MAIN).run(), Pair(Side("10.1.1.1", identity=ROAD)).up()
    ikev1.resume(waited.responder, waited.now)
    waited.up()
    assert waited.counts[1].named() == straight.counts[1].named()
    assert waited.counts[1][IkeCounter.IN_NOTIFYS] == 1


def error(pair: Pair, kind: NotifyType) -> bytes:
    """What anybody on the way can send: an error in the clear, with the cookies of the SA."""
    sa = pair.initiator
    header = Header(sa.initiator_cookie, pair.responder.responder_cookie, 0, Exchange.INFORMATIONAL, 0, 7)
    return encode_message(header, (Notification(Protocol.ISAKMP, kind, sa.cookies),))


def test_an_error_in_the_clear_does_not_end_what_has_been_proved() -> None:
    pair = pair_of(Exchange.MAIN).run()
    ikev1.receive(pair.responder, error(pair, NotifyType.AUTHENTICATION_FAILED), pair.now)
    ikev1.resume(pair.responder, pair.now)
    pair.up()
    assert not pair.of(1, Phase1Failed)


KINDS = st.sampled_from([*Exchange, 0, 99])


@given(st.sampled_from([Exchange.MAIN, Exchange.AGGRESSIVE]), KINDS, st.integers(0, 7), st.integers(0, 9), st.binary(max_size=200))
@settings(max_examples=80, deadline=None)
def test_whatever_comes_meanwhile_breaks_nothing(exchange: Exchange, kind: int, flags: int, message_id: int, body: bytes) -> None:
    pair = pair_of(exchange).run()
    sa = pair.responder
    length = 28 + len(body)
    header = Header(pair.initiator.initiator_cookie, sa.responder_cookie, 1, kind, flags, message_id, length)
    ikev1.receive(sa, header.encode() + body, pair.now)
    ikev1.resume(sa, pair.now)
    pair.run()
    pair.wait(200)
    assert sa.state in (State.QM_IDLE, State.DEAD)
