"""The real client against the real server, over a Unix socket: one command, lines from a pipe, and what can go wrong."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from agent.config.events import ConfigEvent
from agent.shell import frames, server
from agent.shell.client import run_client
from agent.shell.connection import Connection, ServerSilentError
from agent.shell.protocol import LONGEST, ProtocolError, decode, encode
from agent.shell.server import MOST_SESSIONS, CliServer
from agent.shell.sockets import SocketError, bind_socket, connect, default_state_dir, live_sockets
from tests.shell.fakes import COMMANDS, FakeEngine, make_router


class Lab:
    """A server on a loop of its own, so that the client may block; `far` and `hub` are its routers."""

    def __init__(self, state_dir: Path, name: str = "lab") -> None:
        self.state_dir = state_dir
        self.engine = FakeEngine()
        self.events: list[ConfigEvent] = []
        routers = [make_router(engine=self.engine, events=self.events), make_router("hostname hub\nversion 12.4\n", "hub")]
        self.server = CliServer(state_dir, name, {router.name: router for router in routers}, COMMANDS)
        self.loop = asyncio.new_event_loop()
        self._thread = Thread(target=self.loop.run_forever)

    def start(self) -> None:
        self._thread.start()
        self.call(self.server.start())

    def call(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(10)  # type: ignore[arg-type]  # any coroutine

    def stop(self) -> None:
        self.call(self.server.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    def cli(self, *words: str, router: str | None = None, stdin: str = "", lab: str | None = None) -> tuple[int, str, str]:
        """Exit code, output and errors."""
        output, errors = io.StringIO(), io.StringIO()
        code = run_client(self.state_dir, router, words, io.StringIO(stdin), output, errors, lab)
        return code, output.getvalue(), errors.getvalue()


class Awaited(io.StringIO):
    """Says when a text has been written."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen = Event()
        self._text = text

    def write(self, text: str) -> int:
        written = super().write(text)
        if self._text in self.getvalue():
            self.seen.set()
        return written


@contextmanager
def running(state_dir: Path, name: str = "lab") -> Iterator[Lab]:
    lab = Lab(state_dir, name)
    lab.start()
    try:
        yield lab
    finally:
        lab.stop()


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """Short: a socket's path may have 107 octets."""
    with tempfile.TemporaryDirectory(prefix="cli") as folder:
        yield Path(folder) / "state"


@pytest.fixture
def lab(state_dir: Path) -> Iterator[Lab]:
    with running(state_dir) as found:
        yield found


# --- one command ---


def test_one_command_prints_its_output(lab: Lab) -> None:
    code, output, errors = lab.cli("show", "crypto", "mib", "ipsec", "flowmib", "version")
    assert (code, output, errors) == (0, "IPSec Flow MIB version: 1\n", "")


def test_the_router_is_the_first_unless_named(lab: Lab) -> None:
    assert "hostname far" in lab.cli("show", "running-config", "|", "include", "^hostname")[1]
    assert "hostname hub" in lab.cli("show running-config | include ^hostname", router="hub")[1]


def test_a_ping_without_replies_is_no_error(lab: Lab) -> None:
    lab.engine.probes = lab.engine.probes[:1]
    code, output, _ = lab.cli("ping", "10.22.1.1", "repeat", "1")
    assert code == 0
    assert output.endswith("Success rate is 0 percent (0/1)\n")


def test_an_error_of_ios_goes_to_stderr_with_the_line_that_its_caret_points_into(lab: Lab) -> None:
    code, output, errors = lab.cli("show", "bogus")
    assert (code, output) == (1, "")
    assert errors == "far#show bogus\n         ^\n% Invalid input detected at '^' marker.\n\n"


def test_an_error_without_a_caret_stands_alone(lab: Lab) -> None:
    assert lab.cli("show") == (1, "", "% Incomplete command.\n\n")
    assert lab.cli("ping", "vrf", "blue", "10.1.1.1") == (1, "", "% VRF blue does not exist\n")


