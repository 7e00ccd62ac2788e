"""The order of accounting records, and when each is tried again (RFC 2866 §5.1, RFC 5080 §2.2.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.aaa.accounting.delivery import FIRST_PAUSE, LONGEST_PAUSE, SPREAD, TRIES_ALONE, WINDOW, Attempt, Delivery
from agent.aaa.accounting.record import AcctStatus
from agent.aaa.accounting.waiting import Waiting

START, STOP, INTERIM, ON, OFF = AcctStatus.START, AcctStatus.STOP, AcctStatus.INTERIM, AcctStatus.ON, AcctStatus.OFF
TIMEOUT = 20.0  # seconds that a group takes not to answer: four transmissions, five seconds each


class Bench:
    """A delivery, with a clock, and with groups of servers that answer at once or let an attempt time out."""

    def __init__(self, random: Callable[[], float] = lambda: 0.5) -> None:
        self.now = 1000.0
        self.delivery = Delivery(random)
        self.down: set[str] = set()
        self.refuses: Callable[[Waiting], bool] = lambda waiting: waiting.status in self.refused
        self.refused: set[AcctStatus] = set()
        self.taken: list[tuple[str, str, str]] = []  # (group, session, status)
        self.in_order: dict[tuple[str, tuple[str, ...]], list[str]] = {}  # statuses by session and groups
        self.asked: list[tuple[float, str]] = []  # (when, group), of every attempt
        self._numbers = count(1)
        self._flying: list[tuple[float, Attempt]] = []

    def add(self, session: str, status: AcctStatus, *groups: str) -> Waiting:
        waiting = Waiting(next(self._numbers), session, status, groups or ("A",), self.now)
        self.delivery.add(waiting)
        return waiting

    def turn(self) -> list[Attempt]:
        """Send what is due now; servers that are up take their records, until nothing is due."""
        everything: list[Attempt] = []
        while attempts := self.delivery.due(self.now):
            everything += attempts
            for attempt in attempts:
                self.asked.append((self.now, attempt.group))
                if attempt.group in self.down or self.refuses(attempt.waiting):
                    self._flying.append((self.now + TIMEOUT, attempt))
                else:
                    self._take(attempt)
        return everything

    def _take(self, attempt: Attempt) -> None:
        self.taken.append((attempt.group, attempt.waiting.session, attempt.waiting.status.name))
        waiting = attempt.waiting
        self.in_order.setdefault((waiting.session, waiting.groups), []).append(waiting.status.name)
        self.delivery.answered(attempt, self.now)
        waiting.gone = True

    def run(self, seconds: float) -> None:
        """Let time pass: attempts time out, and others become due."""
        ends = self.now + seconds
        self.turn()
        while True:
            moments = [moment for moment, _ in self._flying]
            wakes = self.delivery.wakes()
            if wakes is not None:
                moments.append(wakes)
            if not moments or min(moments) > ends:
                break
            self.now = max(self.now, min(moments))
            over = [attempt for moment, attempt in self._flying if moment <= self.now]
            self._flying = [each for each in self._flying if each[0] > self.now]
            for attempt in over:
                self.delivery.failed(attempt, self.now)
            self.turn()
        self.now = ends


def test_records_of_a_session_go_one_after_another_and_sessions_at_once() -> None:
    bench = Bench()
    for status in (START, INTERIM, STOP):
        bench.add("1", status)
        bench.add("2", status)
    first = bench.delivery.due(bench.now)
    assert [(attempt.waiting.session, attempt.waiting.status) for attempt in first] == [("1", START), ("2", START)]
    bench.delivery.answered(first[1], bench.now)
    second = bench.delivery.due(bench.now)
    assert [(attempt.waiting.session, attempt.waiting.status) for attempt in second] == [("2", INTERIM)]


def test_a_group_is_asked_to_take_a_window_of_records() -> None:
    bench = Bench()
    for number in range(WINDOW + 10):
        bench.add(str(number), START)
    first = bench.delivery.due(bench.now)
    assert len(first) == WINDOW
    assert bench.delivery.due(bench.now) == []
    bench.delivery.answered(first[0], bench.now)
    assert len(bench.delivery.due(bench.now)) == 1


def test_the_next_group_is_asked_when_one_does_not_answer() -> None:
    bench = Bench()
    bench.down = {"A"}
    bench.add("1", START, "A", "B")
    bench.run(TIMEOUT)
    assert bench.taken == [("B", "1", "START")]


def test_a_group_that_did_not_answer_is_passed_over_until_its_pause_is_over() -> None:
    bench = Bench()
    bench.down = {"A"}
    bench.add("1", START, "A", "B")
    bench.run(TIMEOUT)
    bench.asked.clear()
    bench.add("2", START, "A", "B")
    bench.turn()
    assert [group for _, group in bench.asked] == ["B"]
    bench.run(FIRST_PAUSE)
    bench.down = set()
    bench.asked.clear()
    bench.add("3", START, "A", "B")
    bench.turn()
    assert [group for _, group in bench.asked] == ["A"]


def test_pauses_double_up_to_the_longest_and_one_record_asks() -> None:
    bench = Bench()
    bench.down = {"A"}
    for number in range(5):
        bench.add(str(number), START)
    bench.run(600.0)
    moments = [moment - 1000.0 for moment, _ in bench.asked]
    assert moments[:5] == [0.0] * 5
    pauses = [after - before - TIMEOUT for before, after in pairwise(moments[4:])]
    assert pauses[:7] == [1.0, 2.0, 4.0, 8.0, 16.0, LONGEST_PAUSE, LONGEST_PAUSE]


@pytest.mark.parametrize(("random", "factor"), [(0.0, 1 - SPREAD), (1.0, 1 + SPREAD)])
def test_pauses_are_spread(random: float, factor: float) -> None:
    delivery = Delivery(lambda: random)
    delivery.add(Waiting(1, "1", START, ("A",), 0.0))
    (attempt,) = delivery.due(0.0)
    delivery.failed(attempt, TIMEOUT)
    assert delivery.due(TIMEOUT) == []
    assert delivery.wakes() == pytest.approx(TIMEOUT + FIRST_PAUSE * factor)


def test_everything_goes_in_order_once_the_servers_are_back() -> None:
    bench = Bench()
    bench.down = {"A"}
    for number in range(100):
        for status in (START, INTERIM, STOP):
            bench.add(str(number), status)
    bench.run(600.0)
    assert bench.taken == []
    bench.down = set()
    bench.run(TIMEOUT + LONGEST_PAUSE)
    for number in range(100):
        assert [status for _, session, status in bench.taken if session == str(number)] == ["START", "INTERIM", "STOP"]


def test_a_record_that_its_servers_do_not_take_delays_its_session_alone() -> None:
    bench = Bench()
    bench.refuses = lambda waiting: waiting.session == "odd"
    bench.add("odd", START)
    bench.add("odd", STOP)
    for number in range(1000):
        bench.add(str(number), START)
        bench.run(1.0)
        assert bench.taken[-1] == ("A", str(number), "START")
    bench.refuses = lambda waiting: False
    bench.run(TIMEOUT + 2 * LONGEST_PAUSE)
    assert bench.taken[-2:] == [("A", "odd", "START"), ("A", "odd", "STOP")]


def test_a_list_whose_groups_are_away_does_not_delay_others() -> None:
    bench = Bench()
    bench.down = {"A"}
    for number in range(2 * WINDOW):
        bench.add(str(number), START, "A")
    bench.add("other", START, "B")
    bench.turn()
    assert bench.taken == [("B", "other", "START")]


def test_lists_take_turns_in_finding_out_whether_a_group_is_back() -> None:
    """So a record that is never taken, of one list, cannot keep another list from its servers."""
    bench = Bench(Random(1).random)
    bench.refuses = lambda waiting: waiting.session == "odd"
    bench.add("odd", START, "A")
    bench.run(TIMEOUT)
    bench.add("1", START, "A", "A2")
    bench.down = {"A2"}
    bench.run(20 * (TIMEOUT + LONGEST_PAUSE))
    assert ("A", "1", "START") in bench.taken


def test_a_dropped_record_is_not_sent() -> None:
    bench = Bench()
    bench.add("1", START)
    (attempt,) = bench.delivery.due(bench.now)
    dropped = bench.add("1", INTERIM)
    bench.add("1", STOP)
    dropped.gone = True
    bench.delivery.answered(attempt, bench.now)
    assert [attempt.waiting.status for attempt in bench.turn()] == [STOP]


def test_a_record_that_cannot_be_read_again_makes_way() -> None:
    bench = Bench()
    bench.add("1", START)
    bench.add("1", STOP)
    (attempt,) = bench.delivery.due(bench.now)
    bench.delivery.lost(attempt)
    assert [attempt.waiting.status for attempt in bench.turn()] == [STOP]


def test_other_servers_are_asked_at_once_when_the_configuration_has_changed() -> None:
    bench = Bench()
    bench.down = {"A"}
    bench.add("1", START)
    bench.run(300.0)
    while bench.turn() or bench._flying:
        bench.run(1.0)
    bench.down = set()
    assert bench.turn() == []
    bench.delivery.retry()
    bench.turn()
    assert bench.taken == [("A", "1", "START")]


# --- Accounting-On and -Off ---


def test_accounting_on_waits_for_the_stops_of_the_process_before_and_new_sessions_wait_for_it() -> None:
    bench = Bench()
    for number in range(WINDOW + 50):
        bench.add(str(number), STOP)
    bench.add("on", ON)
    bench.add("new", START)
    bench.add("new", STOP)
    bench.turn()
    assert [status for _, _, status in bench.taken] == ["STOP"] * (WINDOW + 50) + ["ON", "START", "STOP"]


def test_off_and_on_of_a_restart_stay_in_order() -> None:
    bench = Bench()
    bench.down = {"A"}
    for session, status in [("1", START), ("1", STOP), ("0", OFF), ("0", ON), ("2", START), ("0", OFF)]:
        bench.add(session, status)
    bench.run(100.0)
    bench.down = set()
    bench.run(100.0)
    assert [status for _, _, status in bench.taken] == ["START", "STOP", "OFF", "ON", "START", "OFF"]


def test_a_system_record_for_one_group_does_not_delay_sessions_of_another() -> None:
    bench = Bench()
    bench.down = {"A"}
    bench.add("on", ON, "A")
    bench.add("1", START, "B")
    bench.turn()
    assert bench.taken == [("B", "1", "START")]


def test_sessions_with_another_group_do_not_wait_for_a_system_record_that_is_not_answered() -> None:
    bench = Bench()
    bench.down = {"A"}
    bench.add("on", ON, "A")
    bench.add("1", START, "A", "B")
    bench.turn()
    assert bench.taken == []
    bench.run(TIMEOUT)
    assert bench.taken == [("B", "1", "START")]


@pytest.mark.parametrize("away", [10.0, 200.0])
def test_off_and_on_of_a_restart_stay_in_order_however_long_the_servers_are_away(away: float) -> None:
    bench = Bench()
    bench.down = {"A"}
    for session, status in [("0", OFF), ("0", ON), ("2", START)]:
        bench.add(session, status)
    bench.run(away)
    bench.down = set()
    bench.run(TIMEOUT + LONGEST_PAUSE)
    assert [status for _, _, status in bench.taken] == ["OFF", "ON", "START"]


def test_system_records_for_other_groups_after_a_change_of_the_configuration_stay_in_order() -> None:
    bench = Bench()
    bench.down = {"A"}
    bench.add("0", ON)
    bench.turn()
    bench.add("0", ON)
    bench.add("0", ON, "A", "B")
    bench.down = set()
    bench.run(TIMEOUT + LONGEST_PAUSE)
    assert len(bench.taken) == 3


def test_servers_that_do_not_take_system_records_get_the_sessions() -> None:
    bench = Bench()
    bench.refuses = lambda waiting: waiting.status is ON
    bench.add("on", ON)
    for number in range(100):
        bench.add(str(number), START)
    bench.run(TRIES_ALONE * (TIMEOUT + LONGEST_PAUSE))
    bench.run(2 * (TIMEOUT + LONGEST_PAUSE))
    assert len(bench.taken) == 100


@pytest.mark.parametrize("away", [50.0, 100.0, 600.0])
def test_servers_that_were_away_get_the_system_record_first(away: float) -> None:
    """IOS guarantees it, too (`aaa accounting system guarantee-first`, its default): else it would end the new sessions."""
    bench = Bench()
    bench.down = {"A"}
    bench.add("on", ON)
    for number in range(100):
        bench.add(str(number), START)
    bench.run(away)
    bench.down = set()
    bench.run(TIMEOUT + LONGEST_PAUSE)
    assert [status for _, _, status in bench.taken] == ["ON", *["START"] * 100]


def test_servers_that_are_others_after_a_change_of_the_configuration_get_the_system_record_first() -> None:
    bench = Bench()
    bench.down = {"A"}
    bench.add("on", ON)
    for number in range(10):
        bench.add(str(number), START)
    bench.run(TRIES_ALONE * TIMEOUT + 10.0)
    bench.down = set()
    bench.delivery.retry()
    bench.run(TIMEOUT + LONGEST_PAUSE)
    assert [status for _, _, status in bench.taken] == ["ON", *["START"] * 10]


def test_accounting_on_does_not_wait_for_a_session_whose_record_is_never_taken() -> None:
    bench = Bench()
    bench.refuses = lambda waiting: waiting.session == "odd"
    bench.add("odd", STOP)
    for number in range(300):
        bench.add(str(number), STOP)
        bench.run(1.0)
    bench.add("on", ON)
    bench.add("new", START)
    bench.run(1.0)
    assert [status for _, _, status in bench.taken[-2:]] == ["ON", "START"]


STATUSES = st.sampled_from([START, INTERIM, STOP, INTERIM, ON])
GROUPS = st.sampled_from([("A",), ("B",), ("A", "B"), ("B", "A"), ("A", "B", "C")])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 5), STATUSES, GROUPS),
        st.tuples(st.just("down"), st.sampled_from("ABC")),
        st.tuples(st.just("up"), st.sampled_from("ABC")),
        st.tuples(st.just("picky"), st.booleans()),
        st.tuples(st.just("run"), st.floats(0, 60)),
    ),
    max_size=60,
)


@given(STEPS)
def test_whatever_happens_each_record_is_taken_once_and_those_of_a_session_in_order(steps: Sequence[tuple[object, ...]]) -> None:
    bench = Bench()
    added: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for step in steps:
        match step:
            case ("add", int(session), AcctStatus() as status, tuple(groups)):
                bench.add(str(session), status, *groups)
                added.setdefault((str(session), groups), []).append(status.name)
            case ("down", str(group)):
                bench.down.add(group)
            case ("up", str(group)):
                bench.down.discard(group)
            case ("picky", bool(picky)):  # the servers take no system records
                bench.refused = {ON} if picky else set()
            case ("run", float(seconds)):
                bench.run(seconds)
    bench.down = set()
    bench.refused = set()
    bench.run(100 * (TIMEOUT + LONGEST_PAUSE))
    assert bench.in_order == added
    assert bench.delivery.wakes() is None
