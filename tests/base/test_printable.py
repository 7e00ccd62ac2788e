"""Text of others in a line of ours."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.base.printable import printable
from agent.config.errors import ConfigError, Finding


@given(st.text(max_size=20))
def test_what_is_printed_is_one_line_and_moves_no_cursor(text: str) -> None:
    assert printable(text).isprintable()


def test_control_characters_are_escaped_and_all_else_stays() -> None:
    assert printable("é 漢 \\n") == "é 漢 \\n"
    assert printable("a\nb\r\x1b[2J\x00\u2028\x9b") == r"a\nb\r\x1b[2J\x00\u2028\x9b"
    assert printable("\udce9") == "\udce9"


def test_errors_of_files_escape_what_the_file_holds() -> None:
    assert str(ConfigError("a\nb.cfg", 3, "\x1b]0;x\x07", "a number")) == r"a\nb.cfg:3: \x1b]0;x\x07: needs a number"
    assert Finding(3, "\x1b[2J", "not understood").told("a.cfg") == r"a.cfg:3: \x1b[2J: not understood"
