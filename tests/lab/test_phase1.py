"""Two routers over aggressive mode and by certificates: from their configurations to rows and states.

Failures are in the table of causes; here is what is left of them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agent.base.origin import CONSOLE
from agent.engine.values import ClearSessions
from agent.flow.model import EndReason, IkeFailureReason
from tests.crypto.pki import NOW
from tests.lab.bringing_phase1 import (
    AGGRESSIVE,
    BY_PROFILE,
    DATED,
    SIGNED,
    SIGNED_AGGRESSIVE,
    STRANGER,
    TRUSTPOINT,
    WEST,
    WITH_CRL,
    trusting,
    trustpoint,
)
from tests.lab.conftest import LINK, DrivenLab, MakePair, ping


def facts(lab: DrivenLab, name: str) -> Any:
    (tunnel,) = lab.flow(name).ike_tunnels.values()
    return tunnel.facts


def reasons(lab: DrivenLab, name: str) -> list[IkeFailureReason]:
    return [row.reason for row in lab.flow(name).ike_failures.values()]


@pytest.fixture
def pair(make_pair: MakePair) -> MakePair:
    """A pair with a trustpoint each, where their configurations have one."""

    def make(link: str = DATED, trustpoints: Any = None, **settings: Any) -> DrivenLab:
        signed = TRUSTPOINT.strip() in str(settings)
        known = trusting() if trustpoints is None and signed else trustpoints
        return make_pair(link=link, trustpoints=known, **settings)

    return make


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
def test_the_tunnel_says_how_it_came_up(pair: MakePair, settings: dict[str, str], aggressive: bool, authentication: str) -> None:
    lab = pair(**settings)
    assert ping(lab) == 1
    for name in ("east", "west"):
        found = facts(lab, name)
        assert (found.aggressive, found.authentication) == (aggressive, authentication)
        assert found.initiator is (name == "east")
        assert len(lab.flow(name).ipsec_tunnels) == 1
        assert not lab.flow(name).ike_failures
        (sa,) = lab.lab.routers[name].engine.phase1_sas()
        assert sa.state == "QM_IDLE"


def test_the_states_of_aggressive_mode_are_seen_while_it_lasts(pair: MakePair) -> None:
    lab = pair(link=LINK.replace('"1ms"', '"1s"'), **BY_PROFILE)
    lab.start_ping("east", "10.0.2.1", "10.0.1.1", repeat=1)

    def states(name: str) -> list[str]:
        return [sa.state for sa in lab.lab.routers[name].engine.phase1_sas()]

    lab.wait(0.5)
    assert (states("east"), states("west")) == (["AG_INIT_EXCH"], [])
    lab.wait(1)
    assert (states("east"), states("west")) == (["AG_INIT_EXCH"], ["AG_INIT_EXCH"])
    lab.wait(2)
    assert (states("east"), states("west")) == (["QM_IDLE"], ["QM_IDLE"])


def test_a_peer_may_be_known_by_its_name_alone(pair: MakePair) -> None:
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


def test_in_aggressive_mode_the_name_of_a_peer_leads_to_its_profile_and_so_to_its_key(pair: MakePair) -> None:
    """Two keyrings of West have a key for East's address; in main mode the first would be taken."""
    keyrings = "".join(f"crypto keyring {name}\n pre-shared-key address 0.0.0.0 0.0.0.0 key {name}\n" for name in ("one", "two"))
    profiles = "".join(
        f"crypto isakmp profile {name}\n keyring {name}\n match identity host {name}.example\n" for name in ("one", "two")
    )
    lab = pair(
        east={
            "lines": "crypto isakmp peer address 192.0.2.2\n set aggressive-mode password two\n"
            " set aggressive-mode client-endpoint fqdn two.example\n"
        },
        west={"lines": f"no crypto isakmp key secret address 192.0.2.1\n{keyrings}{profiles}"},
    )
    assert ping(lab) == 1
    assert facts(lab, "west").profile == "two"


def test_a_peer_without_both_settings_is_met_in_main_mode(pair: MakePair) -> None:
    lab = pair(east={"lines": "crypto isakmp peer address 192.0.2.2\n set aggressive-mode password secret\n"})
    assert ping(lab) == 1
    assert not facts(lab, "east").aggressive


