"""Log-ins by servers as the CLI shows them: keyboard-interactive challenges (RFC 4256), `enable`, and `test aaa group`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from agent.aaa.radius.values import Code, Reply, Request
from tests.aaa.at_once import FakeServers, reply
from tests.shell.fakes import CONFIG, Console
from tests.shell.ssh_server import Served, serving

AAA = """\
hostname far
aaa new-model
aaa authentication login default group radius
aaa authorization exec default group radius
"""
ACCEPT, REJECT = reply(Code.ACCESS_ACCEPT), reply(Code.ACCESS_REJECT)
LEVEL_15 = reply(Code.ACCESS_ACCEPT, ("Cisco-AVPair", "shell:priv-lvl=15"))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory whose host keys are made once."""
    return tmp_path_factory.mktemp("state")


def challenge(*messages: str) -> Reply:
    return reply(Code.ACCESS_CHALLENGE, *(("Reply-Message", message) for message in messages), ("State", b"s"))


class Answering(asyncssh.SSHClient):
    """A client that answers what keyboard-interactive authentication asks, and remembers the questions."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Sequence[tuple[str, bool]]]] = []

    def kbdint_auth_requested(self) -> str | None:
        return "" if self.answers else None

    def kbdint_challenge_received(self, name: str, instructions: str, lang: str, prompts: Any) -> list[str]:
        self.asked.append((instructions, list(prompts)))
        return [self.answers.pop(0)] if prompts else []


def ask(state: Path, servers: FakeServers, client: Answering) -> str:
    """What the session of a client that logs in by keyboard-interactive authentication shows."""

    async def work() -> str:
        async with serving(state, AAA, servers) as served:
            return await _session(served, client)

    return asyncio.run(work())


async def _session(served: Served, client: Answering) -> str:
    options = {"client_factory": lambda: client, "preferred_auth": "keyboard-interactive"}
    async with served.connect("eve", None, **options) as connection:
        process = await connection.create_process(term_type="vt100")
        process.stdin.write("exit\r")
        process.stdin.write_eof()
        shown: str = await process.stdout.read()
        return shown


def test_a_challenge_is_asked_of_the_client(state: Path) -> None:
    servers = FakeServers(challenge("Look at your token", "Code: "), challenge("Next code: "), LEVEL_15)
    client = Answering("pin", "1234", "5678")
    assert ask(state, servers, client).startswith("far#")
    assert client.asked[:3] == [
        ("", [("Password: ", False)]),
        ("Look at your token", [("Code: ", True)]),
        ("", [("Next code: ", True)]),
    ]
    assert [request.proof for _, request in servers.asked] == ["pin", "1234", "5678"]


def test_a_wrong_answer_to_a_challenge_is_a_failed_try(state: Path) -> None:
    servers = FakeServers(challenge("Code: "), REJECT)
    with pytest.raises((asyncssh.PermissionDenied, asyncssh.ConnectionLost)):
        ask(state, servers, Answering("pin", "wrong"))
    assert len(servers.asked) == 2


def test_the_answer_to_a_challenge_is_not_another_try(state: Path) -> None:
    """`ip ssh authentication-retries` is 3: the third try may still be challenged."""
    servers = FakeServers(REJECT, REJECT, challenge("Code: "), LEVEL_15)
    assert ask(state, servers, Answering("a", "b", "pin", "1234")).startswith("far#")


def test_the_method_password_cannot_answer_a_challenge(state: Path) -> None:
    async def work() -> None:
        async with serving(state, AAA, FakeServers(challenge("Code: "))) as served:
            with pytest.raises((asyncssh.PermissionDenied, asyncssh.ConnectionLost)):
                await served.connect("eve", "pin", preferred_auth="password")

    asyncio.run(work())


def test_the_method_password_logs_in_by_servers(state: Path) -> None:
    async def work() -> str:
        servers = FakeServers(LEVEL_15)
        async with serving(state, AAA, servers) as served, served.connect("eve", "secret", preferred_auth="password") as client:
            return str((await client.run("show privilege")).stdout)

    assert asyncio.run(work()) == "Current privilege level is 15\r\n"


@pytest.mark.parametrize("code", [Code.ACCESS_ACCEPT, Code.ACCESS_REJECT])
def test_the_servers_text_is_shown_to_the_user(state: Path, code: Code) -> None:
    """As a banner (RFC 4252 §5.4)."""

    class Reading(asyncssh.SSHClient):
        def auth_banner_received(self, msg: str, lang: str) -> None:
            banners.append(msg)

    banners: list[str] = []

    async def work() -> None:
        servers = FakeServers(reply(code, ("Reply-Message", "It is late."), ("Reply-Message", "Be quick.")))
        async with serving(state, AAA, servers) as served:
            options = {"client_factory": Reading, "preferred_auth": "password"}
            if code is Code.ACCESS_REJECT:
                with pytest.raises((asyncssh.PermissionDenied, asyncssh.ConnectionLost)):
                    await served.connect("eve", "secret", **options)
            else:
                async with served.connect("eve", "secret", **options):
                    pass

    asyncio.run(work())
    assert banners == ["It is late.\nBe quick.\n"]


@pytest.mark.parametrize("command", [None, "show privilege"])
def test_without_authorization_a_session_ends_at_once(state: Path, command: str | None) -> None:
    """The log-in has succeeded; IOS says why there is no exec."""

    async def work() -> tuple[str, int | None]:
        config = f"{AAA}aaa authentication login default local\nusername alice privilege 15 secret 0 wonderland\n"
        async with serving(state, config, FakeServers(None)) as served, served.connect() as client:
            done = await client.run(command, term_type="vt100")
            return str(done.stdout), done.exit_status

    assert asyncio.run(work()) == ("% Authorization failed.\r\n", 1)


# --- enable ---

ENABLE = f"{CONFIG}aaa new-model\naaa authentication enable default group radius enable\n"


@pytest.mark.parametrize(
    ("config", "replies", "answers", "shown"),
    [
        (ENABLE, (ACCEPT,), ("secret",), "Password: \n"),
        (ENABLE, (REJECT,), ("lab",), "Password: \n% Error in authentication.\n\n"),
        (ENABLE, (None,), ("lab",), "Password: \n"),
        (ENABLE, (challenge("Code: "), ACCEPT), ("pin", "1234"), "Password: \nCode: 1234\n"),
        (ENABLE, (challenge("One", "Code: "), ACCEPT), ("pin", "1234"), "Password: \nOne\nCode: 1234\n"),
        (f"{CONFIG}aaa new-model\n", (), ("wrong",), "Password: \n% Access denied\n\n"),
        (f"{CONFIG}aaa new-model\n", (), ("lab",), "Password: \n"),
        ("hostname far\naaa new-model\n", (), (), ""),
        ("hostname far\naaa new-model\naaa authentication enable default enable\n", (), (), "% Error in authentication.\n"),
    ],
)
def test_enable_by_aaa(config: str, replies: tuple[Reply | None, ...], answers: tuple[str, ...], shown: str) -> None:
    console = Console(config, answers, privileged=False, servers=FakeServers(*replies))
    assert console.type("enable") == shown
    assert console.session.prompt == ("far>" if "%" in shown else "far#")


# --- test aaa group ---


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ACCEPT, "User was successfully authenticated."),
        (REJECT, "User authentication request was rejected by server."),
        (None, "No authoritative response from any server."),
    ],
)
def test_a_group_is_tested(answer: Reply | None, said: str) -> None:
    """The words are IOS 17.15's."""
    console = Console(servers=FakeServers(answer))
    heading = "Attempting authentication test to server-group vpn using radius"
    assert console.type("test aaa group vpn eve secret legacy") == f"{heading}\n{said}\n"


