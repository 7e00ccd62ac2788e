"""The bus: order, isolation, and subscriptions that can be taken back."""

from __future__ import annotations

import pytest

from agent.base.bus import Bus


def test_each_message_reaches_every_subscriber_in_order() -> None:
    bus, heard = Bus[int](), list[tuple[str, int]]()
    bus.subscribe(lambda message: heard.append(("first", message)))
    bus.subscribe(lambda message: heard.append(("second", message)))
    bus.publish(1)
    bus.publish(2)
    assert heard == [("first", 1), ("second", 1), ("first", 2), ("second", 2)]


def test_a_subscriber_that_raises_loses_that_message_alone(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard = Bus[int](), list[int]()

    def fragile(message: int) -> None:
        if message == 1:
            raise ValueError("one is too few")
        heard.append(-message)

    bus.subscribe(fragile)
    bus.subscribe(heard.append)
    bus.publish(1)
    bus.publish(2)
    assert heard == [1, -2, 2]
    assert [record.getMessage() for record in caplog.records] == ["a subscriber failed at int"]


def test_what_is_published_while_one_is_delivered_comes_after_it() -> None:
    bus, heard = Bus[int](), list[tuple[str, int]]()

    def answer(message: int) -> None:
        heard.append(("first", message))
        if message == 1:
            bus.publish(2)

    bus.subscribe(answer)
    bus.subscribe(lambda message: heard.append(("second", message)))
    bus.publish(1)
    assert heard == [("first", 1), ("second", 1), ("first", 2), ("second", 2)]


def test_a_subscription_that_is_closed_hears_nothing_more() -> None:
    bus, heard = Bus[int](), list[int]()
    subscription = bus.subscribe(heard.append)
    bus.publish(1)
    subscription.close()
    subscription.close()
    bus.publish(2)
    assert (heard, len(bus)) == ([1], 0)


def test_one_that_is_closed_by_another_while_a_message_is_delivered_does_not_get_it() -> None:
    bus, heard = Bus[int](), list[int]()
    bus.subscribe(lambda message: later.close())
    later = bus.subscribe(heard.append)
    bus.publish(1)
    assert heard == []
