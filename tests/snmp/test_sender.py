"""Notifications on their way: to whom, in which version, by which socket, and what becomes of informs."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Interface
from typing import Any, Protocol

import pytest
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import v1, v2c

from agent.base.limited_log import AT_ONCE
from agent.config.model import Interface, RouterConfig
from agent.config.snmp_model import Community, SnmpHost
from agent.mib.values import number
from agent.snmp.informs import Patience
from agent.snmp.notifications import Instance, Notification
from agent.snmp.receiver import MOST_UNANSWERED, MOST_WAITING
from agent.snmp.receiver import Receiver as ReceiverAccount
from agent.snmp.sender import NotificationSender
from tests.snmp.conftest import PATIENCE, Station
from tests.snmp.fakes import BIG, GET, LOOPBACK, ROOT, SIZE, add_group, add_user, add_view, request, response, router
from tests.snmp.v3 import V3User

Start = Callable[..., Station]
NAME = (*ROOT, 0, 7)
UP_TIME, TRAP_OID = (1, 3, 6, 1, 2, 1, 1, 3, 0), (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)


def told(vrf: str | None = "red", kind: str = "ipsec", value: int = 5) -> Notification:
    return Notification("fakeEvent", NAME, vrf, kind, (Instance("fakeSize", SIZE, number("Integer32", value)),))


class HasPort(Protocol):
    @property
    def port(self) -> int: ...


class Receiver:
    """A trap host: what arrives at its socket, decoded."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((LOOPBACK, 0))
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]

    def take(self) -> tuple[bytes, Any]:
        return self.loop.run_until_complete(asyncio.wait_for(self.loop.sock_recvfrom(self.socket, 65535), PATIENCE))

    def trap(self) -> tuple[bytes, dict[Any, Any]]:
        """The community and the objects of a v2c trap or inform."""
        message, _ = decoder.decode(self.take()[0], asn1Spec=v2c.Message())
        pdu = v2c.apiMessage.get_pdu(message)
        return bytes(message[1]), {tuple(name): value for name, value in v2c.apiPDU.get_varbinds(pdu)}

    def empty(self) -> bool:
        """Whether nothing is there now: what is sent on loopback has arrived when the call that sends it returns."""
        try:
            self.socket.recv(65535)
        except BlockingIOError:
            return True
        return False


@pytest.fixture
def receivers(loop: asyncio.AbstractEventLoop) -> Iterator[Callable[[], Receiver]]:
    made: list[Receiver] = []

    def make() -> Receiver:
        made.append(Receiver(loop))
        return made[-1]

    yield make
    for each in made:
        each.socket.close()


def add_host(config: RouterConfig, to: HasPort, community: str, version: str = "2c", address: Any = LOOPBACK, **rest: Any) -> None:
    host = SnmpHost(IPv4Address(address) if isinstance(address, str) else address, community, version=version, port=to.port, **rest)
    config.snmp.hosts[str(host.address), None, f"{community} {len(config.snmp.hosts)}", to.port] = host


def sender(here: Station, **rest: Any) -> NotificationSender:
    return NotificationSender(here.agent, here.endpoint, lambda: here.time, **rest)


def account(out: NotificationSender, number: int = 0) -> ReceiverAccount:
    return list(out._destinations)[number]


def test_a_vrfs_notification_goes_to_the_hosts_of_its_context_alone(station: Start, receivers: Callable[[], Receiver]) -> None:
    red, blue, both = receivers(), receivers(), receivers()
    config = router()
    add_host(config, red, "red")
    add_host(config, blue, "blue")
    add_host(config, both, "public")
    here = station(config)
    out = sender(here)
    out.send([told("red")])
    community, objects = red.trap()
    assert community == b"red"
    assert [(name, value.prettyPrint()) for name, value in objects.items()] == [
        (UP_TIME, "500"), (TRAP_OID, ".".join(map(str, NAME))), (SIZE, "5"),
    ]  # fmt: skip
    assert blue.empty()
    assert both.empty()
    out.send([told(None)])
    assert both.trap()[0] == b"public"
    assert red.empty()
    assert out.sent == 2
    assert here.counters.value("snmpOutTraps") == 2
    assert here.counters.value("snmpOutPkts") == 2


