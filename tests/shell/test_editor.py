"""The line editor, on a model of a terminal. The keys are those of the Cisco IOS configuration fundamentals guide."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.base.text import octets_of, text_of
from agent.shell.editor import MOST_CHARACTERS, Complete, Editor, End, Eof, Event, Help, History, Interrupt, Line, Pause
from tests.shell.screen_model import ScreenModel

ESC = "\x1b"
LEFT, RIGHT, UP, DOWN = (f"{ESC}[{letter}" for letter in "DCAB")


class Desk:
    """An editor and the terminal that shows it."""

    def __init__(self, width: int = 80, prompt: str = "r#", history: History | None = None) -> None:
        self.editor = Editor(width)
        self.screen = ScreenModel(width)
        self.history = history or History(10)
        self.prompt = prompt
        self.begin()

    def begin(self) -> None:
        self.editor.begin(self.prompt, self.history)
        self.look()

    def type(self, keys: str | bytes) -> list[Event]:
        """The events of some keys; a line that ended is followed by the next one."""
        self.editor.feed(keys if isinstance(keys, bytes) else octets_of(keys))
        events = []
        while (event := self.editor.next_event()) is not None:
            self.look()
            events.append(event)
            if isinstance(event, Line | End | Interrupt):
                if isinstance(event, Line):
                    self.history.add(event.text)
                self.begin()
            elif isinstance(event, Eof):
                break
        self.look()
        return [event for event in events if not isinstance(event, Pause)]

    def look(self) -> None:
        self.screen.show(self.editor.take_output())

    @property
    def line(self) -> str:
        return self.screen.line

    def typed(self, keys: str) -> str:
        """The line that keys and Enter give."""
        events = self.type(keys + "\r")
        assert len(events) == 1
        assert isinstance(events[0], Line)
        return events[0].text


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ("show clock", "show clock"),
        ("ab\x01x", "xab"),  # ^A
        ("ab\x02x", "axb"),  # ^B
        ("ab\x02\x02\x04", "b"),  # ^D
        ("ab\x01\x05x", "abx"),  # ^E
        ("ab\x01\x06x", "axb"),  # ^F
        ("ab\x08x", "ax"),  # ^H
        ("ab\x7fx", "ax"),  # Delete
        ("one two\x02\x02\x02\x0b", "one "),  # ^K
        ("one two\x15x", "x"),  # ^U
        ("one two\x18x", "x"),  # ^X
        ("ab cd ef\x17", "ab cd "),  # ^W
        ("ab cd  \x17", "ab "),
        ("ab\x14", "ba"),  # ^T
        ("abc\x02\x14", "acb"),
        ("one two\x17\x19\x19", "one twotwo"),  # ^Y
        ("one two\x17\x17\x19\x1by", "two"),  # Esc Y, after ^Y
        ("one two\x17\x17\x19\x1by\x1by", "one "),
        (f"ab cd{ESC}bx", "ab xcd"),
        (f"ab cd\x01{ESC}fx", "abx cd"),
        (f"ab cd\x01{ESC}d", " cd"),
        (f"ab cd{ESC}\x7f", "ab "),
        (f"ab cd\x01{ESC}cx", "Abx cd"),
        (f"ab cd\x01{ESC}u", "AB cd"),
        (f"AB cd\x01{ESC}l", "ab cd"),
        (f"ab{LEFT}x{RIGHT}y", "axby"),
        (f"ab{ESC}ODx", "axb"),
        (f"ab{ESC}[Hx{ESC}[Fy", "xaby"),
        (f"ab{ESC}[1~x{ESC}[4~y", "xaby"),
        (f"ab{LEFT}{ESC}[3~", "a"),
        (f"a{ESC}[15~b{ESC}[1;5Cc{ESC}zd", "abcd"),  # keys without a meaning
        ("who\x16?", "who?"),  # ^V
        ("a\x00\x1c\x1d\x1f\x0eb", "ab"),
        ("é日本\x08x", "é日x"),
        ("a\x0cb", "ab"),  # ^L
    ],
)
def test_keys_edit_the_line_and_the_terminal_shows_it(keys: str, text: str) -> None:
    desk = Desk()
    desk.type(keys)
    assert desk.line == f"r#{text}".rstrip()
    assert desk.typed("") == text


def test_every_kind_of_line_end_ends_one_line() -> None:
    desk = Desk()
    assert desk.type("a\rb\nc\r\nd\r\0e\r") == [Line(text) for text in "abcde"]


def test_keys_that_end_a_line() -> None:
    desk = Desk()
    assert desk.type("abc\x1a") == [End("abc")]
    assert desk.type("abc\x02\x03") == [Interrupt()]
    assert "r#abc^Z\nr#abc^C\nr#" in desk.screen.text
    assert desk.type("a\x04\x08\x04") == [Eof()]


def test_a_question_mark_and_tab_have_the_text_before_the_cursor() -> None:
    desk = Desk()
    assert desk.type("show clo\x02\x02\x02?") == [Help("show ")]
    desk.editor.redraw(fresh=True)
    desk.look()
    assert desk.screen.text == "r#show ?lo\nr#show clo"
    assert desk.type("\t") == [Complete("show ")]
    desk.editor.completed("show big ")
    desk.look()
    assert desk.line == "r#show big clo"
    assert desk.typed("x") == "show big xclo"


def test_tab_shows_the_line_again_on_a_new_one_and_rings_where_nothing_fits() -> None:
    desk = Desk()
    desk.type("sh\t")
    desk.editor.completed("show ")
    desk.look()
    assert (desk.screen.text, desk.screen.bells) == ("r#sh\nr#show", 0)
    desk.type("c\t")
    desk.editor.completed("show c")
    desk.look()
    assert (desk.screen.text, desk.screen.bells) == ("r#sh\nr#show c\nr#show c", 1)


def test_a_question_mark_of_an_answer_is_a_character() -> None:
    desk = Desk()
    desk.editor.begin("Name: ", helping=False)
    assert desk.type("a?\tb\r") == [Line("a?b")]


def test_a_secret_is_not_shown() -> None:
    desk = Desk()
    desk.editor.begin("Password: ", secret=True, helping=False)
    desk.look()
    assert desk.type("lab\x08b\x02\x02\x06?\r") == [Line("la?b")]
    assert desk.screen.text == "r#Password:\nr#"


def test_the_history_goes_back_and_forth_and_keeps_what_was_being_typed() -> None:
    desk = Desk(history=History(3, ["one", "two", "two", "", "three", "four"]))
    assert desk.history.lines == ["two", "three", "four"]
    desk.type(f"dra{UP}{UP}")
    assert desk.line == "r#three"
    desk.type(f"{UP}{UP}")
    assert (desk.line, desk.screen.bells) == ("r#two", 1)
    desk.type(f"{DOWN}\x0e\x0e")
    assert desk.line == "r#dra"
    assert desk.typed("\x10!") == "four!"
    assert desk.history.lines == ["three", "four", "four!"]


def test_a_long_line_scrolls_by_ten_with_a_dollar_at_each_end() -> None:
    """Cisco IOS configuration fundamentals: the line shifts 10 spaces to the left; `$` marks what is out of sight."""
    desk = Desk(width=30)
    text = "access-list 101 permit tcp host 10.1.1.1"
    desk.type(text[:27])
    assert desk.line == f"r#{text[:27]}".rstrip()
    desk.type(text[27])
    assert desk.line == f"r#${text[10:28]}"
    desk.type(text[28:])
    assert desk.line == f"r#${text[20:]}"
    desk.type("\x01")
    assert desk.line == f"r#{text[:26]}$"
    assert desk.screen.column == 2
    assert desk.typed("\x05") == text


def test_without_a_width_a_line_never_scrolls() -> None:
    editor = Editor(0)
    editor.begin("r#")
    editor.feed(b"x" * 300)
    while editor.next_event() is not None:
        pass
    assert editor.take_output() == b"r#" + b"x" * 300


def test_a_line_has_an_end_beyond_what_any_command_may_have() -> None:
    desk = Desk(width=600)
    assert len(desk.typed("x" * (MOST_CHARACTERS + 10))) == MOST_CHARACTERS
    assert desk.screen.bells == 10


def test_octets_that_are_no_utf_8_stay_what_they_are() -> None:
    desk = Desk()
    assert desk.type(b"caf\xe9 \xc3\xa9 \xff\xed\xa0\x80\r") == [Line(text_of(b"caf\xe9 \xc3\xa9 \xff\xed\xa0\x80"))]


def test_octets_that_meet_make_no_control_character() -> None:
    """C2 9B is U+009B, which begins control sequences (ECMA-48 §8.3.16)."""
    desk = Desk()
    desk.type(b"a\xc2\x00\x9b\xc2x\x08\x9bb\xc3x\x08\xa9")
    assert desk.line == "r#abé"


def test_a_character_may_come_in_pieces() -> None:
    desk = Desk()
    for octet in "aé日\x1b[D\x1b[D!".encode():
        desk.type(bytes([octet]))
    assert desk.typed("") == "a!é日"


def test_erase_takes_the_line_away_and_redraw_brings_it_back() -> None:
    desk = Desk()
    desk.type("show clock\x02\x02")
    desk.editor.erase()
    desk.look()
    assert (desk.line, desk.screen.column) == ("", 0)
    desk.editor.redraw(fresh=True)
    desk.look()
    assert (desk.line, desk.screen.column) == ("r#show clock", 10)


def test_after_other_output_the_rest_of_the_line_is_shown_on_a_new_one() -> None:
    desk = Desk()
    desk.type("show ")
    desk.screen.show(b"\r\n%LINK-3-UPDOWN\r\n")
    desk.editor.interleave()
    desk.type("clock")
    assert desk.line == "clock"
    desk.type("\x12")
    assert desk.line == "r#show clock"
    assert desk.typed("") == "show clock"


KEYS = st.lists(
    st.sampled_from(
        [*(chr(code) for code in range(32) if chr(code) not in "\r\n\x03\x04\x16\x1a\x1b\t"), LEFT, RIGHT, UP, DOWN, f"{ESC}[3~"]
        + [f"{ESC}{letter}" for letter in "bfdcluy"]
        + ["a", "b", " ", "é", "日", "word ", "10.1.1.1 "]
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None, database=None)
@given(KEYS, st.integers(20, 60))
def test_what_the_terminal_shows_is_the_line_whatever_was_pressed(keys: list[str], width: int) -> None:
    desk = Desk(width=width, history=History(10, ["show clock", "x" * 50]))
    events = desk.type("".join(keys))
    assert not [event for event in events if not isinstance(event, Help)]
    shown = desk.line
    text = desk.typed("")
    inside = shown[2:].rstrip()
    if "$" not in inside:
        assert inside == text.rstrip()
    assert all(part in text for part in inside.strip("$").split("$"))


@settings(max_examples=200, deadline=None, database=None)
@given(st.lists(st.binary(max_size=40), max_size=8), st.sampled_from([0, 20, 80]))
def test_random_octets_make_events_and_never_control_a_terminal(pieces: list[bytes], width: int) -> None:
    editor, screen = Editor(width), ScreenModel(max(width, 600))
    editor.begin("r#", History(10, ["show clock"]))
    for octets in pieces:
        editor.feed(octets)
        while (event := editor.next_event()) is not None:
            if isinstance(event, Help | Complete):
                editor.completed(event.text + "x")
            elif not isinstance(event, Pause):
                editor.begin("r#")
        screen.show(editor.take_output())
    assert editor.waiting < 40
