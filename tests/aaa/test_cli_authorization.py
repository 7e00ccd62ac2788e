"""Lists of terminal lines, the privilege level of a session, `enable`, and log-ins to the CLI by servers.

The rules are those of the IOS security command reference: "login authentication", "aaa authorization", "aaa authentication enable
default". IOS 17.15 falls back to the list `default` where a line names one that is not defined, and gives level 1 without a list
for exec authorization.
"""

from __future__ import annotations

import asyncio

import pytest

from agent.aaa.cli import CliOutcome, CliUser, TerminalLine
from agent.aaa.methods import Entered
from agent.aaa.radius.values import Code, Reply
from agent.config.document import load
from agent.engine.access import LoginAttempt, LoginChallenge, LoginRefused
from tests.aaa.at_once import FakeServers, logins_with, reply

USERS = """\
username alice privilege 15 secret 0 wonderland
username bob password 0 builder
enable secret 0 lab
"""
AAA = f"{USERS}aaa new-model\n"
VTY_0, VTY_5 = TerminalLine("vty", 0, 2, "192.0.2.7"), TerminalLine("vty", 5, 7, "192.0.2.7")
CONSOLE = TerminalLine("con", 0, 0)
ACCEPT, REJECT = reply(Code.ACCESS_ACCEPT), reply(Code.ACCESS_REJECT)
UNANSWERED = LoginRefused(unanswered=True)
NO_LEVEL = None
LEVEL_7 = reply(Code.ACCESS_ACCEPT, ("Cisco-AVPair", "shell:priv-lvl=7"))


def log_in(config: str, name: str, password: str, *replies: Reply | None, line: TerminalLine = VTY_0) -> CliOutcome:
    return asyncio.run(logins_with(load(config).config, FakeServers(*replies)).log_in(LoginAttempt(name, password), line))


# --- lists ---

LISTS = f"{AAA}aaa authentication login default local\naaa authentication login open none\n"


@pytest.mark.parametrize(
    ("lines", "line", "answer"),
    [
        ("", VTY_0, UNANSWERED),
        ("line vty 0 4\n login authentication open\n", VTY_0, CliUser("eve", 1)),
        ("line vty 0 4\n login authentication open\n", VTY_5, UNANSWERED),
        ("line vty 0 4\n login authentication other\n", VTY_0, UNANSWERED),
    ],
)
def test_a_line_has_a_list_of_its_own(lines: str, line: TerminalLine, answer: CliOutcome) -> None:
    assert log_in(LISTS + lines, "eve", "x", line=line) == answer


@pytest.mark.parametrize(
    ("lines", "password", "answer"),
    [
        ("password 0 typed", "typed", CliUser("eve", 1)),
        ("password 7 094F471A1A0A", "cisco", CliUser("eve", 1)),
        ("password 0 typed", "wrong", LoginRefused()),
        ("length 0", "typed", UNANSWERED),
    ],
)
def test_the_method_line_takes_the_password_of_the_line(lines: str, password: str, answer: CliOutcome) -> None:
    config = f"{AAA}aaa authentication login default line\nline vty 0 4\n {lines}\n"
    assert log_in(config, "eve", password) == answer


# --- log-ins by servers ---

BY_SERVERS = f"{AAA}aaa authentication login default group radius local\n"


def test_what_a_log_in_tells_servers() -> None:
    """As IOS's `debug radius` shows it."""
    fake = FakeServers(ACCEPT)
    asyncio.run(logins_with(load(BY_SERVERS).config, fake).log_in(LoginAttempt("eve", "secret"), VTY_0))
    ((group, request),) = fake.asked
    assert (group, request.proof) == ("radius", "secret")
    assert [tuple(each) for each in request.attributes] == [
        ("User-Name", "eve"),
        ("NAS-Port", 2),
        ("NAS-Port-Id", "tty2"),
        ("NAS-Port-Type", 5),  # Virtual
        ("Calling-Station-Id", "192.0.2.7"),
        ("NAS-IP-Address", "0.0.0.0"),
    ]


def test_the_service_of_a_log_in_is_told_if_it_is_configured() -> None:
    fake = FakeServers(ACCEPT)
    config = load(f"{BY_SERVERS}radius-server attribute 6 on-for-login-auth\n").config
    asyncio.run(logins_with(config, fake).log_in(LoginAttempt("eve", "secret"), VTY_0))
    assert [each.value for each in fake.asked[0][1].attributes if each.name == "Service-Type"] == [1]  # Login


