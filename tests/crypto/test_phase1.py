"""Phase 1 by either mode and either way of authentication: who gets up, what is on the wire, and what each failure is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.crypto.ciphers import keyed_digest
from agent.crypto.dialogues import RETRY_AFTER
from agent.crypto.doi import Exchange, IdentificationType, NotifyType
from agent.crypto.ike_events import (
    BadMessage,
    IkeEvent,
    InitialContact,
    Phase1Deleted,
    Phase1Failed,
    Phase1Shortened,
    Phase1Up,
    Phase2Up,
    Trouble,
)
from agent.crypto.isakmp import decode_header, decode_payloads
from agent.crypto.keys import skeyid_signature
from agent.crypto.nat_traversal import NatTraversal
from agent.crypto.payloads import Certificate, CertificateRequest, Identification, NatDetection, Notification, Signature
from agent.crypto.proposals import Phase1Policy, Phase2Terms, Suite
from agent.crypto.states import State
from tests.crypto.ike_pair import DES, Pair, Side, ports_of_messages
from tests.crypto.pki import NOW, YEAR, Issuer, address, root

SIGNED = replace(DES, authentication="rsa-sig")
MODES = [Exchange.MAIN, Exchange.AGGRESSIVE]
ADDRESSES = ("10.1.1.1", "10.1.1.2")

every_mode = pytest.mark.parametrize("exchange", MODES, ids=["main", "aggressive"])
every_way = pytest.mark.parametrize("policy", [DES, SIGNED], ids=["key", "signature"])


@cache
def authority() -> Issuer:
    return root()


def sides(policy: Phase1Policy = SIGNED, **of_one: dict[str, object]) -> tuple[Side, Side]:
    """Two ends that have all that they need; `initiator` and `responder` change something of one."""
    ca = authority()
    made = [
        Side(
            own_address,
            (policy,),
            own=ca.credential(f"router {own_address}", address(own_address)),
            believes=ca.trust(),
            spi=0x1000 * (at + 1),
        )
        for at, own_address in enumerate(ADDRESSES)
    ]
    for at, name in enumerate(("initiator", "responder")):
        made[at] = replace(made[at], **of_one.get(name, {}))
    return made[0], made[1]


def pair_of(exchange: Exchange, policy: Phase1Policy = SIGNED, **of_one: dict[str, object]) -> Pair:
    return Pair(*sides(policy, **of_one), exchange=exchange)


def in_clear(octets: bytes, kind: type) -> list[object]:
    decoded = decode_payloads(decode_header(octets).next_payload, octets[28:])
    return [found.payload for found in decoded if isinstance(found.payload, kind)]


# --- both modes, both ways ---


@every_mode
@every_way
def test_it_comes_up_and_keys_a_quick_mode_from_either_end(exchange: Exchange, policy: Phase1Policy) -> None:
    pair = pair_of(exchange, policy).up()
    assert pair.events[0] == [Phase1Up()]
    assert pair.events[1] == [InitialContact(), Phase1Up()]
    assert pair.initiator.keying.keys == pair.responder.keying.keys
    assert pair.initiator.remote_identity == pair.responder.local_identity
    assert pair.responder.remote_identity == pair.initiator.local_identity
    pair.quick(by=0).quick(by=1)
    assert len(pair.of(0, Phase2Up)) == len(pair.of(1, Phase2Up)) == 2


@every_mode
@pytest.mark.parametrize("group", [1, 2, 5, 14, 19, 20])
def test_every_group_and_hash(exchange: Exchange, group: int) -> None:
    hash_name = {1: "md5", 2: "sha", 5: "sha256", 14: "sha384", 19: "sha512", 20: "sha"}[group]
    cipher, bits = {1: ("des", 56), 2: ("3des", 168), 5: ("aes", 192)}.get(group, ("aes", 256))
    policy = Phase1Policy(cipher, bits, hash_name, "rsa-sig" if group in (2, 14, 19) else "pre-share", group, 600)
    pair = pair_of(exchange, policy).up().quick()
    assert pair.responder.terms.agreed == policy
    assert pair.of(1, Phase2Up)


@every_mode
@every_way
@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_any_one_message_may_be_lost(exchange: Exchange, policy: Phase1Policy, side: int, number: int) -> None:
    pair = pair_of(exchange, policy)
    pair.wire = lambda from_initiator, at, octets: [] if (from_initiator, at) == (side == 0, number) else [octets]
    pair.run().wait(60).up().quick().wait(60)
    assert pair.of(0, Phase2Up)
    assert pair.of(1, Phase2Up)


@every_mode
@every_way
@pytest.mark.parametrize("side", [0, 1])
def test_copies_change_nothing_but_two_counts(exchange: Exchange, policy: Phase1Policy, side: int) -> None:
    plain = pair_of(exchange, policy).up().quick()
    pair = pair_of(exchange, policy)
    pair.wire = lambda from_initiator, number, octets: [octets] * (2 if from_initiator == (side == 0) else 1)
    pair.up().quick()
    here, there = plain.counts[1 - side].named(), pair.counts[1 - side].named()
    copies = there.pop("IN_DROPS")
    assert there.pop("IN_PACKETS") == here.pop("IN_PACKETS") + copies
    assert there["IN_OCTETS"] == here["IN_OCTETS"]


@every_mode
@every_way
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_broken_message_ends_in_a_failure_that_is_told_or_in_nothing(
    exchange: Exchange, policy: Phase1Policy, data: st.DataObject
) -> None:
    """Whatever an octet of a message of phase 1 becomes: nothing raises, and both do not think that they have different keys."""
    pair = pair_of(exchange, policy)
    side, number = data.draw(st.integers(0, 1)), data.draw(st.integers(1, 3))
    place, change = data.draw(st.integers(16, 10_000)), data.draw(st.integers(1, 255))

    def wire(from_initiator: bool, at: int, octets: bytes) -> list[bytes]:
        if (from_initiator, at) != (side == 0, number):
            return [octets]
        broken = bytearray(octets)
        broken[16 + place % (len(octets) - 16)] ^= change
        return [bytes(broken)]

    pair.wire = wire
    pair.run().wait(200)
    if pair.initiator.up and pair.responder.up:
        assert pair.initiator.keying.keys == pair.responder.keying.keys
    else:
        assert pair.of(0, Phase1Failed) or pair.of(1, Phase1Failed) or pair.of(0, BadMessage)


@every_mode
def test_a_peer_that_never_answers_is_given_up(exchange: Exchange) -> None:
    pair = pair_of(exchange)
    pair.wire = lambda from_initiator, number, octets: []
    pair.run().wait(200)
    assert pair.events[0] == [Phase1Failed(Trouble.TIMEOUT)]
    assert len(pair.sent[0]) == len(RETRY_AFTER)


@every_mode
@every_way
def test_no_common_policy(exchange: Exchange, policy: Phase1Policy) -> None:
    pair = pair_of(exchange, policy, responder={"proposals": (replace(policy, hash="md5"),)}).run()
    assert pair.events[0] == pair.events[1] == [Phase1Failed(Trouble.PROPOSAL)]


@every_mode
def test_without_a_policy_for_the_peer_nothing_is_sent(exchange: Exchange) -> None:
    pair = pair_of(exchange, initiator={"proposals": ()}).run()
    assert pair.events[0] == [Phase1Failed(Trouble.PROPOSAL)]
    assert not pair.sent[0]


@every_mode
def test_a_peer_that_is_not_accepted(exchange: Exchange) -> None:
    pair = pair_of(exchange, responder={"trusts": False}).run()
    assert pair.events[1] == [Phase1Failed(Trouble.AUTHENTICATION)]
    assert pair.events[0] == initiators_end(exchange)
    assert pair.initiator.state is State.DEAD


def initiators_end(exchange: Exchange) -> list[IkeEvent]:
    """What an initiator says whose last message was not accepted: in aggressive mode it had been up by then."""
    if exchange is Exchange.MAIN:
        return [Phase1Failed(Trouble.AUTHENTICATION)]
    return [Phase1Up(), Phase1Deleted()]


# --- aggressive mode ---


def test_aggressive_mode_is_three_messages_of_which_the_last_is_encrypted() -> None:
    pair = pair_of(Exchange.AGGRESSIVE, DES).up()
    assert [decode_header(octets).encrypted for octets in pair.sent[0]] == [False, True]
    assert [decode_header(octets).encrypted for octets in pair.sent[1]] == [False]
    assert {decode_header(octets).exchange for octets in pair.sent[0] + pair.sent[1]} == {Exchange.AGGRESSIVE}


def test_the_states_of_aggressive_mode() -> None:
    pair = pair_of(Exchange.AGGRESSIVE, DES)
    assert (pair.initiator.state, pair.responder.state) == (State.AG_INIT_EXCH, State.AG_NO_STATE)
    pair.wire = lambda from_initiator, number, octets: [octets] if from_initiator else []
    pair.run()
    assert pair.responder.state is State.AG_INIT_EXCH


def test_the_last_message_may_come_in_the_clear_but_its_notifications_are_not_believed() -> None:
    pair = pair_of(Exchange.AGGRESSIVE, DES)
    sa = pair.initiator
    sa.seal = lambda exchange, dialogue, payloads, message_id=0: sa.encode(exchange, payloads, message_id)  # type: ignore[method-assign]  # as no sender of ours would
    pair.run()
    del sa.seal  # type: ignore[method-assign]  # as no sender of ours would
    assert not decode_header(pair.sent[0][1]).encrypted
    assert pair.events[1] == [Phase1Up()]
    sa.keying.last_block = pair.responder.keying.last_block
    pair.quick()
    assert pair.of(1, Phase2Up)


def test_all_that_is_offered_has_the_group_of_the_first_policy() -> None:
    others = (replace(DES, group=2, priority=1), replace(DES, group=5, priority=2), replace(DES, group=2, hash="md5", priority=3))
    pair = pair_of(Exchange.AGGRESSIVE, DES, initiator={"proposals": others}, responder={"proposals": others}).up()
    assert [policy.priority for policy in pair.initiator.terms.offered] == [1, 3]
    assert pair.responder.policy().priority == 1


def test_the_responder_asks_for_a_key_by_who_the_peer_says_that_it_is() -> None:
    """Both sides have heard the other's identity by the time that the key is needed."""
    names = [Identification(kind, b"vpn.example") for kind in (IdentificationType.KEY_ID, IdentificationType.USER_FQDN)]
    pair = pair_of(Exchange.AGGRESSIVE, DES, initiator={"identity": names[0]}, responder={"identity": names[1]}).up()
    assert pair.sides[1].asked_for_key == [names[0]]
    assert pair.sides[0].asked_for_key == [names[1]]
    assert pair_of(Exchange.MAIN, DES).up().sides[1].asked_for_key == [None]


