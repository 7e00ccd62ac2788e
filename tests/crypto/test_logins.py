"""The login of a client's user (XAUTH): challenges, the type RADIUS-CHAP, and an owner that takes its time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from hashlib import md5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.crypto import transaction
from agent.crypto.dialogues import Transaction
from agent.crypto.doi import ConfigurationType, Exchange, XauthAttribute
from agent.crypto.ike_events import ChapLogin, Login, LoginOffered, Phase1Failed, RemoteAccess, Trouble
from agent.crypto.ike_sa import IkeSa
from agent.crypto.payloads import Attribute, Attributes
from agent.crypto.states import Role, State
from tests.crypto.ike_pair import DES, Pair, Side

ALICE = Login("alice", "secret")
QUESTION = "Enter the code that you have been sent"
WITH_LOGIN = replace(DES, xauth=True)
Judge = Callable[[Login | ChapLogin], Trouble | str | None]


def pair_of(judge: Judge | None = lambda login: None, user: Login | None = ALICE) -> Pair:
    client = Side("10.1.1.1", first=False, proposals=(WITH_LOGIN,), user=user)
    server = Side("10.1.1.2", spi=0x2000, proposals=(WITH_LOGIN,), access=RemoteAccess(True), judge=judge)
    return Pair(client, server)


Heard = list[Attributes]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What clients hear in CONF_XAUTH."""
    said: Heard = []
    steps = dict(transaction.TRANSACTION)
    for key, step in transaction.TRANSACTION.items():
        if key[:2] == (Role.INITIATOR, State.CONF_XAUTH):

            def handle(
                sa: IkeSa, exchange: Transaction, attributes: Attributes, now: int, then: transaction.Handler = step.handle
            ) -> None:
                said.append(attributes)
                then(sa, exchange, attributes, now)

            steps[key] = replace(step, handle=handle)
    monkeypatch.setattr(transaction, "TRANSACTION", steps)
    return said


def values(attributes: Attributes) -> Mapping[int, int | bytes]:
    return {attribute.kind: attribute.value for attribute in attributes.attributes}


def reply_by(patch: pytest.MonkeyPatch, *answers: tuple[Attribute, ...]) -> None:
    """Have clients answer the requests for a login by the given attributes, one after another."""
    key = (Role.INITIATOR, State.CONF_XAUTH, ConfigurationType.REQUEST)
    left = list(answers)

    def handle(sa: IkeSa, exchange: Transaction, said: Attributes, now: int) -> None:
        transaction._answer(sa, exchange, said, left.pop(0), now)

    step = replace(transaction.TRANSACTION[key], handle=handle)
    patch.setattr(transaction, "TRANSACTION", {**transaction.TRANSACTION, key: step})


@pytest.fixture
def replies(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    return partial(reply_by, monkeypatch)


NAME = Attribute(XauthAttribute.USER_NAME, b"alice")
PASSWORD = Attribute(XauthAttribute.USER_PASSWORD, b"secret")
CHAP = Attribute(XauthAttribute.TYPE, 1)


# --- challenges (draft-beaulieu-ike-xauth-02 §5.2) ---


def asking_once() -> tuple[Judge, list[Login | ChapLogin]]:
    seen: list[Login | ChapLogin] = []

    def judge(login: Login | ChapLogin) -> Trouble | str | None:
        seen.append(login)
        return QUESTION if len(seen) == 1 else None

    return judge, seen


def test_a_user_is_asked_again_with_a_message(heard: Heard) -> None:
    judge, seen = asking_once()
    pair_of(judge).up()
    assert seen == [ALICE, ALICE]
    assert [each.kind for each in heard] == [ConfigurationType.REQUEST, ConfigurationType.REQUEST, ConfigurationType.SET]
    assert XauthAttribute.MESSAGE not in values(heard[0])
    assert values(heard[1])[XauthAttribute.MESSAGE] == QUESTION.encode()
    assert values(heard[1])[XauthAttribute.TYPE] == 0
    assert XauthAttribute.CHALLENGE not in values(heard[1])  # §6.2: it must not be there with the generic type


def test_the_messages_of_a_login_have_one_identifier_and_a_message_id_each(heard: Heard) -> None:
    """§6: the transaction identifier is the same throughout."""
    judge, _ = asking_once()
    pair = pair_of(judge).up()
    assert len({each.identifier for each in heard}) == 1
    assert len({octets[20:24] for octets in pair.sent[1] if octets[18] == Exchange.TRANSACTION}) == 3


def test_a_later_answer_may_leave_out_the_name(replies: Callable[..., None]) -> None:
    judge, seen = asking_once()
    replies((NAME, PASSWORD), (Attribute(XauthAttribute.USER_PASSWORD, b"123456"),))
    pair_of(judge).run()
    assert seen == [ALICE, Login("alice", "123456")]


def test_a_challenge_that_is_refused_in_the_end_fails() -> None:
    answers: list[Trouble | str] = [QUESTION, "Again", Trouble.AUTHENTICATION]
    pair = pair_of(lambda login: answers.pop(0)).run()
    assert pair.events[1] == [LoginOffered(ALICE)] * 3 + [Phase1Failed(Trouble.AUTHENTICATION)]
    assert pair.events[0] == [Phase1Failed(Trouble.AUTHENTICATION)]


def test_a_lost_challenge_is_sent_again() -> None:
    judge, seen = asking_once()
    pair = pair_of(judge)
    pair.wire = lambda from_initiator, number, octets: [] if not from_initiator and number == 5 else [octets]
    pair.run()
    pair.wait(3)
    assert seen == [ALICE, ALICE]
    assert pair.responder.up


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (Trouble.AUTHENTICATION, {XauthAttribute.STATUS: 0, XauthAttribute.MESSAGE: b"for the user"}),
        (None, {XauthAttribute.STATUS: 1}),
    ],
)
def test_a_refusal_may_come_with_a_text(heard: Heard, refusal: Trouble | None, said: dict[int, int | bytes]) -> None:
    """§6.1: a SET may carry some text. vpnc wants the status alone if the user may log in."""
    pair = pair_of(None).run()
    transaction.answer_login(pair.responder, refusal, pair.now, "for the user")
    pair.run()
    assert values(heard[-1]) == said


