"""Which servers are dead (Cisco's reference: `radius-server deadtime`, `radius-server dead-criteria`, `show aaa dead-criteria`)."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from agent.aaa.radius.events import AllServersDead, ServerAlive, ServerDead
from agent.aaa.radius.servers import key_of
from agent.aaa.radius.values import Code, Place, ServerName
from agent.config.aaa_model import DeadCriteria, RadiusConfig, Secret, ServerGroup, ServerReference, by_identity
from tests.aaa.radius.desk import Desk, config, log_in, record, server

FIRST, SECOND = IPv4Address("127.0.0.1"), IPv4Address("127.0.0.2")
FIRST_NAME = ServerName(FIRST, 1645, 1646)


def with_criteria(time: int | None, tries: int | None, deadtime: int = 5) -> RadiusConfig:
    settings = config(server(1), server(2), deadtime=deadtime)
    settings.dead_criteria = DeadCriteria(time, tries)
    return settings


def asked_first(desk: Desk, about: int) -> IPv4Address:
    """The server that a new request goes to first; it answers."""
    desk.ask(about)
    address = desk.sent[-1].to.address
    assert isinstance(address, IPv4Address)
    return address


def test_a_dead_server_is_passed_over_for_its_dead_time() -> None:
    desk = Desk(with_criteria(1, 4))
    desk.ask()
    desk.advance(20)  # four transmissions, five seconds each
    assert desk.seen(ServerDead) == [ServerDead(FIRST_NAME)]
    desk.answer(desk.sent[-1])
    assert asked_first(desk, 2) == SECOND
    desk.answer(desk.sent[-1])
    desk.advance(299)
    assert asked_first(desk, 3) == SECOND
    desk.answer(desk.sent[-1])
    desk.advance(2)
    assert desk.seen(ServerAlive) == [ServerAlive(FIRST_NAME)]
    assert asked_first(desk, 4) == FIRST


def test_both_criteria_must_be_met() -> None:
    settings = with_criteria(60, 4)
    settings.hosts = by_identity([server(1, retransmit=20)])
    desk = Desk(settings)
    desk.ask()
    desk.answer(desk.sent[-1])  # it was heard now
    desk.ask(2)
    desk.advance(59)
    assert desk.seen(ServerDead) == []  # eleven tries have been in vain, but not for a minute
    desk.advance(1)
    assert desk.seen(ServerDead) == [ServerDead(FIRST_NAME)]


def test_a_server_never_heard_needs_no_time() -> None:
    """ "If a packet has not been received since the router booted, and there is a timeout, the time criterion" is met."""
    desk = Desk(with_criteria(120, 1))
    desk.ask()
    desk.advance(5)
    assert desk.seen(ServerDead) == [ServerDead(FIRST_NAME)]


def test_tries_are_counted_over_both_kinds_of_requests_and_begin_anew_with_a_valid_packet() -> None:
    desk = Desk(with_criteria(1, 6))
    desk.ask(request=log_in())
    desk.ask(2, request=record(2))
    desk.advance(11)  # two tries of each
    desk.answer(desk.sent[0])
    desk.advance(9)
    assert desk.seen(ServerDead) == []
    assert next(iter(desk.servers)).timeouts == 2  # since the answer


@pytest.mark.parametrize(
    ("outstanding", "retransmit", "time", "tries"),
    [
        (0, 3, 10, 10),  # the least
        (5, 3, 25, 20),  # 25 seconds at five transactions, as in the example of `show aaa dead-criteria`
        (1000, 3, 60, 100),  # the most
        (2, 9, 10, 20),
    ],
)
def test_criteria_that_are_not_configured_follow_the_load(outstanding: int, retransmit: int, time: int, tries: int) -> None:
    desk = Desk(config(server(1, retransmit=retransmit)))
    for about in range(outstanding):
        desk.ask(about)
    assert desk.servers.criteria(next(iter(desk.servers))) == (time, tries)


def test_without_a_dead_time_a_dead_server_is_alive_at_once() -> None:
    desk = Desk(with_criteria(1, 4, deadtime=0))
    desk.ask()
    desk.advance(20)
    assert [type(event) for event in desk.events if isinstance(event, ServerDead | ServerAlive)] == [ServerDead, ServerAlive]
    assert asked_first(desk, 2) == FIRST


def test_if_all_servers_are_dead_they_are_asked_all_the_same() -> None:
    desk = Desk(with_criteria(1, 4))
    desk.ask()
    desk.advance(40)
    assert desk.seen(ServerDead) == [ServerDead(FIRST_NAME), ServerDead(ServerName(SECOND, 1645, 1646))]
    assert desk.replies == {1: None}
    assert asked_first(desk, 2) == FIRST
    assert desk.seen(AllServersDead) == [AllServersDead(2, "radius")]


def test_a_dead_server_that_answers_is_alive() -> None:
    desk = Desk(with_criteria(1, 4))
    desk.ask()
    desk.advance(40)
    desk.ask(2)
    desk.answer(desk.sent[-1])
    assert desk.seen(ServerAlive) == [ServerAlive(FIRST_NAME, "radius")]
    assert asked_first(desk, 3) == FIRST


def test_a_group_may_have_its_own_dead_time() -> None:
    settings = with_criteria(1, 4, deadtime=0)
    settings.groups["g"] = ServerGroup(
        "g", by_identity((ServerReference(address=FIRST), ServerReference(address=SECOND))), deadtime=2
    )
    desk = Desk(settings)
    desk.ask(group="g")
    desk.advance(20)
    desk.answer(desk.sent[-1])
    assert asked_first(desk, 2) == SECOND
    desk.advance(121)
    assert asked_first(desk, 3) == FIRST


def test_what_waits_for_a_dead_server_goes_to_the_next() -> None:
    desk = Desk(with_criteria(1, 4), ports=1)
    for about in range(300):
        desk.ask(about)
    desk.advance(5)
    waited = [each for each in desk.sent if each.to.address == SECOND]
    assert len(waited) == 44
    assert desk.exchanges.load(next(iter(desk.servers)), desk.sent[0].to) == (256, 0)


def test_the_state_of_a_server_survives_a_new_configuration() -> None:
    settings = with_criteria(1, 4)
    desk = Desk(settings)
    desk.ask()
    desk.advance(20)
    first, *others = settings.hosts
    settings.timeout, settings.hosts = 9, by_identity([replace(first, retransmit=7), *others])
    desk.servers.apply()
    first = next(iter(desk.servers))
    assert (first.dead_until is None, first.deaths) == (False, 1)
    assert (first.settings.timeout, first.settings.retransmit) == (9, 7)


def test_how_long_a_server_was_dead() -> None:
    desk = Desk(with_criteria(1, 4, deadtime=5))
    desk.ask()
    desk.advance(20)
    first = next(iter(desk.servers))
    desk.advance(400)
    assert (first.since, first.previous, first.dead_time, first.deaths) == (1000 + 20 + 300, 300, 300, 1)


def test_each_server_has_a_number_of_its_own() -> None:
    settings = config(server(1), server(2))
    desk = Desk(settings)
    settings.hosts = by_identity([server(3), server(2)])
    desk.servers.apply()
    assert [(each.number, str(each.name.address)) for each in desk.servers] == [(3, "127.0.0.3"), (2, "127.0.0.2")]


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        (Secret("cisco"), b"cisco"),
        (Secret("070C285F4D06", 7), b"cisco"),
        (Secret("pässwörd"), "pässwörd".encode()),
        (Secret("zz0C", 7), None),
        (Secret("x", 6), None),  # encrypted by a master key that the configuration does not have
        (Secret(""), None),
        (None, None),
    ],
)
def test_the_octets_of_a_shared_secret(secret: Secret | None, key: bytes | None) -> None:
    assert key_of(secret) == key


def test_ports_by_the_kind_of_request() -> None:
    desk = Desk(config(replace(server(1), auth_port=1812, acct_port=1813)))
    first = next(iter(desk.servers))
    assert (first.place(Code.ACCESS_REQUEST).port, first.place(Code.ACCOUNTING_REQUEST).port) == (1812, 1813)


def test_servers_with_the_same_ports_have_hashes_of_their_own() -> None:
    """Thousands of them are looked up in a dict at each new configuration."""
    addresses = [IPv4Address("10.1.0.0") + number for number in range(1000)]
    assert len({hash(ServerName(address, 1812, 1813)) for address in addresses}) == 1000
    assert len({hash(Place(address, 1812)) for address in addresses}) == 1000
