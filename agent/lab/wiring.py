"""Lab room: joins routers, hosts and peers as the lab file says. `wire.cables` decides which interfaces share a wire."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from functools import partial

from agent.base.scheduler import Scheduler
from agent.crypto import ip
from agent.crypto.ciphers import RandomSource
from agent.lab.labfile.reading import LabFileError
from agent.lab.labfile.sections import HostSection, LabFile, LinkSection, PeerSection, TrafficSection
from agent.lab.router import Router
from agent.lab.timeline.traffic import Profile, Traffic
from agent.lab.wire.cables import Cables
from agent.lab.wire.host import Host
from agent.lab.wire.interfaces import InterfacePort, kind_of
from agent.lab.wire.underlay import RealPeer, Underlay
from agent.lab.wire.wires import Quality, Wire


class Wiring:
    """Connects the routers of a lab. All errors of links, hosts and peers are raised together.

    `routers` are by name. A router that restarts takes the place of the one before. Those of `saved` have a configuration that is
    not the lab file's: it may lack an interface of the lab file.
    """

    def __init__(
        self,
        routers: Mapping[str, Router],
        underlays: Mapping[str, Underlay],
        scheduler: Scheduler,
        random: RandomSource,
        filename: str,
        saved: Container[str] = (),
    ) -> None:
        self._routers = dict(routers)
        self._underlays = underlays
        self._scheduler = scheduler
        self._random = random
        self._filename = filename
        self._saved = saved
        self._problems: list[tuple[str, str]] = []
        self._hosts: list[tuple[tuple[str, str], Host]] = []
        self._cables = Cables(lambda: Wire(scheduler, random, Quality()))

    def join(self, lab: LabFile) -> tuple[Traffic, ...]:
        """Make the wires, and the traffic that goes over them."""
        for at, link in enumerate(lab.link):
            self._link(f"link[{at}].ends", link)
        self._cables.begin(((name, port.name), port) for name, router in self._routers.items() for port in router.ports.values())
        for name, router in self._routers.items():
            self._connect(name, router)
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

    def replace(self, name: str, router: Router) -> None:
        """Put the cables of a router into the one that takes its place."""
        before, self._routers[name] = self._routers[name], router
        before.disconnect()
        self._connect(name, router)

    def _connect(self, name: str, router: Router) -> None:
        router.connect(
            lambda port: self._cables.follow((name, port.name), port),
            lambda port: self._cables.remove((name, port.name), port),
        )

    def _raise_problems(self) -> None:
        if self._problems:
            raise LabFileError(self._filename, self._problems)

    def _port(self, key: str, end: tuple[str, str]) -> InterfacePort | None:
        router, name = end
        port = self._routers[router].ports.get(name)
        if port is None and router not in self._saved:
            known = ", ".join(self._routers[router].ports) or "none"
            self._problems.append((key, f"{router} has no interface {name}; there are {known}"))
        return port

    def _link(self, key: str, link: LinkSection) -> None:
        ports = [self._port(f"{key}[{side}]", end) for side, end in enumerate(link.ends)]
        quality = Quality(link.delay, link.jitter, link.loss, link.duplicate, link.reorder, link.corrupt)
        shared = [kind_of(name).shared for _, name in link.ends]
        if len(ports) > 2 and not all(shared):
            self._problems.append((key, "has more than two ends, which only Ethernet interfaces can share"))
        wire = Wire(self._scheduler, self._random, quality, point_to_point=not any(shared))
        for side, port in enumerate(ports):
            if self._cables.is_linked(link.ends[side]):
                self._problems.append((f"{key}[{side}]", f"{link.ends[side][1]} is on another link already"))
            else:
                self._cables.link(link.ends[side], port, wire)

    def _host(self, key: str, host: HostSection) -> None:
        wire = self._wire_behind(key, host.behind, int(host.address))
        attached = Host(int(host.address), partial(self._gateway, host.behind), wire, self._scheduler.clock)
        wire.attach(attached)
        self._hosts.append((host.behind, attached))

    def _peer(self, key: str, section: PeerSection) -> None:
        wire = self._wire_behind(key, section.behind, int(section.address))
        underlay = self._underlays[section.behind[0]]
        peer = RealPeer(section, partial(self._gateway, section.behind), wire, underlay)
        underlay.peers.append(peer)
        wire.attach(peer)

    def _wire_behind(self, key: str, behind: tuple[str, str], address: int) -> Wire:
        """The wire of the interface that a host or peer is behind."""
        port = self._port(key, behind)
        if port is not None and behind[0] not in self._saved:
            if port.interface.address is None:
                self._problems.append((key, f"{port.name} has no address, and what is behind it needs one"))
            elif port.address == address:
                self._problems.append((key, f"{port.name} has that address itself"))
        return self._cables.behind(behind, port)

    def _gateway(self, behind: tuple[str, str]) -> int:
        return self._address_of(behind) or 0

    def _wire_of(self, key: str, end: tuple[str, str]) -> None:
        port = self._port(key, end)
        if port is not None and port.wire is None and end[0] not in self._saved:
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
            port = self._port(key, section.source)
            if port is not None and not port.address and section.source[0] not in self._saved:
                self._problems.append((key, f"{port.name} has no address"))
            return partial(self._address_of, section.source), partial(self._send, section.source)
        address = int(section.source)
        found = [host for behind, host in self._hosts if host.address == address and section.behind in (None, behind)]
        if len(found) != 1:
            right = "names several hosts: say which by behind" if found else "names no host of the file"
            self._problems.append((key, f"{section.source} {right}"))
            return None
        return (lambda: address), found[0].send

    def _address_of(self, end: tuple[str, str]) -> int | None:
        """The present address of an interface."""
        port = self._routers[end[0]].ports.get(end[1])
        return port.address or None if port else None

    def _send(self, end: tuple[str, str], packet: ip.Packet) -> None:
        """Send a packet from an interface."""
        router = self._routers[end[0]]
        port = router.ports.get(end[1])
        if port is not None:
            router.send(packet, port.vrf)

    def _destination(self, key: str, section: TrafficSection) -> int | None:
        if not isinstance(section.destination, tuple):
            return int(section.destination)
        port = self._port(key, section.destination)
        if port is not None and not port.address and section.destination[0] not in self._saved:
            self._problems.append((key, f"{port.name} has no address"))
        return port.address or None if port else None
