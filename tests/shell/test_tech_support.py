"""`show tech-support ipsec`: the commands that the guide lists for its three forms, in its order."""

from __future__ import annotations

import pytest

from tests.shell.fakes import Console

BEFORE = ["show version", "show running-config"]
AFTER = [
    "show crypto ruleset detail",
    "show processes memory | include Crypto IKMP",
    "show processes cpu | include Crypto IKMP",
    "show crypto eli",
    "show crypto engine accelerator statistic",
]
FORMS = {
    "": [
        "show crypto isakmp sa count",
        "show crypto ipsec sa count",
        "show crypto session summary",
        "show crypto session detail",
        "show crypto isakmp sa detail",
        "show crypto ipsec sa detail",
        "show crypto isakmp peers",
    ],
    " peer 10.1.1.2": [
        "show crypto session remote 10.1.1.2 detail",
        "show crypto isakmp sa peer 10.1.1.2 detail",
        "show crypto ipsec sa peer 10.1.1.2 detail",
        "show crypto isakmp peers 10.1.1.2",
    ],
    " vrf red": [
        "show crypto isakmp sa count vrf red",
        "show crypto ipsec sa count vrf red",
        "show crypto session ivrf red detail",
        "show crypto session fvrf red detail",
        "show crypto isakmp sa vrf red detail",
        "show crypto ipsec sa vrf red detail",
    ],
}


def heading(line: str) -> str:
    return f"------------------ {line} ------------------"


@pytest.mark.parametrize("form", FORMS)
def test_each_form_has_the_commands_of_the_guide_in_its_order(form: str) -> None:
    shown = Console().type(f"show tech-support ipsec{form}").splitlines()
    assert [line for line in shown if line.startswith("---")] == list(map(heading, [*BEFORE, *FORMS[form], *AFTER]))


PARTS = [line for lines in (BEFORE, *FORMS.values(), AFTER) for line in lines]
MEASURED = ("show version", "show processes")  # what the process uses changes from one reading to the next


@pytest.mark.parametrize("line", PARTS)
def test_its_parts_are_what_the_commands_print(line: str) -> None:
    form = " peer 10.1.1.2" if "10.1.1.2" in line else " vrf red" if "red" in line else ""
    shown = Console().type(f"show tech-support ipsec{form}")
    part = shown.partition(f"{heading(line)}\n\n")[2].partition("\n------------------")[0]
    assert "% Invalid" not in part
    if "| include" in line:
        assert part.rstrip().endswith("Crypto IKMP")
    if not line.startswith(MEASURED):
        assert part.rstrip("\n") == Console().type(line).rstrip("\n")


def test_an_output_modifier_sees_all_of_it() -> None:
    shown = Console().type("show tech-support ipsec | include ^hostname|IPsec SA total")
    assert shown == "hostname far\nIPsec SA total: 0, active: 0, rekeying: 0, unused: 0, invalid: 0\n"
