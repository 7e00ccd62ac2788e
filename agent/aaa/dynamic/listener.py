"""Aaa room: the UDP socket of dynamic authorisation, which is open while the configuration has `aaa server radius dynamic-author`.

The routers of a lab share one machine, so the lab file says where each listens. Without that a router listens on 127.0.0.1, at the
port of its configuration.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING

from agent.aaa.radius.events import AuthorAsked
from agent.aaa.radius.values import Place
from agent.base.binding import why_unbound
from agent.base.bus import Bus, Subscription
from agent.base.endpoints import Endpoint, endpoint_text
from agent.base.errors import UserError
from agent.base.limited_log import LimitedLog, limited_in_loop
from agent.config.model import RouterConfig

if TYPE_CHECKING:
    from agent.aaa.dynamic.author import DynamicAuthorServer

_LOOPBACK = "127.0.0.1"
_LARGEST = 4096  # octets of a packet (RFC 2865 §3)
_AT_ONCE = 32  # datagrams that are answered in one turn of the loop

_log = logging.getLogger(__name__)


class DynamicAuthorListenError(UserError):
    """An address cannot be listened on. `str()` is the line that the user reads."""

    def __init__(self, router: str, address: Endpoint, error: OSError) -> None:
        why = why_unbound(error, address[1], "name another with dynamic_author in the lab file")
        super().__init__(f"{router}: cannot listen for dynamic authorisation on {endpoint_text(address)}: {why}")


class DynamicAuthorListener:
    """The sockets of one router, from `listen` to `close`. `make` makes the server once there is a client to serve."""

    def __init__(self, router: str, config: RouterConfig, make: Callable[[LimitedLog], DynamicAuthorServer]) -> None:
        self.server: DynamicAuthorServer | None = None
        self._router = router
        self._config = config
        self._make = make
        self._given: tuple[Endpoint, ...] | None = None  # of the lab file
        self._wanted: tuple[Endpoint, ...] = ()
        self._sockets: list[socket.socket] = []
        self._asked: Bus[AuthorAsked] = Bus()
        self._limited: LimitedLog | None = None  # of the server

    def subscribe(self, listener: Callable[[AuthorAsked], None]) -> Subscription:
        """Give a listener each datagram that comes, and its reply."""
        return self._asked.subscribe(listener)

    @property
    def addresses(self) -> list[Endpoint]:
        """Where it listens."""
        return [each.getsockname()[:2] for each in self._sockets]

    def listen(self, addresses: Sequence[Endpoint]) -> None:
        """Listen at these addresses, if the configuration wants it; without any, on loopback. The system chooses for port 0.

        Raises DynamicAuthorListenError if an address that was named cannot be had. If it is that of loopback, this is logged.
        """
        self._given = tuple(addresses)
        self.apply(bool(addresses))

    def apply(self, strictly: bool = False) -> None:
        """Follow the configuration. An address that cannot be had is logged; with `strictly` it raises DynamicAuthorListenError."""
        wanted = self._addresses()
        if wanted == self._wanted:
            return
        self.close()
        self._wanted = wanted
        try:
            for address in wanted:
                self._open(address)
        except DynamicAuthorListenError as error:
            if strictly:
                raise
            _log.error("%s", error)
        else:
            if self._given and wanted:  # a port that the system has chosen stays
                self._given = self._wanted = tuple(self.addresses)

    def close(self) -> None:
        """Listen no more, until `apply` or `listen`."""
        for each in self._sockets:
            asyncio.get_running_loop().remove_reader(each)
            each.close()
        self._sockets.clear()
        self._wanted = ()
        if self._limited is not None:
            self._limited.close()

    def _addresses(self) -> tuple[Endpoint, ...]:
        """Where it is to listen."""
        author = self._config.radius.dynamic_author
        if author is None or not self._config.aaa.new_model or self._given is None:
            return ()
        return self._given or ((_LOOPBACK, author.port),)

    def _open(self, address: Endpoint) -> None:
        opened = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
        opened.setblocking(False)
        try:
            opened.bind(address)
        except OSError as error:
            opened.close()
            raise DynamicAuthorListenError(self._router, address, error) from None
        loop = asyncio.get_running_loop()
        if self.server is None:
            self._limited = limited_in_loop(_log, loop.time, loop.call_later)
            self.server = self._make(self._limited)
        self._sockets.append(opened)
        loop.add_reader(opened, self._read, opened, self.server)

    def _read(self, opened: socket.socket, server: DynamicAuthorServer) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(_AT_ONCE):
            try:
                datagram, source = opened.recvfrom(_LARGEST)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue  # an ICMP error of an earlier reply
            reply = server.received(datagram, source[:2], loop.time(), time.time())
            if len(self._asked):
                client = Place(ip_address(source[0]), source[1])
                self._asked.publish(AuthorAsked(client, datagram, reply, opened.getsockname()[1]))
            if reply is not None:
                _send(opened, reply, source)


def _send(opened: socket.socket, reply: bytes, source: tuple[str, int]) -> None:
    """If the system does not accept it at once, it is lost, as on any other hop: the client asks again."""
    try:
        opened.sendto(reply, source)
    except OSError:
        _log.debug("no reply could be sent to %s", endpoint_text(source[:2]))
