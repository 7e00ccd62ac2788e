"""Shell room: the startup configuration: `write`, `copy`, `erase`, `show startup-config`; and `reload`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from agent.base.clock import SECOND
from agent.base.errors import UserError
from agent.base.origin import Origin, OriginKind
from agent.base.spans import dated, units
from agent.base.text import octets_of
from agent.config.session import Session as ConfigSession
from agent.config.startup import StartupError
from agent.shell.command import CommandFailed, Context, ExecCommand, ExecMatch
from agent.shell.commands.show import show_running_config
from agent.shell.releases import NVRAM_OCTETS, release_of
from agent.shell.reloads import Planned
from agent.shell.router import Router
from agent.syslog.box import config_message, typed_by
from agent.syslog.message import Message, Severity

HELP = {
    "copy": "Copy from one file to another",
    "copy running-config": "Copy from current system configuration",
    "copy system:running-config": "Copy from current system configuration",
    "copy running-config startup-config": "Copy to startup configuration",
    "copy startup-config": "Copy from startup configuration",
    "copy startup-config running-config": "Update (merge with) current system configuration",
    "copy startup-config system:running-config": "Update (merge with) current system configuration",
    "copy nvram:startup-config": "Copy from startup configuration",
    "copy nvram:startup-config running-config": "Update (merge with) current system configuration",
    "copy nvram:startup-config system:running-config": "Update (merge with) current system configuration",
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


async def _confirmed(context: Context, question: str) -> bool:
    """IOS's `[confirm]`. Nobody is there to ask for the lab's timeline."""
    return context.line.origin.kind is OriginKind.TIMELINE or await context.confirmed(f"{question} ")


async def _ask_for_name(context: Context, name: str, system: str) -> None:
    """Ask for the name of a copy, which can be `name` alone, on the file system `system`."""
    if context.line.origin.kind is OriginKind.TIMELINE:
        return
    wanted = (await context.answer(f"Destination filename [{name}]? ")).removeprefix(system)
    if wanted not in ("", name):
        raise CommandFailed(f"%Error opening {system}/{wanted} (No such file or directory)")


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
    await _ask_for_name(context, "startup-config", "nvram:")
    await _save(context)


async def _merge(context: Context, match: ExecMatch) -> None:
    """Read the startup configuration into the running one. As on IOS, nothing is removed that only the running one has."""
    router, clock = context.router, context.router.monitor.clock
    await _ask_for_name(context, "running-config", "system:")
    text = router.startup.whole
    if text is None:
        raise CommandFailed("%Error opening nvram:/startup-config (No such file or directory)")
    begun = clock.now()
    await context.out.lines(_merged(router, text, context.line.origin))
    octets, seconds = len(octets_of(text)), max((clock.now() - begun) / SECOND, 0.001)
    context.out.line(f"{octets} bytes copied in {seconds:.3f} secs ({octets / seconds:.0f} bytes/sec)")
    router.syslog.log(config_message(context.line.origin, "memory"))


def _merged(router: Router, text: str, origin: Origin) -> Iterator[str | None]:
    """Carry out each line, and give way to others after it. The lines are those that are refused, with what IOS says."""
    session = ConfigSession(router.document, origin=origin)
    for line in text.split("\n"):
        outcome = session.feed(line)
        if outcome.events:
            router.configured(outcome.events)
        if outcome.problem is not None:
            yield line
            yield from outcome.problem.render(0)
        if not session.reading_text:
            yield from outcome.output
        yield None


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
    await _offer_to_save(context)
    if not await _confirmed(context, "Proceed with reload?"):
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
    await _offer_to_save(context)
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
    return " and ".join(units(seconds, "hour", "minute", "second")[:2]) or "0 seconds"


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
    now = router.moment(router.monitor.clock.now())
    wanted = now.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
    if wanted <= now:
        wanted += timedelta(days=1)
    return (wanted - now) // timedelta(microseconds=1)


def _date(router: Router, time: int) -> str:
    return dated(router.moment(time))


def _log_reload(router: Router, by: str, reason: str) -> None:
    text = f"Reload requested by {by}. Reload Reason: {reason}."
    router.syslog.log(Message("SYS", Severity.NOTIFICATIONS, "RELOAD", text))


async def _offer_to_save(context: Context) -> None:
    """Ask about a configuration that is not saved."""
    router = context.router
    if not router.startup.differs(router.document) or context.line.origin.kind is OriginKind.TIMELINE:
        return
    while True:
        wanted = (await context.answer("\nSystem configuration has been modified. Save? [yes/no]: ")).lower()
        if wanted and "yes".startswith(wanted):
            await _save(context)
            return
        if wanted and "no".startswith(wanted):
            return
        context.out.line("% Please answer 'yes' or 'no'.")


COMMANDS = (
    ExecCommand("write [memory]", _write_memory),
    ExecCommand("write terminal", show_running_config),
    ExecCommand("write erase", _erase),
    ExecCommand("copy {running-config|system:running-config} {startup-config|nvram:startup-config|nvram:}", _copy),
    ExecCommand("copy {startup-config|nvram:startup-config} {running-config|system:running-config}", _merge),
    ExecCommand("erase {startup-config|nvram:}", _erase),
    ExecCommand("show startup-config", _show_startup),
    ExecCommand("reload", _reload),
    ExecCommand("reload in <delay:word> [<reason:line>]", _reload_later),
    ExecCommand("reload at <time:word> [<reason:line>]", _reload_later),
    ExecCommand("reload cancel", _cancel_reload),
    ExecCommand("show reload", _show_reload, user=True),
)
