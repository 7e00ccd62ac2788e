"""Snmp room: the SNMP engines of receivers of informs, which are the authoritative ones there (RFC 3414 §2.3, §3.2 step 7 b, §4).

A receiver's engine is discovered by its Reports: first its ID, by a request that names none; then, with authentication, its boots
and time, by a message with wrong ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest

from agent.mib.schema import Oid
from agent.mib.values import OBJECT_IDENTIFIER, OCTET_STRING, decode_name, number, octets, wrap
from agent.snmp.ber import (
    GET,
    INFORM,
    REPORT,
    RESPONSE,
    SEQUENCE,
    NotRecognisedError,
    number_at,
    value_at,
)
from agent.snmp.community_messages import NO_ERROR
from agent.snmp.identity import MOST_BOOTS
from agent.snmp.informs import Heard
from agent.snmp.usm_message import (
    LARGEST_UDP_PAYLOAD,
    LEVELS,
    REPORTABLE_FLAGS,
    TIME_WINDOW,
    Parameters,
    global_data,
    read_flags,
    read_parameters,
    sealed,
)
from agent.snmp.usm_protocols import SALT_SIZE, Levels, Protection, UnusableUserError

_ANNOUNCED = number("Integer32", LARGEST_UDP_PAYLOAD)
_NO_ENGINE = octets(b"") + number("Integer32", 0)
_ENGINE_ID_SIZES = range(5, 33)  # octets (RFC 3411, SnmpEngineID)
_USM_STATS: Oid = (1, 3, 6, 1, 6, 3, 15, 1, 1)
_UNKNOWN_ENGINE, _NOT_IN_TIME = (*_USM_STATS, 4, 0), (*_USM_STATS, 2, 0)
_REFUSALS = {
    (*_USM_STATS, 1, 0): "it does not take the security level (usmStatsUnsupportedSecLevels)",
    (*_USM_STATS, 3, 0): "it does not know the user (usmStatsUnknownUserNames)",
    (*_USM_STATS, 5, 0): "its user has another authentication (usmStatsWrongDigests)",
    (*_USM_STATS, 6, 0): "its user has another privacy (usmStatsDecryptionErrors)",
}

Keys = Callable[[bytes, bytes], Levels]  # of a user, and an engine ID that they are localised to. Raises UnusableUserError


@dataclass(slots=True)
class RemoteEngine:
    """What is known of the engine at one address; `time` is its latest snmpEngineTime, `heard` our clock's seconds at that."""

    engine_id: bytes = b""
    boots: int = 0
    time: int = 0
    heard: float = 0.0

    def identify(self, engine_id: bytes) -> None:
        """Set its engine ID."""
        if engine_id != self.engine_id:
            self.engine_id, self.boots, self.time = engine_id, 0, 0

    def hear(self, boots: int, time: int, now: float) -> bool:
        """Take boots and time of an authentic message; whether they were within the time window."""
        if (boots, time) > (self.boots, self.time):
            self.boots, self.time, self.heard = boots, time, now
        return boots == self.boots < MOST_BOOTS and time >= self.at(now) - TIME_WINDOW

    def at(self, now: float) -> int:
        """Its estimated time; 0 while nothing is known. Some engines never count their boots."""
        return self.time + int(now - self.heard) if self.boots or self.time else 0


