"""IKE and IPsec with strongSwan's charon, which somebody else wrote: who starts, which algorithms, with PFS and without.

Each test has a router of its own in one lab, by its number.
"""

from __future__ import annotations

import pytest

from tests.e2e.strongswan import Charon, RealLab, StartRealLab

AES = {"encryption": "aes 128", "group": "14", "transforms": "esp-aes esp-sha-hmac"}
TRIPLE_DES = {"encryption": "3des", "group": "2", "transforms": "esp-3des esp-sha-hmac"}
PROPOSALS = {
    "aes": {"proposals": ["aes128-sha1-modp2048"], "esp": "aes128-sha1", "pfs": "modp2048"},
    "3des": {"proposals": ["3des-sha1-modp1024"], "esp": "3des-sha1", "pfs": "modp1024"},
}
SUITES = {"aes": AES, "3des": TRIPLE_DES}


def routers() -> dict[int, dict[str, str]]:
    """By number: each suite, without PFS and with it, started by charon and by the router."""
    found = {}
    for number, (name, pfs, _) in CASES.items():
        map_lines = f" set pfs group{SUITES[name]['group']}" if pfs else ""
        found[number] = {**SUITES[name], "map_lines": map_lines}
    return found


CASES = dict(enumerate([(name, pfs, swan) for name in SUITES for pfs in (False, True) for swan in (True, False)], 1))


@pytest.fixture(scope="module")
def lab(start_real_lab: StartRealLab) -> RealLab:
    return start_real_lab(routers())


@pytest.mark.parametrize("number", CASES, ids=lambda number: "-".join(map(str, CASES[number])))
def test_a_tunnel_comes_up_whoever_starts_it(swan: Charon, lab: RealLab, number: int) -> None:
    name, pfs, swan_starts = CASES[number]
    wanted = PROPOSALS[name]
    esp = f"{wanted['esp']}-{wanted['pfs']}" if pfs else wanted["esp"]
    swan.connect(number, {"esp_proposals": [esp]}, proposals=wanted["proposals"])
    if swan_starts:
        assert swan.initiate(number) is None
    else:
        assert lab.ping(number) == 4  # the first packet is dropped while the tunnel comes up
    assert swan.ping(number) == 5
    assert lab.ping(number) == 5
    check_agreement(lab, swan, number, pfs)


def check_agreement(lab: RealLab, swan: Charon, number: int, pfs: bool) -> None:
    """Both ends say the same of their SAs."""
    (ike,), (child,) = swan.sas(number), swan.children(number)
    assert (ike["state"], ike["nat-any"], child["encap"]) == ("ESTABLISHED", "yes", "yes")
    assert spis(lab, number) == {"in": int(child["spi-out"], 16), "out": int(child["spi-in"], 16)}
    assert lab.get(number, "cipSecGlobalInOctets.0").split()[0] == child["bytes-out"]
    assert ("dh-group" in child) is pfs


def spis(lab: RealLab, number: int) -> dict[str, int]:
    directions, values = lab.column(number, "cipSecSpiDirection"), lab.column(number, "cipSecSpiValue")
    return dict(zip(directions, map(int, values), strict=True))
