"""Lab room: the life of a spoke as its hub sees it: lived by a hidden pair of routers, and written down as steps.

The pair are routers like any others, with the hub's own configuration and the spoke's, on a wire and under a virtual clock of their
own. Whatever their monitor and their counters say becomes a step, at its time since the spoke's first packet; what the steady
traffic counts does not, as long as it keeps to its `Law`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import sub
from typing import Protocol

from agent.base.clock import SECOND, VirtualClock
from agent.base.origin import TIMELINE
from agent.base.scheduler import Scheduler
from agent.crypto import ip
from agent.engine.port import Engine
from agent.engine.values import DestroyIke, DestroyIpsec
from agent.flow.counters import IpsecCounter, PeriodicCounters, Rhythm, Totals
from agent.flow.device import InterfaceCounter
from agent.flow.model import Address, IkeTunnel, IpsecTunnel
from agent.flow.monitor import FlowMonitor
from agent.flow.records import (
    FlowRecord,
    IkeFailed,
    IkeTunnelEnded,
    IkeTunnelStarted,
    IpsecFailed,
    IpsecTunnelEnded,
    IpsecTunnelStarted,
    Sa,
    SasExpired,
    SasInstalled,
)
from agent.lab.ping import ECHO_OVERHEAD
from agent.lab.router import Router
from agent.lab.spokes import steps
from agent.lab.spokes.steps import NOTHING_CROSSES, Amounts, Law, Step

PATIENCE = 300 * SECOND  # how long a set-up may take


class NoTunnelError(Exception):
    """The hub and a spoke do not come to a tunnel; the text says why not, as far as they know."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Packets of `size` octets, one each `period` (microseconds), between addresses as numbers."""

    source: int
    destination: int
    period: int
    size: int


class Half(Protocol):
    """One router of the pair."""

    @property
    def router(self) -> Router: ...

    @property
    def monitor(self) -> FlowMonitor: ...

    @property
    def engine(self) -> Engine: ...


class HiddenPair:
    """A hub and a spoke that nobody else sees; the spoke sends from the beginning on, and nothing happens but by `moment`."""

    def __init__(self, hub: Half, spoke: Half, scheduler: Scheduler, clock: VirtualClock, traffic: Traffic) -> None:
        self.hub = hub
        self.spoke = spoke
        self.monitor = hub.monitor
        self.traffic = traffic
        self._scheduler = scheduler
        self._clock = clock
        self._sent = 0
        self.lag: int | None = None  # looked at so long after each packet, whether or not it comes
        scheduler.at(0, self._send)

    def _send(self) -> None:
        traffic = self.traffic
        echo = ip.Echo(True, 0, self._sent & 0xFFFF, bytes(traffic.size - ECHO_OVERHEAD))
        self.spoke.router.send(ip.Packet(traffic.source, traffic.destination, ip.ICMP, ip.encode_echo(echo)), None)
        self._sent += 1
        self._scheduler.after(traffic.period, self._send)
        if self.lag is not None:
            self._scheduler.after(self.lag, lambda: None)

    def now(self) -> int:
        return self._clock.now()

    def next_time(self) -> int:
        due = self._scheduler.next_time()
        assert due is not None  # traffic never ends
        return due

    def moment(self) -> int:
        """Do all that happens at the next moment, and say when that was."""
        self._clock.advance(self.next_time())
        self._scheduler.run_due(self._clock.now())
        return self._clock.now()

    def settle(self) -> None:
        """Do what is still to happen now."""
        self._scheduler.run_due(self._clock.now())

    def until(self, done: Callable[[], bool]) -> bool:
        """Go on until something is so; whether it was within our patience."""
        end = self._clock.now() + PATIENCE + self.traffic.period  # its first packet may be one period away
        while not done():
            if self.next_time() > end:
                return False
            self.moment()
        return True

    def crossed(self) -> dict[str, Amounts]:
        return {state.name: tuple(state.counters) for state in self.hub.router.device.interfaces.values()}

    def first(self) -> tuple[IkeTunnel, IpsecTunnel]:
        """Its tunnels, once they are up. Raises NoTunnelError."""
        if not self.until(lambda: bool(self.monitor.ipsec_tunnels) and bool(self.monitor.ike_tunnels)):
            raise NoTunnelError(self._trouble())
        return next(iter(self.monitor.ike_tunnels.values())), next(iter(self.monitor.ipsec_tunnels.values()))

    def _trouble(self) -> str:
        for whose, monitor in (("the hub", self.hub.monitor), ("the spoke", self.spoke.monitor)):
            for flow in monitor.vrfs():
                for phase, failures in (("IKE", flow.ike_failures), ("IPsec", flow.ipsec_failures)):
                    for failure in failures.values():
                        return f"{whose} has an {phase} failure, {failure.reason.value}"
        return "its traffic needs none"


