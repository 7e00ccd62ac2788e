"""Mib room: the past in CISCO-IPSEC-FLOW-MONITOR-MIB: history, failures, their settings, and those of the notifications."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from agent.base.origin import Origin
from agent.flow.monitor import FlowMonitor
from agent.flow.settings import TrapKind
from agent.flow.vrf import VrfFlow
from agent.mib.column import Commit, SetRefusedError, Undo, nothing_to_undo
from agent.mib.context import Context
from agent.mib.declare import ScalarView, TableView, Value, Write
from agent.mib.flow_counters import ike_counters, ipsec_counters
from agent.mib.flow_live import endpoint_columns, ike_facts_columns, ipsec_facts_columns
from agent.mib.terms import (
    FLOW_TRAP_SCALARS,
    IKE_END,
    IKE_FAILURE,
    IPSEC_END,
    IPSEC_FAILURE,
    address,
    centiseconds,
    identity_type,
    identity_value,
    interval,
    representable,
    trap_status,
)

LARGEST_WINDOW = 65535


def past_tables() -> Iterator[TableView]:
    """The tables of cipSecHistory and cipSecFailures."""
    yield TableView(
        "cikeTunnelHistTable",
        lambda context: context.flow.ike_history,
        lambda key, row: (key,),
        {
            "cikeTunHistTermReason": lambda row, now: IKE_END.get(row.reason),
            "cikeTunHistActiveIndex": lambda row, now: row.active_index,
            "cikeTunHistPeerLocalType": lambda row, now: identity_type(row.facts.local),
            "cikeTunHistPeerLocalValue": lambda row, now: identity_value(row.facts.local),
            "cikeTunHistPeerIntIndex": lambda row, now: row.internal,
            "cikeTunHistPeerRemoteType": lambda row, now: identity_type(row.facts.remote),
            "cikeTunHistPeerRemoteValue": lambda row, now: identity_value(row.facts.remote),
            **ike_facts_columns("cikeTunHist"),
            "cikeTunHistStartTime": _start_time,
            "cikeTunHistActiveTime": _active_time,
            "cikeTunHistTotalSas": lambda row, now: row.refreshes + 1,
            **ike_counters("cikeTunHist"),
        },
    )
    yield TableView(
        "cipSecTunnelHistTable",
        lambda context: context.flow.ipsec_history,
        lambda key, row: (key,),
        {
            "cipSecTunHistTermReason": lambda row, now: IPSEC_END.get(row.reason),
            "cipSecTunHistActiveIndex": lambda row, now: row.active_index,
            "cipSecTunHistIkeTunnelIndex": lambda row, now: row.ike_index,
            **ipsec_facts_columns("cipSecTunHist"),
            "cipSecTunHistStartTime": _start_time,
            "cipSecTunHistActiveTime": _active_time,
            "cipSecTunHistTotalSas": lambda row, now: row.total_sas,
            **ipsec_counters("cipSecTunHist"),
        },
    )
    yield TableView(
        "cipSecEndPtHistTable",
        lambda context: context.flow.endpoint_history,
        lambda key, row: (key,),
        {
            "cipSecEndPtHistTunIndex": lambda row, now: row.tunnel_index,
            "cipSecEndPtHistActiveIndex": lambda row, now: row.active_index,
            **endpoint_columns("cipSecEndPtHist", lambda row: row.local, lambda row: row.remote),
        },
    )
    yield TableView(
        "cikeFailTable",
        lambda context: context.flow.ike_failures,
        lambda key, row: (key,),
        {
            "cikeFailReason": lambda row, now: IKE_FAILURE[row.reason],
            "cikeFailTime": lambda row, now: centiseconds(row.time),
            "cikeFailLocalType": lambda row, now: identity_type(row.local),
            "cikeFailLocalValue": lambda row, now: identity_value(row.local),
            "cikeFailRemoteType": lambda row, now: identity_type(row.remote),
            "cikeFailRemoteValue": lambda row, now: identity_value(row.remote),
            "cikeFailLocalAddr": lambda row, now: address(row.local_address),
            "cikeFailRemoteAddr": lambda row, now: address(row.remote_address),
        },
    )
    yield TableView(
        "cipSecFailTable",
        lambda context: context.flow.ipsec_failures,
        lambda key, row: (key,),
        {
            "cipSecFailReason": lambda row, now: IPSEC_FAILURE[row.reason],
            "cipSecFailTime": lambda row, now: centiseconds(row.time),
            "cipSecFailTunnelIndex": lambda row, now: row.tunnel_index,
            "cipSecFailSaSpi": lambda row, now: representable(row.spi),
            "cipSecFailPktSrcAddr": lambda row, now: address(row.source),
            "cipSecFailPktDstAddr": lambda row, now: address(row.destination),
        },
    )


def settings_scalars() -> ScalarView:
    """Window sizes, the check-point, and the control scalars of the notifications: all settable. The row is the VRF's flow.

    A check-point is finished before its SET is answered, so a GET always finds it ready.
    """
    return ScalarView(
        lambda context: context.flow,
        {
            "cipSecHistTableSize": lambda row, now: row.tunnel_window,
            "cipSecHistCheckPoint": lambda row, now: "ready",
            "cipSecFailTableSize": lambda row, now: row.failure_window,
            **{name: trap_value(kind) for name, kind in FLOW_TRAP_SCALARS.items()},
        },
        {
            "cipSecHistTableSize": _resizer("tunnels"),
            "cipSecHistCheckPoint": _check_point,
            "cipSecFailTableSize": _resizer("failures"),
            **{name: trap_write(kind) for name, kind in FLOW_TRAP_SCALARS.items()},
        },
    )


def trap_value(kind: TrapKind) -> Value:
    """TrapStatus of one notification in the VRF's settings."""
    return lambda row, now: trap_status(kind in row.traps)


def trap_write(kind: TrapKind) -> Write:
    """Switch one notification of the VRF's settings by TrapStatus."""

    def write(context: Context, row: VrfFlow, value: str) -> Commit:
        monitor = context.router.monitor

        def switch(enabled: bool, origin: Origin) -> None:
            with monitor.caused_by(origin):
                monitor.switch_trap(row.name, kind, enabled)

        def do(origin: Origin) -> Undo:
            before = kind in row.traps
            switch(value == "enabled", origin)
            return lambda: switch(before, origin)

        return Commit(do)

    return write


def _resizer(window: str) -> Write:
    """Set the size of the `tunnels` or the `failures` windows."""

    def write(context: Context, row: VrfFlow, value: int) -> Commit:
        monitor = context.router.monitor
        if not 1 <= value <= LARGEST_WINDOW:
            raise SetRefusedError("wrongValue")
        return Commit(_reversible(monitor, row.name, lambda: monitor.resize(row.name, **{window: value})))

    return write


def _check_point(context: Context, row: VrfFlow, value: str) -> Commit:
    if value != "checkPoint":
        return Commit(lambda origin: nothing_to_undo)
    monitor = context.router.monitor
    return Commit(_reversible(monitor, row.name, lambda: monitor.checkpoint(row.name)))


def _reversible(monitor: FlowMonitor, vrf: str | None, act: Callable[[], None]) -> Callable[[Origin], Undo]:
    """What does something to a VRF's windows, and gives what takes it back."""

    def do(origin: Origin) -> Undo:
        with monitor.caused_by(origin):
            take_back = monitor.reversibly(vrf, act)

        def undo() -> None:
            with monitor.caused_by(origin):
                take_back()

        return undo

    return do


def _start_time(row: Any, now: int) -> int:
    return centiseconds(row.start)


def _active_time(row: Any, now: int) -> int | None:
    return interval(row.active)
