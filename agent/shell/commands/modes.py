"""Shell room: moving between the modes and the privilege levels."""

from __future__ import annotations

from agent.config.line_model import VTY
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


async def _configure(context: Context, match: ExecMatch) -> None:
    if "terminal" not in match:
        typed = await context.terminal.ask("Configuring from terminal, memory, or network [terminal]? ")
        if typed is None or not "terminal".startswith(typed.strip().lower()):
            raise CommandFailed('?Must be "terminal"')
    context.out.line("Enter configuration commands, one per line.  End with CNTL/Z.")
    context.line.configuring = True


async def _enable(context: Context, match: ExecMatch) -> None:
    """A higher level needs its secret or password. With neither, IOS lets its console in, and ours is its owner's alone."""
    line, level = context.line, _level(match, MOST_PRIVILEGED)
    if level > line.level:
        await _authenticate(context, level)
    line.level = level


async def _authenticate(context: Context, level: int) -> None:
    config = context.router.document.config
    stored, encoding, refusal = None, 0, ""
    if level == MOST_PRIVILEGED and config.enable_secret is not None:
        stored, encoding, refusal = config.enable_secret, config.enable_secret_encoding, "% Bad secrets"
    elif level == MOST_PRIVILEGED and config.enable_password is not None:
        stored, encoding, refusal = config.enable_password, config.enable_password_encoding, "% Bad passwords"
    if stored is None:
        if context.line.kind == VTY:
            raise CommandFailed(_NO_PASSWORD)
        return
    for _ in range(_ATTEMPTS):
        typed = await context.terminal.ask("Password: ", secret=True)
        if typed is None:
            break
        if await context.router.password_matches(typed, stored, encoding):
            return
    raise CommandFailed(refusal, "")


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
