"""The example of a hub and two branches: an hour of it, as its page tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.base.clock import VirtualClock
from agent.base.runner import VirtualRunner
from agent.config.session import Session
from agent.flow.counters import IpsecCounter
from agent.flow.model import EndReason
from agent.lab.lab import LabRouter, open_lab

EXAMPLE = Path(__file__).parents[2] / "examples" / "hub-and-spokes.toml"
MINUTE = 60_000_000


def test_an_hour_of_a_hub_and_two_branches() -> None:
    clock = VirtualClock()
    lab = open_lab(EXAMPLE, clock)
    runner = VirtualRunner(lab.scheduler, clock)
    assert not [finding for router in lab.routers.values() for finding in router.document.warnings]

    def configure(router: LabRouter, lines: tuple[str, ...], key: str) -> None:
        session = Session(router.document)
        for line in lines[1:]:
            router.engine.config_changed(session.feed(line).events)

    lab.start(configure)
    flow = lab.first.monitor.vrf(None)

    def local_and_remote(row: Any) -> tuple[str, str, int]:
        return str(row.facts.local[0].first), str(row.facts.remote[0].first), row.facts.local[0].protocol

    runner.advance(9 * MINUTE)
    both = {("10.0.0.0", "10.1.0.0", 0), ("192.0.2.254", "192.0.2.2", 47)}
    assert {local_and_remote(row) for row in flow.ipsec_tunnels.values()} == both
    assert [route.origin for route in lab.first.router.routes(None) if str(route.prefix) == "10.1.0.0/24"] == ["reverse"]
    bursts = 9 * 500  # packets of 64, 576 and 1400 octets, of which a hundredth is lost
    (gre,) = [row for row in flow.ipsec_tunnels.values() if row.facts.local[0].protocol == 47]
    assert 0.97 * bursts < gre.counters.value(IpsecCounter.IN_PACKETS, clock.now()) < bursts
    runner.advance(12 * MINUTE)
    assert not [row for row in flow.ipsec_tunnels.values() if row.facts.local[0].protocol == 0]
    assert EndReason.PEER_LOST in {row.reason for row in flow.ipsec_history.values()}
    assert "10.1.0.0/24" not in {str(route.prefix) for route in lab.first.router.routes(None)}
    runner.advance(60 * MINUTE)
    assert {local_and_remote(row) for row in flow.ipsec_tunnels.values()} == both
    assert len(flow.ike_history) >= 4
