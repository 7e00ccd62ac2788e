"""Connects the rooms for a whole lab: its schedule, a service for each router (`router_service`), the CLI's socket, and SSH.

An inner room gets from these two files what it needs of an outer one.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import shlex
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from agent.aaa.accounting.spool import LabSpool
from agent.aaa_service import AaaSettings, LabAaa
from agent.base.clock import SECOND, RealClock
from agent.base.endpoints import Endpoint, endpoint_text
from agent.base.errors import UserError
from agent.base.origin import TIMELINE
from agent.base.processor import INTERVAL, ProcessorShares
from agent.base.runner import RealRunner
from agent.config.document import Document
from agent.config.report import not_understood
from agent.lab.chassis import LabRouter
from agent.lab.failures.tunnel_log import TunnelLog
from agent.lab.lab import Lab
from agent.mib.compile import CompiledMibs, compile_mibs
from agent.mib.schema import Schema, build_schema
from agent.router_service import Options, RouterService, plans_of
from agent.shell.lines import LineState
from agent.shell.reloads import Reloads
from agent.shell.router import Router as ShellRouter
from agent.shell.server import CliServer
from agent.shell.session import Commands
from agent.shell.session import Session as CliSession
from agent.shell.terminal import Collected

if TYPE_CHECKING:
    from agent.shell.ssh.server import LabSsh, SshServer

_log = logging.getLogger(__name__)
_SESSIONS_GONE = 1.0  # seconds in which the sessions of a router that has restarted end

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


def file_reports(documents: Sequence[Document], program: str) -> list[str]:
    """What the start prints about the configurations: a line for lines that are not understood, and each warning."""
    lines = []
    for document in documents:
        if (kept := not_understood(document)) is not None:
            lines.append(f"{kept}; see {program} config check {shlex.quote(document.filename)}")
        lines += [finding.told(document.filename) for finding in document.warnings]
    return lines


class LabService:
    """A whole lab, running: its schedule, a service for each router, and the CLI's socket."""

    def __init__(self, lab: Lab, schema: Schema, options: Options) -> None:
        self._lab = lab
        self._plans = plans_of(schema)
        self._options = options
        self._runner = lab.runner
        self._aaa = LabAaa(lab.runner.hold, virtual=not isinstance(lab.runner, RealRunner), spool=self._spool())
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

    def _spool(self) -> LabSpool:
        """The accounting records of the lab's routers, in the state directory."""
        loop = asyncio.get_running_loop()
        return LabSpool(
            self._options.state_dir / f"{self._options.name}.accounting.sqlite",
            in_loop=loop.call_soon_threadsafe,
            now=lambda: int(loop.time() * SECOND),
            later=lambda delay, call: loop.call_later(delay / SECOND, call),
            hold=None if isinstance(self._runner, RealRunner) else self._runner.hold,
        )

    def _serve(self, router: LabRouter) -> RouterService:
        """Make the service of a router."""
        name = router.name
        settings = AaaSettings(router.accounting_spool, router.radius_message_authenticator)
        service = self.routers[name] = RouterService(
            router, self._plans, self._options, self._aaa, self._processor, router.timers, settings
        )
        router.monitor.subscribe(TunnelLog(name, router.timers.clock.now, router.timers.after))
        self._shown[name] = service.shown(self._lab.slots[name].startup, Reloads(partial(self._restart, name), router.timers.at))
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
        # Each signal wakes the loop by an octet in a pipe. In a turn of some seconds the pipe is full, which does no harm.
        signal.set_wakeup_fd(signal.set_wakeup_fd(-1), warn_on_full_buffer=False)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL / SECOND, INTERVAL / SECOND)
        await self._cli.start()
        for name, service in self.routers.items():
            service.listen(self._addresses(self._lab.routers[name]))
            lines += [f"{name}: SNMP at {endpoint_text(address)}" for address in service.agent.addresses]
        lines += await self._open_ssh()
        for name, service in self.routers.items():
            service.aaa.dynamic.listen(self._lab.routers[name].dynamic_author)
            lines += [f"{name}: dynamic authorisation at {endpoint_text(address)}" for address in service.aaa.dynamic.addresses]
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
        from agent.shell.ssh.server import LabSsh, SshServer

        name = service.node.name
        self._ssh = self._ssh or LabSsh()
        keys = HostKeys(self._options.state_dir, self._options.name, name)
        opened = service.ssh = SshServer(self._shown[name], self._commands, service.aaa.logins, keys, self._ssh)
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
        await self._aaa.end([service.aaa.end() for service in self.routers.values()])
        for service in self.routers.values():
            service.close()
        self._aaa.close()

    def _restart(self, name: str) -> None:
        """Restart a router, and end its sessions. Raises UserError if its startup configuration is wrong, and changes nothing."""
        before, had_spokes = self.routers[name], bool(self._lab.routers[name].engine.spokes)
        addresses, sessions = before.agent.addresses, list(self._shown[name].lines)
        authors = before.aaa.dynamic.addresses
        router = self._lab.restart(name)
        service = self._serve(router)
        before.close()  # so late that its ports are free for a moment alone
        _spare(router)
        service.listen(addresses)
        try:
            # An address that the lab file names stays; else the new configuration says the port.
            service.aaa.dynamic.listen(router.dynamic_author and (authors or router.dynamic_author))
        except UserError as error:
            _log.error("%s", error)
        for line in sessions:
            if not line.closed:
                line.end()
        if had_spokes:
            # What the collector was told to ignore is garbage now, once these sessions have gone.
            asyncio.get_running_loop().call_later(_SESSIONS_GONE, _reclaim_memory)
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


def _reclaim_memory() -> None:
    gc.unfreeze()
    settle_memory()


def _spare(router: LabRouter) -> None:
    """Spare the collector a router's spokes while they come up: a hundred thousand tunnels live long."""
    for spokes in router.engine.spokes:
        spokes.grown = gc.freeze
