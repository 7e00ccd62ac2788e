"""tmux: a real terminal whose keys are pressed and whose screen is read by a program."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.tools import wait_for


class Terminal:
    """A terminal of tmux, which runs one program. Its server is its own, and reads no configuration."""

    def __init__(self, socket: Path, command: Sequence[str], size: tuple[int, int] = (80, 24)) -> None:
        self._socket = socket
        self._ended = socket.with_suffix(".status")
        environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        environment.pop("TMUX", None)
        width, height = size
        # tmux itself may forget the status of a program whose terminal closes before it ends.
        told = ["sh", "-c", '"$@"; echo $? > "$0"', str(self._ended), *command]
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), *told, environment=environment)
        self._tmux("set-option", "-g", "remain-on-exit", "on")

    def _tmux(self, *words: str, environment: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-S", str(self._socket), *words], capture_output=True, text=True, timeout=60, env=environment
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def press(self, *keys: str) -> None:
        """Keys by tmux's names: "Enter", "C-a", "Up"."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def line(self, text: str) -> None:
        """Type a line."""
        self.type(text)
        self.press("Enter")

    @property
    def rows(self) -> list[str]:
        """What is on the screen, without the empty rows at its end."""
        return self._tmux("capture-pane", "-p").rstrip("\n").split("\n")

    @property
    def place(self) -> tuple[int, int]:
        """Column and row of the cursor."""
        x, y = self._tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(x), int(y)

    @property
    def cursor(self) -> tuple[str, int]:
        """The row that the cursor is on, and its column."""
        x, y = self.place
        rows = self.rows
        return (rows[y] if y < len(rows) else ""), x

    @property
    def status(self) -> str:
        """The exit status of the program, empty while it runs."""
        return self._ended.read_text().strip() if self._ended.exists() else ""

    def resize(self, width: int, height: int) -> None:
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def shows(self, *wanted: str) -> list[str]:
        """The rows as soon as the last of them are these."""
        found: list[str] = []

        def there() -> bool:
            found[:] = self.rows
            return found[-len(wanted) :] == list(wanted)

        try:
            wait_for(there, f"{wanted}")
        except AssertionError:
            raise AssertionError(f"waited in vain for {wanted} after {found}") from None
        return found

    def close(self) -> None:
        self._tmux("kill-server")


@contextmanager
def terminal(folder: Path, command: Sequence[str], size: tuple[int, int] = (80, 24)) -> Iterator[Terminal]:
    opened = Terminal(folder / "tmux", command, size)
    try:
        yield opened
    finally:
        opened.close()
