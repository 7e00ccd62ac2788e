"""Flow room: the facts about tunnels, peers, SAs, history and failures.

Algorithms are named as IOS's configuration names them ("des", "aes", "aes-gcm", "sha256", …), and "chacha20-poly1305" (RFC 7634),
which IOS does not have. Groups have their IANA number. "none" is an algorithm that is not used, group 0 is no group. The views
decide what the MIBs can show of these. Times are microseconds of the router's clock.

None means that the engine cannot know. A view shows nothing in its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final

from agent.base.clock import SECOND
from agent.flow.counters import CounterSource, FrozenCounters
from agent.flow.sa_counts import SaCounts, SaShare, SaSource

if TYPE_CHECKING:
    from agent.flow.sessions import Session

Address = IPv4Address | IPv6Address
NOT_USED: Final = "none"  # the name of an algorithm that an SA does without
NO_GROUP: Final = 0

# The ports of ISAKMP (RFC 2408 §2.5.1, RFC 3947 §4). Any other port of a peer is from a NAT.
ISAKMP_PORTS = (500, 4500)
_KILOBYTE = 1024
_FIRST_CONNECTION = 2001  # 1 to 2000 are of ISAKMP SAs


class EndReason(Enum):
    """Why a tunnel ended (cikeTunHistTermReason, cipSecTunHistTermReason), or was copied."""

    OTHER = "other"
    NORMAL = "normal"
    OPERATOR = "operator request"
    PEER_DELETE = "peer delete request"
    PEER_LOST = "peer lost"
    LOCAL_FAILURE = "local failure"
    SEQUENCE_ROLLOVER = "sequence number roll-over"
    UNKNOWN_TO_PEER = "the peer does not have the SA"
    CHECKPOINT = "check point request"


class IkeFailureReason(Enum):
    """cikeFailReason."""

    OTHER = "other"
    PEER_DELETE = "peer delete request"
    PEER_LOST = "peer lost"
    LOCAL_FAILURE = "local failure"
    AUTHENTICATION = "authentication failure"
    HASH_VALIDATION = "hash validation"
    ENCRYPT = "encrypt failure"
    INTERNAL = "internal error"
    CAPACITY = "system capacity exceeded"
    PROPOSAL = "proposal failure"
    PEER_CERTIFICATE_UNAVAILABLE = "peer certificate unavailable"
    PEER_CERTIFICATE_INVALID = "peer certificate not valid"
    LOCAL_CERTIFICATE_EXPIRED = "local certificate expired"
    CRL = "crl failure"
    PEER_ENCODING = "peer encoding error"
    NO_SA = "non-existent sa"
    OPERATOR = "operator request"


class IpsecFailureReason(Enum):
    """cipSecFailReason."""

    OTHER = "other"
    INTERNAL = "internal error"
    PEER_ENCODING = "peer encoding error"
    PROPOSAL = "proposal failure"
    PROTOCOL_USE = "protocol use failure"
    NO_SA = "non-existent sa"
    DECRYPT = "decrypt failure"
    ENCRYPT = "encrypt failure"
    IN_AUTHENTICATION = "inbound authentication failure"
    OUT_AUTHENTICATION = "outbound authentication failure"
    COMPRESSION = "compression"
    CAPACITY = "system capacity exceeded"
    PEER_DELETE = "peer delete request"
    PEER_LOST = "peer lost"
    SEQUENCE_ROLLOVER = "sequence number roll-over"
    OPERATOR = "operator request"


@dataclass(frozen=True, slots=True)
class Identity:
    """A phase-1 identity: an address in text, or a name (FQDN, user FQDN, group)."""

    is_address: bool
    value: str

    def __hash__(self) -> int:
        return hash(self.value)


@dataclass(frozen=True, slots=True)
class PeerKey:
    """The key of an association of a local and a remote peer. `internal` (from 1) distinguishes those with the same identities."""

    local: Identity
    remote: Identity
    internal: int = 1

    def __hash__(self) -> int:  # each tunnel that comes up asks ten times
        return hash((self.local.value, self.remote.value, self.internal))


@dataclass(frozen=True, slots=True)
class PeerEnds:
    """Where the two ends of an association are: their addresses, the ports of ISAKMP, and the VRF through which they meet."""

    front_vrf: str | None
    local_address: Address
    remote_address: Address
    local_port: int = ISAKMP_PORTS[0]
    remote_port: int = ISAKMP_PORTS[0]


def nat_port_of(ends: PeerEnds | IkeFacts) -> int:
    """The port that a NAT has given the remote end, else 0. It distinguishes peers behind one address."""
    return 0 if ends.remote_port in ISAKMP_PORTS else ends.remote_port


@dataclass(slots=True, eq=False)
class Peer:
    """One association of two ends. It lives while they have an IKE or an IPsec tunnel (cikePeerTable).

    `vrf` is the inside VRF. `at` are its ends: those of its newest IKE tunnel, or, behind a NAT, the last ones seen. `number`
    counts the VRF's associations from 1: the CLI has it as index, because that of cikePeerTable is long.
    """

    key: PeerKey
    vrf: str | None
    at: PeerEnds | IkeFacts
    start: int
    number: int
    tunnel_index: int = 0  # of the pair's newest live IKE tunnel, else 0
    session: Session | None = None  # while it has an IPsec tunnel
    ike_tunnels: list[IkeTunnel] = field(default_factory=list)
    ipsec_tunnels: dict[int, IpsecTunnel] = field(default_factory=dict)  # by cikePeerCorrSeqNum

    @property
    def ends(self) -> PeerEnds:
        return self.at.ends if isinstance(self.at, IkeFacts) else self.at

    @property
    def local_address(self) -> Address:
        return self.at.local_address

    @property
    def remote_address(self) -> Address:
        return self.at.remote_address


@dataclass(frozen=True, slots=True)
class IkeFacts:
    """The negotiated terms of a phase 1.

    `aggressive` is the mode of IKEv1; IKEv2 has no modes, so it is None there. `hash` is the hash of IKEv1 and the integrity
    algorithm of IKEv2, "none" beside an AEAD cipher (RFC 7296 §3.3). `prf` is separate: IKEv1 makes it of the hash (RFC 2409
    §4), IKEv2 negotiates it. Each end authenticates by a method of its own: "pre-share", "rsa-sig", "rsa-encr", "ecdsa-sig", "eap".
    `refresh_threshold` is how many seconds before the end of its lifetime the SA is refreshed, 0 for one that is not.
    """

    local: Identity
    remote: Identity
    local_address: Address
    remote_address: Address
    local_port: int
    remote_port: int
    local_name: str
    remote_name: str
    initiator: bool
    aggressive: bool | None
    encryption: str | None
    key_bits: int | None
    hash: str | None
    group: int | None
    lifetime: int | None  # seconds
    initiator_cookie: bytes = b""
    responder_cookie: bytes = b""
    policy: int | None = None  # priority of the ISAKMP policy it came from
    front_vrf: str | None = None
    profile: str | None = None
    keepalive: bool = False
    user: str | None = None  # of a remote-access client that has logged in
    client_group: str | None = None
    assigned_address: Address | None = None
    description: str = ""  # of `crypto isakmp peer address`
    version: int = 1
    prf: str | None = None
    local_authentication: str | None = None
    remote_authentication: str | None = None
    refresh_threshold: int | None = None

    @property
    def authentication(self) -> str | None:
        """The method of both ends; None if they differ, or if one is unknown."""
        return self.local_authentication if self.local_authentication == self.remote_authentication else None

    @property
    def ends(self) -> PeerEnds:
        return PeerEnds(self.front_vrf, self.local_address, self.remote_address, self.local_port, self.remote_port)


@dataclass(slots=True, eq=False)
class IkeTunnel:
    """A live phase-1 tunnel (cikeTunnelTable)."""

    index: int
    vrf: str | None
    facts: IkeFacts
    peer: Peer
    counters: CounterSource
    start: int
    refreshes: int = 0


@dataclass(frozen=True, slots=True)
class SaAlgorithms:
    """The algorithms of a bundle's SAs in one direction. An AEAD cipher ("aes-gcm", …) needs no `esp_auth` (RFC 4303 §3.2.3)."""

    group: int | None  # of PFS, else that of the IKE SA that keyed it
    cipher: str | None  # of ESP: "null" encrypts nothing, "none" is no ESP
    key_bits: int | None
    ah: str | None
    esp_auth: str | None
    compression: str | None = NOT_USED


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a flow: addresses first to last (equal for a single host), or network and mask (cipSecEndPtTable)."""

    kind: str  # "address", "range", "subnet"
    first: Address
    last: Address
    protocol: int | None = 0  # 0 is any
    port: int | None = 0  # 0 is any; None also of a range of ports, which is none in particular
    name: str = ""

    def meets(self, other: Endpoint) -> bool:
        """Whether a packet can have both ends: of one IP version, and not of two protocols."""
        one_protocol = self.protocol == other.protocol or not self.protocol or not other.protocol
        return one_protocol and self.first.version == other.first.version


EndpointPair = tuple[Endpoint, Endpoint]  # the local and the remote end of a flow


def connection_of(tunnel_index: int, inbound: bool) -> int:
    """The connection id of a tunnel's SAs in one direction (`Spi.connection`)."""
    return _FIRST_CONNECTION + 2 * (tunnel_index - 1) + (not inbound)


