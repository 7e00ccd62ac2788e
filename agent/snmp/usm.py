"""Snmp room: pysnmp's User-based Security Model with its checks of user and level corrected (RFC 3414 §3.2, steps 3 to 5).

pysnmp refuses requests of a user at a lower level than the user's highest. Here the groups decide what such a request may do.
pysnmp also accepts a request without a user, and keeps its time. Here only a Report may have no user: by it a receiver of informs
reports its engine (§4).
"""

from __future__ import annotations

from typing import Any

from pysnmp.entity.config import USM_AUTH_NONE, USM_PRIV_NONE
from pysnmp.proto import errind, error
from pysnmp.proto.rfc1902 import OctetString
from pysnmp.proto.secmod.rfc3414.service import SnmpUSMSecurityModel
from pysnmp.smi.error import NoSuchInstanceError

from agent.mib.values import content_at
from agent.snmp.counters import SnmpCounters

_NO_AUTH, _AUTH = 1, 2  # SnmpSecurityLevel
_MASTER_KEYS = (3, 4)  # columns of pysnmpUsmKeyEntry: a user's keys before they are localised
_ENGINE_ID_SIZES = range(5, 33)  # octets (RFC 3411, SnmpEngineID)
_IN_THE_CLEAR = (errind.authenticationFailure, errind.unknownSecurityName, errind.decryptionError)
_REPORTED = (
    "errorIndication",
    "oid",
    "val",
    "securityStateReference",
    "contextEngineId",
    "contextName",
    "msgUserName",
    "maxSizeResponseScopedPDU",
    "securityLevel",
    "scopedPDU",
)


