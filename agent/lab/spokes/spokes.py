"""Lab room: many spokes of a hub that follow a script, each at its own time.

Spokes that send their first packets one after another are a *group*. Each moment of the script passes through the group, from its
first spoke to its last. So a group of any size needs one timer for each unfinished moment. If an operator ends a spoke's IPsec
tunnel, the spoke leaves its group, and starts again with its next packet.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from itertools import islice
from typing import Any

from agent.base.clock import SECOND, stands_still
from agent.base.scheduler import Timers
from agent.flow.counters import SteppedCounters, Totals
from agent.flow.device import InterfaceState
from agent.flow.model import Address, EndReason, IkeTunnel, IpsecFailureReason, IpsecTunnel
from agent.flow.records import (
    IkeTunnelEnded,
    IkeTunnelStarted,
    IpsecTunnelEnded,
    IpsecTunnelStarted,
    SasExpired,
    SasInstalled,
)
from agent.flow.tables import NO_SOURCES, Sources
from agent.lab.router import Router
from agent.lab.spokes.numbers import FIRST
from agent.lab.spokes.script import Counted, Entry, Script
from agent.lab.spokes.shift import Form, Shift
from agent.lab.spokes.spoke import NotItsOwnError, Phase, Spoke

_AT_ONCE = 4  # spokes that are served before others get their turn
_CLEARED_AT_ONCE = 32
_MANY = 1000  # moments of spokes after which `grown` is called
_KEPT = 4096  # tuples of counts that are kept, so that equal ones are one object


class Group:
    """Spokes in the order of their first packets, with the times of these."""

    __slots__ = ("firsts", "spokes")

    def __init__(self, spokes: list[Spoke]) -> None:
        self.spokes = spokes
        self.firsts = array("q", [spoke.first for spoke in spokes])
        for spoke in spokes:
            spoke.group = self


class Spokes:
    """The spokes of one [[spokes]] section at their hub. `firsts` are the times of their first packets.

    `endings` are the entries for a tunnel of a phase that an operator ends. `grown` is called after many moments have made lasting
    objects.
    """

    def __init__(
        self,
        hub: Router,
        shift: Shift,
        script: Script,
        endings: Mapping[Phase, Iterable[Entry]],
        firsts: Iterable[int],
        scheduler: Timers,
    ) -> None:
        self._hub, self._monitor = hub, hub.monitor
        self._shift = shift
        self._script = script
        self._endings = endings
        self._expiry = [_expired(entry) for entry in endings[IkeTunnel]]
        self._scheduler = scheduler
        self._spokes = [Spoke(number, first) for number, first in enumerate(firsts, FIRST)]
        self._script_begins = self._spokes[0].first
        self.grown: Callable[[], None] = lambda: None
        self._since_grown = 0
        self._waiting: list[tuple[Group, int]] = []  # groups that wait for a moment that is not in the script yet
        # One tuple for equal counts: spokes at the same moment share it.
        self._shared = lru_cache(_KEPT)(tuple[int, ...])
        self._crossing = self._steady_at  # one object, which every tunnel holds
        # The effects of a record on the hub besides those on its monitor. The result is the counter source of a starting tunnel.
        self._beside: Mapping[type, Callable[[Spoke, Any], Sources]] = {
            IkeTunnelStarted: self._ike_starts,
            IkeTunnelEnded: self._ike_ends,
            IpsecTunnelStarted: self._ipsec_starts,
            SasInstalled: self._rekeyed,
            SasExpired: self._release,
            IpsecTunnelEnded: self._release,
        }

    def start(self) -> None:
        self._come_to(Group(self._spokes), 0)
        self._watch()

    # --- the script, and the place of each group in it ---

    def _watch(self) -> None:
        """Move the hidden pair on, together with the first spoke."""
        self._scheduler.at(self._script_begins + self._script.next_time(), self._go_on)

    def _go_on(self) -> None:
        if self._script.go_on():
            waiting, self._waiting = self._waiting, []
            for group, number in waiting:
                self._come_to(group, number)
        self._watch()

    def _come_to(self, group: Group, number: int) -> None:
        """Bring a group to a moment of the script, when there is one. A group that all spokes have left stops."""
        if not any(spoke.group is group for spoke in group.spokes):
            return
        if number < len(self._script.moments):
            self._await(group, number, 0)
        else:
            self._waiting.append((group, number))

    def _await(self, group: Group, number: int, at: int) -> None:
        offset, _ = self._script.moments[number]
        self._scheduler.at(group.firsts[at] + offset, partial(self._pass, group, number, at))

    def _pass(self, group: Group, number: int, at: int) -> None:
        """Apply a moment to the spokes of a group whose time has come, from a place on, a few at a time."""
        (offset, entries), begin = self._script.moments[number], at
        first, end = self._scheduler.clock.now() - offset, min(at + _AT_ONCE, len(group.spokes))
        while at < end and group.firsts[at] <= first:
            spoke = group.spokes[at]
            at += 1
            if spoke.group is group:
                for entry in entries:
                    self._happen(spoke, entry)
        if begin == 0:
            self._come_to(group, number + 1)
        self._since_grown += at - begin
        if self._since_grown >= _MANY:
            self._since_grown = 0
            self.grown()
        if at < len(group.spokes):
            self._await(group, number, at)

    # --- one spoke ---

    def _happen(self, spoke: Spoke, entry: Entry) -> None:
        """Apply an entry of the script to a spoke, unless the spoke does not have the entry's tunnel."""
        try:
            if isinstance(entry, Counted):
                self._count(spoke, entry)
                return
            beside = self._beside.get(entry.kind)
            sources = beside(spoke, entry.whole) if beside else NO_SOURCES
            record = entry.shifted(self._shift, spoke)
        except NotItsOwnError:
            return
        self._monitor.vrf(record.vrf)  # which begins with the first record that belongs to it
        self._monitor.apply(record, sources)
        if entry.kind is IkeTunnelStarted:
            spoke.peer = self._monitor.ike_tunnels[record.index].peer

    def _count(self, spoke: Spoke, entry: Counted) -> None:
        if entry.what is not InterfaceState:
            spoke.tunnel(entry.what, entry.which).counters.add_all(entry.amounts, self._shared)
        elif (totals := self._steady_at(entry.which)) is not None:
            totals.add_all(entry.amounts)

    def _steady_at(self, interface: str) -> Totals | None:
        """The steady traffic at one of the hub's interfaces."""
        port = self._hub.ports.get(interface)
        return port.state.steady if port else None

    def _ike_starts(self, spoke: Spoke, record: Any) -> Sources:
        if spoke.ikes:  # it keeps the one that it has
            raise NotItsOwnError
        return Sources(SteppedCounters(record.counters))

    def _ike_ends(self, spoke: Spoke, record: IkeTunnelEnded) -> Sources:
        if spoke.tunnel(IkeTunnel, record.index) is spoke.out_of_step:
            raise NotItsOwnError
        return NO_SOURCES

    def _ipsec_starts(self, spoke: Spoke, record: Any) -> Sources:
        ike, facts = spoke.tunnel(IkeTunnel, record.ike_index), record.facts
        room = self._hub.sa_keeper.room()
        if room is None or len(record.sas) <= room:
            now = self._scheduler.clock.now()
            return Sources(self._script.steady.counters(record.counters, spoke.first, now, self._crossing))
        ends, why = (ike.facts.remote_address, facts.local_address), IpsecFailureReason.CAPACITY
        self._monitor.ipsec_failed(ike.vrf, why, *ends, peer=ike.peer, inbound=True, protocol=facts.protocol)
        self._monitor.sa_refused(ike.vrf)
        self._begin_anew([spoke])
        raise NotItsOwnError

    def _rekeyed(self, spoke: Spoke, record: SasInstalled) -> Sources:
        """Rekey a spoke. If an operator has ended its IKE tunnel, it makes another first."""
        if spoke.tunnel(IpsecTunnel, record.index).ike is None and self._script.phase1 is not None:
            self._happen(spoke, self._script.phase1)
            self._expires_by_itself(spoke)
        return NO_SOURCES

    def _release(self, spoke: Spoke, record: SasExpired | IpsecTunnelEnded) -> Sources:
        """Release the SPIs of SAs that have gone."""
        for spi in spoke.tunnel(IpsecTunnel, record.index).spis:
            if spi.inbound and (isinstance(record, IpsecTunnelEnded) or spi.index in record.sas):
                self._hub.sa_keeper.sad.release(spi.value)
        return NO_SOURCES

    # --- an operator's requests ---

    def owner_of(self, tunnel: IkeTunnel | IpsecTunnel) -> Spoke | None:
        """The spoke of a tunnel; None if it is no spoke's, or no longer live."""
        number = self._shift.numbers.number_of(tunnel.facts.remote_address)
        spoke = self._spokes[number - FIRST] if number is not None else None
        return spoke if spoke and tunnel in (*spoke.ikes, *spoke.ipsecs) else None

    def living(self) -> Iterator[Spoke]:
        """Spokes with a tunnel of either phase."""
        return (spoke for spoke in self._spokes if spoke.ikes or spoke.ipsecs)

    def living_at(self, remote: Address) -> Iterator[Spoke]:
        """The one of them with a peer address."""
        number = self._shift.numbers.number_of(remote)
        spokes = self._spokes[number - FIRST : number] if number is not None else ()
        return (spoke for spoke in spokes if spoke.ikes or spoke.ipsecs)

    def end(self, spokes: Iterable[Spoke], *phases: Phase) -> None:
        """End the tunnels of spokes, of one phase or both, each with its delete. IPsec tunnels come first.

        An IPsec tunnel without its IKE tunnel lives on, and its next rekey makes another. Without an IPsec tunnel, the spoke's next
        packet makes one.
        """
        left = []
        for spoke in spokes:
            for tunnel in spoke.ipsecs if IpsecTunnel in phases else ():
                bundles = sum(spi.inbound for spi in tunnel.spis) // len({spi.protocol for spi in tunnel.spis})
                self._end(spoke, self._endings[IpsecTunnel], bundles if spoke.ikes else 0)
            for _ in tuple(spoke.ikes) if IkeTunnel in phases else ():
                spoke.out_of_step = None
                self._end(spoke, self._endings[IkeTunnel], 1)
            if not spoke.ipsecs:
                left.append(spoke)
        self._begin_anew(left)

    def clear(self, takes: Callable[[Spoke], bool], remote: Address | None, *phases: Phase) -> None:
        """The same for all spokes that the filter selects, or for the one at `remote`.

        In real time a few end at a time. A virtual clock stands still after a request, so that nothing would end the others.
        """
        number = self._shift.numbers.number_of(remote) if remote is not None else None
        spokes = iter(self._spokes if remote is None else self._spokes[number - FIRST : number] if number else ())
        origin = self._monitor.origin
        most = None if stands_still(self._scheduler.clock) else _CLEARED_AT_ONCE

        def go_on() -> None:
            few = list(islice(spokes, most))
            with self._monitor.caused_by(origin):
                self.end([spoke for spoke in few if (spoke.ikes or spoke.ipsecs) and takes(spoke)], *phases)
            if few:
                self._scheduler.after(0, go_on)

        go_on()

    def _end(self, spoke: Spoke, ending: Iterable[Entry], deletes: int) -> None:
        for entry in ending:
            for _ in range(deletes if isinstance(entry, Counted) else 1):
                self._happen(spoke, entry)

    def _begin_anew(self, spokes: Iterable[Spoke]) -> None:
        """Let spokes without an IPsec tunnel make one with their next packet. Without an IKE tunnel, main mode comes first."""
        now, period = self._scheduler.clock.now(), self._script.steady.period
        groups: dict[bool, list[Spoke]] = {False: [], True: []}
        for spoke in spokes:
            spoke.first = now + period - (now - spoke.first) % period
            groups[bool(spoke.ikes)].append(spoke)
            if spoke.ikes and spoke.out_of_step is not spoke.ikes[-1]:
                self._expires_by_itself(spoke)
        for has_ike, members in groups.items():
            group = Group(sorted(members, key=lambda spoke: spoke.first))
            self._come_to(group, self._script.after_phase1 if has_ike else 0)

    def _expires_by_itself(self, spoke: Spoke) -> None:
        """Schedule the expiry of an IKE tunnel that is out of step. Its lifetime began at the hub with the spoke's last message."""
        tunnel = spoke.out_of_step = spoke.ikes[-1]
        assert tunnel.facts.lifetime is not None  # a lab's engine knows it
        self._scheduler.at(tunnel.start + tunnel.facts.lifetime * SECOND, partial(self._expire, spoke, tunnel))

    def _expire(self, spoke: Spoke, tunnel: IkeTunnel) -> None:
        if spoke.out_of_step is tunnel:
            spoke.out_of_step = None
            if tunnel in spoke.ikes:
                self._end(spoke, self._expiry, 1)


def _expired(entry: Entry) -> Entry:
    """Expire an IKE tunnel, with the same delete as one that an operator ends."""
    return Form(replace(entry.whole, reason=EndReason.NORMAL)) if isinstance(entry, Form) else entry
