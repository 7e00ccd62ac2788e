"""SNMPv3 messages, as a manager that knows the engine makes and reads them (RFC 3412 §6, RFC 3414 §3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pyasn1.codec.ber import decoder, encoder
from pysnmp.entity import config
from pysnmp.proto import rfc1902
from pysnmp.proto.api import v2c
from pysnmp.proto.mpmod.rfc3412 import ScopedPDU, SNMPv3Message
from pysnmp.proto.secmod.rfc3414.service import UsmSecurityParameters

from agent.mib.schema import Oid
from agent.mib.values import number, octets, wrap
from tests.snmp.fakes import GET_BULK, SET, Response

_PDUS = {"get": "GetRequestPDU", "get-next": "GetNextRequestPDU", "get-bulk": "GetBulkRequestPDU", "set": "SetRequestPDU"}
AUTHENTICATION = {
    "md5": config.USM_AUTH_HMAC96_MD5,
    "sha": config.USM_AUTH_HMAC96_SHA,
    "sha224": config.USM_AUTH_HMAC128_SHA224,
    "sha256": config.USM_AUTH_HMAC192_SHA256,
    "sha384": config.USM_AUTH_HMAC256_SHA384,
    "sha512": config.USM_AUTH_HMAC384_SHA512,
}
PRIVACY = {
    "des": config.USM_PRIV_CBC56_DES,
    "3des": config.USM_PRIV_CBC168_3DES,
    "aes128": config.USM_PRIV_CFB128_AES,
    "aes192": config.USM_PRIV_CFB192_AES,
    "aes256": config.USM_PRIV_CFB256_AES,
}


@dataclass(frozen=True)
class Taken:
    """A message taken apart: what msgGlobalData and msgSecurityParameters say, and the scopedPDU's octets, padding included."""

    header: tuple[int, int, bytes, int]
    engine_id: bytes
    boots: int
    time: int
    user: bytes
    digest_size: int
    salt: bytes
    scoped: bytes


@dataclass
class V3User:
    """A user of the manager's: without passwords noAuthNoPriv, with one authNoPriv, with both authPriv."""

    name: str
    engine_id: bytes
    boots: int = 3
    time: int = 0
    auth: str | None = None
    priv: str | None = None
    largest: int = 65507
    authentication: str = "sha"
    privacy: str = "aes128"

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
        return self.message(encoder.encode(pdu), context, reportable, context_engine_id)

    def message(
        self, pdu: bytes, context: str = "", reportable: bool = True, context_engine_id: bytes | None = None, message_id: int = 815
    ) -> bytes:
        """An encoded PDU in a message."""
        scoped = wrap(0x30, octets(self.engine_id if context_engine_id is None else context_engine_id) + octets(context) + pdu)
        flags = (1 if self.auth else 0) | (2 if self.priv else 0) | (4 if reportable else 0)
        fields = (_integer(message_id), _integer(self.largest), octets(bytes([flags])), _integer(3))
        salt = b""
        if self.priv:
            service, key = self._privacy()
            sealed, salt = service.encrypt_data(key, (self.boots, self.time, None), scoped)
            scoped = octets(bytes(sealed))
        digest = bytes(_digest_size(self.authentication)) if self.auth else b""
        security = (octets(self.engine_id), _integer(self.boots), _integer(self.time), octets(self.name), octets(digest))
        parameters = octets(wrap(0x30, b"".join(security) + octets(bytes(salt))))
        whole = wrap(0x30, _integer(3) + wrap(0x30, b"".join(fields)) + parameters + scoped)
        if self.auth:
            service, key = self._authentication()
            whole = bytes(service.authenticate_outgoing_message(key, whole))
        return whole

    def response(self, datagram: bytes) -> Response:
        """A response's PDU; a Report's is told by its one name, an object of usmStats or of the dispatcher."""
        scoped, _ = decoder.decode(self.taken(datagram).scoped, asn1Spec=ScopedPDU())
        pdu = scoped[2].getComponent()
        bindings = [(tuple(name), value) for name, value in v2c.apiPDU.get_varbinds(pdu)]
        return Response(int(pdu[0]), int(pdu[1]), int(pdu[2]), bindings)

    def taken(self, datagram: bytes) -> Taken:
        """A message to this user taken apart; one that says that it is authentic must be."""
        message, rest = decoder.decode(datagram, asn1Spec=SNMPv3Message())
        assert not rest
        header = message[1]
        security, rest = decoder.decode(message[2], asn1Spec=UsmSecurityParameters())
        assert not rest
        if bytes(header[2])[0] & 1:
            service, key = self._authentication()
            service.authenticate_incoming_message(key, security[4], datagram)
        if message[3].getName() == "plaintext":
            scoped = bytes(encoder.encode(message[3][0]))
        else:
            service, key = self._privacy()
            scoped = bytes(service.decrypt_data(key, (security[1], security[2], security[5]), message[3][1]))
        return Taken(
            (int(header[0]), int(header[1]), bytes(header[2]), int(header[3])),
            *(bytes(security[0]), int(security[1]), int(security[2]), bytes(security[3])),
            *(len(security[4]), bytes(security[5]), scoped),
        )

    def _authentication(self) -> tuple[Any, Any]:
        return _authentication(self.authentication, self.auth, self.engine_id)

    def _privacy(self) -> tuple[Any, Any]:
        return _privacy(self.authentication, self.privacy, self.priv, self.engine_id)


@cache
def _authentication(protocol: str, password: str | None, engine_id: bytes) -> tuple[Any, Any]:
    """pysnmp's service of an authentication protocol, and a localised key."""
    service = config.AUTH_SERVICES[AUTHENTICATION[protocol]]
    master = service.hash_passphrase(rfc1902.OctetString(password))
    return service, service.localize_key(master, rfc1902.OctetString(engine_id))


@cache
def _privacy(protocol: str, cipher: str, password: str | None, engine_id: bytes) -> tuple[Any, Any]:
    """The same for a privacy protocol, whose keys an authentication protocol's hash makes."""
    service = config.PRIV_SERVICES[PRIVACY[cipher]]
    master = service.hash_passphrase(AUTHENTICATION[protocol], rfc1902.OctetString(password))
    return service, service.localize_key(AUTHENTICATION[protocol], master, rfc1902.OctetString(engine_id))


def _digest_size(protocol: str) -> int:
    size: int = config.AUTH_SERVICES[AUTHENTICATION[protocol]].digest_length
    return size


def _integer(value: int) -> bytes:
    return number("Integer32", value)


def report_of(response: Response) -> Oid:
    """The counter that a Report carries."""
    assert len(response.bindings) == 1
    return response.bindings[0][0]
