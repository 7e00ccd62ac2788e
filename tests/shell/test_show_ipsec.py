"""`show` of policies, transform sets, crypto maps and IPsec SAs: the guide's transcripts, and IOS's forms beside them."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address
from typing import Any

import pytest

from agent.base.ike_counters import IkeCounter
from agent.engine.values import CryptoEngine
from agent.flow.counters import IpsecCounter, PacketCounters
from agent.flow.model import NOT_USED, Endpoint, IpsecTunnel, SaAlgorithms
from agent.flow.monitor import NewSpi
from agent.shell.terminal import LINES_PER_TURN
from tests.flow.builders import ike_facts, ipsec_facts
from tests.shell.fakes import Console
from tests.shell.transcripts import told, transcript
from tests.toy_engine import ToyEngine

HEAD = "version 12.4\nhostname RouterA\n"
STATIC = f"""{HEAD}crypto map testmap 10 ipsec-isakmp
 set peer 209.165.200.225
 match address 101
interface FastEthernet1/2
 ip address 209.165.200.229 255.255.255.248
 crypto map testmap
access-list 101 permit ip host 209.165.200.227 host 209.165.200.226
"""
DYNAMIC = f"""{HEAD}crypto dynamic-map dyn_testmap 10
crypto map testmap 10 ipsec-isakmp dynamic dyn_testmap
interface GigabitEthernet0/1
 ip address 209.165.200.225 255.255.255.248
 crypto map testmap
"""
AES = SaAlgorithms(group=5, cipher="aes", key_bits=128, ah=NOT_USED, esp_auth="sha")


def host(address: str) -> Endpoint:
    return Endpoint("address", IPv4Address(address), IPv4Address(address))


def tunnel(console: Console, **facts: Any) -> IpsecTunnel:
    """A tunnel with one ESP SA in each direction, which has carried four packets of 100 octets each way and lost one."""
    monitor = console.router.monitor
    local, remote = facts.pop("local_address"), facts.pop("remote_address")
    ike = monitor.ike_up(None, ike_facts(remote, local_address=local), PacketCounters(IkeCounter))
    counters = PacketCounters(IpsecCounter)
    for counter, value in (
        (IpsecCounter.OUT_PACKETS, 4),
        (IpsecCounter.OUT_ENCRYPTS, 4),
        (IpsecCounter.OUT_AUTHS, 4),
        (IpsecCounter.OUT_INNER_OCTETS, 400),
        (IpsecCounter.OUT_DROPS, 1),
        (IpsecCounter.IN_PACKETS, 3),
        (IpsecCounter.IN_DECRYPTS, 3),
        (IpsecCounter.IN_AUTHS, 4),
        (IpsecCounter.IN_DROPS, 2),
        (IpsecCounter.IN_AUTH_FAILS, 1),
        (IpsecCounter.IN_REPLAY_DROPS, 5),
    ):
        counters.add(counter, value)
    terms: dict[str, Any] = {
        "local_address": local,
        "life_size": 4608000,
        "life_time": 3600,
        "inbound": AES,
        "outbound": AES,
        "pfs": False,
        "acl_name": None,
        "acl_entry": None,
    }
    spis = (NewSpi(True, "esp", 0x1000), NewSpi(False, "esp", 0xB2E5DCE1))
    return monitor.ipsec_up(ike, ipsec_facts(remote, **(terms | facts)), spis, counters)


def dynamic_tunnel(console: Console, number: int = 229, local: Endpoint | None = None) -> IpsecTunnel:
    """What the guide's RouterB has from its dynamic map."""
    return tunnel(
        console,
        local_address=IPv4Address("209.165.200.225"),
        remote_address=IPv4Address(f"209.165.200.{number}"),
        local=(local or host("209.165.200.226"),),
        remote=(host("209.165.200.227"),),
        map_name="testmap",
        map_sequence=10,
        interface="GigabitEthernet0/1",
        template="dyn_testmap/10",
        transform_set="#!default_transform_set_1",
    )


# --- policies ---


def test_default_policies_are_those_of_the_guide() -> None:
    assert told(Console(HEAD).type("show crypto isakmp default policy")) == transcript("isakmp-default-policy")


