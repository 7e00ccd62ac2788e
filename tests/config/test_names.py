"""Names of interfaces and hosts: what each room asks of them."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from agent.config.interface_names import has_medium, is_virtual, type_of
from agent.config.model import RouterConfig

ADDRESS = IPv4Address("192.0.2.1")


@pytest.mark.parametrize(
    ("name", "kind", "medium", "virtual"),
    [
        ("Serial1/2.1", "Serial", True, False),
        ("FastEthernet0/0", "FastEthernet", True, False),
        ("Tunnel0", "Tunnel", False, True),
        ("Loopback10", "Loopback", False, True),
        ("Virtual-Template1", "Virtual-Template", True, True),
        ("Vlan20", "Vlan", True, True),
    ],
)
def test_what_an_interface_is_by_its_name(name: str, kind: str, medium: bool, virtual: bool) -> None:
    assert (type_of(name), has_medium(name), is_virtual(name)) == (kind, medium, virtual)


@pytest.mark.parametrize(("host", "address"), [(ADDRESS, ADDRESS), ("known", ADDRESS), ("unknown", None), (None, None)])
def test_a_host_is_named_by_its_address_or_by_an_ip_host_line(host: IPv4Address | str | None, address: IPv4Address | None) -> None:
    config = RouterConfig()
    config.hosts["known"] = ADDRESS
    assert config.host_address(host) == address
