"""Lab room: what happens to a spoke at its hub, as steps: recorded once of a hidden spoke, then taken by each of the others.

A step names tunnels as the pair has them: an IKE tunnel by its place among the pair's, an IPsec tunnel by its number there. One
that is not there (an operator has ended it) has no step to take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from agent.crypto.ciphers import RandomSource
from agent.crypto.sad import Sad
from agent.flow.counters import PeriodicCounters, Rhythm, SteppedCounters
from agent.flow.device import Device, InterfaceCounter
from agent.flow.model import (
    Address,
    EndReason,
    Identity,
    IkeFacts,
    IkeFailureReason,
    IkeTunnel,
    IpsecFacts,
    IpsecFailureReason,
    IpsecTunnel,
    Peer,
)
from agent.flow.monitor import FlowMonitor, NewSpi
from agent.lab.ipsec.tunnels import Installed
from agent.lab.spokes.numbers import SpokeNumbers

Amounts = tuple[int, ...]
_KEPT = 4096  # tuples of numbers that are looked for again
_LOWEST_SPI = 256
NOTHING_CROSSES: Amounts = (0,) * len(InterfaceCounter)


@dataclass(frozen=True, slots=True)
class Law:
    """What steady traffic does at the hub, measured: `lag` microseconds after a spoke has sent, it is counted there."""

    period: int
    lag: int
    tunnel: Rhythm
    interfaces: Mapping[str, Rhythm]

    def beginning(self, born: int, now: int) -> int:
        """The last moment, now at the latest, at which a packet of a spoke would have been counted that was born then."""
        return now - (now - born - self.lag) % self.period


class Spoke:
    """One spoke: when its life began (microseconds), what calls it to its steps, and its row in the hub's monitor.

    `apart` is an IKE tunnel that is younger or older than those of the others: it expires by itself.
    """

    __slots__ = ("apart", "born", "caller", "number", "peer")

    def __init__(self, number: int, born: int) -> None:
        self.number = number
        self.born = born
        self.caller: object = None
        self.peer: Peer | None = None
        self.apart: IkeTunnel | None = None

    @property
    def lives(self) -> bool:
        """Whether it has a tunnel of either phase."""
        return self.peer is not None and bool(self.peer.ike_tunnels or self.peer.ipsec_tunnels)

    def ike(self, place: int = -1) -> IkeTunnel | None:
        """The pair's IKE tunnel at a place, the newest by default."""
        found = self.peer.ike_tunnels if self.peer else ()
        return found[place] if -1 <= place < len(found) and found else None

    def ipsec(self, link: int = 1) -> IpsecTunnel | None:
        """The pair's IPsec tunnel of a number, the first by default."""
        return self.peer.ipsec_tunnels.get(link) if self.peer else None


