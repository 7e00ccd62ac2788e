"""`show vrf` and `show ip vrf`: the forms of IOS's own outputs, as parsers' samples have them."""

from __future__ import annotations

import pytest

from tests.shell.fakes import Console

CONFIG = """\
version 16.9
hostname hub
ip vrf red
 rd 1:1
 description Red offices
 route-target export 1:1
 route-target import 1:1
 route-target import 1:2
vrf definition blue
 rd 10.116.83.34:100
 address-family ipv4
  route-target export 2:2
 exit-address-family
 address-family ipv6
 exit-address-family
vrf definition empty
interface Loopback1
 ip vrf forwarding red
 ip address 10.1.1.1 255.255.255.0
interface Serial1/2.1
 ip vrf forwarding red
 shutdown
interface GigabitEthernet0/1
 vrf forwarding blue
 ip address 10.2.2.1 255.255.255.0
"""


def shown(command: str, config: str = CONFIG) -> list[str]:
    return Console(config).type(f"show {command}").splitlines()


def test_each_vrf_with_its_families_and_interfaces() -> None:
    assert shown("vrf") == [
        "  Name                             Default RD            Protocols   Interfaces",
        "  red                              1:1                   ipv4        Lo1",
        "                                                                     Se1/2.1",
        "  blue                             10.116.83.34:100      ipv4,ipv6   Gi0/1",
        "  empty                            <not set>",
    ]
    assert shown("vrf blue") == shown("vrf")[::3][:2]
    assert shown("vrf brief blue") == shown("vrf blue")


def test_ip_vrf_has_no_families() -> None:
    assert shown("ip vrf red") == [
        "  Name                             Default RD            Interfaces",
        "  red                              1:1                   Lo1",
        "                                                         Se1/2.1",
    ]
    classic = shown("ip vrf red", CONFIG.replace("16.9", "12.4"))
    assert classic[0] == "  Name                             Default RD          Interfaces"


def test_interfaces_of_vrfs() -> None:
    assert shown("ip vrf interfaces") == [
        "Interface              IP-Address      VRF                              Protocol",
        "Lo1                    10.1.1.1        red                              up",
        "Se1/2.1                unassigned      red                              down",
        "Gi0/1                  10.2.2.1        blue                             up",
    ]


DETAIL_OF_RED = """\
VRF red (VRF Id = 1); default RD 1:1; default VPNID <not set>
  Description: Red offices
  Old CLI format, supports IPv4 only
  Flags: 0xC
  Interfaces:
    Lo1                      Se1/2.1
Address family ipv4 unicast (Table ID = 0x1):
  Flags: 0x0
  Export VPN route-target communities
    RT:1:1
  Import VPN route-target communities
    RT:1:1                   RT:1:2
  No import route-map
  No global export route-map
  No export route-map
  VRF label distribution protocol: not configured
  VRF label allocation mode: per-prefix
Address family ipv6 unicast not active
Address family ipv4 multicast not active
Address family ipv6 multicast not active
"""


@pytest.mark.parametrize("command", ["vrf detail red", "ip vrf detail red"])
def test_detail(command: str) -> None:
    assert shown(command) == [*DETAIL_OF_RED.splitlines(), ""]


def test_detail_of_a_vrf_of_two_families_and_of_none() -> None:
    blue, empty = shown("vrf detail blue"), shown("vrf detail empty")
    assert blue[1:5] == ["  New CLI format, supports multiple address-families", "  Flags: 0x180C", "  Interfaces:", "    Gi0/1"]
    assert "    RT:2:2" in blue
    ipv6 = blue.index("Address family ipv6 unicast (Table ID = 0x1E000002):")
    assert blue[ipv6 + 2 : ipv6 + 4] == ["  No Export VPN route-target communities", "  No Import VPN route-target communities"]
    assert empty[0] == "VRF empty (VRF Id = 3); default RD <not set>; default VPNID <not set>"
    assert empty[2:5] == ["  Flags: 0x1808", "  No interfaces", "Address family ipv4 unicast not active"]
    assert len([line for line in shown("vrf detail") if line.startswith("VRF ")]) == 3


def test_a_vrf_that_does_not_exist() -> None:
    for command in ("vrf green", "vrf detail green", "ip vrf green", "ip vrf interfaces green"):
        assert shown(command) == ["% VRF green does not exist"]
