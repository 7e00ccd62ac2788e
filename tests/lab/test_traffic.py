"""Traffic profiles: packets at their moments and of their sizes, through the real path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

LINK = """
[[link]]
ends = ["east:FastEthernet0/0", "west:FastEthernet0/0"]
delay = "1ms"
"""
LAN = "interface FastEthernet0/1\n ip address 10.9.{me}.1 255.255.255.0\nip route 10.9.{peer}.0 255.255.255.0 192.0.2.{peer}"
HOSTS = """
[[host]]
address = "10.9.1.2"
behind = "east:FastEthernet0/1"
[[host]]
address = "10.9.2.2"
behind = "west:FastEthernet0/1"
"""


def traffic(lines: str, source: str = '"east:Loopback0"', destination: str = '"west:Loopback0"') -> str:
    return f"{LINK}[[traffic]]\nsource = {source}\ndestination = {destination}\n{lines}\n"


def test_packets_go_through_a_tunnel_that_the_first_brings_up(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(traffic('period = "10s"\nsizes = [100]')).start()
    lab.wait(100.5)  # at 0, 10, … 100
    assert (lab.ipsec("east", "OUT_PACKETS"), lab.ipsec("east", "OUT_DROPS")) == (10, 1)
    assert (lab.ipsec("west", "IN_PACKETS"), lab.ipsec("west", "IN_OCTETS")) == (10, 1000)
    assert lab.ipsec("west", "OUT_PACKETS") == 0  # nobody answers


def test_echo_requests_are_answered(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(traffic('rate = 2\nprotocol = "icmp"\nsizes = [64, 576]')).start()
    lab.wait(10.2)  # at 0, 0.5, … 10: 21 packets, of which the first is lost
    assert lab.ipsec("east", "OUT_PACKETS") == lab.ipsec("east", "IN_PACKETS") == 20
    assert lab.ipsec("east", "IN_OCTETS") == 10 * 64 + 10 * 576


def test_between_hosts(make_pair: Callable[..., Any]) -> None:
    toml = traffic('period = "1s"\nprotocol = "icmp"', '"10.9.1.2"', '"10.9.2.2"') + HOSTS
    lab = make_pair(toml, lines=LAN, flow="10.9.{me}.0 0.0.0.255 10.9.{peer}.0 0.0.0.255").start()
    lab.wait(9.5)
    assert lab.ipsec("west", "IN_PACKETS") == lab.ipsec("west", "OUT_PACKETS") == 9
    heard = lab.lab.routers["east"].device.interface("FastEthernet0/1").counters
    assert heard[1] == 10  # the host's packets, which the router took over its wire


def test_bursts_and_pauses_take_turns(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(traffic('period = "3s"\non = "10s"\noff = "50s"\nstart = "1m"\nstop = "4m"')).start()
    sent = []
    for _ in range(6):
        before = lab.lab.traffic[0].sent
        lab.wait(60)
        sent.append(lab.lab.traffic[0].sent - before)
    # A burst is at 0, 3, 6 and 9 seconds of its minute; the last of a minute's looks sees the first of the next.
    assert (sum(sent), sent[-1]) == (12, 0)
    assert lab.lab.scheduler.next_time() is None or lab.lab.scheduler.next_time() > lab.clock.now()


@pytest.mark.parametrize(("rate", "count"), [(3.0, 10_801), (7.0, 25_201)])
def test_a_rate_does_not_drift(make_pair: Callable[..., Any], rate: float, count: int) -> None:
    lab = make_pair(traffic(f"rate = {rate}", '"east:Loopback0"', '"10.0.1.1"')).start()  # to itself: no wire
    lab.wait(3600)
    assert lab.lab.traffic[0].sent == count


def test_a_source_without_its_interface_sends_nothing(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(traffic('period = "1s"')).start()
    lab.wait(5.5)
    lab.configure("east", "interface Loopback0", "no ip address")
    before = lab.ipsec("east", "OUT_PACKETS")
    lab.wait(5)
    assert lab.ipsec("east", "OUT_PACKETS") == before
    lab.configure("east", "interface Loopback0", "ip address 10.0.1.1 255.255.255.0")
    lab.wait(5)
    assert lab.ipsec("east", "OUT_PACKETS") == before + 5
