"""Shell room: moving between the modes, and the terminal's settings."""

from __future__ import annotations

from agent.shell.command import MOST_PRIVILEGED, CommandFailed, Context, ExecCommand, ExecMatch

HELP = {
    "configure": "Enter configuration mode",
    "configure terminal": "Configure from the terminal",
    "disable": "Turn off privileged commands",
    "enable": "Turn on privileged commands",
    "exit": "Exit from the EXEC",
    "logout": "Exit from the EXEC",
    "quit": "Exit from the EXEC",
    "terminal": "Set terminal line parameters",
    "terminal length": "Set number of lines on a screen",
    "terminal width": "Set width of the display terminal",
    "<length>": "Number of lines on screen (0 for no pausing)",
    "<width>": "Number of characters on a screen line",
}

_ATTEMPTS = 3


async def _configure(context: Context, match: ExecMatch) -> None:
    if "terminal" not in match:
        typed = await context.terminal.ask("Configuring from terminal, memory, or network [terminal]? ")
        if typed is None or not "terminal".startswith(typed.strip().lower()):
            raise CommandFailed('?Must be "terminal"')
    context.out.line("Enter configuration commands, one per line.  End with CNTL/Z.")
    context.line.configuring = True


async def _enable(context: Context, match: ExecMatch) -> None:
    """Asks for the secret, else the password; with neither configured a console is let in, and ours is its owner's alone."""
    config = context.router.document.config
    if config.enable_secret is not None:
        stored, encoding, refusal = config.enable_secret, config.enable_secret_encoding, "% Bad secrets"
    elif config.enable_password is not None:
        stored, encoding, refusal = config.enable_password, config.enable_password_encoding, "% Bad passwords"
    else:
        context.line.level = MOST_PRIVILEGED
        return
    attempts = 0
    while not context.line.privileged:
        typed = await context.terminal.ask("Password: ", secret=True)
        attempts += 1
        if typed is not None and await context.router.password_matches(typed, stored, encoding):
            context.line.level = MOST_PRIVILEGED
        elif typed is None or attempts == _ATTEMPTS:
            raise CommandFailed(refusal, "")


async def _stay_enabled(context: Context, match: ExecMatch) -> None:
    if not context.line.privileged:
        await _enable(context, match)


async def _disable(context: Context, match: ExecMatch) -> None:
    context.line.level = 1


async def _exit(context: Context, match: ExecMatch) -> None:
    context.line.closed = True


async def _length(context: Context, match: ExecMatch) -> None:
    context.line.length = match.number("length")
    context.line.length_set = True


async def _width(context: Context, match: ExecMatch) -> None:
    context.line.width = match.number("width")
    context.line.width_set = True


COMMANDS = (
    ExecCommand("configure [terminal]", _configure),
    ExecCommand("enable", _stay_enabled, user=True),
    ExecCommand("disable", _disable, user=True),
    ExecCommand("exit", _exit, user=True),
    ExecCommand("logout", _exit, user=True),
    ExecCommand("quit", _exit, user=True),
    ExecCommand("terminal length <length:int(0-512)>", _length, user=True),
    ExecCommand("terminal width <width:int(0-512)>", _width, user=True),
)
