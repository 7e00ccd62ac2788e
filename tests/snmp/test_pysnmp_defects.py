"""What pysnmp does wrong and our engine does right: each check passes here, and fails on plain pysnmp with the same router."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413.ntforg import NotificationOriginator
from pysnmp.proto.api import v1, v2c
from pysnmp.proto.proxy import rfc2576

from agent.config.snmp_model import SnmpHost
from agent.snmp.identity import new_engine_id
from agent.snmp.sender import NotificationSender
from tests.snmp.conftest import PATIENCE, Station, exchange
from tests.snmp.fakes import (
    BIG,
    ENTRY,
    FAULTY,
    GET,
    GET_BULK,
    GET_NEXT,
    LOOPBACK,
    MODE,
    READ_ONLY,
    ROOT,
    SET,
    SIZE,
    TEXT,
    Fake,
    Response,
    add_group,
    add_user,
    add_view,
    fake_tree,
    request,
    response,
    router,
)
from tests.snmp.plain import PlainRouter
from tests.snmp.v3 import V3User, report_of

AUTHORIZATION_ERROR = 16
GEN_ERR, NO_ACCESS, NOT_WRITABLE = 5, 6, 17
NO_SUCH_NAME = 2
UNSUPPORTED_LEVELS = (1, 3, 6, 1, 6, 3, 15, 1, 1, 1, 0)
UNKNOWN_USER_NAMES = (1, 3, 6, 1, 6, 3, 15, 1, 1, 3, 0)
UNKNOWN_CONTEXTS = (1, 3, 6, 1, 6, 3, 12, 1, 5, 0)


class Subject:
    """One of the two routers, as a check sees it; `trap_host` is a socket with the address of `red`'s trap host."""

    def __init__(
        self, send: Callable[[bytes], bytes | None], trap_host: socket.socket, fake: Fake, engine_id: bytes, escaped: list[Any]
    ) -> None:
        self.send = send
        self.trap_host = trap_host
        self.address: Any = None
        self.engine: Any = None
        self.fake = fake
        self.engine_id = engine_id
        self.escaped = escaped

    def ask(self, kind: str, names: Any, community: bytes = b"public", version: int = 1, **rest: Any) -> Response:
        answered = self.send(request(kind, names, community, version, **rest))
        assert answered is not None, "no answer"
        return response(answered, version)

    def ask_v3(self, name: str, kind: str, names: Any, context: str = "") -> Response:
        user = V3User(name, self.engine_id)
        answered = self.send(user.request(kind, names, context))
        assert answered is not None, "no answer"
        return user.response(answered)


def undefined_view_denies(router: Subject) -> None:
    assert router.ask(SET, [(SIZE, v2c.Integer32(5))]).status == NO_ACCESS
    assert router.fake.done == []


def level_is_enforced(router: Subject) -> None:
    assert router.ask_v3("joe", GET, [SIZE]).status == AUTHORIZATION_ERROR


def longest_context_prefix_wins(router: Subject) -> None:
    answered = router.ask_v3("ann", GET, [SIZE], "red-context")
    assert answered.values in (["NoSuchObject"], ["NoSuchInstance"])


def error_index_is_that_of_the_failed_binding(router: Subject) -> None:
    names = [(SIZE, v2c.Integer32(5)), (READ_ONLY, v2c.Integer32(5)), (MODE, v2c.Integer32(1)), (TEXT, v2c.OctetString("x"))]
    answered = router.ask(SET, names, b"red")
    assert (answered.status, answered.index) == (NOT_WRITABLE, 2)


def exception_is_gen_err(router: Subject) -> None:
    router.fake.fault = RuntimeError("a view's own fault")
    answered = router.ask(GET, [SIZE, FAULTY])
    assert (answered.status, answered.index) == (GEN_ERR, 2)


def empty_get_bulk_is_answered(router: Subject) -> None:
    assert router.ask(GET_BULK, [ROOT], non_repeaters=0, repetitions=0).bindings == []
    assert router.ask(GET_BULK, [], non_repeaters=0, repetitions=0).bindings == []
    assert router.escaped == []


def get_bulk_is_not_cut_at_64(router: Subject) -> None:
    answered = router.ask(GET_BULK, [(*ENTRY, 2)] * 40, repetitions=4)
    assert len(answered.bindings) == 160


def negative_get_bulk_numbers_are_0(router: Subject) -> None:
    assert len(router.ask(GET_BULK, [TEXT[:-1]], non_repeaters=-1, repetitions=2).bindings) == 2
    assert router.ask(GET_BULK, [TEXT[:-1]], non_repeaters=0, repetitions=-2).bindings == []


def large_get_bulk_is_trimmed(router: Subject) -> None:
    router.fake.text = b"x" * 3000
    answered = router.ask(GET_BULK, [TEXT[:-1]] * 30, repetitions=2)
    assert 0 < len(answered.bindings) < 60