def test_what_is_of_a_vrf_without_a_context_goes_nowhere(station: Start, receivers: Callable[[], Receiver]) -> None:
    config = router()
    to = receivers()
    add_host(config, to, "public")
    out = sender(station(config))
    out.send([told("violet")])
    assert not out.wanted("violet", "ipsec")
    assert to.empty()


def test_a_host_takes_the_types_that_it_names(station: Start, receivers: Callable[[], Receiver]) -> None:
    config = router()
    both, ike, every = receivers(), receivers(), receivers()
    add_host(config, both, "red", types=("ipsec", "isakmp"))
    add_host(config, ike, "red", types=("isakmp",))
    add_host(config, every, "red")
    out = sender(station(config))
    out.send([told(kind="ipsec")])
    assert both.trap()
    assert every.trap()
    assert ike.empty()
    out.send([told(kind="snmp")])
    assert every.trap()
    assert both.empty()
    assert ike.empty()
    assert out.wanted("red", "snmp")
    assert not out.wanted(None, "snmp")


def test_a_host_of_type_ike_is_told_of_isakmp(station: Start, receivers: Callable[[], Receiver]) -> None:
    """IOS 15 and later write `ike` for the type that IOS 12.4 calls `isakmp`."""
    config = router()
    ike = receivers()
    add_host(config, ike, "red", types=("ike",))
    out = sender(station(config))
    out.send([told(kind="isakmp")])
    assert ike.trap()
    out.send([told(kind="ipsec")])
    assert ike.empty()


def test_two_hosts_of_one_community_get_two_copies_though_one_cannot_be_sent_to(
    station: Start, receivers: Callable[[], Receiver]
) -> None:
    config = router()
    first, second, third = receivers(), receivers(), receivers()
    add_host(config, first, "red")
    add_host(config, second, "red")
    config.snmp.hosts["x", None, "x", 0] = SnmpHost(IPv4Address(LOOPBACK), "nobody", version="3", level="priv", port=1)
    add_host(config, third, "red")
    out = sender(station(config))
    first.socket.close()  # an unreachable receiver delays nothing
    out.send([told(), told(value=6)])
    for to in (second, third):
        assert [to.trap()[1][SIZE], to.trap()[1][SIZE]] == [5, 6]


def test_a_community_that_nothing_configures_is_a_hosts_own(station: Start, receivers: Callable[[], Receiver]) -> None:
    config = router()
    to = receivers()
    add_host(config, to, "traps-only")
    here = station(config)
    sender(here).send([told(None)])
    assert to.trap()[0] == b"traps-only"
    assert here.ask(GET, [SIZE], b"traps-only") is None


def test_a_notify_view_keeps_out_what_it_does_not_include(station: Start, receivers: Callable[[], Receiver]) -> None:
    config = router()
    to = receivers()
    add_host(config, to, "red")
    add_view(config, "narrow", "fake included", "fakeScalars excluded")
    add_group(config, "red", "v2c", context="red-context", notify="narrow")
    here = station(config)
    out = sender(here)
    out.send([told()])
    assert to.empty()
    add_group(config, "red", "v2c", context="red-context", notify="*tv.FFFFFFFF.FFFFFFFF")
    here.follow(config)
    out.apply()
    out.send([told()])
    assert to.trap()


def test_version_1_traps_are_translated(station: Start, receivers: Callable[[], Receiver]) -> None:
    config = router()
    to = receivers()
    add_host(config, to, "red", version="1")
    config.interfaces["Loopback0"] = Interface("Loopback0", address=IPv4Interface("10.1.38.25/24"))
    here = station(config)
    out = sender(here)

    def trap() -> Any:
        out.send([told()])
        message, _ = decoder.decode(to.take()[0], asn1Spec=v1.Message())
        return v1.apiMessage.get_pdu(message)

    pdu = trap()
    assert tuple(v1.apiTrapPDU.get_enterprise(pdu)) == ROOT
    assert (int(v1.apiTrapPDU.get_generic_trap(pdu)), int(v1.apiTrapPDU.get_specific_trap(pdu))) == (6, 7)
    assert int(v1.apiTrapPDU.get_timestamp(pdu)) == 500
    assert v1.apiTrapPDU.get_agent_address(pdu).prettyPrint() == LOOPBACK
    assert [tuple(name) for name, _ in v1.apiTrapPDU.get_varbinds(pdu)] == [SIZE]

    config.snmp.trap_source = "Loopback0"
    out.apply()
    assert v1.apiTrapPDU.get_agent_address(trap()).prettyPrint() == "10.1.38.25"


