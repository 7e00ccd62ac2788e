"""Shell room: a line editor as IOS has it: octets from a terminal in, events and octets to show out. It does no I/O.

The keys are those of the Cisco IOS configuration fundamentals guide ("Using the Cisco IOS Command-Line Interface"). The editor
shows a line with CR, LF, BS, BEL and printable characters alone, so that any terminal shows it and a program can read it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from agent.base.text import octets_of, text_of
from agent.shell.keys import Key, KeyReader, is_control

MOST_CHARACTERS = 512  # of a line: more than a command may have, so that a line that was cut is always refused
_KEYS_PER_TURN = 64  # of a long paste, before others have their turn
_SHIFT = 10  # characters by which a line that is wider than the terminal moves, as on IOS
_LEAST_ROOM = 8  # columns for the line beside a prompt that is too wide
_KILLS = 10  # deleted texts that ^Y and Esc Y bring back
_MARK = "$"  # where a line goes on outside the window
_BELL = "\a"
_WITHOUT_WIDTH = ("Mn", "Me", "Cf")  # combining marks, and characters that only format


@dataclass(frozen=True, slots=True)
class Line:
    """The operator has ended the line by Enter."""

    text: str


@dataclass(frozen=True, slots=True)
class End:
    """^Z: carry out what was typed before it, and leave configure mode."""

    text: str


@dataclass(frozen=True, slots=True)
class Interrupt:
    """^C: the line is dropped."""


@dataclass(frozen=True, slots=True)
class Eof:
    """^D on an empty line: the operator leaves."""


@dataclass(frozen=True, slots=True)
class Help:
    """`?`: `text` is what stands before the cursor. Show help, then call `redraw`."""

    text: str


@dataclass(frozen=True, slots=True)
class Complete:
    """Tab: `text` is what stands before the cursor. Call `completed` with the completed text."""

    text: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Much input is waiting: let others have their turn, and ask again."""


Event = Line | End | Interrupt | Eof | Help | Complete | Pause


class History:
    """Lines that were typed, at most `size` of them, the newest last. A line that repeats the one before it is kept once."""

    def __init__(self, size: int, lines: Iterable[str] = ()) -> None:
        self._size = size
        self.lines: list[str] = []
        for line in lines:
            self.add(line)

    def add(self, line: str) -> None:
        if line.strip() and (not self.lines or self.lines[-1] != line):
            self.lines.append(line)
            self.resize(self._size)

    def resize(self, size: int) -> None:
        self._size = size
        del self.lines[: max(0, len(self.lines) - size)]


