"""Snmp room: what `snmp-server enable traps` names, and which notifications that switches."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from agent.config.snmp_model import SnmpConfig
from agent.flow.monitor import FlowMonitor
from agent.flow.settings import TrapKind

# By the leaves of the configuration. What has none (the failures) is switched by SNMP alone.
KINDS_OF_LEAF: Mapping[str, TrapKind] = MappingProxyType({kind.value: kind for kind in TrapKind})


def apply_trap_leaves(monitor: FlowMonitor, leaves: Collection[str], enabled: bool) -> None:
    """Switch the notifications of the leaves in every VRF, as the line does in every context."""
    for flow in monitor.vrfs():
        _switch(monitor, flow.name, leaves, enabled)


def apply_trap_lines(monitor: FlowMonitor, vrf: str | None, snmp: SnmpConfig) -> None:
    """Give a VRF that is new the settings of all `snmp-server enable traps` lines."""
    _switch(monitor, vrf, snmp.traps, True)
    _switch(monitor, vrf, snmp.traps_disabled, False)


def _switch(monitor: FlowMonitor, vrf: str | None, leaves: Collection[str], enabled: bool) -> None:
    """Leaves without a control scalar are skipped."""
    for leaf in leaves:
        kind = KINDS_OF_LEAF.get(leaf)
        if kind is not None:
            monitor.switch_trap(vrf, kind, enabled)
