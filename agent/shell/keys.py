"""Shell room: the keys of a terminal: octets in, characters and named keys out."""

from __future__ import annotations

from dataclasses import dataclass

from agent.base.text import text_of

_ESCAPE = 0x1B
_QUOTE = 0x16  # ^V: the next character has no meaning of its own
_LONGEST_SEQUENCE = 32  # octets, as nobody sends longer ones

# Octets that are keys.
_CONTROLS = {
    0x01: "line-start",
    0x02: "left",
    0x03: "interrupt",
    0x04: "delete-or-leave",
    0x05: "line-end",
    0x06: "right",
    0x08: "backspace",
    0x09: "tab",
    0x0A: "enter",
    0x0B: "delete-to-end",
    0x0C: "redisplay",
    0x0D: "enter",
    0x0E: "newer",
    0x10: "older",
    0x12: "redisplay",
    0x14: "transpose",
    0x15: "delete-to-start",
    0x17: "delete-word-left",
    0x18: "delete-to-start",
    0x19: "recall",
    0x1A: "end",
    0x7F: "backspace",
}
# Escape and a character.
_ESCAPED = {
    "b": "word-left",
    "f": "word-right",
    "d": "delete-word-right",
    "c": "capitalize",
    "l": "lower",
    "u": "upper",
    "y": "recall-next",
    "\x08": "delete-word-left",
    "\x7f": "delete-word-left",
}
# What follows "Escape [" or "Escape O" (ECMA-48 §5.4 and the terminals' cursor keys).
_SEQUENCES = {
    "A": "older",
    "B": "newer",
    "C": "right",
    "D": "left",
    "H": "line-start",
    "F": "line-end",
    "1~": "line-start",
    "3~": "delete",
    "4~": "line-end",
    "7~": "line-start",
    "8~": "line-end",
}


@dataclass(frozen=True, slots=True)
class Key:
    """A character, or with `named` the name of a key. `quoted` says that ^V came before the character."""

    text: str
    named: bool = False
    quoted: bool = False


_NOTHING = Key("", named=True)


class KeyReader:
    """Makes keys of octets. What is incomplete waits for the octets after it."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._begin = 0  # the octets before it are used
        self._after_return = False

    def feed(self, octets: bytes) -> None:
        del self._octets[: self._begin]
        self._begin = 0
        self._octets += octets

    @property
    def waiting(self) -> int:
        return len(self._octets) - self._begin

    def clear(self) -> None:
        self._octets.clear()
        self._begin = 0

    def next(self) -> Key | None:
        """The next key; None where more octets have to come. A key without a meaning has an empty name."""
        if not self.waiting:
            return None
        octet = self._octets[self._begin]
        after_return, self._after_return = self._after_return, octet == 0x0D
        if octet in (0x0A, 0x00) and after_return:  # a return may be followed by a line feed (RFC 854), or by nothing
            self._begin += 1
            return self.next()
        if octet == _ESCAPE:
            return self._escaped()
        if octet == _QUOTE:
            return self._quoted()
        if octet < 0x20 or octet == 0x7F:
            self._begin += 1
            return Key(_CONTROLS.get(octet, ""), named=True)
        return self._character()

    def _escaped(self) -> Key | None:
        if self.waiting < 2:
            return None
        second = chr(self._octets[self._begin + 1])
        if second not in "[O":
            self._begin += 2
            return Key(_ESCAPED.get(second.lower(), ""), named=True)
        for end in range(self._begin + 2, min(len(self._octets), self._begin + _LONGEST_SEQUENCE)):
            octet = self._octets[end]
            if octet < 0x20 or octet > 0x7E:  # no sequence after all
                self._begin = end
                return _NOTHING
            if octet >= 0x40:
                sequence = self._octets[self._begin + 2 : end + 1].decode("ascii")
                self._begin = end + 1
                return Key(_SEQUENCES.get(sequence, ""), named=True)
        if self.waiting >= _LONGEST_SEQUENCE:
            self._begin += _LONGEST_SEQUENCE
            return _NOTHING
        return None

    def _quoted(self) -> Key | None:
        if self.waiting < 2:
            return None
        self._begin += 1
        octet = self._octets[self._begin]
        if octet < 0x20 or octet == 0x7F:
            self._begin += 1
            return _NOTHING
        key = self._character()
        if key is None:
            self._begin -= 1
            return None
        return Key(key.text, key.named, quoted=True)

    def _character(self) -> Key | None:
        """One character of UTF-8, or an octet that is none (`agent.base.text`)."""
        first = self._octets[self._begin]
        length = 1 if first < 0xC2 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4 if first < 0xF5 else 1
        octets = self._octets[self._begin : self._begin + length]
        followed = all(0x80 <= octet < 0xC0 for octet in octets[1:])
        if followed and len(octets) < length:
            return None
        text = text_of(bytes(octets)) if followed else ""
        if len(text) != 1:
            text = text_of(bytes(octets[:1]))
        self._begin += len(octets) if len(text.encode("utf-8", "surrogateescape")) == len(octets) else 1
        return _NOTHING if is_control(text) else Key(text)


def is_control(character: str) -> bool:
    """Whether a character of UTF-8 controls a terminal (ECMA-48's C0 and C1): no line has one."""
    return character < " " or "\x7f" <= character < "\xa0"
