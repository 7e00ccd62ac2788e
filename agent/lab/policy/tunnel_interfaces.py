"""Lab room: Tunnel interfaces that carry GRE: whether they can be up, and which one is between two peers.

A tunnel's outer packets belong to the VRF of `tunnel vrf`, its inner packets to the VRF of the interface.
"""

from __future__ import annotations

from collections.abc import Collection

from agent.config.model import Interface, RouterConfig
from agent.config.protection import TunnelEnds, tunnels


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
