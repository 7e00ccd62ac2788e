"""Shell room: one session of an SSH connection: a terminal, or one command (RFC 4254 §6)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

import asyncssh

from agent.aaa.cli import CliUser
from agent.base.origin import Origin
from agent.config.line_model import VTY
from agent.shell.interactive import Interactive
from agent.shell.lines import LineState
from agent.shell.render.ssh import SshSession
from agent.shell.ssh.link import Link

if TYPE_CHECKING:
    from agent.shell.ssh.login import Login
    from agent.shell.ssh.server import SshServer

_MOST_UNREAD = 8 << 20  # octets of output that a client lets wait
_NOT_AUTHORIZED = b"% Authorization failed.\r\n"
_MOST_WINDOW = 512  # columns and lines, as `terminal width` and `terminal length` have them


class Channel(asyncssh.SSHServerSession[bytes]):
    """The terminal of one session. Environment and signals are ignored; subsystems are refused."""

    def __init__(self, server: SshServer, link: Link, user: CliUser, origin: Origin, login: Login) -> None:
        self.user = user
        self._link = link
        self._login = login
        self._line = LineState(origin, level=user.level or 0, kind=VTY, user=user.name, host=link.peer)
        self._interactive = Interactive(server.router, server.commands, self._line, self._write, self._drain)
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._command: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._unsent = bytearray()  # octets of this turn of the loop
        self._last = b"\r"  # the last octet that was typed
        self._reading: asyncio.Task[None] | None = None

    @property
    def number(self) -> int:
        """The number of its `vty`, once it has started."""
        return self._line.number

    @property
    def unread(self) -> int:
        """Octets of output that the client has not taken."""
        channel = self._channel
        return (0 if channel is None else channel.get_write_buffer_size()) + self._link.unsent

    def facts(self) -> SshSession:
        cipher, mac = self._login.protection
        return SshSession(self._line.number, self.user.name, cipher, mac)

    def end(self) -> None:
        """End the session from this side."""
        self._interactive.hang_up()
        if self._task is not None:
            self._task.cancel()

    async def ended(self) -> None:
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    # --- asyncssh.SSHServerSession ---

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: Mapping[int, int]) -> bool:
        self.terminal_size_changed(*term_size)
        return True

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        self._interactive.resize(min(width, _MOST_WINDOW), min(height, _MOST_WINDOW))

    def shell_requested(self) -> bool:
        return self._login.may_start(self)

    def exec_requested(self, command: str) -> bool:
        self._command = command
        return self._login.may_start(self)

    def session_started(self) -> None:
        self._task = asyncio.ensure_future(self._run())

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        if data:
            self._last = data[-1:]
            self._interactive.feed(data)
            self._wait_for_room()

    def eof_received(self) -> bool:
        """Nothing more will be typed: what has been typed is carried out, and then the session ends."""
        self._interactive.feed((b"" if self._last in b"\r\n" else b"\r") + b"\x04")
        return True

    def break_received(self, msec: int) -> bool:
        return False

    def signal_received(self, signal: str) -> None:
        return None

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._writable.set()
        self._interactive.hang_up()
        if self._reading is not None:
            self._reading.cancel()
        self._login.ended(self)

    # --- the terminal ---

    async def _run(self) -> None:
        channel = self._channel
        assert channel is not None  # the session has started
        status = 0
        if self.user.level is None:
            self._write(_NOT_AUTHORIZED)
            status = 1
        elif self._command is None:
            await self._interactive.run()
        else:
            status = await self._interactive.run_command(self._command)
        self._send()
        if not channel.is_closing():
            channel.exit(status)

    def _write(self, octets: bytes) -> None:
        """What is written in one turn of the loop leaves as one packet."""
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._send)
        self._unsent += octets

    def _send(self) -> None:
        channel, octets = self._channel, bytes(self._unsent)
        self._unsent.clear()
        if channel is None or channel.is_closing() or not octets:
            return
        channel.write(octets)
        if self.unread > _MOST_UNREAD:
            self._link.abort()  # nobody reads: the session ends as if its client had gone

    async def _drain(self) -> None:
        self._send()
        await self._writable.wait()
        await self._link.writable.wait()

    def _wait_for_room(self) -> None:
        """Read nothing more while too much has been typed ahead."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._read_when_there_is_room())

    async def _read_when_there_is_room(self) -> None:
        channel = self._channel
        assert channel is not None  # it has sent octets
        channel.pause_reading()
        await self._interactive.room()
        if not channel.is_closing():
            channel.resume_reading()
