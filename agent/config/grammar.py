"""Config room: the IOS command grammar that configuration and exec commands are declared on.

The patterns (see `pattern`) of one mode form a graph of words. To read a line, all paths that its words allow are followed at once.
An exact keyword wins over an abbreviation; an abbreviation must be unique among the possible keywords; keywords come before
arguments. The grammar does not know what a command does: `T` is what the declaring room attaches to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Generic, TypeVar

from agent.base.text import BLANKS
from agent.config.arguments import ARGUMENT_TYPES, ArgumentType, TypeFactory, Word
from agent.config.pattern import Argument, Cut, Group, Item, Keyword, Open, parse_pattern

T = TypeVar("T")

_WORDS = re.compile(r"\S+", re.ASCII)  # a no-break space is part of a word, as every octet is that is no blank


def split_words(line: str, start: int = 0) -> list[Word]:
    """The words of a line from column `start` on."""
    whole = line.rstrip(BLANKS)
    return [Word(found[0], found.start(), whole) for found in _WORDS.finditer(whole, start)]


class SyntaxProblem(Exception):  # noqa: N818 - a problem of the typed line, not of the program
    """Why a line is no command.

    `kind` is "invalid", "incomplete", "ambiguous" or "empty"; `column` where in `line` the trouble begins; `words_read` how many
    words were understood before it; `expected` what could have stood there; `wrong_value` says that the command itself was
    understood and a value in it is wrong or missing; `exact` that it is incomplete and no keyword of it is abbreviated; `depth` is
    the index of the mode that understood most, in a stack of modes.
    """

    def __init__(
        self, kind: str, line: str, column: int, words_read: int, expected: tuple[str, ...] = (), wrong_value: bool = False
    ) -> None:
        super().__init__(f"{kind} at column {column}: {line}")
        self.kind = kind
        self.line = line
        self.column = column
        self.words_read = words_read
        self.expected = expected
        self.wrong_value = wrong_value
        self.exact = False
        self.depth = 0

    @property
    def what_would_be_right(self) -> str:
        if not self.expected:
            return "nothing more on this line"
        if len(self.expected) == 1:
            return self.expected[0]
        return ", ".join(self.expected[:-1]) + " or " + self.expected[-1]

    def render(self, prompt_width: int) -> list[str]:
        """The lines that IOS prints under a typed line whose prompt was `prompt_width` characters wide."""
        if self.kind == "invalid":
            return [" " * (prompt_width + self.column) + "^", "% Invalid input detected at '^' marker.", ""]
        if self.kind == "ambiguous":
            return [f'% Ambiguous command:  "{self.line.strip()}"']
        return ["% Incomplete command.", ""]


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """A line that was understood: the command's target, its arguments by name, and its canonical words."""

    target: T
    values: Mapping[str, tuple[object, ...]]
    words: tuple[str, ...]  # keywords in full, arguments as they are written canonically
    columns: Mapping[str, int]  # where in the line each argument began
    exact: bool = True  # no keyword was abbreviated

    @property
    def canonical(self) -> str:
        return " ".join(self.words)

    def __contains__(self, name: str) -> bool:
        """Whether an argument or a bound choice is there, or a keyword was used."""
        return name in self.values or name in self.words

    def all(self, name: str) -> tuple[object, ...]:
        return self.values.get(name, ())

    def maybe(self, name: str) -> object | None:
        found = self.values.get(name)
        return found[-1] if found else None

    def word(self, name: str) -> str:
        """The text of an argument or of a bound choice; KeyError if it is not there."""
        return str(self.values[name][-1])

    def maybe_word(self, name: str) -> str | None:
        found = self.values.get(name)
        return str(found[-1]) if found else None

    def number(self, name: str) -> int:
        value = self.values[name][-1]
        return value if isinstance(value, int) else int(str(value))

    def maybe_number(self, name: str) -> int | None:
        return self.number(name) if name in self.values else None

    def address(self, name: str) -> IPv4Address:
        value = self.values[name][-1]
        return value if isinstance(value, IPv4Address) else IPv4Address(str(value))

    def maybe_address(self, name: str) -> IPv4Address | None:
        return self.address(name) if name in self.values else None


@dataclass(slots=True, eq=False)
class _KeywordEdge:
    text: str
    bind: str | None
    node: _Node


@dataclass(slots=True, eq=False)
class _ArgumentEdge:
    name: str
    type_key: tuple[str, str]
    type: ArgumentType
    node: _Node


@dataclass(slots=True, eq=False)
class _Node:
    """`joined`: several paths lead here, so that another command must not hang its own words on it. `open`: IOS takes more here."""

    path: str
    keywords: dict[str, list[_KeywordEdge]] = field(default_factory=dict)
    arguments: list[_ArgumentEdge] = field(default_factory=list)
    empties: list[_Node] = field(default_factory=list)
    target: list[object] = field(default_factory=list)
    joined: bool = False
    open: bool = False


