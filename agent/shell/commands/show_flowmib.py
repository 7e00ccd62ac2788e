"""Shell room: `show crypto mib …`: the flow MIB's rows, window sizes and version."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from agent.flow.settings import MIB_LEVEL
from agent.flow.vrf import VrfFlow
from agent.shell.command import CommandFailed, Context, ExecCommand, ExecMatch
from agent.shell.releases import release_of
from agent.shell.render.flowmib import GLOBAL, IKE_LISTINGS, IPSEC_LISTINGS, Asked, Listing, lines
from agent.shell.router import Router

HELP = {
    "show crypto mib": "Show Crypto-related MIB parameters",
    "show crypto mib ike": "Show IKE-related MIB parameters",
    "show crypto mib ipsec": "Show IPsec-related MIB parameters",
    "show crypto mib isakmp": "Show ISAKMP-related MIB parameters",
    "flowmib": "Show flow MIB parameters",
    "flowmib failure": "Show set-ups and tunnels that have failed",
    "flowmib global": "Show the sums of all tunnels",
    "flowmib history": "Show tunnels that have ended",
    "flowmib endpoint": "Show the ends of active IPsec flows",
    "flowmib peer": "Show active associations of peers",
    "flowmib spi": "Show SPIs of active IPsec tunnels",
    "flowmib tunnel": "Show active tunnels",
    "flowmib version": "Show flow MIB version",
    "peer index": "Show one association",
    "tunnel index": "Show one tunnel",
    "<index>": "Index in the MIB",
    "history failure": "Show failure history parameters",
    "history tunnel": "Show tunnel history parameters",
    "history failure size": "Show failure history window size",
    "history tunnel size": "Show tunnel history window size",
}

_INDEXED = ("peer", "tunnel")  # listings that can show one entry
_FAMILIES = {"ike": IKE_LISTINGS, "isakmp": IKE_LISTINGS, "ipsec": IPSEC_LISTINGS}  # IOS XE says `ike`, IOS said `isakmp`


def _show(listing: Listing) -> Callable[[Context, ExecMatch], Awaitable[None]]:
    async def run(context: Context, match: ExecMatch) -> None:
        router = context.router
        flows = _flows(router, match.maybe_word("vrf"))
        release = release_of(router.document.config.version)
        asked = Asked(router.monitor.clock.now(), release, match.maybe_number("index"))
        await context.out.lines(lines(listing, flows, asked))

    return run


def _flows(router: Router, wanted: str | None) -> Iterator[VrfFlow]:
    """The VRF asked for (`Global` is the global table), else each in the order of the configuration, and the global table last."""
    flows = {flow.name: flow for flow in router.monitor.vrfs()}
    configured = router.document.config.vrfs
    if wanted is None:
        names = [*configured, *(name for name in flows if name is not None and name not in configured), None]
    elif wanted in configured or wanted in flows:
        names = [wanted]
    elif wanted == GLOBAL:
        names = [None]
    else:
        raise CommandFailed(f"% VRF {wanted} does not exist")
    return (flows[name] for name in names if name in flows)


async def _tunnel_window(context: Context, match: ExecMatch) -> None:
    context.out.line(f"IPSec History Window Size: {context.router.monitor.vrf(None).tunnel_window}")


async def _failure_window(context: Context, match: ExecMatch) -> None:
    context.out.line(f"IPSec Failure Window Size: {context.router.monitor.vrf(None).failure_window}")


async def _mib_version(context: Context, match: ExecMatch) -> None:
    context.out.line(f"IPSec Flow MIB version: {MIB_LEVEL}")


def _listings() -> Iterator[ExecCommand]:
    for family, listings in _FAMILIES.items():
        for word, listing in listings.items():
            index = "[index <index:int(1-2147483647)>] " if word in _INDEXED else ""
            yield ExecCommand(f"show crypto mib {family} flowmib {word} {index}[vrf <vrf:word>]", _show(listing), user=True)


COMMANDS = (
    *_listings(),
    ExecCommand("show crypto mib ipsec flowmib history failure size", _failure_window, user=True),
    ExecCommand("show crypto mib ipsec flowmib history tunnel size", _tunnel_window, user=True),
    ExecCommand("show crypto mib ipsec flowmib version", _mib_version, user=True),
)
