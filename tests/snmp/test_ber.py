"""The decoder of read requests: what it has learnt of earlier ones changes nothing in what it says of a later one."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.mib.values import NULL, number, object_identifier, wrap
from agent.snmp.ber import GET, GET_BULK, GET_NEXT, Decoder, ReadRequest, decode_read

KINDS = (GET, GET_NEXT, GET_BULK)
NAME = (1, 3, 6, 1, 4, 1, 9, 9, 171, 1, 3, 2, 1, 26)


def request(
    kind: int = GET, request_id: int = 0x12345678, row: int = 7, names: int = 1, version: int = 1, first: int = 0, second: int = 0
) -> bytes:
    bindings = b"".join(wrap(0x30, object_identifier((*NAME, row + at)) + NULL) for at in range(names))
    fields = b"".join(number("Integer32", value) for value in (request_id, first, second))
    pdu = wrap(kind, fields + wrap(0x30, bindings))
    return wrap(0x30, number("Integer32", version) + wrap(0x04, b"public") + pdu)


HEADS = frozenset(bytes((2, 1, version, 4, 6)) + b"public" for version in (0, 1))
MOST_NAMES = 200


def decoded(data: bytes) -> ReadRequest | None:
    return decode_read(data, HEADS, MOST_NAMES)


def decoder_of() -> Decoder:
    made = Decoder(4)
    made.use(HEADS, MOST_NAMES)
    return made


some_request = st.builds(
    request,
    kind=st.sampled_from(KINDS),
    request_id=st.one_of(st.integers(-(2**31), 2**31 - 1), st.integers(-300, 300)),
    row=st.integers(1, 2**32 - 9),
    names=st.integers(0, 3),
    version=st.integers(0, 1),
    second=st.sampled_from([0, 20, 500]),
)


def test_a_request_is_taken_apart() -> None:
    data = request(GET_BULK, 77, row=300, second=20)
    version, head, kind, request_id, first, second, names, bindings = decoded(data) or pytest.fail("not decoded")
    assert (version, head, kind, request_id) == (1, b"\x02\x01\x01\x04\x06public", GET_BULK, b"\x02\x01\x4d")
    assert (first, second, names) == (0, 20, [object_identifier((*NAME, 300))[2:]])
    assert data[bindings:] == wrap(0x30, object_identifier((*NAME, 300)) + NULL)


@settings(max_examples=300, deadline=None)
@given(st.lists(some_request, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_what_was_learnt_changes_nothing(datagrams: list[bytes], dice: random.Random) -> None:
    decoder = decoder_of()
    for data in datagrams:
        assert decoder.decode(data) == decoded(data)
        for _ in range(5):
            mutated = bytearray(data)
            for _ in range(dice.randint(1, 3)):
                mutated[dice.randrange(len(mutated))] = dice.randrange(256)
            octets = bytes(mutated[: dice.choice([len(mutated), dice.randint(0, len(mutated))])])
            assert decoder.decode(octets) == decoded(octets)
            assert decoder.decode(data) == decoded(data)


@pytest.mark.parametrize("kind", KINDS)
def test_requests_of_one_shape_are_told_apart(kind: int) -> None:
    decoder = decoder_of()
    for request_id in (5, 6, 0x7F, 0x80, 0x1234, 0x12345678, -1, -129, 0):
        for row in (1, 2, 127, 128, 16383, 16384):
            data = request(kind, request_id, row)
            found = decoder.decode(data)
            assert found == decoded(data)
            assert found is not None
            assert found[3] == number("Integer32", request_id)
            assert found[6] == [object_identifier((*NAME, row))[2:]]


def test_of_a_stranger_no_name_is_read() -> None:
    data = request(names=3)
    assert decode_read(data, frozenset((b"\x02\x01\x01\x04\x06secret",)), MOST_NAMES) is None
    # What follows the head need not even be a request for that to be said.
    assert decode_read(data[:15] + b"?" * (len(data) - 15), frozenset(), MOST_NAMES) is None


@pytest.mark.parametrize("kind", KINDS)
def test_no_more_names_are_read_than_can_be_answered(kind: int) -> None:
    """One more than can be: it says that there are too many."""
    found = decode_read(request(kind, names=2000), HEADS, 214)
    assert found is not None
    assert len(found[6]) == 215
