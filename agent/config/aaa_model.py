"""Config room: the model of `aaa …`, `radius-server …`, `radius server …` and `ip radius …`.

A method of a list is as IOS writes it: "local", "local-case", "enable", "line", "none", "if-authenticated", "group NAME". The group
`radius` is every server of `radius-server host` and `radius server`, in the order of the configuration.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol, TypeVar

from agent.base.keyed import Keyed
from agent.config.passwords import revealed

DEFAULT_LIST = "default"
EVERY_SERVER = "radius"  # the group of every server
AUTH_PORT, ACCT_PORT = 1645, 1646  # IOS's defaults, not those of RFC 2865 and RFC 2866
TIMEOUT = 5  # seconds
RETRANSMIT = 3  # retransmissions after the first transmission
DYNAMIC_AUTHOR_PORT = 1700  # IOS's default, not RFC 5176's 3799

ServerAddress = IPv4Address | IPv6Address
MethodLists = dict[str, tuple[str, ...]]
Identity = tuple[object, ...]


class _Identified(Protocol):
    @property
    def identity(self) -> Identity: ...


S = TypeVar("S", bound=_Identified)


def by_identity(items: Iterable[S]) -> Keyed[Identity, S]:
    """Servers or clients, each once: the last of those with one identity."""
    return Keyed((item.identity, item) for item in items)


@dataclass(frozen=True, slots=True)
class Secret:
    """A key as the configuration has it: `encoding` is the IOS type number (0, 6 or 7)."""

    text: str = field(repr=False)
    encoding: int = 0

    @property
    def plain(self) -> str | None:
        """The key itself; None where it cannot be known: type 6 needs the router's master key, a type 7 text may be malformed."""
        return revealed(self.text, self.encoding)


@dataclass(frozen=True, slots=True)
class RadiusServer:
    """A RADIUS server. What is None is that of `radius-server timeout|retransmit|key`.

    `name` is that of `radius server NAME`; it is empty for `radius-server host` and `server-private`. A port 0 is not used.
    `timeout` is in seconds. `host` is a name that no `ip host` line knows: the server then has no address, and is not asked.
    `options` are keywords of its line without effect here, as they are written.
    """

    address: ServerAddress | None
    name: str = ""
    auth_port: int = AUTH_PORT
    acct_port: int = ACCT_PORT
    timeout: int | None = None
    retransmit: int | None = None
    key: Secret | None = None
    host: str = ""
    options: str = ""

    @property
    def identity(self) -> Identity:
        """IOS tells servers apart by address and both ports."""
        return self.address or self.host, self.auth_port, self.acct_port


@dataclass(frozen=True, slots=True)
class ServerReference:
    """A server of a group that is defined elsewhere: by name, else by address (or `host`, as in RadiusServer) and ports."""

    name: str = ""
    address: ServerAddress | None = None
    auth_port: int = AUTH_PORT
    acct_port: int = ACCT_PORT
    host: str = ""

    @property
    def identity(self) -> Identity:
        """Unlike that of any server: a group may have a server of its own and a common one with the same address."""
        return self.name, self.address or self.host, self.auth_port, self.acct_port


@dataclass(frozen=True, slots=True)
class ServerGroup:
    """`aaa group server radius NAME`. Members are in the order of asking. `deadtime` (minutes) None is the global one."""

    name: str
    members: Keyed[Identity, ServerReference | RadiusServer] = field(default_factory=Keyed)
    deadtime: int | None = None
    vrf: str | None = None
    source_interface: str | None = None


@dataclass(frozen=True, slots=True)
class AccountingList:
    """`aaa accounting {network|system|…} LIST ACTION [broadcast] group …`. `action`: "start-stop", "stop-only" or "none".

    With `broadcast` each group gets every record; without it the next group is asked when one does not answer. `periodic` is the
    list's own period of interim records in minutes, 0 for none, None for that of `aaa accounting update`.
    """

    action: str
    groups: tuple[str, ...] = ()
    broadcast: bool = False
    periodic: int | None = None


@dataclass(frozen=True, slots=True)
class AccountingUpdate:
    """`aaa accounting update [newinfo] [periodic MINUTES [jitter maximum SECONDS]]`."""

    newinfo: bool = False
    periodic: int | None = None  # minutes
    jitter: int | None = None  # seconds


