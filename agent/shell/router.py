"""Shell room: one router as a CLI session uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Protocol

from agent.aaa.cli import CliLogins
from agent.aaa.facts import AaaFacts
from agent.base.processor import ProcessorShares
from agent.config.events import ConfigEvent
from agent.config.snmp_model import SnmpGroup, SnmpHost
from agent.config.startup import Startup
from agent.engine.port import Node
from agent.shell.cleared import ClearedCounters
from agent.shell.lines import Lines
from agent.shell.reloads import Reloads
from agent.shell.render.ssh import SshFacts
from agent.syslog.debug import Debugging
from agent.syslog.destinations import Destinations
from agent.syslog.syslog import Syslog


class NotificationHost(Protocol):
    """One `snmp-server host`, with the counts of its notifications."""

    @property
    def host(self) -> SnmpHost: ...

    @property
    def address(self) -> IPv4Address: ...

    @property
    def waiting(self) -> int: ...

    @property
    def limit(self) -> int:
        """How many may wait."""
        ...

    @property
    def unanswered(self) -> int: ...

    @property
    def delivered(self) -> int: ...

    @property
    def dropped(self) -> int: ...


@dataclass(frozen=True, slots=True, eq=False)
class SnmpFacts:
    """A router's SNMP engine: its ID, its counters by the names of their objects (0 of one that it has not), and its groups.

    The groups are those in force, with the ones that communities make.
    """

    engine_id: bytes
    count: Callable[[str], int]
    groups: Callable[[], Iterable[SnmpGroup]]


@dataclass(frozen=True, slots=True, eq=False)
class Router(Node):
    """A node, with what `router_service.py` adds.

    `configured` gets the events of a configuration line that has changed the document.
    `logins` says who may log in and who may have a higher privilege level.
    `notification_hosts` gives every host that notifications go to, in the order of the configuration. `software` is what
    `show version` calls the program that runs it. `syslog` is the router's log, `logging` is
    where its messages go, and `debugging` which lines of `debug` it gets. `lines` are the terminal lines that are in use.
    `processor` measures the processor time of the process. `parts` gives the objects that the router is made of.
    `ssh` tells of the SSH server, `aaa` of RADIUS servers and accounting.
    `cleared` has the counters of tunnels as show commands print them.
    `startup` is where its configuration is saved; `reloads` restarts it, which ends its sessions.
    """

    configured: Callable[[Sequence[ConfigEvent]], None]
    notification_hosts: Callable[[], Sequence[NotificationHost]]
    software: str
    syslog: Syslog
    logins: CliLogins
    logging: Destinations
    debugging: Debugging
    processor: ProcessorShares
    parts: Callable[[], Iterable[object]]
    snmp: SnmpFacts
    cleared: ClearedCounters
    startup: Startup
    reloads: Reloads
    lines: Lines = field(default_factory=Lines)
    ssh: Callable[[], SshFacts] = SshFacts
    aaa: AaaFacts = field(default_factory=AaaFacts)
