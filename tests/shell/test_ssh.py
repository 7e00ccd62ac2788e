"""The CLI by SSH, with asyncssh's client (RFC 4252 for log-ins, RFC 4254 for sessions)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from agent.config.document import load
from agent.shell.ssh import login, server
from agent.shell.ssh.host_keys import HostKeyError, HostKeys
from tests.shell.fakes import Console
from tests.shell.ssh_server import CONFIG, Served, serving


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory whose host keys are made once."""
    return tmp_path_factory.mktemp("state")


def run(state: Path, work: Callable[[Served], Awaitable[Any]], config: str = CONFIG) -> Any:
    async def serve() -> Any:
        async with serving(state, config) as served:
            return await work(served)

    return asyncio.run(serve())


async def shell(client: Any, *lines: str, size: tuple[int, int] = (80, 24)) -> str:
    """What a terminal shows while lines are typed, up to the end of the session."""
    process = await client.create_process(term_type="vt100", term_size=size, encoding="utf-8")
    for line in lines:
        process.stdin.write(f"{line}\r")
    process.stdin.write_eof()
    shown: str = await process.stdout.read()
    return shown


async def ended(reader: asyncio.StreamReader) -> None:
    """Wait until the server has ended a connection."""
    try:
        await reader.read()
    except ConnectionResetError:
        pass


# --- logging in ---


@pytest.mark.parametrize(("user", "password", "prompt"), [("alice", "wonderland", "far#"), ("bob", "builder", "far>")])
def test_a_session_begins_with_the_privilege_of_its_user(state: Path, user: str, password: str, prompt: str) -> None:
    async def work(served: Served) -> str:
        async with served.connect(user, password) as client:
            return await shell(client, "exit")

    assert run(state, work).startswith(prompt)


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_both_ways_to_give_a_password_are_there(state: Path, method: str) -> None:
    async def work(served: Served) -> str:
        async with served.connect(preferred_auth=method) as client:
            return await shell(client, "exit")

    assert run(state, work).startswith("far#")


@pytest.mark.parametrize(("user", "password"), [("alice", "wrong"), ("eve", "wonderland"), ("alice", "")])
def test_others_are_not_let_in(state: Path, user: str, password: str) -> None:
    async def work(served: Served) -> None:
        with pytest.raises((asyncssh.PermissionDenied, asyncssh.ConnectionLost)):
            await served.connect(user, password)

    run(state, work)


@pytest.mark.parametrize("kind", ["ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256"])
def test_a_public_key_lets_in_also_after_the_configuration_is_read_back(state: Path, kind: str) -> None:
    key, other = (asyncssh.generate_private_key(kind, **({"key_size": 2048} if kind == "ssh-rsa" else {})) for _ in range(2))
    text = key.export_public_key("openssh").decode().split()[1]
    lines = "\n".join(text[at : at + 72] for at in range(0, len(text), 72))
    written = load(f"{CONFIG}ip ssh pubkey-chain\n username alice\n key-string\n{lines}\nexit\n").render()
    assert f"key-hash {kind} " in written

    async def work(served: Served) -> str:
        with pytest.raises(asyncssh.PermissionDenied):
            await served.connect(password=None, client_keys=[other])
        with pytest.raises(asyncssh.PermissionDenied):
            await served.connect("bob", password=None, client_keys=[key])
        async with served.connect(password=None, client_keys=[key]) as client:
            return await shell(client, "exit")

    assert run(state, work, written).startswith("far#")


class Guessing(asyncssh.SSHClient):
    """A client that tries wrong passwords as long as it may."""

    def __init__(self) -> None:
        self.tries = 0

    def password_auth_requested(self) -> str:
        self.tries += 1
        return f"guess {self.tries}"


