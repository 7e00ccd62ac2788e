"""Syslog room: sends messages to the receivers of `logging host`, by UDP or TCP, in the form of RFC 3164 that IOS gives it.

    <189>45: *Nov 28 04:33:03.120: %SYS-5-CONFIG_I: Configured from console by console

After the priority (RFC 3164 §4.1.1) comes the number of the line among those to receivers, then what `logging origin-id` says. Over
TCP a line feed ends each line (RFC 6587 §3.4.2).

A receiver that does not answer delays nothing. Over TCP its lines wait in a bounded queue, and the connection is tried again.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Protocol

from agent.base.outside import OutsideTraffic
from agent.base.own_addresses import is_ours
from agent.base.queue import BoundedQueue, Drops
from agent.base.text import octets_of
from agent.config.logging_model import FACILITIES, PORTS, QUEUE_LIMIT, LoggingHost
from agent.config.model import RouterConfig
from agent.syslog.message import Message, Severity

_log = logging.getLogger(__name__)

LONGEST = 1024  # octets of a packet (RFC 3164 §4.1)
_ANY = "0.0.0.0"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds between two attempts to connect: `first`, then twice as long each time, up to `most`."""

    first: float = 1.0
    most: float = 30.0


@dataclass(frozen=True, slots=True)
class HostAccount:
    """One receiver as operators see it, with the lines that were sent, that wait, and that were dropped."""

    host: LoggingHost
    up: bool
    logged: int
    waiting: int
    dropped: int


class _Way(Protocol):
    """How lines get to one receiver."""

    drops: Drops
    logged: int

    @property
    def up(self) -> bool: ...

    @property
    def waiting(self) -> int: ...

    def send(self, octets: bytes) -> None: ...

    def close(self) -> None: ...


class _Nowhere:
    """To a receiver that nothing may be sent to, or whose name has no address. All lines are dropped."""

    up = False
    waiting = 0

    def __init__(self, drops: Drops, reason: str) -> None:
        self.drops = drops
        self.logged = 0
        self._reason = reason

    def send(self, octets: bytes) -> None:
        self.drops.drop(self._reason)

    def close(self) -> None:
        return None


class _Udp:
    """A datagram for each line. What the system does not accept at once is dropped."""

    up = True
    waiting = 0

    def __init__(self, address: tuple[str, int], source: str, drops: Drops) -> None:
        self.drops = drops
        self.logged = 0
        self._address = address
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind((source, 0))
        except OSError:
            self._socket.close()
            raise

    def send(self, octets: bytes) -> None:
        try:
            self._socket.sendto(octets, self._address)
        except OSError as error:
            self.drops.drop(str(error))
        else:
            self.logged += 1
            self.drops.over()

    def close(self) -> None:
        self._socket.close()


