"""Crypto room: the octets of ISAKMP messages and payloads (RFC 2408 §3), with every length checked.

A decoded payload keeps its body as received, because RFC 2409 hashes bodies. What does not parse raises `MalformedMessageError`,
which the caller counts.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from agent.crypto.doi import ISAKMP_VERSION, Flag, NotifyType, PayloadType, Protocol
from agent.crypto.payloads import (
    Attribute,
    Attributes,
    Certificate,
    CertificateRequest,
    Delete,
    Hash,
    Identification,
    KeyExchange,
    NatDetection,
    Nonce,
    Notification,
    Payload,
    Proposal,
    SecurityAssociation,
    Signature,
    Transform,
    Unknown,
    Vendor,
)

HEADER_LENGTH = 28
COOKIE_LENGTH = 8
NO_COOKIE = bytes(COOKIE_LENGTH)
_HEADER = struct.Struct(">8s8sBBBBII")
_GENERIC = struct.Struct(">BBH")
_MAX_PAYLOADS = 1024  # there may be many requests for certificates; thousands of empty payloads are refused
_FLAGS = Flag.ENCRYPTION | Flag.COMMIT | Flag.AUTHENTICATION_ONLY
_BASIC = 0x8000  # attribute format bit: the value is in the length field (RFC 2408 §3.3)


class MalformedMessageError(Exception):
    """The octets are not an ISAKMP message as RFC 2408 §3 has it."""


@dataclass(frozen=True, slots=True)
class Header:
    """RFC 2408 §3.1; `length` is of the whole message, header included."""

    initiator_cookie: bytes
    responder_cookie: bytes
    next_payload: int
    exchange: int
    flags: int
    message_id: int
    length: int = HEADER_LENGTH
    version: int = ISAKMP_VERSION

    @property
    def encrypted(self) -> bool:
        return bool(self.flags & Flag.ENCRYPTION)

    @property
    def major(self) -> int:
        return self.version >> 4

    def encode(self) -> bytes:
        return _HEADER.pack(
            self.initiator_cookie,
            self.responder_cookie,
            self.next_payload,
            self.version,
            self.exchange,
            self.flags,
            self.message_id,
            self.length,
        )


class RefusedHeaderError(MalformedMessageError):
    """A header that RFC 2408 §5.2 refuses. `notify` is the notification for its sender."""

    def __init__(self, header: Header, notify: NotifyType) -> None:
        super().__init__(notify.name)
        self.header = header
        self.notify = notify


class Decoded(NamedTuple):
    """A payload, its body without the generic header, and where it ends in the octets given."""

    payload: Payload
    body: bytes
    end: int


# --- attributes, transforms, proposals ---

TRANSFORMS_REMEMBERED = 256  # peers of one configuration offer the same ones


def _encode_attribute(attribute: Attribute) -> bytes:
    if isinstance(attribute.value, int):
        return struct.pack(">HH", _BASIC | attribute.kind, attribute.value)
    return struct.pack(">HH", attribute.kind, len(attribute.value)) + attribute.value


def encode_attributes(attributes: Iterable[Attribute]) -> bytes:
    return b"".join(map(_encode_attribute, attributes))


@lru_cache(TRANSFORMS_REMEMBERED)
def _encode_transform(transform: Transform, last: bool) -> bytes:
    body = struct.pack(">BBH", transform.number, transform.identifier, 0)
    body += encode_attributes(transform.attributes)
    return _GENERIC.pack(PayloadType.NONE if last else PayloadType.TRANSFORM, 0, 4 + len(body)) + body


def _encode_proposal(proposal: Proposal, last: bool) -> bytes:
    count = len(proposal.transforms)
    body = struct.pack(">BBBB", proposal.number, proposal.protocol, len(proposal.spi), count) + proposal.spi
    body += b"".join(_encode_transform(transform, at == count) for at, transform in enumerate(proposal.transforms, 1))
    return _GENERIC.pack(PayloadType.NONE if last else PayloadType.PROPOSAL, 0, 4 + len(body)) + body


def _encode_sa(payload: SecurityAssociation) -> bytes:
    count = len(payload.proposals)
    proposals = b"".join(_encode_proposal(proposal, at == count) for at, proposal in enumerate(payload.proposals, 1))
    return payload.doi.to_bytes(4, "big") + payload.situation + proposals


def decode_attributes(body: bytes) -> tuple[Attribute, ...]:
    """The attributes that fill `body`."""
    attributes = []
    offset = 0
    while offset < len(body):
        if offset + 4 > len(body):
            raise MalformedMessageError("an attribute is cut short")
        kind, value = struct.unpack_from(">HH", body, offset)
        offset += 4
        if kind & _BASIC:
            attributes.append(Attribute(kind & ~_BASIC, value))
            continue
        if offset + value > len(body):
            raise MalformedMessageError("an attribute is longer than what it stands in")
        attributes.append(Attribute(kind, body[offset : offset + value]))
        offset += value
    return tuple(attributes)


def _split(body: bytes, kind: int) -> Iterable[bytes]:
    """The bodies of the payloads of one kind that fill `body` (proposals in an SA, transforms in a proposal)."""
    offset = 0
    following = kind
    while following:
        if following != kind or offset + 4 > len(body):
            raise MalformedMessageError("proposals or transforms do not follow each other")
        following, reserved, length = _GENERIC.unpack_from(body, offset)
        if reserved or length < 8 or offset + length > len(body):
            raise MalformedMessageError("a proposal or transform has a wrong length")
        yield body[offset + 4 : offset + length]
        offset += length
    if offset != len(body):
        raise MalformedMessageError("octets after the last proposal or transform")


@lru_cache(TRANSFORMS_REMEMBERED)
def _decode_transform(body: bytes) -> Transform:
    number, identifier, reserved = struct.unpack_from(">BBH", body)
    if reserved:
        raise MalformedMessageError("a reserved field is not zero")
    return Transform(number, identifier, decode_attributes(body[4:]))


def _decode_proposal(body: bytes) -> Proposal:
    number, protocol, spi_size, count = struct.unpack_from(">BBBB", body)
    if len(body) < 4 + spi_size:
        raise MalformedMessageError("an SPI is cut short")
    transforms = tuple(_decode_transform(part) for part in _split(body[4 + spi_size :], PayloadType.TRANSFORM))
    if len(transforms) != count:
        raise MalformedMessageError("a proposal does not have the transforms that it counts")
    return Proposal(number, protocol, body[4 : 4 + spi_size], transforms)


def _decode_sa(body: bytes) -> SecurityAssociation:
    if len(body) < 8:
        raise MalformedMessageError("an SA payload is cut short")
    proposals = tuple(_decode_proposal(part) for part in _split(body[8:], PayloadType.PROPOSAL))
    return SecurityAssociation(proposals, int.from_bytes(body[:4], "big"), body[4:8])


# --- the other payloads ---


def _encode_identification(payload: Identification) -> bytes:
    return struct.pack(">BBH", payload.kind, payload.protocol, payload.port) + payload.data


def _decode_identification(body: bytes) -> Identification:
    if len(body) < 5:
        raise MalformedMessageError("an identity is cut short")
    kind, protocol, port = struct.unpack_from(">BBH", body)
    return Identification(kind, body[4:], protocol, port)


def _encode_notification(payload: Notification) -> bytes:
    return struct.pack(">IBBH", payload.doi, payload.protocol, len(payload.spi), payload.kind) + payload.spi + payload.data


def _decode_notification(body: bytes) -> Notification:
    if len(body) < 8:
        raise MalformedMessageError("a notification is cut short")
    doi, protocol, spi_size, kind = struct.unpack_from(">IBBH", body)
    if len(body) < 8 + spi_size:
        raise MalformedMessageError("an SPI is cut short")
    return Notification(protocol, kind, body[8 : 8 + spi_size], body[8 + spi_size :], doi)


def _encode_delete(payload: Delete) -> bytes:
    size = len(payload.spis[0])
    return struct.pack(">IBBH", payload.doi, payload.protocol, size, len(payload.spis)) + b"".join(payload.spis)


def _decode_delete(body: bytes) -> Delete:
    if len(body) < 8:
        raise MalformedMessageError("a delete is cut short")
    doi, protocol, size, count = struct.unpack_from(">IBBH", body)
    if not size or not count or len(body) != 8 + size * count:
        raise MalformedMessageError("a delete does not have the SPIs that it counts")
    if size != (2 * COOKIE_LENGTH if protocol == Protocol.ISAKMP else 4):
        raise MalformedMessageError("a delete has SPIs of a size that its protocol does not have")
    return Delete(protocol, tuple(body[8 + size * at : 8 + size * (at + 1)] for at in range(count)), doi)


def _encode_configuration(payload: Attributes) -> bytes:
    head = struct.pack(">BBH", payload.kind, 0, payload.identifier)
    return head + encode_attributes(payload.attributes)


def _decode_configuration(body: bytes) -> Attributes:
    if len(body) < 4:
        raise MalformedMessageError("a payload of attributes is cut short")
    kind, _, identifier = struct.unpack_from(">BBH", body)
    return Attributes(kind, identifier, decode_attributes(body[4:]))


def _decode_certificate(body: bytes) -> Certificate:
    if len(body) < 2:
        raise MalformedMessageError("a certificate is cut short")
    return Certificate(body[1:], body[0])


def _decode_certificate_request(body: bytes) -> CertificateRequest:
    if not body:
        raise MalformedMessageError("a certificate request is cut short")
    return CertificateRequest(body[1:], body[0])


def _opaque(kind: Callable[[bytes], Payload]) -> Callable[[bytes], Payload]:
    def decode(body: bytes) -> Payload:
        if not body:
            raise MalformedMessageError("a payload has no body")
        return kind(body)

    return decode


_DECODERS: MappingProxyType[int, Callable[[bytes], Payload]] = MappingProxyType(
    {
        PayloadType.SA: _decode_sa,
        PayloadType.KEY_EXCHANGE: _opaque(KeyExchange),
        PayloadType.IDENTIFICATION: _decode_identification,
        PayloadType.CERTIFICATE: _decode_certificate,
        PayloadType.CERTIFICATE_REQUEST: _decode_certificate_request,
        PayloadType.HASH: _opaque(Hash),
        PayloadType.SIGNATURE: _opaque(Signature),
        PayloadType.NONCE: _opaque(Nonce),
        PayloadType.NOTIFICATION: _decode_notification,
        PayloadType.DELETE: _decode_delete,
        PayloadType.VENDOR: Vendor,
        PayloadType.ATTRIBUTES: _decode_configuration,
        PayloadType.NAT_DETECTION: _opaque(NatDetection),
        PayloadType.NAT_DETECTION_DRAFT: _opaque(lambda body: NatDetection(body, PayloadType.NAT_DETECTION_DRAFT)),
    }
)


_DATA = attrgetter("data")
_ENCODERS: MappingProxyType[type, tuple[int, Callable[[Any], bytes]]] = MappingProxyType(
    {
        SecurityAssociation: (PayloadType.SA, _encode_sa),
        KeyExchange: (PayloadType.KEY_EXCHANGE, _DATA),
        Identification: (PayloadType.IDENTIFICATION, _encode_identification),
        Certificate: (PayloadType.CERTIFICATE, lambda payload: bytes((payload.encoding,)) + payload.data),
        CertificateRequest: (PayloadType.CERTIFICATE_REQUEST, lambda payload: bytes((payload.encoding,)) + payload.authority),
        Hash: (PayloadType.HASH, _DATA),
        Signature: (PayloadType.SIGNATURE, _DATA),
        Nonce: (PayloadType.NONCE, _DATA),
        Notification: (PayloadType.NOTIFICATION, _encode_notification),
        Delete: (PayloadType.DELETE, _encode_delete),
        Vendor: (PayloadType.VENDOR, _DATA),
        Attributes: (PayloadType.ATTRIBUTES, _encode_configuration),
    }
)


def encode_body(payload: Payload) -> tuple[int, bytes]:
    """The payload's type and its body without the generic header: what RFC 2409 §5 writes as SAi_b, IDii_b, …"""
    if isinstance(payload, NatDetection | Unknown):
        return payload.kind, payload.data
    kind, encode = _ENCODERS[type(payload)]
    return kind, encode(payload)