@pytest.mark.parametrize(
    ("line", "tries"), [("", 3), ("ip ssh authentication-retries 1\n", 1), ("ip ssh authentication-retries 5\n", 5)]
)
def test_a_connection_has_so_many_tries(state: Path, line: str, tries: int) -> None:
    client = Guessing()

    async def work(served: Served) -> None:
        with pytest.raises(asyncssh.PermissionDenied, match="Too many authentication failures"):
            await served.connect(password=None, preferred_auth="password", client_factory=lambda: client)

    run(state, work, CONFIG + line)
    assert client.tries == tries


def test_a_connection_may_offer_so_many_keys(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "MOST_KEYS", 2)
    keys = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(3)]

    async def work(served: Served) -> None:
        with pytest.raises(asyncssh.PermissionDenied, match="Too many authentication failures"):
            await served.connect(client_keys=keys)

    run(state, work, f"{CONFIG}ip ssh pubkey-chain\n username alice\n key-hash ssh-ed25519 {'0' * 32}\n")


def test_a_connection_that_does_not_log_in_in_time_ends(state: Path) -> None:
    async def work(served: Served) -> None:
        config = served.router.document.config
        config.ssh = replace(config.ssh, timeout=0)
        reader, writer = await served.raw()
        await ended(reader)
        writer.close()

    run(state, work)


