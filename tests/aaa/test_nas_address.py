"""The address by which a router names itself to RADIUS servers (RFC 2865 §5.4; `ip radius source-interface` of IOS)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from agent.aaa.nas_address import NasAddresses
from agent.config.aaa_model import RadiusServer, ServerGroup, ServerReference, by_identity
from agent.config.document import load
from agent.flow.device import Device, InstalledRoute, RouteSource

ROUTER = """\
ip vrf red
interface FastEthernet0/0
 ip address 10.1.1.147 255.255.255.0
interface FastEthernet0/1
 ip address 10.2.2.1 255.255.255.0
interface FastEthernet1/0
 ip vrf forwarding red
 ip address 10.3.3.1 255.255.255.0
interface Loopback0
 ip address 10.9.9.9 255.255.255.255
"""
ROUTES = (
    InstalledRoute(IPv4Network("10.1.1.0/24"), RouteSource.CONNECTED, "FastEthernet0/0", None, 0),
    InstalledRoute(IPv4Network("10.2.2.0/24"), RouteSource.CONNECTED, "FastEthernet0/1", None, 0),
    InstalledRoute(IPv4Network("172.16.0.0/16"), RouteSource.STATIC, None, IPv4Address("10.1.1.1"), 1),
    InstalledRoute(IPv4Network("172.16.8.0/24"), RouteSource.STATIC, None, IPv4Address("10.2.2.2"), 1),
)


class NasRouter:
    """A router with one server."""

    def __init__(self, server: str = "127.0.0.1", text: str = ROUTER) -> None:
        config = load(text).config
        self.radius = config.radius
        self.radius.hosts = by_identity([RadiusServer(IPv4Address(server))])
        self.address = NasAddresses(config, Device("r1", "", "", routes=lambda vrf: ROUTES if vrf is None else ()))


def test_it_is_that_of_the_interface_towards_the_server() -> None:
    assert NasRouter("172.16.1.1").address() == IPv4Address("10.1.1.147")
    assert NasRouter("172.16.8.1").address() == IPv4Address("10.2.2.1")


def test_without_a_route_to_the_server_it_is_that_of_a_loopback_interface() -> None:
    assert NasRouter().address() == IPv4Address("10.9.9.9")


def test_a_source_interface_goes_before_that() -> None:
    router = NasRouter("172.16.1.1")
    router.radius.source_interfaces[None] = "FastEthernet0/1"
    assert router.address() == IPv4Address("10.2.2.1")


def test_attribute_4_goes_before_every_interface() -> None:
    """`radius-server attribute 4 ADDRESS` (Cisco IOS Security Command Reference)."""
    router = NasRouter()
    router.radius.source_interfaces[None] = "FastEthernet0/1"
    router.radius.nas_ip_address = IPv4Address("192.0.2.4")
    assert router.address() == IPv4Address("192.0.2.4")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (None, None),
        ("", "sheep.cisco.com"),
        ("%h", "sheep"),
        ("cisco %h.%d %i", "cisco sheep.cisco.com 10.9.9.9"),
        ("pop 7", "pop 7"),
    ],
)
def test_nas_identifier_has_the_format_of_attribute_32(form: str | None, expected: str | None) -> None:
    """`radius-server attribute 32`: %i is the address, %h the name, %d the domain (Cisco IOS Security Command Reference)."""
    router = NasRouter(text=f"hostname sheep\nip domain name cisco.com\n{ROUTER}")
    assert router.address.identifier(form) == expected


def test_a_group_has_a_source_interface_and_a_vrf_of_its_own() -> None:
    router = NasRouter()
    router.radius.source_interfaces[None] = "Loopback0"
    own = ServerGroup("own", by_identity([ServerReference(address=IPv4Address("172.16.8.1"))]), source_interface="FastEthernet0/0")
    assert router.address(own) == IPv4Address("10.1.1.147")
    assert router.address(ServerGroup("red", vrf="red")) == IPv4Address("10.3.3.1")


def test_a_change_is_followed_when_it_is_told() -> None:
    router = NasRouter()
    assert router.address() == IPv4Address("10.9.9.9")
    router.radius.source_interfaces[None] = "FastEthernet0/0"
    router.address.forget()
    assert router.address() == IPv4Address("10.1.1.147")


def test_a_router_without_an_address_has_none_to_tell() -> None:
    assert NasRouter(text="hostname r1\n").address() == IPv4Address("0.0.0.0")
