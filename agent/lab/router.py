"""Lab room: one router: its interfaces, routing, local delivery and forwarding, with IPsec on the way in and out.

Packets go as in RFC 4301 §5: in, an ESP or AH packet to one of our addresses is opened and its inner packet goes on in the tunnel's
VRF; what came in the clear but should not have is dropped. Out, the crypto map of the outgoing interface decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address

from agent.config.model import IsakmpPolicy, RouterConfig
from agent.crypto import ip
from agent.crypto.ciphers import RandomSource
from agent.crypto.doi import ISAKMP_PORT
from agent.flow.clock import Clock
from agent.flow.device import Device, InterfaceState
from agent.flow.monitor import FlowMonitor
from agent.lab.ike_engine import IkeEngine
from agent.lab.ike_policy import Link
from agent.lab.interfaces import InterfacePort, refresh_state
from agent.lab.ipsec_engine import IpsecEngine, Verdict
from agent.lab.ping import Ping, PingRequest, Probe
from agent.lab.routing import RoutingTable, build_tables
from agent.lab.scheduler import Scheduler


class Router:
    """`config` is the running configuration, which changes under it: `reload` reads it again."""

    def __init__(
        self,
        config: RouterConfig,
        device: Device,
        monitor: FlowMonitor,
        scheduler: Scheduler,
        random: RandomSource,
        isakmp_policies: Callable[[], Iterable[IsakmpPolicy]],
    ) -> None:
        self.config = config
        self.device = device
        self.ports: dict[str, InterfacePort] = {}
        self._clock: Clock = monitor.clock
        self._scheduler = scheduler
        self._tables: dict[str | None, RoutingTable] = {}
        self._local: dict[str | None, dict[int, InterfacePort]] = {}
        self._pings: dict[int, Ping] = {}
        self._next_ping = 0
        self._read_interfaces()
        self.ipsec = IpsecEngine(config, monitor, scheduler, random)
        self.ike = IkeEngine(config, monitor, scheduler, random, self.ipsec, self._send_isakmp, isakmp_policies)
        self.ipsec.sas.ike = self.ike

    # --- configuration ---

    def reload(self) -> None:
        """Take up what the configuration says now."""
        self.device.name = self.config.hostname
        self._read_interfaces()
        self.ipsec.reload()

    def _read_interfaces(self) -> None:
        now = self._clock.now()
        for name in [name for name in self.ports if name not in self.config.interfaces]:
            self.device.interfaces.remove(self.ports.pop(name).state.index)
        for interface in self.config.interfaces.values():
            port = self.ports.get(interface.name)
            if port is None:
                index = max(self.device.interfaces, default=0) + 1
                state = InterfaceState(index, interface.name, "other", 0, 0, last_change=now)
                refresh_state(state, self.config, interface, now)
                self.device.interfaces.add(index, state)
                self.ports[interface.name] = InterfacePort(interface, state, self.arrived)
            else:
                port.configure(interface)
                if refresh_state(port.state, self.config, interface, now):
                    self.device.link_changed(port.state)
        self._tables = build_tables(self.config)
        self._local = {}
        for port in self.ports.values():
            if port.state.oper_up:
                self._local.setdefault(port.vrf, {}).update(dict.fromkeys(port.addresses, port))

    def interface_of(self, vrf: str | None, address: int) -> str | None:
        """The interface that has an address of ours."""
        port = self._local.get(vrf, {}).get(address)
        return port.name if port else None

    # --- in ---

    def arrived(self, port: InterfacePort, octets: bytes) -> None:
        """A packet from the wire."""
        try:
            packet = ip.decode(octets)
            self._receive(port, packet)
        except ip.BadPacketError:
            port.error_in()

    def _receive(self, port: InterfacePort, packet: ip.Packet) -> None:
        vrf = port.vrf
        ours = packet.destination in self._local.get(vrf, ())
        if ours and packet.protocol in (ip.ESP, ip.AH):
            opened = self.ipsec.receive(Link(vrf, packet.destination, packet.source), packet)
            if opened is not None:
                inner, inside = opened
                self._pass_on(inner, inside, port)
            return
        if ours and packet.protocol == ip.UDP and self._receive_udp(vrf, packet):
            return
        if self.ipsec.must_be_protected(port.name, packet):
            port.discard_in()
            return
        self._pass_on(packet, vrf, port)

    def _pass_on(self, packet: ip.Packet, vrf: str | None, port: InterfacePort) -> None:
        """A packet in the clear, by now in its VRF: for us, or to be forwarded."""
        if packet.destination in self._local.get(vrf, ()):
            self._deliver(packet, vrf)
        elif packet.ttl > 1:
            self.send(packet._replace(ttl=packet.ttl - 1), vrf)
        else:
            port.discard_in()

    def _deliver(self, packet: ip.Packet, vrf: str | None) -> None:
        if packet.protocol == ip.ICMP:
            self._receive_icmp(packet, vrf)

    def _receive_udp(self, vrf: str | None, packet: ip.Packet) -> bool:
        """Whether the datagram was one for IKE."""
        datagram = ip.decode_udp(packet)
        if datagram.destination_port != ISAKMP_PORT:
            return False
        link = Link(vrf, packet.destination, packet.source)
        self.ike.receive(link, datagram.destination_port, datagram.source_port, datagram.data)
        return True

    def _receive_icmp(self, packet: ip.Packet, vrf: str | None) -> None:
        echo = ip.decode_echo(packet.payload)
        if echo is None:
            return
        if echo.request:
            reply = ip.encode_echo(echo._replace(request=False))
            self.send(ip.Packet(packet.destination, packet.source, ip.ICMP, reply), vrf)
        elif echo.identifier in self._pings:
            self._pings[echo.identifier].answered(echo)

    # --- out ---

    def send(self, packet: ip.Packet, vrf: str | None) -> None:
        """Route a packet of a VRF, through the crypto map of the interface that it leaves by."""
        if packet.destination in self._local.get(vrf, ()):
            self._deliver(packet, vrf)
            return
        table = self._tables.get(vrf)
        path = table.lookup(packet.destination) if table else None
        port = self.ports.get(path.interface) if path else None
        if path is None or port is None:
            return
        outcome = self.ipsec.protect(port.name, packet, vrf)
        if outcome.verdict is Verdict.CLEAR:
            port.send(path.next_hop, packet.destination, packet.encode())
        elif outcome.verdict is Verdict.DROPPED:
            port.discard_out()
        else:
            self._send_past_policy(outcome.packet, outcome.vrf)

    def _send_past_policy(self, packet: ip.Packet, vrf: str | None) -> None:
        """Route what IPsec and IKE made themselves: no crypto map applies to it again."""
        table = self._tables.get(vrf)
        path = table.lookup(packet.destination) if table else None
        if path is not None:
            self.ports[path.interface].send(path.next_hop, packet.destination, packet.encode())

    def _send_isakmp(self, link: Link, local_port: int, remote_port: int, octets: bytes) -> None:
        payload = ip.encode_udp(link.local, link.remote, ip.Datagram(local_port, remote_port, octets))
        self._send_past_policy(ip.Packet(link.local, link.remote, ip.UDP, payload), link.front_vrf)

    # --- ping ---

    def ping(
        self,
        request: PingRequest,
        on_probe: Callable[[Probe], None] | None = None,
        on_done: Callable[[Ping], None] | None = None,
    ) -> Ping:
        """Begin a ping."""
        self._next_ping = self._next_ping % 0xFFFF + 1
        identifier = self._next_ping

        def finished(ping: Ping) -> None:
            self._pings.pop(identifier, None)
            if on_done:
                on_done(ping)

        ping = self._pings[identifier] = Ping(request, identifier, self._scheduler, self._send_echo, on_probe, finished)
        ping.start()
        return ping

    def source_address(self, vrf: str | None, destination: IPv4Address) -> IPv4Address | None:
        """The address that a packet of ours would have; None where there is no way.

        It is that of the outgoing interface; of one that is in another VRF, the first of this VRF, so that answers come back here.
        """
        table = self._tables.get(vrf)
        path = table.lookup(int(destination)) if table else None
        port = self.ports.get(path.interface) if path else None
        if port is None:
            return None
        if port.vrf == vrf and port.address:
            return IPv4Address(port.address)
        return next(map(IPv4Address, self._local.get(vrf, ())), None)

    def _send_echo(self, request: PingRequest, echo: bytes) -> None:
        source = request.source or self.source_address(request.vrf, request.destination)
        if source is None:
            return
        self.send(ip.Packet(int(source), int(request.destination), ip.ICMP, echo), request.vrf)