@dataclass(slots=True, eq=False)
class Spi:
    """One SA of a tunnel's bundle (cipSecSpiTable); `index` counts from 1 within the tunnel.

    `start` is when it was installed, `facts` are the terms of its bundle, `source` is where its numbers come from.
    """

    tunnel: IpsecTunnel
    index: int
    inbound: bool
    protocol: str  # "ah", "esp", "ipcomp"
    value: int
    start: int
    facts: IpsecFacts
    source: SaSource | SaShare
    expiring: bool = False

    @property
    def connection(self) -> int:
        """IOS's connection id of an IPsec SA, which the CLI and messages about its packets show: 2001 and 2002 of the first tunnel.

        The SAs that a rekey brings keep the ids of those that they replace.
        """
        return connection_of(self.tunnel.index, self.inbound)

    def counted(self, now: int) -> SaCounts:
        """What it has carried until a moment."""
        source = self.source
        return source.of(self.tunnel.counters, self.inbound, now) if isinstance(source, SaShare) else source.counts(now)

    def seconds_left(self, now: int) -> int | None:
        """What is left of its lifetime by time, None where it has none or it is not known."""
        seconds = self.facts.life_time
        return max(0, self.start + seconds * SECOND - now) // SECOND if seconds else None

    def kilobytes_left(self, now: int) -> int | None:
        """The whole kilobytes that are left of its lifetime by volume, None where it has none or it is not known."""
        size, octets = self.facts.life_size, self.counted(now).octets
        return max(0, (size * _KILOBYTE - octets) // _KILOBYTE) if size and octets is not None else None


@dataclass(frozen=True, slots=True)
class IpsecFacts:
    """What a finished phase 2 agreed on.

    `local` and `remote` are the selectors of each end, as many as it has. The thresholds are how much of its lifetime an SA has
    left when it is rekeyed.
    """

    local_address: Address
    remote_address: Address
    transport: bool | None
    life_size: int | None  # kilobytes
    life_time: int | None  # seconds
    inbound: SaAlgorithms
    outbound: SaAlgorithms
    local: tuple[Endpoint, ...]
    remote: tuple[Endpoint, ...]
    initiator: bool = False
    map_name: str | None = None
    map_sequence: int | None = None
    acl_name: str | None = None
    acl_entry: str | None = None
    interface: str | None = None
    life_size_threshold: int | None = None  # kilobytes
    life_time_threshold: int | None = None  # seconds
    transform_set: str | None = None  # as IOS shows its name: "#!default_transform_set_1" is a built-in one
    template: str | None = None  # of a dynamic map's entry: its name and number, "D/N"
    pfs: bool | None = None  # whether the SAs have a Diffie-Hellman exchange of their own

    @property
    def protocol(self) -> str:
        """ "esp", also of a bundle with AH, or "ah"."""
        return "ah" if self.inbound.cipher == self.inbound.esp_auth == NOT_USED else "esp"

    @property
    def endpoints(self) -> tuple[EndpointPair, ...]:
        """Which ends the SAs join: each local selector with each remote one that it meets (RFC 7296 §2.9), local ones first."""
        pairs = [(ours, theirs) for ours in self.local for theirs in self.remote if ours.meets(theirs)]
        return tuple(dict.fromkeys(pairs) if len(pairs) > 1 else pairs)


@dataclass(slots=True, eq=False)
class IpsecTunnel:
    """A live phase-2 tunnel (cipSecTunnelTable); `ike` is None between the end of its IKE tunnel and the next."""

    index: int
    vrf: str | None
    facts: IpsecFacts
    peer: Peer
    peer_link: int  # cikePeerCorrSeqNum
    ike_index: int
    ike: IkeTunnel | None
    counters: CounterSource
    start: int
    spis: list[Spi] = field(default_factory=list)
    next_spi_index: int = 1
    next_endpoint_index: int = 1
    refreshes: int = 0
    expired_sas: int = 0


@dataclass(frozen=True, slots=True)
class IkeHistory:
    """cikeTunnelHistTable: the tunnel as it was, with its numbers frozen."""

    index: int
    reason: EndReason
    active_index: int
    facts: IkeFacts
    internal: int
    start: int
    active: int  # microseconds
    refreshes: int
    counters: FrozenCounters


@dataclass(frozen=True, slots=True)
class IpsecHistory:
    """cipSecTunnelHistTable."""

    index: int
    reason: EndReason
    active_index: int
    ike_index: int
    facts: IpsecFacts
    start: int
    active: int  # microseconds
    refreshes: int
    total_sas: int
    current_sas: int
    counters: FrozenCounters


@dataclass(frozen=True, slots=True)
class EndpointHistory:
    """cipSecEndPtHistTable: `tunnel_index` is that of the history row."""

    index: int
    tunnel_index: int
    active_index: int
    local: Endpoint
    remote: Endpoint


@dataclass(frozen=True, slots=True)
class IkeFailure:
    """cikeFailTable; an identity or an address that never became known is None."""

    index: int
    reason: IkeFailureReason
    time: int
    local: Identity | None
    remote: Identity | None
    local_address: Address | None
    remote_address: Address | None


@dataclass(frozen=True, slots=True)
class IpsecFailure:
    """cipSecFailTable; `tunnel_index` 0 is a tunnel that never was, `spi` 0 an SA that never was."""

    index: int
    reason: IpsecFailureReason
    time: int
    tunnel_index: int
    spi: int | None
    source: Address | None
    destination: Address | None
