"""Aaa room: the RADIUS servers of a configuration: which groups they are in, their settings, and which are dead.

A server is dead when both criteria of `radius-server dead-criteria` are met: no valid packet has come from it for some seconds, or
ever, and some transmissions one after another had no answer. First transmissions and retransmissions count, of both kinds of
requests. Where the configuration does not say how many, IOS takes 10 to 60 seconds and 10 to 100 tries, "depending on the
transaction rate of the server", and of the tries on the number of retransmissions as well.

A dead server is passed over for its dead time, unless all of its group are dead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agent.aaa.radius.events import RadiusEvent, ServerAlive, ServerDead
from agent.aaa.radius.values import Code, Place, Request, ServerName
from agent.base.text import octets_of
from agent.config.aaa_model import EVERY_SERVER, Identity, RadiusConfig, RadiusServer, Secret, ServerGroup, ServerReference

_MINUTE = 60.0  # seconds
_SECONDS_PER_OUTSTANDING = 5  # of the time criterion, as in the example of `show aaa dead-criteria` in Cisco's reference
_TIME_RANGE = (10, 60)  # seconds
_TRIES_RANGE = (10, 100)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server is asked. `timeout` is in seconds; `retransmit` is how often a packet is sent again; `key` None: it has none."""

    timeout: float
    retransmit: int
    key: bytes | None = field(repr=False)


