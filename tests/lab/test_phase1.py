"""Two routers over aggressive mode and by certificates: from their configurations to rows, failures and states."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from agent.crypto.certificates import Authority
from agent.flow.model import EndReason, IkeFailureReason
from agent.flow.vrf import IkeEvents
from agent.lab.trustpoints import Trustpoint, Trustpoints
from tests.crypto.pki import NOW, Issuer, address, root
from tests.lab.conftest import LINK, DrivenLab, router_text

DATE = f"date = {NOW:%Y-%m-%dT%H:%M:%S}Z\n"
ROOT = root()
TRUSTPOINT = "crypto pki trustpoint ours\n"
PROFILE = "crypto isakmp profile ours\n match identity address 192.0.2.{peer}\n initiate mode aggressive\n"
BY_PROFILE = {"map_lines": " set isakmp-profile ours", "lines": PROFILE}
SIGNED = {"lines": TRUSTPOINT + "crypto isakmp policy 10\n no authentication\n"}
SIGNED_AGGRESSIVE = {"lines": SIGNED["lines"] + PROFILE, "map_lines": " set isakmp-profile ours"}


def trustpoint(me: int, issuer: Issuer = ROOT, by: Issuer = ROOT, crl: Any = None, **settings: Any) -> Trustpoint:
    name = settings.pop("name", address(f"192.0.2.{me}"))
    return Trustpoint(Authority(by.certificate, crl), issuer.credential(f"router {me}", name, **settings))


BOTH: Mapping[str, Trustpoints] = {name: {"ours": trustpoint(me)} for me, name in enumerate(("east", "west"), 1)}


def pair(
    trustpoints: Mapping[str, Trustpoints] = BOTH,
    east: Mapping[str, str] = {},
    west: Mapping[str, str] = {},
    link: str = LINK,
    **both: str,
) -> DrivenLab:
    texts = {
        "east": router_text("east", 1, 2, **{**both, **east}),
        "west": router_text("west", 2, 1, **{**both, **west}),
    }
    known = {name: text for name, text in trustpoints.items() if TRUSTPOINT in texts[name]}
    return DrivenLab(DATE + link, texts, known)


def ping(lab: DrivenLab, repeat: int = 2) -> int:
    return lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=repeat)


def facts(lab: DrivenLab, name: str) -> Any:
    (tunnel,) = lab.flow(name).ike_tunnels.values()
    return tunnel.facts


def reasons(lab: DrivenLab, name: str) -> list[IkeFailureReason]:
    return [row.reason for row in lab.flow(name).ike_failures.values()]


# --- what comes up ---


@pytest.mark.parametrize(
    ("settings", "aggressive", "authentication"),
    [
        ({}, False, "pre-share"),
        (BY_PROFILE, True, "pre-share"),
        (SIGNED, False, "rsa-sig"),
        (SIGNED_AGGRESSIVE, True, "rsa-sig"),
    ],
    ids=["main, key", "aggressive, key", "main, certificate", "aggressive, certificate"],
)
def test_the_tunnel_says_how_it_came_up(settings: dict[str, str], aggressive: bool, authentication: str) -> None:
    lab = pair(**settings)
    assert ping(lab) == 1
    for name in ("east", "west"):
        found = facts(lab, name)
        assert (found.aggressive, found.authentication) == (aggressive, authentication)
        assert found.initiator is (name == "east")
        assert len(lab.flow(name).ipsec_tunnels) == 1
        assert not lab.flow(name).ike_failures
        (sa,) = lab.lab.routers[name].engine.isakmp_sas()
        assert sa.state == "QM_IDLE"


def test_the_states_of_aggressive_mode_are_seen_while_it_lasts() -> None:
    lab = pair(link=LINK.replace('"1ms"', '"1s"'), **BY_PROFILE)
    lab.start_ping("east", "10.0.2.1", "10.0.1.1", repeat=1)

    def states(name: str) -> list[str]:
        return [sa.state for sa in lab.lab.routers[name].engine.isakmp_sas()]

    lab.wait(0.5)
    assert (states("east"), states("west")) == (["AG_INIT_EXCH"], [])
    lab.wait(1)
    assert (states("east"), states("west")) == (["AG_INIT_EXCH"], ["AG_INIT_EXCH"])
    lab.wait(2)
    assert (states("east"), states("west")) == (["QM_IDLE"], ["QM_IDLE"])


def test_a_peer_may_be_known_by_its_name_alone() -> None:
    """East's address is one that West has no key for: the key is that of the name that East gives itself."""
    lab = pair(
        east={
            "lines": "crypto isakmp peer address 192.0.2.2\n set aggressive-mode password other\n"
            " set aggressive-mode client-endpoint user-fqdn east@vpn.example\n"
        },
        west={"lines": "no crypto isakmp key secret address 192.0.2.1\ncrypto isakmp key other hostname east@vpn.example\n"},
    )
    assert ping(lab) == 1
    assert facts(lab, "west").remote.value == facts(lab, "east").local.value == "east@vpn.example"


