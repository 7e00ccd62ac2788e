"""Base room: who caused a record of the flow monitor or a change of the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class OriginKind(Enum):
    """How a request reached the router."""

    CONSOLE = "console"  # the CLI's Unix socket
    SSH = "ssh"
    SNMP = "snmp"
    TIMELINE = "timeline"  # the lab file's [[at]]
    RADIUS = "radius"  # a Disconnect-Request (RFC 5176)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who caused something. `name` is the user, or the address of the manager or server; it is empty if the kind is enough.

    `line` is IOS's name of the terminal line ("vty0"), and `address` is where the user comes from; they are empty on the console.
    """

    kind: OriginKind
    name: str = ""
    line: str = ""
    address: str = ""


CONSOLE = Origin(OriginKind.CONSOLE)
TIMELINE = Origin(OriginKind.TIMELINE)


def manager(address: str) -> Origin:
    """An SNMP manager."""
    return Origin(OriginKind.SNMP, address)