@pytest.mark.parametrize(
    ("replies", "name", "answer"),
    [
        ((ACCEPT,), "eve", CliUser("eve", 1)),
        ((REJECT,), "alice", LoginRefused()),
        ((None,), "alice", CliUser("alice", 1)),
        ((None,), "eve", UNANSWERED),
    ],
)
def test_local_users_log_in_where_no_server_answers(replies: tuple[Reply | None, ...], name: str, answer: CliOutcome) -> None:
    assert log_in(BY_SERVERS, name, "wonderland", *replies) == answer


# --- privilege levels ---


@pytest.mark.parametrize(
    ("config", "level"),
    [
        (USERS, 15),
        (AAA, 1),
        (f"{AAA}line vty 0 4\n privilege level 5\n", 5),
        (f"{AAA}aaa authorization exec default local\n", 15),
        (f"{AAA}aaa authorization exec default local\nline vty 0 4\n privilege level 5\n", 15),
        (f"{AAA}aaa authorization exec default if-authenticated\n", 1),
        (f"{AAA}aaa authorization exec default none\nline vty 0 4\n privilege level 5\n", 5),
        (f"{AAA}aaa authorization exec default none\naaa authorization exec L local\nline vty 0 4\n authorization exec L\n", 15),
        (f"{AAA}aaa authorization exec default local\nline vty 0 4\n authorization exec L\n", 15),
    ],
)
def test_the_level_of_a_session_comes_from_exec_authorization(config: str, level: int) -> None:
    assert log_in(config, "alice", "wonderland") == CliUser("alice", level)


def test_without_new_model_the_line_s_level_counts_for_a_user_without_one() -> None:
    lines = "line vty 0 4\n privilege level 5\n"
    assert log_in(USERS + lines, "bob", "builder") == CliUser("bob", 5)
    assert log_in(USERS + lines, "alice", "wonderland") == CliUser("alice", 15)


EXEC = "aaa authorization exec default group radius"


@pytest.mark.parametrize(
    ("replies", "level"),
    [
        ((LEVEL_7,), 7),
        ((ACCEPT,), 1),
        ((reply(Code.ACCESS_ACCEPT, ("Cisco-AVPair", "shell:priv-lvl=0")),), 0),
        ((reply(Code.ACCESS_ACCEPT, ("Service-Type", 6)),), 15),
    ],
)
def test_a_server_says_the_level_of_a_user_at_the_log_in(replies: tuple[Reply | None, ...], level: int) -> None:
    assert log_in(f"{BY_SERVERS}{EXEC} local\n", "eve", "secret", *replies) == CliUser("eve", level)


@pytest.mark.parametrize(
    ("exec_list", "replies", "answer"),
    [
        (EXEC, (LEVEL_7,), CliUser("alice", 7)),
        (EXEC, (REJECT,), CliUser("alice", NO_LEVEL)),
        (EXEC, (None,), CliUser("alice", NO_LEVEL)),
        (f"{EXEC} local", (REJECT,), CliUser("alice", NO_LEVEL)),
        (f"{EXEC} local", (None,), CliUser("alice", 15)),
        (f"{EXEC} if-authenticated", (None,), CliUser("alice", 1)),
    ],
)
def test_servers_are_asked_about_a_user_whom_another_method_has_let_in(
    exec_list: str, replies: tuple[Reply | None, ...], answer: CliOutcome
) -> None:
    assert log_in(f"{AAA}aaa authentication login default local\n{exec_list}\n", "alice", "wonderland", *replies) == answer


def test_a_user_that_is_not_configured_has_no_level_of_its_own() -> None:
    assert log_in(f"{BY_SERVERS}aaa authorization exec default local\n", "eve", "secret", ACCEPT) == CliUser("eve", NO_LEVEL)


# --- enable ---


def enable(
    config: str, password: str, *replies: Reply | None, level: int = 15, line: TerminalLine = VTY_0
) -> tuple[bool, FakeServers]:
    fake = FakeServers(*replies)
    logins = logins_with(load(config).config, fake)
    return isinstance(asyncio.run(logins.enable(level, LoginAttempt("", password), line)), Entered), fake