def test_a_log_in_that_takes_long_gives_its_place_to_one_that_waits(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PATIENCE", 0.0)

    async def work(served: Served) -> tuple[list[bytes], str]:
        idle = [await served.raw() for _ in range(2)]
        versions = [await reader.readline() for reader, _ in idle]
        async with served.connect() as client:
            shown = await shell(client, "exit")
        await ended(idle[0][0])
        for _, writer in idle:
            writer.close()
        return versions, shown

    versions, shown = run(state, work, f"{CONFIG}ip ssh maxstartups 2\n")
    assert versions == [b"SSH-2.0-ipsec-agent\r\n"] * 2
    assert shown.startswith("far#")


def test_a_connection_waits_for_a_place_to_log_in(state: Path) -> None:
    async def work(served: Served) -> str:
        idle = [await served.raw() for _ in range(2)]
        for reader, _ in idle:
            await reader.readline()
        waiting = asyncio.ensure_future(served.connect().__aenter__())
        while not served.server.waiting:
            await asyncio.sleep(0)
        idle[1][1].close()
        client = await waiting
        idle[0][1].close()
        shown = await shell(client, "exit")
        client.close()
        return shown

    assert run(state, work, f"{CONFIG}ip ssh maxstartups 2\n").startswith("far#")


# --- sessions ---


@pytest.mark.parametrize(
    ("command", "output", "status"),
    [
        ("show clock", "*23:59:58.000 UTC Thu Feb 29 2024\r\n", 0),
        ("show clok", "far#show clok\r\n         ^\r\n% Invalid input detected at '^' marker.\r\n\r\n", 1),
        ("scp -f running-config", "far#scp -f running-config\r\n    ^\r\n% Invalid input detected at '^' marker.\r\n\r\n", 1),
    ],
)
def test_a_command_is_answered_and_has_a_status(state: Path, command: str, output: str, status: int) -> None:
    async def work(served: Served) -> tuple[str, int]:
        async with served.connect() as client:
            done = await client.run(command)
            return str(done.stdout), done.exit_status

    shown, exit_status = run(state, work)
    assert (shown, exit_status) == (output, status)


@pytest.mark.parametrize(("typed", "status"), [("lab\r", 0), ("wrong\rwrong\rwrong\r", 1), ("x", 1)])
def test_a_command_that_asks_is_answered_from_what_is_sent(state: Path, typed: str, status: int) -> None:
    async def work(served: Served) -> tuple[str, int]:
        async with served.connect("bob", "builder") as client:
            done = await client.run("enable", input=typed)
            return str(done.stdout), done.exit_status

    shown, exit_status = run(state, work)
    assert shown.startswith("Password: ")
    assert exit_status == status


def test_a_terminal_has_the_client_s_size(state: Path) -> None:
    async def work(served: Served) -> str:
        async with served.connect() as client:
            return await shell(client, "show running-config", "q", "exit", size=(80, 5))

    assert " --More-- " in run(state, work)


def test_lines_without_a_terminal_are_carried_out_to_the_last(state: Path) -> None:
    async def work(served: Served) -> str:
        async with served.connect() as client:
            return str((await client.run(input="show clock\nshow snmp host")).stdout)

    shown = run(state, work)
    assert "far#show clock\r\n*23:59:58" in shown
    assert "far#show snmp host\r\n" in shown


def test_enable_asks_for_the_secret(state: Path) -> None:
    async def work(served: Served) -> str:
        async with served.connect("bob", "builder") as client:
            return await shell(client, "enable", "lab", "exit")

    assert run(state, work) == "far>enable\r\nPassword: \r\nfar#exit\r\n"


def test_there_is_a_bounded_number_of_sessions(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_SESSIONS", 2)

    async def work(served: Served) -> None:
        async with served.connect() as client, served.connect() as other:
            first = await client.create_process(term_type="vt100")
            await other.create_process(term_type="vt100")
            with pytest.raises(asyncssh.ChannelOpenError):
                await other.create_process(term_type="vt100")
            first.stdin.write("exit\r")
            await first.wait_closed()
            assert "*23:59" in str((await other.run("show clock")).stdout)

    run(state, work)


def test_a_connection_may_have_so_many_sessions(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "MOST_CHANNELS", 1)

    async def work(served: Served) -> None:
        async with served.connect() as client:
            await client.create_process(term_type="vt100")
            with pytest.raises(asyncssh.ChannelOpenError):
                await client.create_process(term_type="vt100")

    run(state, work)


def test_the_connection_ends_with_its_last_session(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "LINGERING", 0.0)

    async def work(served: Served) -> None:
        client = await served.connect()
        await client.run("show clock")
        await client.wait_closed()
        assert not served.server.sessions

    run(state, work)


def test_a_connection_without_a_session_ends(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "IDLE", 0.0)

    async def work(served: Served) -> None:
        client = await served.connect()
        await client.wait_closed()

    run(state, work)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_it_listens_on_both_families(state: Path, address: str) -> None:
    async def work(served: Served) -> str:
        await served.server.listen([(address, 0)])
        host, port = served.server.addresses[-1]
        assert host == address
        async with served.connect(host=host, port=port) as client:
            return str((await client.run("show clock")).stdout)

    assert run(state, work).startswith("*23:59")


def test_an_address_that_is_taken_is_an_error_of_one_line(state: Path) -> None:
    async def work(served: Served) -> None:
        other = Served(CONFIG, state)
        with pytest.raises(
            server.SshListenError, match=r"^far: SSH cannot listen on 127\.0\.0\.1:\d+: Address already in use; .*$"
        ):
            await other.server.listen([("127.0.0.1", served.port)])

    run(state, work)


# --- what there is not ---


def test_nothing_is_forwarded(state: Path) -> None:
    async def work(served: Served) -> None:
        async with served.connect() as client:
            with pytest.raises(asyncssh.ChannelOpenError):
                await client.open_connection("127.0.0.1", served.port)
            with pytest.raises(asyncssh.ChannelOpenError):
                await client.open_unix_connection("/tmp/x")
            with pytest.raises(asyncssh.ChannelListenError):
                await client.forward_remote_port("127.0.0.1", 0, "127.0.0.1", served.port)

    run(state, work)


@pytest.mark.parametrize("subsystem", ["sftp", "netconf"])
def test_there_are_no_subsystems(state: Path, subsystem: str) -> None:
    async def work(served: Served) -> None:
        async with served.connect() as client:
            with pytest.raises(asyncssh.ChannelOpenError):
                await client.create_process(subsystem=subsystem)

    run(state, work)


def test_environment_and_signals_are_ignored(state: Path) -> None:
    async def work(served: Served) -> str:
        async with served.connect() as client:
            process = await client.create_process(term_type="vt100", env={"LANG": "C"}, encoding="utf-8")
            process.send_signal("KILL")
            process.stdin.write("exit\r")
            shown: str = await process.stdout.read()
            return shown

    assert run(state, work) == "far#exit\r\n"


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.0\r\n\r\n", b"\0" * 100_000, b"SSH-2.0-x\r\n" + b"\xff" * 100_000])
def test_octets_that_are_no_ssh_end_their_connection_alone(state: Path, octets: bytes) -> None:
    async def work(served: Served) -> str:
        reader, writer = await served.raw()
        writer.write(octets)
        await ended(reader)
        writer.close()
        async with served.connect() as client:
            return str((await client.run("show clock")).stdout)

    assert run(state, work).startswith("*23:59")


# --- host keys ---


def host_key(client: Any) -> bytes:
    return bytes(client.get_server_host_key().public_data)


def test_the_host_keys_are_kept(tmp_path: Path) -> None:
    first, again = HostKeys(tmp_path, "lab", "far"), HostKeys(tmp_path, "lab", "far")
    assert [key.public_data for key in first.keys] == [key.public_data for key in again.keys]
    assert [key.get_algorithm() for key in first.keys] == ["ssh-ed25519", "ssh-rsa"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert HostKeys(tmp_path, "lab", "near").keys[0].public_data != first.keys[0].public_data


@pytest.mark.parametrize("content", [b"", b"not a key", asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_private_key()])
def test_a_file_that_is_no_host_key_is_an_error_of_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lab.far.ssh_host_ed25519_key"
    path.write_bytes(content)
    with pytest.raises(HostKeyError, match=r"^[^\n]*ssh_host_ed25519_key: [^\n]*remove the file[^\n]*$"):
        HostKeys(tmp_path, "lab", "far")


def test_a_generated_key_is_shown_to_connections_after_it(tmp_path: Path) -> None:
    async def work(served: Served) -> None:
        options = {"server_host_key_algs": ["rsa-sha2-256"]}
        async with served.connect(**options) as client:
            before = host_key(client)
            await shell(client, "configure terminal", "crypto key generate rsa modulus 1024")
        await served.follow_keys()
        async with served.connect(**options) as client:
            after = host_key(client)
        assert after != before
        assert HostKeys(tmp_path, "lab", "far").keys[1].public_data == after

    run(tmp_path, work)


def test_without_keys_nobody_can_connect(tmp_path: Path) -> None:
    async def work(served: Served) -> list[str]:
        async with served.connect() as client:
            await shell(client, "configure terminal", "crypto key zeroize rsa")
        await served.follow_keys()
        with pytest.raises((asyncssh.ConnectionLost, ConnectionResetError)):
            await served.connect()
        await served.server.generate_key(2048, _at_once)
        async with served.connect() as client:
            await client.run("show clock")
        return served.messages

    messages = [each for each in run(tmp_path, work) if each.startswith("%SSH")]
    assert messages == ["%SSH-5-DISABLED: SSH 2.0 has been disabled", "%SSH-5-ENABLED: SSH 2.0 has been enabled"]


async def _at_once(work: Callable[[], Any]) -> Any:
    return work()


# --- what the router tells of it ---


async def one_session(served: Served, *lines: str) -> str:
    """What a terminal shows, whose session has ended altogether."""
    async with served.connect() as client:
        shown = await shell(client, *lines, "exit")
    while served.server.sessions:
        await asyncio.sleep(0)
    return shown


def test_events_are_logged_where_they_are_asked_for(state: Path) -> None:
    async def work(served: Served) -> list[str]:
        options = {"encryption_algs": ["aes128-ctr"], "mac_algs": ["hmac-sha2-256"]}
        with pytest.raises(asyncssh.PermissionDenied):
            await served.connect(password="wrong", **options)
        async with served.connect(**options) as client:
            await client.run("show clock")
        await served.server.close()
        return served.messages

    used = "using crypto cipher 'aes128-ctr', hmac 'hmac-sha2-256'"
    messages = run(state, work, f"{CONFIG}ip ssh logging events\n")
    assert [each for each in messages if each.startswith("%SSH")] == [
        f"%SSH-5-SSH2_SESSION: SSH2 Session request from 127.0.0.1 (tty = 0) {used} Succeeded",
        f"%SSH-5-SSH2_USERAUTH: User 'alice' authentication for SSH2 Session from 127.0.0.1 (tty = 0) {used} Failed",
        f"%SSH-5-SSH2_SESSION: SSH2 Session request from 127.0.0.1 (tty = 0) {used} Succeeded",
        f"%SSH-5-SSH2_USERAUTH: User 'alice' authentication for SSH2 Session from 127.0.0.1 (tty = 0) {used} Succeeded",
        f"%SSH-5-SSH2_CLOSE: SSH2 Session from 127.0.0.1 (tty = 0) for user 'alice' {used} closed",
    ]


def test_events_are_not_logged_otherwise(state: Path) -> None:
    async def work(served: Served) -> list[str]:
        await one_session(served)
        return served.messages

    assert not [each for each in run(state, work) if each.startswith("%SSH")]


class Greeted(asyncssh.SSHClient):
    """A client that remembers the banner of the log-in."""

    def __init__(self) -> None:
        self.banner = ""

    def auth_banner_received(self, msg: str, lang: str) -> None:
        self.banner += msg


def test_the_banner_of_the_log_in_is_shown_before_it(state: Path) -> None:
    async def work(served: Served) -> str:
        client = Greeted()
        with pytest.raises(asyncssh.PermissionDenied):
            await served.connect(password="wrong", client_factory=lambda: client)
        return client.banner

    assert "Only for far" in run(state, work, f"{CONFIG}banner login ^C\nOnly for $(hostname)\n^C\n")


def test_show_ssh_has_a_line_for_each_direction(state: Path) -> None:
    async def work(served: Served) -> str:
        async with served.connect(encryption_algs=["aes256-ctr"], mac_algs=["hmac-sha2-512"]) as client:
            return await shell(client, "show ssh", "exit")

    shown = run(state, work)
    assert "0          2.0     IN   aes256-ctr  hmac-sha2-512    Session started     alice\r\n" in shown
    assert "0          2.0     OUT  aes256-ctr  hmac-sha2-512    Session started     alice\r\n" in shown


def test_show_ip_ssh_has_the_algorithms_and_the_key(state: Path) -> None:
    async def work(served: Served) -> str:
        return await one_session(served, "terminal length 0", "show ip ssh")

    shown = run(state, work, f"{CONFIG}ip ssh time-out 60\n").replace("\r", "")
    assert "SSH Enabled - version 2.0\nAuthentication methods:publickey,keyboard-interactive,password\n" in shown
    assert "\nAuthentication timeout: 60 secs; Authentication retries: 3\n" in shown
    assert "\nHostkey Algorithms:ssh-ed25519,rsa-sha2-" in shown
    key = HostKeys(state, "lab", "far").keys[1].export_public_key().decode().split()[1]
    assert f"(ssh-rsa, base64 encoded): far.example.com\nssh-rsa {key}" in shown.replace("\n", "").replace(
        "far.example.comssh-rsa", "far.example.com\nssh-rsa"
    )


def test_a_router_without_ssh_says_so() -> None:
    console = Console("version 12.4\nhostname far\n")
    assert console.type("show ip ssh") == (
        "SSH Disabled - version 2.0\n"
        "%Please create RSA keys to enable SSH (and of atleast 768 bits for SSH v2).\n"
        "Authentication timeout: 120 secs; Authentication retries: 3\n"
    )
    assert console.type("show ssh") == "%No SSHv2 server connections running.\n%No SSHv1 server connections running.\n"
