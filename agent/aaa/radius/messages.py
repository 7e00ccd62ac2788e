"""Aaa room: the messages of the log about RADIUS servers (IOS's facility RADIUS)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from agent.aaa.radius.events import AllServersDead, RadiusEvent, ServerAlive, ServerDead
from agent.syslog.message import Message, Severity


def _message(severity: Severity, mnemonic: str, text: str) -> Message:
    return Message("RADIUS", severity, mnemonic, text)


def _dead(event: ServerDead) -> Iterator[Message]:
    yield _message(Severity.WARNINGS, "RADIUS_DEAD", f"RADIUS server {event.server} is not responding.")


def _alive(event: ServerAlive) -> Iterator[Message]:
    if event.group is not None:
        text = f"Group {event.group}: Radius server {event.server} is responding again (previously dead)."
        yield _message(Severity.INFORMATIONAL, "SERVERALIVE", text)
    yield _message(Severity.WARNINGS, "RADIUS_ALIVE", f"RADIUS server {event.server} is being marked alive.")


def _all_dead(event: AllServersDead) -> Iterator[Message]:
    text = f"Group {event.group}: No active radius servers found. Id {event.about}."
    yield _message(Severity.ERRORS, "ALLDEADSERVER", text)


_MESSAGES: Mapping[type[RadiusEvent], Callable[[Any], Iterator[Message]]] = MappingProxyType(
    {ServerDead: _dead, ServerAlive: _alive, AllServersDead: _all_dead}
)


def log_event(event: RadiusEvent, log: Callable[[Message], None]) -> None:
    """Log the messages of an event, which most events have none of."""
    messages = _MESSAGES.get(type(event))
    if messages is not None:
        for message in messages(event):
            log(message)
