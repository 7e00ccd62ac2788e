"""An accounting server in a test's own event loop: a UDP socket that checks, keeps and answers Accounting-Requests (RFC 2866 §4).

It reads packets by itself, and shares no code with the product.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import md5

SECRET = b"cisco123"
STATUSES = {1: "START", 2: "STOP", 3: "INTERIM", 7: "ON", 8: "OFF"}
_STATUS_TYPE, _DELAY_TIME, _SESSION_ID = 40, 41, 44


@dataclass(frozen=True)
class Got:
    """A genuine request: when it came, and what is in it. `rest` are its attributes without Acct-Delay-Time."""

    at: float
    packet: bytes
    session: str
    status: str
    delay: int
    rest: tuple[tuple[int, bytes], ...]


class AccountingServer:
    """It keeps each genuine request, and answers as `answer` says: at once, unless a test sets something else."""

    def __init__(self, now: Callable[[], float], port: int = 0) -> None:
        self.got: list[Got] = []
        self.forged = 0  # requests with a wrong authenticator
        self.secret = SECRET
        self.answer: Callable[[Got], None] = self.accept
        self.moved: Callable[[int], None] = lambda by: None  # a datagram has come (-1), or an answer goes (1)
        self._now = now
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", port))
        self._sources: dict[bytes, tuple[str, int]] = {}
        self.port: int = self._socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def accept(self, got: Got, secret: bytes | None = None) -> None:
        """Answer with an Accounting-Response (RFC 2866 §3: Response Authenticator)."""
        head = struct.pack("!BBH", 5, got.packet[1], 20)
        authenticator = md5(head + got.packet[4:20] + (secret or self.secret)).digest()
        self.moved(1)
        self._socket.sendto(head + authenticator, self._sources[got.packet])

    def ignore(self, got: Got) -> None:
        """Keep the record, and die before the answer."""

    def first(self) -> list[Got]:
        """The first request of each record, in order. What comes again is the same record, whole."""
        found: dict[tuple[str, str, object], Got] = {}
        for got in self.got:
            found.setdefault((got.session, got.status, got.rest if got.status in ("INTERIM", "ON", "OFF") else None), got)
        return list(found.values())

    def _read(self) -> None:
        while True:
            try:
                packet, source = self._socket.recvfrom(4096)
            except BlockingIOError:
                return
            self.moved(-1)
            assert packet[0] == 4, "an Accounting-Request"
            if md5(packet[:4] + bytes(16) + packet[20:] + self.secret).digest() != packet[4:20]:
                self.forged += 1
                continue
            got = _read(packet, self._now())
            self.got.append(got)
            self._sources[packet] = source
            self.answer(got)


def _read(packet: bytes, now: float) -> Got:
    attributes, at = [], 20
    while at < len(packet):
        attributes.append((packet[at], packet[at + 2 : at + packet[at + 1]]))
        at += packet[at + 1]
    values = dict(attributes)
    status = STATUSES[int.from_bytes(values[_STATUS_TYPE])]
    rest = tuple(each for each in attributes if each[0] != _DELAY_TIME)
    return Got(now, packet, values[_SESSION_ID].decode(), status, int.from_bytes(values[_DELAY_TIME]), rest)
