"""MIB views: longest subtree decides, wildcards, and what a view says of whole columns."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.snmp_model import ViewSubtree
from agent.mib.sources import MibError
from agent.snmp.view import ENGINE_MODULES, NOTHING, Family, UnknownSubtreeError, View, ViewMaker
from tests.snmp.fakes import EVERYTHING, INTERNET, VIEWS, resolve


def test_the_longest_subtree_decides() -> None:
    view = VIEWS.view([Family((1, 3), True), Family((1, 3, 6, 1), False), Family((1, 3, 6, 1, 2, 1), True)])
    assert view.contains((1, 3, 5))
    assert not view.contains((1, 3, 6, 1, 4))
    assert view.contains((1, 3, 6, 1, 2, 1, 1, 0))
    assert not view.contains((2, 3))


def test_of_equally_long_subtrees_the_greatest_decides() -> None:
    view = VIEWS.view([Family((1, 0, 2), False, (1,)), Family((1, 3, 2), True)])
    assert view.contains((1, 3, 2, 1))
    assert not view.contains((1, 4, 2, 1))


def test_a_wildcard_stands_for_any_sub_identifier() -> None:
    family = VIEWS.family(ViewSubtree("fakeEntry.*.2", True))
    assert family.holds((1, 3, 6, 1, 4, 1, 99999, 2, 1, 7, 2))
    assert not family.holds((1, 3, 6, 1, 4, 1, 99999, 2, 1, 7, 3))


@pytest.mark.parametrize(
    ("text", "oid"),
    [
        ("iso", (1,)),
        ("internet", (1, 3, 6, 1)),
        ("mib-2", (1, 3, 6, 1, 2, 1)),
        ("iso.3.6", (1, 3, 6)),
        ("1.3.6.1.4.1", (1, 3, 6, 1, 4, 1)),
        ("fakeEntry.2", (1, 3, 6, 1, 4, 1, 99999, 2, 1, 2)),
        ("snmpUsmMIB", (1, 3, 6, 1, 6, 3, 15)),
    ],
)
def test_a_subtree_is_named_or_numbered(text: str, oid: tuple[int, ...]) -> None:
    assert VIEWS.family(ViewSubtree(text, True)) == Family(oid, True)


@pytest.mark.parametrize("text", ["nowhere", "iso.x", "1..3", ""])
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(UnknownSubtreeError):
        VIEWS.family(ViewSubtree(text, True))


@pytest.mark.parametrize("module", [resolve(name) for name in ENGINE_MODULES])
def test_the_engines_own_modules_are_in_no_view_that_does_not_name_them(module: tuple[int, ...]) -> None:
    whole = VIEWS.view([Family((1,), True)])
    assert not whole.contains((*module, 1, 1, 0))
    assert not INTERNET.contains((*module, 1, 1, 0))
    assert VIEWS.view([Family((1,), True), Family(module, True)]).contains((*module, 1, 1, 0))
    deeper = VIEWS.view([Family((1,), True), Family((*module, 1, 2), True)])
    assert deeper.contains((*module, 1, 2, 0))
    assert not deeper.contains((*module, 1, 1, 0))


@pytest.mark.parametrize("name", [*ENGINE_MODULES, "iso", "internet"])
def test_a_name_that_every_view_needs_and_the_modules_lack_is_an_error(name: str) -> None:
    def lacking(wanted: str) -> tuple[int, ...]:
        if wanted == name:
            raise KeyError(wanted)
        return resolve(wanted)

    with pytest.raises(MibError, match=f"do not define {name}; take"):
        ViewMaker(lacking)


def test_nothing_and_everything() -> None:
    assert not NOTHING.contains((1, 3))
    assert NOTHING.covers((1, 3)) is False
    assert EVERYTHING.contains((1, 3, 6, 1, 6, 3, 15, 1))
    assert EVERYTHING.covers((1, 3)) is True


small_oids = st.lists(st.integers(0, 2), min_size=1, max_size=4).map(tuple)
families = st.builds(
    lambda subtree, included, wild: Family(subtree, included, tuple(at for at in wild if at < len(subtree))),
    small_oids,
    st.booleans(),
    st.lists(st.integers(0, 3), max_size=2, unique=True),
)


@given(st.lists(families, max_size=5), small_oids)
def test_what_a_view_says_of_a_prefix_holds_for_every_name_below(chosen: list[Family], prefix: tuple[int, ...]) -> None:
    view = View(tuple(sorted(chosen, key=lambda family: (len(family.subtree), family.subtree), reverse=True)))
    covered = view.covers(prefix)
    if covered is not None:
        for size in range(4):
            for tail in product(range(3), repeat=size):
                assert view.contains((*prefix, *tail)) is covered


@given(st.lists(families, max_size=5), small_oids)
def test_a_view_decides_as_the_rfc_spells_it_out(chosen: list[Family], name: tuple[int, ...]) -> None:
    """RFC 3415 §5, by the definition of vacmViewTreeFamilyEntry."""
    unique = {(family.subtree, family.wild): family for family in chosen}
    holding = [family for family in unique.values() if family.holds(name)]
    best = max(holding, key=lambda family: (len(family.subtree), family.subtree), default=None)
    ties = [each for each in holding if best and each.subtree == best.subtree]
    if len({each.included for each in ties}) <= 1:
        assert View(
            tuple(sorted(unique.values(), key=lambda family: (len(family.subtree), family.subtree), reverse=True))
        ).contains(name) is (best is not None and best.included)


@given(st.lists(families, max_size=5), small_oids, st.integers(0, 2))
def test_nothing_that_is_shown_is_passed_over(chosen: list[Family], hidden: tuple[int, ...], fixed: int) -> None:
    view = View(tuple(sorted(chosen, key=lambda family: (len(family.subtree), family.subtree), reverse=True)))
    if view.contains(hidden) or len(hidden) <= fixed:
        return
    rest = view.whole.below(hidden[:fixed]).behind(hidden[fixed:])
    behind = None if rest is None else (*hidden[:fixed], *rest)
    assert behind is None or behind > hidden
    for size in range(1, 6 - fixed):
        for tail in product(range(4), repeat=size):
            name = (*hidden[:fixed], *tail)
            if name > hidden and view.contains(name):
                assert behind is not None
                assert behind <= name


def test_a_hidden_range_is_passed_over_in_one_step() -> None:
    column = (1, 3, 2, 7)
    view = VIEWS.view([Family((1, 3), True), Family(column, False), Family((*column, 90_000), True), Family((*column, 5), False)])
    assert view.whole.below(column).behind((4,)) == (90_000,)
    assert view.whole.below(column).behind((90_001,)) is None
    shown = VIEWS.view([Family((1, 3), True), *(Family((*column, number), False) for number in range(1, 9))])
    assert shown.whole.below(column).behind((1,)) == (9,)
    last = VIEWS.view([Family((*column, 0xFFFFFFFF), False), Family((1, 3), True)])
    assert last.whole.below(column).behind((0xFFFFFFFF,)) is None
