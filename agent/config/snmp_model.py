"""Config room: the model of `snmp-server …` lines, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address

from agent.base.keyed import Keyed

# What IOS 15 and later write for `isakmp`, as a type of notifications. A line is rendered with the word that it was written with.
IKE = "ike"
LONGEST_TEXT = 255  # octets of contact, location and chassis-id (RFC 3418: DisplayString (SIZE (0..255)))


def canonical_type(word: str) -> str:
    return "isakmp" if word == IKE else word


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
    subtrees: Keyed[str, ViewSubtree] = field(default_factory=Keyed)


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
    types: tuple[str, ...] = ()  # as written

    def takes(self, kind: str) -> bool:
        """Whether it is sent notifications of a type."""
        return not self.types or any(canonical_type(each) == kind for each in self.types)


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
    packet_size: int = 1500  # octets, 484–17892
    # What the configuration says of notifications that wait: None leaves the sender's own value.
    queue_length: int | None = None  # that wait for one host
    inform_pending: int | None = None  # informs that one host has not answered
    inform_retries: int | None = None
    inform_timeout: int | None = None  # seconds
    # What `snmp-server enable traps` names: "ipsec cryptomap add", "isakmp policy add", "ipsec tunnel start", "ipsec
    # too-many-sas", "snmp coldstart", "tty", … each as a full path of words; a bare type is spelt out into all of its leaves.
    traps: set[str] = field(default_factory=set)
    # Leaves that a `no snmp-server enable traps …` turned off although their control scalar defaults to enabled.
    traps_disabled: set[str] = field(default_factory=set)
    # Leaves of either set that were written with `ike` in place of `isakmp`.
    traps_as_ike: set[str] = field(default_factory=set)

    @property
    def enabled(self) -> bool:
        """Whether anything is configured that the agent could answer, or could send to."""
        return bool(self.communities or self.groups or self.users or self.hosts)