@dataclass(frozen=True, slots=True)
class _Step:
    """One word on a path: linked backwards, so that paths share what they have in common."""

    before: _Step | None
    text: str
    name: str | None = None
    value: object = None
    column: int = 0
    exact: bool = True


_Path = tuple[_Node, _Step | None]


@dataclass(slots=True)
class _Options:
    """The possible next words on all live paths."""

    keywords: dict[str, list[tuple[_KeywordEdge, _Step | None]]] = field(default_factory=dict)
    arguments: list[tuple[_ArgumentEdge, _Step | None]] = field(default_factory=list)
    open: bool = False

    def matching(self, text: str) -> list[str]:
        """The keywords that a word may stand for: itself alone if it is one."""
        lower = text.lower()
        return [lower] if lower in self.keywords else [keyword for keyword in self.keywords if keyword.startswith(lower)]

    def expected(self) -> tuple[str, ...]:
        said = [edges[0][0].text for edges in self.keywords.values()] + [edge.type.right for edge, _ in self.arguments]
        return tuple(dict.fromkeys(said))

    def only_values(self) -> bool:
        """Whether only arguments, and no keyword, may come next."""
        bound = not self.open and all(edge.bind is not None for edges in self.keywords.values() for edge, _ in edges)
        return bound and bool(self.keywords or self.arguments)

    def wrong(self, text: str) -> bool:
        """Whether a word that fits nothing is a wrong value, and not the word of another command."""
        if any(edge.type.resembles(text) for edge, _ in self.arguments):
            return True
        return self.only_values() and all(edge.type.closed for edge, _ in self.arguments)


