"""Lab room: Tunnel interfaces that carry GRE: their outer addresses, and whether they can be up.

A tunnel's outer packets belong to the VRF of `tunnel vrf`, its inner packets to the VRF of the interface.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

from agent.config.model import Interface, RouterConfig


@dataclass(frozen=True, slots=True)
class TunnelEnds:
    """The outer addresses of a Tunnel interface, and the VRF that they are of; `source_interface` has the first."""

    name: str
    front_vrf: str | None
    source: int
    destination: int
    source_interface: str


def _source_interface(config: RouterConfig, tunnel: Interface) -> tuple[Interface, IPv4Address] | None:
    """The interface, of the tunnel's front-door VRF, that has the source address."""
    named = config.interfaces.get(tunnel.tunnel_source or "")
    if named is not None:
        return (named, named.address.ip) if named.address and named.vrf == tunnel.tunnel_vrf else None
    try:
        address = IPv4Address(tunnel.tunnel_source or "")
    except AddressValueError:
        return None
    for interface in config.interfaces.values():
        addresses = {each.ip for each in (interface.address, *interface.secondary) if each is not None}
        if interface.vrf == tunnel.tunnel_vrf and address in addresses:
            return interface, address
    return None


def ends_of(config: RouterConfig, tunnel: Interface) -> TunnelEnds | None:
    """The ends of an interface; None if it is no GRE tunnel, or lacks an end."""
    if tunnel.tunnel_source is None or tunnel.tunnel_destination is None or tunnel.tunnel_mode is not None:
        return None
    found = _source_interface(config, tunnel)
    if found is None:
        return None
    interface, source = found
    return TunnelEnds(tunnel.name, tunnel.tunnel_vrf, int(source), int(tunnel.tunnel_destination), interface.name)


def tunnels(config: RouterConfig) -> Iterator[TunnelEnds]:
    """Every GRE tunnel that is not shut down and has both its ends."""
    for interface in config.interfaces.values():
        ends = ends_of(config, interface) if not interface.shutdown else None
        if ends is not None:
            yield ends


def standing(config: RouterConfig, up: Collection[str]) -> dict[str, TunnelEnds]:
    """The tunnels whose source is an address of an interface that is up, by name."""
    return {ends.name: ends for ends in tunnels(config) if ends.source_interface in up}


def protected_between(config: RouterConfig, front_vrf: str | None, local: int, remote: int) -> Interface | None:
    """The tunnel with `tunnel protection` between two peers."""
    for ends in tunnels(config):
        if (ends.front_vrf, ends.source, ends.destination) == (front_vrf, local, remote):
            interface = config.interfaces[ends.name]
            if interface.tunnel_profile is not None:
                return interface
    return None
