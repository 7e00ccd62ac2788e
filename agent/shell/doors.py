"""Shell room: what a CLI session needs of the rest of the house: a router to look at, and doors to ask things of its engine.

The shell knows no engine: the lab now, a live gateway later. `app.py` hands in something that is shaped like `Doors`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from ipaddress import IPv4Address
from typing import Final, Protocol

from agent.config.document import Document
from agent.config.events import ConfigEvent
from agent.flow.device import Device
from agent.flow.monitor import FlowMonitor


@dataclass(frozen=True, slots=True)
class PingRequest:
    """`size` is octets of the whole IP packet, `timeout` seconds; without a source, the outgoing interface's address is used."""

    destination: IPv4Address
    vrf: str | None = None
    source: IPv4Address | None = None
    repeat: int = 5
    size: int = 100
    timeout: int = 2


class ProbeOutcome(Enum):
    """What became of one echo request; the value is what IOS prints for it."""

    REPLY = "!"
    TIMEOUT = "."
    UNREACHABLE = "U"


@dataclass(frozen=True, slots=True)
class Probe:
    """`round_trip` is microseconds of the router's clock; it counts for replies alone."""

    outcome: ProbeOutcome
    round_trip: int = 0


class AnyVrf(Enum):
    """The VRF filter that takes every VRF; None takes the global table alone."""

    ANY = "any"


ANY: Final = AnyVrf.ANY
VrfFilter = str | None | AnyVrf


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions a command is for; what is None (of a VRF: `ANY`) does not matter."""

    local: IPv4Address | None = None
    local_port: int | None = None
    remote: IPv4Address | None = None
    remote_port: int | None = None
    front_vrf: VrfFilter = ANY
    inside_vrf: VrfFilter = ANY
    interface: str | None = None


@dataclass(frozen=True, slots=True)
class IsakmpSa:
    """A phase-1 SA, one that is being negotiated too: `source` is the initiator's address, `destination` the responder's.

    `state` is IOS's name of it ("MM_NO_STATE", "QM_IDLE", …); `connection` the tunnel's index, 0 while it is being negotiated.
    """

    source: IPv4Address
    destination: IPv4Address
    state: str
    connection: int
    front_vrf: str | None = None
    inside_vrf: str | None = None
    status: str = "ACTIVE"


@dataclass(frozen=True, slots=True)
class NotificationHost:
    """One `snmp-server host`, and what has become of the notifications for it; `limit` is how many may wait.

    `level` is the security level of a version 3 host, else empty.
    """

    address: IPv4Address
    port: int
    informs: bool
    user: str
    version: str
    level: str
    waiting: int
    limit: int
    unanswered: int
    delivered: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Admission:
    """What IKE's call admission control has let in: limits (0: none), SAs, and requests by direction as (accepted, rejected)."""

    most_sas: int = 0
    most_negotiating: int = 0
    active: int = 0
    negotiating: int = 0
    incoming: tuple[int, int] = (0, 0)
    outgoing: tuple[int, int] = (0, 0)
    rejected_at_sas: int = 0
    rejected_at_negotiating: int = 0
    rejected_at_address: int = 0


class Doors(Protocol):
    """What a session asks of one router's engine and of those who follow its configuration."""

    async def ping(self, request: PingRequest, on_probe: Callable[[Probe], None]) -> None:
        """Send the probes one after another, telling of each as it is decided; back when all are. Cancelling ends it at once."""
        ...

    def clear_sessions(self, wanted: SessionFilter) -> None:
        """`clear crypto session`: the IPsec tunnels of the sessions and their IKE tunnels."""
        ...

    def clear_isakmp(self, connection: int | None) -> bool:
        """`clear crypto isakmp [N]`: IKE tunnels, one or all; whether there was any."""
        ...

    def clear_sas(self, wanted: SessionFilter) -> None:
        """`clear crypto sa`: IPsec tunnels; their IKE tunnels stay."""
        ...

    def isakmp_sas(self) -> Sequence[IsakmpSa]:
        """Every phase-1 SA, oldest first."""
        ...

    def notification_hosts(self) -> Sequence[NotificationHost]:
        """Every host that notifications go to, in the order of the configuration."""
        ...

    def admission(self) -> Admission:
        """IKE's call admission control as it stands."""
        ...

    def configured(self, events: Sequence[ConfigEvent]) -> None:
        """A configuration line has taken effect: the document is already changed, the events say how."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Router:
    """One router as a CLI session sees it.

    `epoch` is the moment, with its time zone, at which the router's clock (`monitor.clock`) was 0; `software` what
    `show version` calls the program that runs it.
    """

    name: str
    document: Document
    monitor: FlowMonitor
    device: Device
    doors: Doors
    epoch: datetime
    software: str