class Grammar(Generic[T]):
    """The commands of named modes. The owner builds it once; reading changes nothing."""

    def __init__(self, help_texts: Mapping[str, str] | None = None, types: Mapping[str, TypeFactory] | None = None) -> None:
        """`help_texts` maps words to help lines: the longest ending of what was read counts.

        Keys: "isakmp", "crypto isakmp" (after another word), "<name>" (an argument), "config-if description" (first in a mode).
        """
        self._help = dict(help_texts or {})
        self._added: set[str] = set()
        self._types = {**ARGUMENT_TYPES, **(types or {})}
        self._roots: dict[str, _Node] = {}
        self._made: dict[tuple[str, str], ArgumentType] = {}
        self._first: dict[str, _Options] = {}  # the possible first words of a mode, once they have been asked for

    # --- declaring -------------------------------------------------------------------------------------------------------

    def add_help(self, help_texts: Mapping[str, str]) -> None:
        """Adds what one area says of its words, in place of what all share; ValueError where another area says otherwise."""
        clash = sorted(key for key in self._added & help_texts.keys() if self._help[key] != help_texts[key])
        if clash:
            raise ValueError(f"two help lines for one pattern of words: {', '.join(clash)}")
        self._added |= help_texts.keys()
        self._help.update(help_texts)

    def declare(self, mode: str, pattern: str, target: T, *, cut: bool = False) -> None:
        """Adds a command to a mode; with `cut` it may also end where the pattern says `~` (the `no` form)."""
        root = self._roots.setdefault(mode, _Node(mode))
        self._first.pop(mode, None)
        for node in self._add(parse_pattern(pattern), [root], target, cut):
            node.target.append(target)

    def modes(self) -> Iterable[str]:
        return self._roots.keys()

    def _add(self, items: Sequence[Item], nodes: list[_Node], target: T, cut: bool) -> list[_Node]:
        for item in items:
            if isinstance(item, Keyword):
                nodes = [self._keyword_node(nodes, item)]
            elif isinstance(item, Argument):
                nodes = [self._argument_node(nodes, item)]
            elif isinstance(item, Cut):
                if cut:
                    for node in nodes:
                        node.target.append(target)
            elif isinstance(item, Open):
                for node in nodes:
                    node.open = True
            elif item.repeated:
                nodes = self._repeat(item, nodes, target, cut)
            else:
                ends = [node for option in item.options for node in self._add(option, nodes, target, cut)]
                nodes = list(dict.fromkeys(ends if item.least else [*nodes, *ends]))
        return nodes

    def _repeat(self, item: Group, nodes: list[_Node], target: T, cut: bool) -> list[_Node]:
        loop = _Node(nodes[0].path, joined=True)
        for node in nodes:
            node.empties.append(loop)
        ends = [node for option in item.options for node in self._add(option, [loop], target, cut)]
        for node in ends:
            node.joined = True
            node.empties.append(loop)
        return ends if item.least else [loop]

    def _keyword_node(self, nodes: list[_Node], item: Keyword) -> _Node:
        lower = item.text.lower()
        if len(nodes) == 1:
            for edge in nodes[0].keywords.get(lower, ()):
                if not edge.node.joined and edge.bind == item.bind:
                    return edge.node
        path = f"{nodes[0].path} {item.text}".strip()
        made = _Node(path, joined=len(nodes) > 1)
        for node in nodes:
            node.keywords.setdefault(lower, []).append(_KeywordEdge(item.text, item.bind, made))
        return made

    def _argument_node(self, nodes: list[_Node], item: Argument) -> _Node:
        key = (item.type_name, item.parameters)
        if len(nodes) == 1:
            for edge in nodes[0].arguments:
                if not edge.node.joined and edge.name == item.name and edge.type_key == key:
                    return edge.node
        kind = self._made.get(key)
        if kind is None:
            kind = self._made[key] = self._types[item.type_name](item.parameters)
        made = _Node(f"{nodes[0].path} <{item.name}>", joined=len(nodes) > 1)
        for node in nodes:
            node.arguments.append(_ArgumentEdge(item.name, key, kind, made))
        return made

    # --- reading ---------------------------------------------------------------------------------------------------------

    def parse(self, mode: str, line: str, start: int = 0) -> Match[T]:
        """Reads a line from column `start` on as a command of `mode`; raises SyntaxProblem."""
        words = split_words(line, start)
        if not words:
            raise SyntaxProblem("empty", line, len(line), 0)
        paths = self._follow(mode, line, words)
        for node, step in paths:
            if node.target:
                return _match(node.target[0], step)
        options = _options(paths)
        column = len(line.rstrip(BLANKS))
        problem = SyntaxProblem("incomplete", line, column, len(words), options.expected(), wrong_value=options.only_values())
        problem.exact = any(all(each.exact for each in _steps(step)) for _, step in paths)
        raise problem

    def may_begin(self, mode: str, line: str, start: int = 0) -> bool:
        """Whether the first word of a line, from column `start` on, may be that of a command of a mode."""
        words, options = split_words(line, start), self._first_options(mode)
        return bool(words) and (
            bool(options.matching(words[0].text)) or any(edge.type.read(words, 0) is not None for edge, _ in options.arguments)
        )

    def _first_options(self, mode: str) -> _Options:
        found = self._first.get(mode)
        if found is None:
            root = self._roots.get(mode)
            found = self._first[mode] = _options(_closure([(root, None)] if root else []))
        return found

    def _follow(self, mode: str, line: str, words: Sequence[Word], keywords_first: bool = False) -> list[_Path]:
        """The paths that are alive after all words, best first. With `keywords_first`, a keyword in full is no argument."""
        layers: list[list[_Path]] = [[] for _ in range(len(words) + 1)]
        root = self._roots.get(mode)
        layers[0] = [(root, None)] if root else []
        reached = 0  # the furthest layer with a path; the words between may belong to one argument
        for i in range(len(words)):
            if layers[i] or reached <= i:
                options = _options(_closure(layers[i])) if i else self._first_options(mode)
                reached = max(reached, _advance(line, words, i, options, layers, reached, keywords_first))
        return _closure(layers[len(words)])

    # --- help and completion ---------------------------------------------------------------------------------------------

    def help_at(self, mode: str, text: str, start: int = 0) -> list[tuple[str, str]]:
        """What `?` typed after `text` lists: (word, help line), "<cr>" last where the command may end; raises SyntaxProblem."""
        words, partial = _typed(text, start)
        try:
            paths = self._paths(mode, text, words)
        except SyntaxProblem:
            if begun := self._begun(mode, text, words, partial):
                return begun
            raise
        options = _options(paths)
        lower = partial.lower()
        found = {edges[0][0].text: edges[0][0].node.path for key, edges in options.keywords.items() if key.startswith(lower)}
        words_listed = {word: self.help_for(path) for word, path in found.items()}
        for edge, _ in options.arguments:
            words_listed |= {word: edge.type.first[word] for word in edge.type.first_words(partial)}
        lines = sorted(words_listed.items())
        for edge, _ in options.arguments:
            lines += [entry for entry in self._values(edge, partial) if entry not in lines]
        if not partial and any(node.target for node, _ in paths):
            lines.append(("<cr>", ""))
        if not lines:
            raise SyntaxProblem("invalid", text, len(text) - len(partial), len(words), options.expected())
        return lines

    def complete(self, mode: str, text: str, start: int = 0) -> str:
        """`text` with its last word completed and a blank, where exactly one word fits; else `text` unchanged."""
        words, partial = _typed(text, start)
        if not partial:
            return text
        try:
            options = _options(self._paths(mode, text, words))
        except SyntaxProblem:
            return text
        found = {options.keywords[keyword][0][0].text for keyword in options.matching(partial)}
        found |= {word for edge, _ in options.arguments for word in edge.type.first_words(partial)}
        return f"{text[: len(text) - len(partial)]}{found.pop()} " if len(found) == 1 else text

    def _paths(self, mode: str, text: str, words: Sequence[Word]) -> list[_Path]:
        """The paths that are alive after words that are followed by help. A keyword in full is no argument there."""
        if not words:
            return _closure([(root, None) for root in [self._roots.get(mode)] if root])
        try:
            return self._follow(mode, text, words, keywords_first=True)
        except SyntaxProblem:
            return self._follow(mode, text, words)

    def _values(self, edge: _ArgumentEdge, partial: str) -> list[tuple[str, str]]:
        """What help says that an argument looks like; nothing where it lists the words that it may begin with."""
        if edge.type.first_words(partial) or (partial and edge.type.read([Word(partial, 0, partial)], 0) is None):
            return []
        return [(shown, self.help_for(edge.node.path)) for shown in edge.type.shown.split("  ")]

    def _begun(self, mode: str, text: str, words: Sequence[Word], partial: str) -> list[tuple[str, str]]:
        """What help lists between the two words of an argument."""
        if not words or partial:
            return []
        options = _options(self._paths(mode, text, words[:-1]))
        begun = [(edge.type, edge.type.first_words(words[-1].text)) for edge, _ in options.arguments]
        return list(dict.fromkeys((kind.second, f"{found[0]} interface number") for kind, found in begun if len(found) == 1))

    def help_for(self, path: str) -> str:
        """The help of the longest ending of a path that has one."""
        words = path.split(" ")
        return next((self._help[key] for i in range(len(words)) if (key := " ".join(words[i:])) in self._help), "")


