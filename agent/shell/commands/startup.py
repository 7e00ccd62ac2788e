"""Shell room: the startup configuration: `write`, `copy`, `erase`, `show startup-config`; and `reload`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from agent.base.clock import SECOND
from agent.base.errors import UserError
from agent.base.origin import OriginKind
from agent.base.text import octets_of
from agent.config.startup import StartupError
from agent.shell.command import CommandFailed, Context, ExecCommand, ExecMatch
from agent.shell.commands.show import show_running_config
from agent.shell.releases import NVRAM_OCTETS, release_of
from agent.shell.reloads import Planned
from agent.shell.router import Router
from agent.syslog.box import typed_by
from agent.syslog.message import Message, Severity

HELP = {
    "copy": "Copy from one file to another",
    "copy running-config": "Copy from current system configuration",
    "copy system:running-config": "Copy from current system configuration",
    "copy running-config startup-config": "Copy to startup configuration",
    "erase": "Erase a filesystem",
    "erase startup-config": "Erase contents of configuration memory",
    "erase nvram:": "Filesystem to be erased",
    "nvram:startup-config": "Copy to startup configuration",
    "nvram:": "Copy to nvram: file system",
    "reload": "Halt and perform a cold restart",
    "reload at": "Reload at a specific time/date",
    "reload cancel": "Cancel pending reload",
    "reload in": "Reload after a time interval",
    "show reload": "Scheduled reload information",
    "<delay>": "Delay before reload (mmm or hhh:mm)",
    "<reason>": "Reason for reload",
    "<time>": "Time to reload (hh:mm)",
    "show startup-config": "Contents of startup configuration",
    "startup-config": "Copy to startup configuration",
    "write": "Write running configuration to memory, network, or terminal",
    "write erase": "Erase NV memory",
    "write memory": "Write to NV memory",
    "write terminal": "Write to terminal",
}

_REASON = "Reload Command"
_DESTINATIONS = ("", "startup-config", "nvram:startup-config")


async def _confirmed(context: Context, question: str) -> bool:
    """IOS's `[confirm]`: Enter or `y` goes on, anything else does not. Nobody is there to ask for the lab's timeline."""
    if context.line.origin.kind is OriginKind.TIMELINE:
        return True
    answer = await context.terminal.ask(f"{question} [confirm]")
    return answer is not None and answer.strip().lower() in ("", "y", "yes")


async def _save(context: Context) -> None:
    context.out.line("Building configuration...")
    try:
        context.router.startup.save(context.router.document)
    except StartupError as error:
        raise CommandFailed(f"%Error opening nvram:/startup-config ({error})") from None
    context.out.line("[OK]")


async def _write_memory(context: Context, match: ExecMatch) -> None:
    await _save(context)


async def _copy(context: Context, match: ExecMatch) -> None:
    if context.line.origin.kind is not OriginKind.TIMELINE:
        name = await context.terminal.ask("Destination filename [startup-config]? ")
        if name is None:
            return
        if name.strip() not in _DESTINATIONS:
            raise CommandFailed(f"%Error opening nvram:/{name.strip()} (No such file or directory)")
    await _save(context)


async def _erase(context: Context, match: ExecMatch) -> None:
    if not await _confirmed(context, "Erasing the nvram filesystem will remove all configuration files! Continue?"):
        return
    try:
        context.router.startup.erase()
    except StartupError as error:
        raise CommandFailed(f"%Error erasing nvram: ({error})") from None
    context.out.line("[OK]")
    context.out.line("Erase of nvram: complete")
    context.router.syslog.log(Message("SYS", Severity.DEBUGGING, "NV_BLOCK_INIT", "Initialized the geometry of nvram"))


async def _show_startup(context: Context, match: ExecMatch) -> None:
    text = context.router.startup.shown
    if text is None:
        raise CommandFailed("startup-config is not present")
    most = NVRAM_OCTETS[release_of(context.router.document.config.version)]
    context.out.line(f"Using {len(octets_of(text))} out of {most} bytes")
    await context.out.lines(text.removesuffix("\n").split("\n"))


async def _reload(context: Context, match: ExecMatch) -> None:
    if not await _saved_before_reload(context) or not await _confirmed(context, "Proceed with reload?"):
        return
    _log_reload(context.router, typed_by(context.line.origin), _REASON)
    context.line.closed = True
    try:
        context.router.reloads.now()
    except UserError as error:
        context.line.closed = False
        raise CommandFailed(*(f"% {line}" for line in str(error).splitlines())) from None


async def _reload_later(context: Context, match: ExecMatch) -> None:
    router = context.router
    now = router.monitor.clock.now()
    planned = Planned(
        now + (_delay(match.word("delay")) if "in" in match else _until(router, match.word("time"))),
        typed_by(context.line.origin),
        match.maybe_word("reason") or _REASON,
    )
    if not await _saved_before_reload(context):
        return
    await context.out.lines(_planned_lines(router, planned))
    if not await _confirmed(context, "Proceed with reload?"):
        return
    when = f"{_date(router, planned.at)} at {_date(router, now)}"
    text = f"Reload requested for {when} by {planned.by}. Reload Reason: {planned.reason}."
    router.syslog.log(Message("SYS", Severity.NOTIFICATIONS, "SCHEDULED_RELOAD", text))
    router.reloads.plan(planned, lambda: _log_reload(router, planned.by, planned.reason))


async def _cancel_reload(context: Context, match: ExecMatch) -> None:
    router = context.router
    if not router.reloads.cancel():
        raise CommandFailed("%No reload is scheduled.")
    await context.out.lines(("", "", "***", "*** --- SHUTDOWN ABORTED ---", "***", ""))
    text = f"Scheduled reload cancelled at {_date(router, router.monitor.clock.now())}"
    router.syslog.log(Message("SYS", Severity.NOTIFICATIONS, "SCHEDULED_RELOAD_CANCELLED", text))


async def _show_reload(context: Context, match: ExecMatch) -> None:
    planned = context.router.reloads.planned
    await context.out.lines(("No reload is scheduled.",) if planned is None else _planned_lines(context.router, planned))


def _planned_lines(router: Router, planned: Planned) -> tuple[str, ...]:
    left = _duration((planned.at - router.monitor.clock.now()) // SECOND)
    return f"Reload scheduled for {_date(router, planned.at)} (in {left}) by {planned.by}", f"Reload reason: {planned.reason}"


def _duration(seconds: int) -> str:
    """As IOS has it: the two largest units, "1 hour and 5 minutes"."""
    parts = []
    for unit, length in (("hour", 3600), ("minute", 60), ("second", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}{'s' if count > 1 else ''}")
    return " and ".join(parts[:2]) or "0 seconds"


def _delay(text: str) -> int:
    """[hhh:]mm as microseconds."""
    found = re.fullmatch(r"(?:(\d{1,3}):)?(\d{1,3})", text, re.ASCII)
    minutes = 60 * int(found[1] or 0) + int(found[2]) if found else 0
    if not minutes:
        raise CommandFailed("%Invalid reload time: give minutes, or hours:minutes")
    return minutes * 60 * SECOND


def _until(router: Router, text: str) -> int:
    """How long, in microseconds, until hh:mm by the router's time zone."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})", text, re.ASCII)
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise CommandFailed("%Invalid reload time: give hours:minutes of a day")
    now = _moment(router, router.monitor.clock.now())
    wanted = now.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
    if wanted <= now:
        wanted += timedelta(days=1)
    return (wanted - now) // timedelta(microseconds=1)


