"""Which flow gets which SAs: the order of map entries, denies, the level of hosts, dynamic maps and their templates.

RFC 4301 §4.4.1: the policy database is ordered, the first entry that fits decides. What an access list denies, the entries behind
it may have, else it passes in the clear.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.flow.device import InterfaceCounter
from agent.flow.model import IpsecFailureReason

# A second address at each end, in the same networks.
SECOND = "interface Loopback0\n ip address 10.0.{me}.2 255.255.255.0 secondary"
SECOND_ENTRY = """
crypto map outside 20 ipsec-isakmp
 set peer 192.0.2.{peer}
 set transform-set ours
 match address 102
access-list 102 permit ip 10.0.{me}.0 0.0.0.255 10.0.{peer}.0 0.0.0.255
"""


def flows(lab: Any, name: str = "east") -> list[tuple[str, str, int | None]]:
    """Local and remote end of each tunnel, and the map entry that it is of."""
    return [
        (str(row.facts.local[0].first), str(row.facts.remote[0].first), row.facts.map_sequence)
        for row in lab.flow(name).ipsec_tunnels.values()
    ]


def test_entries_are_asked_in_order(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(flow="host 10.0.{me}.1 host 10.0.{peer}.1", lines=SECOND + SECOND_ENTRY)
    assert lab.ping("east", "10.0.2.1", "10.0.1.2") == 4
    assert flows(lab) == [("10.0.1.0", "10.0.2.0", 20)]
    # The narrower entry stands before, and has its own SAs, though those of the wider one would take it.
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 4
    assert sorted(flows(lab)) == [("10.0.1.0", "10.0.2.0", 20), ("10.0.1.1", "10.0.2.1", 10)]
    assert flows(lab, "west")[1:] == [("10.0.2.1", "10.0.1.1", 10)]


def deny_first(lines: str) -> dict[str, str]:
    """An access list that denies one pair of hosts before it permits their networks."""
    denied = "no access-list 101\naccess-list 101 deny ip host 10.0.{me}.2 host 10.0.{peer}.2\n"
    return {"lines": f"{SECOND}\n{denied}access-list 101 permit ip 10.0.{{me}}.0 0.0.0.255 10.0.{{peer}}.0 0.0.0.255\n{lines}"}


def test_what_is_denied_passes_in_the_clear_though_there_are_sas(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(**deny_first(""))
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 4
    assert lab.ping("east", "10.0.2.2", "10.0.1.2") == 5
    assert lab.ipsec("east", "OUT_PACKETS") == lab.ipsec("west", "IN_PACKETS") == 4


def test_what_one_entry_denies_another_may_have(make_pair: Callable[..., Any]) -> None:
    hosts = "permit ip host 10.0.{me}.2 host 10.0.{peer}.2"
    lab = make_pair(**deny_first(f"{SECOND_ENTRY}no access-list 102\naccess-list 102 {hosts}"))
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 4
    assert lab.ping("east", "10.0.2.2", "10.0.1.2") == 4
    for name, me, peer in (("east", 1, 2), ("west", 2, 1)):
        assert flows(lab, name) == [(f"10.0.{me}.0", f"10.0.{peer}.0", 10), (f"10.0.{me}.2", f"10.0.{peer}.2", 20)]


def test_a_peer_does_not_get_what_is_denied(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(west=deny_first(""), east={"lines": SECOND, "flow": "host 10.0.1.2 host 10.0.2.2"})
    assert lab.ping("east", "10.0.2.2", "10.0.1.2", repeat=2) == 0
    assert {row.reason for row in lab.flow("west").ipsec_failures.values()} == {IpsecFailureReason.PROPOSAL}


def test_with_the_level_of_hosts_each_pair_has_sas_of_its_own(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(map_lines=" set security-association level per-host", lines=SECOND)
    for source in ("10.0.1.1", "10.0.1.2"):
        for destination in ("10.0.2.1", "10.0.2.2"):
            assert lab.ping("east", destination, source) == 4
    pairs = sorted((here, there) for here, there, _ in flows(lab))
    assert pairs == [(f"10.0.1.{here}", f"10.0.2.{there}") for here in (1, 2) for there in (1, 2)]
    assert lab.ping("west", "10.0.1.2", "10.0.2.2") == 5
    assert len(flows(lab, "west")) == 4


DYNAMIC = """
no crypto map outside 10
crypto ipsec transform-set strong esp-aes esp-sha-hmac
{templates}
crypto map outside 10 ipsec-isakmp dynamic anybody
"""
ANYTHING = "crypto dynamic-map anybody 10\n set transform-set ours"
LISTED = "crypto dynamic-map anybody 10\n set transform-set ours\n match address 101"


def test_a_dynamic_entry_answers_and_does_not_begin(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(west={"lines": DYNAMIC.format(templates=ANYTHING)})
    assert lab.ping("west", "10.0.1.1", "10.0.2.1", repeat=1) == 0  # east drops what comes in the clear
    assert not lab.flow("west").ike_tunnels
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 4
    assert flows(lab, "west") == [("10.0.2.0", "10.0.1.0", 10)]
    assert lab.ping("west", "10.0.1.1", "10.0.2.1") == 5


def test_a_dynamic_entry_with_an_access_list_drops_what_it_permits(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(west={"lines": DYNAMIC.format(templates=LISTED)})
    wire = lab.west.device.interface("FastEthernet0/0").counters
    assert lab.ping("west", "10.0.1.1", "10.0.2.1", repeat=1) == 0
    assert (wire[InterfaceCounter.OUT_UNICAST], wire[InterfaceCounter.OUT_DISCARDS]) == (0, 1)
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 4
    assert lab.ping("west", "10.0.1.1", "10.0.2.1") == 5


@pytest.mark.parametrize(
    ("templates", "answers"),
    [
        (LISTED.replace("101", "103") + "\naccess-list 103 permit ip 10.7.0.0 0.0.0.255 any", 0),
        (LISTED.replace("101", "103") + "\naccess-list 103 permit ip 10.0.2.0 0.0.0.255 any", 4),
        (ANYTHING + "\n set peer 192.0.2.77", 0),
        (ANYTHING + "\n set peer 192.0.2.1", 4),
        (ANYTHING.replace("ours", "strong"), 0),
    ],
    ids=["another flow", "a wider list", "another peer", "this peer", "another transform"],
)
def test_a_template_says_who_gets_what(make_pair: Callable[..., Any], templates: str, answers: int) -> None:
    lab = make_pair(west={"lines": DYNAMIC.format(templates=templates)})
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == answers


def test_templates_are_asked_in_order(make_pair: Callable[..., Any]) -> None:
    other = "crypto dynamic-map anybody 5\n set transform-set strong\n set peer 192.0.2.77\n"
    lab = make_pair(west={"lines": DYNAMIC.format(templates=other + ANYTHING)})
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 4


def test_static_entries_stand_before_a_dynamic_one(make_pair: Callable[..., Any]) -> None:
    lines = "crypto dynamic-map anybody 10\n set transform-set ours\ncrypto map outside 65000 ipsec-isakmp dynamic anybody"
    lab = make_pair(west={"lines": f"{SECOND}\n{lines}", "flow": "host 10.0.2.1 host 10.0.1.1"}, east={"lines": SECOND})
    # East asks for networks, which are more than the static entry has; west's answers to the hosts are for the static entry.
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 3
    assert flows(lab, "west") == [("10.0.2.0", "10.0.1.0", 65000), ("10.0.2.1", "10.0.1.1", 10)]
