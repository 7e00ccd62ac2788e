"""Receivers of messages on loopback: RFC 3164 §4.1 as IOS writes it, by UDP, and by TCP with a line feed (RFC 6587 §3.4.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

import pytest

from agent.base.outside import OutsideTraffic
from agent.syslog.message import Message, Severity
from tests.syslog.world import LIMIT, LogWorld, TcpReceiver, UdpReceiver

SAYS = "%SYS-5-CONFIG_I: Configured from console by console"
STAMP = "*Nov 28 04:33:03.120: "


@pytest.fixture
def udp() -> Iterator[UdpReceiver]:
    receiver = UdpReceiver()
    yield receiver
    receiver.close()


def started(port: int, *, extra: str = "", why: str = "CLI initiated") -> str:
    return f"%SYS-6-LOGGINGHOST_STARTSTOP: Logging to host 127.0.0.1 port {port}{extra} started - {why}"


def world_to(udp: UdpReceiver, *lines: str, options: str = "") -> LogWorld:
    host = f"logging host 127.0.0.1{options} transport udp port {udp.port}"
    world = LogWorld("\n".join([*lines, host, ""]))
    world.log.start()
    return world


def test_a_message_has_priority_number_and_stamp(udp: UdpReceiver) -> None:
    """local7 and notifications: 23 * 8 + 5 = 189."""
    world = world_to(udp)
    world.say()
    assert udp.next() == f"<190>1: {STAMP}{started(udp.port)}"
    assert udp.next() == f"<189>2: {STAMP}{SAYS}"
    world.log.close()


@pytest.mark.parametrize(
    ("lines", "datagram"),
    [
        (["logging origin-id hostname"], f"<189>2: r1: {STAMP}{SAYS}"),
        (["logging origin-id string site 7"], f"<189>2: site 7: {STAMP}{SAYS}"),
        (["logging origin-id ip"], f"<189>2: 127.0.0.1: {STAMP}{SAYS}"),
        (
            [
                "interface Loopback0",
                "ip address 10.7.7.7 255.255.255.255",
                "logging source-interface Loopback0",
                "logging origin-id ip",
            ],
            f"<189>2: 10.7.7.7: {STAMP}{SAYS}",
        ),
        (["service sequence-numbers"], f"<189>2: 000002: {STAMP}{SAYS}"),
        (["no logging message-counter syslog"], f"<189>{STAMP}{SAYS}"),
        (["logging facility local0"], f"<133>2: {STAMP}{SAYS}"),
        (["logging facility cron"], f"<125>2: {STAMP}{SAYS}"),
        (["logging facility sys9"], f"<77>2: {STAMP}{SAYS}"),
        (["no service timestamps log"], f"<189>2: {SAYS}"),
    ],
)
def test_what_the_configuration_puts_before_a_message(udp: UdpReceiver, lines: list[str], datagram: str) -> None:
    world = world_to(udp, *lines)
    world.say()
    udp.next()
    assert udp.next() == datagram
    world.log.close()


def test_the_severity_of_logging_trap_decides(udp: UdpReceiver) -> None:
    world = world_to(udp, "logging trap warnings", "no service timestamps")
    world.say("fine")
    world.say("bad", Severity.ERRORS)
    assert udp.next() == "<187>1: %SYS-3-CONFIG_I: bad"
    world.type("no logging trap")
    world.say("worse", Severity.CRITICAL)
    assert udp.none_waits()
    world.log.close()


def test_each_line_of_a_message_is_numbered_and_sent_by_itself(udp: UdpReceiver) -> None:
    world = world_to(udp, "no service timestamps")
    udp.next()
    world.syslog.log(Message("SYS", Severity.NOTIFICATIONS, "RESTART", "System restarted --", ("Software of a router",)))
    assert [udp.next(), udp.next()] == ["<189>2: %SYS-5-RESTART: System restarted --", "<189>3: Software of a router"]
    assert world.log.status("trap").logged == 3
    world.log.close()


def test_a_packet_has_at_most_1024_octets(udp: UdpReceiver) -> None:
    """RFC 3164 §4.1."""
    world = world_to(udp)
    udp.next()
    world.say("x" * 2000)
    assert len(udp.next()) == 1024
    world.log.close()


def test_a_receiver_is_begun_and_ended_while_the_router_runs(udp: UdpReceiver) -> None:
    world = LogWorld("no service timestamps\nip host collector 127.0.0.1\n")
    world.log.start()
    world.type(f"logging host 127.0.0.1 vrf red transport udp port {udp.port}")
    assert udp.next() == f"<190>1: {started(udp.port, extra=' (red)')}"
    world.say("one")
    assert udp.next() == "<189>2: %SYS-5-CONFIG_I: one"
    world.type("no logging host 127.0.0.1 vrf red")
    assert world.buffered[-1].endswith(f"port {udp.port} (red) stopped - CLI initiated")
    assert udp.none_waits()
    assert world.log.hosts() == []
    world.log.close()


def test_a_receiver_by_name_is_sent_to_once_its_name_has_an_address(udp: UdpReceiver) -> None:
    world = LogWorld(f"no service timestamps\nlogging host collector transport udp port {udp.port}\n")
    world.log.start()
    world.say("unsent")
    assert [(each.up, each.dropped) for each in world.log.hosts()] == [(False, 1)]
    world.type("ip host collector 127.0.0.1")
    assert udp.next() == f"<190>2: {started(udp.port).replace('127.0.0.1', 'collector')}"
    assert [(each.up, each.logged) for each in world.log.hosts()] == [(True, 1)]
    assert world.log.dropped == 1
    world.log.close()


def test_nothing_is_sent_outside_loopback_unless_it_is_allowed(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("test")
    world = LogWorld("logging host 192.0.2.1\nlogging host 192.0.2.2 transport tcp\n", OutsideTraffic(log))
    with caplog.at_level(logging.WARNING):
        world.log.start()
        world.say()
    assert [(each.up, each.logged, each.dropped) for each in world.log.hosts()] == [(False, 0, 1), (False, 0, 1)]
    assert world.log.dropped == 2
    assert len(world.buffered) == 1  # nothing says that they were begun
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        f"messages to 192.0.2.{number} port {port} are not sent: it is outside loopback, and external_traffic is not set"
        for number, port in ((1, 514), (2, 601))
    ]
    world.log.close()


def test_an_address_that_cannot_be_sent_from_stops_nothing() -> None:
    world = LogWorld("logging host 127.0.0.1\n", local="192.0.2.77")
    world.log.start()
    world.say()
    assert [(each.up, each.dropped) for each in world.log.hosts()] == [(False, 1)]
    world.log.close()


def test_a_receiver_sees_the_address_of_the_source_interface_if_this_machine_has_it(udp: UdpReceiver) -> None:
    lines = ("interface Loopback0", "ip address 127.7.7.7 255.255.255.255", "logging source-interface Loopback0")
    world = world_to(udp, *lines)
    assert udp.sender() == "127.7.7.7"
    world.type("no logging source-interface")
    world.say()
    assert udp.sender() == "127.0.0.1"
    world.log.close()


# --- TCP ---


def with_tcp(scene: Callable[[TcpReceiver], Awaitable[None]]) -> None:
    async def run() -> None:
        receiver = TcpReceiver()
        await receiver.start()
        try:
            await scene(receiver)
        finally:
            await receiver.stop()

    asyncio.run(run())


async def until(world: LogWorld, text: str) -> None:
    """Waits for a message of the log."""
    found = asyncio.Event()
    watching = world.syslog.subscribe(lambda logged: found.set() if text in str(logged.message) else None)
    if not any(text in line for line in world.buffered):
        await asyncio.wait_for(found.wait(), LIMIT)
    watching.close()


def tcp_world(receiver: TcpReceiver, *lines: str) -> LogWorld:
    host = f"logging host 127.0.0.1 transport tcp port {receiver.port}"
    world = LogWorld("\n".join(["no service timestamps", *lines, host, ""]))
    world.log.start()
    return world


def test_over_tcp_lines_that_came_before_the_connection_are_sent_with_it() -> None:
    async def scene(receiver: TcpReceiver) -> None:
        world = tcp_world(receiver)
        world.say("one")
        assert await receiver.next() == "<189>1: %SYS-5-CONFIG_I: one\n"
        assert await receiver.next() == f"<190>2: {started(receiver.port)}\n"
        assert [(each.up, each.logged, each.waiting) for each in world.log.hosts()] == [(True, 2, 0)]
        world.log.close()

    with_tcp(scene)


def test_while_a_tcp_receiver_is_away_lines_wait_up_to_the_limit_and_the_rest_is_counted() -> None:
    async def scene(receiver: TcpReceiver) -> None:
        world = tcp_world(receiver, "logging queue-limit trap 3")
        assert "started" in await receiver.next()
        await receiver.stop()
        await until(world, "%SYS-3-LOGGINGHOST_FAIL: Logging to host 127.0.0.1 port")
        for number in range(5):
            world.say(f"message {number}")
        (account,) = world.log.hosts()
        assert (account.up, account.waiting, account.dropped, world.log.dropped) == (False, 3, 3, 3)
        await receiver.start()
        came = [await receiver.next() for _ in range(4)]
        assert [line.partition("_")[2].split(": ", 1)[1].strip() for line in came] == [
            f"Logging to host 127.0.0.1 port {receiver.port} failed",
            "message 0",
            "message 1",
            f"Logging to host 127.0.0.1 port {receiver.port} started - reconnection",
        ]
        world.say("after")
        assert (await receiver.next()).endswith(": after\n")
        assert [(each.up, each.waiting, each.dropped) for each in world.log.hosts()] == [(True, 0, 3)]
        world.log.close()

    with_tcp(scene)


def test_an_outage_is_logged_once_however_often_the_connection_is_tried() -> None:
    async def scene(receiver: TcpReceiver) -> None:
        port = receiver.port
        await receiver.stop()
        world = tcp_world(receiver)
        await until(world, "LOGGINGHOST_FAIL")
        await receiver.start()
        assert receiver.port == port
        await until(world, "started")
        assert len([line for line in world.buffered if "LOGGINGHOST_FAIL" in line]) == 1
        assert world.buffered[-1] == started(port)
        world.log.close()

    with_tcp(scene)


def test_a_receiver_that_reads_slowly_gets_every_line_in_order() -> None:
    async def scene(receiver: TcpReceiver) -> None:
        world = tcp_world(receiver, "logging queue-limit trap 100000", "no logging message-counter syslog")
        await receiver.next()
        much = "x" * 900
        for number in range(10_000):
            world.say(f"{number} {much}")
        assert world.log.hosts()[0].waiting  # the system's buffers are full
        for number in range(10_000):
            assert (await receiver.next()) == f"<189>%SYS-5-CONFIG_I: {number} {much}\n"
        assert world.log.hosts()[0].waiting == 0
        world.log.close()

    with_tcp(scene)


def test_a_receiver_that_is_no_longer_configured_is_left() -> None:
    async def scene(receiver: TcpReceiver) -> None:
        world = tcp_world(receiver)
        await receiver.next()
        world.type(f"no logging host 127.0.0.1 transport tcp port {receiver.port}")
        world.say("unsent")
        assert world.log.hosts() == []
        assert world.buffered[-2].endswith("stopped - CLI initiated")
        assert receiver.lines.empty()
        world.log.close()

    with_tcp(scene)