def _closure(paths: Iterable[_Path]) -> list[_Path]:
    """The paths with all nodes that are reached without a word; of two that meet, the first (better) stays."""
    found: dict[int, _Path] = {}
    todo = list(reversed(list(paths)))
    while todo:
        path = todo.pop()
        if id(path[0]) not in found:
            found[id(path[0])] = path
            todo.extend((node, path[1]) for node in reversed(path[0].empties))
    return list(found.values())


def _options(paths: Iterable[_Path]) -> _Options:
    options = _Options()
    for node, step in paths:
        for keyword, edges in node.keywords.items():
            options.keywords.setdefault(keyword, []).extend((edge, step) for edge in edges)
        options.arguments.extend((edge, step) for edge in node.arguments)
        options.open = options.open or node.open
    return options


def _typed(text: str, start: int) -> tuple[list[Word], str]:
    """The words before a `?` or a Tab, and the beginning of the word that is being typed; empty after a blank."""
    words = split_words(text, start)
    return words, words.pop().text if words and not text[-1].isspace() else ""


def _advance(
    line: str,
    words: Sequence[Word],
    i: int,
    options: _Options,
    layers: list[list[_Path]],
    reached: int,
    keywords_first: bool = False,
) -> int:
    """Moves the paths before word `i` over it, and gives the furthest layer that has one; SyntaxProblem where none goes on.

    `options` are those of these paths.
    """
    word = words[i]
    found = options.matching(word.text)
    if len(found) == 1:
        for choice, step in options.keywords.get(found[0], ()):
            exact = len(choice.text) == len(word.text)
            layers[i + 1].append((choice.node, _Step(step, choice.text, choice.bind, choice.text, word.column, exact)))
            reached = max(reached, i + 1)
    alone = keywords_first and word.text.lower() in options.keywords
    for edge, step in () if alone else options.arguments:
        read = edge.type.read(words, i)
        if read is not None:
            value, taken = read
            layers[i + taken].append((edge.node, _Step(step, edge.type.write(value), edge.name, value, word.column)))
            reached = max(reached, i + taken)
    if reached <= i:
        if len(found) > 1:
            raise SyntaxProblem("ambiguous", line, word.column, i, tuple(sorted(found)))
        raise SyntaxProblem("invalid", line, word.column, i, options.expected(), wrong_value=options.wrong(word.text))
    return reached


def _steps(last: _Step | None) -> Iterator[_Step]:
    chain: list[_Step] = []
    while last is not None:
        chain.append(last)
        last = last.before
    return reversed(chain)


def _match(target: object, last: _Step | None) -> Match[T]:
    values: dict[str, list[object]] = {}
    columns: dict[str, int] = {}
    words: list[str] = []
    exact = True
    for step in _steps(last):
        words.append(step.text)
        exact = exact and step.exact
        if step.name is not None:
            values.setdefault(step.name, []).append(step.value)
            columns[step.name] = step.column
    arguments = {name: tuple(given) for name, given in values.items()}
    return Match(target, arguments, tuple(words), columns, exact)  # type: ignore[arg-type]  # nodes hold targets of every grammar alike
