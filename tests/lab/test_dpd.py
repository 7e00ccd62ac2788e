"""Dead peer detection in a lab: a peer that is gone is found out, and what was held with it ends as lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.flow.model import EndReason, IkeFailureReason, IpsecFailureReason
from tests.lab.conftest import ping

PERIODIC = "crypto isakmp keepalive 10 3 periodic"
ON_DEMAND = "crypto isakmp keepalive 10 3"


def vanish(lab: Any) -> None:
    """West is no longer there: whatever comes is not heard."""
    port = lab.west.router.ports["FastEthernet0/0"]
    port.wire.detach(port)


@pytest.fixture
def up(make_pair: Callable[..., Any]) -> Callable[[str], Any]:
    def make(east: str) -> Any:
        lab = make_pair(east={"lines": east})
        assert ping(lab) == 1
        return lab

    return make


def assert_lost(lab: Any) -> None:
    flow = lab.flow("east")
    assert [row.reason for row in flow.ike_history.values()] == [EndReason.PEER_LOST]
    assert [row.reason for row in flow.ipsec_history.values()] == [EndReason.PEER_LOST]
    assert [row.reason for row in flow.ike_failures.values()] == [IkeFailureReason.PEER_LOST]
    assert [row.reason for row in flow.ipsec_failures.values()] == [IpsecFailureReason.PEER_LOST]
    assert not flow.peers
    lab.wait(100)
    assert vars(lab.leaks("east")) == {"sad": 0, "flows": 0, "records": 0}


def test_a_periodic_watch_finds_out_without_traffic(up: Callable[[str], Any]) -> None:
    lab = up(PERIODIC)
    lab.wait(100)
    assert len(lab.flow("east").ike_tunnels) == 1
    assert lab.ike("west", "IN_NOTIFYS") == 11  # INITIAL-CONTACT, then a question every ten seconds
    vanish(lab)
    lab.wait(10 + 6 * 3)
    assert_lost(lab)


def test_on_demand_it_is_found_out_by_what_is_sent(up: Callable[[str], Any]) -> None:
    lab = up(ON_DEMAND)
    lab.wait(100)
    assert lab.ike("east", "OUT_NOTIFYS") == 1
    assert ping(lab) == 2  # asks first, and is answered
    assert lab.ike("east", "OUT_NOTIFYS") == 2
    vanish(lab)
    lab.wait(100)
    assert len(lab.flow("east").ike_tunnels) == 1
    assert ping(lab, 1) == 0
    lab.wait(6 * 3)
    assert_lost(lab)


def test_packets_that_come_in_are_signs_of_life(up: Callable[[str], Any]) -> None:
    lab = up(ON_DEMAND)
    lab.ping("west", "10.0.1.1", "10.0.2.1", repeat=30, timeout=1_000_000)
    for _ in range(5):
        lab.wait(8)
        assert ping(lab) == 2
    assert lab.ike("east", "OUT_NOTIFYS") == 1


def test_without_keepalives_nobody_finds_out(up: Callable[[str], Any]) -> None:
    lab = up("")
    vanish(lab)
    ping(lab, 10)
    assert len(lab.flow("east").ike_tunnels) == len(lab.flow("east").ipsec_tunnels) == 1


def test_a_peer_that_has_not_announced_it_is_not_asked(make_pair: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.crypto.main_mode.CAPABILITIES", ())
    lab = make_pair(lines=PERIODIC)
    assert ping(lab) == 1
    vanish(lab)
    lab.wait(100)
    (tunnel,) = lab.flow("east").ike_tunnels.values()
    assert not tunnel.facts.keepalive


def test_a_profile_has_keepalives_of_its_own(make_pair: Callable[..., Any]) -> None:
    profile = "crypto isakmp profile P\n match identity address 192.0.2.2 255.255.255.255\n keyring K\n keepalive 20 retry 4"
    keyring = "crypto keyring K\n pre-shared-key address 192.0.2.2 key secret"
    lab = make_pair(
        east={"lines": f"{ON_DEMAND}\n{keyring}\n{profile}\ncrypto map outside 10\n set isakmp-profile P"},
    )
    assert ping(lab) == 1
    (tunnel,) = lab.flow("east").ike_tunnels.values()
    assert tunnel.facts.keepalive
    lab.wait(15)
    assert ping(lab) == 2
    assert lab.ike("east", "OUT_NOTIFYS") == 1
    lab.wait(21)
    assert ping(lab) == 2
    assert lab.ike("east", "OUT_NOTIFYS") == 2


def test_a_peer_that_comes_back_is_talked_to_anew(up: Callable[[str], Any]) -> None:
    lab = up(ON_DEMAND)
    lab.wait(20)
    port = lab.west.router.ports["FastEthernet0/0"]
    port.wire.detach(port)
    assert ping(lab, 15) == 0
    port.wire.attach(port)
    lab.wait(30)
    assert ping(lab) == 2
    assert len(lab.flow("east").ipsec_tunnels) == len(lab.flow("west").ipsec_tunnels) == 1
    assert [row.reason for row in lab.flow("west").ipsec_history.values()] == [EndReason.PEER_LOST]  # by INITIAL-CONTACT


def test_after_a_loss_the_next_peer_of_the_map_entry_is_tried_first(make_pair: Callable[..., Any]) -> None:
    third = {"map_lines": " set peer 192.0.2.3", "lines": f"{PERIODIC}\ncrypto isakmp key secret address 192.0.2.3"}
    lab = make_pair(east=third)
    assert ping(lab) == 1
    port = lab.west.router.ports["FastEthernet0/0"]
    port.wire.detach(port)
    lab.wait(40)
    assert_lost(lab)
    ping(lab, 1)
    assert [f"{record.pair.remote:08x}" for record in lab.east.router.ike.sas] == ["c0000203"]
    lab.wait(80)  # nobody is there: the list begins anew
    port.wire.attach(port)
    assert ping(lab, 3) == 2
    assert not lab.east.router.sa_keeper.lost_peers
