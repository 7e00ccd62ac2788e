"""`show crypto session`, `show crypto isakmp sa` and `show crypto isakmp peers`.

The classic form is that of the transcripts of Cisco's guide, the form of IOS XE that of the samples which Genie and ntc-templates
have of real routers.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest

from agent.base.clock import SECOND
from agent.base.ike_counters import IkeCounter
from agent.engine.values import Phase1Sa
from agent.flow.counters import IpsecCounter, PacketCounters
from agent.flow.model import Endpoint, EndReason, Identity, IkeTunnel, IpsecTunnel
from agent.flow.monitor import NewSpi
from agent.flow.sa_counts import ReportedCounts, SaCounts
from tests.flow.builders import ike_facts, ipsec_facts
from tests.flow.router import carry
from tests.shell.fakes import Console
from tests.shell.transcripts import told, transcript

KILOBYTE = 1024
HUB, SPOKE = IPv4Address("172.0.0.1"), IPv4Address("172.0.0.2")
VERSION = {"classic": "version 12.4\n", "xe": "version 16.9\n"}


def network(text: str) -> Endpoint:
    address, mask = text.split("/")
    return Endpoint("subnet", IPv4Address(address), IPv4Address(mask))


def host(text: str) -> Endpoint:
    return Endpoint("address", IPv4Address(text), IPv4Address(text))


class Shown(Console):
    """A console of a router whose tunnels the flow monitor's verbs make."""

    def ike(self, ours: str, theirs: str, vrf: str | None = None, **facts: Any) -> IkeTunnel:
        ends = {"local_address": IPv4Address(ours), "remote_address": IPv4Address(theirs)}
        names = {"local": Identity(True, ours), "remote": Identity(True, theirs)}
        return self.router.monitor.ike_up(vrf, ike_facts(**(ends | names | facts)), PacketCounters(IkeCounter))

    def ipsec(self, ike: IkeTunnel, sas: int = 2, octets: int = 0, **facts: Any) -> IpsecTunnel:
        ends = {"local_address": ike.facts.local_address, "remote_address": ike.facts.remote_address}
        source = ReportedCounts(SaCounts(4, octets, 0))
        spis = [NewSpi(number % 2 == 0, "esp" if number < 2 else "ah", 256 + number, source=source) for number in range(sas)]
        return self.router.monitor.ipsec_up(ike, ipsec_facts(**(ends | facts)), spis, PacketCounters(IpsecCounter))

    def at(self, seconds: float) -> None:
        self.clock.time = int(seconds * SECOND)


# --- the guide's transcripts ---


def test_the_guide_s_session() -> None:
    console = Shown(VERSION["classic"])
    flow = {"local": (network("10.10.10.0/255.255.255.0"),), "remote": (network("10.30.30.0/255.255.255.0"),)}
    console.ipsec(console.ike("172.0.0.1", "172.0.0.2"), interface="FastEthernet0/1", **flow)
    assert told(console.type("show crypto session")) == transcript("crypto-session")


GUIDE_PEER = (
    VERSION["classic"]
    + """\
crypto isakmp peer address 10.1.1.3
 description this is my peer at 10.1.1.3:500 Green
interface FastEthernet0/0
 ip address 10.1.1.4 255.255.255.0
crypto ipsec profile protect
interface Tunnel0
 ip address 10.9.9.4 255.255.255.0
 tunnel source FastEthernet0/0
 tunnel destination 10.1.1.3
 tunnel protection ipsec profile protect
"""
)


def test_the_guide_s_session_in_detail() -> None:
    """The tunnel's GRE (protocol 47) has no SAs, and another flow of the same peer has four."""
    console = Shown(GUIDE_PEER)
    for _ in range(2):
        console.router.monitor.ike_ended(console.ike("10.1.1.4", "10.1.1.3"), EndReason.NORMAL)
    console.at(0)
    ike = console.ike("10.1.1.4", "10.1.1.3", description="this is my peer at 10.1.1.3:500 Green")
    assert ike.index == 3
    console.at(86400 - (22 * 3600 + 3 * 60 + 24) - 651)
    terms = {"life_time": 3600, "life_size": 4608000, "local": (host("10.1.1.4"),), "remote": (host("10.1.1.3"),)}
    tunnel = console.ipsec(ike, 4, octets=(4608000 - 4605665) * KILOBYTE, interface="Tunnel0", **terms)
    carry(tunnel, IN_PACKETS=4, OUT_PACKETS=4, OUT_DROPS=1)
    console.at(86400 - (22 * 3600 + 3 * 60 + 24))
    assert told(console.type("show crypto session detail")) == transcript("crypto-session-detail")
    assert told(console.type("show crypto session remote 10.1.1.3 detail")) == transcript("crypto-session-detail")


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


