"""An allowance is a burst, and then so many a second."""

from __future__ import annotations

from agent.base.allowance import Allowance


def test_a_burst_and_then_so_many_a_second() -> None:
    time = [0.0]
    allowance = Allowance(3, 1 / 2, lambda: time[0])
    assert [allowance.take() for _ in range(5)] == [True, True, True, False, False]
    time[0] = 1.0
    assert [allowance.take() for _ in range(3)] == [True, True, False]
    time[0] = 1000.0
    assert sum(allowance.take() for _ in range(100)) == 3
