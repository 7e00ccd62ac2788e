"""Shell room: the prompt of `ipsec-agent cli`: readline's editing and history, tab completion, `?` for help.

^C drops the line, ^Z ends configure mode, ^D leaves.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import select
import sys
import termios
from collections.abc import Callable, Iterator

from agent.shell.connection import Connection


def interact(connection: Connection, write: Callable[[str], None]) -> None:
    """Reads and carries out lines of the terminal until the operator leaves; raises ServerGoneError and KeyboardInterrupt."""
    with _without_suspension(), _editing(connection, write):
        while True:
            typed = not _waiting()
            try:
                line = input(connection.prompt)
            except KeyboardInterrupt:
                write("^C\n")
                continue
            except EOFError:
                write("\n")
                return
            with _plain_editing():
                done = connection.run(line, write, _type_answer, typed)
            write(done.error)
            if done.closed:
                return


def _waiting() -> bool:
    """Whether there is input before the prompt is shown. Then the next lines are pasted."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _type_answer(prompt: str, secret: bool) -> str | None:
    try:
        return getpass.getpass(prompt) if secret else input(prompt)
    except EOFError:
        return None


@contextlib.contextmanager
def _without_suspension() -> Iterator[None]:
    """Let ^Z be typed: it ends configure mode."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    without = termios.tcgetattr(terminal)
    without[6][termios.VSUSP] = os.fpathconf(terminal, "PC_VDISABLE").to_bytes(1, "big", signed=False)
    termios.tcsetattr(terminal, termios.TCSADRAIN, without)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _editing(connection: Connection, write: Callable[[str], None]) -> Iterator[None]:
    """Let readline ask the router for completion and help. Without readline there is a plain prompt."""
    try:
        import readline
    except ImportError:  # a Python that was built without it
        yield
        return

    def complete(_: str, state: int) -> str | None:
        before = readline.get_line_buffer()[: readline.get_endidx()]
        if chr(readline.get_completion_type()) == "?":
            # Two candidates make readline call the display hook, which asks for the help itself.
            return ("a", "b", None)[state]
        if state:
            return None
        completed = connection.text("complete", before)
        return completed[readline.get_begidx() :] if completed != before else None

    def show_help(*_: object) -> None:
        buffer = readline.get_line_buffer()
        write(f"?\n{connection.text('help', buffer[: readline.get_endidx()])}{connection.prompt}{buffer}")

    readline.set_completer(complete)
    readline.set_completer_delims(" \t")
    readline.set_completion_display_matches_hook(show_help)
    for binding in ("tab: complete", '"?": possible-completions', r'"\C-z": "\C-q\C-z\C-m"'):
        readline.parse_and_bind(binding)
    try:
        yield
    finally:
        readline.set_completer(None)
        readline.set_completion_display_matches_hook(None)
        readline.parse_and_bind('"?": self-insert')


@contextlib.contextmanager
def _plain_editing() -> Iterator[None]:
    """Switch editing off while a command asks questions, because the answers are no commands."""
    try:
        import readline
    except ImportError:
        yield
        return
    readline.parse_and_bind('"?": self-insert')
    readline.parse_and_bind("tab: self-insert")
    readline.set_auto_history(False)
    try:
        yield
    finally:
        readline.set_auto_history(True)
        readline.parse_and_bind('"?": possible-completions')
        readline.parse_and_bind("tab: complete")
