"""Config room: configure mode: typed or pasted lines, sub-modes, help and completion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.base.lines import LONGEST_TYPED, TOO_LONG
from agent.base.origin import Origin
from agent.base.text import BLANKS
from agent.config.changes import changes, restore, snapshot
from agent.config.command import CommandSet, Edit, Located, Refused, carry_out, leading_form
from agent.config.document import Document
from agent.config.events import ConfigEvent, caused_by
from agent.config.grammar import SyntaxProblem
from agent.config.nesting import Inside, Nesting, Strange, Understood
from agent.config.texts import End, missing_end


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a line did: `output` to print, `events` in the order in which they happened.

    `problem` is set where the line was refused for its syntax; `problem.render(prompt_width)` gives IOS's lines (they are not in
    `output`). `refused` says that the line was read, and not obeyed (its reasons are in `output`). `left` says that configure mode
    ended.
    """

    output: tuple[str, ...] = ()
    events: tuple[ConfigEvent, ...] = ()
    problem: SyntaxProblem | None = None
    refused: bool = False
    left: bool = False


class Session:
    """One user's configure mode on a document. `do` carries out an exec command and returns the lines it prints.

    `origin` is who types: the events of what is typed bear it.
    """

    def __init__(self, document: Document, do: Callable[[str], list[str]] | None = None, origin: Origin | None = None) -> None:
        self._document = document
        self._origin = origin
        self._commands: CommandSet = document.commands
        self._do = do
        self._nesting = Nesting(document.commands)
        self._end: End | None = None  # what ends the text that is being typed,
        self._text: list[str] = []  # which has these lines until now

    @property
    def prompt_suffix(self) -> str:
        """ "(config)#", "(config-if)#", …: what follows the host name. It is empty where a text is typed that has no prompt."""
        if self._end is not None:
            return self._end.prompt
        return self._commands.modes[self._nesting.stack[-1].mode].prompt

    @property
    def reading_text(self) -> bool:
        """Whether a text has begun that the lines typed so far have not ended."""
        return self._end is not None

    def feed(self, line: str, *, typed: bool = False) -> Outcome:
        """Carries out one line; comments and blank lines do nothing.

        Where a line is refused, a paste goes on: what stands under that line is refused too, and reaches no other section. A line
        that is `typed`, by somebody who has seen what became of the lines before, is read as IOS reads it.
        A text may go over several lines, of which none is a command, also where the text itself is refused.
        """
        if self._end is not None:
            self._text.append(line.rstrip(BLANKS))
            if not self._end.is_in(line):
                return Outcome()
            line, self._end = "\n".join(self._text), None
        elif end := missing_end(line, self._nesting.context):
            self._end, self._text = end, [line.rstrip(BLANKS)]
            if end.prompt:
                return Outcome()
            return Outcome((f"Enter TEXT message.  End with the character '{end.mark}'.",))
        stripped = line.lstrip(BLANKS)
        if not stripped or stripped.startswith("!"):
            self._nesting.comment()
            return Outcome()
        if typed:
            self._nesting.forget()
        return self._read(line, len(line) - len(stripped))

    def _read(self, line: str, indent: int) -> Outcome:
        verdict = self._nesting.read(line, indent)
        if max(map(len, line.split("\n"))) > LONGEST_TYPED:
            if isinstance(verdict, Understood):
                self._nesting.refuse(line, indent, verdict.located.depth)
            return Outcome((TOO_LONG,), refused=True)  # a part of it might be another command
        if isinstance(verdict, Understood):
            return self._carry_out(line, indent, verdict.located)
        if isinstance(verdict, Strange):
            return Outcome(problem=verdict.problem)
        if isinstance(verdict, Inside) and not verdict.exits:
            return Outcome(problem=self._problem_inside(line, indent))
        return Outcome()

    def _problem_inside(self, line: str, indent: int) -> SyntaxProblem:
        """Why a line that may stand under a refused one is refused: for its own mistake, or for where it stands."""
        try:
            self._commands.locate(self._nesting.stack, line)
        except SyntaxProblem as problem:
            return problem
        return SyntaxProblem("invalid", line, indent, 0)

    def _carry_out(self, line: str, indent: int, located: Located) -> Outcome:
        command = located.match.target
        if command.navigate:
            return self._navigate(command.navigate, line)
        config = self._document.config
        edit = Edit(self._document.state, self._nesting.stack[-1], typed=True)
        before = snapshot(config)
        try:
            entered = carry_out(edit, located.form, located.match)
        except Refused as refused:
            restore(config, before)
            self._nesting.refuse(line, indent, located.depth)
            return self._refusal(refused, edit, line, located.match.columns)
        except KeyError:
            # Another session has removed the section that this one stands in.
            if located.depth == 0:
                raise
            restore(config, before)
            self._nesting.leave(0)
            return self._read(line, indent)
        if entered is not None:
            self._nesting.enter(entered, indent)
        return Outcome(tuple(edit.output), caused_by(self._origin, (*changes(before, config), *edit.events)))

    def help_at(self, text: str) -> list[tuple[str, str]]:
        """What `?` typed after `text` lists; raises SyntaxProblem. Words of the sub-mode, or else of an outer mode."""
        form, start = leading_form(text)
        negated = bool(form) and text[start - 1].isspace()
        grammar, best = self._commands.grammar, SyntaxProblem("invalid", text, 0, 0)
        for place in reversed(self._nesting.stack):
            table = self._commands.table(place)
            found: list[tuple[str, str]] = []
            if not negated and " " not in text.lstrip():
                found = [(word, grammar.help_for(word)) for word in ("default", "no") if word.startswith(text.strip().lower())]
            try:
                found += grammar.help_at(f"no {table}" if negated else table, text, start if negated else 0)
            except SyntaxProblem as problem:
                best = problem if problem.words_read > best.words_read else best
            if found:
                return sorted(found, key=lambda entry: (entry[0] == "<cr>", entry[0]))
        raise best

    def complete(self, text: str) -> str:
        """`text` with its last word completed, where one keyword fits."""
        form, start = leading_form(text)
        for place in reversed(self._nesting.stack):
            table = self._commands.table(place)
            completed = self._commands.grammar.complete(f"no {table}" if form else table, text, start)
            if completed != text:
                return completed
        return text

    def _refusal(self, refused: Refused, edit: Edit, line: str, columns: Mapping[str, int]) -> Outcome:
        if refused.argument is not None and refused.argument in columns:
            problem = SyntaxProblem("invalid", line, columns[refused.argument], 0, (refused.right,), wrong_value=True)
            return Outcome(tuple(edit.output), problem=problem, refused=True)
        lines = refused.lines or (f"% {refused.right}",)
        return Outcome((*edit.output, *lines), refused=True)

    def _navigate(self, word: str, line: str) -> Outcome:
        if word == "do":
            _, _, command = line.strip().partition(" ")
            return Outcome(tuple(self._do(command.strip() or line.strip())) if self._do else ())  # without a command: `help`
        inside = len(self._nesting.stack) - 1
        if word == "exit" and inside:
            self._nesting.leave(inside - 1)
            return Outcome()
        self._nesting.leave(0)
        return Outcome(left=True)
