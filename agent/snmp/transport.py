"""Snmp room: UDP sockets as pysnmp transports, with a place for the fast path in front (RFC 3417 §3, RFC 3430's IPv6 alike).

When datagrams arrive, the event loop gives the socket a turn of some milliseconds. Each datagram goes to the fast path first; what
that does not answer goes to pysnmp unchanged. Responses leave by the socket of the request. The answers to a burst of up to 32
datagrams are sent together.

With few datagrams waiting, they are served in the order in which they came. With many (more than BURSTS_IN_ORDER full bursts in a
turn), the senders take turns: the socket is emptied into a `FairQueue`, so that the system's buffer does not overflow, and one
datagram of each sender is served after another. A sender beyond its share is dropped and counted. A sender with one datagram waits
for one of each other sender.

An answer that takes long is worked on in shares of about a millisecond. Between two shares its work waits in the sender's line, and
counts as UNFINISHED octets there.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from pysnmp.carrier.asyncio.base import AbstractAsyncioTransport
from pysnmp.carrier.asyncio.dgram.udp import UdpTransportAddress
from pysnmp.carrier.asyncio.dgram.udp6 import Udp6TransportAddress

from agent.base.fair_queue import FairQueue
from agent.base.work import Work, go_on
from agent.snmp.ber import DROP, Response
from agent.snmp.counters import SnmpCounters

LARGEST_DATAGRAM = 65535
DATAGRAMS_PER_BURST = 32  # whose answers are sent together
MOST_BURSTS = 16  # received before any is served, when senders take turns
TURN = 0.005  # seconds of a turn
SLICE = 0.001  # seconds of serving, after which answers are sent and the socket is read again
UNTIMED = 8  # quick answers between two looks at the clock; after a slow one the clock is looked at each time
QUICK = 512  # octets of an answer that takes little time
SLICE_IN_ORDER = 0.003  # as SLICE, while datagrams are served in order; after it senders take turns
BURSTS_IN_ORDER = 2  # full bursts in a turn that are served in order; with more, senders take turns
SHARE = 256 << 10  # octets of one address that may wait
WHOLE = 4 << 20  # octets that may wait in all
UNFINISHED = 32 << 10  # octets that an answer counts for which is worked on
_RECEIVE_BUFFER = 4 << 20  # octets, as far as the system allows: a burst of polls waits instead of being lost


# A datagram, or what is left to do for its answer; and the socket address that it came from.
_Received = tuple[bytes | Work[Response], Any]


def _ignore(source: str) -> None:
    pass


class FastAnswers(Protocol):
    """A path in front of pysnmp. It returns the response to a datagram, or no octets if there is to be none.

    None where the datagram is for pysnmp; what is left to do where the response takes long."""

    def answer(self, datagram: bytes, source: str) -> Response | Work[Response]: ...


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
        self.needs_pysnmp: Callable[[], object] = lambda: None  # called before the first datagram that pysnmp gets
        self.unsent = 0
        self.over_share: Callable[[str], None] = _ignore  # called with the source of each datagram that is dropped
        self._waiting = FairQueue[_Received](SHARE, WHOLE)
        self._resumption: asyncio.Handle | None = None
        self._loop = loop
        self._socket = bound
        self._counters = counters
        self._failed = failed
        loop.add_reader(bound, self._drain)

    def send_message(self, message: Any, address: Any) -> None:
        """Send a datagram of pysnmp. If the system does not accept it at once, it is lost, as on any other hop."""
        if self._send(bytes(message), tuple(address)):
            self._counters.count("snmpOutPkts")

    def close_transport(self) -> None:
        self._loop.remove_reader(self._socket)
        if self._resumption is not None:
            self._resumption.cancel()
        self._socket.close()
        super().close_transport()

    def _send(self, message: bytes, address: Any) -> bool:
        try:
            self._socket.sendto(message, address)
        except OSError:  # no route, a full queue, no such port
            self.unsent += 1
            return False
        return True

    @property
    def dropped(self) -> int:
        """Datagrams that were dropped because their sender had more than its share waiting."""
        return self._waiting.dropped

    def _drain(self) -> None:
        """One turn: receive and serve until there is no more, or the turn is over."""
        if self._resumption is not None:
            self._resumption.cancel()
            self._resumption = None
        time, waiting = self._loop.time, self._waiting
        now = time()
        end = now + TURN
        bursts = 0
        while True:
            crowded = waiting.held or bursts >= BURSTS_IN_ORDER
            received = self._take_in() if crowded else []
            if waiting.held or _is_mixed(received):
                self._queue(received)
                received, those = [], self._in_turn()
            else:
                those = iter(received) if crowded else self._arriving()
            slice_ends = now + (SLICE if crowded else SLICE_IN_ORDER)
            served = self._serve(those, slice_ends)
            now = time()
            bursts += served == DATAGRAMS_PER_BURST
            if received:
                self._queue(list(those))  # what the slice had no time for
            elif not crowded and now >= slice_ends:
                self._queue(self._take_in())  # what has come meanwhile takes turns
            if now >= end:
                break
            if not (served or waiting.held):
                return  # else those who are answered may ask again at once
        if waiting.held and self._resumption is None:
            self._resumption = self._loop.call_soon(self._drain)

    def _arriving(self) -> Iterator[_Received]:
        """The datagrams that have come, one after another, at most a burst."""
        receive = self._socket.recvfrom
        for _ in range(DATAGRAMS_PER_BURST):
            try:
                yield receive(LARGEST_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue  # an ICMP error of an earlier datagram

    def _take_in(self) -> list[_Received]:
        """The datagrams that have come, at most a burst."""
        return list(self._arriving())

    def _queue(self, received: list[_Received]) -> None:
        """Queue datagrams, and what else has come with them, because the system's buffer is smaller than ours."""
        for left in reversed(range(MOST_BURSTS)):
            for datagram, address in received:
                self._put(datagram, address)
            if not left or len(received) < DATAGRAMS_PER_BURST:
                return
            received = self._take_in()

    def _put(self, asked: bytes | Work[Response], address: Any) -> None:
        """Have one wait in its sender's line, unless the sender has too much waiting."""
        octets = len(asked) if isinstance(asked, bytes) else UNFINISHED
        if not self._waiting.put(address[0], address[1], (asked, address), octets):
            self.over_share(address[0])

    def later(self, work: Work[Response], address: Any) -> None:
        """Go on with a work, and send what comes of it, when its sender's turn comes."""
        self._put(work, address)
        if self._resumption is None:
            self._resumption = self._loop.call_soon(self._drain)

    def _serve(self, those: Iterator[_Received], end: float) -> int:
        """Serve some of those until a moment; how many.

        The answers are sent at the end: sending each at once would wake the manager for each by itself.
        """
        fast, time = self.fast, self._loop.time
        answers: list[tuple[bytes, Any]] = []
        served, left = 0, UNTIMED
        for asked, address in those:
            served += 1
            if isinstance(asked, bytes):
                try:
                    response = fast.answer(asked, address[0]) if fast is not None else None
                except Exception as fault:  # pysnmp may know better
                    self._failed(fault)
                    response = None
                if response is None:
                    self.receive(asked, address)
            else:
                response = self._go_on(asked)
            left -= 1
            if isinstance(response, bytes):
                if response:
                    answers.append((response, address))
                    if len(response) > QUICK:
                        left = 0
            else:
                left = 0
                if response is not None:
                    self._put(response, address)
            if left <= 0:
                if time() >= end:
                    break
                left = UNTIMED
        for response, address in answers:
            self._send(response, address)
        return served

    def _go_on(self, work: Work[Response]) -> Response | Work[Response]:
        try:
            return go_on(work, 1)  # it pauses after each share
        except Exception as fault:
            self._failed(fault)
            return DROP

    def _in_turn(self) -> Iterator[_Received]:
        """As many of what waits as a burst has."""
        waiting = self._waiting
        for _ in range(min(len(waiting), DATAGRAMS_PER_BURST)):
            yield waiting.take()

    def receive(self, datagram: bytes, address: Any) -> None:
        """Give pysnmp a datagram. It never raises, whatever the datagram holds."""
        if self._callback_function is None:
            self.needs_pysnmp()
        receiver = self._callback_function
        if receiver is not None:
            try:
                receiver(self, self.ADDRESS_TYPE(address), datagram)
            except Exception as fault:
                self._failed(fault)


def _is_mixed(received: list[_Received]) -> bool:
    """Whether datagrams come from more than one sender."""
    return any(address != received[0][1] for _, address in received)


def bind_udp(host: str, port: int) -> socket.socket:
    """A UDP socket bound to an IPv4 or IPv6 address; the system chooses for port 0. Raises OSError."""
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
