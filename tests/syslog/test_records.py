"""Messages that records of the flow monitor cause: sessions, in the form of Cisco's guide; refused messages and packets.

The texts of the others are those of Cisco's system message guides; docs/failures.md lists them, and tests/lab causes each.
"""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from agent.base.clock import VirtualClock
from agent.config.model import RouterConfig
from agent.flow.model import Endpoint, EndReason, Identity
from agent.flow.refusals import DefaultsKind, IkeExchange, InnerPacket, MessageFault, PacketFault
from agent.syslog.records import RecordLog
from agent.syslog.syslog import Syslog
from tests.flow.builders import HUB, SPOKE
from tests.flow.router import Router

PEER = IPv4Address("10.6.6.1")
GATEWAY = "SJC24-2-VPN-Gateway"


@pytest.fixture
def router() -> Router:
    return Router()


def lines_of(router: Router, logging_session: bool = True) -> list[str]:
    """The messages that the router's records cause from now on."""
    config = RouterConfig()
    config.crypto.logging_session = logging_session
    lines: list[str] = []
    syslog = Syslog(VirtualClock())
    syslog.subscribe(lambda entry: lines.append(str(entry.message)))
    router.monitor.subscribe(RecordLog(config, router.monitor, syslog))
    return lines


def said(state: str, rest: str) -> str:
    return f"%CRYPTO-5-SESSION_STATUS: Crypto session is {state}. Peer 10.6.6.1:{rest}"


@pytest.mark.parametrize(
    ("front", "inside", "description", "expected"),
    [
        ("name10", "name20", GATEWAY, f"500 fvrf=name10 ivrf=name20 Description: {GATEWAY} Id: 10.5.5.2"),
        ("name10", "name20", "", "500 fvrf=name10 ivrf=name20 Id: 10.5.5.2"),
        (None, "name20", "", "500 ivrf=name20 Id: 10.5.5.2"),
        ("name10", None, "", "500 fvrf=name10 Id: 10.5.5.2"),
        (None, None, "connection from site A", "500 Description: connection from site A Id: 10.5.5.2"),
        (None, None, "", "500 Id: 10.5.5.2"),
    ],
)
def test_a_session_comes_up_and_goes(
    router: Router, front: str | None, inside: str | None, description: str, expected: str
) -> None:
    lines = lines_of(router)
    ike = router.ike(inside, PEER, remote=Identity(True, "10.5.5.2"), front_vrf=front, description=description)
    tunnel = router.ipsec(ike, remote_address=PEER)
    assert lines == [said("UP", expected)]
    router.monitor.ipsec_ended(tunnel, EndReason.PEER_DELETE)
    assert lines[1:] == [said("DOWN", expected)]


def test_a_client_behind_a_nat_is_named_by_its_group_and_its_port(router: Router) -> None:
    lines = lines_of(router)
    router.ipsec(router.ike(None, PEER, remote=Identity(False, "ezvpn"), remote_port=40501, local_port=4500))
    assert lines == [said("UP", "40501 Id: ezvpn")]


def test_a_session_is_logged_once_whatever_tunnels_it_has(router: Router) -> None:
    lines = lines_of(router)
    ike = router.ike(None, PEER)
    first, second = router.ipsec(ike), router.ipsec(ike, first_spi=512)
    router.monitor.ipsec_ended(first, EndReason.NORMAL)
    assert len(lines) == 1
    router.monitor.ipsec_ended(second, EndReason.NORMAL)
    assert len(lines) == 2


def test_without_crypto_logging_session_sessions_are_not_logged(router: Router) -> None:
    lines = lines_of(router, logging_session=False)
    router.monitor.ipsec_ended(router.ipsec(router.ike(None, PEER)), EndReason.NORMAL)
    assert lines == []


