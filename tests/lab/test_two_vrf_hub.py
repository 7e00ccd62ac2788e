"""The hub of two VRFs: four pings of five come back, and the counters are those of the real packets."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from agent.base.clock import SECOND, VirtualClock
from agent.base.ike_counters import IkeCounter
from agent.base.origin import CONSOLE
from agent.base.runner import VirtualRunner
from agent.engine.values import ClearSessions, PingRequest, ProbeOutcome
from agent.flow.counters import IpsecCounter
from agent.flow.device import InterfaceCounter
from agent.flow.model import EndReason, IkeFailureReason, IpsecFailureReason
from agent.lab.lab import Lab, open_lab
from agent.lab.ping import Ping

EXAMPLE = Path(__file__).parents[2] / "examples" / "two-vrf-hub.toml"


class Driven:
    """The example lab under a virtual clock."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.lab: Lab = open_lab(EXAMPLE, self.clock)
        self.runner = VirtualRunner(self.lab.scheduler, self.clock)
        self.hub = self.lab.routers["ipsecf-3745b"]
        self.far = self.lab.routers["ipsecf-3745a"]

    def ping(self, destination: str = "10.22.1.1", source: str = "10.20.1.1", repeat: int = 5) -> Ping:
        request = PingRequest(IPv4Address(destination), source=IPv4Address(source), repeat=repeat)
        ping = self.far.engine.begin_ping(request)
        while not ping.done:
            assert self.runner.step()
        return ping


@pytest.fixture
def driven() -> Driven:
    return Driven()


def numbers(source: Any, kind: type[IkeCounter] | type[IpsecCounter]) -> dict[str, int]:
    return {counter.name: value for counter in kind if (value := source.value(counter, 0))}


def test_the_first_packet_is_dropped_and_the_others_come_back(driven: Driven) -> None:
    ping = driven.ping()
    assert [probe.outcome is ProbeOutcome.REPLY for probe in ping.probes] == [False, True, True, True, True]
    assert driven.clock.now() < 3 * SECOND


def test_the_hub_counts_what_the_responder_saw(driven: Driven) -> None:
    driven.ping()
    flow = driven.hub.monitor.vrf("vrf1")
    (ike,) = flow.ike_tunnels.values()
    assert numbers(ike.counters, IkeCounter) == {
        "IN_OCTETS": 336,
        "IN_PACKETS": 2,
        "IN_NOTIFYS": 1,
        "IN_P2_EXCHANGES": 2,
        "OUT_OCTETS": 344,
        "OUT_PACKETS": 2,
        "OUT_P2_EXCHANGES": 1,
    }
    (ipsec,) = flow.ipsec_tunnels.values()
    assert numbers(ipsec.counters, IpsecCounter) == {
        "IN_OCTETS": 400,
        "IN_DECOMP_OCTETS": 400,
        "IN_PACKETS": 4,
        "IN_AUTHS": 4,
        "IN_DECRYPTS": 4,
        "OUT_OCTETS": 704,
        "OUT_UNCOMP_OCTETS": 704,
        "OUT_PACKETS": 4,
        "OUT_AUTHS": 4,
        "OUT_ENCRYPTS": 4,
        "IN_OUTER_OCTETS": 704,
        "OUT_INNER_OCTETS": 400,
    }
    assert numbers(flow.ike_totals, IkeCounter) == numbers(ike.counters, IkeCounter)
    assert numbers(flow.ipsec_totals, IpsecCounter) == numbers(ipsec.counters, IpsecCounter)


def test_the_hub_knows_what_was_agreed(driven: Driven) -> None:
    driven.ping()
    flow = driven.hub.monitor.vrf("vrf1")
    (ike,) = flow.ike_tunnels.values()
    facts = ike.facts
    assert (facts.encryption, facts.hash, facts.group, facts.lifetime) == ("des", "sha", 1, 86400)
    assert (facts.local_name, facts.remote_name, facts.initiator, facts.profile) == ("ipsecf-3745b", "", False, "vrf1-1")
    (ipsec,) = flow.ipsec_tunnels.values()
    assert (ipsec.facts.life_size, ipsec.facts.life_time, ipsec.facts.transport) == (99000, 5000, False)
    assert (str(ipsec.facts.local[0].first), str(ipsec.facts.remote[0].first)) == ("10.22.1.1", "10.20.1.1")
    assert [(spi.protocol, spi.inbound) for spi in ipsec.spis] == [("ah", True), ("ah", False), ("esp", True), ("esp", False)]


def test_the_other_vrf_and_the_global_table_stay_empty(driven: Driven) -> None:
    driven.ping()
    for name in ("vrf2", None):
        flow = driven.hub.monitor.vrf(name)
        assert not flow.ike_tunnels
        assert not flow.ipsec_tunnels
        assert not numbers(flow.ike_totals, IkeCounter)
        assert not numbers(flow.ipsec_totals, IpsecCounter)
        assert not flow.ike_failures


