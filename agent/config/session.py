"""Config room: configure mode: typed or pasted lines, sub-modes, help and completion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.base.lines import LONGEST_TYPED, TOO_LONG
from agent.base.text import BLANKS
from agent.config.banner import missing_delimiter
from agent.config.changes import changes, restore, snapshot
from agent.config.command import GLOBAL, CommandSet, Edit, Place, Refused, carry_out, leading_form
from agent.config.document import Document
from agent.config.events import ConfigEvent
from agent.config.grammar import SyntaxProblem


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
    """One user's configure mode on a document. `do` carries out an exec command and returns the lines it prints."""

    def __init__(self, document: Document, do: Callable[[str], list[str]] | None = None) -> None:
        self._document = document
        self._commands: CommandSet = document.commands
        self._do = do
        self._stack: list[Place] = [GLOBAL]
        self._refused_at: int | None = None  # how far the line was indented that was refused last, if none was obeyed since
        self._delimiter: str | None = None  # what ends the text that is being typed,
        self._text: list[str] = []  # which has these lines until now

    @property
    def prompt_suffix(self) -> str:
        """ "(config)#", "(config-if)#", …: what follows the host name."""
        return self._commands.modes[self._stack[-1].mode].prompt

    def feed(self, line: str) -> Outcome:
        """Carries out one line; comments and blank lines do nothing.

        A text between delimiters may go over several, of which none is a command, also where the text itself is refused.
        """
        if self._delimiter is not None:
            self._text.append(line.rstrip(BLANKS))
            if self._delimiter not in line:
                return Outcome()
            line, self._delimiter = "\n".join(self._text), None
        elif delimiter := missing_delimiter(line, self._stack[-1].mode):
            self._delimiter, self._text = delimiter, [line.rstrip(BLANKS)]
            return Outcome((f"Enter TEXT message.  End with the character '{delimiter}'.",))
        stripped = line.lstrip(BLANKS)
        if not stripped or stripped.startswith("!"):
            return Outcome()
        indent = len(line) - len(stripped)
        if self._refused_at is not None and indent > self._refused_at:
            # What stands under a refused line of a pasted configuration is not for the section before it.
            return Outcome(problem=SyntaxProblem("invalid", line, indent, 0))
        outcome = self._carry_out(line)
        self._refused_at = indent if outcome.problem or outcome.refused else None
        return outcome

    def _carry_out(self, line: str) -> Outcome:
        if max(map(len, line.split("\n"))) > LONGEST_TYPED:
            return Outcome((TOO_LONG,), refused=True)  # a part of it might be another command
        try:
            located = self._commands.locate(self._stack, line)
        except SyntaxProblem as problem:
            return Outcome(problem=problem)
        command = located.match.target
        if command.navigate:
            return self._navigate(command.navigate, line, located.depth)
        config = self._document.config
        edit = Edit(self._document.state, self._stack[located.depth], typed=True)
        before = snapshot(config)
        try:
            entered = carry_out(edit, located.form, located.match)
        except Refused as refused:
            restore(config, before)
            return self._refusal(refused, edit, line, located.match.columns)
        except KeyError:
            # Another session has removed the section that this one stands in.
            if located.depth == 0:
                raise
            restore(config, before)
            del self._stack[1:]
            return self._carry_out(line)
        del self._stack[located.depth + 1 :]
        if entered is not None:
            self._stack.append(entered)
        return Outcome(tuple(edit.output), (*changes(before, config), *edit.events))

    def help_at(self, text: str) -> list[tuple[str, str]]:
        """What `?` typed after `text` lists; raises SyntaxProblem. Words of the sub-mode, or else of an outer mode."""
        form, start = leading_form(text)
        negated = bool(form) and text[start - 1].isspace()
        grammar, best = self._commands.grammar, SyntaxProblem("invalid", text, 0, 0)
        for place in reversed(self._stack):
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
        for place in reversed(self._stack):
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

    def _navigate(self, word: str, line: str, depth: int) -> Outcome:
        if word == "do":
            _, _, command = line.strip().partition(" ")
            return Outcome(tuple(self._do(command.strip())) if self._do else ())
        if word == "exit" and depth > 0:
            del self._stack[depth:]
            return Outcome()
        del self._stack[1:]
        return Outcome(left=True)
