"""Snmp room: what `snmp-server enable traps` names, and which notifications that switches."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from agent.config.snmp_model import SnmpConfig
from agent.flow.monitor import FlowMonitor
from agent.flow.settings import DEFAULT_TRAPS, TrapKind

# By the leaves of the configuration. What has none (the failures) is switched by SNMP alone.
KINDS_OF_LEAF: Mapping[str, TrapKind] = MappingProxyType({kind.value: kind for kind in TrapKind})


def apply_trap_leaves(monitor: FlowMonitor, leaves: Collection[str], enabled: bool) -> None:
    """Switch the notifications of the leaves in every VRF, as the line does in every context."""
    kinds = _kinds(leaves)
    for flow in monitor.vrfs():
        for kind in TrapKind:
            if kind in kinds:
                monitor.switch_trap(flow.name, kind, enabled)


def apply_trap_lines(monitor: FlowMonitor, vrf: str | None, snmp: SnmpConfig) -> None:
    """Give a VRF the settings of all `snmp-server enable traps` lines, and the default where no line names a notification."""
    wanted = (DEFAULT_TRAPS | _kinds(snmp.traps)) - _kinds(snmp.traps_disabled)
    other = wanted ^ monitor.vrf(vrf).traps
    for kind in TrapKind if other else ():
        if kind in other:
            monitor.switch_trap(vrf, kind, kind in wanted)


def _kinds(leaves: Collection[str]) -> frozenset[TrapKind]:
    """The notifications of leaves. Leaves without a control scalar are skipped."""
    return frozenset(kind for leaf in leaves if (kind := KINDS_OF_LEAF.get(leaf)) is not None)