def test_default_settings_are_logged_when_they_are_used(router: Router) -> None:
    lines = lines_of(router)
    router.monitor.reports.defaults_used(None, DefaultsKind.ISAKMP_POLICIES)
    router.monitor.reports.defaults_used(None, DefaultsKind.TRANSFORM_SETS)
    assert lines == [
        "%CRYPTO-6-IKMP_POLICY_DEFAULT: Using ISAKMP Default policies",
        "%CRYPTO-5-IPSEC_DEFAULT_TRANSFORM: Using Default IPsec transform-set",
    ]


def test_an_operator_who_deletes_an_ike_sa_is_told_of_its_ipsec_sas(router: Router) -> None:
    lines = lines_of(router, logging_session=False)
    alone = router.ike(None, PEER)
    router.monitor.ike_ended(alone, EndReason.OPERATOR)
    assert lines == []
    ike = router.ike(None, PEER)
    router.ipsec(ike)
    router.monitor.ike_ended(ike, EndReason.OPERATOR)
    assert lines == [
        "%CRYPTO-6-ISAKMP_MANUAL_DELETE: IKE SA manually deleted. Do 'clear crypto sa peer 10.6.6.1'"
        " to manually clear IPSec SA's covered by this IKE SA."
    ]


def test_each_fault_of_a_message_has_a_message(router: Router) -> None:
    lines = lines_of(router)
    for fault in MessageFault:
        before = len(lines)
        router.monitor.reports.message_refused(None, fault, HUB, PEER, IkeExchange.TRANSACTION, authentication="rsa-sig")
        assert len(lines) > before, fault
    assert "%CRYPTO-6-IKMP_MODE_FAILURE: Processing of Transaction mode failed with peer at 10.6.6.1" in lines
    assert "%CRYPTO-6-IKMP_AUTH_FAIL: Authentication method 3 failed with host 10.6.6.1" in lines


def test_what_an_engine_does_not_know_is_not_logged(router: Router) -> None:
    """Neither the exchange of a refused message, nor the method of a failed proof."""
    lines = lines_of(router)
    router.monitor.reports.message_refused(None, MessageFault.REFUSED, HUB, PEER)
    router.monitor.reports.message_refused(None, MessageFault.NOT_AUTHENTIC, HUB, PEER)
    assert lines == []


def test_packets_are_named_by_their_vrf_and_their_flow(router: Router) -> None:
    lines = lines_of(router, logging_session=False)
    network = Endpoint("subnet", IPv4Address("10.22.1.0"), IPv4Address("255.255.255.0"), 6, 443)
    tunnel = router.ipsec(router.ike(), local=(network,))
    inner = InnerPacket(IPv4Address("10.9.9.9"), IPv4Address("10.22.1.1"), 17)
    router.monitor.reports.packet_refused("vrf1", PacketFault.WRONG_FLOW, SPOKE, HUB, 50, 152, tunnel=tunnel, inner=inner)
    router.monitor.reports.packet_refused("vrf1", PacketFault.NOT_PROTECTED, SPOKE, HUB, 132, 100)
    router.monitor.reports.packet_refused("vrf1", PacketFault.BAD_LENGTH, SPOKE, HUB, 51, 36, tunnel=tunnel)
    assert lines == [
        "%CRYPTO-4-RECVD_PKT_INV_IDENTITY: identity doesn't match negotiated identity"
        " (ip) dest_addr= 10.22.1.1, src_addr= 10.9.9.9, prot= 17"
        " (ident) local=10.1.1.2, remote=10.1.1.1,"
        " local_proxy=10.22.1.0/255.255.255.0/6/443, remote_proxy=10.20.1.1/255.255.255.255/0/0",
        "%CRYPTO-4-RECVD_PKT_NOT_IPSEC: Rec'd packet not an IPSEC packet."
        " (ip) vrf/dest_addr= vrf1/10.1.1.2, src_addr= 10.1.1.1, prot= 132",
        "%CRYPTO-4-RECVD_PKT_MSG_LEN_ERR: decapsulate: packet has bad ah length destadr=10.1.1.2, prot=51, len=36",
    ]
