"""A router's routing tables: the longest match, recursion to a next hop, distances, interfaces that are down, VRFs."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from agent.config.document import load
from agent.lab.wire.routing import Path, RouteEntry, RoutingTable, build_tables

INTERFACES = """ip vrf red
interface FastEthernet0/0
 ip address 192.0.2.1 255.255.255.0
interface FastEthernet0/1
 ip address 198.51.100.1 255.255.255.0
 ip address 203.0.113.1 255.255.255.0 secondary
interface FastEthernet1/0
 ip vrf forwarding red
 ip address 192.0.2.1 255.255.255.0
"""
ALL = ("FastEthernet0/0", "FastEthernet0/1", "FastEthernet1/0")


def number(text: str) -> int:
    return int(IPv4Address(text))


def way(routes: str, destination: str, up: tuple[str, ...] = ALL, vrf: str | None = None) -> tuple[str, str] | None:
    """By which interface and to which next hop a packet leaves."""
    lines = "".join(f"ip route {line}\n" for line in routes.splitlines())
    tables = build_tables(load(INTERFACES + lines).config, up)
    path = tables[vrf].lookup(number(destination))
    return (path.interface.removeprefix("FastEthernet"), str(IPv4Address(path.next_hop))) if path else None


def test_a_destination_on_a_wire_is_its_own_next_hop() -> None:
    assert way("", "192.0.2.77") == ("0/0", "192.0.2.77")
    assert way("", "203.0.113.9") == ("0/1", "203.0.113.9")
    assert way("", "10.0.0.1") is None


DEFAULT_AND_MORE = """0.0.0.0 0.0.0.0 192.0.2.2
10.0.0.0 255.0.0.0 192.0.2.3
10.1.0.0 255.255.0.0 198.51.100.2
10.1.2.0 255.255.255.0 192.0.2.4
10.1.2.3 255.255.255.255 198.51.100.5"""


@pytest.mark.parametrize(
    ("destination", "next_hop"),
    [
        ("10.1.2.3", "198.51.100.5"),
        ("10.1.2.4", "192.0.2.4"),
        ("10.1.3.3", "198.51.100.2"),
        ("10.2.0.1", "192.0.2.3"),
        ("11.0.0.1", "192.0.2.2"),
        ("192.0.2.9", "192.0.2.9"),
    ],
)
def test_the_longest_match_wins(destination: str, next_hop: str) -> None:
    """RFC 1812 §5.2.4.3."""
    found = way(DEFAULT_AND_MORE, destination)
    assert found is not None
    assert found[1] == next_hop


def test_a_next_hop_is_looked_up_until_it_is_on_a_wire() -> None:
    routes = "10.1.0.0 255.255.0.0 10.2.0.1\n10.2.0.0 255.255.0.0 10.3.0.1\n10.3.0.0 255.255.0.0 192.0.2.2"
    assert way(routes, "10.1.9.9") == way(routes, "10.3.9.9") == ("0/0", "192.0.2.2")


def test_a_route_out_of_an_interface_has_the_destination_or_its_own_next_hop() -> None:
    assert way("10.0.0.0 255.0.0.0 FastEthernet0/1", "10.1.1.1") == ("0/1", "10.1.1.1")
    assert way("10.0.0.0 255.0.0.0 FastEthernet0/1 198.51.100.9", "10.1.1.1") == ("0/1", "198.51.100.9")
    assert way("10.0.0.0 255.0.0.0 FastEthernet0/1", "10.1.1.1", up=ALL[:1]) is None


@pytest.mark.parametrize(
    "routes",
    [
        "10.1.0.0 255.255.0.0 10.9.0.1",  # nothing leads to the next hop
        "10.0.0.0 255.0.0.0 10.1.0.1",  # only the route itself does
        "10.1.0.0 255.255.0.0 10.2.0.1\n10.2.0.0 255.255.0.0 10.1.0.1",  # each leads to the other
        "10.1.0.0 255.255.0.0 10.2.0.1\n10.2.0.0 255.255.0.0 10.3.0.1\n10.3.0.0 255.255.0.0 10.1.0.1",
    ],
)
def test_a_route_whose_next_hop_nothing_leads_to_is_none(routes: str) -> None:
    assert way(routes, "10.1.1.1") is None
    tables = build_tables(load(INTERFACES + "".join(f"ip route {line}\n" for line in routes.splitlines())).config, ALL)
    assert {entry.origin for entry in tables[None].entries} == {"connected"}


def test_a_route_that_leads_to_its_own_next_hop_gives_way_to_the_default_route() -> None:
    routes = "0.0.0.0 0.0.0.0 198.51.100.2\n10.0.0.0 255.0.0.0 10.1.0.1"
    assert way(routes, "10.5.5.5") == ("0/1", "198.51.100.2")
    assert way(routes + "\n10.1.0.0 255.255.0.0 192.0.2.2", "10.5.5.5") == ("0/0", "192.0.2.2")


BACKUP = "10.0.0.0 255.0.0.0 192.0.2.2\n10.0.0.0 255.0.0.0 198.51.100.2 200"


def test_of_two_routes_the_smaller_distance_wins_while_its_next_hop_is_reached() -> None:
    """A floating static route, as IOS has it."""
    for routes in (BACKUP, "\n".join(reversed(BACKUP.splitlines()))):
        assert way(routes, "10.1.1.1") == ("0/0", "192.0.2.2")
        assert way(routes, "10.1.1.1", up=ALL[1:]) == ("0/1", "198.51.100.2")
        assert way(routes, "10.1.1.1", up=ALL[2:]) is None


def test_a_shorter_route_takes_over_from_one_whose_next_hop_is_gone() -> None:
    routes = "10.0.0.0 255.0.0.0 198.51.100.2\n10.1.0.0 255.255.0.0 192.0.2.2"
    assert way(routes, "10.1.1.1") == ("0/0", "192.0.2.2")
    assert way(routes, "10.1.1.1", up=ALL[1:]) == ("0/1", "198.51.100.2")


def test_a_connected_network_wins_against_a_static_route_to_it() -> None:
    assert way("192.0.2.0 255.255.255.0 198.51.100.2", "192.0.2.7") == ("0/0", "192.0.2.7")
    assert way("192.0.2.0 255.255.255.0 198.51.100.2", "192.0.2.7", up=ALL[1:]) == ("0/1", "198.51.100.2")


def test_each_vrf_has_its_own_table() -> None:
    routes = "10.0.0.0 255.0.0.0 192.0.2.2\nvrf red 10.0.0.0 255.0.0.0 192.0.2.3"
    assert way(routes, "10.1.1.1") == ("0/0", "192.0.2.2")
    assert way(routes, "10.1.1.1", vrf="red") == ("1/0", "192.0.2.3")
    assert way(routes, "198.51.100.9", vrf="red") is None


def test_a_reverse_route_is_one_among_others() -> None:
    """reverse-route puts one in with a distance of 1; the longest match wins here, too."""
    config = load(INTERFACES + "ip route 10.0.0.0 255.0.0.0 192.0.2.2\n").config
    reverse = RouteEntry(IPv4Network("10.1.0.0/16"), ALL[1], number("198.51.100.7"), 1, "reverse")
    tables = build_tables(config, ALL, [(None, reverse)])
    assert tables[None].lookup(number("10.1.1.1")) == Path(ALL[1], number("198.51.100.7"))
    assert tables[None].lookup(number("10.2.1.1")) == Path(ALL[0], number("192.0.2.2"))
    assert build_tables(config, ALL[:1], [(None, reverse)])[None].lookup(number("10.1.1.1")) == Path(ALL[0], number("192.0.2.2"))


def test_a_long_way_of_next_hops_ends() -> None:
    """Each of nine routes leads to the next one's network; what is longer than that is taken for a mistake."""
    entries = [RouteEntry(IPv4Network(f"10.{n}.0.0/16"), None, number(f"10.{n + 1}.0.1"), 1) for n in range(12)]
    entries.append(RouteEntry(IPv4Network("10.12.0.0/16"), "out", 0, 0, "connected"))
    table = RoutingTable(entries)
    assert table.lookup(number("10.12.0.9")) == Path("out", number("10.12.0.9"))
    assert table.lookup(number("10.5.0.9")) == Path("out", number("10.12.0.1"))
    assert table.lookup(number("10.0.0.9")) is None


def test_a_table_whose_routes_are_the_same_stays() -> None:
    """A line of the configuration changes the routes of one VRF, and there may be a thousand."""
    before = build_tables(load(INTERFACES).config, ALL)
    after = build_tables(load(INTERFACES + "ip route vrf red 10.0.0.0 255.0.0.0 192.0.2.9\n").config, ALL, known=before)
    assert after[None] is before[None]
    assert after["red"] is not before["red"]
    assert after["red"].lookup(number("10.1.1.1")) == Path("FastEthernet1/0", number("192.0.2.9"))