def test_an_identity_may_be_the_subject_of_the_certificate(pair: MakePair) -> None:
    lab = pair(lines=SIGNED["lines"] + "crypto isakmp identity dn\n")
    assert ping(lab) == 1
    assert facts(lab, "west").remote.value == "CN=router 1,O=Example"
    assert facts(lab, "east").remote.value == "CN=router 2,O=Example"


def test_where_both_can_be_done_the_responders_order_decides(pair: MakePair) -> None:
    other = TRUSTPOINT + "crypto isakmp policy 5\n authentication rsa-sig\n"
    lab = pair(lines=other)
    assert ping(lab) == 1
    assert facts(lab, "west").policy == 5
    assert facts(lab, "west").authentication == "rsa-sig"


def test_a_shorter_lifetime_of_the_responder_shows_at_both_ends_of_an_aggressive_mode(pair: MakePair) -> None:
    lab = pair(west={**BY_PROFILE, "ike_lifetime": "600"}, east=BY_PROFILE)
    assert ping(lab) == 1
    lab.wait(1)
    assert facts(lab, "east").lifetime == facts(lab, "west").lifetime == 600
    lab.wait(600)
    assert [row.reason for row in lab.flow("east").ike_history.values()] == [EndReason.NORMAL]


# --- what fails ---


def test_without_a_certificate_a_policy_is_not_accepted(pair: MakePair) -> None:
    lab = pair(trustpoints={"east": trusting()["east"]}, **SIGNED)
    assert ping(lab, 1) == 0
    assert reasons(lab, "east") == reasons(lab, "west") == [IkeFailureReason.PROPOSAL]


def test_a_router_that_does_not_do_aggressive_mode_does_not_begin_one(pair: MakePair) -> None:
    lab = pair(east={**BY_PROFILE, "lines": AGGRESSIVE + "crypto isakmp aggressive-mode disable\n"}, west=BY_PROFILE)
    assert ping(lab, 1) == 0
    lab.wait(120)
    assert reasons(lab, "east") == [IkeFailureReason.OTHER]
    assert not reasons(lab, "west")


def test_an_initiator_whose_last_message_is_not_accepted_is_told_of_it(pair: MakePair) -> None:
    """In aggressive mode it has been up by then."""
    west = {**SIGNED_AGGRESSIVE, "lines": SIGNED_AGGRESSIVE["lines"].replace(SIGNED["lines"], WITH_CRL["lines"])}
    lab = pair(east=SIGNED_AGGRESSIVE, west=west)
    assert ping(lab, 1) == 0
    lab.wait(1)
    assert reasons(lab, "west") == [IkeFailureReason.CRL]
    assert not lab.flow("west").ike_tunnels
    assert not lab.flow("east").ike_tunnels
    assert reasons(lab, "east") == [IkeFailureReason.PEER_DELETE]


def test_a_certificate_expires_as_the_labs_clock_goes_on(pair: MakePair) -> None:
    lab = pair(trustpoints=trusting(east=trustpoint(1, end=NOW + timedelta(minutes=1))), **SIGNED)
    assert ping(lab) == 1
    lab.wait(120)
    lab.east.engine.do(ClearSessions(), CONSOLE)
    lab.wait(1)
    assert ping(lab) == 0
    assert reasons(lab, "east")[-1] is IkeFailureReason.LOCAL_CERTIFICATE_EXPIRED


def test_a_profile_believes_the_authority_that_it_names(pair: MakePair) -> None:
    """West's profile for East names a trustpoint whose authority has not certified East."""
    two = SIGNED["lines"] + "crypto pki trustpoint theirs\n"
    profile = "crypto isakmp profile east\n ca trust-point {}\n match identity address 192.0.2.1\n"
    known = {**trusting(), "west": {"ours": WEST, "theirs": trustpoint(2, by=STRANGER)}}
    assert ping(pair(trustpoints=known, east=SIGNED, west={"lines": two + profile.format("ours")})) == 1
    lab = pair(trustpoints=known, east=SIGNED, west={"lines": two + profile.format("theirs")})
    assert ping(lab, 1) == 0
    assert reasons(lab, "west") == [IkeFailureReason.PEER_CERTIFICATE_INVALID]
