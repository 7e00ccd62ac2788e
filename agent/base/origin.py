"""Base room: who caused something. Records of the flow monitor and configuration events carry it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class OriginKind(Enum):
    """How a request reached the router."""

    CONSOLE = "console"  # the CLI's Unix socket
    SSH = "ssh"
    SNMP = "snmp"
    TIMELINE = "timeline"  # the lab file's [[at]]


@dataclass(frozen=True, slots=True)
class Origin:
    """`name` is the user, or the manager's address; empty where the kind says it all."""

    kind: OriginKind
    name: str = ""


CONSOLE = Origin(OriginKind.CONSOLE)
SNMP = Origin(OriginKind.SNMP)
TIMELINE = Origin(OriginKind.TIMELINE)
