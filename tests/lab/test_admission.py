"""Which phase 1s may begin: floods of first messages, and who is served meanwhile.

Right values: Cisco's Call Admission Control for IKE (new SAs alone are refused, existing ones are preserved; active and negotiating
ones together against `ike sa`), and the bounds that docs/security.md states.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from itertools import count
from typing import Any

import pytest

from agent.base.limited_log import AT_ONCE
from agent.base.origin import CONSOLE
from agent.crypto import ikev1, phase1
from agent.crypto.ciphers import RandomSource
from agent.crypto.dh import DhSecret, generate
from agent.crypto.doi import Exchange
from agent.crypto.nat_traversal import NAT_TRAVERSAL, Ends
from agent.crypto.states import Cause
from agent.engine.values import ClearSessions
from agent.flow.model import IkeFailureReason
from agent.flow.vrf import IkeEvents
from agent.lab.failures.tunnel_log import TunnelLog
from agent.lab.ike.admission import MOST_IN_NEGOTIATION, MOST_OF_ADDRESS, Limit
from agent.lab.policy.peer_pair import PeerPair
from agent.lab.randomness import SeededRandom
from tests.crypto.ike_pair import Counts, Side
from tests.lab.bringing import EAST, WEST
from tests.lab.conftest import DrivenLab, ping, router_text

MakePair = Callable[..., Any]
STRANGERS = 0x0A630000
ANY_KEY = "crypto isakmp key any address 0.0.0.0 0.0.0.0"


def first_message(exchange: Exchange = Exchange.MAIN) -> bytes:
    """What an initiator begins with."""
    ends = Ends(IPv4Address(EAST), IPv4Address(WEST))
    sa = ikev1.initiate(Side("192.0.2.1"), Counts(), SeededRandom(1), 0, ends, NAT_TRAVERSAL, exchange)
    return sa.take_messages()[0]


MM1 = first_message()


def flood(lab: Any, sources: Iterator[int], number: int, octets: bytes = MM1, name: str = "west") -> None:
    """First messages to a router, each with a cookie of its own."""
    ike = lab.router(name).ike
    local = WEST if name == "west" else EAST
    for cookie, source in zip(range(1, number + 1), sources, strict=False):
        ike.receive(PeerPair(None, local, source), 500, 500, (cookie << 16).to_bytes(8, "big") + octets[8:])


@pytest.fixture
def alone() -> DrivenLab:
    """A router that has a key for everybody, and nobody at the other ends."""
    return DrivenLab("", {"west": router_text("west", 2, 1, lines=ANY_KEY)})


def half_open(lab: Any, name: str = "west") -> int:
    return int(lab.router(name).ike.sas.count_half_open())


def test_sixty_thousand_first_messages_stay_small(alone: DrivenLab, caplog: pytest.LogCaptureFixture) -> None:
    gc.collect()
    before = len(gc.get_objects())
    flood(alone, count(STRANGERS), 60_000)
    assert len(gc.get_objects()) - before < 50 * MOST_IN_NEGOTIATION
    assert half_open(alone) == MOST_IN_NEGOTIATION
    refused = 60_000 - MOST_IN_NEGOTIATION
    assert alone.router("west").ike.admission.refused_by[Limit.IN_NEGOTIATION] == refused
    assert alone.router("west").ike.admission.incoming.rejected == refused
    events = alone.flow("west").ike_events
    assert (events[IkeEvents.CAPACITY_FAILS], events[IkeEvents.RESPONDER_FAILS]) == (refused, refused)
    assert 0 < len(alone.flow("west").ike_failures) < 10
    assert {row.reason for row in alone.flow("west").ike_failures.values()} == {IkeFailureReason.CAPACITY}
    assert len(caplog.messages) == AT_ONCE
    alone.wait(15)
    assert f"the last of {refused - AT_ONCE} such lines" in caplog.messages[-1]
    alone.wait(200)
    assert half_open(alone) == 0


def test_a_newcomer_does_not_wait_until_what_forged_addresses_have_begun_expires(alone: DrivenLab) -> None:
    """RFC 2408 §2.5.3: who forges its address echoes no cookie. After 10 seconds without one it makes room, 50 a second."""
    flood(alone, count(STRANGERS), MOST_IN_NEGOTIATION)
    admission = alone.router("west").ike.admission
    for seconds, admitted in ((0, 0), (9, 0), (2, 1)):
        alone.wait(seconds)
        accepted = admission.incoming.accepted
        flood(alone, count(STRANGERS + 100_000), 1)
        assert (admission.incoming.accepted - accepted, half_open(alone)) == (admitted, MOST_IN_NEGOTIATION)
    accepted = admission.incoming.accepted
    flood(alone, count(STRANGERS + 200_000), 1000)
    assert admission.incoming.accepted - accepted == 49


def test_one_address_has_its_share_alone(alone: DrivenLab) -> None:
    flood(alone, iter([STRANGERS] * 500), 500)
    assert half_open(alone) == MOST_OF_ADDRESS
    flood(alone, iter([STRANGERS + 1]), 1)
    assert half_open(alone) == MOST_OF_ADDRESS + 1


def test_a_refused_aggressive_mode_costs_no_diffie_hellman(alone: DrivenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    octets, made = first_message(Exchange.AGGRESSIVE), list[int]()

    def generating(group: int, random: RandomSource) -> DhSecret:
        made.append(group)
        return generate(group, random)

    monkeypatch.setattr(phase1, "generate", generating)
    flood(alone, iter([STRANGERS] * 500), 500, octets)
    assert half_open(alone) == len(made) == MOST_OF_ADDRESS


def test_a_refused_message_is_not_answered(alone: DrivenLab) -> None:
    said: list[bytes] = []
    ike = alone.router("west").ike
    ike._send = lambda vrf, ends, octets: said.append(octets)
    flood(alone, iter([STRANGERS] * 500), 500)
    assert len(said) == MOST_OF_ADDRESS


@pytest.mark.parametrize("exchange", [Exchange.MAIN, Exchange.AGGRESSIVE])
def test_an_established_peer_has_its_next_phase_1_while_strangers_flood(make_pair: MakePair, exchange: Exchange) -> None:
    lab = make_pair(west={"lines": f"{ANY_KEY}\ncrypto call admission limit ike in-negotiation-sa 50"})
    assert ping(lab) >= 1
    flood(lab, count(STRANGERS), 100, first_message(exchange))
    assert half_open(lab) == 50
    lab.router("east").ike.lose_everything()
    assert ping(lab) >= 1


def test_a_peer_whose_address_is_forged_has_its_next_phase_1(make_pair: MakePair) -> None:
    """The forged messages fill the share of the peer's address: none of their senders has echoed a cookie, and one makes room."""
    lab = make_pair()
    assert ping(lab) >= 1
    flood(lab, iter([EAST] * 300), 300)
    assert half_open(lab) == MOST_OF_ADDRESS
    lab.router("east").ike.lose_everything()
    assert ping(lab) >= 1