@dataclass(slots=True, eq=False)
class Server:
    """A server and its state. Times are seconds of the client's clock; `dead_until` None: it is alive.

    `number` is its own as long as it is configured. `since` is when the present state began, `previous` how long the state before
    lasted. `outstanding` are its requests that wait for an answer. `timeouts` are the transmissions without an answer since
    `heard`, the last valid packet.
    """

    number: int
    name: ServerName
    settings: Settings
    since: float
    dead_until: float | None = None
    previous: float = 0.0
    deaths: int = 0
    dead_time: float = 0.0  # of all its deaths that are over
    heard: float | None = None
    timeouts: int = 0
    outstanding: int = 0
    _access: Place = field(init=False)
    _accounting: Place = field(init=False)

    def __post_init__(self) -> None:
        self._access = Place(self.name.address, self.name.auth_port)
        self._accounting = Place(self.name.address, self.name.acct_port)

    def place(self, code: Code) -> Place:
        """Where a kind of requests goes to."""
        return self._accounting if code is Code.ACCOUNTING_REQUEST else self._access


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A server as `show aaa servers` has it. `priority` is its place in its first group, from 1; durations are in seconds.

    `outstanding` are requests that wait for an answer, `waiting` those that wait until fewer are under way: of authentication and
    of accounting. `dead_time` is that of all deaths together, the present one included.
    """

    number: int
    priority: int
    name: ServerName
    groups: tuple[str, ...]
    alive: bool
    duration: float
    previous: float
    deaths: int
    dead_time: float
    timeouts: int
    outstanding: tuple[int, int]
    waiting: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Group:
    """A group in force. `deadtime` is in seconds; `configured` None: it is the group of every server."""

    name: str
    servers: tuple[Server, ...]
    deadtime: float
    configured: ServerGroup | None


class Servers:
    """The servers of one router, which follow its configuration at each `apply`."""

    def __init__(self, config: RadiusConfig, now: Callable[[], float], tell: Callable[[RadiusEvent], None]) -> None:
        self._config = config
        self._now = now
        self._tell = tell
        self._made = 0  # servers
        self._servers: dict[ServerName, Server] = {}
        self._groups: dict[str, Group] = {}
        self.apply()

    def __iter__(self) -> Iterator[Server]:
        """Every server once, in the order of the configuration; those of one group alone come last."""
        return iter(self._servers.values())

    def __contains__(self, server: Server) -> bool:
        """Whether a server is still configured."""
        return self._servers.get(server.name) is server

    def group(self, name: str) -> Group | None:
        return self._groups.get(name)

    def groups(self) -> Iterator[Group]:
        return iter(self._groups.values())

    def apply(self) -> None:
        """Follow the configuration. A server that still exists keeps its state."""
        before, self._servers = self._servers, {}
        every = [*self._config.hosts, *self._config.servers.values()]
        public = self._adopted(every, "", before)
        groups = [Group(EVERY_SERVER, public, self._config.deadtime * _MINUTE, None)]
        lines = _by_reference(every)
        for group in self._config.groups.values():
            members = [server for member in group.members for server in self._members(member, lines, group.name, before)]
            deadtime = self._config.deadtime if group.deadtime is None else group.deadtime
            groups.append(Group(group.name, tuple(dict.fromkeys(members)), deadtime * _MINUTE, group))
        self._groups = {group.name: group for group in groups}

    def choose(self, group: Group, request: Request, tried: Sequence[Server]) -> Server | None:
        """The next server of a group to be asked. A dead one is passed over unless all are dead."""
        code = request.code
        usable = [server for server in group.servers if server.place(code).port and server.settings.key is not None]
        left = [server for server in usable if server.dead_until is None] or usable
        if request.first is not None:
            left.sort(key=lambda server: server.place(code) != request.first)
        return next((server for server in left if server not in tried), None)

    def all_dead(self, group: Group) -> bool:
        return bool(group.servers) and all(server.dead_until is not None for server in group.servers)

    def answered(self, server: Server, group: str) -> None:
        """A valid packet has come from a server."""
        server.heard, server.timeouts = self._now(), 0
        if server.dead_until is not None:
            self._revive(server, self._now(), group)

    def timed_out(self, server: Server, deadtime: float) -> None:
        """A transmission to a server had no answer. `deadtime` is that of the group which was asked."""
        now = self._now()
        server.timeouts += 1
        if server.dead_until is None and self._is_dead(server, now):
            server.dead_until = now + deadtime
            server.deaths += 1
            _turn(server, now)
            self._tell(ServerDead(server.name))
            self.revive_due()

    def revive_due(self) -> None:
        """Mark the servers as alive whose dead time is over."""
        now = self._now()
        for server in self._servers.values():
            if server.dead_until is not None and server.dead_until <= now:
                server.timeouts = 0
                self._revive(server, server.dead_until, None)

    def next_due(self) -> float | None:
        """When the next dead time is over."""
        return min((server.dead_until for server in self._servers.values() if server.dead_until is not None), default=None)

    def criteria(self, server: Server) -> tuple[int, int]:
        """The seconds and the tries after which a server is dead."""
        configured, outstanding = self._config.dead_criteria, max(1, server.outstanding)
        computed_time = _within(outstanding * _SECONDS_PER_OUTSTANDING, _TIME_RANGE)
        computed_tries = _within(outstanding * (server.settings.retransmit + 1), _TRIES_RANGE)
        return (
            computed_time if configured.time is None else configured.time,
            computed_tries if configured.tries is None else configured.tries,
        )

    def _is_dead(self, server: Server, now: float) -> bool:
        time, tries = self.criteria(server)
        return server.timeouts >= tries and (server.heard is None or now - server.heard >= time)

    def _revive(self, server: Server, moment: float, group: str | None) -> None:
        server.dead_until = None
        server.dead_time += moment - server.since
        _turn(server, moment)
        self._tell(ServerAlive(server.name, group))

    def _adopted(self, configured: Sequence[RadiusServer], private: str, before: dict[ServerName, Server]) -> tuple[Server, ...]:
        """The servers of these lines. One without an address cannot be asked."""
        found = []
        for line in configured:
            if line.address is None:
                continue
            name = ServerName(line.address, line.auth_port, line.acct_port, line.name, private)
            server = self._servers.get(name) or before.get(name)
            settings = self._settings(line)
            if server is None:
                self._made += 1
                server = Server(self._made, name, settings, self._now())
            server.settings = settings
            self._servers[name] = server
            found.append(server)
        return tuple(found)

    def _members(
        self,
        member: ServerReference | RadiusServer,
        lines: Mapping[Identity, RadiusServer],
        group: str,
        before: dict[ServerName, Server],
    ) -> tuple[Server, ...]:
        """The servers of one line of a group: one, or none if it names none that there is."""
        if isinstance(member, RadiusServer):
            return self._adopted([member], group, before)
        line = lines.get(member.identity)
        return self._adopted([] if line is None else [line], "", before)

    def _settings(self, line: RadiusServer) -> Settings:
        config = self._config
        return Settings(
            timeout=float(config.timeout if line.timeout is None else line.timeout),
            retransmit=config.retransmit if line.retransmit is None else line.retransmit,
            key=key_of(line.key or config.key),
        )


def key_of(secret: Secret | None) -> bytes | None:
    """The octets of a shared secret; None if there is none, or it cannot be read."""
    text = None if secret is None else secret.plain
    return octets_of(text) if text else None


def _by_reference(lines: Iterable[RadiusServer]) -> dict[Identity, RadiusServer]:
    """The servers by what a group's line says of them: the name, or the address and the ports. The first one of these counts."""
    found: dict[Identity, RadiusServer] = {}
    for line in lines:
        by_place = ServerReference("", line.address, line.auth_port, line.acct_port, line.host)
        for reference in (by_place, ServerReference(line.name)) if line.name else (by_place,):
            found.setdefault(reference.identity, line)
    return found


def _turn(server: Server, moment: float) -> None:
    """Begin another state."""
    server.previous, server.since = moment - server.since, moment


def _within(value: int, limits: tuple[int, int]) -> int:
    return min(max(value, limits[0]), limits[1])
