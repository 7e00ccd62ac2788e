"""Config room: the model of a router's IOS text, as plain values. Crypto and SNMP have files of their own.

Leaves are frozen. `RouterConfig` is the only mutable container, and only the commands of this room edit it. Defaults are those of
IOS 12.4. Names follow the IOS keywords; addresses are `ipaddress` objects; a VRF is its name, None is the global routing table.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta, timezone, tzinfo
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from agent.base.keyed import Keyed
from agent.config.aaa_model import AaaConfig, RadiusConfig
from agent.config.crypto_model import CryptoConfig
from agent.config.hosts import address_of_host
from agent.config.line_model import LineRange, LineSettings
from agent.config.logging_model import LoggingConfig
from agent.config.public_keys import KeyHash
from agent.config.snmp_model import SnmpConfig
from agent.config.ssh_model import SshConfig


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
    ip_mtu: int | None = None
    bandwidth: int | None = None  # kilobits per second
    logs_link: bool = True  # `logging event link-status`
    tunnel_source: str | None = None  # an interface name or an address
    tunnel_destination: IPv4Address | None = None
    tunnel_vrf: str | None = None
    tunnel_mode: str | None = None
    tunnel_profile: str | None = None  # tunnel protection ipsec profile
    tunnel_shared: bool = False  # `… shared`: tunnels of one source share their SAs with a peer
    secondary: Keyed[IPv4Interface, IPv4Interface] = field(default_factory=Keyed)

    @property
    def addresses(self) -> tuple[IPv4Interface, ...]:
        """Every address with its mask, the primary one first."""
        return (*(() if self.address is None else (self.address,)), *self.secondary)


LONGEST_HOSTNAME = 63  # octets; a label of a domain name (RFC 1035 §2.3.4)
LONGEST_DESCRIPTION = 240  # octets, of an interface


RouteKey = tuple[IPv4Network, str | None, str | None, IPv4Address | None]


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
    track: int | None = None
    typed: IPv4Address | None = None  # the prefix as typed, where it has bits outside the mask

    @property
    def key(self) -> RouteKey:
        """What makes it one line to IOS: prefix, VRF and gateway. The rest are its attributes."""
        return self.prefix, self.vrf, self.interface, self.next_hop


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
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class AccessList:
    """Entries and remarks by sequence number, ascending; a remark has the number of the entry that it precedes."""

    name: str
    extended: bool
    entries: tuple[AclEntry, ...] = ()
    remarks: tuple[tuple[int, str], ...] = ()  # (sequence number, text)
    numbers: bool = False  # its lines are written with their numbers, as IOS XE does: one of them was
    _texts: frozenset[str] | None = field(default=None, init=False, compare=False, repr=False)  # of the entries, when asked for

    def has(self, text: str) -> bool:
        """Whether an entry has this text."""
        if self._texts is None:
            object.__setattr__(self, "_texts", frozenset(entry.text for entry in self.entries))
        assert self._texts is not None
        return text in self._texts

    def insert(self, at: int, entry: AclEntry, numbers: bool) -> AccessList:
        """With an entry that it has not, at a position. `numbers`: its line had one."""
        made = replace(self, entries=(*self.entries[:at], entry, *self.entries[at:]), numbers=self.numbers or numbers)
        if self._texts is not None:
            object.__setattr__(made, "_texts", self._texts | {entry.text})
        return made

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


@dataclass(slots=True)
class RouterConfig:
    """One router's running configuration, without the lines that are not understood, which the document keeps."""

    hostname: str = "Router"
    domain_name: str | None = None
    version: str = "16.9"
    vrfs: dict[str, Vrf] = field(default_factory=dict)
    interfaces: dict[str, Interface] = field(default_factory=dict)
    routes: Keyed[RouteKey, Route] = field(default_factory=Keyed)
    access_lists: dict[str, AccessList] = field(default_factory=dict)
    pools: dict[str, AddressPool] = field(default_factory=dict)
    hosts: dict[str, IPv4Address] = field(default_factory=dict)  # `ip host`
    name_servers: list[IPv4Address] = field(default_factory=list)
    domain_lookup: bool = True
    users: dict[str, User] = field(default_factory=dict)
    public_keys: dict[str, tuple[KeyHash, ...]] = field(default_factory=dict)  # `ip ssh pubkey-chain`, by user
    ssh: SshConfig = field(default_factory=SshConfig)
    aaa: AaaConfig = field(default_factory=AaaConfig)
    radius: RadiusConfig = field(default_factory=RadiusConfig)
    enable_password: str | None = None
    enable_secret: str | None = None
    enable_password_encoding: int = 0
    enable_secret_encoding: int = 0
    logging: LoggingConfig = field(default_factory=LoggingConfig)
    timezone: tuple[str, int] = ("UTC", 0)  # name, minutes east of UTC
    banners: dict[str, str] = field(default_factory=dict)  # kind → text, as typed between its delimiters
    lines: dict[LineRange, LineSettings] = field(default_factory=dict)  # `line con|aux|vty`
    crypto: CryptoConfig = field(default_factory=CryptoConfig)
    snmp: SnmpConfig = field(default_factory=SnmpConfig)

    def contexts(self) -> tuple[str, ...]:
        """Every SNMP context once, that of the global table ("") first."""
        return tuple(dict.fromkeys(["", *(vrf.context for vrf in self.vrfs.values() if vrf.context)]))

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
    def zone(self) -> tzinfo:
        """The time zone of `clock timezone`."""
        name, minutes = self.timezone
        return timezone(timedelta(minutes=minutes), name)

    @property
    def full_name(self) -> str:
        """The hostname, with the domain where there is one."""
        return f"{self.hostname}.{self.domain_name}" if self.domain_name else self.hostname

    def host_address(self, host: IPv4Address | str | None) -> IPv4Address | None:
        return address_of_host(host, self.hosts)

    def host_name(self, address: IPv4Address) -> str:
        """What `ip host` calls an address, else an empty string."""
        return next((name for name, known in self.hosts.items() if known == address), "")
