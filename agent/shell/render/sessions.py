"""Shell room: `show crypto session`: each session with its phase-1 SAs and the flows that it protects.

The lines are those of the Cisco IOS Security Command Reference: of 12.4 in the classic form, of IOS XE 16 in the other. A reader of
counters is passed in, because `clear crypto sa counters` sets what is shown back to 0, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from agent.base.clock import SECOND
from agent.base.spans import elapsed, hours
from agent.engine.sessions import SessionStatus, ShownFlow, ShownSession
from agent.flow.counters import IpsecCounter
from agent.flow.model import ISAKMP_PORTS, Endpoint, IkeFacts, IpsecTunnel, Spi
from agent.shell.releases import Release
from agent.shell.render.interfaces import short_name

Counted = Callable[[IpsecTunnel, IpsecCounter], int | None]
Sessions = Iterable[ShownSession | None]
Lines = Iterator[str | None]

_HEADING = "Crypto session current status"
_LEGEND = (
    "Code: C - IKE Configuration mode, D - Dead Peer Detection",
    "K - Keepalives, N - NAT-traversal, T - cTCP encapsulation",
    "X - IKE Extended Authentication, F - IKE Fragmentation",
    "R - IKE Auto Reconnect, U - IKE Dynamic Route Update",
    "S - SIP VPN",
)
_NO_VOLUME = "KB Vol Rekey Disabled"  # where a lifetime by volume is 0


@dataclass(frozen=True, slots=True)
class _Form:
    """What differs between releases. The indents are those of a peer's lines, of an SA or flow, and of what belongs to one."""

    opening: tuple[str, ...]
    detail_opening: tuple[str, ...]
    peer: str
    sa: str
    capabilities: str
    flow: str
    xe: bool


_FORMS = MappingProxyType(
    {
        Release.CLASSIC: _Form((_HEADING,), (), " " * 4, " " * 4, " " * 4, " " * 4, xe=False),
        Release.XE: _Form((_HEADING, ""), (_HEADING, "", *_LEGEND, ""), " " * 6, " " * 2, " " * 10, " " * 8, xe=True),
    }
)


def in_brackets(name: str | None) -> str:
    """A name, or what IOS prints where there is none."""
    return name or "(none)"


def session_lines(release: Release, sessions: Sessions) -> Lines:
    """`show crypto session`."""
    form = _FORMS[release]
    yield from form.opening
    for shown in _apart(sessions):
        if isinstance(shown, ShownSession):
            yield from _opening(form, shown, None)
            place = shown.ends
            yield f"Peer: {place.remote_address}" + (f" port {place.remote_port}" if form.xe else f"/{place.remote_port}")
            if shown.facts.description:
                yield f"{form.peer}Desc: {shown.facts.description}"
            for sa in _sas(form, shown):
                yield from sa.lines
            for flow in shown.flows():
                yield from _flow(form, flow)
        else:
            yield shown


def session_detail_lines(release: Release, sessions: Sessions, now: Callable[[], int], counted: Counted) -> Lines:
    """`show crypto session detail`."""
    form = _FORMS[release]
    yield from form.detail_opening
    for shown in _apart(sessions):
        if isinstance(shown, ShownSession):
            yield from _detail(form, shown, now(), counted)
        else:
            yield shown


def _apart(sessions: Sessions) -> Iterator[ShownSession | str | None]:
    """Sessions with a blank line between them."""
    first = True
    for shown in sessions:
        if shown is not None:
            if not first:
                yield ""
            first = False
        yield shown


