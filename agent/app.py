"""Connects the rooms: one service for each router, with its SNMP engine, its views, and the callables by which requests go back.

It is the only file that knows every room. An inner room gets from here what it needs of an outer one.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import shlex
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from agent.aaa.hash_worker import HashWorker
from agent.aaa.users import Users
from agent.base.bus import Subscription
from agent.base.clock import SECOND, RealClock
from agent.base.endpoints import Endpoint, endpoint_text
from agent.base.errors import UserError
from agent.base.origin import TIMELINE
from agent.base.outside import OutsideTraffic
from agent.base.processor import INTERVAL, ProcessorShares
from agent.base.runner import RealRunner
from agent.config.document import Document
from agent.config.edits import Editor
from agent.config.endpoint import RouterEndpoint
from agent.config.events import (
    ConfigEvent,
    HistorySizeSet,
    HostnameSet,
    HostsChanged,
    InterfaceChanged,
    LoggingChanged,
    RsaKeyGenerated,
    RsaKeyZeroized,
    TrapTypesSet,
    VrfChanged,
)
from agent.config.report import not_understood
from agent.config.startup import Startup
from agent.engine.port import Node
from agent.engine.values import ClearSessions, SessionFilter
from agent.lab.chassis import LabRouter
from agent.lab.failures.tunnel_log import TunnelLog
from agent.lab.lab import Lab
from agent.mib.compile import CompiledMibs, compile_mibs
from agent.mib.contexts import Contexts, Sources
from agent.mib.schema import Schema, build_schema
from agent.shell.cleared import ClearedCounters
from agent.shell.lines import LineState
from agent.shell.render.ssh import SshFacts
from agent.shell.router import Router as ShellRouter
from agent.shell.router import SnmpFacts
from agent.shell.server import CliServer
from agent.shell.session import Commands
from agent.shell.session import Session as CliSession
from agent.shell.terminal import Collected
from agent.snmp.administration import administration, groups_in_force
from agent.snmp.engine import SnmpAgent, Surroundings
from agent.snmp.identity import LocalEngine, start_engine
from agent.snmp.notifications import Scene, notification_forms, of_bad_community, of_config_event, of_link, of_record, of_start
from agent.snmp.sender import Account, NotificationSender
from agent.snmp.traps import apply_trap_leaves, apply_trap_lines
from agent.syslog.box import BoxLog
from agent.syslog.debug import Debugging
from agent.syslog.destinations import Destinations
from agent.syslog.hosts import Hosts
from agent.syslog.records import RecordLog
from agent.syslog.stamp import Stamps
from agent.syslog.syslog import Syslog

if TYPE_CHECKING:
    from agent.shell.ssh.server import LabSsh, SshServer

_log = logging.getLogger(__name__)

SOFTWARE = f"ipsec-agent {version('ipsec-agent')}"
DEFAULT_LISTEN: Endpoint = ("127.0.0.1", 1161)


def load_schema(state_dir: Path, mib_sources: Sequence[Path]) -> Schema:
    """The compiled MIB modules, from the cache in the state directory where it is current. Raises MibError."""
    return build_schema(load_mibs(state_dir, mib_sources).documents)


def load_mibs(state_dir: Path, mib_sources: Sequence[Path]) -> CompiledMibs:
    """The same, as compiled. The log warns of a source that gives nothing."""
    compiled = compile_mibs(state_dir / "mibs", mib_sources)
    for directory in compiled.unused:
        _log.warning(
            "%s: gives no module: its files (without sub-directories) have none that is used and that no earlier source has",
            directory,
        )
    return compiled


def settle_memory() -> None:
    """Make the garbage collector ignore what was made until now, and collect old objects seldom.

    A router with many tunnels has millions of live objects, and a full collection would hold the loop for seconds. Small
    collections stay frequent, because one of 20,000 objects holds the loop for 25 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 5, 8_000)


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the command line. `until` is the moment to which a virtual clock runs, in microseconds.

    `program` is the command that runs this program, for hints.
    """

    name: str
    state_dir: Path
    listen: tuple[Endpoint, ...] = ()
    external_traffic: bool = False
    until: int | None = None
    program: str = "ipsec-agent"
    state_dir_given: bool = False


def file_reports(documents: Sequence[Document], program: str) -> list[str]:
    """What the start prints about the configurations: a line for lines that are not understood, and each warning."""
    lines = []
    for document in documents:
        if (kept := not_understood(document)) is not None:
            lines.append(f"{kept}; see {program} config check {shlex.quote(document.filename)}")
        lines += [finding.told(document.filename) for finding in document.warnings]
    return lines


def _not_restarted() -> None:
    """For a router that nothing here can restart."""
    raise UserError("this router cannot be restarted from here")


class RouterService:
    """One router with its SNMP agent. It is made within a running event loop."""

    def __init__(
        self,
        node: Node,
        schema: Schema,
        options: Options,
        hashes: HashWorker | None = None,
        processor: ProcessorShares | None = None,
    ) -> None:
        self.node = node
        self._processor = processor or ProcessorShares(RealClock())
        self._hashes = hashes or HashWorker()
        self.document = node.document
        config, monitor = self.document.config, node.monitor
        self._begun: set[str | None] = set()  # VRFs that have been given the configuration's settings
        for vrf in (None, *config.vrfs):
            self._begin_vrf(vrf)
        self._local = local = LocalEngine(
            start_engine(options.state_dir / f"{options.name}.{node.name}.engine.json"), asyncio.get_running_loop().time
        )
        self.endpoint = RouterEndpoint(config)
        self.editor = Editor(config, self.configured)
        self.contexts = Contexts(
            Sources(
                schema=schema,
                config=config,
                monitor=monitor,
                device=node.device,
                engine=node.engine,
                editor=self.editor,
                snmp_count=local.counters.value,
                administration=lambda: administration(self.endpoint, schema.oid_of, local),
            ),
        )
        self.contexts.build()
        self.agent = SnmpAgent(local, self.endpoint, Surroundings(schema.oid_of, self.contexts.tree, monitor.clock.now))
        self.syslog = Syslog(monitor.clock)
        self._outside = OutsideTraffic(_log, options.external_traffic)
        hosts = Hosts(config, lambda: self.agent.local_address, self._outside)
        self.logging = Destinations(self.syslog, config, Stamps(config, node.epoch), hosts, monitor.clock)
        self._box = BoxLog(node, self.syslog)
        monitor.subscribe(RecordLog(config, monitor, self.syslog))
        self.debugging = Debugging(config, monitor, self.syslog)
        self.sender: NotificationSender | None = None
        self.ssh: SshServer | None = None
        self._generating: asyncio.Future[None] | None = None  # of a host key
        self._subscriptions: list[Subscription] = []
        self._forms = notification_forms(schema)
        self._notify_of: Callable[[ConfigEvent], None] = lambda event: None

    def listen(self, addresses: Sequence[Endpoint]) -> None:
        """Answer SNMP on these addresses, and send notifications from now on. Raises ListenError."""
        self.agent.listen(addresses)
        monitor = self.node.monitor
        sender = self.sender = NotificationSender(self.agent, self.endpoint, monitor.clock.now, self._outside)
        scene = Scene(self._forms, self.endpoint, monitor, self.contexts.tree, sender.wanted)
        self._notify_of = lambda event: sender.send(of_config_event(event, scene))
        self._subscriptions.append(monitor.subscribe(lambda record: sender.send(of_record(record, scene))))
        self.node.device.link_listeners.append(lambda state: sender.send(of_link(state, scene)))
        self.agent.bad_community = lambda source: sender.send(of_bad_community(scene))
        sender.send(of_start(True, scene))
        self.logging.start(*self._box.starts())

    def configured(self, events: Sequence[ConfigEvent]) -> None:
        """Have everything follow what an edit of the configuration has changed. One edit's events have one origin."""
        if not events:
            return
        with self.node.monitor.caused_by(events[0].origin):
            self.node.engine.config_changed(events)
            for event in events:
                follow = _FOLLOW.get(type(event))
                if follow is not None:
                    follow(self, event)
        self._box.configured(events)
        self.contexts.config_changed()
        if any(map(self.endpoint.is_changed_by, events)):
            self.agent.apply()
            if self.sender is not None:
                self.sender.apply()
        for event in events:
            self._notify_of(event)

    def shown(self, startup: Startup | None = None, reload: Callable[[], None] = _not_restarted) -> ShellRouter:
        """The router as a CLI session sees it. `reload` restarts it. Without `startup` its configuration is saved in memory."""
        node = self.node
        if startup is None:
            startup = Startup(node.name, (node.document.render(), node.document.filename))
            startup.booted(node.document)
        return ShellRouter(
            name=node.name,
            document=node.document,
            monitor=node.monitor,
            device=node.device,
            engine=node.engine,
            configured=self.configured,
            notification_hosts=self.notification_hosts,
            epoch=node.epoch,
            software=SOFTWARE,
            syslog=self.syslog,
            password_matches=self._hashes.matches,
            ssh=self.ssh_facts,
            logging=self.logging,
            debugging=self.debugging,
            processor=self._processor,
            parts=lambda: (node, self.contexts, self.agent, self.sender, self.logging),
            snmp=SnmpFacts(self._local.identity.engine_id, self._local.counters.value, lambda: groups_in_force(self.endpoint)),
            cleared=ClearedCounters(node.monitor),
            startup=startup,
            reload=reload,
        )

    def notification_hosts(self) -> list[Account]:
        """Every host that notifications go to, in the order of the configuration."""
        return [] if self.sender is None else self.sender.accounts()

    def ssh_facts(self) -> SshFacts:
        """The SSH server as `show ip ssh` has it; that of a router without one is disabled."""
        return SshFacts() if self.ssh is None else self.ssh.facts()

    def close(self) -> None:
        self.logging.close()
        for subscription in self._subscriptions:
            subscription.close()
        if self.sender is not None:
            self.sender.close()
        self.agent.close()

    # --- what one event causes ---

    def _resize(self, event: HistorySizeSet) -> None:
        sizes = {"failures" if event.failure else "tunnels": event.size}
        self.node.monitor.resize_windows(**sizes)

    def _switch_traps(self, event: TrapTypesSet) -> None:
        apply_trap_leaves(self.node.monitor, event.leaves, event.enabled)

    def _follow_vrf(self, event: VrfChanged) -> None:
        """Give a VRF that is new the settings of every context, and clear one that is gone.

        A tunnel may come up in a VRF that is gone, because a profile still names it. Such a VRF is new if it is configured again.
        """
        monitor = self.node.monitor
        if event.name not in self.document.config.vrfs:
            self.node.engine.do(ClearSessions(SessionFilter(inside_vrf=event.name)), event.origin)
            monitor.remove_vrf(event.name)
            self._begun.discard(event.name)
        elif event.name not in self._begun:
            monitor.remove_vrf(event.name)
            self._begin_vrf(event.name)

    def _begin_vrf(self, vrf: str | None) -> None:
        monitor, crypto = self.node.monitor, self.document.config.crypto
        flow, sizes = monitor.vrf(vrf), (crypto.history_tunnel_size, crypto.history_failure_size)
        if (flow.tunnel_window, flow.failure_window) != sizes:
            monitor.resize(vrf, *sizes)
        apply_trap_lines(monitor, vrf, self.document.config.snmp)
        self._begun.add(vrf)

    def _rename(self, event: HostnameSet) -> None:
        self.node.device.name = event.hostname

    def _log_elsewhere(self, event: LoggingChanged) -> None:
        self.logging.apply(event.before)

    def _find_hosts(self, event: HostsChanged | InterfaceChanged) -> None:
        self.logging.follow_hosts()

    def _generate_key(self, event: RsaKeyGenerated) -> None:
        if self.ssh is not None:
            self._generating = asyncio.ensure_future(self.ssh.generate_key(event.modulus, self._hashes.run))

    def _zeroize_key(self, event: RsaKeyZeroized) -> None:
        if self.ssh is not None:
            self.ssh.zeroize_key()


