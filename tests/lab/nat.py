"""A NAT for tests: it stands between two wires of a lab, and changes the addresses and ports of what goes out."""

from __future__ import annotations

from agent.crypto import ip
from agent.lab.randomness import SeededRandom
from agent.lab.wire.wires import Quality, Wire
from tests.lab.conftest import DrivenLab


class _Face:
    """One side of the NAT, as a port of a wire."""

    def __init__(self, nat: Nat, outside: bool) -> None:
        self._nat = nat
        self._outside = outside

    def has(self, address: int) -> bool:
        return address == self._nat.address if self._outside else True

    def receive(self, octets: bytes) -> None:
        self._nat.carry(ip.decode(octets), self._outside)

    def carrier_changed(self) -> None: ...


class Nat:
    """Knows UDP alone. `seen` is what has crossed it, as it looked outside; `move` gives everybody other ports and an address."""

    def __init__(self, lab: DrivenLab, inside: tuple[str, ...], outside: str, address: str) -> None:
        self.address = _number(address)
        self.seen: list[tuple[bool, ip.Datagram]] = []
        self._ports: dict[tuple[int, int], int] = {}
        self._next_port = 20000
        self._faces = _Face(self, False), _Face(self, True)
        self._wires = tuple(Wire(lab.lab.scheduler, SeededRandom(1), Quality(delay=1000)) for _ in range(2))
        for wire, face, routers in zip(self._wires, self._faces, (inside, (outside,)), strict=True):
            for name in routers:
                port = lab.router(name).ports["FastEthernet0/0"]
                port.wire = wire
                wire.attach(port)
            wire.attach(face)

    @property
    def inside(self) -> Wire:
        return self._wires[0]

    def move(self, address: str) -> None:
        self.address = _number(address)
        self._ports.clear()

    def swap(self) -> None:
        """Two hosts get each other's ports."""
        ends = list(self._ports.items())
        hosts = list(dict.fromkeys(host for (host, _), _ in ends))
        other = dict(zip(hosts, reversed(hosts), strict=True))
        self._ports = {(host, port): self._ports[other[host], port] for (host, port), _ in ends}

    def carry(self, packet: ip.Packet, from_outside: bool) -> None:
        if packet.protocol != ip.UDP:
            return
        datagram = ip.decode_udp(packet)
        if from_outside:
            found = [end for end, port in self._ports.items() if port == datagram.destination_port]
            if not found or packet.destination != self.address:
                return
            ((inside, port),) = found
            self.seen.append((False, datagram))
            self._send(0, packet.source, inside, datagram._replace(destination_port=port))
        else:
            end = packet.source, datagram.source_port
            if end not in self._ports:
                self._next_port += 1
                self._ports[end] = self._next_port
            mapped = datagram._replace(source_port=self._ports[end])
            self.seen.append((True, mapped))
            self._send(1, self.address, packet.destination, mapped)

    def _send(self, side: int, source: int, destination: int, datagram: ip.Datagram) -> None:
        octets = ip.Packet(source, destination, ip.UDP, ip.encode_udp(source, destination, datagram)).encode()
        self._wires[side].send(self._faces[side], destination, destination, octets)


def _number(address: str) -> int:
    return int.from_bytes(bytes(map(int, address.split("."))), "big")
