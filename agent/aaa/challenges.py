"""Aaa room: what ties the answer to an Access-Challenge to that challenge (RFC 2865 §4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from agent.aaa.radius.values import Place
from agent.base.text import octets_of, text_of


@dataclass(frozen=True, slots=True)
class ChallengeState:
    """What a log-in carries from a challenge to its answer: about which log-in it is, which server has made it, and its State."""

    group: str
    about: int
    server: Place | None = None
    state: bytes | None = None

    @property
    def methods(self) -> Sequence[str]:
        return (f"group {self.group}",)

    def written(self) -> bytes:
        assert self.server is not None  # a challenge has come from one
        named = octets_of(f"{self.about} {self.server.address} {self.server.port} {self.group}")
        return named if self.state is None else named + b"\n" + self.state

    @classmethod
    def read(cls, written: bytes) -> ChallengeState:
        named, mark, state = written.partition(b"\n")
        about, address, port, group = text_of(named).split(" ", 3)
        return cls(group, int(about), Place(ip_address(address), int(port)), state if mark else None)
