"""Shell room: `ipsec-agent cli`: the client of a running lab's socket: one command, lines from a pipe, or a prompt."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from agent.base.text import pass_octets
from agent.shell.connection import Connection, RefusedError, ServerGoneError, ServerSilentError
from agent.shell.screen import interact, size_of_terminal
from agent.shell.sockets import SocketError, live_sockets, several

OK, FAILED, INTERRUPTED = 0, 1, 130


def run_client(
    state_dir: Path,
    router: str | None,
    words: Sequence[str],
    stdin: TextIO,
    stdout: TextIO,
    stderr: TextIO,
    lab: str | None = None,
) -> int:
    """`ipsec-agent cli`: with words one command, else a prompt where stdin is a terminal, else its lines. Gives the exit code."""
    pass_octets(stdin, stdout, stderr)
    typing = not words and stdin.isatty()
    try:
        size = size_of_terminal(stdin.fileno()) if typing else None
        with contextlib.closing(_connect(live_sockets(state_dir, lab), router, size)) as connection:
            if words:
                return _one_shot(connection, " ".join(words), stdin, stdout, stderr)
            if typing:
                interact(connection, stdin.fileno(), stdout.fileno())
                return OK
            return _pasted(connection, stdin, stdout)
    except (SocketError, RefusedError) as error:
        return _fail(stderr, str(error))
    except ServerGoneError:
        return _fail(stderr, "the lab has ended, or the router has restarted")
    except ServerSilentError:
        return _fail(stderr, "the lab does not answer: its process is stopped, or hangs")
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Who read our output has gone (`… | head`): that is no error.
        _forget(stdout)
        return OK


def _connect(live: Sequence[Path], router: str | None, size: tuple[int, int] | None) -> Connection:
    """A session with the only lab, or the only one that has the router. Raises SocketError if several are possible."""
    if len(live) == 1:
        return Connection(live[0], router, size=size)
    having: dict[Path, Connection] = {}
    silent = False
    for path in live if router is not None else ():
        try:
            having[path] = Connection(path, router, size=size)
        except ServerSilentError:
            silent = True
        except (RefusedError, ServerGoneError):
            pass
    if len(having) == 1:
        return next(iter(having.values()))
    for connection in having.values():
        connection.close()
    if silent and not having:
        raise ServerSilentError
    if router is not None and not having:
        raise SocketError(f"no lab that is running has a router {router}: the labs are {', '.join(path.stem for path in live)}")
    raise several(list(having) or live)


def _fail(stderr: TextIO, reason: str) -> int:
    stderr.write(f"ipsec-agent: {reason}\n")
    return FAILED


def _forget(stdout: TextIO) -> None:
    """Nobody reads our output any more. The rest of its buffer must not fail at exit."""
    with contextlib.suppress(OSError, ValueError, io.UnsupportedOperation):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())


def _writer(stdout: TextIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        stdout.write(text)
        stdout.flush()

    return write


def _read_line(stdin: TextIO) -> str | None:
    line = stdin.readline()
    return line.rstrip("\r\n") if line else None


# --- one command ---


def _one_shot(connection: Connection, line: str, stdin: TextIO, stdout: TextIO, stderr: TextIO) -> int:
    write = _writer(stdout)

    def answer(prompt: str, secret: bool) -> str | None:
        write(prompt)
        typed = _read_line(stdin)
        if typed is None or not stdin.isatty():
            write("\n")
        return typed

    prompt = connection.prompt
    done = connection.run(line, write, answer)
    if not done.error:
        return OK
    # A caret points into the line after its prompt, and is useless without them.
    stderr.write((f"{prompt}{line}\n" if done.caret else "") + done.error)
    return FAILED


# --- lines from a pipe ---


def _pasted(connection: Connection, stdin: TextIO, stdout: TextIO) -> int:
    """Carry out each line as if pasted into a terminal. The output is a transcript, errors included.

    The exit code says whether a line was refused.
    """
    write = _writer(stdout)

    def answer(prompt: str, secret: bool) -> str | None:
        typed = _read_line(stdin)
        write(f"{prompt}{'' if secret or typed is None else typed}\n")
        return typed

    code = OK
    while (line := _read_line(stdin)) is not None:
        write(f"{connection.prompt}{line}\n")
        done = connection.run(line, write, answer)
        write(done.error)
        if done.refused:
            code = FAILED
        if done.closed:
            break
    return code
