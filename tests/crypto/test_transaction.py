"""Transaction exchanges between two ends: the login of a client's user, its address, and what goes wrong with either."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.base.ike_counters import IkeCounter
from agent.crypto import ikev1, transaction
from agent.crypto.dialogues import ANSWER_WAIT, Transaction
from agent.crypto.doi import ConfigurationAttribute, ConfigurationType, Exchange, PayloadType, XauthAttribute
from agent.crypto.ike_events import (
    Addressing,
    BadMessage,
    Configured,
    Login,
    LoginOffered,
    Phase1Deleted,
    Phase1Failed,
    Phase1Up,
    Phase2Failed,
    Phase2Up,
    QuickStart,
    RemoteAccess,
    Trouble,
)
from agent.crypto.ike_sa import IkeSa
from agent.crypto.informational import delete_phase1
from agent.crypto.isakmp import encode_payloads
from agent.crypto.payloads import Attribute, Attributes, Hash, Unknown
from agent.crypto.proposals import Phase1Policy
from agent.crypto.states import Role, State
from tests.crypto.ike_pair import DES, GUIDE, LOCAL, REMOTE, Pair, Side

ALICE = Login("alice", "secret")
ADDRESS = Attribute(ConfigurationAttribute.INTERNAL_IP4_ADDRESS, bytes((10, 9, 0, 1)))
ANY_ADDRESS = Attribute(ConfigurationAttribute.INTERNAL_IP4_ADDRESS, b"")
WITH_LOGIN: Phase1Policy = replace(DES, xauth=True)
SECOND = 1_000_000


def knows(login: Login) -> Trouble | None:
    return None if login == ALICE else Trouble.AUTHENTICATION


def client(**settings: Any) -> Side:
    values: dict[str, Any] = {
        "access": RemoteAccess(False, Addressing.ASKED),
        "user": ALICE,
        "wants": (ANY_ADDRESS,),
        "proposals": (WITH_LOGIN,),
    }
    return replace(Side("10.1.1.1", first=False), **{**values, **settings})


def server(**settings: Any) -> Side:
    values: dict[str, Any] = {
        "access": RemoteAccess(True, Addressing.ASKED),
        "gives": (ADDRESS,),
        "judge": knows,
        "proposals": (WITH_LOGIN, DES),
    }
    return replace(Side("10.1.1.2", spi=0x2000), **{**values, **settings})


def pair_of(client_side: Side | None = None, server_side: Side | None = None) -> Pair:
    return Pair(client_side or client(), server_side or server())


class States:
    """The states that an end goes through, as the other hears of them."""

    def __init__(self, pair: Pair) -> None:
        self.seen: list[tuple[State, State]] = []

        def wire(from_initiator: bool, number: int, octets: bytes) -> list[bytes]:
            self.seen.append((pair.initiator.state, pair.responder.state))
            return [octets]

        pair.wire = wire


# --- how it goes ---


def test_a_user_logs_in_then_the_client_asks_for_an_address() -> None:
    pair = pair_of()
    states = States(pair)
    pair.up()
    assert pair.events[1] == [LoginOffered(ALICE), Phase1Up()]
    assert pair.events[0] == [Configured((ADDRESS,)), Phase1Up()]
    assert pair.sides[1].requests == [(ANY_ADDRESS,)]
    assert [seen[1].value for seen in states.seen[6:]] == ["CONF_XAUTH"] * 4 + ["CONF_ADDR", "QM_IDLE"]


def test_each_exchange_has_a_message_id_of_its_own_and_is_encrypted() -> None:
    pair = pair_of().up()
    transactions = [octets for side in (1, 0) for octets in pair.sent[side] if octets[18] == Exchange.TRANSACTION]
    assert len(transactions) == 6
    assert len({octets[20:24] for octets in transactions}) == 3
    assert all(octets[19] & 1 for octets in transactions)
    assert not any(b"secret" in octets for octets in transactions)


def test_the_server_sends_the_address_unasked() -> None:
    pair = pair_of(client(access=RemoteAccess(False, Addressing.PUSHED)), server(access=RemoteAccess(True, Addressing.PUSHED))).up()
    assert pair.of(0, Configured) == [Configured((ADDRESS,))]
    assert pair.sides[1].requests == [None]


def test_an_address_without_a_login() -> None:
    pair = pair_of(client(proposals=(DES,)), server(access=RemoteAccess(False, Addressing.ASKED))).up()
    assert pair.events[0] == [Configured((ADDRESS,)), Phase1Up()]
    assert pair.events[1] == [Phase1Up()]


def test_a_login_without_an_address() -> None:
    pair = pair_of(client(access=RemoteAccess()), server(access=RemoteAccess(True))).up()
    assert pair.events[0] == [Phase1Up()]


def test_a_client_may_ask_again_once_it_is_up() -> None:
    pair = pair_of().up()
    transaction.ask(pair.initiator, (ANY_ADDRESS,), pair.now)
    pair.run()
    assert pair.sides[1].requests == [(ANY_ADDRESS,), (ANY_ADDRESS,)]
    assert pair.of(1, BadMessage) == []


def test_quick_modes_follow() -> None:
    pair = pair_of().up().quick()
    assert pair.of(0, Phase2Up)
    assert pair.of(1, Phase2Up)


def test_a_client_that_wants_no_address_goes_straight_to_its_quick_mode() -> None:
    pair = pair_of(client(access=RemoteAccess())).run()
    assert pair.responder.state is State.CONF_ADDR
    pair.quick()
    assert [type(event) for event in pair.events[1]][:2] == [LoginOffered, Phase1Up]
    assert pair.of(1, Phase2Up)


def test_the_owner_may_take_its_time() -> None:
    pair = pair_of(server_side=server(judge=None)).run()
    pair.wait(20)
    assert pair.responder.state is State.CONF_XAUTH
    transaction.answer_login(pair.responder, None, pair.now)
    pair.run()
    assert pair.initiator.up
    assert pair.responder.up


def test_a_server_takes_a_client_that_does_not_expect_the_login() -> None:
    """It has a user but negotiated plain pre-shared keys: the login takes place all the same."""
    pair = pair_of(client(proposals=(DES,), access=RemoteAccess())).run()
    assert pair.of(1, LoginOffered) == [LoginOffered(ALICE)]


# --- what goes wrong ---


@pytest.mark.parametrize("user", [Login("alice", "wrong"), Login("bob", "secret")])
def test_a_login_that_is_refused_fails_at_both_ends(user: Login) -> None:
    pair = pair_of(client(user=user)).run()
    assert pair.events[0] == [Phase1Failed(Trouble.AUTHENTICATION)]
    assert pair.events[1] == [LoginOffered(user), Phase1Failed(Trouble.AUTHENTICATION)]
    assert pair.initiator.state is pair.responder.state is State.DEAD
    assert pair.told(1) == 1


def test_a_refused_client_that_is_gone_at_once_has_failed_to_log_in() -> None:
    pair = pair_of(client(user=Login("alice", "wrong")))
    pair.wire = lambda from_initiator, number, octets: [] if from_initiator and number == 5 else [octets]
    pair.run()
    pair.wait(120)
    assert pair.of(1, Phase1Failed) == [Phase1Failed(Trouble.AUTHENTICATION)]


def test_a_client_that_has_no_user_says_so() -> None:
    pair = pair_of(client(user=None)).run()
    assert pair.events[1] == [Phase1Failed(Trouble.AUTHENTICATION)]


def test_there_is_no_room_for_another() -> None:
    pair = pair_of(server_side=server(judge=lambda login: Trouble.CAPACITY)).run()
    assert pair.of(1, Phase1Failed) == [Phase1Failed(Trouble.CAPACITY)]


@pytest.mark.parametrize("addressing", [Addressing.ASKED, Addressing.PUSHED])
def test_a_client_for_which_there_is_no_address_is_told_so_before_the_delete(addressing: Addressing) -> None:
    """By a REPLY or a SET without one."""
    access = {"access": RemoteAccess(True, addressing)}
    pair = pair_of(client(**access), server(gives=None, **access)).run()
    assert pair.events[0] == [Configured(()), Phase1Up()]
    pair.wait(1)
    assert pair.of(1, Phase1Failed) == [Phase1Failed(Trouble.CAPACITY)]
    assert pair.events[0] == [Configured(()), Phase1Up(), Phase1Deleted()]
    assert not pair.of(1, Phase1Up)


@pytest.mark.parametrize("addressing", [Addressing.ASKED, Addressing.PUSHED])
def test_its_quick_mode_is_refused_before_the_delete(addressing: Addressing) -> None:
    """charon begins anew where it still has one to begin."""
    access = {"access": RemoteAccess(True, addressing)}
    pair = pair_of(client(**access), server(gives=None, **access)).run().quick()
    assert [type(event) for event in pair.events[0]] == [Configured, Phase1Up, Phase2Failed, Phase1Deleted]
    assert pair.events[1] == [LoginOffered(ALICE), Phase1Failed(Trouble.CAPACITY)]
    assert pair.sides[1].asked == []


def test_a_client_that_asks_a_server_which_has_nothing_to_tell_is_answered() -> None:
    pair = pair_of(server_side=server(gives=None, access=RemoteAccess(True, Addressing.PUSHED))).run()
    pair.wait(1)
    assert pair.of(1, Phase1Failed) == [Phase1Failed(Trouble.CAPACITY)]
    assert pair.of(0, Configured)[:2] == [Configured(()), Configured(())]
    assert pair.of(0, Phase1Deleted) == [Phase1Deleted()]


def test_a_client_that_does_not_acknowledge_that_there_is_nothing_has_failed_for_that() -> None:
    access = {"access": RemoteAccess(True, Addressing.PUSHED)}
    pair = pair_of(client(**access), server(gives=None, **access))
    pair.wire = lambda from_initiator, number, octets: [] if from_initiator and number > 5 else [octets]
    pair.run()
    pair.wait(ANSWER_WAIT // SECOND)
    assert pair.of(1, Phase1Failed) == [Phase1Failed(Trouble.CAPACITY)]


# --- both ends begin at the same time (draft-dukes-ike-mode-cfg-02 §3.1) ---

PUSHING = {"access": RemoteAccess(True, Addressing.PUSHED)}


def test_a_client_asks_while_it_is_told() -> None:
    pair = pair_of(server_side=server(**PUSHING)).up().quick()
    pair.wait(200)
    assert pair.of(0, Configured) == [Configured((ADDRESS,))] * 2
    assert pair.sides[1].requests == [None, (ANY_ADDRESS,)]
    assert pair.events[1][:2] == [LoginOffered(ALICE), Phase1Up()]
    assert not pair.of(1, BadMessage) + pair.of(0, BadMessage)
    assert not pair.of(1, Phase1Failed)
    assert pair.initiator.up
    assert pair.responder.up


def test_a_set_that_nobody_acknowledges_ends_nothing() -> None:
    """The client's request is answered, and its acknowledgements are all lost."""
    pair = pair_of(server_side=server(**PUSHING))
    kinds: list[int] = []

    def wire(from_initiator: bool, number: int, octets: bytes) -> list[bytes]:
        if from_initiator and octets[18] == Exchange.TRANSACTION:
            exchange = pair.initiator.transactions[int.from_bytes(octets[20:24], "big")]
            kinds.append(number)
            if exchange.begun is None and number > 5:
                return []
        return [octets]

    pair.wire = wire
    pair.run()
    pair.wait(300)
    assert len(kinds) > 6
    assert pair.events[1] == [LoginOffered(ALICE), Phase1Up()]
    assert pair.responder.up
    assert not pair.responder.transactions
    assert pair.told(1) == 0


