"""Lab room: finds the line of a key in a TOML file, which the standard library's reader does not report."""

from __future__ import annotations

import re
import tomllib
from typing import Any

Key = tuple[int | str, ...]  # `at[10].run` is ("at", 10, "run")
_INDEX = re.compile(r"\[([0-9]+)\]")


def line_of(text: str, key: str) -> int:
    """The number of the line that begins the value of a key such as `at[10].run`, or of as much of it as there is; 0 for nothing.

    The lines of a file up to the end of a value are valid TOML. So the key is in the shortest such beginning that has it, and its
    value begins after the beginning before that one.
    """
    lines = text.split("\n")
    found = _parts(_read(lines), key)
    if not found:
        return 0
    before, after = 0, len(lines)  # a beginning without the key, one with it
    while before + 1 < after:
        number = (before + after) // 2
        while number < after and (beginning := _read(lines[:number])) is None:
            number += 1  # it ended within a value
        if number < after and beginning is not None and not _has(beginning, found):
            before = number
        elif number < after:
            after = number
        else:
            # From the middle on all lines are within one value: search before it.
            middle = (before + after) // 2
            while middle > before and _read(lines[:middle]) is None:
                middle -= 1
            if middle == before or not _has(_read(lines[:middle]) or {}, found):
                return middle + 1
            after = middle
    return before + 1


def _read(lines: list[str]) -> dict[str, Any] | None:
    """The content of some lines; None if they are not valid TOML."""
    try:
        return tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError:
        return None


def _has(value: Any, key: Key) -> bool:
    for part in key:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _parts(value: Any, key: str) -> Key:
    """The parts of a key that a value has. A name may contain dots; the longest existing name counts."""
    parts: list[int | str] = []
    while key:
        if isinstance(value, dict):
            names = (name for name in value if key == name or key.startswith((f"{name}.", f"{name}[")))
            name = max(names, key=len, default=None)
            if name is None:
                break
            parts.append(name)
            value, key = value[name], key[len(name) :].removeprefix(".")
        elif isinstance(value, list) and (index := _INDEX.match(key)) and int(index[1]) < len(value):
            parts.append(int(index[1]))
            value, key = value[int(index[1])], key[index.end() :].removeprefix(".")
        else:
            break
    return tuple(parts)