def test_one_command_may_ask_its_questions(lab: Lab) -> None:
    code, output, _ = lab.cli("ping", stdin="\n10.22.1.1\n\n\n\n\n\n")
    assert code == 0
    assert output.startswith("Protocol [ip]: \nTarget IP address: \n")
    assert "Success rate is 80 percent" in output
    assert lab.cli("ping")[0] == 1


def test_long_output_arrives_whole(lab: Lab) -> None:
    long = "".join(f"interface Loopback{number}\n description {'x' * 200}\n" for number in range(2000, 2600))
    lab.cli(stdin=f"configure terminal\n{long}end\n")
    _, output, _ = lab.cli("show", "running-config")
    assert output.count("x" * 200) == 600
    assert output.endswith("end\n")


# --- lines from a pipe ---


def test_lines_from_a_pipe_make_a_transcript(lab: Lab) -> None:
    lines = ["configure terminal", "crypto mib ipsec flowmib history tunnel size 130", "interface Loopback1", "bogus", "end", ""]
    code, output, errors = lab.cli(stdin="\n".join([*lines, "show clock | count :\n"]))
    assert (code, errors) == (1, "")
    assert output == (
        "far#configure terminal\n"
        "Enter configuration commands, one per line.  End with CNTL/Z.\n"
        "far(config)#crypto mib ipsec flowmib history tunnel size 130\n"
        "far(config)#interface Loopback1\n"
        "far(config-if)#bogus\n"
        "               ^\n"
        "% Invalid input detected at '^' marker.\n"
        "\n"
        "far(config-if)#end\n"
        "far#\n"
        "far#show clock | count :\n"
        "Number of lines which match regexp = 1\n"
    )
    assert len(lab.events) == 1


def test_questions_take_the_lines_that_follow(lab: Lab) -> None:
    _, output, _ = lab.cli(stdin="disable\nenable\nlab\nping\n\n10.22.1.1\n\n\n\n\n\nshow crypto mib ipsec flowmib version")
    assert "far>enable\nPassword: \nfar#ping\nProtocol [ip]: \nTarget IP address: 10.22.1.1\nRepeat count [5]: \n" in output
    assert output.endswith("far#show crypto mib ipsec flowmib version\nIPSec Flow MIB version: 1\n")


def test_what_comes_after_exit_is_not_read(lab: Lab) -> None:
    assert lab.cli(stdin="exit\nshow clock\n") == (0, "far#exit\n", "")


def test_a_pipe_that_is_empty_does_nothing(lab: Lab) -> None:
    assert lab.cli() == (0, "", "")


# --- several sessions ---


def test_each_connection_is_a_session_of_its_own(lab: Lab) -> None:
    with connect(lab.server.path) as one, connect(lab.server.path) as other:
        for each in (one, other):
            each.sendall(encode({"hello": None}))
        readers = [each.makefile("rb") for each in (one, other)]
        assert [decode(reader.readline()) for reader in readers] == [{"prompt": "far#"}] * 2
        one.sendall(encode({"run": "configure terminal"}))
        assert "out" in decode(readers[0].readline())
        assert decode(readers[0].readline())["prompt"] == "far(config)#"
        other.sendall(encode({"run": ""}))
        assert decode(readers[1].readline())["prompt"] == "far#"
        one.sendall(encode({"complete": "hostn", "id": 7}) + encode({"help": "bogus "}))
        assert decode(readers[0].readline()) == {"text": "hostname ", "id": 7}
        assert decode(readers[0].readline()) == {"text": "% Unrecognized command\n", "id": None}
        for reader in readers:
            reader.close()


def test_an_interrupt_ends_the_ping_of_its_session(lab: Lab) -> None:
    lab.engine.endless = True
    with connect(lab.server.path) as connection, connection.makefile("rb") as reader:
        connection.sendall(encode({"hello": "far"}) + encode({"run": "ping 10.22.1.1 repeat 100"}))
        while decode(line := reader.readline()).get("out") != "!":
            assert line
        connection.sendall(encode({"interrupt": True}))
        while "done" not in (frame := decode(reader.readline())):
            pass
        assert frame == {"done": "", "refused": False, "caret": False, "prompt": "far#", "closed": False, "id": None}


