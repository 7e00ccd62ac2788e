"""Requests to servers: retransmission, the next server, identifiers and source ports, and which answers are taken."""

from __future__ import annotations

from dataclasses import replace
from hashlib import md5
from ipaddress import IPv4Address, IPv6Address

import pytest

from agent.aaa.radius.events import Discarded, NoResponse, Received, Refused, Sent, Withheld
from agent.aaa.radius.exchange import MOST_PORTS, MOST_WAITING, TRANSITIONS, Happening, Stage
from agent.aaa.radius.values import Attribute, Code, Place, Reply, Request
from agent.config.aaa_model import RadiusServer, Secret, ServerGroup, ServerReference, by_identity
from tests.aaa.radius.desk import KEY, NAS, PACKETS, Datagram, Desk, config, log_in, record, server

FIRST, SECOND = IPv4Address("127.0.0.1"), IPv4Address("127.0.0.2")


def attributes_of(datagram: Datagram) -> dict[str, str | int | bytes]:
    return dict(PACKETS.attributes(datagram.packet, KEY.encode(), datagram.packet[4:20]))


def test_a_reply_ends_an_exchange() -> None:
    desk = Desk(config(server(1)))
    desk.ask(request=log_in())
    (asked,) = desk.sent
    assert asked.to == Place(FIRST, 1645)  # IOS's default ports
    desk.answer(asked, Code.ACCESS_ACCEPT, KEY, Attribute("Framed-IP-Address", "10.3.0.7"), Attribute("Class", b"x"))
    reply = desk.replies[1]
    assert isinstance(reply, Reply)
    assert (reply.code, reply.server, list(reply.values("Framed-IP-Address"))) == (Code.ACCESS_ACCEPT, asked.to, ["10.3.0.7"])
    desk.advance(3600)
    assert len(desk.sent) == 1


@pytest.mark.parametrize("make", [record, log_in])
def test_a_retransmission_has_the_same_octets(make: type[Request]) -> None:
    """RFC 5080 §2.2.1: the same identifier and authenticator. IOS: every 5 seconds, three times."""
    desk = Desk(config(server(1)))
    desk.ask(request=make())
    times = [desk.time]
    while desk.exchanges.next_due() is not None:
        times.append(desk.exchanges.next_due() or 0)
        desk.advance(times[-1] - desk.time)
    assert [time - times[0] for time in times] == [0, 5, 10, 15, 20]
    assert len(desk.sent) == 4
    assert len({(each.packet, each.port.number) for each in desk.sent}) == 1
    assert desk.replies == {1: None}
    assert [event.attempt for event in desk.seen(Sent)] == [1, 2, 3, 4]


@pytest.mark.parametrize("retransmission", [0, 1, 3])
def test_an_answer_to_any_transmission_is_taken(retransmission: int) -> None:
    desk = Desk(config(server(1)))
    desk.ask()
    desk.advance(5 * retransmission + 2)
    desk.answer(desk.sent[-1])
    assert desk.replies[1] is not None
    (event,) = desk.seen(Received)
    assert isinstance(event, Received)
    assert (event.delay, event.source, event.status) == (2, desk.opened[0].number, 1)


def test_settings_of_a_server_go_before_those_of_all() -> None:
    desk = Desk(config(server(1, timeout=2, retransmit=1), server(2, timeout=0, retransmit=0)))
    desk.ask()
    desk.advance(3.9)
    assert [str(each.to.address) for each in desk.sent] == ["127.0.0.1", "127.0.0.1"]
    desk.advance(0.2)
    assert str(desk.sent[-1].to.address) == "127.0.0.2"
    assert desk.replies == {1: None}


