"""Lab room: the configuration for remote-access clients: which lists are asked about a client, and what it gets.

It is that of the ISAKMP profile that has matched the peer, else that of the crypto map of the interface. Both name lists of AAA
methods: one for logins, one to find groups. AAA knows those lists (`agent/engine/access.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from agent.base.text import octets_of, text_of
from agent.config.crypto_model import ClientGroup, CryptoMap, IsakmpProfile
from agent.config.model import AddressPool, RouterConfig
from agent.config.protection import local_address
from agent.crypto.certificates import organizational_unit
from agent.crypto.doi import ConfigurationAttribute, IdentificationType
from agent.crypto.ike_events import Addressing
from agent.crypto.payloads import Attribute, Identification
from agent.engine.access import UserPolicy
from agent.lab.policy.crypto_maps import addresses_of, network_of
from agent.lab.policy.groups import GroupKey

_SPLIT_PADDING = bytes(6)  # of a network in SPLIT_INCLUDE: protocol and ports, which are any


@dataclass(frozen=True, slots=True)
class AccessRules:
    """The rules for clients of a profile or a crypto map, with the names of their lists."""

    login_list: str | None = None
    group_list: str | None = None
    addressing: Addressing = Addressing.NONE
    group: str | None = None  # for clients that do not name one


# With `initiate` the hub also answers a client that asks for its address.
_ADDRESSING = {(): Addressing.NONE, ("respond",): Addressing.ASKED}


def _map_at(config: RouterConfig, front_vrf: str | None, local: int) -> CryptoMap | None:
    """The crypto map of the interface with an address of ours."""
    for interface in config.interfaces.values():
        if interface.crypto_map and interface.vrf == front_vrf and local_address(config, interface) == IPv4Address(local):
            return config.crypto.maps.get(interface.crypto_map)
    return None


def rules_of(config: RouterConfig, profile: IsakmpProfile | None, front_vrf: str | None, local: int) -> AccessRules:
    source = profile or _map_at(config, front_vrf, local)
    if source is None:
        return AccessRules()
    return AccessRules(
        source.client_authentication,
        source.isakmp_authorization,
        _ADDRESSING.get(source.address_ways, Addressing.PUSHED),
        profile.client_group if profile else None,
    )


def may_log_in(config: RouterConfig, front_vrf: str | None, local: int) -> bool:
    """Whether users may log in at an address of ours, before the peer's identity is known."""
    everywhere = any(profile.client_authentication for profile in config.crypto.profiles.values())
    return everywhere or rules_of(config, None, front_vrf, local).login_list is not None


def group_name(peer: Identification) -> str | None:
    """The group that a client names by a key ID, or by the OU of its certificate."""
    if peer.kind == IdentificationType.KEY_ID:
        return text_of(peer.data)
    return organizational_unit(peer.data) if peer.kind == IdentificationType.DER_ASN1_DN else None


def group_key(rules: AccessRules, peer: Identification | None) -> GroupKey | None:
    """The group that a client names, else that of its profile, and the list that knows it."""
    name = (group_name(peer) if peer is not None else None) or rules.group
    return GroupKey(rules.group_list, name) if rules.group_list is not None and name else None


def peer_key(rules: AccessRules, peer: Identification) -> GroupKey | None:
    """The entry that AAA may have for a peer that is no client, by its name or address; it has the peer's own pre-shared key.

    Cisco's feature guide "IKE: Initiate Aggressive Mode" has the keys of spokes so.
    """
    if rules.group_list is None:
        return None
    if peer.kind in (IdentificationType.FQDN, IdentificationType.USER_FQDN):
        return GroupKey(rules.group_list, text_of(peer.data))
    network = peer.network() if peer.kind == IdentificationType.IPV4_ADDR else None
    return GroupKey(rules.group_list, str(network.network_address)) if network is not None else None


# --- what a client gets ---


@dataclass(frozen=True, slots=True)
class Grant:
    """What a client has a right to. Its ISAKMP SA lives `seconds` more."""

    group: ClientGroup
    address: IPv4Address | None
    networks: tuple[bytes, ...]  # what goes through the tunnel: addresses and masks
    seconds: int


