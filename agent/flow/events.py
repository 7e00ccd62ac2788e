"""Flow room: what happened, as frozen values. Each verb of the monitor emits one.

`vrf` is the VRF whose context the event belongs to, None the global table. Rows in an event are those of the monitor: a row that
has ended no longer moves, a live one may.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.flow.model import (
    Address,
    EndReason,
    IkeFailure,
    IkeHistory,
    IkeTunnel,
    IpsecFailure,
    IpsecHistory,
    IpsecTunnel,
    PeerKey,
    Spi,
)


@dataclass(frozen=True, slots=True)
class IkeTunnelStarted:
    vrf: str | None
    tunnel: IkeTunnel


@dataclass(frozen=True, slots=True)
class IkeTunnelShortened:
    """The tunnel has a shorter lifetime than it came up with."""

    vrf: str | None
    tunnel: IkeTunnel


@dataclass(frozen=True, slots=True)
class IkeTunnelEnded:
    """`failure` is the failure row of an end that is not a normal expiry."""

    vrf: str | None
    tunnel: IkeTunnel
    reason: EndReason
    history: IkeHistory
    failure: IkeFailure | None


@dataclass(frozen=True, slots=True)
class IpsecTunnelStarted:
    vrf: str | None
    tunnel: IpsecTunnel


@dataclass(frozen=True, slots=True)
class IpsecTunnelEnded:
    """`spis` are the SAs that ended with it; `failure` is as in IkeTunnelEnded."""

    vrf: str | None
    tunnel: IpsecTunnel
    reason: EndReason
    history: IpsecHistory
    failure: IpsecFailure | None
    spis: tuple[Spi, ...]


@dataclass(frozen=True, slots=True)
class SasInstalled:
    """A rekey put a new bundle beside the old one, which is now expiring."""

    vrf: str | None
    tunnel: IpsecTunnel
    spis: tuple[Spi, ...]


@dataclass(frozen=True, slots=True)
class SasExpired:
    vrf: str | None
    tunnel: IpsecTunnel
    spis: tuple[Spi, ...]


@dataclass(frozen=True, slots=True)
class IkeFailed:
    """A phase 1 that did not come about (`initiator` says whose), or trouble with a live one (`tunnel`).

    `peer` is the key that the pair has or would have in cikePeerTable. `cause` is why, in the engine's words, where it has any.
    """

    vrf: str | None
    failure: IkeFailure
    peer: PeerKey
    initiator: bool | None
    tunnel: IkeTunnel | None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class IpsecFailed:
    """A phase 2 that did not come about (`tunnel` is None), or trouble with the packets of a live one.

    `peer` is the key that the pair has or would have in cikePeerTable, and the addresses are that pair's: those of `failure` are
    the packet's, which may have come either way. `protocol` is the one that was asked for, or that the packet is of: "esp" or "ah".
    """

    vrf: str | None
    failure: IpsecFailure
    peer: PeerKey
    tunnel: IpsecTunnel | None
    local_address: Address
    remote_address: Address
    protocol: str = "esp"
    cause: str = ""  # why, in the engine's words, where it has any


@dataclass(frozen=True, slots=True)
class SaRefused:
    """An SA was refused at the ceiling of `crypto call admission limit ipsec sa`."""

    vrf: str | None


@dataclass(frozen=True, slots=True)
class CheckPointed:
    vrf: str | None


FlowEvent = (
    IkeTunnelStarted
    | IkeTunnelShortened
    | IkeTunnelEnded
    | IpsecTunnelStarted
    | IpsecTunnelEnded
    | SasInstalled
    | SasExpired
    | IkeFailed
    | IpsecFailed
    | SaRefused
    | CheckPointed
)
