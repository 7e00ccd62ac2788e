"""Help and completion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import pytest

from agent.config.grammar import Grammar, SyntaxProblem
from agent.config.interface_names import INTERFACE_TYPES
from agent.shell.command import PRIVILEGED, USER
from agent.shell.filters import MODE
from tests.shell.fakes import COMMANDS, Console

SAMPLES = {"A.B.C.D": "10.1.1.1", "Hostname or A.B.C.D": "hub", "Interface": "Loopback1", "WORD": "red", "LINE": "a"}
MAX_WORDS = 8
T = TypeVar("T")


def test_help_lists_words_with_what_they_do() -> None:
    lines = Console().type("show ?").splitlines()
    assert lines == sorted(lines)
    described = {line.split()[0]: line.split(maxsplit=1)[1:] for line in lines}
    assert described["clock"] == ["Display the system clock"]
    assert described["version"] == ["System hardware and software status"]
    assert len({line.index(text[0]) for line, text in zip(lines, described.values(), strict=True)}) == 1, "in one column"


def test_help_after_part_of_a_word_lists_the_words_that_begin_so() -> None:
    assert Console().type("c?") == "clear  configure  copy\n"


def test_help_where_a_command_may_end_says_so() -> None:
    assert Console().type("show clock ?") == "  |     Output modifiers\n  <cr>\n"
    assert Console().type("clear crypto isakmp ?").endswith("<cr>\n")
    assert "Output modifiers" not in Console().type("clear crypto isakmp ?")
    assert Console().type("show clock | ?").startswith("  begin    Begin with the line that matches\n")
    assert Console().type("show clock | section in?") == "include  LINE\n"


def test_help_has_a_heading_at_the_start_of_a_line() -> None:
    console = Console()
    assert console.type("?").startswith("Exec commands:\n")
    console.type("configure terminal")
    assert console.type("?").startswith("Configure commands:\n")


def test_help_in_configure_mode_is_that_of_its_lines_and_of_exec_after_do() -> None:
    console = Console()
    console.type("configure terminal")
    assert console.result("show ?").error == "% Unrecognized command\n"
    assert console.type("do show cl?") == "clock\n"
    assert "hostname" in console.type("?")


def test_help_about_an_interface_lists_its_types() -> None:
    console = Console()
    assert console.type("show interfaces fa?") == "FastEthernet\n"
    assert console.type("show interfaces FastEthernet ?") == "  <number>  FastEthernet interface number\n"
    console.type("configure terminal")
    assert console.type("interface lo?") == "Loopback\n"
    assert "  Tunnel              Tunnel interface\n" in console.type("interface ?")


@pytest.mark.parametrize(
    ("line", "listed"),
    [
        ("do ping ?", "  Hostname or A.B.C.D  Ping destination address or hostname\n"),
        ("do ping vrf ?", "  WORD  VPN Routing/Forwarding instance name\n"),
        ("access-list ?", "  <1-99>       IP access list\n  <100-199>    IP access list\n"),
        ("access-list 101 permit ip ?", "  host     A single host\n"),
        ("logging buffered ?", "  <4096-2147483647>  Logging buffer size\n"),
        ("logging facility a?", "auth\n"),
        ("logging facility ?", "  auth    Authorization system\n"),
        ("crypto isakmp identity ?", "  hostname  Use the hostname of the router for the identity\n"),
        ("snmp-server inform retries ?", "  <0-100>  Retry count for informs\n"),
        ("snmp-server user a b v3 ?", "  auth    authentication parameters for the user\n"),
    ],
)
def test_help_says_what_a_word_means_in_its_command(line: str, listed: str) -> None:
    console = Console()
    console.type("configure terminal")
    assert listed in console.type(line)


def test_help_does_not_carry_out_the_line() -> None:
    console = Console()
    console.type("disable?")
    assert console.session.prompt == "far#"


def test_help_for_what_cannot_be_says_so() -> None:
    console = Console()
    assert console.result("bogus ?").error == "% Unrecognized command\n"
    assert console.result("bogus?").error == "% Unrecognized command\n"
    assert console.result("e cl?").error == '% Ambiguous command:  "e cl"\n'


@pytest.mark.parametrize(
    ("text", "completed"),
    [
        ("sh", "show "),
        ("show cry", "show crypto "),
        ("show c", "show c"),
        ("bogus", "bogus"),
        ("", ""),
        ("sh ", "sh "),
        ("show clock | inc", "show clock | include "),
        ("ping 10.1.1.1 re", "ping 10.1.1.1 repeat "),
        ("show ip int fa", "show ip int FastEthernet "),
    ],
)
def test_tab_completes_a_word_that_is_the_only_one(text: str, completed: str) -> None:
    assert Console().session.complete(text) == completed


def test_tab_in_configure_mode_completes_its_words_and_exec_s_after_do() -> None:
    console = Console()
    console.type("configure terminal")
    assert console.session.complete("hostn") == "hostname "
    assert console.session.complete("do sh") == "do show "
    assert console.session.complete("description a | inc") == "description a | inc"


@pytest.mark.parametrize("mode", [USER, PRIVILEGED])
def test_every_word_of_every_command_has_its_help_line(mode: str) -> None:
    assert sorted(set(_undescribed(COMMANDS.exec, mode))) == []


def test_every_word_of_every_modifier_has_its_help_line() -> None:
    assert sorted(set(_undescribed(COMMANDS.modifiers, MODE))) == []


def _undescribed(grammar: Grammar[T], mode: str, words: tuple[str, ...] = ()) -> Iterator[str]:
    """Lines up to a word that help lists without saying what it does."""
    if len(words) > MAX_WORDS:
        return
    try:
        entries = grammar.help_at(mode, "".join(f"{word} " for word in words))
    except SyntaxProblem:
        return
    for word, described in entries:
        if word == "<cr>":
            continue
        if not described:
            yield " ".join((*words, word))
        if word in INTERFACE_TYPES and word != "Loopback":  # one stands for all
            continue
        sample = SAMPLES.get(word, "100" if word.startswith("<") else word)
        if sample not in words:
            yield from _undescribed(grammar, mode, (*words, sample))
