"""The time to live of a packet: each router on the way lowers it; the one where it is over says so (RFC 792, RFC 1812 §5.3.1)."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from agent.engine.values import ProbeOutcome
from tests.lab.conftest import MakePair

CHAIN = """
[[link]]
ends = ["a:FastEthernet0/0", "b:FastEthernet0/0"]
delay = "5ms"
[[link]]
ends = ["b:FastEthernet0/1", "c:FastEthernet0/1"]
"""


def text(name: str, interfaces: dict[str, str], *routes: str) -> str:
    lines = [f"hostname {name}"]
    for interface, address in interfaces.items():
        lines += [f"interface {interface}", f" ip address {address} 255.255.255.0"]
    return "\n".join([*lines, *(f"ip route {route}" for route in routes), ""])


TEXTS = {
    "a": text("a", {"FastEthernet0/0": "10.1.1.1"}, "10.0.0.0 255.0.0.0 10.1.1.2"),
    "b": text("b", {"FastEthernet0/0": "10.1.1.2", "FastEthernet0/1": "10.2.2.2"}),
    "c": text("c", {"FastEthernet0/1": "10.2.2.3"}, "0.0.0.0 0.0.0.0 10.2.2.2"),
}


def probes_of(lab: Any, destination: str, hops: int) -> list[tuple[ProbeOutcome, IPv4Address | None]]:
    ping = lab.start_ping("a", destination, repeat=2, hops=hops)
    lab.wait_for(ping)
    return [(probe.outcome, probe.responder) for probe in ping.probes]


def test_the_router_where_the_time_to_live_is_over_answers(make_lab: MakePair) -> None:
    lab = make_lab(CHAIN, TEXTS)
    assert probes_of(lab, "10.2.2.3", 1) == [(ProbeOutcome.EXPIRED, IPv4Address("10.1.1.2"))] * 2
    assert probes_of(lab, "10.2.2.3", 2) == [(ProbeOutcome.REPLY, IPv4Address("10.2.2.3"))] * 2
    ping = lab.start_ping("a", "10.2.2.3", repeat=1, hops=1)
    lab.wait_for(ping)
    assert ping.probes[0].round_trip == 10_000  # the wire's delay, there and back


def test_through_a_tunnel_the_routers_between_its_ends_are_not_seen(make_pair: MakePair) -> None:
    """The inner time to live is lowered by who forwards the inner packet alone (RFC 4301 §5.1.2.1)."""
    lab = make_pair()
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 4  # the first probe asks for the tunnel
    ping = lab.start_ping("east", "10.0.2.1", "10.0.1.1", repeat=1, hops=1)
    lab.wait_for(ping)
    assert ping.probes[0].outcome is ProbeOutcome.REPLY