def test_a_peer_without_both_settings_is_met_in_main_mode() -> None:
    lab = pair(east={"lines": "crypto isakmp peer address 192.0.2.2\n set aggressive-mode password secret\n"})
    assert ping(lab) == 1
    assert not facts(lab, "east").aggressive


def test_an_identity_may_be_the_subject_of_the_certificate() -> None:
    lab = pair(lines=SIGNED["lines"] + "crypto isakmp identity dn\n")
    assert ping(lab) == 1
    assert facts(lab, "west").remote.value == "CN=router 1,O=Example"
    assert facts(lab, "east").remote.value == "CN=router 2,O=Example"


def test_where_both_can_be_done_the_responders_order_decides() -> None:
    other = TRUSTPOINT + "crypto isakmp policy 5\n authentication rsa-sig\n"
    lab = pair(lines=other)
    assert ping(lab) == 1
    assert facts(lab, "west").policy == 5
    assert facts(lab, "west").authentication == "rsa-sig"


def test_a_shorter_lifetime_of_the_responder_shows_at_both_ends_of_an_aggressive_mode() -> None:
    lab = pair(west={**BY_PROFILE, "ike_lifetime": "600"}, east=BY_PROFILE)
    assert ping(lab) == 1
    lab.wait(1)
    assert facts(lab, "east").lifetime == facts(lab, "west").lifetime == 600
    lab.wait(600)
    assert [row.reason for row in lab.flow("east").ike_history.values()] == [EndReason.NORMAL]


# --- what fails ---


def test_without_a_certificate_the_policy_is_neither_offered_nor_accepted() -> None:
    lab = pair({"west": BOTH["west"]}, **SIGNED)
    assert ping(lab, 1) == 0
    assert reasons(lab, "east") == [IkeFailureReason.PROPOSAL]
    assert not lab.flow("west").ike_failures  # nothing was sent
    lab = pair({"east": BOTH["east"]}, **SIGNED)
    assert ping(lab, 1) == 0
    assert reasons(lab, "east") == reasons(lab, "west") == [IkeFailureReason.PROPOSAL]


def test_different_keys_in_aggressive_mode() -> None:
    lab = pair(west={**BY_PROFILE, "key": "another"}, east=BY_PROFILE)
    assert ping(lab, 1) == 0
    for name in ("east", "west"):
        assert reasons(lab, name) == [IkeFailureReason.HASH_VALIDATION]
        assert lab.flow(name).ike_events[IkeEvents.HASH_FAILS] == 1


@pytest.mark.parametrize("name", ["east", "west"])
def test_a_router_that_does_not_do_aggressive_mode(name: str) -> None:
    lab = pair(**{name: {**BY_PROFILE, "lines": PROFILE + "crypto isakmp aggressive-mode disable\n"}, **_other(name)})
    assert ping(lab, 1) == 0
    lab.wait(120)
    assert IkeFailureReason.OTHER in reasons(lab, name)
    assert len(reasons(lab, name)) == 1
    if name == "west":
        assert reasons(lab, "east") == [IkeFailureReason.PEER_LOST]  # it gets no answer
    else:
        assert not reasons(lab, "west")


def _other(name: str) -> dict[str, dict[str, str]]:
    return {"west" if name == "east" else "east": BY_PROFILE}


_CRL = ROOT.crl(trustpoint(1).credential.certificates[0])  # type: ignore[union-attr]
_EAST = trustpoint(1)
_STRANGER = root("Stranger")