def measure(pair: HiddenPair) -> Law:
    """What one packet does at the hub, and how long after it was sent. Raises NoTunnelError."""
    period = pair.traffic.period
    _, tunnel = pair.first()
    end = pair.now() + 3 * period
    at = pair.now()
    while pair.next_time() <= end and tunnel in pair.monitor.ipsec_tunnels.values():
        counted, crossed = tunnel.counters.snapshot(at), pair.crossed()
        at = pair.moment()
        step = _difference(tunnel.counters.snapshot(at), counted)
        if step[IpsecCounter.IN_PACKETS]:
            crossing = {name: Rhythm(period, _difference(values, crossed[name])) for name, values in pair.crossed().items()}
            return Law(period, at % period, Rhythm(period, step), {name: each for name, each in crossing.items() if any(each.step)})
    return Law(period, 0, Rhythm(period, (0,) * len(IpsecCounter)), {})


@dataclass(frozen=True, slots=True)
class Farewell:
    """What it costs the hub to end a tunnel of a spoke: of the IKE tunnel's counters, and by interface."""

    counted: Amounts
    crossed: dict[str, Amounts]


def measure_farewells(pair: HiddenPair) -> tuple[Farewell, Farewell]:
    """Of one bundle of SAs, and of an ISAKMP SA. Raises NoTunnelError."""

    def measured(ike: IkeTunnel, act: Callable[[], object]) -> Farewell:
        counted, crossed = ike.counters.snapshot(pair.now()), pair.crossed()
        act()
        pair.settle()
        after = {name: _difference(values, crossed[name]) for name, values in pair.crossed().items()}
        return Farewell(
            _difference(ike.counters.snapshot(pair.now()), counted),
            {name: amounts for name, amounts in after.items() if any(amounts)},
        )

    ike, ipsec = pair.first()
    bundle = measured(ike, lambda: pair.hub.engine.do(DestroyIpsec(ipsec.index), TIMELINE))
    ike, _ = pair.first()
    return bundle, measured(ike, lambda: pair.hub.engine.do(DestroyIke(ike.index), TIMELINE))


@dataclass(frozen=True, slots=True)
class Moment:
    """What happens to a spoke, so many microseconds after its first packet."""

    offset: int
    steps: tuple[Step, ...]


@dataclass(slots=True)
class _Followed:
    """A tunnel of the pair, and what its counters are known to be."""

    tunnel: IpsecTunnel
    expected: PeriodicCounters


