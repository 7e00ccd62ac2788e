"""`show aaa servers`, `show radius statistics`, `show aaa sessions` and `show accounting`.

The classic forms are the examples of the Cisco IOS Security Command Reference, with its values. Those of IOS XE are the samples of
real routers that Genie's parsers are tested with, without the lines about other processes and methods than there are here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from agent.aaa.accounting.record import AcctStatus
from agent.aaa.facts import AaaFacts, AccountedSession, AccountingFacts, AskedFor, AuthorClientFacts, AuthorFacts
from agent.aaa.radius.events import Discarded
from agent.aaa.radius.servers import ServerFacts
from agent.aaa.radius.statistics import ByKind, Counts, Run, Statistics
from agent.aaa.radius.values import Code, ServerName
from agent.base.origin import CONSOLE
from agent.shell.lines import LineState
from agent.shell.releases import Release
from agent.shell.render.aaa import accounting_lines, client_lines, server_lines, session_lines, since_cleared, statistics_lines
from agent.shell.session import Session
from tests.shell.fakes import COMMANDS, CONFIG, Console

NAME = ServerName(IPv4Address("11.15.24.213"), 1812, 1813, "mgmt-rad")
SERVER = ServerFacts(
    number=1,
    priority=1,
    name=NAME,
    groups=("radius",),
    alive=True,
    duration=7787.6,
    previous=0.0,
    deaths=0,
    dead_time=0.0,
    timeouts=3,
    outstanding=(0, 0),
    waiting=(0, 0),
)
COUNTS = ByKind(
    since=0.0,
    authentication=Counts(
        sent=Counter({Code.ACCESS_REQUEST: 30}),
        answered=Counter({Code.ACCESS_ACCEPT: 8, Code.ACCESS_CHALLENGE: 16}),
        refused=Counter({Discarded.UNKNOWN: 2}),
        retransmissions=19,
        timeouts=25,
        unanswered=6,
        delay=24 * 0.094,
    ),
    accounting=Counts(
        sent=Counter({Code.ACCOUNTING_REQUEST: 15}),
        answered=Counter({Code.ACCOUNTING_RESPONSE: 13}),
        records=Counter({1: 8, 2: 7}),
        acknowledged=Counter({1: 8, 2: 5}),
        retransmissions=6,
        timeouts=8,
        unanswered=2,
        delay=13 * 0.003,
    ),
    failures=Run(now=1, most=3),
    timeouts=Run(now=3, most=15),
)


def test_servers_of_ios_xe() -> None:
    lines = list(server_lines(Release.XE, [SERVER], lambda name: COUNTS, now=2 * 3600 + 9 * 60))
    assert lines == [
        "RADIUS: id 1, priority 1, host 11.15.24.213, auth-port 1812, acct-port 1813, hostname mgmt-rad",
        "     State: current UP, duration 7787s, previous duration 0s",
        "     Dead: total time 0s, count 0",
        "     Quarantined: No",
        "     Authen: request 49, timeouts 25, failover 0, retransmission 19",
        "             Response: accept 8, reject 0, challenge 16",
        "             Response: unexpected 2, server error 0, incorrect 0, time 94ms",
        "             Transaction: success 24, failure 6",
        "             Throttled: transaction 0, timeout 0, failure 0",
        "             Malformed responses: 0",
        "             Bad authenticators: 0",
        "     Author: request 0, timeouts 0, failover 0, retransmission 0",
        "             Response: accept 0, reject 0, challenge 0",
        "             Response: unexpected 0, server error 0, incorrect 0, time 0ms",
        "             Transaction: success 0, failure 0",
        "             Throttled: transaction 0, timeout 0, failure 0",
        "             Malformed responses: 0",
        "             Bad authenticators: 0",
        "     Account: request 21, timeouts 8, failover 0, retransmission 6",
        "             Request: start 8, interim 0, stop 7",
        "             Response: start 8, interim 0, stop 5",
        "             Response: unexpected 0, server error 0, incorrect 0, time 3ms",
        "             Transaction: success 13, failure 2",
        "             Throttled: transaction 0, timeout 0, failure 0",
        "             Malformed responses: 0",
        "             Bad authenticators: 0",
        "     Elapsed time since counters last cleared: 2h9m",
        "     Estimated Outstanding Access Transactions: 0",
        "     Estimated Outstanding Accounting Transactions: 0",
        "     Estimated Throttled Access Transactions: 0",
        "     Estimated Throttled Accounting Transactions: 0",
        "     Maximum Throttled Transactions: access 0, accounting 0",
        "     Consecutive Response Failures: total 8",
        "             IOSD Platform : max 3, current 1 total 8",
        "     Consecutive Timeouts: total 33",
        "             IOSD Platform : max 15, current 3 total 33",
    ]


def test_servers_of_the_classic_form() -> None:
    server = replace(SERVER, number=6, name=ServerName(IPv4Address("192.168.242.4"), 1645, 1646), duration=3.0)
    dead = replace(
        SERVER,
        number=7,
        priority=2,
        name=ServerName(IPv6Address("2001:db8::4"), 1645, 1646),
        alive=False,
        duration=12.9,
        previous=300.0,
        deaths=2,
        dead_time=61.0,
    )
    lines = list(server_lines(Release.CLASSIC, [server, dead], lambda name: ByKind(0.0), now=59.0))
    requests = [
        "             Response: unexpected 0, server error 0, incorrect 0, time 0ms",
        "             Transaction: success 0, failure 0",
    ]
    counted = [line for title in ("Authen", "Author", "Account") for line in (f"     {title}: request 0, timeouts 0", *requests)]
    assert lines == [
        "RADIUS: id 6, priority 1, host 192.168.242.4, auth-port 1645, acct-port 1646",
        "     State: current UP, duration 3s, previous duration 0s",
        "     Dead: total time 0s, count 0",
        "     Quarantined: No",
        *counted,
        "     Elapsed time since counters last cleared: 0m",
        "",
        "RADIUS: id 7, priority 2, host 2001:db8::4, auth-port 1645, acct-port 1646",
        "     State: current DEAD, duration 12s, previous duration 300s",
        "     Dead: total time 61s, count 2",
        "     Quarantined: No",
        *counted,
        "     Elapsed time since counters last cleared: 0m",
    ]


def test_answers_that_were_refused() -> None:
    """Those that could not be processed are incorrect, and one that answers no request is unexpected (CISCO-AAA-SERVER-MIB)."""
    refused = Counter({reason: 2**place for place, reason in enumerate(Discarded)})
    counts = ByKind(0.0, authentication=Counts(refused=refused))
    lines = list(server_lines(Release.XE, [SERVER], lambda name: counts, 0.0))
    reasons = (
        Discarded.AUTHENTICATOR,
        Discarded.MESSAGE_AUTHENTICATOR,
        Discarded.NO_MESSAGE_AUTHENTICATOR,
        Discarded.PROXY_STATE,
    )
    wrong = sum(refused[reason] for reason in reasons)
    incorrect = wrong + refused[Discarded.MALFORMED] + refused[Discarded.CODE]
    assert lines[6].strip() == f"Response: unexpected {refused[Discarded.UNKNOWN]}, server error 0, incorrect {incorrect}, time 0ms"
    assert lines[9].strip() == f"Malformed responses: {refused[Discarded.MALFORMED]}"
    assert lines[10].strip() == f"Bad authenticators: {wrong}"


TOTALS = ByKind(
    since=0.0,
    authentication=Counts(
        answered=Counter({Code.ACCESS_ACCEPT: 30, Code.ACCESS_REJECT: 3}),
        delay=43.93,
        longest_delay=5.72,
        timeouts=8,
        largest=156,
        last=(1645, 33),
        latencies=[1, 2, 3, 4, 5, 6, 7],
    ),
    accounting=Counts(
        answered=Counter({Code.ACCOUNTING_RESPONSE: 67}),
        delay=8.33,
        longest_delay=4.8,
        timeouts=2,
        largest=327,
        last=(1646, 69),
    ),
)


def test_statistics_of_the_classic_form() -> None:
    assert list(statistics_lines(Release.CLASSIC, TOTALS, now=0.0)) == [
        "                                 Auth.      Acct.       Both",
        "         Maximum inQ length:         NA         NA          0",
        "       Maximum waitQ length:         NA         NA          0",
        "       Maximum doneQ length:         NA         NA          0",
        "       Total responses seen:         33         67        100",
        "     Packets with responses:         33         67        100",
        "  Packets without responses:          0          0          0",
        " Average response delay(ms):       1331        124        523",
        " Maximum response delay(ms):       5720       4800       5720",
        "  Number of Radius timeouts:          8          2         10",
        "       Duplicate ID detects:          0          0          0",
        " Buffer Allocation Failures:          0          0          0",
        "Maximum Buffer Size (bytes):        156        327        327",
        " Source Port Range: (2 ports only)",
        " 1645 - 1646",
        " Last used Source Port/Identifier:",
        " 1645/33",
        " 1646/69",
    ]


def test_statistics_of_ios_xe() -> None:
    lines = list(statistics_lines(Release.XE, TOTALS, now=5 * 3600 + 58 * 60))
    assert lines[7:9] == ["  Access Rejects           :          3", "  Access Accepts           :         30"]
    assert lines[15:18] == [
        "Malformed Responses        :          0          0          0",
        "Bad Authenticators         :          0          0          0",
        "Unknown Responses          :          0          0          0",
    ]
    assert lines[-13:] == [
        "",
        "  Elapsed time since counters last cleared: 5h58m",
        "Radius Latency Distribution:",
        "<= 2ms :          1          0",
        "3-5ms  :          2          0",
        "5-10ms :          3          0",
        "10-20ms:          4          0",
        "20-50ms:          5          0",
        "50-100m:          6          0",
        ">100ms :          7          0",
        "",
        "Current inQ length  : 0",
        "Current doneQ length: 0",
    ]


@pytest.mark.parametrize(
    ("authentication", "accounting", "lines"),
    [
        (None, None, [" 0 - 0", " 0/0", " 0/0"]),
        ((46655, 2), None, [" 46655 - 46655", " 46655/2", " 0/0"]),
        ((46655, 2), (40001, 3), [" 40001 - 46655", " 46655/2", " 40001/3"]),
    ],
)
def test_source_ports(authentication: tuple[int, int] | None, accounting: tuple[int, int] | None, lines: list[str]) -> None:
    totals = ByKind(0.0, Counts(last=authentication), Counts(last=accounting))
    printed = list(statistics_lines(Release.CLASSIC, totals, now=0.0))
    assert [printed[-4], *printed[-2:]] == lines


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0m"), (59.9, "0m"), (60, "1m"), (3600, "1h0m"), (21480, "5h58m"), (86400, "1d0h0m"), (126900, "1d11h15m")],
)
def test_the_time_since_counters_were_cleared(seconds: float, text: str) -> None:
    assert since_cleared(seconds) == text


# --- accounting ---

SESSIONS = (
    AccountedSession(0x167, 151, None, "FastEthernet0/0", IPv4Address("192.168.0.1"), 18),
    AccountedSession(0x168, 152, "alice", None, IPv4Address("10.13.13.1"), 3661),
)
RECORDS = {AcctStatus.START: 8, AcctStatus.STOP: 4, AcctStatus.INTERIM: 3, AcctStatus.ON: 1}
FACTS = AccountingFacts(SESSIONS, active=2, sessions_made=141, records=RECORDS, waiting=5, dropped=1)


def test_sessions() -> None:
    assert list(session_lines(FACTS)) == [
        "Total sessions since last reload: 141",
        "Session Id: 359",
        "   Unique Id: 151",
        "   User Name: *not available*",
        "   IP Address: 192.168.0.1",
        "   Idle Time: 0",
        "   CT Call Handle: 0",
        "Session Id: 360",
        "   Unique Id: 152",
        "   User Name: alice",
        "   IP Address: 10.13.13.1",
        "   Idle Time: 0",
        "   CT Call Handle: 0",
    ]


def test_accounting() -> None:
    assert list(accounting_lines(FACTS, "PDT")) == [
        "Active Accounted actions on Interface FastEthernet0/0",
        " Task ID 359, Network Accounting record, 00:00:18 Elapsed",
        " task_id=359 timezone=PDT service=ipsec protocol=ip addr=192.168.0.1",
        "",
        "Active Accounted actions on Virtual interface, User alice Priv 1",
        " Task ID 360, Network Accounting record, 01:01:01 Elapsed",
        " task_id=360 timezone=PDT service=ipsec protocol=ip addr=10.13.13.1",
        "",
        "Overall Accounting Traffic",
        "          Starts   Stops  Updates  Active  Drops",
        "Exec        0        0      0       0       0",
        "Network     8        4      3       2       1",
        "Connect     0        0      0       0       0",
        "Command     0        0      0       0       0",
        "Rsrc-mgmt   0        0      0       0       0",
        "System      1        0      0       0       0",
        "",
        "Queue length:5",
    ]


def test_clients_of_dynamic_authorisation() -> None:
    client = AuthorClientFacts("10.0.0.9", AskedFor(5, 3, 2), AskedFor(1, 0, 1), duplicates=4, ended=3, dropped=2)
    assert list(client_lines(AuthorFacts([client], strangers=7))) == [
        "Dropped request packets: 9",
        "Client 10.0.0.9",
        "  PoD: requests 5, Ack responses 3, Nak responses 2",
        "  CoA: requests 1, Ack responses 0, Nak responses 1",
        "  Duplicates: 4, dropped: 2, sessions ended: 3",
    ]
    assert Console().type("show aaa clients") == "Dropped request packets: 0\n"


# --- the commands ---


class FakeRadius:
    def __init__(self, *servers: ServerFacts) -> None:
        self.time = 60.0
        self.statistics = Statistics(self.now)
        self._servers = servers

    def servers(self) -> Sequence[ServerFacts]:
        return self._servers

    def now(self) -> float:
        return self.time


PRIVATE = replace(SERVER, number=2, name=replace(NAME, private="billing"))


def console(radius: FakeRadius, config: str = CONFIG, facts: AccountingFacts = FACTS) -> Console:
    made = Console(config)
    made.router = replace(made.router, aaa=AaaFacts(radius, lambda: facts))
    made.session = Session(made.router, made.terminal, COMMANDS, LineState(CONSOLE, 15))
    return made


def test_public_and_private_servers() -> None:
    terminal = console(FakeRadius(SERVER, PRIVATE))

    def ids(line: str) -> list[str]:
        return [shown for shown in terminal.type(line).splitlines() if shown.startswith("RADIUS")]

    assert [each.split(",")[0] for each in ids("show aaa servers")] == ["RADIUS: id 1", "RADIUS: id 2"]
    assert [each.split(",")[0] for each in ids("show aaa servers public")] == ["RADIUS: id 1"]
    assert [each.split(",")[0] for each in ids("show aaa servers private")] == ["RADIUS: id 2"]


def test_the_form_is_that_of_the_release() -> None:
    assert "Throttled" not in console(FakeRadius(SERVER)).type("show aaa servers")
    assert "Throttled" in console(FakeRadius(SERVER), CONFIG.replace("12.4", "16.9")).type("show aaa servers")


def test_counters_are_cleared() -> None:
    radius = FakeRadius(SERVER)
    terminal = console(radius)
    radius.statistics.totals.authentication.timeouts = 7
    radius.time = 180.0
    assert "Elapsed time since counters last cleared: 2m" in terminal.type("show aaa servers")
    assert " 7 " in terminal.type("show radius statistics")
    assert terminal.type("clear aaa counters servers all", "clear radius statistics") == ""
    assert "Elapsed time since counters last cleared: 0m" in terminal.type("show aaa servers")
    assert " 7 " not in terminal.type("show radius statistics")


def test_sessions_and_accounting() -> None:
    terminal = console(FakeRadius())
    assert terminal.type("show aaa sessions").startswith("Total sessions since last reload: 141\nSession Id: 359\n")
    assert "timezone=PST" in terminal.type("show accounting")


def test_the_name_of_a_user_does_not_act_on_a_terminal() -> None:
    session = AccountedSession(1, 2, "al\x1b[2Jice\n", None, IPv4Address("10.13.13.1"), 0)
    terminal = console(FakeRadius(), facts=AccountingFacts([session], active=1, sessions_made=1))
    assert "   User Name: al\\x1b[2Jice\\n\n" in terminal.type("show aaa sessions")
    assert "Active Accounted actions on Virtual interface, User al\\x1b[2Jice\\n Priv 1\n" in terminal.type("show accounting")


def test_a_router_without_servers_and_accounting() -> None:
    assert Console().type("show aaa servers") == ""
    assert Console().type("show aaa sessions") == "Total sessions since last reload: 0\n"
    assert Console().type("show radius statistics").startswith(" " * 33 + "Auth.")
