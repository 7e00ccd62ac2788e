"""Lab room: the lab file: TOML that names the routers, links, hosts and timeline.

Every key is checked; an error says which, and what would be right.
"""

from __future__ import annotations

import re
import tomllib
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from agent.flow.clock import SECOND

_UNITS = {"us": 1, "ms": 1000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86400 * SECOND}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|m|h|d)")
_DOTTED = re.compile(r"[0-9]{1,10}(\.[0-9]{1,10})+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_NOT_YET = {"traffic", "spokes", "fault", "ike", "ssh", "peer"}  # of later releases


class LabFileError(Exception):
    """Everything that is wrong with a lab file: one line each, naming file and key."""

    def __init__(self, filename: str, problems: list[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{filename}: {key}: {message}" for key, message in problems))
        self.filename = filename
        self.problems = tuple(problems)


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


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RouterSection(_Section):
    """[router.NAME]"""

    config: str
    snmp: list[Endpoint] = []
    sysdescr: str | None = None
    sysobjectid: Annotated[str, BeforeValidator(_object_id)] = "0.0"


class LinkSection(_Section):
    """[[link]]: times in microseconds, the rest probabilities."""

    ends: Annotated[list[End], Field(min_length=2, max_length=2)]
    delay: Duration = 0
    jitter: Duration = 0
    loss: Probability = 0.0
    duplicate: Probability = 0.0
    reorder: Probability = 0.0
    corrupt: Probability = 0.0


class HostSection(_Section):
    """[[host]]"""

    address: Annotated[IPv4Address, BeforeValidator(_address)]
    behind: End


class AtSection(_Section):
    """[[at]]"""

    time: Duration
    router: str
    run: str


class LabFile(_Section):
    """A lab file. `seed` counts under a virtual clock alone: otherwise random octets are the system's."""

    router: Annotated[dict[RouterName, RouterSection], Field(min_length=1)]
    link: list[LinkSection] = []
    host: list[HostSection] = []
    at: list[AtSection] = []
    external_traffic: bool = False
    seed: int | None = None


# What would be right, by pydantic's kind of error.
_RIGHT = {
    "too_short": "at least {min_length}, not {actual_length}",
    "too_long": "at most {max_length}, not {actual_length}",
    "list_type": "a list",
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "greater_than_equal": "a number of at least {ge}",
    "less_than_equal": "a number of at most {le}",
}

_KEYS: dict[str, type[_Section]] = {
    "router": RouterSection,
    "link": LinkSection,
    "host": HostSection,
    "at": AtSection,
}


def parse_lab_file(text: str, filename: str) -> LabFile:
    """Read a lab file's text; `LabFileError` with all that is wrong."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LabFileError(filename, [("TOML", str(error))]) from None
    try:
        lab = LabFile.model_validate(data)
    except ValidationError as error:
        raise LabFileError(filename, [_explain(problem) for problem in error.errors()]) from None
    problems = _unknown_routers(lab)
    if problems:
        raise LabFileError(filename, problems)
    return lab


def read_lab_file(path: Path) -> LabFile:
    """Read a lab file; `LabFileError` where it cannot be read or is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LabFileError(str(path), [("file", getattr(error, "strerror", None) or str(error))]) from None
    return parse_lab_file(text, str(path))


def _key(location: tuple[int | str, ...]) -> str:
    """`router.hub.snmp[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


def _explain(problem: Any) -> tuple[str, str]:
    location, kind = problem["loc"], problem["type"]
    if location[-1] == "[key]":
        location = location[:-1]
    key = _key(location)
    if kind == "extra_forbidden":
        if location[-1] in _NOT_YET:
            return key, "is not supported yet"
        section = _KEYS.get(str(location[0])) if len(location) > 1 else LabFile
        return key, f"is not a key; there are {', '.join(section.model_fields if section else ())}"
    if kind == "missing":
        return key, "is missing"
    if kind == "value_error":
        return key, f"needs {problem['ctx']['error']}"
    if kind in _RIGHT:
        return key, f"needs {_RIGHT[kind]}".format(**problem.get("ctx", {}))
    message = problem["msg"]
    return key, message[0].lower() + message[1:]


def _unknown_routers(lab: LabFile) -> list[tuple[str, str]]:
    named = [(f"link[{at}].ends[{side}]", end[0]) for at, link in enumerate(lab.link) for side, end in enumerate(link.ends)]
    named += [(f"host[{at}].behind", host.behind[0]) for at, host in enumerate(lab.host)]
    named += [(f"at[{at}].router", entry.router) for at, entry in enumerate(lab.at)]
    known = ", ".join(lab.router)
    message = "names router {}, which is not in the file; there are {}"
    return [(key, message.format(name, known)) for key, name in named if name not in lab.router]
