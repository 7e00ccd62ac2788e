"""Config room: reading a configuration file line by line into a State.

A file is read as a pasted session would be: indentation is not needed, a global command leaves a sub-mode, `!` is a comment. What
no command understands is kept in its place, with what stands under it; there alone indentation and `!` say where a section ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from agent.base.text import BLANKS
from agent.config.banner import is_banner, missing_delimiter
from agent.config.command import GLOBAL, CommandSet, Edit, KeptLines, Place, Refused, State, carry_out
from agent.config.commands.snmp import settle_hosts
from agent.config.errors import Finding
from agent.config.grammar import SyntaxProblem

# What `show running-config` prints above the configuration itself, and a pasted one brings along.
_HEADING = re.compile(r"Building configuration\.\.\.|Current configuration : \d+ bytes")


@dataclass(slots=True)
class _Open:
    """A section that lines may still join: how far its first line is indented, and whether its lines are indented further."""

    indent: int
    inner: int | None = None


@dataclass(slots=True)
class _Unknown:
    """Lines that are not understood, still growing."""

    kept: KeptLines
    section: _Open
    line_number: int  # of the first


@dataclass(slots=True)
class _Text:
    """Lines between delimiters, still without the second."""

    line_number: int
    delimiter: str
    lines: list[str]


@dataclass(slots=True)
class Reader:
    """Reads lines into `state`; what is to be said of them is in `findings`, warnings in `warnings`."""

    state: State
    commands: CommandSet
    findings: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    lines: dict[Place, list[tuple[int, str]]] = field(default_factory=dict)  # understood, by place: number, canonical text
    understood: bool = False  # whether any line is
    _stack: list[Place] = field(default_factory=lambda: [GLOBAL])
    _sections: list[_Open] = field(default_factory=lambda: [_Open(-1)])
    _unknown: _Unknown | None = None
    _separated: bool = False
    _indents: bool = False  # whether lines stand indented under the section that had some last
    _last: dict[Place, tuple[str | Place | int, int]] = field(default_factory=dict)  # of each place, its last line and rank
    _warned: set[str] = field(default_factory=set)
    _serial: int = 0
    _text: _Text | None = None

    def read(self, text: str) -> None:
        for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
            self._line(number, line.expandtabs(8).rstrip(BLANKS))
        if self._text is not None:
            begun = self._text
            self.findings.append(Finding(begun.line_number, begun.lines[0].strip(), f"its closing {begun.delimiter}", wrong=True))
        self._close()
        for name in settle_hosts(self.state.config.snmp, self.state.config.hosts):
            self._warn(0, f"snmp-server host {name}", "no ip host line names it: nothing is sent there")

    # --- one line --------------------------------------------------------------------------------------------------------

    def _line(self, number: int, line: str) -> None:
        if self._text is not None:
            self._text.lines.append(line)
            if self._text.delimiter not in line:
                return
            number, line = self._text.line_number, "\n".join(self._text.lines)
            self._text = None
        elif delimiter := missing_delimiter(line, self._stack[-1].mode):
            self._text = _Text(number, delimiter, [line])
            return
        stripped = line.lstrip(BLANKS)
        if not stripped or stripped[0] == "!":
            self._separated = True
            return
        if _HEADING.fullmatch(stripped):
            return
        indent = len(line) - len(stripped)
        if self._unknown is not None and indent > self._unknown.section.indent:
            self._grow(number, line, indent)
        else:
            self._command(number, stripped, indent)
        self._separated = False

    def _command(self, number: int, line: str, indent: int) -> None:
        if is_banner(line):
            self._keep_banner(number, line)
            return
        try:
            located = self.commands.locate(self._stack, line)
        except SyntaxProblem as problem:
            if problem.wrong_value:
                self._close()
                self.findings.append(Finding(number, line, problem.what_would_be_right, wrong=True))
            else:
                self._not_understood(number, line, indent)
            return
        self.understood = True
        self._close()
        self._leave(located.depth)
        place = self._stack[-1]
        self._stands_under(self._sections[-1], indent)
        command = located.match.target
        if command.navigate:
            self._navigate(command.navigate)
            return
        edit = Edit(self.state, place, typed=False)
        try:
            entered = carry_out(edit, located.form, located.match)
        except Refused as refused:
            self.findings.append(Finding(number, line, refused.right, wrong=True))
            return
        for warning in edit.warnings:
            self._warn(number, line, warning)
        if command.later and not located.form:
            self._warn_once(command.pattern, number, line)
        written = f"{'no ' if located.form else ''}{located.match.canonical}"
        self._last[place] = (entered or written, command.rank)
        self.lines.setdefault(place, []).append((number, written))
        if entered is not None:
            self._stack.append(entered)
            self._sections.append(_Open(indent))

    def _navigate(self, word: str) -> None:
        if word == "end":
            self._leave(0)
        elif word == "exit" and len(self._stack) > 1:
            self._leave(len(self._stack) - 2)

    def _leave(self, depth: int) -> None:
        del self._stack[depth + 1 :]
        del self._sections[depth + 1 :]

    # --- what is not understood ------------------------------------------------------------------------------------------

    def _not_understood(self, number: int, line: str, indent: int) -> None:
        unknown = self._unknown
        if unknown is not None and self._joins(unknown.section, indent):
            self._grow(number, " " * indent + line, indent)
            return
        self._close()
        while len(self._stack) > 1 and not self._joins(self._sections[-1], indent):
            self._leave(len(self._stack) - 2)
        self._stands_under(self._sections[-1], indent)
        self._keep(number, (self._indented(line, indent),), _Open(indent))

    def _keep(self, number: int, lines: tuple[str, ...], section: _Open) -> None:
        """Opens kept lines where we stand."""
        place = self._stack[-1]
        after, rank = self._last.get(place, (None, 0))
        self._serial += 1
        self._unknown = _Unknown(KeptLines(self._serial, place, after, rank, lines), section, number)
        self.findings.append(Finding(number, lines[0].strip(), "not understood", mode=place.mode))

    def _keep_banner(self, number: int, line: str) -> None:
        """A banner's text is no command, whatever it looks like, and nothing stands under it."""
        self._close()
        self._leave(0)
        self._keep(number, tuple(line.split("\n")), _Open(0))
        self._close()

    def _joins(self, section: _Open, indent: int) -> bool:
        """Whether a line that is not understood belongs to a section: by its indentation, or, where none is used, until a `!`."""
        if indent > section.indent:
            return True
        indented = self._indents if section.inner is None else section.inner > section.indent
        return not self._separated and not indented and indent == section.indent

    def _stands_under(self, section: _Open, indent: int) -> None:
        if section.inner is None and section.indent >= 0:
            section.inner = indent
            self._indents = indent > section.indent

    def _indented(self, line: str, indent: int) -> str:
        """A kept line with what it is indented beyond the lines of its section (rendering indents those by one)."""
        beyond = indent - self._sections[-1].indent - 1 if len(self._stack) > 1 else 0
        return " " * max(0, beyond) + line

    def _grow(self, number: int, line: str, indent: int) -> None:
        assert self._unknown is not None  # asked only while one is open
        first = self._unknown.kept.lines[0]
        base = len(first) - len(first.lstrip())
        beyond = max(0, indent - self._unknown.section.indent)
        text = " " * (base + beyond) + line.strip(BLANKS)
        self._unknown.kept = _with_line(self._unknown.kept, text)
        self._stands_under(self._unknown.section, indent)
        under = f", as what it stands under: {first.strip()}" if beyond else ""
        opening = self._unknown.line_number
        mode = self._unknown.kept.place.mode
        self.findings.append(Finding(number, line.strip(), f"not understood{under}", mode=mode, under=opening))

    def _close(self) -> None:
        if self._unknown is not None:
            kept = self._unknown.kept
            self.state.kept.append(kept)
            self._last[kept.place] = (kept.serial, kept.rank)
            self._unknown = None

    # --- warnings --------------------------------------------------------------------------------------------------------

    def _warn(self, number: int, line: str, message: str) -> None:
        self.warnings.append(Finding(number, line, message))

    def _warn_once(self, pattern: str, number: int, line: str) -> None:
        if pattern not in self._warned:
            self._warned.add(pattern)
            self._warn(number, line, "has no effect yet")


def _with_line(kept: KeptLines, line: str) -> KeptLines:
    return KeptLines(kept.serial, kept.place, kept.after, kept.rank, (*kept.lines, line))
