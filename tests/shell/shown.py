"""A console of a router whose tunnels are made by the flow monitor's verbs, for tests of what show commands print of them."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from agent.base.clock import SECOND
from agent.base.ike_counters import IkeCounter
from agent.flow.counters import IpsecCounter, PacketCounters
from agent.flow.model import Endpoint, Identity, IkeTunnel, IpsecTunnel
from agent.flow.monitor import NewSpi
from agent.flow.sa_counts import ReportedCounts, SaCounts
from tests.flow.builders import ike_facts, ipsec_facts
from tests.shell.fakes import Console

KILOBYTE = 1024
HUB, SPOKE = IPv4Address("172.0.0.1"), IPv4Address("172.0.0.2")
VERSION = {"classic": "version 12.4\n", "xe": "version 16.9\n"}


def network(text: str) -> Endpoint:
    address, mask = text.split("/")
    return Endpoint("subnet", IPv4Address(address), IPv4Address(mask))


def host(text: str) -> Endpoint:
    return Endpoint("address", IPv4Address(text), IPv4Address(text))


class Shown(Console):
    """A console of a router whose tunnels the flow monitor's verbs make."""

    def ike(self, ours: str, theirs: str, vrf: str | None = None, **facts: Any) -> IkeTunnel:
        ends = {"local_address": IPv4Address(ours), "remote_address": IPv4Address(theirs)}
        names = {"local": Identity(True, ours), "remote": Identity(True, theirs)}
        return self.router.monitor.ike_up(vrf, ike_facts(**(ends | names | facts)), PacketCounters(IkeCounter))

    def ipsec(self, ike: IkeTunnel, sas: int = 2, octets: int = 0, **facts: Any) -> IpsecTunnel:
        ends = {"local_address": ike.facts.local_address, "remote_address": ike.facts.remote_address}
        source = ReportedCounts(SaCounts(4, octets, 0))
        spis = [NewSpi(number % 2 == 0, "esp" if number < 2 else "ah", 256 + number, source=source) for number in range(sas)]
        return self.router.monitor.ipsec_up(ike, ipsec_facts(**(ends | facts)), spis, PacketCounters(IpsecCounter))

    def at(self, seconds: float) -> None:
        self.clock.time = int(seconds * SECOND)


BRIEF_CONFIG = (
    "access-list 101 permit ip any any\ncrypto map m 10 ipsec-isakmp\n set peer 10.0.0.6\n match address 101\n"
    "interface FastEthernet0/1\n ip address 10.0.0.1 255.255.255.0\n crypto map m\n"
)
