"""Shell room: `show ip route`: the routes in use of one VRF, under the networks of their class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import groupby

from agent.flow.device import InstalledRoute, RouteSource
from agent.shell.releases import Release

_DEFAULT = IPv4Network("0.0.0.0/0")
_CODE = {RouteSource.CONNECTED: "C", RouteSource.STATIC: "S", RouteSource.REVERSE: "S"}
_LEGEND = (
    "C - connected, S - static, R - RIP, M - mobile, B - BGP",
    "       D - EIGRP, EX - EIGRP external, O - OSPF, IA - OSPF inter area ",
    "       N1 - OSPF NSSA external type 1, N2 - OSPF NSSA external type 2",
    "       E1 - OSPF external type 1, E2 - OSPF external type 2",
    "       i - IS-IS, su - IS-IS summary, L1 - IS-IS level-1, L2 - IS-IS level-2",
    "       ia - IS-IS inter area, * - candidate default, U - per-user static route",
    "       o - ODR, P - periodic downloaded static route",
)


@dataclass(frozen=True, slots=True)
class _Form:
    """`legend` begins the list of codes. `deep` and `shallow` are the widths of the code of a subnet and of a whole network."""

    legend: str
    deep: int
    shallow: int
    locals: bool  # IOS XE has a route to each address of its own


_FORMS = {Release.CLASSIC: _Form("Codes: ", 8, 5, False), Release.XE: _Form("Codes: L - local, ", 9, 6, True)}


@dataclass(frozen=True, slots=True)
class _Row:
    code: str
    network: IPv4Network
    way: str


def route_lines(
    routes: Iterable[InstalledRoute],
    own: Mapping[str, Iterable[IPv4Address]],
    release: Release,
    vrf: str | None = None,
    wanted: RouteSource | None = None,
) -> Iterator[str]:
    """The table of a VRF. `own` are the router's addresses by interface. `wanted` selects what has put a route there."""
    form = _FORMS[release]
    routes = list(routes)
    if vrf is not None:
        yield from ("", f"Routing Table: {vrf}")
    yield form.legend + _LEGEND[0]
    yield from _LEGEND[1:]
    yield ""
    default = next((route for route in routes if route.prefix == _DEFAULT), None)
    yield f"Gateway of last resort is {_gateway(default)}"
    yield ""
    shown = [route for route in routes if wanted is None or _CODE[route.source] == _CODE[wanted]]
    rows = sorted(_rows(shown, own, form), key=lambda row: (row.network, row.code))
    for network, members in groupby(rows, key=lambda row: _class_of(row.network)):
        yield from _group(network, list(members), form)


def _gateway(route: InstalledRoute | None) -> str:
    if route is None:
        return "not set"
    return f"{route.next_hop or '0.0.0.0'} to network 0.0.0.0"


def _rows(routes: Iterable[InstalledRoute], own: Mapping[str, Iterable[IPv4Address]], form: _Form) -> Iterator[_Row]:
    for route in routes:
        code = _CODE[route.source] + ("*" if route.prefix == _DEFAULT else "")
        yield _Row(code, route.prefix, _way(route))
        if form.locals and route.source is RouteSource.CONNECTED and route.prefix.prefixlen < 32 and route.interface:
            for address in own.get(route.interface, ()):
                if address in route.prefix:
                    yield _Row("L", IPv4Network(address), f"is directly connected, {route.interface}")


def _way(route: InstalledRoute) -> str:
    if route.next_hop is None:
        return f"is directly connected, {route.interface}"
    through = f", {route.interface}" if route.interface and route.source is not RouteSource.REVERSE else ""
    return f"[{route.distance}/0] via {route.next_hop}{through}"


def _class_of(network: IPv4Network) -> IPv4Network:
    """The class A, B or C network that a network is part of, or itself where it is larger (RFC 791 §2.3)."""
    first = int(network.network_address) >> 24
    length = 8 if first < 128 else 16 if first < 192 else 24
    return network if network.prefixlen <= length else network.supernet(new_prefix=length)


def _group(network: IPv4Network, rows: list[_Row], form: _Form) -> Iterator[str]:
    whole = [row for row in rows if row.network == network]
    subnets = [row for row in rows if row.network != network]
    if not subnets:
        yield from (f"{row.code:<{form.shallow}}{row.network} {row.way}" for row in whole)
        return
    networks, lengths = {row.network for row in rows}, {row.network.prefixlen for row in rows}
    margin, one_length = " " * form.shallow, len(lengths) == 1
    if one_length:
        yield f"{margin}{network.network_address}/{min(lengths)} is subnetted, {len(networks)} subnets"
    else:
        yield f"{margin}{network} is variably subnetted, {len(networks)} subnets, {len(lengths)} masks"
    for row in rows:
        shown = row.network.network_address if one_length else row.network
        yield f"{row.code:<{form.deep}}{shown} {row.way}"


def entry_lines(routes: Iterable[InstalledRoute], wanted: IPv4Network) -> Iterator[str]:
    """`show ip route ADDRESS [MASK]`: the longest route to an address, or the route of exactly a network."""
    exact = wanted.prefixlen < 32
    fitting = [route for route in routes if (route.prefix == wanted if exact else wanted.subnet_of(route.prefix))]
    if not fitting:
        yield "% Subnet not in table" if exact else "% Network not in table"
        return
    longest = max(route.prefix.prefixlen for route in fitting)
    found = [route for route in fitting if route.prefix.prefixlen == longest]
    known, first = "connected" if found[0].source is RouteSource.CONNECTED else "static", found[0]
    supernet = ", supernet" if first.prefix == _DEFAULT else ""
    yield f"Routing entry for {first.prefix}{supernet}"
    via = " (connected, via interface)" if first.next_hop is None else ""
    default = ", candidate default path" if first.prefix == _DEFAULT else ""
    yield f'  Known via "{known}", distance {first.distance}, metric 0{via}{default}'
    yield "  Routing Descriptor Blocks:"
    for at, route in enumerate(found):
        way = f"directly connected, via {route.interface}" if route.next_hop is None else str(route.next_hop)
        through = f", via {route.interface}" if route.next_hop is not None and route.interface else ""
        yield f"  {'*' if at == 0 else ' '} {way}{through}"
        yield "      Route metric is 0, traffic share count is 1"
