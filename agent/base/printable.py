"""Base room: text of others in a line of ours: it ends no line, and does nothing to a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with each character that a terminal would act on (C0, C1, line and paragraph separators, …) as an escape.

    A surrogate that stands for an octet (PEP 383) stays one.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or "\udc80" <= each <= "\udcff" else _escape(each) for each in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