def test_a_quick_mode_may_overtake_the_acknowledgement() -> None:
    pair = pair_of(client(access=RemoteAccess(False, Addressing.PUSHED)), server(**PUSHING))
    pair.wire = lambda from_initiator, number, octets: [] if from_initiator and number == 6 else [octets]
    pair.run()
    assert pair.responder.state is State.CONF_ADDR
    pair.quick()
    assert [type(event) for event in pair.events[1]][:2] == [LoginOffered, Phase1Up]
    assert pair.of(1, Phase2Up)
    pair.wait(200)
    assert pair.responder.up
    assert not pair.of(1, BadMessage)


def test_what_a_client_sets_is_acknowledged_and_not_taken() -> None:
    pair = pair_of().up()
    transaction._begin(pair.initiator, ConfigurationType.SET, (ANY_ADDRESS,), pair.now)
    said = len(pair.sent[1])
    pair.run()
    assert len(pair.sent[1]) == said + 1
    assert pair.responder.up
    assert not pair.of(1, BadMessage)


def test_a_client_that_does_not_answer_is_lost() -> None:
    pair = pair_of()
    pair.wire = lambda from_initiator, number, octets: [] if from_initiator and number > 3 else [octets]
    pair.run()
    pair.wait(ANSWER_WAIT // SECOND)
    assert pair.of(1, Phase1Failed) == [Phase1Failed(Trouble.TIMEOUT)]


def test_a_server_that_does_not_ask_is_lost() -> None:
    pair = pair_of()
    pair.wire = lambda from_initiator, number, octets: [] if not from_initiator and number > 3 else [octets]
    pair.run()
    pair.wait(ANSWER_WAIT // SECOND)
    assert pair.of(0, Phase1Failed) == [Phase1Failed(Trouble.TIMEOUT)]


def test_a_client_that_goes_on_to_nothing_is_let_through_after_a_while() -> None:
    pair = pair_of(client(access=RemoteAccess())).run()
    assert pair.of(1, Phase1Up) == []
    pair.wait(ANSWER_WAIT // SECOND)
    assert pair.of(1, Phase1Up) == [Phase1Up()]


def test_a_client_that_deletes_its_sa_on_the_way_has_not_come_up() -> None:
    pair = pair_of(server_side=server(judge=None)).run()
    delete_phase1(pair.initiator, pair.now)
    pair.run()
    assert pair.of(1, Phase1Failed) == [Phase1Failed(Trouble.PEER_DELETED)]
    assert not pair.of(1, Phase1Deleted)


def test_a_quick_mode_before_the_login_is_not_listened_to() -> None:
    pair = pair_of(server_side=server(judge=None)).run()
    drops = pair.counts[1][IkeCounter.IN_DROPS]
    ikev1.negotiate(pair.initiator, QuickStart(GUIDE, LOCAL, REMOTE, "early"), pair.now)
    pair.run()
    assert pair.counts[1][IkeCounter.IN_DROPS] == drops + 1
    assert pair.sides[1].asked == []
    assert pair.responder.state is State.CONF_XAUTH


def answering(with_kind: ConfigurationType) -> Callable[[IkeSa, Transaction, Attributes, int], None]:
    """A client's step that answers with a kind of its own choice."""

    def handle(sa: IkeSa, exchange: Transaction, said: Attributes, now: int) -> None:
        transaction._say(sa, exchange, Attributes(with_kind, said.identifier, ()), now, resend=False)

    return handle


@pytest.fixture
def stray(monkeypatch: pytest.MonkeyPatch) -> Callable[[ConfigurationType, ConfigurationType], None]:
    """Has clients answer what they hear in CONF_XAUTH by something else, without attributes."""

    def change(heard: ConfigurationType, said: ConfigurationType) -> None:
        key = (Role.INITIATOR, State.CONF_XAUTH, heard)
        step = replace(transaction.TRANSACTION[key], handle=answering(said))
        monkeypatch.setattr(transaction, "TRANSACTION", {**transaction.TRANSACTION, key: step})

    return change


def test_an_acknowledgement_is_no_login(stray: Callable[[ConfigurationType, ConfigurationType], None]) -> None:
    stray(ConfigurationType.REQUEST, ConfigurationType.ACK)
    pair = pair_of().run()
    assert pair.responder.state is State.CONF_XAUTH
    assert pair.of(1, BadMessage) == [BadMessage(Trouble.ENCODING)]
    pair.wait(ANSWER_WAIT // SECOND)
    assert pair.of(1, Phase1Failed) == [Phase1Failed(Trouble.TIMEOUT)]


def test_an_empty_reply_to_a_status_ends_the_matter(stray: Callable[[ConfigurationType, ConfigurationType], None]) -> None:
    stray(ConfigurationType.SET, ConfigurationType.REPLY)
    pair = pair_of(client(user=Login("bob", "secret"))).run()
    assert pair.of(1, Phase1Failed) == [Phase1Failed(Trouble.AUTHENTICATION)]
    assert len(pair.sent[1]) == 6  # three of main mode, the request, the status, the delete


# --- what happens on the way ---


@pytest.mark.parametrize("number", range(4, 7))
@pytest.mark.parametrize("from_initiator", [True, False], ids=["by the client", "by the server"])
def test_a_lost_message_is_sent_again(from_initiator: bool, number: int) -> None:
    pair = pair_of()
    pair.wire = lambda by_initiator, at, octets: [] if (by_initiator, at) == (from_initiator, number) else [octets]
    pair.run()
    pair.wait(10)
    assert pair.initiator.up
    assert pair.responder.up
    assert pair.of(0, Configured) == [Configured((ADDRESS,))]
    assert pair.of(1, LoginOffered) == [LoginOffered(ALICE)]
    assert len(pair.sides[1].requests) == 1
    assert pair.of(1, Phase1Up) == pair.of(0, Phase1Up) == [Phase1Up()]


@pytest.mark.parametrize("copies", [2, 3])
def test_copies_change_nothing(copies: int) -> None:
    pair = pair_of()
    pair.wire = lambda from_initiator, number, octets: [octets] * (copies if octets[18] == Exchange.TRANSACTION else 1)
    pair.run()
    pair.wait(30)
    assert pair.events[1] == [LoginOffered(ALICE), Phase1Up()]
    assert pair.events[0] == [Configured((ADDRESS,)), Phase1Up()]
    assert len(pair.sides[1].requests) == 1


def test_what_is_over_is_forgotten() -> None:
    pair = pair_of().up()
    assert pair.responder.transactions
    pair.wait(120)
    assert not pair.responder.transactions
    assert not pair.initiator.transactions


def forged(sa: IkeSa, attributes: bytes, proof: bytes | None = None) -> bytes:
    """A REQUEST of this end, whatever its attributes are."""
    exchange = Transaction(message_id=sa.new_message_id())
    exchange.vector = sa.vector_of(exchange.message_id)
    payload = Unknown(PayloadType.ATTRIBUTES, bytes((ConfigurationType.REQUEST, 0, 0, 1)) + attributes)
    _, chain = encode_payloads((payload,))
    mine = Hash(proof or sa.authenticate(exchange.message_id.to_bytes(4, "big"), chain))
    return sa.seal(Exchange.TRANSACTION, exchange, (mine, payload), exchange.message_id)


@pytest.mark.parametrize(
    ("attributes", "proof", "trouble"),
    [
        (b"\x00\x01\x00\x08\x0a", None, Trouble.DECRYPT),  # an attribute longer than the payload
        (b"\x00\x01", None, Trouble.DECRYPT),
        (b"", bytes(20), Trouble.HASH),
    ],
    ids=["too long", "cut short", "wrong hash"],
)
def test_what_is_malformed_is_counted_and_dropped(attributes: bytes, proof: bytes | None, trouble: Trouble) -> None:
    pair = pair_of().up()
    drops = pair.counts[1][IkeCounter.IN_DROPS]
    ikev1.receive(pair.responder, forged(pair.initiator, attributes, proof), pair.now)
    pair.run()
    assert pair.of(1, BadMessage) == [BadMessage(trouble)]
    assert pair.counts[1][IkeCounter.IN_DROPS] == drops + 1
    assert pair.responder.up


@given(st.integers(4, 6), st.booleans(), st.integers(28, 60), st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_a_changed_message_costs_a_retry_at_most(number: int, by_client: bool, at: int, change: int) -> None:
    def wire(from_initiator: bool, sent: int, octets: bytes) -> Sequence[bytes]:
        if (from_initiator, sent) != (by_client, number) or at >= len(octets):
            return [octets]
        return [octets[:at] + bytes((octets[at] ^ change,)) + octets[at + 1 :]]

    pair = pair_of()
    pair.wire = wire
    pair.run()
    pair.wait(10)
    assert pair.initiator.up
    assert pair.responder.up


KINDS = st.sampled_from([*ConfigurationType, 0, 5, 255])
ATTRIBUTE_KINDS = st.sampled_from([*ConfigurationAttribute, *XauthAttribute]) | st.integers(0, 0x7FFF)
ATTRIBUTES = st.lists(st.builds(Attribute, ATTRIBUTE_KINDS, st.integers(0, 0xFFFF) | st.binary(max_size=40)), max_size=6).map(tuple)
# How an end is kept in a state: what is lost on the way there.
STANDING: dict[State, Callable[[], Pair]] = {
    State.CONF_XAUTH: lambda: pair_of(server_side=server(judge=None)).run(),
    State.CONF_ADDR: lambda: pair_of(client(access=RemoteAccess(False, Addressing.PUSHED))).run(),
    State.QM_IDLE: lambda: pair_of().up(),
}


@given(st.sampled_from([*STANDING]), st.integers(0, 1), KINDS, ATTRIBUTES)
@settings(max_examples=150, deadline=None)
def test_whatever_an_authentic_message_says_it_breaks_nothing(
    state: State, side: int, kind: int, attributes: tuple[Attribute, ...]
) -> None:
    pair = STANDING[state]()
    assert pair.ends[side].state is state
    sender = pair.ends[1 - side]
    exchange = Transaction(message_id=sender.new_message_id())
    exchange.vector = sender.vector_of(exchange.message_id)
    transaction._say(sender, exchange, Attributes(kind, 7, attributes), pair.now, resend=False)
    pair.run()
    pair.wait(200)
    assert not any(sa.transactions for sa in pair.ends)
    assert pair.ends[side].state in (State.QM_IDLE, State.DEAD)


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(ALICE)
    assert XauthAttribute.USER_PASSWORD == 16522
