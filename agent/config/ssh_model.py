"""Config room: the model of the SSH server's lines: `ip ssh …`. The defaults are those of the IOS security command reference."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_TIMEOUT = 120  # seconds
DEFAULT_RETRIES = 3
DEFAULT_STARTUPS = 128


@dataclass(frozen=True, slots=True)
class SshConfig:
    """`version` is None where no line says which version is spoken. `startups` connections may be logging in at once."""

    version: int | None = None
    timeout: int = DEFAULT_TIMEOUT
    retries: int = DEFAULT_RETRIES
    startups: int = DEFAULT_STARTUPS
    logs_events: bool = False
