"""SAs: when each began, what is left of its lifetimes, and what it has carried."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from agent.base.clock import SECOND
from agent.base.ike_counters import IkeCounter
from agent.flow.counters import IpsecCounter, PacketCounters, PeriodicCounters, PolledCounters, Rhythm
from agent.flow.model import IpsecTunnel, Spi
from agent.flow.monitor import NewSpi
from agent.flow.records import CountersReported, IpsecTunnelStarted, SaReported
from agent.flow.sa_counts import SaCounts
from tests.flow.builders import HUB, SPOKE, bundle, ipsec_facts
from tests.flow.replica import follow, shown
from tests.flow.router import Router, carry


@pytest.fixture
def router() -> Router:
    return Router()


@dataclass(slots=True)
class OfSad:
    """An SA that its engine counts by itself."""

    packets: int = 0
    octets: int = 0
    errors: int = 0

    def counts(self, now: int) -> SaCounts:
        return SaCounts(self.packets, self.octets, self.errors)


def esp(first: int = 256, sources: tuple[OfSad, OfSad] | None = None) -> list[NewSpi]:
    ways = zip((True, False), sources or (None, None), strict=True)
    return [NewSpi(inbound, "esp", first + at, source=source) for at, (inbound, source) in enumerate(ways)]


def counted(spis: list[Spi], now: int = 0) -> list[tuple[int | None, ...]]:
    found = [spi.counted(now) for spi in spis]
    return [(counts.packets, counts.octets, counts.errors) for counts in found]


def test_each_sa_has_its_own_start_and_lifetimes(router: Router) -> None:
    router.clock.time = 10 * SECOND
    tunnel = router.ipsec(router.ike(), life_time=3600, life_size=1000)
    router.clock.time = 1000 * SECOND
    router.monitor.sas_installed(tunnel, bundle(512), replace(tunnel.facts, life_time=1800, life_size=500), tunnel.spis)
    old, new = tunnel.spis[0], tunnel.spis[-1]
    assert (old.start, new.start) == (10 * SECOND, 1000 * SECOND)
    assert [spi.seconds_left(1000 * SECOND) for spi in (old, new)] == [2610, 1800]
    assert [spi.seconds_left(1000 * SECOND + 1) for spi in (old, new)] == [2609, 1799]
    assert [spi.seconds_left(9999 * SECOND) for spi in (old, new)] == [0, 0]


def test_kilobytes_left_are_what_the_inner_packets_leave(router: Router) -> None:
    """Whole ones: in the Cisco IOS Security Command Reference's example ten pings of 100 octets leave 4607999 of 4608000."""
    tunnel = router.ipsec(router.ike(), life_size=1000)
    inbound, outbound = tunnel.spis[:2]
    carry(tunnel, IN_PACKETS=1, IN_OCTETS=1000, OUT_PACKETS=3, OUT_INNER_OCTETS=3 * 1024, OUT_OCTETS=9000)
    assert (inbound.kilobytes_left(0), outbound.kilobytes_left(0)) == (999, 997)
    carry(tunnel, IN_OCTETS=2000 * 1024)
    assert inbound.kilobytes_left(0) == 0


@pytest.mark.parametrize("none", [None, 0])
def test_an_sa_without_a_lifetime_has_nothing_left_of_it(router: Router, none: int | None) -> None:
    tunnel = router.ipsec(router.ike(), life_size=none, life_time=none)
    assert [(spi.seconds_left(5), spi.kilobytes_left(5)) for spi in tunnel.spis] == [(None, None)] * 4


def test_an_sa_has_its_share_of_what_its_tunnel_counts(router: Router) -> None:
    ike = router.ike()
    counters = PacketCounters(IpsecCounter)
    counters.add(IpsecCounter.OUT_DROPS)  # of the packet that began the negotiation: no SA dropped it
    tunnel = router.monitor.ipsec_up(ike, ipsec_facts(), esp(), counters)
    carry(
        tunnel, IN_PACKETS=2, IN_OCTETS=200, IN_OUTER_OCTETS=352, IN_DROPS=1, IN_REPLAY_DROPS=1, OUT_PACKETS=1, OUT_INNER_OCTETS=60
    )
    assert counted(tunnel.spis) == [(2, 200, 2), (1, 60, 0)]
    router.monitor.sas_installed(tunnel, esp(512), tunnel.facts, tunnel.spis)
    carry(tunnel, IN_PACKETS=5, IN_OCTETS=500, OUT_PACKETS=4, OUT_INNER_OCTETS=240, OUT_DROPS=3)
    assert counted(tunnel.spis) == [(2, 200, 2), (1, 60, 0), (5, 500, 0), (4, 240, 3)]


def test_sas_that_give_way_to_others_at_once_keep_what_they_had(router: Router) -> None:
    tunnel = router.monitor.ipsec_up(router.ike(), ipsec_facts(), esp(), PacketCounters(IpsecCounter))
    carry(tunnel, IN_PACKETS=2, IN_OCTETS=200)
    router.monitor.sas_retired(tunnel, tunnel.spis)
    carry(tunnel, IN_PACKETS=7, IN_OCTETS=700)
    assert counted(tunnel.spis) == [(2, 200, 0), (0, 0, 0)]


