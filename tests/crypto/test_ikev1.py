"""IKEv1 between two ends: what is on the wire, what each end says of it, and what becomes of messages lost, doubled or broken."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.base.ike_counters import IkeCounter
from agent.crypto import ikev1
from agent.crypto.dialogues import RETRY_AFTER
from agent.crypto.doi import Exchange, NotifyType
from agent.crypto.ike_events import (
    BadMessage,
    InitialContact,
    Phase1Deleted,
    Phase1Expired,
    Phase1Failed,
    Phase1Up,
    Phase2Deleted,
    Phase2Failed,
    Phase2Keyed,
    Phase2Result,
    Phase2Up,
    QuickRequest,
    QuickStart,
    Trouble,
)
from agent.crypto.informational import delete_phase1, delete_phase2
from agent.crypto.isakmp import Header, decode_header
from agent.crypto.payloads import Identification, Notification
from agent.crypto.proposals import Phase1Policy, Phase2Terms, Suite
from agent.crypto.states import State
from tests.crypto.ike_pair import DES, GUIDE, LOCAL, REMOTE, Pair, Side, datagram
from tests.crypto.in_the_clear import encode_message

# --- main mode ---


def test_main_mode_comes_up_with_an_initial_contact() -> None:
    pair = Pair().up()
    assert pair.events[0] == [Phase1Up()]
    assert pair.events[1] == [InitialContact(), Phase1Up()]
    assert pair.initiator.keying.keys == pair.responder.keying.keys
    assert pair.initiator.remote_identity == pair.sides[1].local_identity()
    assert [datagram(octets) for octets in pair.sent[0]] == [192, 284, 128]
    assert [datagram(octets) for octets in pair.sent[1]] == [132, 284, 96]


def test_without_the_notify_mm5_is_as_long_as_mm6() -> None:
    pair = Pair(initiator=Side("10.1.1.1", first=False)).up()
    assert datagram(pair.sent[0][2]) == 96
    assert not pair.of(1, InitialContact)


@pytest.mark.parametrize(
    "policy",
    [
        Phase1Policy("3des", 168, "md5", "pre-share", 2, 3600),
        Phase1Policy("aes", 256, "sha512", "pre-share", 14, 86400),
        Phase1Policy("aes", 128, "sha256", "pre-share", 19, 600),
        Phase1Policy("aes", 192, "sha384", "pre-share", 20, 86400),
    ],
)
def test_other_algorithms_come_up_too(policy: Phase1Policy) -> None:
    pair = Pair(Side("10.1.1.1", (policy,)), Side("10.1.1.2", (policy,))).up().quick()
    assert pair.initiator.terms.agreed == policy
    assert pair.of(1, Phase2Up)


def test_the_responders_preference_decides() -> None:
    other = replace(DES, encryption="3des", key_bits=168, priority=9)
    pair = Pair(Side("10.1.1.1", (DES, other)), Side("10.1.1.2", (other, DES))).up()
    assert pair.initiator.policy().encryption == pair.responder.policy().encryption == "3des"


def test_a_shorter_lifetime_of_the_responder_is_told() -> None:
    pair = Pair(responder=Side("10.1.1.2", (replace(DES, lifetime=600),))).up()
    assert pair.initiator.policy().lifetime == pair.responder.policy().lifetime == 600
    assert pair.counts[0][IkeCounter.IN_NOTIFYS] == pair.counts[1][IkeCounter.OUT_NOTIFYS] == 1


def test_a_longer_lifetime_of_the_responder_gives_way() -> None:
    pair = Pair(initiator=Side("10.1.1.1", (replace(DES, lifetime=600),))).up()
    assert pair.responder.policy().lifetime == 600
    assert not pair.counts[1][IkeCounter.OUT_NOTIFYS]


def test_no_common_policy_fails_on_both_sides() -> None:
    pair = Pair(responder=Side("10.1.1.2", (replace(DES, hash="md5"),))).run()
    assert pair.events[0] == pair.events[1] == [Phase1Failed(Trouble.PROPOSAL)]


def test_without_a_policy_for_the_peer_nothing_is_sent() -> None:
    pair = Pair(initiator=Side("10.1.1.1", ())).run()
    assert pair.events[0] == [Phase1Failed(Trouble.PROPOSAL)]
    assert not pair.sent[0]


def test_different_keys_fail_on_both_sides() -> None:
    pair = Pair(responder=Side("10.1.1.2", key=b"another")).run()
    assert pair.events[0] == pair.events[1] == [Phase1Failed(Trouble.AUTHENTICATION)]
    assert not pair.counts[1]


def test_a_peer_that_is_not_accepted_fails_on_both_sides() -> None:
    pair = Pair(responder=Side("10.1.1.2", trusts=False)).run()
    assert pair.events[0] == pair.events[1] == [Phase1Failed(Trouble.AUTHENTICATION)]


# --- quick mode ---


def test_the_responder_counts_336_in_and_344_out() -> None:
    """QM1 248 and QM3 88 in, MM6 96 and QM2 248 out; MM5 gives its notify alone."""
    pair = Pair().up().quick()
    assert pair.counts[1].named() == {
        "IN_OCTETS": 336,
        "IN_PACKETS": 2,
        "IN_NOTIFYS": 1,
        "IN_P2_EXCHANGES": 2,
        "OUT_OCTETS": 344,
        "OUT_PACKETS": 2,
        "OUT_P2_EXCHANGES": 1,
    }


def test_the_initiator_counts_from_its_first_message() -> None:
    pair = Pair().up().quick()
    assert pair.counts[0].named() == {
        "IN_OCTETS": sum(map(datagram, pair.sent[1])),
        "IN_PACKETS": 4,
        "IN_P2_EXCHANGES": 1,
        "OUT_OCTETS": sum(map(datagram, pair.sent[0])),
        "OUT_PACKETS": 5,
        "OUT_NOTIFYS": 1,
        "OUT_P2_EXCHANGES": 2,
    }


@pytest.mark.parametrize(
    ("terms", "octets"),
    [
        (replace(GUIDE, seconds=86400), 256),  # seconds no longer fit in 16 bits: 4 octets more in each transform
        (replace(GUIDE, suites=(Suite(None, "des", 56, "sha"),)), 200),
        (replace(GUIDE, suites=(*GUIDE.suites, Suite(None, "aes", 128, "sha"))), 296),
    ],
)
def test_sizes_follow_from_what_is_offered(terms: Phase2Terms, octets: int) -> None:
    pair = Pair(responder=Side("10.1.1.2", terms=terms)).up().quick(terms)
    assert datagram(pair.sent[0][3]) == octets


def mirrored(ours: Phase2Result, theirs: Phase2Result) -> bool:
    return all(
        (
            a.protocol,
            a.inbound_spi,
            a.outbound_spi,
            a.inbound_cipher_key,
            a.inbound_auth_key,
            a.outbound_cipher_key,
            a.outbound_auth_key,
        )
        == (
            b.protocol,
            b.outbound_spi,
            b.inbound_spi,
            b.outbound_cipher_key,
            b.outbound_auth_key,
            b.inbound_cipher_key,
            b.inbound_auth_key,
        )
        for a, b in zip(ours.sas, theirs.sas, strict=True)
    )


@pytest.mark.parametrize(
    "terms",
    [
        GUIDE,
        replace(GUIDE, group=2),
        replace(GUIDE, suites=(replace(GUIDE.suites[0], transport=True),)),
        replace(GUIDE, suites=(Suite(None, "aes", 256, "sha256"), Suite("md5"))),
        replace(GUIDE, suites=(Suite(None, "null", 0, "sha"),)),
        replace(GUIDE, suites=(Suite(None, "3des", 168, None),)),
    ],
    ids=["ah and esp", "pfs", "transport", "two sets", "null", "no authentication"],
)
@pytest.mark.parametrize("by", [0, 1], ids=["by the initiator", "by the responder"])
def test_both_ends_have_the_same_keys(terms: Phase2Terms, by: int) -> None:
    pair = Pair(Side("10.1.1.1", terms=terms), Side("10.1.1.2", terms=terms, spi=0x2000)).up().quick(terms, by)
    asked, answered = pair.result(by), pair.result(1 - by)
    assert (asked.tag, answered.tag) == ("asked", "answered")
    assert (asked.initiator, answered.initiator) == (True, False)
    assert mirrored(asked, answered)
    assert asked.choice.suite == answered.choice.suite == terms.suites[0]
    assert len({key for sa in asked.sas for key in (sa.inbound_auth_key, sa.outbound_auth_key) if key}) in (0, 2 * len(asked.sas))
    assert pair.sides[1 - by].asked == [QuickRequest(answered.local, answered.remote)]


def test_the_responder_may_receive_before_the_last_message() -> None:
    pair = Pair().up()
    pair.wire = lambda from_initiator, number, octets: [] if from_initiator and number == 5 else [octets]
    pair.quick()
    assert pair.of(1, Phase2Keyed)
    assert not pair.of(1, Phase2Up)


def test_a_suite_that_the_responder_lacks_is_passed_over() -> None:
    wanted = Suite(None, "3des", 168, "md5")
    offer = replace(GUIDE, suites=(Suite(None, "aes", 128, "sha"), wanted))
    pair = Pair(responder=Side("10.1.1.2", terms=replace(GUIDE, suites=(wanted,)))).up().quick(offer)
    assert pair.result(0).choice.suite == pair.result(1).choice.suite == wanted


def test_a_responder_that_does_not_ask_for_pfs_takes_the_group_that_is_offered() -> None:
    pair = Pair(responder=Side("10.1.1.2", terms=GUIDE)).up().quick(replace(GUIDE, group=14))
    assert pair.result(0).choice.group == pair.result(1).choice.group == 14
    assert mirrored(pair.result(0), pair.result(1))


def test_a_responder_that_asks_for_pfs_takes_its_own_group_only() -> None:
    pair = Pair(responder=Side("10.1.1.2", terms=replace(GUIDE, group=2))).up().quick(replace(GUIDE, group=14))
    assert pair.of(0, Phase2Failed)
    assert pair.of(1, Phase2Failed)


def test_the_lesser_lifetimes_hold_on_both_sides() -> None:
    pair = Pair(responder=Side("10.1.1.2", terms=replace(GUIDE, seconds=600, kilobytes=5000))).up().quick()
    for side in (0, 1):
        assert (pair.result(side).choice.seconds, pair.result(side).choice.kilobytes) == (600, 5000)
    assert pair.counts[1][IkeCounter.OUT_NOTIFYS] == 1


@pytest.mark.parametrize(
    "terms",
    [
        None,
        replace(GUIDE, suites=(Suite(None, "aes", 128, "sha"),)),
        replace(GUIDE, suites=(replace(GUIDE.suites[0], transport=True, required=True),)),
        replace(GUIDE, group=2),
    ],
    ids=["no such flow", "other algorithms", "other mode", "PFS wanted"],
)
def test_a_flow_or_terms_that_do_not_fit_are_refused_on_both_sides(terms: Phase2Terms | None) -> None:
    pair = Pair(responder=Side("10.1.1.2", terms=terms)).up().quick()
    (ours,), (theirs,) = pair.of(0, Phase2Failed), pair.of(1, Phase2Failed)
    assert isinstance(ours, Phase2Failed)
    assert isinstance(theirs, Phase2Failed)
    assert (ours.trouble, ours.initiator, ours.tag) == (Trouble.PROPOSAL, True, "asked")
    assert (theirs.trouble, theirs.initiator) == (Trouble.PROPOSAL, False)
    assert pair.counts[0][IkeCounter.OUT_P2_REJECTS] == pair.counts[1][IkeCounter.IN_P2_REJECTS] == 1
    assert pair.initiator.up
    assert pair.responder.up


# --- informational ---


def test_a_delete_of_the_isakmp_sa_is_heard() -> None:
    pair = Pair().up()
    delete_phase1(pair.responder, pair.now)
    pair.run()
    assert pair.of(0, Phase1Deleted)
    assert pair.initiator.state is pair.responder.state is State.DEAD
    # It is no delete of a phase-2 SA.
    assert pair.counts[0][IkeCounter.IN_P2_SA_DELETES] == pair.counts[1][IkeCounter.OUT_P2_SA_DELETES] == 0


def test_a_delete_of_sas_names_the_senders_spis() -> None:
    pair = Pair().up().quick()
    spis = {sa.protocol: (sa.inbound_spi,) for sa in pair.result(0).sas}
    delete_phase2(pair.initiator, spis)
    pair.run()
    assert pair.of(1, Phase2Deleted) == [Phase2Deleted(protocol, spi) for protocol, spi in spis.items()]
    assert pair.counts[1][IkeCounter.IN_P2_SA_DELETES] == pair.counts[0][IkeCounter.OUT_P2_SA_DELETES] == 2


def test_an_error_in_the_clear_is_not_believed_once_there_are_keys() -> None:
    pair = Pair().up()
    header = Header(pair.initiator.initiator_cookie, pair.initiator.responder_cookie, 0, Exchange.INFORMATIONAL, 0, 99)
    forged = encode_message(header, (Notification(1, NotifyType.NO_PROPOSAL_CHOSEN),))
    ikev1.receive(pair.initiator, forged, 0)
    assert pair.initiator.up
    assert pair.initiator.take_events() == [BadMessage(Trouble.AUTHENTICATION)]


# --- time, loss, copies ---


def test_a_peer_that_never_answers_is_given_up() -> None:
    pair = Pair()
    pair.wire = lambda from_initiator, number, octets: []
    pair.run().wait(200)
    assert pair.events[0] == [Phase1Failed(Trouble.TIMEOUT)]
    assert len(pair.sent[0]) == len(RETRY_AFTER)
    assert len(set(pair.sent[0])) == 1


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_any_one_message_may_be_lost(side: int, number: int) -> None:
    pair = Pair()
    pair.wire = lambda from_initiator, at, octets: [] if (from_initiator, at) == (side == 0, number) else [octets]
    pair.run().wait(60).up().quick().wait(60)
    assert mirrored(pair.result(0), pair.result(1))


@pytest.mark.parametrize("side", [0, 1])
def test_copies_change_nothing_but_two_counts(side: int) -> None:
    """A copy counts in InPkts and InDropPkts; nothing that it sets off goes on for ever."""
    plain = Pair().up().quick()
    pair = Pair()
    pair.wire = lambda from_initiator, number, octets: [octets, octets] if from_initiator == (side == 0) else [octets]
    pair.up().quick()
    assert mirrored(pair.result(0), pair.result(1))
    here, there = plain.counts[1 - side].named(), pair.counts[1 - side].named()
    copies = there.pop("IN_DROPS")
    assert there.pop("IN_PACKETS") == here.pop("IN_PACKETS") + copies
    assert there["IN_OCTETS"] == here["IN_OCTETS"]
    assert there["IN_P2_EXCHANGES"] == here["IN_P2_EXCHANGES"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 1, 1, 2]), min_size=40, max_size=40))
def test_losses_and_copies_never_leave_the_ends_apart(fates: list[int]) -> None:
    """Whatever is lost or doubled: either both have the same SAs in the end, or the one that has none said so."""
    pair = Pair()
    fate = iter(fates)
    pair.wire = lambda from_initiator, number, octets: [octets] * next(fate, 1)
    pair.run().wait(220)  # three messages, each with all its tries: 210 s
    if not (pair.initiator.up and pair.responder.up):
        assert any(isinstance(event, Phase1Failed) for event in pair.events[0] + pair.events[1])
        return
    pair.quick().wait(150)
    if not (pair.of(0, Phase2Up) and pair.of(1, Phase2Up)):
        assert pair.of(0, Phase2Failed) or pair.of(1, Phase2Failed)
        return
    assert mirrored(pair.result(0), pair.result(1))


def test_an_sa_expires_and_is_forgotten() -> None:
    pair = Pair(Side("10.1.1.1", (replace(DES, lifetime=600),)), Side("10.1.1.2", (replace(DES, lifetime=600),))).up()
    pair.wait(599)
    assert pair.initiator.up
    pair.wait(2)
    assert pair.of(0, Phase1Expired)
    assert pair.of(1, Phase1Expired)
    pair.wait(100)
    assert pair.initiator.forgotten
    assert pair.initiator.next_timer() is None


def test_a_finished_quick_mode_is_forgotten_but_not_its_message_id() -> None:
    pair = Pair().up().quick()
    old = pair.sent[0][3]
    pair.wait(120)
    assert not pair.responder.quick
    ikev1.receive(pair.responder, old, pair.now)
    assert not pair.responder.quick
    assert not pair.responder.take_messages()


# --- broken messages ---


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_broken_message_neither_raises_nor_leaves_anything(data: st.DataObject) -> None:
    pair = Pair().up().quick()
    side = data.draw(st.integers(0, 1))
    octets = bytearray(data.draw(st.sampled_from(pair.sent[1 - side])))
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(16, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    sa = pair.ends[side]
    before = set(sa.quick)
    ikev1.receive(sa, bytes(octets), pair.now)
    assert sa.up
    assert set(sa.quick) == before
    assert not [event for event in sa.take_events() if not isinstance(event, BadMessage)]


def test_an_undecryptable_message_is_told() -> None:
    pair = Pair().up()
    header = Header(pair.initiator.initiator_cookie, pair.initiator.responder_cookie, 8, Exchange.QUICK, 1, 77, 28 + 64)
    ikev1.receive(pair.responder, header.encode() + bytes(64), pair.now)
    assert pair.responder.take_events() == [BadMessage(Trouble.DECRYPT)]
    assert pair.counts[1].named()["IN_P2_INVALIDS"] == 1
    assert pair.counts[1].named()["IN_DROPS"] == 1


def test_a_message_with_a_wrong_hash_is_told() -> None:
    pair = Pair().up()
    other = Pair(Side("10.1.1.1"), Side("10.1.1.2")).up()
    other.initiator.keying.keys = replace(other.initiator.phase1_keys(), authenticate=b"x" * 20)
    ikev1.negotiate(other.initiator, QuickStart(GUIDE, LOCAL, REMOTE, "asked"), 0)
    assert other.initiator.cookies == pair.initiator.cookies  # the same seed: the same SA
    ikev1.receive(pair.responder, other.initiator.take_messages()[-1], 0)
    assert pair.responder.take_events() == [BadMessage(Trouble.HASH)]
    assert not pair.responder.quick


# --- the tables ---


def test_every_encrypted_message_is_padded_by_at_least_one_octet() -> None:
    pair = Pair().up().quick()
    for octets in pair.sent[0] + pair.sent[1]:
        if decode_header(octets).encrypted:
            assert (len(octets) - 28) % 8 == 0


def test_a_subnet_flow_is_asked_for_as_a_subnet() -> None:
    pair = Pair().up()
    local, remote = (Identification.of_network(IPv4Network(network)) for network in ("10.1.0.0/16", "0.0.0.0/0"))
    ikev1.negotiate(pair.initiator, QuickStart(GUIDE, local, remote, "asked"), 0)
    pair.run()
    assert pair.sides[1].asked == [QuickRequest(remote, local)]
    # A mask more in each identity: 8 octets.
    assert datagram(pair.sent[0][3]) == 256
