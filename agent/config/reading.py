"""Config room: reads a configuration file line by line into a State.

A file is read as a pasted session would be: indentation is not needed, a global command leaves a sub-mode, `!` is a comment. What
no command understands is kept in its place, with what stands under it; `nesting` says which lines those are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from agent.base.text import BLANKS
from agent.config.command import GLOBAL, CommandSet, Edit, KeptLines, Located, Place, Refused, State, carry_out
from agent.config.commands.radius_servers import settle_servers
from agent.config.commands.snmp import settle_hosts
from agent.config.errors import Finding
from agent.config.nesting import Ended, Inside, Nesting, Understood
from agent.config.texts import End, is_global_text, missing_end

# What `show running-config` and `show startup-config` print above the configuration itself, and a copied one brings along.
_HEADING = re.compile(
    r"Building configuration\.\.\.|Current configuration ?:( \d+ bytes)?"
    r"|Using \d+ out of \d+ bytes(, uncompressed size = \d+ bytes)?"
)


@dataclass(slots=True)
class _Unknown:
    """Lines that are not understood, still growing, and how far the first is indented in the file."""

    first: KeptLines  # with the first line alone
    lines: list[str]  # all of them
    indent: int
    line_number: int  # of the first


@dataclass(slots=True)
class _Text:
    """The lines of a text that has not ended yet."""

    line_number: int
    end: End
    lines: list[str]


@dataclass(slots=True)
class Reader:
    """Reads lines into `state`, and collects `findings` and `warnings`."""

    state: State
    commands: CommandSet
    findings: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    lines: dict[Place, list[tuple[int, str]]] = field(default_factory=dict)  # understood, by place: number, canonical text
    understood: bool = False  # whether any line is
    _nesting: Nesting = field(init=False)
    _unknown: _Unknown | None = None
    _last: dict[Place, tuple[str | Place | int, int]] = field(default_factory=dict)  # of each place, its last line and rank
    _warned: set[str] = field(default_factory=set)
    _serial: int = 0
    _text: _Text | None = None

    def __post_init__(self) -> None:
        self._nesting = Nesting(self.commands)

    def read(self, text: str) -> None:
        for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
            self._line(number, line.expandtabs(8).rstrip(BLANKS))
        if self._text is not None:
            begun = self._text
            self.findings.append(Finding(begun.line_number, begun.lines[0].strip(), f"its closing {begun.end.mark}", wrong=True))
        self._close()
        settle_hosts(self.state.config)
        settle_servers(self.state.config)

    # --- one line --------------------------------------------------------------------------------------------------------

    def _line(self, number: int, line: str) -> None:
        if self._text is not None:
            self._text.lines.append(line)
            if not self._text.end.is_in(line):
                return
            number, line = self._text.line_number, "\n".join(self._text.lines)
            self._text = None
        elif end := missing_end(line, self._nesting.context):
            self._text = _Text(number, end, [line])
            return
        stripped = line.lstrip(BLANKS)
        if not stripped or stripped[0] == "!":
            self._nesting.comment()
        elif not _HEADING.fullmatch(stripped):
            self._command(number, stripped, len(line) - len(stripped))

    def _command(self, number: int, line: str, indent: int) -> None:
        if is_global_text(line) and not self.commands.understands(GLOBAL.mode, line):
            self._keep_text(number, line)
            return
        verdict = self._nesting.read(line, indent)
        if isinstance(verdict, Inside):
            self._grow(number, line, indent, verdict)
            return
        if isinstance(verdict, Understood) and verdict.located.match.target.navigate == "do":
            return
        self._close()
        if isinstance(verdict, Understood):
            self._understood(number, line, indent, verdict.located)
        elif not isinstance(verdict, Ended):
            problem = verdict.problem
            self._keep(number, line, indent)
            if problem.wrong_value:
                self.findings.append(Finding(number, line, problem.what_would_be_right, wrong=True))
            else:
                self._find(number, line)

    def _understood(self, number: int, line: str, indent: int, located: Located) -> None:
        self.understood = True
        command = located.match.target
        if command.navigate:
            self._navigate(command.navigate)
            return
        place = self._nesting.stack[-1]
        edit = Edit(self.state, place, typed=False)
        try:
            entered = carry_out(edit, located.form, located.match)
        except Refused as refused:
            self.findings.append(Finding(number, _first_line(line), refused.right, wrong=True))
            return
        for warning in edit.warnings:
            self._warn(number, line, warning)
        if command.later and not located.form:
            self._warn_once(command.pattern, number, line)
        written = f"{'no ' if located.form else ''}{located.match.canonical}"
        self._last[place] = (entered or written, command.rank)
        self.lines.setdefault(place, []).append((number, written))
        if entered is not None:
            self._nesting.enter(entered, indent)

    def _navigate(self, word: str) -> None:
        if word == "end":
            self._nesting.leave(0)
        elif word == "exit" and len(self._nesting.stack) > 1:
            self._nesting.leave(len(self._nesting.stack) - 2)

    # --- what is not understood ------------------------------------------------------------------------------------------

    def _keep(self, number: int, line: str, indent: int) -> None:
        """Opens kept lines where we stand. The first stands under nothing but its section, whatever it is indented."""
        place = self._nesting.place
        after, rank = self._last.get(place, (None, 0))
        self._serial += 1
        self._unknown = _Unknown(KeptLines(self._serial, place, after, rank, (line,)), [line], indent, number)

    def _keep_text(self, number: int, line: str) -> None:
        """The text of a banner or a macro is no command, whatever it looks like, and nothing stands under it."""
        self._close()
        self._nesting.leave(0)
        self._keep(number, line, 0)
        self._find(number, line)
        self._close()

    def _grow(self, number: int, line: str, indent: int, inside: Inside) -> None:
        unknown = self._unknown
        assert unknown is not None  # a foreign section is open, whose first line is kept
        # In a sub-mode a line that is not indented under the first could be taken for one of the mode.
        beyond = max(0 if unknown.first.place == GLOBAL else 1, indent - unknown.indent)
        unknown.lines.append(" " * beyond + line)
        if not inside.exits:
            self._find(number, line, f", as what it stands under: {_first_line(unknown.lines[0])}")

    def _find(self, number: int, line: str, under: str = "") -> None:
        unknown = self._unknown
        assert unknown is not None  # what is found is kept
        opening = unknown.line_number if unknown.line_number != number else 0
        mode = unknown.first.place.mode
        self.findings.append(Finding(number, _first_line(line), f"not understood{under}", mode=mode, under=opening))

    def _close(self) -> None:
        if self._unknown is not None:
            kept = replace(self._unknown.first, lines=tuple(self._unknown.lines))
            self.state.kept.setdefault(kept.place, []).append(kept)
            self._last[kept.place] = (kept.serial, kept.rank)
            self._unknown = None

    # --- warnings --------------------------------------------------------------------------------------------------------

    def _warn(self, number: int, line: str, message: str) -> None:
        self.warnings.append(Finding(number, line, message))

    def _warn_once(self, pattern: str, number: int, line: str) -> None:
        if pattern not in self._warned:
            self._warned.add(pattern)
            self._warn(number, line, "has no effect yet")


def _first_line(line: str) -> str:
    return line.partition("\n")[0].strip()
