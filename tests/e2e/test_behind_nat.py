"""strongSwan's charons as remote-access clients of lab routers, behind a real masquerade that gives them ports of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.easy_vpn import hub
from tests.e2e.masquerade import Site, behind_masquerade
from tests.e2e.strongswan import Charon, RealLab, charon, real_lab
from tests.e2e.tools import wait_for

USERS = {"alice": "wonderland", "bob": "builder"}
ROUTER = hub(USERS, "10.3.{number}.1 10.3.{number}.{last}")
# A router for each test, so that none finds what another left: how addresses are given, and how many there are.
ROUTERS = {
    1: {},
    2: {},
    3: {"last": "2"},
    4: {"last": "1"},
    5: {},
    6: {},
    7: {"way": "initiate"},
    8: {"way": "initiate"},
    9: {"last": "1"},
    10: {"last": "1", "way": "initiate"},
    11: {},
}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with behind_masquerade() as made:
        yield made


@pytest.fixture(scope="module")
def lab(site: Site, mibs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealLab]:
    settings = {number: {"text": ROUTER, "way": "respond", "last": "9", **given} for number, given in ROUTERS.items()}
    with real_lab(site.lab, tmp_path_factory.mktemp("hubs"), mibs, settings) as started:
        yield started


@dataclass
class Client:
    """A charon behind the NAT, which has or wants a tunnel to router `number`."""

    at: int
    swan: Charon
    number: int

    def connect(self, user: str, **settings: Any) -> str | None:
        """None where the tunnel came up, else why not."""
        router = f"10.99.{self.number}.1"
        with self.swan.session() as session:
            session.load_shared({"id": "road", "type": "IKE", "data": "groupkey", "owners": [router, "keyid:road"]})
            session.load_shared({"id": user, "type": "XAUTH", "data": USERS[user], "owners": [user]})
        self.swan.connect(
            self.number,
            {"local_ts": ["dynamic"]},
            secret=None,
            **{
                "aggressive": "yes",
                "vips": ["0.0.0.0"],
                "proposals": ["aes128-sha1-modp1024"],
                "local_addrs": [f"192.168.{self.at}.2"],
                "local": {"auth": "psk", "id": "keyid:road"},
                "local-user": {"auth": "xauth", "xauth_id": user},
                **settings,
            },
        )
        return self.swan.initiate(self.number)

    @property
    def address(self) -> str:
        """What charon has been given under its newest IKE SA."""
        (given,) = self.swan.sas(self.number)[-1]["local-vips"]
        return str(given)

    def pings(self) -> int:
        """How many of two pings from the client's address are answered from behind the router."""
        words = ["ping", "-n", "-i", "0.05", "-W", "2", "-c", "2", "-I", self.address, f"10.1.{self.number}.1"]
        found = re.search(r"(\d+) received", self.swan.namespace.run(*words, check=False))
        return int(found[1]) if found else 0

    def crash(self) -> None:
        """Gone without a word."""
        self.swan.process.kill()
        self.swan.process.wait(20)


Start = Callable[[int, int], Client]


@pytest.fixture
def start(site: Site, tmp_path: Path) -> Iterator[Start]:
    """Starts the charon of client number `at`, for a tunnel to a router."""
    with ExitStack() as stack:

        def begin(at: int, number: int) -> Client:
            folder = tmp_path / f"swan{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            return Client(at, stack.enter_context(charon(site.clients[at], folder)), number)

        yield begin


def tunnels(lab: RealLab, number: int) -> tuple[int, int]:
    """Active IKE and IPsec tunnels."""
    return lab.count(number, "cikeGlobalActiveTunnels"), lab.count(number, "cipSecGlobalActiveTunnels")


