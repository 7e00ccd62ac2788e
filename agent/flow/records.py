"""Flow room: records: what happened to a router's tunnels. Each verb of the monitor makes one.

A record is frozen, and made of values and identifiers alone; it holds no live row. Applying records changes the monitor.
Subscribers get them, and a monitor that is given another's records shows the same tables. A tunnel is named by its index
(cikeTunIndex, cipSecTunIndex), an SA by its cipSecSpiIndex within the tunnel.

`record_codec` writes a record as one line of JSON. A field that is added here later needs a default, so that the records of an
older version can still be read.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.base.origin import Origin
from agent.flow.counters import Counts
from agent.flow.model import (
    Address,
    EndpointHistory,
    EndReason,
    Identity,
    IkeFacts,
    IkeFailure,
    IkeFailureReason,
    IkeHistory,
    IpsecFacts,
    IpsecFailure,
    IpsecFailureReason,
    IpsecHistory,
    PeerEnds,
    PeerKey,
)
from agent.flow.refusals import DefaultsKind, IkeExchange, InnerPacket, MessageFault, PacketFault
from agent.flow.sa_counts import SaCounts
from agent.flow.sessions import SessionFacts, SessionTotals
from agent.flow.settings import TrapKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The fields of every record.

    `at` is the moment, in microseconds of the router's clock. `vrf` is the VRF whose context it belongs to, None the global table.
    `origin` is who caused it, None if nobody asked for it.
    """

    at: int
    vrf: str | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Sa:
    """One SA of a tunnel's bundle. `index` is its cipSecSpiIndex, `protocol` is "ah", "esp" or "ipcomp".

    `start` is when it was installed, None for now. `counts` are its own numbers until now, None where the engine counts by tunnel.
    """

    index: int
    inbound: bool
    protocol: str
    value: int
    start: int | None = None
    counts: SaCounts | None = None


@dataclass(frozen=True, slots=True)
class SaReported:
    """What one SA has counted: the index of its tunnel (cipSecTunIndex), its own (cipSecSpiIndex), its numbers."""

    tunnel: int
    index: int
    counts: SaCounts


# --- phase 1 ---


@dataclass(frozen=True, slots=True)
class IkeTunnelStarted(Record):
    """A phase 1 has finished. `counters` are what its exchanges have counted until now.

    `start` is when it came up. For a tunnel that is older than the monitor it is before `at`; if the tunnel is older than the
    router's clock, it is below 0.
    """

    index: int
    peer: PeerKey
    facts: IkeFacts
    start: int
    counters: Counts


@dataclass(frozen=True, slots=True)
class IkeTunnelShortened(Record):
    """The tunnel has a shorter lifetime than it came up with, in seconds."""

    index: int
    lifetime: int


@dataclass(frozen=True, slots=True)
class IkeTunnelRekeyed(Record):
    """A new IKE SA has replaced the tunnel's; the row stays (RFC 7296 §2.18).

    `facts` are the terms of the new one.
    """

    index: int
    facts: IkeFacts


@dataclass(frozen=True, slots=True)
class IkeTunnelEnded(Record):
    """A live IKE tunnel is gone. `start` is when it came up, `counters` are its last numbers."""

    index: int
    reason: EndReason
    peer: PeerKey
    facts: IkeFacts
    start: int
    counters: Counts


@dataclass(frozen=True, slots=True)
class IkeFailed(Record):
    """A phase 1 has failed, or there was trouble with a live one.

    `initiator` says whose set-up it was. It is None for a live tunnel, whose index is `index` (else 0). `peer` is the key that the
    pair has or would have in cikePeerTable. `cause` is the engine's text for the cause, if it has one.
    """

    reason: IkeFailureReason
    local_address: Address | None
    remote_address: Address | None
    local: Identity | None
    remote: Identity | None
    peer: PeerKey
    initiator: bool | None
    index: int = 0
    cause: str = ""


@dataclass(frozen=True, slots=True)
class IkeFaultCounted(Record):
    """Another message or set-up with the reason of an existing failure row. `initiator` is as in IkeFailed."""

    reason: IkeFailureReason
    initiator: bool | None = None


# --- phase 2 ---


