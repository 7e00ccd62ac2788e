"""`aaa …` lines, by the Cisco IOS Security Command Reference and Cisco's YANG model of them (Cisco-IOS-XE-aaa)."""

from __future__ import annotations

import pytest

from agent.config.aaa_model import AccountingList, AccountingUpdate
from agent.config.changes import changes, snapshot
from agent.config.commands import build
from agent.config.document import Document, load
from agent.config.errors import ConfigErrors
from agent.config.events import AaaChanged
from agent.config.model import RouterConfig
from agent.config.session import Outcome, Session

START_STOP = AccountingList("start-stop", ("radius",))


def typed(*lines: str, config: str = "") -> tuple[Document, list[Outcome]]:
    """The document once lines are typed, and what each did."""
    document = load(config)
    session = Session(document)
    return document, [session.feed(line, typed=True) for line in lines]


def body(document: Document) -> list[str]:
    """The rendered lines of AAA, with those of their modes."""
    kept, within = [], False
    for line in document.render().split("\n"):
        within = line.startswith(("aaa ", "no aaa ", "line ")) or (within and line.startswith(" "))
        kept += [line] if within else []
    return kept


@pytest.mark.parametrize(
    ("line", "name", "methods"),
    [
        ("aaa authentication login default group radius local", "login", ("group radius", "local")),
        ("aaa authentication login default local-case enable line none", "login", ("local-case", "enable", "line", "none")),
        ("aaa authentication login default group local group group", "login", ("group local", "group group")),
        ("aaa authentication enable default group radius enable", "enable", ("group radius", "enable")),
        ("aaa authorization exec default group radius if-authenticated", "exec", ("group radius", "if-authenticated")),
        ("aaa authorization network default local group big none", "network", ("local", "group big", "none")),
    ],
)
def test_a_list_has_its_methods_in_order(line: str, name: str, methods: tuple[str, ...]) -> None:
    document, _ = typed(line)
    assert getattr(document.config.aaa, name) == {"default": methods}
    assert body(document) == [line]
    words = line.split(" ")
    Session(document).feed(f"no {' '.join(words[:4])}", typed=True)
    assert getattr(document.config.aaa, name) == {}
    assert body(document) == []


def test_a_list_typed_again_is_replaced() -> None:
    document, _ = typed("aaa authentication login l local", "aaa authentication login l group radius")
    assert document.config.aaa.login == {"l": ("group radius",)}


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("aaa authentication login l local none local none local", "local"),  # IOS takes four methods,
        ("aaa accounting network l start-stop group a group b group c group d group e", "group e"),  # and four groups
        (f"aaa authentication login {'n' * 32} local", "n"),
        ("aaa authentication enable l enable", "l enable"),
        ("aaa authorization network l enable", "enable"),
        ("aaa accounting system l start-stop group radius", "l start"),
        ("aaa accounting update periodic 0", "0"),
        ("aaa accounting update periodic 2147483648", "2147483648"),
    ],
)
def test_ioss_limits(line: str, column: str) -> None:
    _, [outcome] = typed(line)
    assert outcome.problem is not None
    assert (outcome.problem.kind, outcome.problem.column) == ("invalid", line.rindex(column) if column != "n" else line.index("nn"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("aaa accounting network acc start-stop group radius", START_STOP),
        ("aaa accounting network acc stop-only group a group b", AccountingList("stop-only", ("a", "b"))),
        ("aaa accounting network acc start-stop broadcast group radius", AccountingList("start-stop", ("radius",), True)),
        ("aaa accounting network acc start-stop group broadcast", AccountingList("start-stop", ("broadcast",))),
        ("aaa accounting network acc none", AccountingList("none")),
    ],
)
def test_accounting_lists_of_one_line(line: str, expected: AccountingList) -> None:
    document, _ = typed(line)
    assert document.config.aaa.network_accounting == {"acc": expected}
    assert body(document) == [line]
    Session(document).feed("no aaa accounting network acc", typed=True)
    assert document.config.aaa.network_accounting == {}