class UserSecurity(SnmpUSMSecurityModel):
    """USM as RFC 3414 has it."""

    def __init__(self, counters: SnmpCounters) -> None:
        super().__init__()
        self._counters = counters
        self._asked: int | None = None  # the level of the message that is being received

    def localised_keys(self, engine: Any, user: bytes, engine_id: bytes, auth: Any, priv: Any) -> tuple[bytes, bytes]:
        """A user's keys for authentication and privacy, localised to an engine (RFC 3414 §2.6); empty where there is none.

        `auth` and `priv` are the user's protocols, as pysnmp names them.
        """
        (entry,) = engine.get_mib_builder().import_symbols("PYSNMP-USM-MIB", "pysnmpUsmKeyEntry")
        row = entry.getInstIdFromIndices(engine.snmpEngineID, OctetString(user))
        auth_key, priv_key = (entry.getNode((*entry.name, column, *row)).syntax for column in _MASTER_KEYS)
        there = OctetString(engine_id)
        return (
            bytes(self.AUTH_SERVICES[auth].localize_key(auth_key, there) or b""),
            bytes(self.PRIV_SERVICES[priv].localize_key(auth, priv_key, there) or b""),
        )

    def process_incoming_message(
        self,
        engine: Any,
        mp_model: Any,
        largest: Any,
        parameters: Any,
        model: Any,
        level: Any,
        whole: Any,
        message: Any,
    ) -> Any:
        named = _names(bytes(parameters))
        if named and not _is_report(message):
            room = int(largest) - len(parameters)
            # Step 3 (b) has an engine ID of no possible length reported, too: its sender is discovering us. It cannot have a key of
            # an engine that it does not know, so the Report goes in the clear whatever level the message claims.
            if len(named[0]) not in _ENGINE_ID_SIZES or not self._is_known(engine, *named):
                raise self._refusal(engine, errind.unknownEngineID, "usmStatsUnknownEngineIDs", room, _NO_AUTH)
            if not named[1]:
                raise self._refusal(engine, errind.unknownSecurityName, "usmStatsUnknownUserNames", room, level)
        self._asked = int(level)
        try:
            return super().process_incoming_message(engine, mp_model, largest, parameters, model, level, whole, message)
        except error.StatusInformation as status:
            kept = {key: status[key] for key in _REPORTED if key in status}
            if "val" not in kept:
                raise
            # pysnmp knows what it has counted itself. A Report says how many there have been (RFC 3414 §5).
            kept["val"] = self._total(engine, status["oid"], status["val"])
            if status.get("errorIndication") == errind.unsupportedSecurityLevel:
                # pysnmp would have the Report at the level that this user cannot have, and so sends none.
                kept["securityLevel"] = _NO_AUTH
            raise error.StatusInformation(**kept) from None
        finally:
            self._asked = None
            self._forget_own_time(engine)

    def _total(self, engine: Any, name: Any, counted: Any) -> Any:
        """A counter's value over both paths, as pysnmp's object."""
        builder = engine.get_mib_builder()
        for symbol, found in builder.mibSymbols["__SNMP-USER-BASED-SM-MIB"].items():
            if getattr(found, "name", None) == name:
                return counted.clone(self._counters.value(symbol) & 0xFFFFFFFF)
        return counted

    def _forget_own_time(self, engine: Any) -> None:
        """Keep no note of our own time for each message that came in: pysnmp makes one, and never reads it."""
        own = engine.snmpEngineID
        if self._SnmpUSMSecurityModel__timeline.pop(own, None) is None:
            return
        resolution = engine.transport_dispatcher.get_timer_resolution()
        expiring = self._SnmpUSMSecurityModel__timelineExpQueue
        bucket = int(self._SnmpUSMSecurityModel__expirationTimer + 300 / resolution)
        others = [each for each in expiring.pop(bucket, ()) if each != own]
        if others:
            expiring[bucket] = others

    def generate_response_message(self, *arguments: Any) -> Any:
        """Reports of what is wrong with a user go in the clear; pysnmp sets the reportableFlag, which none has (RFC 3412 §6.4)."""
        *before, level, scoped, state, context = arguments
        if context in _IN_THE_CLEAR:
            level, context = _NO_AUTH, None
            header = before[2].getComponentByPosition(1)
            header.setComponentByPosition(2, OctetString(b"\0"), verifyConstraints=False, matchTags=False, matchConstraints=False)
        return super().generate_response_message(*before, level, scoped, state, context)

    def _is_known(self, engine: Any, engine_id: bytes, user: bytes) -> bool:
        """Whether an engine is ours, or one that has been told something under that user's name, and now answers."""
        if engine_id == bytes(engine.snmpEngineID) or OctetString(engine_id) in self._SnmpUSMSecurityModel__timeline:
            return True
        if not user:
            return False
        controller = engine.message_dispatcher.mib_instrum_controller
        try:
            self._SnmpUSMSecurityModel__get_user_info(controller, OctetString(engine_id), OctetString(user))
        except NoSuchInstanceError:
            return False
        return True

    def _refusal(self, engine: Any, indication: Any, counted: str, room: int, level: Any) -> error.StatusInformation:
        (counter,) = engine.get_mib_builder().import_symbols("__SNMP-USER-BASED-SM-MIB", counted)
        counter.syntax += 1
        return error.StatusInformation(
            errorIndication=indication,
            oid=counter.name,
            val=self._total(engine, counter.name, counter.syntax),
            securityStateReference=self._cache.push(msgUserName=b""),
            securityLevel=level,
            contextEngineId=engine.snmpEngineID,
            contextName=b"",
            maxSizeResponseScopedPDU=room,
        )

    def _SnmpUSMSecurityModel__get_user_info(self, controller: Any, engine_id: Any, user_name: Any) -> Any:  # noqa: N802
        """What pysnmp knows of a user, as far as the message's level goes: it takes more for a reason to refuse."""
        read = SnmpUSMSecurityModel._SnmpUSMSecurityModel__get_user_info
        name, security_name, auth, auth_key, priv, priv_key = read(controller, engine_id, user_name)
        if self._asked == _NO_AUTH:
            auth, priv = USM_AUTH_NONE, USM_PRIV_NONE
        elif self._asked == _AUTH:
            priv = USM_PRIV_NONE
        return name, security_name, auth, auth_key, priv, priv_key


def _is_report(message: Any) -> bool:
    """Whether a decoded SNMPv3 message is a Report in the clear."""
    data = message.getComponentByPosition(3)
    if data.getName() != "plaintext":
        return False
    kind: str = data.getComponent().getComponentByPosition(2).getName()
    return kind == "report"


def _names(parameters: bytes) -> tuple[bytes, bytes] | None:
    """The engine ID and the user's name of securityParameters."""
    try:
        at = content_at(parameters, 0)[0]
        start, at = content_at(parameters, at)
        engine_id = parameters[start:at]
        for _ in range(2):  # boots and time
            at = content_at(parameters, at)[1]
        start, end = content_at(parameters, at)
    except IndexError:
        return None  # not what it should be: for the decoder to say
    return engine_id, parameters[start:end]
