"""Many notifications to receivers of every kind: the live ones lose none, and each loss of the others is counted as its own."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
from collections.abc import Callable, Iterator

import pytest

from agent.snmp.informs import Patience
from agent.snmp.receiver import Receiver, Waiting
from agent.snmp.sender import NotificationSender
from tests.snmp.conftest import Station
from tests.snmp.fakes import LOOPBACK, add_group, add_user, router
from tests.snmp.test_sender import add_host, told
from tests.snmp.trap_hosts import TrapHost, V3TrapHost

Start = Callable[..., Station]
SECONDS_FOR_ALL = 60.0
RECEIVERS_ENGINE = bytes.fromhex("80001f8880aabbccdd")


@pytest.fixture
def hosts() -> Iterator[Callable[..., TrapHost]]:
    made: list[TrapHost] = []

    def make(engine_id: bytes | None = None, **how: bool) -> TrapHost:
        made.append(TrapHost(**how) if engine_id is None else V3TrapHost(engine_id, **how))
        return made[-1]

    yield make
    for each in made:
        each.close()


async def until(there: Callable[[], bool], seconds: float = SECONDS_FOR_ALL) -> None:
    async def watch() -> None:
        while not there():
            await asyncio.sleep(0.02)

    await asyncio.wait_for(watch(), seconds)


def accounts(out: NotificationSender) -> list[Receiver]:
    return list(out._destinations)


def whole(receiver: Receiver) -> int:
    """How many notifications the account of a receiver speaks of."""
    return len(receiver.queue) + receiver.unanswered + receiver.delivered + receiver.drops.total


def many_to_receivers_of_every_kind(
    here: Station, hosts: Callable[..., TrapHost], many: int, seconds: float, patience: Patience, caplog: pytest.LogCaptureFixture
) -> None:
    config = here.config
    live_traps, live_old, live_informs = hosts(), hosts(), hosts()
    dead, refusing, coming = hosts(answering=False), hosts(listening=False), hosts(answering=False)
    add_host(config, live_traps, "red")
    add_host(config, live_old, "red", version="1")
    for each in (live_informs, dead, refusing, coming):
        add_host(config, each, "red", informs=True)
    add_user(config, "joe", "g", auth="sha", auth_password="authpass1", priv="aes128", priv_password="privpass1")
    add_group(config, "g", "v3", "priv", "red-context")
    live_v3_traps, live_v3_informs = hosts(here.identity.engine_id), hosts(RECEIVERS_ENGINE)
    dead_v3 = hosts(RECEIVERS_ENGINE, answering=False)
    add_host(config, live_v3_traps, "joe", version="3", level="priv")
    for each in (live_v3_informs, dead_v3):
        add_host(config, each, "joe", version="3", level="priv", informs=True)
    here.follow(config)
    out = NotificationSender(here.agent, here.endpoint, lambda: here.time, patience=patience)
    accounted = accounts(out)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async def arise() -> None:
        begin = here.loop.time()
        for number in range(many):
            out.send([told(value=1_000_000 + number)])
            if number == many // 2:
                coming.answering = True
            if number == many * 3 // 4:
                coming.answering = False
            if number % 20 == 0:
                await asyncio.sleep(max(0.0, begin + number * seconds / many - here.loop.time()))
        coming.answering = True
        assert [whole(each) for each in accounted] == [many] * len(accounted)
        live = (live_traps, live_old, live_informs, live_v3_traps, live_v3_informs)
        await until(lambda: all(len(each.seen) == many for each in live))
        await until(lambda: not any(len(each.queue) + each.unanswered for each in accounted), 3 * SECONDS_FOR_ALL)

    with caplog.at_level(logging.WARNING, "agent.snmp.receiver"):
        here.loop.run_until_complete(arise())
    traps, old, informs, silent, refused, sometimes, v3_traps, v3_informs, v3_silent = accounted
    for alive in (traps, old, informs, v3_traps, v3_informs):
        assert (alive.delivered, alive.drops.total) == (many, 0)
    for each in (live_informs, live_v3_informs):
        assert each.answered == each.seen.keys()
    for lost in (silent, refused, v3_silent):
        assert (lost.delivered, lost.drops.total) == (0, many)
    assert (sometimes.delivered, sometimes.drops.total) == (len(coming.answered), many - len(coming.answered))
    began = [record.getMessage() for record in caplog.records if "dropped from now on" in record.getMessage()]
    for each in (dead, refusing, dead_v3):
        assert sum(f"{LOOPBACK}:{each.port} " in line for line in began) == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024  # KiB: what waits is shared by all receivers


def test_soak_live_receivers_lose_none_and_the_drops_of_the_others_are_counted(
    station: Start, hosts: Callable[..., TrapHost], caplog: pytest.LogCaptureFixture
) -> None:
    if os.environ.get("SOAK"):
        many_to_receivers_of_every_kind(station(router()), hosts, 20_000, 5.0, Patience(), caplog)
    else:
        many_to_receivers_of_every_kind(station(router()), hosts, 1_000, 0.5, Patience(1.0, 3), caplog)


def test_a_receiver_that_is_full_drops_what_comes_and_says_when_that_begins_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver("10.1.1.1:162", most_waiting=2, most_unanswered=1)
    waiting = Waiting(told(), 0, b"", 60.0)
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            receiver.queue.put(waiting)
        while receiver.may_send:
            assert receiver.next(59.0) is waiting
            receiver.deliver()
    assert (receiver.delivered, receiver.drops.total) == (2, 3)
    assert [record.getMessage() for record in caplog.records] == [
        "notifications to 10.1.1.1:162 are dropped from now on: 2 are waiting",
        "notifications to 10.1.1.1:162 are delivered again: 3 were dropped",
    ]


def test_what_has_waited_for_as_long_as_an_inform_may_is_dropped() -> None:
    receiver = Receiver("10.1.1.1:162")
    for until_ in (10.0, 20.0, 70.0):
        receiver.queue.put(Waiting(told(), 0, b"", until_))
    taken = receiver.next(60.0)
    assert taken is not None
    assert taken.until == 70.0
    assert receiver.drops.total == 2


def test_a_receivers_account_outlives_changes_of_other_lines_and_of_its_types(
    station: Start, hosts: Callable[..., TrapHost]
) -> None:
    here = station(router())
    first, second = hosts(answering=False), hosts()
    add_host(here.config, first, "red", informs=True)
    out = NotificationSender(here.agent, here.endpoint, lambda: here.time)
    out.send([told(value=number) for number in range(250)])
    here.run(asyncio.sleep(0))
    add_host(here.config, second, "red")
    out.apply()
    counted = [(whole(each), each.unanswered <= 100) for each in accounts(out)]
    assert counted == [(250, True), (0, True)]
    del here.config.snmp.hosts[next(iter(here.config.snmp.hosts))]
    out.apply()
    assert [each.name for each in accounts(out)] == [f"{LOOPBACK}:{second.port}"]
    out.close()


def test_a_dead_v3_receiver_of_informs_holds_as_few_as_any_other(station: Start, hosts: Callable[..., TrapHost]) -> None:
    config = router()
    add_user(config, "ann", "g")
    add_group(config, "g", "v3", "noauth", "red-context")
    silent, live = hosts(answering=False), hosts()
    add_host(config, silent, "ann", version="3", informs=True)
    add_host(config, live, "red")
    here = station(config)
    out = NotificationSender(here.agent, here.endpoint, lambda: here.time)
    out.send([told(value=1_000_000 + number) for number in range(300)])
    dead, alive = accounts(out)
    here.loop.run_until_complete(until(lambda: dead.unanswered == 100 and len(live.seen) == 300))
    assert (len(dead.queue), dead.delivered, dead.drops.total) == (200, 0, 0)
    assert (alive.delivered, alive.drops.total) == (300, 0)
    out.close()


def test_a_v3_receiver_that_starts_again_or_is_replaced_is_found_out_anew(station: Start, hosts: Callable[..., TrapHost]) -> None:
    """RFC 3414 §3.2 step 7 b and §4: its Reports say what has changed."""
    config = router()
    add_user(config, "joe", "g", auth="sha", auth_password="authpass1", priv="aes128", priv_password="privpass1")
    add_group(config, "g", "v3", "priv", "red-context")
    host = hosts(RECEIVERS_ENGINE)
    assert isinstance(host, V3TrapHost)
    add_host(config, host, "joe", version="3", level="priv", informs=True)
    here = station(config)
    out = NotificationSender(here.agent, here.endpoint, lambda: here.time)
    (receiver,) = accounts(out)

    def never_counts_its_boots() -> None:
        host.boots = 0

    def starts_again() -> None:
        host.boots, host.time = 8, 0

    def is_replaced() -> None:
        host.become(RECEIVERS_ENGINE + b"!")

    for change in (never_counts_its_boots, starts_again, is_replaced):
        change()
        out.send([told(value=1_000_000 + len(host.answered))])
        here.loop.run_until_complete(until(lambda: not receiver.unanswered))
    assert (len(host.answered), receiver.delivered, receiver.drops.total) == (3, 3, 0)
    out.close()


def test_a_datagram_that_the_system_does_not_take_is_a_drop_of_its_receiver(
    station: Start, hosts: Callable[..., TrapHost], caplog: pytest.LogCaptureFixture
) -> None:
    here = station(router())
    add_host(here.config, hosts(), "red")
    out = NotificationSender(here.agent, here.endpoint, lambda: here.time)
    (transport,) = out._transports.values()
    transport._socket.close()
    with caplog.at_level(logging.WARNING):
        out.send([told(), told()])
    (receiver,) = accounts(out)
    assert (receiver.delivered, receiver.drops.total) == (0, 2)
    assert len(caplog.records) == 1
