"""Lines with a bound: what is read whatever the chunks, and what a line without an end costs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.base.lines import LineReader


@given(st.binary(max_size=60), st.lists(st.integers(1, 7), max_size=30))
def test_chunks_make_no_difference(octets: bytes, sizes: list[int]) -> None:
    reader, read, at = LineReader(5), [], 0
    for size in [*sizes, len(octets)]:
        read += list(reader.feed(octets[at : at + size]))
        at += size
    if (last := reader.finish()) is not None:
        read.append(last)
    expected = octets.split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    assert [line.number for line in read] == list(range(1, len(expected) + 1))
    assert [(line.octets, line.length, line.too_long) for line in read] == [
        (each[:5], len(each), len(each) > 5) for each in expected
    ]


def test_a_line_without_an_end_is_not_kept() -> None:
    reader = LineReader(10)
    for _ in range(1000):
        assert list(reader.feed(b"x" * 1000)) == []
    [line] = reader.feed(b"\n")
    assert (line.octets, line.length) == (b"x" * 10, 1_000_000)
