"""Records reach the servers whatever the servers do meanwhile: the spool, its delivery and the RADIUS client together.

Their event loop's time is the test's: it goes to the next timer when nothing else is to be done. The sockets are real.
"""

from __future__ import annotations

import asyncio
import logging
import selectors
from collections import defaultdict
from collections.abc import Callable, Coroutine
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from agent.aaa.accounting.record import ACCT_DELAY_TIME, AccountingRecord, AcctStatus
from agent.aaa.accounting.sender import RecordSender
from agent.aaa.accounting.spool import LabSpool
from agent.aaa.radius.client import RadiusClient, Times
from agent.aaa.radius.events import RadiusEvent, Received, Refused, Sent
from agent.aaa.radius.values import Attribute
from agent.base.clock import SECOND
from agent.base.outside import OutsideTraffic
from agent.config.aaa_model import RadiusServer, Secret, by_identity
from agent.config.model import RouterConfig
from tests.aaa.accounting.server import SECRET, AccountingServer
from tests.aaa.accounting.spools import FILE, PATIENCE

START, STOP = AcctStatus.START, AcctStatus.STOP
LOCAL = IPv4Address("127.0.0.1")
EPOCH = 1_700_000_000.0  # the date at the loop's time 0
MINUTE = 60.0


class _Selector(selectors.DefaultSelector):
    """Waits in the loop's own time, unless the writer's thread is at work or a datagram is on its way (`flying`)."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.flying = 0
        self.busy: Callable[[], bool] = lambda: False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None or self.busy():
            return super().select(None)
        if self.flying > 0:
            ready = super().select(PATIENCE)
            self.flying = self.flying if ready else 0
            return ready
        self.now += timeout
        return []


class TimedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time the test moves."""

    def __init__(self) -> None:
        self.chosen = _Selector()
        self.ports: set[int] = set()  # where servers are
        super().__init__(self.chosen)

    def time(self) -> float:
        return self.chosen.now


class Server(AccountingServer):
    """A server whose datagrams the loop waits for."""

    def __init__(self, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, TimedLoop)
        super().__init__(loop.time, port)
        self._loop = loop
        self.moved = self._count
        loop.ports.add(self.port)

    def close(self) -> None:
        self._loop.ports.discard(self.port)
        self._loop.chosen.flying = 0  # what was on its way is lost
        super().close()

    def _count(self, by: int) -> None:
        self._loop.chosen.flying += by


class Router:
    """A router's spool and what sends it, as the agent has them. Its servers are the group `radius`."""

    def __init__(self, folder: Path, *ports: int) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, TimedLoop)
        self._loop = loop
        self._pending = 0  # calls that the writer's thread is to make
        loop.chosen.busy = lambda: self._pending > 0
        self.lab = LabSpool(
            folder / FILE,
            in_loop=self._called,
            now=lambda: int(loop.time() * SECOND),
            later=lambda delay, call: loop.call_later(delay / SECOND, call),
            hold=lambda: lambda: None,
        )
        self._watch_writer()
        config = RouterConfig()
        config.radius.hosts = by_identity(RadiusServer(LOCAL, acct_port=port, key=Secret(SECRET.decode())) for port in ports)
        times = Times(loop.time, loop.call_later, self.date)
        self.client = RadiusClient(config, lambda group: LOCAL, OutsideTraffic(logging.getLogger()), times)
        self.sent: list[Sent] = []
        self.client.subscribe(self._seen)
        self.spool = self.lab.router("r1")
        self.sender = RecordSender(self.spool, self.client, count(1).__next__)

    def close(self) -> None:
        self.sender.close()
        self.client.close()
        self.lab.close()

    def date(self) -> float:
        return EPOCH + self._loop.time()

    def say(self, status: AcctStatus, session: str, **values: int) -> None:
        """Something has happened to a session now."""
        attributes = (
            Attribute("Acct-Session-Id", session),
            Attribute("Acct-Status-Type", int(status)),
            *(Attribute(name.replace("_", "-"), value) for name, value in values.items()),
            ACCT_DELAY_TIME,
        )
        self.spool.append(AccountingRecord(status, session, attributes, ("radius",), False, self.date()))

    def _seen(self, event: RadiusEvent) -> None:
        if isinstance(event, Sent):
            self.sent.append(event)
            self._loop.chosen.flying += event.server.port in self._loop.ports
        elif isinstance(event, Received | Refused):
            self._loop.chosen.flying -= 1

    def _watch_writer(self) -> None:
        """Know whether the writer's thread has still to call back."""
        writer, add, read = self.lab.writer, self.lab.writer.add, self.lab.writer.load

        def counted(call: Callable[..., None]) -> Callable[..., None]:
            self._pending += 1

            def called(*values: Any) -> None:
                self._pending -= 1
                call(*values)

            return called

        writer.add = lambda rows, written, will=None: add(rows, counted(written), will)
        writer.load = lambda numbers, loaded: read(numbers, counted(loaded))

    def _called(self, call: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(call)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=TimedLoop) as runner:
        runner.run(test())