class Life:
    """The moments of a hidden spoke's life, as far as it has been lived."""

    def __init__(self, pair: HiddenPair, law: Law) -> None:
        self.moments: list[Moment] = []
        self.law = law
        self._pair = pair
        pair.lag = law.lag
        self._steps: list[Step] = []
        self._ikes: list[IkeTunnel] = []
        self._counted: list[Amounts] = []  # of each of these
        self._ipsecs: dict[int, _Followed] = {}  # by cipSecTunIndex
        self._crossed = {name: Totals(InterfaceCounter) for name in pair.crossed()}
        self._phase1: steps.IkeUp | None = None
        self._writers: dict[type, Callable[..., None]] = {
            IkeTunnelStarted: self._ike_started,
            IkeTunnelEnded: self._ike_ended,
            IpsecTunnelStarted: self._ipsec_started,
            IpsecTunnelEnded: self._ipsec_ended,
            SasInstalled: self._installed,
            SasExpired: self._expired,
            IkeFailed: self._ike_failed,
            IpsecFailed: self._ipsec_failed,
        }
        pair.monitor.subscribe(self._heard)

    @property
    def after_phase1(self) -> int:
        """The first moment for a spoke that has an IKE tunnel: what comes before is the making of one."""
        for number, moment in enumerate(self.moments):
            if any(isinstance(step, steps.IpsecUp) for step in moment.steps):
                return number
            if any(isinstance(step, steps.IkeUp) for step in moment.steps):
                return number + 1
        return len(self.moments)

    def next_time(self) -> int:
        """When something happens next that may be a step."""
        return self._pair.next_time()

    def go_on(self) -> bool:
        """Live the next moment; whether anything came of it, which is then the last of `moments`."""
        at = self._pair.moment()
        self._count(at)
        if not self._steps:
            return False
        self.moments.append(Moment(at, tuple(self._steps)))
        self._steps.clear()
        return True

    # --- what the monitor tells ---

    def _heard(self, event: FlowRecord) -> None:
        write = self._writers.get(type(event))
        if write:
            write(event)

    def _ike_started(self, event: IkeTunnelStarted) -> None:
        counted = _known(event.counters)
        self._ikes.append(self._pair.monitor.ike_tunnels[event.index])
        self._counted.append(counted)
        self._phase1 = steps.IkeUp(event.vrf, event.facts, counted)
        self._steps.append(self._phase1)

    def _ike_ended(self, event: IkeTunnelEnded) -> None:
        place = self._place_of(event.index)
        assert place is not None
        self._count_ike(place, event.at)
        del self._ikes[place], self._counted[place]
        self._steps.append(steps.IkeEnded(place, event.reason))

    def _place_of(self, index: int) -> int | None:
        return next((place for place, tunnel in enumerate(self._ikes) if tunnel.index == index), None)

    def _ipsec_started(self, event: IpsecTunnelStarted) -> None:
        counted, begin = _known(event.counters), self.law.beginning(0, event.at)
        tunnel = self._pair.monitor.ipsec_tunnels[event.index]
        self._ipsecs[event.index] = _Followed(tunnel, PeriodicCounters(counted, self.law.tunnel, begin))
        for name, rhythm in self.law.interfaces.items():
            PeriodicCounters(NOTHING_CROSSES, rhythm, begin).join(self._crossed[name])
        self._steps.append(steps.IpsecUp(event.facts, _shape(event.sas), counted))

    def _ipsec_ended(self, event: IpsecTunnelEnded) -> None:
        self._count_ipsec(event.index, event.at)
        followed = self._ipsecs.pop(event.index)
        for name, rhythm in self.law.interfaces.items():
            PeriodicCounters(NOTHING_CROSSES, rhythm, followed.expected.start).leave(self._crossed[name], event.at)
        self._steps.append(steps.IpsecEnded(followed.tunnel.peer_link, event.reason))

    def _installed(self, event: SasInstalled) -> None:
        assert self._phase1 is not None
        link = self._ipsecs[event.index].tunnel.peer_link
        self._steps.append(steps.Rekeyed(self._phase1, link, event.facts, _shape(event.sas), frozenset(event.replaced)))

    def _expired(self, event: SasExpired) -> None:
        self._steps.append(steps.SasGone(self._ipsecs[event.index].tunnel.peer_link, frozenset(event.sas)))

    def _ike_failed(self, event: IkeFailed) -> None:
        identities, addresses = (event.local, event.remote), _ends(event.local_address, event.remote_address)
        place = self._place_of(event.index)
        self._steps.append(steps.IkeFailed(event.vrf, event.reason, identities, addresses, event.initiator, place))

    def _ipsec_failed(self, event: IpsecFailed) -> None:
        followed = self._ipsecs.get(event.index)
        link = followed.tunnel.peer_link if followed else None
        inbound = event.source == event.remote_address
        addresses = _ends(event.source, event.destination)
        self._steps.append(steps.IpsecFailed(event.vrf, event.reason, addresses, inbound, link, event.protocol))

    # --- what is counted ---

    def _count(self, at: int) -> None:
        for place in range(len(self._ikes)):
            self._count_ike(place, at)
        for index in self._ipsecs:
            self._count_ipsec(index, at)
        for name, values in self._pair.crossed().items():
            known = self._crossed[name]
            amounts = _difference(values, tuple(known.value(counter, at) for counter in InterfaceCounter))
            if any(amounts):
                known.add_all(amounts)
                self._steps.append(steps.Crossed(name, amounts))

    def _count_ike(self, place: int, at: int) -> None:
        values = _known(self._ikes[place].counters.snapshot(at))
        amounts = _difference(values, self._counted[place])
        if any(amounts):
            self._counted[place] = values
            self._steps.append(steps.IkeCounted(place, amounts))

    def _count_ipsec(self, index: int, at: int) -> None:
        followed = self._ipsecs[index]
        amounts = _difference(followed.tunnel.counters.snapshot(at), followed.expected.snapshot(at))
        if any(amounts):
            followed.expected.add_all(amounts)
            self._steps.append(steps.IpsecCounted(followed.tunnel.peer_link, amounts))


def _known(values: tuple[int | None, ...]) -> Amounts:
    """A lab router knows all of its numbers."""
    return tuple(value or 0 for value in values)


def _ends(one: Address | None, other: Address | None) -> tuple[Address, Address]:
    """It knows its addresses, too."""
    assert one is not None
    assert other is not None
    return one, other


def _difference(values: tuple[int | None, ...], before: tuple[int | None, ...]) -> Amounts:
    return tuple(map(sub, _known(values), _known(before)))


def _shape(sas: tuple[Sa, ...]) -> tuple[tuple[bool, str], ...]:
    return tuple((sa.inbound, sa.protocol) for sa in sas)