@pytest.mark.parametrize(
    ("lines", "expected", "shown"),
    [
        (
            ["action-type start-stop", "group radius"],
            START_STOP,
            ["aaa accounting network acc start-stop group radius"],
        ),
        (
            ["action-type stop-only", "broadcast", "group a", "group b", "group a"],
            AccountingList("stop-only", ("a", "b"), True),
            ["aaa accounting network acc stop-only broadcast group a group b"],
        ),
        (
            ["action-type start-stop periodic interval 5", "group a"],
            AccountingList("start-stop", ("a",), periodic=5),
            ["aaa accounting network acc", " action-type start-stop periodic interval 5", " group a"],
        ),
        (
            ["action-type start-stop periodic disable", "group a", "broadcast", "no broadcast"],
            AccountingList("start-stop", ("a",), periodic=0),
            ["aaa accounting network acc", " action-type start-stop periodic disable", " group a"],
        ),
        (["group a"], AccountingList("none", ("a",)), ["aaa accounting network acc", " action-type none", " group a"]),
        (["group a", "no group a"], AccountingList("none"), ["aaa accounting network acc none"]),
        (["action-type stop-only", "group a", "no action-type"], AccountingList("none", ("a",)), None),
    ],
)
def test_accounting_lists_of_several_lines(lines: list[str], expected: AccountingList, shown: list[str] | None) -> None:
    document, outcomes = typed("aaa accounting network acc", *lines)
    assert all(outcome.problem is None for outcome in outcomes)
    assert document.config.aaa.network_accounting == {"acc": expected}
    assert shown is None or body(document) == shown
    again = load(document.render())
    assert (again.config.aaa, again.render()) == (document.config.aaa, document.render())


def test_the_prompt_of_an_accounting_list() -> None:
    session = Session(load(""))
    session.feed("aaa accounting network acc", typed=True)
    assert session.prompt_suffix == "(cfg-acct-mlist)#"


def test_lines_of_a_list_that_are_not_understood_stay_under_it() -> None:
    text = "aaa accounting network acc\n action-type start-stop\n group radius\n filter-something\n"
    document = load(text)
    assert document.config.aaa.network_accounting == {"acc": START_STOP}
    assert text in document.render()


def test_system_accounting_and_services_that_do_not_happen_here() -> None:
    lines = [
        "aaa accounting commands 15 default stop-only group tacacs+",
        "aaa accounting exec default start-stop group radius",
        "aaa accounting system default start-stop group radius",
    ]
    document, _ = typed(*lines)
    assert document.config.aaa.system_accounting == START_STOP
    assert document.config.aaa.other_accounting == {
        ("commands 15", "default"): AccountingList("stop-only", ("tacacs+",)),
        ("exec", "default"): START_STOP,
    }
    assert body(document) == lines
    for line in ("no aaa accounting system default", "no aaa accounting commands 15 default", "no aaa accounting exec default"):
        Session(document).feed(line, typed=True)
    assert body(document) == []


def test_older_words_mean_the_same() -> None:
    """The reference has `{radius | group NAME}`; IOS XE takes wait-start, which it does not have, as start-stop."""
    document, _ = typed("aaa accounting network a start-stop radius", "aaa accounting network b wait-start group radius")
    assert document.config.aaa.network_accounting == {"a": START_STOP, "b": START_STOP}


@pytest.mark.parametrize(
    ("line", "update"),
    [
        ("aaa accounting update newinfo", AccountingUpdate(True)),
        ("aaa accounting update periodic 1", AccountingUpdate(False, 1)),
        ("aaa accounting update newinfo periodic 2147483647", AccountingUpdate(True, 2147483647)),
        ("aaa accounting update periodic 15 jitter maximum 0", AccountingUpdate(False, 15, 0)),
    ],
)
def test_interim_records(line: str, update: AccountingUpdate) -> None:
    document, _ = typed(line)
    assert document.config.aaa.update == update
    assert body(document) == [line]
    Session(document).feed("no aaa accounting update", typed=True)
    assert document.config.aaa.update is None


