"""Shell room: the lines of a router: who uses them, their terminal settings, their privilege levels, and help about the help."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from agent.config.line_model import AUX, CONSOLE, VTY
from agent.shell.command import CommandFailed, Context, ExecCommand, ExecMatch
from agent.shell.lines import HISTORY_SIZE, LENGTH, WIDTH, LineState, absolute_number
from agent.syslog.destinations import Terminals

HELP = {
    "clear line": "Reset a terminal line",
    "clear line console": "Primary terminal line",
    "clear line aux": "Auxiliary line",
    "clear line vty": "Virtual terminal",
    "<number>": "Line number",
    "help": "Description of the interactive help system",
    "show history": "Display the session command history",
    "show privilege": "Show current privilege level",
    "show users": "Display information about terminal lines",
    "systat": "Display information about terminal lines",
    "terminal": "Set terminal line parameters",
    "terminal default": "Set a command to its defaults",
    "terminal history": "Enable and control the command history function",
    "terminal history size": "Set history buffer size",
    "terminal history size <size>": "Size of history buffer",
    "terminal length": "Set number of lines on a screen",
    "terminal monitor": "Copy debug output to the current terminal line",
    "terminal no": "Negate a command or set its defaults",
    "terminal width": "Set width of the display terminal",
    "terminal length <length>": "Number of lines on screen (0 for no pausing)",
    "terminal width <width>": "Number of characters on a screen line",
    "who": "Display information about terminal lines",
}

_OF_TERMINAL = ("history", "history size", "length", "monitor", "width")
HELP.update({f"terminal {form} {words}": HELP[f"terminal {words}"] for form in ("no", "default") for words in _OF_TERMINAL})

_ABOUT_HELP = """\
Help may be requested at any point in a command by entering
a question mark '?'.  If nothing matches, the help list will
be empty and you must backup until entering a '?' shows the
available options.
Two styles of help are provided:
1. Full help is available when you are ready to enter a
   command argument (e.g. 'show ?') and describes each possible
   argument.
2. Partial help is provided when an abbreviated argument is entered
   and you want to know what arguments match the input
   (e.g. 'show pr?'.)

"""


async def _help(context: Context, match: ExecMatch) -> None:
    context.out.write(_ABOUT_HELP)


# --- who uses the lines ---


async def _users(context: Context, match: ExecMatch) -> None:
    await context.out.lines(_user_lines(list(context.router.lines), context.line, asyncio.get_running_loop().time()))


def _user_lines(lines: list[LineState], own: LineState, now: float) -> Iterator[str]:
    yield "    Line       User       Host(s)              Idle       Location"
    for line in lines:
        mark = "*" if line is own else " "
        name = f"{line.kind} {line.number}"
        yield f"{mark}{line.absolute:>3} {name:<10}{line.user:<10} {'idle':<20} {_idle(line, now)} {line.host}"
    yield ""
    yield "  Interface    User               Mode         Idle     Peer Address"
    yield ""


def _idle(line: LineState, now: float) -> str:
    minutes, seconds = divmod(int(max(0.0, now - line.typed_at)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{f'{days}d{hours:02}h':>8}"
    return f"{hours:02}:{minutes:02}:{seconds:02}"


async def _clear(context: Context, match: ExecMatch) -> None:
    kind = next((kind for word, kind in (("console", CONSOLE), ("aux", AUX), ("vty", VTY)) if word in match.words), None)
    number = match.number("number") if kind is None else absolute_number(kind, match.number("number"))
    if context.line.absolute == number and kind != CONSOLE:
        raise CommandFailed("% Not allowed to clear current line")
    if not await context.confirmed():
        return
    for line in context.router.lines.with_number(number):
        if line is not context.line:
            line.end()
    context.out.line(" [OK]")


async def _privilege(context: Context, match: ExecMatch) -> None:
    context.out.line(f"Current privilege level is {context.line.level}")


async def _history(context: Context, match: ExecMatch) -> None:
    await context.out.lines(f"  {line}" for line in context.line.histories.exec.lines)


# --- terminal settings ---


async def _length(context: Context, match: ExecMatch) -> None:
    length = match.maybe_number("length")
    context.line.length, context.line.length_set = LENGTH if length is None else length, length is not None


async def _width(context: Context, match: ExecMatch) -> None:
    width = match.maybe_number("width")
    context.line.width, context.line.width_set = WIDTH if width is None else width, width is not None


async def _history_size(context: Context, match: ExecMatch) -> None:
    size = match.maybe_number("size")
    context.line.resize_history(HISTORY_SIZE if size is None else size)


async def _no_history(context: Context, match: ExecMatch) -> None:
    context.line.resize_history(HISTORY_SIZE if "size" in match.words else 0)


async def _monitor(context: Context, match: ExecMatch) -> None:
    if context.line.shows_console and context.router.logging.status(Terminals.CONSOLE.value).severity is not None:
        raise CommandFailed("% Console already monitors")
    context.line.watch(True)


async def _no_monitor(context: Context, match: ExecMatch) -> None:
    context.line.watch(False)


COMMANDS = (
    ExecCommand(
        "clear line {<number:int(0-9999)> | console <number:int(0-0)> | aux <number:int(0-0)> | vty <number:int(0-9999)>}", _clear
    ),
    ExecCommand("help", _help, user=True),
    ExecCommand("show history", _history, user=True),
    ExecCommand("show privilege", _privilege, user=True),
    ExecCommand("show users", _users, user=True),
    ExecCommand("systat", _users, user=True),
    ExecCommand("terminal length <length:int(0-512)>", _length, user=True),
    ExecCommand("terminal {no|default} length", _length, user=True),
    ExecCommand("terminal width <width:int(0-512)>", _width, user=True),
    ExecCommand("terminal {no|default} width", _width, user=True),
    ExecCommand("terminal history [size <size:int(0-256)>]", _history_size, user=True),
    ExecCommand("terminal no history [size]", _no_history, user=True),
    ExecCommand("terminal default history [size]", _history_size, user=True),
    ExecCommand("terminal monitor", _monitor),
    ExecCommand("terminal {no|default} monitor", _no_monitor),
    ExecCommand("who", _users, user=True),
)