def test_different_keys_are_a_hash_that_does_not_match() -> None:
    pair = pair_of(Exchange.AGGRESSIVE, DES, responder={"key": b"another"}).run()
    assert pair.events[0] == pair.events[1] == [Phase1Failed(Trouble.HASH)]
    assert in_clear(pair.sent[0][1], Notification)[0].kind == NotifyType.INVALID_HASH_INFORMATION


@every_mode
def test_no_key_for_the_peer(exchange: Exchange) -> None:
    pair = pair_of(exchange, DES, responder={"key": None}).run()
    assert pair.events[0] == pair.events[1] == [Phase1Failed(Trouble.AUTHENTICATION)]


@every_mode
def test_a_shorter_lifetime_of_the_responder_holds_on_both_sides(exchange: Exchange) -> None:
    pair = pair_of(exchange, SIGNED, responder={"proposals": (replace(SIGNED, lifetime=600),)}).up()
    assert pair.initiator.policy().lifetime == pair.responder.policy().lifetime == 600
    assert pair.initiator.expires == pair.responder.expires
    assert pair.of(0, Phase1Shortened) == ([Phase1Shortened(600)] if exchange is Exchange.AGGRESSIVE else [])
    assert pair.counts[0].named()["IN_NOTIFYS"] == pair.counts[1].named()["OUT_NOTIFYS"] == 1