def test_what_holds_a_counter64_is_no_version_1_trap(station: Start, receivers: Callable[[], Receiver]) -> None:
    config = router()
    old, new = receivers(), receivers()
    add_host(config, old, "red", version="1")
    add_host(config, new, "red")
    out = sender(station(config))
    out.send([Notification("big", NAME, "red", "ipsec", (Instance("fakeBig", BIG, number("Counter64", 2**40)),))])
    assert int(new.trap()[1][BIG]) == 2**40
    assert old.empty()


def test_an_inform_is_sent_again_and_given_up_with_a_line(
    station: Start, receivers: Callable[[], Receiver], caplog: pytest.LogCaptureFixture
) -> None:
    config = router()
    to = receivers()
    add_host(config, to, "red", informs=True)
    here = station(config)
    out = sender(here, patience=Patience(0.2, 2))
    with caplog.at_level(logging.WARNING):
        out.send([told()])
        copies = [to.take()[0] for _ in range(3)]

        async def given_up() -> None:
            while not account(out).drops.total:
                await asyncio.sleep(0.01)

        here.run(given_up())
    assert copies[0][0] == 0x30
    assert (account(out).drops.total, account(out).delivered, account(out).unanswered) == (1, 0, 0)
    assert [record.getMessage() for record in caplog.records] == [
        f"notifications to 127.0.0.1:{to.port} are dropped from now on: No SNMP response received before timeout"
    ]
    assert to.empty()


def test_an_inform_that_is_answered_is_done(station: Start, receivers: Callable[[], Receiver]) -> None:
    config = router()
    to = receivers()
    add_host(config, to, "red", informs=True)
    here = station(config)
    out = sender(here, patience=Patience(0.2, 2))
    out.send([told()])
    datagram, source = to.take()
    message, _ = decoder.decode(datagram, asn1Spec=v2c.Message())
    pdu = v2c.apiPDU.get_response(v2c.apiMessage.get_pdu(message))
    v2c.apiPDU.set_varbinds(pdu, v2c.apiPDU.get_varbinds(v2c.apiMessage.get_pdu(message)))
    v2c.apiMessage.set_pdu(message, pdu)
    to.socket.sendto(encoder.encode(message), source)

    async def answered() -> None:
        while account(out).unanswered:
            await asyncio.sleep(0.01)

    here.run(answered())
    assert (account(out).drops.total, account(out).delivered) == (0, 1)


def test_the_configuration_says_how_many_notifications_wait_for_a_host(station: Start, receivers: Callable[[], Receiver]) -> None:
    """`snmp-server queue-length` and `snmp-server inform pending` are followed when they change or go."""
    config = router()
    add_host(config, receivers(), "red", informs=True)
    config.snmp.queue_length, config.snmp.inform_pending = 5, 2
    here = station(config)
    out = sender(here)

    async def calm() -> None:
        while out._turn is not None:
            await asyncio.sleep(0)

    def state() -> tuple[int, int, int]:
        here.run(calm())
        return len(account(out).queue), account(out).unanswered, account(out).drops.total

    out.send([told()] * 2)
    assert state() == (0, 2, 0)
    out.send([told()] * 8)
    assert state() == (5, 2, 3)
    config.snmp.queue_length, config.snmp.inform_pending = 1, 4
    out.apply()
    assert state() == (3, 4, 3)  # what waits already is not dropped
    out.send([told()])
    assert state() == (3, 4, 4)
    config.snmp.queue_length = config.snmp.inform_pending = None
    out.apply()
    out.send([told()] * (MOST_WAITING + MOST_UNANSWERED))
    waiting, unanswered, dropped = state()
    assert unanswered == MOST_UNANSWERED
    assert waiting + unanswered + dropped == 11 + MOST_WAITING + MOST_UNANSWERED
    assert account(out).queue.limit == MOST_WAITING


def test_the_configuration_says_how_often_an_inform_is_sent_again(station: Start, receivers: Callable[[], Receiver]) -> None:
    """`snmp-server inform retries 1 timeout 0`: one copy more, at once, although the default waits for long."""
    config = router()
    to = receivers()
    add_host(config, to, "red", informs=True)
    here = station(config)
    out = sender(here)
    config.snmp.inform_retries, config.snmp.inform_timeout = 1, 0
    out.apply()
    out.send([told()])
    first, second = to.take()[0], to.take()[0]
    assert first == second  # RFC 3416 §4.2.7: the same request-id

    async def given_up() -> None:
        while not account(out).drops.total:
            await asyncio.sleep(0)

    here.run(given_up())
    assert to.empty()
    assert (account(out).unanswered, account(out).delivered) == (0, 0)


