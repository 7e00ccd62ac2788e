"""What a change of the configuration does to tunnels and interfaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.flow.model import EndReason


@pytest.mark.parametrize(
    "lines",
    [
        ("interface FastEthernet0/0", "no crypto map"),
        ("no crypto map outside 10",),
        ("crypto map outside 10", "no match address"),
    ],
    ids=["map off the interface", "entry removed", "entry no longer complete"],
)
def test_tunnels_go_with_what_made_them(make_pair: Callable[..., Any], lines: tuple[str, ...]) -> None:
    lab = make_pair()
    lab.ping("east", "10.0.2.1", "10.0.1.1")
    lab.configure("east", *lines)
    (row,) = lab.flow("east").ipsec_history.values()
    assert row.reason is EndReason.OPERATOR
    lab.wait(1)
    (row,) = lab.flow("west").ipsec_history.values()
    assert row.reason is EndReason.PEER_DELETE
    assert lab.leaks("east").sad == lab.leaks("west").sad == 0


def test_tunnels_stay_when_something_else_changes(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    lab.ping("east", "10.0.2.1", "10.0.1.1")
    lab.configure("east", "no crypto isakmp key secret address 192.0.2.2", "crypto ipsec transform-set more esp-3des", "exit")
    lab.configure("east", "interface Loopback7", "ip address 10.7.7.7 255.255.255.255")
    assert len(lab.flow("east").ipsec_tunnels) == 1
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=2) == 2


def test_a_new_map_entry_works_at_once(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(west={"lines": "access-list 101 permit ip host 10.7.7.2 host 10.7.7.1"})
    lab.configure(
        "west",
        "interface Loopback7",
        "ip address 10.7.7.2 255.255.255.255",
        "ip route 10.7.7.1 255.255.255.255 192.0.2.1",
    )
    lab.configure(
        "east",
        "interface Loopback7",
        "ip address 10.7.7.1 255.255.255.255",
        "ip route 10.7.7.2 255.255.255.255 192.0.2.2",
        "access-list 107 permit ip host 10.7.7.1 host 10.7.7.2",
        "crypto map outside 20 ipsec-isakmp",
        "set peer 192.0.2.2",
        "set transform-set ours",
        "match address 107",
    )
    assert lab.ping("east", "10.7.7.2", "10.7.7.1", repeat=3) == 2


def test_interfaces_come_and_go_and_keep_their_index(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    device = lab.east.device
    assert [(state.index, state.name) for state in device.interfaces.values()] == [(1, "Loopback0"), (2, "FastEthernet0/0")]
    lab.configure("east", "interface Loopback7", "ip address 10.7.7.7 255.255.255.255", "no interface Loopback0")
    assert [(state.index, state.name) for state in device.interfaces.values()] == [(2, "FastEthernet0/0"), (3, "Loopback7")]


def test_a_shut_interface_is_down_and_carries_nothing(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    assert lab.ping("east", "192.0.2.2", repeat=1) == 1
    lab.wait(5)
    lab.configure("west", "interface FastEthernet0/0", "shutdown")
    state = lab.west.device.interface("FastEthernet0/0")
    assert (state.admin_up, state.oper_up, state.last_change) == (False, False, lab.clock.now())
    assert lab.ping("east", "192.0.2.2", repeat=1) == 0
    assert state.counters[:2] == [100, 1]
    lab.configure("west", "interface FastEthernet0/0", "no shutdown")
    assert lab.ping("east", "192.0.2.2", repeat=1) == 1
    assert state.oper_up


def test_a_new_hostname_is_the_devices_and_of_the_next_tunnel(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    lab.configure("east", "hostname orient")
    assert lab.east.device.name == "orient"
    lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=1)
    (tunnel,) = lab.flow("east").ike_tunnels.values()
    assert tunnel.facts.local_name == "orient"
