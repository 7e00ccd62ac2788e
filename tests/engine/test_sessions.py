"""What a display and a filter make of sessions: the status of each, what its phase-1 SAs are, whether a filter takes it."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest

from agent.engine.sessions import SessionStatus, ends_of, shown_sessions, status_of
from agent.engine.values import Phase1Sa, SessionFilter
from agent.flow.model import EndReason, PeerEnds
from agent.flow.sessions import Session
from tests.flow.builders import HUB, SPOKE
from tests.flow.router import Router

NAT = IPv4Address("192.0.2.77")
UP = Phase1Sa(SPOKE, HUB, "QM_IDLE", 1, initiator=False)
NEGOTIATED = Phase1Sa(SPOKE, HUB, "MM_KEY_EXCH", 0, initiator=False)


@pytest.fixture
def router() -> Router:
    return Router()


def up_session(router: Router, **facts: Any) -> Session:
    tunnel = router.ipsec(router.ike(**facts), interface="Serial1/2.1")
    assert tunnel.peer.session is not None
    return tunnel.peer.session


# The table of `show crypto session` in the Cisco IOS Security Command Reference: IKE SA, IPsec SAs, status.
@pytest.mark.parametrize(
    ("has_ipsec", "sas", "status"),
    [
        (True, [UP], "UP-ACTIVE"),
        (True, [UP, NEGOTIATED], "UP-ACTIVE"),
        (False, [UP], "UP-IDLE"),
        (False, [NEGOTIATED, UP], "UP-IDLE"),
        (True, [NEGOTIATED], "UP-NO-IKE"),
        (True, [], "UP-NO-IKE"),
        (False, [NEGOTIATED], "DOWN-NEGOTIATING"),
        (False, [], "DOWN"),
    ],
)
def test_the_status_is_that_of_ios(router: Router, has_ipsec: bool, sas: list[Phase1Sa], status: str) -> None:
    session = up_session(router) if has_ipsec else None
    assert status_of(session, sas) is SessionStatus(status)


def test_the_ends_of_a_phase_1_sa_are_ours_first_whoever_began() -> None:
    ends = PeerEnds("outside", HUB, NAT, 4500, 20001)
    ports: dict[str, Any] = {"front_vrf": "outside", "local_port": 4500, "remote_port": 20001}
    assert Phase1Sa(NAT, HUB, "QM_IDLE", 1, initiator=False, **ports).ends == ends
    assert Phase1Sa(HUB, NAT, "QM_IDLE", 1, initiator=True, **ports).ends == ends


def test_phase_1_sas_go_to_their_session_and_others_stand_alone(router: Router) -> None:
    session = up_session(router)
    other = Phase1Sa(IPv4Address("10.1.9.9"), HUB, "QM_IDLE", 7, initiator=False)
    begun = Phase1Sa(HUB, IPv4Address("10.1.8.8"), "MM_NO_STATE", 0, initiator=True)
    shown = shown_sessions(router.monitor.sessions(), [UP, other, begun, NEGOTIATED])
    assert [(each.session, each.sas, each.status.value) for each in shown] == [
        (session, (UP, NEGOTIATED), "UP-ACTIVE"),
        (None, (other,), "UP-IDLE"),
        (None, (begun,), "DOWN-NEGOTIATING"),
    ]
    assert [each.ends for each in shown] == [session.peer.ends, other.ends, begun.ends]


def test_the_sas_of_two_clients_behind_one_nat_are_kept_apart(router: Router) -> None:
    def sa(index: int, port: int) -> Phase1Sa:
        return Phase1Sa(NAT, HUB, "QM_IDLE" if index else "AG_INIT_EXCH", index, initiator=False, local_port=4500, remote_port=port)

    one = up_session(router, spoke=NAT, local_port=4500, remote_port=20001)
    two = up_session(router, spoke=NAT, local_port=4500, remote_port=20002)
    third = sa(0, 20003)
    shown = shown_sessions(router.monitor.sessions(), [sa(1, 20001), sa(2, 20002), sa(0, 20002), third])
    assert [(each.session, each.sas) for each in shown] == [
        (one, (sa(1, 20001),)),
        (two, (sa(2, 20002), sa(0, 20002))),
        (None, (third,)),
    ]


def test_an_old_and_a_new_sa_without_ipsec_are_one_association() -> None:
    old, new = (Phase1Sa(SPOKE, HUB, "QM_IDLE", index, initiator=False, remote_port=port) for index, port in ((1, 500), (2, 4500)))
    (shown,) = shown_sessions([], [old, new])
    assert (shown.sas, shown.status, shown.ends) == ((old, new), SessionStatus.UP_IDLE, new.ends)


def test_a_session_without_its_ike_sa_is_up_still(router: Router) -> None:
    session = up_session(router)
    router.monitor.ike_ended(session.peer.ike_tunnels[0], EndReason.NORMAL)
    (shown,) = shown_sessions(router.monitor.sessions(), [])
    assert (shown.session, shown.status, shown.inside_vrf) == (session, SessionStatus.UP_NO_IKE, "vrf1")


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (SessionFilter(), True),
        (SessionFilter(local=HUB, remote=SPOKE), True),
        (SessionFilter(remote=NAT), False),
        (SessionFilter(remote=SPOKE, remote_port=4500), True),
        (SessionFilter(remote=SPOKE, remote_port=500), False),
        (SessionFilter(local=HUB, local_port=4500), True),
        (SessionFilter(local=SPOKE), False),
        (SessionFilter(front_vrf="outside", inside_vrf="vrf1"), True),
        (SessionFilter(front_vrf=None), False),
        (SessionFilter(inside_vrf=None), False),
        (SessionFilter(interface="Serial1/2.1"), True),
        (SessionFilter(interface="Serial1/0.1"), False),
    ],
)
def test_a_filter_looks_at_the_session(router: Router, wanted: SessionFilter, taken: bool) -> None:
    session = up_session(router, front_vrf="outside", local_port=4500, remote_port=4500)
    assert wanted.takes(ends_of(session)) is taken
