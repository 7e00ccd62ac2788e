"""Shell room: `show` of the router itself: its configuration, its clock, its interfaces, what it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from agent.base.clock import SECOND
from agent.base.text import octets_of
from agent.flow.device import InterfaceState
from agent.shell.command import Context, ExecCommand, ExecMatch
from agent.shell.releases import Release, release_of
from agent.shell.router import Router

HELP = {
    "show": "Show running system information",
    "show clock": "Display the system clock",
    "show ip": "IP information",
    "show ip interface": "IP interface status and configuration",
    "brief": "Brief summary of IP status and configuration",
    "show running-config": "Current operating configuration",
    "show version": "System hardware and software status",
}

_UNITS = (("year", 31536000), ("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60))
_NAME_WIDTH = {Release.CLASSIC: 26, Release.XE: 22}


async def _running_config(context: Context, match: ExecMatch) -> None:
    text = context.router.document.render()
    context.out.line("Building configuration...")
    context.out.line()
    context.out.line(f"Current configuration : {len(octets_of(text))} bytes")
    await context.out.lines(text.removesuffix("\n").split("\n"))


async def _clock(context: Context, match: ExecMatch) -> None:
    now = _now(context.router)
    # The asterisk says that the time is not from an authoritative source: nothing here vouches for it.
    stamp = now.strftime(f"*%H:%M:%S.{now.microsecond // 1000:03d}")
    context.out.line(f"{stamp} {now.tzname()} {now.strftime('%a %b')} {now.day} {now.year}")


def _now(router: Router) -> datetime:
    name, minutes = router.document.config.timezone
    zone = timezone(timedelta(minutes=minutes), name)
    return (router.epoch + timedelta(microseconds=router.monitor.clock.now())).astimezone(zone)


async def _version(context: Context, match: ExecMatch) -> None:
    router = context.router
    config = router.document.config
    out = context.out
    out.line(f"{router.software}, showing a router configured as IOS release {config.version}")
    if router.device.description:
        await out.lines(router.device.description.splitlines())
    out.line()
    out.line(f"{config.hostname} uptime is {_uptime(router.monitor.clock.now() // SECOND)}")
    out.line(f"System image file is none: this router runs inside a process of {router.software.split()[0]}")
    out.line()
    out.line(f"{len(router.device.interfaces)} interfaces")


def _uptime(seconds: int) -> str:
    """As IOS puts it: the largest units first, down to minutes."""
    parts = []
    for unit, length in _UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}{'s' if count > 1 else ''}")
    return ", ".join(parts) or "0 minutes"


async def _interfaces(context: Context, match: ExecMatch) -> None:
    await context.out.lines(_interface_lines(context.router))


def _interface_lines(router: Router) -> Iterator[str]:
    config = router.document.config
    width = _NAME_WIDTH[release_of(config.version)]
    yield f"{'Interface':<{width}} {'IP-Address':<15} OK? Method {'Status':<21} Protocol"
    for state in sorted(router.device.interfaces.values(), key=lambda state: state.index):
        interface = config.interfaces.get(state.name)
        address = str(interface.address.ip) if interface and interface.address else "unassigned"
        method = "NVRAM" if address != "unassigned" else "unset"
        protocol = "up" if state.oper_up else "down"
        yield f"{state.name:<{width}} {address:<15} YES {method:<6} {_status(state):<21} {protocol:<8}"


def _status(state: InterfaceState) -> str:
    if not state.admin_up:
        return "administratively down"
    return "up" if state.oper_up else "down"


COMMANDS = (
    ExecCommand("show clock", _clock, user=True),
    ExecCommand("show ip interface brief", _interfaces, user=True),
    ExecCommand("show running-config", _running_config),
    ExecCommand("show version", _version, user=True),
)