@pytest.mark.parametrize(
    ("line", "field", "on", "off"),
    [
        ("aaa accounting delay-start", "delay_start", True, False),
        ("aaa accounting delay-start all", "delay_start_all", True, False),
        ("aaa accounting suppress null-username", "suppress_null_username", True, False),
        ("aaa session-id unique", "unique_session_ids", True, None),
        ("aaa session-id common", "unique_session_ids", False, None),
        ("aaa new-model", "new_model", True, False),
        ("aaa accounting gigawords", "gigawords", True, False),
    ],
)
def test_what_is_on_or_off(line: str, field: str, on: bool, off: bool | None) -> None:
    document, _ = typed(line)
    assert getattr(document.config.aaa, field) is on
    assert body(document) == [line]
    Session(document).feed(f"no {line}", typed=True)
    assert getattr(document.config.aaa, field) is off


def test_terminal_lines_name_lists_and_have_a_password() -> None:
    lines = [
        "line vty 0 4",
        " password 7 0822455D0A16",
        " login authentication people",
        " authorization exec people",
    ]
    document, _ = typed(*lines, "line con 0", "no login", "line aux 0", "login local")
    vty = document.config.lines["vty", 0, 4]
    assert vty.password is not None
    assert (vty.login_list, vty.exec_list, vty.password.plain) == ("people", "people", "cisco")
    assert [document.config.lines[kind, 0, 0].login for kind in ("con", "aux")] == ["no login", "login local"]
    assert "\n".join(lines) in document.render()
    assert "line con 0\n no login\nline aux 0\n login local\n" in document.render()
    _, outcomes = typed("line vty 0 4", "no login authentication", "no authorization exec", "no password", "default login")
    assert all(outcome.problem is None for outcome in outcomes)


AAA_LINES = [
    "aaa new-model",
    "aaa authentication login l local",
    "aaa accounting network l none",
    "aaa accounting update newinfo",
    "radius-server host 10.1.1.1",
    "radius-server key k",
    "radius server s",
    "aaa group server radius g",
    "ip radius source-interface Loopback0",
    "aaa server radius dynamic-author",
    "radius-server vsa send accounting",
    "radius-server timeout 5",
]


@pytest.mark.parametrize("line", AAA_LINES)
def test_each_line_is_one_change_that_can_be_taken_back(line: str) -> None:
    document = load("hostname r\n")
    before = snapshot(document.config)
    text = document.render()
    outcome = Session(document).feed(line, typed=True)
    assert [type(event) for event in outcome.events] == [AaaChanged]
    assert before.aaa == RouterConfig().aaa, "a snapshot stays as it is"
    assert before.radius == RouterConfig().radius
    undone = Session(document).feed(f"default {line}", typed=True)
    assert [type(event) for event in undone.events] == [AaaChanged]
    assert document.render() == text
    assert changes(before, document.config) == []


def test_a_line_that_changes_nothing_is_no_change() -> None:
    _, outcomes = typed("radius-server key k", "radius-server key k", "line vty 0 4", "login authentication a", "history size 9")
    assert [len(outcome.events) for outcome in outcomes] == [1, 0, 0, 1, 0]


def test_a_wrong_value_in_a_file_is_an_error() -> None:
    with pytest.raises(ConfigErrors, match=r"1 to 2147483647"):
        load("aaa accounting update periodic 0\n")


def test_the_default_list_is_a_keyword() -> None:
    """As `?` shows it on IOS: it may be abbreviated, and its case does not matter."""
    document, _ = typed("aaa authentication login def local", "aaa accounting network DEFAULT start-stop group radius")
    assert document.config.aaa.login == {"default": ("local",)}
    assert list(document.config.aaa.network_accounting) == ["default"]
    assert build().grammar.complete("config", "aaa authorization exec def") == "aaa authorization exec default "
