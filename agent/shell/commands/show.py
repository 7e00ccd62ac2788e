"""Shell room: `show` of the router itself: its configuration, its clock, its hosts, what it is."""

from __future__ import annotations

from agent.base.clock import SECOND
from agent.base.process import resident_octets
from agent.base.spans import dated
from agent.base.text import octets_of
from agent.shell.command import CommandFailed, Context, ExecCommand, ExecMatch
from agent.shell.render.platform import Platform, host_lines, inventory_lines, version_lines
from agent.shell.router import Router

HELP = {
    "show": "Show running system information",
    "show clock": "Display the system clock",
    "show hosts": "IP domain-name, lookup style, nameservers, and host table",
    "show inventory": "Show the physical inventory",
    "show running-config": "Current operating configuration",
    "show running-config interface": "Show interface configuration",
    "show version": "System hardware and software status",
}


async def show_running_config(context: Context, match: ExecMatch) -> None:
    document = context.router.document
    text = document.render()
    if (name := match.maybe_word("interface")) is not None:
        if name not in document.config.interfaces:
            raise CommandFailed(f"% {name}: there is no such interface")
        text = f"!\n{_section(text, f'interface {name}')}end\n"
    context.out.line("Building configuration...")
    context.out.line()
    context.out.line(f"Current configuration : {len(octets_of(text))} bytes")
    await context.out.lines(text.removesuffix("\n").split("\n"))


def _section(text: str, heading: str) -> str:
    """The lines of a section of a configuration. Its heading may have more words (`point-to-point`)."""
    lines = text.split("\n")
    begin = next(at for at, line in enumerate(lines) if f"{line} ".startswith(f"{heading} "))
    end = next(at for at in range(begin + 1, len(lines)) if not lines[at].startswith(" "))
    return "".join(f"{line}\n" for line in lines[begin:end])


async def _clock(context: Context, match: ExecMatch) -> None:
    now = context.router.moment(context.router.monitor.clock.now())
    # The asterisk says that the time is not from an authoritative source: nothing here vouches for it.
    stamp = now.strftime(f"*%H:%M:%S.{now.microsecond // 1000:03d}")
    context.out.line(f"{stamp} {now.tzname()} {now.strftime('%a %b')} {now.day} {now.year}")


async def _version(context: Context, match: ExecMatch) -> None:
    await context.out.lines(version_lines(_platform(context.router)))


async def _inventory(context: Context, match: ExecMatch) -> None:
    await context.out.lines(inventory_lines(_platform(context.router)))


def _platform(router: Router) -> Platform:
    config, device = router.document.config, router.device
    return Platform(
        hostname=config.hostname,
        software=router.software,
        release=config.version,
        description=device.description,
        uptime=router.monitor.clock.now() // SECOND,
        restarted=dated(router.moment(0)),
        cause=device.restarted_by,
        memory=resident_octets(),
        serial=config.snmp.chassis_id or config.hostname,
        interfaces=tuple(state.name for state in sorted(device.interfaces.values(), key=lambda state: state.index)),
    )


async def _hosts(context: Context, match: ExecMatch) -> None:
    config = context.router.document.config
    await context.out.lines(host_lines(config.hosts, config.domain_name, config.domain_lookup, config.name_servers))


COMMANDS = (
    ExecCommand("show clock", _clock, user=True),
    ExecCommand("show hosts", _hosts, user=True),
    ExecCommand("show inventory", _inventory, user=True),
    ExecCommand("show running-config [interface <interface:interface>]", show_running_config),
    ExecCommand("show version", _version, user=True),
)