@pytest.mark.parametrize("line", ["no crypto isakmp default policy", "crypto isakmp policy 10"])
def test_default_policies_are_shown_only_while_they_are_in_force(line: str) -> None:
    """The guide: there is no output once they are turned off; they are in force if no policy from 1 to 10000 is configured."""
    assert Console(f"{HEAD}{line}\n").type("show crypto isakmp default policy") == ""


def test_policies_in_force_are_the_configured_ones_else_the_default_ones() -> None:
    console = Console("crypto isakmp policy 20\n encryption aes 256\n hash sha256\n authentication pre-share\n group 14\n")
    assert console.type("show crypto isakmp policy") == (
        "Global IKE policy\n"
        "Protection suite of priority 20\n"
        "        encryption algorithm:   AES - Advanced Encryption Standard (256 bit keys).\n"
        "        hash algorithm:         Secure Hash Standard 2 (256 bit)\n"
        "        authentication method:  Pre-Shared Key\n"
        "        Diffie-Hellman group:   #14 (2048 bit)\n"
        "        lifetime:               86400 seconds, no volume limit\n"
    )
    shown = Console("").type("show crypto isakmp policy").splitlines()
    assert shown[:3] == [
        "Default IKE policy",
        "Protection suite of priority 65507",
        "        encryption algorithm:   AES - Advanced Encryption Standard (128 bit keys).",
    ]
    assert sum("Protection suite" in line for line in shown) == 8


def test_easy_vpn_policies_come_on_top_once_a_client_group_is_configured() -> None:
    group = "crypto isakmp client configuration group sales\n key secret\n"
    configured = Console(f"{group}crypto isakmp policy 10\n").type("show crypto isakmp policy")
    priorities = [line.split()[-1] for line in configured.splitlines() if "suite of priority" in line]
    assert priorities == ["10", *(str(number) for number in range(65515, 65523))]
    by_default = Console(group).type("show crypto isakmp policy")
    assert by_default.count("suite of priority") == 16
    off = Console(f"{group}no crypto isakmp default policy\n").type("show crypto isakmp policy")
    assert off.count("suite of priority") == 8
    assert Console("no crypto isakmp default policy\n").type("show crypto isakmp policy") == ""


# --- transform sets ---


def test_default_transform_sets_are_those_of_the_guide() -> None:
    console = Console(HEAD)
    shown = console.type("show crypto ipsec default transform-set")
    assert told(shown) == transcript("ipsec-default-transform-set")
    assert shown.splitlines()[1] == "    will negotiate = { Transport,  },"
    assert console.type("show crypto ipsec transform-set") == shown


def test_default_transform_sets_need_their_cipher_in_the_crypto_engine() -> None:
    console = Console(HEAD)
    console.engine.crypto = CryptoEngine(ciphers=frozenset({"des", "3des"}))
    assert told(console.type("show crypto ipsec default transform-set")) == [
        "Transform set #1:default_transform_set_0: { esp-3des esp-sha-hmac }",
        "will negotiate = { Transport, },",
    ]
    assert Console(f"{HEAD}no crypto ipsec default transform-set\n").type("show crypto ipsec default transform-set") == ""


def test_a_transform_set_has_a_line_for_each_protocol() -> None:
    """As the Cisco IOS Security Command Reference has it of a set with AH and ESP."""
    config = "crypto ipsec transform-set both ah-sha-hmac esp-aes 256 esp-sha-hmac\n mode transport\n"
    console = Console(f"{config}crypto ipsec transform-set other esp-des\n")
    both = (
        "Transform set both: { ah-sha-hmac  }\n"
        "   will negotiate = { Transport,  },\n"
        "   { esp-256-aes esp-sha-hmac  }\n"
        "   will negotiate = { Transport,  },\n"
        "\n"
    )
    other = "Transform set other: { esp-des  }\n   will negotiate = { Tunnel,  },\n\n"
    assert console.type("show crypto ipsec transform-set") == both + other
    assert console.type("show crypto ipsec transform-set tag other") == other


# --- crypto maps ---


