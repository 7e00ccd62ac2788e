"""Shell room: one CLI session of one router: modes, prompt, commands, help, completion, output modifiers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.base.lines import LONGEST_TYPED, TOO_LONG
from agent.config.grammar import Grammar, SyntaxProblem
from agent.config.session import Session as ConfigSession
from agent.shell.command import LEVEL_ZERO, PRIVILEGED, USER, CommandFailed, Context, ExecCommand, ExecMatch
from agent.shell.commands import build
from agent.shell.filters import MODE as MODIFIER
from agent.shell.filters import LineFilter, Modifier, modifier_grammar
from agent.shell.lines import LineState
from agent.shell.regex import RegexError
from agent.shell.router import Router
from agent.shell.terminal import Output, OutputEnded, Terminal, Within
from agent.shell.turns import Turns
from agent.syslog.box import config_message

_CONTROL_Z = "\x1a"
_DO = re.compile(r"\s*do\s+")
_HEADINGS = {True: "Configure commands:", False: "Exec commands:"}


class Commands:
    """What the sessions of a lab share, the grammars and their turns: build once, pass on."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.exec: Grammar[ExecCommand] = build()
        self.modifiers: Grammar[Modifier] = modifier_grammar()


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a line. `error` has IOS's lines; it is empty on success. With `caret`, they point into the line.

    `refused` says that the line was not obeyed, also where its output has the reason.
    """

    error: str = ""
    caret: bool = False
    refused: bool = False

    @property
    def failed(self) -> bool:
        return self.refused or bool(self.error)


class Session:
    """Carries out lines one at a time. Output goes to the terminal as it comes, errors into the result."""

    def __init__(self, router: Router, terminal: Terminal, commands: Commands, line: LineState) -> None:
        self._router = router
        self._terminal = terminal
        self._commands = commands
        self._line = line
        self._config: ConfigSession | None = None
        self._deferred: str | None = None
        self._interrupted = asyncio.Event()

    @property
    def prompt(self) -> str:
        """ "router#", "router>", "router(config-if)#"; empty within the text of a banner."""
        name = self._router.document.config.hostname
        if self._config is not None:
            suffix = self._config.prompt_suffix
            return name + suffix if suffix else ""
        return name + ("#" if self._line.level > 1 else ">")

    @property
    def closed(self) -> bool:
        """Whether the operator has left."""
        return self._line.closed

    @property
    def configuring(self) -> bool:
        return self._config is not None

    @property
    def reading_text(self) -> bool:
        """Whether the next line belongs to a text (a banner), and is no command."""
        return self._config is not None and self._config.reading_text

    def drop(self) -> None:
        """^C at the prompt: configure mode is left, as on IOS."""
        self._leave_configure()

    def close(self) -> None:
        """The terminal has gone: configure mode is left."""
        self._leave_configure()

    def interrupt(self) -> None:
        """The escape sequence: ends the command under way, if it can be ended."""
        self._interrupted.set()

    async def execute_guarded(self, line: str, typed: bool = False, *, ended: bool = False, literal: bool = False) -> Result:
        """The same. An exception is reported to the operator and to the log, and ends neither session nor lab."""
        try:
            return await self.execute(line, typed, ended=ended, literal=literal)
        except ConnectionError:
            raise
        except Exception as error:
            context = {"message": f"the command {line!r} broke", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            return Result("% The command broke: the log of the lab says how\n")

    async def execute(self, line: str, typed: bool = False, *, ended: bool = False, literal: bool = False) -> Result:
        """Carry out one line. A line that ends in `?` gets help; ^Z at its end leaves configure mode.

        `typed` says that the operator had seen the prompt, so the line is not part of a paste. With `literal`, the last character
        has no meaning of its own: `ended` says whether ^Z has ended the line.
        """
        self._interrupted = asyncio.Event()
        if ended:
            return await self._end(line)
        if not literal and line.endswith(_CONTROL_Z):
            return await self._end(line[:-1])
        if self._config is None and len(line) > LONGEST_TYPED:
            return Result(f"{TOO_LONG}\n")
        if not literal and not self.reading_text and line.rstrip().endswith("?"):
            return self._print_help(line.rstrip()[:-1])
        if self._config is not None:
            return await self._configure(self._config, line, typed)
        return await self._exec(line, 0, len(self.prompt))

    # --- exec ---

    async def _exec(self, line: str, start: int, prompt_width: int) -> Result:
        """Carries out the exec command that begins at column `start`."""
        text = line[start:].strip()
        if not text or text.startswith("!"):
            return Result()
        try:
            match, line_filter = self._read(line, start)
        except SyntaxProblem as problem:
            return _refused(problem, prompt_width)
        except RegexError:
            return Result("% Failed to compile regular expression.\n")
        out = Output(self._terminal, line_filter)
        try:
            await match.target.run(self._context(out, self._terminal), match)
            out.finish()
        except CommandFailed as failure:
            out.finish()
            return Result("".join(f"{each}\n" for each in failure.lines))
        except OutputEnded:
            return Result()
        if self._line.configuring:
            self._line.configuring = False
            self._config = ConfigSession(self._router.document, self._defer, self._line.origin)
        return Result()

    def _context(self, out: Output, terminal: Terminal) -> Context:
        return Context(self._router, self._line, out, terminal, lambda line: self._carry_out_within(line, out), self._interrupted)

    async def _carry_out_within(self, line: str, outer: Output) -> None:
        """Carry out an exec line as a part of a command, into whose output it writes; a refusal is written there as well."""
        try:
            match, line_filter = self._read(line, 0)
        except SyntaxProblem as problem:
            await outer.lines(problem.render(0))
            return
        terminal = Within(outer, self._terminal)
        out = Output(terminal, line_filter)
        try:
            await match.target.run(self._context(out, terminal), match)
        except CommandFailed as failure:
            await outer.lines(failure.lines)
        out.finish()

    @property
    def _mode(self) -> str:
        if self._line.level == 0:
            return LEVEL_ZERO
        return PRIVILEGED if self._line.privileged else USER

    def _read(self, line: str, start: int) -> tuple[ExecMatch, LineFilter | None]:
        """A command and its output modifier, if any; raises SyntaxProblem and RegexError."""
        bar = line.find("|", start)
        if bar < 0:
            return self._commands.exec.parse(self._mode, line, start), None
        match = self._commands.exec.parse(self._mode, line[:bar], start)
        if match.words[0] != "show":
            raise SyntaxProblem("invalid", line, bar, len(match.words))
        modifier = self._commands.modifiers.parse(MODIFIER, line, bar + 1)
        return match, modifier.target.filter(modifier)

    # --- configure ---

    async def _configure(self, config: ConfigSession, line: str, typed: bool = False) -> Result:
        width = len(self.prompt)
        self._deferred = None
        outcome = config.feed(line, typed=typed)
        if outcome.events:
            self._router.configured(outcome.events)
        if outcome.left:
            self._leave_configure()
        self._terminal.write("".join(f"{each}\n" for each in outcome.output))
        if self._deferred is not None:
            return await self._exec(line, len(line.rstrip()) - len(self._deferred), width)
        return _refused(outcome.problem, width) if outcome.problem else Result(refused=outcome.refused)

    async def _end(self, line: str) -> Result:
        """^Z: configure mode carries out what was typed before it, and is left; elsewhere it drops the line."""
        if self._config is None:
            return Result()
        result = await self._configure(self._config, line)
        self._leave_configure()
        return result

    def _leave_configure(self) -> None:
        """Back to exec. As on IOS the log says so, whether anything was changed or not."""
        if self._config is not None:
            self._config = None
            self._router.syslog.log(config_message(self._line.origin))

    def _defer(self, command: str) -> list[str]:
        """`do`: an exec command may take its time, so it is carried out once configure mode has read the line."""
        self._deferred = command
        return []

    # --- help and completion ---

    def help_text(self, text: str) -> str:
        """What `?` typed after `text` prints; raises SyntaxProblem."""
        if len(text) > LONGEST_TYPED:
            return f"{TOO_LONG}\n"
        entries = self._help_at(text)
        if text and not text[-1].isspace():
            return "  ".join(word for word, _ in entries) + "\n"
        width = max(len(word) for word, _ in entries)
        lines = [f"  {word:<{width}}  {described}".rstrip() for word, described in entries]
        heading = [] if text.strip() else [_HEADINGS[self._config is not None]]
        return "".join(f"{each}\n" for each in (*heading, *lines))

    def complete(self, text: str) -> str:
        """`text` with its last word completed and a blank, where one keyword fits; else `text`."""
        if len(text) > LONGEST_TYPED:
            return text
        bar = self._bar(text)
        if bar >= 0:
            return self._commands.modifiers.complete(MODIFIER, text, bar + 1)
        start = self._exec_start(text)
        if self._config is not None and start is None:
            return self._config.complete(text)
        return self._commands.exec.complete(self._mode, text, start or 0)

    def _print_help(self, text: str) -> Result:
        try:
            self._terminal.write(self.help_text(text))
        except SyntaxProblem as problem:
            if problem.kind == "ambiguous":
                return _refused(problem, len(self.prompt))
            return Result("% Unrecognized command\n")
        return Result()

    def _help_at(self, text: str) -> Sequence[tuple[str, str]]:
        bar = self._bar(text)
        if bar >= 0:
            return self._commands.modifiers.help_at(MODIFIER, text, bar + 1)
        start = self._exec_start(text)
        if self._config is not None and start is None:
            return self._config.help_at(text)
        entries = self._commands.exec.help_at(self._mode, text, start or 0)
        if entries[-1][0] == "<cr>" and self._commands.exec.parse(self._mode, text, start or 0).words[0] == "show":
            entries.insert(-1, ("|", "Output modifiers"))
        return entries

    def _exec_start(self, text: str) -> int | None:
        """Where, in configure mode, the exec command after a `do` begins; None for a configuration line."""
        found = _DO.match(text) if self._config is not None else None
        return found.end() if found else None

    def _bar(self, text: str) -> int:
        """The column of the bar before an output modifier; configuration lines have none."""
        return -1 if self._config is not None and self._exec_start(text) is None else text.find("|")


def _refused(problem: SyntaxProblem, prompt_width: int) -> Result:
    return Result("".join(f"{each}\n" for each in problem.render(prompt_width)), caret=problem.kind == "invalid")
