"""Lab room: a host: answers pings, sends what traffic profiles want, and hands everything to the router that it is behind."""

from __future__ import annotations

from agent.crypto import ip
from agent.lab.wire import Wire


class Host:
    """`gateway` is the address of the interface that it is behind."""

    def __init__(self, address: int, gateway: int, wire: Wire) -> None:
        self.address = address
        self._gateway = gateway
        self._wire = wire

    def has(self, address: int) -> bool:
        return address == self.address

    def carrier_changed(self) -> None:
        """A host has no routes to think of."""

    def send(self, packet: ip.Packet) -> None:
        self._wire.send(self, self._gateway, packet.destination, packet.encode())

    def receive(self, octets: bytes) -> None:
        try:
            packet = ip.decode(octets)
            echo = ip.decode_echo(packet.payload) if packet.protocol == ip.ICMP else None
        except ip.BadPacketError:
            return
        if echo and echo.request and packet.destination == self.address:
            self.send(ip.Packet(self.address, packet.source, ip.ICMP, ip.encode_echo(echo._replace(request=False))))