async def until(condition: Callable[[], bool], seconds: float = 3600.0) -> None:
    """Let time pass until something is so."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while not condition():
        assert loop.time() < ends, "it does not come about"
        await asyncio.sleep(0.25)


def statuses(server: AccountingServer) -> dict[str, list[str]]:
    """The first of each record that a server has got, by session, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for got in server.first():
        found[got.session].append(got.status)
    return found


def assert_copies_are_whole(server: AccountingServer) -> None:
    """Two requests of one session and status are the same record, apart from Acct-Delay-Time (no interim records here)."""
    contents = defaultdict(set)
    for got in server.got:
        contents[got.session, got.status].add(got.rest)
    assert {len(each) for each in contents.values()} == {1}


def test_a_server_that_is_away_for_ten_minutes_gets_everything_in_order_with_its_delay(tmp_path: Path) -> None:
    """RFC 2866 §5.2: Acct-Delay-Time is how many seconds the client has been trying to send the record."""

    async def body() -> None:
        loop = asyncio.get_running_loop()
        server = Server()
        router = Router(tmp_path, server.port)
        happened: dict[tuple[str, str], float] = {}

        def say(status: AcctStatus, session: str) -> None:
            happened[session, status.name] = loop.time()
            router.say(status, session)

        for number in range(20):
            say(START, f"{number:08X}")
        await until(lambda: len(server.got) == 20)
        server.close()  # away
        for number in range(20):
            await asyncio.sleep(7.3)
            say(STOP, f"{number:08X}")
            say(START, f"{number + 100:08X}")
        await asyncio.sleep(10 * MINUTE - 20 * 7.3)
        for number in range(20):
            say(STOP, f"{number + 100:08X}")
        back = Server(server.port)
        await until(lambda: len(router.spool) == 0)
        assert statuses(back) == {f"{number:08X}": ["STOP"] for number in range(20)} | {
            f"{number + 100:08X}": ["START", "STOP"] for number in range(20)
        }
        for got in back.got:
            waited = got.at - happened[got.session, got.status]
            assert got.delay == int(waited)
        assert max(got.delay for got in back.got) >= 590
        back.close()
        router.close()

    run(body)


def test_retransmissions_are_identical_and_a_later_attempt_is_another_packet(tmp_path: Path) -> None:
    """RFC 2866 §4.1: a new Acct-Delay-Time needs a new identifier; RFC 5080 §2.2.1: retransmissions are the same packet."""

    async def body() -> None:
        server = Server()
        server.answer = server.ignore
        router = Router(tmp_path, server.port)
        router.say(START, "00000001")
        await until(lambda: len(server.got) >= 12)
        attempts = [event.octets for event in router.sent[:12]]
        assert [event.attempt for event in router.sent[:12]] == [1, 2, 3, 4] * 3
        first, second, third = attempts[:4], attempts[4:8], attempts[8:]
        assert [len(set(each)) for each in (first, second, third)] == [1, 1, 1]
        assert len({first[0], second[0], third[0]}) == 3
        delays = [server.got[at].delay for at in (0, 4, 8)]
        assert delays[0] == 0
        assert delays[1] in (20, 21)  # four transmissions of 5 s each, and a pause of 0.9 to 1.1 s
        assert delays[2] in (42, 43)  # the same again, and a pause of 1.8 to 2.2 s
        server.close()
        router.close()

    run(body)


