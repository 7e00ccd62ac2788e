"""Flow room: settings: the MIB's level, and which notifications a context sends (cipSecTrapCntl…, cipsCntl…)."""

from __future__ import annotations

from enum import Enum

from agent.base.defaults import ENABLED_TRAPS

MIB_LEVEL = 1  # cipSecMibLevel


class TrapKind(Enum):
    """One notification that a control scalar switches. The value is the name by which `snmp-server enable traps` has it, if any."""

    IKE_TUNNEL_START = "isakmp tunnel start"
    IKE_TUNNEL_STOP = "isakmp tunnel stop"
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
    POLICY_ADDED = "isakmp policy add"
    POLICY_DELETED = "isakmp policy delete"
    MAP_ADDED = "ipsec cryptomap add"
    MAP_DELETED = "ipsec cryptomap delete"
    MAP_ATTACHED = "ipsec cryptomap attach"
    MAP_DETACHED = "ipsec cryptomap detach"
    TOO_MANY_SAS = "ipsec too-many-sas"


DEFAULT_TRAPS = frozenset(map(TrapKind, ENABLED_TRAPS))