# --- sessions in the form of IOS XE ---

LEGEND = """\
Code: C - IKE Configuration mode, D - Dead Peer Detection
K - Keepalives, N - NAT-traversal, T - cTCP encapsulation
X - IKE Extended Authentication, F - IKE Fragmentation
R - IKE Auto Reconnect, U - IKE Dynamic Route Update
S - SIP VPN
"""
XE_CONFIG = (
    VERSION["xe"]
    + """\
access-list 101 permit ip 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255
crypto map m 10 ipsec-isakmp
 set peer 172.0.0.2
 match address 101
interface GigabitEthernet1
 ip address 172.0.0.1 255.255.255.0
 crypto map m
"""
)
LINE = "access-list 101 permit ip 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255"
FLOW = {
    "local": (network("10.1.0.0/255.255.0.0"),),
    "remote": (network("10.2.0.0/255.255.0.0"),),
    "map_name": "m",
    "map_sequence": 10,
    "acl_entry": LINE,
    "interface": "GigabitEthernet1",
}


def up(console: Shown, seconds: float = 40, **facts: Any) -> IpsecTunnel:
    ike = console.ike("172.0.0.1", "172.0.0.2", keepalive=True, **facts)
    tunnel = console.ipsec(ike, life_time=3600, life_size=4608000, **FLOW)
    console.at(seconds)
    return tunnel


def test_a_session_in_the_form_of_ios_xe() -> None:
    console = Shown(XE_CONFIG)
    up(console, profile="branches")
    assert console.type("show crypto session") == (
        "Crypto session current status\n\n"
        "Interface: GigabitEthernet1\nProfile: branches\nSession status: UP-ACTIVE\nPeer: 172.0.0.2 port 500\n"
        "  Session ID: 0\n"
        "  IKEv1 SA: local 172.0.0.1/500 remote 172.0.0.2/500 Active\n"
        "  IPSEC FLOW: permit ip 10.1.0.0/255.255.0.0 10.2.0.0/255.255.0.0\n"
        "        Active SAs: 2, origin: crypto map\n"
    )


def test_a_session_in_detail_in_the_form_of_ios_xe() -> None:
    console = Shown(XE_CONFIG)
    carry(up(console, profile="branches"), IN_PACKETS=7, IN_DROPS=1, IN_REPLAY_DROPS=2, OUT_PACKETS=9, OUT_DROPS=1)
    assert console.type("show crypto session detail") == (
        f"Crypto session current status\n\n{LEGEND}\n"
        "Interface: GigabitEthernet1\nProfile: branches\nUptime: 00:00:40\nSession status: UP-ACTIVE\n"
        "Peer: 172.0.0.2 port 500 fvrf: (none) ivrf: (none)\n"
        "      Phase1_id: 172.0.0.2\n"
        "      Desc: (none)\n"
        "  Session ID: 0\n"
        "  IKEv1 SA: local 172.0.0.1/500 remote 172.0.0.2/500 Active\n"
        "          Capabilities:D connid:1 lifetime:23:59:20\n"
        "  IPSEC FLOW: permit ip 10.1.0.0/255.255.0.0 10.2.0.0/255.255.0.0\n"
        "        Active SAs: 2, origin: crypto map\n"
        "        Inbound:  #pkts dec'ed 7 drop 3 life (KB/Sec) 4608000/3560\n"
        "        Outbound: #pkts enc'ed 9 drop 1 life (KB/Sec) 4608000/3560\n"
    )


