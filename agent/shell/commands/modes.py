"""Shell room: moving between the modes and the privilege levels."""

from __future__ import annotations

from collections.abc import Sequence

from agent.aaa.cli import TerminalLine
from agent.aaa.methods import Entered, Outcome
from agent.base.text import shown
from agent.engine.access import LoginAttempt, LoginChallenge
from agent.shell.command import CommandFailed, Context, ExecCommand, ExecMatch
from agent.shell.lines import MOST_PRIVILEGED

HELP = {
    "configure": "Enter configuration mode",
    "configure terminal": "Configure from the terminal",
    "disable": "Turn off privileged commands",
    "enable": "Turn on privileged commands",
    "<level>": "Enable level",
    "exit": "Exit from the EXEC",
    "logout": "Exit from the EXEC",
    "quit": "Exit from the EXEC",
}

_ATTEMPTS = 3
_NO_PASSWORD = "% No password set"
_DENIED = "% Access denied"
_NO_AUTHENTICATION = "% Error in authentication."
_PASSWORD = LoginChallenge("Password: ", b"")


async def _configure(context: Context, match: ExecMatch) -> None:
    if "terminal" not in match:
        typed = await context.terminal.ask("Configuring from terminal, memory, or network [terminal]? ")
        if typed is None or not "terminal".startswith(typed.strip().lower()):
            raise CommandFailed('?Must be "terminal"')
    context.out.line("Enter configuration commands, one per line.  End with CNTL/Z.")
    context.line.configuring = True


async def _enable(context: Context, match: ExecMatch) -> None:
    line, level = context.line, _level(match, MOST_PRIVILEGED)
    if level > line.level:
        await _authenticate(context, level)
    line.level = level


async def _authenticate(context: Context, level: int) -> None:
    """Ask for what the methods of `enable` want. With `aaa new-model` there is one attempt."""
    config, logins = context.router.document.config, context.router.logins
    line = TerminalLine(context.line.kind, context.line.number, context.line.absolute, context.line.host)
    methods = logins.enable_methods(level, line)
    if methods[:1] == ("none",):
        return
    if not methods:
        raise CommandFailed(_NO_AUTHENTICATION if config.aaa.new_model else _NO_PASSWORD)
    for _ in range(1 if config.aaa.new_model else _ATTEMPTS):
        proved = await _proves(context, level, line)
        if proved:
            return
        if proved is None:
            break
    if config.aaa.new_model:
        refusal = _NO_AUTHENTICATION if _asks_servers(methods) else _DENIED
    else:
        refusal = "% Bad secrets" if config.enable_secret is not None else "% Bad passwords"
    raise CommandFailed(refusal, "")


async def _proves(context: Context, level: int, line: TerminalLine) -> bool | None:
    """Whether what is typed is right: the password, and what a server wants to know beside it. None: nothing more is typed."""
    outcome: Outcome = _PASSWORD
    while isinstance(outcome, LoginChallenge):
        *instructions, question = shown(outcome.message).split("\n")
        for instruction in instructions:
            context.out.line(instruction)
        typed = await context.terminal.ask(question, secret=not outcome.echo)
        if typed is None:
            return None
        outcome = await context.router.logins.enable(level, LoginAttempt("", typed, outcome.state or None), line)
    return isinstance(outcome, Entered)


def _asks_servers(methods: Sequence[str]) -> bool:
    return any(method.startswith("group ") for method in methods)


async def _disable(context: Context, match: ExecMatch) -> None:
    context.line.level = min(context.line.level, _level(match, 1))


def _level(match: ExecMatch, default: int) -> int:
    level = match.maybe_number("level")
    return default if level is None else level


async def _exit(context: Context, match: ExecMatch) -> None:
    context.line.closed = True


COMMANDS = (
    ExecCommand("configure [terminal]", _configure),
    ExecCommand("enable [<level:int(0-15)>]", _enable, user=True),
    ExecCommand("disable [<level:int(0-15)>]", _disable, user=True),
    ExecCommand("exit", _exit, user=True),
    ExecCommand("logout", _exit, user=True),
    ExecCommand("quit", _exit, user=True),
)
