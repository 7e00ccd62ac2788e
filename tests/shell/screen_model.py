"""What a terminal shows of octets: CR, LF, BS, BEL and characters, and nothing else is allowed."""

from __future__ import annotations

import unicodedata


class ScreenModel:
    """A terminal of any height. `rows` are what it shows, `column` is where its cursor is."""

    def __init__(self, width: int = 80) -> None:
        self.rows = [[" "] * width]
        self.width = width
        self.row = 0
        self.column = 0
        self.bells = 0

    def show(self, octets: bytes) -> None:
        for character in octets.decode("utf-8", "surrogateescape"):
            self._show(character)

    def _show(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self._down()
        elif character == "\b":
            self.column = max(0, self.column - 1)
        elif character == "\a":
            self.bells += 1
        else:
            kind = unicodedata.category(character)
            assert kind != "Cc", f"{character!r} controls a terminal"
            if kind not in ("Mn", "Me", "Cf"):
                self._put(character)

    def _put(self, character: str) -> None:
        wide = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if self.column + wide > self.width:
            self.column = 0
            self._down()
        self.rows[self.row][self.column] = character
        if wide == 2:
            self.rows[self.row][self.column + 1] = ""
        self.column += wide

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([" "] * self.width)

    @property
    def line(self) -> str:
        """The row that the cursor is on."""
        return "".join(self.rows[self.row]).rstrip()

    @property
    def text(self) -> str:
        return "\n".join("".join(row).rstrip() for row in self.rows)
