"""Base room: text that comes from files and terminals as octets, and leaves as the same octets.

A router hands on the octets that it was given, whatever their encoding. So octets that are not UTF-8 must survive: each of them
becomes one character, a surrogate (PEP 383), which stands for the Latin-1 character of that octet (`shown` gives it).
"""

from __future__ import annotations

import io
import re

BLANKS = " \t\n\r\f\v"  # what stands between words; a no-break space is part of one

_STRAY = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # surrogates that stand for no octet: JSON and TOML escapes can write them
_OCTET = re.compile("[\udc80-\udcff]")


def text_of(octets: bytes) -> str:
    """The text of octets; `octets_of` gives the same octets back."""
    return octets.decode("utf-8", "surrogateescape")


def octets_of(text: str) -> bytes:
    """UTF-8, and the octets as they came where they were not UTF-8; never raises."""
    return _STRAY.sub("\ufffd", text).encode("utf-8", "surrogateescape")


def without_stray_surrogates(text: str) -> str:
    """Text from a source that can name any code point, with U+FFFD for what no octets can stand for."""
    return _STRAY.sub("\ufffd", text)


def shown(text: str) -> str:
    """The text for a reader of characters: an octet that is not UTF-8 is shown as its Latin-1 character."""
    return _OCTET.sub(lambda found: chr(ord(found[0]) - 0xDC00), text)


def pass_octets(*streams: object) -> None:
    """Has the standard streams take and give such text; what is no stream of the system's (a test's) is left alone."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")