# --- chains of payloads, messages ---


def encode_payloads(payloads: Sequence[Payload]) -> tuple[int, bytes]:
    """The type of the first payload and the chain's octets."""
    encoded = [encode_body(payload) for payload in payloads]
    following = [kind for kind, _ in encoded[1:]] + [PayloadType.NONE]
    chain = b"".join(_GENERIC.pack(after, 0, 4 + len(body)) + body for after, (_, body) in zip(following, encoded, strict=True))
    return (encoded[0][0] if encoded else PayloadType.NONE), chain


def put_before(payload: Payload, first: int, chain: bytes) -> tuple[int, bytes]:
    """The same of a payload and the chain behind it."""
    kind, body = encode_body(payload)
    return kind, _GENERIC.pack(first, 0, 4 + len(body)) + body + chain


def decode_payloads(first: int, octets: bytes) -> tuple[Decoded, ...]:
    """Follow a chain of payloads; what lies behind the last one (padding) is left alone."""
    payloads: list[Decoded] = []
    kind, offset = first, 0
    while kind:
        if len(payloads) == _MAX_PAYLOADS:
            raise MalformedMessageError("too many payloads")
        if offset + 4 > len(octets):
            raise MalformedMessageError("a payload is cut short")
        following, reserved, length = _GENERIC.unpack_from(octets, offset)
        if reserved or length < 4 or offset + length > len(octets):
            raise MalformedMessageError("a payload has a wrong length")
        body = octets[offset + 4 : offset + length]
        offset += length
        decoder = _DECODERS.get(kind)
        payloads.append(Decoded(decoder(body) if decoder else Unknown(kind, body), body, offset))
        kind = following
    return tuple(payloads)


def decode_header(message: bytes) -> Header:
    """The header of a message whose length is the datagram's (RFC 2408 §3.1, §5.2); `RefusedHeaderError` may be answered."""
    if len(message) < HEADER_LENGTH:
        raise MalformedMessageError("no room for a header")
    initiator, responder, following, version, exchange, flags, message_id, length = _HEADER.unpack_from(message)
    if length != len(message):
        raise MalformedMessageError("the length is not the datagram's")
    if initiator == NO_COOKIE:
        raise MalformedMessageError("the initiator cookie is zero")
    header = Header(initiator, responder, following, exchange, flags, message_id, length, version)
    if header.major != ISAKMP_VERSION >> 4:
        raise RefusedHeaderError(header, NotifyType.INVALID_MAJOR_VERSION)
    if version > ISAKMP_VERSION:
        raise RefusedHeaderError(header, NotifyType.INVALID_MINOR_VERSION)
    if flags & ~_FLAGS:
        raise RefusedHeaderError(header, NotifyType.INVALID_FLAGS)
    return header
