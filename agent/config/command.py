"""Config room: configuration commands: a pattern, its effect on the model, how the model is rendered, and a rank.

Ranks give the order of lines in `show running-config`. Ranks with the same hundreds are a group; `!` lines separate groups.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from agent.config.events import ConfigEvent
from agent.config.grammar import Grammar, Match, SyntaxProblem
from agent.config.model import RouterConfig
from agent.config.sections import ForeignSections
from agent.config.texts import is_global_text


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line belongs: a mode, and which instance of it (`crypto map M 10` is Place("crypto-map", ("M", 10)))."""

    mode: str
    key: tuple[Hashable, ...] = ()


GLOBAL = Place("config")


@dataclass(frozen=True, slots=True)
class Section:
    """A rendered line that lines of a sub-mode follow, and a last one that leaves it, where IOS writes one."""

    text: str
    place: Place
    closing: tuple[str, ...] = ()


Rendered = str | Section


@dataclass(frozen=True, slots=True)
class KeptLines:
    """Lines of a file that no command understands: the first, and those under it, each with its indentation.

    `after` is what stood before it in its place: a rendered line's text, a section, another KeptLines' `serial`, or None for
    nothing. `rank` is that of the line before: it places the lines once that line is gone.
    """

    serial: int
    place: Place
    after: str | Place | int | None
    rank: int
    lines: tuple[str, ...]


@dataclass(slots=True)
class State:
    """The content of a router's configuration text: the model, the inert lines, and the lines that are not understood."""

    config: RouterConfig = field(default_factory=RouterConfig)
    inert: dict[tuple[Place, str], dict[str, Rendered]] = field(default_factory=dict)  # (place, pattern) → key → line
    kept: dict[Place, list[KeptLines]] = field(default_factory=dict)  # by where they stand

    def inert_lines(self, place: Place, pattern: str) -> Iterable[Rendered]:
        return self.inert.get((place, pattern), {}).values()

    def kept_lines(self, place: Place) -> Iterable[str]:
        """The lines of a place that are not understood, each without what stands under it."""
        return (kept.lines[0] for kept in self.kept.get(place, ()))

    def forget(self, place: Place) -> None:
        """Drops what is kept under a section that has gone."""
        for key in [key for key in self.inert if key[0] == place]:
            del self.inert[key]
        self.kept.pop(place, None)


class Refused(Exception):  # noqa: N818 - an answer to the operator, not a failure
    """A command is understood but cannot be carried out. Nothing has changed.

    With `argument`, the caret goes under that argument; else `lines` are what IOS prints. `right` completes "needs …" for a file.
    """

    def __init__(self, right: str, *lines: str, argument: str | None = None) -> None:
        super().__init__(right)
        self.right = right
        self.lines = lines
        self.argument = argument


@dataclass(slots=True)
class Edit:
    """The effect of one line. `typed` is False for a line of a file, where a name may be defined later."""

    state: State
    place: Place
    typed: bool
    output: list[str] = field(default_factory=list)
    events: list[ConfigEvent] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def config(self) -> RouterConfig:
        return self.state.config


Apply = Callable[[Edit, "Match[ConfigCommand]"], "Place | None"]
Negate = Callable[[Edit, "Match[ConfigCommand]"], None]
Render = Callable[[State, Place], Iterable[Rendered]]


@dataclass(frozen=True, slots=True)
class ConfigCommand:
    """`apply` returns the place of the sub-mode that it enters, if any. `default` is what the `default` form does, if not `negate`.

    `no_pattern` replaces the pattern in the `no` form. `later` marks a line that has no effect yet. `navigate` marks the words that
    move between modes ("exit", "end", "do").
    """

    mode: str
    pattern: str
    rank: int
    apply: Apply
    negate: Negate | None = None
    render: Render | None = None
    default: Negate | None = None
    no_pattern: str | None = None
    later: bool = False
    navigate: str = ""


ConfigMatch = Match[ConfigCommand]


@dataclass(frozen=True, slots=True)
class Mode:
    """A mode's prompt and the table of commands that it reads."""

    prompt: str
    table: str


def _navigation(mode: str) -> Iterator[ConfigCommand]:
    def stay(edit: Edit, match: ConfigMatch) -> None:
        return None

    for word in ("exit", "end"):
        yield ConfigCommand(mode, word, 0, stay, navigate=word)
    yield ConfigCommand(mode, "do <command:line>", 0, stay, navigate="do")
    if mode == GLOBAL.mode:
        yield ConfigCommand(mode, "help", 0, stay, navigate="do")  # the exec command of that name, which sub-modes have too


