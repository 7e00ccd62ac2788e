"""Lab room: the script of a spoke: what happens at the hub of a hidden pair of routers, and when.

Most entries are records of the hub's flow monitor. The others are counts that no record carries: what tunnels and interfaces have
counted besides steady traffic.
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
    CountersReported,
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

# Records that are not about a spoke.
OF_THE_ROUTER = (VrfAdded, VrfRemoved, WindowsResized, WindowsRestored, TrapSwitched, CheckPointed, CountersReported)


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts besides steady traffic, of a tunnel of a phase (`which` is its place) or of an interface (its name)."""

    what: type
    which: Any
    amounts: Amounts


Entry = Counted | Form
Moment = tuple[int, tuple[Entry, ...]]  # microseconds after the first packet, and the entries of that moment


class Script:
    """What has happened to a hidden pair up to its present time."""

    def __init__(self, pair: HiddenPair, steady: Steady) -> None:
        self.moments: list[Moment] = []
        self.steady = steady
        self.phase1: Form | None = None  # the last start of an IKE tunnel
        self._pair = pair
        self.next_time = pair.next_time  # the time of the pair's next event, which may become a moment
        pair.lag = steady.lag
        self._entries: list[Entry] = []
        self._up: dict[Phase, dict[int, Any]] = {IkeTunnel: {}, IpsecTunnel: {}}  # tunnels by index, oldest first
        # By tunnel, or by an interface's name: the counters to expect from steady traffic alone.
        self._expected: dict[Any, Any] = {name: Totals(InterfaceCounter) for name in crossed(pair.hub.device)}
        self._sum = Totals(IpsecCounter)
        pair.hub.monitor.subscribe(self._heard)

    @property
    def after_phase1(self) -> int:
        """The first moment for a spoke that has an IKE tunnel already, without the moments that set one up."""
        return min(self._first_with(IkeTunnelStarted) + 1, self._first_with(IpsecTunnelStarted))

    def _first_with(self, kind: type) -> int:
        """The number of the first moment with a record of a kind, or of the next moment if there is none yet."""
        kinds = ({entry.kind for entry in entries if isinstance(entry, Form)} for _, entries in self.moments)
        return next((number for number, found in enumerate(kinds) if kind in found), len(self.moments))

    def go_on(self) -> bool:
        """Run the pair's next event; whether it made a moment."""
        entries = self._written(self._pair.runner.step)
        if entries:
            self.moments.append((self._pair.now(), entries))
        return bool(entries)

    def ending(self, phase: Phase) -> tuple[Entry, ...]:
        """The entries for a tunnel of a phase that an operator ends. Raises NoTunnelError."""
        ike, ipsec = self._pair.up()
        request = DestroyIke(ike.index) if phase is IkeTunnel else DestroyIpsec(ipsec.index)
        self._written(lambda: None)  # earlier entries do not belong to it
        return self._written(lambda: self._pair.do(request))

    def _written(self, act: Callable[[], object]) -> tuple[Entry, ...]:
        """The entries that an action on the pair makes."""
        self._entries = []
        act()
        for phase, tunnels in self._up.items():
            for place, tunnel in enumerate(tunnels.values(), 1):
                self._compare(phase, place, tunnel, tunnel.counters.snapshot(self._pair.now()))
        for name, amounts in crossed(self._pair.hub.device).items():
            self._compare(InterfaceState, name, name, amounts)
        return tuple(self._entries)

    def _compare(self, what: type, which: int | str, known_by: object, counted: Counts) -> None:
        """Add entries for counts beyond the expected ones."""
        expected = self._expected[known_by]
        amounts = difference(counted, expected.snapshot(self._pair.now()))
        if any(amounts):
            expected.add_all(amounts)
            self._entries.append(Counted(what, which, amounts))

    def _heard(self, record: Any) -> None:
        """Add an entry for a record, with places in place of tunnel indexes."""
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
        """The place of a tunnel among those of its phase that are up, from 1; 0 if it is none of them."""
        up = list(self._up[phase])
        return up.index(index) + 1 if index in up else 0
