"""Shell room: `show` of the crypto engine, of its accelerator's statistics, of `eli`, and of the ruleset of crypto maps."""

from __future__ import annotations

from agent.base.clock import SECOND
from agent.config.protection import protections
from agent.engine.flows import TunnelsByMap
from agent.flow.counters import IpsecCounter
from agent.flow.vrf import IkeEvents, IpsecEvents
from agent.shell.command import Context, ExecCommand, ExecMatch
from agent.shell.commands.show_ipsec import live_tunnels
from agent.shell.releases import release_of
from agent.shell.render.crypto_engine import Usage, accelerator_lines, brief_lines, configuration_lines, eli_lines
from agent.shell.render.ruleset import ruleset_lines
from agent.shell.router import Router

HELP = {
    "show crypto eli": "Encryption Layer Interface",
    "show crypto engine": "Show crypto engine info",
    "show crypto engine accelerator": "Show crypto accelerator information",
    "accelerator statistic": "Show crypto accelerator statistics",
    "show crypto engine brief": "Show all crypto engines in the system",
    "show crypto engine configuration": "Show crypto engine config",
    "show crypto ruleset": "Show crypto rules on outgoing packets",
    "show crypto ruleset detail": "Show rules with their numbers",
}


async def _brief(context: Context, match: ExecMatch) -> None:
    await context.out.lines(brief_lines(context.router.engine.crypto_engine()))


async def _configuration(context: Context, match: ExecMatch) -> None:
    await context.out.lines(configuration_lines(context.router.engine.crypto_engine(), context.router.software))


async def _eli(context: Context, match: ExecMatch) -> None:
    router = context.router
    form = release_of(router.document.config.version)
    await context.out.lines(eli_lines(router.engine.crypto_engine(), _ike_usage(router), _ipsec_usage(router), form))


def _ike_usage(router: Router) -> Usage:
    monitor, crypto = router.monitor, router.document.config.crypto
    events = [flow.ike_events for flow in monitor.vrfs()]
    active = len(monitor.ike_tunnels)
    failed = sum(each[IkeEvents.CAPACITY_FAILS] for each in events)
    return Usage(active, crypto.ike_sa_limit or 0, failed, active + sum(each[IkeEvents.PREVIOUS] for each in events))


def _ipsec_usage(router: Router) -> Usage:
    """In tunnels. The limit counts SAs, of which a tunnel has two at least."""
    monitor, crypto = router.monitor, router.document.config.crypto
    events = [flow.ipsec_events for flow in monitor.vrfs()]
    active = len(monitor.ipsec_tunnels)
    failed = sum(each[IpsecEvents.CAPACITY_FAILS] for each in events)
    created = active + sum(each[IpsecEvents.PREVIOUS] for each in events)
    return Usage(active, (crypto.ipsec_sa_limit or 0) // 2, failed, created)


async def _accelerator(context: Context, match: ExecMatch) -> None:
    monitor = context.router.monitor
    now = monitor.clock.now()
    totals = [flow.ipsec_totals.snapshot(now) for flow in monitor.vrfs()]
    sums = tuple(_sum([each[counter] for each in totals]) for counter in IpsecCounter)
    await context.out.lines(accelerator_lines(sums, now // SECOND))


def _sum(values: list[int | None]) -> int | None:
    """The sum over the VRFs; None where one of them does not know its own."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


async def _ruleset(context: Context, match: ExecMatch) -> None:
    router = context.router
    live = TunnelsByMap()
    async for tunnel in live_tunnels(router):
        live.add(tunnel)
    await context.out.lines(ruleset_lines(protections(router.document.config), live, "detail" in match.words))


COMMANDS = (
    ExecCommand("show crypto eli", _eli, user=True),
    ExecCommand("show crypto engine accelerator statistic", _accelerator, user=True),
    ExecCommand("show crypto engine brief", _brief, user=True),
    ExecCommand("show crypto engine configuration", _configuration, user=True),
    ExecCommand("show crypto ruleset [detail]", _ruleset, user=True),
)
