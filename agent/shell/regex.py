"""Shell room: IOS regular expressions, as the output modifiers take them.

They are POSIX-like: `_` stands for a blank, a comma, a brace, a parenthesis or an end of the line; braces and letters after a
backslash have no meaning of their own. A pattern is rewritten for `re`, which would read some of that otherwise.
"""

from __future__ import annotations

import re

_QUANTIFIERS = "*+?"
_DELIMITER = r"(?:^|$|[ ,{}()])"


class RegexError(ValueError):
    """A pattern that is no regular expression."""


def compile_regex(pattern: str) -> re.Pattern[str]:
    """The pattern, to be searched for in a line; raises RegexError."""
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        taken, part = _piece(pattern, at)
        parts.append(part)
        at += taken
    try:
        return re.compile("".join(parts))
    except re.error as error:
        raise RegexError(str(error)) from error


def _piece(pattern: str, at: int) -> tuple[int, str]:
    """The next piece of a pattern: characters taken, and what `re` calls it."""
    char = pattern[at]
    if char == "\\":
        escaped = pattern[at + 1 : at + 2]
        if not escaped:
            raise RegexError("a backslash at the end")
        return 2, f"(?:\\{escaped})" if escaped in "123456789" else re.escape(escaped)
    if char == "[":
        return _bracket(pattern, at)
    if char == "_":
        return 1, _DELIMITER
    if char in _QUANTIFIERS:
        return _quantifier(pattern, at)
    if char == "(" and pattern[at + 1 : at + 2] == "?":
        raise RegexError("nothing to repeat")  # to `re` it would open an extension
    return 1, char if char in ".^$|()" else re.escape(char)


def _bracket(pattern: str, at: int) -> tuple[int, str]:
    first = at + 2 if pattern[at + 1 : at + 2] == "^" else at + 1
    end = pattern.find("]", first + 1)
    if end < 0:
        raise RegexError("a bracket is not closed")
    inside = re.sub(r"([\[\]\\&~|])", r"\\\1", pattern[first:end])
    return end + 1 - at, f"[{'^' if first == at + 2 else ''}{inside}]"


def _quantifier(pattern: str, at: int) -> tuple[int, str]:
    """A run of quantifiers, each of which repeats what is before it: to `re`, `*?` and `*+` would be something else."""
    run = re.compile(r"[*+?]+").match(pattern, at)
    assert run is not None  # the caller has seen one
    kinds = set(run[0])
    return len(run[0]), kinds.pop() if len(kinds) == 1 else "*"
