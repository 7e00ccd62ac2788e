"""Help of configure mode at every point of every command."""

from __future__ import annotations

from collections.abc import Iterator

from agent.config.command import CommandSet, ConfigCommand
from agent.config.grammar import Grammar


def test_every_word_and_argument_of_configure_mode_has_a_help_line(commands: CommandSet) -> None:
    """Help at any point says what can come next: so each node of the graph of words has a line, in the `no` forms too."""
    assert sorted(_undescribed(commands.grammar)) == []


def _undescribed(grammar: Grammar[ConfigCommand]) -> Iterator[str]:
    todo = list(grammar._roots.values())
    seen: set[int] = set()
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        following = [edge.node for edges in node.keywords.values() for edge in edges] + [edge.node for edge in node.arguments]
        yield from (each.path for each in following if not grammar.help_for(each.path))
        todo += [*following, *node.empties]