class Stage:
    """The hub as its spokes act on it: each changes the monitor by its verbs, and what crosses the hub's interfaces.

    `room` says how many more SAs the configuration allows, None for any number. `apart` is told of a spoke whose new IKE tunnel
    will not expire with those of the others, `refused` of one that has found no room.
    """

    def __init__(
        self,
        monitor: FlowMonitor,
        device: Device,
        sad: Sad[Installed],
        random: RandomSource,
        numbers: SpokeNumbers,
        law: Law,
        room: Callable[[], int | None],
    ) -> None:
        self.monitor = monitor
        self.numbers = numbers
        self.random = random
        self.law = law
        self.apart: Callable[[Spoke], None] = lambda spoke: None
        self.refused: Callable[[Spoke], None] = lambda spoke: None
        self._room = room
        self._device = device
        self._sad = sad
        self._known: dict[Amounts, Amounts] = {}

    def keep(self, values: Amounts) -> Amounts:
        """Equal numbers are one tuple: spokes that have come as far as each other share theirs."""
        if len(self._known) > _KEPT:
            self._known.clear()
        return self._known.setdefault(values, values)

    def new_spis(self, shape: Iterable[tuple[bool, str]]) -> list[NewSpi]:
        """Those that come in are ours, and nobody else's at the hub; the others are the spoke's choice."""
        return [
            NewSpi(inbound, protocol, self._sad.new_spi(self.random) if inbound else self._any_spi()) for inbound, protocol in shape
        ]

    def _any_spi(self) -> int:
        return max(_LOWEST_SPI, int.from_bytes(self.random.take(4), "big"))

    def has_room(self, sas: int) -> bool:
        """Whether the ceiling of SAs leaves room for so many more; each that comes in has one that goes out."""
        room = self._room()
        return room is None or sas <= room

    def release(self, spis: Iterable[int]) -> None:
        for spi in spis:
            self._sad.release(spi)

    def crossed(self, interface: str, amounts: Amounts) -> None:
        state = self._device.interface(interface)
        if state is not None:
            state.steady.add_all(amounts)

    def cross(self, begin: int) -> None:
        """Traffic goes through a tunnel from now on."""
        for name, rhythm in self.law.interfaces.items():
            if (state := self._device.interface(name)) is not None:
                PeriodicCounters(NOTHING_CROSSES, rhythm, begin).join(state.steady)

    def cross_no_more(self, begin: int) -> None:
        now = self.monitor.clock.now()
        for name, rhythm in self.law.interfaces.items():
            if (state := self._device.interface(name)) is not None:
                PeriodicCounters(NOTHING_CROSSES, rhythm, begin).leave(state.steady, now)

    def end_ipsec(self, tunnel: IpsecTunnel, reason: EndReason) -> None:
        counters = tunnel.counters
        assert isinstance(counters, PeriodicCounters)
        self.release(spi.value for spi in tunnel.spis if spi.inbound)
        self.cross_no_more(counters.start)
        self.monitor.ipsec_ended(tunnel, reason)


# --- the steps ---


@dataclass(frozen=True, slots=True)
class IkeUp:
    vrf: str | None
    facts: IkeFacts
    counted: Amounts

    def take(self, spoke: Spoke, stage: Stage) -> None:
        """A spoke that has an IKE tunnel from before goes on with it."""
        if spoke.ike() is None:
            facts = stage.numbers.ike_facts(self.facts, spoke.number, stage.random)
            spoke.peer = stage.monitor.ike_up(self.vrf, facts, SteppedCounters(self.counted)).peer


@dataclass(frozen=True, slots=True)
class IkeCounted:
    place: int
    amounts: Amounts

    def take(self, spoke: Spoke, stage: Stage) -> None:
        tunnel = spoke.ike(self.place)
        if tunnel is not None and isinstance(tunnel.counters, SteppedCounters):
            tunnel.counters.add_all(self.amounts, stage.keep)


@dataclass(frozen=True, slots=True)
class IkeEnded:
    place: int
    reason: EndReason

    def take(self, spoke: Spoke, stage: Stage) -> None:
        tunnel = spoke.ike(self.place)
        if tunnel is not None and tunnel is not spoke.apart:
            stage.monitor.ike_ended(tunnel, self.reason)


@dataclass(frozen=True, slots=True)
class IpsecUp:
    facts: IpsecFacts
    shape: tuple[tuple[bool, str], ...]
    counted: Amounts

    def take(self, spoke: Spoke, stage: Stage) -> None:
        ike = spoke.ike()
        if ike is None:
            return
        facts = stage.numbers.ipsec_facts(self.facts, spoke.number)
        if not stage.has_room(len(self.shape)):
            ends = (facts.remote_address, facts.local_address)
            reason, asked = IpsecFailureReason.CAPACITY, facts.protocol
            stage.monitor.ipsec_failed(ike.vrf, reason, *ends, peer=ike.peer, inbound=True, protocol=asked)
            stage.monitor.sa_refused(ike.vrf)
            stage.refused(spoke)
            return
        begin = stage.law.beginning(spoke.born, stage.monitor.clock.now())
        counters = PeriodicCounters(self.counted, stage.law.tunnel, begin)
        stage.monitor.ipsec_up(ike, facts, stage.new_spis(self.shape), counters)
        stage.cross(begin)


