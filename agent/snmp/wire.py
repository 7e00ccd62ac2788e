"""Snmp room: values between the tree's octets and pysnmp's objects (RFC 3416 §3, RFC 1157 §4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pysnmp.proto import rfc1155, rfc1902, rfc1905

from agent.mib.schema import Oid
from agent.mib.setting import Assignment, Value
from agent.mib.values import (
    COUNTER32,
    COUNTER64,
    END_OF_MIB_VIEW,
    GAUGE32,
    INTEGER,
    IP_ADDRESS,
    NO_SUCH_INSTANCE,
    NO_SUCH_OBJECT,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    TIME_TICKS,
    content_at,
    decode_name,
)


def _signed(content: bytes) -> int:
    return int.from_bytes(content, "big", signed=True)


def _oid(content: bytes) -> Oid:
    name = decode_name(content)
    if name is None:
        raise ValueError("an object identifier that no view can have made")
    return name


_CONTENT: dict[int, Callable[[bytes], Any]] = {
    INTEGER: _signed,
    OCTET_STRING: bytes,
    OBJECT_IDENTIFIER: _oid,
    IP_ADDRESS: bytes,
    COUNTER32: _signed,
    GAUGE32: _signed,
    TIME_TICKS: _signed,
    COUNTER64: _signed,
}
_VERSION_2: dict[int, Callable[[Any], Any]] = {
    INTEGER: rfc1902.Integer32,
    OCTET_STRING: rfc1902.OctetString,
    OBJECT_IDENTIFIER: rfc1902.ObjectIdentifier,
    IP_ADDRESS: rfc1902.IpAddress,
    COUNTER32: rfc1902.Counter32,
    GAUGE32: rfc1902.Gauge32,
    TIME_TICKS: rfc1902.TimeTicks,
    COUNTER64: rfc1902.Counter64,
}
_VERSION_1: dict[int, Callable[[Any], Any]] = {
    INTEGER: rfc1155.univ.Integer,
    OCTET_STRING: rfc1155.univ.OctetString,
    OBJECT_IDENTIFIER: rfc1155.univ.ObjectIdentifier,
    IP_ADDRESS: rfc1155.IpAddress,
    COUNTER32: rfc1155.Counter,
    GAUGE32: rfc1155.Gauge,
    TIME_TICKS: rfc1155.TimeTicks,
}
_EXCEPTIONS = {
    NO_SUCH_OBJECT: rfc1905.noSuchObject,
    NO_SUCH_INSTANCE: rfc1905.noSuchInstance,
    END_OF_MIB_VIEW: rfc1905.endOfMibView,
}


def pysnmp_value(encoded: bytes, version_1: bool = False) -> Any:
    """pysnmp's object for a value that the tree gave encoded. KeyError of one that the version does not have."""
    exception = _EXCEPTIONS.get(encoded)
    if exception is not None:
        return exception
    tag = encoded[0]
    begin, end = content_at(encoded, 0)
    return (_VERSION_1 if version_1 else _VERSION_2)[tag](_CONTENT[tag](encoded[begin:end]))


def assignment(name: Any, value: Any) -> Assignment:
    """A SET's binding from what pysnmp decoded. A value of no type that an object can have becomes one that no object has."""
    tag = value.tagSet.superTags[-1]
    number = tag.tagClass | tag.tagId
    return Assignment(tuple(name), number, _python(number, value))


def _python(tag: int, value: Any) -> Value:
    if tag in (INTEGER, COUNTER32, GAUGE32, TIME_TICKS, COUNTER64):
        return int(value)
    if tag == OBJECT_IDENTIFIER:
        return tuple(value)
    return bytes(value) if value.hasValue() and hasattr(value, "asOctets") else None