def test_the_far_router_counts_its_dropped_packet_and_its_main_mode(driven: Driven) -> None:
    driven.ping()
    flow = driven.far.monitor.vrf(None)
    (ipsec,) = flow.ipsec_tunnels.values()
    assert ipsec.counters.value(IpsecCounter.OUT_DROPS, 0) == 1
    (ike,) = flow.ike_tunnels.values()
    # MM1, MM3, MM5, QM1, QM3 out; MM2, MM4, MM6, QM2 in.
    assert (ike.counters.value(IkeCounter.OUT_PACKETS, 0), ike.counters.value(IkeCounter.IN_PACKETS, 0)) == (5, 4)
    assert ike.facts.initiator


def test_interfaces_count_what_crosses_them(driven: Driven) -> None:
    driven.ping()
    inside = driven.hub.device.interface("Serial1/0.1")
    outside = driven.hub.device.interface("Serial1/2.1")
    assert inside is not None
    assert outside is not None
    assert inside.counters[:2] == [400, 4]
    # MM1 192, MM3 284, MM5 128, QM1 248, QM3 88 and four packets of 176.
    crossed = [192 + 284 + 128 + 248 + 88 + 704, 9]
    assert outside.counters[:2] == crossed
    line = driven.hub.device.interface("Serial1/2")
    assert line is not None

    def of_the_line() -> list[int]:
        return [line.count(counter, 0) for counter in (InterfaceCounter.IN_OCTETS, InterfaceCounter.IN_UNICAST)]

    assert of_the_line() == crossed
    del driven.hub.router.config.interfaces["Serial1/2.1"]
    driven.hub.router.reload()
    assert of_the_line() == crossed, "a sub-interface goes, and what has crossed the line stays"


def test_a_tunnel_names_the_line_of_the_access_list_that_brought_it_up(driven: Driven) -> None:
    driven.ping()
    (tunnel,) = driven.hub.monitor.ipsec_tunnels.values()
    assert tunnel.facts.acl_entry == "access-list 101 permit ip host 10.22.1.1 host 10.20.1.1"


def test_clear_crypto_session_takes_both_tunnels_down_on_both_sides(driven: Driven) -> None:
    driven.ping()
    driven.hub.engine.do(ClearSessions(), CONSOLE)
    hub, far = driven.hub.monitor.vrf("vrf1"), driven.far.monitor.vrf(None)
    assert not hub.ike_tunnels
    assert not hub.ipsec_tunnels
    assert not hub.peers
    driven.runner.advance(driven.clock.now() + SECOND)
    assert not far.ike_tunnels
    assert not far.ipsec_tunnels
    assert [row.reason for row in hub.ike_history.values()] == [EndReason.OPERATOR]
    assert [row.reason for row in hub.ipsec_history.values()] == [EndReason.OPERATOR]
    assert [row.reason for row in far.ike_history.values()] == [EndReason.PEER_DELETE]
    assert [row.reason for row in far.ipsec_history.values()] == [EndReason.PEER_DELETE]
    assert [row.reason for row in hub.ike_failures.values()] == [IkeFailureReason.OPERATOR]
    assert [row.reason for row in far.ipsec_failures.values()] == [IpsecFailureReason.PEER_DELETE]
    # One delete payload for AH, one for ESP; that of the ISAKMP SA is none of phase 2.
    assert hub.ike_totals.value(IkeCounter.OUT_P2_SA_DELETES, 0) == 2
    assert far.ike_totals.value(IkeCounter.IN_P2_SA_DELETES, 0) == 2


def test_after_a_clear_the_next_packet_makes_new_tunnels(driven: Driven) -> None:
    driven.ping()
    driven.hub.engine.do(ClearSessions(), CONSOLE)
    driven.runner.advance(driven.clock.now() + SECOND)
    assert driven.ping().received == 4
    assert list(driven.hub.monitor.vrf("vrf1").ike_tunnels) == [2]


def test_the_same_seed_gives_the_same_spis(driven: Driven) -> None:
    driven.ping()
    again = Driven()
    again.ping()

    def spis(of: Driven) -> list[int]:
        return [spi.value for spi in of.hub.monitor.vrf("vrf1").spis.values()]

    assert spis(driven) == spis(again)


def test_the_other_vrf_has_tunnels_of_its_own(driven: Driven) -> None:
    driven.ping()
    assert driven.ping("10.22.2.1", "10.20.2.1").received == 4
    assert list(driven.hub.monitor.vrf("vrf1").ipsec_tunnels) == [1]
    assert list(driven.hub.monitor.vrf("vrf2").ipsec_tunnels) == [2]