def test_a_map_with_default_transform_sets_is_that_of_the_guide() -> None:
    shown = Console(STATIC).type("show crypto map")
    assert told(shown) == transcript("crypto-map")
    assert shown.splitlines()[:4] == [
        'Crypto Map "testmap" 10 ipsec-isakmp',
        "        Peer = 209.165.200.225",
        "        Extended IP access list 101",
        "            access-list 101 permit ip host 209.165.200.227 host 209.165.200.226",
    ]


def test_an_instance_of_a_dynamic_map_is_that_of_the_guide() -> None:
    console = Console(DYNAMIC)
    dynamic_tunnel(console)
    assert told(console.type("show crypto map")) == transcript("crypto-map-dynamic")


def test_instances_of_a_dynamic_map_have_numbers_from_65536() -> None:
    console = Console(DYNAMIC)
    dynamic_tunnel(console)
    dynamic_tunnel(console, 230)
    heads = [line for line in console.type("show crypto map tag testmap").splitlines() if line.startswith("Crypto Map")]
    assert heads == [f'Crypto Map "testmap" {number} ipsec-isakmp' for number in (10, 65536, 65537)]
    assert console.type("show crypto map tag other") == "No crypto maps found.\n"
    assert console.type("show crypto map interface GigabitEthernet0/1").startswith('Crypto Map "testmap" 10 ipsec-isakmp\n')


@pytest.mark.parametrize(
    ("first", "mask", "words"),
    [
        ("0.0.0.0", "0.0.0.0", "any"),
        ("10.1.0.0", "255.255.0.0", "10.1.0.0 0.0.255.255"),
        ("10.1.0.1", "255.255.255.255", "host 10.1.0.1"),
    ],
)
def test_the_networks_of_an_instance_are_written_as_in_an_access_list(first: str, mask: str, words: str) -> None:
    """A remote-access client asks for all addresses of the router's end: `any`."""
    console = Console(DYNAMIC)
    dynamic_tunnel(console, local=Endpoint("subnet", IPv4Address(first), IPv4Address(mask)))
    assert f"            access-list permit ip {words} host 209.165.200.227\n" in console.type("show crypto map")


def test_a_map_in_the_form_of_ios_xe() -> None:
    config = STATIC.replace("version 12.4", "version 16.9") + (
        "crypto ipsec transform-set ts esp-aes esp-sha-hmac\n"
        "crypto map testmap 10\n set transform-set ts\n set pfs group14\n set security-association lifetime seconds 900\n"
        "crypto map testmap 20 ipsec-isakmp\n description not yet\n match address 102\n"
    )
    assert Console(config).type("show crypto map") == (
        'Crypto Map IPv4 "testmap" 10 ipsec-isakmp\n'
        "        Peer = 209.165.200.225\n"
        "        Access-List SS dynamic: False\n"
        "        Extended IP access list 101\n"
        "            access-list 101 permit ip host 209.165.200.227 host 209.165.200.226\n"
        "        Current peer: 209.165.200.225\n"
        "        Security association lifetime: 4608000 kilobytes/900 seconds\n"
        "        Responder-Only (Y/N): N\n"
        "        PFS (Y/N): Y\n"
        "        DH group:  group14\n"
        "        Mixed-mode : Disabled\n"
        "        Transform sets={\n"
        "                ts:  { esp-aes esp-sha-hmac  } ,\n"
        "        }\n"
        "\n"
        'Crypto Map IPv4 "testmap" 20 ipsec-isakmp\n'
        "        WARNING: This crypto map is in an incomplete state!\n"
        "                (missing peer or access-list definitions)\n"
        "        Description: not yet\n"
        "        Access-List SS dynamic: False\n"
        "        Extended IP access list 102\n"
        "        Security association lifetime: 4608000 kilobytes/3600 seconds\n"
        "        Responder-Only (Y/N): N\n"
        "        PFS (Y/N): N\n"
        "        Mixed-mode : Disabled\n"
        "        Transform sets={\n"
        "                #!default_transform_set_1:  { esp-aes esp-sha-hmac  } ,\n"
        "                #!default_transform_set_0:  { esp-3des esp-sha-hmac  } ,\n"
        "        }\n"
        "        Interfaces using crypto map testmap:\n"
        "                FastEthernet1/2\n"
    )


