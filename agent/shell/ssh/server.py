"""Shell room: the SSH server of one router: where it listens, who may connect, and with which algorithms.

A connection has so long to log in (`ip ssh time-out`), so many tries (`ip ssh authentication-retries`), and one of so many
places for those that are logging in (`ip ssh maxstartups`). Connections beyond these places wait.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import asyncssh

from agent.aaa.cli import CliLogins
from agent.base.endpoints import Endpoint, endpoint_text
from agent.base.errors import UserError
from agent.base.limited_log import limited_in_loop
from agent.shell.render.ssh import SshFacts
from agent.shell.router import Router
from agent.shell.session import Commands
from agent.shell.ssh.channel import Channel
from agent.shell.ssh.host_keys import Apart, HostKeyError, HostKeys
from agent.shell.ssh.link import Link, Turns
from agent.shell.ssh.login import Connection, Login
from agent.syslog.message import Message, Severity

_log = logging.getLogger(__name__)

MOST_SESSIONS = 256  # of a router
MOST_SESSIONS_OF_A_LAB = 1024
MOST_ARRIVALS = 512  # connections of a router that wait for a place to log in
PATIENCE = 10.0  # seconds after which a log-in gives its place to a connection that waits
_BACKLOG = 512  # connections that the system accepts for us
_ACCEPTED_A_TURN = 4  # of them, in each turn of the loop

# The best that both ends have is used. Without CBC ciphers, and with one MAC of SHA-1 and one group of 2048 bits for old clients.
KEX_ALGORITHMS = (
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group14-sha1",
)
CIPHERS = (
    "chacha20-poly1305@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1")
SIGNATURES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)


class SshListenError(UserError):
    """An address of `ssh` cannot be used."""

    def __init__(self, router: str, address: Endpoint, error: OSError) -> None:
        reason = error.strerror or error
        super().__init__(f"{router}: SSH cannot listen on {endpoint_text(address)}: {reason}; choose another address with `ssh`")


class LabSsh:
    """What the SSH servers of a lab share: the turns of their connections, and the places of sessions."""

    def __init__(self) -> None:
        asyncssh.set_log_level(logging.WARNING)  # at "info" it writes ten lines for each connection of a stranger
        self.turns = Turns()
        self.sessions = 0


class SshServer:
    """The SSH server of one router, from `listen` to `close`."""

    def __init__(self, router: Router, commands: Commands, logins: CliLogins, keys: HostKeys, lab: LabSsh) -> None:
        loop = asyncio.get_running_loop()
        self.router = router
        self.commands = commands
        self.logins = logins
        self.keys = keys
        self.log = limited_in_loop(_log, loop.time, loop.call_later)
        self._lab = lab
        self._servers: list[asyncio.Server] = []
        self._links: set[Link] = set()
        self._arrivals: deque[Link] = deque()
        self._logging_in: dict[Link, float] = {}  # since when, oldest first
        self._timers: dict[Link, asyncio.TimerHandle] = {}
        self.sessions: list[Channel] = []
        self._options: asyncssh.SSHServerConnectionOptions | None = None
        self._beginning: Link | None = None  # the connection that begins

    async def listen(self, addresses: Sequence[Endpoint]) -> None:
        """Accept connections at these addresses; the system chooses for port 0. Raises SshListenError."""
        for address in addresses:
            try:
                listener = _listener(address)
                loop = asyncio.get_running_loop()
                self._servers.append(await loop.create_server(self._new_link, sock=listener, backlog=_ACCEPTED_A_TURN))
                listener.listen(_BACKLOG)  # asyncio has one number for both
            except OSError as error:
                await self.close()
                raise SshListenError(self.router.name, address, error) from None

    @property
    def addresses(self) -> list[Endpoint]:
        """Where it listens."""
        return [each.getsockname()[:2] for server in self._servers for each in server.sockets]

    async def close(self) -> None:
        """End every session and every connection."""
        for server in self._servers:
            server.close()
        for link in list(self._links):
            link.abort()
        self.log.close()
        for channel in list(self.sessions):
            channel.end()
        await asyncio.gather(*(channel.ended() for channel in list(self.sessions)), return_exceptions=True)
        self._servers.clear()

    @property
    def is_enabled(self) -> bool:
        """Whether there is a host key: without one nobody can connect."""
        return bool(self.keys.keys)

    def facts(self) -> SshFacts:
        """What `show ip ssh` and `show ssh` say of it."""
        rsa = self.keys.rsa
        return SshFacts(
            enabled=self.is_enabled,
            publickeys=_named(SIGNATURES),
            hostkeys=_named(each.decode() for key in self.keys.keys for each in key.sig_algorithms),
            ciphers=_named(CIPHERS),
            macs=_named(MACS),
            kex=_named(KEX_ALGORITHMS),
            rsa_key=" ".join(rsa.export_public_key().decode().split()[:2]) if rsa is not None else "",
            sessions=[each.facts() for each in self.sessions],
        )

    async def generate_key(self, bits: int, apart: Apart) -> None:
        """`crypto key generate rsa`: connections that begin afterwards see the new key."""
        was_enabled = self.is_enabled
        try:
            await self.keys.generate(bits, apart)
        except HostKeyError as error:
            _log.error("%s", error)
        self._options = None
        if not was_enabled and self.is_enabled:
            self.router.syslog.log(Message("SSH", Severity.NOTIFICATIONS, "ENABLED", "SSH 2.0 has been enabled"))

    def zeroize_key(self) -> None:
        """`crypto key zeroize rsa`: nobody can connect any more; the sessions that are open stay."""
        if self.is_enabled:
            self.keys.zeroize()
            self._options = None
            self.router.syslog.log(Message("SSH", Severity.NOTIFICATIONS, "DISABLED", "SSH 2.0 has been disabled"))

    # --- places ---

    @property
    def connections(self) -> int:
        """How many connections there are, logged in or not."""
        return len(self._links)

    @property
    def waiting(self) -> int:
        """How many connections wait for a place to log in."""
        return sum(link in self._links for link in self._arrivals)

    def take_session(self, channel: Channel) -> bool:
        """Whether there is a place for one more session."""
        if len(self.sessions) >= MOST_SESSIONS or self._lab.sessions >= MOST_SESSIONS_OF_A_LAB:
            self.log.warning("%s: an SSH session is refused: %d are open", self.router.name, len(self.sessions))
            return False
        self.sessions.append(channel)
        self._lab.sessions += 1
        return True

    def give_session(self, channel: Channel) -> bool:
        """A session gives its place; whether it had one."""
        if channel not in self.sessions:
            return False
        self.sessions.remove(channel)
        self._lab.sessions -= 1
        return True

    def logged_in(self, link: Link) -> None:
        """A connection needs its place among those that log in no more."""
        self._forget(link)

    def _forget(self, link: Link) -> None:
        timer = self._timers.pop(link, None)
        if timer is not None:
            timer.cancel()
        if self._logging_in.pop(link, None) is not None:
            self._admit()

    def _new_link(self) -> Link:
        return Link(self._lab.turns, self._arrived, self._begin, self._gone)

    def _arrived(self, link: Link) -> None:
        self._links.add(link)
        if len(self._arrivals) >= MOST_ARRIVALS or not self.is_enabled:
            link.abort()
            return
        self._arrivals.append(link)
        self._timers[link] = asyncio.get_running_loop().call_later(self.router.document.config.ssh.timeout, self._too_slow, link)
        self._admit()

    def _admit(self) -> None:
        """Give free places to those that wait, and also the place of a log-in that takes too long."""
        loop = asyncio.get_running_loop()
        while self._arrivals:
            if len(self._logging_in) >= self.router.document.config.ssh.startups:
                oldest, since = next(iter(self._logging_in.items()))
                left = since + PATIENCE - loop.time()
                if left > 0:
                    loop.call_later(left, self._admit)
                    return
                self.log.warning("%s: an SSH log-in from %s gives its place to another connection", self.router.name, oldest.peer)
                del self._logging_in[oldest]
                oldest.abort()
            link = self._arrivals.popleft()
            if link in self._links:
                self._logging_in[link] = loop.time()
                link.start()

    def _too_slow(self, link: Link) -> None:
        self.log.warning("%s: an SSH connection from %s ends: it has not logged in in time", self.router.name, link.peer)
        link.abort()

    def _gone(self, link: Link) -> None:
        self._links.discard(link)
        self._forget(link)

    # --- asyncssh ---

    def _begin(self, link: Link) -> asyncio.Protocol | None:
        if not self.is_enabled:
            return None
        if self._options is None:
            self._options = _options(self.keys.keys, self._new_login)
        self._beginning = link
        return Connection(asyncio.get_running_loop(), self._options)

    def _new_login(self) -> Login:
        """asyncssh asks for it as soon as a connection has begun."""
        assert self._beginning is not None
        return Login(self, self._beginning)


def _named(algorithms: Iterable[str]) -> list[str]:
    """Algorithms by the names that IOS has for them: without the domain of who has made them."""
    return list(dict.fromkeys(each.partition("@")[0] for each in algorithms))


def _listener(address: Endpoint) -> socket.socket:
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _options(keys: Sequence[asyncssh.SSHKey], new_login: Callable[[], Login]) -> asyncssh.SSHServerConnectionOptions:
    """No forwarding, no agent, no X11, no files, no compression: a session has a terminal or one command."""
    return asyncssh.SSHServerConnectionOptions(
        server_factory=new_login,
        server_version="ipsec-agent",
        server_host_keys=list(keys),
        kex_algs=list(KEX_ALGORITHMS),
        encryption_algs=list(CIPHERS),
        mac_algs=list(MACS),
        signature_algs=list(SIGNATURES),
        compression_algs=None,
        gss_host=None,
        host_based_auth=False,
        x509_trusted_certs=None,
        agent_forwarding=False,
        x11_forwarding=False,
        allow_scp=False,
        line_editor=False,
        encoding=None,
        login_timeout=0,
        keepalive_interval=60,
        config=(),
    )
