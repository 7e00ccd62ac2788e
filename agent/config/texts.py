"""Config room: texts of several lines that are not commands: `banner motd ^C … ^C`, `macro name X … @`.

The kinds are those of the Cisco IOS command references (configuration fundamentals, terminal services, security, smartports). Most
end at the second occurrence of the character that they begin with, a macro at its own mark.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

# A letter delimits only where it stands alone: `banner motd Welcome` would end at the next W.
_MARK = r"(\^C|[^\w\s]|\w(?=\s|$))"
_DELIMITER = re.compile(rf"\s+{_MARK}")


@dataclass(frozen=True, slots=True)
class End:
    """What a text ends with: `mark` anywhere in a line, or, with `at_line_end`, at the end of one.

    With `prompt` the mark is a line of its own, and each line is asked for by that prompt.
    """

    mark: str
    at_line_end: bool = False
    prompt: str = ""

    def is_in(self, line: str) -> bool:
        if self.prompt:
            return line.strip().lower() == self.mark
        return line.rstrip().endswith(self.mark) if self.at_line_end else self.mark in line


def _words(*words: str) -> str:
    """A pattern of words; of "ban~ner" what follows the colon may be cut."""
    return r"\s*" + r"\s+".join(_cut(word) for word in words)


def _cut(word: str) -> str:
    least, _, rest = word.partition("~")
    ends = [re.escape(rest[:length]) for length in range(len(rest), 0, -1)]
    return f"{least}(?:{'|'.join(ends)})?" if ends else least


def _begun(*words: str) -> re.Pattern[str]:
    return re.compile(_words(*words) + r"(?=\s|$)", re.IGNORECASE)


_BANNERS = ("con~fig-save", "e~xec", "i~ncoming", "l~ogin", "m~otd", "p~rompt-timeout", "s~lip-ppp")

# Texts of the router itself, which no mode but the outermost has, up to their delimiter.
_GLOBAL = (
    *(_begun("ban~ner", kind) for kind in _BANNERS),
    _begun("aaa", "authe~ntication", "(?:banner|fail-message)"),
    _begun("busy-m~essage", r"\S+"),
    _begun("login-s~tring", r"\S+"),
    _begun("menu", r"\S+", "(?:prompt|title)"),
    _begun("ip", "(?:admission|auth-proxy)", "auth-proxy-banner", "(?:ftp|http|telnet)"),
)
_LINE_MESSAGE = _begun("(?:refuse-message|vacant-message)")
# Texts of a mode of the grammar, or of a section that it does not have.
_INNER = {
    "isakmp-group": _begun("ban~ner"),
    "config-line": _LINE_MESSAGE,
    "line <number:line>": _LINE_MESSAGE,
    "parameter-map <name:line>": _begun("banner", "(?:text|title)"),
}
# Texts of a mode of the grammar that a line of its own ends.
_INNER_BLOCKS = {
    "ssh-pubkey-user": (re.compile(_words("key-str~ing") + r"\s*$", re.IGNORECASE), End("exit", prompt="(conf-ssh-pubkey-data)#")),
}
# Texts that a mark at the end of a line ends.
_MARKED = (
    (re.compile(_words("mac~ro", "na~me", r"\S+") + r"\s*$", re.IGNORECASE), End("@", at_line_end=True)),
    (re.compile(_words("mac~ro", "auto", "ex~ecute", r"\S+") + r"\s*\{(?!.*\}\s*$)", re.IGNORECASE), End("}", at_line_end=True)),
)


def is_global_text(line: str) -> bool:
    """Whether a line begins a text of the router itself."""
    first = line.partition("\n")[0]
    return any(kind.match(first) for kind in _GLOBAL) or any(kind.match(first) for kind, _ in _MARKED)


def missing_end(line: str, context: Collection[str]) -> End | None:
    """What a line after this one has to have, where this one begins a text and does not end it.

    `context` names the modes and the sections that the line may stand in.
    """
    for kind, end in _MARKED:
        if kind.match(line):
            return end
    for kind, end in (each for name, each in _INNER_BLOCKS.items() if name in context):
        if kind.match(line):
            return end
    for kind in (*_GLOBAL, *(kind for name, kind in _INNER.items() if name in context)):
        begun = kind.match(line)
        found = _DELIMITER.match(line, begun.end()) if begun else None
        if found is not None:
            return None if found[1] in line[found.end() :] else End(found[1])
    return None


def text_between(line: str) -> str | None:
    """What stands between the delimiter that `line` begins with and its second occurrence; None where there are no two."""
    found = re.match(_MARK, line)
    text, second, _ = line[found.end() :].partition(found[1]) if found else ("", "", "")
    return text if second else None
