"""Flow room: writes a record as one line of JSON, and reads it back.

`{"record": "IkeTunnelEnded", …}`: the record's kind, then its fields by name. Octets are hexadecimal, an enumeration is its value.
An unknown field is ignored, and a missing one takes its default, so that two versions understand each other. A field's type alone
says how it is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import MappingProxyType, NoneType
from typing import Any, cast, get_args, get_origin, get_type_hints

from agent.flow.records import FlowRecord

_KINDS: Mapping[str, Any] = MappingProxyType({kind.__name__: kind for kind in get_args(FlowRecord)})
_PLAIN = (int, str, bool)
_ADDRESSES = {IPv4Address, IPv6Address}
Reader = Callable[[Any], Any]


class RecordError(ValueError):
    """A line is no record; the text says why."""


def encode_record(record: FlowRecord) -> str:
    """The record as one line, without its end."""
    return json.dumps({"record": type(record).__name__, **_plain(record)}, separators=(",", ":"))


def decode_record(line: str) -> FlowRecord:
    """The record of a line. Raises RecordError."""
    try:
        found = json.loads(line)
        kind = _KINDS[found["record"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise RecordError("not an object of JSON with a known kind of record") from None
    try:
        record: FlowRecord = _dataclass_reader(kind)(found)
    except (ValueError, TypeError, AttributeError) as error:
        raise RecordError(f"{kind.__name__}: {error}") from None
    return record


def _plain(value: Any) -> Any:
    """A value in JSON's terms."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if type(value) in _ADDRESSES else value


@cache
def _reader(hint: Hashable) -> Reader:
    """What reads a value of a type back from JSON's terms."""
    choices = set(get_args(hint))
    if choices == _ADDRESSES or hint in _ADDRESSES:
        return ip_address
    if NoneType in choices:
        rest = choices - {NoneType}
        read = ip_address if rest == _ADDRESSES else _reader(rest.pop())
        return lambda value: None if value is None else read(value)
    if get_origin(hint) is tuple:
        return _tuple_reader(get_args(hint))
    if isinstance(hint, type) and is_dataclass(hint):
        return _dataclass_reader(hint)
    if hint is bytes:
        return bytes.fromhex
    return _plain_reader(hint) if hint in _PLAIN else cast(Reader, hint)  # an enumeration reads its value itself


def _plain_reader(kind: type[Any]) -> Reader:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"needs {kind.__name__}, not {value!r}")
        return value

    return read


def _tuple_reader(hints: tuple[Any, ...]) -> Reader:
    if hints[1:] == (...,):
        each = _reader(hints[0])
        return lambda values: tuple(map(each, values))
    readers = [_reader(hint) for hint in hints]
    return lambda values: tuple(read(value) for read, value in zip(readers, values, strict=True))


@cache
def _dataclass_reader(kind: type[Any]) -> Reader:
    hints = get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name]) for field in fields(kind)}
    needed = {field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING}

    def read(values: Any) -> Any:
        missing = needed - values.keys()
        if missing:
            raise ValueError(f"lacks {', '.join(sorted(missing))}")
        return kind(**{name: read_field(values[name]) for name, read_field in readers.items() if name in values})

    return read