def test_an_entry_with_typed_keys_has_neither_lifetime_nor_pfs() -> None:
    config = (
        f"{HEAD}crypto ipsec transform-set ts esp-aes esp-sha-hmac\ncrypto map m 3 ipsec-manual\n set peer 192.0.2.1\n"
        " set transform-set ts\n match address 101\naccess-list 101 permit ip any any\n"
    )
    assert Console(config).type("show crypto map").splitlines() == [
        'Crypto Map "m" 3 ipsec-manual',
        "        Peer = 192.0.2.1",
        "        Extended IP access list 101",
        "            access-list 101 permit ip any any",
        "        Current peer: 192.0.2.1",
        "        Transform sets={",
        "                ts: { esp-aes esp-sha-hmac },",
        "        }",
        "        Interfaces using crypto map m:",
    ]


def test_a_map_with_a_local_address_begins_with_it() -> None:
    config = f"{STATIC}crypto map testmap local-address FastEthernet1/2\n"
    assert Console(config).type("show crypto map").splitlines()[:2] == [
        'Crypto Map: "testmap" idb: FastEthernet1/2 local address: 209.165.200.229',
        'Crypto Map "testmap" 10 ipsec-isakmp',
    ]


def test_tunnel_protection_is_a_profile_and_its_instance() -> None:
    config = (
        f"{HEAD}crypto ipsec transform-set ts esp-aes esp-sha-hmac\ncrypto ipsec profile gre\n set transform-set ts\n"
        "interface FastEthernet0/0\n ip address 192.0.2.1 255.255.255.0\n"
        "interface Tunnel0\n ip address 10.0.0.1 255.255.255.252\n tunnel source FastEthernet0/0\n"
        " tunnel destination 192.0.2.2\n tunnel protection ipsec profile gre\n"
    )
    console = Console(config)
    shown = console.type("show crypto map")
    assert shown.splitlines() == [
        'Crypto Map "Tunnel0-head-0" 65536 ipsec-isakmp',
        "        Profile name: gre",
        "        Security association lifetime: 4608000 kilobytes/3600 seconds",
        "        PFS (Y/N): N",
        "        Transform sets={",
        "                ts: { esp-aes esp-sha-hmac },",
        "        }",
        'Crypto Map "Tunnel0-head-0" 65537 ipsec-isakmp',
        "        Map is a PROFILE INSTANCE.",
        "        Peer = 192.0.2.2",
        "        Extended IP access list",
        "            access-list permit gre host 192.0.2.1 host 192.0.2.2",
        "        Current peer: 192.0.2.2",
        "        Security association lifetime: 4608000 kilobytes/3600 seconds",
        "        PFS (Y/N): N",
        "        Transform sets={",
        "                ts: { esp-aes esp-sha-hmac },",
        "        }",
        "        Interfaces using crypto map Tunnel0-head-0:",
        "                Tunnel0",
    ]
    assert console.type("show crypto map interface Tunnel0") == shown
    assert console.type("show crypto map interface FastEthernet0/0") == "No crypto maps found.\n"
    xe = Console(config.replace("version 12.4", "version 16.9") + "crypto ipsec profile gre\n set isakmp-profile branches\n")
    instance = xe.type("show crypto map").split("\n\n")[1].splitlines()
    assert instance[:5] == [
        'Crypto Map IPv4 "Tunnel0-head-0" 65537 ipsec-isakmp',
        "        Map is a PROFILE INSTANCE.",
        "        Peer = 192.0.2.2",
        "        ISAKMP Profile: branches",
        "        Access-List SS dynamic: False",  # Genie wants it of every map
    ]
    sas = console.type("show crypto ipsec sa").splitlines()
    assert sas[:2] == ["interface: Tunnel0", "    Crypto map tag: Tunnel0-head-0, local addr 192.0.2.1"]
    assert "   local  ident (addr/mask/prot/port): (192.0.2.1/255.255.255.255/47/0)" in sas
    assert "     path mtu 1500, ip mtu 1500, ip mtu idb FastEthernet0/0" in sas
    assert console.type("show crypto ipsec profile").startswith("IPSEC profile gre\n        Security association lifetime: ")


