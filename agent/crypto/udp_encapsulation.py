"""Crypto room: what goes by the ports of NAT traversal (RFC 3948 §2): ESP in UDP, IKE behind a marker, keepalives."""

from __future__ import annotations

from enum import Enum

from agent.crypto import ip
from agent.crypto.nat_traversal import Ends

NON_ESP_MARKER = bytes(4)  # where ESP has its SPI, which is never 0 (§2.2)
KEEPALIVE = b"\xff"  # §2.3


class Cargo(Enum):
    ISAKMP = "isakmp"
    ESP = "esp"
    KEEPALIVE = "keepalive"


def cargo_of(data: bytes) -> tuple[Cargo, bytes]:
    """What a datagram carries: an IKE message without its marker, an ESP packet behind its IP header, or nothing."""
    if data == KEEPALIVE:
        return Cargo.KEEPALIVE, b""
    if data.startswith(NON_ESP_MARKER):
        return Cargo.ISAKMP, data[len(NON_ESP_MARKER) :]
    return Cargo.ESP, data


def encapsulate(esp: ip.Packet, ends: Ends) -> ip.Packet:
    """An ESP packet in UDP, without a checksum, as §2.1 wants it."""
    datagram = ip.Datagram(ends.local_port, ends.remote_port, esp.payload)
    return esp._replace(protocol=ip.UDP, payload=ip.encode_udp(esp.source, esp.destination, datagram, summed=False))
