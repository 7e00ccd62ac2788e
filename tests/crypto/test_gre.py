"""GRE (RFC 2784): its header, with and without a checksum, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.crypto import gre, ip

INNER = ip.Packet(0x0A000001, 0x0A000002, ip.UDP, b"payload").encode()


def test_the_header_is_four_octets() -> None:
    assert gre.encode(INNER) == bytes.fromhex("00000800") + INNER


@given(st.binary(max_size=200))
def test_what_was_put_in_comes_out(octets: bytes) -> None:
    assert gre.decode(gre.encode(octets)) == octets


def with_checksum(octets: bytes) -> bytes:
    total = ip.checksum(bytes.fromhex("8000080000000000") + octets)
    return bytes.fromhex("80000800") + total.to_bytes(2, "big") + b"\0\0" + octets


def test_a_checksum_is_checked() -> None:
    assert gre.decode(with_checksum(INNER)) == INNER
    with pytest.raises(ip.BadPacketError):
        gre.decode(with_checksum(INNER)[:-1] + b"\0")


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\0\0\x08",
        bytes.fromhex("000086dd") + INNER,  # IPv6
        bytes.fromhex("00010800") + INNER,  # version 1
        bytes.fromhex("20000800") + INNER,  # a key (RFC 2890)
        bytes.fromhex("40000800") + INNER,  # routing (RFC 1701)
        bytes.fromhex("80000800"),  # a checksum that is not there
    ],
)
def test_what_is_not_understood_is_refused(octets: bytes) -> None:
    with pytest.raises(ip.BadPacketError):
        gre.decode(octets)


@given(st.binary(max_size=100))
def test_nothing_but_a_bad_packet_is_raised(octets: bytes) -> None:
    try:
        gre.decode(octets)
    except ip.BadPacketError:
        pass
