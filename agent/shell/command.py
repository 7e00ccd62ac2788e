"""Shell room: exec commands: a pattern of config's command grammar, and the function that carries it out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field

from agent.base.origin import Origin
from agent.config.grammar import Match
from agent.shell.router import Router
from agent.shell.terminal import Output, Terminal

USER = "user"  # user exec, the grammar's mode of it
PRIVILEGED = "exec"


class CommandFailed(Exception):  # noqa: N818 - an answer to the operator, not a failure
    """A command is understood but cannot be carried out. `lines` are what IOS prints."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


MOST_PRIVILEGED = 15
_IDLE_LIMIT = 600  # seconds


@dataclass(slots=True)
class LineState:
    """What IOS calls a line: the state of one terminal session, which its commands change.

    `origin` is who types. `level` is the privilege level. `length` and `width` are the terminal's, 0 without limit; what
    `terminal length` or `terminal width` has set, a change of the window does not change. `idle_limit` is `exec-timeout` in
    seconds, None without one. `synchronous` is `logging synchronous`. `monitor` is `terminal monitor`.
    """

    origin: Origin
    level: int = MOST_PRIVILEGED
    configuring: bool = False
    closed: bool = False
    length: int = 24
    width: int = 80
    length_set: bool = False
    width_set: bool = False
    history_size: int = 10
    idle_limit: float | None = _IDLE_LIMIT
    synchronous: bool = False
    monitor: bool = False

    @property
    def privileged(self) -> bool:
        """Whether it has the commands of privileged exec: levels between 1 and 15 have those of level 1."""
        return self.level == MOST_PRIVILEGED


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """The context of a running command. `interrupted` is set when the operator types the escape sequence."""

    router: Router
    line: LineState
    out: Output
    terminal: Terminal
    interrupted: asyncio.Event = field(default_factory=asyncio.Event)

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