def test_what_we_begin_takes_the_place_of_what_strangers_have_begun(make_pair: MakePair) -> None:
    lab = make_pair(west={"lines": f"{ANY_KEY}\ncrypto call admission limit ike in-negotiation-sa 10"})
    flood(lab, count(STRANGERS), 20)
    assert half_open(lab) == 10
    assert ping(lab, by="west") == 1
    assert half_open(lab) == 9


def test_the_limit_of_sas_counts_those_that_are_up(make_pair: MakePair, caplog: pytest.LogCaptureFixture) -> None:
    lab = make_pair(west={"lines": f"{ANY_KEY}\ncrypto call admission limit ike sa 1"})
    assert ping(lab) == 1
    flood(lab, count(STRANGERS), 1)
    assert half_open(lab) == 0
    assert "crypto call admission limit ike sa" in caplog.messages[0]
    assert "incoming IKE SA from 10.99.0.0 to 192.0.2.2" in caplog.messages[0]
    lab.router("east").ike.lose_everything()
    assert ping(lab) >= 1  # who holds an SA may have another in its place


def test_the_limit_of_sas_refuses_what_we_would_begin(make_pair: MakePair) -> None:
    lab = make_pair(east={"lines": f"{ANY_KEY}\ncrypto call admission limit ike sa 1"})
    flood(lab, iter([STRANGERS]), 1, name="east")
    (record,) = lab.router("east").ike.sas
    record.sa.happened(Cause.MM3)  # its peer has shown that it hears us: it makes no room
    assert ping(lab) == 0
    assert lab.flow("east").ike_events[IkeEvents.INITIATOR_FAILS] == lab.router("east").ike.admission.outgoing.rejected == 2


