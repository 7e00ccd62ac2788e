"""Lab room: the lab file: TOML that names the routers, links, hosts and timeline (`sections` has its keys).

Every key is checked. An error names the key and what would be right.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from agent.base.errors import UserError
from agent.base.printable import printable
from agent.config.document import examine
from agent.lab.labfile.sections import (
    AtSection,
    HostSection,
    LabFile,
    LinkSection,
    PeerSection,
    RouterSection,
    Section,
    SpokesSection,
    TrafficSection,
)
from agent.lab.labfile.toml_lines import line_of


class LabFileError(UserError):
    """All errors of a lab file, one line each, with file and key, and the key's line if it is known."""

    def __init__(self, filename: str, problems: Sequence[tuple[str, str]], lines: Sequence[int] = ()) -> None:
        places = [f"{filename}:{line}" if line else filename for line in lines] or [filename] * len(problems)
        told = (printable(f"{place}: {key}: {message}") for place, (key, message) in zip(places, problems, strict=True))
        super().__init__("\n".join(told))
        self.filename = filename
        self.problems = tuple(problems)

    def located(self, text: str) -> LabFileError:
        """The same errors with the lines of the keys."""
        return LabFileError(self.filename, self.problems, [_line_of(text, key, message) for key, message in self.problems])


class ConfigurationGivenError(LabFileError):
    """The file given as a lab file is a router's configuration."""

    def __init__(self, filename: str) -> None:
        Exception.__init__(self, f"{filename}: is no lab file (TOML), but a configuration: run it with --config {filename}")
        self.filename = filename
        self.problems = ()

    def located(self, text: str) -> LabFileError:
        return self


_TOML = "TOML"  # in place of a key, if the file is not TOML
_POSITION = re.compile(r"line ([0-9]+), column")


def _line_of(text: str, key: str, message: str) -> int:
    if key == _TOML:
        position = _POSITION.search(message)
        return int(position[1]) if position else len(text.rstrip("\n").split("\n"))
    return line_of(text, key)


# What would be right, for each kind of pydantic error.
_RIGHT = {
    "too_short": "at least {min_length}, not {actual_length}",
    "too_long": "at most {max_length}, not {actual_length}",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "string_too_long": "text of at most {max_length} characters",
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "greater_than_equal": "a number of at least {ge}",
    "less_than_equal": "a number of at most {le}",
    "greater_than": "a number above {gt}",
    "literal_error": "{expected}",
}

_KEYS: dict[str, type[Section]] = {
    "router": RouterSection,
    "link": LinkSection,
    "host": HostSection,
    "peer": PeerSection,
    "traffic": TrafficSection,
    "at": AtSection,
    "spokes": SpokesSection,
}


def parse_lab_file(text: str, filename: str) -> LabFile:
    """Read a lab file's text. Raises LabFileError with all errors."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        if Path(filename).suffix == ".cfg" or examine(text).understood:
            raise ConfigurationGivenError(filename) from None
        raise LabFileError(filename, [(_TOML, str(error))]) from None
    except RecursionError:
        raise LabFileError(filename, [(_TOML, "needs fewer lists or tables within each other")]) from None
    except ValueError:  # Python's own bound on the digits of a number
        raise LabFileError(filename, [(_TOML, "needs numbers of fewer digits")]) from None
    try:
        lab = LabFile.model_validate(data)
    except ValidationError as error:
        raise LabFileError(filename, [_explain(problem) for problem in error.errors()]) from None
    problems = _unknown_routers(lab) or _half_underlays(lab) or _same_peers(lab)
    if problems:
        raise LabFileError(filename, problems)
    return lab


def _key(location: tuple[int | str, ...]) -> str:
    """`router.hub.snmp[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


def _explain(problem: Any) -> tuple[str, str]:
    location, kind = problem["loc"], problem["type"]
    if location[-1] == "[key]":
        location = location[:-1]
    key = _key(location)
    if kind == "extra_forbidden":
        return key, f"is not a key; there are {', '.join(_section_of(location).model_fields)}"
    if kind == "missing":
        return key, "is missing"
    if kind == "value_error":
        return key, f"needs {problem['ctx']['error']}"
    if kind in _RIGHT:
        return key, f"needs {_RIGHT[kind]}".format(**problem.get("ctx", {}))
    message = problem["msg"]
    return key, message[0].lower() + message[1:]


def _section_of(location: tuple[int | str, ...]) -> type[Section]:
    """The section of a key."""
    section: type[Section] = LabFile
    for part in location[:-1]:
        annotation = (
            _KEYS.get(str(part)) if section is LabFile else getattr(section.model_fields.get(str(part)), "annotation", None)
        )
        kind = (get_args(annotation) or (annotation,))[-1]  # of a table of sections, theirs
        if isinstance(kind, type) and issubclass(kind, Section):
            section = kind
    return section


def _unknown_routers(lab: LabFile) -> list[tuple[str, str]]:
    named = [(f"link[{at}].ends[{side}]", end[0]) for at, link in enumerate(lab.link) for side, end in enumerate(link.ends)]
    named += [(f"host[{at}].behind", host.behind[0]) for at, host in enumerate(lab.host)]
    named += [(f"peer[{at}].behind", peer.behind[0]) for at, peer in enumerate(lab.peer)]
    named += [(f"at[{at}].router", entry.router) for at, entry in enumerate(lab.at) if entry.router is not None]
    named += [(f"at[{at}].link", entry.link[0]) for at, entry in enumerate(lab.at) if entry.link is not None]
    for at, traffic in enumerate(lab.traffic):
        places = {"source": traffic.source, "destination": traffic.destination, "behind": traffic.behind}
        named += [(f"traffic[{at}].{key}", place[0]) for key, place in places.items() if isinstance(place, tuple)]
    named += [(f"spokes[{at}].hub", spokes.hub[0]) for at, spokes in enumerate(lab.spokes)]
    known = ", ".join(lab.router)
    message = "names router {}, which is not in the file; there are {}"
    return [(key, message.format(name, known)) for key, name in named if name not in lab.router]


def _half_underlays(lab: LabFile) -> list[tuple[str, str]]:
    """Errors of real peers whose router has no sockets, and of `nat` without `ike`."""
    problems = [
        (f"peer[{at}].behind", f"names router {peer.behind[0]}, which needs `ike`, the real address and port of its IKE")
        for at, peer in enumerate(lab.peer)
        if lab.router[peer.behind[0]].ike is None
    ]
    return problems + [
        (f"router.{name}.nat", "needs `ike` beside it")
        for name, section in lab.router.items()
        if section.nat is not None and section.ike is None
    ]


def _same_peers(lab: LabFile) -> list[tuple[str, str]]:
    """Errors of real peers of a router with the same address, in the lab or really."""
    seen: dict[object, int] = {}
    problems: dict[int, tuple[str, str]] = {}
    for at, peer in enumerate(lab.peer):
        router = peer.behind[0]
        places = {"address": (peer.behind, peer.address), "ike": (router, peer.real_ike), "nat": (router, peer.real_nat)}
        for key, place in places.items():
            if (first := seen.setdefault(place, at)) != at:
                problems.setdefault(at, (f"peer[{at}].{key}", f"is one of peer[{first}], too; each peer needs its own"))
    return list(problems.values())
