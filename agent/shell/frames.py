"""Shell room: the server's end of one connection: frames in and out, with bounds. `protocol` has the frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agent.shell.protocol import Frame, ProtocolError, decode, encode

_OUT_CHUNK = 1 << 16  # characters: no frame of output comes near the limit
_MOST_UNREAD = 8 << 20  # octets of output that a client lets wait


class Frames:
    """A connection's frames. `ended` is called where the client reads nothing and is given up."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.ended: Callable[[], None] = lambda: None

    async def receive(self) -> Frame | None:
        """The next frame, None at the end; raises ProtocolError."""
        try:
            octets = await self._reader.readline()
        except ValueError as error:  # longer than any frame
            raise ProtocolError("too long") from error
        return decode(octets) if octets else None

    def send(self, frame: Frame) -> None:
        if self._writer.is_closing():
            return
        self._writer.write(encode(frame))
        if self._writer.transport.get_write_buffer_size() > _MOST_UNREAD:
            self._writer.transport.abort()  # nobody reads: the session ends as if its client had gone
            self.ended()

    def send_text(self, text: str, request: int | None = None) -> None:
        """Output of a request; without one, output that nobody has asked for."""
        of = {} if request is None else {"id": request}
        for at in range(0, len(text), _OUT_CHUNK):
            self.send({"out": text[at : at + _OUT_CHUNK], **of})

    async def drain(self) -> None:
        await self._writer.drain()

    def close(self) -> None:
        """End the connection."""
        self._writer.close()
