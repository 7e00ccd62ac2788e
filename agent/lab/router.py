"""Lab room: one router: its interfaces, routing, local delivery and forwarding, with IPsec on the way in and out.

Packets are processed as in RFC 4301 §5. In: an ESP or AH packet to one of our addresses is opened, and its inner packet goes on in
the tunnel's VRF. A packet in the clear that should have been protected is dropped. Out: the crypto map of the outgoing interface
decides.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from ipaddress import IPv4Address

from agent.base.clock import Clock
from agent.base.scheduler import Timers
from agent.config.crypto_model import IsakmpPolicy
from agent.config.model import RouterConfig
from agent.config.protection import TunnelEnds
from agent.crypto import gre, ip
from agent.crypto.ciphers import RandomSource
from agent.crypto.doi import ISAKMP_PORT, NAT_PORT
from agent.crypto.engine import CryptoEngine
from agent.crypto.fragments import Reassembly, fragment
from agent.crypto.nat_traversal import Ends, NatTraversal
from agent.crypto.udp_encapsulation import KEEPALIVE, NON_ESP_MARKER, Cargo, cargo_of
from agent.engine.values import PingRequest, Probe, ProbeOutcome
from agent.flow.device import Device, InstalledRoute, InterfaceState
from agent.flow.monitor import FlowMonitor
from agent.flow.refusals import PacketFault
from agent.lab.ike.ike import Ike
from agent.lab.ike.records import ends_of
from agent.lab.ipsec.ipsec import Ipsec, Verdict
from agent.lab.ipsec.sa_keeper import SaKeeper
from agent.lab.ping import Ping
from agent.lab.policy.peer_pair import PeerPair
from agent.lab.policy.trustpoints import Certificates
from agent.lab.policy.tunnel_interfaces import standing
from agent.lab.wire.interfaces import TUNNEL, InterfacePort, is_switched_on, kind_of, parent_of, refresh_state
from agent.lab.wire.routing import Path, RouteEntry, RoutingTable, build_tables, installed

_NESTED = 4  # tunnels within tunnels; with more, a route leads into its own tunnel


class Router:
    """One router. `config` is the running configuration; after it has changed, `reload` reads it again."""

    def __init__(
        self,
        config: RouterConfig,
        device: Device,
        monitor: FlowMonitor,
        scheduler: Timers,
        random: RandomSource,
        isakmp_policies: Callable[[], Iterable[IsakmpPolicy]],
        certificates: Certificates,
        udp_always: bool = False,
    ) -> None:
        """`udp_always`: ESP goes in UDP whether there is a NAT or not (on a real underlay, which carries nothing else)."""
        self.config = config
        self.certificates = certificates
        self.device = device
        self.ports: dict[str, InterfacePort] = {}
        self.powered = True
        self.monitor = monitor
        self._clock: Clock = monitor.clock
        self._scheduler = scheduler
        self._tables: dict[str | None, RoutingTable] = {}
        self._local: dict[str | None, dict[int, InterfacePort]] = {}
        self._tunnels: dict[str, TunnelEnds] = {}
        self._tunnel_between: dict[tuple[str | None, int, int], InterfacePort] = {}
        self._nesting = 0
        # Fragments of an interface and fragments out of SAs are reassembled separately.
        self._incomplete: dict[str | tuple[str | None], Reassembly] = {}
        self._identification = 0
        self._plug: Callable[[InterfacePort], None] = lambda port: None
        self._unplug: Callable[[InterfacePort], None] = lambda port: None
        self._pings: dict[int, Ping] = {}
        self._next_ping = 0
        self.crypto_engine = engine = CryptoEngine()
        self.sa_keeper = SaKeeper(config, monitor, scheduler, self._refresh)
        self.ipsec = Ipsec(config, monitor, scheduler, random, engine, self.sa_keeper, self._mtu_to)
        self._udp_always = udp_always
        self.ike = Ike(
            config=config,
            monitor=monitor,
            scheduler=scheduler,
            random=random,
            ipsec=self.ipsec,
            sa_keeper=self.sa_keeper,
            send=self._send_datagram,
            isakmp_policies=isakmp_policies,
            traversal=self._traversal,
            certificates=certificates,
            engine=engine,
        )
        self.ipsec.ike = self.sa_keeper.ike = self.ike
        self._read_interfaces()
        device.routes = self._installed_routes

    # --- configuration ---

    def reload(self) -> None:
        """Follow the present configuration."""
        self.device.name = self.config.hostname
        self._read_interfaces()
        self.ipsec.reload()
        self._refresh()  # crypto maps may add routes

    def _read_interfaces(self) -> None:
        """Make the ports of the configured interfaces."""
        gone = [port for name, port in self.ports.items() if name not in self.config.interfaces]
        for port in gone:
            del self.ports[port.name]
            self.device.interfaces.remove(port.state.index)
            if whole := self._whole_of(port.name):
                whole.remove_part(port.state, self._clock.now())
        known = set(self.ports)
        for interface in self.config.interfaces.values():
            if interface.name in self.ports:
                self.ports[interface.name].configure(interface)
            else:
                index = max(self.device.interfaces, default=0) + 1
                state = InterfaceState(index, interface.name, "other", 0, 0, last_change=self._clock.now())
                self.device.interfaces.add(index, state)
                self.ports[interface.name] = InterfacePort(interface, state, self.arrived, self._carrier_changed)
        for port in gone:
            self._unplug(port)
        for name, port in self.ports.items():
            self._plug(port)
            whole = self._whole_of(name)
            if whole and port.state not in whole.parts:
                whole.parts.append(port.state)
        self.ipsec.smallest_mtu = min((port.ip_mtu for port in self.ports.values()), default=ip.LARGEST)
        self._refresh(known)

    def _installed_routes(self, vrf: str | None) -> Iterable[InstalledRoute]:
        return map(installed, self.routes(vrf))

    def connect(self, plug: Callable[[InterfacePort], None], unplug: Callable[[InterfacePort], None]) -> None:
        """Have `plug` put each interface on its wire, now and when it is configured, and `unplug` take one that has gone off it."""
        self._plug, self._unplug = plug, unplug
        for port in self.ports.values():
            plug(port)
        self._refresh()

    def disconnect(self) -> None:
        """Take every interface off its wire, and end what an operator waits for: another takes the place of this router."""
        for port in self.ports.values():
            self._unplug(port)
        for ping in tuple(self._pings.values()):
            ping.stop()

    def _whole_of(self, name: str) -> InterfaceState | None:
        """The interface that a sub-interface is part of."""
        port = self.ports.get(parent_of(name) or "")
        return port.state if port else None

    def _refresh(self, known: Container[str] | None = None) -> None:
        """Update which interfaces are up, and the routes. Changes of interfaces that were not `known` are not reported."""
        up = {name for name, port in self.ports.items() if self._is_up(port)}
        tunnels = standing(self.config, up)
        up |= tunnels.keys()
        self._tables = build_tables(self.config, up, known=self._tables)
        # A tunnel needs a route to its other end that does not lead through the tunnel itself.
        for name in [name for name, ends in tunnels.items() if self._way(ends) in (None, name)]:
            del tunnels[name]
            up.discard(name)
            self._tables = build_tables(self.config, up, known=self._tables)
        reverse = self.ipsec.reverse_routes(self._path)
        if reverse:
            self._tables = build_tables(self.config, up, reverse, self._tables)
        self._tunnels = tunnels
        self._tunnel_between = {(ends.front_vrf, ends.source, ends.destination): self.ports[name] for name, ends in tunnels.items()}
        for port in self.ports.values():
            changed = refresh_state(port.state, port.interface, port.name in up, self._clock.now())
            if changed and (known is None or port.name in known):
                self.device.link_changed(port.state)
        self._local = {}
        for port in self.ports.values():
            if port.state.oper_up:
                self._local.setdefault(port.vrf, {}).update(dict.fromkeys(port.addresses, port))

    def _is_up(self, port: InterfacePort) -> bool:
        """Whether an interface is up, except a tunnel, which depends on the others."""
        if kind_of(port.name) is TUNNEL or not self.powered:
            return False
        return is_switched_on(self.config, port.interface) and port.has_carrier

    def _way(self, ends: TunnelEnds) -> str | None:
        path = self._path(ends.front_vrf, ends.destination)
        return path.interface if path else None

    def _path(self, vrf: str | None, address: int) -> Path | None:
        table = self._tables.get(vrf)
        return table.lookup(address) if table else None

    def _carrier_changed(self) -> None:
        if self.powered:
            self._refresh()

    # --- power ---

    def power_off(self) -> None:
        """Switch the router off: it receives and sends nothing, and loses its SAs and set-ups without deletes to the peers.

        Traps are still sent, because they do not use the lab's wires: a linkDown (RFC 2863) for each interface that was up.
        """
        if self.powered:
            self.powered = False
            self.ike.lose_everything()
            self._refresh()

    def power_on(self) -> None:
        """Switch the router on, with its configuration and without SAs."""
        if not self.powered:
            self.powered = True
            self._read_interfaces()

    def routes(self, vrf: str | None) -> tuple[RouteEntry, ...]:
        """The routes of a VRF in use, including those of crypto maps."""
        table = self._tables.get(vrf)
        return table.entries if table else ()

    def fail_crypto(self) -> None:
        """Let the crypto engine fail: nothing is keyed, encrypted or decrypted."""
        self.crypto_engine.failed = True

    def repair_crypto(self) -> None:
        """Let the crypto engine work again."""
        self.crypto_engine.failed = False

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
        if ours and packet.fragmented:
            # RFC 4303 §3.4.1: reassembly comes before ESP or AH.
            whole = self._put_together(port.name, packet)
            if whole is None:
                return
            packet = whole
        if ours and packet.protocol in (ip.ESP, ip.AH):
            self._receive_protected(port, packet)
            return
        if ours and packet.protocol == ip.UDP and self._receive_udp(port, packet):
            return
        if self.ipsec.must_be_protected(port.name, packet) or (ours and self._is_bare_gre(vrf, packet)):
            self.ipsec.reports.refused(PacketFault.NOT_PROTECTED, vrf, packet)
            port.discard_in()
            return
        self._pass_on(packet, vrf, port)

    def _pass_on(self, packet: ip.Packet, vrf: str | None, port: InterfacePort) -> None:
        """Handle a packet in the clear in its VRF: it is for us, or to be forwarded."""
        if packet.destination in self._local.get(vrf, ()):
            self._deliver(packet, vrf)
        elif packet.ttl > 1:
            self.send(packet._replace(ttl=packet.ttl - 1), vrf)
        else:
            port.discard_in()
            self._tell_sender(packet, vrf, ip.encode_time_exceeded(packet))

    def _tell_sender(self, packet: ip.Packet, vrf: str | None, error: bytes) -> None:
        """Send the source of a packet an ICMP error about it, unless it is an error or a later fragment (RFC 1122 §3.2.2)."""
        source = self.source_address(vrf, IPv4Address(packet.source))
        if source is not None and packet.source not in self._local.get(vrf, ()) and not (packet.offset or ip.is_icmp_error(packet)):
            self._originate(ip.Packet(int(source), packet.source, ip.ICMP, error), vrf)

    def _put_together(self, where: str | tuple[str | None], packet: ip.Packet) -> ip.Packet | None:
        """The whole packet that a fragment to us completes."""
        return self._incomplete.setdefault(where, Reassembly()).take(packet, self._clock.now())

    def _deliver(self, packet: ip.Packet, vrf: str | None) -> None:
        if packet.fragmented:
            whole = self._put_together((vrf,), packet)
            if whole is None:
                return
            packet = whole
        if packet.protocol == ip.ICMP:
            self._receive_icmp(packet, vrf)
        elif packet.protocol == ip.GRE:
            self._receive_gre(packet, vrf)

    def _receive_gre(self, packet: ip.Packet, vrf: str | None) -> None:
        tunnel = self._tunnel_between.get((vrf, packet.destination, packet.source))
        if tunnel is None:
            return
        try:
            octets = gre.decode(packet.payload)
        except ip.BadPacketError:
            tunnel.error_in()
            return
        tunnel.receive(octets)

    def _is_bare_gre(self, vrf: str | None, packet: ip.Packet) -> bool:
        """Whether it is GRE of a tunnel whose protection it lacks."""
        tunnel = self._tunnel_between.get((vrf, packet.destination, packet.source)) if packet.protocol == ip.GRE else None
        return tunnel is not None and self.ipsec.protects_gre(tunnel.name)

    def _receive_protected(self, port: InterfacePort, packet: ip.Packet, ports: tuple[int, int] | None = None) -> None:
        """An ESP or AH packet; `ports` are those of the UDP that it came in."""
        pair = PeerPair(port.vrf, packet.destination, packet.source)
        opened = self.ipsec.receive(pair, packet, ends_of(pair, *ports) if ports else None)
        if opened is not None:
            inner, inside = opened
            self._pass_on(inner, inside, port)

    def _receive_udp(self, port: InterfacePort, packet: ip.Packet) -> bool:
        """Whether the datagram was one for IKE, or ESP in UDP."""
        datagram = ip.decode_udp(packet)
        ports = datagram.destination_port, datagram.source_port
        if ports[0] == ISAKMP_PORT:
            cargo, data = Cargo.ISAKMP, datagram.data
        elif ports[0] == NAT_PORT and self._traversal().enabled:
            cargo, data = cargo_of(datagram.data)
        else:
            return False
        if cargo is Cargo.ISAKMP:
            self.ike.receive(PeerPair(port.vrf, packet.destination, packet.source), *ports, data)
        elif cargo is Cargo.ESP:
            self._receive_protected(port, packet._replace(protocol=ip.ESP, payload=data), ports)
        return True

    def _traversal(self) -> NatTraversal:
        return NatTraversal(self.config.crypto.nat_traversal or self._udp_always, self._udp_always)

    def _receive_icmp(self, packet: ip.Packet, vrf: str | None) -> None:
        echo = ip.decode_echo(packet.payload)
        if echo is None:
            expired = ip.expired_echo(packet.payload)
            if expired is not None and expired[0] in self._pings:
                self._pings[expired[0]].answered(expired[1], ProbeOutcome.EXPIRED, packet.source)
            return
        if echo.request:
            reply = ip.encode_echo(echo._replace(request=False))
            self._originate(ip.Packet(packet.destination, packet.source, ip.ICMP, reply), vrf)
        elif echo.identifier in self._pings:
            self._pings[echo.identifier].answered(echo.sequence, ProbeOutcome.REPLY, packet.source)

    # --- out ---

    def send(self, packet: ip.Packet, vrf: str | None) -> None:
        """Route a packet of a VRF, through the crypto map of the interface that it leaves by."""
        if packet.destination in self._local.get(vrf, ()):
            self._deliver(packet, vrf)
            return
        path = self._path(vrf, packet.destination)
        port = self.ports.get(path.interface) if path else None
        if path is None or port is None:
            return
        outcome = self.ipsec.protect(port.name, packet, vrf)
        if outcome.verdict is Verdict.CLEAR:
            self._emit(port, path.next_hop, packet, vrf)
        elif outcome.verdict is Verdict.DROPPED:
            port.discard_out()
        elif outcome.verdict is Verdict.TOO_BIG:
            for piece in self._pieces(port, packet, outcome.room, vrf):
                self.send(piece, vrf)
        else:
            self._send_past_policy(outcome.packet, outcome.vrf)

    def _originate(self, packet: ip.Packet, vrf: str | None) -> None:
        """Send a packet of our own. Its identification serves to reassemble it if it is fragmented on the way."""
        self.send(packet._replace(identification=self._new_identification()), vrf)

    def _new_identification(self) -> int:
        self._identification = self._identification % 0xFFFF + 1
        return self._identification

    def _mtu_to(self, vrf: str | None, address: int) -> int:
        path = self._path(vrf, address)
        return self.ports[path.interface].ip_mtu if path else ip.LARGEST

    def _pieces(self, port: InterfacePort, packet: ip.Packet, mtu: int, vrf: str | None) -> Iterable[ip.Packet]:
        """A packet in fragments that fit the interface. One that must not be fragmented is dropped, and its sender notified."""
        if not packet.flags & ip.DONT_FRAGMENT:
            return fragment(packet, mtu)
        port.discard_out()
        self._tell_sender(packet, vrf, ip.encode_too_big(packet, mtu))
        return ()

    def _emit(self, port: InterfacePort, next_hop: int, packet: ip.Packet, vrf: str | None) -> None:
        octets = packet.encode()
        if len(octets) > port.ip_mtu:
            for piece in self._pieces(port, packet, port.ip_mtu, vrf):
                self._emit(port, next_hop, piece, vrf)
            return
        port.send(next_hop, packet.destination, octets)
        if port.name in self._tunnels:
            self._encapsulate(port, octets, packet.tos)

    def _encapsulate(self, port: InterfacePort, octets: bytes, tos: int) -> None:
        """Send a packet of a Tunnel interface as GRE to the other end."""
        ends = self._tunnels[port.name]
        if self._nesting >= _NESTED:
            port.discard_out()
            return
        identification = self._new_identification()
        packet = ip.Packet(ends.source, ends.destination, ip.GRE, gre.encode(octets), tos=tos, identification=identification)
        self._nesting += 1
        try:
            self._send_gre(port, packet, ends.front_vrf)
        finally:
            self._nesting -= 1

    def _send_gre(self, port: InterfacePort, packet: ip.Packet, vrf: str | None) -> None:
        """Send a GRE packet of a Tunnel interface, or a fragment of one, with the tunnel's protection."""
        outcome = self.ipsec.protect_gre(port.name, packet, vrf)
        if outcome.verdict is Verdict.CLEAR:
            self.send(packet, vrf)
        elif outcome.verdict is Verdict.DROPPED:
            port.discard_out()
        elif outcome.verdict is Verdict.TOO_BIG:
            for piece in self._pieces(port, packet, outcome.room, vrf):
                self._send_gre(port, piece, vrf)
        else:
            self._send_past_policy(outcome.packet, outcome.vrf)

    def _send_past_policy(self, packet: ip.Packet, vrf: str | None) -> None:
        """Route a packet that IPsec or IKE has made. No crypto map applies to it."""
        path = self._path(vrf, packet.destination)
        if path is not None:
            self._emit(self.ports[path.interface], path.next_hop, packet, vrf)

    def _send_datagram(self, vrf: str | None, ends: Ends, octets: bytes) -> None:
        """Send an IKE message, with a non-ESP marker if its ports need one, or a NAT keepalive."""
        if ends.local_port == NAT_PORT and octets != KEEPALIVE:
            octets = NON_ESP_MARKER + octets
        local, remote = int(ends.local), int(ends.remote)
        payload = ip.encode_udp(local, remote, ip.Datagram(ends.local_port, ends.remote_port, octets))
        packet = ip.Packet(local, remote, ip.UDP, payload, identification=self._new_identification())
        self._send_past_policy(packet, vrf)

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
        """The source address of a packet of ours; None if there is no route.

        It is the outgoing interface's. If that is in another VRF, it is the first of this VRF, so that answers come back here.
        """
        path = self._path(vrf, int(destination))
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
        self._originate(ip.Packet(int(source), int(request.destination), ip.ICMP, echo, request.hops), request.vrf)
