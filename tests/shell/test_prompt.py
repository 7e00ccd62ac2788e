"""The prompt on a real terminal (a pty): editing keys, completion, help, interrupts."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from tests.shell.test_socket import Lab, running

PROGRAM = """\
import sys
from pathlib import Path
from agent.shell import screen
from agent.shell.client import run_client
screen.interact.__defaults__ = (float(sys.argv[2]),)
sys.exit(run_client(Path(sys.argv[1]), None, [], sys.stdin, sys.stdout, sys.stderr))
"""
PATIENCE = 20.0  # seconds that text which must come is waited for
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x07|\r")


class Keyboard:
    """A client on a pty: type, and read what appears."""

    def __init__(self, state_dir: Path, silence: float = PATIENCE) -> None:
        self.terminal, inner = pty.openpty()
        environment = {**os.environ, "TERM": "dumb"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(state_dir), str(silence)],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env=environment,
            cwd=Path(__file__).parents[2],
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(inner)
        self._seen = ""

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def until(self, text: str) -> str:
        """What has appeared up to the end of `text`."""
        while text not in self._seen:
            ready, _, _ = select.select([self.terminal], [], [], PATIENCE)
            assert ready, f"waited in vain for {text!r} after {self._seen!r}"
            try:
                octets = os.read(self.terminal, 65536)
            except OSError:  # the other side has closed
                octets = b""
            assert octets, f"ended before {text!r}: {self._seen!r}"
            self._seen = _ESCAPES.sub("", self._seen + octets.decode())
        before, _, self._seen = self._seen.partition(text)
        return before + text


def _take_terminal() -> None:
    """Makes the pty the controlling terminal, so that ^C is a signal."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def lab() -> Iterator[Lab]:
    with tempfile.TemporaryDirectory(prefix="cli") as folder, running(Path(folder)) as found:
        yield found


@pytest.fixture
def keyboard(lab: Lab) -> Iterator[Keyboard]:
    found = Keyboard(lab.state_dir)
    found.until("far#")
    yield found
    found.process.kill()
    found.process.wait()
    os.close(found.terminal)


def test_lines_are_carried_out_and_exit_leaves(keyboard: Keyboard) -> None:
    keyboard.type("show crypto mib ipsec flowmib version\r")
    assert "IPSec Flow MIB version: 1\nfar#" in keyboard.until("version: 1\nfar#")
    keyboard.type("exit\r")
    assert keyboard.process.wait(PATIENCE) == 0


def test_tab_completes_words(keyboard: Keyboard) -> None:
    keyboard.type("sh\tcry\tmi\tips\tfl\tver\t")
    keyboard.until("show crypto mib ipsec flowmib version ")
    keyboard.type("\r")
    keyboard.until("IPSec Flow MIB version: 1\nfar#")


def test_a_question_mark_helps_at_once_and_leaves_the_line(keyboard: Keyboard) -> None:
    keyboard.type("show c")
    keyboard.type("?")
    keyboard.until("show c?\nclock  crypto\n\nfar#show c")
    keyboard.type("l ?")
    keyboard.until("  |     Output modifiers\n  <cr>\n\nfar#show cl ")
    keyboard.type("\r")
    keyboard.until("PST Thu Feb 29 2024\nfar#")


def test_history_gives_lines_back(keyboard: Keyboard) -> None:
    keyboard.type("show crypto mib ipsec flowmib version\r")
    keyboard.until("version: 1\nfar#")
    keyboard.type("\x10\r")
    keyboard.until("version: 1\nfar#")


def test_control_c_drops_the_line_and_ends_a_ping(keyboard: Keyboard, lab: Lab) -> None:
    keyboard.type("bogus")
    keyboard.until("bogus")
    keyboard.type("\x03")
    keyboard.until("^C\nfar#")
    lab.engine.endless = True
    keyboard.type("ping 10.22.1.1 repeat 100\r")
    keyboard.until(".!!!!")
    keyboard.type("\x03")
    keyboard.until("Success rate is 66 percent (4/6), round-trip min/avg/max = 4/4/4 ms\nfar#")


def test_control_z_ends_configure_mode(keyboard: Keyboard) -> None:
    keyboard.type("configure terminal\r")
    keyboard.until("far(config)#")
    keyboard.type("hostname near\x1a")
    keyboard.until("\nnear#")


def test_questions_are_asked_and_a_password_is_not_shown(keyboard: Keyboard) -> None:
    keyboard.type("disable\r")
    keyboard.until("far>")
    keyboard.type("enable\r")
    keyboard.until("Password: ")
    keyboard.type("lab\r")
    assert "lab" not in keyboard.until("far#")
    keyboard.type("ping\r")
    keyboard.until("Protocol [ip]: ")
    keyboard.type("\x03")
    keyboard.until("far#")
    keyboard.type("ping\r")
    for prompt, answer in (
        ("[ip]: ", ""),
        ("address: ", "10.22.1.1"),
        ("[5]: ", ""),
        ("[100]: ", ""),
        ("[2]: ", ""),
        ("[n]: ", ""),
        ("[n]: ", ""),
    ):
        keyboard.until(prompt)
        keyboard.type(answer + "\r")
    keyboard.until("Success rate is 80 percent")


def test_the_end_of_the_input_leaves(keyboard: Keyboard) -> None:
    keyboard.type("\x04")
    assert keyboard.process.wait(PATIENCE) == 0


def test_a_lab_that_ends_is_said_to_have_ended(keyboard: Keyboard, lab: Lab) -> None:
    lab.call(lab.server.close())
    keyboard.type("show clock\r")
    keyboard.until("ipsec-agent: the lab has ended, or the router has restarted\n")
    assert keyboard.process.wait(PATIENCE) == 1


def test_a_lab_that_stands_still_is_given_up(lab: Lab) -> None:
    keyboard = Keyboard(lab.state_dir, silence=0.2)
    keyboard.until("far#")
    goes_on = Event()
    lab.loop.call_soon_threadsafe(goes_on.wait)
    try:
        keyboard.type("show clock\r")
        keyboard.until("\nipsec-agent: the lab does not answer: its process is stopped, or hangs\n")
        assert keyboard.process.wait(PATIENCE) == 1
    finally:
        goes_on.set()
        os.close(keyboard.terminal)


def test_a_typed_line_is_read_after_a_refused_one_and_a_pasted_one_is_not(keyboard: Keyboard) -> None:
    keyboard.type("configure terminal\r")
    keyboard.until("far(config)#")
    keyboard.type("interface Tunnel7\r")
    keyboard.until("far(config-if)#")
    keyboard.type("frobnicate\r")
    keyboard.until("marker.\n\nfar(config-if)#")
    keyboard.type(" shutdown\r")
    assert "%" not in keyboard.until("shutdown\nfar(config-if)#")
    keyboard.type("frobnicate\rno shutdown\rend\r")
    assert keyboard.until("far#").count("% Invalid input") == 2
