"""How often refused packets and messages are told of: of each kind one in an interval, so that a flood does not fill the log."""

from __future__ import annotations

import pytest

from agent.base.clock import SECOND
from agent.crypto import ip
from agent.crypto.doi import Exchange, NotifyType, Protocol
from agent.crypto.isakmp import Header
from agent.crypto.payloads import Notification
from agent.flow.records import IkeMessageRefused, PacketRefused
from agent.flow.refusals import IkeExchange, MessageFault, PacketFault
from tests.crypto.in_the_clear import encode_message
from tests.lab.bringing import EAST, WEST, on_the_way, ping, port_of, up
from tests.lab.bringing_phase1 import BY_PROFILE
from tests.lab.conftest import MakePair
from tests.lab.test_sessions import recorded


def datagram(source: int, data: bytes) -> bytes:
    payload = ip.encode_udp(source, WEST, ip.Datagram(500, 500, data))
    return ip.Packet(source, WEST, ip.UDP, payload).encode()


def test_a_failed_integrity_check_is_told_of_every_half_minute(make_pair: MakePair) -> None:
    """Cisco's document 116085: these messages are limited to one in 30 seconds."""
    lab = up(make_pair())
    records = recorded(lab, "west")
    on_the_way(lab, "west", lambda octets: octets[:-1] + bytes((octets[-1] ^ 1,)) if octets[9] == ip.ESP else octets)
    begun = lab.clock.now()
    for _ in range(7):  # each takes two seconds, and is lost
        assert ping(lab) == 0
        lab.wait(8)
    told = [record for record in records if isinstance(record, PacketRefused)]
    assert [record.fault for record in told] == [PacketFault.NOT_AUTHENTIC] * 3
    assert [(record.at - begun) // SECOND for record in told] == [0, 30, 60]


def test_an_unknown_spi_is_told_of_every_minute_for_as_long_as_it_is_used(make_pair: MakePair) -> None:
    """Cisco's document 115801: the message is limited to one a minute, and one that persists means SAs out of step."""
    lab = make_pair()
    records = recorded(lab, "west")
    stray = ip.Packet(0xC0000209, WEST, ip.ESP, bytes.fromhex("000011110000002a") + bytes(32)).encode()
    for _ in range(5):
        port_of(lab, "west").receive(stray)
        lab.wait(25)
    told = [record for record in records if isinstance(record, PacketRefused)]
    assert [record.at // SECOND for record in told] == [0, 75]
    assert [(record.fault, record.spi, record.sequence, str(record.source)) for record in told] == [
        (PacketFault.NO_SA, 0x1111, 42, "192.0.2.9")
    ] * 2


def test_a_flood_of_bad_messages_is_told_of_seldom_and_hides_no_other_peer(make_pair: MakePair) -> None:
    lab = make_pair()
    records = recorded(lab, "west")
    for _ in range(200):
        port_of(lab, "west").receive(datagram(0xC0000209, b"nonsense"))
    port_of(lab, "west").receive(datagram(0xC000020A, b"nonsense"))
    told = [record for record in records if isinstance(record, IkeMessageRefused)]
    assert {record.fault for record in told} == {MessageFault.MALFORMED}
    assert [str(record.remote_address) for record in told] == ["192.0.2.9"] * 10 + ["192.0.2.10"]


def test_an_initiator_may_not_begin_aggressive_mode_either(make_pair: MakePair) -> None:
    """The message's words are: unable to initiate or respond to Aggressive Mode while disabled."""
    lab = make_pair(east={**BY_PROFILE, "lines": BY_PROFILE["lines"] + "crypto isakmp aggressive-mode disable\n"})
    records = recorded(lab, "east")
    ping(lab)
    told = [record for record in records if isinstance(record, IkeMessageRefused)]
    assert [(record.fault, record.exchange) for record in told] == [(MessageFault.DISABLED, None)]


@pytest.mark.parametrize("exchange", [Exchange.QUICK, Exchange.TRANSACTION, Exchange.INFORMATIONAL])
def test_a_message_to_a_live_sa_in_the_clear(make_pair: MakePair, exchange: Exchange) -> None:
    """RFC 2409 §5.5 and §5.7: once there are keys, everything is encrypted."""
    lab = up(make_pair())
    records = recorded(lab, "west")
    (tunnel,) = lab.flow("west").ike_tunnels.values()
    header = Header(tunnel.facts.initiator_cookie, tunnel.facts.responder_cookie, 0, exchange, 0, 99)
    message = encode_message(header, (Notification(Protocol.ISAKMP, NotifyType.NO_PROPOSAL_CHOSEN),))
    port_of(lab, "west").receive(datagram(EAST, message))
    told = [record for record in records if isinstance(record, IkeMessageRefused)]
    assert [(record.fault, record.exchange, record.index) for record in told] == [
        (MessageFault.IN_THE_CLEAR, IkeExchange(exchange.name.lower()), tunnel.index)
    ]
