"""Shell room: `ipsec-agent cli` at a terminal: sends the keys that are typed, and shows what the router sends. It edits nothing."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import struct
import termios
import tty
from collections.abc import Iterator

from agent.base.text import octets_of, text_of
from agent.shell import protocol
from agent.shell.connection import Connection, ServerGoneError, ServerSilentError
from agent.shell.protocol import SILENCE, Frame, ProtocolError

_LEAVE = b"\x1c"  # ^\: leaves also where the lab does not answer
_MOST = 4096  # octets of one read


def interact(connection: Connection, keyboard: int, screen: int, silence: float = SILENCE) -> None:
    """Carry keys and output until the session ends; raises ServerGoneError and ServerSilentError.

    `keyboard` and `screen` are file descriptors.
    """
    with _raw(keyboard), _resized() as resized:
        try:
            _Screen(connection, keyboard, screen, resized, silence).run()
        except (ServerGoneError, ServerSilentError):
            _write_all(screen, b"\r\n")  # the error begins a line
            raise


def size_of_terminal(descriptor: int) -> tuple[int, int]:
    """Width and height; 0 where unknown."""
    try:
        height, width, _, _ = struct.unpack("4H", fcntl.ioctl(descriptor, termios.TIOCGWINSZ, b"\0" * 8))
    except OSError:
        return 0, 0
    return width, height


class _Screen:
    def __init__(self, connection: Connection, keyboard: int, screen: int, resized: int, silence: float) -> None:
        self._connection = connection
        self._keyboard = keyboard
        self._screen = screen
        self._resized = resized
        self._silence = silence
        self._sent = 0
        self._taken = 0

    def run(self) -> None:
        ended = self._connection.holds_frames and self._show(self._connection.take())
        while not ended:
            unanswered = self._sent != self._taken
            link = self._connection.fileno()
            ready, _, _ = select.select([self._keyboard, link, self._resized], [], [], self._silence if unanswered else None)
            if not ready:
                raise ServerSilentError
            if self._resized in ready:
                os.read(self._resized, _MOST)
                width, height = size_of_terminal(self._keyboard)
                self._connection.send({"resize": {"width": width, "height": height}})
            if link in ready:
                ended = self._show(self._connection.take())
            if self._keyboard in ready and not ended:
                ended = self._type()

    def _type(self) -> bool:
        """Send the keys that were typed; whether the operator leaves."""
        octets = os.read(self._keyboard, _MOST)
        if not octets or _LEAVE in octets:
            return True
        self._sent += 1
        self._connection.send({"keys": text_of(octets), "id": self._sent})
        return False

    def _show(self, frames: list[Frame]) -> bool:
        """Show what has come; whether the session is over."""
        for frame in frames:
            if "out" in frame:
                _write_all(self._screen, _octets(frame))
            elif "taken" in frame:
                self._taken = self._sent if frame["taken"] == self._sent else self._taken
            elif "end" in frame:
                return True
        return False


def _octets(frame: Frame) -> bytes:
    try:
        return octets_of(protocol.text_of(frame, "out"))
    except ProtocolError as error:
        raise ServerGoneError from error


def _write_all(descriptor: int, octets: bytes) -> None:
    while octets:
        octets = octets[os.write(descriptor, octets) :]


@contextlib.contextmanager
def _raw(terminal: int) -> Iterator[None]:
    """Every key comes at once and as it is, none is echoed, none is a signal. A signal that ends the process leaves this, too."""

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = termios.tcgetattr(terminal)
    handlers = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    tty.setraw(terminal, termios.TCSADRAIN)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _resized() -> Iterator[int]:
    """A file descriptor that can be read after the size of the terminal has changed."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def tell(*_: object) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(writing, b"!")

    before = signal.signal(signal.SIGWINCH, tell)
    try:
        yield reading
    finally:
        signal.signal(signal.SIGWINCH, before)
        os.close(reading)
        os.close(writing)
