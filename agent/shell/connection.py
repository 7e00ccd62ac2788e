"""Shell room: the client's end of the CLI's socket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agent.shell.protocol import LONGEST, LONGEST_OUTPUT, SILENCE, Frame, ProtocolError, decode, encode, text_of
from agent.shell.sockets import connect

Answer = Callable[[str, bool], str | None]  # (prompt, secret) → what was typed, None where there is nothing more


class ServerGoneError(Exception):
    """The lab has ended, or does not answer with frames."""


class ServerSilentError(Exception):
    """The lab's process exists but is silent: it is stopped, or hangs."""


class RefusedError(Exception):
    """The lab has no such router."""


class Done:
    """The end of a line: IOS's error if any, the next prompt, and whether the session is over."""

    __slots__ = ("caret", "closed", "error", "prompt")

    def __init__(self, frame: Frame) -> None:
        self.error = text_of(frame, "done")
        self.prompt = text_of(frame, "prompt")
        self.caret = frame.get("caret") is True
        self.closed = frame.get("closed") is True


class Connection:
    """A session with the server; raises ServerGoneError, ServerSilentError and RefusedError.

    `silence` is how many seconds the server may be silent while an answer is expected.
    """

    def __init__(self, path: Path, router: str | None, silence: float = SILENCE) -> None:
        self._received = b""
        try:
            self._socket = connect(path)
        except TimeoutError as error:
            raise ServerSilentError from error
        except OSError as error:
            raise ServerGoneError from error
        self._socket.settimeout(silence)
        try:
            greeting = self._call({"hello": router})
            if "refused" in greeting:
                raise RefusedError(text_of(greeting, "refused"))
            self.prompt = text_of(greeting, "prompt")
        except ProtocolError as error:
            self._socket.close()
            raise ServerGoneError from error
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        self._socket.close()

    def run(self, line: str, write: Callable[[str], None], answer: Answer, typed: bool = False) -> Done:
        """Run a line on the router, and write its output as it comes. The first ^C ends the command, a second this client."""
        request: Frame = {"run": line, "typed": typed}
        if len(encode(request)) > LONGEST:
            return Done({"done": "% Line too long\n", "prompt": self.prompt})
        self._send(request)
        interrupted = False
        while True:
            try:
                frame = self._receive()
                if "out" in frame:
                    write(text_of(frame, "out"))
                elif "ask" in frame:
                    self._send({"answer": _answer_unless_interrupted(answer, frame)})
                elif "busy" not in frame:
                    self.prompt = text_of(frame, "prompt")
                    return Done(frame)
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                self._send({"interrupt": True})
            except ProtocolError as error:
                raise ServerGoneError from error

    def text(self, request: str, text: str) -> str:
        """The answer to "help" or "complete"."""
        try:
            return text_of(self._call({request: text}), "text")
        except ProtocolError as error:
            raise ServerGoneError from error

    def _call(self, frame: Frame) -> Frame:
        self._send(frame)
        return self._receive()

    def _send(self, frame: Frame) -> None:
        try:
            self._socket.sendall(encode(frame))
        except TimeoutError as error:
            raise ServerSilentError from error
        except OSError as error:
            raise ServerGoneError from error

    def _receive(self) -> Frame:
        # A buffer of our own: a signal may come between two reads, and what was read must not be lost.
        while b"\n" not in self._received:
            try:
                octets = self._socket.recv(1 << 16)
            except TimeoutError as error:
                raise ServerSilentError from error
            except OSError as error:
                raise ServerGoneError from error
            if not octets or len(self._received) > LONGEST_OUTPUT:
                raise ServerGoneError
            self._received += octets
        line, _, self._received = self._received.partition(b"\n")
        return decode(line)


def _answer_unless_interrupted(answer: Answer, frame: Frame) -> str | None:
    try:
        return answer(text_of(frame, "ask"), frame.get("secret") is True)
    except KeyboardInterrupt:
        return None
