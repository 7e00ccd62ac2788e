"""Lab room: a router's configuration for a peer: ISAKMP policies, key, profile, VRF.

The IKE core leaves these decisions to its owner (`agent.crypto.ike_events.Decisions`).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from agent.base.clock import SECOND
from agent.base.implemented import CIPHERS, DH_GROUPS, HASHES
from agent.base.text import octets_of, text_of
from agent.config.crypto_model import ClientGroup, IsakmpPeer, IsakmpPolicy, IsakmpProfile, MatchIdentity, PreSharedKey
from agent.config.model import RouterConfig
from agent.crypto.authentication import PRE_SHARED, RSA_SIGNATURE
from agent.crypto.certificates import Credential, Trust, distinguished_name
from agent.crypto.doi import ISAKMP_PORT, UDP, IdentificationType, Protocol
from agent.crypto.dpd import DpdTerms
from agent.crypto.ike_events import NO_REMOTE_ACCESS, Addressing, Login, QuickRequest, QuickStart, RemoteAccess
from agent.crypto.payloads import Attribute, Identification
from agent.crypto.proposals import Phase1Policy
from agent.flow.model import Identity
from agent.lab.policy.clients import Client, Clients
from agent.lab.policy.groups import GroupKey
from agent.lab.policy.peer_pair import PeerPair
from agent.lab.policy.remote_access import AccessRules, group_key, group_name, may_log_in, peer_key, rules_of
from agent.lab.policy.trustpoints import Certificates
from agent.lab.policy.tunnel_interfaces import protected_between

# --- keys ---


_BY_NAME = 33  # fits better than any prefix


def _covers(config: RouterConfig, key: PreSharedKey, remote: int, name: str | None) -> int:
    """How well a key fits a peer: the length of its prefix, -1 for not at all. A match by name is best."""
    if key.network is not None:
        return key.network.prefixlen if IPv4Address(remote) in key.network else -1
    if key.hostname is not None and key.hostname == name:
        return _BY_NAME
    address = config.host_address(key.hostname)
    return 32 if address is not None and int(address) == remote else -1


def _best(config: RouterConfig, keys: Iterable[PreSharedKey], remote: int, name: str | None) -> PreSharedKey | None:
    fitting = [(length, key) for key in keys if (length := _covers(config, key, remote, name)) >= 0]
    return max(fitting, key=lambda found: found[0])[1] if fitting else None


_NAMES = (IdentificationType.FQDN, IdentificationType.USER_FQDN)
# Types of identity of one peer alone. A group shares its key ID, and several NATs may have the same private address behind them.
_PERSONAL = (*_NAMES, IdentificationType.DER_ASN1_DN)


def key_for(
    config: RouterConfig, pair: PeerPair, profile: IsakmpProfile | None, peer: Identification | None = None
) -> PreSharedKey | None:
    """The key for a peer: from the profile's keyring if it names one, else from those of the front-door VRF.

    `peer` is its identity, if it is known before the key is needed: a host name or a user's.
    """
    crypto = config.crypto
    if profile and profile.keyring is not None:
        ring = crypto.keyrings.get(profile.keyring)
        keys = list(ring.keys) if ring and ring.vrf == pair.front_vrf else []
    else:
        keys = [key for ring in crypto.keyrings.values() if ring.vrf == pair.front_vrf for key in ring.keys]
        if pair.front_vrf is None:
            keys += crypto.keys
    name = text_of(peer.data) if peer is not None and peer.kind in _NAMES else None
    return _best(config, keys, pair.remote, name)


def pre_shared_key(
    config: RouterConfig, pair: PeerPair, profile: IsakmpProfile | None, peer: Identification | None = None
) -> bytes | None:
    """The octets of the key for a peer."""
    found = key_for(config, pair, profile, peer)
    return octets_of(found.key) if found else None


# --- policies ---


def _can_do(policy: IsakmpPolicy) -> bool:
    return policy.encryption in CIPHERS and policy.hash in HASHES and policy.group in DH_GROUPS


def _phase1_policy(policy: IsakmpPolicy, xauth: bool) -> Phase1Policy:
    return Phase1Policy(
        encryption=policy.encryption,
        key_bits=policy.key_bits,
        hash=policy.hash,
        authentication=policy.authentication,
        group=policy.group,
        lifetime=policy.lifetime,
        priority=policy.priority,
        xauth=xauth,
    )


def phase1_policies(
    configured: Iterable[IsakmpPolicy], authentications: Container[str], users: bool = False, named: bool = False
) -> list[Phase1Policy]:
    """The policies whose authentication is possible with a peer, by priority.

    With `users`, each also comes with a login after it. Those of Easy VPN come only so, and if the peer has `named` itself at once.
    """
    return [
        _phase1_policy(policy, xauth)
        for policy in sorted(configured, key=lambda policy: policy.priority)
        if _can_do(policy) and policy.authentication in authentications
        for xauth in (True, False)
        if (users if xauth else not policy.easy_vpn) and (named or not policy.easy_vpn)
    ]


# --- identities ---


def _text_v6(address: IPv6Address) -> str:
    """An address in the form of RFC 5952 §5: a mapped IPv4 address is written as one. Only some releases of Python do so."""
    return f"::ffff:{address.ipv4_mapped}" if address.ipv4_mapped else str(address)


def identity_of(identification: Identification | None) -> Identity | None:
    """An identity for the flow monitor. One of several addresses becomes a name. None if it never became known."""
    if identification is None:
        return None
    network = identification.network() or identification.network_v6()
    span = identification.range() or identification.range_v6()
    if identification.kind == IdentificationType.IPV6_ADDR and len(identification.data) == 16:
        return Identity(True, _text_v6(IPv6Address(identification.data)))
    if network is not None:
        alone = identification.kind == IdentificationType.IPV4_ADDR
        return Identity(alone, str(network.network_address if alone else network))
    if span is not None:
        return Identity(False, f"{span[0]}-{span[1]}")
    subject = distinguished_name(identification.data) if identification.kind == IdentificationType.DER_ASN1_DN else None
    return Identity(False, subject.rfc4514_string() if subject else text_of(identification.data))


_ADDRESSES = (IdentificationType.IPV4_ADDR, IdentificationType.IPV6_ADDR)


def is_same_system(
    pair: PeerPair, peer: Identification | None, other: PeerPair, other_peer: Identification | None, past_nat: bool
) -> bool:
    """Whether two SAs are with one system: the same peer, or one with the same name at a new address or port.

    The members of a group share a key ID, so their ports alone distinguish them. Other systems that are `past_nat` are
    distinguished by their names, because a NAT may give one's port to another. A private address may exist behind several NATs.
    """
    if pair[:2] != other[:2]:
        return False
    if peer is None or other_peer is None or IdentificationType.KEY_ID in (peer.kind, other_peer.kind):
        return pair == other
    named_alike = (peer.kind, peer.data) == (other_peer.kind, other_peer.data)
    if pair == other:
        return named_alike or not past_nat
    return named_alike and (peer.kind not in _ADDRESSES or pair.remote == other.remote)


_KINDS = {"fqdn": IdentificationType.FQDN, "user-fqdn": IdentificationType.USER_FQDN}


def named_identity(kind: str, value: str) -> Identification:
    """An identity of ours by IOS's word for its type: "ipv4-address", "fqdn", "user-fqdn"."""
    if kind == "ipv4-address":
        return Identification.of_address(IPv4Address(value), UDP, ISAKMP_PORT)
    return Identification(_KINDS[kind], octets_of(value), UDP, ISAKMP_PORT)


