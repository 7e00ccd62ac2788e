"""Shell room: `show aaa {clients | servers | sessions}`, `show radius statistics` and `show accounting`.

The classic forms are those of the Cisco IOS Security Command Reference, the forms of IOS XE those that Genie's parsers read. A line
of IOS XE about what is not here (other processes of the platform, throttling by method, timers of the implementation) is left out
where the parsers can do without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from agent.aaa.accounting.record import AcctStatus
from agent.aaa.facts import AccountedSession, AccountingFacts, AuthorFacts
from agent.aaa.radius.events import Discarded
from agent.aaa.radius.servers import ServerFacts
from agent.aaa.radius.statistics import LATENCIES, ByKind, Counts
from agent.aaa.radius.values import Code, ServerName
from agent.base.spans import hours
from agent.shell.releases import Release

_MILLISECONDS = 1000
_INDENT, _DETAIL = " " * 5, " " * 13
_UNSHOWN = (Discarded.UNKNOWN, Discarded.SOURCE)  # what answers no request of ours


def since_cleared(seconds: float) -> str:
    """ "0m", "5h58m", "1d11h15m"."""
    days, minutes = divmod(int(seconds) // 60, 24 * 60)
    hours_, minutes = divmod(minutes, 60)
    return f"{f'{days}d' if days else ''}{f'{hours_}h' if days or hours_ else ''}{minutes}m"


def _milliseconds(seconds: float) -> int:
    return round(seconds * _MILLISECONDS)


# --- servers ---


def _transmissions(counts: Counts) -> int:
    """What IOS calls requests: "retransmissions due to request timeouts are counted as distinct" (CISCO-AAA-SERVER-MIB)."""
    return counts.requests + counts.retransmissions


def _incorrect(counts: Counts) -> int:
    """Answers that could not be taken, whatever the reason."""
    return sum(number for reason, number in counts.refused.items() if reason not in _UNSHOWN)


def _bad_authenticators(counts: Counts) -> int:
    reasons = (
        Discarded.AUTHENTICATOR,
        Discarded.MESSAGE_AUTHENTICATOR,
        Discarded.NO_MESSAGE_AUTHENTICATOR,
        Discarded.PROXY_STATE,
    )
    return sum(counts.refused[reason] for reason in reasons)


def server_lines(
    release: Release, servers: Sequence[ServerFacts], counts_of: Callable[[ServerName], ByKind], now: float
) -> Iterator[str]:
    """`show aaa servers`. `now` is in seconds of the client's clock."""
    for index, server in enumerate(servers):
        if index:
            yield ""
        yield from _server(release, server, counts_of(server.name), now)


def _server(release: Release, server: ServerFacts, counts: ByKind, now: float) -> Iterator[str]:
    name = server.name
    title = f"RADIUS: id {server.number}, priority {server.priority}, host {name.address}"
    hostname = f", hostname {name.name}" if name.name else ""
    yield f"{title}, auth-port {name.auth_port}, acct-port {name.acct_port}{hostname}"
    state = "UP" if server.alive else "DEAD"
    yield f"{_INDENT}State: current {state}, duration {int(server.duration)}s, previous duration {int(server.previous)}s"
    yield f"{_INDENT}Dead: total time {int(server.dead_time)}s, count {server.deaths}"
    yield f"{_INDENT}Quarantined: No"
    # A request for a group's policy is an Access-Request like another, and is counted with these.
    for title, each in (("Authen", counts.authentication), ("Author", Counts()), ("Account", counts.accounting)):
        yield from _REQUESTS[release](title, each)
    yield f"{_INDENT}Elapsed time since counters last cleared: {since_cleared(now - counts.since)}"
    if release is Release.XE:
        yield from _load(server, counts)


def _classic_requests(title: str, counts: Counts) -> Iterator[str]:
    yield f"{_INDENT}{title}: request {_transmissions(counts)}, timeouts {counts.timeouts}"
    yield _responses(counts)
    yield _transactions(counts)


def _xe_requests(title: str, counts: Counts) -> Iterator[str]:
    moved = f"failover {counts.failovers}, retransmission {counts.retransmissions}"
    yield f"{_INDENT}{title}: request {_transmissions(counts)}, timeouts {counts.timeouts}, {moved}"
    if title == "Account":
        for way, records in (("Request", counts.records), ("Response", counts.acknowledged)):
            numbers = ((word, records[int(status)]) for word, status in _RECORDS)
            yield f"{_DETAIL}{way}: {', '.join(f'{word} {number}' for word, number in numbers)}"
    else:
        numbers = ((word, counts.answered[code]) for word, code in _ANSWERS)
        yield f"{_DETAIL}Response: {', '.join(f'{word} {number}' for word, number in numbers)}"
    yield _responses(counts)
    yield _transactions(counts)
    yield f"{_DETAIL}Throttled: transaction 0, timeout 0, failure 0"
    yield f"{_DETAIL}Malformed responses: {counts.refused[Discarded.MALFORMED]}"
    yield f"{_DETAIL}Bad authenticators: {_bad_authenticators(counts)}"


