"""IKE and IPsec with strongSwan's charon, which somebody else wrote: who starts, which algorithms, with PFS and without.

Each test has a router of its own in one lab, by its number.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.e2e.strongswan import Charon, Namespace, RealLab, StartRealLab, capture
from tests.e2e.tools import wait_for


class Suite(NamedTuple):
    """One set of algorithms, as each end writes it."""

    settings: dict[str, str]
    ike: str
    esp: str
    group: str
    hash: str


SUITES = {
    "aes": Suite(
        {"encryption": "aes 128", "hash": "sha", "group": "14", "transforms": "esp-aes esp-sha-hmac"},
        "aes128-sha1-modp2048",
        "aes128-sha1",
        "modp2048",
        "sha",
    ),
    "3des": Suite(
        {"encryption": "3des", "hash": "sha", "group": "2", "transforms": "esp-3des esp-sha-hmac"},
        "3des-sha1-modp1024",
        "3des-sha1",
        "modp1024",
        "sha",
    ),
    "md5": Suite(
        {"encryption": "aes 256", "hash": "md5", "group": "5", "transforms": "esp-aes 256 esp-md5-hmac"},
        "aes256-md5-modp1536",
        "aes256-md5",
        "modp1536",
        "md5",
    ),
    "sha256": Suite(
        {"encryption": "aes 192", "hash": "sha256", "group": "19", "transforms": "esp-aes 192 esp-sha256-hmac"},
        "aes192-sha256-ecp256",
        "aes192-sha256",
        "ecp256",
        "",
    ),
}
# What charon calls what the MIB has a name for.
CIPHERS = {"3DES_CBC": "des3"}
HASHES = {"HMAC_SHA1_96": "hmacSha", "HMAC_MD5_96": "hmacMd5"}
GROUPS = {"MODP_1024": "dhGroup2"}

# By router: which suite, whether with PFS, whether charon starts.
CASES = dict(
    enumerate(
        [
            *((name, pfs, swan) for name in ("aes", "3des") for pfs in (False, True) for swan in (True, False)),
            ("md5", True, True),
            ("sha256", True, False),
        ],
        1,
    )
)
COUNTED = 30  # the router whose every octet is counted
ELSEWHERE = 32  # one that is at ports of its own


@pytest.fixture(scope="module")
def lab(start_real_lab: StartRealLab) -> RealLab:
    routers = {COUNTED: SUITES["aes"].settings, COUNTED + 1: SUITES["3des"].settings}
    for number in (ELSEWHERE, ELSEWHERE + 1):
        routers[number] = {**SUITES["aes"].settings, "ports": "5500 5501"}
    for number, (name, pfs, _) in CASES.items():
        suite = SUITES[name]
        routers[number] = {**suite.settings, "map_lines": f" set pfs group{suite.settings['group']}" if pfs else ""}
    return start_real_lab(routers)


@pytest.mark.parametrize("number", CASES, ids=lambda number: "-".join(map(str, CASES[number])))
def test_a_tunnel_comes_up_whoever_starts_it_and_both_ends_say_the_same_of_it(swan: Charon, lab: RealLab, number: int) -> None:
    name, pfs, swan_starts = CASES[number]
    suite = SUITES[name]
    swan.connect(number, {"esp_proposals": [f"{suite.esp}-{suite.group}" if pfs else suite.esp]}, proposals=[suite.ike])
    if swan_starts:
        assert swan.initiate(number) is None
    else:
        lab.begin(number)
    assert swan.ping(number) == 5
    assert lab.ping(number) == 5

    (ike,), (child,) = swan.sas(number), swan.children(number)
    assert (ike["state"], ike["nat-any"], child["encap"], "dh-group" in child) == ("ESTABLISHED", "yes", "yes", pfs)
    phase1, phase2 = lab.walk(number, "cikeTunnelTable"), lab.walk(number, "cipSecTunnelTable")
    assert phase1["cikeTunNegoMode.1"] == "main"
    assert phase1["cikeTunAuthMethod.1"] == "preSharedKey"
    # What a MIB of 2000 has no name for is not there.
    assert phase1.get("cikeTunEncryptAlgo.1") == CIPHERS.get(ike["encr-alg"])
    assert phase1.get("cikeTunHashAlgo.1", "") == suite.hash
    assert phase1.get("cikeTunDiffHellmanGrp.1") == GROUPS.get(ike["dh-group"])
    assert phase2.get("cipSecTunInSaEncryptAlgo.1") == phase2.get("cipSecTunOutSaEncryptAlgo.1") == CIPHERS.get(child["encr-alg"])
    assert phase2.get("cipSecTunInSaEspAuthAlgo.1") == HASHES.get(child["integ-alg"])
    group = child.get("dh-group", ike["dh-group"])
    assert phase2.get("cipSecTunInSaDiffHellmanGrp.1") == GROUPS.get(group)

    assert lab.spis(number) == {"in": {int(child["spi-out"], 16)}, "out": {int(child["spi-in"], 16)}}
    assert (phase2["cipSecTunInPkts.1"], phase2["cipSecTunOutPkts.1"]) == (child["packets-out"], child["packets-in"])
    assert phase2["cipSecTunHcInOctets.1"] == child["bytes-out"]
    assert phase1["cikeTunLifeTime.1"] == "86400"
    # charon says what is left, in whole seconds that may both have been cut.
    left = int(child["life-time"]) + int(child["install-time"])
    assert int(phase2["cipSecTunLifeTime.1"]) - left in (0, 1)


@pytest.mark.parametrize(("number", "swan_starts"), [(COUNTED, False), (COUNTED + 1, True)])
def test_every_octet_on_the_wire_is_counted(
    swan: Charon, lab: RealLab, namespaces: tuple[Namespace, Namespace], number: int, swan_starts: bool
) -> None:
    suite = SUITES["3des" if swan_starts else "aes"]
    swan.connect(number, {"esp_proposals": [suite.esp]}, proposals=[suite.ike])
    with capture(namespaces[0]) as seen:
        if swan_starts:
            assert swan.initiate(number) is None
        else:
            lab.begin(number)
        assert swan.ping(number, count=20, size=1000) == 20
        (child,) = swan.children(number)
        swan.terminate(ike=f"c{number}")
        wait_for(lambda: not lab.column(number, "cikeTunStatus"), "the last message of charon's")
    ike = [packet for packet in seen if packet.is_ike]
    if swan_starts:
        # The responder's tunnel begins with the acceptance of MM5, and so does its count.
        ike = ike[5:]
    esp = [packet for packet in seen if packet.is_esp]
    for direction, packets in (("Out", True), ("In", False)):
        assert lab.count(number, f"cikeGlobal{direction}Octets") == sum(each.length for each in ike if each.sent is packets)
        assert lab.count(number, f"cikeGlobal{direction}Pkts") == sum(each.sent is packets for each in ike)
        assert lab.count(number, f"cipSecGlobal{direction}Pkts") == sum(each.sent is packets for each in esp)
    assert lab.count(number, "cipSecGlobalOutOctets") == sum(each.length for each in esp if each.sent)
    assert lab.count(number, "cipSecGlobalInOctets") == int(child["bytes-out"])


@pytest.mark.parametrize(("number", "swan_starts"), [(ELSEWHERE, False), (ELSEWHERE + 1, True)])
def test_a_router_may_be_at_ports_of_its_own(swan: Charon, lab: RealLab, number: int, swan_starts: bool) -> None:
    """charon speaks to such a port as to 4500: every message behind a marker, from the first one on."""
    swan.connect(number, local_port="4500", remote_port="5501")
    if swan_starts:
        assert swan.initiate(number) is None
    else:
        lab.begin(number)
    assert swan.ping(number) == lab.ping(number) == 5
    (ike,), (child,) = swan.sas(number), swan.children(number)
    assert (ike["remote-port"], child["encap"]) == ("5501", "yes")
    assert lab.one(number, "cikeTunStatus") == "active"
