"""Notifications of version 1 and 2c, octet for octet as pysnmp encodes them, and what is taken for an answer to an inform."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest
from pyasn1.codec.ber import encoder
from pysnmp.proto import rfc1902
from pysnmp.proto.api import v1, v2c
from pysnmp.proto.proxy import rfc2576

from agent.mib.values import number
from agent.snmp.ber import INFORM, TRAP_V2
from agent.snmp.community_messages import read_answer, v1_trap, v2_bindings, v2_notification
from agent.snmp.notifications import Instance, Notification
from tests.snmp.fakes import SIZE

CISCO = (1, 3, 6, 1, 4, 1, 9, 9, 171, 2, 0, 7)
STANDARD = tuple((1, 3, 6, 1, 6, 3, 1, 1, 5, last) for last in range(1, 6))
AGENT = IPv4Address("10.1.38.25")


def told(oid: tuple[int, ...]) -> Notification:
    return Notification("fakeEvent", oid, None, "snmp", (Instance("fakeSize", SIZE, number("Integer32", -5)),))


def pysnmps(api: Any, community: bytes, pdu: Any) -> bytes:
    message = api.Message()
    api.apiMessage.set_defaults(message)
    api.apiMessage.set_community(message, community)
    api.apiMessage.set_pdu(message, pdu)
    return encoder.encode(message)


def pysnmps_pdu(kind: Any, oid: tuple[int, ...], *more: Any) -> Any:
    pdu = kind()
    v2c.apiPDU.set_defaults(pdu)
    bindings = [
        (v2c.apiTrapPDU.sysUpTime, rfc1902.TimeTicks(2**32 - 1)),
        (v2c.apiTrapPDU.snmpTrapOID, rfc1902.ObjectIdentifier(oid)),
        (SIZE, rfc1902.Integer32(-5)),
        *more,
    ]
    v2c.apiPDU.set_varbinds(pdu, bindings)
    return pdu


@pytest.mark.parametrize("oid", [CISCO, *STANDARD, (1, 3, 6, 1, 4, 1, 9, 1)])
def test_a_notification_is_encoded_as_pysnmp_does(oid: tuple[int, ...]) -> None:
    bindings = v2_bindings(told(oid), 2**32 - 1)
    for tag, kind in ((TRAP_V2, v2c.SNMPv2TrapPDU), (INFORM, v2c.InformRequestPDU)):
        pdu = pysnmps_pdu(kind, oid)
        v2c.apiPDU.set_request_id(pdu, 2**31 - 1)
        assert v2_notification(tag, b"public", 2**31 - 1, bindings) == pysnmps(v2c, b"public", pdu)
    agent = (v2c.apiTrapPDU.snmpTrapAddress, rfc1902.IpAddress(str(AGENT)))
    old = rfc2576.v2_to_v1(pysnmps_pdu(v2c.SNMPv2TrapPDU, oid, agent))
    assert v1_trap(b"public", told(oid), 2**32 - 1, AGENT) == pysnmps(v1, b"public", old)


def test_a_response_of_version_2c_alone_is_an_answer() -> None:
    pdu = v2c.GetResponsePDU()
    v2c.apiPDU.set_defaults(pdu)
    v2c.apiPDU.set_request_id(pdu, 70_000)
    answer = pysnmps(v2c, b"public", pdu)
    assert read_answer(answer) == (b"public", 70_000)
    assert read_answer(pysnmps(v2c, b"public", pysnmps_pdu(v2c.InformRequestPDU, CISCO))) is None
    assert read_answer(answer.replace(b"\x02\x01\x01", b"\x02\x01\x00", 1)) is None  # version 1 has no informs
    for cut in range(len(answer)):
        assert read_answer(answer[:cut]) is None
    assert read_answer(answer + b"\0") is None