def test_a_template_and_the_global_lifetime() -> None:
    console = Console(f"{DYNAMIC}crypto ipsec security-association lifetime seconds 600\n")
    assert console.type("show crypto dynamic-map").splitlines()[:4] == [
        'Crypto Map Template"dyn_testmap" 10',
        "        No matching address list set.",
        "        Security association lifetime: 4608000 kilobytes/600 seconds",
        "        PFS (Y/N): N",
    ]
    assert console.type("show crypto ipsec security-association lifetime") == (
        "Security association lifetime: 4608000 kilobytes/600 seconds\n"
    )


# --- IPsec SAs ---

IDENTITY = """\
   protected vrf: (none)
   local  ident (addr/mask/prot/port): (209.165.200.226/255.255.255.255/0/0)
   remote ident (addr/mask/prot/port): (209.165.200.227/255.255.255.255/0/0)
   current_peer 209.165.200.229 port 500
     PERMIT, flags={{{flags}}}
    #pkts encaps: 4, #pkts encrypt: 4, #pkts digest: 4
    #pkts decaps: 3, #pkts decrypt: 3, #pkts verify: 4
    #pkts compressed: 0, #pkts decompressed: 0
    #pkts not compressed: 0, #pkts compr. failed: 0
    #pkts not decompressed: 0, #pkts decompress failed: 0
"""
TOP = "interface: GigabitEthernet0/1\n    Crypto map tag: testmap, local addr 209.165.200.225\n\n"


def test_sas_in_the_classic_form() -> None:
    console = Console(DYNAMIC)
    dynamic_tunnel(console)
    console.clock.time = 23_000_000
    assert console.type("show crypto ipsec sa") == (
        f"{TOP}{IDENTITY.format(flags='')}"
        "    #send errors 1, #recv errors 7\n"
        "\n"
        "     local crypto endpt.: 209.165.200.225, remote crypto endpt.: 209.165.200.229\n"
        "     path mtu 1500, ip mtu 1500, ip mtu idb GigabitEthernet0/1\n"
        "     current outbound spi: 0xB2E5DCE1(3001408737)\n"
        "\n"
        "     inbound esp sas:\n"
        "      spi: 0x1000(4096)\n"
        "        transform: esp-aes esp-sha-hmac ,\n"
        "        in use settings ={Tunnel, }\n"
        "        conn id: 2001, flow_id: SW:1, crypto map: testmap\n"
        "        sa timing: remaining key lifetime (k/sec): (4608000/3577)\n"
        "        IV size: 16 bytes\n"
        "        replay detection support: Y\n"
        "        Status: ACTIVE\n"
        "\n"
        "     inbound ah sas:\n"
        "\n"
        "     inbound pcp sas:\n"
        "\n"
        "     outbound esp sas:\n"
        "      spi: 0xB2E5DCE1(3001408737)\n"
        "        transform: esp-aes esp-sha-hmac ,\n"
        "        in use settings ={Tunnel, }\n"
        "        conn id: 2002, flow_id: SW:2, crypto map: testmap\n"
        "        sa timing: remaining key lifetime (k/sec): (4608000/3577)\n"
        "        IV size: 16 bytes\n"
        "        replay detection support: Y\n"
        "        Status: ACTIVE\n"
        "\n"
        "     outbound ah sas:\n"
        "\n"
        "     outbound pcp sas:\n"
        "\n"
    )


