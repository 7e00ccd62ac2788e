"""Shell room: `show ip ssh` and `show ssh`: the SSH server, and who is there.

The lines are those of the Cisco IOS Secure Shell configuration guide. Those about algorithms came with IOS XE.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.config.ssh_model import SshConfig
from agent.shell.releases import Release

_KEY_LINE = 80  # characters of a line of the host key


@dataclass(frozen=True, slots=True)
class SshSession:
    """A session: the number of its `vty`, its user, and what protects its octets."""

    number: int
    user: str
    cipher: str
    mac: str


@dataclass(frozen=True, slots=True)
class SshFacts:
    """An SSH server. `rsa_key` is its public key in OpenSSH's form, under the name `rsa_name`; empty where there is none."""

    enabled: bool = False
    publickeys: Sequence[str] = ()
    hostkeys: Sequence[str] = ()
    ciphers: Sequence[str] = ()
    macs: Sequence[str] = ()
    kex: Sequence[str] = ()
    rsa_key: str = ""
    sessions: Sequence[SshSession] = ()


def server_lines(facts: SshFacts, config: SshConfig, name: str, release: Release) -> Iterator[str]:
    """`show ip ssh`. `name` is the router's own, which its keys bear."""
    yield f"SSH {'Enabled' if facts.enabled else 'Disabled'} - version 2.0"
    if not facts.enabled:
        yield "%Please create RSA keys to enable SSH (and of atleast 768 bits for SSH v2)."
    if release is Release.XE:
        yield "Authentication methods:publickey,keyboard-interactive,password"
        for label, names in (
            ("Authentication Publickey Algorithms", facts.publickeys),
            ("Hostkey Algorithms", facts.hostkeys),
            ("Encryption Algorithms", facts.ciphers),
            ("MAC Algorithms", facts.macs),
            ("KEX Algorithms", facts.kex),
        ):
            if names:
                yield f"{label}:{','.join(names)}"
    yield f"Authentication timeout: {config.timeout} secs; Authentication retries: {config.retries}"
    if release is Release.XE:
        yield "Minimum expected Diffie Hellman key size : 2048 bits"
        yield f"IOS Keys in SECSH format(ssh-rsa, base64 encoded): {name if facts.rsa_key else 'NONE'}"
        for at in range(0, len(facts.rsa_key), _KEY_LINE):
            yield facts.rsa_key[at : at + _KEY_LINE]


def session_lines(sessions: Sequence[SshSession]) -> Iterator[str]:
    """`show ssh`: each session has a line for each direction."""
    if sessions:
        yield f"{'Connection':<11}{'Version':<8}{'Mode':<5}{'Encryption':<12}{'Hmac':<17}{'State':<20}Username"
        for session in sorted(sessions, key=lambda each: each.number):
            for mode in ("IN", "OUT"):
                protected = f"{session.cipher:<11} {session.mac:<16}"
                yield f"{session.number:<11}{'2.0':<8}{mode:<5}{protected} {'Session started':<19} {session.user}"
    else:
        yield "%No SSHv2 server connections running."
    yield "%No SSHv1 server connections running."
