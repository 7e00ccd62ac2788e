"""Base room: text from files and terminals, which leaves as the octets that came.

A router passes on the octets that it was given, whatever their encoding. So an octet that is not UTF-8 becomes a surrogate
(PEP 383), which stands for the Latin-1 character of that octet. `shown` gives that character.
"""

from __future__ import annotations

import io
import re

BLANKS = " \t\n\r\f\v"  # what separates words; a no-break space is part of a word

_STRAY = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # surrogates that stand for no octet; JSON and TOML escapes can make them
_OCTET = re.compile("[\udc80-\udcff]")


def text_of(octets: bytes) -> str:
    """The text of octets; `octets_of` gives the same octets back."""
    return octets.decode("utf-8", "surrogateescape")


def octets_of(text: str) -> bytes:
    """UTF-8, and the original octets where they were not UTF-8. It never raises."""
    if text.isascii():
        return text.encode("ascii")
    return _STRAY.sub("\ufffd", text).encode("utf-8", "surrogateescape")


def without_stray_surrogates(text: str) -> str:
    """Text from a source that can name any code point; U+FFFD replaces surrogates that stand for no octet."""
    return _STRAY.sub("\ufffd", text)


def shown(text: str) -> str:
    """The text with each octet that is not UTF-8 as its Latin-1 character."""
    return _OCTET.sub(lambda found: chr(ord(found[0]) - 0xDC00), text)


def pass_octets(*streams: object) -> None:
    """Make the standard streams read and write such text. Streams that are not the system's, such as a test's, are left alone."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")