class _Tcp(asyncio.Protocol):
    """One connection, made again when it is lost. A line leaves the queue when the system has taken all of it."""

    def __init__(
        self,
        address: tuple[str, int],
        source: Callable[[], str],
        limit: int,
        drops: Drops,
        patience: Patience,
        tell: Callable[[bool, bool], None],
    ) -> None:
        """`tell` is called with whether the receiver is up, and whether it was up before."""
        self.drops = drops
        self.logged = 0
        self.queue: BoundedQueue[bytes] = BoundedQueue(limit, drops)
        self._loop = asyncio.get_running_loop()
        self._address = address
        self._source = source
        self._patience = patience
        self._tell = tell
        self._wait = patience.first
        self._was_up = False
        self._has_failed = False
        self._closed = False
        self._transport: asyncio.Transport | None = None
        self._writable = False
        self._timer: asyncio.TimerHandle | None = None
        self._attempt: asyncio.Task[None] | None = None
        self._connect()

    @property
    def up(self) -> bool:
        return self._transport is not None

    @property
    def waiting(self) -> int:
        return len(self.queue)

    def send(self, octets: bytes) -> None:
        self.queue.put(octets + b"\n")
        self._work()

    def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._attempt is not None:
            self._attempt.cancel()
        if self._transport is not None:
            self._transport.close()

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=0)
        self._transport, self._writable = transport, True
        self._wait = self._patience.first
        was_up, self._was_up, self._has_failed = self._was_up, True, False
        self._work()  # what waits goes first, and makes room for the message about the connection
        self._tell(True, was_up)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport, self._writable = None, False
        self._failed()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._sent()
        self._work()

    # --- what becomes of a connection ---

    def _connect(self) -> None:
        self._timer = None
        self._attempt = self._loop.create_task(self._try())

    async def _try(self) -> None:
        try:
            await self._loop.create_connection(lambda: self, *self._address, local_addr=(self._source(), 0))
        except OSError:
            self._failed()

    def _failed(self) -> None:
        if self._closed:
            return
        if not self._has_failed:
            self._has_failed = True
            self._tell(False, self._was_up)
        self._timer = self._loop.call_later(self._wait, self._connect)
        self._wait = min(2 * self._wait, self._patience.most)

    def _work(self) -> None:
        while self._writable and len(self.queue):
            assert self._transport is not None
            self._transport.write(self.queue.first())
            if self._transport.is_closing():
                self._writable = False  # it has failed: the line goes with the next connection
            elif self._writable:
                self._sent()

    def _sent(self) -> None:
        self.queue.take()
        self.logged += 1
        if not len(self.queue):
            self.drops.over()


@dataclass(slots=True)
class _Receiver:
    host: LoggingHost
    address: IPv4Address | None
    source: str
    way: _Way


