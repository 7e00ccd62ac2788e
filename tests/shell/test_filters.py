"""Output modifiers and IOS regular expressions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.shell.regex import RegexError, compile_regex
from tests.shell.fakes import Console


def show(modifier: str) -> str:
    return Console().type(f"show running-config | {modifier}")


def test_include_and_exclude_part_the_lines_between_them() -> None:
    whole = Console().type("show running-config").splitlines()
    included, excluded = show("include ip").splitlines(), show("exclude ip").splitlines()
    assert included == [line for line in whole if "ip" in line]
    assert excluded == [line for line in whole if "ip" not in line]


def test_begin_prints_from_the_first_match_on() -> None:
    assert show("begin ^interface Serial").startswith("interface Serial1/2\n no ip address\n shutdown\n")


def test_section_prints_a_line_and_what_stands_under_it() -> None:
    assert show("section Loopback") == "interface Loopback1\n ip address 10.20.1.1 255.255.255.255\n"
    assert show("section include Loopback") == show("section Loopback")
    left = show("section exclude interface")
    assert "255.255.255" not in left
    assert "hostname far" in left


def test_count_prints_how_many_lines_match() -> None:
    assert show("count ^interface") == "Number of lines which match regexp = 4\n"
    assert show("count nowhere") == "Number of lines which match regexp = 0\n"


def test_a_pattern_may_hold_bars_and_blanks() -> None:
    assert show("include ^hostname|^ip host") == "hostname far\nip host hub 10.1.1.2\n"


def test_modifiers_may_be_abbreviated_and_stand_close_to_the_bar() -> None:
    assert Console().type("show running-config|inc ^hostname") == "hostname far\n"


def test_only_show_commands_are_modified() -> None:
    console = Console()
    result = console.result("ping 10.1.1.1 | include rate")
    assert result.error.startswith(" " * (len("far#") + 14) + "^\n% Invalid")
    assert console.doors.pings == []


def test_what_is_wrong_with_a_modifier_is_said() -> None:
    console = Console()
    assert "% Invalid input" in console.result("show clock | bogus x").error
    assert console.result("show clock |").error == "% Incomplete command.\n\n"
    assert console.result("show clock | include").error == "% Incomplete command.\n\n"
    assert console.result("show clock | include (").error == "% Failed to compile regular expression.\n"
    assert console.terminal.text == ""


@pytest.mark.parametrize(
    ("pattern", "line", "found"),
    [
        ("10.1.1.1", "ip 10x1x1x1", True),
        (r"10\.1", "ip 10x1", False),
        ("_1_", "a 1,", True),
        ("_1_", "a 11,", False),
        ("^(ab|cd)+$", "abcdab", True),
        ("a{2}", "aa", False),
        ("a{2}", "a{2}", True),
        (r"\d", "5", False),
        (r"\d", "d", True),
        ("[0-9]+x", "12x", True),
        ("[^0-9]", "12", False),
        ("[]a]", "]", True),
        (r"[\d]", "5", False),
        (r"(a)(b)\2", "abb", True),
        ("a*+b", "aab", True),
        ("a+?b", "b", True),
        ("é", "é", True),
    ],
)
def test_patterns_mean_what_they_mean_to_ios(pattern: str, line: str, found: bool) -> None:
    assert bool(compile_regex(pattern).search(line)) is found


@pytest.mark.parametrize("pattern", ["(", ")", "[", "[a", "*", "a\\", "(?i)a", "[z-a]", r"\1"])
def test_what_is_no_regular_expression_is_refused(pattern: str) -> None:
    with pytest.raises(RegexError):
        compile_regex(pattern)


@given(st.text(alphabet=r"ab1_.*+?()[]{}|^$\ -&~#", max_size=12))
def test_any_pattern_compiles_or_is_refused(pattern: str) -> None:
    try:
        compiled = compile_regex(pattern)
    except RegexError:
        return
    assert isinstance(compiled, re.Pattern)


@given(st.text(alphabet="ab1 -{}#&~é", min_size=1, max_size=12))
def test_text_without_operators_finds_itself(text: str) -> None:
    found = compile_regex(text).search(f"x{text}y")
    assert found is not None
    assert found[0] == text
