"""Shell room: `show snmp …`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from agent.config.snmp_model import SnmpConfig
from agent.shell.command import Context, ExecCommand, ExecMatch
from agent.shell.render.snmp import (
    NOT_ENABLED,
    community_lines,
    engine_lines,
    group_lines,
    host_lines,
    statistics_lines,
    user_lines,
    view_lines,
)
from agent.shell.router import Router

HELP = {
    "show snmp": "snmp statistics",
    "show snmp chassis": "show snmp chassis",
    "show snmp community": "show snmp communities",
    "show snmp contact": "show snmp contacts",
    "show snmp context": "show snmp contexts",
    "show snmp engineID": "show local and remote SNMP engine IDs",
    "show snmp group": "show SNMPv3 groups",
    "show snmp host": "show snmp hosts",
    "show snmp location": "show snmp location",
    "show snmp user": "show SNMPv3 users",
    "show snmp user <user>": "Name of the user",
    "show snmp view": "show snmp views",
}


def _show(lines: Callable[[Router, SnmpConfig, ExecMatch], Iterator[str]]) -> Callable[[Context, ExecMatch], Awaitable[None]]:
    """Print lines of an agent that has anything to answer; else IOS says that it has none."""

    async def run(context: Context, match: ExecMatch) -> None:
        router = context.router
        snmp = router.document.config.snmp
        await context.out.lines(lines(router, snmp, match) if snmp.enabled else [NOT_ENABLED])

    return run


def _statistics(router: Router, snmp: SnmpConfig, match: ExecMatch) -> Iterator[str]:
    return statistics_lines(snmp, router.document.config.hostname, router.snmp.count, router.notification_hosts())


def _text(text: str) -> Iterator[str]:
    return iter([text] if text else [])


COMMANDS = (
    ExecCommand("show snmp", _show(_statistics)),
    ExecCommand("show snmp chassis", _show(lambda router, snmp, match: _text(snmp.chassis_id or router.document.config.hostname))),
    ExecCommand("show snmp community", _show(lambda router, snmp, match: community_lines(snmp))),
    ExecCommand("show snmp contact", _show(lambda router, snmp, match: _text(snmp.contact))),
    ExecCommand("show snmp context", _show(lambda router, snmp, match: iter(snmp.contexts))),
    ExecCommand("show snmp engineID", _show(lambda router, snmp, match: engine_lines(router.snmp.engine_id))),
    ExecCommand("show snmp group", _show(lambda router, snmp, match: group_lines(snmp, router.snmp.groups()))),
    ExecCommand("show snmp host", _show(lambda router, snmp, match: host_lines(router.notification_hosts()))),
    ExecCommand("show snmp location", _show(lambda router, snmp, match: _text(snmp.location))),
    ExecCommand(
        "show snmp user [<user:word>]",
        _show(lambda router, snmp, match: user_lines(snmp, router.snmp.engine_id, match.maybe_word("user"))),
    ),
    ExecCommand("show snmp view", _show(lambda router, snmp, match: view_lines(snmp))),
)
