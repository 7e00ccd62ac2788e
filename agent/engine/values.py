"""Engine room: requests to an engine, and the values of their answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address
from typing import Final

from agent.base.clock import SECOND
from agent.flow.model import ISAKMP_PORTS, Address, IkeFacts, PeerEnds


class AnyVrf(Enum):
    """The VRF filter that takes every VRF. A name takes that VRF, and None the global table alone."""

    ANY = "any"


ANY: Final = AnyVrf.ANY
VrfFilter = str | None | AnyVrf


@dataclass(frozen=True, slots=True)
class SessionEnds:
    """The properties of a session that a filter compares: its ends, its VRFs, and our interface."""

    at: PeerEnds
    inside_vrf: str | None
    interface: str | None


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Selects sessions. A field that is None (a VRF: `ANY`) selects all."""

    local: Address | None = None
    local_port: int | None = None
    remote: Address | None = None
    remote_port: int | None = None
    front_vrf: VrfFilter = ANY
    inside_vrf: VrfFilter = ANY
    interface: str | None = None

    def takes(self, ends: SessionEnds) -> bool:
        """Whether the filter selects a session with these ends."""
        at = ends.at
        return (
            self.local in (None, at.local_address)
            and self.remote in (None, at.remote_address)
            and self.local_port in (None, at.local_port)
            and self.remote_port in (None, at.remote_port)
            and self.front_vrf in (ANY, at.front_vrf)
            and self.inside_vrf in (ANY, ends.inside_vrf)
            and self.interface in (None, ends.interface)
        )


EVERY_SESSION = SessionFilter()


@dataclass(frozen=True, slots=True)
class DestroyIke:
    """cikeTunStatus set to destroy: end the IKE tunnel of this cikeTunIndex, with a delete to the peer."""

    index: int


@dataclass(frozen=True, slots=True)
class DestroyIpsec:
    """cipSecTunStatus set to destroy: end the IPsec tunnel of this cipSecTunIndex, with deletes to the peer."""

    index: int


@dataclass(frozen=True, slots=True)
class ClearSessions:
    """`clear crypto session`: end the sessions' IPsec tunnels, then their IKE tunnels and set-ups under way."""

    wanted: SessionFilter = EVERY_SESSION


@dataclass(frozen=True, slots=True)
class ClearIsakmp:
    """`clear crypto isakmp [N]`: end the IKE tunnel of this index, or all. Their IPsec tunnels stay."""

    index: int | None = None


@dataclass(frozen=True, slots=True)
class ClearSas:
    """`clear crypto sa`: end the sessions' IPsec tunnels, or of these the tunnels of one crypto map. Their IKE tunnels stay."""

    wanted: SessionFilter = EVERY_SESSION
    map_name: str | None = None


Request = DestroyIke | DestroyIpsec | ClearSessions | ClearIsakmp | ClearSas


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an engine does not carry out a request, in words for the operator."""

    reason: str


@dataclass(frozen=True, slots=True)
class Phase1Sa:
    """A phase-1 SA: established, in negotiation, or deleted a short while ago. `source` is the initiator's address,
    `destination` the responder's.

    `state` is IOS's name for it ("MM_NO_STATE", "QM_IDLE", …). `index` is the tunnel's cikeTunIndex, 0 of an SA that was never
    up. `waiting` counts the phase-2 set-ups that wait for it. `facts` are the terms as far as the ends agreed on any, `start` is
    when it came up (microseconds).
    """

    source: Address
    destination: Address
    state: str
    index: int
    front_vrf: str | None = None
    inside_vrf: str | None = None
    waiting: int = 0
    status: str = "ACTIVE"
    initiator: bool = True  # whether we are
    local_port: int = ISAKMP_PORTS[0]
    remote_port: int = ISAKMP_PORTS[0]
    facts: IkeFacts | None = None
    start: int | None = None
    deleted: bool = False

    @property
    def negotiating(self) -> bool:
        return not self.index and not self.deleted

    @property
    def ends(self) -> PeerEnds:
        """Where the two ends are, ours first."""
        addresses = (self.source, self.destination) if self.initiator else (self.destination, self.source)
        return PeerEnds(self.front_vrf, *addresses, self.local_port, self.remote_port)


@dataclass(frozen=True, slots=True)
class PingRequest:
    """`size` is octets of the whole IP packet, `timeout` microseconds; no source means the outgoing interface's address.

    `hops` is the time to live: how many routers may pass a probe on, and one more.
    """

    destination: IPv4Address
    vrf: str | None = None
    source: IPv4Address | None = None
    repeat: int = 5
    size: int = 100
    timeout: int = 2 * SECOND
    hops: int = 255


class ProbeOutcome(Enum):
    """The outcome of one echo request; the value is what IOS prints for it."""

    REPLY = "!"
    TIMEOUT = "."
    UNREACHABLE = "U"
    EXPIRED = "&"  # its time to live was over


@dataclass(frozen=True, slots=True)
class Probe:
    """One echo request of a ping. `round_trip` is microseconds of the router's clock, 0 without an answer.

    `responder` is who has answered it, with a reply or with an error.
    """

    outcome: ProbeOutcome
    round_trip: int = 0
    responder: IPv4Address | None = None


@dataclass(frozen=True, slots=True)
class CryptoEngine:
    """What IOS calls a crypto engine: what encrypts and authenticates. `ciphers` are those that it has, by IOS's names.

    While it is not `working`, nothing is keyed, encrypted or decrypted.
    """

    working: bool = True
    ciphers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Admission:
    """The state of IKE's call admission control: limits (0: none), SAs, and requests by direction as (accepted, rejected)."""

    most_sas: int = 0
    most_negotiating: int = 0
    active: int = 0
    negotiating: int = 0
    incoming: tuple[int, int] = (0, 0)
    outgoing: tuple[int, int] = (0, 0)
    rejected_at_sas: int = 0
    rejected_at_negotiating: int = 0
    rejected_at_address: int = 0
