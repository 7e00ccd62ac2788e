"""Crypto room: the payloads of ISAKMP messages as values (RFC 2408 §3, RFC 2407 §4). isakmp.py encodes and decodes them."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from types import MappingProxyType

from agent.crypto.doi import IPSEC_DOI, SITUATION_IDENTITY_ONLY, CertificateEncoding, IdentificationType, PayloadType


@dataclass(frozen=True, slots=True)
class Attribute:
    """RFC 2408 §3.3: an int is sent in the basic format (16 bits), octets in the variable-length one."""

    kind: int
    value: int | bytes

    @property
    def number(self) -> int:
        """The value as a number, in whichever format it came."""
        return self.value if isinstance(self.value, int) else int.from_bytes(self.value, "big")

    @property
    def octets(self) -> bytes:
        """The value as octets, in whichever format it came."""
        return self.value if isinstance(self.value, bytes) else self.value.to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class Transform:
    """RFC 2408 §3.6."""

    number: int
    identifier: int
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """RFC 2408 §3.5. Proposals of one number are to be applied together, those of different numbers are alternatives."""

    number: int
    protocol: int
    spi: bytes
    transforms: tuple[Transform, ...]


@dataclass(frozen=True, slots=True)
class SecurityAssociation:
    """RFC 2408 §3.4, with the situation of RFC 2407 §4.2."""

    proposals: tuple[Proposal, ...]
    doi: int = IPSEC_DOI
    situation: bytes = SITUATION_IDENTITY_ONLY


@dataclass(frozen=True, slots=True)
class KeyExchange:
    data: bytes


_SOME = range(1, 65536)
_LENGTHS: Mapping[int, Container[int]] = MappingProxyType(
    {
        IdentificationType.IPV4_ADDR: (4,),
        IdentificationType.FQDN: _SOME,
        IdentificationType.USER_FQDN: _SOME,
        IdentificationType.IPV6_ADDR: (16,),
        IdentificationType.DER_ASN1_DN: _SOME,
        IdentificationType.DER_ASN1_GN: _SOME,
        IdentificationType.KEY_ID: _SOME,
    }
)


@dataclass(frozen=True, slots=True)
class Identification:
    """RFC 2407 §4.6.2."""

    kind: int
    data: bytes
    protocol: int = 0
    port: int = 0

    @classmethod
    def of_address(cls, address: IPv4Address, protocol: int = 0, port: int = 0) -> Identification:
        return cls(IdentificationType.IPV4_ADDR, address.packed, protocol, port)

    @classmethod
    def of_network(cls, network: IPv4Network, protocol: int = 0, port: int = 0) -> Identification:
        """A host is an address, anything wider a subnet: address and mask."""
        if network.prefixlen == 32:
            return cls.of_address(network.network_address, protocol, port)
        return cls(IdentificationType.IPV4_ADDR_SUBNET, network.network_address.packed + network.netmask.packed, protocol, port)

    @property
    def well_formed(self) -> bool:
        """Whether its data are as long as its kind has them, and mean something: a mask, a range (RFC 2407 §4.6.2)."""
        if self.kind in (IdentificationType.IPV4_ADDR_SUBNET, IdentificationType.IPV6_ADDR_SUBNET):
            return (self.network() or self.network_v6()) is not None
        if self.kind in (IdentificationType.IPV4_ADDR_RANGE, IdentificationType.IPV6_ADDR_RANGE):
            return (self.range() or self.range_v6()) is not None
        return self.kind in _LENGTHS and len(self.data) in _LENGTHS[self.kind]

    def range(self) -> tuple[IPv4Address, IPv4Address] | None:
        """The first and last address that a range identity stands for; None for any other kind."""
        if self.kind != IdentificationType.IPV4_ADDR_RANGE or len(self.data) != 8 or self.data[:4] > self.data[4:]:
            return None
        return IPv4Address(self.data[:4]), IPv4Address(self.data[4:])

    def range_v6(self) -> tuple[IPv6Address, IPv6Address] | None:
        """The same of IPv6."""
        if self.kind != IdentificationType.IPV6_ADDR_RANGE or len(self.data) != 32 or self.data[:16] > self.data[16:]:
            return None
        return IPv6Address(self.data[:16]), IPv6Address(self.data[16:])

    def network(self) -> IPv4Network | None:
        """The addresses that an address or subnet identity stands for; None for any other kind."""
        try:
            if self.kind == IdentificationType.IPV4_ADDR:
                return IPv4Network(IPv4Address(self.data))
            if self.kind == IdentificationType.IPV4_ADDR_SUBNET and len(self.data) == 8:
                return IPv4Network((self.data[:4], str(IPv4Address(self.data[4:]))), strict=False)
        except ValueError:
            return None
        return None

    def network_v6(self) -> IPv6Network | None:
        """The addresses that an IPv6 subnet identity stands for; None for any other kind, and where the mask is not one."""
        if self.kind != IdentificationType.IPV6_ADDR_SUBNET or len(self.data) != 32:
            return None
        mask = f"{int.from_bytes(self.data[16:], 'big'):0128b}"
        return None if "01" in mask else IPv6Network((self.data[:16], mask.count("1")), strict=False)


@dataclass(frozen=True, slots=True)
class Hash:
    data: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    data: bytes


@dataclass(frozen=True, slots=True)
class Certificate:
    """RFC 2408 §3.9: an X.509 certificate, for signatures, as DER."""

    data: bytes
    encoding: int = CertificateEncoding.X509_SIGNATURE


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """RFC 2408 §3.10: the distinguished name of the authority wanted, as DER; empty for any."""

    authority: bytes
    encoding: int = CertificateEncoding.X509_SIGNATURE


@dataclass(frozen=True, slots=True)
class Nonce:
    data: bytes


@dataclass(frozen=True, slots=True)
class Notification:
    """RFC 2408 §3.14."""

    protocol: int
    kind: int
    spi: bytes = b""
    data: bytes = b""
    doi: int = IPSEC_DOI


@dataclass(frozen=True, slots=True)
class Delete:
    """RFC 2408 §3.15: SPIs of one protocol, all of one length."""

    protocol: int
    spis: tuple[bytes, ...]
    doi: int = IPSEC_DOI


@dataclass(frozen=True, slots=True)
class Vendor:
    data: bytes


@dataclass(frozen=True, slots=True)
class NatDetection:
    """RFC 3947 §3.2: the hash of an address and a port. `kind` is that of the RFC, or of the drafts before it."""

    data: bytes
    kind: int = PayloadType.NAT_DETECTION


@dataclass(frozen=True, slots=True)
class Attributes:
    """The payload of a transaction exchange (draft-dukes-ike-mode-cfg-02 §3.2); `kind` is a `ConfigurationType`."""

    kind: int
    identifier: int
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """A payload that is not interpreted. It is kept so that hashes over the message are right."""

    kind: int
    data: bytes


Payload = (
    SecurityAssociation
    | KeyExchange
    | Identification
    | Certificate
    | CertificateRequest
    | Hash
    | Signature
    | Nonce
    | Notification
    | Delete
    | Vendor
    | NatDetection
    | Attributes
    | Unknown
)
