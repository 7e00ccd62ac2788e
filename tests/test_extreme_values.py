"""Every value that the configuration's grammar lets through is one that a router can hold: at its start, typed, and in every table.

Each argument of each command is given its bounds, what lies beyond them, and what is ill-formed. Either the line is an error of the
configuration, or a router starts from it, and shows all its tables in every context with names that SNMP allows (RFC 2578 §7.1.3).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from agent.base.clock import VirtualClock
from agent.config.command import CommandSet, ConfigCommand
from agent.config.commands import build
from agent.config.document import load
from agent.config.errors import ConfigErrors
from agent.config.pattern import Argument, Cut, Item, Keyword, Open, parse_pattern
from agent.config.session import Session
from agent.lab.lab import build_lab
from agent.lab.labfile.reading import parse_lab_file
from agent.mib.schema import Schema
from agent.router_service import Options, RouterService, plans_of
from tests.config.lines import ENTRANCES, all_commands

LAB = parse_lab_file('[router.r]\nconfig = "r.cfg"\n', "r.toml")
# What refers to other lines does: a community and a user that are served, in a context of a VRF.
BASE = [
    "hostname r",
    "ip vrf red",
    "context red",
    "crypto isakmp policy 10",
    "snmp-server community public RO",
    "snmp-server host 127.0.0.1 version 2c public",
    "snmp-server enable traps",
]

Token = Keyword | Argument

NORMAL = {
    "address": "10.1.1.1",
    "mask": "255.255.255.0",
    "wildcard": "0.0.0.255",
    "word": "red",
    "name": "red",
    "target": "1:1",
    "line": "a text",
    "text": "#a text#",
    "host": "10.1.1.1",
    "ipv6": "2001:db8::1",
    "interface": "Tunnel7",
    "port": "80",
    "subtree": "1.3.6.1",
}
WORDS = (
    "\udce9" * 12,
    "漢" * 11,
    "é" * 16,
    "a" * 33,
    "b" * 256,
    "c" * 2000,
    "%s{0}\\\"'",
    "\x01\x7f",
    "\u2028",
    "*",
    "-1",
    "9" * 40,
)
NUMBERS = ("-1", "²", "1e999", "18446744073709551616", "9" * 400)
EXTREMES = {
    "address": ("0.0.0.0", "255.255.255.255", "127.0.0.1", "224.0.0.1", "256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4"),
    "mask": ("0.0.0.0", "255.255.255.255", "255.0.255.0", "255.255.255.254", "x"),
    "wildcard": ("0.0.0.0", "255.255.255.255", "1.2.3.4", "-"),
    "word": WORDS,
    "name": WORDS,
    "target": ("0:0", "99999999999999999999:9", "1.2.3.4:4294967296", ":", "1:", "256.1.1.1:1"),
    "line": (*WORDS, "two  blanks", "é " * 200, "^C"),
    "text": (*(f"#{word}#" for word in WORDS), "##", "#", "aba", "^C $(hostname) $(nothing) $( ^C"),
    "host": ("0.0.0.0", "255.255.255.255", "a" * 300, "a..b", "-", "nms.example.com"),
    "ipv6": ("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "1::2::3", "fe80::1%eth0", "::ffff:10.1.1.1", "1:2", ":"),
    "interface": (
        "Tunnel2147483647",
        "Tunnel4294967296",
        "Loopback99999999999999999999",
        "Serial9/9/9/9/9",
        "Gi0/0.0",
        "fa0/1.4294967296",
    ),
    "port": ("0", "65535", "65536", "www", "nothing"),
    "subtree": (
        *(
            "0",
            "1",
            "2",
            "3",
            "1.39",
            "1.40",
            "2.4294967295",
            "1.3.4294967295",
            "1.3.4294967296",
            "iso",
            "nothing.1",
            "1.*",
            "*",
            "1..3",
        ),
        *("1.3.-1", "1.3.1_0", "1.3.²", ".1.3.6", ".".join(["1"] * 128), ".".join(["1"] * 129), "iso" + ".4294967295" * 127),
    ),
}


def alternatives(item: Item) -> list[list[Token]]:
    """The ways to go through an item, the shortest first."""
    if isinstance(item, Keyword | Argument):
        return [[item]]
    if isinstance(item, Cut | Open):
        return [[]]
    ways = [way for option in item.options for way in sequences(option)]
    return ways if item.least else [[], *ways]


def sequences(items: tuple[Item, ...]) -> list[list[Token]]:
    """Lines of a pattern: the shortest one, and those that differ from it in one item."""
    choices = [alternatives(item) for item in items]
    shortest = [choice[0] for choice in choices]
    found = [shortest]
    found += [[*shortest[:at], way, *shortest[at + 1 :]] for at, choice in enumerate(choices) for way in choice[1:]]
    return [[token for way in line for token in way] for line in found]


def normal(token: Token) -> str:
    if isinstance(token, Keyword):
        return token.text
    if token.type_name in ("int", "list"):
        return token.parameters.partition(",")[0].partition("-")[0]
    return token.parameters.partition("..")[0] if token.type_name == "signed" else NORMAL[token.type_name]


def extremes(argument: Argument) -> Iterator[str]:
    if argument.type_name not in ("int", "list", "signed"):
        yield from EXTREMES[argument.type_name]
        return
    yield from NUMBERS
    for part in argument.parameters.split(","):
        low, _, high = part.partition(".." if argument.type_name == "signed" else "-")
        for bound in (int(low), int(high or low)):
            yield from (str(bound - 1), str(bound), str(bound + 1))


def lines_of(command: ConfigCommand) -> Iterator[str]:
    """The command's line with each of its arguments in turn at each extreme."""
    seen: set[tuple[str, str]] = set()
    for tokens in sequences(parse_pattern(command.pattern)):
        words = [normal(token) for token in tokens]
        for at, token in enumerate(tokens):
            if isinstance(token, Argument) and (token.name, token.type_name) not in seen:
                seen.add((token.name, token.type_name))
                for value in extremes(token):
                    yield " ".join([*words[:at], value, *words[at + 1 :]])


