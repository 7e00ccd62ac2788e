"""Config room: where a line belongs: the open modes, and the open sections of IOS that the grammar does not have.

A file keeps lines that are not understood, and a session refuses them; the rules are the same. IOS ignores indentation. Here it
counts in one case alone: lines that are indented under a line that is not understood belong to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.config.command import GLOBAL, CommandSet, Located, Place
from agent.config.grammar import SyntaxProblem
from agent.config.sections import Opener
from agent.config.texts import is_global_text


@dataclass(frozen=True, slots=True)
class Understood:
    """A command reads the line; a global one has left the sub-modes."""

    located: Located


@dataclass(frozen=True, slots=True)
class Inside:
    """The line is one of an open section that is not understood. `exits` says that it is the `exit` of one inside that."""

    flat: bool  # whether it is not indented under the section's first line
    exits: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """The line is the `exit` of a section that is not understood."""


@dataclass(frozen=True, slots=True)
class Strange:
    """No command reads the line; sections may have been left for it, and lines after it may be its own."""

    problem: SyntaxProblem


Verdict = Understood | Inside | Ended | Strange


@dataclass(slots=True)
class _Section:
    """A section of the grammar: how far its first line is indented, and the first line under it."""

    indent: int
    inner: int | None = None


@dataclass(slots=True)
class _Foreign:
    """A section that is not understood, or a line that may be the first of one: `opener` where IOS is known to have it.

    With `flat`, lines that are indented no further may stand in it.
    """

    opener: Opener | None
    indent: int
    flat: bool
    inner: int | None = None

    @property
    def is_section(self) -> bool:
        return self.opener is not None or self.inner is not None


@dataclass(slots=True)
class Nesting:
    """The open modes of a file or of a session, and above them the open sections that are not understood.

    After a line that is not understood and may have left the mode, only global commands are accepted: the mode is `barred`.
    """

    commands: CommandSet
    stack: list[Place] = field(default_factory=lambda: [GLOBAL])
    _sections: list[_Section] = field(default_factory=lambda: [_Section(-1)])
    _foreign: list[_Foreign] = field(default_factory=list)
    _barred: bool = False
    _separated: bool = False  # a comment stood before the line
    _indents: bool = False  # whether lines stand indented under the section that had some last
    _last_indent: int = 0  # of the last line of the open foreign sections

    # --- what is open ----------------------------------------------------------------------------------------------------

    @property
    def place(self) -> Place:
        """Where a line that is not understood is kept."""
        return GLOBAL if self._barred else self.stack[-1]

    @property
    def context(self) -> set[str]:
        """The names of the mode and of the foreign sections that the next line may stand in."""
        return {self.commands.table(self.place)} | {each.opener.pattern for each in self._foreign if each.opener is not None}

    # --- moving ----------------------------------------------------------------------------------------------------------

    def comment(self) -> None:
        self._separated = True

    def forget(self) -> None:
        """Read the next line as IOS does, whatever was refused before it."""
        self._foreign.clear()
        self._barred = False

    def enter(self, place: Place, indent: int) -> None:
        self.stack.append(place)
        self._sections.append(_Section(indent))

    def leave(self, depth: int) -> None:
        del self.stack[depth + 1 :]
        del self._sections[depth + 1 :]
        self.forget()

    def refuse(self, line: str, indent: int, depth: int) -> None:
        """A command is refused. Lines that belong under it must not reach another section."""
        self.leave(depth)
        opener = self._opener(line, depth)
        self._open(opener, indent, depth)

    # --- one line --------------------------------------------------------------------------------------------------------

    def read(self, line: str, indent: int) -> Verdict:
        if is_global_text(line) and self.commands.understands(GLOBAL.mode, line):
            self.leave(0)  # `banner motd …` is the router's, also where the mode has a banner of its own
        verdict = (self._read_inside(line, indent) if self._foreign else None) or self._read_command(line, indent)
        self._separated = False
        return verdict

    def _read_inside(self, line: str, indent: int) -> Verdict | None:
        """Of a line after one that is not understood, where it belongs to that; None where it does not."""
        word = self._navigation(line)
        if word == "exit":
            return self._exit_inside(indent)
        self._close_before(line, indent)
        if not self._foreign:
            return None
        flat = indent <= self._foreign[0].indent
        if flat and (word or self._ends_inside(line)):
            if word != "do":
                self._foreign.clear()
            return None
        self._note(line, indent)
        return Inside(flat)

    def _exit_inside(self, indent: int) -> Verdict | None:
        """The innermost section that is not understood is over; None where lines that begin none are all there is."""
        while self._foreign and not self._foreign[-1].is_section:
            self._foreign.pop()
        if not self._foreign:
            return None
        flat = indent <= self._foreign[0].indent
        self._foreign.pop()
        self._last_indent = indent
        return Inside(flat, exits=True) if self._foreign else Ended()

    def _read_command(self, line: str, indent: int) -> Verdict:
        try:
            located = self.commands.locate(self.stack[:1] if self._barred and not self._navigation(line) else self.stack, line)
        except SyntaxProblem as problem:
            self._make_room(line, indent, problem)
            return Strange(problem)
        if located.match.target.navigate != "do":
            self.leave(located.depth)
            self._stands_under(indent)
        return Understood(located)

    def _navigation(self, line: str) -> str:
        try:
            return self.commands.locate(self.stack, line).match.target.navigate
        except SyntaxProblem:
            return ""

    def _ends_inside(self, line: str) -> bool:
        """Whether a line is a global one, and none that the open foreign sections have."""
        foreign = self.commands.foreign
        openers = [each.opener for each in self._foreign if each.opener is not None]
        if any(foreign.owns(opener, line) or foreign.opened_inside(opener, line) is not None for opener in openers):
            return False
        return self._is_global(line) or foreign.opened_by(line) is not None

    def _is_global(self, line: str) -> bool:
        try:
            self.commands.locate([GLOBAL], line)
        except SyntaxProblem as problem:
            return problem.wrong_value and not self.commands.in_a_sub_mode(line)
        return True

    # --- lines that are not understood -----------------------------------------------------------------------------------

    def _make_room(self, line: str, indent: int, problem: SyntaxProblem) -> None:
        """Leaves the sections in which the line cannot stand, and opens what it may begin."""
        if self._barred or len(self.stack) == 1:
            problem.wrong_value = problem.wrong_value and not self.commands.in_a_sub_mode(line)
            depth = 0
        else:
            depth = problem.depth if problem.wrong_value else self._depth_of(line, indent)
        opener = self._opener(line, depth)
        if depth or opener is not None or problem.wrong_value or self._closed_before(indent):
            self.leave(depth)
        else:
            self._barred = True
        if not self._barred:
            self._stands_under(indent)
        self._open(opener, indent, depth)

    def _depth_of(self, line: str, indent: int) -> int:
        """The innermost section in which the line stands, by its indentation or because IOS has it there; else 0."""
        for depth in range(len(self.stack) - 1, 0, -1):
            section = self._sections[depth]
            if indent > section.indent:
                return depth
            here = indent == section.indent and not self._indented_under(section)
            if here and self.commands.foreign.belongs_to(self.commands.table(self.stack[depth]), line):
                return depth
        return 0

    def _closed_before(self, indent: int) -> bool:
        """Whether the indentation tells that every section is over."""
        return all(indent < section.indent or self._indented_under(section) for section in self._sections[1:])

    def _indented_under(self, section: _Section | _Foreign) -> bool:
        """Whether the lines of a section are indented; of one without lines, as those of the section before."""
        return self._indents if section.inner is None else section.inner > section.indent

    def _stands_under(self, indent: int) -> None:
        section = self._sections[-1]
        if section.inner is None and section.indent >= 0:
            section.inner = indent
            self._indents = indent > section.indent

    def _opener(self, line: str, depth: int) -> Opener | None:
        foreign = self.commands.foreign
        return foreign.opened_in(self.commands.table(self.stack[depth]), line)

    def _open(self, opener: Opener | None, indent: int, depth: int) -> None:
        """Opens what a line at the global level begins, or one of a section, where indentation tells more."""
        flat = depth == 0 or (opener is not None and indent <= self._sections[depth].indent)
        self._foreign = [_Foreign(opener, indent, flat)]
        self._last_indent = indent

    def _close_before(self, line: str, indent: int) -> None:
        """Closes the foreign sections that are over at a line with this indentation."""
        while self._foreign:
            last = self._foreign[-1]
            flat = indent == last.indent and last.flat and (last.opener is not None or not self._separated)
            if indent > last.indent or (flat and self._joins(last, line)):
                return
            self._foreign.pop()

    def _joins(self, last: _Foreign, line: str) -> bool:
        """Whether a line that is not indented under the first line of a foreign section may stand in it."""
        if not self._indented_under(last):
            return True
        return last.inner is None and (last.opener is not None or self.commands.in_a_sub_mode(line))

    def _note(self, line: str, indent: int) -> None:
        """A line of the open foreign sections: it may begin another, or end one."""
        last = self._foreign[-1]
        if indent > self._last_indent:
            if last.indent != self._last_indent:
                last = _Foreign(None, self._last_indent, flat=False)
                self._foreign.append(last)
            last.inner = last.inner or indent
            self._indents = True
        elif last.inner is None and (last.opener is not None or self.commands.in_a_sub_mode(line)):
            last.inner = indent
        self._last_indent = indent
        if line.lstrip().lower().startswith("exit-") and len(self._foreign) > 1:
            self._foreign.pop()
            return
        for depth in range(len(self._foreign) - 1, -1, -1):
            around = self._foreign[depth].opener
            opener = self.commands.foreign.opened_inside(around, line) if around is not None else None
            if opener is not None:
                self._foreign[depth + 1 :] = [_Foreign(opener, indent, flat=True)]
                return