def test_the_next_server_gets_a_packet_of_its_own() -> None:
    desk = Desk(config(server(1), replace(server(2), key=Secret("other"))))
    desk.ask(request=record(moment=desk.date() - 7))
    desk.advance(20)
    first, second = desk.sent[3], desk.sent[4]
    assert (first.to.address, second.to.address) == (FIRST, SECOND)
    assert first.packet[4:20] != second.packet[4:20]
    # Acct-Delay-Time counts from the event (RFC 2866 §5.2).
    assert (attributes_of(first)["Acct-Delay-Time"], attributes_of(second)["Acct-Delay-Time"]) == (7, 27)
    (event,) = desk.seen(NoResponse)
    assert isinstance(event, NoResponse)
    assert (event.server, event.more, event.identifier) == (first.to, True, first.identifier)
    desk.answer(second, key="other")
    assert desk.replies[1] is not None


@pytest.mark.parametrize(("moment", "delay"), [(1e12, 0), (-1e12, 0xFFFF_FFFF), (float("-inf"), 0xFFFF_FFFF), (float("nan"), 0)])
def test_a_delay_is_one_that_an_attribute_can_have(moment: float, delay: int) -> None:
    """Whatever the file of the spool has as the moment, and whatever date this machine has."""
    desk = Desk(config(server(1)))
    desk.ask(request=record(moment=moment))
    assert attributes_of(desk.sent[0])["Acct-Delay-Time"] == delay


def test_the_answer_to_a_challenge_goes_to_the_server_that_has_made_it_first() -> None:
    """RFC 2865 §5.24: it knows the State. If it is away, the others are asked."""
    desk = Desk(config(server(1, retransmit=0), server(2, retransmit=0)))
    desk.ask(request=log_in())
    desk.advance(5)
    desk.answer(desk.sent[-1], Code.ACCESS_CHALLENGE)
    challenge = desk.replies[1]
    assert challenge is not None
    desk.ask(2, request=replace(log_in(2), first=challenge.server))
    desk.advance(5)
    assert [each.to.address for each in desk.sent] == [FIRST, SECOND, SECOND, FIRST]


def test_a_server_that_answers_late_is_not_believed() -> None:
    desk = Desk(config(server(1), server(2)))
    desk.ask()
    desk.advance(20)
    desk.answer(desk.sent[0])
    assert desk.replies == {}
    assert [event.reason for event in desk.seen(Refused)] == [Discarded.UNKNOWN]


def test_what_the_client_puts_in() -> None:
    desk = Desk(config(server(1)))
    desk.ask(request=record(moment=desk.date() + 5))  # the machine's clock has been set back since
    assert attributes_of(desk.sent[0]) == {
        "Acct-Session-Id": "00000001",
        "Acct-Status-Type": 1,
        "NAS-IP-Address": str(NAS),
        "Acct-Delay-Time": 0,
    }


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda packet: packet[:10], Discarded.MALFORMED),
        (lambda packet: packet[:2] + b"\xff\xff" + packet[4:], Discarded.MALFORMED),
        (lambda packet: packet[:1] + b"\x77" + packet[2:], Discarded.UNKNOWN),
        (lambda packet: b"\x02" + packet[1:], Discarded.CODE),
        (lambda packet: packet[:4] + bytes(16) + packet[20:], Discarded.AUTHENTICATOR),
    ],
)
def test_a_datagram_that_is_no_answer(spoil: object, reason: Discarded) -> None:
    desk = Desk(config(server(1)))
    desk.ask()
    asked = desk.sent[0]
    assert callable(spoil)
    desk.hear(asked, spoil(PACKETS.response(Code.ACCOUNTING_RESPONSE, [], asked.packet, KEY.encode())))
    (event,) = desk.seen(Refused)
    assert isinstance(event, Refused)
    assert (event.reason, event.server, desk.replies) == (reason, asked.to, {})
    desk.answer(asked)  # the right one comes after it
    assert desk.replies[1] is not None


