"""Base room: escapes the control characters of foreign text, so that it can neither end a line nor control a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with escapes for characters that a terminal acts on (C0, C1, line and paragraph separators, …).

    A surrogate that stands for an octet (PEP 383) stays one.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or "\udc80" <= each <= "\udcff" else _escape(each) for each in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
