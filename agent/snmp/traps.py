"""Snmp room: what `snmp-server enable traps` names, and which notifications that switches."""

from __future__ import annotations

from collections.abc import Iterable

from agent.flow.monitor import FlowMonitor
from agent.flow.settings import TrapKind

# Leaves as the configuration keeps them. Control scalars without a leaf (the failures) are set by SNMP alone.
KINDS_OF_LEAF: dict[str, TrapKind] = {
    "ipsec tunnel start": TrapKind.IPSEC_TUNNEL_START,
    "ipsec tunnel stop": TrapKind.IPSEC_TUNNEL_STOP,
    "ipsec cryptomap add": TrapKind.MAP_ADDED,
    "ipsec cryptomap delete": TrapKind.MAP_DELETED,
    "ipsec cryptomap attach": TrapKind.MAP_ATTACHED,
    "ipsec cryptomap detach": TrapKind.MAP_DETACHED,
    "ipsec too-many-sas": TrapKind.TOO_MANY_SAS,
    "isakmp tunnel start": TrapKind.IKE_TUNNEL_START,
    "isakmp tunnel stop": TrapKind.IKE_TUNNEL_STOP,
    "isakmp policy add": TrapKind.POLICY_ADDED,
    "isakmp policy delete": TrapKind.POLICY_DELETED,
}


def apply_trap_leaves(monitor: FlowMonitor, leaves: Iterable[str], enabled: bool) -> None:
    """Set the control scalars that the leaves name in every VRF of the monitor, as the line does in every context."""
    chosen = list(leaves)
    for flow in monitor.vrfs():
        switch_leaves(monitor, flow.name, chosen, enabled)


def switch_leaves(monitor: FlowMonitor, vrf: str | None, leaves: Iterable[str], enabled: bool) -> None:
    """The same in one VRF, such as one that is newer than the lines. Leaves without a control scalar are skipped."""
    for leaf in leaves:
        kind = KINDS_OF_LEAF.get(leaf)
        if kind is not None:
            monitor.switch_trap(vrf, kind, enabled)