def test_an_answer_from_elsewhere_is_refused() -> None:
    """RFC 2865 §3: the shared secret is that of the source address."""
    desk = Desk(config(server(1), server(2)))
    desk.ask()
    asked = desk.sent[0]
    right = PACKETS.response(Code.ACCOUNTING_RESPONSE, [], asked.packet, KEY.encode())
    for source in (Place(SECOND, 1646), Place(FIRST, 1645), Place(FIRST, 9999), Place(IPv4Address("127.0.0.9"), 1646)):
        desk.hear(asked, right, source)
    assert [event.reason for event in desk.seen(Refused) if isinstance(event, Refused)] == [
        Discarded.UNKNOWN,  # of servers that have not been asked
        Discarded.UNKNOWN,
        Discarded.SOURCE,
        Discarded.SOURCE,
    ]
    assert desk.replies == {}


def test_a_duplicate_is_counted_and_no_more() -> None:
    desk = Desk(config(server(1)))
    desk.ask()
    desk.answer(desk.sent[0])
    desk.answer(desk.sent[0])
    assert desk.replies.keys() == {1}
    assert [event.reason for event in desk.seen(Refused)] == [Discarded.UNKNOWN]


def test_a_genuine_answer_with_a_malformed_attribute_is_discarded() -> None:
    """RFC 2865 §5: an attribute of an invalid length. The packet is discarded, or treated as an Access-Reject."""
    desk = Desk(config(server(1)))
    desk.ask()
    asked, session_timeout = desk.sent[0], b"\x1b\x04ab"  # of two octets
    head = bytes((5, asked.identifier, 0, 24))
    desk.hear(asked, head + md5(head + asked.packet[4:20] + session_timeout + KEY.encode()).digest() + session_timeout)
    assert [event.reason for event in desk.seen(Refused)] == [Discarded.MALFORMED]
    assert desk.replies == {}


def test_a_message_authenticator_may_be_left_out_if_none_is_demanded() -> None:
    for demand in (True, False):
        desk = Desk(config(server(1)), demand=demand)
        desk.ask(request=log_in())
        asked = desk.sent[0]
        desk.hear(asked, PACKETS.response(Code.ACCESS_ACCEPT, [], asked.packet, KEY.encode()))
        assert (1 in desk.replies) is not demand


def test_identifiers_are_taken_in_turn() -> None:
    """RFC 2865 §3: a new one after each valid answer."""
    desk = Desk(config(server(1)))
    for about in range(300):
        desk.ask(about)
        desk.answer(desk.sent[-1])
    assert [each.identifier for each in desk.sent] == [*range(256), *range(44)]
    assert len(desk.opened) == 1


def test_more_requests_than_identifiers_use_more_source_ports() -> None:
    desk = Desk(config(server(1)))
    for about in range(1000):
        desk.ask(about)
    assert len(desk.opened) == 4
    assert len({(each.port.number, each.identifier) for each in desk.sent}) == 1000
    for datagram in reversed(desk.sent):
        desk.answer(datagram)
    assert desk.replies.keys() == set(range(1000))
    assert None not in desk.replies.values()


def test_both_kinds_of_requests_have_identifiers_of_their_own() -> None:
    desk = Desk(config(server(1)))
    for about in range(256):
        desk.ask(about)
        desk.ask(1000 + about, request=log_in())
    assert len(desk.opened) == 1


def test_requests_wait_for_an_identifier_and_are_not_lost() -> None:
    desk = Desk(config(server(1)), ports=2)
    for about in range(600):
        desk.ask(about)
    assert len(desk.sent) == 512
    assert desk.exchanges.load(next(iter(desk.servers)), desk.sent[0].to) == (512, 88)
    for datagram in list(desk.sent):
        desk.answer(datagram)
    assert len(desk.sent) == 600
    for datagram in desk.sent[512:]:
        desk.answer(datagram)
    assert len(desk.replies) == 600
    assert None not in desk.replies.values()


