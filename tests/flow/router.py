"""A monitor by itself, with a clock that stands where it is put, and the records that it made."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any, TypeVar

from agent.base.ike_counters import IkeCounter
from agent.flow.counters import IpsecCounter, PacketCounters
from agent.flow.model import IkeTunnel, IpsecTunnel
from agent.flow.monitor import FlowMonitor
from agent.flow.records import FlowRecord
from tests.flow.builders import SPOKE, bundle, ike_facts, ipsec_facts

RecordT = TypeVar("RecordT")


class Clock:
    def __init__(self) -> None:
        self.time = 0

    def now(self) -> int:
        return self.time


class Router:
    """Its tunnels are the guide's, and its counters those of packets."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.monitor = FlowMonitor(self.clock)
        self.records: list[FlowRecord] = []
        self.monitor.subscribe(self.records.append)

    def ike(self, vrf: str | None = "vrf1", spoke: IPv4Address = SPOKE, **facts: Any) -> IkeTunnel:
        return self.monitor.ike_up(vrf, ike_facts(spoke, **facts), PacketCounters(IkeCounter))

    def ipsec(self, ike: IkeTunnel, first_spi: int = 256, **facts: Any) -> IpsecTunnel:
        return self.monitor.ipsec_up(ike, ipsec_facts(**facts), bundle(first_spi), PacketCounters(IpsecCounter))

    def of(self, kind: type[RecordT]) -> list[RecordT]:
        return [record for record in self.records if isinstance(record, kind)]


def carry(tunnel: IpsecTunnel, **numbers: int) -> None:
    """Count by the names of IpsecCounter."""
    assert isinstance(tunnel.counters, PacketCounters)
    for name, number in numbers.items():
        tunnel.counters.add(IpsecCounter[name], number)
