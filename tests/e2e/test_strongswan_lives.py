"""The life of SAs with strongSwan's charon: replaced by either side, deleted by either side, and lost.

The lab's clock goes fast, so that lifetimes end within seconds. Each test has a router of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.strongswan import Charon, Namespace, RealLab, StartRealLab, command
from tests.e2e.tools import wait_for

SPEED = 20
SHORT = {"seconds": "120"}  # replaced when 10 seconds are left
SWAN_REKEYS, SWAN_DELETES_CHILD, SWAN_DELETES_IKE, WE_DELETE, SWAN_REAUTHENTICATES, OUR_DPD, OUR_DPD_LOST = range(1, 8)
WE_REKEY, WE_EXPIRE, SWAN_DPD, SWAN_DPD_LOST, WE_CLEAR_SAS, WE_REKEY_BY_VOLUME, WE_EXPIRE_UNHEARD = range(8, 15)
OTHER_TERMS, CROSSED = range(15, 17)


@pytest.fixture(scope="module")
def lab(start_real_lab: StartRealLab) -> RealLab:
    routers: dict[int, dict[str, str]] = {number: {} for number in range(1, 17)}
    routers[WE_REKEY] = SHORT
    routers[WE_REKEY_BY_VOLUME] = routers[CROSSED] = {"map_lines": " set security-association lifetime kilobytes 2560"}
    for number in (WE_EXPIRE, WE_EXPIRE_UNHEARD):
        routers[number] = {"ike_lifetime": "90"}
    for number in (OUR_DPD, OUR_DPD_LOST):
        routers[number] = {"lines": "crypto isakmp keepalive 10 periodic"}
    return start_real_lab(routers, "--speed", str(SPEED))


def up(swan: Charon, lab: RealLab, number: int, **settings: object) -> None:
    """A tunnel that charon began, and that works."""
    swan.connect(number, **settings)
    assert swan.initiate(number) is None
    assert swan.ping(number) == 5


def cut_off(namespace: Namespace, address: str) -> None:
    """Have nothing that a namespace sends to an address get there."""
    command("ip", "-n", namespace.name, "rule", "add", "to", address, "prio", "1", "prohibit")


@contextmanager
def cut(namespace: Namespace, address: str) -> Iterator[None]:
    """The same for a while."""
    cut_off(namespace, address)
    yield
    command("ip", "-n", namespace.name, "rule", "delete", "to", address, "prio", "1", "prohibit")


# --- rekeying ---


def test_charon_replaces_the_ipsec_sas(swan: Charon, lab: RealLab) -> None:
    up(swan, lab, SWAN_REKEYS)
    before = lab.spis(SWAN_REKEYS)
    swan.rekey(child=f"net{SWAN_REKEYS}")
    wait_for(lambda: lab.one(SWAN_REKEYS, "cipSecTunTotalRefreshes") == "1", "the new SAs")
    assert swan.ping(SWAN_REKEYS) == 5
    (child,) = swan.children(SWAN_REKEYS)
    now = lab.spis(SWAN_REKEYS)
    assert int(child["spi-out"], 16) in now["in"] - before["in"]
    assert int(child["spi-in"], 16) in now["out"] - before["out"]
    assert (child["packets-in"], child["packets-out"]) == ("5", "5")  # all by the new ones
    assert lab.one(SWAN_REKEYS, "cipSecTunInPkts") == "10"  # one row, before and after


def test_we_replace_the_ipsec_sas_when_their_time_is_nearly_over(swan: Charon, lab: RealLab) -> None:
    swan.connect(WE_REKEY)
    lab.begin(WE_REKEY)
    before = lab.spis(WE_REKEY)
    wait_for(lambda: lab.one(WE_REKEY, "cipSecTunTotalRefreshes") == "1", "the new SAs")
    wait_for(lambda: lab.one(WE_REKEY, "cipSecTunExpiredSaInstances") == "2", "the old ones to be gone")
    now = lab.spis(WE_REKEY)
    assert not before["in"] & now["in"]
    (child,) = swan.children(WE_REKEY)
    assert now == {"in": {int(child["spi-out"], 16)}, "out": {int(child["spi-in"], 16)}}
    assert swan.ping(WE_REKEY) == 5


def test_we_replace_the_ipsec_sas_when_their_volume_is_nearly_used_up(swan: Charon, lab: RealLab) -> None:
    number = WE_REKEY_BY_VOLUME
    swan.connect(number)
    lab.begin(number)
    assert lab.one(number, "cipSecTunLifeSize") == "2560"
    assert swan.ping(number, count=2600, size=1000, flood=True) == 2600  # 2,610 kilobytes
    assert lab.one(number, "cipSecTunTotalRefreshes") == "1"
    (child,) = swan.children(number)
    assert {int(child["spi-out"], 16)} <= lab.spis(number)["in"]
    assert 0 < int(child["packets-out"]) < 2600
    assert int(lab.one(number, "cipSecTunHcInOctets")) > 2590 * 1028


# What of the terms of an SA the MIB has in the tunnel's row and in its history; AES it cannot say.
TERMS = ("LifeSize", "LifeTime", "InSaEncryptAlgo", "InSaEspAuthAlgo", "OutSaEncryptAlgo", "OutSaEspAuthAlgo")
AES_SHA, TRIPLE_DES_MD5 = (
    [["4608000"], ["3600"], [], ["hmacSha"], [], ["hmacSha"]],
    [["900000"], ["1800"], *([["des3"], ["hmacMd5"]] * 2)],
)


def terms(lab: RealLab, number: int, prefix: str) -> list[list[str]]:
    return [lab.column(number, f"{prefix}{name}") for name in TERMS]


def shows_what_charon_has(swan: Charon, lab: RealLab, number: int) -> bool:
    """Whether the SAs that are `active` are charon's installed ones, and those that are `expiring` the ones that it has rekeyed."""
    found: dict[str, set[tuple[str, int]]] = {"INSTALLED": set(), "REKEYED": set()}
    for sa in swan.sas(number):
        for child in sa["child-sas"].values():
            found[child["state"]] |= {("in", int(child["spi-out"], 16)), ("out", int(child["spi-in"], 16))}
    cells, shown = lab.walk(number, "cipSecSpiTable"), {"active": set[tuple[str, int]](), "expiring": set[tuple[str, int]]()}
    for name, status in cells.items():
        column, _, index = name.partition(".")
        if column == "cipSecSpiStatus":
            # A row that has come or gone during the walk has not all of its cells.
            direction, value = cells.get(f"cipSecSpiDirection.{index}", ""), cells.get(f"cipSecSpiValue.{index}", "0")
            shown[status].add((direction, int(value)))
    return shown == {"active": found["INSTALLED"], "expiring": found["REKEYED"]}


def test_charon_replaces_the_ipsec_sas_on_other_terms(swan: Charon, lab: RealLab) -> None:
    """The router has another transform set by then; charon tells a volume in thousands of octets."""
    number = OTHER_TERMS
    wanted = {"esp_proposals": ["3des-md5", "aes128-sha1"], "rekey_time": "1500", "life_time": "1800", "life_bytes": "900000000"}
    swan.connect(number, child=wanted)
    lab.begin(number)
    assert terms(lab, number, "cipSecTun") == AES_SHA
    lab.configure(
        number,
        "crypto ipsec transform-set other esp-3des esp-md5-hmac",
        "crypto map outside 10 ipsec-isakmp",
        "set transform-set other ours",
    )
    swan.rekey(child=f"net{number}")
    wait_for(lambda: lab.one(number, "cipSecTunTotalRefreshes") == "1", "the new SAs")
    assert terms(lab, number, "cipSecTun") == TRIPLE_DES_MD5
    (child,) = swan.children(number)
    assert (child["encr-alg"], child["integ-alg"]) == ("3DES_CBC", "HMAC_MD5_96")
    assert swan.ping(number) == 5
    wait_for(lambda: lab.one(number, "cipSecTunExpiredSaInstances") == "2", "the old SAs to be gone")
    wait_for(lambda: shows_what_charon_has(swan, lab, number), "the same SAs at both ends")
    swan.terminate(child=f"net{number}")
    wait_for(lambda: lab.column(number, "cipSecTunHistTermReason") == ["peerDelRequest"], "the end of the tunnel")
    assert terms(lab, number, "cipSecTunHist") == TRIPLE_DES_MD5
    assert (lab.one(number, "cipSecTunHistTotalRefreshes"), lab.one(number, "cipSecTunHistTotalSas")) == ("1", "4")


def test_both_replace_the_ipsec_sas_at_once(swan: Charon, lab: RealLab, namespaces: tuple[Namespace, Namespace]) -> None:
    """Nothing of ours comes to charon while it asks and we ask: each quick mode is under way before either is done.

    charon sends by the SAs that it was done with last, whoever asked for them, and would send nothing any more without them.
    """
    number = CROSSED
    swan.connect(number)
    lab.begin(number)
    assert swan.ping(number, count=2480, size=1000, flood=True) == 2480  # 2,490 of 2,560 kilobytes; at 2,496 we ask for others
    assert lab.one(number, "cipSecTunTotalRefreshes") == "0"
    asked, was_asked = int(lab.one(number, "cikeTunOutP2Exchgs")), int(lab.one(number, "cikeTunInP2Exchgs"))
    with cut(namespaces[0], f"10.99.{number}.2"):
        assert swan.ping(number, count=12, size=1000) == 0
        wait_for(lambda: int(lab.one(number, "cikeTunOutP2Exchgs")) > asked, "us to ask")
        swan.rekey(child=f"net{number}")
        wait_for(lambda: int(lab.one(number, "cikeTunInP2Exchgs")) > was_asked, "charon to ask")
        assert lab.one(number, "cipSecTunTotalRefreshes") == "0"
    wait_for(lambda: lab.one(number, "cipSecTunTotalRefreshes") == "2", "two pairs of new SAs")

    def settled() -> bool:
        return swan.ping(number, count=2) == 2 and shows_what_charon_has(swan, lab, number)

    wait_for(settled, "the same SAs at both ends")
    (child,) = swan.children(number)
    before = int(child["packets-in"]), int(child["packets-out"])
    assert swan.ping(number) == 5
    (child,) = swan.children(number)
    assert (int(child["packets-in"]), int(child["packets-out"])) == (before[0] + 5, before[1] + 5)  # both ends send by them
    wait_for(lambda: lab.one(number, "cipSecTunExpiredSaInstances") in ("2", "4"), "what we made and nobody uses to be gone")
    assert swan.ping(number) == 5
    assert shows_what_charon_has(swan, lab, number)
    assert not lab.column(number, "cipSecFailReason")
    swan.terminate(child=f"net{number}")
    wait_for(lambda: lab.column(number, "cipSecTunHistTermReason") == ["peerDelRequest"], "the end of the tunnel")
    assert (lab.one(number, "cipSecTunHistTotalRefreshes"), lab.one(number, "cipSecTunHistTotalSas")) == ("2", "6")


def test_charon_makes_another_ike_sa_and_the_tunnel_lives_on(swan: Charon, lab: RealLab) -> None:
    number = SWAN_REAUTHENTICATES
    up(swan, lab, number)
    (first,) = swan.sas(number)
    swan.rekey(ike=f"c{number}")
    wait_for(lambda: lab.one(number, "cipSecTunIkeTunnelIndex") == "2", "another IKE tunnel")
    assert lab.column(number, "cikeTunStatus") == ["active", "active"]
    assert swan.ping(number) == 5
    # charon keeps the first one until its time is over, with nothing under it.
    swan.terminate(**{"ike-id": first["uniqueid"]})
    wait_for(lambda: lab.column(number, "cikeTunHistTermReason") == ["peerDelRequest"], "the end of the first one")
    assert list(lab.walk(number, "cikeTunStatus")) == ["cikeTunStatus.2"]
    assert swan.ping(number) == 5
    assert lab.one(number, "cipSecTunTotalRefreshes") == "0"


def test_our_ike_sa_expires_before_charons_which_makes_another_at_once(swan: Charon, lab: RealLab) -> None:
    """charon counts a lifetime of its own, four hours, and ends the CHILD_SAs with the IKE SA."""
    up(swan, lab, WE_EXPIRE, child={"close_action": "start"}, dpd_delay="1s", dpd_timeout="2s")
    (first,) = swan.sas(WE_EXPIRE)
    wait_for(lambda: "normal" in lab.column(WE_EXPIRE, "cikeTunHistTermReason"), "the end of the IKE SA")
    wait_for(lambda: swan.ping(WE_EXPIRE) == 5, "traffic by other SAs")
    assert first["uniqueid"] not in [sa["uniqueid"] for sa in swan.sas(WE_EXPIRE)]
    assert f"received DELETE for IKE_SA c{WE_EXPIRE}" in swan.log_of(WE_EXPIRE)
    assert lab.count(WE_EXPIRE, "cikeGlobalNoSaFails") == 0
    assert set(lab.column(WE_EXPIRE, "cikeTunHistTermReason")) == {"normal"}


def test_charon_goes_on_with_an_ike_sa_that_is_over_until_it_is_told_again(
    swan: Charon, lab: RealLab, namespaces: tuple[Namespace, Namespace]
) -> None:
    number = WE_EXPIRE_UNHEARD
    up(swan, lab, number, child={"close_action": "start"}, dpd_delay="1s", dpd_timeout="30s")
    with cut(namespaces[0], f"10.99.{number}.2"):
        wait_for(lambda: "normal" in lab.column(number, "cikeTunHistTermReason"), "the end of the IKE SA")
    wait_for(lambda: lab.count(number, "cikeGlobalNoSaFails") >= 1, "charon to ask whether we are there")
    wait_for(lambda: f"received DELETE for IKE_SA c{number}" in swan.log_of(number), "charon to hear of it")
    wait_for(lambda: swan.ping(number) == 5, "traffic by other SAs")
    assert lab.column(number, "cikeFailReason")[0] == "nonExistentSa"


# --- deletes ---


def test_charon_deletes_the_ipsec_sas_alone(swan: Charon, lab: RealLab) -> None:
    number = SWAN_DELETES_CHILD
    up(swan, lab, number)
    swan.terminate(child=f"net{number}")
    wait_for(lambda: not lab.column(number, "cipSecTunStatus"), "the tunnel to go")
    assert lab.column(number, "cipSecTunHistTermReason") == ["peerDelRequest"]
    assert lab.column(number, "cipSecFailReason") == ["peerDelRequest"]
    assert lab.one(number, "cikeTunStatus") == "active"
    assert int(lab.one(number, "cikeTunInP2SaDelRequests")) == 1
    assert swan.initiate(number) is None
    assert swan.ping(number) == 5


def test_charon_deletes_the_ike_sa(swan: Charon, lab: RealLab) -> None:
    number = SWAN_DELETES_IKE
    up(swan, lab, number)
    swan.terminate(ike=f"c{number}")
    wait_for(lambda: not lab.column(number, "cikeTunStatus"), "the tunnel to go")
    assert lab.column(number, "cikeTunHistTermReason") == ["peerDelRequest"]
    assert lab.column(number, "cipSecTunHistTermReason") == ["peerDelRequest"]
    assert lab.column(number, "cikeFailReason") == ["peerDelRequest"]


def test_we_delete_everything(swan: Charon, lab: RealLab) -> None:
    up(swan, lab, WE_DELETE)
    lab.cli(WE_DELETE, "clear", "crypto", "session")
    wait_for(lambda: not swan.sas(WE_DELETE), "charon to have heard of it")
    assert lab.column(WE_DELETE, "cikeTunHistTermReason") == ["operRequest"]
    assert swan.initiate(WE_DELETE) is None
    assert swan.ping(WE_DELETE) == 5


def test_we_delete_the_ipsec_sas_alone(swan: Charon, lab: RealLab) -> None:
    up(swan, lab, WE_CLEAR_SAS)
    lab.cli(WE_CLEAR_SAS, "clear", "crypto", "sa")
    wait_for(lambda: not swan.children(WE_CLEAR_SAS), "charon to have heard of it")
    assert len(swan.sas(WE_CLEAR_SAS)) == 1
    assert lab.one(WE_CLEAR_SAS, "cikeTunStatus") == "active"
    assert int(lab.one(WE_CLEAR_SAS, "cikeTunOutP2SaDelRequests")) == 1


# --- dead peers ---


def test_charon_asks_whether_we_are_alive_and_we_are(swan: Charon, lab: RealLab) -> None:
    up(swan, lab, SWAN_DPD, dpd_delay="1s")
    before = int(lab.one(SWAN_DPD, "cikeTunOutNotifys"))
    wait_for(lambda: int(lab.one(SWAN_DPD, "cikeTunOutNotifys")) >= before + 2, "two answers")
    assert swan.sas(SWAN_DPD)[0]["state"] == "ESTABLISHED"


def test_charon_finds_out_that_we_are_gone(swan: Charon, lab: RealLab, namespaces: tuple[Namespace, Namespace]) -> None:
    up(swan, lab, SWAN_DPD_LOST, dpd_delay="1s", dpd_timeout="2s")
    cut_off(namespaces[0], f"10.99.{SWAN_DPD_LOST}.2")
    wait_for(lambda: not swan.sas(SWAN_DPD_LOST), "charon to give us up")


def test_we_ask_whether_charon_is_alive_and_it_is(swan: Charon, lab: RealLab) -> None:
    up(swan, lab, OUR_DPD)
    before = int(lab.one(OUR_DPD, "cikeTunInNotifys"))
    wait_for(lambda: int(lab.one(OUR_DPD, "cikeTunInNotifys")) >= before + 3, "three answers")
    assert lab.one(OUR_DPD, "cikeTunStatus") == "active"


def test_we_find_out_that_charon_is_gone(swan: Charon, lab: RealLab, namespaces: tuple[Namespace, Namespace]) -> None:
    up(swan, lab, OUR_DPD_LOST)
    cut_off(namespaces[1], f"10.99.{OUR_DPD_LOST}.1")
    wait_for(lambda: lab.column(OUR_DPD_LOST, "cikeTunHistTermReason"), "us to give charon up")
    assert lab.column(OUR_DPD_LOST, "cikeTunHistTermReason") == ["peerLost"]
    assert lab.column(OUR_DPD_LOST, "cipSecTunHistTermReason") == ["peerLost"]
    assert lab.column(OUR_DPD_LOST, "cikeFailReason") == ["peerLost"]