def test_the_hashes_that_detect_a_nat_go_with_the_second_and_third_message() -> None:
    esp = Phase2Terms((Suite(None, "des", 56, "sha"),), 3600, 99000)  # AH cannot go past a NAT
    pair = Pair(*sides(DES, responder={"terms": esp}), nat=("198.51.100.7", 20000), exchange=Exchange.AGGRESSIVE)
    heard = ports_of_messages(pair)
    pair.up().quick(esp)
    assert pair.result(1).choice.udp
    assert not in_clear(pair.sent[0][0], NatDetection)
    assert len(in_clear(pair.sent[1][0], NatDetection)) == 2
    assert heard[:2] == [(True, 500, 500), (False, 500, 20500)]
    assert set(heard[2:]) == {(True, 4500, 4500), (False, 4500, 24500)}
    assert pair.initiator.nat is not None
    assert pair.responder.nat is not None
    assert (pair.initiator.nat.local_behind, pair.responder.nat.remote_behind) == (True, True)
    assert (pair.initiator.nat.remote_behind, pair.responder.nat.local_behind) == (False, False)


@pytest.mark.parametrize("forced", [0, 1])
def test_aggressive_mode_without_a_nat_stays_unless_one_forces_it(forced: int) -> None:
    plain = Pair(*sides(DES), exchange=Exchange.AGGRESSIVE).up()
    assert not plain.initiator.floated
    traversal = [NatTraversal(), NatTraversal()]
    traversal[forced] = NatTraversal(force=True)
    pair = Pair(*sides(DES), traversal=(traversal[0], traversal[1]), exchange=Exchange.AGGRESSIVE).up()
    assert all(sa.nat is not None and sa.nat.detected and sa.floated for sa in pair.ends)


