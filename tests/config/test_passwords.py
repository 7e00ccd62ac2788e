"""Passwords in IOS's encodings; the encoded ones are those that hashcat publishes as examples of each scheme ("hashcat")."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.passwords import password_matches

STORED = [
    ("lab", "lab", 0),
    ("hashcat", "$1$28772684$iEwNOgGugqO9.bIz5sk8k/", 5),
    ("cisco", "070C285F4D06", 7),
    ("cisco", "070c285f4d06", 7),
    ("hashcat", "$8$TnGX/fE4KGHOVU$pEhnEvxrvaynpi8j4f.EMHr6M.FzU8xnZnBr/tJdFWk", 8),
    ("hashcat", "$9$2MJBozw/9R3UsU$2lFhcKvpghcyw8deP25GOfyZaagyUOGBymkryvOdfo6", 9),
]


@pytest.mark.parametrize(("password", "stored", "encoding"), STORED)
def test_a_password_matches_what_it_was_stored_as_and_no_other_does(password: str, stored: str, encoding: int) -> None:
    assert password_matches(password, stored, encoding)
    assert not password_matches(password + "x", stored, encoding)
    assert not password_matches(password[:-1], stored, encoding)
    assert not password_matches("", stored, encoding)


@given(st.text(max_size=10), st.text(max_size=10), st.sampled_from([5, 7, 8, 9, 4, 6]))
def test_what_is_malformed_matches_nothing_and_breaks_nothing(typed: str, stored: str, encoding: int) -> None:
    if encoding != 7:
        assert not password_matches(typed, stored, encoding)
    else:
        password_matches(typed, stored, encoding)