def _moment(router: Router, time: int) -> datetime:
    return (router.epoch + timedelta(microseconds=time)).astimezone(router.document.config.zone)


def _date(router: Router, time: int) -> str:
    return _moment(router, time).strftime("%H:%M:%S %Z %a %b %-d %Y")


def _log_reload(router: Router, by: str, reason: str) -> None:
    text = f"Reload requested by {by}. Reload Reason: {reason}."
    router.syslog.log(Message("SYS", Severity.NOTIFICATIONS, "RELOAD", text))


async def _saved_before_reload(context: Context) -> bool:
    """Ask about a configuration that is not saved; whether to go on."""
    router = context.router
    if not router.startup.differs(router.document) or context.line.origin.kind is OriginKind.TIMELINE:
        return True
    while (answer := await context.terminal.ask("\nSystem configuration has been modified. Save? [yes/no]: ")) is not None:
        wanted = answer.strip().lower()
        if wanted and "yes".startswith(wanted):
            await _save(context)
            return True
        if wanted and "no".startswith(wanted):
            return True
        context.out.line("% Please answer 'yes' or 'no'.")
    return False


COMMANDS = (
    ExecCommand("write [memory]", _write_memory),
    ExecCommand("write terminal", show_running_config),
    ExecCommand("write erase", _erase),
    ExecCommand("copy {running-config|system:running-config} {startup-config|nvram:startup-config|nvram:}", _copy),
    ExecCommand("erase {startup-config|nvram:}", _erase),
    ExecCommand("show startup-config", _show_startup),
    ExecCommand("reload", _reload),
    ExecCommand("reload in <delay:word> [<reason:line>]", _reload_later),
    ExecCommand("reload at <time:word> [<reason:line>]", _reload_later),
    ExecCommand("reload cancel", _cancel_reload),
    ExecCommand("show reload", _show_reload, user=True),
)
