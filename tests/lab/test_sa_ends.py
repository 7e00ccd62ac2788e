"""Which ISAKMP SA carries a delete, what the end of a lifetime tells the peer, and which SAs carry a flow that has several."""

from __future__ import annotations

from typing import Any

import pytest

from agent.base.origin import CONSOLE
from agent.crypto.doi import Protocol
from agent.crypto.ike_sa import IkeSa
from agent.crypto.payloads import Delete
from agent.engine.values import ClearSas, DestroyIke
from agent.flow.model import EndReason
from agent.lab.policy.isakmp import PeerDecisions
from tests.lab.bringing import on_the_way, up
from tests.lab.conftest import DrivenLab, MakePair, only, ping
from tests.lab.test_nat_traversal import behind_a_nat

Told = list[tuple[str, bytes, tuple[int, ...]]]


@pytest.fixture
def deletes(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Deletes of IPsec SAs: by whom (its address), the cookies of the ISAKMP SA that carries them, the SPIs."""
    told: Told = []
    inform = IkeSa.inform

    def informing(sa: IkeSa, payloads: Any) -> None:
        for each in payloads:
            if isinstance(each, Delete) and each.protocol != Protocol.ISAKMP:
                told.append((str(sa.ends.local), sa.cookies, tuple(int.from_bytes(spi, "big") for spi in each.spis)))
        inform(sa, payloads)

    monkeypatch.setattr(IkeSa, "inform", informing)
    return told


def keepers(lab: DrivenLab, name: str) -> dict[int, bytes]:
    """Of each inbound SPI the cookies of the ISAKMP SA that keyed it."""
    installed = [found for live in lab.router(name).sa_keeper.flows for found in live.bundles]
    return {keys.inbound_spi: found.bundle.result.cookies for found in installed for keys in found.bundle.result.sas}


def begin_at_both_ends(lab: DrivenLab) -> None:
    pings = lab.start_ping("east", "10.0.2.1", "10.0.1.1", 3), lab.start_ping("west", "10.0.1.1", "10.0.2.1", 3)
    lab.wait_for(*pings)


# --- deletes ---


def test_after_both_ends_have_begun_at_once_each_delete_goes_under_the_isakmp_sa_that_keyed_the_child(
    make_pair: MakePair, deletes: Told
) -> None:
    """strongSwan looks for the SAs of a delete among those of the ISAKMP SA that carries it, and nowhere else."""
    lab = make_pair()
    begin_at_both_ends(lab)
    keyed = keepers(lab, "east")
    assert len(set(keyed.values())) == 2
    lab.east.engine.do(ClearSas(), CONSOLE)
    told = {spi: cookies for by, cookies, spis in deletes for spi in spis if by == "192.0.2.1"}
    assert told == keyed


def test_without_the_isakmp_sa_that_keyed_the_child_its_delete_goes_under_another(make_pair: MakePair, deletes: Told) -> None:
    lab = make_pair()
    begin_at_both_ends(lab)
    first, second = lab.router("east").ike.sas
    lab.east.engine.do(DestroyIke(first.tunnel.index), CONSOLE)
    lab.wait(1)
    lab.east.engine.do(ClearSas(), CONSOLE)
    assert {cookies for _, cookies, _ in deletes} == {second.sa.cookies}


def test_a_peer_that_has_authenticated_anew_is_told_under_the_new_isakmp_sa_too(make_pair: MakePair, deletes: Told) -> None:
    """strongSwan moves its children under the ISAKMP SA that it has made to authenticate anew."""
    lab = up(make_pair())
    (old,) = lab.router("east").ike.sas
    west = lab.router("west").ike
    west._initiate(next(iter(west.sas)).pair, None)
    west._settle(list(west.sas)[-1])
    lab.wait(5)
    _, new = lab.router("east").ike.sas
    lab.east.engine.do(ClearSas(), CONSOLE)
    assert [cookies for _, cookies, _ in deletes] == [old.sa.cookies, new.sa.cookies]


# --- the end of a lifetime ---


def count_for_longer(lab: DrivenLab, name: str) -> None:
    """Have a router forget when the SAs that it has are over."""
    for live in lab.router(name).sa_keeper.flows:
        for installed in live.bundles:
            for timer in installed.timers:
                timer.cancel()


def test_a_peer_that_counts_longer_is_told_when_sas_expire(make_pair: MakePair, deletes: Told) -> None:
    """Like strongSwan, which does not take a RESPONDER-LIFETIME: it would send by SAs that are not there any more."""
    lab = make_pair(seconds="120")
    ping(lab, 1)  # which begins them, and is dropped: idle SAs are not replaced
    spis = tuple(keepers(lab, "east"))
    count_for_longer(lab, "west")
    lab.wait(121)
    assert ("192.0.2.1", spis) in [(by, told) for by, _, told in deletes]
    for name in ("east", "west"):
        assert not lab.flow(name).ipsec_tunnels
        assert only(lab.flow(name).ipsec_history).reason is EndReason.NORMAL
        assert not lab.flow(name).ipsec_failures
    assert ping(lab, 2, by="west") == 1  # by SAs that it makes anew, at once


def test_a_peer_that_counts_longer_is_told_when_sas_are_full(make_pair: MakePair, deletes: Told) -> None:
    lab = up(make_pair(kilobytes="2560"))
    for name in ("east", "west"):
        on_the_way(lab, name, lambda octets: None if octets[9] == 17 else octets)  # there are no quick modes any more
    lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=2560 * 1024 // 1400 + 10, size=1400, timeout=1_000)
    assert [by for by, _, _ in deletes][:1] == ["192.0.2.1"]


def test_a_delete_in_the_middle_of_a_lifetime_is_still_the_peers_will(make_pair: MakePair) -> None:
    lab = up(make_pair(seconds="120"))
    lab.wait(100)
    lab.east.engine.do(ClearSas(), CONSOLE)
    lab.wait(1)
    assert only(lab.flow("west").ipsec_history).reason is EndReason.PEER_DELETE


# --- several SAs for one flow ---


@pytest.mark.parametrize("seed", range(6))
def test_the_newest_sas_carry_the_flow_whoever_has_begun(make_pair: MakePair, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """A peer that has crashed and is back within seconds, and does not say so, has no others (RFC 4301 does not order SAs)."""
    monkeypatch.setattr(PeerDecisions, "first_contact", lambda self: False)
    lab = make_pair(f"seed = {seed}\n" + '[[link]]\nends = ["east:FastEthernet0/0", "west:FastEthernet0/0"]\ndelay = "1ms"\n')
    ping(lab, 2, by="east")
    lab.router("west").power_off()
    lab.router("west").power_on()
    assert ping(lab, 2, by="west") == 1  # the first packet is always dropped; the answer to the next one finds the way


def test_nothing_goes_to_a_peer_that_has_crashed_once_it_is_back_by_another_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PeerDecisions, "first_contact", lambda self: False)
    lab, nat = behind_a_nat()
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=2) == 1
    lab.router("east").power_off()
    nat.move("192.0.2.77")
    lab.router("east").power_on()
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=2) == 1
    assert len(lab.flow("west").ipsec_tunnels) == 2  # it has not said that the others are gone
    assert lab.ping("west", "10.0.1.1", "10.0.2.1", repeat=5) == 5
    # Nor are SAs made anew that are for nobody.
    assert [installed.replaced for live in lab.router("west").sa_keeper.flows for installed in live.bundles] == [True, False]
