"""Shell room: the IOS regular expressions of output modifiers.

They are POSIX-like. `_` stands for itself, a blank, a comma, a brace, a parenthesis or an end of the line. Braces, and letters
after a backslash, have no special meaning. A pattern is rewritten for RE2, which has other rules.

RE2 searches in time linear in the line, whatever the pattern, so no pattern can hold the lab. Back-references, which an automaton
cannot do, are refused.
"""

from __future__ import annotations

import re
from typing import Any

import re2

LONGEST_PATTERN = 254  # characters: as long as a line that IOS takes

_QUANTIFIERS = "*+?"
_SURROGATE = re.compile("[\ud800-\udfff]")  # what stands for octets that are no UTF-8; RE2 takes none
_DELIMITER = r"(?:^|$|[ ,{}()_])"


class RegexError(ValueError):
    """A pattern that is no regular expression."""


class Regex:
    """A pattern that is compiled."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    def matches(self, line: str) -> bool:
        """Whether the pattern is found somewhere in a line."""
        return self._compiled.search(_plain(line)) is not None


def compile_regex(pattern: str) -> Regex:
    """The pattern, to be searched for in a line; raises RegexError."""
    if len(pattern) > LONGEST_PATTERN:
        raise RegexError(f"longer than {LONGEST_PATTERN} characters")
    pattern = _plain(pattern)
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        taken, part = _piece(pattern, at)
        parts.append(part)
        at += taken
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    try:
        return Regex(re2.compile("".join(parts), options))
    except re2.error as error:
        raise RegexError(str(error)) from error


def _plain(text: str) -> str:
    """Text that has a UTF-8 encoding: an octet that was none is its Latin-1 character, any other surrogate U+FFFD."""
    return _SURROGATE.sub(lambda found: chr(octet) if 0x80 <= (octet := ord(found[0]) - 0xDC00) <= 0xFF else "\ufffd", text)


def _piece(pattern: str, at: int) -> tuple[int, str]:
    """The next piece of a pattern: characters taken, and what RE2 calls it."""
    char = pattern[at]
    if char == "\\":
        escaped = pattern[at + 1 : at + 2]
        if not escaped:
            raise RegexError("a backslash at the end")
        if escaped in "123456789":
            raise RegexError("a reference back to a group")
        return 2, re2.escape(escaped)
    if char == "[":
        return _bracket(pattern, at)
    if char == "_":
        return 1, _DELIMITER
    if char in _QUANTIFIERS:
        return _quantifier(pattern, at)
    if char == "(" and pattern[at + 1 : at + 2] == "?":
        raise RegexError("nothing to repeat")  # to RE2 it would open an extension
    return 1, char if char in ".^$|()" else re2.escape(char)


def _bracket(pattern: str, at: int) -> tuple[int, str]:
    first = at + 2 if pattern[at + 1 : at + 2] == "^" else at + 1
    end = pattern.find("]", first + 1)
    if end < 0:
        raise RegexError("a bracket is not closed")
    inside = re.sub(r"([\[\]\\&~|])", r"\\\1", pattern[first:end])
    return end + 1 - at, f"[{'^' if first == at + 2 else ''}{inside}]"


def _quantifier(pattern: str, at: int) -> tuple[int, str]:
    """A run of quantifiers, each of which repeats what is before it: to RE2, `*?` and `*+` would be something else."""
    run = re.compile(r"[*+?]+").match(pattern, at)
    assert run is not None  # the caller has seen one
    kinds = set(run[0])
    return len(run[0]), kinds.pop() if len(kinds) == 1 else "*"