_REQUESTS = {Release.CLASSIC: _classic_requests, Release.XE: _xe_requests}
_RECORDS = (("start", AcctStatus.START), ("interim", AcctStatus.INTERIM), ("stop", AcctStatus.STOP))
_ANSWERS = (("accept", Code.ACCESS_ACCEPT), ("reject", Code.ACCESS_REJECT), ("challenge", Code.ACCESS_CHALLENGE))


def _responses(counts: Counts) -> str:
    refused = f"unexpected {counts.refused[Discarded.UNKNOWN]}, server error 0, incorrect {_incorrect(counts)}"
    return f"{_DETAIL}Response: {refused}, time {_milliseconds(counts.average_delay)}ms"


def _transactions(counts: Counts) -> str:
    """Those that a server has answered, whatever it said, and those that it has not."""
    return f"{_DETAIL}Transaction: success {counts.responses}, failure {counts.unanswered}"


def _load(server: ServerFacts, counts: ByKind) -> Iterator[str]:
    for what, numbers in (("Outstanding", server.outstanding), ("Throttled", server.waiting)):
        for kind, number in zip(("Access", "Accounting"), numbers, strict=True):
            yield f"{_INDENT}Estimated {what} {kind} Transactions: {number}"
    yield f"{_INDENT}Maximum Throttled Transactions: access 0, accounting 0"
    unanswered = counts.authentication.unanswered + counts.accounting.unanswered
    timeouts = counts.authentication.timeouts + counts.accounting.timeouts
    for what, run, total in (("Response Failures", counts.failures, unanswered), ("Timeouts", counts.timeouts, timeouts)):
        yield f"{_INDENT}Consecutive {what}: total {total}"
        yield f"{_DETAIL}IOSD Platform : max {run.most}, current {run.now} total {total}"


# --- statistics ---


def statistics_lines(release: Release, totals: ByKind, now: float) -> Iterator[str]:
    """`show radius statistics`."""
    both = (totals.authentication, totals.accounting)
    yield f"{'':33}Auth.      Acct.       Both"
    for label in ("inQ", "waitQ", "doneQ"):
        yield _row(f"Maximum {label} length", "NA", "NA", "0")
    yield _sums("Total responses seen", both, lambda counts: counts.responses + counts.refused.total())
    yield _sums("Packets with responses", both, lambda counts: counts.responses)
    yield _sums("Packets without responses", both, lambda counts: counts.unanswered)
    if release is Release.XE:
        for word, code in (("Rejects", Code.ACCESS_REJECT), ("Accepts", Code.ACCESS_ACCEPT)):
            yield f"  Access {word:18}: {totals.authentication.answered[code]:>10}"
    average = (*both, _together(both))
    yield _row("Average response delay(ms)", *(str(_milliseconds(counts.average_delay)) for counts in average))
    longest = [_milliseconds(counts.longest_delay) for counts in both]
    yield _row("Maximum response delay(ms)", *map(str, (*longest, max(longest))))
    yield _sums("Number of Radius timeouts", both, lambda counts: counts.timeouts)
    yield _row("Duplicate ID detects", "0", "0", "0")
    yield _row("Buffer Allocation Failures", "0", "0", "0")
    largest = [counts.largest for counts in both]
    yield _row("Maximum Buffer Size (bytes)", *map(str, (*largest, max(largest))))
    if release is Release.XE:
        yield _plain("Malformed Responses", both, lambda counts: counts.refused[Discarded.MALFORMED])
        yield _plain("Bad Authenticators", both, _bad_authenticators)
        yield _plain("Unknown Responses", both, lambda counts: sum(counts.refused[reason] for reason in _UNSHOWN))
    yield from _ports(both)
    if release is Release.XE:
        yield ""
        yield f"  Elapsed time since counters last cleared: {since_cleared(now - totals.since)}"
        yield from _latencies(both)


def _together(both: Sequence[Counts]) -> Counts:
    """What the average of both kinds is made of."""
    together = Counts(delay=sum(counts.delay for counts in both))
    for counts in both:
        together.answered.update(counts.answered)
    return together


def _row(label: str, *numbers: str) -> str:
    return f"{label:>27}: {' '.join(f'{number:>10}' for number in numbers)}"


def _sums(label: str, both: Sequence[Counts], number: Callable[[Counts], int]) -> str:
    """A row with the sum in its last column."""
    return _row(label, *_with_sum(both, number))


