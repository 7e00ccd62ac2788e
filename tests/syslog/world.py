"""A router's log with its destinations, on a clock that the test sets; receivers on ports that the kernel gave."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime

from agent.base.clock import VirtualClock
from agent.base.outside import OutsideTraffic
from agent.config.document import Document, load
from agent.config.events import LoggingChanged
from agent.config.session import Session
from agent.syslog.destinations import Destinations
from agent.syslog.hosts import Hosts, Patience
from agent.syslog.message import Message, Severity
from agent.syslog.stamp import Stamps
from agent.syslog.syslog import Syslog

EPOCH = datetime(2026, 11, 28, 4, 33, 3, 120_000, tzinfo=UTC)
CONFIG_I = Message("SYS", Severity.NOTIFICATIONS, "CONFIG_I", "Configured from console by console")
SOON = Patience(0.01, 0.02)
LIMIT = 20.0  # seconds for what must happen


class LogWorld:
    """One router's log. It must be made within a running event loop if there are receivers."""

    def __init__(self, config: str = "", outside: OutsideTraffic | None = None, local: str = "127.0.0.1") -> None:
        self.document: Document = load(f"hostname r1\n{config}")
        self.config = self.document.config
        self.clock = VirtualClock()
        self.syslog = Syslog(self.clock)
        self.hosts = Hosts(self.config, lambda: local, outside, SOON)
        stamps = Stamps(self.config, EPOCH)
        self.log = Destinations(self.syslog, self.config, stamps, self.hosts, self.clock)

    def type(self, *lines: str) -> None:
        """Lines in configure mode, which take effect."""
        session = Session(self.document)
        for line in lines:
            outcome = session.feed(line)
            assert outcome.problem is None, line
            for event in outcome.events:
                if isinstance(event, LoggingChanged):
                    self.log.apply(event.before)
                else:
                    self.log.follow_hosts()

    def say(self, text: str = "Configured from console by console", severity: Severity = Severity.NOTIFICATIONS) -> None:
        self.syslog.log(Message("SYS", severity, "CONFIG_I", text))

    @property
    def buffered(self) -> list[str]:
        return list(self.log.buffer.lines())


class UdpReceiver:
    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(LIMIT)
        self.port: int = self._socket.getsockname()[1]

    def next(self) -> str:
        return self._socket.recv(65535).decode()

    def sender(self) -> str:
        """The address that the next datagram has come from."""
        address: str = self._socket.recvfrom(65535)[1][0]
        return address

    def none_waits(self) -> bool:
        self._socket.setblocking(False)
        try:
            self._socket.recv(65535)
        except BlockingIOError:
            return True
        finally:
            self._socket.settimeout(LIMIT)
        return False

    def close(self) -> None:
        self._socket.close()


class TcpReceiver:
    """A server of lines; it can go away and come back at its port."""

    def __init__(self) -> None:
        self.port = 0
        self.lines: asyncio.Queue[str] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        await self._server.wait_closed()

    async def next(self) -> str:
        return await asyncio.wait_for(self.lines.get(), LIMIT)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            while line := await reader.readline():
                self.lines.put_nowait(line.decode())
        except ConnectionError:
            pass
        finally:
            writer.close()
