"""Lab room: one router of a lab, and its place in it, which stays when the router restarts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.base.endpoints import Endpoint
from agent.base.runner import Runner
from agent.base.scheduler import Branch, Scheduler
from agent.config.defaults import policies_in_force
from agent.config.document import Document
from agent.crypto.ciphers import RandomSource
from agent.engine.port import Node
from agent.flow.device import Device
from agent.flow.monitor import FlowMonitor
from agent.lab.engine import LabEngine
from agent.lab.labfile.sections import RouterSection
from agent.lab.policy.trustpoints import Certificates, Trustpoints
from agent.lab.router import Router


@dataclass(frozen=True, slots=True, eq=False)
class LabRouter(Node):
    """One router of a lab. `snmp`, `ssh` and `dynamic_author` are the addresses in the lab file where it answers.

    `accounting_spool` and `radius_message_authenticator` are as in its section of the lab file. `timers` is its part of the lab's
    schedule.
    """

    engine: LabEngine
    snmp: tuple[Endpoint, ...]
    ssh: tuple[Endpoint, ...]
    dynamic_author: tuple[Endpoint, ...]
    accounting_spool: int
    radius_message_authenticator: bool
    router: Router
    timers: Branch


@dataclass(frozen=True, slots=True, eq=False)
class Chassis:
    """What a router has of its lab: its section of the lab file, and what the files of its trustpoints hold.

    `date` gives the present date; `epoch` is the one at which the lab's clock was 0.
    """

    name: str
    section: RouterSection
    trustpoints: Trustpoints
    scheduler: Scheduler
    runner: Runner
    random: RandomSource
    epoch: datetime
    date: Callable[[], datetime]

    def boot(self, document: Document, began: int = 0, why: str = "power-on") -> LabRouter:
        """Start the router with a configuration, for a reason in IOS's words.

        `began` is now, by the lab's clock: the router's own clock begins at 0.
        """
        config, section = document.config, self.section
        crypto = config.crypto
        timers = Branch(self.scheduler, began)
        monitor = FlowMonitor(timers.clock, crypto.history_tunnel_size, crypto.history_failure_size)
        description = section.sysdescr if section.sysdescr is not None else f"Simulated VPN router {config.hostname}"
        device = Device(config.hostname, description, section.sysobjectid, restarted_by=why)
        router = Router(
            config=config,
            device=device,
            monitor=monitor,
            scheduler=timers,
            random=self.random,
            isakmp_policies=lambda: policies_in_force(config),
            certificates=Certificates(config, self.trustpoints, self.date),
            udp_always=section.ike is not None,
        )
        return LabRouter(
            name=self.name,
            document=document,
            monitor=monitor,
            device=device,
            engine=LabEngine(router, self.runner.until),
            epoch=self.epoch + timedelta(microseconds=began),
            snmp=tuple(section.snmp),
            ssh=tuple(section.ssh),
            dynamic_author=tuple(section.dynamic_author),
            accounting_spool=section.accounting_spool,
            radius_message_authenticator=section.radius_message_authenticator,
            router=router,
            timers=timers,
        )