def enable_methods(config: str, level: int, line: TerminalLine) -> tuple[str, ...]:
    return logins_with(load(config).config).enable_methods(level, line)


@pytest.mark.parametrize(
    ("config", "level", "line", "methods"),
    [
        (USERS, 15, VTY_0, ("enable",)),
        (USERS, 15, CONSOLE, ("enable", "none")),
        (USERS, 5, VTY_0, ()),
        (USERS, 5, CONSOLE, ("none",)),
        ("", 15, VTY_0, ()),
        ("", 15, CONSOLE, ("none",)),
        (AAA, 15, VTY_0, ("enable",)),
        (f"{USERS}aaa authentication enable default none\n", 15, VTY_0, ("enable",)),
        (f"{AAA}aaa authentication enable default group radius enable\n", 15, VTY_0, ("group radius", "enable")),
        (f"{AAA}aaa authentication enable default group radius enable\n", 15, CONSOLE, ("group radius", "enable")),
        (f"{AAA}aaa authentication enable default line none\n", 15, VTY_0, ("none",)),
        (f"{AAA}aaa authentication enable default line\nline vty 0\n password x\n", 15, VTY_0, ("line",)),
    ],
)
def test_what_raises_the_privilege_level(config: str, level: int, line: TerminalLine, methods: tuple[str, ...]) -> None:
    assert enable_methods(config, level, line) == methods


@pytest.mark.parametrize(("password", "raised"), [("lab", True), ("wrong", False)])
def test_the_enable_secret_raises_the_level(password: str, raised: bool) -> None:
    assert enable(AAA, password)[0] is raised


SERVERS_ENABLE = f"{AAA}aaa authentication enable default group radius enable\n"


@pytest.mark.parametrize(
    ("replies", "password", "raised"),
    [((ACCEPT,), "x", True), ((REJECT,), "lab", False), ((None,), "lab", True), ((None,), "x", False)],
)
def test_servers_know_a_level_as_a_user(replies: tuple[Reply | None, ...], password: str, raised: bool) -> None:
    got, fake = enable(SERVERS_ENABLE, password, *replies)
    assert got is raised
    ((group, request),) = fake.asked
    assert (group, request.proof, request.attributes[0]) == ("radius", password, ("User-Name", "$enab15$"))
    assert ("Service-Type", 6) in request.attributes  # Administrative


def test_each_level_is_another_user() -> None:
    assert enable(SERVERS_ENABLE, "x", ACCEPT, level=5)[1].asked[0][1].attributes[0] == ("User-Name", "$enab5$")


# --- challenges, tests ---


def test_a_challenge_is_answered_at_the_log_in() -> None:
    challenge = reply(Code.ACCESS_CHALLENGE, ("Reply-Message", "Code: "), ("State", b"s"))
    fake = FakeServers(challenge, LEVEL_7)
    logins = logins_with(load(f"{BY_SERVERS}{EXEC}\n").config, fake)
    asked = asyncio.run(logins.log_in(LoginAttempt("eve", "pin"), VTY_0))
    assert isinstance(asked, LoginChallenge)
    assert asyncio.run(logins.log_in(LoginAttempt("eve", "1234", asked.state), VTY_0)) == CliUser("eve", 7)
    assert ("State", b"s") in fake.asked[1][1].attributes


@pytest.mark.parametrize("noecho", [False, True])
def test_a_line_says_that_the_answer_to_a_challenge_is_not_shown(noecho: bool) -> None:
    config = BY_SERVERS + ("radius-server challenge-noecho\n" if noecho else "")
    asked = log_in(config, "eve", "pin", reply(Code.ACCESS_CHALLENGE))
    assert isinstance(asked, LoginChallenge)
    assert asked.echo is not noecho


def test_a_group_is_tested_by_the_request_that_ios_sends() -> None:
    fake = FakeServers(ACCEPT)
    assert asyncio.run(logins_with(load(AAA).config, fake).test("vpn", "eve", "secret")) == ACCEPT
    ((group, request),) = fake.asked
    assert (group, request.proof, request.about) == ("vpn", "secret", 0)
    names = [name for name, _ in request.attributes]
    assert names == ["NAS-IP-Address", "NAS-Port-Type", "User-Name"]
