"""The attributes of accounting records as the spool keeps them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.aaa.accounting.record_codec import CodecError, attributes_of, attributes_text
from agent.aaa.radius.values import Attribute

VALUES = st.one_of(st.text(), st.binary(), st.integers(0, 2**64))
ATTRIBUTES = st.lists(st.builds(Attribute, st.text(min_size=1), VALUES)).map(tuple)


@given(ATTRIBUTES)
def test_attributes_are_read_as_they_were_written(attributes: tuple[Attribute, ...]) -> None:
    text = attributes_text(attributes)
    assert attributes_of(text) == attributes
    assert [type(each.value) for each in attributes_of(text)] == [type(each.value) for each in attributes]


@pytest.mark.parametrize("text", ["", "{}x", "7", "[7]", '[["Class", {"octets": "xy"}]]', '[["Class", {}]]', '[["a", "b", "c"]]'])
def test_another_text_holds_no_attributes(text: str) -> None:
    with pytest.raises(CodecError):
        attributes_of(text)