class V3Recipient:
    """A user of version 3 at an engine. `context` is what scopedPDUs begin with: contextEngineID and contextName, encoded."""

    def __init__(self, engine: RemoteEngine, user: bytes, level: str, context: bytes, keys: Keys, now: Callable[[], float]) -> None:
        self._engine = engine
        self._user = user
        self._level = level
        self._context = context
        self._keys = keys
        self._now = now
        self._known: tuple[bytes, Protection] | None = None  # the engine ID that the keys are for, and those

    def inform(self, message_id: int, request_id: int, bindings: bytes) -> bytes:
        engine = self._engine
        if not engine.engine_id:
            return _message(
                message_id=message_id,
                level="noauth",
                named=_NO_ENGINE,
                boots=0,
                time=0,
                user=b"",
                protection=Protection(),
                scoped=_probe(request_id),
            )
        pdu = wrap(INFORM, number("Integer32", request_id) + NO_ERROR + wrap(SEQUENCE, bindings))
        signs = self._level != "noauth"
        boots, time = (engine.boots, engine.at(self._now())) if signs else (0, 0)  # RFC 3414 §3.1 step 6
        named = octets(engine.engine_id) + number("Integer32", boots)
        scoped = wrap(SEQUENCE, self._context + pdu)
        return _message(
            message_id=message_id,
            level=self._level,
            named=named,
            boots=boots,
            time=time,
            user=self._user,
            protection=self._protection(),
            scoped=scoped,
        )

    def hear(self, datagram: bytes, request_id: int) -> Heard | str:
        try:
            return self._hear(datagram, request_id)
        except (IndexError, NotRecognisedError, UnusableUserError):
            return Heard.NOTHING

    def _hear(self, datagram: bytes, request_id: int) -> Heard | str:
        flags, at = read_flags(datagram)
        level = LEVELS[flags & 3]
        given = read_parameters(datagram, at)
        engine = self._engine
        if level is None:
            return Heard.NOTHING
        protection = Protection()
        if level != "noauth":
            if level != self._level and level != "auth":
                return Heard.NOTHING
            if (given.engine_id, given.user) != (engine.engine_id, self._user):
                return Heard.NOTHING
            mine = self._protection()
            protection = mine if level == self._level else Protection(mine.authentication)
            if not _authentic(datagram, given, protection):
                return Heard.NOTHING
            if not engine.hear(given.boots, given.time, self._now()):
                return Heard.NOTHING
        scoped, begin = _scoped_pdu(datagram, given, protection)
        pdu = value_at(scoped, value_at(scoped, begin, OCTET_STRING)[1], OCTET_STRING)[1]
        at, _ = value_at(scoped, pdu, scoped[pdu])
        if scoped[pdu] == REPORT:
            return self._reported(_first_name(scoped, at), given.engine_id, level)
        ours = scoped[pdu] == RESPONSE and number_at(scoped, at)[0] == request_id
        return Heard.ANSWER if ours and level == self._level and given.engine_id == engine.engine_id else Heard.NOTHING

    def _reported(self, name: Oid | None, engine_id: bytes, level: str) -> Heard | str:
        if name == _UNKNOWN_ENGINE and len(engine_id) in _ENGINE_ID_SIZES:
            self._engine.identify(engine_id)
            return Heard.LEARNT
        if name == _NOT_IN_TIME and level != "noauth":
            return Heard.LEARNT
        return _REFUSALS.get(name or (), Heard.NOTHING)

    def _protection(self) -> Protection:
        engine_id = self._engine.engine_id
        if self._known is None or self._known[0] != engine_id:
            protection = self._keys(self._user, engine_id).get(self._level)
            if protection is None:
                raise UnusableUserError("its user cannot be used at that security level")
            self._known = engine_id, protection
        return self._known[1]


def _probe(request_id: int) -> bytes:
    """The discovery request to an unknown engine, without bindings (RFC 3414 §4)."""
    pdu = wrap(GET, number("Integer32", request_id) + NO_ERROR + wrap(SEQUENCE, b""))
    return wrap(SEQUENCE, octets(b"") + octets(b"") + pdu)


def _message(
    message_id: int, level: str, named: bytes, boots: int, time: int, user: bytes, protection: Protection, scoped: bytes
) -> bytes:
    head = global_data(number("Integer32", message_id), _ANNOUNCED, REPORTABLE_FLAGS[level])
    return sealed(head, named, boots, time, user, protection, scoped)


def _authentic(data: bytes, given: Parameters, protection: Protection) -> bool:
    authentication = protection.authentication
    assert authentication is not None
    digest, size = data[given.digest_at : given.digest_end], authentication.size
    cleared = data[: given.digest_at] + bytes(size) + data[given.digest_end :]
    return len(digest) == size and compare_digest(digest, authentication.digest(cleared))


def _scoped_pdu(data: bytes, given: Parameters, protection: Protection) -> tuple[bytes, int]:
    """The octets in which the scopedPDU lies, and where its contents begin in them."""
    if protection.privacy is None:
        return data, value_at(data, given.end, SEQUENCE)[0]
    begin, end = value_at(data, given.end, OCTET_STRING)
    if len(given.salt) != SALT_SIZE:
        raise NotRecognisedError
    scoped = protection.privacy.decrypt(given.boots, given.time, given.salt, data[begin:end])
    return scoped, value_at(scoped, 0, SEQUENCE)[0]


def _first_name(data: bytes, at: int) -> Oid | None:
    """The name in the first binding of a PDU whose contents begin at `at`."""
    for _ in range(3):  # request-id, error-status, error-index
        at = number_at(data, at)[1]
    at = value_at(data, value_at(data, at, SEQUENCE)[0], SEQUENCE)[0]
    begin, end = value_at(data, at, OBJECT_IDENTIFIER)
    return decode_name(data[begin:end])
