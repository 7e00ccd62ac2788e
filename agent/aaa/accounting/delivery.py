"""Aaa room: the order in which accounting records are sent, and when each is tried again. It does no I/O.

Records of one session go in order, one at a time. Many sessions go at once, up to a window of each group of servers. The groups of
a list are asked in order. A group that does not answer is left alone for a time that doubles with each failure, as the timeout of
RFC 5080 §2.2.1 does. Then one record finds out whether the group is back. If the group answers others and not this record, the
record alone is left for a time.

Accounting-On and -Off tell the server that no session is open any more (RFC 2866 §5.1). So each of them waits for the records
before it, and those after it wait for it (`_System`).
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count, islice

from agent.aaa.accounting.record import AcctStatus
from agent.aaa.accounting.waiting import Waiting

WINDOW = 256  # records that a group is asked to take at once
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds
SPREAD = 0.1  # of a pause, up and down (RFC 5080 §2.2.1: RAND)
TRIES_ALONE = 3  # of a system record, before another record finds out whether its servers answer anything
SYSTEM = (AcctStatus.ON, AcctStatus.OFF)

Groups = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """A group is to be asked to take a record. It is number `place` of the record's groups. `began` is now, in seconds."""

    waiting: Waiting
    place: int
    began: float

    @property
    def group(self) -> str:
        return self.waiting.groups[self.place]


@dataclass(slots=True, eq=False)
class _Session:
    """The records of one session for the same groups, in order. `next` is the place of the group that is asked next.

    `refused` counts how often its first record was not taken while the group took others. If `overtaken`, system records do not
    wait for its records.
    """

    records: deque[Waiting] = field(default_factory=deque)
    next: int = 0
    refused: int = 0
    overtaken: bool = False


@dataclass(slots=True, eq=False)
class _Group:
    """A group of servers. `failures` are those since its last answer; with any, it is left alone until the moment `rests_until`."""

    asked: int = 0  # records on the way to it
    failures: int = 0
    answered: float = float("-inf")
    rests_until: float = 0.0
    tried_by: _Lane | None = None  # the lane of the last failure


@dataclass(slots=True, eq=False)
class _Lane:
    """The sessions whose records go to the same groups. The `ready` ones have a record that can be sent."""

    ready: deque[_Session] = field(default_factory=deque)


@dataclass(slots=True, eq=False)
class _System:
    """A system record that no server has taken yet. It waits for `ahead` records, and holds those that came after it.

    `failures` counts the rounds in which no group has answered. From the first one on, records that can go to another group are not
    held. From TRIES_ALONE on, one record more may go, the `probe`: right behind each attempt of the system record, so that servers
    that are back get this first. While it is not on its way it is `parked`. If it is taken and the system record is not, the
    servers do not take system records, and nothing is held (`given_up`).
    """

    waiting: Waiting
    groups: frozenset[str]
    ahead: int
    held: deque[Waiting] = field(default_factory=deque)
    failures: int = 0
    failed: float = float("inf")  # the moment of the last failure
    probe: Waiting | None = None
    parked: bool = False
    given_up: bool = False

    def holds(self, waiting: Waiting) -> bool:
        """Whether a record is to wait for this one."""
        if self.given_up or waiting.number < self.waiting.number:
            return False
        return self.groups.issuperset(waiting.groups) if self.failures else self.concerns(waiting.groups)

    def concerns(self, groups: Groups) -> bool:
        return not self.groups.isdisjoint(groups)