def test_sas_in_detail_in_the_form_of_ios_xe() -> None:
    console = Console(DYNAMIC.replace("version 12.4", "version 16.9"))
    dynamic_tunnel(console)
    shown = console.type("show crypto ipsec sa detail")
    assert shown.startswith(
        f"{TOP}{IDENTITY.format(flags='origin_is_acl,')}"
        "    #pkts no sa (send) 1, #pkts invalid sa (rcv) 0\n"
        "    #pkts encaps failed (send) 0, #pkts decaps failed (rcv) 0\n"
        "    #pkts invalid prot (recv) 0, #pkts verify failed: 1\n"
        "    #pkts invalid identity (recv) 1, #pkts invalid len (rcv) 0\n"
        "    #pkts replay rollover (send): 0, #pkts replay rollover (rcv) 0\n"
        "    ##pkts replay failed (rcv): 5\n"
        "    #pkts tagged (send): 0, #pkts untagged (rcv): 0\n"
        "    #pkts not tagged (send): 0, #pkts not untagged (rcv): 0\n"
        "    #pkts internal err (send): 0, #pkts internal err (recv) 0\n"
        "\n"
        "     local crypto endpt.: 209.165.200.225, remote crypto endpt.: 209.165.200.229\n"
        "     plaintext mtu 1438, path mtu 1500, ip mtu 1500, ip mtu idb GigabitEthernet0/1\n"
        "     current outbound spi: 0xB2E5DCE1(3001408737)\n"
        "     PFS (Y/N): N, DH group: none\n"
    )
    assert "        conn id: 2001, flow_id: SW:1, sibling_flags 80000040, crypto map: testmap\n" in shown
    assert "        replay detection support: Y  replay window size: 64\n        Status: ACTIVE(ACTIVE)\n" in shown
    assert console.type("show crypto ipsec sa peer 209.165.200.229 detail") == shown
    assert console.type("show crypto ipsec sa detail peer 209.165.200.229") == shown


@pytest.mark.parametrize(
    ("algorithms", "transport", "port", "mtu"),
    [
        (SaAlgorithms(14, "aes", 256, NOT_USED, "sha256"), False, 500, 1438),
        (SaAlgorithms(14, "aes", 256, NOT_USED, "sha"), True, 4500, 1442),
        (SaAlgorithms(14, "aes-gcm", 256, NOT_USED, NOT_USED), False, 500, 1446),
    ],
)
def test_the_mtu_of_the_plain_text_is_that_of_ios(algorithms: SaAlgorithms, transport: bool, port: int, mtu: int) -> None:
    """What IOS XE prints for these transforms with a path MTU of 1500 octets."""
    console = Console(DYNAMIC.replace("version 12.4", "version 16.9"))
    monitor = console.router.monitor
    ike = monitor.ike_up(None, ike_facts(local_port=port, remote_port=port), PacketCounters(IkeCounter))
    facts = ipsec_facts(
        inbound=algorithms,
        outbound=algorithms,
        transport=transport,
        interface="GigabitEthernet0/1",
        map_name="testmap",
        template="dyn_testmap/10",
    )
    monitor.ipsec_up(ike, facts, [NewSpi(True, "esp", 1000), NewSpi(False, "esp", 2000)], PacketCounters(IpsecCounter))
    shown = console.type("show crypto ipsec sa")
    assert f"     plaintext mtu {mtu}, path mtu 1500, " in shown
    udp = " UDP-Encaps" if port == 4500 else ""
    assert f"        in use settings ={{{'Transport' if transport else 'Tunnel'}{udp}, }}\n" in shown


def test_a_flow_without_sas_is_listed_too() -> None:
    console = Console(f"{STATIC}access-list 101 permit tcp 10.1.0.0 0.0.255.255 any eq 80\n")
    shown = console.type("show crypto ipsec sa").splitlines()
    assert [line.strip() for line in shown if " ident " in line] == [
        "local  ident (addr/mask/prot/port): (209.165.200.227/255.255.255.255/0/0)",
        "remote ident (addr/mask/prot/port): (209.165.200.226/255.255.255.255/0/0)",
        "local  ident (addr/mask/prot/port): (10.1.0.0/255.255.0.0/6/0)",
        "remote ident (addr/mask/prot/port): (0.0.0.0/0.0.0.0/6/80)",
    ]
    assert shown.count("     current outbound spi: 0x0(0)") == 2
    assert "   current_peer 209.165.200.225 port 500" in shown
    assert shown.count("interface: FastEthernet1/2") == 1


def test_filters_select_flows() -> None:
    console = Console(DYNAMIC)
    dynamic_tunnel(console)
    whole = console.type("show crypto ipsec sa")
    for taking in (
        "peer 209.165.200.229",
        "interface GigabitEthernet0/1",
        "map testmap",
        "active",
    ):
        assert console.type(f"show crypto ipsec sa {taking}") == whole
    for other in (
        "standby",
        "peer 209.165.200.1",
        "interface GigabitEthernet0/0",
        "map other",
        "vrf red",
        "peer vrf red 209.165.200.229",
    ):
        assert console.type(f"show crypto ipsec sa {other}") == "No SAs found\n"
    assert (
        console.type("show crypto ipsec sa identity") == TOP + IDENTITY.format(flags="") + "    #send errors 1, #recv errors 7\n\n"
    )


