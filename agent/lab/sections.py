"""Lab room: the sections of a lab file and the values of their keys; what is wrong with one says what would be right."""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from agent.flow.clock import SECOND

_UNITS = {"us": 1, "ms": 1000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86400 * SECOND}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|m|h|d)")
_DOTTED = re.compile(r"[0-9]{1,10}(\.[0-9]{1,10})+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def parse_duration(value: object) -> int:
    """ "2ms", "1.5s", "3m" → microseconds."""
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError('a time with its unit, such as "2ms", "5s", "10m" or "1h"')
    return round(float(found[1]) * _UNITS[found[2]])


def _address(value: object) -> IPv4Address:
    try:
        return IPv4Address(value) if isinstance(value, str) else IPv4Address(None)
    except ValueError:
        raise ValueError('an IPv4 address, such as "10.1.1.1"') from None


def _end(value: object) -> tuple[str, str]:
    """ "router:interface"."""
    router, colon, interface = value.partition(":") if isinstance(value, str) else ("", "", "")
    if not (router and colon and interface):
        raise ValueError('a router and its interface, such as "hub:Serial1/0.1"')
    return router, interface


def _endpoint(value: object) -> tuple[str, int]:
    """ "HOST:PORT" or "[HOST]:PORT"."""
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    if not host or (":" in host) is not bracketed or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError('an address and port, such as "127.0.0.1:1161" or "[::1]:1161"')
    return host, int(port)


def _object_id(value: object) -> str:
    numbers = [int(each) for each in value.split(".")] if isinstance(value, str) and _DOTTED.fullmatch(value) else []
    # X.690 §8.19.4: the first two share an octet; RFC 2578 §3.5: each below 2^32, at most 128.
    bounded = 2 <= len(numbers) <= 128 and max(numbers) < 1 << 32
    if not bounded or numbers[0] > 2 or (numbers[0] < 2 and numbers[1] > 39):
        raise ValueError('an object identifier, such as "1.3.6.1.4.1.9.1.436"')
    return str(value)


def _router_name(value: object) -> str:
    """A router's name is also the beginning of its files' names in the state directory."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError("a name of letters, digits, '-', '_' and '.' that begins with a letter or digit")
    return value


Duration = Annotated[int, BeforeValidator(parse_duration)]
RouterName = Annotated[str, BeforeValidator(_router_name)]
Probability = Annotated[float, Field(ge=0, le=1)]
End = Annotated[tuple[str, str], BeforeValidator(_end)]
Endpoint = Annotated[tuple[str, int], BeforeValidator(_endpoint)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RouterSection(Section):
    """[router.NAME]"""

    config: str
    snmp: list[Endpoint] = []
    sysdescr: str | None = None
    sysobjectid: Annotated[str, BeforeValidator(_object_id)] = "0.0"


class LinkSection(Section):
    """[[link]]: times in microseconds, the rest probabilities."""

    ends: Annotated[list[End], Field(min_length=2, max_length=2)]
    delay: Duration = 0
    jitter: Duration = 0
    loss: Probability = 0.0
    duplicate: Probability = 0.0
    reorder: Probability = 0.0
    corrupt: Probability = 0.0


class HostSection(Section):
    """[[host]]"""

    address: Annotated[IPv4Address, BeforeValidator(_address)]
    behind: End


class AtSection(Section):
    """[[at]]"""

    time: Duration
    router: str
    run: str


class LabFile(Section):
    """A lab file. `seed` counts under a virtual clock alone: otherwise random octets are the system's."""

    router: Annotated[dict[RouterName, RouterSection], Field(min_length=1)]
    link: list[LinkSection] = []
    host: list[HostSection] = []
    at: list[AtSection] = []
    external_traffic: bool = False
    seed: int | None = None