class LabService:
    """A whole lab, running: its schedule, a service for each router, and the CLI's socket."""

    def __init__(self, lab: Lab, schema: Schema, options: Options) -> None:
        self._lab = lab
        self._schema = schema
        self._options = options
        self._runner = lab.runner
        self._hashes = HashWorker()
        self._processor = ProcessorShares(RealClock())
        self._ssh: LabSsh | None = None
        self._moving: list[asyncio.Future[None]] = []  # SSH servers of routers that have restarted
        self.routers: dict[str, RouterService] = {}
        self._shown: dict[str, ShellRouter] = {}
        for router in lab.routers.values():
            self._serve(router)
        self._commands = Commands()
        for line in file_reports(lab.documents, options.program):
            _log.warning("%s", line)
        self._cli = CliServer(options.state_dir, options.name, self._shown, self._commands)

    def _serve(self, router: LabRouter) -> RouterService:
        """Make the service of a router."""
        name = router.name
        service = self.routers[name] = RouterService(router, self._schema, self._options, self._hashes, self._processor)
        router.monitor.subscribe(TunnelLog(name, router.timers.clock.now, router.timers.after))
        self._shown[name] = service.shown(self._lab.slots[name].startup, partial(self._restart, name))
        return service

    @property
    def _cli_command(self) -> str:
        """The command that reaches this lab, as the user can type it."""
        directory = self._options.state_dir
        chosen = f" --state-dir {shlex.quote(str(directory))}" if self._options.state_dir_given else ""
        return f"{self._options.program} cli{chosen} --lab {shlex.quote(self._options.name)}"

    async def start(self) -> list[str]:
        """Start everything. The lines say at which addresses it answers. Raises ListenError."""
        lines = []
        signal.signal(signal.SIGPROF, lambda _, frame: self._processor.sample(frame))
        signal.setitimer(signal.ITIMER_PROF, INTERVAL / SECOND, INTERVAL / SECOND)
        await self._cli.start()
        for name, service in self.routers.items():
            service.listen(self._addresses(self._lab.routers[name]))
            lines += [f"{name}: SNMP at {endpoint_text(address)}" for address in service.agent.addresses]
        lines += await self._open_ssh()
        lines += [f"CLI: {self._cli_command} --router {shlex.quote(name)}" for name in self.routers]
        for name, underlay in self._lab.underlays.items():
            underlay.open()
            places = (endpoint_text(address) for address in underlay.addresses)
            lines.append(f"{name}: IKE at {', NAT traversal at '.join(places)}")
        for router in self._lab.routers.values():
            _spare(router)
        self._lab.start(self._run_lines, self._tell_of_fault)
        if isinstance(self._runner, RealRunner):
            self._runner.start()
        elif self._options.until is not None:
            await self._runner.run_to(self._options.until)
        settle_memory()
        return [*lines, "ready"]

    async def _open_ssh(self) -> list[str]:
        """Open the SSH servers of the lab file, and say where they answer. Raises SshListenError and HostKeyError."""
        lines = []
        for name, service in self.routers.items():
            addresses = self._lab.routers[name].ssh
            if addresses:
                opened = await self._open_ssh_of(service, addresses)
                lines += [f"{name}: SSH at {endpoint_text(address)}" for address in opened.addresses]
        return lines

    async def _open_ssh_of(self, service: RouterService, addresses: Sequence[Endpoint]) -> SshServer:
        # Loading asyncssh takes a quarter of a second, which only a lab with SSH has to spend.
        from agent.shell.ssh.host_keys import HostKeys
        from agent.shell.ssh.server import Door, LabSsh, SshServer

        name = service.node.name
        self._ssh = self._ssh or LabSsh()
        users = Users(service.document.config, self._hashes.matches)
        keys = HostKeys(self._options.state_dir, self._options.name, name)
        door = Door(users.by_password, users.by_key)
        opened = service.ssh = SshServer(self._shown[name], self._commands, door, keys, self._ssh)
        await opened.listen(addresses)
        return opened

    async def stop(self) -> None:
        """Close the CLI's sessions and every socket."""
        await asyncio.gather(*self._moving)
        await self._cli.close()
        for service in self.routers.values():
            if service.ssh is not None:
                await service.ssh.close()
        signal.setitimer(signal.ITIMER_PROF, 0)
        if isinstance(self._runner, RealRunner):
            self._runner.stop()
        for underlay in self._lab.underlays.values():
            underlay.close()
        for service in self.routers.values():
            service.close()
        self._hashes.close()

    def _restart(self, name: str) -> None:
        """Restart a router, and end its sessions. Raises UserError if its startup configuration is wrong, and changes nothing."""
        before = self.routers[name]
        addresses, sessions = before.agent.addresses, list(self._shown[name].lines)
        router = self._lab.restart(name)
        service = self._serve(router)
        before.close()  # so late that its ports are free for a moment alone
        _spare(router)
        service.listen(addresses)
        for line in sessions:
            if not line.closed:
                line.end()
        if before.ssh is not None:
            # Later, because the session that runs this may be one of those that end.
            self._moving.append(asyncio.ensure_future(self._move_ssh(before.ssh, service)))

    async def _move_ssh(self, ssh: SshServer, service: RouterService) -> None:
        """Close the SSH server of a router that has restarted, and open another at its addresses."""
        addresses = ssh.addresses
        await ssh.close()
        try:
            await self._open_ssh_of(service, addresses)
        except UserError as error:
            _log.error("%s", error)

    def _run_lines(self, router: LabRouter, lines: tuple[str, ...], key: str) -> None:
        """Carry out lines of the timeline, as pasted into one session. Their output goes to the log.

        `key` names the lines in the lab file, `at[10].run`.
        """

        async def run() -> None:
            terminal = Collected()
            session = CliSession(self._shown[router.name], terminal, self._commands, LineState(TIMELINE))
            for at, line in enumerate(lines):
                prompt, printed = session.prompt, len(terminal.text)
                result = await session.execute(line)
                if result.error:
                    where = f"{key}[{at}]" if len(lines) > 1 else key
                    reason = " ".join(word for word in result.error.split() if word != "^")
                    _log.warning("%s: %s: %s%s: %s", self._lab.filename, where, prompt, line, reason)
                else:
                    _log.info("%s%s\n%s", prompt, line, terminal.text[printed:])
                if session.closed:
                    break
            session.close()

        self._runner.begin(run())

    def _tell_of_fault(self, text: str) -> None:
        _log.info("%s", text)

    def _addresses(self, router: LabRouter) -> Sequence[Endpoint]:
        if router is not self._lab.first:
            return router.snmp
        return self._options.listen or router.snmp or (DEFAULT_LISTEN,)


def _spare(router: LabRouter) -> None:
    """Spare the collector a router's spokes while they come up: a hundred thousand tunnels live long."""
    for spokes in router.engine.spokes:
        spokes.grown = gc.freeze


_FOLLOW: dict[type, Callable[..., None]] = {
    HistorySizeSet: RouterService._resize,
    TrapTypesSet: RouterService._switch_traps,
    VrfChanged: RouterService._follow_vrf,
    HostnameSet: RouterService._rename,
    LoggingChanged: RouterService._log_elsewhere,
    HostsChanged: RouterService._find_hosts,
    InterfaceChanged: RouterService._find_hosts,
    RsaKeyGenerated: RouterService._generate_key,
    RsaKeyZeroized: RouterService._zeroize_key,
}