def test_a_session_that_is_down_in_detail_in_the_form_of_ios_xe() -> None:
    """ntc-templates' sample has the description first where the peer's identity is not known."""
    console = Shown(XE_CONFIG)
    down = (
        "Interface: GigabitEthernet1\nSession status: {status}\n"
        "Peer: 172.0.0.2 port 500 fvrf: (none) ivrf: (none)\n"
        "      Desc: (none)\n"
        "      Phase1_id: (none)\n"
        "{sas}"
        "  IPSEC FLOW: permit ip 10.1.0.0/255.255.0.0 10.2.0.0/255.255.0.0\n"
        "        Active SAs: 0, origin: crypto map\n"
        "        Inbound:  #pkts dec'ed 0 drop 0 life (KB/Sec) 0/0\n"
        "        Outbound: #pkts enc'ed 0 drop 0 life (KB/Sec) 0/0\n"
    )
    opening = f"Crypto session current status\n\n{LEGEND}\n"
    assert console.type("show crypto session detail") == opening + down.format(status="DOWN", sas="")
    console.engine.rows = [Phase1Sa(HUB, SPOKE, "MM_KEY_EXCH", 0)]
    sa = (
        "  Session ID: 0\n"
        "  IKEv1 SA: local 172.0.0.1/500 remote 172.0.0.2/500 Inactive\n"
        "          Capabilities:(none) connid:0 lifetime:0\n"
    )
    assert console.type("show crypto session detail") == opening + down.format(status="DOWN-NEGOTIATING", sas=sa)


def test_sessions_are_set_apart_by_a_blank_line_in_both_forms() -> None:
    for version, opening in (("classic", "Crypto session current status\n"), ("xe", "Crypto session current status\n\n")):
        console = Shown(VERSION[version])
        for last in (2, 3):
            console.ike("172.0.0.1", f"172.0.0.{last}")
        shown = console.type("show crypto session")
        assert shown.startswith(f"{opening}Interface: ")
        assert shown.count("\n\nInterface: ") == (2 if version == "xe" else 1)


def test_a_remote_access_client_is_shown_with_its_user_group_and_address() -> None:
    """The order of lines is that of Genie's sample of an Easy VPN server, and C, N and X are what the two ends agreed on."""
    console = Shown(VERSION["xe"])
    client = {"user": "cisco", "profile": "prof", "client_group": "easy", "assigned_address": IPv4Address("10.3.3.4")}
    ports = {"local_port": 4500, "remote_port": 20001, "remote": Identity(False, "easy")}
    ike = console.ike("10.1.1.1", "10.1.1.2", **client, **ports)
    console.ipsec(ike, interface="Virtual-Access2", local=(network("0.0.0.0/0.0.0.0"),), remote=(host("10.3.3.4"),))
    shown = console.type("show crypto session detail")
    assert (
        "Interface: Virtual-Access2\nUsername: cisco\nProfile: prof\nGroup: easy\nAssigned address: 10.3.3.4\n"
        "Uptime: 00:00:00\nSession status: UP-ACTIVE\nPeer: 10.1.1.2 port 20001 fvrf: (none) ivrf: (none)\n"
        "      Phase1_id: easy\n"
    ) in shown
    assert "SA: local 10.1.1.1/4500 remote 10.1.1.2/20001 Active\n          Capabilities:CNX connid:1 " in shown
    assert "IPSEC FLOW: permit ip 0.0.0.0/0.0.0.0 host 10.3.3.4\n" in shown


def test_ike_version_2_has_the_number_of_its_session() -> None:
    """Of IPv6 the SA takes two lines, as in Genie's samples."""
    console = Shown(VERSION["xe"])
    ends = {"local_address": IPv6Address("2001:db8::1"), "remote_address": IPv6Address("2001:db8::2")}
    ike = console.ike("10.1.1.1", "10.1.1.2", version=2, **ends)
    networks = [Endpoint("subnet", IPv6Address("2001:db8:1::"), IPv6Address("ffff:ffff:ffff::"))] * 2
    console.ipsec(ike, interface="Tunnel1", local=(networks[0],), remote=(networks[1],))
    assert (
        "Peer: 2001:db8::2 port 500\n  Session ID: 1\n  IKEv2 SA: local 2001:db8::1/500\n"
        "          remote 2001:db8::2/500 Active\n  IPSEC FLOW: permit ipv6 2001:db8:1::/48 2001:db8:1::/48\n"
    ) in console.type("show crypto session")