@dataclass(frozen=True, slots=True)
class IpsecTunnelStarted(Record):
    """A phase 2 has finished under the IKE tunnel `ike_index`. `link` is its cikePeerCorrSeqNum in the row of `peer`.

    `start` is as in IkeTunnelStarted.
    """

    index: int
    ike_index: int
    peer: PeerKey
    link: int
    facts: IpsecFacts
    start: int
    sas: tuple[Sa, ...]
    counters: Counts


@dataclass(frozen=True, slots=True)
class SasInstalled(Record):
    """A rekey has put a new bundle beside the old one. `replaced` are the indexes of the SAs that are expiring now.

    `facts` are the terms of the new bundle. `counters` are the tunnel's counters until now.
    """

    index: int
    facts: IpsecFacts
    sas: tuple[Sa, ...]
    replaced: tuple[int, ...]
    counters: Counts = ()


@dataclass(frozen=True, slots=True)
class SasRetired(Record):
    """SAs with these indexes carry nothing any more, and are expiring. `counters` are as in SasInstalled.

    `facts` are the terms of the SAs that carry the flow, where the tunnel has shown others until now.
    """

    index: int
    sas: tuple[int, ...]
    counters: Counts = ()
    facts: IpsecFacts | None = None


@dataclass(frozen=True, slots=True)
class SasExpired(Record):
    """SAs with these indexes, which a rekey has replaced, have gone."""

    index: int
    sas: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class IpsecTunnelEnded(Record):
    """A live IPsec tunnel is gone, with all its SAs. `start` and `counters` are as in IkeTunnelEnded."""

    index: int
    reason: EndReason
    peer: PeerKey
    facts: IpsecFacts
    start: int
    sas: tuple[Sa, ...]
    counters: Counts


@dataclass(frozen=True, slots=True)
class IpsecFailed(Record):
    """A phase 2 has failed (`index` 0), or packets of a live one were bad.

    `source` and `destination` are the packet's, which may have gone either way. `local_address` and `remote_address` are the
    pair's, as far as they are known. `spi` 0 is an SA that never existed, None an unknown one. `protocol`, "esp" or "ah", is the
    requested one, or that of the packet.
    `peer` and `cause` are as in IkeFailed.
    """

    reason: IpsecFailureReason
    source: Address | None
    destination: Address | None
    spi: int | None
    peer: PeerKey
    local_address: Address | None
    remote_address: Address | None
    index: int = 0
    protocol: str = "esp"
    cause: str = ""


@dataclass(frozen=True, slots=True)
class IpsecFaultCounted(Record):
    """Another packet with the reason of an existing failure row."""

    reason: IpsecFailureReason


@dataclass(frozen=True, slots=True)
class SaRefused(Record):
    """An SA was refused at the limit of `crypto call admission limit ipsec sa`."""


# --- messages and packets, which change no row ---


@dataclass(frozen=True, slots=True)
class IkeMessagePassed(Record):
    """A message of an ISAKMP SA has come, or was `sent`. The engine tells this only while somebody asks (`Reports.traced`).

    `state` is that of the SA then, in IOS's words; it is empty for a message that begins an SA here. `again` is a retransmission.
    `index` is that of the live tunnel, else 0.
    """

    sent: bool
    exchange: IkeExchange
    local_address: Address
    remote_address: Address
    local_port: int
    remote_port: int
    initiator: bool
    state: str
    message_id: int
    again: bool = False
    front_vrf: str | None = None
    index: int = 0


@dataclass(frozen=True, slots=True)
class IkeMessageRefused(Record):
    """A message of a peer was refused, or one to it could not be encrypted. The engine limits these records.

    `exchange` is what the message is of, None if that is not known. `index` is that of the live tunnel, else 0. `authentication` is
    the method whose proof failed.
    """

    fault: MessageFault
    local_address: Address
    remote_address: Address
    exchange: IkeExchange | None = None
    index: int = 0
    authentication: str | None = None


@dataclass(frozen=True, slots=True)
class PacketRefused(Record):
    """A packet to us was refused. The engine limits these records.

    The addresses, the protocol and the length are those of the IP packet as it came. `spi` and `sequence` are those of ESP or AH.
    `index` is that of the SA's tunnel, 0 if there is none. `inner` is the packet inside, where it was opened.
    """

    fault: PacketFault
    source: Address
    destination: Address
    protocol: int
    length: int
    spi: int = 0
    sequence: int = 0
    index: int = 0
    inner: InnerPacket | None = None