class Delivery:
    """The records of a router that wait. `random` gives numbers from 0 to 1. Times are seconds of any clock that never falls."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._sessions: dict[tuple[str, Groups], _Session] = {}
        self._lanes: dict[Groups, _Lane] = {}
        self._groups: dict[str, _Group] = {}
        self._systems: list[_System] = []
        self._resting: list[tuple[float, int, _Session]] = []  # a heap of sessions whose first record is left for a time
        self._tie = count()
        self._now = 0.0

    def add(self, waiting: Waiting) -> None:
        """A record is to be sent. Records are added in order."""
        holder = next((system for system in reversed(self._systems) if system.holds(waiting)), None)
        if holder is not None:
            holder.held.append(waiting)
        elif waiting.status in SYSTEM:
            groups = frozenset(waiting.groups)
            ahead = self._ahead(waiting)
            self._systems.append(_System(waiting, groups, ahead))
            if not ahead:
                self._admit(waiting)
        else:
            self._admit(waiting)

    def due(self, now: float, most: int = WINDOW) -> list[Attempt]:
        """What is to be sent now, at most so many. `answered`, `failed` or `lost` is to be called for each."""
        self._now = now
        while self._resting and self._resting[0][0] <= now:
            session = heapq.heappop(self._resting)[2]
            self._lanes[session.records[0].groups].ready.append(session)
        # One record alone finds out whether a group is back: lists take turns in giving it.
        attempts = (attempt for again in (False, True) for lane in self._lanes.values() for attempt in self._due(lane, again))
        return list(islice(attempts, most))

    def wakes(self) -> float | None:
        """When `due` is to be called even if nothing has happened until then; None: never."""
        groups = {name for names, lane in self._lanes.items() if lane.ready for name in names}
        moments = [until for name in groups if (until := self._group(name).rests_until) > self._now]
        if self._resting:
            moments.append(self._resting[0][0])
        return min(moments, default=None)

    def retry(self) -> None:
        """Leave no group alone any more: its servers may be others now."""
        for group in self._groups.values():
            group.rests_until = 0.0

    def answered(self, attempt: Attempt, now: float) -> bool:
        """A server has taken the record. Whether the group is back: it has not answered for a time."""
        group = self._groups[attempt.group]
        group.asked -= 1
        is_back, group.failures = group.failures > 0, 0
        group.rests_until = 0.0
        group.answered = now
        self._take_off(attempt.waiting)
        return is_back

    def lost(self, attempt: Attempt) -> None:
        """The record could not be sent: it is not there any more."""
        self._groups[attempt.group].asked -= 1
        self._take_off(attempt.waiting)

    def failed(self, attempt: Attempt, now: float) -> bool:
        """No server of the group has answered. Whether the group is left alone from now on, and was not before."""
        waiting, group = attempt.waiting, self._groups[attempt.group]
        answered_before = not group.failures
        session = self._sessions[waiting.session, waiting.groups]
        group.asked -= 1
        if group.answered > attempt.began:
            session.refused += 1
        elif now >= group.rests_until:  # else others have failed at the same time
            group.failures += 1
            group.rests_until = now + self._pause(group.failures)
        group.tried_by = lane = self._lanes[waiting.groups]
        if not self._is_probe(waiting) and any(
            self._group(name).rests_until <= now for name in waiting.groups[attempt.place + 1 :]
        ):
            session.next = attempt.place + 1
            lane.ready.appendleft(session)
        else:
            self._end_round(session, lane, group, now)
        return answered_before and group.failures > 0

    def _end_round(self, session: _Session, lane: _Lane, group: _Group, now: float) -> None:
        """All groups have been asked, `group` the last: the session waits."""
        waiting = session.records[0]
        session.next = 0
        if self._park(waiting):
            return
        if session.refused:
            self._overtake(session)
            heapq.heappush(self._resting, (now + self._pause(session.refused), next(self._tie), session))
        else:
            lane.ready.append(session)
        if waiting.status in SYSTEM:
            self._fail_system(waiting, group, now)

    # --- sessions ---

    def _admit(self, waiting: Waiting, parked: bool = False) -> bool:
        """Put a record into its session, from where it is sent when its turn comes.

        The first record of a session may be `parked`: whether it is.
        """
        lane = self._lanes.get(waiting.groups)
        if lane is None:
            lane = self._lanes[waiting.groups] = _Lane()
        key = waiting.session, waiting.groups
        session = self._sessions.get(key)
        is_first = session is None
        if session is None:
            session = self._sessions[key] = _Session()
            if not parked:
                lane.ready.append(session)
        session.records.append(waiting)
        return parked and is_first

    def _due(self, lane: _Lane, again: bool) -> Iterator[Attempt]:
        while lane.ready:
            session = lane.ready[0]
            first = session.records[0]
            if first.gone:
                lane.ready.popleft()
                self._take_off(first)
                continue
            place = self._place(first.groups, session.next, None if again else lane)
            if place is None:
                return
            lane.ready.popleft()
            self._group(first.groups[place]).asked += 1
            yield Attempt(first, place, self._now)
            if first.status in SYSTEM:
                yield from self._behind(first, first.groups[place])

    def _place(self, groups: Groups, start: int, turn_of_others: _Lane | None) -> int | None:
        """The place of the group that may be asked now: the first one from `start`, else the first of all.

        A group that does not answer is left to others, if it was last tried by the lane `turn_of_others`.
        """
        for place in chain(range(start, len(groups)), range(start)):
            group = self._group(groups[place])
            if not group.failures:
                return place if group.asked < WINDOW else None
            if not group.asked and group.rests_until <= self._now:
                return None if turn_of_others is not None and group.tried_by is turn_of_others else place
        return None

    def _take_off(self, waiting: Waiting) -> None:
        """The first record of a session is done with, and the next one is ready."""
        key, lane = (waiting.session, waiting.groups), self._lanes[waiting.groups]
        session = self._sessions[key]
        session.records.popleft()
        session.next = session.refused = 0
        if session.records:
            lane.ready.append(session)
        else:
            del self._sessions[key]
        if not session.overtaken:
            self._go_on(waiting.groups, (waiting,))
        if waiting.status in SYSTEM:
            self._finish_system(waiting)

    def _group(self, name: str) -> _Group:
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = _Group()
        return group

    def _pause(self, failures: int) -> float:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 10))
        return pause * (1 + SPREAD * (2 * self._random() - 1))

    # --- system records ---

    def _ahead(self, system: Waiting) -> int:
        """How many records a new system record has to wait for."""
        return sum(
            waiting.number < system.number
            for (_, groups), session in self._sessions.items()
            if not session.overtaken and not set(groups).isdisjoint(system.groups)
            for waiting in session.records
        )

    def _go_on(self, groups: Groups, done: Sequence[Waiting]) -> None:
        """No system record waits for these records any more."""
        for system in list(self._systems):
            before = sum(waiting.number < system.waiting.number for waiting in done)
            if before and system.concerns(groups):
                system.ahead -= before
                if system.ahead == 0:
                    self._admit(system.waiting)

    def _overtake(self, session: _Session) -> None:
        """The servers do not take a record of this session: system records do not wait for it."""
        if not session.overtaken and session.refused > 1:
            session.overtaken = True
            self._go_on(session.records[0].groups, session.records)

    def _behind(self, waiting: Waiting, group: str) -> Iterator[Attempt]:
        """The probe of a system record that a group is asked to take."""
        system = next(system for system in self._systems if system.waiting is waiting)
        probe = system.probe
        if probe is not None and system.parked and not probe.gone and group in probe.groups:
            system.parked = False
            self._group(group).asked += 1
            yield Attempt(probe, probe.groups.index(group), self._now)

    def _is_probe(self, waiting: Waiting) -> bool:
        return any(system.probe is waiting for system in self._systems)

    def _park(self, waiting: Waiting) -> bool:
        """Have a probe that was not taken wait for the next attempt of its system record; whether it is a probe."""
        system = next((system for system in self._systems if system.probe is waiting), None)
        if system is None or system.given_up:
            return False
        system.parked = True
        return True

    def _unpark(self, system: _System) -> None:
        """The probe is a record like others now."""
        if system.parked and system.probe is not None:
            system.parked = False
            self._lanes[system.probe.groups].ready.append(self._sessions[system.probe.session, system.probe.groups])

    def _fail_system(self, waiting: Waiting, group: _Group, now: float) -> None:
        system = next(system for system in self._systems if system.waiting is waiting)
        system.failures += 1
        system.given_up |= group.answered > system.failed
        system.failed = now
        held, system.held = system.held, deque()
        if system.given_up:
            self._unpark(system)
        elif system.failures >= TRIES_ALONE and (system.probe is None or system.probe.gone):
            self._unpark(system)
            if held and held[0].status not in SYSTEM:
                system.probe = held.popleft()
                system.parked = self._admit(system.probe, parked=True)
        for each in held:
            self.add(each)

    def _finish_system(self, waiting: Waiting) -> None:
        system = next(system for system in self._systems if system.waiting is waiting)
        self._systems.remove(system)
        self._unpark(system)
        for held in system.held:
            self.add(held)
