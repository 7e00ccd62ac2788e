"""What goes wrong, by its true cause: in the right table, with the right reason, on both sides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.flow.events import IpsecFailed
from agent.flow.model import EndReason, IkeFailureReason, IpsecFailureReason
from agent.flow.vrf import IkeEvents, IpsecEvents


def reasons(rows: Any) -> list[Any]:
    return [row.reason for row in rows.values()]


def ping(lab: Any, repeat: int = 1) -> int:
    return lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=repeat)


def test_different_pre_shared_keys(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(west={"key": "another"})
    assert ping(lab) == 0
    for name, events in (("east", IkeEvents.INITIATOR_FAILS), ("west", IkeEvents.RESPONDER_FAILS)):
        flow = lab.flow(name)
        assert reasons(flow.ike_failures) == [IkeFailureReason.AUTHENTICATION]
        assert flow.ike_events[events] == flow.ike_events[IkeEvents.AUTHENTICATION_FAILS] == 1
        assert not flow.ike_history
        assert not flow.ipsec_failures


def test_no_common_isakmp_policy(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(west={"encryption": "3des"})
    assert ping(lab) == 0
    for name in ("east", "west"):
        (row,) = lab.flow(name).ike_failures.values()
        assert row.reason is IkeFailureReason.PROPOSAL
        assert row.remote is None


def test_no_key_for_the_peer_means_no_policy_for_it(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(lines="no crypto isakmp key secret address 192.0.2.{peer}")
    assert ping(lab) == 0
    assert reasons(lab.flow("east").ike_failures) == [IkeFailureReason.PROPOSAL]
    assert not lab.flow("west").ike_failures  # nothing was sent


@pytest.mark.parametrize(
    "west",
    [{"transforms": "esp-aes esp-sha-hmac"}, {"flow": "10.0.2.0 0.0.0.255 10.9.9.0 0.0.0.255"}, {"map_lines": " set pfs group2"}],
    ids=["transforms", "flow", "pfs"],
)
def test_no_common_proposal_in_quick_mode(make_pair: Callable[..., Any], west: dict[str, str]) -> None:
    lab = make_pair(west=west)
    assert ping(lab) == 0
    for name in ("east", "west"):
        assert reasons(lab.flow(name).ipsec_failures) == [IpsecFailureReason.PROPOSAL]
        assert not lab.flow(name).ipsec_history
        assert len(lab.flow(name).ike_tunnels) == 1
    assert lab.ike("east", "OUT_P2_REJECTS") == lab.ike("west", "IN_P2_REJECTS") == 1
    assert (lab.leaks("east").lives, lab.leaks("west").lives) == (0, 0)


def test_a_peer_that_never_answers(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(link='[[link]]\nends = ["east:FastEthernet0/0", "west:FastEthernet0/0"]\nloss = 1.0\n')
    assert ping(lab) == 0
    assert not lab.flow("east").ike_failures
    lab.wait(120)
    assert reasons(lab.flow("east").ike_failures) == [IkeFailureReason.PEER_LOST]
    assert not lab.flow("west").ike_failures


def test_packets_of_an_sa_that_is_not_there_give_one_row(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    assert ping(lab, 2) == 1
    # West forgets its SAs and cannot say so.
    west = lab.west.router
    west.ike.delete_sas = lambda link, spis: None
    for live in list(west.ipsec.sas.lives):
        west.ipsec.sas.end(live, EndReason.OPERATOR, tell=True)
    told: list[IpsecFailed] = []
    lab.west.monitor.subscribe(lambda event: told.append(event) if isinstance(event, IpsecFailed) else None)
    assert ping(lab, 3) == 1  # lost, told of it, negotiated anew
    assert reasons(lab.flow("west").ipsec_failures) == [IpsecFailureReason.OPERATOR, IpsecFailureReason.NO_SA]
    (event,) = told
    assert (event.local_address, event.remote_address) == (event.failure.destination, event.failure.source)
    assert (event.peer.local.value, event.peer.remote.value) == (str(event.local_address), str(event.remote_address))
    assert lab.flow("west").ipsec_events[IpsecEvents.NO_SA_FAILS] == 1


def test_replayed_packets_only_count(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(link='[[link]]\nends = ["east:FastEthernet0/0", "west:FastEthernet0/0"]\nduplicate = 1.0\n')
    assert ping(lab, 5) == 4
    assert lab.ipsec("west", "IN_PACKETS") == lab.ipsec("west", "IN_REPLAY_DROPS") == 4
    assert lab.ipsec("west", "IN_DROPS") == 0
    assert not lab.flow("west").ipsec_failures
    assert not lab.flow("west").ike_failures


def corrupted(lab: Any, port: Any, at: int) -> None:
    """Have one octet of every ESP packet that arrives at a port changed on the way."""
    receive = port.receive

    def receive_changed(octets: bytes) -> None:
        if octets[9] == 50:
            changed = bytearray(octets)
            changed[at] ^= 1
            octets = bytes(changed)
        receive(octets)

    port.receive = receive_changed


def test_packets_that_are_not_authentic_give_one_row_per_sa(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    assert ping(lab, 2) == 1
    corrupted(lab, lab.west.router.ports["FastEthernet0/0"], at=60)
    assert ping(lab, 3) == 0
    assert lab.ipsec("west", "IN_AUTH_FAILS") == lab.ipsec("west", "IN_DROPS") == 3
    assert reasons(lab.flow("west").ipsec_failures) == [IpsecFailureReason.IN_AUTHENTICATION]
    (row,) = lab.flow("west").ipsec_failures.values()
    assert row.tunnel_index == 1
    assert row.spi in {spi.value for spi in lab.flow("west").spis.values()}


def test_packets_that_do_not_decrypt_give_one_row_per_sa(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(transforms="esp-des")
    assert ping(lab, 2) == 1
    corrupted(lab, lab.west.router.ports["FastEthernet0/0"], at=-1)
    assert ping(lab, 3) == 0
    assert lab.ipsec("west", "IN_DECRYPT_FAILS") == 3
    assert reasons(lab.flow("west").ipsec_failures) == [IpsecFailureReason.DECRYPT]


def test_what_should_have_been_protected_does_not_pass_in_the_clear(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(east={"lines": "interface FastEthernet0/0\n no crypto map"})
    assert ping(lab, 2) == 0
    port = lab.west.device.interface("FastEthernet0/0")
    assert port.counters[2] == 2  # IN_DISCARDS
    # Between the peers themselves nothing is protected.
    assert lab.ping("east", "192.0.2.2", repeat=2) == 2


def test_an_isakmp_message_of_no_sa_gives_one_row(make_pair: Callable[..., Any]) -> None:
    lab = make_pair()
    assert ping(lab, 2) == 1
    west = lab.west.router
    west.ike._records.clear()  # West has forgotten, as after a crash.
    lab.east.engine.clear_isakmp()
    lab.wait(1)
    assert reasons(lab.flow("west").ike_failures) == [IkeFailureReason.NO_SA]


def test_the_next_peer_of_a_map_entry_is_tried(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(
        east={
            "map_lines": " no set peer 192.0.2.2\n set peer 192.0.2.77\n set peer 192.0.2.2",
            "lines": "crypto isakmp key secret address 192.0.2.77",
        }
    )
    assert ping(lab) == 0
    lab.wait(90)
    assert reasons(lab.flow("east").ike_failures) == [IkeFailureReason.PEER_LOST]
    assert ping(lab, 2) == 2
    (tunnel,) = lab.flow("east").ipsec_tunnels.values()
    assert str(tunnel.facts.remote_address) == "192.0.2.2"
