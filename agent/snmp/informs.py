"""Snmp room: unanswered informs (RFC 3413 §3.3). Each is sent again until it is answered or given up."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from agent.base.loop_timers import CallLater, LoopTimer
from agent.base.work import Work
from agent.config.snmp_model import SnmpConfig
from agent.snmp.ber import DROP, INFORM, Response
from agent.snmp.community_messages import read_answer, v2_notification
from agent.snmp.transport import FastAnswers
from agent.snmp.usm_message import read_engine_id, read_message_id
from agent.snmp.usm_protocols import UnusableUserError

_IDS = 1 << 31  # neither a request-id nor a msgID is negative here
_MOST_DISCOVERIES = 4  # of the receiver's engine, for one inform
NO_ANSWER = "No SNMP response received before timeout"
NO_ENGINE = "its SNMP engine cannot be found out"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an inform is waited for, in seconds, and how often it is sent again (IOS: 15 seconds, three times)."""

    timeout: float = 15.0
    retries: int = 3

    @property
    def life(self) -> float:
        """Seconds after which an inform is given up."""
        return self.timeout * (self.retries + 1)

    def configured(self, snmp: SnmpConfig) -> Patience:
        """The same but for what `snmp-server inform` says."""
        return Patience(
            self.timeout if snmp.inform_timeout is None else float(snmp.inform_timeout),
            self.retries if snmp.inform_retries is None else snmp.inform_retries,
        )


class Heard(Enum):
    """What a datagram says about an inform."""

    NOTHING = auto()
    ANSWER = auto()
    LEARNT = auto()  # a Report has given a fact about the receiver's engine


Send = Callable[[bytes], None]
Done = Callable[[str | None], None]  # called at an inform's end, with None if it is answered, else with the reason


class Recipient(Protocol):
    """How informs to one receiver are written, and its answers read."""

    def inform(self, message_id: int, request_id: int, bindings: bytes) -> bytes:
        """A message with an inform. Raises UnusableUserError."""

    def hear(self, datagram: bytes, request_id: int) -> Heard | str:
        """What a datagram says about the inform of that request-id; a text says why the receiver refuses it."""


@dataclass(frozen=True, slots=True)
class CommunityRecipient:
    """A receiver of version 2c."""

    community: bytes

    def inform(self, message_id: int, request_id: int, bindings: bytes) -> bytes:
        return v2_notification(INFORM, self.community, request_id, bindings)

    def hear(self, datagram: bytes, request_id: int) -> Heard:
        return Heard.ANSWER if read_answer(datagram) == (self.community, request_id) else Heard.NOTHING


@dataclass(slots=True)
class _Inform:
    """An unanswered inform. `ids` are its request-id, and a msgID for each further copy."""

    recipient: Recipient
    bindings: bytes
    send: Send
    done: Done
    ids: list[int] = field(default_factory=list)
    repeated: int = 0
    discovered: int = 0
    timer: LoopTimer | None = None


class Informs:
    """Those of one router. `answered` is offered each datagram that comes in where informs go out."""

    def __init__(self, later: CallLater, patience: Patience) -> None:
        self.patience = patience  # with what is sent from now on
        self._later = later
        self._waiting: dict[int, _Inform] = {}
        self._next = secrets.randbelow(_IDS)  # so that a stranger does not know which answer is waited for

    def send(self, recipient: Recipient, bindings: bytes, send: Send, done: Done) -> None:
        """Send an inform by `send`, and again, until it is answered or given up. Raises UnusableUserError."""
        self._send(_Inform(recipient, bindings, send, done))

    def answered(self, datagram: bytes) -> bool:
        """Whether a datagram is about one of the informs. If so, it is handled."""
        number = _number(datagram)
        inform = None if number is None else self._waiting.get(number)
        if inform is None:
            return False
        heard = inform.recipient.hear(datagram, inform.ids[0])
        if heard is Heard.NOTHING:
            return False
        if heard is Heard.ANSWER:
            self._end(inform, None)
        elif heard is not Heard.LEARNT:
            self._end(inform, str(heard))
        else:
            inform.discovered += 1
            self._again(inform, NO_ENGINE if inform.discovered > _MOST_DISCOVERIES else None)
        return True

    def close(self) -> None:
        """Stop sending."""
        for inform in self._waiting.values():
            if inform.timer is not None:
                inform.timer.cancel()
        self._waiting.clear()

    def _send(self, inform: _Inform) -> None:
        number, self._next = self._next, (self._next + 1) % _IDS
        message = inform.recipient.inform(number, inform.ids[0] if inform.ids else number, inform.bindings)
        inform.ids.append(number)
        self._waiting[number] = inform
        if inform.timer is not None:
            inform.timer.cancel()
        inform.timer = self._later(self.patience.timeout, self._unanswered, inform)
        inform.send(message)

    def _unanswered(self, inform: _Inform) -> None:
        inform.repeated += 1
        self._again(inform, NO_ANSWER if inform.repeated > self.patience.retries else None)

    def _again(self, inform: _Inform, problem: str | None) -> None:
        """Send a copy more, unless there is a problem."""
        if problem is None:
            try:
                self._send(inform)
                return
            except UnusableUserError as unusable:
                problem = str(unusable)
        self._end(inform, problem)

    def _end(self, inform: _Inform, problem: str | None) -> None:
        if inform.timer is not None:
            inform.timer.cancel()
        for number in inform.ids:
            del self._waiting[number]
        inform.done(problem)


def _number(datagram: bytes) -> int | None:
    """The msgID of a message of version 3, the request-id of a Response of version 2c; None of whatever else the octets are."""
    answer = read_answer(datagram)
    return answer[1] if answer is not None else read_message_id(datagram)


class AnswersFirst:
    """Stands in front of a socket's fast path, and keeps the answers to informs for these.

    `knows` says of an engine ID whether it is a receiver's: what else such an engine says comes too late, and is dropped.
    """

    def __init__(self, informs: Informs, knows: Callable[[bytes], bool], behind: FastAnswers | None) -> None:
        self._informs = informs
        self._knows = knows
        self._behind = behind

    def answer(self, datagram: bytes, source: str) -> Response | Work[Response]:
        if self._informs.answered(datagram):
            return DROP
        engine_id = read_engine_id(datagram)
        if engine_id is not None and self._knows(engine_id):
            return DROP
        return self._behind.answer(datagram, source) if self._behind is not None else None
