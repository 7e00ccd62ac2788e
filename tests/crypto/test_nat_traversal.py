"""What peers announce, and how they find out that there is a NAT between them (RFC 3947)."""

from __future__ import annotations

from dataclasses import replace
from hashlib import md5
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.crypto import ip
from agent.crypto.ciphers import digest
from agent.crypto.doi import EncapsulationMode, IpsecAttribute, Protocol
from agent.crypto.ike_events import Phase2Failed, Trouble
from agent.crypto.isakmp import decode_header, decode_payloads
from agent.crypto.nat_traversal import NAT_TRAVERSAL, Ends, NatTraversal, detection_payloads, situation
from agent.crypto.payloads import NatDetection, Vendor
from agent.crypto.proposals import Phase2Terms, Suite, offer_phase2
from agent.crypto.udp_encapsulation import KEEPALIVE, NON_ESP_MARKER, Cargo, cargo_of, encapsulate
from agent.crypto.vendor import CAPABILITIES, DPD, NAT_FLAVOURS, UNITY, XAUTH, NatFlavour, PeerTraits, nat_answer
from agent.lab.randomness import SeededRandom
from tests.crypto.ike_pair import GUIDE, Pair, Side, ports_of_messages

RFC, DRAFT_3, DRAFT_2_LINE, DRAFT_2 = NAT_FLAVOURS
WITHOUT = NatTraversal(enabled=False)
FORCED = NatTraversal(force=True)
ESP_TERMS = Phase2Terms((Suite(None, "des", 56, "sha"),), 3600, 4608000)
COOKIES = bytes(range(16))
ENDS = Ends(IPv4Address("10.0.0.1"), IPv4Address("192.0.2.9"))


def sent(octets: bytes, kind: type) -> list[object]:
    """The payloads of one kind in a message in the clear."""
    decoded = decode_payloads(decode_header(octets).next_payload, octets[28:])
    return [found.payload for found in decoded if isinstance(found.payload, kind)]


# --- vendor IDs ---


@pytest.mark.parametrize("flavour", NAT_FLAVOURS, ids=lambda flavour: repr(flavour.name))
def test_a_kind_of_nat_traversal_is_announced_by_the_md5_of_its_name(flavour: Any) -> None:
    assert md5(flavour.name.encode()).digest() == flavour.vendor.data


def test_the_initiator_offers_every_kind_and_the_responder_answers_with_the_best() -> None:
    pair = Pair().up()
    assert sent(pair.sent[0][0], Vendor) == [flavour.vendor for flavour in NAT_FLAVOURS]
    assert sent(pair.sent[1][0], Vendor) == [RFC.vendor]


def test_the_rest_is_announced_with_the_keys() -> None:
    pair = Pair().up()
    assert sent(pair.sent[0][1], Vendor) == sent(pair.sent[1][1], Vendor) == list(CAPABILITIES)
    assert pair.initiator.peer == pair.responder.peer == PeerTraits(True, True, True, RFC)


def test_traits_add_up_over_messages_and_the_unknown_means_nothing() -> None:
    traits = PeerTraits().and_also([DRAFT_2.vendor, DRAFT_3.vendor, Vendor(b"somebody")])
    assert traits == PeerTraits(nat=DRAFT_3)
    assert traits.and_also([DPD]).and_also([UNITY, XAUTH]) == PeerTraits(True, True, True, DRAFT_3)


def test_an_answer_is_only_of_what_was_offered() -> None:
    assert not list(nat_answer(True, PeerTraits()))
    assert not list(nat_answer(False, PeerTraits(nat=RFC)))
    assert list(nat_answer(True, PeerTraits(nat=DRAFT_2))) == [DRAFT_2.vendor]


def test_drafts_have_numbers_of_their_own() -> None:
    assert (RFC.detection, RFC.tunnel, RFC.transport) == (20, 3, 4)
    assert {(draft.detection, draft.tunnel, draft.transport) for draft in NAT_FLAVOURS[1:]} == {
        (130, EncapsulationMode.UDP_TUNNEL_DRAFT, EncapsulationMode.UDP_TRANSPORT_DRAFT)
    }


# --- hashes ---