_NAMED = {
    "host": IdentificationType.FQDN,
    "host domain": IdentificationType.FQDN,
    "user": IdentificationType.USER_FQDN,
    "user domain": IdentificationType.USER_FQDN,
}
_DOMAIN_SEPARATOR = {"host domain": ".", "user domain": "@"}


def _matches(match: MatchIdentity, identification: Identification, front_vrf: str | None) -> bool:
    if match.kind == "address":
        network = identification.network()
        return network is not None and match.network is not None and match.vrf == front_vrf and network.subnet_of(match.network)
    if match.kind == "group":
        return group_name(identification) == match.value
    if identification.kind != _NAMED.get(match.kind):
        return False
    value = text_of(identification.data)
    separator = _DOMAIN_SEPARATOR.get(match.kind)
    return value == match.value if separator is None else value.endswith(separator + match.value)


def profile_for(config: RouterConfig, identification: Identification, front_vrf: str | None) -> IsakmpProfile | None:
    """The first profile that matches a peer's identity."""
    for profile in config.crypto.profiles.values():
        if any(_matches(match, identification, front_vrf) for match in profile.matches):
            return profile
    return None


@dataclass(slots=True, eq=False)
class PeerDecisions:
    """The decisions of one phase 1. `profile` is the one that the initiator's crypto map names, or the one that matched.

    `clients` are those of a responder; the peer may be one of them. `groups` are the answers of AAA about the group that the peer
    names: None is a group that is not there.
    """

    config: RouterConfig
    pair: PeerPair
    profile: IsakmpProfile | None
    isakmp_policies: Callable[[], Iterable[IsakmpPolicy]]
    contact: Callable[[], bool]
    answer_flow: Callable[[PeerDecisions, QuickRequest], QuickStart | None]
    take_spi: Callable[[], int]
    certificates: Certificates
    aggressive: bool = False  # a phase 1 that we begin in aggressive mode
    settled: bool = False  # the peer has been accepted
    key_asked_of: Identification | None = None
    key_used: bytes | None = None
    clients: Clients | None = None
    client: Client | None = None
    peer: Identification | None = None  # once it has been accepted
    groups: dict[GroupKey, ClientGroup | None] = field(default_factory=dict)

    @property
    def inside_vrf(self) -> str | None:
        """The VRF that the tunnels of this peer belong to."""
        if self.profile and self.profile.vrf is not None:
            return self.profile.vrf
        tunnel = protected_between(self.config, *self.pair[:3])
        return tunnel.vrf if tunnel else self.pair.front_vrf

    def policies(self, peer: Identification | None) -> Sequence[Phase1Policy]:
        authentications = set()
        if self._key(self.profile, peer) is not None:
            authentications.add(PRE_SHARED)
        if self.credential(()) is not None:
            authentications.add(RSA_SIGNATURE)
        users = self.clients is not None and may_log_in(self.config, self.pair.front_vrf, self.pair.local)
        return phase1_policies(self.isakmp_policies(), authentications, users, peer is not None)

    def is_unknown(self, peer: Identification) -> bool:
        return self.wanted_group(peer) is not None

    def wanted_group(self, peer: Identification) -> GroupKey | None:
        """The group of a peer that has just named itself, or its own entry, if AAA must say first what that is."""
        profile = self._profile_of(peer)
        key = self._group_key(profile, peer) or self._entry_of(profile, peer)
        return None if key in self.groups else key

    @property
    def has_asked_in_vain(self) -> bool:
        """Whether AAA knows nothing that has a key by the name that the peer has given."""
        return any(found is None or found.key is None for found in self.groups.values())

    def _group_key(self, profile: IsakmpProfile | None, peer: Identification | None) -> GroupKey | None:
        """The group that a peer is a client of; None of one that is no client."""
        return group_key(self._rules(profile), peer) if self.clients is not None else None

    def _entry_of(self, profile: IsakmpProfile | None, peer: Identification | None) -> GroupKey | None:
        """Where AAA has the key of a peer that is no client, and of which the configuration has neither key nor certificate.

        In main mode such a peer gets no further than its first message, before it has named itself.
        """
        if peer is None or self.credential(()) is not None:
            return None
        if pre_shared_key(self.config, self.pair, profile, peer) is not None:
            return None
        return peer_key(self._rules(profile), peer)

    def _profile_of(self, peer: Identification | None) -> IsakmpProfile | None:
        """The profile of a peer. Before the peer is accepted, it is the one that its name matches, if it has named itself."""
        return self.profile or (profile_for(self.config, peer, self.pair.front_vrf) if peer is not None else None)

    def _group(self, profile: IsakmpProfile | None, peer: Identification | None) -> ClientGroup | None:
        key = self._group_key(profile, peer)
        return self.groups.get(key) if key is not None else None

    def pre_shared_key(self, peer: Identification | None) -> bytes | None:
        self.key_asked_of = peer
        self.key_used = self._key(self.profile, peer)
        return self.key_used

    def credential(self, authorities: Sequence[bytes]) -> Credential | None:
        return self.certificates.credential(self.profile.trustpoint if self.profile else None, authorities)

    def trust(self, peer: Identification | None) -> Trust:
        """The profile's trustpoint, if it names one. For a still unknown initiator it is that of the profile that it will match."""
        profile = self._profile_of(peer)
        return self.certificates.trust(profile.trustpoint if profile else None)

    def _key(self, profile: IsakmpProfile | None, peer: Identification | None) -> bytes | None:
        """The key of an aggressive mode that we begin, of the client's group if it names one, else of the peer: ours, or AAA's.

        If the peer has named itself, its profile is the one that matches the name.
        """
        settings = self._aggressive_peer()
        if self.aggressive and settings and settings.password is not None:
            return octets_of(settings.password)
        profile = profile or (profile_for(self.config, peer, self.pair.front_vrf) if peer is not None else None)
        if peer is not None and peer.kind == IdentificationType.KEY_ID:
            known = self._group(profile, peer)
        else:
            entry = self._entry_of(profile, peer)
            known = self.groups.get(entry) if entry is not None else None
        if known is not None and known.key is not None:
            return octets_of(known.key)
        return pre_shared_key(self.config, self.pair, profile, peer)

    def _rules(self, profile: IsakmpProfile | None) -> AccessRules:
        return rules_of(self.config, profile, self.pair.front_vrf, self.pair.local)

    def local_identity(self, credential: Credential | None) -> Identification:
        """Our identity: that of aggressive mode's end-point, else of the profile, else of the router, else our address."""
        settings = self._aggressive_peer()
        if self.aggressive and settings and settings.client_endpoint:
            return named_identity(*settings.client_endpoint)
        kind, _, value = ((self.profile and self.profile.self_identity) or self.config.crypto.identity).partition(" ")
        if kind == "dn" and credential is not None:
            return Identification(IdentificationType.DER_ASN1_DN, credential.subject, UDP, ISAKMP_PORT)
        if kind == "hostname" or (kind == "fqdn" and not value):
            return named_identity("fqdn", self.config.full_name)
        return named_identity(kind, value) if value else named_identity("ipv4-address", str(IPv4Address(self.pair.local)))

    def allows_aggressive(self) -> bool:
        return self.config.crypto.aggressive_mode

    def wants_aggressive(self) -> bool:
        """Whether we begin phase 1 in aggressive mode: the profile says so, or `crypto isakmp peer` has both settings."""
        return bool((self.profile and self.profile.aggressive) or self._aggressive_peer())

    def _aggressive_peer(self) -> IsakmpPeer | None:
        """The `crypto isakmp peer` of this peer, if it has both settings of aggressive mode."""
        found = self.config.crypto.peers.get((IPv4Address(self.pair.remote), self.pair.front_vrf))
        return found if found and found.password is not None and found.client_endpoint is not None else None

    def accepts(self, peer: Identification) -> bool:
        """Whether a peer is accepted: by the profile that the map names, else by the first match with the key that was used."""
        self.peer = peer
        if self.profile is not None:
            self.settled = any(_matches(match, peer, self.pair.front_vrf) for match in self.profile.matches)
            return self.settled
        found = profile_for(self.config, peer, self.pair.front_vrf)
        known = found is not None and found.keyring is not None and self.key_used is not None
        if known and self._key(found, self.key_asked_of) != self.key_used:
            return False
        self.profile, self.settled = found, True
        return True

    def dpd_terms(self) -> DpdTerms | None:
        """The terms of dead peer detection, from the profile, else from `crypto isakmp keepalive`."""
        keepalive = (self.profile and self.profile.keepalive) or self.config.crypto.keepalive
        return DpdTerms(keepalive.interval * SECOND, keepalive.retry * SECOND, keepalive.periodic) if keepalive else None

    def first_contact(self) -> bool:
        return self.contact()

    def remote_access(self) -> RemoteAccess:
        """What a peer must do before quick modes. A client logs in or has a group; a key with `no-xauth` needs no login."""
        if self.clients is None:
            return NO_REMOTE_ACCESS
        rules = self._rules(self.profile)
        key = key_for(self.config, self.pair, self.profile, self.key_asked_of)
        login = rules.login_list is not None and not (key is not None and key.no_xauth)
        group = self._group(self.profile, self.peer)
        if login or group is not None:
            personal = self.peer if self.peer is not None and self.peer.kind in _PERSONAL else None
            self.client = Client(self.pair, rules, group, personal)
        return RemoteAccess(login, rules.addressing if group is not None else Addressing.NONE)

    def login(self) -> Login | None:
        return None  # no router of ours is a client

    def wanted_attributes(self) -> Sequence[Attribute]:
        return ()

    def answer(self, request: QuickRequest) -> QuickStart | None:
        return self.answer_flow(self, request)

    def new_spi(self, protocol: Protocol) -> bytes:
        return self.take_spi().to_bytes(4, "big")
