"""Encapsulation modes of transform sets (Cisco IOS Security Command Reference, `mode (IPSec)`): each set has its own."""

from __future__ import annotations

from typing import Any

import pytest

from agent.flow.model import IpsecFailureReason
from tests.lab.conftest import MakePair, only

BETWEEN_PEERS = "host 192.0.2.{me} host 192.0.2.{peer}"


def transports(lab: Any) -> list[bool]:
    """Of the tunnel at each end whether it is in transport mode."""
    return [only(lab.flow(name).ipsec_tunnels).facts.transport for name in ("east", "west")]


@pytest.mark.parametrize(
    ("east", "west", "transport"),
    [
        ("transport", "transport", True),
        ("tunnel", "transport", False),  # the peer offers tunnel mode, and that is taken
        ("transport require", "transport", True),
        ("transport", "transport require", True),
        ("tunnel", "tunnel", False),
    ],
)
def test_transport_mode_without_require_takes_tunnel_mode_too(make_pair: MakePair, east: str, west: str, transport: bool) -> None:
    lab = make_pair(flow=BETWEEN_PEERS, east={"mode": east}, west={"mode": west})
    assert lab.ping("east", "192.0.2.2", repeat=3) == 2
    assert transports(lab) == [transport, transport]
    assert lab.ping("west", "192.0.2.1", repeat=2) == 2


@pytest.mark.parametrize(("east", "west"), [("tunnel", "transport require"), ("transport", "tunnel")])
def test_a_mode_that_a_set_does_not_take_is_refused(make_pair: MakePair, east: str, west: str) -> None:
    """What is offered is what the set says, so that a peer which has tunnel mode alone refuses `mode transport`."""
    lab = make_pair(flow=BETWEEN_PEERS, east={"mode": east}, west={"mode": west})
    assert lab.ping("east", "192.0.2.2", repeat=2) == 0
    for name in ("east", "west"):
        assert IpsecFailureReason.PROPOSAL in {row.reason for row in lab.flow(name).ipsec_failures.values()}


def test_the_mode_is_each_sets_own(make_pair: MakePair) -> None:
    """East's first set, in tunnel mode, is none of west's; its second is offered in its own mode."""
    second = "crypto ipsec transform-set second esp-aes esp-sha-hmac\n mode transport\n"
    lab = make_pair(
        flow=BETWEEN_PEERS,
        map_lines=" set transform-set ours second",
        east={"lines": second},
        west={"transforms": "esp-3des esp-md5-hmac", "lines": second.replace("transport", "transport require")},
    )
    assert lab.ping("east", "192.0.2.2", repeat=3) == 2
    assert transports(lab) == [True, True]


def test_a_flow_of_others_goes_in_tunnel_mode_or_with_require_not_at_all(make_pair: MakePair) -> None:
    lab = make_pair(mode="transport")
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=3) == 2
    assert transports(lab) == [False, False]
    lab = make_pair(mode="transport require")
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=3) == 0