def test_a_client_that_goes_takes_its_ping_with_it(lab: Lab) -> None:
    lab.engine.endless = True
    with connect(lab.server.path) as connection, connection.makefile("rb") as reader:
        connection.sendall(encode({"hello": None}) + encode({"run": "ping 10.22.1.1 repeat 100"}))
        while decode(reader.readline()).get("out") != "!":
            pass

    async def ended() -> None:
        while not lab.engine.ended_pings:
            await asyncio.sleep(0)

    lab.call(ended())


def test_a_command_that_breaks_ends_neither_its_session_nor_the_lab(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    lab.loop.set_exception_handler(lambda _, context: told.append(str(context["message"])))

    def broken(remote: object = None) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(lab.engine, "phase1_sas", broken)
    _, output, _ = lab.cli(stdin="show crypto isakmp sa\nshow crypto mib ipsec flowmib version\n")
    assert output.endswith("far#show crypto mib ipsec flowmib version\nIPSec Flow MIB version: 1\n")
    assert told == ["the command 'show crypto isakmp sa' broke"]


@pytest.mark.parametrize(
    "octets",
    [b"\n", b"nonsense\n", b"[]\n", b'{"hello": 1}\n', b'{"hello": null}\n{"run": 1}\n', b"[" * 100_000 + b"\n", b"\xff\n"],
)
def test_what_is_no_frame_ends_its_connection_alone(lab: Lab, octets: bytes) -> None:
    with connect(lab.server.path) as connection:
        connection.sendall(octets)
        while connection.recv(65536):
            pass
    assert lab.cli("show", "clock")[0] == 0


def test_a_frame_without_end_is_not_collected_for_ever(lab: Lab) -> None:
    with connect(lab.server.path) as connection, pytest.raises((BrokenPipeError, ConnectionResetError)):
        connection.sendall(b"x" * (64 * LONGEST))
    assert lab.cli("show", "clock")[0] == 0


# --- finding the lab ---


def test_an_unknown_router_is_refused_with_those_there_are(lab: Lab) -> None:
    code, _, errors = lab.cli("show", "clock", router="spoke")
    assert code == 1
    assert errors == "ipsec-agent: no router 'spoke' here: there is far, hub\n"


def test_without_a_lab_there_is_an_error(state_dir: Path) -> None:
    errors = io.StringIO()
    assert run_client(state_dir, None, ["show"], io.StringIO(), io.StringIO(), errors) == 1
    assert errors.getvalue().startswith("ipsec-agent: no lab is running")
    assert errors.getvalue().count("\n") == 1


def test_several_labs_are_listed(lab: Lab) -> None:
    with running(lab.state_dir, "other"):
        code, _, errors = lab.cli("show", "clock")
        assert code == 1
        assert errors == (
            "ipsec-agent: several labs are running: there are lab, other; name one with --lab"
            f" ({lab.state_dir} has their sockets)\n"
        )
        assert lab.cli("show", "clock", router="hub")[2] == errors  # both have one of that name
        assert lab.cli("show", "clock", router="hub", lab="other")[0] == 0
        assert "no lab named third is running" in lab.cli("show", "clock", lab="third")[2]
    assert lab.cli("show", "clock")[0] == 0


def test_a_lab_that_may_have_the_router_and_is_silent_is_told(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection.__init__, "__defaults__", (0.1, None))
    listener, path = bind_socket(lab.state_dir, "other")
    listener.listen()
    with listener:
        assert lab.cli("show", "clock", router="far")[0] == 0
        code, _, errors = lab.cli("show", "clock", router="lone")
    assert (code, errors) == (1, "ipsec-agent: the lab does not answer: its process is stopped, or hangs\n")
    path.unlink()


def test_a_router_that_one_lab_alone_has_says_which_lab_is_meant(lab: Lab) -> None:
    with running(lab.state_dir, "other") as other:
        other.server._routers["lone"] = other.server._routers.pop("hub")
        assert lab.cli("show", "clock", router="lone")[0] == 0
        assert lab.cli("show", "clock", router="hub")[0] == 0
        code, _, errors = lab.cli("show", "clock", router="nobody")
        assert (code, errors.count("\n")) == (1, 1)
        assert "has a router nobody: the labs are lab, other" in errors


def test_a_lab_that_ends_is_said_to_have_ended(state_dir: Path) -> None:
    """Its end comes while the client waits for the next line."""
    lab = Lab(state_dir)
    lab.start()
    read_end, write_end = os.pipe()
    output, errors, codes = Awaited("PST"), io.StringIO(), []
    with os.fdopen(read_end) as stdin:
        client = Thread(target=lambda: codes.append(run_client(state_dir, None, [], stdin, output, errors)))
        client.start()
        os.write(write_end, b"show clock\n")
        assert output.seen.wait(10)
        lab.stop()
        os.write(write_end, b"show clock\n")
        client.join(10)
        os.close(write_end)
    assert codes == [1]
    assert errors.getvalue() == "ipsec-agent: the lab has ended, or the router has restarted\n"


def test_output_that_nobody_reads_is_no_error(lab: Lab) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    errors = io.StringIO()
    with os.fdopen(write_end, "w") as output:
        assert run_client(lab.state_dir, None, ["show", "clock"], io.StringIO(), output, errors) == 0
    assert errors.getvalue() == ""


def test_a_line_that_no_frame_holds_is_refused_and_the_next_one_is_read(lab: Lab) -> None:
    code, output, errors = lab.cli(stdin=f"{'x' * (1 << 20)}\nshow clock\n")
    assert (code, errors) == (1, "")
    assert "% Line too long\nfar#show clock\n" in output


# --- the socket itself ---


def test_the_socket_and_its_directory_are_their_owner_s_alone(lab: Lab) -> None:
    assert lab.server.path == lab.state_dir / "lab.cli"
    assert stat.S_IMODE(lab.server.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(lab.state_dir.stat().st_mode) == 0o700


def test_the_socket_goes_with_its_lab(state_dir: Path) -> None:
    with running(state_dir):
        pass
    assert list(state_dir.iterdir()) == []


def test_a_second_lab_of_a_name_is_refused_and_the_first_stays(lab: Lab) -> None:
    second = Lab(lab.state_dir)
    with pytest.raises(SocketError, match="already running"):
        asyncio.run(second.server.start())
    second.loop.close()
    assert lab.cli("show", "clock")[0] == 0


def test_sockets_of_dead_processes_are_removed_and_other_files_are_not(state_dir: Path) -> None:
    state_dir.mkdir()
    for name in ("lab.cli", "old.cli"):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(state_dir / name))
    (state_dir / "notes.cli").write_text("mine")
    with pytest.raises(SocketError, match="no lab is running"):
        live_sockets(state_dir)
    with running(state_dir) as lab:
        assert sorted(path.name for path in state_dir.iterdir()) == ["lab.cli", "notes.cli"]
        assert lab.cli("show", "clock")[0] == 0


def test_a_directory_that_cannot_be_used_is_named(state_dir: Path) -> None:
    state_dir.write_text("a file")
    with pytest.raises(SocketError, match="cannot be used"):
        bind_socket(state_dir, "lab")
    with pytest.raises(SocketError, match="too long"):
        bind_socket(state_dir, "x" * 100)


def test_the_state_directory_follows_the_environment() -> None:
    assert default_state_dir({}, Path("/home/u")) == Path("/home/u/.local/state/ipsec-agent")
    assert default_state_dir({"XDG_STATE_HOME": "/var/s"}, Path("/home/u")) == Path("/var/s/ipsec-agent")
    assert default_state_dir({"XDG_STATE_HOME": "relative"}, Path("/home/u")) == Path("/home/u/.local/state/ipsec-agent")


def test_frames_survive_their_way_and_nothing_else_is_one() -> None:
    frame = {"out": "é\n\x1a", "secret": True}
    assert decode(encode(frame)) == frame
    assert encode(frame).count(b"\n") == 1
    with pytest.raises(ProtocolError):
        decode(b"{")


# --- what a client may have the server keep ---


def session_of(lab: Lab, silence: float = 10.0) -> socket.socket:
    """A client of one's own that has said hello, and has its prompt."""
    client = connect(lab.state_dir / "lab.cli")
    client.settimeout(silence)
    client.sendall(encode({"hello": None}))
    assert decode(client.recv(1000)) == {"prompt": "far#"}
    return client


def pushed(client: socket.socket, frame: bytes, most: int) -> int:
    """How many octets of frames the server takes before it reads no more."""
    client.settimeout(0.5)
    sent = 0
    try:
        while sent < most:
            sent += client.send(frame)
    except (TimeoutError, ConnectionError):
        pass
    return sent


def has_ended(client: socket.socket) -> bool:
    """Whether the server ends the connection: with a reset where it has not read all that was sent."""
    client.settimeout(10)
    try:
        return client.recv(1000) == b""
    except ConnectionResetError:
        return True


def test_nothing_is_read_of_a_client_that_sends_more_than_is_done(lab: Lab) -> None:
    lab.engine.endless = True
    with session_of(lab) as client:
        client.sendall(encode({"run": "ping 10.1.1.2"}))
        frame = encode({"run": "!" + "x" * 60_000})
        assert pushed(client, frame, 100 * len(frame)) < 30 * len(frame)
    assert lab.cli("show", "clock")[0] == 0


def test_a_client_that_answers_what_nobody_asks_is_cut_off(lab: Lab) -> None:
    with session_of(lab) as client:
        frame = encode({"answer": "x" * 60_000})
        assert pushed(client, frame, 100 * len(frame)) < 30 * len(frame)
        assert has_ended(client)


def test_a_client_that_does_not_read_is_cut_off(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "_MOST_UNREAD", 10_000)
    lab.engine.probes, lab.engine.endless = [lab.engine.probes[0]] * 20_000, True
    with session_of(lab) as client:
        client.sendall(encode({"run": "ping 10.1.1.2 repeat 20000"}))
        lab.call(asyncio.wait(lab.server._tasks))
    assert lab.engine.ended_pings == 1
    assert lab.cli("show", "clock")[0] == 0


def test_a_frame_that_is_too_long_ends_its_session_alone(lab: Lab) -> None:
    with session_of(lab) as client:
        assert pushed(client, b"x" * 10_000, 10 * LONGEST) < 10 * LONGEST
    assert lab.cli("show", "clock")[0] == 0


def test_there_is_a_most_of_sessions(lab: Lab) -> None:
    open_ones = [session_of(lab) for _ in range(MOST_SESSIONS)]
    code, _, errors = lab.cli("show", "clock")
    assert (code, errors) == (1, "ipsec-agent: 64 sessions are open, and no more can be\n")
    open_ones.pop().close()
    while lab.cli("show", "clock")[0] != 0:
        pass
    for each in open_ones:
        each.close()


def test_a_server_that_says_nothing_is_given_up(state_dir: Path) -> None:
    listener, path = bind_socket(state_dir, "lab")
    listener.listen()
    with listener, pytest.raises(ServerSilentError):
        Connection(path, None, silence=0.1)
    path.unlink()


def test_a_command_that_takes_long_says_that_the_server_is_alive(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BUSY_INTERVAL", 0.01)
    lab.engine.probes, lab.engine.endless = [], True
    with session_of(lab) as client:
        client.sendall(encode({"run": "ping 10.1.1.2"}))
        received = b""
        while received.count(b'{"busy":true}\n') < 3:
            received += client.recv(1000)


def test_a_lab_that_is_silent_is_told_in_one_line(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection.__init__, "__defaults__", (0.1, None))
    listener, path = bind_socket(state_dir, "lab")
    listener.listen()
    errors = io.StringIO()
    with listener:
        assert run_client(state_dir, None, ["show", "clock"], io.StringIO(), io.StringIO(), errors) == 1
    assert errors.getvalue() == "ipsec-agent: the lab does not answer: its process is stopped, or hangs\n"
    path.unlink()
