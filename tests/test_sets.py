"""SETs of a running router over real sockets, answered by either path: tested whole, done whole, or taken back whole."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pysnmp.proto.api import v2c

from agent.base.clock import VirtualClock
from agent.base.ike_counters import IkeCounter
from agent.base.origin import Origin, manager
from agent.config.events import ConfigEvent, CryptoMapAttached, CryptoMapDetached, SnmpTextSet
from agent.engine.values import Refusal, Request
from agent.flow.counters import PacketCounters
from agent.flow.model import EndReason
from agent.flow.records import FlowRecord
from agent.lab.lab import build_lab
from agent.lab.labfile.reading import parse_lab_file
from agent.mib.schema import Schema
from agent.router_service import Options, RouterService, plans_of
from tests.flow.builders import ike_facts
from tests.flow.replica import shown
from tests.snmp.conftest import PATIENCE, Unheeded
from tests.snmp.fakes import SET, Response, request, response

LAB = parse_lab_file('[router.r]\nconfig = "r.cfg"\n', "r.toml")
TEXT = """hostname r
crypto isakmp key secret address 192.0.2.1
crypto map outside 10 ipsec-isakmp
 set peer 192.0.2.1
 match address 101
!
interface FastEthernet0/0
 ip address 192.0.2.2 255.255.255.0
 crypto map outside
!
access-list 101 permit ip any any
snmp-server community private RW
snmp-server contact somebody
end
"""
MANAGER = manager("127.0.0.1")
ATTACHED, DETACHED, DESTROY, CHECK_POINT, ENABLED = 1, 2, 2, 2, 1
MAP_INDEX = (1, 7, *b"outside")
VALUES: dict[str, Callable[[Any], Any]] = {"sysContact": v2c.OctetString}


class HalfDeafEngine:
    """An engine whose line is cut when the second phase of a SET comes to it; `refusal` is what it says in the first."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.refusal: Refusal | None = None
        self.cut = True

    def test(self, request: Request) -> Refusal | None:
        return self.refusal

    def do(self, request: Request, origin: Origin) -> bool:
        if self.cut:
            raise ConnectionError("the engine is gone")
        return True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


class Served:
    """A router that answers on a socket, by its own paths or by pysnmp alone, and a manager."""

    def __init__(self, loop: asyncio.AbstractEventLoop, schema: Schema, state: Path, pysnmp_alone: bool) -> None:
        self.loop = loop
        self.schema = schema
        self.service = self.run(self._start(state, pysnmp_alone))
        self.monitor = self.service.node.monitor
        self.engine: Any = self.service.node.engine
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        for _ in range(3):
            self.monitor.ike_ended(self.monitor.ike_up(None, ike_facts(), PacketCounters(IkeCounter)), EndReason.OPERATOR)
        self.tunnel = self.monitor.ike_up(None, ike_facts(), PacketCounters(IkeCounter))
        self.records: list[FlowRecord] = []
        self.monitor.subscribe(self.records.append)
        self.events: list[ConfigEvent] = []

    async def _start(self, state: Path, pysnmp_alone: bool) -> RouterService:
        lab = build_lab(LAB, {"r": (TEXT, "r.cfg")}, VirtualClock(), "r.toml")
        node = replace(lab.first, engine=HalfDeafEngine(lab.first.engine))
        service = RouterService(node, plans_of(self.schema), Options("lab", state))
        service.listen([("127.0.0.1", 0)])
        service._notify_of = lambda event: self.events.append(event)
        if pysnmp_alone:
            service.agent.use_fast_path(Unheeded())
        return service

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(work, PATIENCE))

    def set(self, *asked: tuple[str, tuple[int, ...], Any]) -> Response:
        """Ask for all of it in one PDU: objects by name, their instances, and values."""
        bindings = [((*self.schema.oid_of(name), *index), VALUES.get(name, v2c.Integer32)(value)) for name, index, value in asked]
        (to,) = self.service.agent.addresses
        return response(self.run(self._ask(request(SET, bindings, b"private"), to)))

    async def _ask(self, datagram: bytes, to: tuple[str, int]) -> bytes:
        await self.loop.sock_sendto(self.socket, datagram, to)
        return await self.loop.sock_recv(self.socket, 65535)

    def everything(self) -> Any:
        return shown(self.monitor, 0, counters=True), self.service.document.render()

    def close(self) -> None:
        self.service.close()
        self.socket.close()


