"""The messages about RADIUS servers (Cisco IOS System Messages, RADIUS)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from agent.aaa.radius.events import AllServersDead, NoResponse, RadiusEvent, ServerAlive, ServerDead
from agent.aaa.radius.messages import log_event
from agent.aaa.radius.values import Code, Place, ServerName
from agent.syslog.message import Message

SERVER = ServerName(IPv4Address("10.1.1.4"), 1645, 1646)
SIX = ServerName(IPv6Address("2001:db8::4"), 1812, 1813, "paris")


@pytest.mark.parametrize(
    ("event", "messages"),
    [
        (ServerDead(SERVER), ["%RADIUS-4-RADIUS_DEAD: RADIUS server 10.1.1.4:1645,1646 is not responding."]),
        (ServerDead(SIX), ["%RADIUS-4-RADIUS_DEAD: RADIUS server 2001:db8::4:1812,1813 is not responding."]),
        (ServerAlive(SERVER), ["%RADIUS-4-RADIUS_ALIVE: RADIUS server 10.1.1.4:1645,1646 is being marked alive."]),
        (
            ServerAlive(SERVER, "billing"),
            [
                "%RADIUS-6-SERVERALIVE: Group billing: Radius server 10.1.1.4:1645,1646 is responding again (previously dead).",
                "%RADIUS-4-RADIUS_ALIVE: RADIUS server 10.1.1.4:1645,1646 is being marked alive.",
            ],
        ),
        (AllServersDead(7, "radius"), ["%RADIUS-3-ALLDEADSERVER: Group radius: No active radius servers found. Id 7."]),
        (NoResponse(7, SERVER, Place(SERVER.address, 1646), Code.ACCOUNTING_REQUEST, 1, more=False), []),
    ],
)
def test_each_event_has_its_messages(event: RadiusEvent, messages: list[str]) -> None:
    logged: list[Message] = []
    log_event(event, logged.append)
    assert [str(message) for message in logged] == messages
