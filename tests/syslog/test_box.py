"""Messages about the router itself, in IOS's words."""

from __future__ import annotations

import pytest

from agent.base.origin import CONSOLE, TIMELINE, Origin, OriginKind, manager
from agent.syslog.box import LinkState, config_message, link_messages, restart_message

UP, DOWN, SHUT = LinkState(True, True), LinkState(True, False), LinkState(False, False)


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        (CONSOLE, "Configured from console by console"),
        (TIMELINE, "Configured from console by console"),
        (Origin(OriginKind.CONSOLE, "alice"), "Configured from console by alice on console"),
        (Origin(OriginKind.SSH, "alice", "vty0", "127.0.0.1"), "Configured from console by alice on vty0 (127.0.0.1)"),
        (Origin(OriginKind.SSH, "", "vty1", "10.0.0.1"), "Configured from console by vty1 (10.0.0.1)"),
        (manager("10.1.0.100"), "Configured from 10.1.0.100 by snmp"),
    ],
)
def test_who_configured_is_told_as_ios_tells_it(origin: Origin, text: str) -> None:
    assert str(config_message(origin)) == f"%SYS-5-CONFIG_I: {text}"


def test_a_restart_tells_what_the_router_is() -> None:
    message = restart_message("Cisco IOS Software, 3700 Software\r\nTechnical Support: nobody")
    assert str(message) == "%SYS-5-RESTART: System restarted --"
    assert message.more == ("Cisco IOS Software, 3700 Software", "Technical Support: nobody")


LINK = "%LINK-3-UPDOWN: Interface X, changed state to"
PROTOCOL = "%LINEPROTO-5-UPDOWN: Line protocol on Interface X, changed state to"
SHUTDOWN = "%LINK-5-CHANGED: Interface X, changed state to administratively down"


@pytest.mark.parametrize(
    ("before", "after", "has_carrier", "told"),
    [
        (UP, SHUT, True, [SHUTDOWN, f"{PROTOCOL} down"]),
        (UP, SHUT, False, [SHUTDOWN, f"{PROTOCOL} down"]),
        (DOWN, SHUT, True, [SHUTDOWN]),
        (SHUT, UP, True, [f"{LINK} up", f"{PROTOCOL} up"]),
        (SHUT, UP, False, [f"{LINK} up", f"{PROTOCOL} up"]),
        (SHUT, DOWN, True, [f"{LINK} down"]),
        (UP, DOWN, True, [f"{LINK} down", f"{PROTOCOL} down"]),
        (DOWN, UP, True, [f"{LINK} up", f"{PROTOCOL} up"]),
        (UP, DOWN, False, [f"{PROTOCOL} down"]),
        (DOWN, UP, False, [f"{PROTOCOL} up"]),
        (UP, UP, True, []),
    ],
)
def test_each_change_of_an_interface(before: LinkState, after: LinkState, has_carrier: bool, told: list[str]) -> None:
    assert [str(message) for message in link_messages("X", before, after, has_carrier)] == told
