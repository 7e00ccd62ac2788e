"""Whatever comes in whatever order, each request ends once, and no identifier is lost or used twice."""

from __future__ import annotations

import random
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.aaa.radius.attributes import Codecs
from agent.aaa.radius.values import Attribute, Code, Request
from agent.config.aaa_model import DeadCriteria, RadiusConfig, Secret, ServerGroup, ServerReference, by_identity
from tests.aaa.radius.desk import KEY, Datagram, Desk, config, log_in, record, server

STEPS = 500


def changed(settings: RadiusConfig, chance: random.Random) -> None:
    """Another configuration: servers go and come, in groups, with other settings."""
    settings.hosts = by_identity(
        replace(
            server(number, timeout=chance.randrange(1, 9), retransmit=chance.randrange(3)), acct_port=chance.choice((0, 1646, 1646))
        )
        for number in chance.sample(range(1, 5), chance.randrange(5))
    )
    settings.key = chance.choice((None, Secret(KEY), Secret(KEY), Secret(KEY)))
    settings.deadtime = chance.randrange(3)
    settings.dead_criteria = DeadCriteria(chance.randrange(1, 20), chance.randrange(1, 9))
    references = tuple(ServerReference(address=IPv4Address(f"127.0.0.{number}")) for number in (3, 1, 2))
    private = replace(server(1), key=Secret(KEY), retransmit=1)
    settings.groups = (
        {} if chance.random() < 0.3 else {"g": ServerGroup("g", by_identity((*references, private)), chance.randrange(2))}
    )


@pytest.mark.parametrize("seed", range(4))
def test_each_request_ends_once(seed: int) -> None:
    chance = random.Random(seed)
    settings = config(server(1), server(2), server(3))
    desk = Desk(settings, ports=chance.choice((1, 2, 1000)))
    asked = 0
    answerable: list[Datagram] = []
    for step in range(STEPS):
        kind = chance.random()
        if kind < 0.5:
            for _ in range(chance.choice((1,) * 9 + (300,))):
                asked += 1
                desk.ask(asked, chance.choice(("radius", "g")), log_in(asked) if chance.random() < 0.3 else record(asked))
        elif kind < 0.85:
            answerable = (answerable + desk.sent)[-2000:]
            desk.sent.clear()
            for _ in range(min(len(answerable), chance.choice((1, 1, 10, 500)))):
                datagram = chance.choice(answerable)  # again and again, early and late
                if not datagram.port.closed:
                    desk.answer(datagram, key=chance.choice((KEY, KEY, KEY, "wrong")))
        elif kind < 0.97:
            desk.advance(chance.choice((0.1, 1, 7, 100)))
        else:
            changed(settings, chance)
            desk.exchanges.apply()
        if step % 20 == 0:
            desk.check()
    for _ in range(20):
        desk.advance(3600)
    desk.check()
    assert desk.replies.keys() == set(range(1, asked + 1))
    assert any(desk.replies.values())
    assert None in desk.replies.values()


NAMES = st.sampled_from(sorted(Codecs()._by_name)) | st.text()
VALUES = st.text() | st.binary(max_size=300) | st.integers() | st.none() | st.floats() | st.lists(st.integers())


@given(attributes=st.lists(st.tuples(NAMES, VALUES)), proof=st.none() | st.text(max_size=200))
def test_whatever_is_asked_does_not_raise(attributes: list[tuple[Any, Any]], proof: str | None) -> None:
    """A record is sent without what no packet can have. A log-in is sent whole, or refused."""
    desk = Desk(config(server(1)))
    for code in (Code.ACCOUNTING_REQUEST, Code.ACCESS_REQUEST):
        desk.ask(code, request=Request(code, tuple(Attribute(*each) for each in attributes), code, proof))
    assert Code.ACCOUNTING_REQUEST not in desk.replies
    for datagram in desk.sent:
        desk.answer(datagram)
    assert {about: reply is not None for about, reply in desk.replies.items()} == {1: True, 4: True}
    desk.check()
