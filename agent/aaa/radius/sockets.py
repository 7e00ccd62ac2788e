"""Aaa room: the UDP sockets of a RADIUS client. Requests leave by ports that the kernel gives; answers come to these alone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ipaddress import IPv4Address

from agent.aaa.radius.exchange import Port, SocketAddress
from agent.aaa.radius.packets import LONGEST
from agent.base.limited_log import LimitedLog
from agent.base.own_addresses import is_ours
from agent.config.aaa_model import ServerAddress

_DATAGRAMS = 32  # taken from a port in one turn of the loop
_RECEIVE_BUFFER = 1 << 20  # octets, as far as the system allows

Receive = Callable[[Port, bytes, SocketAddress], None]


class UdpPort:
    """A source port."""

    def __init__(self, bound: socket.socket, receive: Receive, log: LimitedLog) -> None:
        self._socket = bound
        self._receive = receive
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self.number: int = bound.getsockname()[1]
        self._loop.add_reader(bound, self._read)

    def send(self, packet: bytes, to: SocketAddress) -> None:
        try:
            self._socket.sendto(packet, to)
        except OSError as error:
            self._log.warning("a RADIUS request to %s port %d is lost: %s", *to, error)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _read(self) -> None:
        for _ in range(_DATAGRAMS):
            if self._closed:  # by what an answer has caused
                return
            try:
                datagram, source = self._socket.recvfrom(LONGEST + 1)
            except OSError:  # nothing more, or an error of something sent before
                return
            self._receive(self, datagram, source[:2])


class Sockets:
    """Opens source ports. `receive` is called with each datagram that comes to one."""

    def __init__(self, receive: Receive, log: LimitedLog) -> None:
        self._receive = receive
        self._log = log
        self._ours: dict[IPv4Address, bool] = {}  # whether this machine has an address

    def forget(self) -> None:
        """The machine may have other addresses now."""
        self._ours.clear()

    def local_address(self, address: ServerAddress, nas: IPv4Address) -> str:
        """The router's own address if this machine has it, so that a server can tell routers apart; else the machine's choice.

        A server on loopback is asked from a loopback address, and no datagram from elsewhere gets there.
        """
        if address.version == 6:
            return "::1" if address.is_loopback else "::"
        if nas.is_loopback == address.is_loopback and self._has(nas):
            return str(nas)
        return "127.0.0.1" if address.is_loopback else "0.0.0.0"

    def open(self, local: str) -> Port | None:
        """A source port of an address; None if there is none, which is logged."""
        try:
            opened = socket.socket(socket.AF_INET6 if ":" in local else socket.AF_INET, socket.SOCK_DGRAM)
        except OSError as error:
            self._refused(local, error)
            return None
        try:
            opened.setblocking(False)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            opened.bind((local, 0))
        except OSError as error:
            opened.close()
            self._refused(local, error)
            return None
        return UdpPort(opened, self._receive, self._log)

    def _has(self, address: IPv4Address) -> bool:
        known = self._ours.get(address)
        if known is None:
            known = self._ours[address] = is_ours(str(address))
        return known

    def _refused(self, local: str, error: OSError) -> None:
        self._log.warning("no socket for RADIUS requests from %s: %s", local, error)