def cells(text: str) -> int:
    """How many columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.category(character) in _WITHOUT_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Editor:
    """Reads one line after another: `begin` a line, `feed` octets, take each `next_event`, and show what `take_output` gives.

    An event that ends a line leaves the octets after it for the next one. `width` is the terminal's, 0 for one without limit.
    """

    def __init__(self, width: int = 80) -> None:
        self.width = width
        self._keys = KeyReader()
        self._output: list[str] = []
        self._kills: list[str] = []
        self._recalled: tuple[int, int] | None = None  # the kill that ^Y has brought back, and where it begins
        self._start("", None, secret=False, helping=True)

    def _start(self, prompt: str, history: History | None, *, secret: bool, helping: bool) -> None:
        self._prompt = prompt
        self._text: list[str] = []
        self._cursor = 0
        self._offset = 0  # the first character that is in the window
        self._from = 0  # the characters before it stand above other output, with the prompt
        self._secret = secret
        self._helping = helping
        self._past = [*history.lines, ""] if history else [""]
        self._place = len(self._past) - 1
        self._screen = ""  # what stands after the prompt,
        self._at = 0  # and the character of it that the terminal's cursor is on

    # --- input and output ---

    def begin(self, prompt: str, history: History | None = None, *, secret: bool = False, helping: bool = True) -> None:
        """Show a prompt and read a line. `secret`: what is typed is not shown. Without `helping`, `?` and Tab have no meaning."""
        self._start(prompt, history, secret=secret, helping=helping)
        self._output.append(prompt)

    def feed(self, octets: bytes) -> None:
        """Take octets of the terminal; a line makes its events from them."""
        self._keys.feed(octets)

    @property
    def waiting(self) -> int:
        """The octets that were not used yet."""
        return self._keys.waiting

    def drop_input(self) -> None:
        """Forget what was typed ahead."""
        self._keys.clear()

    def next_key(self) -> Key | None:
        """A key outside a line: for a question that one key answers."""
        return self._keys.next()

    def next_event(self) -> Event | None:
        """The next event of what was fed; None where more has to come."""
        for _ in range(_KEYS_PER_TURN):
            key = self._keys.next()
            if key is None:
                return None
            event = self._press(key)
            if event is not None:
                return event
        return Pause()

    def take_output(self) -> bytes:
        """The octets that the terminal has to be sent."""
        output = "".join(self._output)
        self._output.clear()
        return octets_of(output)

    # --- what the owner of the line asks ---

    def completed(self, text: str) -> None:
        """The text before the cursor, completed: shown on a line of its own, as IOS does. An unchanged one rings the bell."""
        before = "".join(self._text[: self._cursor])
        if text == before:
            self._ring()
        self._text[: self._cursor] = list(text)
        self._cursor = len(text)
        self.redraw()

    def redraw(self, fresh: bool = False) -> None:
        """Show prompt and line on a new line; `fresh` says that the terminal's cursor is at the beginning of one."""
        self._output.append(("" if fresh else "\r\n") + self._prompt)
        self._screen, self._at, self._from = "", 0, 0
        self._show()

    def erase(self) -> None:
        """Take prompt and line from the terminal; the cursor is then at the beginning of that line. `redraw` shows them again."""
        prompt = self._prompt.rpartition("\n")[2]
        width = cells(prompt) + cells(self._screen)
        back = cells(prompt) + cells(self._screen[: self._at])
        self._output.append("\b" * back + " " * width + "\b" * width)
        self._screen, self._at = "", 0

    def interleave(self) -> None:
        """Other output has been written meanwhile: the terminal's cursor is at the beginning of a line, and nothing is shown."""
        self._screen, self._at = "", 0
        self._from = self._offset = self._cursor

    def resize(self, width: int) -> None:
        """The terminal has another width. The line is shown accordingly with its next change."""
        self.width = width

    # --- keys ---

    def _press(self, key: Key) -> Event | None:
        recalled, self._recalled = self._recalled, None
        if key.text == "?" and self._helping and not key.quoted:
            return self._help()
        if not key.named:
            self._insert(key.text)
            return None
        if key.text == "recall-next":
            self._recall_next(recalled)
            return None
        action = _ACTIONS.get(key.text)
        return action(self) if action is not None else None

    def _insert(self, text: str) -> None:
        if len(self._text) + len(text) > MOST_CHARACTERS:
            self._ring()
            return
        self._text[self._cursor : self._cursor] = list(text)
        self._cursor += len(text)
        if not text.isascii():
            self._settle()
        self._show()

    def _enter(self) -> Event:
        return Line(self._finish(""))

    def _end(self) -> Event:
        return End(self._finish("^Z"))

    def _interrupt(self) -> Event:
        self._finish("^C")
        return Interrupt()

    def _finish(self, shown: str) -> str:
        self._output.append(self._screen[self._at :] + shown + "\r\n")
        return "".join(self._text)

    def _delete_or_leave(self) -> Event | None:
        if not self._text:
            self._output.append("\r\n")
            return Eof()
        self._delete(self._cursor, self._cursor + 1)
        return None

    def _help(self) -> Event:
        self._output.append("?\r\n")
        return Help("".join(self._text[: self._cursor]))

    def _tab(self) -> Event | None:
        return Complete("".join(self._text[: self._cursor])) if self._helping else None

    def _delete(self, start: int, end: int, kill: bool = False) -> None:
        gone = self._text[max(start, 0) : end]
        if not gone:
            return
        del self._text[max(start, 0) : end]
        if kill:
            self._kills = [*self._kills[-(_KILLS - 1) :], "".join(gone)]
        self._cursor = max(start, 0)
        self._settle()
        self._show()

    def _settle(self) -> None:
        """Octets that were no UTF-8 may make a character once they stand side by side; a control character goes."""
        line = "".join(self._text)
        if line.isascii() or (settled := text_of(octets_of(line))) == line:
            return
        before = text_of(octets_of(line[: self._cursor]))
        self._text = [character for character in settled if not is_control(character)]
        self._cursor = min(len(before), len(self._text))

    def _move(self, cursor: int) -> None:
        self._cursor = min(max(cursor, 0), len(self._text))
        self._show()

    def _word_left(self) -> int:
        return _boundary(self._text, self._cursor, -1)

    def _word_right(self) -> int:
        return _boundary(self._text, self._cursor, 1)

    def _transpose(self) -> None:
        """The character before the cursor and the one at it, which at the end of the line is the last one."""
        at = min(self._cursor, len(self._text) - 1)
        if at > 0:
            self._text[at - 1], self._text[at] = self._text[at], self._text[at - 1]
            self._move(at + 1)

    def _recase(self, change: Callable[[str], str]) -> None:
        """Change the case of the letters up to the end of the word."""
        end = self._word_right()
        changed = change("".join(self._text[self._cursor : end]))
        if len(changed) == end - self._cursor:  # not where an upper case letter is two
            self._text[self._cursor : end] = list(changed)
        self._move(end)

    def _recall(self) -> None:
        if self._kills:
            start = self._cursor
            self._insert(self._kills[-1])
            self._recalled = (len(self._kills) - 1, start)

    def _recall_next(self, recalled: tuple[int, int] | None) -> None:
        """After ^Y: the text that was deleted before the one that was brought back, in its place."""
        if recalled is None:
            return
        which, start = recalled[0] - 1 if recalled[0] else len(self._kills) - 1, recalled[1]
        del self._text[start : self._cursor]
        self._cursor = start
        self._insert(self._kills[which])
        self._recalled = (which, start)

    def _browse(self, place: int) -> None:
        """Another line of the history; what was typed is the one after the newest."""
        if not 0 <= place < len(self._past):
            self._ring()
            return
        self._past[self._place] = "".join(self._text)
        self._place = place
        self._text = list(self._past[place])
        self._move(len(self._text))

    def _redisplay(self) -> None:
        self.redraw()

    def _ring(self) -> None:
        self._output.append(_BELL)

    # --- the window ---

    def _show(self) -> None:
        """Change the terminal's line into the present one, from the first character that differs."""
        if self._secret:
            return
        screen, at = self._window()
        same = 0
        most = min(len(screen), len(self._screen))
        while same < most and screen[same] == self._screen[same]:
            same += 1
        if same == len(screen) == len(self._screen):
            self._output.append(self._moved(screen, self._at, at))
        else:
            left_over = max(0, cells(self._screen[same:]) - cells(screen[same:]))
            rest = screen[same:] + " " * left_over
            back = "\b" * (cells(screen[at:]) + left_over) if at <= len(screen) else ""
            self._output.append(self._moved(self._screen, self._at, same) + rest + back)
        self._screen, self._at = screen, at

    @staticmethod
    def _moved(screen: str, start: int, end: int) -> str:
        """What moves the cursor: back by BS, forward by showing the characters again."""
        return "\b" * cells(screen[end:start]) if end <= start else screen[start:end]

    def _window(self) -> tuple[str, int]:
        """The part of the line that fits, with `$` where it goes on, and where in that part the cursor is."""
        self._from = min(self._from, self._cursor)
        room = self._room()
        if room is None or (len(self._text) - self._from < room and cells("".join(self._text[self._from :])) < room):
            self._offset = self._from
            return "".join(self._text[self._from :]), self._cursor - self._from
        if self._cursor < self._offset:
            self._offset = max(self._from, self._cursor - _SHIFT)
        while self._width_to_cursor() >= room:
            self._offset = min(self._offset + _SHIFT, self._cursor)
        shown = _MARK if self._offset > self._from else ""
        at = len(shown) + self._cursor - self._offset
        used = cells(shown)
        rest = self._text[self._offset :]
        for number, character in enumerate(rest, 1):
            used += cells(character)
            if used + (number < len(rest)) >= room:  # the last column stays free: a terminal goes on to the next row there
                return shown + _MARK, at
            shown += character
        return shown, at

    def _width_to_cursor(self) -> int:
        """The columns from the beginning of the window up to the cursor, and the mark after it."""
        marks = (self._offset > self._from) + (self._cursor < len(self._text))
        return marks + cells("".join(self._text[self._offset : self._cursor]))

    def _room(self) -> int | None:
        if self.width == 0:
            return None
        beside = 0 if self._from else cells(self._prompt.rpartition("\n")[2])
        return max(_LEAST_ROOM, self.width - beside)