def test_steady_traffic_is_counted_by_sa_when_it_is_read(router: Router) -> None:
    step = [0] * len(IpsecCounter)
    step[IpsecCounter.IN_PACKETS], step[IpsecCounter.IN_OCTETS] = 1, 100
    counters = PeriodicCounters((0,) * len(IpsecCounter), Rhythm(10, tuple(step)), 0)
    tunnel = router.monitor.ipsec_up(router.ike(), ipsec_facts(), esp(), counters)
    assert counted(tunnel.spis[:1], 100) == [(10, 1000, 0)]
    router.clock.time = 200
    router.monitor.sas_installed(tunnel, esp(512), tunnel.facts, tunnel.spis)
    assert counted([tunnel.spis[0], tunnel.spis[2]], 300) == [(20, 2000, 0), (10, 1000, 0)]


def test_tunnels_that_began_with_equal_numbers_share_what_their_sas_are_counted_from(router: Router) -> None:
    one, other = (router.ipsec(router.ike(spoke=spoke)) for spoke in (HUB, SPOKE))
    assert len({id(spi.source) for tunnel in (one, other) for spi in tunnel.spis}) == 1


def test_an_engine_that_counts_by_sa_is_believed(router: Router) -> None:
    sources = OfSad(), OfSad()
    tunnel = router.monitor.ipsec_up(router.ike(), ipsec_facts(), esp(sources=sources), PacketCounters(IpsecCounter))
    sources[0].packets, sources[0].octets, sources[0].errors = 3, 300, 1
    assert counted(tunnel.spis) == [(3, 300, 1), (0, 0, 0)]
    router.monitor.sas_installed(tunnel, esp(512, (OfSad(1, 60), OfSad())), tunnel.facts, tunnel.spis)
    sources[0].packets += 1  # a late packet by the old one
    assert counted(tunnel.spis) == [(4, 300, 1), (0, 0, 0), (1, 60, 0), (0, 0, 0)]


def test_numbers_that_are_unknown_of_the_tunnel_are_unknown_of_its_sas(router: Router) -> None:
    counts: list[int | None] = [4] * len(IpsecCounter)
    counts[IpsecCounter.IN_REPLAY_DROPS] = counts[IpsecCounter.OUT_INNER_OCTETS] = None
    tunnel = router.monitor.ipsec_up(router.ike(), ipsec_facts(), esp(), PolledCounters(tuple(counts)))
    assert counted(tunnel.spis) == [(0, 0, None), (0, None, 0)]
    assert [spi.kilobytes_left(0) for spi in tunnel.spis] == [99000, None]


def test_an_sa_that_was_there_before_has_its_true_start(router: Router) -> None:
    router.clock.time = 50 * SECOND
    spis = [NewSpi(True, "esp", 256, start=-10 * SECOND), NewSpi(False, "esp", 257)]
    tunnel = router.monitor.ipsec_up(
        router.ike(), ipsec_facts(life_time=100), spis, PacketCounters(IpsecCounter), start=20 * SECOND
    )
    assert [spi.start for spi in tunnel.spis] == [-10 * SECOND, 20 * SECOND]
    assert [spi.seconds_left(router.clock.time) for spi in tunnel.spis] == [40, 70]


def test_a_record_of_counters_tells_what_each_sa_has_carried(router: Router) -> None:
    replica = follow(router.monitor, router.clock, (200, 200))
    by_tunnel: IpsecTunnel = router.monitor.ipsec_up(router.ike(), ipsec_facts(), esp(), PacketCounters(IpsecCounter))
    sources = OfSad(9, 900), OfSad()
    by_sa = router.monitor.ipsec_up(router.ike(), ipsec_facts(), esp(512, sources), PacketCounters(IpsecCounter))
    (started,) = [record for record in router.of(IpsecTunnelStarted) if record.index == by_sa.index]
    assert [sa.counts for sa in started.sas] == [SaCounts(9, 900, 0), SaCounts(0, 0, 0)]
    carry(by_tunnel, IN_PACKETS=2, IN_OCTETS=200)
    router.monitor.sas_installed(by_tunnel, esp(1024), by_tunnel.facts, by_tunnel.spis[:1])
    carry(by_tunnel, IN_PACKETS=3, IN_OCTETS=300)
    sources[1].packets = 7
    router.monitor.report_counters()
    (told,) = router.of(CountersReported)
    assert SaReported(by_sa.index, 2, SaCounts(7, 0, 0)) in told.sas
    assert shown(replica, 0, counters=True) == shown(router.monitor, 0, counters=True)
    assert counted(by_tunnel.spis) == [(2, 200, 0), (0, 0, 0), (3, 300, 0), (0, 0, 0)]
    assert [tunnel.counters.value(IkeCounter.IN_PACKETS, 0) for tunnel in replica.ike_tunnels.values()] == [0, 0]


def test_sas_have_connection_ids_by_tunnel_and_direction(router: Router) -> None:
    first, second = (router.ipsec(router.ike()) for _ in range(2))
    assert [spi.connection for spi in (*first.spis, *second.spis)] == [2001, 2002] * 2 + [2003, 2004] * 2
    router.monitor.sas_installed(first, bundle(512), first.facts, first.spis)
    assert [spi.connection for spi in first.spis[-4:]] == [2001, 2002] * 2
