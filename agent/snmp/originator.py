"""Snmp room: the notification originator of version 3 (RFC 3413 §3.3): one to one target, an inform again until it is answered.

pysnmp's own originator looks its targets up in tables by name, keeps what it has found, and loads all of pysmi; here a target is a
value. Versions, security and timers are pysnmp's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pysnmp.error import PySnmpError
from pysnmp.proto import errind, rfc1902, rfc3411

from agent.base.text import octets_of

_VERSION_3 = 3  # SnmpMessageProcessingModel and SnmpSecurityModel alike
_SMI_V2 = 1  # what PDUs are told apart by
_DISCOVERY = (errind.notInTimeWindow, errind.unknownEngineID)  # RFC 3414 §4: a Report tells what was missing
_MOST_DISCOVERIES = 4


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an inform is waited for, in seconds, and how often it is sent again (IOS: 15 seconds, three times)."""

    timeout: float = 15.0
    retries: int = 3


@dataclass(frozen=True, slots=True)
class Target:
    """Where a notification goes and how: `name` is the user's, `level` an SnmpSecurityLevel."""

    domain: tuple[int, ...]
    address: Any
    name: str
    level: int


Done = Callable[[Any], None]


@dataclass(slots=True)
class _Notification:
    """One on its way; `repeated` and `discovered` count what an inform has been sent again for."""

    target: Target
    context: Any
    pdu: Any
    done: Done
    repeated: int = 0
    discovered: int = 0


class Originator:
    """Sends notifications of one engine; `patience` is for its informs."""

    def __init__(self, engine: Any, patience: Patience) -> None:
        self._engine = engine
        self._patience = patience

    def send(self, target: Target, context: str, pdu: Any, done: Done) -> None:
        """Send a trap or an inform, a PDU of SMIv2. `done` is told of an inform's end: None, or what it failed by.

        Raises PySnmpError where it cannot be sent.
        """
        self._send(_Notification(target, rfc1902.OctetString(octets_of(context)), pdu, done))

    def _send(self, notification: _Notification) -> None:
        engine, target, pdu = self._engine, notification.target, notification.pdu
        engine.message_dispatcher.send_pdu(
            engine,
            target.domain,
            target.address,
            _VERSION_3,
            _VERSION_3,
            rfc1902.OctetString(octets_of(target.name)),
            target.level,
            engine.snmpEngineID,
            notification.context,
            _SMI_V2,
            pdu,
            pdu.tagSet in rfc3411.CONFIRMED_CLASS_PDUS,
            self._patience.timeout / engine.transport_dispatcher.get_timer_resolution(),
            self._answered,
            notification,
        )

    def _answered(self, engine: Any, *answer: Any) -> None:
        """RFC 3413 §3.3 step 6: the answer to an inform, or why there is none."""
        *_, status, _, notification = answer
        problem = status["errorIndication"] if status else None
        if problem in _DISCOVERY:
            notification.discovered += 1
        else:
            notification.repeated += 1
        if problem is None or notification.repeated > self._patience.retries or notification.discovered > _MOST_DISCOVERIES:
            notification.done(problem)
            return
        try:
            self._send(notification)
        except PySnmpError as refused:
            notification.done(refused)
