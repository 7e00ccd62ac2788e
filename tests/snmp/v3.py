"""SNMPv3 messages, as a manager that knows the engine makes and reads them (RFC 3412 §6, RFC 3414 §3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyasn1.codec.ber import decoder, encoder
from pysnmp.entity import config
from pysnmp.proto import rfc1902
from pysnmp.proto.api import v2c
from pysnmp.proto.mpmod.rfc3412 import ScopedPDU, SNMPv3Message
from pysnmp.proto.secmod.rfc3414.service import UsmSecurityParameters

from agent.mib.schema import Oid
from tests.snmp.fakes import GET_BULK, SET, Response

_PDUS = {"get": "GetRequestPDU", "get-next": "GetNextRequestPDU", "get-bulk": "GetBulkRequestPDU", "set": "SetRequestPDU"}
_AUTHENTICATION = config.AUTH_SERVICES[config.USM_AUTH_HMAC96_SHA]
_PRIVACY = config.PRIV_SERVICES[config.USM_PRIV_CFB128_AES]


@dataclass
class V3User:
    """A user of the manager's: without passwords noAuthNoPriv, with one authNoPriv (SHA), with both authPriv (SHA and AES-128)."""

    name: str
    engine_id: bytes
    boots: int = 3
    time: int = 0
    auth: str | None = None
    priv: str | None = None
    largest: int = 65507

    def request(
        self,
        kind: str,
        names: Sequence[Any],
        context: str = "",
        repetitions: int = 10,
        reportable: bool = True,
        context_engine_id: bytes | None = None,
    ) -> bytes:
        pdu = getattr(v2c, _PDUS[kind])()
        api = v2c.apiBulkPDU if kind == GET_BULK else v2c.apiPDU
        api.set_defaults(pdu)
        api.set_request_id(pdu, 4711)
        if kind == GET_BULK:
            api.set_non_repeaters(pdu, 0)
            api.set_max_repetitions(pdu, repetitions)
        api.set_varbinds(pdu, names if kind == SET else [(name, v2c.null) for name in names])
        scoped = ScopedPDU()
        scoped.setComponentByPosition(0, self.engine_id if context_engine_id is None else context_engine_id)
        scoped.setComponentByPosition(1, context.encode())
        scoped.setComponentByPosition(2).getComponentByPosition(2).setComponentByType(pdu.tagSet, pdu)
        return self._message(scoped, reportable)

    def _message(self, scoped: Any, reportable: bool) -> bytes:
        flags = (1 if self.auth else 0) | (2 if self.priv else 0) | (4 if reportable else 0)
        salt = b""
        message = SNMPv3Message()
        message.setComponentByPosition(0, 3)
        header = message.setComponentByPosition(1).getComponentByPosition(1)
        for position, value in enumerate((815, self.largest, bytes([flags]), 3)):
            header.setComponentByPosition(position, value)
        data = message.setComponentByPosition(3).getComponentByPosition(3)
        if self.priv:
            sealed, salt = _PRIVACY.encrypt_data(self._privacy_key(), (self.boots, self.time, None), encoder.encode(scoped))
            data.setComponentByPosition(1, sealed)
        else:
            data.setComponentByPosition(0, scoped)
        security = UsmSecurityParameters()
        digest = b"\0" * 12 if self.auth else b""
        for position, value in enumerate((self.engine_id, self.boots, self.time, self.name.encode(), digest, salt)):
            security.setComponentByPosition(position, value)
        message.setComponentByPosition(2, encoder.encode(security))
        whole: bytes = encoder.encode(message)
        if self.auth:
            whole = bytes(_AUTHENTICATION.authenticate_outgoing_message(self._authentication_key(), whole))
        return whole

    def response(self, datagram: bytes) -> Response:
        """A response's PDU; a Report's is told by its one name, an object of usmStats or of the dispatcher."""
        message, rest = decoder.decode(datagram, asn1Spec=SNMPv3Message())
        assert not rest
        security, _ = decoder.decode(message[2], asn1Spec=UsmSecurityParameters())
        if message[3].getName() == "plaintext":
            scoped = message[3][0]
        else:
            opened = _PRIVACY.decrypt_data(self._privacy_key(), (security[1], security[2], security[5]), message[3][1])
            scoped, _ = decoder.decode(bytes(opened), asn1Spec=ScopedPDU())
        pdu = scoped[2].getComponent()
        bindings = [(tuple(name), value) for name, value in v2c.apiPDU.get_varbinds(pdu)]
        return Response(int(pdu[0]), int(pdu[1]), int(pdu[2]), bindings)

    def _authentication_key(self) -> Any:
        master = _AUTHENTICATION.hash_passphrase(rfc1902.OctetString(self.auth))
        return _AUTHENTICATION.localize_key(master, rfc1902.OctetString(self.engine_id))

    def _privacy_key(self) -> Any:
        master = _PRIVACY.hash_passphrase(config.USM_AUTH_HMAC96_SHA, rfc1902.OctetString(self.priv))
        return _PRIVACY.localize_key(config.USM_AUTH_HMAC96_SHA, master, rfc1902.OctetString(self.engine_id))


def report_of(response: Response) -> Oid:
    """The counter that a Report carries."""
    assert len(response.bindings) == 1
    return response.bindings[0][0]
