"""What fails with strongSwan's charon fails at both ends, and for its true reason in ours.

Each test has a router of its own. The clock of those that begin goes fast, so that they give up within seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import pytest

from tests.e2e.strongswan import Charon, RealLab, StartRealLab
from tests.e2e.tools import wait_for

SPEED = 20


class Case(NamedTuple):
    """What is wrong, who starts, and what comes of it. `settings` are the router's, the others charon's."""

    name: str
    swan_starts: bool
    settings: dict[str, str]
    phase: int
    reason: str
    swan_says: str
    ike: str = "aes128-sha1-modp2048"
    esp: str = "aes128-sha1"
    secret: str = "a-pre-shared-key"
    child: Mapping[str, object] = MappingProxyType({})


CASES = dict(
    enumerate(
        [
            Case("wrong key", True, {}, 1, "authFailure", "PLD_MAL", secret="another key"),
            Case("wrong key", False, {}, 1, "authFailure", "PLD_MAL", secret="another key"),
            Case("no policy in common", True, {}, 1, "proposalFailure", "NO_PROP", ike="3des-sha1-modp1024"),
            Case("no policy in common", False, {}, 1, "proposalFailure", "NO_PROP", ike="3des-sha1-modp1024"),
            Case("no transform set in common", True, {}, 2, "proposalFailure", "NO_PROP", esp="3des-sha1"),
            Case("no transform set in common", False, {}, 2, "proposalFailure", "NO_PROP", esp="3des-sha1"),
            Case("only one end wants PFS", True, {"map_lines": " set pfs group14"}, 2, "proposalFailure", "NO_PROP"),
            Case("only one end wants PFS", False, {}, 2, "proposalFailure", "NO_PROP", esp="aes128-sha1-modp2048"),
            Case("another flow", True, {}, 2, "proposalFailure", "NO_PROP", child={"remote_ts": ["10.66.0.0/24"]}),
            Case("another flow", False, {}, 2, "proposalFailure", "INVAL_ID", child={"local_ts": ["10.66.0.0/24"]}),
        ],
        1,
    )
)


@pytest.fixture(scope="module")
def labs(start_real_lab: StartRealLab) -> dict[bool, RealLab]:
    """By who starts."""

    def start(swan_starts: bool, *options: str) -> RealLab:
        return start_real_lab(
            {number: case.settings for number, case in CASES.items() if case.swan_starts is swan_starts}, *options
        )

    return {True: start(True), False: start(False, "--speed", str(SPEED))}


@pytest.mark.parametrize("number", CASES, ids=lambda number: f"{CASES[number].name}-{CASES[number].swan_starts}")
def test_a_failure_has_its_reason_at_both_ends(swan: Charon, labs: dict[bool, RealLab], number: int) -> None:
    case = CASES[number]
    lab = labs[case.swan_starts]
    swan.connect(number, {"esp_proposals": [case.esp], **case.child}, secret=case.secret, proposals=[case.ike])
    if case.swan_starts:
        assert swan.initiate(number) is not None
    else:
        assert lab.ping(number, count=1) == 0
    column = "cikeFailReason" if case.phase == 1 else "cipSecFailReason"
    wait_for(lambda: lab.column(number, column), "a failure row")
    assert lab.column(number, column) == [case.reason]
    assert len(lab.column(number, "cikeTunStatus")) == case.phase - 1
    assert not lab.column(number, "cipSecTunStatus")
    assert not swan.children(number)
    wait_for(lambda: case.swan_says in swan.log_of(number), f"charon to say {case.swan_says}")