def test_limits_are_lines_of_the_configuration(make_pair: MakePair) -> None:
    lab = make_pair()
    lab.configure("west", "crypto call admission limit ike in-negotiation-sa 40", "crypto call admission limit ike sa 50")
    assert (lab.west.document.config.crypto.ike_negotiation_limit, lab.west.document.config.crypto.ike_sa_limit) == (
        40,
        50,
    )
    lab.configure("west", "no crypto call admission limit ike sa", "no crypto call admission limit ike in-negotiation-sa")
    assert lab.router("west").ike.admission.most_in_negotiation == MOST_IN_NEGOTIATION


def test_failures_that_a_stranger_causes_are_a_few_lines_at_level_info(
    make_pair: MakePair, caplog: pytest.LogCaptureFixture
) -> None:
    lab = make_pair()
    caplog.set_level(logging.INFO, logger="agent.lab.failures.tunnel_log")
    lab.west.monitor.subscribe(TunnelLog("west", lab.clock.now, lab.lab.scheduler.after))
    flood(lab, iter(range(STRANGERS, STRANGERS + 1000)), 1000)  # of whom none has a key: each set-up fails
    assert len(lab.flow("west").ike_failures) == 100
    assert len(caplog.messages) == 50
    assert lab.flow("west").ike_events[IkeEvents.RESPONDER_FAILS] == 1000


def test_failures_of_forged_set_ups_leave_the_other_rows_where_they_are(make_pair: MakePair) -> None:
    """The failure window is that of the MIB's default, 200 rows (cipSecFailTableSize)."""
    lab = make_pair()
    ping(lab)
    lab.west.engine.do(ClearSessions(), CONSOLE)
    counted = lab.flow("west").ike_events[IkeEvents.RESPONDER_FAILS]
    for burst in range(30):
        flood(lab, iter(range(STRANGERS + 100 * burst, STRANGERS + 100 * burst + 100)), 100)
        lab.wait(1)
    reasons = [row.reason for row in lab.flow("west").ike_failures.values()]
    assert reasons.count(IkeFailureReason.OPERATOR) == 1
    assert 100 < len(reasons) < 170
    assert lab.flow("west").ike_events[IkeEvents.RESPONDER_FAILS] - counted == 3000


def test_a_peer_whose_proposal_is_refused_beside_a_flood_of_others_has_its_rows(make_pair: MakePair) -> None:
    """Of one address fifty at once, then one a second: more than an honest peer's set-ups make."""
    lab = make_pair()
    flood(lab, iter([STRANGERS] * 60), 60)
    assert len(lab.flow("west").ike_failures) == 50
    flood(lab, iter([STRANGERS + 1]), 1)
    assert len(lab.flow("west").ike_failures) == 51
    lab.wait(11)
    flood(lab, iter([STRANGERS] * 80), 80)  # twenty that have not been heard before
    assert 60 < len(lab.flow("west").ike_failures) < 66
