"""`show ip route`, `show interfaces` and their relatives: in IOS's form, from what is there."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from agent.flow.device import InstalledRoute, InterfaceCounter, RouteSource
from agent.shell.releases import Release
from agent.shell.render.interfaces import short_name
from agent.shell.render.routes import entry_lines, route_lines
from tests.shell.fakes import CONFIG, Console


def connected(prefix: str, interface: str) -> InstalledRoute:
    return InstalledRoute(IPv4Network(prefix), RouteSource.CONNECTED, interface, None, 0)


def static(prefix: str, next_hop: str, interface: str | None = None, source: RouteSource = RouteSource.STATIC) -> InstalledRoute:
    return InstalledRoute(IPv4Network(prefix), source, interface, IPv4Address(next_hop), 1)


ROUTES = (
    connected("10.1.1.0/24", "FastEthernet0/0"),
    connected("10.20.1.1/32", "Loopback1"),
    connected("192.168.7.0/24", "Serial1/2"),
    static("0.0.0.0/0", "10.1.1.2"),
    static("172.16.1.0/24", "10.1.1.2"),
    static("172.16.2.0/24", "10.1.1.2", "FastEthernet0/0", RouteSource.REVERSE),
)
OWN = {"FastEthernet0/0": (IPv4Address("10.1.1.1"),), "Loopback1": (IPv4Address("10.20.1.1"),)}


def test_routes_stand_under_the_network_of_their_class() -> None:
    """The layout is that of 12.4's and 16.9's `show ip route`, as routers print it."""
    classic = list(route_lines(ROUTES, OWN, Release.CLASSIC))
    assert classic[0].startswith("Codes: C - connected")
    assert classic[classic.index("Gateway of last resort is 10.1.1.2 to network 0.0.0.0") :] == [
        "Gateway of last resort is 10.1.1.2 to network 0.0.0.0",
        "",
        "S*   0.0.0.0/0 [1/0] via 10.1.1.2",
        "     10.0.0.0/8 is variably subnetted, 2 subnets, 2 masks",
        "C       10.1.1.0/24 is directly connected, FastEthernet0/0",
        "C       10.20.1.1/32 is directly connected, Loopback1",
        "     172.16.0.0/24 is subnetted, 2 subnets",
        "S       172.16.1.0 [1/0] via 10.1.1.2",
        "S       172.16.2.0 [1/0] via 10.1.1.2",
        "C    192.168.7.0/24 is directly connected, Serial1/2",
    ]


def test_ios_xe_has_a_local_route_for_each_address() -> None:
    lines = list(route_lines(ROUTES[:2], OWN, Release.XE, "red"))
    assert lines[:3] == ["", "Routing Table: red", "Codes: L - local, C - connected, S - static, R - RIP, M - mobile, B - BGP"]
    assert lines[-5:] == [
        "",
        "      10.0.0.0/8 is variably subnetted, 3 subnets, 2 masks",
        "C        10.1.1.0/24 is directly connected, FastEthernet0/0",
        "L        10.1.1.1/32 is directly connected, FastEthernet0/0",
        "C        10.20.1.1/32 is directly connected, Loopback1",
    ]


def test_a_source_selects_routes() -> None:
    lines = list(route_lines(ROUTES, OWN, Release.CLASSIC, wanted=RouteSource.STATIC))
    rows = lines[lines.index("Gateway of last resort is 10.1.1.2 to network 0.0.0.0") + 2 :]
    assert [line[0] for line in rows] == ["S", " ", "S", "S"]


def test_the_route_of_an_address_is_the_longest() -> None:
    assert list(entry_lines(ROUTES, IPv4Network("10.1.1.9/32")))[:4] == [
        "Routing entry for 10.1.1.0/24",
        '  Known via "connected", distance 0, metric 0 (connected, via interface)',
        "  Routing Descriptor Blocks:",
        "  * directly connected, via FastEthernet0/0",
    ]
    assert list(entry_lines(ROUTES, IPv4Network("172.16.1.0/24")))[3] == "  * 10.1.1.2"
    assert list(entry_lines(ROUTES[:3], IPv4Network("8.8.8.8/32"))) == ["% Network not in table"]
    assert list(entry_lines(ROUTES, IPv4Network("172.16.0.0/16"))) == ["% Subnet not in table"]


def test_the_routes_of_a_vrf_are_those_of_the_device() -> None:
    console = Console()
    console.router.device.routes = lambda vrf: ROUTES[:1] if vrf == "red" else ROUTES[1:]
    assert "10.1.1.0 is directly connected, FastEthernet0/0" in console.type("show ip route vrf red")
    assert "10.1.1.0" not in console.type("show ip route")
    assert console.result("show ip route vrf blue").error == "% IP routing table vrf blue does not exist\n"


def test_show_interfaces_has_what_the_device_counts() -> None:
    console = Console()
    state = console.router.device.interface("FastEthernet0/0")
    assert state is not None
    state.speed, state.description, state.physical_address = 100_000_000, "to the hub", bytes.fromhex("02ca00010203")
    state.counters[InterfaceCounter.IN_UNICAST], state.counters[InterfaceCounter.IN_OCTETS] = 7, 700
    state.counters[InterfaceCounter.OUT_DISCARDS] = 3
    lines = console.type("show interfaces fa0/0").splitlines()
    assert lines[0] == "FastEthernet0/0 is up, line protocol is up "
    assert "  Hardware is Fast Ethernet, address is 02ca.0001.0203" in lines
    assert "  Description: to the hub" in lines
    assert "  Internet address is 10.1.1.1/24" in lines
    assert "  MTU 1500 bytes, BW 100000 Kbit/sec, " in lines
    assert "     7 packets input, 700 bytes, 0 no buffer" in lines
    assert "     0 output errors, 3 output drops" in lines
    assert [line for line in console.type("show interfaces").splitlines() if " line protocol " in line][-1] == (
        "Serial1/2 is administratively down, line protocol is down "
    )
    assert "there is no such interface" in console.result("show interfaces fa7/0").error


def test_descriptions_have_short_names() -> None:
    console = Console()
    assert console.type("show interfaces description").splitlines()[1:] == [
        f"{name:<30} {line:<14} {protocol}"
        for name, line, protocol in (
            ("Lo1", "up", "up"),
            ("Fa0/0", "up", "up"),
            ("Fa0/1", "up", "up"),
            ("Se1/2", "admin down", "down"),
        )
    ]


@pytest.mark.parametrize(
    ("name", "short"), [("GigabitEthernet0/0/1", "Gi0/0/1"), ("Serial1/2.1", "Se1/2.1"), ("Tunnel0", "Tu0"), ("Loopback1", "Lo1")]
)
def test_an_interface_is_abbreviated_to_two_letters(name: str, short: str) -> None:
    assert short_name(name) == short


def test_show_ip_interface_says_which_vrf() -> None:
    lines = Console().type("show ip interface fa0/1").splitlines()
    assert lines[:2] == ["FastEthernet0/1 is up, line protocol is up", "  Internet address is 10.9.9.1/24"]
    assert lines[-1] == '  VPN Routing/Forwarding "red"'
    assert Console().type("show ip interface s1/2").splitlines()[1] == "  Internet protocol processing disabled"


def test_show_hosts_lists_the_names_of_the_configuration() -> None:
    lines = Console(CONFIG + "ip domain name example.com\nip name-server 10.1.1.9\n").type("show hosts").splitlines()
    assert lines[:3] == ["Default domain is example.com", "Name/address lookup uses static mappings", "Name servers are 10.1.1.9"]
    assert lines[-1] == "hub                       None  (perm, OK)  0   IP    10.1.1.2"


def test_show_version_of_an_ios_description_is_ios_s() -> None:
    """Managers and netmiko's relatives read the model, the uptime, the image, the serial number and the register."""
    console = Console(CONFIG + "snmp-server chassis-id JMX0814L3E2\n")
    console.router.device.description = "Cisco IOS Software, 3700 Software (C3745-ADVIPSERVICESK9-M), Version 12.4(4)T"
    lines = console.type("show version").splitlines()
    assert lines[:2] == [console.router.device.description, "Technical Support: http://www.cisco.com/techsupport"]
    assert "System returned to ROM by power-on" in lines
    assert 'System image file is "ipsec-agent 9.9"' in lines
    assert next(line for line in lines if "bytes of memory" in line).startswith("Cisco C3745 (simulated) processor with ")
    assert "Processor board ID JMX0814L3E2" in lines
    assert "2 FastEthernet interfaces" in lines
    assert "1 Virtual Loopback interface" in lines
    assert lines[-2] == "Configuration register is 0x2102"
    assert console.type("show inventory").splitlines()[1] == "PID: C3745             , VID:     , SN: JMX0814L3E2"
