"""Lab room: spokes for scale: many peers of a hub that each live the life which one hidden spoke has lived.

A spoke's life begins with its first packet. Spokes whose lives begin one after the other are a *cohort*; a moment of the life goes
through a cohort as a wave, from its first spoke to its last, so that a cohort of any size takes one timer for each wave under way.
A spoke that an operator has robbed of its tunnel leaves its cohort, and begins anew with its next packet.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from agent.base.clock import SECOND
from agent.base.scheduler import Scheduler
from agent.flow.counters import SteppedCounters
from agent.flow.model import Address, EndReason, IkeTunnel, IpsecTunnel
from agent.lab.spokes.life import Farewell, Life, Moment
from agent.lab.spokes.numbers import FIRST, SpokeNumbers
from agent.lab.spokes.steps import Spoke, Stage

_AT_ONCE = 8  # spokes that are served before others get their turn
_CLEARED_AT_ONCE = 32
_MANY = 1000  # spokes that have taken steps: enough to be told of


class Cohort:
    """Spokes in the order in which their lives begin, and when; `next_wave` is the moment whose wave has not begun yet."""

    __slots__ = ("births", "next_wave", "spokes")

    def __init__(self, spokes: list[Spoke], next_wave: int) -> None:
        self.spokes = spokes
        self.births = array("q", [spoke.born for spoke in spokes])
        self.next_wave = next_wave
        for spoke in spokes:
            spoke.caller = self

    @property
    def is_left(self) -> bool:
        """Whether none of its spokes is of it any more."""
        return not any(spoke.caller is self for spoke in self.spokes)


@dataclass(slots=True, eq=False)
class Wave:
    """One moment on its way through a cohort; `at` is the place of the spoke that is next."""

    cohort: Cohort
    number: int
    moment: Moment
    at: int = 0


@dataclass(frozen=True, slots=True)
class Beginning:
    """When spokes send their first packets: the first of them at `start`, the others spread `over` a time (microseconds)."""

    start: int
    over: int

    def of(self, number: int, count: int) -> int:
        return self.start + self.over * (number - FIRST) // count


class Spokes:
    """The spokes of one [[spokes]] section at their hub. `farewells`: the cost of ending a bundle, and an ISAKMP SA.

    `grown` is called whenever many of them have made something that lasts.
    """

    def __init__(
        self,
        numbers: SpokeNumbers,
        life: Life,
        stage: Stage,
        farewells: tuple[Farewell, Farewell],
        scheduler: Scheduler,
        beginning: Beginning,
    ) -> None:
        self._numbers = numbers
        self._life = life
        self._stage = stage
        self._bundle_farewell, self._ike_farewell = farewells
        self._scheduler = scheduler
        self._beginning = beginning
        self._spokes = [Spoke(number, beginning.of(number, numbers.count)) for number in range(FIRST, numbers.count + FIRST)]
        self.grown: Callable[[], None] = lambda: None
        self._since_grown = 0
        self._waiting: list[Cohort] = []  # for a moment that has not been lived yet
        stage.apart = self._apart
        stage.refused = lambda spoke: self._begin_anew([spoke])

    def start(self) -> None:
        self._begin(self._spokes)
        self._watch()

    # --- life ---

    def _watch(self) -> None:
        """Have the hidden spoke live along with the first of ours."""
        self._scheduler.at(self._beginning.start + self._life.next_time(), self._go_on)

    def _go_on(self) -> None:
        if self._life.go_on():
            waiting, self._waiting = self._waiting, []
            for cohort in waiting:
                self._next_wave(cohort)
        self._watch()

    def _begin(self, spokes: list[Spoke], first_wave: int = 0) -> None:
        """Begin the life of spokes that are in the order of their births."""
        self._next_wave(Cohort(spokes, first_wave))

    def _next_wave(self, cohort: Cohort) -> None:
        number = cohort.next_wave
        if cohort.is_left:
            return
        if number < len(self._life.moments):
            cohort.next_wave += 1
            self._await(Wave(cohort, number, self._life.moments[number]))
        else:
            self._waiting.append(cohort)

    def _await(self, wave: Wave) -> None:
        self._scheduler.at(wave.cohort.births[wave.at] + wave.moment.offset, partial(self._roll, wave))

    def _roll(self, wave: Wave) -> None:
        """Have the spokes whose time has come take the moment's steps, a few at once."""
        cohort, stage = wave.cohort, self._stage
        spokes, births = cohort.spokes, cohort.births
        first = wave.at
        born = self._scheduler.clock.now() - wave.moment.offset
        end = min(wave.at + _AT_ONCE, len(spokes))
        while wave.at < end and births[wave.at] <= born:
            spoke = spokes[wave.at]
            wave.at += 1
            if spoke.caller is cohort:
                for step in wave.moment.steps:
                    step.take(spoke, stage)
        if first == 0:
            self._next_wave(cohort)
        self._grow(wave.at - first)
        if wave.at < len(spokes):
            self._await(wave)

    def _grow(self, count: int) -> None:
        self._since_grown += count
        if self._since_grown >= _MANY:
            self._since_grown = 0
            self.grown()

    # --- what an operator does ---

    def owner_of(self, tunnel: IkeTunnel | IpsecTunnel | None) -> Spoke | None:
        """The spoke of a tunnel; None where it is not one of ours, or not live any more."""
        number = self._numbers.number_of(tunnel.facts.remote_address) if tunnel else None
        if tunnel is None or number is None:
            return None
        spoke, monitor = self._spokes[number - FIRST], self._stage.monitor
        rows = monitor.ike_tunnels if isinstance(tunnel, IkeTunnel) else monitor.ipsec_tunnels
        return spoke if spoke.peer is tunnel.peer and rows.get(tunnel.index) is tunnel else None

    def owner_of_ike(self, index: int) -> Spoke | None:
        return self.owner_of(self._stage.monitor.ike_tunnels.get(index))

    def end(self, spoke: Spoke, *, ike: bool = False, ipsec: bool = False) -> None:
        """End a spoke's tunnels of one phase or both, each with its delete.

        An IPsec tunnel whose IKE tunnel goes lives on, and its next rekey makes another; without an IPsec tunnel, the spoke's next
        packet makes one.
        """
        self._part([spoke], ike, ipsec)

    def clear(self, takes: Callable[[Spoke], bool], *, remote: Address | None = None, ike: bool = True, ipsec: bool = True) -> None:
        """End the tunnels, of one phase or both, of the spokes that are taken; of many spokes a few at once."""
        number = self._numbers.number_of(remote) if remote is not None else None
        spokes = iter(self._spokes if remote is None else self._spokes[number - FIRST : number] if number else ())
        monitor = self._stage.monitor
        origin = monitor.origin

        def go_on() -> None:
            few = list(islice(spokes, _CLEARED_AT_ONCE))
            with monitor.caused_by(origin):
                self._part([spoke for spoke in few if spoke.lives and takes(spoke)], ike, ipsec)
            if few:
                self._scheduler.after(0, go_on)

        go_on()

    def living(self) -> Iterator[Spoke]:
        """Spokes with a tunnel of either phase."""
        return (spoke for spoke in self._spokes if spoke.lives)

    def _part(self, spokes: Iterable[Spoke], ike: bool, ipsec: bool) -> None:
        robbed = []
        for spoke in spokes:
            assert spoke.peer is not None
            for link in list(spoke.peer.ipsec_tunnels) if ipsec else ():
                self._part_ipsec(spoke.peer.ipsec_tunnels[link])
            for tunnel in list(spoke.peer.ike_tunnels) if ike else ():
                self._end_ike(tunnel, EndReason.OPERATOR)
            if not spoke.peer.ipsec_tunnels:
                robbed.append(spoke)
        self._begin_anew(robbed)

    def _end_ike(self, tunnel: IkeTunnel, reason: EndReason) -> None:
        self._pay(tunnel, self._ike_farewell)
        self._stage.monitor.ike_ended(tunnel, reason)

    def _part_ipsec(self, tunnel: IpsecTunnel) -> None:
        if tunnel.ike is not None:
            for _ in range(sum(spi.inbound for spi in tunnel.spis) // len({spi.protocol for spi in tunnel.spis})):
                self._pay(tunnel.ike, self._bundle_farewell)
        self._stage.end_ipsec(tunnel, EndReason.OPERATOR)

    def _pay(self, tunnel: IkeTunnel, farewell: Farewell) -> None:
        assert isinstance(tunnel.counters, SteppedCounters)
        tunnel.counters.add_all(farewell.counted, self._stage.keep)
        for name, amounts in farewell.crossed.items():
            self._stage.crossed(name, amounts)

    def _begin_anew(self, spokes: Iterable[Spoke]) -> None:
        """Spokes without an IPsec tunnel want one with their next packet: main mode first where there is no IKE tunnel either."""
        now, period = self._scheduler.clock.now(), self._life.law.period
        cohorts: dict[bool, list[Spoke]] = {False: [], True: []}
        for spoke in spokes:
            spoke.born = now + period - (now - spoke.born) % period
            keeps = spoke.ike() is not None
            cohorts[keeps].append(spoke)
            if keeps and spoke.apart is not spoke.ike():
                self._apart(spoke)
        for keeps, members in cohorts.items():
            if members:
                self._begin(sorted(members, key=lambda spoke: spoke.born), self._life.after_phase1 if keeps else 0)

    def _apart(self, spoke: Spoke) -> None:
        """Have a spoke's IKE tunnel expire by itself. The hub says so: its lifetime began with the spoke's last message."""
        tunnel = spoke.apart = spoke.ike()
        assert tunnel is not None
        assert tunnel.facts.lifetime is not None  # a lab's engine knows it
        self._scheduler.at(tunnel.start + tunnel.facts.lifetime * SECOND, partial(self._expire, spoke, tunnel))

    def _expire(self, spoke: Spoke, tunnel: IkeTunnel) -> None:
        if spoke.apart is tunnel:
            spoke.apart = None
            if spoke.ike() is tunnel:
                self._end_ike(tunnel, EndReason.NORMAL)