@pytest.mark.parametrize(("number", "user"), [(1, "bob"), (2, "alice")], ids=["two users", "one user twice"])
def test_two_clients_of_one_group_follow_the_ports_of_their_nat(
    site: Site, lab: RealLab, start: Start, number: int, user: str
) -> None:
    """RFC 3947 §4: the hub follows each to the port that its last authentic datagram came from."""
    one, two = start(1, number), start(2, number)
    assert one.connect("alice") is None
    assert two.connect(user) is None
    assert {one.address, two.address} == {f"10.3.{number}.1", f"10.3.{number}.2"}
    for _ in range(3):
        assert [client.pings() for client in (one, two, one, two)] == [2, 2, 2, 2]
        before = site.ports()
        site.forget_ports()
        assert one.pings() == 2
        assert not site.ports() & before
    assert two.pings() == 2
    assert tunnels(lab, number) == (2, 2)
    assert lab.column(number, "cikeFailReason") == lab.column(number, "cipSecFailReason") == []
    one.swan.terminate(ike=f"c{number}")
    wait_for(lambda: tunnels(lab, number) == (1, 1), "the end of one client")
    assert two.pings() == 2


@pytest.mark.parametrize(("number", "moves"), [(3, False), (4, True)], ids=["the same port", "another port"])
def test_a_client_that_crashed_comes_back_to_its_address(site: Site, lab: RealLab, start: Start, number: int, moves: bool) -> None:
    first = start(1, number)
    assert first.connect("alice") is None
    assert first.pings() == 2
    before = first.address
    first.crash()
    if moves:
        site.forget_ports()
    again = start(1, number)
    assert again.connect("alice") is None
    assert again.address == before
    assert again.pings() == 2
    # The dead session is gone, soon, and nothing goes to it.
    wait_for(lambda: tunnels(lab, number) == (1, 1), "the end of the dead session")
    assert lab.column(number, "cikeTunHistTermReason") == ["peerLost"]
    assert again.pings() == 2


@pytest.mark.parametrize(("number", "moves"), [(5, False), (6, True)], ids=["the same port", "another port"])
def test_a_client_that_authenticates_again_keeps_its_address(
    site: Site, lab: RealLab, start: Start, number: int, moves: bool
) -> None:
    other, client = start(2, number), start(1, number)
    assert other.connect("bob") is None
    assert client.connect("alice") is None
    before = client.address
    if moves:
        site.forget_ports()
    client.swan.rekey(ike=f"c{number}")
    wait_for(lambda: tunnels(lab, number)[0] == 3, "another IKE SA")
    wait_for(lambda: [sa["local-vips"] for sa in client.swan.sas(number)] == [[before]] * 2, "the same address under both IKE SAs")
    assert client.pings() == 2
    assert other.pings() == 2
    assert lab.column(number, "cikeFailReason") == []


@pytest.mark.parametrize(("number", "pull"), [(7, "yes"), (8, "no")], ids=["both", "push"])
def test_a_hub_that_tells_takes_clients_that_ask_and_those_that_do_not(lab: RealLab, start: Start, number: int, pull: str) -> None:
    client = start(1, number)
    assert client.connect("alice", pull=pull) is None
    assert client.address == f"10.3.{number}.1"
    assert client.pings() == 2
    assert tunnels(lab, number) == (1, 1)
    assert lab.column(number, "cikeFailReason") == []


@pytest.mark.parametrize("number", [9, 10], ids=["respond", "initiate"])
def test_an_exhausted_pool_is_said_once(lab: RealLab, start: Start, number: int) -> None:
    """A charon that were only deleted would begin again every few milliseconds."""
    one, two = start(1, number), start(2, number)
    assert one.connect("alice") is None
    assert two.connect("bob")
    assert lab.column(number, "cikeFailReason") == ["sysCapExceeded"]
    assert one.pings() == 2
    one.swan.terminate(ike=f"c{number}")
    wait_for(lambda: tunnels(lab, number) == (0, 0), "the end of the first")
    assert two.connect("bob") is None
    assert two.address == f"10.3.{number}.1"
    assert two.pings() == 2


def test_a_question_whether_the_hub_is_there_moves_the_client(site: Site, lab: RealLab, start: Start) -> None:
    """RFC 3706 through a NAT: the question comes from another port, the answer goes there, and so does all else from then on."""
    client = start(1, 11)
    assert client.connect("alice", dpd_delay="1s") is None
    site.forget_ports()
    before = lab.count(11, "cikeGlobalInNotifys")
    wait_for(lambda: lab.count(11, "cikeGlobalInNotifys") > before, "a question")
    said = lab.cli(11, "ping", client.address, "source", "10.1.11.254", "repeat", "2")
    assert "(2/2)" in said
    assert tunnels(lab, 11) == (1, 1)
