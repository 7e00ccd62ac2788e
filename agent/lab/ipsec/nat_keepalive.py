"""Lab room: NAT keepalives (RFC 3948 §4): a silent end behind a NAT sends one octet, so that the NAT keeps its mapping."""

from __future__ import annotations

from collections.abc import Callable

from agent.base.clock import SECOND
from agent.base.scheduler import Timers
from agent.crypto.nat_traversal import Ends
from agent.crypto.udp_encapsulation import KEEPALIVE

Path = tuple[str | None, Ends]  # a VRF, and where datagrams go from and to


class NatKeepalives:
    """`seconds`: how long a path may be silent; `in_use`: whether an SA still uses it."""

    def __init__(
        self,
        scheduler: Timers,
        send: Callable[[str | None, Ends, bytes], None],
        seconds: Callable[[], int],
        in_use: Callable[[Path], bool],
    ) -> None:
        self._scheduler = scheduler
        self._send = send
        self._seconds = seconds
        self._in_use = in_use
        self._last_sent: dict[Path, int] = {}

    def keep(self, path: Path) -> None:
        """Keep a path open from now on, for as long as it is in use."""
        if path not in self._last_sent:
            self._last_sent[path] = self._scheduler.clock.now()
            self._wait(path)

    def sent(self, path: Path) -> None:
        """A datagram was sent on a path."""
        if self._last_sent and path in self._last_sent:
            self._last_sent[path] = self._scheduler.clock.now()

    def _wait(self, path: Path) -> None:
        self._scheduler.at(self._last_sent[path] + self._seconds() * SECOND, lambda: self._look(path))

    def _look(self, path: Path) -> None:
        if not self._in_use(path):
            del self._last_sent[path]
            return
        now = self._scheduler.clock.now()
        if now >= self._last_sent[path] + self._seconds() * SECOND:
            self._last_sent[path] = now
            self._send(*path, KEEPALIVE)
        self._wait(path)
