"""Config room: what a router's IOS text says, as plain values.

Leaves are frozen; `RouterConfig` is the one mutable container, edited by the commands in this room alone. Defaults are those of IOS
12.4. Names follow the IOS keywords; addresses are `ipaddress` objects; a VRF is its name, None is the global routing table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network


@dataclass(frozen=True, slots=True)
class Vrf:
    """`ip vrf N` or `vrf definition N`."""

    name: str
    rd: str | None = None
    context: str | None = None  # the SNMP context that shows this VRF
    import_targets: tuple[str, ...] = ()
    export_targets: tuple[str, ...] = ()
    description: str | None = None
    definition: bool = False  # declared by `vrf definition`, not by `ip vrf`
    families: tuple[str, ...] = ()  # address families of a `vrf definition`: "ipv4", "ipv6"
    family_targets: tuple[tuple[str, str, str], ...] = ()  # (family, "import" or "export", target)


@dataclass(frozen=True, slots=True)
class Interface:
    """`interface N`; interfaces keep the order of the configuration, which numbers ifIndex from 1."""

    name: str  # canonical: "FastEthernet0/0", "Serial1/2.1", "Tunnel0"
    link: str | None = None  # "point-to-point", "multipoint", "type tunnel": what stands after the name
    address: IPv4Interface | None = None
    vrf: str | None = None
    crypto_map: str | None = None
    shutdown: bool = False
    description: str | None = None
    mtu: int | None = None
    bandwidth: int | None = None  # kilobits per second
    tunnel_source: str | None = None  # an interface name or an address
    tunnel_destination: IPv4Address | None = None
    tunnel_vrf: str | None = None
    tunnel_mode: str | None = None
    tunnel_profile: str | None = None  # tunnel protection ipsec profile
    secondary: tuple[IPv4Interface, ...] = ()


LONGEST_HOSTNAME = 63  # a label of a domain name (RFC 1035 §2.3.4)


@dataclass(frozen=True, slots=True)
class Route:
    """`ip route [vrf V] PREFIX MASK {next hop | interface | interface next hop}`."""

    prefix: IPv4Network
    vrf: str | None = None
    interface: str | None = None
    next_hop: IPv4Address | None = None
    distance: int = 1
    name: str | None = None
    permanent: bool = False
    tag: int | None = None
    typed: IPv4Address | None = None  # the prefix as typed, where it has bits outside the mask


@dataclass(frozen=True, slots=True)
class AclAddress:
    """One address operand: bits set in `wildcard` are not compared."""

    address: IPv4Address
    wildcard: IPv4Address

    def matches(self, address: IPv4Address) -> bool:
        return (int(address) ^ int(self.address)) & ~int(self.wildcard) & 0xFFFFFFFF == 0


@dataclass(frozen=True, slots=True)
class PortRange:
    """An inclusive range of TCP or UDP ports (`eq` 80 is 80–80), or all ports but those (`neq`)."""

    low: int
    high: int
    negated: bool = False

    def matches(self, port: int) -> bool:
        return (self.low <= port <= self.high) is not self.negated


@dataclass(frozen=True, slots=True)
class AclEntry:
    """One permit or deny line; protocol 0 is `ip` (any); a standard list has destination any."""

    permit: bool
    protocol: int
    source: AclAddress
    destination: AclAddress
    source_ports: PortRange | None = None
    destination_ports: PortRange | None = None
    text: str = ""  # the entry as `show running-config` prints it, from "permit" on
    sequence: int = 0  # of a named list; 0 in a numbered one


@dataclass(frozen=True, slots=True)
class AccessList:
    name: str
    extended: bool
    entries: tuple[AclEntry, ...] = ()
    remarks: tuple[tuple[int, str], ...] = ()  # (number of entries before it, text)

    def permits(self, address: IPv4Address) -> bool:
        """Whether a source address passes; a list without entries permits (as IOS does)."""
        for entry in self.entries:
            if entry.source.matches(address):
                return entry.permit
        return not self.entries


@dataclass(frozen=True, slots=True)
class AddressPool:
    name: str
    low: IPv4Address
    high: IPv4Address


@dataclass(frozen=True, slots=True)
class User:
    """`username N [privilege P] {password|secret} …`; `secret` says which, `encoding` is the IOS type number (0, 5, 7, 8, 9)."""

    name: str
    password: str
    secret: bool = False
    encoding: int = 0
    privilege: int = 1


# --- crypto isakmp -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IsakmpPolicy:
    priority: int
    encryption: str = "des"  # "des", "3des", "aes"
    key_bits: int = 56  # 56, 168, 128, 192, 256
    hash: str = "sha"  # "md5", "sha", "sha256", "sha384", "sha512"
    authentication: str = "rsa-sig"  # "pre-share", "rsa-sig", "rsa-encr"
    group: int = 1  # 1, 2, 5, 14, 19, 20, …
    lifetime: int = 86400  # seconds, 60–86400
    easy_vpn: bool = False  # for remote-access clients alone: aggressive mode, and XAUTH after it


@dataclass(frozen=True, slots=True)
class PreSharedKey:
    """A key for the peers in `network`, or for the peer called `hostname` (exactly one of the two is set)."""

    key: str
    network: IPv4Network | None = None
    hostname: str | None = None
    no_xauth: bool = False
    encoding: int = 0
    address: IPv4Address | None = None  # the network's address as typed, where it has bits outside the mask


@dataclass(frozen=True, slots=True)
class Keyring:
    """`crypto keyring N [vrf V]`: keys for peers reached through the front-door VRF `vrf`."""

    name: str
    vrf: str | None = None
    keys: tuple[PreSharedKey, ...] = ()
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
    matches: tuple[MatchIdentity, ...] = ()
    accounting: str | None = None
    client_authentication: str | None = None
    client_configuration: str | None = None  # "address respond", "address initiate"
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
    peers: tuple[IPv4Address | str, ...] = ()
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
    client_configuration: str | None = None
    local_address: str | None = None  # an interface name


# --- snmp ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Community:
    name: str
    access: str = "RO"  # or "RW"
    view: str | None = None
    acl: str | None = None


@dataclass(frozen=True, slots=True)
class ViewSubtree:
    """One `snmp-server view` line: a subtree as typed (name or dotted numbers, `*` wildcards), included or excluded."""

    subtree: str
    included: bool


@dataclass(frozen=True, slots=True)
class SnmpView:
    name: str
    subtrees: tuple[ViewSubtree, ...] = ()


@dataclass(frozen=True, slots=True)
class SnmpGroup:
    """`snmp-server group`: keyed by (name, model, level, context); level is "noauth" for v1 and v2c."""

    name: str
    model: str  # "v1", "v2c", "v3"
    level: str = "noauth"  # "noauth", "auth", "priv"
    context: str | None = None
    read: str | None = None
    write: str | None = None
    notify: str | None = None
    acl: str | None = None
    match: str = "exact"  # or "prefix": how `context` is compared (vacmAccessContextMatch)


@dataclass(frozen=True, slots=True)
class SnmpUser:
    """`snmp-server user U G {v1|v2c|v3} …`; secrets stay out of `show running-config`, as on IOS."""

    name: str
    group: str
    model: str = "v3"
    auth: str | None = None  # "md5", "sha", "sha224", "sha256", "sha384", "sha512"
    auth_password: str | None = None
    priv: str | None = None  # "des", "3des", "aes128", "aes192", "aes256"
    priv_password: str | None = None
    acl: str | None = None


@dataclass(frozen=True, slots=True)
class SnmpHost:
    """`snmp-server host`: keyed by (address, vrf, community, port); an empty type tuple means every type."""

    address: IPv4Address | str
    community: str  # the user's name for v3
    vrf: str | None = None
    informs: bool = False
    version: str = "1"  # "1", "2c", "3"
    level: str = "noauth"
    port: int = 162
    types: tuple[str, ...] = ()


@dataclass(slots=True)
class SnmpConfig:
    communities: dict[str, Community] = field(default_factory=dict)
    views: dict[str, SnmpView] = field(default_factory=dict)
    groups: dict[tuple[str, str, str, str | None], SnmpGroup] = field(default_factory=dict)
    users: dict[str, SnmpUser] = field(default_factory=dict)
    hosts: dict[tuple[str, str | None, str, int], SnmpHost] = field(default_factory=dict)
    contexts: list[str] = field(default_factory=list)
    community_contexts: dict[str, str] = field(default_factory=dict)  # community → context (`snmp mib community-map`)
    contact: str = ""
    location: str = ""
    chassis_id: str = ""
    trap_source: str | None = None  # an interface name
    packet_size: int = 1500  # octets, 484–8192
    # What `snmp-server enable traps` names: "ipsec cryptomap add", "isakmp policy add", "ipsec tunnel start", "ipsec
    # too-many-sas", "snmp coldstart", "tty", … each as a full path of words; a bare type is spelt out into all of its leaves.
    traps: set[str] = field(default_factory=set)
    # Leaves that a `no snmp-server enable traps …` turned off although their control scalar defaults to enabled.
    traps_disabled: set[str] = field(default_factory=set)


@dataclass(slots=True)
class CryptoConfig:
    policies: dict[int, IsakmpPolicy] = field(default_factory=dict)
    default_policies: bool = True  # `no crypto isakmp default policy`
    keys: list[PreSharedKey] = field(default_factory=list)  # of the global front door
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
    lifetime_seconds: int = 3600
    lifetime_kilobytes: int = 4608000
    replay_window: int = 64  # packets; 0 when `replay disable`
    maps: dict[str, CryptoMap] = field(default_factory=dict)
    dynamic_maps: dict[str, CryptoMap] = field(default_factory=dict)
    logging_session: bool = False
    ipsec_sa_limit: int | None = None  # `crypto call admission limit ipsec sa N`
    history_tunnel_size: int = 200
    history_failure_size: int = 200


@dataclass(slots=True)
class RouterConfig:
    """One router's running configuration, without the text that means nothing to us (that is kept beside, in the document)."""

    hostname: str = "Router"
    domain_name: str | None = None
    version: str = "16.9"
    vrfs: dict[str, Vrf] = field(default_factory=dict)
    interfaces: dict[str, Interface] = field(default_factory=dict)
    routes: list[Route] = field(default_factory=list)
    access_lists: dict[str, AccessList] = field(default_factory=dict)
    pools: dict[str, AddressPool] = field(default_factory=dict)
    hosts: dict[str, IPv4Address] = field(default_factory=dict)  # `ip host`
    name_servers: list[IPv4Address] = field(default_factory=list)
    domain_lookup: bool = True
    users: dict[str, User] = field(default_factory=dict)
    aaa_new_model: bool | None = None
    login_lists: dict[str, tuple[str, ...]] = field(default_factory=dict)  # `aaa authentication login`: "local", "group radius", …
    network_lists: dict[str, tuple[str, ...]] = field(default_factory=dict)  # `aaa authorization network`
    enable_password: str | None = None
    enable_secret: str | None = None
    enable_password_encoding: int = 0
    enable_secret_encoding: int = 0
    timestamps: dict[str, str] = field(default_factory=dict)  # "log" / "debug" → "uptime", "datetime msec localtime", …
    logging_hosts: list[IPv4Address] = field(default_factory=list)
    logging_buffered: int | None = 4096  # octets
    logging_buffered_level: str | None = None
    logging_console: bool = True
    logging_console_level: str | None = None
    timezone: tuple[str, int] = ("UTC", 0)  # name, minutes east of UTC
    crypto: CryptoConfig = field(default_factory=CryptoConfig)
    snmp: SnmpConfig = field(default_factory=SnmpConfig)

    def context_of(self, vrf: str | None) -> str | None:
        """The SNMP context of a VRF: "" of the global table, None of a VRF that has none."""
        if vrf is None:
            return ""
        found = self.vrfs.get(vrf)
        return found.context if found else None

    def vrf_of_context(self, context: str) -> str | None:
        """The VRF that an SNMP context shows; KeyError for a context that no VRF names ("" is the global table, None)."""
        if context == "":
            return None
        for vrf in self.vrfs.values():
            if vrf.context == context:
                return vrf.name
        raise KeyError(context)

    @property
    def full_name(self) -> str:
        """The hostname, with the domain where there is one."""
        return f"{self.hostname}.{self.domain_name}" if self.domain_name else self.hostname

    def host_name(self, address: IPv4Address) -> str:
        """What `ip host` calls an address, else an empty string."""
        return next((name for name, known in self.hosts.items() if known == address), "")
