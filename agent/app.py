"""Puts the rooms together: one service per lab router, with its SNMP engine, its views and the doors that requests go back by.

The one file that knows every room; what an inner room needs of an outer one is handed in from here.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.config.events import ConfigEvent, HistorySizeSet, HostnameSet, SnmpChanged, TrapTypesSet, VrfChanged
from agent.config.session import Session
from agent.lab.clock import RealClock
from agent.lab.lab import Lab, LabRouter
from agent.lab.runner import RealRunner, VirtualRunner
from agent.mib.compile import compile_mibs
from agent.mib.contexts import Contexts, Sources
from agent.mib.schema import Schema, build_schema
from agent.snmp.counters import SnmpCounters
from agent.snmp.engine import SnmpAgent, Surroundings
from agent.snmp.fast import FastPath
from agent.snmp.identity import start_engine
from agent.snmp.traps import apply_trap_leaves, switch_leaves

Endpoint = tuple[str, int]

DEFAULT_LISTEN: Endpoint = ("127.0.0.1", 1161)


def load_schema(state_dir: Path, mib_sources: Sequence[Path]) -> Schema:
    """The compiled MIB modules, from the cache in the state directory where it is current. Raises MibError."""
    return build_schema(compile_mibs(state_dir / "mibs", mib_sources).documents)


def settle_memory() -> None:
    """Have the garbage collector leave alone what was made until now, and look seldom at what lives long.

    A router of many tunnels is millions of live objects, and a full collection of them would hold the loop for seconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 200)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says about how a lab is shown. `until` is the moment to which a virtual clock runs, in microseconds."""

    name: str
    state_dir: Path
    listen: tuple[Endpoint, ...] = ()
    external_traffic: bool = False
    until: int | None = None


class RouterService:
    """One router as its managers and operators see it. Made within a running event loop."""

    def __init__(self, router: LabRouter, schema: Schema, options: Options) -> None:
        self.router = router
        self.document = router.config_document
        config, monitor = self.document.config, router.monitor
        for vrf in config.vrfs:
            monitor.vrf(vrf)
        apply_trap_leaves(monitor, config.snmp.traps, True)
        apply_trap_leaves(monitor, config.snmp.traps_disabled, False)
        counters = SnmpCounters()
        self.contexts = Contexts(
            Sources(schema, config, monitor, router.device, router.engine, self.configure, counters.value),
        )
        self.agent = SnmpAgent(
            start_engine(options.state_dir / f"{router.name}.engine.json"),
            config,
            Surroundings(schema.oid_of, self.contexts.tree, monitor.clock.now),
            counters,
        )
        self.fast = FastPath(self.agent.policy, self.contexts.tree, monitor.clock.now, self.agent.largest())
        self.agent.use_fast_path(self.fast)

    def listen(self, addresses: Sequence[Endpoint]) -> None:
        """Answer SNMP on these addresses; raises ListenError."""
        self.agent.listen(addresses)

    def configure(self, lines: Sequence[str]) -> None:
        """Run configuration lines as if typed: the door of an SNMP SET that changes the configuration."""
        session = Session(self.document)
        for line in lines:
            self.configured(session.feed(line).events)

    def configured(self, events: Sequence[ConfigEvent]) -> None:
        """Have everything follow what a configuration line has changed."""
        if not events:
            return
        self.router.engine.config_changed(events)
        for event in events:
            follow = _FOLLOW.get(type(event))
            if follow is not None:
                follow(self, event)
        self.contexts.config_changed()
        if any(isinstance(event, SnmpChanged | VrfChanged) for event in events):
            self.agent.apply(self.document.config)

    def close(self) -> None:
        self.agent.close()

    # --- what follows from one event ---

    def _resize(self, event: HistorySizeSet) -> None:
        sizes = {"failures" if event.failure else "tunnels": event.size}
        self.router.monitor.resize_windows(**sizes)

    def _switch_traps(self, event: TrapTypesSet) -> None:
        apply_trap_leaves(self.router.monitor, event.leaves, event.enabled)

    def _begin_vrf(self, event: VrfChanged) -> None:
        snmp = self.document.config.snmp
        known = {flow.name for flow in self.router.monitor.vrfs()}
        if event.name not in known and event.name in self.document.config.vrfs:
            flow = self.router.monitor.vrf(event.name)
            switch_leaves(flow, snmp.traps, True)
            switch_leaves(flow, snmp.traps_disabled, False)

    def _rename(self, event: HostnameSet) -> None:
        self.router.device.name = event.hostname


class LabService:
    """A whole lab, running: its schedule, and a service for each router."""

    def __init__(self, lab: Lab, schema: Schema, options: Options) -> None:
        self._lab = lab
        self._options = options
        clock = lab.clock
        self._runner = RealRunner(lab.scheduler, clock) if isinstance(clock, RealClock) else VirtualRunner(lab.scheduler, clock)
        self.routers = {name: RouterService(router, schema, options) for name, router in lab.routers.items()}

    async def start(self) -> list[str]:
        """Bring everything up; the lines say where what answers. Raises ListenError."""
        lines = []
        for name, service in self.routers.items():
            service.listen(self._addresses(service.router))
            lines += [f"{name}: SNMP at {_shown(address)}" for address in service.agent.addresses]
        self._lab.start(lambda router, line: None)
        if isinstance(self._runner, RealRunner):
            self._runner.start()
        elif self._options.until is not None:
            await self._runner.run_to(self._options.until)
        settle_memory()
        return [*lines, "ready"]

    async def stop(self) -> None:
        if isinstance(self._runner, RealRunner):
            self._runner.stop()
        for service in self.routers.values():
            service.close()

    def _addresses(self, router: LabRouter) -> Sequence[Endpoint]:
        if router is not self._lab.first:
            return router.snmp
        return self._options.listen or router.snmp or (DEFAULT_LISTEN,)


def _shown(address: Endpoint) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


_FOLLOW: dict[type, Callable[..., None]] = {
    HistorySizeSet: RouterService._resize,
    TrapTypesSet: RouterService._switch_traps,
    VrfChanged: RouterService._begin_vrf,
    HostnameSet: RouterService._rename,
}
