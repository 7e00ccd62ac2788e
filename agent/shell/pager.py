"""Shell room: divides output into the pages of a terminal. It does no I/O."""

from __future__ import annotations

from agent.shell.editor import cells

MORE = " --More-- "
ERASE_MORE = "\b" * len(MORE) + " " * len(MORE) + "\b" * len(MORE)


class Pager:
    """Gives output up to the end of a page and holds the rest. `length` is the terminal's rows, 0 for one without limit."""

    def __init__(self, length: int, width: int) -> None:
        self._page = max(1, length - 1) if length else 0  # the last row has the question for more
        self._width = width
        self._left = self._page
        self._column = 0
        self._held = ""

    @property
    def full(self) -> bool:
        """Whether output waits for the next page."""
        return bool(self._held)

    def take(self, text: str) -> str:
        """Take output, and give what may be shown now."""
        if self._held:
            self._held += text
            return ""
        return self._show(text)

    def next_page(self) -> str:
        """What the next page shows of the output that waits."""
        return self._turn(self._page)

    def next_line(self) -> str:
        """The same, of one line more."""
        return self._turn(1)

    def rest(self) -> str:
        """Take away the output that waits."""
        held, self._held = self._held, ""
        return held

    def _turn(self, rows: int) -> str:
        self._left = rows
        return self._show(self.rest())

    def _show(self, text: str) -> str:
        if not self._page:
            return text
        begin = 0
        while begin < len(text):
            if self._left <= 0:
                self._held = text[begin:]
                return text[:begin]
            end = text.find("\n", begin)
            if end < 0:
                self._column += cells(text[begin:])
                break
            self._left -= self._rows(self._column + cells(text[begin:end]))
            self._column = 0
            begin = end + 1
        return text

    def _rows(self, columns: int) -> int:
        return max(1, -(-columns // self._width)) if self._width else 1
