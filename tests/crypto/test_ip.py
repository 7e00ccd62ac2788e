"""IPv4, UDP and ICMP echo."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.crypto import ip

address = st.integers(0, 0xFFFFFFFF)
packets = st.builds(
    ip.Packet,
    address,
    address,
    st.integers(0, 255),
    st.binary(max_size=200),
    st.integers(1, 255),
    st.integers(0, 255),
    st.integers(0, 0xFFFF),
    st.just(0x4000),
    st.just(b""),
)


def test_the_checksum_of_a_known_header() -> None:
    header = bytes.fromhex("45000073000040004011b861c0a80001c0a800c7")
    assert ip.checksum(header) == 0
    assert ip.checksum(header[:10] + b"\0\0" + header[12:]) == 0xB861


@given(packets)
def test_a_packet_decodes_to_itself(packet: ip.Packet) -> None:
    octets = packet.encode()
    assert len(octets) == packet.length
    assert ip.decode(octets) == packet


@given(packets, st.integers(0, 159))
def test_a_changed_header_is_a_bad_packet(packet: ip.Packet, bit: int) -> None:
    octets = bytearray(packet.encode())
    octets[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ip.BadPacketError):
        ip.decode(bytes(octets))


@given(st.binary(max_size=60))
def test_any_octets_decode_or_are_a_bad_packet(octets: bytes) -> None:
    try:
        ip.decode(octets)
    except ip.BadPacketError:
        pass


@given(address, address, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.binary(max_size=100))
def test_a_datagram_decodes_to_itself_and_a_changed_one_does_not(
    source: int, destination: int, local: int, remote: int, data: bytes
) -> None:
    datagram = ip.Datagram(local, remote, data)
    payload = ip.encode_udp(source, destination, datagram)
    assert ip.decode_udp(ip.Packet(source, destination, ip.UDP, payload)) == datagram
    changed = bytes((payload[0] ^ 1,)) + payload[1:]
    with pytest.raises(ip.BadPacketError):
        ip.decode_udp(ip.Packet(source, destination, ip.UDP, changed))


@given(st.booleans(), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.binary(max_size=100))
def test_an_echo_decodes_to_itself(request: bool, identifier: int, sequence: int, data: bytes) -> None:
    echo = ip.Echo(request, identifier, sequence, data)
    assert ip.decode_echo(ip.encode_echo(echo)) == echo


def test_another_icmp_message_is_no_echo() -> None:
    octets = bytes((3, 1, 0, 0)) + bytes(8)
    total = ip.checksum(octets)
    assert ip.decode_echo(octets[:2] + total.to_bytes(2, "big") + octets[4:]) is None


def test_a_fragment_is_a_packet_that_says_where_it_belongs() -> None:
    packet = ip.decode(ip.Packet(1, 2, 17, b"x" * 8, flags=0x2000 | 185).encode())
    assert (packet.fragmented, packet.offset, ip.ports(packet)) == (True, 1480, (ip.UNKNOWN_PORT, ip.UNKNOWN_PORT))
    assert not ip.Packet(1, 2, 17, b"", flags=ip.DONT_FRAGMENT).fragmented


@given(packets, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_a_time_exceeded_names_the_echo_that_it_is_about(packet: ip.Packet, identifier: int, sequence: int) -> None:
    echo = packet._replace(protocol=ip.ICMP, payload=ip.encode_echo(ip.Echo(True, identifier, sequence, b"data")))
    error = ip.encode_time_exceeded(echo)
    assert error[:2] == b"\x0b\0"
    assert ip.checksum(error) == 0
    assert ip.expired_echo(error) == (identifier, sequence)
    assert ip.decode_echo(error) is None
    reply = echo._replace(payload=ip.encode_echo(ip.Echo(False, identifier, sequence, b"")))
    assert ip.expired_echo(ip.encode_time_exceeded(reply)) is None
    assert ip.is_icmp_error(echo._replace(payload=error))
    assert not ip.is_icmp_error(echo)


@given(st.binary(max_size=60))
def test_any_octets_are_about_an_echo_or_are_not(octets: bytes) -> None:
    body = b"\x0b\0" + ip.checksum(b"\x0b\0\0\0" + octets).to_bytes(2, "big") + octets
    found = ip.expired_echo(body)
    assert found is None or (0 <= found[0] <= 0xFFFF and 0 <= found[1] <= 0xFFFF)
