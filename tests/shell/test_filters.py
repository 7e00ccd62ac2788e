"""Output modifiers and IOS regular expressions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.base.lines import TOO_LONG
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
    assert console.engine.pings == []


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
        # Cisco's guide has `show log | include` with this pattern.
        ("%CRYPTO-6-IKMP_POLICY_DEFAULT*", "%CRYPTO-6-IKMP_POLICY_DEFAULT: Using ISAKMP Default policies", True),
        ("^(ab|cd)+$", "abcdab", True),
        ("a{2}", "aa", False),
        ("a{2}", "a{2}", True),
        (r"\d", "5", False),
        (r"\d", "d", True),
        ("[0-9]+x", "12x", True),
        ("[^0-9]", "12", False),
        ("[]a]", "]", True),
        (r"[\d]", "5", False),
        ("a*+b", "aab", True),
        ("a+?b", "b", True),
        ("é", "é", True),
        ("é", "\udce9", True),  # an octet of a file in Latin-1
        ("\udce9", "a\ud800", False),
    ],
)
def test_patterns_mean_what_they_mean_to_ios(pattern: str, line: str, found: bool) -> None:
    assert compile_regex(pattern).matches(line) is found


@pytest.mark.parametrize("pattern", ["(", ")", "[", "[a", "*", "a\\", "(?i)a", "[z-a]", r"\1", r"(a)(b)\2", "a" * 255])
def test_what_is_no_regular_expression_is_refused(pattern: str) -> None:
    with pytest.raises(RegexError):
        compile_regex(pattern)


@given(st.text(alphabet=r"ab1_.*+?()[]{}|^$\ -&~#", max_size=12), st.text(alphabet="ab1 ,(", max_size=12))
def test_any_pattern_compiles_or_is_refused(pattern: str, line: str) -> None:
    try:
        compiled = compile_regex(pattern)
    except RegexError:
        return
    assert compiled.matches(line) in (True, False)


# A pattern of IOS, and what Python's `re` calls it (IOS configuration fundamentals, "Regular Expressions").
Pair = tuple[str, str]
ATOMS: tuple[Pair, ...] = (
    *((each, each) for each in ("a", "b", "1", ".", "^", "$", "[ab]", "[^a1]", "[a-b]", "()")),
    ("_", r"(?:^|$|[ ,{}()])"),
    (r"\.", r"\."),
    (r"\d", "d"),
    ("{", r"\{"),
    ("-", "-"),
    (" ", " "),
)


def wider(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    def joined(pairs: list[Pair], between: str) -> Pair:
        return between.join(ours for ours, _ in pairs), between.join(theirs for _, theirs in pairs)

    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        several.map(lambda pairs: joined(pairs, "")),
        several.map(lambda pairs: joined(pairs, "|")).map(lambda pair: (f"({pair[0]})", f"({pair[1]})")),
        st.tuples(inner, st.sampled_from("*+?")).map(lambda made: (f"({made[0][0]}){made[1]}", f"(?:{made[0][1]}){made[1]}")),
    )


@given(st.recursive(st.sampled_from(ATOMS), wider, max_leaves=8), st.text(alphabet="ab1d. -,{()", max_size=10))
def test_a_pattern_finds_what_pythons_re_finds(pair: Pair, line: str) -> None:
    ours, theirs = pair
    assert compile_regex(ours).matches(line) is bool(re.search(theirs, line))


@pytest.mark.parametrize("pattern", ["(a+)+$", "^(a|a)*$", "^(a*)*(a*)*$", "(.*a)(.*a)(.*a)(.*a)(.*a)$", "^(a?a?a?a?a?)*$"])
def test_no_pattern_takes_longer_than_the_line_is_long(pattern: str) -> None:
    """Python's `re` would not end: its time is exponential in the line for the first."""
    regex = compile_regex(pattern)
    assert not regex.matches("a" * 100_000 + "b")
    assert regex.matches("a" * 100_000)


@given(st.text(alphabet="ab1 -{}#&~é", min_size=1, max_size=12))
def test_text_without_operators_finds_itself(text: str) -> None:
    regex = compile_regex(text)
    assert regex.matches(f"x{text}y")
    assert not regex.matches(f"x{text[1:]}y")


def test_a_pattern_that_cannot_be_matched_in_linear_time_or_is_too_long_is_refused_as_ios_refuses_it() -> None:
    console = Console()
    assert console.result(r"show clock | include (a)\1").error == "% Failed to compile regular expression.\n"
    assert console.result(f"show clock | include {'a' * 255}").error == f"{TOO_LONG}\n"
    with pytest.raises(RegexError):
        compile_regex("a" * 255)
    assert console.result(f"show clock | include {'a' * 200}").error == ""
