"""Lab room: the steady traffic of a spoke at its hub. One packet is measured; the rest is computed, without timers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.flow.counters import Counts, IpsecCounter, PeriodicCounters, Rhythm, Totals
from agent.flow.device import Device, InterfaceCounter
from agent.lab.spokes.pair import HiddenPair

Amounts = tuple[int, ...]  # for each counter of a tunnel or of an interface
Crossing = Callable[[str], Totals | None]  # the steady traffic of an interface, by its name
_NOTHING: Amounts = (0,) * len(InterfaceCounter)


def difference(values: Counts, before: Counts) -> Amounts:
    """The difference of counters, all of which a lab's router knows."""
    return tuple((new or 0) - (old or 0) for new, old in zip(values, before, strict=True))


def crossed(device: Device) -> dict[str, Amounts]:
    """The packet counters of each interface of a router."""
    return {state.name: tuple(state.counters) for state in device.interfaces.values()}


@dataclass(frozen=True, slots=True)
class Steady:
    """Steady traffic: one packet each `period`. A tunnel and interfaces count it `lag` microseconds after it was sent."""

    period: int
    lag: int
    tunnel: Rhythm
    interfaces: tuple[tuple[str, Rhythm], ...]

    def counters(self, counted: Amounts, first: int, now: int, crossing: Crossing) -> SteadyCounters:
        """The counters of a tunnel that begins to carry the traffic of a spoke. `first` is the time of the spoke's first packet."""
        return SteadyCounters(self, counted, now - (now - first - self.lag) % self.period, crossing)


class SteadyCounters(PeriodicCounters):
    """The counters of a tunnel with steady traffic, which also counts at interfaces while the tunnel is up."""

    __slots__ = ("_crossing", "_steady")

    def __init__(self, steady: Steady, counted: Amounts, start: int, crossing: Crossing) -> None:
        super().__init__(counted, steady.tunnel, start)
        self._steady = steady
        self._crossing = crossing

    def join(self, totals: Totals) -> None:
        super().join(totals)
        for name, rhythm in self._steady.interfaces:
            if (crossed := self._crossing(name)) is not None:
                PeriodicCounters(_NOTHING, rhythm, self.start).join(crossed)

    def leave(self, totals: Totals, now: int) -> None:
        super().leave(totals, now)
        for name, rhythm in self._steady.interfaces:
            if (crossed := self._crossing(name)) is not None:
                PeriodicCounters(_NOTHING, rhythm, self.start).leave(crossed, now)


def measure(pair: HiddenPair) -> Steady:
    """Measure what one packet adds at the hub, and how long after it was sent. Raises NoTunnelError."""
    period, device = pair.period, pair.hub.device
    _, tunnel = pair.up()
    end = pair.now() + 3 * period
    while pair.next_time() <= end and tunnel.index in pair.hub.monitor.ipsec_tunnels:
        counted, before = tunnel.counters.snapshot(pair.now()), crossed(device)
        pair.runner.step()
        step = difference(tunnel.counters.snapshot(pair.now()), counted)
        if step[IpsecCounter.IN_PACKETS]:
            crossing = ((name, Rhythm(period, difference(values, before[name]))) for name, values in crossed(device).items())
            moving = tuple((name, rhythm) for name, rhythm in crossing if any(rhythm.step))
            return Steady(period, pair.now() % period, Rhythm(period, step), moving)
    return Steady(period, 0, Rhythm(period, (0,) * len(IpsecCounter)), ())
