"""A remote-access client for tests: the protocol cores as a client, on the wire of a lab router's interface."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Address

from agent.base.ike_counters import IkeCounter
from agent.base.scheduler import Timer
from agent.crypto import ikev1, ip
from agent.crypto.certificates import Credential, Trust
from agent.crypto.doi import NAT_PORT, ConfigurationAttribute, Exchange, IdentificationType, Protocol
from agent.crypto.ike_events import (
    Addressing,
    Configured,
    IkeEvent,
    Login,
    Phase1Up,
    Phase2Up,
    QuickRequest,
    QuickStart,
    RemoteAccess,
)
from agent.crypto.ike_sa import IkeSa
from agent.crypto.informational import delete_phase1, delete_phase2
from agent.crypto.nat_traversal import Ends, NatTraversal
from agent.crypto.payloads import Attribute, Identification
from agent.crypto.proposals import Phase1Policy, Phase2Terms, Suite
from agent.crypto.sad import Bundle
from agent.crypto.udp_encapsulation import NON_ESP_MARKER, Cargo, cargo_of, encapsulate
from agent.lab.randomness import SeededRandom
from agent.lab.wire.interfaces import InterfacePort
from agent.lab.wire.wires import Quality, Wire
from tests.lab.conftest import DrivenLab
from tests.lab.nat import Nat

PLAIN = Phase1Policy("3des", 168, "sha", "pre-share", 2, 86400)
WITH_LOGIN = Phase1Policy("3des", 168, "sha", "pre-share", 2, 86400, xauth=True)
WANTED = (
    ConfigurationAttribute.INTERNAL_IP4_ADDRESS,
    ConfigurationAttribute.INTERNAL_IP4_DNS,
    ConfigurationAttribute.DEFAULT_DOMAIN,
    ConfigurationAttribute.SPLIT_INCLUDE,
)


class VpnClient:
    """Connects to a router of the lab, gets its address, protects everything to and from it, and pings through that.

    `nat`: it is behind one, where `address` is its own. `identity`: "group" is a key ID, "address" its address. `wanted`: what it
    asks for, too. `later`: what its user says when it is asked again.
    """

    def __init__(
        self,
        lab: DrivenLab,
        address: str,
        *,
        group: str = "road",
        user: Login | None = Login("alice", "secret"),  # noqa: B008 - frozen
        key: bytes = b"groupkey",
        addressing: Addressing = Addressing.ASKED,
        policy: Phase1Policy = WITH_LOGIN,
        wish: bytes = b"",
        exchange: Exchange = Exchange.AGGRESSIVE,
        server: str = "hub",
        hears: int | None = None,
        credential: Credential | None = None,
        trust: Trust | None = None,
        nat: Nat | None = None,
        first: bool = False,
        identity: str = "group",
        wanted: Sequence[ConfigurationAttribute] = (),
        later: Sequence[Login] = (),
    ) -> None:
        self.address = int(IPv4Address(address))
        self.inner: IPv4Address | None = None
        self.given: tuple[Attribute, ...] = ()
        self.events: list[IkeEvent] = []
        self.replies = 0
        self.heard = 0
        self.silent = False
        self._credential, self._trust = credential, trust
        self._first = first
        self._later = list(later)
        self._identity, self._wanted = identity, (*WANTED, *wanted)
        self._hears = hears  # how many packets before it falls silent
        self._lab, self._group, self._user, self._key = lab, group, user, key
        self._addressing, self._policy, self._wish, self._exchange = addressing, policy, wish, exchange
        self._scheduler = lab.lab.scheduler
        self._random = SeededRandom(self.address + lab.clock.now())
        self._bundle: Bundle | None = None
        self._timers: dict[IkeSa, Timer] = {}
        self._spi = 0x5000
        outside = lab.lab.routers[server].router.ports["FastEthernet0/0"]
        self._wire = nat.inside if nat else wire_of(lab, outside)
        self._wire.attach(self)
        self._traversal = NatTraversal(enabled=nat is not None)
        self._ends = Ends(IPv4Address(address), IPv4Address(outside.address))
        self.sa: IkeSa = self._initiate()
        self._sas = [self.sa]

    def _initiate(self) -> IkeSa:
        now = self._lab.clock.now()
        return ikev1.initiate(self, self, self._random, now, self._ends, self._traversal, self._exchange)

    # --- what a test does ---

    def connect(self) -> VpnClient:
        """Negotiate until nothing more comes of it."""
        self.begin()
        self._lab.wait(3)
        return self

    def begin(self) -> None:
        """Send the first message."""
        self._settle(self.sa)

    def call(self) -> None:
        """Send the first message, and then nothing more."""
        self.begin()
        self.vanish()

    def authenticate_again(self) -> VpnClient:
        """Make another ISAKMP SA beside the one there is, ask for the same address, and keep the flow as it is."""
        assert self.inner is not None
        self._wish = self.inner.packed
        self.sa = self._initiate()
        self._sas.append(self.sa)
        return self.connect()

    def drop(self, at: int = 0) -> None:
        """Delete one of the ISAKMP SAs, and say nothing of the flow."""
        sa = self._sas.pop(at)
        delete_phase1(sa, self._lab.clock.now())
        self._settle(sa)
        self._lab.wait(1)

    def ping(self, destination: str, count: int = 3) -> int:
        """How many of so many echoes came back."""
        assert self._bundle is not None
        assert self.inner is not None
        before = self.replies
        for sequence in range(count):
            echo = ip.encode_echo(ip.Echo(True, 1, sequence, bytes(56)))
            packet = ip.Packet(int(self.inner), int(IPv4Address(destination)), ip.ICMP, echo)
            sealed = self._bundle.seal(packet, self.address, self.sa.ends.remote._ip, self._random, sequence)
            self._send(encapsulate(sealed, self.sa.ends) if self._bundle.udp else sealed)
        self._lab.wait(2)
        return self.replies - before

    def disconnect(self, flow: bool = True) -> None:
        """Delete the ISAKMP SA, and the flow's SAs before it."""
        if flow and self._bundle is not None:
            delete_phase2(self.sa, {keys.protocol: (keys.inbound_spi,) for keys in self._bundle.result.sas})
        delete_phase1(self.sa, self._lab.clock.now())
        self._settle(self.sa)
        self._lab.wait(1)

    def vanish(self) -> None:
        """Neither hear nor say nor do anything more."""
        if not self.silent:
            self.silent = True
            for timer in self._timers.values():
                timer.cancel()
            self._wire.detach(self)

    def of(self, kind: type) -> list[IkeEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    # --- on the wire ---

    def has(self, address: int) -> bool:
        return address == self.address

    def receive(self, octets: bytes) -> None:
        if self._hears is not None and self.heard >= self._hears:
            self.vanish()
        if self.silent:
            return
        self.heard += 1
        packet = ip.decode(octets)
        if packet.protocol == ip.UDP:
            datagram = ip.decode_udp(packet)
            cargo, data = cargo_of(datagram.data) if datagram.destination_port == NAT_PORT else (Cargo.ISAKMP, datagram.data)
            if cargo is Cargo.ISAKMP:
                self._receive_isakmp(data, datagram)
                return
            packet = packet._replace(protocol=ip.ESP, payload=data)
        if packet.protocol == ip.ESP and self._bundle is not None:
            inner = self._bundle.open(packet)
            assert self.inner is not None
            assert inner.destination == int(self.inner)
            self.replies += 1

    def _receive_isakmp(self, data: bytes, datagram: ip.Datagram) -> None:
        ends = Ends(self._ends.local, self._ends.remote, datagram.destination_port, datagram.source_port)
        for sa in self._sas:
            if data.startswith(sa.initiator_cookie):
                ikev1.receive(sa, data, self._lab.clock.now(), ends)
                self._settle(sa)

    def carrier_changed(self) -> None:
        """A client does not look."""

    def _send(self, packet: ip.Packet) -> None:
        self._wire.send(self, packet.destination, packet.destination, packet.encode())

    def _settle(self, sa: IkeSa) -> None:
        while sa.pending:
            for octets in sa.take_messages():
                self._send_isakmp(sa, octets)
            for event in sa.take_events():
                self.events.append(event)
                self._act(event)
        due = sa.next_timer()
        if timer := self._timers.pop(sa, None):
            timer.cancel()
        if due is not None:
            self._timers[sa] = self._scheduler.at(due, lambda: self._tick(sa))

    def _send_isakmp(self, sa: IkeSa, octets: bytes) -> None:
        if not self.silent:
            remote, ends = sa.ends.remote._ip, sa.ends
            data = NON_ESP_MARKER + octets if sa.floated else octets
            payload = ip.encode_udp(self.address, remote, ip.Datagram(ends.local_port, ends.remote_port, data))
            self._send(ip.Packet(self.address, remote, ip.UDP, payload))

    def _tick(self, sa: IkeSa) -> None:
        del self._timers[sa]
        ikev1.tick(sa, self._lab.clock.now())
        self._settle(sa)

    def _act(self, event: IkeEvent) -> None:
        if isinstance(event, Configured):
            self.given = event.attributes
            found = self.value_of(ConfigurationAttribute.INTERNAL_IP4_ADDRESS)
            self.inner = IPv4Address(found) if found else None
        elif isinstance(event, Phase1Up):
            if self._bundle is None and (self.inner is not None or self._addressing is Addressing.NONE):
                self._negotiate()
        elif isinstance(event, Phase2Up):
            self._bundle = Bundle(event.result, 64)

    def _negotiate(self) -> None:
        terms = Phase2Terms((Suite(None, "3des", 168, "sha"),), 3600, 4608000)
        local = Identification.of_address(self.inner or IPv4Address(self.address))
        everything = Identification(IdentificationType.IPV4_ADDR_SUBNET, bytes(8))
        ikev1.negotiate(self.sa, QuickStart(terms, local, everything, "client"), self._lab.clock.now())

    def value_of(self, kind: int) -> bytes | None:
        return next((attribute.octets for attribute in self.given if attribute.kind == kind), None)

    # --- decisions ---

    def policies(self, peer: Identification | None) -> Sequence[Phase1Policy]:
        return (self._policy,)

    def is_unknown(self, peer: Identification) -> bool:
        return False

    def pre_shared_key(self, peer: Identification | None) -> bytes | None:
        return self._key

    def credential(self, authorities: Sequence[bytes]) -> Credential | None:
        return self._credential

    def allows_aggressive(self) -> bool:
        return True

    def trust(self, peer: Identification | None) -> Trust:
        return self._trust or Trust((), datetime(2026, 1, 1, tzinfo=UTC))

    def local_identity(self, credential: Credential | None) -> Identification:
        if credential is not None:
            return Identification(IdentificationType.DER_ASN1_DN, credential.subject, 17, 500)
        if self._identity == "address":
            return Identification.of_address(IPv4Address(self.address), 17, 500)
        return Identification(IdentificationType.KEY_ID, self._group.encode(), 17, 500)

    def accepts(self, peer: Identification) -> bool:
        return True

    def first_contact(self) -> bool:
        return self._first

    def remote_access(self) -> RemoteAccess:
        return RemoteAccess(False, self._addressing)

    def login(self) -> Login | None:
        user, self._user = self._user, self._later.pop(0) if self._later else self._user
        return user

    def wanted_attributes(self) -> Sequence[Attribute]:
        return [Attribute(kind, self._wish if kind == WANTED[0] else b"") for kind in self._wanted]

    def answer(self, request: QuickRequest) -> QuickStart | None:
        return None

    def new_spi(self, protocol: Protocol) -> bytes:
        self._spi += 1
        return self._spi.to_bytes(4, "big")

    def add(self, counter: IkeCounter, amount: int = 1) -> None:
        """Nobody asks a client."""


def wire_of(lab: DrivenLab, port: InterfacePort) -> Wire:
    """The wire of an interface, which gets one if it is on none."""
    if port.wire is None:
        port.wire = Wire(lab.lab.scheduler, SeededRandom(7), Quality(delay=1000))
        port.wire.attach(port)
    return port.wire
