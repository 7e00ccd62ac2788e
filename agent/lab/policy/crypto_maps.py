"""Lab room: crypto maps as entries of a security policy database (RFC 4301 §4.4.1).

A map entry on an interface becomes a `Target`. The permit lines of its access list become the rules. A flow that needs SAs of its
own becomes a `Plan`, which has the identities and terms of its quick mode.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from agent.base.implemented import CIPHERS, DH_GROUPS, HASHES
from agent.config.crypto_model import CryptoMapEntry, TransformSet
from agent.config.defaults import default_transform_sets
from agent.config.model import AclAddress, AclEntry, PortRange, RouterConfig
from agent.config.protection import Protection, protection_of_tunnel, protections_of_map, tunnels
from agent.crypto.payloads import Identification
from agent.crypto.proposals import Phase2Terms, Suite
from agent.crypto.spd import ANY_PORT, Addresses, AddressRange, PolicyEntry, Ports, Rule, Selector, Spd

_ALL = 0xFFFFFFFF
ANYWHERE = Addresses(0, _ALL)


@dataclass(frozen=True, slots=True)
class Target:
    """One crypto map entry on one interface. For a dynamic map `entry` is the template's.

    `inside_vrf` is the VRF of its tunnels, `front_vrf` the one through which the peer is reached. `clear_vrf` is that of the
    protected packets: the inside VRF, or the front-door VRF for the GRE of a Tunnel interface.
    """

    interface: str
    local: int
    front_vrf: str | None
    inside_vrf: str | None
    map_name: str
    sequence: int
    entry: CryptoMapEntry
    peers: tuple[int, ...]
    dynamic: bool = False
    clear_vrf: str | None = None

    @property
    def demands(self) -> bool:
        """Whether the permitted packets pass in SAs alone: not for a dynamic entry without a list, which permits all."""
        return not self.dynamic or self.entry.match_address is not None

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for the interfaces that share a map with `local-address`: its SAs carry the flows of all of them."""
        return self.front_vrf, self.local, self.map_name, self.sequence, self.entry.name, self.entry.sequence


@dataclass(frozen=True, slots=True)
class Plan:
    """A flow that needs SAs. `selector` goes from our side to the peer's."""

    target: Target
    selector: Selector
    remote: int  # the peer
    rule: str  # the access list's line
    terms: Phase2Terms
    local_identity: Identification
    remote_identity: Identification


# --- access lists ---


def addresses_of(operand: AclAddress) -> Addresses:
    wildcard = int(operand.wildcard)
    return Addresses(int(operand.address) & ~wildcard & _ALL, wildcard)


def _ports(ports: PortRange | None) -> Ports:
    return Ports(ports.low, ports.high, ports.negated) if ports else ANY_PORT


def rule_of(line: AclEntry) -> Rule:
    selector = Selector(
        line.protocol,
        addresses_of(line.source),
        addresses_of(line.destination),
        _ports(line.source_ports),
        _ports(line.destination_ports),
    )
    return Rule(line.permit, selector, line.text)


def network_of(addresses: Addresses | AddressRange) -> IPv4Network | None:
    """Addresses as a network; None for a range, or for a wildcard that is no inverted mask."""
    if isinstance(addresses, AddressRange) or addresses.wildcard & addresses.wildcard + 1:
        return None
    return IPv4Network((addresses.base, 32 - addresses.wildcard.bit_length()))


def identification_of(addresses: Addresses | AddressRange, protocol: int, ports: Ports) -> Identification | None:
    """The phase-2 identity of one end of a flow; None if IKEv1 has none for it (odd wildcards, port ranges)."""
    network = network_of(addresses)
    if network is None or (ports != ANY_PORT and (ports.negated or ports.low != ports.high)):
        return None
    return Identification.of_network(network, protocol, 0 if ports == ANY_PORT else ports.low)


def addresses_of_identification(identification: Identification) -> Addresses | AddressRange | None:
    network, span = identification.network(), identification.range()
    if network is not None:
        return Addresses(int(network.network_address), int(network.hostmask))
    return AddressRange(int(span[0]), int(span[1])) if span is not None else None


def selector_of(local: Identification, remote: Identification) -> Selector | None:
    """The flow of two phase-2 identities; None if they are not supported."""
    source, destination = addresses_of_identification(local), addresses_of_identification(remote)
    if source is None or destination is None or local.protocol != remote.protocol:
        return None
    ports = [Ports(end.port, end.port) if end.port else ANY_PORT for end in (local, remote)]
    return Selector(local.protocol, source, destination, ports[0], ports[1])


