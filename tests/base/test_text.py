"""Octets that become text and octets again."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from agent.base.text import octets_of, shown, text_of, without_stray_surrogates


@given(st.binary())
def test_octets_come_back_as_they_were(octets: bytes) -> None:
    assert octets_of(text_of(octets)) == octets


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_any_text_has_octets(text: str) -> None:
    assert octets_of(text) == octets_of(without_stray_surrogates(text))


def test_an_octet_that_is_not_utf_8_is_shown_as_latin_1() -> None:
    assert shown(text_of(b"P\xe9cs")) == "Pécs"
    assert shown(text_of("Pécs".encode())) == "Pécs"


def test_a_surrogate_that_stands_for_no_octet_is_replaced() -> None:
    assert octets_of(json.loads('"\\ud800x"')) == "\ufffdx".encode()
