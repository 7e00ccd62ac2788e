"""Lab room: which interfaces and hosts share a wire.

Links that the lab file names come first. Interfaces that no link names share one with those in the same subnet; where that
subnet is in several VRFs, each of these is a wire of its own, so that overlapping addresses do not meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network

from agent.crypto.ciphers import RandomSource
from agent.lab.host import Host
from agent.lab.interfaces import InterfacePort, kind_of
from agent.lab.labfile import LabFileError
from agent.lab.router import Router
from agent.lab.scheduler import Scheduler
from agent.lab.sections import HostSection, LabFile, LinkSection
from agent.lab.wire import Quality, Wire


class Wiring:
    """Joins the routers of a lab. Errors of all links and hosts are gathered, then raised together."""

    def __init__(self, routers: Mapping[str, Router], scheduler: Scheduler, random: RandomSource, filename: str) -> None:
        self._routers = routers
        self._scheduler = scheduler
        self._random = random
        self._filename = filename
        self._problems: list[tuple[str, str]] = []

    def join(self, lab: LabFile) -> None:
        for at, link in enumerate(lab.link):
            self._link(f"link[{at}].ends", link)
        self._subnets()
        for at, host in enumerate(lab.host):
            self._host(f"host[{at}].behind", host)
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
                if port.wire is None and port.interface.address is not None and not port.name.startswith(("Loopback", "Tunnel")):
                    by_subnet.setdefault(port.interface.address.network, []).append(port)
        for ports in by_subnet.values():
            for group in _apart(ports):
                if len(group) > 1:
                    wire = Wire(self._scheduler, self._random, Quality())
                    for port in group:
                        self._attach(port, wire)

    def _host(self, key: str, host: HostSection) -> None:
        port = self._port(key, host.behind)
        if port is None:
            return
        if port.interface.address is None:
            self._problems.append((key, f"{port.name} has no address; a host needs one for its gateway"))
            return
        if port.wire is None:
            self._attach(port, Wire(self._scheduler, self._random, Quality()))
        assert port.wire is not None
        port.wire.attach(Host(int(host.address), port.address, port.wire))


def _apart(ports: list[InterfacePort]) -> Iterable[list[InterfacePort]]:
    """The interfaces of one subnet that share a wire; two with one address cannot be on the same, so they are on none."""
    vrfs = {port.vrf for port in ports if port.vrf is not None}
    groups = [ports] if len(vrfs) < 2 else [[port for port in ports if port.vrf == vrf] for vrf in (None, *sorted(vrfs))]
    for group in groups:
        addresses = [port.address for port in group]
        yield [port for port in group if addresses.count(port.address) == 1]