# --- transform sets ---


def transform_sets(config: RouterConfig, entry: CryptoMapEntry) -> list[TransformSet]:
    """The sets that an entry may use, in its order."""
    known = config.crypto.transform_sets
    if entry.transform_sets:
        return [known[name] for name in entry.transform_sets if name in known]
    return list(default_transform_sets(config, CIPHERS))


def suite_of(transforms: TransformSet, between_peers: bool) -> Suite | None:
    """The suite of a transform set, without compression; None if it is not supported.

    Each set has its own mode. With `mode transport` it accepts tunnel mode from a peer, unless it says `require`.
    """
    if transforms.esp_cipher not in {*CIPHERS, "null", None} or not {transforms.ah, transforms.esp_auth} <= {*HASHES, None}:
        return None
    transport = between_peers and transforms.mode == "transport"
    required = transport and transforms.transport_required
    algorithms = transforms.ah, transforms.esp_cipher, transforms.esp_key_bits, transforms.esp_auth
    suite = Suite(*algorithms, transport, required, name=transforms.shown_name)
    return suite if suite.protocols else None


def terms_of(config: RouterConfig, target: Target, selector: Selector, remote: int) -> Phase2Terms:
    """The terms for a flow's SAs.

    Transport mode is only for flows whose ends are the peers themselves, so a set that requires it is for no others.
    """
    entry, crypto = target.entry, config.crypto
    sets = transform_sets(config, entry)
    # An unsupported group leaves no suite, like an unsupported cipher: the flow is neither offered nor accepted.
    can_do = entry.pfs_group is None or entry.pfs_group in DH_GROUPS
    between_peers = selector.source == Addresses(target.local) and selector.destination == Addresses(remote)
    usable = [transforms for transforms in sets if can_do and (between_peers or not transforms.transport_required)]
    suites = tuple(suite for transforms in usable if (suite := suite_of(transforms, between_peers)))
    return Phase2Terms(
        suites,
        entry.lifetime_seconds or crypto.lifetime_seconds,
        entry.lifetime_kilobytes or crypto.lifetime_kilobytes,
        entry.pfs_group,
    )


def plan_of(config: RouterConfig, target: Target, selector: Selector, remote: int, rule: str) -> Plan | None:
    """The plan of a flow; None if it cannot be negotiated."""
    terms = terms_of(config, target, selector, remote)
    local = identification_of(selector.source, selector.protocol, selector.source_ports)
    far = identification_of(selector.destination, selector.protocol, selector.destination_ports)
    if local is None or far is None or not terms.suites:
        return None
    return Plan(target, selector, remote, rule, terms, local, far)


# --- crypto maps ---


def _policy_of(protection: Protection) -> PolicyEntry[Target]:
    rules = tuple(map(rule_of, protection.rules))
    if protection.dynamic and protection.entry.match_address is None:
        rules = (Rule(True, Selector(0, ANYWHERE, ANYWHERE)),)
    target = Target(
        interface=protection.interface,
        local=int(protection.local),
        front_vrf=protection.front_vrf,
        inside_vrf=protection.inside_vrf,
        map_name=protection.map_name,
        sequence=protection.sequence,
        entry=protection.entry,
        peers=tuple(map(int, protection.peers)),
        dynamic=protection.dynamic,
        clear_vrf=protection.clear_vrf,
    )
    return PolicyEntry(rules, target)


def protections_of(config: RouterConfig) -> dict[str, Spd[Target]]:
    """The policy of every Tunnel interface with `tunnel protection`."""
    found = ((tunnel.name, protection_of_tunnel(config, tunnel)) for tunnel in tunnels(config))
    return {name: Spd((_policy_of(protection),)) for name, protection in found if protection is not None}


def policies_of(config: RouterConfig) -> dict[str, Spd[Target]]:
    """The policy of every interface that has one."""
    found = ((each.name, tuple(map(_policy_of, protections_of_map(config, each)))) for each in config.interfaces.values())
    return {name: Spd(entries) for name, entries in found if entries}


def entries_of(policies: Iterable[Spd[Target]]) -> Iterator[PolicyEntry[Target]]:
    for policy in policies:
        yield from policy.entries