def test_several_ike_sas_and_flows_of_one_session() -> None:
    """A port stands after its address, as IOS shows the flows of L2TP; a dynamic map is an origin of its own."""
    console = Shown(VERSION["classic"])
    console.ike("172.0.0.1", "172.0.0.2", encryption="des")
    ike = console.ike("172.0.0.1", "172.0.0.2")
    l2tp = [Endpoint("address", address, address, 17, 1701) for address in (HUB, SPOKE)]
    console.ipsec(ike, local=(l2tp[0],), remote=(l2tp[1],), interface="Serial0", template="d/10")
    shown = told(console.type("show crypto session"))
    assert shown[3:] == [
        "Peer: 172.0.0.2/500",
        "IKE SA: local 172.0.0.1/500 remote 172.0.0.2/500 Active",
        "IKE SA: local 172.0.0.1/500 remote 172.0.0.2/500 Active",
        "IPSEC FLOW: permit 17 host 172.0.0.1 port 1701 host 172.0.0.2 port 1701",
        "Active SAs: 2, origin: dynamic crypto map",
    ]


def test_a_lifetime_without_a_volume_and_a_counter_that_is_not_known() -> None:
    console = Shown(VERSION["xe"])
    console.ipsec(console.ike("172.0.0.1", "172.0.0.2"), life_size=None, life_time=None)
    shown = console.type("show crypto session detail")
    assert "#pkts dec'ed 0 drop 0 life (KB/Sec) KB Vol Rekey Disabled/0\n" in shown


def test_a_description_is_part_of_the_short_form_where_there_is_one() -> None:
    console = Shown(VERSION["classic"])
    console.ike("172.0.0.1", "172.0.0.2", description="the branch")
    assert "Peer: 172.0.0.2/500\n    Desc: the branch\n    IKE SA: local" in console.type("show crypto session")


# --- filters, and the forms of one line ---

TWO_VRFS = VERSION["classic"] + "ip vrf red\n rd 1:1\nip vrf blue\n rd 2:2\n"


@pytest.mark.parametrize(
    ("words", "peers"),
    [
        ("", ["10.0.0.2", "10.0.0.3", "10.0.0.4"]),
        ("remote 10.0.0.3", ["10.0.0.3"]),
        ("remote 10.0.0.3 port 4500", ["10.0.0.3"]),
        ("remote 10.0.0.3 port 500", []),
        ("local 10.9.9.1", ["10.0.0.4"]),
        ("fvrf outside", ["10.0.0.4"]),
        ("ivrf red", ["10.0.0.3"]),
        ("ivrf red remote 10.0.0.2", []),
        ("interface fa0/1", ["10.0.0.3"]),
        ("interface Tunnel7", []),
    ],
)
def test_the_filters_in_every_form_of_the_command(words: str, peers: list[str]) -> None:
    console = Shown(TWO_VRFS)
    console.ipsec(console.ike("10.0.0.1", "10.0.0.2"), interface="FastEthernet0/0")
    console.ipsec(console.ike("10.0.0.1", "10.0.0.3", "red", remote_port=4500), interface="FastEthernet0/1")
    console.ipsec(console.ike("10.9.9.1", "10.0.0.4", "blue", front_vrf="outside"), interface="FastEthernet0/0")

    def seen(line: str) -> list[str]:
        words = (word.split("/")[0] for shown in told(console.type(line)) for word in shown.split())
        return list(dict.fromkeys(word for word in words if word.startswith("10.0.0.")))

    assert seen(f"show crypto session {words} | include Peer") == peers
    for line in (f"show crypto session {words} detail", f"show crypto session detail {words}"):
        assert seen(f"{line} | include Peer:") == peers
    for line in (f"show crypto session {words} brief", f"show crypto session brief {words}"):
        assert seen(line) == peers


def test_a_vrf_may_have_the_name_of_a_form() -> None:
    console = Shown(f"{VERSION['classic']}ip vrf detail\n rd 1:1\n")
    console.ike("10.0.0.1", "10.0.0.2", "detail")
    assert "Peer: 10.0.0.2/500\n" in console.type("show crypto session ivrf detail")


# --- in short ---