def test_requests_do_not_wait_where_no_source_port_can_be_had() -> None:
    """The system has no socket left: nothing is under way whose end would let them go on."""
    desk = Desk(config(server(1), server(2)), ports=0)
    desk.ask()
    assert (desk.sent, desk.replies) == ([], {1: None})
    desk = Desk(config(server(1), server(2)), ports=1)
    for about in range(300):
        desk.ask(about)
    desk.ports = 0
    desk.exchanges.apply()  # the port is not idle
    for datagram in list(desk.sent):
        desk.answer(datagram)
    assert len(desk.sent) == 300


def test_the_queue_of_a_server_is_bounded() -> None:
    desk = Desk(config(server(1), server(2)), ports=1)
    for about in range(256 + MOST_WAITING + 1):
        desk.ask(about)
    assert desk.sent[-1].to.address == SECOND
    assert len(desk.sent) == 257


def test_there_is_a_most_of_source_ports() -> None:
    desk = Desk(config(server(1)))
    for about in range(256 * MOST_PORTS + 1):
        desk.ask(about)
    assert len(desk.opened) == MOST_PORTS
    assert len(desk.sent) == 256 * MOST_PORTS


def test_a_server_outside_is_not_asked_and_the_next_one_is() -> None:
    desk = Desk(config(server(1), server(2)), outside=[FIRST])
    desk.ask()
    assert [each.to.address for each in desk.sent] == [SECOND]
    assert [event.server for event in desk.seen(Withheld)] == [Place(FIRST, 1646)]
    desk.advance(20)
    assert desk.replies == {1: None}
    assert [event.more for event in desk.seen(NoResponse)] == [False]


@pytest.mark.parametrize(
    ("servers", "group"),
    [
        ([], "radius"),
        ([server(1)], "other"),
        ([replace(server(1), acct_port=0)], "radius"),  # a port 0 is not used
        ([RadiusServer(None, name="later")], "radius"),
    ],
)
def test_a_group_without_a_usable_server_has_no_answer(servers: list[RadiusServer], group: str) -> None:
    desk = Desk(config(*servers))
    desk.ask(group=group)
    assert (desk.sent, desk.replies) == ([], {1: None})


def test_a_server_without_a_key_is_not_asked() -> None:
    settings = config(server(1))
    settings.key = None
    desk = Desk(settings)
    desk.ask()
    assert (desk.sent, desk.replies) == ([], {1: None})


def test_a_log_in_that_no_packet_can_carry_is_refused() -> None:
    """The next method of a list may let everybody in: it must not be asked."""
    desk = Desk(config(server(1)))
    desk.ask(request=log_in(password="x" * 129))
    reply = desk.replies[1]
    assert reply is not None
    assert (reply.code, desk.sent) == (Code.ACCESS_REJECT, [])
    desk.ask(2, request=log_in())
    assert desk.sent[0].identifier == 0  # the identifier is free again


def test_groups_have_their_servers_in_order() -> None:
    settings = config(server(1), server(2))
    private = RadiusServer(FIRST, key=Secret("private"))
    settings.servers["three"] = RadiusServer(IPv4Address("127.0.0.3"), name="three")
    settings.groups["g"] = ServerGroup(
        "g", by_identity((ServerReference("three"), ServerReference(address=SECOND), ServerReference("none"), private))
    )
    desk = Desk(settings)
    desk.ask(group="g")
    desk.advance(60)
    assert [str(each.to.address) for each in desk.sent[::4]] == ["127.0.0.3", "127.0.0.2", "127.0.0.1"]
    assert [str(each.name) for each in desk.servers] == [
        "127.0.0.1:1645,1646",
        "127.0.0.2:1645,1646",
        "127.0.0.3:1645,1646",
        "127.0.0.1:1645,1646",  # the private one is another server, with a key of its own
    ]


def test_ipv6() -> None:
    desk = Desk(config(RadiusServer(IPv6Address("::1"))))
    desk.ask()
    assert (desk.sent[0].to, desk.opened[0].local) == (Place(IPv6Address("::1"), 1646), "::1")
    desk.answer(desk.sent[0])
    assert desk.replies[1] is not None


