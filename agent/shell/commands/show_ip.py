"""Shell room: `show interfaces`, `show ip interface` and `show ip route`."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from agent.flow.device import RouteSource
from agent.shell.command import CommandFailed, Context, ExecCommand, ExecMatch
from agent.shell.releases import release_of
from agent.shell.render.interfaces import ShownInterface, brief_lines, description_lines, full_lines, ip_lines
from agent.shell.render.routes import entry_lines, route_lines
from agent.shell.router import Router

HELP = {
    "show interfaces": "Interface status and configuration",
    "show interfaces description": "Show interface description",
    "show interfaces <interface>": "Interface name",
    "show ip": "IP information",
    "show ip interface": "IP interface status and configuration",
    "show ip interface <interface>": "Interface name",
    "brief": "Brief summary of IP status and configuration",
    "show ip route": "IP routing table",
    "show ip route vrf": "Display routes from a VPN Routing/Forwarding instance",
    "show ip route vrf <vrf>": "VPN Routing/Forwarding instance name",
    "connected": "Connected",
    "static": "Static routes",
    "show ip route <address>": "Network to display information about",
    "show ip route vrf <vrf> <address>": "Network to display information about",
    "<mask>": "Network mask",
}


def _shown(router: Router, only: str | None = None) -> list[ShownInterface]:
    """Every interface in ifIndex order, or the one of a name; refused where there is none of that name."""
    configured = router.document.config.interfaces
    states = sorted(router.device.interfaces.values(), key=lambda state: state.index)
    found = [ShownInterface(state, configured.get(state.name)) for state in states if only in (None, state.name)]
    if only is not None and not found:
        raise CommandFailed(f"% {only}: there is no such interface")
    return found


async def _brief(context: Context, match: ExecMatch) -> None:
    await context.out.lines(brief_lines(_shown(context.router), release_of(context.router.document.config.version)))


async def _descriptions(context: Context, match: ExecMatch) -> None:
    await context.out.lines(description_lines(_shown(context.router)))


async def _interfaces(context: Context, match: ExecMatch) -> None:
    now = context.router.monitor.clock.now()
    shown = _shown(context.router, match.maybe_word("interface"))
    await context.out.lines(line for each in shown for line in full_lines(each, now))


async def _ip_interfaces(context: Context, match: ExecMatch) -> None:
    shown = _shown(context.router, match.maybe_word("interface"))
    await context.out.lines(line for each in shown for line in ip_lines(each))


async def _routes(context: Context, match: ExecMatch) -> None:
    router, vrf = context.router, match.maybe_word("vrf")
    config = router.document.config
    if vrf is not None and vrf not in config.vrfs:
        raise CommandFailed(f"% IP routing table vrf {vrf} does not exist")
    address = match.maybe_address("address")
    if address is not None:
        await context.out.lines(entry_lines(router.device.routes(vrf), _network(address, match.maybe_address("mask"))))
        return
    wanted = next((source for source in RouteSource if source.value in match), None)
    own = {name: [each.ip for each in interface.addresses] for name, interface in config.interfaces.items()}
    await context.out.lines(route_lines(router.device.routes(vrf), own, release_of(config.version), vrf, wanted))


def _network(address: IPv4Address, mask: IPv4Address | None) -> IPv4Network:
    return IPv4Network((int(address), 32)) if mask is None else IPv4Network((int(address) & int(mask), str(mask)))


COMMANDS = (
    ExecCommand("show interfaces description", _descriptions, user=True),
    ExecCommand("show interfaces [<interface:interface>]", _interfaces, user=True),
    ExecCommand("show ip interface brief", _brief, user=True),
    ExecCommand("show ip interface [<interface:interface>]", _ip_interfaces, user=True),
    ExecCommand("show ip route [vrf <vrf:word>] [connected|static]", _routes, user=True),
    ExecCommand("show ip route [vrf <vrf:word>] <address:address> [<mask:mask>]", _routes, user=True),
)