def test_what_is_withheld_fills_no_log(station: Start, caplog: pytest.LogCaptureFixture) -> None:
    """A stranger's bad communities cause notifications: the log has a few lines and a count."""
    config = router()
    config.snmp.hosts["x", None, "red", 162] = SnmpHost(IPv4Address("172.19.216.110"), "red", version="2c")
    with caplog.at_level(logging.INFO):
        out = sender(station(config))
        out.send([told()] * 100)
        out.close()
    lines = [message for message in caplog.messages if "is withheld" in message]
    assert len(lines) == AT_ONCE + 1
    assert f"of {100 - AT_ONCE} such lines" in lines[-1]


def test_hosts_outside_loopback_are_counted_and_told_once(
    station: Start, receivers: Callable[[], Receiver], caplog: pytest.LogCaptureFixture
) -> None:
    config = router()
    near = receivers()
    add_host(config, near, "red", address="172.19.216.110")
    add_host(config, near, "red")
    with caplog.at_level(logging.WARNING):
        out = sender(station(config))
        out.send([told()])
        out.apply()
        out.send([told()])
    assert near.trap()
    assert (out.sent, out.withheld) == (2, 2)
    assert [record.getMessage() for record in caplog.records] == [
        f"notifications to 172.19.216.110:{near.port} are not sent: it is outside loopback, and external_traffic is not set"
    ]


def test_a_host_by_name_is_found_among_ip_host_lines(
    station: Start, receivers: Callable[[], Receiver], caplog: pytest.LogCaptureFixture
) -> None:
    config = router()
    to = receivers()
    host = SnmpHost("nms", "red", version="2c", port=to.port)
    config.snmp.hosts["nms", None, "red", to.port] = host
    here = station(config)
    with caplog.at_level(logging.WARNING):
        out = sender(here)
        out.send([told()])
    assert to.empty()
    assert [record.getMessage() for record in caplog.records] == ["snmp-server host nms: no `ip host` line gives its address"]
    config.hosts["nms"] = IPv4Address(LOOPBACK)
    out.apply()
    out.send([told()])
    assert to.trap()


def test_notifications_come_from_the_address_that_the_router_answers_on(station: Start, receivers: Callable[[], Receiver]) -> None:
    config = router()
    to = receivers()
    add_host(config, to, "red")
    here = station(config)
    here.agent.close()
    here.agent = here.run(here._make())
    here.agent.listen([("127.0.0.2", 0)])
    sender(here).send([told()])
    assert to.take()[1][0] == "127.0.0.2"


def test_a_trap_host_may_poll_with_its_community_too(station: Start, receivers: Callable[[], Receiver], loop: Any) -> None:
    config = router()
    config.snmp.communities["red"] = Community("red", "RW")
    to = receivers()
    add_host(config, to, "red")
    add_host(config, to, "blue")
    here = station(config)
    sender(here)
    to.socket.sendto(request(GET, [SIZE], b"public"), here.address)
    assert response(to.take()[0]).values == ["10"]


@pytest.mark.parametrize("informs", [False, True])
def test_a_v3_host_gets_what_its_users_group_has(station: Start, receivers: Callable[[], Receiver], informs: bool) -> None:
    config = router()
    to = receivers()
    add_user(config, "ann", "g")
    add_group(config, "g", "v3", "noauth", "red-context")
    add_host(config, to, "ann", version="3", informs=informs)
    here = station(config)
    out = sender(here)
    out.send([told("blue"), told(None)])
    assert to.empty()
    out.send([told("red")])
    ann = here.v3_user("ann")
    datagram, _ = to.take()
    if informs:  # the receiver is the authority: it is asked for its engine ID first (RFC 3414 §4)
        probe = V3User("", b"").taken(datagram)
        assert (probe.engine_id, probe.user, probe.header[2]) == (b"", b"", b"\x04")
    else:
        assert ann.response(datagram).names == [UP_TIME, TRAP_OID, SIZE]
        assert b"red-context" in datagram
