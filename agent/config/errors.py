"""Config room: errors and findings of a configuration file."""

from __future__ import annotations

from dataclasses import dataclass

from agent.base.errors import UserError
from agent.base.printable import printable


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding about a line of a file (0: the whole file). `wrong`: the line is understood and cannot be carried out.

    Of a line that is not understood, `mode` is the mode of the section that it stands in, and `under` the number of the line that
    opens what it is kept with (0: it is the first of it).
    """

    line_number: int
    text: str
    message: str
    wrong: bool = False
    mode: str = "config"
    under: int = 0

    def told(self, filename: str) -> str:
        """The line that an operator reads."""
        where = f"{filename}:{self.line_number}" if self.line_number else filename
        return printable(": ".join(part for part in (where, self.text.strip(), self.message) if part))


class ConfigError(UserError):
    """A wrong line, or (line 0) a file that is no configuration. `str()` is the line that the user reads."""

    def __init__(self, filename: str, line_number: int, text: str, what_would_be_right: str) -> None:
        where = f"{filename}:{line_number}" if line_number else filename
        line = f" {text.strip()}:" if text.strip() else ""
        super().__init__(printable(f"{where}:{line} needs {what_would_be_right}"))
        self.filename = filename
        self.line_number = line_number
        self.text = text
        self.what_would_be_right = what_would_be_right


class ConfigErrors(UserError):  # noqa: N818 - the plural of ConfigError
    """All wrong lines of one file, in order."""

    def __init__(self, errors: tuple[ConfigError, ...]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors


class UnreadableFileError(ConfigErrors):
    """A file cannot be read; `why` is the reason."""

    def __init__(self, filename: str, why: str) -> None:
        Exception.__init__(self, f"{filename}: {why}")
        self.errors = ()
        self.why = why