def of_each_status(console: Shown) -> None:
    console.ipsec(console.ike("10.0.0.1", "10.0.0.2"), interface="FastEthernet0/1")
    console.ike("10.0.0.1", "10.0.0.3", remote=Identity(False, "branch"))
    gone = console.ike("10.0.0.1", "10.0.0.4", "red", user="ann", client_group="easy")
    console.ipsec(gone, interface="Tunnel0")
    console.router.monitor.ike_ended(gone, EndReason.NORMAL)
    console.engine.rows = [Phase1Sa(IPv4Address("10.0.0.1"), IPv4Address("10.0.0.5"), "MM_SA_SETUP", 0)]
    console.at(647)


BRIEF_CONFIG = (
    "access-list 101 permit ip any any\ncrypto map m 10 ipsec-isakmp\n set peer 10.0.0.6\n match address 101\n"
    "interface FastEthernet0/1\n ip address 10.0.0.1 255.255.255.0\n crypto map m\n"
)


def test_the_short_form_of_classic_ios() -> None:
    console = Shown(VERSION["classic"] + BRIEF_CONFIG)
    of_each_status(console)
    heading = "           Peer     I/F        Username          Group/Phase1_id   Uptime Status\n"
    assert console.type("show crypto session brief") == (
        "Status: A- Active, U - Up, D - Down, I - Idle, S - Standby, N - Negotiating\n"
        "        K - No IKE\n"
        f"ivrf = (none)\n{heading}"
        "       10.0.0.2   Fa0/1                                 10.0.0.2 00:10:47     UA\n"
        "       10.0.0.3   Fa0/1                                   branch 00:10:47     UI\n"
        "       10.0.0.5   Fa0/1                                                       DN\n"
        "       10.0.0.6   Fa0/1                                                        D\n"
        f"ivrf = red\n{heading}"
        "       10.0.0.4     Tu0             ann                     easy 00:10:47     UK\n"
    )


def test_the_short_form_of_ios_xe() -> None:
    console = Shown(VERSION["xe"] + BRIEF_CONFIG)
    of_each_status(console)
    assert console.type("show crypto session ivrf red brief").splitlines()[2:] == [
        "ivrf = red",
        "Peer            I/F          Username        Group/Phase1_id          Uptime   Status",
        "10.0.0.4        Tu0          ann             easy                     00:10:47 UK",
    ]


def test_the_groups_of_remote_access_clients() -> None:
    console = Shown(VERSION["classic"])
    for number, (group, user) in enumerate((("cisco", "ann"), ("cisco", "bob"), ("home", "eve"), ("cisco", "bob"))):
        console.ipsec(console.ike("10.0.0.1", f"10.0.0.{number + 2}", user=user, client_group=group))
    console.ike("10.0.0.1", "10.0.0.9")
    assert console.type("show crypto session groups") == "Group: Connections\ncisco: 3\nhome: 1\n"
    cisco = "Group cisco has 3 connections\n        User (Logins)\n        ann (1)\n        bob (2)\n"
    assert console.type("show crypto session summary cisco") == cisco
    assert console.type("show crypto session summary").startswith(f"{cisco}Group home has 1 connections\n")


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


# --- counters that are cleared ---


def test_cleared_counters_are_those_that_are_shown_and_no_others() -> None:
    console = Shown(XE_CONFIG)
    tunnel = up(console)
    carry(tunnel, IN_PACKETS=7, OUT_PACKETS=9, OUT_DROPS=1)
    assert console.type("clear crypto sa counters") == ""
    carry(tunnel, IN_PACKETS=2)
    shown = console.type("show crypto session detail")
    assert "#pkts dec'ed 2 drop 0 " in shown
    assert "#pkts enc'ed 0 drop 0 " in shown
    assert tunnel.counters.value(IpsecCounter.IN_PACKETS, 0) == 9
    assert console.engine.requests == []
    console.router.monitor.ipsec_ended(tunnel, EndReason.NORMAL)
    console.router.monitor.ipsec_indexes._last = 0
    again = console.ipsec(tunnel.peer.ike_tunnels[0], **FLOW)
    carry(again, IN_PACKETS=1)
    assert "#pkts dec'ed 1 drop 0 " in console.type("show crypto session detail")


@pytest.mark.parametrize(
    "line",
    [
        "show crypto session detail brief",
        "show crypto isakmp sa nat",
        "show crypto ikev2 sa",
        "show crypto session remote",
        "show crypto session summary a b",
    ],
)
def test_what_is_not_there_is_refused(line: str) -> None:
    assert Shown().result(line).failed
