"""Config room: texts between delimiters, `banner motd ^C … ^C`, which may go over several lines, none of them a command."""

from __future__ import annotations

import re

_DELIMITER = r"(\^C|[^\w\s]|\w(?=\s|$))"  # a letter only where it stands alone: `banner motd Welcome` would end at the next W
_KIND = re.compile(r"\s*banner +(?:exec|incoming|login|motd|prompt-timeout|slip-ppp)(?=\s|$)")
_OF_THE_ROUTER = re.compile(rf"{_KIND.pattern}\s+{_DELIMITER}")
_OF_A_GROUP = re.compile(rf"\s*banner +{_DELIMITER}")


def is_banner(line: str) -> bool:
    """Whether a line begins a banner of the router's own, which no mode but the outermost has."""
    return _KIND.match(line) is not None


def missing_delimiter(line: str, mode: str) -> str | None:
    """What the lines after this one have to end with, where it begins a text and does not end it."""
    found = _OF_THE_ROUTER.match(line) or (_OF_A_GROUP.match(line) if mode == "isakmp-group" else None)
    return found[1] if found and found[1] not in line[found.end() :] else None
