"""SET: the tests in the order of RFC 3416 §4.2.5, and all of it or nothing."""

from __future__ import annotations

import pytest

from agent.base.origin import manager
from agent.mib.setting import Assignment
from agent.mib.tree import Tree
from agent.mib.values import COUNTER32, COUNTER64, GAUGE32, INTEGER, NULL, OCTET_STRING, order_key
from agent.snmp.setting import Refusal, set_values
from agent.snmp.view import Family, View
from tests.snmp.fakes import ENTRY, EVERYTHING, MODE, READ_ONLY, ROOT, SIZE, TEXT, Fake, fake_tree

DESTROY = (*ENTRY, 5, 3)
MANAGER = manager("127.0.0.1")


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def tree(fake: Fake) -> Tree:
    return fake_tree(fake)


def size(value: int) -> Assignment:
    return Assignment(SIZE, INTEGER, value)


def text(value: bytes) -> Assignment:
    return Assignment(TEXT, OCTET_STRING, value)


@pytest.mark.parametrize(
    ("assignment", "status"),
    [
        (Assignment(READ_ONLY, INTEGER, 1), "notWritable"),
        (Assignment((*ROOT, 9, 9, 0), INTEGER, 1), "notWritable"),
        (Assignment((*ENTRY, 2, 1), COUNTER32, 1), "notWritable"),
        (Assignment((1, 3), INTEGER, 1), "notWritable"),
        (Assignment(SIZE, OCTET_STRING, b"7"), "wrongType"),
        (Assignment(SIZE, GAUGE32, 7), "wrongType"),
        (Assignment(SIZE, COUNTER64, 7), "wrongType"),
        (Assignment(SIZE, NULL[0], None), "wrongType"),
        (text(b"123456789"), "wrongLength"),
        (text(b"1" * 17), "wrongLength"),
        (size(0), "wrongValue"),
        (size(65536), "wrongValue"),
        (Assignment(MODE, INTEGER, 3), "wrongValue"),
        (Assignment(DESTROY, INTEGER, 7), "wrongValue"),
        (Assignment((*ENTRY, 5, 9), INTEGER, 2), "noCreation"),
        (Assignment(SIZE[:-1], INTEGER, 5), "noCreation"),
        (Assignment((*SIZE[:-1], 1), INTEGER, 5), "noCreation"),
        (size(13), "inconsistentValue"),
    ],
)
def test_a_value_is_refused_for_what_is_wrong_with_it(tree: Tree, fake: Fake, assignment: Assignment, status: str) -> None:
    assert set_values(tree, EVERYTHING, [size(5), assignment, text(b"ok")], MANAGER) == Refusal(status, 2)
    assert fake.done == []


@pytest.mark.parametrize(
    ("assignment", "view"),
    [
        (size(0), View((Family((1, 3, 6, 1, 2), True),))),
        (Assignment(READ_ONLY, OCTET_STRING, b""), View((Family((1,), True), Family(READ_ONLY[:-1], False)))),
        (size(5), None),
    ],
)
def test_what_is_not_in_the_write_view_is_no_access_before_anything_else(
    tree: Tree, fake: Fake, assignment: Assignment, view: View | None
) -> None:
    view = view and View(tuple(sorted(view.families, key=lambda family: -len(family.subtree))))
    assert set_values(tree, view, [assignment], MANAGER) == Refusal("noAccess", 1)


def test_values_at_the_edges_are_taken(tree: Tree, fake: Fake) -> None:
    edges = [size(1), size(65535), text(b""), text(b"12345678"), text(b"1" * 16), Assignment(MODE, INTEGER, 2)]
    for edge in edges:
        assert set_values(tree, EVERYTHING, [edge], MANAGER) is None
    assert len(fake.done) == len(edges)
    assert (fake.size, fake.mode, fake.text) == (65535, "off", b"1" * 16)


def test_commits_are_in_the_order_of_the_views_and_destroys_come_last(tree: Tree, fake: Fake) -> None:
    assert set_values(tree, EVERYTHING, [Assignment(DESTROY, INTEGER, 2), text(b"x"), size(5)], MANAGER) is None
    assert fake.done == ["size=5", "text", "destroy 3"]


def test_nothing_is_done_when_the_last_binding_is_refused(tree: Tree, fake: Fake) -> None:
    assert set_values(tree, EVERYTHING, [size(5), Assignment(DESTROY, INTEGER, 2), size(0)], MANAGER) == Refusal("wrongValue", 3)
    assert fake.done == []


@pytest.mark.parametrize(
    ("faulty", "place", "done"),
    [
        ("size", 3, []),
        ("mode", 4, ["size=5", "not size=5"]),
        ("text", 2, ["size=5", "mode=off", "not mode=off", "not size=5"]),
        ("destroy", 1, ["size=5", "mode=off", "text", "not text", "not mode=off", "not size=5"]),
    ],
)
def test_where_a_commit_fails_all_before_it_is_taken_back(tree: Tree, fake: Fake, faulty: str, place: int, done: list[str]) -> None:
    """RFC 3416 §4.2.5: commitFailed, with the index of the binding that failed."""
    fault = RuntimeError("no")
    told: list[Exception] = []
    fake.commit_fault, fake.faulty = fault, faulty
    asked = [Assignment(DESTROY, INTEGER, 2), text(b"x"), size(5), Assignment(MODE, INTEGER, 2)]
    assert set_values(tree, EVERYTHING, asked, MANAGER, told.append) == Refusal("commitFailed", place)
    assert told == [fault]
    assert fake.done == done
    assert (fake.size, fake.mode, fake.text) == (10, "on", b"words")
    assert tree.entry(order_key(DESTROY)) is not None


def test_an_undo_that_fails_is_told_and_the_others_are_done(tree: Tree, fake: Fake) -> None:
    """RFC 3416 §4.2.5: undoFailed, with an index of zero."""
    told: list[Exception] = []
    fake.commit_fault, fake.faulty, fake.undo_fault = RuntimeError("no"), "text", ValueError("not that either")
    assert set_values(tree, EVERYTHING, [size(5), text(b"x")], MANAGER, told.append) == Refusal("undoFailed", 0)
    assert told == [fake.commit_fault, fake.undo_fault]


def test_what_is_destroyed_cannot_be_taken_back_and_all_else_is(tree: Tree, fake: Fake) -> None:
    told: list[Exception] = []
    twice = Assignment(DESTROY, INTEGER, 2)
    assert set_values(tree, EVERYTHING, [twice, size(5), twice], MANAGER, told.append) == Refusal("undoFailed", 0)
    assert len(told) == 1
    assert fake.done == ["size=5", "destroy 3", "destroy 3", "not size=5"]


def test_every_commit_is_told_who_asks(tree: Tree, fake: Fake) -> None:
    assert set_values(tree, EVERYTHING, [size(5), text(b"x")], MANAGER) is None
    assert fake.origins == [MANAGER, MANAGER]