@cache
def commands() -> CommandSet:
    return build()


def errors_of(text: str) -> set[int]:
    """The numbers of a configuration's wrong lines."""
    try:
        load(text, "r.cfg", commands())
    except ConfigErrors as wrong:
        return {error.line_number for error in wrong.errors}
    return set()


def accepted(commands: Iterable[ConfigCommand]) -> str:
    """A configuration of all the lines that are no errors."""
    lines = list(BASE)
    for command in commands:
        entrance = ENTRANCES[command.mode]
        good = [line for line in lines_of(command) if not errors_of("\n".join([*BASE, *entrance, line]))]
        lines += [each for line in good for each in (*entrance, line)]
    # One of them may not go with another.
    wrong = errors_of("\n".join(lines))
    return "\n".join(line for number, line in enumerate(lines, 1) if number not in wrong)


def walk(service: RouterService) -> None:
    """Reads every cell of every context."""
    for context in ("", *service.document.config.snmp.contexts, "red"):
        tree = service.contexts.tree(context)
        for column, entry, _ in tree.successors(b"", service.node.monitor.clock.now()) if tree is not None else ():
            assert len(column.key) // 4 + len(entry.key) // 4 <= 128, column.object.name


WITH_ARGUMENTS = [command for command in all_commands() if any(True for _ in lines_of(command))]
TOGETHER = 5  # commands that one router is given: most of the time of a test is that of its start
CROWDS = [WITH_ARGUMENTS[at : at + TOGETHER] for at in range(0, len(WITH_ARGUMENTS), TOGETHER)]


def by_pattern(crowd: list[ConfigCommand]) -> str:
    return "; ".join(f"{command.mode}: {command.pattern[:40]}" for command in crowd)


@pytest.mark.parametrize("crowd", CROWDS, ids=by_pattern)
def test_a_value_is_refused_or_held(
    crowd: list[ConfigCommand], schema: Schema, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = accepted(crowd)
    caplog.set_level(logging.ERROR)

    async def run() -> None:
        lab = build_lab(LAB, {"r": (text, "r.cfg")}, VirtualClock(90_000_000), "r.toml")
        service = RouterService(lab.first, plans_of(schema), Options("lab", tmp_path))
        service.listen([("127.0.0.1", 0)])
        try:
            walk(service)
            session = Session(service.document)
            lines = ((ENTRANCES[command.mode], line) for command in crowd for line in lines_of(command))
            typed = (each for entrance, line in lines for each in (*entrance, line, f"no {line}", line, "end"))
            service.configured([event for each in typed for event in session.feed(each).events])
            service.configured(session.feed("snmp-server contact somebody").events)
            walk(service)
            load(service.document.render(), "again.cfg", commands())
        finally:
            service.close()

    asyncio.run(run())
    assert not caplog.records
