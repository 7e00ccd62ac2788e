"""Config room: what a user can get wrong in a configuration file."""

from __future__ import annotations

from dataclasses import dataclass

from agent.base.errors import UserError


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a line of a file: `wrong` where the line is understood and cannot be obeyed."""

    line_number: int
    text: str
    message: str
    wrong: bool = False


class ConfigError(UserError):
    """A line that is understood and wrong, or (line 0) a file that cannot be read. `str()` is the one line that the user reads."""

    def __init__(self, filename: str, line_number: int, text: str, what_would_be_right: str) -> None:
        where = f"{filename}:{line_number}" if line_number else filename
        line = f" {text.strip()}:" if text.strip() else ""
        super().__init__(f"{where}:{line} needs {what_would_be_right}")
        self.filename = filename
        self.line_number = line_number
        self.text = text
        self.what_would_be_right = what_would_be_right


class ConfigErrors(UserError):  # noqa: N818 - the plural of ConfigError
    """All wrong lines of one file, in order."""

    def __init__(self, errors: tuple[ConfigError, ...]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors
