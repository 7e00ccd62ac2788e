"""strongSwan's charon as a remote-access client of a lab router: group, user and password, an address, a ping, and the end."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.easy_vpn import hub
from tests.e2e.strongswan import Charon, Namespace, RealLab, StartRealLab, running
from tests.e2e.tools import ROOT, wait_for

ROUTER = hub({"alice": "secret"}, "10.3.{number}.1", "dns 10.1.{number}.53")
# By router: how clients get their configuration.
ROUTERS = {1: "respond", 2: "initiate", 3: "respond", 4: "respond", 5: "respond"}


@pytest.fixture(scope="module")
def lab(start_real_lab: StartRealLab) -> RealLab:
    return start_real_lab({number: {"text": ROUTER, "way": way} for number, way in ROUTERS.items()})


def connect(swan: Charon, number: int, key: str = "groupkey", password: str = "secret", **settings: Any) -> str | None:
    """Have charon log in as alice; None where the tunnel came up, else why not."""
    with swan.session() as session:
        session.load_shared({"id": f"g{number}", "type": "IKE", "data": key, "owners": [f"10.99.{number}.1", "keyid:road"]})
        session.load_shared({"id": "alice", "type": "XAUTH", "data": password, "owners": ["alice"]})
    connection = {
        "aggressive": "yes",
        "vips": ["0.0.0.0"],
        "proposals": ["aes128-sha1-modp1024"],
        "local": {"auth": "psk", "id": "keyid:road"},
        "local-user": {"auth": "xauth", "xauth_id": "alice"},
        **settings,
    }
    swan.connect(number, {"local_ts": ["dynamic"]}, secret=None, **connection)
    return swan.initiate(number)


def pings(swan: Charon, number: int) -> int:
    """How many of three pings from the client's address are answered from behind the router."""
    words = ["ping", "-n", "-i", "0.05", "-W", "2", "-c", "3", "-I", f"10.3.{number}.1", f"10.1.{number}.1"]
    found = re.search(r"(\d+) received", swan.namespace.run(*words, check=False))
    return int(found[1]) if found else 0


def number_of(lab: RealLab, number: int, scalar: str) -> int:
    return int(lab.get(number, scalar).split()[0])


def check_tunnel(swan: Charon, lab: RealLab, number: int) -> None:
    """The client has the one address of the pool, what it says goes through, and both ends count the same."""
    before = number_of(lab, number, "cipSecGlobalInPkts.0")
    assert swan.sas(number)[-1]["local-vips"] == [f"10.3.{number}.1"]
    assert pings(swan, number) == 3
    assert number_of(lab, number, "cipSecGlobalInPkts.0") == before + 3
    (child,) = swan.children(number)
    assert child["local-ts"] == [f"10.3.{number}.1/32"]


@pytest.mark.parametrize(("number", "settings"), [(1, {}), (2, {"pull": "no"})], ids=["asks", "is told"])
def test_a_client_gets_an_address_talks_and_gives_it_back(
    swan: Charon, lab: RealLab, number: int, settings: dict[str, str]
) -> None:
    assert connect(swan, number, **settings) is None
    check_tunnel(swan, lab, number)
    assert lab.column(number, "cikeTunRemoteValue") == ["road"]
    assert lab.column(number, "cikeTunNegoMode") == ["aggressive"]
    swan.terminate(ike=f"c{number}")
    wait_for(lambda: number_of(lab, number, "cipSecGlobalActiveTunnels.0") == 0, "the client's tunnel to end")
    assert connect(swan, number, **settings) is None  # the pool has one address
    check_tunnel(swan, lab, number)


def test_a_client_that_authenticates_again_keeps_its_address(swan: Charon, lab: RealLab) -> None:
    assert connect(swan, 3) is None
    swan.rekey(ike="c3")
    # Charon lets the first IKE SA be until it expires, and its flow with it.
    wait_for(lambda: number_of(lab, 3, "cikeGlobalActiveTunnels.0") == 2, "the second IKE SA")
    check_tunnel(swan, lab, 3)
    assert [sa["local-vips"] for sa in swan.sas(3)] == [["10.3.3.1"]] * 2


def test_a_wrong_password_is_an_authentication_failure(swan: Charon, lab: RealLab) -> None:
    assert connect(swan, 4, password="wrong")
    assert lab.column(4, "cikeFailReason") == ["authFailure"]
    assert number_of(lab, 4, "cikeGlobalAuthFails.0") == 1
    assert number_of(lab, 4, "cikeGlobalActiveTunnels.0") == 0
    assert "XAuth authentication of 'alice' (myself) failed" in swan.log


def test_a_wrong_group_key_does_not_get_so_far(swan: Charon, lab: RealLab) -> None:
    assert connect(swan, 5, key="guess")
    assert not lab.column(5, "cikeTunRemoteValue")


# --- the example ---

# What a user fills in: where the hub and the client really are.
PLACES = {
    "127.0.0.1:5500": "10.99.9.1:500",
    "127.0.0.1:5501": "10.99.9.1:4500",
    "127.0.0.1:6500": "10.99.9.2:500",
    "127.0.0.1:6501": "10.99.9.2:4500",
    "127.0.0.1:1161": "127.0.0.1:0",
    "198.51.100.1": "10.99.9.1",
}


def filled_in(name: str, folder: Path) -> Path:
    text = (ROOT / "examples" / name).read_text()
    for given, meant in PLACES.items():
        text = text.replace(given, meant)
    path = folder / name
    path.write_text(text)
    return path


def test_the_example_takes_the_client_that_stands_beside_it(
    swan: Charon, namespaces: tuple[Namespace, Namespace], mibs: Path, tmp_path: Path
) -> None:
    filled_in("remote-access.cfg", tmp_path)
    with running(namespaces[0], filled_in("remote-access.toml", tmp_path), mibs):
        swanctl(swan, "--load-all", "--file", str(filled_in("remote-access.swanctl.conf", tmp_path)))
        swanctl(swan, "--initiate", "--child", "lab")
        assert "2 received" in swan.namespace.run("ping", "-n", "-c", "2", "-i", "0.1", "-I", "10.9.0.1", "10.1.0.1")
        swanctl(swan, "--terminate", "--ike", "hub")


def swanctl(swan: Charon, *words: str) -> None:
    swan.namespace.run("swanctl", *words, "--uri", f"unix://{swan.folder / 'charon.vici'}")
