"""Config room: command patterns as text.

    snmp-server community <name:word> ~ [view <view:word>] [access={RO|RW}] [<acl:word>]

`word` a keyword; `<name:type(parameters)>` an argument; `{a | b}` one of several; `[a]` or `[a | b]` at most one; `[a]*` any
number, `{a}*` at least one; `name={a|b}` binds the keyword that was chosen; after `~` the `no` form may end; at `...` IOS takes
words that no pattern here has, so that an unknown one there is not a wrong one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keyword:
    text: str
    bind: str | None = None


@dataclass(frozen=True, slots=True)
class Argument:
    name: str
    type_name: str
    parameters: str


@dataclass(frozen=True, slots=True)
class Group:
    """Alternatives; `least` 0 or 1 of them, and again where `repeated`."""

    options: tuple[tuple[Item, ...], ...]
    least: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """The `no` form may end here."""


@dataclass(frozen=True, slots=True)
class Open:
    """IOS takes more here than the patterns say."""


Item = Keyword | Argument | Group | Cut | Open

_TOKEN = re.compile(r"\s*(<[^>]+>|[\w-]+=(?=\{)|[\]}]\*?|[{\[|~]|[^\s{}\[\]|<>~]+)")
_ARGUMENT = re.compile(r"<([\w-]+):([\w-]+)(?:\(([^)]*)\))?>$")


def parse_pattern(text: str) -> tuple[Item, ...]:
    """The items of a pattern; ValueError where it is malformed."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s+", "", text):
        raise ValueError(f"malformed pattern: {text}")
    options, position, closing = _options(tokens, 0, None)
    if closing or position != len(tokens) or len(options) != 1:
        raise ValueError(f"unbalanced pattern: {text}")
    return options[0]


def _options(tokens: list[str], position: int, bind: str | None) -> tuple[tuple[tuple[Item, ...], ...], int, str]:
    """Alternatives up to a closing bracket (returned) or the end of the pattern ("")."""
    options: list[tuple[Item, ...]] = []
    items: list[Item] = []
    bound = bind
    while position < len(tokens):
        token = tokens[position]
        position += 1
        if token[0] in "]}":
            options.append(tuple(items))
            return tuple(options), position, token
        if token == "|":
            options.append(tuple(items))
            items = []
        elif token == "~":
            items.append(Cut())
        elif token == "...":
            items.append(Open())
        elif token[0] == "<":
            found = _ARGUMENT.match(token)
            if not found:
                raise ValueError(f"malformed argument: {token}")
            items.append(Argument(found[1], found[2], found[3] or ""))
        elif token.endswith("=") and position < len(tokens) and tokens[position] == "{":
            inner, position, closing = _options(tokens, position + 1, token[:-1])
            items.append(Group(inner, 1, closing.endswith("*")))
        elif token in ("{", "["):
            inner, position, closing = _options(tokens, position, bound)
            if not closing:
                raise ValueError("a bracket is not closed")
            items.append(Group(inner, 1 if token == "{" else 0, closing.endswith("*")))
        else:
            items.append(Keyword(token, bound))
    options.append(tuple(items))
    return tuple(options), position, ""
