"""Crypto room: IPv4 fragmentation and reassembly (RFC 791 §3.2).

Overlapping fragments invalidate their packet (RFC 1858 describes the attack). Incomplete packets are bounded in number, for each
source, and in time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from agent.crypto import ip

SMALLEST_MTU = 68  # RFC 791 §3.2
PATIENCE = 30_000_000  # microseconds until an incomplete packet is given up
MOST_INCOMPLETE = 128  # packets
MOST_OF_SOURCE = 16  # of those
_MOST_FRAGMENTS = 128  # of one packet
_UNIT = 8  # octets that an offset counts in

_Key = tuple[int, int, int, int]


def fragment(packet: ip.Packet, mtu: int) -> Iterator[ip.Packet]:
    """The fragments of a packet, of at most `mtu` octets. The packet may be a fragment itself. The caller checks DF."""
    header = ip.HEADER_OCTETS + len(packet.options)
    step = max(_UNIT, (mtu - header) // _UNIT * _UNIT)
    first, more = packet.offset, packet.flags & ip.MORE_FRAGMENTS
    payload = packet.payload
    for at in range(0, len(payload), step):
        piece = payload[at : at + step]
        following = ip.MORE_FRAGMENTS if more or at + step < len(payload) else 0
        yield packet._replace(payload=piece, flags=following | (first + at) // _UNIT)


@dataclass(slots=True)
class _Incomplete:
    """One packet's fragments by their offset in octets; `whole` is the size of its payload, once the last one has come."""

    began: int
    first: ip.Packet | None = None
    pieces: dict[int, bytes] = field(default_factory=dict)
    whole: int | None = None

    def add(self, packet: ip.Packet) -> bool:
        """Add a fragment; False if it contradicts the others."""
        begin, end = packet.offset, packet.offset + len(packet.payload)
        if self.pieces.get(begin) == packet.payload:
            return True
        more = bool(packet.flags & ip.MORE_FRAGMENTS)
        if end > ip.LARGEST - ip.HEADER_OCTETS or begin == end or (more and len(packet.payload) % _UNIT):
            return False
        if any(at < end and begin < at + len(piece) for at, piece in self.pieces.items()) or len(self.pieces) >= _MOST_FRAGMENTS:
            return False
        if not more:
            if self.whole is not None or any(at >= end for at in self.pieces):
                return False
            self.whole = end
        elif self.whole is not None and end > self.whole:
            return False
        self.pieces[begin] = packet.payload
        if begin == 0:
            self.first = packet
        return True

    def complete(self) -> ip.Packet | None:
        """The packet, if nothing of it is missing."""
        if self.first is None or self.whole is None or sum(map(len, self.pieces.values())) < self.whole:
            return None
        payload = b"".join(piece for _, piece in sorted(self.pieces.items()))
        return self.first._replace(payload=payload, flags=self.first.flags & ip.DONT_FRAGMENT)


class Reassembly:
    """Reassembles packets at their destination."""

    def __init__(self) -> None:
        self._incomplete: dict[_Key, _Incomplete] = {}  # oldest first
        self._of_source: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._incomplete)

    def take(self, packet: ip.Packet, now: int) -> ip.Packet | None:
        """The whole packet, if this one is whole or completes it; None if fragments are missing or invalid."""
        if not packet.fragmented:
            return packet
        self._give_up(now)
        key = packet.source, packet.destination, packet.protocol, packet.identification
        found = self._incomplete.get(key)
        if found is None:
            found = self._begin(key, now)
        if not found.add(packet):
            self._forget(key)
            return None
        whole = found.complete()
        if whole is not None:
            self._forget(key)
        return whole

    def _begin(self, key: _Key, now: int) -> _Incomplete:
        if self._of_source[key[0]] >= MOST_OF_SOURCE:
            self._forget(next(each for each in self._incomplete if each[0] == key[0]))
        elif len(self._incomplete) >= MOST_INCOMPLETE:
            self._forget(next(iter(self._incomplete)))
        self._of_source[key[0]] += 1
        begun = self._incomplete[key] = _Incomplete(now)
        return begun

    def _give_up(self, now: int) -> None:
        while self._incomplete:
            key = next(iter(self._incomplete))
            if now - self._incomplete[key].began < PATIENCE:
                return
            self._forget(key)

    def _forget(self, key: _Key) -> None:
        del self._incomplete[key]
        self._of_source[key[0]] -= 1
        if not self._of_source[key[0]]:
            del self._of_source[key[0]]