@dataclass(frozen=True, slots=True)
class DynamicAuthorClient:
    """`client ADDRESS [vrf V] [server-key K]` of `aaa server radius dynamic-author`. `host` is as in RadiusServer."""

    address: ServerAddress | None
    key: Secret | None = None
    vrf: str | None = None
    host: str = ""

    @property
    def identity(self) -> Identity:
        return self.address or self.host, self.vrf


@dataclass(frozen=True, slots=True)
class DynamicAuthor:
    """`aaa server radius dynamic-author` (RFC 5176). `auth_type`: "any", "all" or "session-key"."""

    clients: Keyed[Identity, DynamicAuthorClient] = field(default_factory=Keyed)
    key: Secret | None = None
    port: int = DYNAMIC_AUTHOR_PORT
    auth_type: str = "all"
    ignore_session_key: bool = False
    ignore_server_key: bool = False


@dataclass(frozen=True, slots=True)
class DeadCriteria:
    """`radius-server dead-criteria [time SECONDS] [tries N]`: a server is dead when both are reached; None is IOS's own value."""

    time: int | None = None
    tries: int | None = None


@dataclass(slots=True)
class RadiusConfig:
    """`hosts` are `radius-server host` lines; `servers` are `radius server NAME` sections by name.

    `stated` names those of `timeout` and `retransmit` that a line says, which IOS then writes whatever they are.
    """

    hosts: Keyed[Identity, RadiusServer] = field(default_factory=Keyed)
    servers: dict[str, RadiusServer] = field(default_factory=dict)
    groups: dict[str, ServerGroup] = field(default_factory=dict)
    key: Secret | None = None
    timeout: int = TIMEOUT
    retransmit: int = RETRANSMIT
    deadtime: int = 0  # minutes; 0: a dead server is asked again at once
    dead_criteria: DeadCriteria = field(default_factory=DeadCriteria)
    vsa_accounting: bool = False  # `radius-server vsa send accounting`
    vsa_authentication: bool = False
    event_timestamp: bool = False  # `radius-server attribute 55 include-in-acct-req`
    challenge_noecho: bool = False  # the answer to an Access-Challenge is not shown while it is typed
    nas_ip_address: IPv4Address | None = None  # `radius-server attribute 4`: the value of NAS-IP-Address
    service_type_on_login: bool = False  # `radius-server attribute 6 on-for-login-auth`
    service_type_mandatory: bool = False  # `… mandatory`: an Access-Accept without one is a refusal
    service_types_multiple: bool = False  # `… support-multiple`: without it an Access-Accept with several is a refusal
    nas_identifier_in_access: str | None = None  # `radius-server attribute 32 include-in-access-req [format F]`; "": IOS's format
    nas_identifier_in_accounting: str | None = None  # `… include-in-accounting-req [format F]`
    source_interfaces: dict[str | None, str] = field(default_factory=dict)  # `ip radius source-interface I [vrf V]`, by VRF
    dynamic_author: DynamicAuthor | None = None
    stated: set[str] = field(default_factory=set)


@dataclass(slots=True)
class AaaConfig:
    """`aaa …`. The lists of methods and of accounting are by name. None: no line says.

    `other_accounting` are the lists of services that do not happen here (`exec`, `commands 15`, …), by service and name.
    """

    new_model: bool | None = None
    login: MethodLists = field(default_factory=dict)  # `aaa authentication login`
    enable: MethodLists = field(default_factory=dict)  # `aaa authentication enable default`
    network: MethodLists = field(default_factory=dict)  # `aaa authorization network`
    exec: MethodLists = field(default_factory=dict)  # `aaa authorization exec`
    network_accounting: dict[str, AccountingList] = field(default_factory=dict)
    system_accounting: AccountingList | None = None
    other_accounting: dict[tuple[str, str], AccountingList] = field(default_factory=dict)
    update: AccountingUpdate | None = None
    delay_start: bool = False
    delay_start_all: bool = False  # `… delay-start all`: users of VRFs, too
    suppress_null_username: bool = False  # `aaa accounting suppress null-username`: no records of sessions without a user's name
    gigawords: bool | None = None  # `no aaa accounting gigawords`: octets without their upper 32 bits
    unique_session_ids: bool | None = None  # `aaa session-id {unique|common}`
