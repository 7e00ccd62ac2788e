"""`show crypto session`, and the counters that `clear crypto sa counters` clears.

The classic form is that of the transcripts of Cisco's guide, the form of IOS XE that of the samples which Genie and ntc-templates
have of real routers.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest

from agent.engine.values import Phase1Sa
from agent.flow.counters import IpsecCounter
from agent.flow.model import Endpoint, EndReason, Identity, IpsecTunnel
from tests.flow.router import carry
from tests.shell.shown import BRIEF_CONFIG, HUB, KILOBYTE, SPOKE, VERSION, Shown, host, network
from tests.shell.transcripts import told, transcript

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


@pytest.mark.parametrize(
    "command", ["session", "session detail", "session brief", "session summary", "isakmp peers", "isakmp peers config"]
)
@pytest.mark.parametrize("version", ["classic", "xe"])
def test_foreign_names_neither_end_a_line_nor_control_the_terminal(command: str, version: str) -> None:
    """A peer chooses its identity, and a client its user's name and its group. Escape sequences in them stay text."""
    console = Shown(VERSION[version])
    foreign = "x\n\x1b[2J\x9b"
    console.ipsec(console.ike("10.0.0.1", "10.0.0.2", user=foreign, client_group=foreign, remote=Identity(False, foreign)))
    shown = console.type(f"show crypto {command}")
    assert "".join(shown.splitlines()).isprintable()
    assert r"x\n\x1b[2J" in shown or (command == "isakmp peers" and version == "classic")


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
    assert "#pkts decaps: 2, " in console.type("show crypto ipsec sa")
    assert "#send errors 0, #recv errors 0\n" in console.type("show crypto ipsec sa")
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