# --- signatures ---


def test_skeyid_of_a_signature_is_keyed_by_the_nonces() -> None:
    assert skeyid_signature("sha256", b"secret", b"nonce of i", b"nonce of r") == keyed_digest(
        "sha256", b"nonce of inonce of r", b"secret"
    )


@every_mode
def test_certificates_are_asked_for_and_sent(exchange: Exchange) -> None:
    pair = pair_of(exchange).up()
    asking = 0 if exchange is Exchange.AGGRESSIVE else 1
    wanted = CertificateRequest(authority().certificate.subject.public_bytes())
    for side in (0, 1):
        assert in_clear(pair.sent[side][asking], CertificateRequest) == [wanted]
    assert pair.initiator.identities.requested == pair.responder.identities.requested == (wanted.authority,)
    own = pair.sides[1].own
    assert own is not None
    if exchange is Exchange.AGGRESSIVE:
        assert in_clear(pair.sent[1][0], Certificate) == [Certificate(octets) for octets in own.encoded()]
        assert len(in_clear(pair.sent[1][0], Signature)) == 1


@every_mode
def test_no_certificate_is_asked_for_where_keys_do(exchange: Exchange) -> None:
    pair = pair_of(exchange, DES).up()
    assert not pair.initiator.identities.requested
    assert not pair.responder.identities.requested


def named(kind: IdentificationType, data: bytes, *alternatives: x509.GeneralName) -> dict[str, object]:
    return {"identity": Identification(kind, data), "own": authority().credential("somebody", *alternatives)}


@every_mode
@pytest.mark.parametrize(
    "initiator",
    [
        lambda: named(IdentificationType.FQDN, b"Vpn.Example", x509.DNSName("vpn.example")),
        lambda: named(IdentificationType.USER_FQDN, b"me@vpn.example", x509.RFC822Name("me@vpn.example")),
        lambda: named(IdentificationType.DER_ASN1_DN, authority().credential("somebody").subject),
    ],
    ids=["host", "user", "distinguished name"],
)
def test_every_kind_of_identity(exchange: Exchange, initiator: Callable[[], dict[str, object]]) -> None:
    pair = pair_of(exchange, SIGNED, initiator=initiator()).up().quick()
    assert pair.of(1, Phase2Up)


def test_a_chain_of_authorities_travels_with_the_certificate() -> None:
    middle = authority().below("Middle").below("Lower")
    own = middle.credential("deep", address(ADDRESSES[0]))
    assert len(own.certificates) == 3
    assert pair_of(Exchange.MAIN, SIGNED, initiator={"own": own}).up().quick().of(1, Phase2Up)


