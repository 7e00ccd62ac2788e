"""Arguments → text → model → text is a fixed point, for every command, alone and in crowds."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.config.command import CommandSet, ConfigCommand
from agent.config.commands import build
from agent.config.document import Document, load
from agent.config.errors import ConfigErrors
from agent.config.model import RouterConfig
from tests.config.lines import all_commands, line_of, negated

UNKNOWN = st.sampled_from(
    [["service pad"], [" ip nat inside"], ["router ospf 1", " network 10.0.0.0 0.255.255.255 area 0"], ["!"], ["ip nhrp x"]]
)


@cache
def commands() -> CommandSet:
    return build()


def read(lines: list[str]) -> Document | None:
    """The document that lines make; None where IOS would refuse one of them."""
    try:
        return load("\n".join(lines), "generated.cfg", commands())
    except ConfigErrors:
        return None


def shown(config: RouterConfig) -> RouterConfig:
    """What `show running-config` tells of a configuration: all but SNMP users, and the numbers of access lists without."""
    config.snmp.users.clear()
    for name, known in config.access_lists.items():
        if not known.numbers:
            before = [entry.sequence for entry in known.entries]
            entries = tuple(replace(entry, sequence=0) for entry in known.entries)
            remarks = tuple((bisect_left(before, number), text) for number, text in known.remarks)
            config.access_lists[name] = replace(known, entries=entries, remarks=remarks)
    return config


def assert_fixed(document: Document) -> None:
    text = document.render()
    again = load(text, "rendered.cfg", commands())
    assert again.render() == text
    assert shown(again.config) == shown(document.config)


def by_pattern(command: ConfigCommand) -> str:
    return f"{command.mode}: {command.pattern[:60]}"


@pytest.mark.parametrize("command", all_commands(), ids=by_pattern)
def test_every_line_that_a_pattern_allows_is_understood_and_written_back(command: ConfigCommand) -> None:
    @settings(max_examples=8, deadline=None, database=None)
    @given(line_of(command))
    def check(lines: list[str]) -> None:
        document = read(lines)
        if document is not None:
            assert not document.unknown
            assert_fixed(document)

    check()


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_crowds_of_lines_their_negations_and_unknown_lines_are_written_back(data: st.DataObject) -> None:
    table = all_commands()
    lines: list[str] = []
    for _ in range(data.draw(st.integers(1, 12))):
        command = data.draw(st.sampled_from(table))
        kinds = [line_of(command), UNKNOWN] + ([negated(command)] if command.negate else [])
        lines += data.draw(st.one_of(*kinds))
    document = read(lines)
    if document is not None:
        assert_fixed(document)
