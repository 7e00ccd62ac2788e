"""Log-ins of remote-access clients, and their groups. The methods follow the IOS security command reference."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import pytest

from agent.aaa.access import Access
from agent.aaa.accounting.grants import Grants
from agent.config.crypto_model import ClientGroup
from agent.config.document import load
from agent.engine.access import ChapResponse, LoginAccepted, LoginAnswer, LoginAttempt, LoginRefused
from tests.aaa.at_once import FakeServers, access_of, methods_with

T = TypeVar("T")

CONFIG = """\
aaa new-model
username alice password 0 wonderland
username bob secret 5 $1$abcd$viHgTShdahZyS2dZoxspO.
enable secret 0 lab
crypto isakmp client configuration group staff
 key groupkey
"""
ACCEPTED, REFUSED, UNANSWERED = LoginAccepted(), LoginRefused(), LoginRefused(unanswered=True)


def answered(methods: str, attempt: LoginAttempt, config: str = CONFIG, asked: str = "vpn") -> LoginAnswer:
    answers: list[LoginAnswer] = []
    made = access_of(load(f"{config}aaa authentication login vpn {methods}\n").config)
    made.log_in(asked, attempt, answers.append)
    (answer,) = answers
    return answer


@pytest.mark.parametrize(
    ("methods", "user", "password", "answer"),
    [
        ("local", "ALICE", "wonderland", ACCEPTED),
        ("local", "alice", "wrong", REFUSED),
        ("local", "eve", "wonderland", UNANSWERED),
        ("local-case", "ALICE", "wonderland", UNANSWERED),
        ("local-case", "alice", "wonderland", ACCEPTED),
        ("local none", "eve", "", ACCEPTED),
        ("local none", "alice", "wrong", REFUSED),
        ("enable", "eve", "lab", ACCEPTED),
        ("enable", "eve", "wonderland", REFUSED),
    ],
)
def test_the_first_method_that_has_an_answer_decides(methods: str, user: str, password: str, answer: LoginAnswer) -> None:
    assert answered(methods, LoginAttempt(user, password)) == answer


@pytest.mark.parametrize(("config", "asked"), [(CONFIG, "other"), (CONFIG.replace("aaa new-model\n", ""), "vpn")])
def test_a_list_that_does_not_count_admits_nobody(config: str, asked: str) -> None:
    assert answered("none", LoginAttempt("alice", "wonderland"), config, asked) == UNANSWERED


def chap(password: str) -> ChapResponse:
    """The response of RFC 1994 §4.1: MD5 of the identifier, the secret and the challenge."""
    challenge = bytes(range(16))
    return ChapResponse(7, challenge, hashlib.md5(b"\x07" + password.encode() + challenge).digest())


@pytest.mark.parametrize(
    ("user", "password", "answer"),
    [
        ("alice", "wonderland", ACCEPTED),
        ("alice", "wrong", REFUSED),
        ("bob", "hello", REFUSED),  # a hash: the password is not known
        ("eve", "wonderland", UNANSWERED),
    ],
)
def test_a_chap_response_is_checked_by_a_password_in_the_clear(user: str, password: str, answer: LoginAnswer) -> None:
    assert answered("local", LoginAttempt(user, chap(password))) == answer


def test_a_chap_response_proves_no_enable_password() -> None:
    assert answered("enable", LoginAttempt("alice", chap("lab"))) == REFUSED


@pytest.mark.parametrize(
    ("methods", "name", "known"), [("local", "staff", True), ("local", "other", False), ("none", "staff", False)]
)
def test_a_group_comes_from_the_configuration(methods: Sequence[str], name: str, known: bool) -> None:
    groups: list[ClientGroup | None] = []
    access_of(load(f"{CONFIG}aaa authorization network vpn {methods}\n").config).group("vpn", name, groups.append)
    (group,) = groups
    assert (group.key if group is not None else None) == ("groupkey" if known else None)


def test_the_group_default_is_that_of_clients_whose_group_is_not_configured() -> None:
    """ "crypto isakmp client configuration group" in the IOS security command reference."""
    lines = "crypto isakmp client configuration group default\n key everybody\naaa authorization network vpn local\n"
    access, groups = access_of(load(CONFIG + lines).config), list[ClientGroup | None]()
    for name in ("staff", "other"):
        access.group("vpn", name, groups.append)
    assert [group.key for group in groups if group is not None] == ["groupkey", "everybody"]


def test_the_end_cancels_what_is_not_answered() -> None:
    cancelled: list[str] = []

    def never(question: Coroutine[Any, Any, T], answer: Callable[[T], None]) -> Callable[[], None]:
        question.close()
        return lambda: cancelled.append("cancelled")

    config, requests = load(CONFIG).config, FakeServers().requests()
    access = Access(config, methods_with(config, requests), requests, never, Grants())
    access.log_in("vpn", LoginAttempt("alice", "wonderland"), lambda answer: None)
    access.close()
    assert cancelled == ["cancelled"]
