"""Shell room: `show vrf` and `show ip vrf`."""

from __future__ import annotations

from agent.shell.command import CommandFailed, Context, ExecCommand, ExecMatch
from agent.shell.releases import release_of
from agent.shell.render.interfaces import ShownInterface
from agent.shell.render.vrfs import ShownVrf, detail_lines, interface_lines, ip_table_lines, table_lines

HELP = {
    "show vrf": "VPN Routing/Forwarding instance information",
    "show vrf brief": "Brief VRF information",
    "show vrf detail": "Detailed VRF information",
    "show ip vrf": "VPN Routing/Forwarding instance information",
    "show ip vrf brief": "Brief VRF information",
    "show ip vrf detail": "Detailed VRF information",
    "show ip vrf interfaces": "Show VRF interface information",
}


def _shown(context: Context, match: ExecMatch) -> list[ShownVrf]:
    """The VRF that is asked for, else all."""
    router, only = context.router, match.maybe_word("vrf")
    config = router.document.config
    if only is not None and only not in config.vrfs:
        raise CommandFailed(f"% VRF {only} does not exist")
    interfaces: dict[str, list[ShownInterface]] = {}
    for state in sorted(router.device.interfaces.values(), key=lambda state: state.index):
        interface = config.interfaces.get(state.name)
        if interface is not None and interface.vrf is not None:
            interfaces.setdefault(interface.vrf, []).append(ShownInterface(state, interface))
    return [
        ShownVrf(vrf, number, tuple(interfaces.get(vrf.name, ())))
        for number, vrf in enumerate(config.vrfs.values(), 1)
        if only in (None, vrf.name)
    ]


async def _table(context: Context, match: ExecMatch) -> None:
    await context.out.lines(table_lines(_shown(context, match)))


async def _ip_table(context: Context, match: ExecMatch) -> None:
    await context.out.lines(ip_table_lines(_shown(context, match), release_of(context.router.document.config.version)))


async def _detail(context: Context, match: ExecMatch) -> None:
    await context.out.lines(detail_lines(_shown(context, match)))


async def _interfaces(context: Context, match: ExecMatch) -> None:
    await context.out.lines(interface_lines(_shown(context, match)))


COMMANDS = (
    ExecCommand("show vrf [brief] [<vrf:word>]", _table, user=True),
    ExecCommand("show vrf detail [<vrf:word>]", _detail, user=True),
    ExecCommand("show ip vrf [brief] [<vrf:word>]", _ip_table, user=True),
    ExecCommand("show ip vrf detail [<vrf:word>]", _detail, user=True),
    ExecCommand("show ip vrf interfaces [<vrf:word>]", _interfaces, user=True),
)
