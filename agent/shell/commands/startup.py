"""Shell room: the startup configuration: `write`, `copy`, `erase`, `show startup-config`; and `reload`."""

from __future__ import annotations

from agent.base.errors import UserError
from agent.base.origin import Origin, OriginKind
from agent.base.text import octets_of
from agent.config.startup import StartupError
from agent.shell.command import CommandFailed, Context, ExecCommand, ExecMatch
from agent.shell.commands.show import show_running_config
from agent.shell.releases import NVRAM_OCTETS, release_of
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
    "show startup-config": "Contents of startup configuration",
    "startup-config": "Copy to startup configuration",
    "write": "Write running configuration to memory, network, or terminal",
    "write erase": "Erase NV memory",
    "write memory": "Write to NV memory",
    "write terminal": "Write to terminal",
}

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
    router = context.router
    text = f"Reload requested by {_who(context.line.origin)}. Reload Reason: Reload Command."
    router.syslog.log(Message("SYS", Severity.NOTIFICATIONS, "RELOAD", text))
    context.line.closed = True
    try:
        router.reload()
    except UserError as error:
        context.line.closed = False
        raise CommandFailed(*(f"% {line}" for line in str(error).splitlines())) from None


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


def _who(origin: Origin) -> str:
    return origin.name or origin.kind.value


COMMANDS = (
    ExecCommand("write [memory]", _write_memory),
    ExecCommand("write terminal", show_running_config),
    ExecCommand("write erase", _erase),
    ExecCommand("copy {running-config|system:running-config} {startup-config|nvram:startup-config|nvram:}", _copy),
    ExecCommand("erase {startup-config|nvram:}", _erase),
    ExecCommand("show startup-config", _show_startup),
    ExecCommand("reload", _reload),
)
