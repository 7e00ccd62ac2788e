"""Flow room: what holds for every tunnel alike, and which notifications a context sends (cipSecTrapCntl…, cipsCntl…)."""

from __future__ import annotations

from enum import Enum

MIB_LEVEL = 1  # cipSecMibLevel


class TrapKind(Enum):
    """One notification that a control scalar switches."""

    IKE_TUNNEL_START = "ike tunnel start"
    IKE_TUNNEL_STOP = "ike tunnel stop"
    IKE_SYSTEM_FAILURE = "ike system failure"
    IKE_CERTIFICATE_FAILURE = "ike certificate or crl failure"
    IKE_PROTOCOL_FAILURE = "ike protocol failure"
    IKE_NO_SA = "ike no sa"
    IPSEC_TUNNEL_START = "ipsec tunnel start"
    IPSEC_TUNNEL_STOP = "ipsec tunnel stop"
    IPSEC_SYSTEM_FAILURE = "ipsec system failure"
    IPSEC_SETUP_FAILURE = "ipsec set-up failure"
    IPSEC_EARLY_END = "ipsec early tunnel termination"
    IPSEC_PROTOCOL_FAILURE = "ipsec protocol failure"
    IPSEC_NO_SA = "ipsec no sa"
    POLICY_ADDED = "isakmp policy added"
    POLICY_DELETED = "isakmp policy deleted"
    MAP_ADDED = "crypto map entry added"
    MAP_DELETED = "crypto map entry deleted"
    MAP_ATTACHED = "crypto map set attached"
    MAP_DETACHED = "crypto map set detached"
    TOO_MANY_SAS = "too many sas"


# What the guide's polls show of a router that nobody has configured otherwise.
DEFAULT_TRAPS = frozenset(
    {TrapKind.IKE_TUNNEL_START, TrapKind.IKE_TUNNEL_STOP, TrapKind.IPSEC_TUNNEL_START, TrapKind.IPSEC_TUNNEL_STOP}
)