def test_a_server_with_another_secret_is_not_believed(tmp_path: Path) -> None:
    """RFC 2866 §3: the Response Authenticator is made with the shared secret."""

    async def body() -> None:
        server = Server()
        server.answer = lambda got: server.accept(got, b"another secret")
        router = Router(tmp_path, server.port)
        for number in range(10):
            router.say(START, f"{number:08X}")
        await asyncio.sleep(2 * MINUTE)
        assert len(router.spool) == 10
        server.answer = server.accept
        for number in range(10):
            router.say(STOP, f"{number:08X}")
        await until(lambda: len(router.spool) == 0)
        assert statuses(server) == {f"{number:08X}": ["START", "STOP"] for number in range(10)}
        assert_copies_are_whole(server)
        server.close()
        router.close()

    run(body)


def test_answers_that_come_too_late_make_duplicates_and_lose_nothing(tmp_path: Path) -> None:
    async def body() -> None:
        loop = asyncio.get_running_loop()
        server = Server()
        server.answer = lambda got: loop.call_later(33.0, server.accept, got) and None
        router = Router(tmp_path, server.port)
        for number in range(10):
            router.say(START, f"{number:08X}")
            router.say(STOP, f"{number:08X}")
        await asyncio.sleep(5 * MINUTE)
        assert len(router.spool) == 20
        server.answer = lambda got: loop.call_later(12.0, server.accept, got) and None  # before the last timeout
        await until(lambda: len(router.spool) == 0)
        assert statuses(server) == {f"{number:08X}": ["START", "STOP"] for number in range(10)}
        assert_copies_are_whole(server)
        server.close()
        router.close()

    run(body)


def test_a_server_that_dies_between_request_and_answer_has_the_record_twice(tmp_path: Path) -> None:
    async def body() -> None:
        server = Server()
        server.answer = server.ignore
        router = Router(tmp_path, server.port)
        for number in range(10):
            router.say(START, f"{number:08X}")
        await until(lambda: len(server.got) == 10)
        server.close()
        await asyncio.sleep(MINUTE)
        again = Server(server.port)
        await until(lambda: len(router.spool) == 0)
        again.got = server.got + again.got
        assert statuses(again) == {f"{number:08X}": ["START"] for number in range(10)}
        assert len(again.got) > 10
        assert_copies_are_whole(again)
        again.close()
        router.close()

    run(body)


def test_the_log_says_that_a_group_takes_no_records_and_that_it_takes_them_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        server = Server()
        server.answer = server.ignore
        router = Router(tmp_path, server.port)
        for number in range(10):
            router.say(START, f"{number:08X}")
        await asyncio.sleep(10 * MINUTE)
        server.answer = server.accept
        await until(lambda: len(router.spool) == 0)
        server.close()
        router.close()

    run(body)
    assert [message for message in caplog.messages if "accounting records" in message] == [
        "r1: no server of group radius takes accounting records: 10 wait",
        "r1: group radius takes accounting records again: 10 wait",
    ]


def test_the_next_server_of_a_group_takes_what_the_first_does_not(tmp_path: Path) -> None:
    async def body() -> None:
        away, there = Server(), Server()
        away.answer = away.ignore
        router = Router(tmp_path, away.port, there.port)
        router.say(START, "00000001")
        await until(lambda: len(router.spool) == 0)
        (taken,) = there.got
        assert taken.delay == 20  # the first server has been given 4 transmissions of 5 s each
        away.close()
        there.close()
        router.close()

    run(body)


def test_records_of_an_earlier_process_say_how_long_they_have_waited(tmp_path: Path) -> None:
    """Acct-Delay-Time counts from what happened, whichever process sends the record."""

    async def before() -> None:
        router = Router(tmp_path)
        await asyncio.sleep(100.4)
        router.say(START, "00000001")
        router.close()

    async def after() -> None:
        await asyncio.sleep(1000.0)
        server = Server()
        router = Router(tmp_path, server.port)
        await until(lambda: len(router.spool) == 0)
        assert [got.delay for got in server.got] == [899]
        server.close()
        router.close()

    run(before)
    run(after)
