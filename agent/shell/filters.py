"""Shell room: output modifiers: `show … | {begin | count | exclude | include | section} REGEX`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.config.arguments import ARGUMENT_TYPES, ArgumentType, Word
from agent.config.grammar import Grammar, Match
from agent.shell.regex import compile_regex

Test = Callable[[str], bool]

HELP = {
    "begin": "Begin with the line that matches",
    "count": "Count number of lines which match regexp",
    "exclude": "Exclude lines that match",
    "include": "Include lines that match",
    "section": "Filter a section of output",
    "section exclude": "Exclude section(s) of output",
    "section include": "Include section(s) of output",
    "<regex>": "Regular Expression",
}


@dataclass(frozen=True, slots=True)
class LineFilter:
    """`keep` decides for every line in turn. With `counting`, the number of kept lines is printed instead of them."""

    keep: Test
    counting: bool = False


class Sieve:
    """Puts output through a filter, line by line. What has no line end yet waits. `kept` counts lines."""

    def __init__(self, line_filter: LineFilter) -> None:
        self._keep = line_filter.keep
        self._rest = ""
        self.kept = 0

    @property
    def waits(self) -> bool:
        return bool(self._rest)

    def take(self, text: str) -> str:
        """The lines that are kept."""
        *lines, self._rest = (self._rest + text).split("\n")
        kept = [line for line in lines if self._keep(line)]
        self.kept += len(kept)
        return "".join(f"{line}\n" for line in kept)


@dataclass(frozen=True, slots=True)
class Modifier:
    """`make` turns the test of a single line into the modifier's test, which may remember earlier lines."""

    pattern: str
    make: Callable[[Test, Match[Modifier]], LineFilter]

    def filter(self, match: Match[Modifier]) -> LineFilter:
        """The filter that a typed modifier asks for; raises RegexError."""
        return self.make(compile_regex(match.word("regex")).matches, match)


def _begin(matches: Test) -> Test:
    begun = False

    def keep(line: str) -> bool:
        nonlocal begun
        begun = begun or matches(line)
        return begun

    return keep


def _section(matches: Test) -> Test:
    """A line that matches, and what is indented deeper under it."""
    depth: int | None = None

    def keep(line: str) -> bool:
        nonlocal depth
        indent = len(line) - len(line.lstrip(" "))
        if depth is not None and indent <= depth:
            depth = None
        if depth is None and matches(line):
            depth = indent
        return depth is not None

    return keep


def _not(test: Test) -> Test:
    return lambda line: not test(line)


def _make_section(matches: Test, match: Match[Modifier]) -> LineFilter:
    within = _section(matches)
    return LineFilter(_not(within) if match.maybe_word("how") == "exclude" else within)


MODIFIERS = (
    Modifier("begin <regex:line>", lambda matches, _: LineFilter(_begin(matches))),
    Modifier("count <regex:line>", lambda matches, _: LineFilter(matches, counting=True)),
    Modifier("exclude <regex:line>", lambda matches, _: LineFilter(_not(matches))),
    Modifier("include <regex:line>", lambda matches, _: LineFilter(matches)),
    Modifier("section how={include|exclude} <regex:line>", _make_section),
    Modifier("section <regex:section>", _make_section),
)

MODE = "modifier"


def _section_argument(parameters: str) -> ArgumentType:
    """A regular expression that does not begin with one of `section`'s own words, which take what follows them."""
    line = ARGUMENT_TYPES["line"](parameters)

    def read(words: Sequence[Word], i: int) -> tuple[object, int] | None:
        first = words[i].text.lower()
        own = "include".startswith(first) or "exclude".startswith(first)
        return None if own and i + 1 < len(words) else line.read(words, i)

    return ArgumentType(read, line.shown, line.right, line.resembles)


def modifier_grammar() -> Grammar[Modifier]:
    """The modifiers, in the mode `MODE`."""
    grammar = Grammar[Modifier](help_texts=HELP, types={"section": _section_argument})
    for modifier in MODIFIERS:
        grammar.declare(MODE, modifier.pattern, modifier)
    return grammar
