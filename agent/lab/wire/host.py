"""Lab room: hosts. A host answers pings, sends the packets of traffic profiles, and sends everything to its router."""

from __future__ import annotations

from collections.abc import Callable

from agent.base.clock import Clock
from agent.crypto import ip
from agent.crypto.fragments import Reassembly, fragment
from agent.lab.wire.wires import Wire

_MTU = 1500  # octets of a packet on its wire


class Host:
    """`gateway` gives the address of the interface that it is behind."""

    def __init__(self, address: int, gateway: Callable[[], int], wire: Wire, clock: Clock) -> None:
        self.address = address
        self._gateway = gateway
        self._wire = wire
        self._clock = clock
        self._reassembly = Reassembly()
        self._identification = 0

    def has(self, address: int) -> bool:
        return address == self.address

    def carrier_changed(self) -> None:
        """A host has no routes that depend on its carrier."""

    def send(self, packet: ip.Packet) -> None:
        self._identification = self._identification % 0xFFFF + 1
        packet = packet._replace(identification=self._identification)
        pieces = (packet,) if packet.length <= _MTU else fragment(packet, _MTU)
        gateway = self._gateway()
        for piece in pieces:
            self._wire.send(self, gateway, piece.destination, piece.encode())

    def receive(self, octets: bytes) -> None:
        try:
            packet = self._reassembly.take(ip.decode(octets), self._clock.now())
            echo = ip.decode_echo(packet.payload) if packet is not None and packet.protocol == ip.ICMP else None
        except ip.BadPacketError:
            return
        if packet is not None and echo and echo.request and packet.destination == self.address:
            self.send(ip.Packet(self.address, packet.source, ip.ICMP, ip.encode_echo(echo._replace(request=False))))
