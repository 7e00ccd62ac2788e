"""Shell room: the lines of a router: what IOS calls a terminal session, and which of them are in use.

The console is shared: each session of the Unix socket is one of `con 0`. A session of SSH has a `vty` of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from agent.base.origin import Origin
from agent.config.line_model import CONSOLE, VTY, LineRange, LineSettings, settings_of
from agent.shell.editor import History

MOST_PRIVILEGED = 15
HISTORY_SIZE = 10  # lines, where no line says another
LENGTH, WIDTH = 24, 80
_ABSOLUTE = {CONSOLE: 0, VTY: 2}  # the number of the first line of a kind among all lines; the auxiliary line is 1


@dataclass(slots=True)
class Histories:
    """What was typed in exec mode, and in configure mode: IOS keeps them apart."""

    exec: History = field(default_factory=lambda: History(HISTORY_SIZE))
    configure: History = field(default_factory=lambda: History(HISTORY_SIZE))

    def resize(self, size: int) -> None:
        self.exec.resize(size)
        self.configure.resize(size)


@dataclass(slots=True, eq=False)
class LineState:
    """What IOS calls a line: the state of one terminal session, which its commands change.

    `origin` is who types. `level` is the privilege level. `kind` and `number` say which line it is ("vty", 0), `user` and `host`
    who has logged in from where. `length` and `width` are the terminal's, 0 without limit; what was set by a line is not changed
    by a change of the window. `shows_console` says that messages to the console are shown, and `watch` switches those of
    `terminal monitor`. `typed_at` is when the last key came, in seconds of the loop's
    clock. `end` ends the session.
    """

    origin: Origin
    level: int = MOST_PRIVILEGED
    kind: str = CONSOLE
    number: int = 0
    user: str = ""
    host: str = ""
    configuring: bool = False
    closed: bool = False
    length: int = LENGTH
    width: int = WIDTH
    length_set: bool = False
    width_set: bool = False
    histories: Histories = field(default_factory=Histories)
    history_size: int = HISTORY_SIZE
    shows_console: bool = False
    watch: Callable[[bool], None] = lambda on: None
    typed_at: float = 0.0
    end: Callable[[], None] = lambda: None

    @property
    def privileged(self) -> bool:
        """Whether it has the commands of privileged exec: levels between 1 and 15 have those of level 1."""
        return self.level == MOST_PRIVILEGED

    @property
    def absolute(self) -> int:
        """Its number among all lines of the router."""
        return _ABSOLUTE[self.kind] + self.number

    def resize_history(self, size: int) -> None:
        self.history_size = size
        self.histories.resize(size)


class Lines:
    """The lines of one router that are in use."""

    def __init__(self) -> None:
        self._open: list[LineState] = []

    def __iter__(self) -> Iterator[LineState]:
        """By number, the console first."""
        return iter(sorted(self._open, key=lambda line: line.absolute))

    def free_vty(self) -> int:
        """The first `vty` that nobody uses."""
        used = {each.number for each in self._open if each.kind == VTY}
        return next(number for number in range(len(used) + 1) if number not in used)

    def open(self, line: LineState, configured: Mapping[LineRange, LineSettings]) -> None:
        """A session begins on a line, with what `line con|vty` configures for it. A `vty` is the first that nobody uses."""
        if line.kind == VTY:
            line.number = self.free_vty()
            line.origin = replace(line.origin, line=f"{VTY}{line.number}", address=line.host)
        settings = settings_of(configured, line.kind, line.number)
        if settings.length is not None:
            line.length, line.length_set = settings.length, True
        if settings.width is not None:
            line.width, line.width_set = settings.width, True
        line.resize_history(HISTORY_SIZE if settings.history_size is None else settings.history_size)
        self._open.append(line)

    def close(self, line: LineState) -> None:
        if line in self._open:
            self._open.remove(line)

    def with_number(self, absolute: int) -> list[LineState]:
        """The sessions of a line, of which the console may have several."""
        return [line for line in self._open if line.absolute == absolute]


def absolute_number(kind: str, number: int) -> int:
    """The number of a line among all lines: `vty 0` is 2."""
    return _ABSOLUTE.get(kind, 1) + number
