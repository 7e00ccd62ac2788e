"""Dead peer detection (RFC 3706): who is asked when, and what counts as an answer."""

from __future__ import annotations

from agent.base.ike_counters import IkeCounter
from agent.crypto import ikev1
from agent.crypto.doi import NotifyType, Protocol
from agent.crypto.dpd import RETRIES, Dpd, DpdTerms
from agent.crypto.ike_events import SECOND, PeerLost, Phase2Failed
from agent.crypto.informational import about_to_send
from agent.crypto.payloads import Notification
from agent.crypto.states import State
from tests.crypto.ike_pair import Pair

PERIODIC = DpdTerms(10 * SECOND, 2 * SECOND, True)
ON_DEMAND = DpdTerms(10 * SECOND, 2 * SECOND, False)


def watched(terms: DpdTerms) -> Pair:
    """A pair whose initiator watches the responder."""
    pair = Pair().up()
    pair.initiator.watch(Dpd(terms, b"\xff\xff\xff\xff", pair.now))
    pair.counts[0].clear()
    pair.counts[1].clear()
    return pair


def cut(pair: Pair) -> None:
    pair.wire = lambda from_initiator, number, octets: []


def test_both_ends_announce_it() -> None:
    pair = Pair().up()
    assert pair.initiator.peer.dpd
    assert pair.responder.peer.dpd


def test_periodic_questions_are_answered() -> None:
    pair = watched(PERIODIC).wait(35)
    assert pair.counts[0].named() == {
        **pair.counts[0].named(),
        "OUT_NOTIFYS": 3,
        "IN_NOTIFYS": 3,
        "OUT_PACKETS": 3,
        "IN_PACKETS": 3,
    }
    assert (pair.counts[1][IkeCounter.IN_NOTIFYS], pair.counts[1][IkeCounter.OUT_NOTIFYS]) == (3, 3)
    assert pair.initiator.up


def test_on_demand_nothing_is_asked_without_something_to_send() -> None:
    pair = watched(ON_DEMAND).wait(100)
    assert not pair.counts[0]
    about_to_send(pair.initiator, pair.now)
    about_to_send(pair.initiator, pair.now)
    pair.run()
    assert pair.counts[0][IkeCounter.OUT_NOTIFYS] == pair.counts[0][IkeCounter.IN_NOTIFYS] == 1
    about_to_send(pair.initiator, pair.now + 9 * SECOND)
    assert not pair.initiator.take_messages()


def test_a_peer_that_is_gone_is_asked_again_five_times_and_then_lost() -> None:
    pair = watched(ON_DEMAND).wait(20)
    cut(pair)
    about_to_send(pair.initiator, pair.now)
    pair.run().wait(2 * RETRIES + 1)
    assert pair.initiator.up
    pair.wait(2)
    assert pair.counts[0][IkeCounter.OUT_NOTIFYS] == 1 + RETRIES
    assert pair.events[0][-1] == PeerLost()
    assert pair.initiator.state is State.DEAD
    pair.wait(100)
    assert pair.initiator.forgotten
    assert pair.initiator.next_timer() is None


def test_quick_modes_under_way_fail_with_a_lost_peer() -> None:
    pair = watched(PERIODIC)
    cut(pair)
    pair.quick().wait(30)
    assert pair.of(0, Phase2Failed)
    assert pair.of(0, PeerLost)


def test_an_authentic_packet_is_an_answer_too() -> None:
    pair = watched(PERIODIC)
    cut(pair)
    pair.wait(18)
    assert pair.counts[0][IkeCounter.OUT_NOTIFYS] == 5
    pair.initiator.heard(pair.now)
    pair.wait(10)
    assert pair.counts[0][IkeCounter.OUT_NOTIFYS] == 6
    assert pair.initiator.up


def test_an_answer_to_what_was_not_asked_is_none() -> None:
    pair = watched(PERIODIC)
    cut(pair)
    pair.wait(11)
    stale = Notification(Protocol.ISAKMP, NotifyType.R_U_THERE_ACK, pair.responder.cookies, bytes(4))
    pair.responder.inform((stale,))
    ikev1.receive(pair.initiator, pair.responder.take_messages().pop(), pair.now)
    pair.wait(20)
    assert pair.of(0, PeerLost)


def test_a_question_for_another_sa_is_not_answered() -> None:
    pair = Pair().up()
    pair.initiator.inform((Notification(Protocol.ISAKMP, NotifyType.R_U_THERE, bytes(16), bytes(4)),))
    pair.run()
    assert not pair.counts[1][IkeCounter.OUT_NOTIFYS]


def test_each_question_has_the_next_number_and_the_first_has_no_high_bit() -> None:
    dpd = Dpd(PERIODIC, b"\xff\xff\xff\xff", 0)
    numbers = [int.from_bytes(dpd.fell_due(at) or b"", "big") for at in range(3)]
    assert numbers == [0x80000000, 0x80000001, 0x80000002]
    dpd.acknowledged((0x7FFFFFFF).to_bytes(4, "big"), 5)
    assert dpd.due == 2 + PERIODIC.retry
    dpd.acknowledged((0x80000001).to_bytes(4, "big"), 5)
    assert dpd.due == 5 + PERIODIC.interval
