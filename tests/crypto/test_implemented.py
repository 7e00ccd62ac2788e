"""The algorithms that the product says it implements are those of the protocol cores."""

from __future__ import annotations

from agent.base.implemented import AUTHENTICATION_METHODS, CIPHERS, DH_GROUPS, HASHES
from agent.crypto import authentication, ciphers, dh


def test_the_cores_have_what_is_stated_and_no_more() -> None:
    assert ciphers.CIPHERS.keys() == CIPHERS
    assert ciphers.HASHES.keys() == HASHES
    assert dh.GROUPS.keys() == DH_GROUPS
    assert authentication.METHODS.keys() == AUTHENTICATION_METHODS