def test_sas_by_address_and_their_count() -> None:
    console = Console(DYNAMIC)
    live = dynamic_tunnel(console)
    shown = [line for line in console.type("show crypto ipsec sa address").splitlines() if "spi:" in line or "fvrf" in line]
    assert shown == [
        "fvrf/address: (none)/209.165.200.225",
        "      spi: 0x1000(4096)",
        "fvrf/address: (none)/209.165.200.229",
        "      spi: 0xB2E5DCE1(3001408737)",
    ]
    old = tuple(live.spis)
    console.router.monitor.sas_installed(live, [NewSpi(True, "esp", 1), NewSpi(False, "esp", 2)], live.facts, old)
    assert console.type("show crypto ipsec sa count") == "IPsec SA total: 4, active: 2, rekeying: 2, unused: 0, invalid: 0\n"
    assert (
        console.type("show crypto ipsec sa count vrf red") == "IPsec SA total: 0, active: 0, rekeying: 0, unused: 0, invalid: 0\n"
    )


def test_what_an_engine_does_not_know_has_no_line() -> None:
    console = Console("version 16.9\n")
    unknown = SaAlgorithms(None, None, None, None, None)
    monitor = console.router.monitor
    ike = monitor.ike_up(None, ike_facts(), PacketCounters(IkeCounter))
    facts = ipsec_facts(transport=None, life_size=None, life_time=None, inbound=unknown, outbound=unknown, map_name=None)
    monitor.ipsec_up(ike, facts, [NewSpi(True, "esp", 1000), NewSpi(False, "esp", 2000)], PacketCounters(IpsecCounter))
    shown = console.type("show crypto ipsec sa")
    assert "interface: (none)\n    Crypto map tag: (none), local addr 10.1.1.2\n" in shown
    for word in ("transform:", "in use settings", "sa timing", "IV size", "mtu"):
        assert word not in shown


def test_counters_begin_again_once_they_are_cleared() -> None:
    console = Console(DYNAMIC)
    live = dynamic_tunnel(console)
    console.type("clear crypto sa counters")
    assert isinstance(live.counters, PacketCounters)
    live.counters.add(IpsecCounter.OUT_PACKETS, 2)
    shown = console.type("show crypto ipsec sa")
    assert "#pkts encaps: 2, #pkts encrypt: 0, #pkts digest: 0\n" in shown
    assert "#send errors 0, #recv errors 0\n" in shown


def test_tunnels_of_an_engine_without_crypto_maps_are_listed_by_their_addresses() -> None:
    """A gateway's daemon has no maps and no interfaces. It has several selectors in a tunnel, IPv6, and untold counters."""
    console = Console("version 16.9\n")
    ToyEngine(console.router.monitor).begin()
    shown = console.type("show crypto ipsec sa", "show crypto ipsec sa detail", "show crypto ipsec sa address")
    assert shown.count("interface: (none)\n") == 2
    several = [line for line in shown.splitlines() if "remote ident" in line and "10.1.0.0" not in line]
    assert "   remote ident (addr/mask/prot/port): (10.4.0.0/255.255.0.0/0/0)" in several
    assert "   local  ident (addr/mask/prot/port): (2001:db8:1::/48/0/0)" in shown
    assert "        transform: esp-256-gcm ,\n" in shown
    assert "fvrf/address: (none)/2001:db8::2\n" in shown
    assert console.type("show crypto map") == "No crypto maps found.\n"


def test_a_long_listing_gives_others_their_turn() -> None:
    console = Console(DYNAMIC)
    for number in range(1, 201):
        dynamic_tunnel(console, number)

    async def turns() -> int:
        """How often another task runs while the command does."""
        count = 0
        command = asyncio.ensure_future(console.session.execute("show crypto ipsec sa"))
        while not command.done():
            count += 1
            await asyncio.sleep(0)
        return count

    taken = asyncio.run(turns())
    assert taken >= len(console.terminal.text.splitlines()) // LINES_PER_TURN
