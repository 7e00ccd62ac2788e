"""The lives of SAs: replaced by time and by volume without losing a packet, expired at both ends alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agent.base.ike_counters import IkeCounter
from agent.flow.model import EndReason
from agent.flow.records import IkeTunnelEnded, IkeTunnelStarted, SasExpired, SasInstalled
from tests.lab.bringing import on_the_way
from tests.lab.conftest import LINK, only, ping


def test_an_idle_tunnel_expires_on_both_sides_without_a_failure(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(seconds="120", ike_lifetime="300")
    lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=1)
    lab.wait(130)
    for name in ("east", "west"):
        assert only(lab.flow(name).ipsec_history).reason is EndReason.NORMAL
        assert only(lab.flow(name).ike_tunnels)
    lab.wait(300)
    for name in ("east", "west"):
        flow = lab.flow(name)
        assert only(flow.ike_history).reason is EndReason.NORMAL
        assert not flow.ike_failures
        assert not flow.ipsec_failures
        assert not flow.peers
    lab.wait(100)
    for name in ("east", "west"):
        assert vars(lab.leaks(name)) == {"sad": 0, "flows": 0, "records": 0}
    assert lab.lab.scheduler.next_time() is None


def test_a_rekey_by_time_keeps_the_row_and_loses_no_packet(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(seconds="120")
    ping(lab)
    row = only(lab.flow("east").ipsec_tunnels)
    before = [spi.value for spi in row.spis]
    lab.wait(105)
    assert ping(lab, 1) == 1
    lab.wait(6)  # ten seconds before the end the initiator has asked for new SAs
    assert only(lab.flow("east").ipsec_tunnels) is row
    assert (row.refreshes, len(row.spis)) == (1, 4)
    assert [spi.value for spi in row.spis if spi.expiring] == before
    assert ping(lab, 1) == 1
    lab.wait(15)
    assert (row.refreshes, row.expired_sas, len(row.spis)) == (1, 2, 2)
    assert not {spi.value for spi in row.spis} & set(before)
    assert ping(lab, 3) == 3
    west = only(lab.flow("west").ipsec_tunnels)
    assert (west.refreshes, west.expired_sas, len(west.spis)) == (1, 2, 2)
    assert lab.ipsec("east", "OUT_DROPS") == 1  # the packet that began it all
    assert (lab.leaks("east").sad, lab.leaks("west").sad) == (1, 1)
    assert not lab.flow("east").ipsec_history


def test_rekeys_lose_no_packet_on_a_wire_with_jitter(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(LINK.replace("1ms", "20ms") + 'jitter = "40ms"\nreorder = 0.1\n', seconds="120")
    ping(lab)
    assert ping(lab, 2500) == 2500
    assert only(lab.flow("east").ipsec_tunnels).refreshes >= 2


@pytest.mark.parametrize("protocol", ["icmp", "udp"])
def test_the_initiator_of_a_rekey_sends_by_the_new_sas_once_the_peer_has_them(make_pair: Callable[..., Any], protocol: str) -> None:
    """That is when a packet has come by them, or (as nobody answers UDP) after a second."""
    traffic = f'[[traffic]]\nsource = "east:Loopback0"\ndestination = "west:Loopback0"\nperiod = "100ms"\nprotocol = "{protocol}"\n'
    lab = make_pair(LINK + traffic, seconds="120").start()
    lab.wait(60)
    (live,) = lab.east.router.sa_keeper.flows
    (old,) = live.bundles
    first: dict[tuple[str, bytes], int] = {}  # when a packet of an SPI came to an end

    def noting(name: str) -> Callable[[bytes], bytes]:
        def note(octets: bytes) -> bytes:
            first.setdefault((name, octets[20:24]), lab.clock.now())
            return octets

        return note

    for name in ("east", "west"):
        on_the_way(lab, name, noting(name))
    lab.wait(55)
    new = live.bundles[-1]
    assert new is not old
    (keys,) = new.bundle.result.sas
    sent = first["west", keys.outbound_spi.to_bytes(4, "big")] - 1_000  # the wire's delay
    heard = first.get(("east", keys.inbound_spi.to_bytes(4, "big")))
    if protocol == "icmp":
        assert heard is not None
        assert new.up_at < heard < sent <= new.up_at + 200_000
    else:
        assert heard is None
        assert new.up_at + 1_000_000 <= sent <= new.up_at + 1_100_000
    assert lab.ipsec("east", "OUT_DROPS") == 1


def test_replaced_sas_send_no_more_than_their_volume(make_pair: Callable[..., Any]) -> None:
    traffic = '[[traffic]]\nsource = "east:Loopback0"\ndestination = "west:Loopback0"\nrate = 1000\nsizes = [1400]\n'
    lab = make_pair(LINK + traffic, kilobytes="2560").start()
    lab.wait(2.1)
    (live,) = lab.east.router.sa_keeper.flows
    old, new = live.bundles
    assert old.bundle.kilobytes == 2560  # full before the second that the peer is given
    assert live.outbound is new
    assert new.bundle.octets_out > 0


def test_traffic_keeps_a_tunnel_for_ever(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(seconds="120", ike_lifetime="300")
    ping(lab)
    events: list[Any] = []
    lab.east.monitor.subscribe(events.append)
    for _ in range(60):
        lab.wait(20)
        assert ping(lab, 1) == 1
    row = only(lab.flow("east").ipsec_tunnels)
    assert row.index == 1
    assert row.refreshes == sum(isinstance(event, SasInstalled) for event in events)
    assert row.refreshes in range(9, 12)
    assert row.expired_sas == sum(len(event.sas) for event in events if isinstance(event, SasExpired))
    # IKE SAs come and go in between; each is a row of its own, and the tunnel points to the one there is.
    ended = [event for event in events if isinstance(event, IkeTunnelEnded)]
    started = [event for event in events if isinstance(event, IkeTunnelStarted)]
    assert all(event.reason is EndReason.NORMAL for event in ended)
    assert len(started) == len(ended) >= 3
    assert row.ike is None or row.ike in lab.flow("east").ike_tunnels.values()
    assert not lab.flow("west").ike_failures
    assert not lab.flow("west").ipsec_failures
    assert lab.leaks("west").sad <= 2


@pytest.mark.parametrize("by", ["east", "west"])
def test_isakmp_sas_that_expire_at_both_ends_end_alike_whoever_is_first(make_pair: Callable[..., Any], by: str) -> None:
    """On a wire with jitter the word of either end's expiry comes before or after the other's own."""
    lab = make_pair(LINK + 'jitter = "40ms"\n', seconds="120", ike_lifetime="60")
    ends: dict[str, list[Any]] = {"east": [], "west": []}
    for name, ended in ends.items():
        lab.lab.routers[name].monitor.subscribe(
            lambda event, to=ended: to.append(event) if isinstance(event, IkeTunnelEnded) else None
        )
    ping(lab, 2, by)
    for _ in range(120):
        lab.wait(20)
        assert ping(lab, 1, by) == 1
    for name, ended in ends.items():
        assert len(ended) >= 20
        assert {event.reason for event in ended} == {EndReason.NORMAL}
        assert not lab.flow(name).ike_failures
        assert not lab.flow(name).ipsec_failures
    # The responder's time is up first; now and then its word overtakes the end here: one more than MM2, MM4, MM6 and QM2. So does
    # its word of SAs that have expired.
    assert {event.counters[IkeCounter.IN_PACKETS] for event in ends[by]} <= {4, 5, 6}


def test_a_rekey_by_volume(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(kilobytes="2560")
    ping(lab)
    row = only(lab.flow("east").ipsec_tunnels)
    packets = (2560 - 64) * 1024 // 1400
    assert ping(lab, packets - 5, by="east") == packets - 5  # of 100 octets: not yet
    assert row.refreshes == 0
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=packets + 10, size=1400) == packets + 10
    lab.wait(1)
    assert row.refreshes == 1
    lab.wait(60)
    assert (row.expired_sas, len(row.spis)) == (2, 2)
    assert only(lab.flow("west").ipsec_tunnels).refreshes == 1


def crossed(make_pair: Callable[..., Any]) -> Any:
    """Both ends have asked for new SAs within the time that a message takes, and have them."""
    lab = make_pair(seconds="120")
    ping(lab)
    lab.wait(50)
    for name in ("east", "west"):
        (live,) = lab.lab.routers[name].router.sa_keeper.flows
        lab.lab.routers[name].router.sa_keeper._rekey(live.bundles[0])
    assert ping(lab, 3) == 3
    for name in ("east", "west"):
        assert only(lab.flow(name).ipsec_tunnels).refreshes == 2
        assert not lab.flow(name).ipsec_failures
    return lab


def spis(lab: Any, name: str, *, expiring: bool) -> set[int]:
    return {spi.value for spi in only(lab.flow(name).ipsec_tunnels).spis if spi.expiring is expiring}


def test_both_may_rekey_at_once(make_pair: Callable[..., Any]) -> None:
    """Both ends keep the same SAs of those that crossed, once each has heard by which the other sends."""
    lab = crossed(make_pair)
    for name in ("east", "west"):  # both are of use until then
        assert (len(spis(lab, name, expiring=False)), len(spis(lab, name, expiring=True))) == (4, 2)
    lab.wait(2)
    assert ping(lab, 1) == 1
    assert spis(lab, "east", expiring=False) == spis(lab, "west", expiring=False)
    assert (len(spis(lab, "east", expiring=False)), len(spis(lab, "east", expiring=True))) == (2, 4)
    lab.wait(35)
    assert spis(lab, "east", expiring=True) == spis(lab, "west", expiring=True) == set()
    assert ping(lab, 3) == 3
    assert (lab.leaks("east").sad, lab.leaks("west").sad) == (1, 1)


@pytest.mark.parametrize("maker", [True, False])
def test_of_sas_that_crossed_those_stay_by_which_the_peer_sends(make_pair: Callable[..., Any], maker: bool) -> None:
    """Whatever we would choose, and whoever made them: charon sends by those that were done last, and by no others ever after."""
    lab = crossed(make_pair)
    (ours,), (theirs,) = (lab.lab.routers[name].router.sa_keeper.flows for name in ("east", "west"))
    wanted = next(found for found in theirs.bundles[1:] if found.ours is maker)
    (other,) = wanted.rivals
    other.replaced = True  # west has chosen, and sends by the wanted one alone
    other.rivals.clear()
    wanted.rivals.clear()
    wanted.confirmed = True
    lab.wait(2)
    assert theirs.outbound is wanted
    assert ping(lab, 2) == 2
    kept = {spi for keys in wanted.bundle.result.sas for spi in (keys.inbound_spi, keys.outbound_spi)}
    assert spis(lab, "east", expiring=False) == kept
    assert {spi for keys in ours.outbound.bundle.result.sas for spi in (keys.inbound_spi, keys.outbound_spi)} == kept
    lab.wait(35)
    assert ping(lab, 2) == 2
    assert kept <= {spi.value for spi in only(lab.flow("west").ipsec_tunnels).spis}
    assert not lab.flow("west").ipsec_failures


def test_sas_that_crossed_and_carry_nothing_are_not_taken_away_from_a_peer(make_pair: Callable[..., Any]) -> None:
    """Nobody knows by which the peer would send: both live to their end, and the tunnel is as good as before."""
    lab = crossed(make_pair)
    lab.wait(45)
    for name in ("east", "west"):
        assert (len(spis(lab, name, expiring=False)), len(spis(lab, name, expiring=True))) == (4, 0)
    assert ping(lab, 3) == 3


def test_the_row_has_the_terms_of_the_sas_that_the_peer_chose(make_pair: Callable[..., Any]) -> None:
    """Two that crossed may have been agreed on other terms: the row shows those of the newer, until the peer sends by the older."""
    lab = crossed(make_pair)
    (live,) = lab.east.router.sa_keeper.flows
    older, newer = sorted(live.bundles[1:], key=lambda found: found.up_at)
    row = live.row
    assert row.facts == newer.spis[0].facts
    others = replace(row.facts, life_time=77)
    for spi in older.spis:
        spi.facts = others
    lab.wait(2)
    lab.east.router.sa_keeper.chosen(older)
    assert row.facts == others
    assert {spi.value for spi in row.spis if not spi.expiring} == {spi.value for spi in older.spis}
