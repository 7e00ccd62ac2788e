"""The log for lines that somebody outside can cause: how many are written, and what is said of the rest."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from agent.base.limited_log import AT_ONCE, INTERVAL, SECOND, LimitedLog


class Time:
    """A time that the test moves, and what is to happen as it goes by."""

    def __init__(self) -> None:
        self.now = 0
        self.calls: list[tuple[int, Callable[[], None]]] = []

    def later(self, delay: int, callback: Callable[[], None]) -> None:
        self.calls.append((self.now + delay, callback))

    def go_to(self, moment: int) -> None:
        while due := sorted((call for call in self.calls if call[0] <= moment), key=lambda call: call[0]):
            self.calls.remove(due[0])
            self.now = due[0][0]
            due[0][1]()
        self.now = moment


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def log(time: Time, caplog: pytest.LogCaptureFixture) -> LimitedLog:
    caplog.set_level(logging.INFO, "tests.limited")
    return LimitedLog(logging.getLogger("tests.limited"), lambda: time.now, time.later)


def test_a_few_lines_are_all_written(log: LimitedLog, time: Time, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(AT_ONCE):
        log.warning("%s has come", number)
    time.go_to(10 * INTERVAL)
    assert caplog.messages == [f"{number} has come" for number in range(AT_ONCE)]
    assert not time.calls


def test_a_flood_is_a_few_lines_and_a_count_of_the_rest(log: LimitedLog, time: Time, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(10_000):
        log.warning("%s has come", number)
    assert len(caplog.messages) == AT_ONCE
    time.go_to(INTERVAL)
    assert caplog.messages[AT_ONCE:] == [
        f"9999 has come (the last of {10_000 - AT_ONCE} such lines held back within {INTERVAL // SECOND} seconds)"
    ]


def test_a_flood_that_goes_on_is_told_of_once_an_interval(log: LimitedLog, time: Time, caplog: pytest.LogCaptureFixture) -> None:
    for step in range(30):
        time.go_to(step * INTERVAL // 10)
        for _ in range(100):
            log.warning("come")
    time.go_to(5 * INTERVAL)
    assert caplog.messages[:AT_ONCE] == ["come"] * AT_ONCE
    held = [int(line.split(" such")[0].split()[-1]) for line in caplog.messages[AT_ONCE:]]
    assert len(held) == 3
    assert sum(held) == 30 * 100 - AT_ONCE


def test_after_a_quiet_interval_lines_are_written_again(log: LimitedLog, time: Time, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(AT_ONCE + 1):
        log.warning("come")
    time.go_to(3 * INTERVAL)
    log.warning("come")
    assert caplog.messages[-1] == "come"
    assert len(caplog.messages) == AT_ONCE + 2


def test_kinds_are_counted_apart(log: LimitedLog, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(100):
        log.warning("a %d", number)
    log.warning("b")
    log.info("a %d", 1)
    assert caplog.messages[-2:] == ["b", "a 1"]


def test_what_was_held_back_is_told_at_the_end(log: LimitedLog, time: Time, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(AT_ONCE + 3):
        log.warning("come")
    log.close()
    assert caplog.messages[-1] == "come (the last of 3 such lines held back within 1 seconds)"
    time.go_to(3 * INTERVAL)
    assert len(caplog.messages) == AT_ONCE + 1


def test_a_level_that_is_off_costs_no_count(log: LimitedLog, time: Time, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(100):
        log.debug("come")
    time.go_to(INTERVAL)
    assert not caplog.messages
    assert not time.calls


def test_a_fault_has_its_traceback_where_it_is_written(log: LimitedLog, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(AT_ONCE + 1):
        log.error("a fault", fault=ValueError("odd"))
    assert [record.exc_info is not None for record in caplog.records] == [True] * AT_ONCE
