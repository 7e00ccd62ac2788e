"""Base room: text of others in a line of ours: it ends no line, and does nothing to a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with each character that a terminal would act on (C0, C1, line and paragraph separators, …) as an escape."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)