# --- RADIUS-CHAP (draft-beaulieu-ike-xauth-02 §6.3, appendix A, example A-8) ---


def test_a_client_that_names_chap_gets_a_challenge_and_keeps_its_password(heard: Heard) -> None:
    seen: list[Login | ChapLogin] = []
    pair_of(lambda login: seen.append(login), replace(ALICE, chap=True)).up()
    asked = values(heard[1])
    challenge = asked[XauthAttribute.CHALLENGE]
    assert asked[XauthAttribute.TYPE] == 1
    assert isinstance(challenge, bytes)
    assert len(challenge) == 16
    (login,) = seen
    assert isinstance(login, ChapLogin)
    assert (login.user, login.challenge) == ("alice", challenge)
    assert login.response == md5(bytes((login.identifier,)) + b"secret" + challenge, usedforsecurity=False).digest()


def test_a_response_is_not_shown() -> None:
    assert "response" not in repr(ChapLogin("alice", 1, b"challenge", b"the octets"))


@pytest.mark.parametrize(
    "answer",
    [
        (CHAP, NAME, Attribute(XauthAttribute.USER_PASSWORD, bytes(16))),
        (CHAP, NAME, Attribute(XauthAttribute.USER_PASSWORD, bytes(18))),
        (CHAP, NAME),
        (NAME, PASSWORD),
        (Attribute(XauthAttribute.TYPE, 2), NAME, Attribute(XauthAttribute.USER_PASSWORD, bytes(17))),
    ],
    ids=["too short", "too long", "nothing", "the generic type", "another type"],
)
def test_what_is_no_response_is_refused(replies: Callable[..., None], answer: tuple[Attribute, ...]) -> None:
    replies((CHAP, NAME), answer)
    pair = pair_of().run()
    assert pair.events[1] == [Phase1Failed(Trouble.AUTHENTICATION)]


@pytest.mark.parametrize("kind", [2, 3, 32768], ids=["OTP", "S/KEY", "private"])
def test_a_type_that_was_not_asked_for_is_refused(replies: Callable[..., None], kind: int) -> None:
    """§6.2: the type in a REPLY must be that of the REQUEST."""
    replies((Attribute(XauthAttribute.TYPE, kind), NAME, PASSWORD))
    assert pair_of().run().events[1] == [Phase1Failed(Trouble.AUTHENTICATION)]


def test_a_client_that_gives_up_is_not_asked_by_chap(replies: Callable[..., None]) -> None:
    """§6.1: the status in a REPLY ends the login."""
    replies((CHAP, Attribute(XauthAttribute.STATUS, 0)))
    assert pair_of().run().events[1] == [Phase1Failed(Trouble.AUTHENTICATION)]


# --- what clients send ---


def test_text_may_end_with_a_nul(replies: Callable[..., None]) -> None:
    """§6.2: it need not; some clients of telephones do."""
    nul = (Attribute(XauthAttribute.USER_NAME, b"alice\0"), Attribute(XauthAttribute.USER_PASSWORD, b"secret\0"))
    replies(nul)
    assert pair_of(None).run().events[1] == [LoginOffered(ALICE)]


def test_the_owner_has_all_the_time_that_the_isakmp_sa_has() -> None:
    pair = pair_of(None).run()
    assert pair.responder.state is State.CONF_XAUTH
    pair.responder.transactions.clear()
    assert pair.responder.next_timer() == pair.responder.expires


ANSWERS = st.lists(
    st.builds(
        Attribute,
        st.sampled_from([*XauthAttribute]) | st.integers(0, 0x7FFF),
        st.integers(0, 0xFFFF) | st.binary(max_size=40) | st.just(bytes(17)),
    ),
    max_size=6,
).map(tuple)


@given(st.lists(ANSWERS, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_whatever_a_client_replies_it_breaks_nothing(answers: list[tuple[Attribute, ...]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        reply_by(patch, *answers, *[answers[-1]] * 4)
        pair = pair_of(asking_once()[0]).run()
        pair.wait(200)
    assert pair.responder.state in (State.QM_IDLE, State.DEAD)
