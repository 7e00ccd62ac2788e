"""Flow room: the facts of one VRF: live rows, sliding windows, sums and settings."""

from __future__ import annotations

from enum import IntEnum

from agent.base.ike_counters import IkeCounter
from agent.flow.counters import IpsecCounter, Totals
from agent.flow.model import (
    Address,
    EndpointHistory,
    EndpointPair,
    Identity,
    IkeFacts,
    IkeFailure,
    IkeHistory,
    IkeTunnel,
    IpsecFailure,
    IpsecHistory,
    IpsecTunnel,
    Peer,
    PeerEnds,
    PeerKey,
    Spi,
    nat_port_of,
)
from agent.flow.rows import LowestFree, Rows, Window
from agent.flow.settings import DEFAULT_TRAPS, TrapKind


class IkeEvents(IntEnum):
    """The counts of cikeGlobalStats that are not sums of tunnels' counters."""

    PREVIOUS = 0
    INITIATED = 1
    INITIATOR_FAILS = 2
    RESPONDER_FAILS = 3
    CAPACITY_FAILS = 4
    AUTHENTICATION_FAILS = 5
    DECRYPT_FAILS = 6
    HASH_FAILS = 7
    NO_SA_FAILS = 8


class IpsecEvents(IntEnum):
    """The counts of cipSecGlobalStats that are not sums of tunnels' counters."""

    PREVIOUS = 0
    PROTOCOL_USE_FAILS = 1
    NO_SA_FAILS = 2
    CAPACITY_FAILS = 3


# Identities, front VRF, addresses as numbers, and the port that a NAT gave the remote end or 0: a place has one association.
PeerPlace = tuple[Identity, Identity, str | None, int, int, int]


def place_of(key: PeerKey, ends: PeerEnds | IkeFacts) -> PeerPlace:
    """The place of an association with these identities and these ends."""
    return key.local, key.remote, ends.front_vrf, _number(ends.local_address), _number(ends.remote_address), nat_port_of(ends)


def _number(address: Address) -> int:
    """Another for each address, below 0 of IPv6. The hash of an address would take longer."""
    return int(address) if address.version == 4 else ~int(address)


class Namesakes:
    """The associations with the same identities, by cikePeerIntIndex, except the first (1)."""

    __slots__ = ("_free", "peers")

    def __init__(self) -> None:
        self._free = LowestFree(2)
        self.peers: dict[int, Peer] = {}

    def next(self) -> int:
        """The next cikePeerIntIndex."""
        return self._free.peek()

    def add(self, peer: Peer) -> None:
        self._free.take()
        self.peers[peer.key.internal] = peer

    def remove(self, peer: Peer) -> None:
        del self.peers[peer.key.internal]
        self._free.give_back(peer.key.internal)


class PeersByRemote:
    """The associations of each remote address. An address of one association alone costs a dictionary's entry, and no more."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[int, Peer | dict[Peer, None]] = {}

    def of(self, remote: Address) -> tuple[Peer, ...]:
        """Those of an address, oldest first."""
        found = self._found.get(_number(remote))
        return () if found is None else (found,) if isinstance(found, Peer) else tuple(found)

    def add(self, peer: Peer) -> None:
        number = _number(peer.remote_address)
        found = self._found.setdefault(number, peer)
        if isinstance(found, dict):
            found[peer] = None
        elif found is not peer:
            self._found[number] = {found: None, peer: None}

    def remove(self, peer: Peer) -> None:
        number = _number(peer.remote_address)
        found = self._found.get(number)
        if isinstance(found, dict):
            found.pop(peer, None)
            if not found:
                del self._found[number]
        elif found is peer:
            del self._found[number]


class VrfFlow:
    """One VRF's facts. Only the monitor's verbs change rows, windows and settings."""

    def __init__(self, name: str | None, tunnel_window: int, failure_window: int) -> None:
        self.name = name
        self.peers: Rows[PeerKey, Peer] = Rows()
        self.associations = 0  # that have ever had a row in `peers`
        # Associations may share their identities, and their rows come and go in any order.
        self.places: dict[PeerPlace, Peer] = {}
        self.by_remote = PeersByRemote()
        # Of associations that share both identities the first has cikePeerIntIndex 1, the others are here.
        self.namesakes: dict[tuple[Identity, Identity], Namesakes] = {}
        self.peer_links: Rows[tuple[PeerKey, int], IpsecTunnel] = Rows()
        self.ike_tunnels: Rows[int, IkeTunnel] = Rows()
        self.ipsec_tunnels: Rows[int, IpsecTunnel] = Rows()
        self.endpoints: Rows[tuple[int, int], EndpointPair] = Rows()
        self.spis: Rows[tuple[int, int], Spi] = Rows()
        self.ike_history: Window[IkeHistory] = Window(tunnel_window)
        self.ipsec_history: Window[IpsecHistory] = Window(tunnel_window)
        self.endpoint_history: Window[EndpointHistory] = Window(tunnel_window)
        self.ike_failures: Window[IkeFailure] = Window(failure_window)
        self.ipsec_failures: Window[IpsecFailure] = Window(failure_window)
        self.ike_totals = Totals(IkeCounter)
        self.ipsec_totals = Totals(IpsecCounter)
        self.ike_events = [0] * len(IkeEvents)
        self.ipsec_events = [0] * len(IpsecEvents)
        self.traps: set[TrapKind] = set(DEFAULT_TRAPS)

    @property
    def tunnel_window(self) -> int:
        """cipSecHistTableSize."""
        return self.ike_history.size

    @property
    def failure_window(self) -> int:
        """cipSecFailTableSize."""
        return self.ike_failures.size

    def resize_tunnel_windows(self, size: int) -> None:
        for window in (self.ike_history, self.ipsec_history, self.endpoint_history):
            window.resize(size)

    def resize_failure_windows(self, size: int) -> None:
        for window in (self.ike_failures, self.ipsec_failures):
            window.resize(size)

    def set_trap(self, kind: TrapKind, enabled: bool) -> None:
        (self.traps.add if enabled else self.traps.discard)(kind)
