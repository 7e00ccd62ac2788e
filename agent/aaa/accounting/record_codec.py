"""Aaa room: the attributes of an accounting record as JSON, and back. The spool keeps them so on disk.

`[["Acct-Session-Id", "00000001"], ["NAS-Port", 0], ["Class", {"octets": "c0ffee"}]]`: octets are hexadecimal.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from agent.aaa.radius.values import Attribute


class CodecError(ValueError):
    """A text holds no attributes."""


def _octets(value: Any) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"octets": value.hex()}
    raise TypeError(f"an attribute's value is a {type(value).__name__}")


_encode = json.JSONEncoder(separators=(",", ":"), default=_octets, check_circular=False).encode


def attributes_text(attributes: Sequence[Attribute]) -> str:
    """The attributes as one line of JSON."""
    return _encode(attributes)


def attributes_of(text: str) -> tuple[Attribute, ...]:
    """The attributes of a text. Raises CodecError."""
    try:
        return tuple(
            Attribute(name, bytes.fromhex(value["octets"]) if isinstance(value, dict) else value)
            for name, value in json.loads(text)
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        raise CodecError("not a list of attributes in JSON") from None
