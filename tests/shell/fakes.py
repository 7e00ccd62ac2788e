"""A router whose engine is a fake, and a terminal that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from agent.config.document import load
from agent.config.events import ConfigEvent
from agent.flow.device import Device, InterfaceState
from agent.flow.monitor import FlowMonitor
from agent.shell.doors import Admission, IsakmpSa, NotificationHost, PingRequest, Probe, ProbeOutcome, Router, SessionFilter
from agent.shell.session import Commands, Result, Session

CONFIG = """\
version 12.4
hostname far
enable password lab
no ip domain lookup
ip host hub 10.1.1.2
ip vrf red
 rd 1:1
clock timezone PST -8
interface Loopback1
 ip address 10.20.1.1 255.255.255.255
interface FastEthernet0/0
 ip address 10.1.1.1 255.255.255.0
interface FastEthernet0/1
 ip vrf forwarding red
 ip address 10.9.9.1 255.255.255.0
interface Serial1/2
 no ip address
 shutdown
"""

COMMANDS = Commands()


def reply(milliseconds: float = 4) -> Probe:
    return Probe(ProbeOutcome.REPLY, int(milliseconds * 1000))


TIMEOUT = Probe(ProbeOutcome.TIMEOUT)
UNREACHABLE = Probe(ProbeOutcome.UNREACHABLE)


class FakeClock:
    def __init__(self) -> None:
        self.time = 0

    def now(self) -> int:
        return self.time


class FakeDoors:
    """Remembers what was asked. A ping gives `probes`, and then, if `endless`, waits until it is ended."""

    def __init__(self) -> None:
        self.probes: list[Probe] = [TIMEOUT, reply(), reply(), reply(), reply()]
        self.endless = False
        self.pings: list[PingRequest] = []
        self.ended_pings = 0
        self.sessions: list[SessionFilter] = []
        self.sas: list[SessionFilter] = []
        self.isakmp: list[int | None] = []
        self.known_connections: set[int] = set()
        self.rows: list[IsakmpSa] = []
        self.hosts: list[NotificationHost] = []
        self.admitted = Admission()
        self.events: list[ConfigEvent] = []
        self.probed = asyncio.Event()

    async def ping(self, request: PingRequest, on_probe: Callable[[Probe], None]) -> None:
        self.pings.append(request)
        try:
            for probe in self.probes:
                await asyncio.sleep(0)
                on_probe(probe)
            self.probed.set()
            if self.endless:
                await asyncio.Event().wait()
        finally:
            self.ended_pings += 1

    def clear_sessions(self, wanted: SessionFilter) -> None:
        self.sessions.append(wanted)

    def clear_isakmp(self, connection: int | None) -> bool:
        self.isakmp.append(connection)
        return connection in self.known_connections

    def clear_sas(self, wanted: SessionFilter) -> None:
        self.sas.append(wanted)

    def notification_hosts(self) -> list[NotificationHost]:
        return self.hosts

    def isakmp_sas(self) -> Sequence[IsakmpSa]:
        return self.rows

    def admission(self) -> Admission:
        return self.admitted

    def configured(self, events: Sequence[ConfigEvent]) -> None:
        self.events.extend(events)


class FakeTerminal:
    """Remembers what was written, piece by piece, with the questions and answers where they came."""

    def __init__(self, *answers: str) -> None:
        self.pieces: list[str] = []
        self.answers = list(answers)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def write(self, text: str) -> None:
        self.pieces.append(text)

    async def flush(self) -> None:
        return None

    async def ask(self, prompt: str, secret: bool = False) -> str | None:
        answer = self.answers.pop(0) if self.answers else None
        self.pieces.append(prompt + ("" if secret else answer or "") + "\n")
        return answer


def make_router(config: str = CONFIG, name: str = "far", doors: FakeDoors | None = None, clock: FakeClock | None = None) -> Router:
    document = load(config)
    device = Device(document.config.hostname, "A simulated router", "1.3.6.1.4.1.9.1.436")
    for index, interface in enumerate(document.config.interfaces.values(), 1):
        up = not interface.shutdown
        device.interfaces.add(index, InterfaceState(index, interface.name, "other", 1500, 0, admin_up=up, oper_up=up))
    monitor = FlowMonitor(clock or FakeClock())
    epoch = datetime(2024, 2, 29, 23, 59, 58, tzinfo=UTC)
    return Router(name, document, monitor, device, doors or FakeDoors(), epoch, "ipsec-agent 9.9")


class Console:
    """A session on a fake router, driven line by line without a loop of the test's own."""

    def __init__(self, config: str = CONFIG, answers: Sequence[str] = (), privileged: bool = True) -> None:
        self.doors = FakeDoors()
        self.clock = FakeClock()
        self.router = make_router(config, doors=self.doors, clock=self.clock)
        self.terminal = FakeTerminal(*answers)
        self.session = Session(self.router, self.terminal, COMMANDS, privileged)

    def type(self, *lines: str) -> str:
        """What the lines print, errors included."""
        before = len(self.terminal.text)
        errors = ""
        for line in lines:
            result = asyncio.run(self.session.execute(line))
            errors += result.error
        return self.terminal.text[before:] + errors

    def result(self, line: str) -> Result:
        return asyncio.run(self.session.execute(line))

    def ready(self, *answers: str) -> None:
        """What will be typed when a command asks."""
        self.terminal.answers = list(answers)
