"""`show crypto isakmp sa` and `show crypto isakmp peers`, in the form of Cisco's guide and in that of IOS XE."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

import pytest

from agent.engine.values import Phase1Sa
from agent.flow.model import Identity
from agent.shell.terminal import LINES_PER_TURN
from tests.flow.builders import ike_facts
from tests.shell.shown import BRIEF_CONFIG, HUB, SPOKE, VERSION, Shown
from tests.shell.transcripts import told, transcript


def test_the_guide_s_peer_is_configured_and_not_connected() -> None:
    console = Shown(f"{VERSION['classic']}crypto isakmp peer address 10.2.2.9\n description connection from site A\n")
    for line in ("show crypto isakmp peer", "show crypto isakmp peers", "show crypto isakmp peer 10.2.2.9"):
        assert told(console.type(line)) == transcript("isakmp-peer")
    assert console.type("show crypto isakmp peer 10.2.2.8") == ""


@pytest.mark.parametrize("router", ["a", "b"])
def test_the_guide_s_isakmp_sas_in_detail(router: str) -> None:
    """The lifetime of an SA that has been deleted is 0."""
    a, b, first = ("209.165.200.229", "209.165.200.225", 13005) if router == "a" else ("209.165.200.225", "209.165.200.229", 7005)
    console = Shown(VERSION["classic"])
    terms = {"encryption": "aes", "hash": "sha", "group": 5, "local_address": IPv4Address(a), "remote_address": IPv4Address(b)}
    console.engine.rows = [
        Phase1Sa(IPv4Address(a), IPv4Address(b), "QM_IDLE", first + 2, facts=ike_facts(**terms), start=0),
        *(
            Phase1Sa(IPv4Address(a), IPv4Address(b), "MM_NO_STATE", first + older, facts=ike_facts(**terms), start=0, deleted=True)
            for older in (1, 0)
        ),
    ]
    console.at(4 if router == "a" else 5)
    shown = console.type(f"show crypto isakmp sa detail | include {a}.*{b}.*ACTIVE")
    assert told(shown) == transcript(f"isakmp-sa-detail-router-{router}")


# --- phase-1 SAs ---

V4, V6 = (IPv4Address("10.1.1.1"), IPv4Address("10.1.1.2")), (IPv6Address("2001:db8::1"), IPv6Address("2001:db8::2"))
ROWS = [
    Phase1Sa(*V4, "MM_NO_STATE", 1, deleted=True, facts=ike_facts(), start=0),
    Phase1Sa(*V4, "QM_IDLE", 2, facts=ike_facts(local_port=4500, keepalive=True), start=0, inside_vrf="red"),
    Phase1Sa(*V6, "QM_IDLE", 3, facts=ike_facts(encryption="aes", hash="sha256", group=14), start=0),
    Phase1Sa(*V4, "MM_SA_SETUP", 0, initiator=False),
]


def test_isakmp_sas_in_the_form_of_ios_xe() -> None:
    console = Shown(VERSION["xe"])
    console.engine.rows = ROWS
    assert console.type("show crypto isakmp sa") == (
        "IPv4 Crypto ISAKMP SA\n"
        "dst             src             state          conn-id status\n"
        "10.1.1.2        10.1.1.1        MM_NO_STATE          1 ACTIVE (deleted)\n"
        "10.1.1.2        10.1.1.1        QM_IDLE              2 ACTIVE\n"
        "10.1.1.2        10.1.1.1        MM_SA_SETUP          0 ACTIVE\n"
        "\n"
        "IPv6 Crypto ISAKMP SA\n"
        "2001:db8::2     2001:db8::1     QM_IDLE              3 ACTIVE\n"
        "\n"
    )


def test_isakmp_sas_in_detail_in_the_form_of_ios_xe() -> None:
    """What the two ends have not agreed on yet is blank, and the crypto engine has no connection of an SA that was never up."""
    console = Shown(VERSION["xe"])
    console.engine.rows = ROWS
    console.at(53)
    assert console.type("show crypto isakmp sa detail | begin IPv4") == (
        "IPv4 Crypto ISAKMP SA\n"
        "\n"
        "C-id  Local           Remote          I-VRF  Status Encr Hash   Auth DH Lifetime Cap.\n"
        "\n"
        "1     10.1.1.1        10.1.1.2               ACTIVE des  sha    psk  1  0\n"
        "       Engine-id:Conn-id =  SW:1\n"
        "\n"
        "2     10.1.1.1        10.1.1.2        red    ACTIVE des  sha    psk  1  23:59:07 DN\n"
        "       Engine-id:Conn-id =  SW:2\n"
        "\n"
        "0     10.1.1.2        10.1.1.1               ACTIVE                  0  0\n"
        "       Engine-id:Conn-id =  ????\n"
        "\n"
        "IPv6 Crypto ISAKMP SA\n"
        "\n"
        "3     2001:db8::1     2001:db8::2            ACTIVE aes  sha256 psk  14 23:59:07\n"
        "       Engine-id:Conn-id =  SW:3\n"
        "\n"
    )


def test_isakmp_sas_in_detail_begin_with_the_legend() -> None:
    for version in VERSION.values():
        console = Shown(version)
        console.engine.rows = ROWS
        assert console.type("show crypto isakmp sa detail").startswith(
            "Codes: C - IKE configuration mode, D - Dead Peer Detection\n       K - Keepalives, N - NAT-traversal\n"
            "       T - cTCP encapsulation, X - IKE Extended Authentication\n"
            "       psk - Preshared key, rsig - RSA signature\n       renc - RSA encryption\n"
        )


def test_active_and_standby_sas_have_the_slot_in_every_release() -> None:
    """The command reference's example of these two has the column, also in the releases that have dropped it elsewhere."""
    console = Shown(VERSION["xe"])
    console.engine.rows = ROWS[1:2]
    heading = "IPv4 Crypto ISAKMP SA\ndst             src             state          conn-id slot status\n"
    assert (
        console.type("show crypto isakmp sa active")
        == f"{heading}10.1.1.2        10.1.1.1        QM_IDLE              2    0 ACTIVE\n"
    )
    assert console.type("show crypto isakmp sa standby") == heading


