"""Config room: the model of `crypto …` lines, as plain values."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from operator import attrgetter

from agent.base.defaults import HISTORY_SIZE
from agent.base.keyed import Keyed

DEFAULT_LIFETIME_SECONDS = 3600  # of IPsec SAs, as IOS has it
DEFAULT_LIFETIME_KILOBYTES = 4_608_000

# --- crypto isakmp -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IsakmpPolicy:
    priority: int
    encryption: str = "des"  # "des", "3des", "aes"
    key_bits: int = 56  # 56, 168, 128, 192, 256
    hash: str = "sha"  # "md5", "sha", "sha256", "sha384", "sha512"
    authentication: str = "rsa-sig"  # "pre-share", "rsa-sig", "rsa-encr", "ecdsa-sig"
    group: int = 1  # 1, 2, 5, 14, 19, 20, …
    lifetime: int = 86400  # seconds, 60–86400
    easy_vpn: bool = False  # for remote-access clients alone: aggressive mode, and XAUTH after it


KeyPeer = tuple[IPv4Network | None, str | None]


@dataclass(frozen=True, slots=True)
class PreSharedKey:
    """A key for the peers in `network`, or for the peer called `hostname` (exactly one of the two is set)."""

    key: str
    network: IPv4Network | None = None
    hostname: str | None = None
    no_xauth: bool = False
    encoding: int = 0
    address: IPv4Address | None = None  # the network's address as typed, where it has bits outside the mask

    @property
    def peer(self) -> KeyPeer:
        """Whose key it is: a peer has one."""
        return self.network, self.hostname


@dataclass(frozen=True, slots=True)
class Keyring:
    """`crypto keyring N [vrf V]`: keys for peers reached through the front-door VRF `vrf`."""

    name: str
    vrf: str | None = None
    keys: Keyed[KeyPeer, PreSharedKey] = field(default_factory=Keyed)
    description: str | None = None


@dataclass(frozen=True, slots=True)
class MatchIdentity:
    """`match identity {address A [MASK] [VRF] | host N | host domain D | user N | user domain D | group G}` of a profile."""

    kind: str  # "address", "host", "host domain", "user", "user domain", "group"
    value: str = ""  # for every kind but address
    network: IPv4Network | None = None
    vrf: str | None = None
    address: IPv4Address | None = None  # as typed, where it has bits outside the mask


@dataclass(frozen=True, slots=True)
class Keepalive:
    """`crypto isakmp keepalive SECONDS [RETRY] [on-demand|periodic]` (RFC 3706 DPD)."""

    interval: int
    retry: int = 2
    periodic: bool = False


@dataclass(frozen=True, slots=True)
class IsakmpProfile:
    name: str
    keyring: str | None = None
    vrf: str | None = None  # inside VRF of its tunnels
    matches: Keyed[MatchIdentity, MatchIdentity] = field(default_factory=Keyed)
    accounting: str | None = None
    client_authentication: str | None = None
    address_ways: tuple[str, ...] = ()  # `client configuration address`: "initiate", "respond" or both, in that order
    client_group: str | None = None  # client configuration group
    isakmp_authorization: str | None = None
    self_identity: str | None = None
    keepalive: Keepalive | None = None
    description: str | None = None
    trustpoint: str | None = None
    aggressive: bool = False  # `initiate mode aggressive`


@dataclass(frozen=True, slots=True)
class IsakmpPeer:
    """`crypto isakmp peer address A [vrf V]` with its description (at most 80 characters).

    With a password and a client end-point phase 1 with the peer is begun in aggressive mode, by that key and that identity: a kind
    ("fqdn", "ipv4-address", "user-fqdn") and its value.
    """

    address: IPv4Address
    vrf: str | None = None
    description: str | None = None
    password: str | None = None
    password_encoding: int = 0
    client_endpoint: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ClientGroup:
    """`crypto isakmp client configuration group G` (remote access)."""

    name: str
    key: str | None = None
    key_encoding: int = 0
    pool: str | None = None
    dns: tuple[IPv4Address, ...] = ()
    wins: tuple[IPv4Address, ...] = ()
    domain: str | None = None
    split_dns: tuple[str, ...] = ()
    acl: str | None = None  # what clients are to send through the tunnel; without one everything
    netmask: IPv4Address | None = None
    save_password: bool = False
    include_local_lan: bool = False
    pfs: bool = False
    max_users: int | None = None  # clients of the group at one time
    max_logins: int | None = None  # of one user at one time
    banner: str | None = None  # as typed, between its delimiters


@dataclass(frozen=True, slots=True)
class Trustpoint:
    name: str
    lines: tuple[str, ...] = ()

    @property
    def revocation(self) -> tuple[str, ...] | None:
        """The ways to look for revoked certificates, in their order ("crl", "none", "ocsp"); None where no line says."""
        for line in self.lines:
            words = line.split(" ")
            if words[0] == "revocation-check":
                return tuple(words[1:])
            if words == ["crl", "optional"]:
                return ("crl", "none")
        return None


# --- crypto ipsec --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TransformSet:
    """`crypto ipsec transform-set N …`: at most one AH, one ESP cipher, one ESP authentication, one compression transform."""

    name: str
    ah: str | None = None  # "md5", "sha", "sha256", "sha384", "sha512"
    esp_cipher: str | None = None  # "des", "3des", "aes", "null"; "gcm", "gmac", "seal"
    esp_key_bits: int = 0  # 56, 168, 128, 192, 256; 0 without a cipher
    esp_auth: str | None = None  # as `ah`
    compression: str | None = None  # "lzs"
    mode: str = "tunnel"  # or "transport"
    transport_required: bool = False  # a peer that wants tunnel mode is refused
    built_in: bool = False  # one of IOS's own, for map entries that name none

    @property
    def shown_name(self) -> str:
        """Its name in `show` output: that of a built-in set has a prefix that no configuration can give."""
        return f"#!{self.name}" if self.built_in else self.name


@dataclass(frozen=True, slots=True)
class IpsecProfile:
    name: str
    transform_sets: tuple[str, ...] = ()
    pfs_group: int | None = None
    isakmp_profile: str | None = None
    lifetime_seconds: int | None = None
    lifetime_kilobytes: int | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class CryptoMapEntry:
    """One entry of a crypto map, or of a dynamic map's template (`crypto dynamic-map`); None means the global default.

    `dynamic` names the dynamic map that an `ipsec-isakmp dynamic D` entry stands for. Entries of kind `ipsec-manual` are kept but
    make no tunnels.
    """

    name: str
    sequence: int
    kind: str = "ipsec-isakmp"  # or "ipsec-manual"
    dynamic: str | None = None
    discover: bool = False
    peers: Keyed[IPv4Address | str, IPv4Address | str] = field(default_factory=Keyed)
    transform_sets: tuple[str, ...] = ()
    pfs_group: int | None = None
    isakmp_profile: str | None = None
    lifetime_seconds: int | None = None
    lifetime_kilobytes: int | None = None
    per_host: bool = False
    match_address: str | None = None
    description: str | None = None
    reverse_route: bool = False
    reverse_route_option: str | None = None  # "static", "remote-peer", "remote-peer A"

    @property
    def complete(self) -> bool:
        """A static entry works once it has a peer, a transform set and an access list; a dynamic one always refers."""
        return self.dynamic is not None or bool(self.peers and self.match_address and self.transform_sets)


@dataclass(frozen=True, slots=True)
class CryptoMap:
    """All entries of one name, by sequence number ascending."""

    name: str
    entries: tuple[CryptoMapEntry, ...] = ()
    accounting_list: str | None = None
    client_authentication: str | None = None
    isakmp_authorization: str | None = None
    address_ways: tuple[str, ...] = ()  # as in a profile
    local_address: str | None = None  # an interface name

    def entry(self, sequence: int) -> CryptoMapEntry | None:
        """The entry with a sequence number."""
        at = self._place(sequence)
        return self.entries[at] if self._has(at, sequence) else None

    def put(self, entry: CryptoMapEntry) -> CryptoMap:
        """With an entry at its place, instead of one that has its number."""
        at = self._place(entry.sequence)
        return self._spliced(at, (entry,), at + self._has(at, entry.sequence))

    def drop(self, sequence: int) -> CryptoMap:
        """Without the entry with a sequence number."""
        at = self._place(sequence)
        return self._spliced(at, (), at + self._has(at, sequence))

    def _place(self, sequence: int) -> int:
        return bisect_left(self.entries, sequence, key=attrgetter("sequence"))

    def _has(self, at: int, sequence: int) -> bool:
        return at < len(self.entries) and self.entries[at].sequence == sequence

    def _spliced(self, first: int, entries: tuple[CryptoMapEntry, ...], end: int) -> CryptoMap:
        return replace(self, entries=(*self.entries[:first], *entries, *self.entries[end:]))


@dataclass(slots=True)
class CryptoConfig:
    policies: dict[int, IsakmpPolicy] = field(default_factory=dict)
    default_policies: bool = True  # `no crypto isakmp default policy`
    keys: Keyed[KeyPeer, PreSharedKey] = field(default_factory=Keyed)  # of the global front door
    keyrings: dict[str, Keyring] = field(default_factory=dict)
    profiles: dict[str, IsakmpProfile] = field(default_factory=dict)
    peers: dict[tuple[IPv4Address, str | None], IsakmpPeer] = field(default_factory=dict)
    client_groups: dict[str, ClientGroup] = field(default_factory=dict)
    trustpoints: dict[str, Trustpoint] = field(default_factory=dict)
    enabled: bool = True  # `no crypto isakmp enable`
    nat_traversal: bool = True  # `no crypto ipsec nat-transparency udp-encapsulation`
    nat_keepalive: int = 20  # seconds
    aggressive_mode: bool = True  # `crypto isakmp aggressive-mode disable`
    identity: str = "address"  # "address", "hostname", "dn"
    keepalive: Keepalive | None = None
    invalid_spi_recovery: bool = False
    transform_sets: dict[str, TransformSet] = field(default_factory=dict)
    default_transform_set: bool = True
    ipsec_profiles: dict[str, IpsecProfile] = field(default_factory=dict)
    lifetime_seconds: int = DEFAULT_LIFETIME_SECONDS
    lifetime_kilobytes: int = DEFAULT_LIFETIME_KILOBYTES
    replay_window: int = 64  # packets; 0 when `replay disable`
    maps: dict[str, CryptoMap] = field(default_factory=dict)
    dynamic_maps: dict[str, CryptoMap] = field(default_factory=dict)
    logging_session: bool = False
    ipsec_sa_limit: int | None = None  # `crypto call admission limit ipsec sa N`
    ike_sa_limit: int | None = None  # `crypto call admission limit ike sa N`; 0 is no limit
    ike_negotiation_limit: int | None = None  # `crypto call admission limit ike in-negotiation-sa N`
    history_tunnel_size: int = HISTORY_SIZE
    history_failure_size: int = HISTORY_SIZE