@dataclass(frozen=True, slots=True)
class IpsecCounted:
    link: int
    amounts: Amounts

    def take(self, spoke: Spoke, stage: Stage) -> None:
        tunnel = spoke.ipsec(self.link)
        if tunnel is not None and isinstance(tunnel.counters, PeriodicCounters):
            tunnel.counters.add_all(self.amounts, stage.keep)


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """`phase1` comes first where there is no IKE tunnel, as with a spoke whose own an operator has ended.

    `replaced` are the cipSecSpiIndexes of the SAs that are expiring from now on.
    """

    phase1: IkeUp
    link: int
    facts: IpsecFacts
    shape: tuple[tuple[bool, str], ...]
    replaced: frozenset[int]

    def take(self, spoke: Spoke, stage: Stage) -> None:
        tunnel = spoke.ipsec(self.link)
        if tunnel is not None:
            if spoke.ike() is None:
                self.phase1.take(spoke, stage)
                stage.apart(spoke)
            facts = stage.numbers.ipsec_facts(self.facts, spoke.number)
            replaced = [spi for spi in tunnel.spis if spi.index in self.replaced]
            # Terms that are the same stay one object: there may be a hundred thousand of them.
            stage.monitor.sas_installed(
                tunnel, stage.new_spis(self.shape), tunnel.facts if facts == tunnel.facts else facts, replaced
            )


@dataclass(frozen=True, slots=True)
class SasGone:
    """`indexes` are those of cipSecSpiTable within the tunnel."""

    link: int
    indexes: frozenset[int]

    def take(self, spoke: Spoke, stage: Stage) -> None:
        tunnel = spoke.ipsec(self.link)
        gone = [spi for spi in tunnel.spis if spi.index in self.indexes] if tunnel else []
        if tunnel is not None and gone:
            stage.release(spi.value for spi in gone if spi.inbound)
            stage.monitor.sas_expired(tunnel, gone)


@dataclass(frozen=True, slots=True)
class IpsecEnded:
    link: int
    reason: EndReason

    def take(self, spoke: Spoke, stage: Stage) -> None:
        tunnel = spoke.ipsec(self.link)
        if tunnel is not None:
            stage.end_ipsec(tunnel, self.reason)


@dataclass(frozen=True, slots=True)
class IkeFailed:
    """`place` is that of the tunnel that had trouble, None of a set-up that failed (`initiator` says whose)."""

    vrf: str | None
    reason: IkeFailureReason
    identities: tuple[Identity | None, Identity | None]
    addresses: tuple[Address, Address]
    initiator: bool | None
    place: int | None

    def take(self, spoke: Spoke, stage: Stage) -> None:
        numbers = stage.numbers
        local, remote = self.identities
        ends = numbers.pair(self.addresses, spoke.number)
        identity = numbers.identity(remote, spoke.number) if remote else None
        tunnel = spoke.ike(self.place) if self.place is not None else None
        stage.monitor.ike_failed(self.vrf, self.reason, *ends, local, identity, self.initiator, tunnel)


@dataclass(frozen=True, slots=True)
class IpsecFailed:
    """`link` is that of the tunnel whose packets were bad, None of a set-up that failed."""

    vrf: str | None
    reason: IpsecFailureReason
    addresses: tuple[Address, Address]
    inbound: bool
    link: int | None
    protocol: str

    def take(self, spoke: Spoke, stage: Stage) -> None:
        ends = stage.numbers.pair(self.addresses, spoke.number)
        tunnel = spoke.ipsec(self.link) if self.link is not None else None
        stage.monitor.ipsec_failed(
            self.vrf, self.reason, *ends, tunnel=tunnel, peer=spoke.peer, inbound=self.inbound, protocol=self.protocol
        )


@dataclass(frozen=True, slots=True)
class Crossed:
    """What crossed an interface out of rhythm: ISAKMP datagrams, most of all."""

    interface: str
    amounts: Amounts

    def take(self, spoke: Spoke, stage: Stage) -> None:
        stage.crossed(self.interface, self.amounts)


Step = IkeUp | IkeCounted | IkeEnded | IpsecUp | IpsecCounted | Rekeyed | SasGone | IpsecEnded | IkeFailed | IpsecFailed | Crossed