@pytest.mark.parametrize(
    ("words", "numbers"),
    [("", (2, 1, 1)), ("peer 10.1.1.2", (1, 0, 1)), ("peer 10.1.1.1", (0, 1, 0)), ("vrf red", (1, 0, 0)), ("vrf blue", (0, 0, 0))],
)
def test_isakmp_sas_are_counted_and_selected(words: str, numbers: tuple[int, int, int]) -> None:
    console = Shown(VERSION["xe"])
    console.engine.rows = ROWS
    active, negotiating, dead = numbers
    counted = (
        f"Active ISAKMP SA's: {active}\n\nStandby ISAKMP SA's: 0\n\n"
        f"Currently being negotiated ISAKMP SA's: {negotiating}\n\nDead ISAKMP SA's: {dead}\n"
    )
    assert console.type(f"show crypto isakmp sa count {words}") == console.type(f"show crypto isakmp sa {words} count") == counted
    for line in (
        f"show crypto isakmp sa {words}",
        f"show crypto isakmp sa {words} detail",
        f"show crypto isakmp sa detail {words}",
    ):
        assert console.type(f"{line} | count ACTIVE") == f"Number of lines which match regexp = {sum(numbers)}\n"


def test_isakmp_sas_are_asked_for_as_they_are_printed() -> None:
    """Others have their turn after each hundred lines, or after as many SAs that no line comes of."""
    console = Shown(VERSION["classic"])
    turns: list[int] = []

    class Endless(list[Phase1Sa]):
        """Ten thousand SAs that are made when they are asked for."""

        def __iter__(self) -> Iterator[Phase1Sa]:
            for number in range(10_000):
                turns[-1] += 1
                yield Phase1Sa(HUB, SPOKE, "QM_IDLE", number + 1)

    async def watch() -> None:
        while True:
            turns.append(0)
            await asyncio.sleep(0)

    async def show(line: str) -> None:
        watching = asyncio.ensure_future(watch())
        await asyncio.sleep(0)
        await console.session.execute(line)
        watching.cancel()

    console.engine.rows = Endless()
    for line in (
        "show crypto isakmp sa",
        "show crypto isakmp sa detail",
        "show crypto isakmp sa count",
        "show crypto isakmp sa vrf red",
    ):
        turns.clear()
        asyncio.run(show(line))
        assert sum(turns) == 10_000
        assert max(turns) <= LINES_PER_TURN


