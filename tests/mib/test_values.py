"""Encoders against pyasn1, which wrote none of them: what we send decodes to what we meant, and back to the same octets."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pyasn1.type import univ
from pysnmp.proto import rfc1902, rfc1905

from agent.flow.counters import FrozenCounters
from agent.mib.values import (
    END_OF_MIB_VIEW,
    NO_SUCH_INSTANCE,
    NO_SUCH_OBJECT,
    NULL,
    counter_cell,
    decode_name,
    is_number,
    length,
    name_content,
    number,
    number_cell,
    object_identifier,
    octets,
    order_key,
    sub_identifiers,
    wrap,
)

UNSIGNED = {"Unsigned32": rfc1902.Unsigned32, "Gauge32": rfc1902.Gauge32}
WRAPPING = {"Counter32": rfc1902.Counter32, "TimeTicks": rfc1902.TimeTicks, "Counter64": rfc1902.Counter64}
sub_identifier = st.one_of(st.integers(0, 300), st.integers(0, 2**32 - 1))
# RFC 2578 §7.1.3: at most 128 sub-identifiers; X.660: the first is 0 to 2, and the second is below 40 under 0 and 1.
names = st.one_of(st.tuples(st.integers(0, 1), st.integers(0, 39)), st.tuples(st.just(2), st.integers(0, 2**32 - 1))).flatmap(
    lambda head: st.lists(sub_identifier, max_size=126).map(lambda rest: (*head, *rest))
)
POWERS = [2**bits for bits in (0, 7, 8, 15, 16, 23, 24, 31, 32, 63, 64)]
edges = st.sampled_from([power + step for power in POWERS for step in (-1, 0, 1)])


def decoded(encoded: bytes, spec: Any) -> Any:
    value, rest = decoder.decode(encoded, asn1Spec=spec)
    assert rest == b""
    # Shortest length, fewest octets (X.690 §8.3.2); of -128 and its like pyasn1 itself sends an octet too many.
    if not isinstance(value, rfc1902.Integer32) or value >= 0:
        assert encoder.encode(value) == encoded
    return value


@given(st.integers(-(2**31), 2**31 - 1) | edges.filter(lambda value: value < 2**31))
def test_integers(value: int) -> None:
    encoded = number("Integer32", value)
    assert int(decoded(encoded, rfc1902.Integer32())) == value
    assert number_cell("Integer32", lambda row, now: value)(None, 0) == encoded
    assert len(encoded) == 3 or not -(2 ** (8 * len(encoded) - 25)) <= value < 2 ** (8 * len(encoded) - 25)


@pytest.mark.parametrize("base", UNSIGNED)
@given(value=st.integers(0, 2**32 - 1) | edges.filter(lambda value: value < 2**32))
def test_unsigned_integers(base: str, value: int) -> None:
    encoded = number(base, value)
    assert int(decoded(encoded, UNSIGNED[base]())) == value
    assert number_cell(base, lambda row, now: value)(None, 0) == encoded


@pytest.mark.parametrize("base", WRAPPING)
@given(value=st.integers(0, 2**70) | edges)
def test_counters_and_ticks_wrap_at_their_size(base: str, value: int) -> None:
    encoded = number_cell(base, lambda row, now: value)(None, 0)
    assert encoded is not None
    assert int(decoded(encoded, WRAPPING[base]())) == value % 2 ** (64 if base == "Counter64" else 32)


@pytest.mark.parametrize("base", ["Counter32", "Counter64"])
@given(value=st.integers(0, 2**70) | edges)
def test_the_short_way_for_counters_gives_the_same_octets(base: str, value: int) -> None:
    assert counter_cell(base, 1)(FrozenCounters((0, value)), 0) == number_cell(base, lambda row, now: value)(None, 0)


def test_what_is_not_known_has_no_cell() -> None:
    assert counter_cell("Counter32", 0)(FrozenCounters((None,)), 0) is None
    assert number_cell("Integer32", lambda row, now: None)(None, 0) is None


@given(st.binary(max_size=300))
def test_octet_strings(value: bytes) -> None:
    assert bytes(decoded(octets(value), univ.OctetString())) == value


def test_octet_strings_of_text_and_addresses() -> None:
    assert bytes(decoded(octets("vrf1-map é"), univ.OctetString())) == "vrf1-map é".encode()
    assert bytes(decoded(octets(IPv4Address("10.1.1.2")), univ.OctetString())) == b"\x0a\x01\x01\x02"
    assert bytes(decoded(octets(IPv6Address("::1")), univ.OctetString())) == bytes(15) + b"\x01"


@pytest.mark.parametrize("size", [0, 127, 128, 255, 256, 65535, 65536])
def test_lengths_in_short_and_long_form(size: int) -> None:
    encoded = wrap(0x04, bytes(size))
    assert encoded == encoder.encode(univ.OctetString(bytes(size)))
    assert encoded[1 : 1 + len(length(size))] == length(size)


@given(names)
def test_object_identifiers(name: tuple[int, ...]) -> None:
    assert tuple(decoded(object_identifier(name), univ.ObjectIdentifier())) == name
    assert decode_name(name_content(name)) == name
    assert name_content(name) == name_content(name[:2]) + sub_identifiers(name[2:])


def test_names_of_fewer_than_two_sub_identifiers_are_padded() -> None:
    assert object_identifier(()) == object_identifier((0,)) == object_identifier((0, 0))
    assert object_identifier((1,)) == object_identifier((1, 0))


@given(st.binary(max_size=40) | names.map(name_content))
def test_a_name_that_decodes_is_the_one_that_it_encodes(content: bytes) -> None:
    name = decode_name(content)
    if name is not None:
        assert name_content(name) == content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x2b\x86",  # ends within a number
        b"\x2b\x80\x01",  # a leading zero septet: not the shortest form
        b"\x80\x2b",
        b"\x2b\x90\x80\x80\x80\x00",  # 2³²
        b"\x2b" + b"\xff" * 9 + b"\x7f",
        b"\x2b" + b"\x01" * 127,  # 129 sub-identifiers
        b"\xff" * 60_000 + b"\x7f",
    ],
)
def test_malformed_names_are_refused(content: bytes) -> None:
    assert decode_name(content) is None


def test_the_longest_name_and_the_largest_number_are_taken() -> None:
    assert decode_name(b"\x2b" + b"\x01" * 126) == (1, 3) + (1,) * 126
    assert decode_name(b"\x2b\x8f\xff\xff\xff\x7f") == (1, 3, 2**32 - 1)
    assert decode_name(name_content((2, 2**32 - 1))) == (2, 2**32 - 1)


@given(st.lists(sub_identifier, max_size=12).map(tuple), st.lists(sub_identifier, max_size=12).map(tuple))
def test_order_keys_compare_as_names_do(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    assert (order_key(one) < order_key(other)) == (one < other)
    assert order_key(one + other).startswith(order_key(one))


def test_the_exceptions_of_version_2() -> None:
    assert encoder.encode(rfc1905.noSuchObject) == NO_SUCH_OBJECT
    assert encoder.encode(rfc1905.noSuchInstance) == NO_SUCH_INSTANCE
    assert encoder.encode(rfc1905.endOfMibView) == END_OF_MIB_VIEW
    assert encoder.encode(univ.Null("")) == NULL


def test_which_bases_are_numbers() -> None:
    assert all(map(is_number, ("Integer32", *UNSIGNED, *WRAPPING)))
    assert not any(map(is_number, ("OctetString", "ObjectIdentifier", "IpAddress", "Bits")))
