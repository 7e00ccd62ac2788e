"""Config room: static routes and address pools."""

from __future__ import annotations

from collections.abc import Iterable

from agent.config.command import ConfigCommand, ConfigMatch, Edit, Place, Refused, Rendered, State
from agent.config.commands.building import network_of
from agent.config.model import AddressPool, Route

HELP = {
    "ip route": "Establish static routes",
    "ip route vrf": "Configure static route for a VPN Routing/Forwarding instance",
    "<prefix>": "Destination prefix",
    "<mask>": "Network mask",
    "<next-hop>": "Forwarding router's address",
    "<distance>": "Distance metric for this route",
    "permanent": "permanent route",
    "name": "Specify name of the next hop",
    "tag": "Set tag for this route",
    "track": "Install route depending on tracked item",
    "ip local": "Specify local options",
    "ip local pool": "IP Local address pool lists",
    "<low>": "First IP address of Range",
    "<high>": "Last IP Address of Range",
}

_ROUTE = (
    "ip route [vrf <vrf:word>] <prefix:address> <mask:mask> ~ {<next-hop:address>|<interface:interface> [<next-hop:address>]}"
    " [<distance:int(1-255)>] [tag <tag:int(1-4294967295)>] [permanent] [name <name:word>]"
    " [track <track:int(1-1000)>]"
)


def _route(match: ConfigMatch) -> Route:
    network, typed = network_of(match.address("prefix"), match.address("mask"))
    return Route(
        prefix=network,
        vrf=match.maybe_word("vrf"),
        interface=match.maybe_word("interface"),
        next_hop=match.maybe_address("next-hop"),
        distance=match.maybe_number("distance") or 1,
        name=match.maybe_word("name"),
        permanent="permanent" in match.words,
        tag=match.maybe_number("tag"),
        track=match.maybe_number("track"),
        typed=typed,
    )


def _add_route(edit: Edit, match: ConfigMatch) -> None:
    route = _route(match)
    if route.track is not None:
        edit.warnings.append("the route stands, whatever the tracked object is: nothing here tracks")
    edit.config.routes = edit.config.routes.put(route.key, route)


def _remove_route(edit: Edit, match: ConfigMatch) -> None:
    """All routes to the prefix, or those by the gateway that is named."""
    route, routes = _route(match), edit.config.routes
    if route.interface is None and route.next_hop is None:
        left = routes.keep(lambda known: (known.prefix, known.vrf) != (route.prefix, route.vrf))
    else:
        left = routes.drop(route.key)
    if len(left) == len(routes) and edit.typed:
        raise Refused("an existing route", "%No matching route to delete")
    edit.config.routes = left


def _written(route: Route) -> str:
    words = [
        "ip route",
        f"vrf {route.vrf}" if route.vrf else "",
        f"{route.typed or route.prefix.network_address} {route.prefix.netmask}",
        route.interface or "",
        str(route.next_hop or ""),
        str(route.distance) if route.distance != 1 else "",
        f"tag {route.tag}" if route.tag else "",
        "permanent" if route.permanent else "",
        f"name {route.name}" if route.name else "",
        f"track {route.track}" if route.track else "",
    ]
    return " ".join(word for word in words if word)


def _render_routes(state: State, place: Place) -> Iterable[Rendered]:
    return [_written(route) for route in state.config.routes]


def _add_pool(edit: Edit, match: ConfigMatch) -> None:
    low = match.address("low")
    high = match.maybe_address("high") or low
    if high < low:
        raise Refused("a last address that is not below the first", "%Bad IP range", argument="high")
    edit.config.pools[match.word("name")] = AddressPool(match.word("name"), low, high)


def _remove_pool(edit: Edit, match: ConfigMatch) -> None:
    edit.config.pools.pop(match.word("name"), None)


def _render_pools(state: State, place: Place) -> Iterable[Rendered]:
    for pool in state.config.pools.values():
        yield (
            f"ip local pool {pool.name} {pool.low}"
            if pool.low == pool.high
            else f"ip local pool {pool.name} {pool.low} {pool.high}"
        )


def commands() -> list[ConfigCommand]:
    return [
        ConfigCommand("config", _ROUTE, 2130, _add_route, _remove_route, _render_routes),
        ConfigCommand(
            "config",
            "ip local pool <name:word> ~ <low:address> [<high:address>]",
            2135,
            _add_pool,
            _remove_pool,
            _render_pools,
        ),
    ]