def large_get_is_too_big(router: Subject) -> None:
    router.fake.text = b"x" * 3000
    answered = router.ask(GET, [TEXT] * 30)
    assert (answered.status, answered.index, answered.bindings) == (1, 0, [])


def unknown_v3_context_is_reported(router: Subject) -> None:
    assert report_of(router.ask_v3("ann", GET, [SIZE], "nowhere")) == UNKNOWN_CONTEXTS


def a_user_may_ask_at_a_lower_level(router: Subject) -> None:
    user = V3User("ken", router.engine_id, time=0, auth="authpass1")
    answered = router.send(user.request(GET, [SIZE]))
    assert answered is not None
    assert user.response(answered).values == ["10"]


def a_level_that_a_user_cannot_have_is_reported(router: Subject) -> None:
    user = V3User("ann", router.engine_id, auth="authpass1")
    answered = router.send(user.request(GET, [SIZE]))
    assert answered is not None
    assert report_of(user.response(answered)) == UNSUPPORTED_LEVELS


def a_message_of_no_user_is_no_users(router: Subject) -> None:
    assert report_of(router.ask_v3("", GET, [SIZE])) == UNKNOWN_USER_NAMES


def trap_host_may_ask_as_anyone(router: Subject) -> None:
    router.trap_host.sendto(request(GET, [SIZE], b"red"), router.address)
    router.ask(GET, [SIZE])  # answered after that
    assert response(router.trap_host.recv(65535)).values == ["10"]


def malformed_is_counted_not_raised(router: Subject) -> None:
    whole = request(GET, [SIZE])
    for position in range(len(whole)):
        for value in (0x00, 0x80, 0xFF, 0x30, 0x24):
            router.send(whole[:position] + bytes([value]) + whole[position + 1 :])
    assert router.escaped == []


def version_1_get_of_two_counter64_names_the_first(router: Subject) -> None:
    answered = router.ask(GET, [SIZE, BIG, BIG], version=0)
    assert (answered.status, answered.index) == (NO_SUCH_NAME, 2)


def version_1_walk_skips_counter64(router: Subject) -> None:
    assert router.ask(GET_NEXT, [TEXT, (*ENTRY, 3, 70000)], version=0).names == [(*ROOT, 1, 6, 0), (*ENTRY, 5, 1)]


Check = Callable[[Subject], None]
DEFECTS: list[Check] = [
    undefined_view_denies,
    level_is_enforced,
    longest_context_prefix_wins,
    error_index_is_that_of_the_failed_binding,
    exception_is_gen_err,
    empty_get_bulk_is_answered,
    get_bulk_is_not_cut_at_64,
    negative_get_bulk_numbers_are_0,
    large_get_bulk_is_trimmed,
    large_get_is_too_big,
    unknown_v3_context_is_reported,
    a_user_may_ask_at_a_lower_level,
    a_level_that_a_user_cannot_have_is_reported,
    a_message_of_no_user_is_no_users,
    trap_host_may_ask_as_anyone,
    malformed_is_counted_not_raised,
    version_1_get_of_two_counter64_names_the_first,
]
# Right on plain pysnmp too, if its controller does as the notes on it say: kept so here.
SOUND: list[Check] = [version_1_walk_skips_counter64]


@pytest.fixture
def trap_host() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind((LOOPBACK, 0))
        bound.setblocking(False)
        yield bound


@pytest.fixture
def ours(station: Callable[..., Station], trap_host: socket.socket) -> Subject:
    configuration = router()
    configuration.snmp.packet_size = 65507
    add_user(configuration, "joe", "joes")
    add_group(configuration, "joes", "v3", "priv")
    add_user(configuration, "ann", "anns")
    add_group(configuration, "anns", "v3", read="all", match="prefix")
    add_group(configuration, "anns", "v3", context="red", read="little", match="prefix")
    add_user(configuration, "ken", "anns", auth="sha", auth_password="authpass1", priv="aes128", priv_password="privpass1")
    add_view(configuration, "all", "iso included")
    add_view(configuration, "little", "mib-2 included")
    configuration.snmp.hosts["x", None, "red", 0] = SnmpHost(
        IPv4Address(LOOPBACK), "red", version="2c", port=trap_host.getsockname()[1]
    )
    here = station(configuration, one_fake=True)
    NotificationSender(here.agent, here.endpoint, lambda: 0)
    subject = Subject(here.send, trap_host, here.fakes[""], here.identity.engine_id, here.escaped)
    subject.address = here.address
    return subject


@pytest.fixture
def plain(loop: asyncio.AbstractEventLoop, trap_host: socket.socket) -> Iterator[Subject]:
    fake, engine_id, escaped = Fake(), new_engine_id(), list[Any]()
    loop.set_exception_handler(lambda loop, context: escaped.append(context))

    async def start() -> PlainRouter:
        made = PlainRouter(loop, fake_tree(fake), engine_id, LOOPBACK, trap_host.getsockname())
        await made.transport._lport  # the socket is bound
        return made

    made = loop.run_until_complete(start())
    address = made.transport.transport.get_extra_info("sockname")
    manager = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    manager.bind((LOOPBACK, 0))
    manager.setblocking(False)

    def send(datagram: bytes) -> bytes | None:
        return loop.run_until_complete(asyncio.wait_for(exchange(loop, manager, address, datagram), PATIENCE))

    subject = Subject(send, trap_host, fake, engine_id, escaped)
    subject.address = address
    subject.engine = made.engine
    yield subject
    made.close()
    manager.close()