# --- peers ---


def test_peers_in_the_form_of_ios_xe() -> None:
    """The policy is what `crypto isakmp peer` configures; the local end is known of a peer that is connected."""
    console = Shown(
        VERSION["xe"] + "crypto isakmp peer address 10.0.0.2\n description site A\ncrypto isakmp peer address 10.2.2.9\n"
    )
    console.ike("10.0.0.1", "10.0.0.2", remote=Identity(False, "a.example"))
    console.ike("10.0.0.1", "10.0.0.3", remote_port=4500)
    assert console.type("show crypto isakmp peers") == (
        "Peer: 10.0.0.2 Port: 500 Local: 10.0.0.1\n Description: site A\n flags: PEER_POLICY\n Phase1 id: a.example\n"
        "Peer: 10.0.0.3 Port: 4500 Local: 10.0.0.1\n Phase1 id: 10.0.0.3\n"
        "Peer: 10.2.2.9 Port: 500\n flags: PEER_POLICY\n"
    )


def test_the_terms_of_each_peer_in_the_form_of_ios_xe() -> None:
    """Those that were agreed on; of a peer without an SA those of the first policy."""
    config = (
        "crypto isakmp policy 20\n encryption 3des\n lifetime 3600\n authentication pre-share\n group 2\n"
        "crypto isakmp policy 10\n encryption aes 256\n hash sha256\n authentication rsa-sig\n group 14\n"
    )
    console = Shown(VERSION["xe"] + config + BRIEF_CONFIG)
    console.ike("10.0.0.1", "10.0.0.2", local=Identity(False, "hub.example"), encryption="aes", key_bits=192)
    expected = (
        "ISAKMP Peers Configuration\n"
        "Peer: 10.0.0.2\n  Key Exchange: IKEv1\n  Authentication Method: Pre-Shared Key\n  Encryption: AES-192\n"
        "  Hashing: SHA-1\n  DH Group: Group 1\n  Lifetime: 86400 seconds\n  Local ID: hub.example\n  Remote ID: 10.0.0.2\n"
        "\n"
        "Peer: 10.0.0.6\n  Key Exchange: IKEv1\n  Authentication Method: RSA-SIG\n  Encryption: AES-256\n"
        "  Hashing: SHA-256\n  DH Group: Group 14\n  Lifetime: 86400 seconds\n  Local ID: 10.0.0.1\n  Remote ID: 10.0.0.6\n"
    )
    assert console.type("show crypto isakmp peers config") == expected


def test_the_clients_of_an_easy_vpn_server_in_the_classic_form() -> None:
    console = Shown(VERSION["classic"])
    console.ike("10.0.0.1", "10.0.0.2")
    client = {"user": "branch", "client_group": "sites", "assigned_address": IPv4Address("172.16.1.209")}
    console.ike("10.0.0.1", "192.168.10.2", **client)
    assert console.type("show crypto isakmp peers config") == (
        "Client-Public-Addr=192.168.10.2:500; Client-Assigned-Addr=172.16.1.209; Client-Group=sites; Client-User=branch;\n"
    )
