"""The command grammar: abbreviation, ambiguity, carets, help and completion, on a small table of its own."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from agent.config.grammar import Grammar, SyntaxProblem
from agent.config.interface_names import interface_name
from agent.config.pattern import parse_pattern


@pytest.fixture(scope="module")
def grammar() -> Grammar[str]:
    made: Grammar[str] = Grammar({"show": "Show things", "show crypto": "Encryption module", "<address>": "Peer's address"})
    for pattern in (
        "show clock [detail]",
        "show crypto isakmp sa [count|detail] [peer <address:address>|vrf <vrf:word>]",
        "show crypto ipsec sa",
        "show configuration",
        "set level level={low|high}",
        "count <n:int(1-10,20-30)>",
        "note <text:line(20)>",
        "use <interface:interface> [now]",
        "call [vrf <vrf:word>] <host:host>",
        "list {<item:word>}*",
        "filter [{local <local:address>|remote <remote:address>|brief}]*",
        "x [a] b",
        "x b c",
        "abc one",
        "abcd two",
        "pick {<number:int(0-5)>|<name:word>}",
    ):
        made.declare("exec", pattern, pattern)
    return made


def test_unique_prefixes_are_enough(grammar: Grammar[str]) -> None:
    match = grammar.parse("exec", "sh cr isa sa det peer 10.1.1.1")
    assert match.canonical == "show crypto isakmp sa detail peer 10.1.1.1"
    assert match.address("address") == IPv4Address("10.1.1.1")
    assert "detail" in match
    assert "count" not in match
    assert not match.exact


def test_keywords_are_read_in_any_case(grammar: Grammar[str]) -> None:
    assert grammar.parse("exec", "SHOW Clock").canonical == "show clock"


@pytest.mark.parametrize("line", ["sh c", "show c", "show cr i", "s"])
def test_an_abbreviation_of_several_keywords_is_ambiguous(grammar: Grammar[str], line: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        grammar.parse("exec", line)
    assert caught.value.render(7) == [f'% Ambiguous command:  "{line}"']


def test_an_exact_keyword_wins_over_longer_ones(grammar: Grammar[str]) -> None:
    assert grammar.parse("exec", "abc one").target == "abc one"
    with pytest.raises(SyntaxProblem):
        grammar.parse("exec", "abc two")


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("show nothing", 5),
        ("show crypto isakmp sa peer 10.1.1.300", 27),
        ("count 11", 6),
        ("count 4294967296", 6),
        ("set level middle", 10),
        ("show clock detail more", 18),
        ("frob", 0),
        ("note this is more than twenty characters", 5),
    ],
)
def test_the_caret_stands_under_the_word_that_is_wrong(grammar: Grammar[str], line: str, column: int) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        grammar.parse("exec", line)
    assert caught.value.render(8) == [" " * (8 + column) + "^", "% Invalid input detected at '^' marker.", ""]


@pytest.mark.parametrize("line", ["show", "show crypto", "count", "set level", "show crypto isakmp sa peer", "list"])
def test_a_line_that_could_go_on_but_not_end_is_incomplete(grammar: Grammar[str], line: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        grammar.parse("exec", line)
    assert caught.value.render(0) == ["% Incomplete command.", ""]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("count 99", True),
        ("count", True),
        ("set level middle", True),
        ("show crypto isakmp sa peer 10.1.1.300", True),
        ("show nothing", False),
        ("frob 1", False),
        ("show clock 7", False),
    ],
)
def test_a_wrong_value_is_told_from_another_command(grammar: Grammar[str], line: str, wrong: bool) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        grammar.parse("exec", line)
    assert caught.value.wrong_value is wrong


def test_a_problem_says_what_would_be_right(grammar: Grammar[str]) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        grammar.parse("exec", "count 99")
    assert caught.value.what_would_be_right == "a number from 1 to 10 or 20 to 30"
    with pytest.raises(SyntaxProblem) as caught:
        grammar.parse("exec", "set level middle")
    assert caught.value.what_would_be_right == "low or high"


def test_an_interface_may_be_written_apart_and_short(grammar: Grammar[str]) -> None:
    assert grammar.parse("exec", "use s1/2.1 now").word("interface") == "Serial1/2.1"
    assert grammar.parse("exec", "use tunnel 0 now").canonical == "use Tunnel0 now"
    assert grammar.parse("exec", "use FastEthernet 1/0").word("interface") == "FastEthernet1/0"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("fa0/0", "FastEthernet0/0"),
        ("Gi0/0/1.100", "GigabitEthernet0/0/1.100"),
        ("te1/1", "TenGigabitEthernet1/1"),
        ("t0", None),
        ("eth0", "Ethernet0"),
        ("serial", None),
        ("10.1.1.1", None),
        ("po1", None),
        ("port-channel1", "Port-channel1"),
    ],
)
def test_interface_names(text: str, name: str | None) -> None:
    assert interface_name(text) == name


def test_repeated_parts_keep_all_their_values(grammar: Grammar[str]) -> None:
    assert grammar.parse("exec", "list a b c").all("item") == ("a", "b", "c")
    match = grammar.parse("exec", "filter remote 10.0.0.1 brief local 10.0.0.2")
    assert (match.address("remote"), match.address("local")) == (IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"))


def test_commands_that_share_words_do_not_lend_each_other_theirs(grammar: Grammar[str]) -> None:
    """`x [a] b` and `x b c` must not make `x a b c`."""
    assert grammar.parse("exec", "x a b").target == "x [a] b"
    assert grammar.parse("exec", "x b c").target == "x b c"
    with pytest.raises(SyntaxProblem):
        grammar.parse("exec", "x a b c")


def test_arguments_are_tried_in_the_order_of_the_pattern(grammar: Grammar[str]) -> None:
    assert "number" in grammar.parse("exec", "pick 5").values
    assert "name" in grammar.parse("exec", "pick 6").values


def test_the_rest_of_a_line_keeps_its_blanks(grammar: Grammar[str]) -> None:
    assert grammar.parse("exec", "note two  blanks  ").word("text") == "two  blanks"


def test_help_lists_what_may_come_next(grammar: Grammar[str]) -> None:
    assert grammar.help_at("exec", "show ") == [("clock", ""), ("configuration", ""), ("crypto", "Encryption module")]
    assert grammar.help_at("exec", "show cl") == [("clock", "")]
    assert grammar.help_at("exec", "count ") == [("<1-10>", ""), ("<20-30>", "")]
    assert grammar.help_at("exec", "show clock ") == [("detail", ""), ("<cr>", "")]
    assert grammar.help_at("exec", "show crypto isakmp sa peer ") == [("A.B.C.D", "Peer's address")]


def test_help_reads_a_keyword_in_full_as_a_keyword_alone(grammar: Grammar[str]) -> None:
    assert grammar.help_at("exec", "call red ") == [("<cr>", "")]
    assert grammar.help_at("exec", "call vrf ") == [("WORD", "")]
    assert grammar.parse("exec", "call vrf").word("host") == "vrf"


def test_help_lists_the_types_of_interfaces_and_then_asks_for_a_number(grammar: Grammar[str]) -> None:
    listed = grammar.help_at("exec", "use ")
    assert ("FastEthernet", "FastEthernet IEEE 802.3") in listed
    assert ("Tunnel", "Tunnel interface") in listed
    assert grammar.help_at("exec", "use fa") == [("FastEthernet", "FastEthernet IEEE 802.3")]
    assert grammar.help_at("exec", "use fa ") == [("<number>", "FastEthernet interface number")]
    assert grammar.help_at("exec", "use fa 0/0 ") == [("now", ""), ("<cr>", "")]
    for nothing in ("use x", "use x ", "use t ", "use fa 0/0 x"):
        with pytest.raises(SyntaxProblem):
            grammar.help_at("exec", nothing)


def test_two_areas_do_not_say_different_things_of_one_word() -> None:
    made: Grammar[str] = Grammar({"size": "shared"})
    made.add_help({"size": "Buffer size"})
    made.add_help({"size": "Buffer size"})
    with pytest.raises(ValueError, match="size"):
        made.add_help({"size": "Number of entries"})


def test_help_after_nonsense_points_at_it(grammar: Grammar[str]) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        grammar.help_at("exec", "show nothing ")
    assert caught.value.column == 5


def test_a_tab_completes_a_unique_prefix_only(grammar: Grammar[str]) -> None:
    assert grammar.complete("exec", "sh") == "show "
    assert grammar.complete("exec", "show cry") == "show crypto "
    assert grammar.complete("exec", "show c") == "show c"
    assert grammar.complete("exec", "frob") == "frob"
    assert grammar.complete("exec", "use fa") == "use FastEthernet "
    assert grammar.complete("exec", "use t") == "use t"
    assert grammar.complete("exec", "use fa0/0") == "use fa0/0"


@pytest.mark.parametrize("pattern", ["a [b", "a ]", "<x", "{a|b", "<x:int(1)> }"])
def test_a_malformed_pattern_is_refused_when_it_is_declared(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|bracket|argument"):
        parse_pattern(pattern)
