"""Aaa room: why a session ended, as its Stop says it: Acct-Terminate-Cause (RFC 2866 §5.10) and Cisco's disc-cause-ext.

Cisco's names are those of its attribute 195, Disconnect-Cause, with spaces for hyphens, as in the pair "disc-cause-ext=No Reason".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from agent.base.origin import Origin, OriginKind
from agent.flow.model import EndReason


class TerminateCause(IntEnum):
    """Acct-Terminate-Cause (RFC 2866 §5.10): those that a session here can end by."""

    USER_REQUEST = 1
    LOST_CARRIER = 2
    LOST_SERVICE = 3
    SESSION_TIMEOUT = 5
    ADMIN_RESET = 6
    ADMIN_REBOOT = 7
    NAS_ERROR = 9
    NAS_REQUEST = 10
    NAS_REBOOT = 11


@dataclass(frozen=True, slots=True)
class Cause:
    """Both ways of saying why a session ended."""

    terminate: TerminateCause
    disconnect: str


_ADMINISTRATOR = Cause(TerminateCause.ADMIN_RESET, "Local Admin Disconnect")
_CAUSES: Mapping[EndReason, Cause] = MappingProxyType(
    {
        EndReason.NORMAL: Cause(TerminateCause.SESSION_TIMEOUT, "Session Timeout"),  # the lifetime of its SAs has passed
        EndReason.OPERATOR: _ADMINISTRATOR,
        EndReason.PEER_DELETE: Cause(TerminateCause.USER_REQUEST, "Remote Hangup"),
        EndReason.PEER_LOST: Cause(TerminateCause.LOST_CARRIER, "Lost Carrier"),
        EndReason.LOCAL_FAILURE: Cause(TerminateCause.NAS_ERROR, "Unknown"),
        EndReason.SEQUENCE_ROLLOVER: Cause(TerminateCause.NAS_REQUEST, "Unknown"),
        EndReason.UNKNOWN_TO_PEER: Cause(TerminateCause.LOST_SERVICE, "Unknown"),
        EndReason.OTHER: Cause(TerminateCause.NAS_REQUEST, "Unknown"),
        EndReason.CHECKPOINT: Cause(TerminateCause.NAS_REQUEST, "Unknown"),  # no tunnel ends by a check point
    }
)
# An operator's reset tells by what it has come.
_RESETS: Mapping[OriginKind, Cause] = MappingProxyType(
    {
        OriginKind.SNMP: Cause(TerminateCause.ADMIN_RESET, "SNMP Disconnect"),
        OriginKind.RADIUS: Cause(TerminateCause.ADMIN_RESET, "RADIUS Disconnect"),
    }
)
RELOADED = Cause(TerminateCause.ADMIN_REBOOT, "Local Admin Disconnect")  # a reload, or an orderly end of the program
DIED = Cause(TerminateCause.NAS_REBOOT, "Unknown")  # the program has not ended in order


def cause_of(reason: EndReason, origin: Origin | None) -> Cause:
    """Why a session ended, for this reason, by whom."""
    if reason is EndReason.OPERATOR and origin is not None:
        return _RESETS.get(origin.kind, _ADMINISTRATOR)
    return _CAUSES[reason]
