"""Syslog room: the buffer of `logging buffered`: the newest messages, up to a number of octets."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from agent.base.text import octets_of


class LogBuffer:
    """Keeps whole messages. The oldest go when a new one needs their octets."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held = 0
        self._messages: deque[tuple[tuple[str, ...], int]] = deque()

    @property
    def size(self) -> int:
        return self._size

    def resize(self, size: int) -> None:
        """Have another size. As on IOS, which allocates the buffer anew, its messages are lost."""
        if size != self._size:
            self._size = size
            self.clear()

    def put(self, lines: Sequence[str]) -> None:
        """Add a message. One that is larger than the buffer is not kept."""
        octets = sum(len(octets_of(line)) + 1 for line in lines)
        self._messages.append((tuple(lines), octets))
        self._held += octets
        while self._held > self._size:
            self._held -= self._messages.popleft()[1]

    def clear(self) -> None:
        self._messages.clear()
        self._held = 0

    def lines(self) -> Iterator[str]:
        """The lines of all messages, oldest first. Messages that come while they are read are not among them."""
        for lines, _ in list(self._messages):
            yield from lines
