"""IPv4 fragments (RFC 791 §3.2): cut, and put together in any order; what does not fit together is worth nothing."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from agent.crypto import ip
from agent.crypto.fragments import MOST_INCOMPLETE, MOST_OF_SOURCE, PATIENCE, Reassembly, fragment


def packet(octets: int, identification: int = 7, source: int = 1) -> ip.Packet:
    return ip.Packet(source, 2, ip.UDP, bytes(at & 0xFF for at in range(octets)), identification=identification)


@given(st.integers(1, 9000), st.integers(68, 1500), st.integers(68, 1500), st.randoms())
def test_what_is_cut_in_any_way_is_put_together_again(octets: int, first: int, second: int, random: Random) -> None:
    whole = packet(octets)
    pieces = [piece for each in fragment(whole, first) for piece in fragment(each, second)]
    assert all(piece.length <= min(first, second) or len(piece.payload) == 8 for piece in pieces)
    random.shuffle(pieces)
    reassembly = Reassembly()
    made = [reassembly.take(ip.decode(piece.encode()), 0) for piece in pieces if piece.fragmented] or [whole]
    if len(pieces) <= 128:
        assert made[-1] == whole
        assert made[:-1] == [None] * (len(made) - 1)
        assert len(reassembly) == 0


def test_a_fragment_that_comes_twice_does_no_harm() -> None:
    first, second = fragment(packet(1000), 576)
    reassembly = Reassembly()
    assert [reassembly.take(each, 0) for each in (first, first, second)] == [None, None, packet(1000)]


def test_fragments_that_overlap_make_the_packet_worthless() -> None:
    first, second = fragment(packet(1000), 576)
    reassembly = Reassembly()
    reassembly.take(first, 0)
    assert reassembly.take(first._replace(payload=b"?" * 552), 0) is None
    assert len(reassembly) == 0
    assert reassembly.take(second, 0) is None


def test_packets_of_different_identification_are_not_mixed() -> None:
    one, other = list(fragment(packet(1000, 1), 576)), list(fragment(packet(1000, 2), 576))
    reassembly = Reassembly()
    assert reassembly.take(one[0], 0) is None
    assert reassembly.take(other[1], 0) is None
    assert reassembly.take(one[1], 0) == packet(1000, 1)


def test_what_stays_incomplete_is_given_up() -> None:
    first, second = fragment(packet(1000), 576)
    reassembly = Reassembly()
    reassembly.take(first, 0)
    assert reassembly.take(second, PATIENCE) is None


def test_what_is_incomplete_is_bounded_and_one_source_has_its_share() -> None:
    reassembly = Reassembly()
    kept = next(iter(fragment(packet(1000, 1, source=9), 576)))
    reassembly.take(kept, 0)
    for number in range(1, 1000):
        reassembly.take(next(iter(fragment(packet(1000, number), 576))), 0)
    assert len(reassembly) == MOST_OF_SOURCE + 1
    assert reassembly.take(list(fragment(packet(1000, 1, source=9), 576))[1], 0) is not None
    for source in range(1000):
        reassembly.take(next(iter(fragment(packet(1000, 1, source=source), 576))), 0)
    assert len(reassembly) == MOST_INCOMPLETE
