"""Aaa room: how a router names itself to RADIUS servers: NAS-IP-Address and NAS-Identifier (RFC 2865 §5.4 and §5.32).

The address is that of `radius-server attribute 4`, else of the source interface of the group, else of `ip radius source-interface`
for the group's VRF, else of the interface through which the router would reach the server. A server of a lab is on an address of
the machine, to which the router has no route: then it is the first address of the router's loopback interfaces, or of its others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address

from agent.config.aaa_model import RadiusServer, ServerAddress, ServerGroup
from agent.config.model import Interface, RouterConfig
from agent.flow.device import Device, InstalledRoute

_NONE = IPv4Address(0)
_MOST_HOPS = 8  # next hops that are looked up, one through another


class NasAddresses:
    """The addresses of one router, by group. `forget` has them found again, after a change of the configuration or of a link."""

    def __init__(self, config: RouterConfig, device: Device) -> None:
        self._config = config
        self._device = device
        self._found: dict[str | None, IPv4Address] = {}

    def __call__(self, group: ServerGroup | None = None) -> IPv4Address:
        """The address for the servers of a group (None: every server). A router without an address has 0.0.0.0."""
        if self._config.radius.nas_ip_address is not None:
            return self._config.radius.nas_ip_address
        name = group.name if group else None
        if name not in self._found:
            addresses = (interface.address for interface in self._candidates(group) if interface is not None)
            self._found[name] = next((address.ip for address in addresses if address is not None), _NONE)
        return self._found[name]

    def forget(self) -> None:
        self._found.clear()

    def identifier(self, form: str | None) -> str | None:
        """NAS-Identifier in a format of `radius-server attribute 32`; "" is the full name of the router, None is none at all."""
        config = self._config
        if not form:
            return config.full_name if form is not None else None
        for place, text in (("%i", str(self())), ("%h", config.hostname), ("%d", config.domain_name or "")):
            form = form.replace(place, text)
        return form

    def _candidates(self, group: ServerGroup | None) -> Iterator[Interface | None]:
        config, vrf = self._config, group.vrf if group else None
        named = (group.source_interface if group else None) or config.radius.source_interfaces.get(vrf)
        yield config.interfaces.get(named or "")
        routes = tuple(self._device.routes(vrf))
        for address in _addresses(config, group):
            if isinstance(address, IPv4Address):
                yield config.interfaces.get(_leaving(routes, address) or "")
        interfaces = [each for each in config.interfaces.values() if each.vrf == vrf]
        yield from sorted(interfaces, key=lambda each: not each.name.startswith("Loopback"))


def _addresses(config: RouterConfig, group: ServerGroup | None) -> Iterator[ServerAddress | None]:
    radius = config.radius
    if group is None:
        yield from (server.address for server in (*radius.hosts, *radius.servers.values()))
        return
    for member in group.members:
        named = None if isinstance(member, RadiusServer) else radius.servers.get(member.name)
        yield named.address if named else member.address


def _leaving(routes: Sequence[InstalledRoute], address: IPv4Address) -> str | None:
    """The interface of the longest prefix that holds an address."""
    for _ in range(_MOST_HOPS):
        holding = [route for route in routes if address in route.prefix]
        if not holding:
            return None
        best = max(holding, key=lambda route: (route.prefix.prefixlen, -route.distance))
        if best.interface is not None or best.next_hop is None:
            return best.interface
        address = best.next_hop
    return None
