"""Shell room: exec commands: a pattern of config's command grammar, and the function that carries it out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field

from agent.config.grammar import Match
from agent.shell.lines import LineState
from agent.shell.router import Router
from agent.shell.terminal import Output, Terminal

USER = "user"  # user exec, the grammar's mode of it
PRIVILEGED = "exec"
LEVEL_ZERO = "level 0"
_UNANSWERED = "% Nothing was done: a question was not answered."


class CommandFailed(Exception):  # noqa: N818 - an answer to the operator, not a failure
    """A command is understood but cannot be carried out. `lines` are what IOS prints."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """The context of a running command. `interrupted` is set when the operator types the escape sequence.

    `carry_out` carries out another exec line, with its output modifier, as a part of the command.
    """

    router: Router
    line: LineState
    out: Output
    terminal: Terminal
    carry_out: Callable[[str], Awaitable[None]]
    interrupted: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, question: str) -> str:
        """What the operator types after a question. Raises CommandFailed where nothing more will come."""
        answer = await self.terminal.ask(question)
        if answer is None:
            raise CommandFailed(_UNANSWERED)
        return answer.strip()

    async def confirmed(self, question: str = "") -> bool:
        """Whether the operator answers a question that ends in IOS's `[confirm]` by Enter or y. Raises CommandFailed likewise."""
        key = await self.terminal.ask_key(f"{question}[confirm]")
        if key is None:
            raise CommandFailed(_UNANSWERED)
        return key in ("\n", "y", "Y")

    async def unless_interrupted(self, work: Coroutine[object, object, None]) -> bool:
        """Carry out `work` until it ends or the operator interrupts it; whether it was finished."""
        doing = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self.interrupted.wait())
        try:
            await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                doing.result()
            return doing.done()
        finally:
            doing.cancel()
            stopping.cancel()
            await asyncio.gather(doing, stopping, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class ExecCommand:
    """`run` carries it out. With `user`, user exec has it, too."""

    pattern: str
    run: Callable[[Context, Match[ExecCommand]], Awaitable[None]]
    user: bool = False


ExecMatch = Match[ExecCommand]