def _boundary(text: Sequence[str], at: int, step: int) -> int:
    """The end of the word that begins at or after `at`, in one direction."""
    here = at if step > 0 else at - 1
    while 0 <= here < len(text) and text[here].isspace():
        here += step
    while 0 <= here < len(text) and not text[here].isspace():
        here += step
    return here if step > 0 else here + 1


# The keys that `keys` names, and what they do.
_ACTIONS: dict[str, Callable[[Editor], Event | None]] = {
    "enter": Editor._enter,
    "end": Editor._end,
    "interrupt": Editor._interrupt,
    "delete-or-leave": Editor._delete_or_leave,
    "tab": Editor._tab,
    "line-start": lambda editor: editor._move(0),
    "line-end": lambda editor: editor._move(len(editor._text)),
    "left": lambda editor: editor._move(editor._cursor - 1),
    "right": lambda editor: editor._move(editor._cursor + 1),
    "word-left": lambda editor: editor._move(editor._word_left()),
    "word-right": lambda editor: editor._move(editor._word_right()),
    "backspace": lambda editor: editor._delete(editor._cursor - 1, editor._cursor),
    "delete": lambda editor: editor._delete(editor._cursor, editor._cursor + 1),
    "delete-to-start": lambda editor: editor._delete(0, editor._cursor, kill=True),
    "delete-to-end": lambda editor: editor._delete(editor._cursor, len(editor._text), kill=True),
    "delete-word-left": lambda editor: editor._delete(editor._word_left(), editor._cursor, kill=True),
    "delete-word-right": lambda editor: editor._delete(editor._cursor, editor._word_right(), kill=True),
    "transpose": Editor._transpose,
    "capitalize": lambda editor: editor._recase(str.capitalize),
    "lower": lambda editor: editor._recase(str.lower),
    "upper": lambda editor: editor._recase(str.upper),
    "recall": Editor._recall,
    "older": lambda editor: editor._browse(editor._place - 1),
    "newer": lambda editor: editor._browse(editor._place + 1),
    "redisplay": Editor._redisplay,
}
