"""Shell room: what arrives by SSH, handed on a little at a time.

asyncssh handles all packets of a read at once, and a key exchange takes a millisecond or more. So the octets of each connection
wait here, and connections take turns within a share of each turn of the event loop. A flood, or two hundred log-ins at once, then
delays other sessions and not the router.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

SHARE = 0.001  # seconds of a turn of the loop
_MOST_A_TURN = 2  # links, because each may begin a task that takes as long again
_SLICE = 1 << 11  # octets that are handled at once; most packets of a session are smaller
_MOST_HELD = 1 << 16  # octets of a connection that wait before nothing more is read
_MOST_UNSENT = 1 << 20  # octets of answers that wait before nothing more is handled


class Turns:
    """Links that have something to handle take turns."""

    def __init__(self) -> None:
        self._waiting: deque[Link] = deque()
        self._scheduled = False

    def add(self, link: Link) -> None:
        self._waiting.append(link)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._handle)

    def _handle(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + SHARE
        for _ in range(min(_MOST_A_TURN, len(self._waiting))):
            link = self._waiting.popleft()
            if link.handle():
                self._waiting.append(link)
            if loop.time() >= until:
                break
        self._scheduled = bool(self._waiting)
        if self._scheduled:
            loop.call_soon(self._handle)


class Link(asyncio.Protocol):
    """One connection's transport. `arrived` is told of it, and may `start` it at once or later.
    `begin` gives asyncssh's side of it at the connection's first turn; None closes the connection.
    `writable` is clear while the peer does not take what it is sent.
    """

    def __init__(
        self,
        turns: Turns,
        arrived: Callable[[Link], None],
        begin: Callable[[Link], asyncio.Protocol | None],
        ended: Callable[[Link], None],
    ) -> None:
        self._turns = turns
        self._arrived = arrived
        self._begin = begin
        self._ended = ended
        self._transport: asyncio.Transport | None = None
        self._protocol: asyncio.Protocol | None = None
        self._held = bytearray()
        self._started = False
        self._queued = False
        self._reading = True
        self._over = False  # the peer has sent its last octet
        self._lost: Exception | None = None
        self._gone = False
        self.writable = asyncio.Event()
        self.writable.set()

    @property
    def peer(self) -> str:
        """The peer's address."""
        name = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(name[0]) if name else ""

    @property
    def unsent(self) -> int:
        """Octets that the peer has not taken."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def start(self) -> None:
        """The connection may log in: it gets turns from now on."""
        self._started = True
        self._queue()

    def handle(self) -> bool:
        """Handle a slice of what has arrived; whether there is more."""
        self._queued = False
        if self._transport is None:
            return False
        if self._protocol is None:
            if self._gone:
                return False
            self._protocol = self._begin(self)
            if self._protocol is None:
                self._transport.abort()
                return False
            self._protocol.connection_made(self._transport)
        elif self._held and self.unsent <= _MOST_UNSENT:
            octets = bytes(self._held[:_SLICE])
            del self._held[:_SLICE]
            self._protocol.data_received(octets)
            self._read_again()
        if self._held:
            self._queued = self.unsent <= _MOST_UNSENT
            return self._queued
        self._finish()
        return False

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._arrived(self)

    def data_received(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > _MOST_HELD and self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()
        self._queue()

    def eof_received(self) -> bool:
        self._over = True
        self._queue()
        return True  # what has arrived is handled before the connection is closed

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone, self._lost = True, exc
        self.writable.set()
        self._held.clear()
        self._finish()
        self._ended(self)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()
        self._queue()

    # --- turns ---

    def _queue(self) -> None:
        if self._started and not self._queued:
            self._queued = True
            self._turns.add(self)

    def _read_again(self) -> None:
        if not self._reading and len(self._held) <= _MOST_HELD // 2 and self._transport is not None and not self._gone:
            self._reading = True
            self._transport.resume_reading()

    def _finish(self) -> None:
        """Pass on the end, after all octets."""
        protocol = self._protocol
        if protocol is None:
            return
        if self._gone:
            self._protocol = None
            protocol.connection_lost(self._lost)
        elif self._over:
            self._over = False
            protocol.eof_received()
