"""Typed edits: tested before anything is done, done with the events of a typed line, and taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.base.origin import CONSOLE, Origin, OriginKind, manager
from agent.config.changes import snapshot
from agent.config.document import Document, load
from agent.config.edits import (
    AttachCryptoMap,
    ConfigEdit,
    DescribeInterface,
    DetachCryptoMap,
    EditFault,
    Editor,
    EditRefusedError,
    SetHostname,
    SetSnmpText,
    ShutInterface,
    SwitchTrapType,
)
from agent.config.events import (
    ConfigEvent,
    CryptoMapAttached,
    CryptoMapDetached,
    HostnameSet,
    InterfaceChanged,
    SnmpTextSet,
    TrapTypesSet,
)
from agent.config.session import Session

MANAGER = manager("192.0.2.9")
TEXT = """hostname hub
crypto map outside 10 ipsec-isakmp
 set peer 192.0.2.1
!
interface FastEthernet0/0
 description to the far router
 crypto map outside
!
interface FastEthernet0/1
 shutdown
!
snmp-server contact somebody
snmp-server enable traps snmp linkup
no snmp-server enable traps ipsec tunnel stop
end
"""
# Each edit, the line that says the same to an operator (in its interface), and what takes it back.
EDITS: list[tuple[ConfigEdit, str, str, ConfigEdit]] = [
    (SetHostname("spoke"), "", "hostname spoke", SetHostname("hub")),
    (SetSnmpText("contact", "the night shift"), "", "snmp-server contact the night shift", SetSnmpText("contact", "somebody")),
    (SetSnmpText("contact", ""), "", "no snmp-server contact", SetSnmpText("contact", "somebody")),
    (SetSnmpText("location", "room 7"), "", "snmp-server location room 7", SetSnmpText("location", "")),
    (
        SwitchTrapType("snmp authentication", True),
        "",
        "snmp-server enable traps snmp authentication",
        SwitchTrapType("snmp authentication", None),
    ),
    (SwitchTrapType("snmp linkup", False), "", "no snmp-server enable traps snmp linkup", SwitchTrapType("snmp linkup", True)),
    (
        SwitchTrapType("ipsec tunnel stop", True),
        "",
        "snmp-server enable traps ipsec tunnel stop",
        SwitchTrapType("ipsec tunnel stop", False),
    ),
    (
        DescribeInterface("FastEthernet0/1", "spare"),
        "FastEthernet0/1",
        "description spare",
        DescribeInterface("FastEthernet0/1", ""),
    ),
    (
        DescribeInterface("FastEthernet0/0", ""),
        "FastEthernet0/0",
        "no description",
        DescribeInterface("FastEthernet0/0", "to the far router"),
    ),
    (ShutInterface("FastEthernet0/0", True), "FastEthernet0/0", "shutdown", ShutInterface("FastEthernet0/0", False)),
    (ShutInterface("FastEthernet0/1", False), "FastEthernet0/1", "no shutdown", ShutInterface("FastEthernet0/1", True)),
    (
        DetachCryptoMap("FastEthernet0/0", "outside"),
        "FastEthernet0/0",
        "no crypto map outside",
        AttachCryptoMap("FastEthernet0/0", "outside"),
    ),
    (
        AttachCryptoMap("FastEthernet0/1", "outside"),
        "FastEthernet0/1",
        "crypto map outside",
        DetachCryptoMap("FastEthernet0/1", "outside"),
    ),
]


class Edited:
    """A configuration, what edits it, and the events that were told."""

    def __init__(self, follow: Callable[[Sequence[ConfigEvent]], None] | None = None) -> None:
        self.document = load(TEXT)
        self.config = self.document.config
        self.told: list[ConfigEvent] = []
        self.editor = Editor(self.config, follow or self.told.extend)


@pytest.mark.parametrize(("edit", "interface", "line", "undo"), EDITS, ids=[line for _, _, line, _ in EDITS])
def test_an_edit_does_what_the_line_does_and_is_taken_back(edit: ConfigEdit, interface: str, line: str, undo: ConfigEdit) -> None:
    here, typed = Edited(), load(TEXT)
    before = snapshot(here.config)
    session = Session(typed, origin=MANAGER)
    if interface:
        session.feed(f"interface {interface}")
    outcome = session.feed(line)
    assert here.editor.test(edit) is None
    assert (here.config, here.told) == (before, []), "a test changes nothing"
    assert here.editor.do(edit, MANAGER) == undo
    assert here.config == typed.config
    assert here.told == list(outcome.events)
    assert here.document.render() == typed.render()
    here.editor.do(undo, CONSOLE)
    assert here.config == before
    assert {event.origin for event in here.told[len(outcome.events) :]} == {CONSOLE}


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (SetHostname(""), EditFault.VALUE),
        (SetHostname("two words"), EditFault.VALUE),
        (SetHostname("x" * 64), EditFault.VALUE),
        (SetSnmpText("contact", "x" * 256), EditFault.VALUE),
        (SetSnmpText("location", "here "), EditFault.VALUE),
        (SetSnmpText("location", "here\nhostname there"), EditFault.VALUE),
        (SetSnmpText("location", "\0"), EditFault.VALUE),
        (DescribeInterface("FastEthernet0/0", "é" * 121), EditFault.VALUE),
        (DescribeInterface("FastEthernet9/0", "x"), EditFault.STATE),
        (ShutInterface("FastEthernet9/0", True), EditFault.STATE),
        (DetachCryptoMap("FastEthernet9/0", "outside"), EditFault.STATE),
        (AttachCryptoMap("FastEthernet9/0", "outside"), EditFault.STATE),
        (AttachCryptoMap("FastEthernet0/0", "another"), EditFault.STATE),
    ],
)
def test_an_edit_that_cannot_be_is_refused_before_anything_is_done(edit: ConfigEdit, fault: EditFault) -> None:
    here = Edited()
    before = snapshot(here.config)
    refusal = here.editor.test(edit)
    assert refusal is not None
    assert refusal.fault is fault
    assert (here.config, here.told) == (before, [])


def test_what_has_become_impossible_since_its_test_is_refused_and_changes_nothing() -> None:
    here = Edited()
    edit = DescribeInterface("FastEthernet0/1", "spare")
    assert here.editor.test(edit) is None
    del here.config.interfaces["FastEthernet0/1"]
    with pytest.raises(EditRefusedError) as refused:
        here.editor.do(edit, MANAGER)
    assert refused.value.refusal.fault is EditFault.STATE
    assert here.told == []


def test_a_map_that_is_off_its_interface_already_stays_off() -> None:
    """`no crypto map` obeys without a map, as on IOS; and taking it back puts none there."""
    here = Edited()
    edit = DetachCryptoMap("FastEthernet0/1", "outside")
    assert here.editor.test(edit) is None
    here.editor.do(here.editor.do(edit, MANAGER), MANAGER)
    assert here.config.interfaces["FastEthernet0/1"].crypto_map is None
    assert here.told == []


def test_taking_back_gives_way_to_what_was_done_meanwhile() -> None:
    here = Edited()
    undo = here.editor.do(DetachCryptoMap("FastEthernet0/0", "outside"), MANAGER)
    Session(here.document).feed("crypto map another 1 ipsec-isakmp")
    session = Session(here.document)
    for line in ("interface FastEthernet0/0", "crypto map another"):
        session.feed(line)
    with pytest.raises(EditRefusedError):
        here.editor.do(undo, MANAGER)
    assert here.config.interfaces["FastEthernet0/0"].crypto_map == "another"


def test_where_what_follows_fails_the_edit_is_taken_back() -> None:
    followed: list[ConfigEvent] = []

    def follow(events: Sequence[ConfigEvent]) -> None:
        followed.extend(events)
        if len(followed) == 1:
            raise RuntimeError("no")

    here = Edited(follow)
    with pytest.raises(RuntimeError, match="no"):
        here.editor.do(DetachCryptoMap("FastEthernet0/0", "outside"), MANAGER)
    assert here.config.interfaces["FastEthernet0/0"].crypto_map == "outside"
    place = ("outside", "FastEthernet0/0")
    assert followed == [CryptoMapDetached(*place, origin=MANAGER), CryptoMapAttached(*place, origin=MANAGER)]


texts = st.text(st.characters(max_codepoint=0x2FF, blacklist_categories=["Cs"]), max_size=30)
any_edits = st.one_of(
    st.builds(SetHostname, texts),
    st.builds(SetSnmpText, st.sampled_from(["contact", "location"]), texts),
    st.builds(DescribeInterface, st.just("FastEthernet0/1"), texts),
    st.sampled_from([edit for edit, _, _, _ in EDITS]),
)


@given(st.lists(any_edits, max_size=8))
def test_what_is_done_can_be_written_read_and_taken_back(edits: list[ConfigEdit]) -> None:
    here = Edited()
    before = snapshot(here.config)
    undos = [here.editor.do(edit, MANAGER) for edit in edits if here.editor.test(edit) is None]
    assert load(here.document.render()).config == here.config
    for undo in reversed(undos):
        here.editor.do(undo, MANAGER)
    assert here.config == before


# --- who caused an event ---


@pytest.mark.parametrize("origin", [CONSOLE, Origin(OriginKind.SSH, "ann"), None])
def test_the_events_of_a_typed_line_say_who_typed_it(origin: Origin | None) -> None:
    session = Session(Document(), origin=origin)
    events: list[ConfigEvent] = []
    for line in ("hostname a", "interface Tunnel0", "exit", "snmp-server contact b", "snmp-server enable traps tty"):
        events += session.feed(line).events
    assert events == [
        HostnameSet("a", origin=origin),
        InterfaceChanged("Tunnel0", origin=origin),
        SnmpTextSet(origin=origin),
        TrapTypesSet(frozenset({"tty"}), True, origin=origin),
    ]
