"""Config room: the model of `logging …` and `service timestamps|sequence-numbers`, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

# Severities by their syslog number (RFC 3164 §4.1.1), under IOS's names.
SEVERITIES = ("emergencies", "alerts", "critical", "errors", "warnings", "notifications", "informational", "debugging")

# Facilities by IOS's names, with their numbers on the wire. RFC 3164 §4.1.1 says that several systems number cron's differently.
FACILITIES: Mapping[str, int] = {
    "kern": 0,
    "user": 1,
    "mail": 2,
    "daemon": 3,
    "auth": 4,
    "syslog": 5,
    "lpr": 6,
    "news": 7,
    "uucp": 8,
    **{f"sys{number}": number for number in range(9, 15)},
    "cron": 15,
    **{f"local{number}": 16 + number for number in range(8)},
}

DEFAULT_FACILITY = "local7"
PORTS: Mapping[str, int] = {"udp": 514, "tcp": 601}  # where a transport's receivers are unless a line says otherwise
BUFFER_SIZE = 4096  # octets
QUEUE_LIMIT = 1000  # message lines that wait for a receiver over TCP


@dataclass(frozen=True, slots=True)
class Level:
    """A destination of messages: whether it gets any, and down to which severity. None is the destination's default."""

    on: bool = True
    severity: str | None = None


@dataclass(frozen=True, slots=True)
class LoggingHost:
    """`logging host A [vrf V] [transport {udp|tcp} [port N]]`. `options` are words that are kept without effect."""

    address: IPv4Address | str
    vrf: str | None = None
    transport: str = "udp"
    port: int = PORTS["udp"]
    options: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """What tells a receiver from others."""
        return self.address, self.vrf, self.transport, self.port


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`logging rate-limit [console|all] N [except S]`: messages a second; those as severe as `exempt`, or more, always pass.

    `everything` includes the lines of `debug`.
    """

    each_second: int
    console: bool = False
    everything: bool = False
    exempt: str | None = None


@dataclass(frozen=True, slots=True)
class LoggingConfig:
    """Where messages go, and what they look like."""

    on: bool = True
    buffered: Level = Level()
    buffer_size: int = BUFFER_SIZE
    console: Level = Level()
    monitor: Level = Level()
    trap: Level = Level()
    facility: str = DEFAULT_FACILITY
    hosts: tuple[LoggingHost, ...] = ()
    source_interfaces: Mapping[str | None, str] = field(default_factory=dict)  # by the VRF of the hosts
    origin: tuple[str, str] | None = None  # "hostname", "ip" or "string", and the string
    counted: bool = True  # a number before each message to a host: `logging message-counter syslog`
    queue_limit: int | None = None
    rate_limit: RateLimit | None = None
    sequence_numbers: bool = False
    # "log" / "debug" → "uptime", "datetime msec localtime", …; "" is none, and what is not there is the default.
    timestamps: Mapping[str, str] = field(default_factory=dict)

    def source_interface(self, vrf: str | None) -> str | None:
        """The interface whose address messages to a host of a VRF come from, where a line names one."""
        return self.source_interfaces.get(vrf)