# East's certificate as West sees it, and what West writes down.
CERTIFICATES: dict[str, tuple[Mapping[str, Trustpoints], str, IkeFailureReason]] = {
    "another authority": (
        {"east": {"ours": trustpoint(1, _STRANGER)}, "west": BOTH["west"]},
        "",
        IkeFailureReason.PEER_CERTIFICATE_INVALID,
    ),
    "another identity": (
        {"east": {"ours": trustpoint(9)}, "west": BOTH["west"]},
        "",
        IkeFailureReason.PEER_CERTIFICATE_INVALID,
    ),
    "revoked": (
        {"east": {"ours": _EAST}, "west": {"ours": trustpoint(2, crl=ROOT.crl(_EAST.credential.certificates[0]))}},  # type: ignore[union-attr]
        " revocation-check crl\n",
        IkeFailureReason.CRL,
    ),
    "no revocation list": (BOTH, " revocation-check crl\n", IkeFailureReason.CRL),
}


@pytest.mark.parametrize("cause", CERTIFICATES)
@pytest.mark.parametrize("mode", ["main", "aggressive"])
def test_a_peers_certificate_that_is_not_believed(cause: str, mode: str) -> None:
    trustpoints, check, reason = CERTIFICATES[cause]
    settings = SIGNED_AGGRESSIVE if mode == "aggressive" else SIGNED
    west = {**settings, "lines": settings["lines"].replace(TRUSTPOINT, TRUSTPOINT + check)}
    lab = pair(trustpoints, east=settings, west=west)
    assert ping(lab, 1) == 0
    lab.wait(1)
    assert reasons(lab, "west") == [reason]
    assert not lab.flow("west").ike_tunnels
    assert not lab.flow("east").ike_tunnels
    assert reasons(lab, "east") == [
        IkeFailureReason.AUTHENTICATION if mode == "main" else IkeFailureReason.PEER_DELETE  # it had been up by then
    ]
    assert lab.flow("west").ike_events[IkeEvents.AUTHENTICATION_FAILS] == 1


def test_our_certificate_has_expired() -> None:
    late = {"east": {"ours": trustpoint(1, end=NOW - timedelta(days=1))}, "west": BOTH["west"]}
    lab = pair(late, **SIGNED)
    assert ping(lab, 1) == 0
    assert reasons(lab, "east") == [IkeFailureReason.LOCAL_CERTIFICATE_EXPIRED]
    assert reasons(lab, "west") == [IkeFailureReason.AUTHENTICATION]


def test_a_certificate_expires_as_the_labs_clock_goes_on() -> None:
    soon = {"east": {"ours": trustpoint(1, end=NOW + timedelta(minutes=1))}, "west": BOTH["west"]}
    lab = pair(soon, **SIGNED)
    assert ping(lab) == 1
    lab.wait(120)
    lab.east.engine.clear_crypto_session()
    lab.wait(1)
    assert ping(lab) == 0
    assert reasons(lab, "east")[-1] is IkeFailureReason.LOCAL_CERTIFICATE_EXPIRED


def test_a_peers_certificate_has_expired() -> None:
    """By the clock of the responder, whose lab began a year later than the initiator believes."""
    late = {"east": {"ours": trustpoint(1, end=NOW + timedelta(minutes=1))}, "west": BOTH["west"]}
    lab = pair(late, **SIGNED)
    lab.router("west").certificates._date = lambda: NOW + timedelta(days=2)
    assert ping(lab, 1) == 0
    assert reasons(lab, "west") == [IkeFailureReason.PEER_CERTIFICATE_INVALID]
    assert reasons(lab, "east") == [IkeFailureReason.AUTHENTICATION]


def test_a_profile_believes_the_authority_that_it_names() -> None:
    """West's profile for East names a trustpoint whose authority has not certified East."""
    two = TRUSTPOINT + "crypto pki trustpoint theirs\n"
    profile = "crypto isakmp profile east\n ca trust-point {}\n match identity address 192.0.2.1\n"
    known = {"east": BOTH["east"], "west": {"ours": BOTH["west"]["ours"], "theirs": trustpoint(2, by=_STRANGER)}}
    lines = SIGNED["lines"].replace(TRUSTPOINT, two)
    assert ping(pair(known, east=SIGNED, west={"lines": lines + profile.format("ours")})) == 1
    lab = pair(known, east=SIGNED, west={"lines": lines + profile.format("theirs")})
    assert ping(lab, 1) == 0
    assert reasons(lab, "west") == [IkeFailureReason.PEER_CERTIFICATE_INVALID]