def _plain(label: str, both: Sequence[Counts], number: Callable[[Counts], int]) -> str:
    """A row of the kind that IOS XE puts its label to the left of."""
    return f"{label:27}: {' '.join(f'{each:>10}' for each in _with_sum(both, number))}"


def _with_sum(both: Sequence[Counts], number: Callable[[Counts], int]) -> tuple[str, ...]:
    numbers = [number(counts) for counts in both]
    return tuple(map(str, (*numbers, sum(numbers))))


def _ports(both: Sequence[Counts]) -> Iterator[str]:
    """The ports that requests have left by last, one for each kind; the kernel has chosen them. A kind without requests has 0."""
    last = [counts.last or (0, 0) for counts in both]
    ports = [port for port, _ in last if port] or [0]
    yield " Source Port Range: (2 ports only)"
    yield f" {min(ports)} - {max(ports)}"
    yield " Last used Source Port/Identifier:"
    for port, identifier in last:
        yield f" {port}/{identifier}"


def _latencies(both: Sequence[Counts]) -> Iterator[str]:
    lows = ("3", *(str(low) for low, _ in pairwise(LATENCIES[1:])))
    labels = (
        f"<= {LATENCIES[0]}ms",
        *(f"{low}-{high}ms"[:7] for low, high in zip(lows, LATENCIES[1:], strict=True)),
        f">{LATENCIES[-1]}ms",
    )
    yield "Radius Latency Distribution:"
    for index, label in enumerate(labels):
        yield f"{label:7}: {' '.join(f'{counts.latencies[index]:>10}' for counts in both)}"
    yield ""
    yield "Current inQ length  : 0"
    yield "Current doneQ length: 0"


# --- sessions ---


def session_lines(facts: AccountingFacts) -> Iterator[str]:
    """`show aaa sessions`."""
    yield f"Total sessions since last reload: {facts.sessions_made}"
    for session in facts.sessions:
        yield f"Session Id: {session.number}"
        yield f"   Unique Id: {session.about}"
        yield f"   User Name: {session.user if session.user else '*not available*'}"
        yield f"   IP Address: {session.address}"
        yield "   Idle Time: 0"
        yield "   CT Call Handle: 0"


# --- clients of dynamic authorisation ---


def client_lines(facts: AuthorFacts) -> Iterator[str]:
    """`show aaa clients`: the servers that may end sessions. Cisco documents the first line; the others are our own."""
    yield f"Dropped request packets: {facts.strangers + sum(client.dropped for client in facts.clients)}"
    for client in facts.clients:
        yield f"Client {client.address}"
        for name, asked in (("PoD", client.disconnects), ("CoA", client.changes)):
            yield f"  {name}: requests {asked.requests}, Ack responses {asked.acks}, Nak responses {asked.naks}"
        yield f"  Duplicates: {client.duplicates}, dropped: {client.dropped}, sessions ended: {client.ended}"


# --- accounting ---


def accounting_lines(facts: AccountingFacts, zone: str) -> Iterator[str]:
    """`show accounting`: the open sessions, and the records since the start. `zone` is the router's time zone."""
    for session in facts.sessions:
        yield from _accounted(session, zone)
        yield ""
    yield "Overall Accounting Traffic"
    yield "          Starts   Stops  Updates  Active  Drops"
    network = [facts.records.get(status, 0) for status in (AcctStatus.START, AcctStatus.STOP, AcctStatus.INTERIM)]
    system = [facts.records.get(status, 0) for status in (AcctStatus.ON, AcctStatus.OFF)]
    rows = {
        "Exec": (0, 0, 0, 0, 0),
        "Network": (*network, facts.active, facts.dropped),
        "Connect": (0, 0, 0, 0, 0),
        "Command": (0, 0, 0, 0, 0),
        "Rsrc-mgmt": (0, 0, 0, 0, 0),
        "System": (*system, 0, 0, 0),
    }
    for name, numbers in rows.items():
        starts, stops, updates, active, drops = numbers
        yield f"{name:<12}{starts:<9}{stops:<7}{updates:<8}{active:<8}{drops}"
    yield ""
    yield f"Queue length:{facts.waiting}"


def _accounted(session: AccountedSession, zone: str) -> Iterator[str]:
    where = f"Interface {session.interface}" if session.interface else "Virtual interface"
    user = f", User {session.user} Priv 1" if session.user else ""
    yield f"Active Accounted actions on {where}{user}"
    yield f" Task ID {session.number}, Network Accounting record, {hours(session.seconds)} Elapsed"
    yield f" task_id={session.number} timezone={zone} service=ipsec protocol=ip addr={session.address}"
