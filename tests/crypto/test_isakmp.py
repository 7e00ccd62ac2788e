"""The ISAKMP codec: what is encoded decodes to itself, and nothing that is decoded does worse than being malformed."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.crypto.doi import Exchange, PayloadType
from agent.crypto.isakmp import Header, MalformedMessageError, decode_header, decode_payloads, encode_attributes, encode_payloads
from agent.crypto.payloads import (
    Attribute,
    Attributes,
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
    Transform,
    Unknown,
    Vendor,
)
from tests.crypto.in_the_clear import encode_message

octets = st.binary(min_size=1, max_size=40)
byte = st.integers(0, 255)
attributes = st.builds(Attribute, st.integers(1, 0x7FFF), st.integers(0, 0xFFFF) | st.binary(max_size=8))
transforms = st.builds(Transform, byte, byte, st.lists(attributes, max_size=6).map(tuple))
proposals = st.builds(Proposal, byte, byte, st.binary(max_size=16), st.lists(transforms, min_size=1, max_size=4).map(tuple))
payloads: st.SearchStrategy[Payload] = st.one_of(
    st.builds(SecurityAssociation, st.lists(proposals, min_size=1, max_size=4).map(tuple)),
    st.builds(KeyExchange, octets),
    st.builds(Identification, byte, octets, byte, st.integers(0, 0xFFFF)),
    st.builds(Hash, octets),
    st.builds(Nonce, octets),
    st.builds(Notification, byte, st.integers(0, 0xFFFF), st.binary(max_size=16), st.binary(max_size=20)),
    st.builds(Delete, st.just(3), st.lists(st.binary(min_size=4, max_size=4), min_size=1, max_size=5).map(tuple)),
    st.builds(Vendor, octets),
    st.builds(NatDetection, octets, st.sampled_from([PayloadType.NAT_DETECTION, PayloadType.NAT_DETECTION_DRAFT])),
    st.builds(Attributes, byte, st.integers(0, 0xFFFF), st.lists(attributes, max_size=6).map(tuple)),
    st.builds(Unknown, st.integers(131, 255), octets),
)


@given(st.lists(payloads, min_size=1, max_size=6))
def test_payloads_decode_to_what_was_encoded(chain: list[Payload]) -> None:
    first, encoded = encode_payloads(chain)
    decoded = decode_payloads(first, encoded)
    assert [found.payload for found in decoded] == chain
    assert decoded[-1].end == len(encoded)


@given(st.lists(payloads, min_size=1, max_size=3), st.binary(max_size=16))
def test_padding_behind_the_last_payload_is_left_alone(chain: list[Payload], padding: bytes) -> None:
    first, encoded = encode_payloads(chain)
    assert decode_payloads(first, encoded + padding)[-1].end == len(encoded)


@settings(max_examples=400)
@given(byte, st.binary(max_size=200))
def test_any_octets_decode_or_are_malformed(first: int, octets: bytes) -> None:
    try:
        decode_payloads(first, octets)
    except MalformedMessageError:
        pass


@settings(max_examples=300)
@given(st.lists(payloads, min_size=1, max_size=4), st.data())
def test_a_mutated_chain_decodes_or_is_malformed(chain: list[Payload], data: st.DataObject) -> None:
    first, encoded = encode_payloads(chain)
    broken = bytearray(encoded)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(byte)
    cut = data.draw(st.integers(0, len(broken)))
    for octets in (bytes(broken), bytes(broken[:cut])):
        try:
            decode_payloads(first, octets)
        except MalformedMessageError:
            pass


def message() -> bytes:
    return encode_message(Header(b"i" * 8, b"r" * 8, 0, Exchange.MAIN, 0, 0), (Nonce(b"n" * 24),))


def test_a_message_has_the_header_that_it_was_given() -> None:
    header = decode_header(message())
    assert (header.initiator_cookie, header.responder_cookie, header.exchange) == (b"i" * 8, b"r" * 8, Exchange.MAIN)
    assert (header.next_payload, header.length) == (PayloadType.NONCE, 28 + 28)


@pytest.mark.parametrize(
    "broken",
    [
        message()[:27],
        message() + b"\0",
        message()[:17] + b"\x20" + message()[18:],
        bytes(8) + message()[8:],
    ],
    ids=["too short", "length is not the datagram's", "major version 2", "no initiator cookie"],
)
def test_a_bad_header_is_malformed(broken: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        decode_header(broken)


def test_seconds_fit_a_basic_attribute_and_octets_are_variable() -> None:
    assert encode_attributes((Attribute(12, 5000),)).hex() == "800c1388"
    assert encode_attributes((Attribute(12, (86400).to_bytes(4, "big")),)).hex() == "000c000400015180"


def test_a_delete_of_a_size_that_its_protocol_does_not_have_is_malformed() -> None:
    first, encoded = encode_payloads((Delete(1, (b"spi!",)),))
    with pytest.raises(MalformedMessageError):
        decode_payloads(first, encoded)


def test_identities_of_hosts_and_subnets_are_networks_again() -> None:
    for network in (IPv4Network("10.1.2.3/32"), IPv4Network("10.1.0.0/16"), IPv4Network("0.0.0.0/0")):
        assert Identification.of_network(network).network() == network
    assert Identification.of_address(IPv4Address("10.1.2.3")).kind == 1
    assert Identification(4, bytes(8)[:4] + bytes((255, 0, 255, 0))).network() is None
    assert Identification(2, b"vpn.example").network() is None
