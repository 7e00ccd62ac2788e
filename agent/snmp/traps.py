"""Snmp room: what `snmp-server enable traps` names, and which notifications that switches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from agent.flow.monitor import FlowMonitor
from agent.flow.settings import TrapKind

# By the leaves of the configuration. What has none (the failures) is switched by SNMP alone.
KINDS_OF_LEAF: Mapping[str, TrapKind] = MappingProxyType({kind.value: kind for kind in TrapKind})


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