@dataclass(frozen=True, slots=True)
class Located:
    """A line that was understood: `depth` is the index of the place, in the stack of places, whose mode has the command."""

    depth: int
    form: str  # "", "no", "default"
    match: ConfigMatch


class CommandSet:
    """All configuration commands: their grammar, their modes, and their order."""

    def __init__(self, commands: Iterable[ConfigCommand], modes: dict[str, Mode], grammar: Grammar[ConfigCommand]) -> None:
        self.modes = modes
        self.grammar = grammar
        self._rendering: dict[str, list[ConfigCommand]] = {}
        self.foreign = ForeignSections()
        tables = dict.fromkeys(mode.table for mode in modes.values())
        self._sub_modes = [table for table in tables if table != GLOBAL.mode]
        for command in (*commands, *(item for table in tables for item in _navigation(table))):
            grammar.declare(command.mode, command.pattern, command)
            if command.negate is not None:
                grammar.declare(f"no {command.mode}", command.no_pattern or command.pattern, command, cut=True)
            if command.render is not None:
                self._rendering.setdefault(command.mode, []).append(command)
        for rendering in self._rendering.values():
            rendering.sort(key=lambda command: command.rank)

    def table(self, place: Place) -> str:
        return self.modes[place.mode].table

    def rendering(self, place: Place) -> list[ConfigCommand]:
        """The commands that write lines of a place, in rank order."""
        return self._rendering.get(self.table(place), [])

    def read(self, table: str, line: str) -> tuple[str, ConfigMatch]:
        """Reads a line, `no` and `default` forms included, in one mode: (form, match); raises SyntaxProblem."""
        form, start = leading_form(line)
        return form, self.grammar.parse(f"no {table}" if form else table, line, start)

    def in_a_sub_mode(self, line: str) -> bool:
        """Whether some sub-mode understands a line."""
        form, start = leading_form(line)
        tables = (table for table in self._sub_modes if self.grammar.may_begin(f"no {table}" if form else table, line, start))
        return any(self.understands(table, line) for table in tables)

    def understands(self, table: str, line: str) -> bool:
        """Whether a line is a command of a mode."""
        try:
            self.read(table, line)
        except SyntaxProblem:
            return False
        return True

    def takes(self, place: Place, line: str) -> bool:
        """Whether a place would take a line that no global command reads, as one of its own or as a wrong one."""
        table = self.table(place)
        if is_global_text(line):
            return False
        if self.foreign.belongs_to(table, line):
            return True
        try:
            self.read(table, line)
        except SyntaxProblem as problem:
            return problem.wrong_value
        return True

    def locate(self, stack: list[Place], line: str) -> Located:
        """Reads a line in the innermost place that understands it, as IOS does; raises the most telling SyntaxProblem.

        A full command of an outer mode wins over an abbreviation in an inner mode: `ip subnet-zero` after a trustpoint is not the
        trustpoint's `ip-address`. A command of the innermost mode that lacks its value is no command of an outer one: under an
        interface, `ip vrf forwarding` makes no VRF of that name.
        """
        best: SyntaxProblem | None = None
        abbreviated: Located | None = None
        for depth in range(len(stack) - 1, -1, -1):
            try:
                form, match = self.read(self.table(stack[depth]), line)
            except SyntaxProblem as problem:
                if depth == len(stack) - 1 and problem.exact and problem.wrong_value:
                    problem.depth = depth
                    raise
                if best is None or problem.words_read > best.words_read:
                    best = problem
                    best.depth = depth
            else:
                if match.exact:
                    return Located(depth, form, match)
                abbreviated = abbreviated or Located(depth, form, match)
        if abbreviated is not None:
            return abbreviated
        assert best is not None  # the stack is never empty
        raise best


_FIRST_WORD = re.compile(r"\s*(\S+)\s?")


def leading_form(line: str) -> tuple[str, int]:
    """("no" or "default" or "", the column after that word)."""
    found = _FIRST_WORD.match(line)
    word = found[1].lower() if found else ""
    if found and word == "no":
        return "no", found.end()
    if found and len(word) >= 3 and "default".startswith(word):
        return "default", found.end()
    return "", 0


def carry_out(edit: Edit, form: str, match: ConfigMatch) -> Place | None:
    """Lets a command take effect; returns the place of the sub-mode that it enters; raises Refused."""
    command = match.target
    if form == "":
        return command.apply(edit, match)
    undo = (command.default if form == "default" else None) or command.negate
    assert undo is not None  # only commands with a `no` form are declared in the negative tables
    undo(edit, match)
    return None
