"""Lines that are right in IOS never keep a router from starting, whether the grammar here has all of them or not."""

from __future__ import annotations

import pytest

from agent.config.command import CommandSet
from agent.config.document import check, load
from tests.config.conftest import GOLDEN
from tests.config.test_golden import lines_of

RIGHT = (GOLDEN / "right-lines.cfg").read_text()


def test_no_right_line_is_called_wrong_and_none_is_lost(commands: CommandSet) -> None:
    assert [finding for finding in check(RIGHT, commands=commands) if finding.wrong] == []
    rendered = load(RIGHT, "right-lines.cfg", commands).render()
    assert sorted(lines_of(rendered)) == sorted(lines_of(RIGHT))
    assert load(rendered, "again", commands).render() == rendered


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("ip vrf a\n route-target 65000:9", " route-target export 65000:9\n route-target import 65000:9\n"),
        (
            "crypto isakmp profile p\n match identity address 10.1.1.1 cust",
            " match identity address 10.1.1.1 255.255.255.255 cust\n",
        ),
        ("interface BDI10\n ip address 10.0.0.1 255.0.0.0", "interface BDI10\n ip address 10.0.0.1 255.0.0.0\n"),
        ("interface se0/1\n shutdown", "interface Serial0/1\n"),
        ("access-list 101 permit tcp any any eq 515", "access-list 101 permit tcp any any eq lpd\n"),
    ],
)
def test_what_is_right_has_its_effect(commands: CommandSet, line: str, written: str) -> None:
    assert check(line, commands=commands) == []
    assert written in load(line, "x", commands).render()


@pytest.mark.parametrize(
    "line", ["access-list 5000 permit any", "access-list ² permit any", f"access-list {'9' * 5000} permit any", "bandwidth 0"]
)
def test_a_number_that_is_none_or_out_of_range_is_wrong_also_where_other_words_may_stand(commands: CommandSet, line: str) -> None:
    [finding] = check(f"interface Tunnel0\n {line}", commands=commands)
    assert finding.wrong