def test_a_server_that_is_removed_leaves_its_requests_to_the_next() -> None:
    settings = config(server(1), server(2))
    desk = Desk(settings, ports=1)
    for about in range(300):  # some of them wait for an identifier
        desk.ask(about)
    settings.hosts = by_identity([server(2)])
    desk.exchanges.apply()
    desk.advance(0)
    assert {each.to.address for each in desk.sent[256:]} == {SECOND}
    for datagram in list(desk.sent[256:]):
        desk.answer(datagram)
    for datagram in desk.sent[512:]:
        desk.answer(datagram)
    assert len(desk.replies) == 300
    assert None not in desk.replies.values()


def test_requests_that_wait_for_a_server_without_a_key_go_to_the_next() -> None:
    settings = config(replace(server(1), key=Secret(KEY)), server(2))
    desk = Desk(settings, ports=1)
    for about in range(300):
        desk.ask(about)
    settings.hosts, settings.key = by_identity([server(1), replace(server(2), key=Secret(KEY))]), None
    desk.exchanges.apply()
    desk.advance(0)
    assert {each.to.address for each in desk.sent[256:]} == {SECOND}


def test_many_requests_change_their_server_in_shares() -> None:
    """So that the event loop goes on meanwhile."""
    settings = config(server(1), server(2))
    desk = Desk(settings)
    for about in range(2000):
        desk.ask(about)
    settings.hosts = by_identity([server(2)])
    desk.exchanges.apply()
    for turn in range(1, 4):
        assert desk.exchanges.next_due() == desk.time
        desk.exchanges.run(64)
        assert len(desk.sent) == 2000 + 64 * turn


def test_a_group_that_is_removed_ends_its_requests() -> None:
    settings = config(server(1), server(2))
    settings.groups["g"] = ServerGroup("g", by_identity((ServerReference(address=FIRST), ServerReference(address=SECOND))))
    desk = Desk(settings, ports=1)
    for about in range(300):
        desk.ask(about, "g")
    del settings.groups["g"]
    desk.exchanges.apply()
    desk.advance(60)
    assert set(desk.replies.values()) == {None}
    assert len(desk.replies) == 300


def test_a_server_that_stays_goes_on() -> None:
    settings = config(server(1))
    desk = Desk(settings)
    desk.ask()
    settings.key, settings.timeout = Secret("new"), 1
    desk.exchanges.apply()
    desk.advance(0)
    desk.answer(desk.sent[0])  # the packet was made with the key before
    assert desk.replies[1] is not None
    desk.ask(2)
    desk.answer(desk.sent[1], key="new")
    assert desk.replies[2] is not None


def test_idle_source_ports_are_closed_with_a_new_configuration() -> None:
    desk = Desk(config(server(1)))
    desk.ask()
    desk.answer(desk.sent[0])
    desk.exchanges.apply()
    desk.advance(0)
    assert desk.opened[0].closed
    desk.ask(2)
    assert (desk.sent[1].port, len(desk.opened)) == (desk.opened[1], 2)


def test_a_closed_client_answers_nobody() -> None:
    desk = Desk(config(server(1)), ports=1)
    for about in range(300):
        desk.ask(about)
    desk.exchanges.close()
    assert desk.exchanges.next_due() is None
    assert desk.replies == {}
    assert all(port.closed for port in desk.opened)


def test_every_stage_says_what_moves_it() -> None:
    """The table is whole: each stage but the ends is left, and each happening is somewhere."""
    assert set(TRANSITIONS) == set(Stage)
    assert {happening for row in TRANSITIONS.values() for happening in row} == set(Happening)
    assert [stage for stage, row in TRANSITIONS.items() if not row] == [Stage.ANSWERED, Stage.UNANSWERED]
