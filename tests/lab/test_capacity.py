"""The ceiling of SAs (`crypto call admission limit ipsec sa`): it counts SAs, and keeps the next one out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.base.origin import CONSOLE
from agent.engine.values import ClearSas
from agent.flow.model import NOT_USED, IpsecFailureReason
from agent.flow.records import IpsecFailed, SaRefused
from agent.flow.vrf import IkeEvents, IpsecEvents

MORE = "interface Loopback{n}\n ip address 10.{n}.{{me}}.1 255.255.255.0\nip route 10.{n}.{{peer}}.0 255.255.255.0 192.0.2.{{peer}}"
SECOND_FLOW = MORE.format(n=1) + "\naccess-list 101 permit ip 10.1.{me}.0 0.0.0.255 10.1.{peer}.0 0.0.0.255"


def ping(lab: Any, network: int = 0, repeat: int = 2) -> int:
    return int(lab.ping("east", f"10.{network}.2.1", f"10.{network}.1.1", repeat=repeat))


def limit(sas: int) -> str:
    return f"{SECOND_FLOW}\ncrypto call admission limit ipsec sa {sas}"


@pytest.mark.parametrize(
    ("transforms", "sas", "tunnels"),
    [("esp-des esp-sha-hmac", 4, 2), ("esp-des esp-sha-hmac", 3, 1), ("ah-sha-hmac esp-des", 4, 1), ("ah-sha-hmac esp-des", 8, 2)],
)
def test_it_counts_sas_and_not_tunnels(make_pair: Callable[..., Any], transforms: str, sas: int, tunnels: int) -> None:
    lab = make_pair(east={"lines": limit(sas)}, west={"lines": SECOND_FLOW}, transforms=transforms)
    ping(lab)
    ping(lab, 1)
    assert len(lab.flow("east").ipsec_tunnels) == tunnels
    assert len(lab.flow("east").spis) <= sas


def test_as_initiator_nothing_is_sent(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(east={"lines": limit(1)}, west={"lines": SECOND_FLOW})
    told: list[Any] = []
    lab.east.monitor.subscribe(told.append)
    assert ping(lab, repeat=1) == 0
    assert [type(event).__name__ for event in told] == ["IpsecFailed", "SaRefused"]
    assert not lab.flow("east").ike_tunnels
    assert not lab.flow("west").ike_failures
    lab.wait(5)
    assert vars(lab.leaks("east")) == {"sad": 0, "flows": 0, "records": 0}


@pytest.mark.parametrize(
    ("transforms", "protocol"),
    [("esp-des esp-sha-hmac", "esp"), ("esp-null esp-sha-hmac", "esp"), ("ah-sha-hmac", "ah"), ("ah-sha-hmac esp-des", "esp")],
)
@pytest.mark.parametrize("side", ["east", "west"])
def test_a_refusal_names_the_protocol_that_was_asked_for(
    make_pair: Callable[..., Any], side: str, transforms: str, protocol: str
) -> None:
    """cipSecSpiProtocol has ah(1), esp(2) and ipcomp(3), and no 0."""
    lab = make_pair(**{side: {"lines": "crypto call admission limit ipsec sa 1"}}, transforms=transforms)
    told: list[IpsecFailed] = []
    lab.lab.routers[side].monitor.subscribe(lambda event: told.append(event) if isinstance(event, IpsecFailed) else None)
    ping(lab, repeat=1)
    assert [(event.reason, event.protocol) for event in told] == [(IpsecFailureReason.CAPACITY, protocol)]


def test_as_responder_the_peer_is_refused(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(west={"lines": limit(2)}, east={"lines": SECOND_FLOW})
    refused: list[SaRefused] = []
    lab.west.monitor.subscribe(lambda event: refused.append(event) if isinstance(event, SaRefused) else None)
    assert ping(lab) == 1
    assert ping(lab, 1) == 0
    assert len(refused) == lab.flow("west").ipsec_events[IpsecEvents.CAPACITY_FAILS] == 2
    assert lab.flow("west").ike_events[IkeEvents.CAPACITY_FAILS] == 0
    assert {row.reason for row in lab.flow("west").ipsec_failures.values()} == {IpsecFailureReason.CAPACITY}
    assert {row.reason for row in lab.flow("east").ipsec_failures.values()} == {IpsecFailureReason.PROPOSAL}
    assert ping(lab) == 2  # what there is lives on


def test_sas_that_have_gone_make_room(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(east={"lines": limit(2)}, west={"lines": SECOND_FLOW})
    assert ping(lab) == 1
    assert ping(lab, 1) == 0
    lab.east.engine.do(ClearSas(), CONSOLE)
    lab.wait(1)
    assert ping(lab, 1) == 1


def test_a_rekey_is_no_new_call(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(lines=limit(2), seconds="120")
    assert ping(lab) == 1
    lab.wait(115)
    assert ping(lab) == 2
    (tunnel,) = lab.flow("east").ipsec_tunnels.values()
    assert tunnel.refreshes == 1
    assert not lab.flow("east").ipsec_failures


def test_only_the_transform_sets_that_fit_are_offered(make_pair: Callable[..., Any]) -> None:
    two = "crypto ipsec transform-set big ah-sha-hmac esp-des\ncrypto map outside 10\n set transform-set big ours\n"
    lab = make_pair(east={"lines": two + "crypto call admission limit ipsec sa 2"}, west={"lines": two})
    assert ping(lab) == 1
    (tunnel,) = lab.flow("east").ipsec_tunnels.values()
    assert tunnel.facts.inbound.ah == NOT_USED


def test_a_flow_that_was_refused_is_not_asked_for_with_every_packet(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(east={"lines": limit(1)}, west={"lines": SECOND_FLOW})
    lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=20, timeout=100_000)
    assert lab.flow("east").ipsec_events[IpsecEvents.CAPACITY_FAILS] == 2


def test_zero_is_no_ceiling(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(lines=limit(0))
    assert ping(lab) == 1
