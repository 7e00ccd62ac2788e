"""Syslog room: where a router's messages go: buffer, console, monitoring terminals, and receivers elsewhere.

Each destination takes messages down to a severity of its own (`logging buffered|console|monitor|trap`). After `no logging on` the
console alone gets them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from agent.base.allowance import Allowance
from agent.base.bus import Bus, Subscription
from agent.base.clock import SECOND, Clock
from agent.config.logging_model import Level, LoggingConfig, RateLimit
from agent.config.model import RouterConfig
from agent.syslog.buffer import LogBuffer
from agent.syslog.hosts import HostAccount, Hosts
from agent.syslog.message import Message, Severity
from agent.syslog.stamp import Stamps
from agent.syslog.syslog import Logged, Syslog


class Terminals(Enum):
    """Terminals that messages are shown on: the console, and lines with `terminal monitor`."""

    CONSOLE = "console"
    MONITOR = "monitor"


# The destinations, with the severity of each that is in use where the configuration names none.
DEFAULTS = {
    "buffered": Severity.DEBUGGING,
    "console": Severity.DEBUGGING,
    "monitor": Severity.DEBUGGING,
    "trap": Severity.INFORMATIONAL,
}


@dataclass(frozen=True, slots=True)
class Status:
    """One destination as `show logging` has it. `severity` is None if it is off; `logged` counts messages (`trap`: lines)."""

    severity: Severity | None
    logged: int


def severity_of(logging: LoggingConfig, destination: str) -> Severity | None:
    """Down to which severity a destination takes messages, None if it takes none."""
    level: Level = getattr(logging, destination)
    if not level.on:
        return None
    return Severity[level.severity.upper()] if level.severity else DEFAULTS[destination]


class Destinations:
    """Takes every message of a log, and gives it to each destination that wants it."""

    def __init__(self, syslog: Syslog, config: RouterConfig, stamps: Stamps, hosts: Hosts, clock: Clock) -> None:
        self.buffer = LogBuffer(config.logging.buffer_size)
        self.rate_limited = 0  # messages
        self.rate_limited_elsewhere = 0  # those of them that were not limited on the console alone
        self._syslog = syslog
        self._config = config
        self._stamps = stamps
        self._hosts = hosts
        self._now = clock.now
        self._logged = dict.fromkeys(DEFAULTS, 0)
        self._terminals: dict[str, Bus[str]] = {}  # by destination, where one is watched
        self._levels: dict[str, Severity] = {}  # of the destinations that are on
        self._limit: RateLimit | None = None
        self._allowance: Allowance | None = None
        hosts.announce = syslog.log
        self._subscription = syslog.subscribe(self._take)
        self._follow()

    def start(self, *messages: Message) -> None:
        """Begin to send to the receivers. They get these messages first."""
        begun = self._hosts.apply()
        for message in (*messages, *begun):
            self._syslog.log(message)

    def apply(self, before: LoggingConfig) -> None:
        """Follow a configuration that has changed; it was `before`."""
        logging = self._config.logging
        self.buffer.resize(logging.buffer_size)
        self._follow()
        for message in (*_changes(before, logging), *self._hosts.apply()):
            self._syslog.log(message)

    def follow_hosts(self) -> None:
        """Follow what gives receivers their addresses: `ip host` lines and interfaces."""
        for message in self._hosts.apply():
            self._syslog.log(message)

    def watch(self, terminals: Terminals, write: Callable[[str], None]) -> Subscription:
        """Show the lines of messages on a terminal from now on, at the severity of its kind. A line has no line end."""
        return self._terminals.setdefault(terminals.value, Bus()).subscribe(write)

    def close(self) -> None:
        """Take no messages any more."""
        self._subscription.close()
        self._hosts.close()

    # --- what `show logging` shows ---

    def status(self, destination: str) -> Status:
        """A destination by its word in `logging …`: "buffered", "console", "monitor" or "trap"."""
        return Status(severity_of(self._config.logging, destination), self._logged[destination])

    @property
    def dropped(self) -> int:
        """Lines to receivers that were dropped."""
        return self._hosts.dropped

    def hosts(self) -> list[HostAccount]:
        return self._hosts.accounts()

    # --- one message ---

    def _take(self, logged: Logged) -> None:
        message = logged.message
        excess = self._is_in_excess(message)
        wanted = [each for each, level in self._levels.items() if message.severity <= level]
        if excess:
            wanted = [each for each in wanted if self._passes_excess(each)]
        if not wanted:
            return
        lines = self._stamps.lines(logged)
        for destination in wanted:
            _WAYS[destination](self, destination, message.severity, lines)

    def _keep(self, destination: str, severity: Severity, lines: Sequence[str]) -> None:
        self._logged[destination] += 1
        self.buffer.put(lines)

    def _send(self, destination: str, severity: Severity, lines: Sequence[str]) -> None:
        first = self._logged[destination] + 1
        self._logged[destination] += len(lines)
        self._hosts.send(severity, first, lines)

    def _show(self, destination: str, severity: Severity, lines: Sequence[str]) -> None:
        terminals = self._terminals.get(destination)
        if destination == Terminals.CONSOLE.value or terminals:
            self._logged[destination] += 1
        if terminals:
            for line in lines:
                terminals.publish(line)

    # --- what the configuration says ---

    def _follow(self) -> None:
        logging = self._config.logging
        levels = {each: severity_of(logging, each) for each in DEFAULTS if logging.on or each == Terminals.CONSOLE.value}
        self._levels = {each: level for each, level in levels.items() if level is not None}
        limit = logging.rate_limit
        if limit != self._limit:
            self._limit = limit
            self._allowance = Allowance(limit.each_second, SECOND / limit.each_second, self._now) if limit else None

    def _passes_excess(self, destination: str) -> bool:
        """Whether `logging rate-limit` leaves a destination alone."""
        return self._limit is not None and self._limit.console and destination != Terminals.CONSOLE.value

    def _is_in_excess(self, message: Message) -> bool:
        limit = self._limit
        if limit is None or self._allowance is None:
            return False
        if not message.facility and not limit.everything:
            return False
        if limit.exempt is not None and message.severity <= Severity[limit.exempt.upper()]:
            return False
        if self._allowance.take():
            return False
        self.rate_limited += 1
        self.rate_limited_elsewhere += not limit.console
        return True


_WAYS = {"buffered": Destinations._keep, "console": Destinations._show, "monitor": Destinations._show, "trap": Destinations._send}


def _changes(before: LoggingConfig, after: LoggingConfig) -> list[Message]:
    """What `SYS-5-LOG_CONFIG_CHANGE` says about buffer, console and monitor."""
    texts = []
    for destination, name in (("buffered", "Buffer"), ("console", "Console"), ("monitor", "Monitor")):
        was, now = severity_of(before, destination), severity_of(after, destination)
        size = f", size ({after.buffer_size})" if destination == "buffered" else ""
        if was is now and not (size and now is not None and before.buffer_size != after.buffer_size):
            continue
        if now is None:
            texts.append(f"{name} logging disabled")
        else:
            texts.append(f"{name} logging: level {now.name.lower()}, xml disabled, filtering disabled{size}")
    return [Message("SYS", Severity.NOTIFICATIONS, "LOG_CONFIG_CHANGE", text) for text in texts]
