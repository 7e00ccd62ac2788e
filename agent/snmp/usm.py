"""Snmp room: pysnmp's User-based Security Model, mended in whom it takes for a user of which level (RFC 3414 §3.2, steps 4 and 5).

A user who can encrypt can do less as well: whether a request of a lower level is granted anything is the groups' to say, but pysnmp
refuses it. And a request of no user at all is no user's, but pysnmp lets it pass, and keeps what it says of the time. (A Report may
have no user: it is how a receiver of informs says which engine it is, §4.)
"""

from __future__ import annotations

from typing import Any

from pysnmp.entity.config import USM_AUTH_NONE, USM_PRIV_NONE
from pysnmp.proto import errind, error
from pysnmp.proto.rfc1902 import OctetString
from pysnmp.proto.secmod.rfc3414.service import SnmpUSMSecurityModel

from agent.snmp.sizes import content_at

_NO_AUTH, _AUTH = 1, 2  # SnmpSecurityLevel
_REPORTED = (
    "errorIndication",
    "oid",
    "val",
    "securityStateReference",
    "contextEngineId",
    "contextName",
    "msgUserName",
    "maxSizeResponseScopedPDU",
)


class UserSecurity(SnmpUSMSecurityModel):
    """USM as RFC 3414 has it."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: int | None = None  # the level of the message that is being taken in

    def localised_keys(self, engine: Any, user: str) -> tuple[bytes, bytes]:
        """A user's keys for authentication and privacy, localised to this engine (RFC 3414 §2.6); empty where there is none."""
        controller = engine.message_dispatcher.mib_instrum_controller
        *_, auth_key, _, priv_key = self._SnmpUSMSecurityModel__get_user_info(controller, engine.snmpEngineID, OctetString(user))
        return bytes(auth_key), bytes(priv_key)

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
        if _names_engine_but_no_user(bytes(parameters)) and not _is_report(message):
            raise self._unknown_user(engine, int(largest) - len(parameters), level)
        self._asked = int(level)
        try:
            return super().process_incoming_message(engine, mp_model, largest, parameters, model, level, whole, message)
        except error.StatusInformation as status:
            if status.get("errorIndication") == errind.unsupportedSecurityLevel:
                # pysnmp would have the Report at the level that this user cannot have, and so sends none.
                kept = {key: status[key] for key in _REPORTED if key in status}
                raise error.StatusInformation(**kept, securityLevel=_NO_AUTH) from None
            raise
        finally:
            self._asked = None

    def _unknown_user(self, engine: Any, room: int, level: Any) -> error.StatusInformation:
        (counter,) = engine.get_mib_builder().import_symbols("__SNMP-USER-BASED-SM-MIB", "usmStatsUnknownUserNames")
        counter.syntax += 1
        return error.StatusInformation(
            errorIndication=errind.unknownSecurityName,
            oid=counter.name,
            val=counter.syntax,
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


def _names_engine_but_no_user(parameters: bytes) -> bool:
    """Whether securityParameters have an engine ID, so that this is no discovery, and an empty user name."""
    try:
        at = content_at(parameters, 0)[0]
        engine, at = content_at(parameters, at)
        engine_size = at - engine
        for _ in range(2):  # boots and time
            at = content_at(parameters, at)[1]
        user, end = content_at(parameters, at)
    except IndexError:
        return False  # not what it should be: for the decoder to say
    return engine_size > 0 and user == end
