"""Syslog room: the messages of a router's log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """RFC 3164 §4.1.1; the names are IOS's."""

    EMERGENCIES = 0
    ALERTS = 1
    CRITICAL = 2
    ERRORS = 3
    WARNINGS = 4
    NOTIFICATIONS = 5
    INFORMATIONAL = 6
    DEBUGGING = 7


@dataclass(frozen=True, slots=True)
class Message:
    """A message, as `%FACILITY-SEVERITY-MNEMONIC: TEXT`. A line of `debug` has its text alone: its facility is empty.

    `more` are the lines after the first, where a message has several.
    """

    facility: str
    severity: Severity
    mnemonic: str
    text: str
    more: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"%{self.facility}-{self.severity:d}-{self.mnemonic}: {self.text}" if self.facility else self.text


def debug_line(text: str, *more: str) -> Message:
    """A line of `debug`, with the lines that go with it."""
    return Message("", Severity.DEBUGGING, "", text, more)
