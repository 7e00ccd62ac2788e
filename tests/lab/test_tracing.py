"""Each IKE message as `debug crypto isakmp` tells of it, in the words of IOS; nothing is told while nobody asks."""

from __future__ import annotations

from typing import Any

import pytest

from agent.flow.records import IkeMessagePassed
from agent.syslog.debug import Debug, Debugging
from agent.syslog.syslog import Syslog
from tests.lab.bringing import on_the_way, ping, start_ping
from tests.lab.bringing_phase1 import BY_PROFILE
from tests.lab.conftest import MakePair
from tests.lab.test_sessions import recorded


def debugged(lab: Any, name: str) -> list[str]:
    """The first lines of what a router's log gets from now on."""
    router, lines = lab.lab.routers[name], []
    syslog = Syslog(lab.clock)
    syslog.subscribe(lambda entry: lines.append(str(entry.message)))
    Debugging(router.document.config, router.monitor, syslog).switch(Debug.ISAKMP, on=True)
    return lines


def passed(lines: list[str]) -> list[str]:
    """Those about messages, without what they all have."""
    return [line for line in lines if "packet" in line]


def test_main_and_quick_mode_at_the_initiator(make_pair: MakePair) -> None:
    lab = make_pair()
    lines = debugged(lab, "east")
    ping(lab, 2)
    to, by = "to 192.0.2.2 my_port 500 peer_port 500", "from 192.0.2.2 dport 500 sport 500 Global"
    assert lines[0] == "ISAKMP:(0): beginning Main Mode exchange"
    assert passed(lines) == [
        f"ISAKMP:(0): sending packet {to} (I) MM_NO_STATE",
        f"ISAKMP (0): received packet {by} (I) MM_NO_STATE",
        f"ISAKMP:(0): sending packet {to} (I) MM_SA_SETUP",
        f"ISAKMP (0): received packet {by} (I) MM_SA_SETUP",
        f"ISAKMP:(0): sending packet {to} (I) MM_KEY_EXCH",
        f"ISAKMP (0): received packet {by} (I) MM_KEY_EXCH",
        f"ISAKMP:(1): sending packet {to} (I) QM_IDLE      ",
        f"ISAKMP (1): received packet {by} (I) QM_IDLE      ",
        f"ISAKMP:(1): sending packet {to} (I) QM_IDLE      ",
    ]


def test_a_new_sa_at_the_responder(make_pair: MakePair) -> None:
    lab = make_pair()
    lines = debugged(lab, "west")
    ping(lab)
    assert lines[:2] == [
        "ISAKMP (0): received packet from 192.0.2.1 dport 500 sport 500 Global (N) NEW SA",
        "ISAKMP:(0): sending packet to 192.0.2.1 my_port 500 peer_port 500 (R) MM_SA_SETUP",
    ]


def test_aggressive_mode(make_pair: MakePair) -> None:
    lab = make_pair(east=BY_PROFILE)
    lines = debugged(lab, "east")
    ping(lab)
    assert lines[:2] == [
        "ISAKMP:(0): beginning Aggressive Mode exchange",
        "ISAKMP:(0): sending packet to 192.0.2.2 my_port 500 peer_port 500 (I) AG_INIT_EXCH",
    ]


def test_a_peer_that_does_not_answer(make_pair: MakePair) -> None:
    lab = make_pair()
    on_the_way(lab, "west", lambda octets: None)
    lines = debugged(lab, "east")
    start_ping(lab, 120)
    sent = "ISAKMP:(0): sending packet to 192.0.2.2 my_port 500 peer_port 500 (I) MM_NO_STATE"
    again = ["ISAKMP:(0): retransmitting phase 1 MM_NO_STATE...", sent]
    assert lines == [
        "ISAKMP:(0): beginning Main Mode exchange",
        sent,
        *again * 5,
        'ISAKMP:(0):deleting SA reason "Death by retransmission P1" state (I) MM_NO_STATE (peer 192.0.2.2)',
    ]


def test_a_policy_that_does_not_match(make_pair: MakePair) -> None:
    lab = make_pair(west={"encryption": "3des"})
    east, west = debugged(lab, "east"), debugged(lab, "west")
    ping(lab)
    deleting = 'ISAKMP:(0):deleting SA reason "Phase1 SA policy proposal not accepted" state'
    assert west[1:] == [
        "ISAKMP:(0): sending packet to 192.0.2.1 my_port 500 peer_port 500 (R) MM_NO_STATE",
        "ISAKMP:(0): phase 1 SA policy not acceptable! (local 192.0.2.2 remote 192.0.2.1)",
        f"{deleting} (R) MM_NO_STATE (peer 192.0.2.1)",
    ]
    assert east[3:] == [
        "ISAKMP:(0):Notify has no hash. Rejected.",
        f"{deleting} (I) MM_NO_STATE (peer 192.0.2.2)",
    ]


@pytest.mark.parametrize(
    "west",
    [
        {"transforms": "esp-aes esp-sha-hmac"},
        {"flow": "10.0.2.0 0.0.0.255 10.9.9.0 0.0.0.255"},
    ],
)
def test_a_phase_2_that_does_not_match(make_pair: MakePair, west: dict[str, str]) -> None:
    """IOS ends its debug of a refused quick mode with this line, whatever did not match."""
    lab = make_pair(west=west)
    east, refusing = debugged(lab, "east"), debugged(lab, "west")
    ping(lab)
    line = "ISAKMP:(1): phase 2 SA policy not acceptable! (local 192.0.2.2 remote 192.0.2.1)"
    assert refusing.count(line) == 1
    assert not [line for line in east if "not acceptable" in line]


def test_nothing_is_told_while_nobody_asks(make_pair: MakePair) -> None:
    lab = make_pair()
    records = recorded(lab, "east")
    router = lab.lab.routers["east"]
    debugging = Debugging(router.document.config, router.monitor, Syslog(lab.clock))
    debugging.switch(Debug.IPSEC, on=True)
    ping(lab, 2)
    debugging.switch(Debug.ISAKMP, on=True)
    debugging.switch_off()
    lab.wait(3600)
    assert records
    assert not [record for record in records if isinstance(record, IkeMessagePassed)]
