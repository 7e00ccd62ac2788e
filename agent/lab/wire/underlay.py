"""Lab room: a real underlay: real sockets for a router's IKE, and for its ESP in UDP.

A real peer is on a wire of the lab like a host, with the address that the configuration knows it by. Packets to it leave by the
router's sockets for its real address; its datagrams come in by them. So the underlay is a NAT: ports 500 and 4500 in the lab
correspond to the real addresses and ports of the lab file.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence

from agent.base.binding import why_unbound
from agent.base.errors import UserError
from agent.base.limited_log import LimitedLog
from agent.base.scheduler import Scheduler
from agent.config.model import RouterConfig
from agent.crypto import ip
from agent.crypto.doi import ISAKMP_PORT, NAT_PORT
from agent.crypto.fragments import Reassembly
from agent.lab.failures.reported import Reported
from agent.lab.labfile.sections import Endpoint, LabFile, PeerSection, RouterSection
from agent.lab.policy.crypto_maps import entries_of, policies_of, protections_of, transform_sets
from agent.lab.wire.wires import Wire

_MOST_WAITING = 1024  # datagrams that wait for the lab; each peer has an equal share of them
_RECEIVE_BUFFER = 1 << 20  # octets, as far as the system allows, so that strangers' datagrams do not displace those of peers
_AT_ONCE = 64  # datagrams read in one turn of the loop
_LARGEST = 65535

_log = logging.getLogger(__name__)


class UnderlayError(UserError):
    """A socket cannot be opened. `str()` is one line with the file, the key and the reason."""


class RealPeer:
    """A peer outside, as a port of a lab's wire; `gateway` gives the address of the interface that it is behind."""

    def __init__(self, section: PeerSection, gateway: Callable[[], int], wire: Wire, underlay: Underlay) -> None:
        self.address = int(section.address)
        self._gateway = gateway
        self._ours = 0  # our end, as last seen by the peer; 0 until then
        self._wire = wire
        self._underlay = underlay
        self._reassembly = Reassembly()
        # The peer's ports in the lab, and their real addresses.
        self.ends: Mapping[int, Endpoint] = {ISAKMP_PORT: section.real_ike, NAT_PORT: section.real_nat}

    def has(self, address: int) -> bool:
        return address == self.address

    def carrier_changed(self) -> None:
        """Nothing to do: a wire that is down carries nothing to the sockets either."""

    def receive(self, octets: bytes) -> None:
        """Send a packet to the peer. Only IKE and ESP in UDP can leave the lab."""
        try:
            packet = self._reassembly.take(ip.decode(octets), self._underlay.now())
            if packet is None:
                return
            datagram = ip.decode_udp(packet) if packet.protocol == ip.UDP else None
        except ip.BadPacketError:
            return
        if datagram is None or packet.destination != self.address:
            self._underlay.refuse(self.address, packet.protocol)
            return
        self._ours = packet.source
        port = datagram.destination_port
        self._underlay.send(datagram.source_port, self.ends.get(port, (self.ends[NAT_PORT][0], port)), datagram.data)

    def port_of(self, source: Endpoint, exactly: bool) -> int | None:
        """The peer's port in the lab for a datagram from the real `source`; None if it is not from this peer.

        If it need not be `exactly` the lab file's, another port, such as one that a NAT gives, stays as it is.
        """
        for port, end in self.ends.items():
            if end == source:
                return port
        return source[1] if not exactly and source[0] in {host for host, _ in self.ends.values()} else None

    def deliver(self, port: int, our_port: int, data: bytes) -> None:
        ours = self._ours or self._gateway()
        datagram = ip.encode_udp(self.address, ours, ip.Datagram(port, our_port, data))
        packet = ip.Packet(self.address, ours, ip.UDP, datagram)
        self._wire.send(self, ours, ours, packet.encode())


