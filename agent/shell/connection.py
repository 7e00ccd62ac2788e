"""Shell room: the client's end of the CLI's socket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agent.shell.protocol import LONGEST, LONGEST_OUTPUT, SILENCE, Frame, ProtocolError, decode, encode, text_of
from agent.shell.sockets import connect

Answer = Callable[[str, bool], str | None]  # (prompt, secret) → what was typed, None where there is nothing more


class ServerGoneError(Exception):
    """The lab has ended, its router has restarted, or it does not answer with frames."""


class ServerSilentError(Exception):
    """The lab's process exists but is silent: it is stopped, or hangs."""


class RefusedError(Exception):
    """The lab has no such router."""


class Done:
    """The end of a line: IOS's error if any, whether it was refused, the next prompt, and whether the session is over."""

    __slots__ = ("caret", "closed", "error", "prompt", "refused")

    def __init__(self, frame: Frame) -> None:
        self.error = text_of(frame, "done")
        self.refused = frame.get("refused") is True
        self.prompt = text_of(frame, "prompt")
        self.caret = frame.get("caret") is True
        self.closed = frame.get("closed") is True


class Connection:
    """A session with the server; raises ServerGoneError, ServerSilentError and RefusedError.

    `silence` is how many seconds the server may be silent while an answer is expected. With `size`, the width and height of a
    terminal, the session takes keys (`agent.shell.screen`), else lines.
    """

    def __init__(self, path: Path, router: str | None, silence: float = SILENCE, size: tuple[int, int] | None = None) -> None:
        self._received = b""
        self._number = 0
        self.prompt = ""
        try:
            self._socket = connect(path)
        except TimeoutError as error:
            raise ServerSilentError from error
        except OSError as error:
            raise ServerGoneError from error
        self._socket.settimeout(silence)
        hello: Frame = {"hello": router}
        if size is not None:
            hello["terminal"] = {"width": size[0], "height": size[1]}
        try:
            self.send(hello)
            greeting = self.receive()
            if "refused" in greeting:
                raise RefusedError(text_of(greeting, "refused"))
            if size is None:
                self.prompt = text_of(greeting, "prompt")
            elif "ready" not in greeting:
                raise ProtocolError("not ready")
        except ProtocolError as error:
            self._socket.close()
            raise ServerGoneError from error
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        self._socket.close()

    def fileno(self) -> int:
        """For `select`: there is something to `take`."""
        return self._socket.fileno()

    @property
    def holds_frames(self) -> bool:
        """Whether frames have been read that nobody has taken."""
        return b"\n" in self._received

    def run(self, line: str, write: Callable[[str], None], answer: Answer, typed: bool = False) -> Done:
        """Run a line on the router, and write its output as it comes. The first ^C ends the command, a second this client."""
        self._number += 1
        request: Frame = {"run": line, "typed": typed, "id": self._number}
        if len(encode(request)) > LONGEST:
            return Done({"done": "% Line too long\n", "refused": True, "prompt": self.prompt})
        self.send(request)
        interrupted = False
        while True:
            try:
                frame = self.receive()
                if "out" in frame:
                    write(text_of(frame, "out"))
                elif "ask" in frame:
                    self.send({"answer": _answer_unless_interrupted(answer, frame)})
                elif "busy" not in frame:
                    self.prompt = text_of(frame, "prompt")
                    return Done(frame)
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                self.send({"interrupt": True})
            except ProtocolError as error:
                raise ServerGoneError from error

    def send(self, frame: Frame) -> None:
        try:
            self._socket.sendall(encode(frame))
        except TimeoutError as error:
            raise ServerSilentError from error
        except OSError as error:
            raise ServerGoneError from error

    def receive(self) -> Frame:
        """The next frame; waits for it."""
        # A buffer of our own: a signal may come between two reads, and what was read must not be lost.
        while b"\n" not in self._received:
            self._read()
        line, _, self._received = self._received.partition(b"\n")
        return decode(line)

    def take(self) -> list[Frame]:
        """The frames that have come; reads once where none is complete."""
        if b"\n" not in self._received:
            self._read()
        *lines, self._received = self._received.split(b"\n")
        try:
            return [decode(line) for line in lines]
        except ProtocolError as error:
            raise ServerGoneError from error

    def _read(self) -> None:
        try:
            octets = self._socket.recv(1 << 16)
        except TimeoutError as error:
            raise ServerSilentError from error
        except OSError as error:
            raise ServerGoneError from error
        if not octets or len(self._received) > LONGEST_OUTPUT:
            raise ServerGoneError
        self._received += octets


def _answer_unless_interrupted(answer: Answer, frame: Frame) -> str | None:
    try:
        return answer(text_of(frame, "ask"), frame.get("secret") is True)
    except KeyboardInterrupt:
        return None
