"""Config room: which traffic the configuration protects, and between which ends: crypto maps on interfaces, protected tunnels.

Every reader of crypto maps begins here: the lab makes its security policies of this, `show crypto session` its idle sessions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

from agent.base.keyed import keyed_by_itself
from agent.config.crypto_model import CryptoMapEntry
from agent.config.model import AclAddress, AclEntry, Interface, RouterConfig

PROTECTION_SEQUENCE = 65537  # IOS's number for the entry of an IPsec profile on a Tunnel interface
GRE = 47  # the IP protocol
_HOST = IPv4Address(0)  # the wildcard of one address


@dataclass(frozen=True, slots=True)
class Protection:
    """One entry of the crypto map on an interface, or the protection of a Tunnel interface.

    Of a dynamic map `entry` is a template, and `sequence` the number of the entry that refers to it. `local` is our end.
    `inside_vrf` is the VRF of its tunnels, `front_vrf` the one through which the peers are reached. `clear_vrf` is that of the
    protected packets: the inside VRF, or the front-door VRF for the GRE of a Tunnel interface. `rules` are the lines of its
    access list; a template may have none, and is then for any traffic.
    """

    interface: str
    local: IPv4Address
    front_vrf: str | None
    inside_vrf: str | None
    clear_vrf: str | None
    map_name: str
    sequence: int
    entry: CryptoMapEntry
    peers: tuple[IPv4Address, ...]
    rules: tuple[AclEntry, ...]
    dynamic: bool = False


def line_of(entry: CryptoMapEntry, rule: str) -> str | None:
    """A rule as a line of the configuration. In a numbered list it begins with `access-list N`."""
    name = entry.match_address
    return f"access-list {name} {rule}" if name and name.isdigit() and rule else rule or None


# --- crypto maps on interfaces ---


def local_address(config: RouterConfig, interface: Interface) -> IPv4Address | None:
    """Our end of a map's tunnels: the address of the interface, or of the one in `crypto map N local-address`."""
    found = config.crypto.maps.get(interface.crypto_map or "")
    source = config.interfaces.get(found.local_address) if found and found.local_address else interface
    return source.address.ip if source and source.address else None


def peers_of(config: RouterConfig, entry: CryptoMapEntry) -> tuple[IPv4Address, ...]:
    """The addresses of an entry's peers. A name is looked up in the `ip host` lines."""
    return tuple(address for peer in entry.peers if (address := config.host_address(peer)) is not None)


def protections_of_map(config: RouterConfig, interface: Interface) -> Iterator[Protection]:
    """The entries of the map on an interface. Incomplete ones protect nothing."""
    local = local_address(config, interface)
    if interface.crypto_map is None or local is None:
        return
    for entry, sequence, dynamic in _expanded(config, interface.crypto_map):
        rules, peers = _rules(config, entry.match_address), peers_of(config, entry)
        if not dynamic and not (rules and peers):
            continue
        inside = _inside_vrf(config, entry.isakmp_profile, interface)
        yield Protection(
            interface=interface.name,
            local=local,
            front_vrf=interface.vrf,
            inside_vrf=inside,
            clear_vrf=inside,
            map_name=interface.crypto_map,
            sequence=sequence,
            entry=entry,
            peers=peers,
            rules=rules,
            dynamic=dynamic,
        )


def _expanded(config: RouterConfig, map_name: str) -> Iterator[tuple[CryptoMapEntry, int, bool]]:
    """The entries of a map with their sequence numbers, dynamic ones as their templates."""
    found = config.crypto.maps.get(map_name)
    for entry in found.entries if found else ():
        if entry.dynamic is not None:
            templates = config.crypto.dynamic_maps.get(entry.dynamic)
            yield from ((template, entry.sequence, True) for template in (templates.entries if templates else ()))
        elif entry.kind == "ipsec-isakmp":
            yield entry, entry.sequence, False


def _rules(config: RouterConfig, name: str | None) -> tuple[AclEntry, ...]:
    found = config.access_lists.get(name or "")
    return found.entries if found else ()


def _inside_vrf(config: RouterConfig, profile_name: str | None, interface: Interface) -> str | None:
    profile = config.crypto.profiles.get(profile_name or "")
    return profile.vrf if profile and profile.vrf is not None else interface.vrf


# --- Tunnel interfaces ---


@dataclass(frozen=True, slots=True)
class TunnelEnds:
    """The outer addresses of a Tunnel interface, and the VRF that they are of; `source_interface` has the first."""

    name: str
    front_vrf: str | None
    source: int
    destination: int
    source_interface: str


def ends_of_tunnel(config: RouterConfig, tunnel: Interface) -> TunnelEnds | None:
    """The ends of an interface; None if it is no GRE tunnel, or lacks an end."""
    if tunnel.tunnel_source is None or tunnel.tunnel_destination is None or tunnel.tunnel_mode is not None:
        return None
    found = _source_interface(config, tunnel)
    if found is None:
        return None
    interface, source = found
    return TunnelEnds(tunnel.name, tunnel.tunnel_vrf, int(source), int(tunnel.tunnel_destination), interface.name)


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
        addresses = {each.ip for each in interface.addresses}
        if interface.vrf == tunnel.tunnel_vrf and address in addresses:
            return interface, address
    return None


def tunnels(config: RouterConfig) -> Iterator[TunnelEnds]:
    """Every GRE tunnel that is not shut down and has both its ends."""
    for interface in config.interfaces.values():
        ends = ends_of_tunnel(config, interface) if not interface.shutdown else None
        if ends is not None:
            yield ends


def protection_of_tunnel(config: RouterConfig, tunnel: TunnelEnds) -> Protection | None:
    """The protection of a Tunnel interface with `tunnel protection`: of its GRE between its ends, as its IPsec profile says.

    IOS makes a crypto map of it, with this name and number.
    """
    interface = config.interfaces[tunnel.name]
    profile = config.crypto.ipsec_profiles.get(interface.tunnel_profile or "")
    if profile is None:
        return None
    source, destination = IPv4Address(tunnel.source), IPv4Address(tunnel.destination)
    name = f"{tunnel.name}-head-0"
    entry = CryptoMapEntry(
        name,
        PROTECTION_SEQUENCE,
        peers=keyed_by_itself((destination,)),
        transform_sets=profile.transform_sets,
        pfs_group=profile.pfs_group,
        isakmp_profile=profile.isakmp_profile,
        lifetime_seconds=profile.lifetime_seconds,
        lifetime_kilobytes=profile.lifetime_kilobytes,
    )
    ends = AclAddress(source, _HOST), AclAddress(destination, _HOST)
    return Protection(
        interface=tunnel.name,
        local=source,
        front_vrf=tunnel.front_vrf,
        inside_vrf=_inside_vrf(config, profile.isakmp_profile, interface),
        clear_vrf=tunnel.front_vrf,
        map_name=name,
        sequence=PROTECTION_SEQUENCE,
        entry=entry,
        peers=(destination,),
        rules=(AclEntry(True, GRE, *ends, text=f"permit gre host {source} host {destination}"),),
    )


def protections(config: RouterConfig) -> Iterator[Protection]:
    """Everything that is protected: by Tunnel interfaces, then by crypto maps, in the order of the interfaces.

    The configuration may change while the protections are asked for: each is as of its own moment.
    """
    for tunnel in list(tunnels(config)):
        found = protection_of_tunnel(config, tunnel) if tunnel.name in config.interfaces else None
        if found is not None:
            yield found
    for interface in list(config.interfaces.values()):
        yield from protections_of_map(config, interface)
