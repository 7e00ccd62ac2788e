"""The transcripts of Cisco's IPsec Management Configuration Guide (tests/golden/transcripts), line by line.

Their conversion to text has lost leading blanks, widened others and put empty lines at page breaks. So a line is compared with
one blank in place of several.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_FOLDER = Path(__file__).parents[1] / "golden" / "transcripts"


def told(text: str) -> list[str]:
    """The lines that say anything, in one spacing. A line that begins with `!` is the guide's remark."""
    lines = [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("!")]


def transcript(name: str, printed: Mapping[str, str] | None = None) -> list[str]:
    """A transcript with the lines that a router could not print, or that are misspelt, as they are `printed`.

    An entry that is in no line is an error of the test.
    """
    lines = told((_FOLDER / f"{name}.txt").read_text())
    wrong = dict(printed or {})
    assert wrong.keys() <= set(lines)
    return [wrong.get(line, line) for line in lines]
