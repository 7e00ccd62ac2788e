"""Base room: reads lines from outside, with a bound on their length.

A reader keeps at most that many octets of a line, however long the line is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_TYPED = 254  # characters of a line that is typed or pasted, as on IOS
LONGEST_IN_A_FILE = 8192  # octets of a line of a configuration or lab file

TOO_LONG = f"% Line too long: a typed or pasted line has at most {LONGEST_TYPED} characters"


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end. `length` is its true length. `octets` is cut at the bound."""

    number: int
    octets: bytes
    length: int

    @property
    def too_long(self) -> bool:
        return self.length > len(self.octets)


class LineReader:
    """Splits a stream of octets into lines."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._held = bytearray()
        self._length = 0
        self._number = 0

    def feed(self, octets: bytes) -> Iterator[Line]:
        """The lines that are complete with these octets."""
        *ended, rest = octets.split(b"\n")
        for piece in ended:
            self._hold(piece)
            yield self._take()
        self._hold(rest)

    def finish(self) -> Line | None:
        """The last line, if it has no line end."""
        return self._take() if self._length else None

    def _hold(self, piece: bytes) -> None:
        self._length += len(piece)
        self._held += piece[: self._longest - len(self._held)]

    def _take(self) -> Line:
        self._number += 1
        line = Line(self._number, bytes(self._held), self._length)
        self._held.clear()
        self._length = 0
        return line


def lines_of(octets: bytes, longest: int = LONGEST_IN_A_FILE) -> Iterator[Line]:
    """The lines of a whole file."""
    reader = LineReader(longest)
    yield from reader.feed(octets)
    last = reader.finish()
    if last is not None:
        yield last
