"""A second monitor that knows the first one by its records alone, through JSON; and what two monitors show, to be compared."""

from __future__ import annotations

from typing import Any

from agent.base.clock import Clock
from agent.flow.model import IkeTunnel, IpsecTunnel, Peer, Spi
from agent.flow.monitor import FlowMonitor
from agent.flow.record_codec import decode_record, encode_record
from agent.flow.records import FlowRecord
from agent.flow.vrf import VrfFlow


def follow(monitor: FlowMonitor, clock: Clock, windows: tuple[int, int]) -> FlowMonitor:
    """A monitor of the same configuration and clock, fed by the records of `monitor` from now on."""
    replica = FlowMonitor(clock, *windows)

    def pass_on(record: FlowRecord) -> None:
        line = encode_record(record)
        assert decode_record(line) == record
        replica.apply(decode_record(line))

    monitor.subscribe(pass_on)
    return replica


def shown(monitor: FlowMonitor, now: int, *, counters: bool) -> dict[str | None, Any]:
    """What a monitor holds of each VRF, in values alone; with what live tunnels count, or without."""
    return {flow.name: _of_vrf(flow, now, counters) for flow in monitor.vrfs()}


def _of_vrf(flow: VrfFlow, now: int, counters: bool) -> Any:
    totals = [
        [sums.value(counter, now) for counter in range(size)]
        for sums, size in ((flow.ike_totals, 16), (flow.ipsec_totals, 19))
        if counters
    ]
    history = [
        [(row.index, row.reason, row.active_index, row.facts, row.start, row.active, row.refreshes, row.counters.snapshot(now))]
        for window in (flow.ike_history, flow.ipsec_history)
        for row in window.values()
    ]
    return (
        [_of_ike(tunnel, now, counters) for tunnel in flow.ike_tunnels.values()],
        [_of_ipsec(tunnel, now, counters) for tunnel in flow.ipsec_tunnels.values()],
        [(key, peer.start, peer.tunnel_index, peer.ends, _of_session(peer, now, counters)) for key, peer in items(flow.peers)],
        [(key, tunnel.index) for key, tunnel in items(flow.peer_links)],
        list(items(flow.endpoints)),
        {key: _of_spi(spi, now, counters) for key, spi in items(flow.spis)},
        history,
        list(flow.endpoint_history.values()),
        list(flow.ike_failures.values()),
        list(flow.ipsec_failures.values()),
        (flow.ike_events, flow.ipsec_events, flow.traps, flow.tunnel_window, flow.failure_window),
        totals,
    )


def _of_session(peer: Peer, now: int, counters: bool) -> Any:
    session = peer.session
    return session and (session.id, session.vrf, session.facts, session.start, session.totals(now) if counters else None)


def _of_spi(spi: Spi, now: int, counters: bool) -> Any:
    row = spi.inbound, spi.protocol, spi.value, spi.start, spi.facts, spi.expiring, spi.seconds_left(now)
    return *row, (spi.counted(now), spi.kilobytes_left(now)) if counters else None


def items(rows: Any) -> Any:
    return zip(rows, rows.values(), strict=True)


def _of_ike(tunnel: IkeTunnel, now: int, counters: bool) -> Any:
    counted = tunnel.counters.snapshot(now) if counters else None
    return tunnel.index, tunnel.vrf, tunnel.facts, tunnel.peer.key, tunnel.start, tunnel.refreshes, counted


def _of_ipsec(tunnel: IpsecTunnel, now: int, counters: bool) -> Any:
    counted = tunnel.counters.snapshot(now) if counters else None
    alive = tunnel.ike.index if tunnel.ike else None
    row = tunnel.index, tunnel.vrf, tunnel.facts, tunnel.peer.key, tunnel.peer_link, tunnel.ike_index, alive, tunnel.start
    return *row, tunnel.refreshes, tunnel.expired_sas, tunnel.next_spi_index, counted
