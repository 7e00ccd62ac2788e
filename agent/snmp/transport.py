"""Snmp room: UDP sockets as pysnmp transports, with a place for the fast path in front (RFC 3417 §3, RFC 3430's IPv6 alike).

A wake-up of the event loop drains up to 32 datagrams. Each goes to the fast path first; what that does not answer goes to pysnmp
unchanged, and the response leaves by the socket that the request came in by.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Protocol

from pysnmp.carrier.asyncio.base import AbstractAsyncioTransport
from pysnmp.carrier.asyncio.dgram.udp import UdpTransportAddress
from pysnmp.carrier.asyncio.dgram.udp6 import Udp6TransportAddress

from agent.snmp.counters import SnmpCounters

LARGEST_DATAGRAM = 65535
DATAGRAMS_PER_BURST = 32  # taken before any is answered
BURSTS_PER_WAKE_UP = 2  # then others have their turn
_RECEIVE_BUFFER = 1 << 20  # octets, as far as the system allows: a burst of polls waits instead of being lost

DROP = b""  # what a fast path returns to have a datagram neither answered nor given to pysnmp


class FastAnswers(Protocol):
    """What stands in front of pysnmp: gives the response to a datagram from an address, DROP, or None: not for it."""

    def answer(self, datagram: bytes, source: str) -> bytes | None: ...


class UdpTransport(AbstractAsyncioTransport):
    """One bound UDP socket on an event loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        bound: socket.socket,
        counters: SnmpCounters,
        failed: Callable[[Exception], None],
    ) -> None:
        bound.setblocking(False)
        self.ADDRESS_TYPE = Udp6TransportAddress if bound.family == socket.AF_INET6 else UdpTransportAddress
        self.address: tuple[str, int] = bound.getsockname()[:2]
        self.domain: tuple[int, ...] = ()  # under which pysnmp knows it
        self.fast: FastAnswers | None = None
        self.unsent = 0
        self._loop = loop
        self._socket = bound
        self._counters = counters
        self._failed = failed
        loop.add_reader(bound, self._drain)

    def send_message(self, message: Any, address: Any) -> None:
        """pysnmp's way out. A datagram that the system does not take at once is lost, as on any other hop."""
        if self._send(bytes(message), tuple(address)):
            self._counters.count("snmpOutPkts")

    def close_transport(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()
        super().close_transport()

    def _send(self, message: bytes, address: Any) -> bool:
        try:
            self._socket.sendto(message, address)
        except OSError:  # no route, a full queue, no such port
            self.unsent += 1
            return False
        return True

    def _drain(self) -> None:
        for _ in range(BURSTS_PER_WAKE_UP):
            if not self._burst():
                return

    def _burst(self) -> bool:
        """Take what has come, then send what was answered: sending at once would wake the manager for each answer by itself.

        False when no more has come.
        """
        receive = self._socket.recvfrom
        fast = self.fast
        answers: list[tuple[bytes, Any]] = []
        more = True
        for _ in range(DATAGRAMS_PER_BURST):
            try:
                datagram, address = receive(LARGEST_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                more = bool(answers)  # those who are answered may ask again at once
                break
            except OSError:
                continue  # an ICMP error of an earlier datagram
            try:
                response = fast.answer(datagram, address[0]) if fast is not None else None
            except Exception as fault:  # pysnmp may know better
                self._failed(fault)
                response = None
            if response is None:
                self.receive(datagram, address)
            elif response:
                answers.append((response, address))
        for response, address in answers:
            self._send(response, address)
        return more

    def receive(self, datagram: bytes, address: Any) -> None:
        """One datagram for pysnmp. Nothing that it holds makes this raise."""
        receiver = self._callback_function
        if receiver is not None:
            try:
                receiver(self, self.ADDRESS_TYPE(address), datagram)
            except Exception as fault:
                self._failed(fault)


def bind_udp(host: str, port: int) -> socket.socket:
    """A UDP socket bound to an IPv4 or IPv6 address; port 0 has the system choose. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    return bound
