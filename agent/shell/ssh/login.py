"""Shell room: the log-in of one SSH connection (RFC 4252), and the sessions that it may open (RFC 4254)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import asyncssh

from agent.aaa.cli import CliOutcome, CliUser, TerminalLine
from agent.base.origin import Origin, OriginKind
from agent.base.printable import printable
from agent.base.text import shown
from agent.config.line_model import VTY
from agent.engine.access import LoginAttempt, LoginChallenge, LoginRefused
from agent.shell.banner import banner
from agent.shell.lines import LineState, absolute_number
from agent.shell.ssh.channel import Channel
from agent.shell.ssh.link import Link
from agent.syslog.message import Message, Severity

if TYPE_CHECKING:
    from agent.shell.ssh.server import SshServer

MOST_KEYS = 20  # public keys that a connection may offer
MOST_CHANNELS = 10  # sessions of a connection, as many as OpenSSH's server allows (MaxSessions)
IDLE = 30.0  # seconds that a connection may last before its first session
LINGERING = 0.5  # seconds that a connection lasts after its last session: the client closes it first, if it can

KbdIntChallenge = bool | tuple[str, str, str, Sequence[tuple[str, bool]]]  # asyncssh's: name, instruction, language, prompts

_PASSWORD = LoginChallenge("Password: ", b"")
UNKNOWN = Origin(OriginKind.SSH)  # somebody who has not logged in yet


def _asking(challenge: LoginChallenge) -> KbdIntChallenge:
    """One question (RFC 4256 §3.2). What stands above its last line is an instruction."""
    instruction, _, prompt = challenge.message.rpartition("\n")
    return "", shown(instruction), "", ((shown(prompt), challenge.echo),)


class Connection(asyncssh.SSHServerConnection):
    """asyncssh's server side. Its options are the server's for good, so that they need no thread to be made again for each user."""

    async def reload_config(self) -> None:
        return None


class TooManyTriesError(asyncssh.DisconnectError):
    """RFC 4252 §4: the server should end the connection after too many failures."""

    def __init__(self) -> None:
        super().__init__(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "Too many authentication failures")


class Login(asyncssh.SSHServer):
    """Who logs in on one connection, with a bounded number of tries, and what sessions the connection has."""

    def __init__(self, server: SshServer, link: Link) -> None:
        self._server = server
        self._link = link
        self._connection: asyncssh.SSHServerConnection | None = None
        self._user: CliUser | None = None
        self._authenticated = False
        self._greeted = False
        self._by_key = False
        self._line = 0  # the number of the `vty` of its last session, or of the one that it would get
        self._tries = 0
        self._challenge: LoginChallenge | None = None  # what keyboard-interactive authentication has asked last
        self._keys: set[bytes] = set()
        self._channels = 0
        self._sessions = 0  # channels whose terminal or command has started
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def connection_lost(self, exc: Exception | None) -> None:
        if self._idle is not None:
            self._idle.cancel()
        if self._authenticated and self._user is not None:
            self._log("SSH2_CLOSE", f"SSH2 Session {self._where} for user '{self._user.name}' {self._protected} closed")

    @property
    def protection(self) -> tuple[str, str]:
        """The cipher and the MAC of what the client sends, without the domains in their names."""
        assert self._connection is not None
        cipher, mac = (str(self._connection.get_extra_info(name) or "").partition("@")[0] for name in ("recv_cipher", "recv_mac"))
        return cipher, mac

    # --- logging in ---

    def begin_auth(self, username: str) -> bool:
        """A name is known: the key exchange is over. `banner login` is shown before the log-in (RFC 4252 §5.4)."""
        router, connection = self._server.router, self._connection
        if not self._greeted and connection is not None:
            self._greeted = True
            self._line = router.lines.free_vty()
            self._log("SSH2_SESSION", f"SSH2 Session request {self._where} {self._protected} Succeeded")
            if text := banner(router.document.config, "login", LineState(UNKNOWN, kind=VTY, number=self._line)):
                connection.send_auth_banner(shown(text))
        return True

    def password_auth_supported(self) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return bool(self._server.router.document.config.public_keys)

    async def validate_password(self, username: str, password: str) -> bool:
        """A challenge can be answered by keyboard-interactive authentication alone, so that it refuses the password."""
        self._begin_try()
        outcome = await self._server.logins.log_in(LoginAttempt(username, password, remote=self._link.peer), self._terminal_line)
        return self._finish_try(username, outcome)

    def kbdint_auth_supported(self) -> bool:
        return True

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> KbdIntChallenge:
        """RFC 4256 §3.2: the password first, and then what a server wants to know."""
        self._challenge = None
        return _asking(_PASSWORD)

    async def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> KbdIntChallenge:
        """The answers to the challenges of one try belong to it."""
        answered, self._challenge = self._challenge, None
        if answered is None:
            self._begin_try()
        if len(responses) != 1:
            return self._finish_try(username, LoginRefused())
        attempt = LoginAttempt(username, responses[0], None if answered is None else answered.state, self._link.peer)
        outcome = await self._server.logins.log_in(attempt, self._terminal_line)
        if isinstance(outcome, LoginChallenge):
            self._challenge = outcome
            return _asking(outcome)
        return self._finish_try(username, outcome)

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether the key may log in. asyncssh asks again with the signature, and checks that itself."""
        self._keys.add(key.public_data)
        if len(self._keys) > MOST_KEYS:
            raise TooManyTriesError
        outcome = await self._server.logins.by_key(username, key.public_data, self._terminal_line)
        self._user = outcome if isinstance(outcome, CliUser) else None
        self._by_key = True
        return self._user is not None

    def _begin_try(self) -> None:
        """A try counts when it begins."""
        self._tries += 1
        if self._tries > self._most_tries:
            raise TooManyTriesError

    def _finish_try(self, username: str, outcome: CliOutcome) -> bool:
        self._log_authentication(username, isinstance(outcome, CliUser))
        if outcome.message and self._connection is not None:
            self._connection.send_auth_banner(shown(outcome.message) + "\n")  # RFC 4252 §5.4: at any time before the success
        if isinstance(outcome, CliUser):
            self._user = outcome
            self._by_key = False
            return True
        self._server.log.info("%s: an SSH log-in from %s is refused", self._server.router.name, self._link.peer)
        if self._tries >= self._most_tries:
            raise TooManyTriesError
        return False

    @property
    def _most_tries(self) -> int:
        return max(1, self._server.router.document.config.ssh.retries)

    @property
    def _terminal_line(self) -> TerminalLine:
        return TerminalLine(VTY, self._line, absolute_number(VTY, self._line), self._link.peer)

    def auth_completed(self) -> None:
        self._authenticated = True
        if self._by_key:
            self._log_authentication(self._user.name if self._user is not None else "", True)
        self._server.logged_in(self._link)
        self._await_session(IDLE)

    # --- `ip ssh logging events` (Cisco IOS System Message Guide, facility SSH) ---

    @property
    def _where(self) -> str:
        return f"from {self._link.peer} (tty = {self._line})"

    @property
    def _protected(self) -> str:
        cipher, mac = self.protection
        return f"using crypto cipher '{cipher}', hmac '{mac}'"

    def _log_authentication(self, username: str, succeeded: bool) -> None:
        outcome = "Succeeded" if succeeded else "Failed"
        name = printable(username)
        self._log("SSH2_USERAUTH", f"User '{name}' authentication for SSH2 Session {self._where} {self._protected} {outcome}")

    def _log(self, mnemonic: str, text: str) -> None:
        router = self._server.router
        if router.document.config.ssh.logs_events:
            router.syslog.log(Message("SSH", Severity.NOTIFICATIONS, mnemonic, text))

    # --- sessions ---

    def session_requested(self) -> tuple[asyncssh.SSHServerChannel[bytes], Channel] | bool:
        connection, user = self._connection, self._user
        assert connection is not None  # a session is asked for after the log-in
        assert user is not None
        if self._channels >= MOST_CHANNELS:
            return False
        self._channels += 1
        channel = Channel(self._server, self._link, user, Origin(OriginKind.SSH, user.name), self)
        return connection.create_server_channel(encoding=None, errors="strict", window=1 << 16, max_pktsize=1 << 15), channel

    def may_start(self, channel: Channel) -> bool:
        """Whether a session has a place. The connection then lasts as long as the session."""
        if not self._server.take_session(channel):
            return False
        self._sessions += 1
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        return True

    def ended(self, channel: Channel) -> None:
        """A channel is closed. The connection ends with its last session, as on a router."""
        self._line = channel.number
        self._channels -= 1
        if self._server.give_session(channel):
            self._sessions -= 1
            if not self._sessions:
                self._await_session(LINGERING)

    def _await_session(self, patience: float) -> None:
        assert self._connection is not None
        self._idle = asyncio.get_running_loop().call_later(patience, self._connection.close)