def policy_of(group: ClientGroup, user: UserPolicy) -> ClientGroup:
    """The policy of a group for one of its users, whose own values go before the group's."""
    return replace(
        group,
        pool=user.pool or group.pool,
        netmask=user.netmask or group.netmask,
        save_password=group.save_password if user.save_password is None else user.save_password,
        include_local_lan=group.include_local_lan if user.include_local_lan is None else user.include_local_lan,
    )


def grant_of(config: RouterConfig, group: ClientGroup, address: IPv4Address | None, seconds: int) -> Grant:
    found = config.access_lists.get(group.acl or "")
    networks = [network_of(addresses_of(line.source)) for line in found.entries if line.permit] if found else []
    split = tuple(net.network_address.packed + net.netmask.packed for net in networks if net)
    return Grant(group, address, split, seconds)


def pool_of(config: RouterConfig, group: ClientGroup, user: UserPolicy) -> AddressPool | None:
    """The addresses for a client: the user's own alone, else those of the pool."""
    if user.address is not None:
        return AddressPool("", user.address, user.address)
    return config.pools.get(group.pool or "")


def attributes_of(grant: Grant, asked: Sequence[Attribute] | None) -> tuple[Attribute, ...]:
    """The attributes that are asked for and exist. None: all that a client should get."""
    wanted = _PUSHED if asked is None else dict.fromkeys(attribute.kind for attribute in asked)
    return tuple(Attribute(kind, value) for kind in wanted if kind in _VALUES for value in _VALUES[kind](grant))


def _text(value: str | None) -> Iterator[bytes]:
    if value:
        yield octets_of(value)


def _yes(value: bool) -> Iterator[int]:
    if value:
        yield 1


def _packed(*addresses: IPv4Address | None) -> Iterator[bytes]:
    return (address.packed for address in addresses if address is not None)


def _undelimited(banner: str | None) -> str | None:
    """A banner's text without its delimiters: a character, or ^C."""
    if not banner:
        return None
    mark = "^C" if banner.startswith("^C") else banner[0]
    return banner.removeprefix(mark).removesuffix(mark).strip()


_VALUES: Mapping[int, Callable[[Grant], Iterable[int | bytes]]] = {
    ConfigurationAttribute.INTERNAL_IP4_ADDRESS: lambda grant: _packed(grant.address),
    ConfigurationAttribute.INTERNAL_IP4_NETMASK: lambda grant: _packed(grant.group.netmask),
    ConfigurationAttribute.INTERNAL_IP4_DNS: lambda grant: _packed(*grant.group.dns),
    ConfigurationAttribute.INTERNAL_IP4_NBNS: lambda grant: _packed(*grant.group.wins),
    ConfigurationAttribute.INTERNAL_ADDRESS_EXPIRY: lambda grant: (grant.seconds.to_bytes(4, "big"),),
    ConfigurationAttribute.APPLICATION_VERSION: lambda grant: (b"ipsec-agent",),
    ConfigurationAttribute.SUPPORTED_ATTRIBUTES: lambda grant: (b"".join(kind.to_bytes(2, "big") for kind in _VALUES),),
    ConfigurationAttribute.BANNER: lambda grant: _text(_undelimited(grant.group.banner)),
    ConfigurationAttribute.SAVE_PASSWORD: lambda grant: _yes(grant.group.save_password),
    ConfigurationAttribute.DEFAULT_DOMAIN: lambda grant: _text(grant.group.domain),
    ConfigurationAttribute.SPLIT_DNS: lambda grant: _text(",".join(grant.group.split_dns)),
    ConfigurationAttribute.SPLIT_INCLUDE: lambda grant: (network + _SPLIT_PADDING for network in grant.networks),
    ConfigurationAttribute.INCLUDE_LOCAL_LAN: lambda grant: _yes(grant.group.include_local_lan),
    ConfigurationAttribute.PFS: lambda grant: _yes(grant.group.pfs),
}
_PUSHED = [
    kind
    for kind in _VALUES
    if kind not in (ConfigurationAttribute.APPLICATION_VERSION, ConfigurationAttribute.SUPPORTED_ATTRIBUTES)
]