def test_a_test_in_new_code_shows_what_the_server_says() -> None:
    accept = reply(
        Code.ACCESS_ACCEPT,
        ("Service-Type", 5),
        ("Framed-IP-Address", "10.3.0.7"),
        ("Tunnel-Password", b"groupkey"),
        ("Cisco-AVPair", "ipsec:addr-pool=vpn"),
        ("Cisco-AVPair", "ipsec:dns-servers=10.1.1.101"),
        ("Cisco-AVPair", "ipsec:tunnel-password=groupkey"),
        ("Cisco-AVPair", "shell:priv-lvl=15"),
        ("Cisco-AVPair", "shell:priv-lvl=high"),
    )
    assert Console(servers=FakeServers(accept)).type("test aaa group radius eve secret new-code") == (
        "User successfully authenticated\n\n"
        "USER ATTRIBUTES\n\n"
        'username             0   "eve"\n'
        "service-type         0   5 [Outbound]\n"
        "addr                 0   10.3.0.7\n"
        "tunnel-password      0   <hidden>\n"
        'addr-pool            0   "vpn"\n'
        'dns-servers          0   "10.1.1.101"\n'
        "tunnel-password      0   <hidden>\n"
        "priv-lvl             0   15 (0xF)\n"
        'priv-lvl             0   "high"\n'
    )


@pytest.mark.parametrize("answer", [REJECT, None])
def test_a_test_in_new_code_that_fails(answer: Reply | None) -> None:
    assert Console(servers=FakeServers(answer)).type("test aaa group radius eve secret new-code") == "User rejected\n"


# --- clients that go away ---


class SlowServers(FakeServers):
    """Servers that answer when they are told to."""

    def __init__(self) -> None:
        super().__init__(LEVEL_15)
        self.is_asked, self.may_answer, self.answered = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def ask(self, group: str, request: Request) -> Reply | None:
        self.is_asked.set()
        try:
            await self.may_answer.wait()
            return await super().ask(group, request)
        finally:
            self.answered.set()


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_a_client_may_go_before_the_server_has_answered(state: Path, method: str, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        servers = SlowServers()
        async with serving(state, AAA, servers) as served:
            options = {"client_factory": lambda: Answering("secret")} if method != "password" else {}
            connecting = asyncio.ensure_future(served.connect("eve", "secret", preferred_auth=method, **options).__aenter__())
            await servers.is_asked.wait()
            connecting.cancel()
            while served.server.connections:
                await asyncio.sleep(0)
            servers.may_answer.set()
            await servers.answered.wait()

    asyncio.run(work())
    assert [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []
