"""Engine room: protected flows as a display sees them: what the configuration protects, and the IPsec tunnels that protect it.

IOS lists a flow for each line of an access list that permits, also where it has no SAs, and for each instance of a dynamic map
(`show crypto ipsec sa` in the Cisco IOS Security Command Reference).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agent.config.model import AclAddress, AclEntry, PortRange, RouterConfig
from agent.config.protection import Protection, line_of, protections
from agent.flow.model import Address, Endpoint, EndpointPair, IpsecTunnel

_ALL = 0xFFFFFFFF
_Key = tuple[str | None, str | None, int | None, str | None]


@dataclass(frozen=True, slots=True)
class ProtectedFlow:
    """One protected flow. `tunnel` is None while it has no SAs, `protection` where no line of the configuration protects it.

    `pairs` are its selectors, our end first. `peer` is where its SAs lead, or would lead.
    """

    pairs: tuple[EndpointPair, ...]
    peer: Address | None
    protection: Protection | None
    tunnel: IpsecTunnel | None = None

    @property
    def inside_vrf(self) -> str | None:
        if self.tunnel is not None:
            return self.tunnel.vrf
        return self.protection.inside_vrf if self.protection else None

    @property
    def front_vrf(self) -> str | None:
        if self.tunnel is not None:
            return self.tunnel.peer.ends.front_vrf
        return self.protection.front_vrf if self.protection else None


@dataclass(frozen=True, slots=True)
class FlowGroup:
    """The flows of one crypto map on one interface, with our address there."""

    interface: str | None
    map_name: str | None
    local: Address
    flows: Iterator[ProtectedFlow]


class TunnelsByMap:
    """Tunnels by what protects them: the interface, the map, its entry and, of a dynamic map, the template."""

    def __init__(self) -> None:
        self._found: dict[_Key, list[IpsecTunnel]] = {}

    def add(self, tunnel: IpsecTunnel) -> None:
        facts = tunnel.facts
        key = facts.interface, facts.map_name, facts.map_sequence, facts.template
        self._found.setdefault(key, []).append(tunnel)

    def take(self, protection: Protection) -> list[IpsecTunnel]:
        """The tunnels of what a configuration protects. They are not among the `rest` from now on."""
        template = f"{protection.entry.name}/{protection.entry.sequence}" if protection.dynamic else None
        return self._found.pop((protection.interface, protection.map_name, protection.sequence, template), [])

    def rest(self) -> Iterator[tuple[str | None, str | None, list[IpsecTunnel]]]:
        """The tunnels that nothing in the configuration protects: interface, map, tunnels."""
        for (interface, map_name, _, _), tunnels in self._found.items():
            yield interface, map_name, tunnels


def flow_groups(config: RouterConfig, tunnels: TunnelsByMap) -> Iterator[FlowGroup]:
    """Every protected flow, by interface and map, in the order of the configuration; then tunnels of no line in it."""
    found: dict[tuple[str, str], list[tuple[Protection, list[IpsecTunnel]]]] = {}
    for protection in protections(config):
        place = protection.interface, protection.map_name
        found.setdefault(place, []).append((protection, tunnels.take(protection)))
    order = {name: at for at, name in enumerate(config.interfaces)}
    for (interface, map_name), protected in sorted(found.items(), key=lambda each: order[each[0][0]]):
        flows = (flow for protection, live in protected for flow in _flows(protection, live))
        yield FlowGroup(interface, map_name, protected[0][0].local, flows)
    for other_interface, other_map, live in tunnels.rest():
        flows = (_live(tunnel, None) for tunnel in live)
        yield FlowGroup(other_interface, other_map, live[0].facts.local_address, flows)


def _flows(protection: Protection, tunnels: list[IpsecTunnel]) -> Iterator[ProtectedFlow]:
    if protection.dynamic:
        yield from (_live(tunnel, protection) for tunnel in tunnels)
        return
    by_line: dict[str | None, list[IpsecTunnel]] = {}
    for tunnel in tunnels:
        by_line.setdefault(tunnel.facts.acl_entry, []).append(tunnel)
    for rule in protection.rules:
        live = by_line.pop(line_of(protection.entry, rule.text), [])
        yield from (_live(tunnel, protection) for tunnel in live)
        if rule.permit and not live:
            yield ProtectedFlow((selector_of(rule),), next(iter(protection.peers), None), protection)
    yield from (_live(tunnel, protection) for live in by_line.values() for tunnel in live)


def _live(tunnel: IpsecTunnel, protection: Protection | None) -> ProtectedFlow:
    return ProtectedFlow(tunnel.facts.endpoints, tunnel.peer.remote_address, protection, tunnel)


def selector_of(rule: AclEntry) -> EndpointPair:
    """The two ends that a line of an access list selects."""
    source = _endpoint(rule.source, rule.protocol, rule.source_ports)
    return source, _endpoint(rule.destination, rule.protocol, rule.destination_ports)


def _endpoint(end: AclAddress, protocol: int, ports: PortRange | None) -> Endpoint:
    mask = type(end.wildcard)(int(end.wildcard) ^ _ALL)
    first = type(end.address)(int(end.address) & int(mask))
    port = 0 if ports is None else ports.low if ports.low == ports.high and not ports.negated else None
    if int(mask) == _ALL:
        return Endpoint("address", first, first, protocol, port)
    return Endpoint("subnet", first, mask, protocol, port)
