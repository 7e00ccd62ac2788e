"""Lab room: tells the flow monitor of refused packets, of each kind of fault one packet in an interval.

Anybody can send such packets, as fast as the wire carries them, so not each of them makes a record. Two intervals are
those of IOS's messages: a minute for an unknown SPI (Cisco's document 115801 about invalid SPIs), half a minute for a failed
integrity check (Cisco's document 116085 about ping loss). The minute of the other faults is our choice.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from agent.base.clock import SECOND
from agent.crypto import ip
from agent.crypto.sad import spi_of
from agent.flow.model import IpsecTunnel
from agent.flow.monitor import FlowMonitor
from agent.flow.refusals import InnerPacket, PacketFault

_INTERVALS = {PacketFault.NOT_AUTHENTIC: 30 * SECOND}
_INTERVAL = 60 * SECOND
_SEQUENCE_AT = {ip.ESP: 4, ip.AH: 8}  # RFC 4303 §2, RFC 4302 §2


class PacketReports:
    """The refused packets of one router."""

    def __init__(self, monitor: FlowMonitor) -> None:
        self._monitor = monitor
        self._now = monitor.clock.now
        self._quiet_until = dict.fromkeys(PacketFault, 0)

    def refused(
        self,
        fault: PacketFault,
        vrf: str | None,
        packet: ip.Packet,
        tunnel: IpsecTunnel | None = None,
        inner: ip.Packet | None = None,
    ) -> None:
        """A packet was refused. `inner` is the one inside, where it was opened."""
        now = self._now()
        if now < self._quiet_until[fault]:
            return
        self._quiet_until[fault] = now + _INTERVALS.get(fault, _INTERVAL)
        spi = sequence = 0
        if packet.protocol in _SEQUENCE_AT:
            at = _SEQUENCE_AT[packet.protocol]
            spi, sequence = spi_of(packet.protocol, packet.payload), int.from_bytes(packet.payload[at : at + 4], "big")
        self._monitor.reports.packet_refused(
            vrf,
            fault,
            IPv4Address(packet.source),
            IPv4Address(packet.destination),
            packet.protocol,
            packet.length,
            spi=spi,
            sequence=sequence,
            tunnel=tunnel,
            inner=InnerPacket(IPv4Address(inner.source), IPv4Address(inner.destination), inner.protocol) if inner else None,
        )
