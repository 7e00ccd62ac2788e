"""What the client counts. The names are those of `show aaa servers` and `show radius statistics`."""

from __future__ import annotations

from agent.aaa.radius.events import Discarded
from agent.aaa.radius.statistics import LATENCIES, Run, Statistics
from agent.aaa.radius.values import Code
from tests.aaa.radius.desk import Desk, config, log_in, record, server


def counted(desk: Desk) -> Statistics:
    statistics = Statistics(desk.now)
    for event in desk.events:
        statistics.take(event)
    return statistics


def test_a_server_that_answers_and_one_that_does_not() -> None:
    desk = Desk(config(server(1), server(2)))
    for about in range(2):
        desk.ask(about, request=log_in(about))
        desk.ask(10 + about)
    desk.advance(20)  # the first server answers nothing
    accept, start, reject, _ = desk.sent[-4:]
    desk.advance(0.015)
    desk.answer(accept)
    desk.answer(start)
    desk.answer(reject, Code.ACCESS_REJECT)
    statistics = counted(desk)
    first, second = (statistics.of(each.name) for each in desk.servers)
    for counts in (first.authentication, first.accounting):
        assert (counts.requests, counts.retransmissions, counts.timeouts) == (2, 6, 8)
        assert (counts.unanswered, counts.failovers, counts.responses) == (2, 2, 0)
    assert (first.failures, first.timeouts) == (Run(4, 4), Run(16, 16))
    assert (second.failures, second.timeouts) == (Run(), Run())
    assert statistics.totals.timeouts == Run(0, 16)  # an answer of any server ends the row
    assert second.authentication.answered == {Code.ACCESS_ACCEPT: 1, Code.ACCESS_REJECT: 1}
    assert (second.accounting.records, second.accounting.acknowledged) == ({1: 2}, {1: 1})
    assert second.accounting.latencies == [0, 0, 0, 1, 0, 0, 0]  # 10 to 20 ms
    assert round(second.authentication.average_delay, 6) == round(second.authentication.longest_delay, 6) == 0.015
    assert second.authentication.last == (desk.opened[0].number, reject.identifier)  # that of the last request
    both = statistics.totals
    assert (both.authentication.requests, both.authentication.responses, both.authentication.timeouts) == (4, 2, 8)
    assert (both.accounting.requests, both.accounting.responses) == (4, 1)
    assert len(second.accounting.latencies) == len(LATENCIES) + 1


def test_a_request_that_nobody_answers_fails_over_once_less_than_it_fails() -> None:
    desk = Desk(config(server(1), server(2)))
    desk.ask()
    desk.advance(40)
    counts = counted(desk).totals.accounting
    assert (counts.unanswered, counts.failovers) == (2, 1)


def test_what_is_refused() -> None:
    desk = Desk(config(server(1)))
    desk.ask()
    desk.ask(2, request=log_in(2))
    accounting, access = desk.sent
    desk.answer(accounting, key="other")
    desk.answer(access, key="other")
    desk.hear(access, b"")
    desk.answer(accounting)
    desk.answer(accounting)
    statistics = counted(desk)
    (counts,) = (statistics.of(each.name) for each in desk.servers)
    assert counts.accounting.refused == {Discarded.AUTHENTICATOR: 1}  # of those that answer a request
    assert counts.authentication.refused == {Discarded.AUTHENTICATOR: 1}
    assert statistics.totals.accounting.refused == {Discarded.AUTHENTICATOR: 1, Discarded.UNKNOWN: 1}
    assert statistics.totals.authentication.refused == {Discarded.AUTHENTICATOR: 1, Discarded.MALFORMED: 1}


def test_counts_are_cleared() -> None:
    desk = Desk(config(server(1)))
    desk.ask()
    statistics, (first,) = counted(desk), desk.servers
    desk.advance(1)
    statistics.clear_totals()
    assert (statistics.totals.since, statistics.totals.accounting.requests) == (1001, 0)
    assert statistics.of(first.name).accounting.requests == 1
    statistics.clear_servers()
    assert (statistics.of(first.name).since, statistics.of(first.name).accounting.requests) == (1001, 0)


def test_the_largest_packet() -> None:
    desk = Desk(config(server(1)))
    desk.ask(request=record())
    assert counted(desk).totals.accounting.largest == len(desk.sent[0].packet)
