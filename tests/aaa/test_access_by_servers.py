"""Log-ins of remote-access clients and their groups by servers (RFC 2865). What IOS sends is in its `debug radius` examples."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

import pytest

from agent.aaa.access_requests import AccessRequests
from agent.aaa.accounting.grants import Grant, Grants
from agent.aaa.radius.values import Attribute, Code, Reply
from agent.config.aaa_model import RadiusConfig
from agent.config.crypto_model import ClientGroup
from agent.config.document import load
from agent.engine.access import (
    ChapResponse,
    LoginAccepted,
    LoginAnswer,
    LoginAttempt,
    LoginChallenge,
    LoginRefused,
    UserPolicy,
)
from tests.aaa.at_once import PLACE, FakeServers, access_of, reply

CONFIG = """\
aaa new-model
username alice password 0 wonderland
crypto isakmp client configuration group staff
 key localkey
"""
ACCEPT, REJECT = reply(Code.ACCESS_ACCEPT), reply(Code.ACCESS_REJECT)


def log_in(fake: FakeServers, methods: str, attempt: LoginAttempt) -> LoginAnswer:
    answers: list[LoginAnswer] = []
    config = load(f"{CONFIG}aaa authentication login vpn {methods}\n").config
    access_of(config, fake).log_in("vpn", attempt, answers.append)
    (answer,) = answers
    return answer


@pytest.mark.parametrize("proof", ["secret", ChapResponse(1, b"c" * 16, b"r" * 16)])
def test_a_log_in_is_an_access_request(proof: str | ChapResponse) -> None:
    fake = FakeServers(ACCEPT)
    assert log_in(fake, "group vpn-servers", LoginAttempt("eve", proof, remote="10.1.1.2")) == LoginAccepted()
    ((group, request),) = fake.asked
    assert (group, request.code, request.proof) == ("vpn-servers", Code.ACCESS_REQUEST, proof)
    assert [tuple(each) for each in request.attributes] == [
        ("User-Name", "eve"),
        ("Calling-Station-Id", "10.1.1.2"),
        ("NAS-Port-Type", 5),  # Virtual (RFC 2865 §5.41)
        ("NAS-Port", 0),
        ("NAS-IP-Address", "0.0.0.0"),
    ]


@pytest.mark.parametrize(("identifier", "sent"), [("hub.example.com", ["hub.example.com"]), (None, []), ("", [])])
def test_a_router_may_name_itself(identifier: str | None, sent: list[str]) -> None:
    """NAS-Identifier stands behind NAS-IP-Address, as in published output of `debug radius`."""
    fake = FakeServers(ACCEPT)
    asyncio.run(AccessRequests(RadiusConfig(), fake.ask, lambda: 1, lambda: identifier).prove("radius", "eve", "x", ()))
    names = ["User-Name", "NAS-IP-Address", *("NAS-Identifier" for _ in sent)]
    ((_, request),) = fake.asked
    assert [name for name, _ in request.attributes] == names
    assert [value for name, value in request.attributes if name == "NAS-Identifier"] == sent


@pytest.mark.parametrize(
    ("replies", "user", "answer", "asked"),
    [
        ((ACCEPT,), "alice", LoginAccepted(), 1),
        ((REJECT,), "alice", LoginRefused(), 1),  # a refusal is an answer: the next method is not asked
        ((reply(Code.ACCESS_REJECT, ("Reply-Message", "no"), ("Reply-Message", "more")),), "eve", LoginRefused("no\nmore"), 1),
        ((None, ACCEPT), "eve", LoginAccepted(), 2),
        ((None, None), "alice", LoginAccepted(), 2),
        ((None, None), "eve", LoginRefused(unanswered=True), 2),
    ],
)
def test_the_next_method_is_asked_where_no_server_answers(
    replies: tuple[Reply | None, ...], user: str, answer: LoginAnswer, asked: int
) -> None:
    fake = FakeServers(*replies)
    assert log_in(fake, "group one group two local", LoginAttempt(user, "wonderland")) == answer
    assert [group for group, _ in fake.asked] == ["one", "two"][:asked]


@pytest.mark.parametrize(
    ("lines", "services", "accepted"),
    [
        ("", (), True),
        ("radius-server attribute 6 mandatory", (), False),
        ("radius-server attribute 6 mandatory", (5,), True),
        ("", (5, 1), False),
        ("radius-server attribute 6 support-multiple", (5, 1), True),
    ],
)
def test_lines_say_which_services_an_answer_may_have(lines: str, services: tuple[int, ...], accepted: bool) -> None:
    """ "radius-server attribute 6" in the IOS security command reference."""
    answers: list[LoginAnswer] = []
    fake = FakeServers(reply(Code.ACCESS_ACCEPT, *(("Service-Type", service) for service in services)))
    config = load(f"{CONFIG}aaa authentication login vpn group radius\n{lines}\n").config
    access_of(config, fake).log_in("vpn", LoginAttempt("eve", "x"), answers.append)
    assert [isinstance(answer, LoginAccepted) for answer in answers] == [accepted]


def test_a_user_gets_what_the_server_says() -> None:
    accept = reply(
        Code.ACCESS_ACCEPT,
        ("Framed-IP-Address", "10.3.0.7"),
        ("Framed-IP-Netmask", "255.255.255.0"),
        ("Cisco-AVPair", "ipsec:addr-pool=contractors"),
        ("Cisco-AVPair", "shell:priv-lvl=7"),
    )
    policy = UserPolicy(IPv4Address("10.3.0.7"), IPv4Address("255.255.255.0"), "contractors", 7)
    assert log_in(FakeServers(accept), "group radius", LoginAttempt("eve", "x")) == LoginAccepted(policy)


def test_what_a_server_says_for_the_accounting_is_kept_by_user_and_place() -> None:
    """RFC 2865 §5.1 and §5.25: the name and the Class of the Access-Accept go into the accounting records."""
    grants, fake = Grants(), FakeServers(reply(Code.ACCESS_ACCEPT, ("User-Name", "alice@vpn"), ("Class", b"gold"), ("Class", b"1")))
    config = load("aaa new-model\naaa authentication login vpn group radius\n").config
    access_of(config, fake, grants).log_in("vpn", LoginAttempt("alice", "right", remote="203.0.113.7"), lambda answer: None)
    assert grants.of("alice", "203.0.113.7") == Grant("alice@vpn", (b"gold", b"1"))
    assert grants.of("alice", "203.0.113.8") == grants.of("bob", "203.0.113.7") == Grant()


def test_a_user_may_have_what_a_group_has() -> None:
    """ "RADIUS Support for User Profiles" of "Easy VPN Server" in the IOS security configuration guide."""
    accept = reply(
        Code.ACCESS_ACCEPT,
        ("Cisco-AVPair", "ipsec:user-vpn-group=staff"),
        ("Cisco-AVPair", "ipsec:user-save-password=0"),
        ("Cisco-AVPair", "ipsec:user-include-local-lan=1"),
    )
    policy = UserPolicy(vpn_group="staff", save_password=False, include_local_lan=True)
    assert log_in(FakeServers(accept), "group radius", LoginAttempt("eve", "x")) == LoginAccepted(policy)


@pytest.mark.parametrize("address", ["255.255.255.254", "255.255.255.255", "nonsense"])
def test_an_address_that_the_router_or_the_user_is_to_select_is_none(address: str) -> None:
    """RFC 2865 §5.8."""
    accept = reply(Code.ACCESS_ACCEPT, ("Framed-IP-Address", address))
    assert log_in(FakeServers(accept), "group radius", LoginAttempt("eve", "x")) == LoginAccepted(UserPolicy())


# --- challenges (RFC 2865 §4.4) ---


def challenge(*attributes: tuple[str, str | int | bytes]) -> Reply:
    return reply(Code.ACCESS_CHALLENGE, *attributes)


def test_the_answer_to_a_challenge_goes_to_the_group_that_has_challenged_with_its_state() -> None:
    fake = FakeServers(None, challenge(("Reply-Message", "Code: "), ("State", b"a\nb")), ACCEPT)
    asked = log_in(fake, "group one group two none", LoginAttempt("eve", "pin", remote="10.1.1.2"))
    assert isinstance(asked, LoginChallenge)
    assert asked.message == "Code: "
    assert log_in(fake, "group one group two none", LoginAttempt("eve", "1234", asked.state)) == LoginAccepted()
    first, second, third = fake.asked
    assert [first[0], second[0], third[0]] == ["one", "two", "two"]
    assert third[1].proof == "1234"
    assert Attribute("State", b"a\nb") in third[1].attributes
    assert third[1].about == second[1].about != first[1].about
    assert (second[1].first, third[1].first) == (None, PLACE)


def test_a_challenge_that_nobody_takes_the_answer_to_admits_nobody() -> None:
    fake = FakeServers(challenge(("Reply-Message", "Code: ")))
    asked = log_in(fake, "group one none", LoginAttempt("eve", "pin"))
    assert isinstance(asked, LoginChallenge)
    assert log_in(fake, "group one none", LoginAttempt("eve", "1234", asked.state)) == LoginRefused(unanswered=True)
    assert not [each for each in fake.asked[1][1].attributes if each.name == "State"]


@pytest.mark.parametrize(("attributes", "echo"), [((), True), ((("Prompt", 0),), False), ((("Prompt", 1),), True)])
def test_prompt_says_whether_the_answer_may_be_seen(attributes: tuple[tuple[str, int], ...], echo: bool) -> None:
    """RFC 2869 §5.10. Without it IOS shows the answer ("radius-server challenge-noecho" in the IOS security command reference)."""
    asked = log_in(FakeServers(challenge(*attributes)), "group one", LoginAttempt("eve", "pin"))
    assert isinstance(asked, LoginChallenge)
    assert (asked.message, asked.echo) == ("Response: ", echo)


# --- groups ---


def group(fake: FakeServers, methods: str, name: str = "staff") -> ClientGroup | None:
    groups: list[ClientGroup | None] = []
    access_of(load(f"{CONFIG}aaa authorization network vpn {methods}\n").config, fake).group("vpn", name, groups.append)
    (found,) = groups
    return found


def test_a_group_is_asked_for_by_its_name_and_the_password_of_all_groups() -> None:
    """As IOS asks: "Easy VPN Server" in the IOS security configuration guide."""
    fake = FakeServers(reply(Code.ACCESS_ACCEPT, ("Tunnel-Password", "groupkey")))
    assert group(fake, "group vpn-servers", "remote") == ClientGroup("remote", "groupkey")
    ((servers, request),) = fake.asked
    assert (servers, request.code, request.proof) == ("vpn-servers", Code.ACCESS_REQUEST, "cisco")
    assert [tuple(each) for each in request.attributes] == [
        ("User-Name", "remote"),
        ("NAS-Port-Type", 5),
        ("NAS-Port", 0),
        ("Service-Type", 5),  # Outbound (RFC 2865 §5.6)
        ("NAS-IP-Address", "0.0.0.0"),
    ]


def key(found: ClientGroup | None) -> str | None:
    return None if found is None else found.key


@pytest.mark.parametrize(
    ("methods", "replies", "expected"),
    [
        ("group one local", (None,), "localkey"),
        ("group one local", (REJECT,), None),
        ("local group one", (), "localkey"),
        ("group one group two", (None, reply(Code.ACCESS_ACCEPT, ("Tunnel-Password", b"second"))), "second"),
        ("group one", (challenge(),), None),
    ],
)
def test_the_methods_of_groups_are_asked_in_order(methods: str, replies: tuple[Reply | None, ...], expected: str | None) -> None:
    assert key(group(FakeServers(*replies), methods)) == expected


def test_a_group_that_is_not_configured_is_asked_of_the_next_method() -> None:
    fake = FakeServers(reply(Code.ACCESS_ACCEPT, ("Tunnel-Password", "groupkey")))
    assert key(group(fake, "local group one", "remote")) == "groupkey"