@dataclass(frozen=True, slots=True)
class DefaultsUsed(Record):
    """A negotiation uses default settings, because the configuration has none of the kind."""

    what: DefaultsKind


# --- associations and sessions ---


@dataclass(frozen=True, slots=True)
class PeerMoved(Record):
    """The remote end of an association, behind a NAT, has moved. `peer` is its key in cikePeerTable."""

    peer: PeerKey
    ends: PeerEnds


@dataclass(frozen=True, slots=True)
class SessionUp(Record):
    """An association has its first IPsec tunnel, whose record is the one before.

    `id` is the session's, which rises router-wide. `vrf` is the inside VRF. `start` is as in IkeTunnelStarted.
    """

    id: int
    peer: PeerKey
    ends: PeerEnds
    facts: SessionFacts
    start: int


@dataclass(frozen=True, slots=True)
class SessionDown(Record):
    """A session's last IPsec tunnel has ended, for this reason; its record is the one before. `totals` are the session's last."""

    id: int
    reason: EndReason
    peer: PeerKey
    ends: PeerEnds
    facts: SessionFacts
    start: int
    totals: SessionTotals


# --- settings, windows, VRFs ---


@dataclass(frozen=True, slots=True)
class VrfAdded(Record):
    """A VRF was added, with windows of these sizes."""

    tunnels: int
    failures: int


@dataclass(frozen=True, slots=True)
class VrfRemoved(Record):
    """A VRF was removed, with its windows and its settings. Its tunnels have ended before."""


@dataclass(frozen=True, slots=True)
class WindowsResized(Record):
    """The VRF keeps that many rows of history and of failures. None leaves a size unchanged."""

    tunnels: int | None = None
    failures: int | None = None


@dataclass(frozen=True, slots=True)
class TrapSwitched(Record):
    """A control scalar of the VRF's context has been set."""

    kind: TrapKind
    enabled: bool


@dataclass(frozen=True, slots=True)
class CheckPointed(Record):
    """Every live tunnel of the VRF was copied to history: index and counters of each."""

    ike: tuple[tuple[int, Counts], ...]
    ipsec: tuple[tuple[int, Counts], ...]


@dataclass(frozen=True, slots=True)
class WindowsRestored(Record):
    """A resize or a check-point was taken back: the VRF keeps so many rows again.

    Of each window the rows that had been dropped are back, oldest first. Those that the check-point had added to history are gone:
    `added_ike` and `added_ipsec` are their indexes.
    """

    tunnels: int
    failures: int
    ike_history: tuple[IkeHistory, ...] = ()
    ipsec_history: tuple[IpsecHistory, ...] = ()
    endpoint_history: tuple[EndpointHistory, ...] = ()
    ike_failures: tuple[IkeFailure, ...] = ()
    ipsec_failures: tuple[IpsecFailure, ...] = ()
    added_ike: tuple[int, ...] = ()
    added_ipsec: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CountersReported(Record):
    """The counters of every live tunnel of every VRF: index and counters of each.

    `sas` are the SAs that the engine counts separately.
    """

    ike: tuple[tuple[int, Counts], ...]
    ipsec: tuple[tuple[int, Counts], ...]
    sas: tuple[SaReported, ...] = ()


FlowRecord = (
    IkeTunnelStarted
    | IkeTunnelShortened
    | IkeTunnelRekeyed
    | IkeTunnelEnded
    | IkeFailed
    | IkeFaultCounted
    | IpsecTunnelStarted
    | SasInstalled
    | SasRetired
    | SasExpired
    | IpsecTunnelEnded
    | IpsecFailed
    | IpsecFaultCounted
    | SaRefused
    | IkeMessagePassed
    | IkeMessageRefused
    | PacketRefused
    | DefaultsUsed
    | PeerMoved
    | SessionUp
    | SessionDown
    | VrfAdded
    | VrfRemoved
    | WindowsResized
    | TrapSwitched
    | CheckPointed
    | WindowsRestored
    | CountersReported
)
