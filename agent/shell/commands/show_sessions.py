"""Shell room: `show crypto session`, `show crypto isakmp sa` and `show crypto isakmp peers`: facts bound to their renderers.

The lines stream: a hub may have a hundred thousand sessions. With a remote address they are found by an index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

from agent.base.work import STEPS
from agent.config.defaults import policies_in_force
from agent.engine.sessions import ShownSession, shown_sessions
from agent.engine.values import ANY, EVERY_SESSION, Phase1Sa, SessionFilter
from agent.flow.model import ISAKMP_PORTS, Address, IkeFacts, IkeTunnel
from agent.shell.command import Context, ExecCommand, ExecMatch
from agent.shell.commands.clear import SESSION_FILTERS, session_filter
from agent.shell.releases import Release, release_of
from agent.shell.render.isakmp import (
    PeerTerms,
    SaCount,
    ShownPeer,
    active_lines,
    agreed_terms,
    client_lines,
    offered_terms,
    peer_config_lines,
    peer_lines,
    sa_detail_lines,
    sa_lines,
)
from agent.shell.render.sessions import (
    connections_by_group,
    group_lines,
    session_brief_lines,
    session_detail_lines,
    session_lines,
    summary_lines,
)
from agent.shell.router import Router

HELP = {
    "show crypto session": "Status of active crypto sessions",
    "show crypto session brief": "Show brief output",
    "show crypto session detail": "Show detailed output",
    "show crypto session groups": "Show the groups of the remote-access clients",
    "show crypto session summary": "Show the groups with their users",
    "<group>": "Group name",
    "show crypto isakmp": "Show ISAKMP information",
    "show crypto isakmp sa": "Show ISAKMP Security Associations",
    "show crypto isakmp peers": "Show ISAKMP peer structures",
    "show crypto isakmp peers config": "Show the configuration of each peer",
    "sa active": "Show HA-enabled ISAKMP SAs in the active state",
    "sa count": "Show how many ISAKMP SAs there are",
    "sa detail": "Show ISAKMP SA detail",
    "sa standby": "Show HA-enabled ISAKMP SAs in the standby state",
    "<peer> count": "Show how many ISAKMP SAs there are",
    "<vrf> count": "Show how many ISAKMP SAs there are",
    "sa peer": "Show the SAs of one peer",
    "active peer": "Show the SAs of one peer",
    "standby peer": "Show the SAs of one peer",
    "count peer": "Show the SAs of one peer",
    "<peer> config": "Show the configuration of each peer",
    "sa vrf": "Show the SAs of one inside VRF",
    "<peer>": "Peer address",
    "<ivrf>": "Inside VRF name",
}


def _release(context: Context) -> Release:
    return release_of(context.router.document.config.version)


# --- sessions ---


async def _sessions(context: Context, match: ExecMatch) -> None:
    router, release = context.router, _release(context)
    sessions, now = shown_sessions(router, session_filter(match)), router.monitor.clock.now
    form = match.maybe_word("form")
    if form == "brief":
        lines = session_brief_lines(release, sessions, now)
    elif form == "detail":
        lines = session_detail_lines(release, sessions, now, router.cleared.counted)
    else:
        lines = session_lines(release, sessions)
    await context.out.lines(lines)


async def _groups(context: Context, match: ExecMatch) -> None:
    await _by_group(context, match, group_lines)


async def _summary(context: Context, match: ExecMatch) -> None:
    await _by_group(context, match, summary_lines)


async def _by_group(context: Context, match: ExecMatch, lines_of: Callable[[dict[str, dict[str, int]]], Iterator[str]]) -> None:
    groups: dict[str, dict[str, int]] = {}
    await context.out.lines(connections_by_group(shown_sessions(context.router), groups))
    wanted = match.maybe_word("group")
    await context.out.lines(lines_of({name: users for name, users in groups.items() if wanted in (None, name)}))


# --- phase-1 SAs ---


def _selected(context: Context, match: ExecMatch) -> Callable[[], Iterator[Phase1Sa | None]]:
    """The SAs that a line asks for, as often as they are asked for."""
    engine, remote = context.router.engine, match.maybe_address("peer")
    vrf = match.word("vrf") if "vrf" in match.values else ANY

    def found() -> Iterator[Phase1Sa | None]:
        for number, sa in enumerate(engine.phase1_sas(remote), 1):
            if number % STEPS == 0:
                yield None
            if vrf in (ANY, sa.inside_vrf):
                yield sa

    return found


async def _isakmp_sas(context: Context, match: ExecMatch) -> None:
    release, sas = _release(context), _selected(context, match)
    form = match.maybe_word("form")
    if form == "detail":
        lines = sa_detail_lines(release, sas, context.router.monitor.clock.now)
    elif form == "active":
        lines = active_lines(release, sas)
    elif form == "standby":
        lines = active_lines(release, lambda: ())
    else:
        lines = sa_lines(release, sas)
    await context.out.lines(lines)


async def _count(context: Context, match: ExecMatch) -> None:
    count = SaCount()

    def counted() -> Iterator[None]:
        for sa in _selected(context, match)():
            if sa is None:
                yield None
            else:
                count.add(sa)

    await context.out.lines(counted())
    await context.out.lines(count.lines())


# --- peers ---


def _associations(router: Router, address: IPv4Address | None) -> Iterator[ShownSession | None]:
    """Sessions with a phase-1 or an IPsec SA; those with an address by the index."""
    wanted = EVERY_SESSION if address is None else SessionFilter(remote=address)
    return (shown for shown in shown_sessions(router, wanted) if shown is None or shown.peer is not None or shown.negotiating)


def _peers(router: Router, address: IPv4Address | None) -> Iterator[ShownPeer | None]:
    """Those that are connected, then those that are configured alone."""
    configured = router.document.config.crypto.peers
    connected: set[tuple[Address, str | None]] = set()
    for shown in _associations(router, address):
        if shown is None:
            yield None
            continue
        ends = shown.ends
        remote = ends.remote_address
        known = configured.get((remote, ends.front_vrf)) if isinstance(remote, IPv4Address) else None
        if known is not None:
            connected.add((remote, ends.front_vrf))
        description = (known.description or "") if known is not None else shown.facts.description
        yield ShownPeer(ends.remote_address, ends.remote_port, ends.local_address, description, known is not None, shown.phase1_id)
    for place, peer in configured.items():
        if place not in connected and address in (None, peer.address):
            yield ShownPeer(peer.address, ISAKMP_PORTS[0], description=peer.description or "", configured=True)


async def _isakmp_peers(context: Context, match: ExecMatch) -> None:
    await context.out.lines(peer_lines(_release(context), _peers(context.router, match.maybe_address("peer"))))


def _newest(router: Router, address: IPv4Address | None) -> Iterator[IkeTunnel | ShownSession | None]:
    """Of each session its newest phase 1, or itself where none is up."""
    wanted = EVERY_SESSION if address is None else SessionFilter(remote=address)
    for shown in shown_sessions(router, wanted):
        yield None if shown is None else next(iter(shown.ike_tunnels[-1:]), shown)


def _terms(router: Router, address: IPv4Address | None) -> Iterator[PeerTerms | None]:
    config = router.document.config
    first = next(iter(sorted(policies_in_force(config), key=lambda policy: policy.priority)), None)
    for found in _newest(router, address):
        if found is None:
            yield None
        elif isinstance(found, IkeTunnel):
            yield agreed_terms(found.peer.remote_address, found.facts)
        elif first is not None:
            local = config.full_name if config.crypto.identity == "hostname" else str(found.ends.local_address)
            yield offered_terms(found.ends.remote_address, first, local)


def _clients(router: Router, address: IPv4Address | None) -> Iterator[IkeFacts | None]:
    for found in _newest(router, address):
        if found is None:
            yield None
        elif isinstance(found, IkeTunnel) and found.facts.client_group is not None:
            yield found.facts


async def _peers_config(context: Context, match: ExecMatch) -> None:
    router, address = context.router, match.maybe_address("peer")
    if _release(context) is Release.XE:
        await context.out.lines(peer_config_lines(_terms(router, address)))
    else:
        await context.out.lines(client_lines(_clients(router, address)))


_SA_FILTER = "[peer <peer:address> | vrf <vrf:word>]"

COMMANDS = (
    ExecCommand(f"show crypto session {SESSION_FILTERS} [form={{brief | detail}}] {SESSION_FILTERS}", _sessions, user=True),
    ExecCommand("show crypto session groups", _groups, user=True),
    ExecCommand("show crypto session summary [<group:word>]", _summary, user=True),
    ExecCommand(f"show crypto isakmp sa [form={{detail}}] {_SA_FILTER} [form={{detail}}]", _isakmp_sas, user=True),
    ExecCommand(f"show crypto isakmp sa form={{active | standby}} {_SA_FILTER}", _isakmp_sas, user=True),
    ExecCommand(f"show crypto isakmp sa count {_SA_FILTER}", _count, user=True),
    ExecCommand("show crypto isakmp sa peer <peer:address> count", _count, user=True),
    ExecCommand("show crypto isakmp sa vrf <vrf:word> count", _count, user=True),
    ExecCommand("show crypto isakmp peers [<peer:address>]", _isakmp_peers, user=True),
    ExecCommand("show crypto isakmp peers config", _peers_config, user=True),
    ExecCommand("show crypto isakmp peers <peer:address> config", _peers_config, user=True),
)
