"""Crypto room: the security association database (RFC 4301 §4.4.2): SAs by SPI, and the bundles that apply them.

A bundle has the SAs of one quick mode: for each direction one SA, or an AH SA around an ESP SA (RFC 4301 calls that nested). In
tunnel mode both are under one outer header.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from agent.crypto import ip
from agent.crypto.ah import AhSa
from agent.crypto.ciphers import RandomSource
from agent.crypto.doi import Protocol as IpsecProtocol
from agent.crypto.esp import EspSa
from agent.crypto.ike_events import Phase2Result, SaKeys
from agent.crypto.proposals import Suite
from agent.crypto.replay import Fault, PacketRefusedError

KILOBYTE = 1024


def _make(keys: SaKeys, suite: Suite, inbound: bool, window: int) -> AhSa | EspSa:
    spi = keys.inbound_spi if inbound else keys.outbound_spi
    auth_key = keys.inbound_auth_key if inbound else keys.outbound_auth_key
    if keys.protocol == IpsecProtocol.AH:
        return AhSa(spi, suite.ah or "", auth_key, window)
    cipher_key = keys.inbound_cipher_key if inbound else keys.outbound_cipher_key
    return EspSa(spi, suite.esp_cipher, cipher_key, suite.esp_auth, auth_key, window)


class Bundle:
    """The SAs of one quick mode, outermost first, with packets and inner octets of each direction."""

    def __init__(self, result: Phase2Result, window: int) -> None:
        self.result = result
        self.suite = result.choice.suite
        self.authenticates = bool(self.suite.ah or self.suite.esp_auth)
        self.encrypts = self.suite.esp_cipher not in (None, "null")
        self.transport = result.choice.transport
        self.udp = result.choice.udp
        self.inbound = tuple(_make(keys, self.suite, True, window) for keys in result.sas)
        self.outbound = tuple(_make(keys, self.suite, False, 0) for keys in result.sas)
        self.packets_in = self.packets_out = 0
        self.octets_in = self.octets_out = 0

    @property
    def kilobytes(self) -> int:
        """The kilobytes of the busier direction."""
        return max(self.octets_in, self.octets_out) // KILOBYTE

    def seal(self, inner: ip.Packet, local: int, remote: int, random: RandomSource, identification: int = 0) -> ip.Packet:
        """The sealed packet, from `local` to `remote`. Raises PacketRefusedError if sequence numbers are used up."""
        if self.transport:
            outer, next_header, payload = inner, inner.protocol, inner.payload
        else:
            # RFC 4301 §5.1.2.1: the outer TOS and DF are the inner one's (`crypto ipsec df-bit copy`), the rest its own.
            flags = inner.flags & ip.DONT_FRAGMENT
            outer = ip.Packet(local, remote, 0, b"", tos=inner.tos, identification=identification, flags=flags)
            next_header, payload = ip.IP_IN_IP, inner.encode()
        for sa in reversed(self.outbound):
            if isinstance(sa, EspSa):
                payload = sa.seal(next_header, payload, random)
            else:
                payload = sa.seal(next_header, payload, outer)
            next_header = sa.protocol
        self.packets_out += 1
        self.octets_out += inner.length
        return ip.Packet(outer.source, outer.destination, next_header, payload, *outer[4:])

    def sealed_octets(self, octets: int) -> int:
        """The size on the wire of a packet of that size (without IP options)."""
        if self.transport:
            octets -= ip.HEADER_OCTETS
        for sa in reversed(self.outbound):
            octets = sa.sealed_octets(octets)
        return ip.HEADER_OCTETS + (ip.UDP_OCTETS if self.udp else 0) + octets

    def room(self, mtu: int) -> int:
        """The largest size of a packet whose sealed size is at most `mtu`. It is negative if not even a header fits."""
        octets = mtu
        while octets > 0 and self.sealed_octets(octets) > mtu:
            octets -= 1
        return octets

    def open(self, packet: ip.Packet) -> ip.Packet:
        """The inner packet. Raises PacketRefusedError."""
        protocol, payload = packet.protocol, packet.payload
        for sa in self.inbound:
            if protocol != sa.protocol or len(payload) < 12 or spi_of(protocol, payload) != sa.spi:
                raise PacketRefusedError(Fault.POLICY)
            protocol, payload = sa.open(payload) if isinstance(sa, EspSa) else sa.open(packet)
        if self.transport:
            inner = packet._replace(protocol=protocol, payload=payload)
        else:
            if protocol != ip.IP_IN_IP:
                # Without authentication, nonsense after decryption means corruption.
                raise PacketRefusedError(Fault.POLICY if self.authenticates else Fault.DECRYPT)
            try:
                inner = ip.decode(payload)
            except ip.BadPacketError:
                raise PacketRefusedError(Fault.DECRYPT) from None
        self.packets_in += 1
        self.octets_in += inner.length
        return inner


def spi_of(protocol: int, payload: bytes) -> int:
    """The SPI of an ESP or AH packet of at least 8 octets."""
    at = 4 if protocol == ip.AH else 0
    return int.from_bytes(payload[at : at + 4], "big")


class HasBundle(Protocol):
    """An entry of the database: an object of the owner with a bundle."""

    bundle: Bundle


OwnerT = TypeVar("OwnerT", bound=HasBundle)


class Sad(Generic[OwnerT]):
    """Inbound SAs of one router by protocol and SPI. An SPI is given once, whatever the protocol and the address."""

    def __init__(self) -> None:
        self._inbound: dict[tuple[int, int], OwnerT] = {}
        self._reserved: set[int] = set()

    def new_spi(self, random: RandomSource) -> int:
        """An unused random SPI (RFC 4303 §2.1: 0 to 255 are reserved). It is reserved until it is released or installed."""
        while True:
            spi = int.from_bytes(random.take(4), "big")
            if spi > 255 and spi not in self._reserved:
                self._reserved.add(spi)
                return spi

    @property
    def spis(self) -> int:
        """The number of SPIs in use: one for each inbound SA, installed or in negotiation."""
        return len(self._reserved)

    def release(self, spi: int) -> None:
        self._reserved.discard(spi)

    def install(self, owner: OwnerT) -> None:
        for sa in owner.bundle.inbound:
            self._inbound[sa.protocol, sa.spi] = owner
            self._reserved.add(sa.spi)

    def remove(self, owner: OwnerT) -> None:
        for sa in owner.bundle.inbound:
            self._inbound.pop((sa.protocol, sa.spi), None)
            self._reserved.discard(sa.spi)

    def clear(self) -> None:
        """Forget all SAs and reserved SPIs."""
        self._inbound.clear()
        self._reserved.clear()

    def find(self, protocol: int, spi: int) -> OwnerT | None:
        return self._inbound.get((protocol, spi))

    def __iter__(self) -> Iterator[OwnerT]:
        return iter({id(owner): owner for owner in self._inbound.values()}.values())

    def __len__(self) -> int:
        return len(self._inbound)
