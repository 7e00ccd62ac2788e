"""Lab room: reverse route injection: the routes of crypto maps.

With `reverse-route`, the network at the far end of a tunnel is routed to the peer while the tunnel has SAs. With `static`, the
networks of the access list are routed all the time. `remote-peer` adds a route to the peer itself: `remote-peer A` by way of A,
otherwise by the existing path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from agent.crypto.spd import Addresses, AddressRange, PolicyEntry
from agent.lab.ipsec.tunnels import LiveTunnel
from agent.lab.policy.crypto_maps import Target, network_of
from agent.lab.wire.routing import Path, RouteEntry

VrfRoute = tuple[str | None, RouteEntry]
Way = Callable[[str | None, int], Path | None]
_DISTANCE = 1  # that of a static route


def is_dynamic(target: Target) -> bool:
    """Whether an entry's routes come and go with its SAs."""
    return target.entry.reverse_route and not _is_static(target)


def _is_static(target: Target) -> bool:
    return target.entry.reverse_route and "static" in (target.entry.reverse_route_option or "").split()


def _routes(target: Target, destination: Addresses | AddressRange, peer: int, way: Way) -> Iterator[VrfRoute]:
    """The protected network leaves by the interface of the map, which then sees to the rest."""
    network = network_of(destination)
    if network is None:
        return
    yield target.clear_vrf, RouteEntry(network, target.interface, peer, _DISTANCE, "reverse")
    option = (target.entry.reverse_route_option or "").split()
    if "remote-peer" in option:
        gateway = option[option.index("remote-peer") + 1 :][:1]
        path = Path(target.interface, int(IPv4Address(gateway[0]))) if gateway else way(target.front_vrf, peer)
        if path is not None:
            yield target.front_vrf, RouteEntry(IPv4Network((peer, 32)), path.interface, path.next_hop, _DISTANCE, "reverse")


def reverse_routes(entries: Iterable[PolicyEntry[Target]], flows: Iterable[LiveTunnel], way: Way) -> list[VrfRoute]:
    """The routes by VRF, each once. `way` gives the path to an address of a VRF without them."""
    found: dict[VrfRoute, None] = {}
    for entry in entries:
        if _is_static(entry.target) and entry.target.peers:
            for rule in entry.rules:
                if rule.permit:
                    found.update(dict.fromkeys(_routes(entry.target, rule.selector.destination, entry.target.peers[0], way)))
    for live in flows:
        if live.row is not None and is_dynamic(live.plan.target):
            found.update(dict.fromkeys(_routes(live.plan.target, live.plan.selector.destination, live.pair.remote, way)))
    return list(found)