_STRANGER = root("Stranger")


def _of_another_key() -> dict[str, object]:
    """A signature by a key that is not the certificate's."""
    own = authority().credential("somebody", address(ADDRESSES[0]))
    return {"own": replace(own, key=_STRANGER.key)}


def _own(*alternatives: x509.GeneralName, **settings: Any) -> dict[str, Any]:
    return {"own": authority().credential("somebody", *(alternatives or (address(ADDRESSES[0]),)), **settings)}


def _revoked() -> dict[str, dict[str, object]]:
    initiator = _own()
    crl = authority().crl(initiator["own"].certificates[0])
    return {"initiator": initiator, "responder": {"believes": authority().trust(crl)}}


# What is wrong, by what the responder calls it: the one that sees the initiator's certificate.
FAILURES: dict[Trouble, Callable[[], dict[str, dict[str, object]]]] = {
    Trouble.SIGNATURE: lambda: {"initiator": _of_another_key()},
    Trouble.CERTIFICATE_MISSING: lambda: {"initiator": {"own": replace(_own()["own"], certificates=())}},
    Trouble.CERTIFICATE_AUTHORITY: lambda: {"initiator": {"own": _STRANGER.credential("somebody", address(ADDRESSES[0]))}},
    Trouble.CERTIFICATE_EXPIRED: lambda: {
        "initiator": _own(end=NOW - timedelta(days=1)) | {"believes": authority().trust(moment=NOW - YEAR / 2)}
    },
    Trouble.CERTIFICATE_IDENTITY: lambda: {"initiator": _own(address("10.9.9.9"))},
    Trouble.CERTIFICATE_REVOKED: _revoked,
    Trouble.CRL: lambda: {"responder": {"believes": authority().trust(None, "crl")}},
}


@every_mode
@pytest.mark.parametrize("trouble", FAILURES, ids=lambda trouble: trouble.name)
def test_a_certificate_that_is_not_believed(exchange: Exchange, trouble: Trouble, monkeypatch: pytest.MonkeyPatch) -> None:
    if trouble is Trouble.CERTIFICATE_MISSING:
        monkeypatch.setattr("agent.crypto.certificates.Credential.valid", lambda self, moment: True)
    pair = pair_of(exchange, SIGNED, **FAILURES[trouble]()).run()
    assert pair.events[1] == [Phase1Failed(trouble)]
    assert pair.events[0] == initiators_end(exchange)
    assert not pair.counts[1]


@every_mode
def test_a_certificate_that_cannot_be_read(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = pair_of(exchange)
    monkeypatch.setattr("agent.crypto.certificates.Credential.encoded", lambda self: [b"\x30\x03abc"])
    pair.run()
    told = [event for side in (0, 1) for event in pair.of(side, Phase1Failed)]
    assert Phase1Failed(Trouble.CERTIFICATE_ENCODING) in told


@every_mode
def test_our_certificate_has_expired(exchange: Exchange) -> None:
    own = authority().credential("late", address(ADDRESSES[0]), end=NOW - timedelta(days=1))
    pair = pair_of(exchange, SIGNED, initiator={"own": own}).run()
    assert pair.events[0] == [Phase1Failed(Trouble.LOCAL_CERTIFICATE)]
    assert pair.events[1] == [Phase1Failed(Trouble.AUTHENTICATION)]


def test_an_error_under_keys_that_both_have_is_believed_before_phase_1_is_over() -> None:
    """A peer that has keys may encrypt its error; ours is read whoever does."""
    pair = pair_of(Exchange.MAIN, SIGNED, responder={"trusts": False})
    pair.wire = lambda from_initiator, number, octets: [octets] if from_initiator or number < 3 else []
    pair.run()
    told = pair.responder
    told.keying.last_block = decode_last_block(pair.sent[0][2])
    told.inform((Notification(1, NotifyType.INVALID_CERTIFICATE),))
    pair.wire = lambda from_initiator, number, octets: [octets]
    pair.run()
    assert pair.events[0] == [Phase1Failed(Trouble.AUTHENTICATION)]


def decode_last_block(octets: bytes) -> bytes:
    return octets[-8:]
