"""Syslog room: the `debug` of one router: which kinds are on.

The lines have the severity `debugging`. Those of records of the flow monitor are made here (`debug_lines`); a room further right
that has lines of its own follows which kinds are on. While nothing is on, nothing listens, so that `debug` costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from agent.base.bus import Subscription
from agent.config.model import RouterConfig
from agent.flow.monitor import FlowMonitor
from agent.flow.records import FlowRecord
from agent.syslog.debug_lines import IPSEC, ISAKMP, MIB, MIB_DETAIL, MIB_ERROR, Lines, Scene
from agent.syslog.syslog import Syslog


class Subsystem(Enum):
    """What `show debugging` lists kinds under, in its order. The kinds of RADIUS stand under no heading."""

    GENERAL = "General OS:"
    RADIUS = ""
    CRYPTO = "Cryptographic Subsystem:"


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of debug: IOS's name for it, and the records of the flow monitor that have lines of it. Several may have one name."""

    name: str
    subsystem: Subsystem
    lines: Lines = field(default_factory=dict)


class Debug(Enum):
    """What can be debugged."""

    AAA_ACCOUNTING = Kind("AAA Accounting", Subsystem.GENERAL)
    AAA_POD = Kind("AAA POD packet processing", Subsystem.GENERAL)
    AAA_COA = Kind("AAA CoA packet processing", Subsystem.GENERAL)
    RADIUS_AUTHENTICATION = Kind("Radius packet protocol (authentication)", Subsystem.RADIUS)
    RADIUS_ACCOUNTING = Kind("Radius packet protocol (accounting)", Subsystem.RADIUS)
    RADIUS_BRIEF = Kind("Radius protocol brief", Subsystem.RADIUS)
    RADIUS_RETRANSMIT = Kind("Radius packet retransmission", Subsystem.RADIUS)
    RADIUS_FAILOVER = Kind("Radius server fail-over", Subsystem.RADIUS)
    ISAKMP = Kind("Crypto ISAKMP", Subsystem.CRYPTO, ISAKMP)
    ISAKMP_AAA = Kind("Crypto ISAKMP AAA", Subsystem.CRYPTO)
    IPSEC = Kind("Crypto IPSEC", Subsystem.CRYPTO, IPSEC)
    MIB = Kind("Crypto IPsec Mgmt Entity", Subsystem.CRYPTO, MIB)
    MIB_DETAIL = Kind("Crypto IPsec Mgmt Entity", Subsystem.CRYPTO, MIB_DETAIL)
    MIB_ERROR = Kind("Crypto IPsec Mgmt Entity", Subsystem.CRYPTO, MIB_ERROR)


RADIUS_PACKETS = frozenset({Debug.RADIUS_AUTHENTICATION, Debug.RADIUS_ACCOUNTING})
RADIUS = frozenset(kind for kind in Debug if kind.value.subsystem is Subsystem.RADIUS)
_BOTH_PACKETS = "Radius packet protocol"  # the name of both kinds of packets together

Following = Callable[[frozenset[Debug]], None]


def state_line(name: str, on: bool) -> str:
    """What IOS says of a kind."""
    return f"{name} debugging is {'on' if on else 'off'}"


def radius_states(on: frozenset[Debug]) -> Iterator[tuple[str, bool]]:
    """The names of what `debug radius` lists when it has been switched, each with whether it is on."""
    yield "Radius protocol", bool(on & RADIUS)
    yield Debug.RADIUS_BRIEF.value.name, Debug.RADIUS_BRIEF in on
    yield "Radius packet hex dump", False
    if len(on & RADIUS_PACKETS) == 1:
        for kind in (Debug.RADIUS_AUTHENTICATION, Debug.RADIUS_ACCOUNTING):
            yield kind.value.name, kind in on
    else:
        yield _BOTH_PACKETS, bool(on & RADIUS_PACKETS)
    for kind in (Debug.RADIUS_RETRANSMIT, Debug.RADIUS_FAILOVER):
        yield kind.value.name, kind in on


class Debugging:
    """The kinds that are on, whoever has switched them on."""

    def __init__(self, config: RouterConfig, monitor: FlowMonitor, syslog: Syslog) -> None:
        self._scene = Scene(config, monitor)
        self._syslog = syslog
        self._on: frozenset[Debug] = frozenset()
        self._followers: list[Following] = []
        self._subscription: Subscription | None = None

    @property
    def on(self) -> frozenset[Debug]:
        return self._on

    def follow(self, follower: Following) -> None:
        """Tell a follower which kinds are on, now and after each change."""
        self._followers.append(follower)
        follower(self._on)

    def switch(self, *kinds: Debug, on: bool) -> None:
        """Switch kinds on or off."""
        self._set(self._on.union(kinds) if on else self._on.difference(kinds))

    def switch_off(self) -> None:
        """Switch everything off."""
        self._set(frozenset())

    def shown(self) -> Iterator[str]:
        """The lines of `show debugging`: the states of what is on, each name once."""
        for subsystem in Subsystem:
            if subsystem is Subsystem.RADIUS:
                yield from (state_line(name, on) for name, on in radius_states(self._on) if on)
                continue
            kinds = [kind for kind in Debug if kind in self._on and kind.value.subsystem is subsystem]
            if kinds:
                yield subsystem.value
            yield from dict.fromkeys(f"  {state_line(kind.value.name, True)}" for kind in kinds)

    def _set(self, on: frozenset[Debug]) -> None:
        self._on = on
        self._listen()
        for follower in self._followers:
            follower(on)

    def _listen(self) -> None:
        self._scene.monitor.reports.traced = Debug.ISAKMP in self._on
        listening = any(kind.value.lines for kind in self._on)
        if listening and self._subscription is None:
            self._subscription = self._scene.monitor.subscribe(self._take)
        elif not listening and self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def _take(self, record: FlowRecord) -> None:
        for kind in Debug:
            if kind in self._on:
                lines = kind.value.lines.get(type(record))
                if lines is not None:
                    for message in lines(record, self._scene):
                        self._syslog.log(message)
