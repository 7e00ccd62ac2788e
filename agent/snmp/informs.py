"""Snmp room: informs of version 2c that wait for their answer (RFC 3413 §3.3): each is sent again until then, or given up."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from agent.snmp.ber import DROP
from agent.snmp.community_messages import INFORM, read_answer, v2_notification
from agent.snmp.originator import Done, Patience
from agent.snmp.transport import FastAnswers

_REQUEST_IDS = 1 << 31
NO_ANSWER = "No SNMP response received before timeout"

Send = Callable[[bytes], None]


class Timer(Protocol):
    """What an event loop gives for a call that is to come."""

    def cancel(self) -> None: ...


class Later(Protocol):
    """An event loop's `call_later`: calls back after so many seconds."""

    def __call__(self, delay: float, callback: Callable[..., object], *values: Any) -> Timer: ...


@dataclass(slots=True)
class _Inform:
    """One that is not answered yet."""

    community: bytes
    message: bytes
    send: Send
    done: Done
    sent: int = 0
    timer: Timer | None = None


class Informs:
    """Those of one router, by request-id. `answered` is offered each datagram that comes in where informs go out."""

    def __init__(self, later: Later, patience: Patience) -> None:
        self._later = later
        self._patience = patience
        self._waiting: dict[int, _Inform] = {}
        self._next = secrets.randbelow(_REQUEST_IDS)  # so that a stranger does not know which answer is waited for

    def send(self, community: bytes, bindings: bytes, send: Send, done: Done) -> None:
        """Send an inform by `send`, and again. `done` is told of its end: None where it is answered, else why it is given up."""
        request_id, self._next = self._next, (self._next + 1) % _REQUEST_IDS
        inform = _Inform(community, v2_notification(INFORM, community, request_id, bindings), send, done)
        self._waiting[request_id] = inform
        self._send(request_id, inform)

    def answered(self, datagram: bytes) -> bool:
        """Whether a datagram is the answer to one of them; it has then ended."""
        answer = read_answer(datagram)
        if answer is None:
            return False
        community, request_id = answer
        inform = self._waiting.get(request_id)
        if inform is None or inform.community != community:
            return False
        self._end(request_id, inform, None)
        return True

    def close(self) -> None:
        """Send none of them again."""
        for inform in self._waiting.values():
            if inform.timer is not None:
                inform.timer.cancel()
        self._waiting.clear()

    def _send(self, request_id: int, inform: _Inform) -> None:
        if inform.sent > self._patience.retries:
            self._end(request_id, inform, NO_ANSWER)
            return
        inform.sent += 1
        inform.timer = self._later(self._patience.timeout, self._send, request_id, inform)
        inform.send(inform.message)

    def _end(self, request_id: int, inform: _Inform, problem: Any) -> None:
        if inform.timer is not None:
            inform.timer.cancel()
        del self._waiting[request_id]
        inform.done(problem)


class AnswersFirst:
    """Stands in front of a socket's fast path, and keeps the answers to informs for these."""

    def __init__(self, informs: Informs, behind: FastAnswers | None) -> None:
        self._informs = informs
        self._behind = behind

    def answer(self, datagram: bytes, source: str) -> bytes | None:
        if self._informs.answered(datagram):
            return DROP
        return self._behind.answer(datagram, source) if self._behind is not None else None