@pytest.fixture(params=[False, True], ids=["our own paths", "pysnmp alone"])
def served(schema: Schema, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    loop = asyncio.new_event_loop()
    here = Served(loop, schema, tmp_path, request.param)
    yield here
    here.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def all_of_it() -> list[tuple[str, tuple[int, ...], Any]]:
    """Of every kind of what a manager can set, the one first that is done last."""
    return [
        ("cikeTunStatus", (4,), DESTROY),
        ("cipSecHistTableSize", (0,), 1),
        ("cipSecHistCheckPoint", (0,), CHECK_POINT),
        ("cipSecFailTableSize", (0,), 2),
        ("cipSecTrapCntlIkeNoSa", (0,), ENABLED),
        ("sysContact", (0,), "somebody else"),
        ("cipsCryptomapSetIfStatus", MAP_INDEX, DETACHED),
        ("snmpSetSerialNo", (0,), 0),
    ]


def test_what_was_done_is_taken_back_where_the_last_commit_fails(served: Served) -> None:
    """RFC 3416 §4.2.5: all other assignments are undone, and the error-index is that of the binding that failed."""
    before = served.everything()
    answer = served.set(*all_of_it())
    assert (answer.status, answer.index) == (14, 1), "commitFailed"
    assert served.everything() == before
    assert served.records, "it had been done"
    assert {record.origin for record in served.records} == {MANAGER}
    place = ("outside", "FastEthernet0/0")
    assert served.events == [
        SnmpTextSet(origin=MANAGER),
        CryptoMapDetached(*place, origin=MANAGER),
        CryptoMapAttached(*place, origin=MANAGER),
        SnmpTextSet(origin=MANAGER),
    ]
    assert served.set(("snmpSetSerialNo", (0,), 0)).status == 0, "it had not been taken"


def test_the_same_set_is_done_whole_where_nothing_fails(served: Served) -> None:
    served.engine.cut = False
    assert served.set(*all_of_it()).status == 0
    flow = served.monitor.vrf(None)
    assert (flow.tunnel_window, flow.failure_window, len(flow.ike_history)) == (1, 2, 1)
    assert "contact somebody else" in served.service.document.render()
    assert "crypto map outside\n" not in served.service.document.render()
    assert {record.origin for record in served.records} == {MANAGER}


@pytest.mark.parametrize(
    ("last", "status"),
    [
        (("cipsCryptomapSetIfStatus", MAP_INDEX, ATTACHED), 5),  # genErr: nothing is attached this way
        (("cipSecFailTableSize", (0,), 0), 10),  # wrongValue
        (("sysContact", (0,), "here "), 10),
        (("snmpSetSerialNo", (0,), 7), 12),  # inconsistentValue
        (("cikeTunStatus", (9,), DESTROY), 11),  # noCreation
    ],
)
def test_nothing_is_done_where_one_binding_is_refused(served: Served, last: tuple[str, tuple[int, ...], Any], status: int) -> None:
    before = served.everything()
    answer = served.set(*all_of_it()[1:], last)
    assert (answer.status, answer.index) == (status, 8)
    assert (served.everything(), served.records, served.events) == (before, [], [])


def test_an_engine_that_may_not_be_asked_refuses_before_anything_is_done(served: Served) -> None:
    served.engine.refusal = Refusal("read-only")
    answer = served.set(*reversed(all_of_it()))
    assert (answer.status, answer.index) == (6, 8), "noAccess"
    assert (served.records, served.events) == ([], [])


def test_what_follows_a_configuration_and_fails_takes_the_configuration_back(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = served.everything()
    monkeypatch.setattr(served.engine, "config_changed", _fail_once(), raising=False)
    answer = served.set(("cipSecHistTableSize", (0,), 1), ("cipsCryptomapSetIfStatus", MAP_INDEX, DETACHED))
    assert (answer.status, answer.index) == (14, 2)
    assert served.everything() == before


def _fail_once() -> Callable[[Any], None]:
    calls: list[Any] = []

    def follow(events: Any) -> None:
        calls.append(events)
        if len(calls) == 1:
            raise ConnectionError("the engine is gone")

    return follow