class Underlay:
    """A router's real sockets, and the peers beyond them. `refused` counts datagrams that were dropped in either direction."""

    def __init__(self, name: str, section: RouterSection, scheduler: Scheduler, filename: str) -> None:
        assert section.ike is not None
        self.name = name
        self._filename = filename
        self.peers: list[RealPeer] = []
        self.refused = 0
        self._bind = {ISAKMP_PORT: ("ike", section.ike), NAT_PORT: ("nat", section.nat or (section.ike[0], NAT_PORT))}
        self._scheduler = scheduler
        self._sockets: dict[int, socket.socket] = {}
        self._waiting: deque[tuple[RealPeer, int, int, bytes]] = deque()
        self._share: Counter[RealPeer] = Counter()  # how many of these are of each peer
        self._reported = Reported()
        self._limited = LimitedLog(_log, scheduler.clock.now, scheduler.after)

    def open(self) -> None:
        """Bind the sockets, within a running event loop. Raises UnderlayError."""
        loop = asyncio.get_running_loop()
        for port, (key, end) in self._bind.items():
            opened = self._sockets[port] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            opened.setblocking(False)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            try:
                opened.bind(end)
            except OSError as error:
                self.close()
                why = why_unbound(error, end[1], "name another address and port there")
                key = f"{self._filename}: router.{self.name}.{key}"
                raise UnderlayError(f"{key}: {end[0]}:{end[1]} cannot be bound: {why}") from None
            loop.add_reader(opened, self._read, port, opened)

    def close(self) -> None:
        loop = asyncio.get_running_loop()
        for opened in self._sockets.values():
            loop.remove_reader(opened)
            opened.close()
        self._sockets.clear()
        self._limited.close()

    def now(self) -> int:
        return self._scheduler.clock.now()

    @property
    def addresses(self) -> list[Endpoint]:
        """Where the lab's ports 500 and 4500 really are."""
        return [opened.getsockname() for opened in self._sockets.values()]

    def send(self, our_port: int, end: Endpoint, data: bytes) -> None:
        """Send a datagram from a port of the lab. If the kernel does not accept it at once, it is lost."""
        opened = self._sockets.get(our_port)
        try:
            if opened is not None:
                opened.sendto(data, end)
                return
        except OSError as error:
            self._limited.debug("%s: a datagram to %s:%d is lost: %s", self.name, *end, error)
        self.refused += 1

    def _read(self, our_port: int, opened: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, source = opened.recvfrom(_LARGEST)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error: the peer is not there, which IKE detects by itself
            self.arrived(our_port, data, source)

    def arrived(self, our_port: int, data: bytes, source: Endpoint) -> None:
        """Queue a datagram from outside for its turn with the lab's other work."""
        found = self._whose(source)
        if found is None:
            self.refused += 1
            if self._reported.is_first(source[0]):
                self._limited.warning("%s: datagrams from %s are dropped: it is the address of no [[peer]]", self.name, source[0])
        elif self._share[found[0]] >= _MOST_WAITING // len(self.peers):
            self.refused += 1
            self._limited.warning(
                "%s: a datagram from %s is dropped: too many datagrams of that peer are waiting", self.name, source[0]
            )
        else:
            self._share[found[0]] += 1
            self._waiting.append((*found, our_port, data))
            self._scheduler.after(0, self._take)

    def _whose(self, source: Endpoint) -> tuple[RealPeer, int] | None:
        found = (
            (peer, port) for exactly in (True, False) for peer in self.peers if (port := peer.port_of(source, exactly)) is not None
        )
        return next(found, None)

    def _take(self) -> None:
        peer, port, our_port, data = self._waiting.popleft()
        self._share[peer] -= 1
        peer.deliver(port, our_port, data)

    def refuse(self, address: int, protocol: int) -> None:
        """Drop a packet of a protocol that cannot leave the lab."""
        self.refused += 1
        if self._reported.is_first((address, protocol)):
            self._limited.warning("%s: packets of protocol %d cannot leave the lab and are dropped", self.name, protocol)


def underlay_problems(lab: LabFile, configs: Mapping[str, RouterConfig], real_clock: bool) -> list[tuple[str, str]]:
    """Errors of a real underlay with a virtual clock, or with AH, which does not go in UDP."""
    problems = []
    for name, section in lab.router.items():
        if section.ike is None:
            continue
        key = f"router.{name}.ike"
        if not real_clock:
            problems.append((key, "a real underlay needs the real clock"))
        if name not in configs:
            continue
        peers = [peer for peer in lab.peer if peer.behind[0] == name]
        for transform_set, at in _with_ah(configs[name], peers):
            message = "has AH, which does not go in UDP; on a real underlay a transform set needs ESP alone"
            problems.append((key, f"transform set {transform_set} of {at} {message}"))
    return problems


def _with_ah(config: RouterConfig, peers: Sequence[PeerSection]) -> Iterator[tuple[str, str]]:
    """The transform sets with AH that a real peer might be offered, and the crypto map that has them."""
    addresses = {int(peer.address) for peer in peers}
    policies = policies_of(config)
    exposed = [policies[name] for name in {peer.behind[1] for peer in peers} if name in policies]
    for target in (entry.target for entry in entries_of((*exposed, *protections_of(config).values()))):
        for transforms in transform_sets(config, target.entry):
            if transforms.ah and (target.dynamic or addresses & set(target.peers)):
                yield transforms.name, f"crypto map {target.map_name} {target.sequence}"
