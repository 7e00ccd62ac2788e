"""A router whose engine is a fake, and a terminal that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address

from agent.base.origin import CONSOLE, Origin
from agent.base.processor import ProcessorShares
from agent.base.scheduler import Scheduler, Timer
from agent.config.document import Document, load
from agent.config.events import ConfigEvent
from agent.config.snmp_model import SnmpHost
from agent.config.startup import Startup
from agent.engine.access import AccessControl
from agent.engine.values import Admission, ClearIsakmp, CryptoEngine, Phase1Sa, PingRequest, Probe, ProbeOutcome, Refusal, Request
from agent.flow.device import Device, InterfaceState
from agent.flow.model import Address
from agent.flow.monitor import FlowMonitor
from agent.shell.cleared import ClearedCounters
from agent.shell.lines import LineState
from agent.shell.reloads import Reloads
from agent.shell.router import NotificationHost, Router, SnmpFacts
from agent.shell.session import Commands, Result, Session
from agent.shell.terminal import first_key
from agent.syslog.debug import Debugging
from agent.syslog.destinations import Destinations
from agent.syslog.hosts import Hosts
from agent.syslog.stamp import Stamps
from agent.syslog.syslog import Syslog
from tests.aaa.at_once import FakeServers, logins_with

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
ENGINE_ID = bytes.fromhex("80004fb805c0ffee")


def reply(milliseconds: float = 4) -> Probe:
    return Probe(ProbeOutcome.REPLY, int(milliseconds * 1000))


TIMEOUT = Probe(ProbeOutcome.TIMEOUT)
UNREACHABLE = Probe(ProbeOutcome.UNREACHABLE)


class FakeClock:
    def __init__(self) -> None:
        self.time = 0

    def now(self) -> int:
        return self.time


class FakeEngine:
    """Remembers what was asked. A ping gives `probes`, and then, if `endless`, waits until it is ended."""

    def __init__(self) -> None:
        self.probes: list[Probe] = [TIMEOUT, reply(), reply(), reply(), reply()]
        self.endless = False
        self.pings: list[PingRequest] = []
        self.ended_pings = 0
        self.requests: list[Request] = []
        self.origins: list[Origin] = []
        self.refusal: Refusal | None = None
        self.known_indexes: set[int] = set()
        self.rows: list[Phase1Sa] = []
        self.admitted = Admission()
        self.crypto = CryptoEngine(ciphers=frozenset({"des", "3des", "aes"}))
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

    def test(self, request: Request) -> Refusal | None:
        return self.refusal

    def do(self, request: Request, origin: Origin) -> bool:
        self.requests.append(request)
        self.origins.append(origin)
        return isinstance(request, ClearIsakmp) and request.index in self.known_indexes

    def admission(self) -> Admission:
        return self.admitted

    def crypto_engine(self) -> CryptoEngine:
        return self.crypto

    def phase1_sas(self, remote: Address | None = None) -> Iterator[Phase1Sa]:
        return (sa for sa in self.rows if remote in (None, sa.ends.remote_address))

    def negotiating_sas(self, remote: Address | None = None) -> Iterator[Phase1Sa]:
        return (sa for sa in self.phase1_sas(remote) if sa.negotiating)

    def use_access(self, access: AccessControl) -> None:
        """It has no clients."""

    def config_changed(self, events: Iterable[ConfigEvent] = ()) -> None:
        raise AssertionError("a CLI session tells whoever made it, not the engine")


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

    async def ask_key(self, prompt: str) -> str | None:
        return first_key(await self.ask(prompt))


@dataclass(frozen=True)
class HostAccount:
    """A receiver of notifications and its numbers."""

    host: SnmpHost
    address: IPv4Address
    waiting: int
    limit: int
    unanswered: int
    delivered: int
    dropped: int


def make_router(
    config: str = CONFIG,
    name: str = "far",
    engine: FakeEngine | None = None,
    clock: FakeClock | None = None,
    events: list[ConfigEvent] | None = None,
    hosts: Sequence[NotificationHost] = (),
    startup: Startup | None = None,
    reload: Callable[[], None] = lambda: None,
    schedule: Callable[[int, Callable[[], None]], Timer] | None = None,
    servers: FakeServers | None = None,
) -> Router:
    document = load(config)
    device = Device(document.config.hostname, "A simulated router", "1.3.6.1.4.1.9.1.436")
    for index, interface in enumerate(document.config.interfaces.values(), 1):
        up = not interface.shutdown
        device.interfaces.add(index, InterfaceState(index, interface.name, "other", 1500, 0, admin_up=up, oper_up=up))
    monitor = FlowMonitor(clock or FakeClock())
    epoch = datetime(2024, 2, 29, 23, 59, 58, tzinfo=UTC)
    heard = events if events is not None else []
    syslog = Syslog(monitor.clock)
    stamps = Stamps(document.config, epoch)
    hosts_of_log = Hosts(document.config, lambda: "127.0.0.1")
    return Router(
        name=name,
        document=document,
        monitor=monitor,
        device=device,
        engine=engine or FakeEngine(),
        epoch=epoch,
        configured=heard.extend,
        notification_hosts=lambda: hosts,
        software="ipsec-agent 9.9",
        logins=logins_with(document.config, servers),
        syslog=syslog,
        logging=Destinations(syslog, document.config, stamps, hosts_of_log, monitor.clock),
        debugging=Debugging(document.config, monitor, syslog),
        processor=ProcessorShares(monitor.clock),
        parts=lambda: (monitor, document),
        snmp=SnmpFacts(ENGINE_ID, lambda name: len(name), lambda: document.config.snmp.groups.values()),
        cleared=ClearedCounters(monitor),
        startup=startup or booted(name, document),
        reloads=Reloads(reload, schedule or Scheduler(monitor.clock).at),
    )


def booted(name: str, document: Document) -> Startup:
    """The startup configuration of a router that has started with a document. It is saved in memory."""
    startup = Startup(name, (document.render(), document.filename))
    startup.booted(document)
    return startup


class Console:
    """A session on a fake router, driven line by line without a loop of the test's own."""

    def __init__(
        self, config: str = CONFIG, answers: Sequence[str] = (), privileged: bool = True, servers: FakeServers | None = None
    ) -> None:
        self.engine = FakeEngine()
        self.events: list[ConfigEvent] = []
        self.hosts: list[NotificationHost] = []
        self.clock = FakeClock()
        self.reloads = 0
        self.router = make_router(
            config,
            engine=self.engine,
            clock=self.clock,
            events=self.events,
            hosts=self.hosts,
            reload=self._reload,
            servers=servers,
        )
        self.terminal = FakeTerminal(*answers)
        self.session = Session(self.router, self.terminal, COMMANDS, LineState(CONSOLE, 15 if privileged else 1))

    def type(self, *lines: str) -> str:
        """What the lines print, errors included."""
        before = len(self.terminal.text)
        errors = ""
        for line in lines:
            result = asyncio.run(self.session.execute(line))
            errors += result.error
        return self.terminal.text[before:] + errors

    def _reload(self) -> None:
        self.reloads += 1

    def result(self, line: str) -> Result:
        return asyncio.run(self.session.execute(line))

    def ready(self, *answers: str) -> None:
        """What will be typed when a command asks."""
        self.terminal.answers = list(answers)