def _detail(form: _Form, shown: ShownSession, now: int, counted: Counted) -> Iterator[str]:
    start = shown.start
    yield from _opening(form, shown, elapsed((now - start) // SECOND) if form.xe and start is not None else None)
    ends = shown.ends
    vrfs = f"fvrf: {in_brackets(ends.front_vrf)} ivrf: {in_brackets(shown.inside_vrf)}"
    yield f"Peer: {ends.remote_address} port {ends.remote_port} {vrfs}"
    names = [f"{form.peer}Desc: {in_brackets(shown.facts.description)}", f"{form.peer}Phase1_id: {in_brackets(shown.phase1_id)}"]
    yield from reversed(names) if form.xe and shown.phase1_id is not None else names
    for sa in _sas(form, shown):
        yield from sa.lines
        yield f"{form.capabilities}{sa.capabilities(now)}"
    for flow in shown.flows():
        yield from _flow(form, flow)
        yield from (f"{form.flow}{line}" for line in _counts(flow, now, counted))


def _opening(form: _Form, shown: ShownSession, uptime: str | None) -> Iterator[str]:
    facts = shown.facts
    for label, value in (
        ("Interface", in_brackets(facts.interface)),
        ("Username", facts.user),
        ("Profile", facts.profile),
        ("Group", facts.group),
        ("Assigned address", facts.assigned_address),
        ("Uptime", uptime),
        ("Session status", shown.status.value),
    ):
        if value is not None:
            yield f"{label}: {value}"


# --- phase-1 SAs ---


@dataclass(frozen=True, slots=True)
class _Sa:
    """One phase-1 SA of a session. `facts` are None while it is negotiated."""

    lines: tuple[str, ...]
    connection: int = 0
    facts: IkeFacts | None = None
    start: int = 0

    def capabilities(self, now: int) -> str:
        if self.facts is None:
            return "Capabilities:(none) connid:0 lifetime:0"
        left = seconds_left(self.facts, self.start, now)
        lifetime = "0" if left is None else hours(left)
        return f"Capabilities:{in_brackets(capabilities(self.facts))} connid:{self.connection} lifetime:{lifetime}"


def capabilities(facts: IkeFacts) -> str:
    """The letters of IOS's legend for what two ends have agreed on beside the policy."""
    letters = (
        ("C", facts.assigned_address is not None),
        ("D", facts.keepalive),
        ("N", facts.local_port != ISAKMP_PORTS[0]),
        ("X", facts.user is not None),
    )
    return "".join(letter for letter, has in letters if has)


def seconds_left(facts: IkeFacts, start: int, now: int) -> int | None:
    """What is left of a phase-1 SA's lifetime, None where it is not known."""
    return None if facts.lifetime is None else max(0, start + facts.lifetime * SECOND - now) // SECOND


def _sas(form: _Form, shown: ShownSession) -> Iterator[_Sa]:
    session = shown.session
    for tunnel in shown.ike_tunnels:
        number = session.id if session is not None and tunnel.facts.version == 2 else 0
        lines = _sa(form, shown, tunnel.facts.version, number, "Active")
        yield _Sa(lines, tunnel.index, tunnel.facts, tunnel.start)
    for _ in shown.negotiating:
        yield _Sa(_sa(form, shown, 1, 0, "Inactive"))


def _sa(form: _Form, shown: ShownSession, version: int, number: int, state: str) -> tuple[str, ...]:
    """The lines of an SA. IOS XE numbers sessions of IKEv2, and gives those of IKEv1 the number 0."""
    ends = shown.ends
    name = f"IKEv{version}" if form.xe or version == 2 else "IKE"
    local = f"{form.sa}{name} SA: local {ends.local_address}/{ends.local_port}"
    remote = f"remote {ends.remote_address}/{ends.remote_port} {state}"
    lines = (f"{local} {remote}",) if ends.remote_address.version == 4 else (local, f"{' ' * 10}{remote}")
    return (f"{form.sa}Session ID: {number}", *lines) if form.xe else lines


# --- flows ---


def _flow(form: _Form, flow: ShownFlow) -> Iterator[str]:
    tunnel = flow.tunnel
    origin = "dynamic crypto map" if tunnel is not None and tunnel.facts.template is not None else "crypto map"
    yield f"{form.sa}IPSEC FLOW: permit {_protocol(flow.local)} {_end(flow.local)} {_end(flow.remote)}"
    yield f"{form.flow}Active SAs: {len(tunnel.spis) if tunnel is not None else 0}, origin: {origin}"


def _protocol(end: Endpoint) -> str:
    anything = "ip" if end.first.version == 4 else "ipv6"
    return str(end.protocol) if end.protocol else anything


def _end(end: Endpoint) -> str:
    """One end of a flow: `host A`, a network and its mask, or a range; the port of TCP or UDP if there is one."""
    port = f" port {end.port}" if end.port else ""
    if end.kind == "address":
        return f"host {end.first}{port}"
    if end.kind == "range":
        return f"{end.first}-{end.last}{port}"
    return f"{end.first}/{end.last if end.first.version == 4 else _prefix(end)}{port}"


def _prefix(end: Endpoint) -> int:
    return int(end.last).bit_count()


_DIRECTIONS = (
    ("Inbound:  #pkts dec'ed", True, IpsecCounter.IN_PACKETS, (IpsecCounter.IN_DROPS, IpsecCounter.IN_REPLAY_DROPS)),
    ("Outbound: #pkts enc'ed", False, IpsecCounter.OUT_PACKETS, (IpsecCounter.OUT_DROPS,)),
)


def _counts(flow: ShownFlow, now: int, counted: Counted) -> Iterator[str]:
    """The packets of each direction, and what is left of the lifetimes of its newest SA. A counter that is not known is 0."""
    tunnel = flow.tunnel
    for label, inbound, packets, drops in _DIRECTIONS:
        if tunnel is None:
            yield f"{label} 0 drop 0 life (KB/Sec) 0/0"
            continue
        newest = next((spi for spi in reversed(tunnel.spis) if spi.inbound is inbound and not spi.expiring), None)
        dropped = sum(counted(tunnel, drop) or 0 for drop in drops)
        yield f"{label} {counted(tunnel, packets) or 0} drop {dropped} life (KB/Sec) {_life(newest, now)}"


def _life(spi: Spi | None, now: int) -> str:
    if spi is None:
        return "0/0"
    kilobytes, seconds = spi.kilobytes_left(now), spi.seconds_left(now)
    return f"{_NO_VOLUME if kilobytes is None else kilobytes}/{seconds or 0}"


# --- in short ---

_BRIEF_OPENING = (
    "Status: A- Active, U - Up, D - Down, I - Idle, S - Standby, N - Negotiating",
    "        K - No IKE",
)
_CODES = MappingProxyType(
    {
        SessionStatus.UP_ACTIVE: "UA",
        SessionStatus.UP_IDLE: "UI",
        SessionStatus.UP_NO_IKE: "UK",
        SessionStatus.DOWN_NEGOTIATING: "DN",
        SessionStatus.DOWN: "D",
    }
)
_COLUMNS = "Peer", "I/F", "Username", "Group/Phase1_id", "Uptime", "Status"
# How wide the columns are; classic IOS has its words at the right of them.
_LAYOUTS = MappingProxyType(
    {
        Release.CLASSIC: "{:>15} {:>7} {:>15} {:>24} {:>8} {:>6}",
        Release.XE: "{:<15} {:<12} {:<15} {:<24} {:<8} {}",
    }
)


def session_brief_lines(release: Release, sessions: Sessions, now: Callable[[], int]) -> Lines:
    """`show crypto session brief`: a line for each session, VRF by VRF."""
    layout = _LAYOUTS[release]
    yield from _BRIEF_OPENING
    vrf: object = object()
    for shown in sessions:
        if shown is None:
            yield None
            continue
        if shown.inside_vrf != vrf:
            vrf = shown.inside_vrf
            yield f"ivrf = {in_brackets(shown.inside_vrf)}"
            yield layout.format(*_COLUMNS)
        facts, start = shown.facts, shown.start
        yield layout.format(
            str(shown.ends.remote_address),
            short_name(facts.interface) if facts.interface else "",
            facts.user or "",
            facts.group or shown.phase1_id or "",
            elapsed((now() - start) // SECOND) if start is not None else "",
            _CODES[shown.status],
        ).rstrip()


def connections_by_group(sessions: Sessions, groups: dict[str, dict[str, int]]) -> Iterator[None]:
    """Add the remote-access clients that are connected: by group and user, how often."""
    for shown in sessions:
        if shown is None:
            yield None
        elif shown.facts.group is not None and shown.start is not None:
            users = groups.setdefault(shown.facts.group, {})
            users[shown.facts.user or ""] = users.get(shown.facts.user or "", 0) + 1


def group_lines(groups: dict[str, dict[str, int]]) -> Iterator[str]:
    """`show crypto session groups`."""
    yield "Group: Connections"
    yield from (f"{group}: {sum(users.values())}" for group, users in groups.items())


def summary_lines(groups: dict[str, dict[str, int]]) -> Iterator[str]:
    """`show crypto session summary`."""
    for group, users in groups.items():
        yield f"Group {group} has {sum(users.values())} connections"
        yield "        User (Logins)"
        yield from (f"        {user} ({logins})" for user, logins in users.items())
