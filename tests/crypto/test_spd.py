"""The security policy database: what a selector holds, and who decides."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.crypto import ip
from agent.crypto.spd import Addresses, AddressRange, Flow, PolicyEntry, Ports, Rule, Selector, Spd, flow_of

small = st.integers(0, 7)
addresses = st.builds(Addresses, small, st.sampled_from([0, 1, 3, 5, 7, 0xFFFFFFFF])).map(
    lambda found: Addresses(found.base & ~found.wildcard, found.wildcard)
)
ranges = st.builds(lambda one, other: AddressRange(min(one, other), max(one, other)), small, small)
addresses = st.one_of(addresses, ranges)
ports = st.one_of(
    st.just(Ports()), st.tuples(small, small, st.booleans()).map(lambda found: Ports(min(found[:2]), max(found[:2]), found[2]))
)
selectors = st.builds(Selector, st.sampled_from([0, 6, 17]), addresses, addresses, ports, ports)
flows = st.builds(Flow, st.sampled_from([1, 6, 17]), small, small, small, small)


@given(selectors, selectors, flows)
def test_what_lies_within_matches_no_more(inner: Selector, outer: Selector, flow: Flow) -> None:
    if inner.within(outer) and inner.matches(flow):
        assert outer.matches(flow)


@given(selectors)
def test_a_selector_lies_within_itself(selector: Selector) -> None:
    assert selector.within(selector)
    assert selector.reversed().reversed() == selector


@given(selectors, flows)
def test_the_other_direction_is_the_same_flow(selector: Selector, flow: Flow) -> None:
    assert selector.matches(flow) == selector.reversed().matches(flow.reversed())


def host(address: int) -> Addresses:
    return Addresses(address)


def test_a_denied_flow_is_left_to_the_entries_behind() -> None:
    anywhere = Addresses(0, 0xFFFFFFFF)
    everything = Selector(0, anywhere, anywhere)
    first = PolicyEntry((Rule(False, Selector(0, host(1), host(2))), Rule(True, Selector(0, host(1), anywhere), "first")), "a")
    second = PolicyEntry((Rule(True, everything, "second"),), "b")
    decided = [[entry.target for entry in (first, second) if entry.decide(Flow(1, *ends))] for ends in ((1, 3), (1, 2), (4, 4))]
    assert decided == [["a", "b"], ["b"], ["b"]]
    assert first.covering(Selector(6, host(1), host(9))) == first.rules[1]
    assert first.covering(everything) is None


def test_the_policies_of_two_interfaces_are_two_keys_though_their_entries_are_the_same() -> None:
    entry = PolicyEntry((Rule(True, Selector(0, host(1), host(2))),), "a")
    one, other = Spd((entry,)), Spd((entry,))
    assert {one: "one", other: "other"} == {other: "other", one: "one"}
    assert one.entries == other.entries
    assert one != other


def test_ports_are_those_of_tcp_and_udp() -> None:
    payload = bytes.fromhex("00500fff00000000")
    assert flow_of(ip.Packet(1, 2, ip.UDP, payload)) == Flow(17, 1, 2, 80, 4095)
    assert flow_of(ip.Packet(1, 2, ip.ICMP, payload)) == Flow(1, 1, 2)
