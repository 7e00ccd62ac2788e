"""Shell room: where a session's text goes to and comes from, and output on its way there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

from agent.base.printable import printable
from agent.shell.filters import LineFilter, Sieve


class OutputEnded(Exception):  # noqa: N818 - a wish of the operator, not a failure
    """The operator has seen enough of a command's output: the command ends."""


LINES_PER_TURN = 100  # of a long listing, before others have their turn of the loop


class Terminal(Protocol):
    """A front end: a socket, an SSH channel, a list in a test."""

    def write(self, text: str) -> None:
        """Show text as it is, at once."""
        ...

    async def flush(self) -> None:
        """Wait until what was written can leave: a reader that is slow holds up its own command alone.

        Raises OutputEnded where the operator wants no more of it.
        """
        ...

    async def ask(self, prompt: str, secret: bool = False) -> str | None:
        """What is typed after a prompt (`secret`: without echo); None where nothing more will come."""
        ...

    async def ask_key(self, prompt: str) -> str | None:
        """One key, as `[confirm]` asks for it: a character, "\n" for Enter; None for ^C and where nothing more will come."""
        ...


def first_key(answer: str | None) -> str | None:
    """The key that a line stands for, where a terminal gives lines alone."""
    return answer if answer is None else answer[:1] or "\n"


class Collected:
    """A terminal that keeps what is written and answers nothing: for commands that nobody has typed."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    async def flush(self) -> None:
        return None

    async def ask(self, prompt: str, secret: bool = False) -> str | None:
        return None

    async def ask_key(self, prompt: str) -> str | None:
        return None


class Within:
    """The terminal of a command that is a part of another one: it writes into the other's output."""

    def __init__(self, outer: Output, terminal: Terminal) -> None:
        self._outer = outer
        self._terminal = terminal

    def write(self, text: str) -> None:
        self._outer.write(text)

    async def flush(self) -> None:
        await self._terminal.flush()

    async def ask(self, prompt: str, secret: bool = False) -> str | None:
        return await self._terminal.ask(prompt, secret)

    async def ask_key(self, prompt: str) -> str | None:
        return await self._terminal.ask_key(prompt)


def _as_line(text: str) -> str:
    """A line of output. Foreign text in it, such as a peer's identity, can neither end the line nor control the terminal."""
    if not text.isprintable():
        text = "\t".join(map(printable, text.split("\t")))
    return f"{text}\n"


class Output:
    """One command's output: streamed as it comes or, through a filter, line by line. `finish` when the command is done."""

    def __init__(self, terminal: Terminal, line_filter: LineFilter | None = None) -> None:
        self._terminal = terminal
        self._counting = line_filter is not None and line_filter.counting
        self._sieve = None if line_filter is None else Sieve(line_filter)

    def write(self, text: str) -> None:
        if self._sieve is None:
            self._terminal.write(text)
            return
        kept = self._sieve.take(text)
        if kept and not self._counting:
            self._terminal.write(kept)

    def line(self, text: str = "") -> None:
        self.write(_as_line(text))

    async def lines(self, lines: Iterable[str | None]) -> None:
        """Writes lines, giving way to others every so many, and where None stands for a pause of whoever looks for them."""
        chunk: list[str] = []
        for line in lines:
            if line is None:
                await asyncio.sleep(0)
                continue
            chunk.append(line)
            if len(chunk) == LINES_PER_TURN:
                self.write("".join(map(_as_line, chunk)))
                chunk.clear()
                await self._terminal.flush()
                await asyncio.sleep(0)
        self.write("".join(map(_as_line, chunk)))

    def finish(self) -> None:
        if self._sieve is None:
            return
        if self._sieve.waits:
            self.write("\n")
        if self._counting:
            self._terminal.write(f"Number of lines which match regexp = {self._sieve.kept}\n")