@pytest.mark.parametrize("check", [*DEFECTS, *SOUND], ids=lambda check: check.__name__)
def test_our_engine_does_right(ours: Subject, check: Check) -> None:
    check(ours)


@pytest.mark.parametrize("check", DEFECTS, ids=lambda check: check.__name__)
def test_plain_pysnmp_does_not(plain: Subject, check: Check) -> None:
    with pytest.raises((AssertionError, BlockingIOError)):
        check(plain)


def test_plain_pysnmps_engine_time_follows_the_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    (symbol,) = SnmpEngine().get_mib_builder().import_symbols("__SNMP-FRAMEWORK-MIB", "snmpEngineTime")
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000)
    assert int(symbol.syntax.clone()) > 1_000_000_000


def test_plain_pysnmp_keeps_boots_in_the_shared_temporary_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    SnmpEngine(snmpEngineID=v2c.OctetString(new_engine_id()))
    assert list(tmp_path.rglob("boots"))


def test_plain_pysnmp_cannot_send_a_counter64_to_a_version_1_host() -> None:
    pdu = v2c.SNMPv2TrapPDU()
    v2c.apiTrapPDU.set_defaults(pdu)
    v2c.apiTrapPDU.set_varbinds(pdu, [*v2c.apiTrapPDU.get_varbinds(pdu), (BIG, v2c.Counter64(1))])
    with pytest.raises(KeyError):
        rfc2576.v2_to_v1(pdu)


def test_plain_pysnmps_version_1_traps_have_no_agent_address() -> None:
    pdu = v2c.SNMPv2TrapPDU()
    v2c.apiTrapPDU.set_defaults(pdu)
    assert v1.apiTrapPDU.get_agent_address(rfc2576.v2_to_v1(pdu)).prettyPrint() == "0.0.0.0"


def test_plain_pysnmp_drops_a_notification_that_the_view_excludes_and_says_nothing(plain: Subject) -> None:
    """Ours chooses and checks by itself, and so can count what it leaves out."""
    engine = plain.engine
    config.add_notification_target(engine, "note", "trap", "trap")
    originator = NotificationOriginator()
    config.add_vacm_access(engine, "reds", "red-context", 2, "noAuthNoPriv", "exact", "all", "all", "little")
    objects = [(v2c.apiTrapPDU.snmpTrapOID, v2c.ObjectIdentifier(ROOT)), (SIZE, v2c.Integer32(1))]
    assert originator.send_varbinds(engine, "note", None, "red-context", objects) is None


def test_plain_pysnmp_drops_a_notification_of_the_default_context_named_by_a_str(plain: Subject) -> None:
    """VACM looks contexts up by octets, and on the way to it every name but the empty one is made octets of.

    Ours names the global context by "" everywhere, and octets go to pysnmp (test_sender: a global notification goes to its hosts).
    """
    engine = plain.engine
    config.add_notification_target(engine, "note", "trap", "trap")
    config.add_vacm_access(engine, "reds", "", 2, "noAuthNoPriv", "exact", "all", "all", "all")
    objects = [(v2c.apiTrapPDU.snmpTrapOID, v2c.ObjectIdentifier(ROOT)), (SIZE, v2c.Integer32(1))]
    sent = [NotificationOriginator().send_varbinds(engine, "note", None, name, objects) for name in (b"", "", "red-context")]
    assert [handle is not None for handle in sent] == [True, False, True]


def test_plain_pysnmp_ignores_the_source_address_of_a_target(plain: Subject, loop: asyncio.AbstractEventLoop) -> None:
    """Ours binds a socket of its own (test_sender: notifications come from the address that the router answers on)."""
    engine, host = plain.engine, plain.trap_host
    config.add_target_address(
        engine, "elsewhere", udp.DOMAIN_NAME, host.getsockname(), "trap", tagList="elsewhere", sourceAddress=("127.0.0.9", 0)
    )
    config.add_notification_target(engine, "noted", "trap", "elsewhere")
    objects = [(v2c.apiTrapPDU.snmpTrapOID, v2c.ObjectIdentifier(ROOT)), (SIZE, v2c.Integer32(1))]

    async def notify() -> tuple[bytes, tuple[str, int]]:
        NotificationOriginator().send_varbinds(engine, "noted", None, "red-context", objects)
        return await asyncio.wait_for(loop.sock_recvfrom(host, 65535), PATIENCE)

    _, source = loop.run_until_complete(notify())
    assert source[0] != "127.0.0.9"
