"""Lab room: decides which interfaces and hosts share a wire.

The links of the lab file come first. An interface that no link names shares a wire with the interfaces in its subnet. If a subnet
is in several VRFs, each VRF has a wire of its own, so that overlapping addresses do not meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Network

from agent.base.scheduler import Scheduler
from agent.config.interface_names import has_medium
from agent.crypto import ip
from agent.crypto.ciphers import RandomSource
from agent.lab.labfile.reading import LabFileError
from agent.lab.labfile.sections import HostSection, LabFile, LinkSection, PeerSection, TrafficSection
from agent.lab.router import Router
from agent.lab.timeline.traffic import Profile, Traffic
from agent.lab.wire.host import Host
from agent.lab.wire.interfaces import InterfacePort, kind_of
from agent.lab.wire.underlay import RealPeer, Underlay
from agent.lab.wire.wires import Quality, Wire


class Wiring:
    """Connects the routers of a lab. All errors of links, hosts and peers are raised together."""

    def __init__(
        self,
        routers: Mapping[str, Router],
        underlays: Mapping[str, Underlay],
        scheduler: Scheduler,
        random: RandomSource,
        filename: str,
    ) -> None:
        self._routers = routers
        self._underlays = underlays
        self._scheduler = scheduler
        self._random = random
        self._filename = filename
        self._problems: list[tuple[str, str]] = []
        self._hosts: list[tuple[tuple[str, str], Host]] = []

    def join(self, lab: LabFile) -> tuple[Traffic, ...]:
        """Make the wires, and the traffic that goes over them."""
        for at, link in enumerate(lab.link):
            self._link(f"link[{at}].ends", link)
        self._subnets()
        for at, host in enumerate(lab.host):
            self._host(f"host[{at}].behind", host)
        for at, peer in enumerate(lab.peer):
            self._peer(f"peer[{at}].behind", peer)
        self._raise_problems()  # traffic makes sense only if the wires are right
        for at, entry in enumerate(lab.at):
            if entry.link is not None:
                self._wire_of(f"at[{at}].link", entry.link)
        traffic = tuple(self._traffic(f"traffic[{at}]", section) for at, section in enumerate(lab.traffic))
        self._raise_problems()
        return tuple(each for each in traffic if each is not None)

    def _raise_problems(self) -> None:
        if self._problems:
            raise LabFileError(self._filename, self._problems)

    def _port(self, key: str, end: tuple[str, str]) -> InterfacePort | None:
        router, name = end
        port = self._routers[router].ports.get(name)
        if port is None:
            known = ", ".join(self._routers[router].ports) or "none"
            self._problems.append((key, f"{router} has no interface {name}; there are {known}"))
        return port

    def _link(self, key: str, link: LinkSection) -> None:
        ports = [self._port(f"{key}[{side}]", end) for side, end in enumerate(link.ends)]
        quality = Quality(link.delay, link.jitter, link.loss, link.duplicate, link.reorder, link.corrupt)
        shared = any(port and kind_of(port.name).shared for port in ports)
        if len(ports) > 2 and any(port and not kind_of(port.name).shared for port in ports):
            self._problems.append((key, "has more than two ends, which only Ethernet interfaces can share"))
        wire = Wire(self._scheduler, self._random, quality, point_to_point=not shared)
        for side, port in enumerate(ports):
            if port and port.wire:
                self._problems.append((f"{key}[{side}]", f"{port.name} is on another link already"))
            elif port:
                self._attach(port, wire)

    def _attach(self, port: InterfacePort, wire: Wire) -> None:
        port.wire = wire
        wire.attach(port)

    def _subnets(self) -> None:
        by_subnet: dict[IPv4Network, list[InterfacePort]] = {}
        for router in self._routers.values():
            for port in router.ports.values():
                if port.wire is None and port.interface.address is not None and has_medium(port.name):
                    by_subnet.setdefault(port.interface.address.network, []).append(port)
        for ports in by_subnet.values():
            for group in _without_shared_addresses(ports):
                if len(group) > 1:
                    wire = Wire(self._scheduler, self._random, Quality())
                    for port in group:
                        self._attach(port, wire)

    def _host(self, key: str, host: HostSection) -> None:
        joined = self._joined(key, host.behind, int(host.address))
        if joined:
            port, wire = joined
            attached = Host(int(host.address), port.address, wire, self._scheduler.clock)
            wire.attach(attached)
            self._hosts.append((host.behind, attached))

    def _peer(self, key: str, section: PeerSection) -> None:
        joined = self._joined(key, section.behind, int(section.address))
        if joined:
            port, wire = joined
            underlay = self._underlays[section.behind[0]]
            peer = RealPeer(section, port.address, wire, underlay)
            underlay.peers.append(peer)
            wire.attach(peer)

    def _joined(self, key: str, behind: tuple[str, str], address: int) -> tuple[InterfacePort, Wire] | None:
        """The interface that a host or peer is behind, and its wire."""
        port = self._port(key, behind)
        if port is None:
            return None
        if port.interface.address is None:
            self._problems.append((key, f"{port.name} has no address, and what is behind it needs one"))
            return None
        if port.address == address:
            self._problems.append((key, f"{port.name} has that address itself"))
            return None
        if port.wire is None:
            self._attach(port, Wire(self._scheduler, self._random, Quality()))
        assert port.wire is not None
        return port, port.wire

    def _wire_of(self, key: str, end: tuple[str, str]) -> None:
        port = self._port(key, end)
        if port is not None and port.wire is None:
            self._problems.append((key, f"{port.name} is on no link"))

    # --- traffic ---

    def _traffic(self, key: str, section: TrafficSection) -> Traffic | None:
        source = self._source(f"{key}.source", section)
        destination = self._destination(f"{key}.destination", section)
        if source is None or destination is None:
            return None
        profile = Profile(
            destination=destination,
            interval=section.interval,
            sizes=tuple(section.sizes),
            protocol=ip.ICMP if section.protocol == "icmp" else ip.UDP,
            port=section.port,
            start=section.start,
            stop=section.stop,
            on=section.on or 0,
            off=section.off or 0,
        )
        return Traffic(profile, self._scheduler, *source)

    def _source(self, key: str, section: TrafficSection) -> tuple[Callable[[], int | None], Callable[[ip.Packet], None]] | None:
        """The function that gives the source address of packets, and the one that sends them."""
        if isinstance(section.source, tuple):
            port, router = self._port(key, section.source), self._routers[section.source[0]]
            if port is None:
                return None
            if not port.address:
                self._problems.append((key, f"{port.name} has no address"))
            return (lambda: port.address or None), (lambda packet: router.send(packet, port.vrf))
        address = int(section.source)
        found = [host for behind, host in self._hosts if host.address == address and section.behind in (None, behind)]
        if len(found) != 1:
            right = "names several hosts: say which by behind" if found else "names no host of the file"
            self._problems.append((key, f"{section.source} {right}"))
            return None
        return (lambda: address), found[0].send

    def _destination(self, key: str, section: TrafficSection) -> int | None:
        if not isinstance(section.destination, tuple):
            return int(section.destination)
        port = self._port(key, section.destination)
        if port is not None and not port.address:
            self._problems.append((key, f"{port.name} has no address"))
        return port.address if port else None


def _without_shared_addresses(ports: list[InterfacePort]) -> Iterable[list[InterfacePort]]:
    """The interfaces of one subnet that share a wire. Two with the same address are on none."""
    vrfs = {port.vrf for port in ports if port.vrf is not None}
    groups = [ports] if len(vrfs) < 2 else [[port for port in ports if port.vrf == vrf] for vrf in (None, *sorted(vrfs))]
    for group in groups:
        addresses = [port.address for port in group]
        yield [port for port in group if addresses.count(port.address) == 1]