class Hosts:
    """The receivers of one router's messages, which follow its configuration from `apply` on."""

    def __init__(
        self,
        config: RouterConfig,
        local: Callable[[], str],
        outside: OutsideTraffic | None = None,
        patience: Patience | None = None,
    ) -> None:
        """`local` gives the address of this machine that the router answers on, "0.0.0.0" if it has none of its own."""
        self.announce: Callable[[Message], None] = lambda message: None
        self._config = config
        self._local = local
        self._outside = outside or OutsideTraffic(_log)
        self._patience = patience or Patience()
        self._receivers: list[_Receiver] = []
        self._dropped = 0  # by receivers that are no longer configured

    @property
    def dropped(self) -> int:
        """Lines that were dropped since the start."""
        return self._dropped + sum(each.way.drops.total for each in self._receivers)

    def accounts(self) -> list[HostAccount]:
        """Every receiver, in the order of the configuration."""
        return [
            HostAccount(each.host, each.way.up, each.way.logged, each.way.waiting, each.way.drops.total) for each in self._receivers
        ]

    def apply(self) -> list[Message]:
        """Follow the configuration. The messages say which receivers were begun and ended."""
        before = {each.host.key: each for each in self._receivers}
        told: list[Message] = []
        self._receivers = []
        for host in self._config.logging.hosts:
            address, source = self._config.host_address(host.address), self._source(host.vrf)
            old = before.pop(host.key, None)
            if old is not None and (old.address, old.source) == (address, source):
                old.host = host
                self._receivers.append(old)
                continue
            if old is not None:
                self._end(old)
            receiver = _Receiver(host, address, source, self._way(host, address, source))
            self._receivers.append(receiver)
            if isinstance(receiver.way, _Udp) and (old is None or isinstance(old.way, _Nowhere)):
                told.append(_start_stop(host, "started"))  # over TCP once it is connected
        for gone in before.values():
            self._end(gone)
            if not isinstance(gone.way, _Nowhere):
                told.append(_start_stop(gone.host, "stopped"))
        for receiver in self._receivers:
            if isinstance(receiver.way, _Tcp):
                receiver.way.queue.limit = self._config.logging.queue_limit or QUEUE_LIMIT
        return told

    def send(self, severity: Severity, first: int, lines: Sequence[str]) -> None:
        """Send the lines of a message to every receiver. The number of the first one is `first`."""
        if not self._receivers:
            return
        priority = FACILITIES[self._config.logging.facility] * 8 + severity
        numbers = [f"{number}: " if self._config.logging.counted else "" for number in range(first, first + len(lines))]
        for receiver in self._receivers:
            origin = self._origin(receiver)
            for number, line in zip(numbers, lines, strict=True):
                receiver.way.send(octets_of(f"<{priority}>{number}{origin}{line}")[:LONGEST])

    def close(self) -> None:
        """Send nothing any more."""
        for receiver in self._receivers:
            receiver.way.close()

    def _end(self, receiver: _Receiver) -> None:
        receiver.way.close()
        self._dropped += receiver.way.drops.total + receiver.way.waiting

    def _origin(self, receiver: _Receiver) -> str:
        """What `logging origin-id` puts before the stamp."""
        kind, text = self._config.logging.origin or ("", "")
        if kind == "ip":
            address = self._interface_address(receiver.host.vrf) or receiver.source
            return f"{_address_towards(receiver.address) if address == _ANY else address}: "
        return f"{self._config.hostname if kind == 'hostname' else text}: " if kind else ""

    def _interface_address(self, vrf: str | None) -> str | None:
        """The address of `logging source-interface`."""
        interface = self._config.interfaces.get(self._config.logging.source_interface(vrf) or "")
        return str(interface.address.ip) if interface is not None and interface.address is not None else None

    def _source(self, vrf: str | None) -> str:
        """The address to send from: that of the source interface, if this machine has it, else the one the router answers on."""
        wanted = self._interface_address(vrf)
        return wanted if wanted is not None and is_ours(wanted) else self._local()

    def _way(self, host: LoggingHost, address: IPv4Address | None, source: str) -> _Way:
        named = f"{host.address} port {host.port}"
        drops = Drops(
            lambda reason: _log.warning("messages to the syslog server %s are dropped: %s", named, reason),
            lambda number: _log.warning("messages to the syslog server %s are sent again; %d were dropped", named, number),
        )
        if address is None:
            return _Nowhere(drops, "no `ip host` line gives its address")
        if self._outside.withholds(address):
            return _Nowhere(Drops(lambda reason: self._outside.tell("messages", named), lambda number: None), "withheld")
        if IPv4Address(source).is_loopback and not address.is_loopback:
            source = _ANY
        target = str(address), host.port
        if host.transport == "udp":
            try:
                return _Udp(target, source, drops)
            except OSError as error:  # the address is not this machine's any more, or there is no socket left
                return _Nowhere(drops, str(error))
        limit = self._config.logging.queue_limit or QUEUE_LIMIT
        return _Tcp(target, lambda: source, limit, drops, self._patience, lambda up, again: self._tell(host, up, again))

    def _tell(self, host: LoggingHost, up: bool, was_up: bool) -> None:
        """Log what became of a connection, once for each outage."""
        if up:
            self.announce(_start_stop(host, "started", "reconnection" if was_up else "CLI initiated"))
        else:
            text = f"Logging to host {host.address} port {host.port} failed"
            self.announce(Message("SYS", Severity.ERRORS, "LOGGINGHOST_FAIL", text))


def _start_stop(host: LoggingHost, verb: str, why: str = "CLI initiated") -> Message:
    vrf = f" ({host.vrf})" if host.vrf else ""
    text = f"Logging to host {host.address} port {host.port}{vrf} {verb} - {why}"
    return Message("SYS", Severity.INFORMATIONAL, "LOGGINGHOST_STARTSTOP", text)


def _address_towards(address: IPv4Address | None) -> str:
    """The address that this machine sends to another one from."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), PORTS["udp"]))
        except OSError:
            return _ANY
        found: str = probe.getsockname()[0]
        return found