def test_a_hash_is_of_cookies_address_and_port() -> None:
    theirs, ours = detection_payloads(RFC, NAT_TRAVERSAL, ENDS, "sha", COOKIES, SeededRandom(1))
    assert theirs.data == digest("sha", COOKIES + bytes((192, 0, 2, 9)) + b"\x01\xf4")
    assert ours.data == digest("sha", COOKIES + bytes((10, 0, 0, 1)) + b"\x01\xf4")


@given(st.ip_addresses(v=4), st.integers(1, 65535), st.ip_addresses(v=4), st.integers(1, 65535), st.sampled_from(["md5", "sha256"]))
def test_what_a_nat_changed_is_behind_it(address: IPv4Address, port: int, other: IPv4Address, other_port: int, name: str) -> None:
    """The peer sends to `address`, from `other`; we see datagrams from ENDS.remote to ENDS.local."""
    peer = Ends(other, address, other_port, port)
    received = list(detection_payloads(RFC, NAT_TRAVERSAL, peer, name, COOKIES, SeededRandom(1)))
    found = situation(received, RFC, NAT_TRAVERSAL, ENDS, name, COOKIES)
    assert found is not None
    assert found.local_behind is ((address, port) != (ENDS.local, 500))
    assert found.remote_behind is ((other, other_port) != (ENDS.remote, 500))


def test_a_peer_with_several_addresses_needs_one_that_matches() -> None:
    to_us, own = detection_payloads(RFC, NAT_TRAVERSAL, Ends(ENDS.remote, ENDS.local), "sha", COOKIES, SeededRandom(1))
    found = situation([to_us, NatDetection(b"x" * 20), own], RFC, NAT_TRAVERSAL, ENDS, "sha", COOKIES)
    assert found is not None
    assert not found.detected


def test_without_both_hashes_nothing_is_known() -> None:
    payloads = list(detection_payloads(DRAFT_2, NAT_TRAVERSAL, ENDS, "sha", COOKIES, SeededRandom(1)))
    assert situation(payloads, RFC, NAT_TRAVERSAL, ENDS, "sha", COOKIES) is None
    assert situation(payloads[:1], DRAFT_2, NAT_TRAVERSAL, ENDS, "sha", COOKIES) is None


# --- main mode ---


def test_without_a_nat_ports_stay() -> None:
    pair = Pair().up().quick()
    for sa in pair.ends:
        assert sa.nat is not None
        assert not sa.nat.detected
        assert (sa.ends.local_port, sa.ends.remote_port, sa.overhead) == (500, 500, 28)


def test_a_nat_before_the_initiator_is_found_by_both() -> None:
    pair = Pair(nat=("198.51.100.7", 20000)).up().quick()
    assert pair.initiator.nat is not None
    assert pair.responder.nat is not None
    assert (pair.initiator.nat.local_behind, pair.initiator.nat.remote_behind) == (True, False)
    assert (pair.responder.nat.local_behind, pair.responder.nat.remote_behind) == (False, True)


def test_the_initiator_changes_its_port_with_its_next_message_and_the_responder_follows() -> None:
    pair = Pair(nat=("198.51.100.7", 20000))
    heard = ports_of_messages(pair)
    pair.up().quick()
    before, after = heard[:4], heard[4:]
    assert before == [(True, 500, 500), (False, 500, 20500)] * 2
    assert set(after) == {(True, 4500, 4500), (False, 4500, 24500)}
    assert pair.initiator.overhead == pair.responder.overhead == 32


@pytest.mark.parametrize("forced", [(FORCED, NAT_TRAVERSAL), (NAT_TRAVERSAL, FORCED), (FORCED, FORCED)])
def test_one_that_forces_it_makes_both_find_a_nat(forced: tuple[NatTraversal, NatTraversal]) -> None:
    pair = Pair(traversal=forced).up().quick()
    for sa in pair.ends:
        assert sa.nat is not None
        assert sa.nat.detected
        assert sa.floated


