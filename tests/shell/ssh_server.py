"""An SSH server on a fake router, and clients of it in the same event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

from agent.config.events import ConfigEvent, RsaKeyGenerated, RsaKeyZeroized
from agent.shell.ssh.host_keys import HostKeys
from agent.shell.ssh.server import LabSsh, SshServer
from tests.aaa.at_once import FakeServers
from tests.shell.fakes import COMMANDS, FakeEngine, make_router

T = TypeVar("T")

CONFIG = """\
hostname far
ip domain name example.com
username alice privilege 15 secret 0 wonderland
username bob password 0 builder
enable secret 0 lab
"""


async def at_once(work: Callable[[], T]) -> T:
    return work()


class Served:
    """A running server. `events` are those of its router's configuration; those about keys reach the server."""

    def __init__(self, config: str, state: Path, servers: FakeServers | None = None) -> None:
        self.engine = FakeEngine()
        self.events: list[ConfigEvent] = []
        made = make_router(config, engine=self.engine, events=self.events, servers=servers)
        self.router = replace(made, ssh=lambda: self.server.facts())
        self.messages: list[str] = []
        self.router.syslog.subscribe(lambda logged: self.messages.append(str(logged.message)))
        keys = HostKeys(state, "lab", "far")
        self.server = SshServer(self.router, COMMANDS, self.router.logins, keys, LabSsh())

    async def follow_keys(self) -> None:
        """Do what the events about keys ask for, as the application does."""
        for event in self.events:
            if isinstance(event, RsaKeyGenerated):
                await self.server.generate_key(event.modulus, at_once)
            elif isinstance(event, RsaKeyZeroized):
                self.server.zeroize_key()
        self.events.clear()

    @property
    def port(self) -> int:
        return self.server.addresses[0][1]

    def connect(self, user: str = "alice", password: str | None = "wonderland", **options: object) -> Any:
        """A client's connection, as an asynchronous context."""
        defaults = {"known_hosts": None, "client_keys": None, "agent_path": None, "config": None}
        where = {"host": "127.0.0.1", "port": self.port}
        return asyncssh.connect(username=user, password=password, **{**where, **defaults, **options})

    async def raw(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A TCP connection that need not speak SSH."""
        return await asyncio.open_connection("127.0.0.1", self.port)


@asynccontextmanager
async def serving(state: Path, config: str = CONFIG, servers: FakeServers | None = None) -> AsyncIterator[Served]:
    served = Served(config, state, servers)
    await served.server.listen([("127.0.0.1", 0)])
    try:
        yield served
    finally:
        await served.server.close()
