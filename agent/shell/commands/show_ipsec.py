"""Shell room: `show` of IPsec: SAs, transform sets, crypto maps, profiles, lifetimes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Container, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from agent.base.work import STEPS
from agent.config.crypto_model import CryptoMap
from agent.config.defaults import default_transform_sets
from agent.config.interface_names import type_of
from agent.config.model import RouterConfig
from agent.config.protection import ends_of_tunnel, protection_of_tunnel, protections, tunnels
from agent.engine.flows import FlowGroup, ProtectedFlow, TunnelsByMap, flow_groups
from agent.flow.model import IpsecTunnel
from agent.shell.command import Context, ExecCommand, ExecMatch
from agent.shell.releases import Release, release_of
from agent.shell.render.crypto_maps import MapScene, lifetime_line, map_lines, profile_lines, protection_lines, template_lines
from agent.shell.render.ipsec_sas import Port, SasByAddress, SaScene, address_lines, count_line, flow_lines
from agent.shell.render.transform_sets import default_set_lines, set_lines
from agent.shell.router import Router

_OF_SAS = {
    "active": "Show HA-enabled IPSEC SAs in the active state",
    "address": "IPSEC SA table in (dest) address order",
    "standby": "Show HA-enabled IPSEC SAs in the standby state",
    "identity": "IPSEC SADB identity tree",
    "interface": "Show info for specific interface",
    "<interface>": "Interface name",
    "map": "IPSEC SA table for a specific crypto map",
    "map <map>": "Name of the crypto map",
    "peer": "Show IPSEC SAs of one peer",
    "peer vrf": "Front-door VRF of the peer",
    "peer vrf <fvrf>": "Front-door VRF name",
    "<peer>": "Peer address",
    "vrf": "Show IPSEC SAs of an inside VRF",
    "vrf <vrf>": "Inside VRF name",
    "detail": "show counter detail",
}
HELP = {
    "show crypto ipsec": "Show IPSEC policy",
    "show crypto ipsec sa": "IPSEC SA table",
    "show crypto ipsec sa count": "IPSEC SA count",
    "show crypto ipsec default": "Show default transform sets",
    "show crypto ipsec default transform-set": "Crypto default transform sets",
    "show crypto ipsec profile": "Show ipsec profile information",
    "show crypto ipsec profile tag": "Show one IPsec profile",
    "show crypto ipsec security-association": "Show parameters for IPSec security associations",
    "show crypto ipsec security-association lifetime": "Show global lifetimes of IPSec security associations",
    "show crypto ipsec transform-set": "Crypto transform sets",
    "show crypto ipsec transform-set tag": "Show one transform set",
    "show crypto map": "Crypto maps",
    "show crypto map interface": "Crypto maps for a specific interface",
    "show crypto map interface <interface>": "Interface name",
    "show crypto map tag": "Crypto maps with a given tag",
    "show crypto dynamic-map": "Crypto map templates",
    "show crypto dynamic-map tag": "Crypto map templates with a given tag",
    "<tag>": "Name",
    **{f"show crypto ipsec sa{before} {words}": text for before in ("", " count", " detail") for words, text in _OF_SAS.items()},
}

NOTHING = "No SAs found"


async def live_tunnels(router: Router, peer: IPv4Address | None = None) -> AsyncIterator[IpsecTunnel]:
    """The live IPsec tunnels, oldest first; with a peer's address those with it, by an index.

    There may be a hundred thousand, so others have their turns meanwhile.
    """
    monitor = router.monitor
    if peer is not None:
        found = [tunnel for each in monitor.peers_at(peer) for tunnel in each.ipsec_tunnels.values()]
    else:
        found = list(monitor.ipsec_tunnels.values())
    for number, tunnel in enumerate(found, 1):
        yield tunnel
        if number % STEPS == 0:
            await asyncio.sleep(0)


# --- SAs ---


@dataclass(frozen=True, slots=True)
class _Filter:
    """What a line asks for. A field that is None takes all. Every SA is `active`: there is no stateful failover."""

    interface: str | None
    map_name: str | None
    peer: IPv4Address | None
    front_vrf: str | None
    inside_vrf: str | None
    standby: bool = False

    def takes_flow(self, flow: ProtectedFlow) -> bool:
        peer = self.peer in (None, flow.peer) and self.front_vrf in (None, flow.front_vrf)
        return peer and self.inside_vrf in (None, flow.inside_vrf) and not self.standby

    def takes_group(self, group: FlowGroup) -> bool:
        return self.interface in (None, group.interface) and self.map_name in (None, group.map_name)

    def takes(self, tunnel: IpsecTunnel) -> bool:
        """Whether it takes a tunnel with its peer."""
        facts = tunnel.facts
        here = self.interface in (None, facts.interface) and self.map_name in (None, facts.map_name)
        vrfs = self.front_vrf in (None, tunnel.peer.at.front_vrf) and self.inside_vrf in (None, tunnel.vrf)
        return here and vrfs and not self.standby


async def _sas(context: Context, match: ExecMatch) -> None:
    router = context.router
    wanted = _Filter(
        match.maybe_word("interface"),
        match.maybe_word("map"),
        match.maybe_address("peer"),
        match.maybe_word("fvrf"),
        match.maybe_word("vrf"),
        "standby" in match.words,
    )
    if "count" in match.words:
        await _print_count(context, wanted)
        return
    scene = _sa_scene(router, "detail" in match.words)
    if "address" in match.words:
        by_address = SasByAddress()
        async for tunnel in live_tunnels(router, wanted.peer):
            if wanted.takes(tunnel):
                by_address.add(tunnel)
        await context.out.lines(_or(NOTHING, address_lines(by_address, scene)))
        return
    by_map = TunnelsByMap()
    async for tunnel in live_tunnels(router, wanted.peer):
        if wanted.takes(tunnel):
            by_map.add(tunnel)
    groups = (
        FlowGroup(group.interface, group.map_name, group.local, _still(router, group.flows, wanted))
        for group in flow_groups(router.document.config, by_map)
        if wanted.takes_group(group)
    )
    await context.out.lines(_or(NOTHING, flow_lines(groups, scene, with_sas="identity" not in match.words)))


def _still(router: Router, flows: Iterator[ProtectedFlow], wanted: _Filter) -> Iterator[ProtectedFlow]:
    """The flows that are wanted. A tunnel that has ended since the listing began is left out."""
    rows = router.monitor.ipsec_tunnels
    return (
        flow for flow in flows if wanted.takes_flow(flow) and (flow.tunnel is None or rows.get(flow.tunnel.index) is flow.tunnel)
    )


def _or(otherwise: str, lines: Iterator[str]) -> Iterator[str]:
    """The lines, or one that says that there are none."""
    yield next(lines, otherwise)
    yield from lines


async def _print_count(context: Context, wanted: _Filter) -> None:
    active = rekeying = 0
    async for tunnel in live_tunnels(context.router, wanted.peer):
        if wanted.takes(tunnel):
            expiring = sum(spi.expiring for spi in tunnel.spis)
            active, rekeying = active + len(tunnel.spis) - expiring, rekeying + expiring
    context.out.line(count_line(active, rekeying))


def _sa_scene(router: Router, detail: bool) -> SaScene:
    config = router.document.config
    states = {state.name: state for state in router.device.interfaces.values()}
    ports = {}
    for interface in config.interfaces.values():
        ends = ends_of_tunnel(config, interface) if type_of(interface.name) == "Tunnel" else None
        outer = config.interfaces.get(ends.source_interface, interface) if ends else interface
        state = states.get(outer.name)
        if state is not None:
            ports[interface.name] = Port(outer.name, outer.ip_mtu or state.mtu)
    return SaScene(
        release_of(config.version), router.monitor.clock.now(), config.crypto.replay_window, ports, router.cleared.counted, detail
    )


# --- transform sets ---


async def _transform_sets(context: Context, match: ExecMatch) -> None:
    """The configured sets; where there are none, the default ones that stand."""
    config, tag = context.router.document.config, match.maybe_word("tag")
    sets = config.crypto.transform_sets.values()
    if not sets and tag is None:
        await _default_transform_sets(context, match)
        return
    await context.out.lines(set_lines((each for each in sets if tag in (None, each.name)), release_of(config.version)))


async def _default_transform_sets(context: Context, match: ExecMatch) -> None:
    config = context.router.document.config
    standing = default_transform_sets(config, context.router.engine.crypto_engine().ciphers)
    await context.out.lines(default_set_lines(standing, release_of(config.version)))


# --- crypto maps ---


async def _map_scene(router: Router, names: Container[str | None] | None = None) -> MapScene:
    """What `show crypto map` is made of, with the live tunnels of these maps (None: of all)."""
    config = router.document.config
    instances: dict[str, list[IpsecTunnel]] = {}
    peers = {}
    async for tunnel in live_tunnels(router):
        facts = tunnel.facts
        if facts.map_name is None or (names is not None and facts.map_name not in names):
            continue
        if facts.template is not None:
            instances.setdefault(facts.map_name, []).append(tunnel)
        elif facts.map_sequence is not None:
            peers[facts.map_name, facts.map_sequence] = facts.remote_address
    protected = (protection_of_tunnel(config, tunnel) for tunnel in tunnels(config))
    return MapScene(
        config,
        release_of(config.version),
        default_transform_sets(config, router.engine.crypto_engine().ciphers),
        instances,
        peers,
        tuple(each for each in protected if each is not None and (names is None or each.map_name in names)),
    )


async def _maps(context: Context, match: ExecMatch) -> None:
    config = context.router.document.config
    names = _named_maps(config, match)
    maps = [each for each in config.crypto.maps.values() if names is None or each.name in names]
    await context.out.lines(_or("No crypto maps found.", _all_maps(maps, await _map_scene(context.router, names))))


def _named_maps(config: RouterConfig, match: ExecMatch) -> set[str] | None:
    """The maps that a line asks for, those of an interface among them; None for all."""
    interface = match.maybe_word("interface")
    if interface is not None:
        return {each.map_name for each in protections(config) if each.interface == interface} | {
            each.crypto_map for each in config.interfaces.values() if each.name == interface and each.crypto_map
        }
    return {match.word("tag")} if "tag" in match.values else None


def _all_maps(maps: list[CryptoMap], scene: MapScene) -> Iterator[str]:
    for at, each in enumerate(maps):
        if at and scene.release is Release.XE:
            yield ""
        yield from map_lines([each], scene)
    if maps and scene.protections and scene.release is Release.XE:
        yield ""
    yield from protection_lines(scene)


async def _dynamic_maps(context: Context, match: ExecMatch) -> None:
    config, tag = context.router.document.config, match.maybe_word("tag")
    maps = (each for each in config.crypto.dynamic_maps.values() if tag in (None, each.name))
    await context.out.lines(_or("No crypto maps found.", template_lines(maps, await _map_scene(context.router, ()))))


async def _profiles(context: Context, match: ExecMatch) -> None:
    config, tag = context.router.document.config, match.maybe_word("tag")
    profiles = (each for each in config.crypto.ipsec_profiles.values() if tag in (None, each.name))
    await context.out.lines(profile_lines(profiles, await _map_scene(context.router, ())))


async def _lifetime(context: Context, match: ExecMatch) -> None:
    context.out.line(lifetime_line(context.router.document.config.crypto))


_SA_FILTERS = (
    "[active | standby | map <map:word> | address | identity | interface <interface:interface> | vrf <vrf:word>"
    " | peer [vrf <fvrf:word>] <peer:address>]"
)
COMMANDS = (
    ExecCommand("show crypto dynamic-map [tag <tag:word>]", _dynamic_maps, user=True),
    ExecCommand("show crypto ipsec default transform-set", _default_transform_sets, user=True),
    ExecCommand("show crypto ipsec profile [tag <tag:word>]", _profiles, user=True),
    ExecCommand(f"show crypto ipsec sa [count] {_SA_FILTERS} [detail]", _sas, user=True),
    ExecCommand(f"show crypto ipsec sa detail {_SA_FILTERS}", _sas, user=True),
    ExecCommand("show crypto ipsec security-association lifetime", _lifetime, user=True),
    ExecCommand("show crypto ipsec transform-set [tag <tag:word>]", _transform_sets, user=True),
    ExecCommand("show crypto map [tag <tag:word> | interface <interface:interface>]", _maps, user=True),
)
