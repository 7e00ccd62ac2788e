"""What befalls routers and links on the timeline, and what both ends make of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.flow.model import EndReason

LINK = """
[[link]]
ends = ["east:FastEthernet0/0", "west:FastEthernet0/0"]
delay = "1ms"
"""
TRAFFIC = """
[[traffic]]
source = "east:Loopback0"
destination = "west:Loopback0"
protocol = "icmp"
period = "1s"
"""


def at(time: str, lines: str) -> str:
    return f'[[at]]\ntime = "{time}"\n{lines}\n'


def interface(lab: Any, name: str, interface: str = "FastEthernet0/0") -> Any:
    return lab.lab.routers[name].device.interface(interface)


def test_lines_of_the_timeline_are_as_pasted(make_pair: Callable[..., Any]) -> None:
    down = at("10s", 'router = "west"\nrun = ["interface FastEthernet0/0", "shutdown"]')
    up = at("20s", 'router = "west"\nrun = ["interface FastEthernet0/0", "no shutdown"]')
    lab = make_pair(LINK + TRAFFIC + down + up).start()
    lab.wait(15)
    assert not interface(lab, "west").oper_up
    before = lab.ipsec("east", "IN_PACKETS")
    lab.wait(4)
    assert lab.ipsec("east", "IN_PACKETS") == before
    lab.wait(6)
    assert interface(lab, "west").oper_up
    assert lab.ipsec("east", "IN_PACKETS") > before


def test_a_changed_key_is_for_the_next_phase_1(make_pair: Callable[..., Any]) -> None:
    lines = '["crypto isakmp key other address 192.0.2.2"]'
    lab = make_pair(LINK + TRAFFIC + at("90s", f'router = "east"\nrun = {lines}'), ike_lifetime="120", seconds="150").start()
    lab.wait(130)
    assert len(lab.flow("east").ipsec_tunnels) == 1  # as long as its SAs live
    lab.wait(170)
    assert not lab.flow("east").ipsec_tunnels
    assert lab.flow("east").ike_failures


def test_a_cut_link_takes_the_interfaces_down(make_pair: Callable[..., Any]) -> None:
    link = 'link = "east:FastEthernet0/0"\n'
    toml = LINK + TRAFFIC + at("10s", link + 'fault = "link down"') + at("20s", link + 'fault = "link up"')
    lab = make_pair(toml).start()
    told: list[tuple[str, bool]] = []
    for name in ("east", "west"):
        lab.lab.routers[name].device.link_listeners.append(lambda state, name=name: told.append((name, state.oper_up)))
    lab.wait(15)
    assert not interface(lab, "east").oper_up
    assert interface(lab, "east").admin_up
    assert lab.lab.routers["east"].router.source_address(None, 0xC0000202) is None  # no way there
    before = lab.ipsec("east", "OUT_PACKETS")
    lab.wait(4)
    assert lab.ipsec("east", "OUT_PACKETS") == before
    lab.wait(10)
    assert lab.ipsec("east", "IN_PACKETS") > before - 5
    assert told == [("east", False), ("west", False), ("east", True), ("west", True)]


def test_packets_on_a_cut_wire_do_not_arrive(make_pair: Callable[..., Any]) -> None:
    link = LINK.replace("1ms", "500ms")
    lab = make_pair(link + at("300ms", 'link = "west:FastEthernet0/0"\nfault = "link down"')).start()
    lab.start_ping("east", "192.0.2.2", repeat=1)
    lab.wait(1)
    assert interface(lab, "west").counters[1] == 0


def test_a_link_becomes_better_and_worse(make_pair: Callable[..., Any]) -> None:
    toml = LINK + at("10s", 'link = "east:FastEthernet0/0"\nloss = 1.0') + at("20s", 'link = "west:FastEthernet0/0"\nloss = 0.0')
    lab = make_pair(toml + at("30s", 'link = "west:FastEthernet0/0"\ndelay = "7ms"')).start()
    assert lab.ping("east", "192.0.2.2") == 5
    lab.wait(12)
    assert lab.ping("east", "192.0.2.2", repeat=2) == 0
    lab.wait(20)
    ping = lab.start_ping("east", "192.0.2.2", repeat=3)
    lab.wait(1)
    assert [probe.round_trip for probe in ping.probes] == [14_000] * 3


def test_a_router_without_power_is_deaf_and_mute_and_comes_back_without_sas(make_pair: Callable[..., Any]) -> None:
    toml = (
        LINK + TRAFFIC + at("10.5s", 'router = "west"\nfault = "router off"') + at("30.5s", 'router = "west"\nfault = "router on"')
    )
    lab = make_pair(toml).start()
    lab.wait(10.4)
    (old,) = lab.flow("east").ipsec_tunnels.values()
    heard = interface(lab, "west").counters[1]
    lab.wait(10)
    assert vars(lab.leaks("west")) == {"sad": 0, "flows": 0, "records": 0}
    assert not lab.lab.routers["west"].router.powered
    assert interface(lab, "west").counters[1] == heard
    assert old in lab.flow("east").ipsec_tunnels.values()  # nobody has told it
    lab.wait(11)
    assert interface(lab, "west").oper_up
    # West knows nothing of what east goes on sending with; its own first packet makes new SAs, and tells east to forget the old.
    assert lab.ping("west", "10.0.1.1", "10.0.2.1") == 4
    assert old not in lab.flow("east").ipsec_tunnels.values()
    assert [row.reason for row in lab.flow("east").ipsec_history.values()] == [EndReason.PEER_LOST]
    lab.wait(3)
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 5


def test_every_interface_goes_down_with_its_router_and_comes_back(make_pair: Callable[..., Any]) -> None:
    """RFC 2863: linkDown when ifOperStatus leaves up, linkUp when it comes back to it; ifAdminStatus is the configuration's."""
    faults = at("10s", 'router = "west"\nfault = "router off"') + at("30s", 'router = "west"\nfault = "router on"')
    lab = make_pair(LINK + faults, west={"lines": "interface Loopback1\n shutdown"}).start()
    told: list[tuple[str, bool, bool]] = []
    lab.west.device.link_listeners.append(lambda state: told.append((state.name, state.admin_up, state.oper_up)))
    lab.wait(9)
    assert told == []
    lab.wait(2)
    assert told == [("Loopback0", True, False), ("FastEthernet0/0", True, False)]
    assert lab.west.device.interface("FastEthernet0/0").last_change == 10_000_000
    lab.configure("west", "interface Loopback2", "ip address 10.7.7.7 255.255.255.255")
    told.clear()
    lab.wait(20)
    assert told == [("Loopback0", True, True), ("FastEthernet0/0", True, True), ("Loopback2", True, True)]


def test_a_router_that_loses_power_while_it_negotiates_leaves_nothing_behind(make_pair: Callable[..., Any]) -> None:
    for tenths in range(12):
        off = at(f"{tenths / 2 + 0.5}ms", 'router = "east"\nfault = "router off"')
        lab = make_pair(LINK + off + at("5m", 'router = "east"\nfault = "router on"')).start()
        lab.start_ping("east", "10.0.2.1", "10.0.1.1", repeat=1)
        lab.wait(1)
        assert vars(lab.leaks("east")) == {"sad": 0, "flows": 0, "records": 0}
        lab.wait(400)
        assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 4
        assert len(lab.flow("west").ipsec_tunnels) == 1
