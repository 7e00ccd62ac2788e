"""Lab room: the script of a spoke's life at its hub: what a hidden pair of routers goes through, and when.

Most of it is the records of the hub's flow monitor. Beside them is what no record carries: what tunnels and interfaces have counted
that is no steady traffic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from agent.engine.values import DestroyIke, DestroyIpsec
from agent.flow.counters import CounterSource, Counts, IpsecCounter, SteppedCounters, Totals
from agent.flow.device import InterfaceCounter, InterfaceState
from agent.flow.model import IkeTunnel, IpsecTunnel
from agent.flow.records import (
    CheckPointed,
    CountersTold,
    IkeTunnelEnded,
    IkeTunnelStarted,
    IpsecTunnelEnded,
    IpsecTunnelStarted,
    TrapSwitched,
    VrfAdded,
    VrfRemoved,
    WindowsResized,
    WindowsRestored,
)
from agent.lab.spokes.pair import HiddenPair
from agent.lab.spokes.shift import PHASE_OF, Form
from agent.lab.spokes.spoke import Phase
from agent.lab.spokes.steady import Amounts, Steady, crossed, difference

# Records that are no spoke's.
OF_THE_ROUTER = (VrfAdded, VrfRemoved, WindowsResized, WindowsRestored, TrapSwitched, CheckPointed, CountersTold)


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted that is no steady traffic, by a tunnel of a phase (`which` is its place) or an interface (its name)."""

    what: type
    which: Any
    amounts: Amounts


Entry = Counted | Form
Moment = tuple[int, tuple[Entry, ...]]  # what happens to a spoke, so many microseconds after its first packet


class Script:
    """What has happened to a hidden pair, as far as it has been moved on."""

    def __init__(self, pair: HiddenPair, steady: Steady) -> None:
        self.moments: list[Moment] = []
        self.steady = steady
        self.phase1: Form | None = None  # the last start of an IKE tunnel
        self._pair = pair
        pair.lag = steady.lag
        self._entries: list[Entry] = []
        self._up: dict[Phase, dict[int, Any]] = {IkeTunnel: {}, IpsecTunnel: {}}  # tunnels by index, oldest first
        # By tunnel, or by an interface's name: what it has counted if there is nothing but steady traffic.
        self._expected: dict[Any, Any] = {name: Totals(InterfaceCounter) for name in crossed(pair.hub.device)}
        self._sum = Totals(IpsecCounter)
        pair.hub.monitor.subscribe(self._heard)

    @property
    def after_phase1(self) -> int:
        """The number of the first moment for a spoke that has an IKE tunnel: what comes before is the making of one."""
        return min(self._first_with(IkeTunnelStarted) + 1, self._first_with(IpsecTunnelStarted))

    def _first_with(self, kind: type) -> int:
        """The number of the first moment with a record of a kind; of the next one where there is none yet."""
        kinds = ({entry.kind for entry in entries if isinstance(entry, Form)} for _, entries in self.moments)
        return next((number for number, found in enumerate(kinds) if kind in found), len(self.moments))

    def next_time(self) -> int:
        """When something happens next that may be in it."""
        return self._pair.next_time()

    def go_on(self) -> bool:
        """Add what happens next; whether anything did that is no steady traffic."""
        entries = self._written(self._pair.runner.step)
        if entries:
            self.moments.append((self._pair.now(), entries))
        return bool(entries)

    def ending(self, phase: Phase) -> tuple[Entry, ...]:
        """What happens when an operator ends the pair's tunnel of a phase, once it is up. Raises NoTunnelError."""
        ike, ipsec = self._pair.up()
        request = DestroyIke(ike.index) if phase is IkeTunnel else DestroyIpsec(ipsec.index)
        self._written(lambda: None)  # what has been until now is no part of it
        return self._written(lambda: self._pair.do(request))

    def _written(self, act: Callable[[], object]) -> tuple[Entry, ...]:
        """What comes of something that is done to the pair."""
        self._entries = []
        act()
        for phase, tunnels in self._up.items():
            for place, tunnel in enumerate(tunnels.values(), 1):
                self._compare(phase, place, tunnel, tunnel.counters.snapshot(self._pair.now()))
        for name, amounts in crossed(self._pair.hub.device).items():
            self._compare(InterfaceState, name, name, amounts)
        return tuple(self._entries)

    def _compare(self, what: type, which: int | str, known_by: object, counted: Counts) -> None:
        """Write down what has been counted beyond what is expected."""
        expected = self._expected[known_by]
        amounts = difference(counted, expected.snapshot(self._pair.now()))
        if any(amounts):
            expected.add_all(amounts)
            self._entries.append(Counted(what, which, amounts))

    def _heard(self, record: Any) -> None:
        """Write down a record, with places for the indexes of tunnels."""
        kind, phase = type(record), PHASE_OF.get(type(record))
        if kind in OF_THE_ROUTER:
            return
        if kind is IkeTunnelStarted:
            self._follow(IkeTunnel, self._pair.hub.monitor.ike_tunnels[record.index], SteppedCounters(record.counters))
        elif kind is IpsecTunnelStarted:
            counters = self.steady.counters(record.counters, 0, record.at, self._expected.get)
            self._follow(IpsecTunnel, self._pair.hub.monitor.ipsec_tunnels[record.index], counters)
        places = {"index": self._place(phase, record.index)} if phase else {}
        if kind is IpsecTunnelStarted:
            places["ike_index"] = self._place(IkeTunnel, record.ike_index)
        form = Form(replace(record, **places))
        if phase and kind in (IkeTunnelEnded, IpsecTunnelEnded):
            tunnel = self._up[phase].pop(record.index)
            self._compare(phase, places["index"], tunnel, record.counters)
            self._expected.pop(tunnel).leave(self._sum, record.at)
        self._entries.append(form)
        if kind is IkeTunnelStarted:
            self.phase1 = form

    def _follow(self, phase: Phase, tunnel: Any, expected: CounterSource) -> None:
        self._up[phase][tunnel.index] = tunnel
        self._expected[tunnel] = expected
        expected.join(self._sum)

    def _place(self, phase: Phase, index: int) -> int:
        """Of a tunnel among those of its phase that are up, from 1; 0 is none of them."""
        up = list(self._up[phase])
        return up.index(index) + 1 if index in up else 0
