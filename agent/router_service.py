"""Connects the rooms for one router: its SNMP engine, its views, its log, and the callables by which requests go back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from agent.aaa_service import AaaService, AaaSettings, LabAaa
from agent.base.bus import Subscription
from agent.base.clock import RealClock
from agent.base.endpoints import Endpoint
from agent.base.errors import UserError
from agent.base.outside import OutsideTraffic
from agent.base.processor import ProcessorShares
from agent.base.scheduler import Timers
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
from agent.config.startup import Startup
from agent.engine.port import Node
from agent.engine.values import ClearSessions, SessionFilter
from agent.mib.context import Sources
from agent.mib.contexts import Contexts, Plans
from agent.mib.schema import Schema
from agent.shell.cleared import ClearedCounters
from agent.shell.reloads import Reloads
from agent.shell.render.ssh import SshFacts
from agent.shell.router import Router as ShellRouter
from agent.shell.router import SnmpFacts
from agent.snmp.administration import Administration, administration_views, groups_in_force
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
    from agent.shell.ssh.server import SshServer

_log = logging.getLogger(__name__)

SOFTWARE = f"ipsec-agent {version('ipsec-agent')}"


def plans_of(schema: Schema) -> Plans:
    """The plans of the trees, which all routers share. Raises MibError."""
    return Plans(schema, administration_views(schema.oid_of))


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


def _not_restarted(*_: object) -> NoReturn:
    """For a router that nothing here can restart."""
    raise UserError("this router cannot be restarted from here")


class RouterService:
    """One router with its SNMP agent. It is made within a running event loop. `timers` are those of the router's clock."""

    def __init__(
        self,
        node: Node,
        plans: Plans,
        options: Options,
        aaa: LabAaa | None = None,
        processor: ProcessorShares | None = None,
        timers: Timers | None = None,
        aaa_settings: AaaSettings | None = None,
    ) -> None:
        self.node, schema = node, plans.schema
        self._processor = processor or ProcessorShares(RealClock())
        shared = aaa or LabAaa()
        self._hashes = shared.hashes
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
                administration=Administration(self.endpoint, local, schema.oid_of),
            ),
            plans,
        )
        self.agent = SnmpAgent(local, self.endpoint, Surroundings(schema.oid_of, self.contexts.tree, monitor.clock.now))
        self.syslog = Syslog(monitor.clock)
        self._outside = OutsideTraffic(_log, options.external_traffic)
        self.debugging = Debugging(config, monitor, self.syslog)
        self.aaa = AaaService(node, shared, self._outside, self.syslog, self.debugging, timers, aaa_settings)
        hosts = Hosts(config, lambda: self.agent.local_address, self._outside)
        self.logging = Destinations(self.syslog, config, Stamps(config, node.epoch), hosts, monitor.clock)
        self._box = BoxLog(node, self.syslog)
        monitor.subscribe(RecordLog(config, monitor, self.syslog))
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
        self.aaa.start()

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
        self.aaa.configured(events)
        self.contexts.config_changed(events)
        if any(map(self.endpoint.is_changed_by, events)):
            self.agent.apply()
            if self.sender is not None:
                self.sender.apply()
        for event in events:
            self._notify_of(event)

    def shown(self, startup: Startup | None = None, reloads: Reloads | None = None) -> ShellRouter:
        """The router as a CLI session sees it. Without `startup` its configuration is saved in memory."""
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
            logins=self.aaa.logins,
            ssh=self.ssh_facts,
            aaa=self.aaa.facts(),
            logging=self.logging,
            debugging=self.debugging,
            processor=self._processor,
            parts=lambda: (node, self.contexts, self.agent, self.sender, self.logging),
            snmp=SnmpFacts(self._local.identity.engine_id, self._local.counters.value, lambda: groups_in_force(self.endpoint)),
            cleared=ClearedCounters(node.monitor),
            startup=startup,
            reloads=reloads or Reloads(_not_restarted, _not_restarted),
        )

    def notification_hosts(self) -> list[Account]:
        """Every host that notifications go to, in the order of the configuration."""
        return [] if self.sender is None else self.sender.accounts()

    def ssh_facts(self) -> SshFacts:
        """The SSH server as `show ip ssh` has it; that of a router without one is disabled."""
        return SshFacts() if self.ssh is None else self.ssh.facts()

    def close(self) -> None:
        self.aaa.close()
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
