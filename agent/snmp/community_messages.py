"""Snmp room: notifications as messages of version 1 and 2c, and the answers to them, in BER.

RFC 1157 §4, RFC 3416 §3, RFC 3584 §3.2. A notification may have many receivers, and ten thousand may arise at once. So its variable
bindings are encoded once, and the message for a receiver adds a few octets.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from agent.mib.schema import Oid
from agent.mib.values import INTEGER, IP_ADDRESS, OCTET_STRING, number, object_identifier, wrap
from agent.snmp.ber import RESPONSE, SEQUENCE, TRAP_V1, VERSION_1, VERSION_2C, NotRecognisedError, number_at, value_at
from agent.snmp.notifications import Notification

_SYS_UP_TIME = object_identifier((1, 3, 6, 1, 2, 1, 1, 3, 0))
_SNMP_TRAP_OID = object_identifier((1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0))
_SNMP_TRAPS: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 5)
_ENTERPRISE_SPECIFIC = 6
NO_ERROR = b"\x02\x01\x00\x02\x01\x00"


def v2_bindings(notification: Notification, up_time: int) -> bytes:
    """The variable bindings of a notification (RFC 3416 §4.2.6): sysUpTime in hundredths of a second, its name, its objects."""
    first = wrap(SEQUENCE, _SYS_UP_TIME + number("TimeTicks", up_time))
    second = wrap(SEQUENCE, _SNMP_TRAP_OID + object_identifier(notification.oid))
    return first + second + _objects(notification)


def v2_notification(kind: int, community: bytes, request_id: int, bindings: bytes) -> bytes:
    """A message of version 2c with a TRAP or an INFORM."""
    pdu = number("Integer32", request_id) + NO_ERROR + wrap(SEQUENCE, bindings)
    return _message(VERSION_2C, community, wrap(kind, pdu))


def v1_trap(community: bytes, notification: Notification, up_time: int, agent_address: IPv4Address) -> bytes:
    """The same notification as a trap of version 1 (RFC 3584 §3.2)."""
    oid = notification.oid
    if oid[:-1] == _SNMP_TRAPS:
        enterprise, generic, specific = _SNMP_TRAPS, oid[-1] - 1, 0
    else:
        enterprise = oid[:-2] if oid[-2] == 0 else oid[:-1]
        generic, specific = _ENTERPRISE_SPECIFIC, oid[-1]
    pdu = (
        object_identifier(enterprise)
        + wrap(IP_ADDRESS, agent_address.packed)
        + number("Integer32", generic)
        + number("Integer32", specific)
        + number("TimeTicks", up_time)
        + wrap(SEQUENCE, _objects(notification))
    )
    return _message(VERSION_1, community, wrap(TRAP_V1, pdu))


def read_answer(datagram: bytes) -> tuple[bytes, int] | None:
    """The community and the request-id of a Response of version 2c; None of whatever else the octets are."""
    try:
        at, end = value_at(datagram, 0, SEQUENCE)
        version, at = number_at(datagram, at)
        begin, at = value_at(datagram, at, OCTET_STRING)
        community = datagram[begin:at]
        pdu, pdu_end = value_at(datagram, at, RESPONSE)
        request_id, _ = number_at(datagram, pdu)
    except (IndexError, NotRecognisedError):
        return None
    return (community, request_id) if version == VERSION_2C and end == pdu_end == len(datagram) else None


def _objects(notification: Notification) -> bytes:
    return b"".join(wrap(SEQUENCE, object_identifier(each.oid) + each.value) for each in notification.objects)


def _message(version: int, community: bytes, pdu: bytes) -> bytes:
    return wrap(SEQUENCE, bytes((INTEGER, 1, version)) + wrap(OCTET_STRING, community) + pdu)