@pytest.mark.parametrize("traversal", [(WITHOUT, NAT_TRAVERSAL), (NAT_TRAVERSAL, WITHOUT), (WITHOUT, FORCED)])
def test_one_that_does_not_know_it_is_not_troubled_with_it(traversal: tuple[NatTraversal, NatTraversal]) -> None:
    pair = Pair(traversal=traversal, nat=("198.51.100.7", 20000)).up().quick()
    assert pair.initiator.nat is pair.responder.nat is None
    assert not any(sent(octets, NatDetection) for octets in pair.sent[0][:2] + pair.sent[1][:2])
    assert pair.initiator.ends.local_port == 500


def test_a_broken_message_moves_nothing() -> None:
    pair = Pair(Side("10.1.1.1"), nat=("198.51.100.7", 20000)).up()
    before = pair.responder.ends
    pair.nat = (IPv4Address("203.0.113.1"), 1)
    pair.wire = lambda from_initiator, number, octets: [octets[:40] + bytes(8) + octets[48:]] if from_initiator else []
    pair.quick()
    assert pair.responder.ends == before


# --- quick mode and packets ---


@pytest.mark.parametrize("flavour", NAT_FLAVOURS, ids=lambda flavour: repr(flavour.name))
@pytest.mark.parametrize("transport", [False, True])
def test_quick_mode_past_a_nat_asks_for_the_modes_of_its_kind(flavour: NatFlavour, transport: bool) -> None:
    terms = replace(ESP_TERMS, suites=(replace(ESP_TERMS.suites[0], transport=transport),)).past_nat(flavour)
    (proposal,) = offer_phase2(terms, {Protocol.ESP: bytes(4)}).proposals
    values = {attribute.kind: attribute.number for attribute in proposal.transforms[0].attributes}
    assert values[IpsecAttribute.ENCAPSULATION_MODE] == (flavour.transport if transport else flavour.tunnel)


def test_both_ends_put_esp_in_udp_past_a_nat_and_nowhere_else() -> None:
    for nat, udp in ((("198.51.100.7", 20000), True), (None, False)):
        pair = Pair(Side("10.1.1.1", terms=ESP_TERMS), Side("10.1.1.2", spi=0x2000, terms=ESP_TERMS), nat=nat).up().quick(ESP_TERMS)
        assert [pair.result(side).choice.udp for side in (0, 1)] == [udp, udp]


def test_a_peer_that_asks_for_bare_esp_past_a_nat_is_refused() -> None:
    pair = Pair(Side("10.1.1.1", terms=ESP_TERMS), Side("10.1.1.2", spi=0x2000, terms=ESP_TERMS), nat=("198.51.100.7", 20000)).up()
    pair.initiator.detected(None)
    pair.quick(ESP_TERMS)
    (failed,) = pair.of(0, Phase2Failed)
    assert isinstance(failed, Phase2Failed)
    assert failed.trouble is Trouble.PROPOSAL


def test_ah_is_not_asked_for_past_a_nat() -> None:
    both = replace(ESP_TERMS, suites=(*GUIDE.suites, *ESP_TERMS.suites))
    assert both.past_nat(RFC).suites == ESP_TERMS.suites
    pair = Pair(nat=("198.51.100.7", 20000)).up().quick(GUIDE)
    (failed,) = pair.of(0, Phase2Failed)
    assert isinstance(failed, Phase2Failed)
    assert failed.trouble is Trouble.PROPOSAL
    assert not pair.of(1, Phase2Failed)  # nothing was said


@given(st.binary(min_size=8, max_size=64))
def test_what_a_datagram_carries_is_told_by_its_first_octets(data: bytes) -> None:
    assert cargo_of(NON_ESP_MARKER + data) == (Cargo.ISAKMP, data)
    assert cargo_of(b"\x01" + data) == (Cargo.ESP, b"\x01" + data)
    assert cargo_of(KEEPALIVE)[0] is Cargo.KEEPALIVE
    assert cargo_of(KEEPALIVE + data)[0] is Cargo.ESP


def test_esp_in_udp_has_no_checksum() -> None:
    packet = ip.Packet(1, 2, ip.ESP, b"sealed octets")
    outer = encapsulate(packet, Ends(IPv4Address(1), IPv4Address(2), 4500, 24500))
    assert outer.length == packet.length + 8
    assert outer.payload[6:8] == bytes(2)
    assert ip.decode_udp(outer) == ip.Datagram(4500, 24500, packet.payload)
