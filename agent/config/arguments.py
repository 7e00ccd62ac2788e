"""Config room: the argument types of IOS commands: their values, help and errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from agent.base.text import octets_of
from agent.config.interface_names import INTERFACE_TYPES, interface_name
from agent.config.texts import text_between


@dataclass(frozen=True, slots=True)
class Word:
    """One blank-separated word of a command line, and where it begins in it."""

    text: str
    column: int
    line: str  # without trailing blanks; all words of a line share it

    @property
    def rest(self) -> str:
        """The line from this word to its end."""
        return self.line[self.column :]


@dataclass(frozen=True, slots=True)
class ArgumentType:
    """`read(words, i)` gives (value, words taken) or None; `write` is the canonical text of a value.

    `shown` is what `?` prints ("<1-10000>", "A.B.C.D"), `right` what an error message asks for. `resembles(word)` says that a
    refused word was meant as such a value: then the line is wrong, and not just unknown. `closed` says that IOS accepts nothing
    else there either. `first` has the words that a value of two words may begin with, each with its help line, and `second` what
    follows one of them, as `shown` has it.
    """

    read: Callable[[Sequence[Word], int], tuple[object, int] | None]
    shown: str
    right: str
    resembles: Callable[[str], bool]
    write: Callable[[object], str] = str
    closed: bool = False
    first: Mapping[str, str] = field(default_factory=dict)
    second: str = ""

    def first_words(self, text: str) -> list[str]:
        """The words that a value may begin with, of which `text` is the beginning; itself alone if it is one."""
        lower = text.lower()
        found = [word for word in self.first if word.lower().startswith(lower)]
        return [word for word in found if word.lower() == lower] or found


TypeFactory = Callable[[str], ArgumentType]

_UNIT = re.compile(r"[0-9]+(?:/[0-9]+)*(?:[.:][0-9]+)?")
_DOTTED = re.compile(r"[0-9.]*\.[0-9.]*")


def _never(_: str) -> bool:
    return False


def _always(_: str) -> bool:
    return True


def _address_of(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None


def _integer(parameters: str) -> ArgumentType:
    parts = [part.partition("-") for part in parameters.split(",")]
    bounds = [(int(low), int(high or low)) for low, _, high in parts]

    def read(words: Sequence[Word], i: int) -> tuple[object, int] | None:
        text = words[i].text
        if not (text.isascii() and text.isdigit()) or len(text) > 12:
            return None
        value = int(text)
        return (value, 1) if any(low <= value <= high for low, high in bounds) else None

    shown = "  ".join(f"<{low}-{high}>" for low, high in bounds)
    right = "a number from " + " or ".join(f"{low} to {high}" for low, high in bounds)
    return ArgumentType(read, shown, right, lambda text: text.lstrip("-").isdigit(), closed=True)


def _signed(parameters: str) -> ArgumentType:
    low, high = (int(bound) for bound in parameters.split(".."))

    def read(words: Sequence[Word], i: int) -> tuple[object, int] | None:
        text = words[i].text
        if not re.fullmatch(r"-?\d{1,9}", text, re.ASCII) or not low <= int(text) <= high:
            return None
        return int(text), 1

    return ArgumentType(read, f"<{low} - {high}>", f"a number from {low} to {high}", _never, closed=True)


def _address(_: str) -> ArgumentType:
    def read(words: Sequence[Word], i: int) -> tuple[object, int] | None:
        value = _address_of(words[i].text)
        return (value, 1) if value is not None else None

    return ArgumentType(read, "A.B.C.D", "an IPv4 address", lambda text: bool(_DOTTED.fullmatch(text)))


_COLONS = re.compile(r"[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")


def _ipv6(_: str) -> ArgumentType:
    """An IPv6 address without a zone; IOS writes its letters as capitals."""

    def read(words: Sequence[Word], i: int) -> tuple[object, int] | None:
        try:
            return (IPv6Address(words[i].text), 1) if "%" not in words[i].text else None
        except AddressValueError:
            return None

    right = "an IPv6 address"
    return ArgumentType(read, "X:X:X:X::X", right, lambda text: bool(_COLONS.fullmatch(text)), lambda value: str(value).upper())


def _mask(_: str) -> ArgumentType:
    def read(words: Sequence[Word], i: int) -> tuple[object, int] | None:
        value = _address_of(words[i].text)
        if value is None:
            return None
        inverse = ~int(value) & 0xFFFFFFFF
        return (value, 1) if inverse & (inverse + 1) == 0 else None

    return ArgumentType(read, "A.B.C.D", "a network mask such as 255.255.255.0", lambda text: bool(_DOTTED.fullmatch(text)))


def _word(parameters: str) -> ArgumentType:
    longest = int(parameters) if parameters else None

    def read(words: Sequence[Word], i: int) -> tuple[object, int] | None:
        text = words[i].text
        return (text, 1) if longest is None or len(octets_of(text)) <= longest else None

    right = f"a word of at most {longest} characters" if longest else "a word"
    return ArgumentType(read, "WORD", right, _always)


MOST_SUB_IDENTIFIERS, LARGEST_SUB_IDENTIFIER = 128, 2**32 - 1  # of an OBJECT IDENTIFIER (RFC 2578 §7.1.3)
_SUBTREE = re.compile(r"\.?(?:[A-Za-z][\w-]*|\d{1,10})(?:\.(?:\*|\d{1,10}))*", re.ASCII)


def is_subtree(text: str) -> bool:
    """Whether a text can be an OBJECT IDENTIFIER: numbers, or a name and numbers, a `*` for any number.

    The first two numbers are 0 to 2, and below 40 under 0 and 1 (X.660: they are encoded as one).
    """
    if not _SUBTREE.fullmatch(text):
        return False
    parts = text.removeprefix(".").split(".")
    numbers = [int(part) for part in parts if part.isdigit()]
    if len(parts) > MOST_SUB_IDENTIFIERS or any(number > LARGEST_SUB_IDENTIFIER for number in numbers):
        return False
    if not parts[0].isdigit():
        return True
    second = int(parts[1]) if len(parts) > 1 and parts[1] != "*" else 0
    return (int(parts[0]) < 2 and second < 40) or int(parts[0]) == 2


def _subtree(_: str) -> ArgumentType:
    def read(words: Sequence[Word], i: int) -> tuple[object, int] | None:
        return (words[i].text, 1) if is_subtree(words[i].text) else None

    bounds = "at most 128 numbers up to 4294967295, the first up to 2, and up to 39 after 0 or 1"
    right = f"an object identifier such as 1.3.6.1.2.1 or ifEntry.*.1: {bounds}"
    return ArgumentType(read, "WORD", right, _always, closed=True)


_TARGET = re.compile(r"[0-9.]+:[0-9]+")


def _target(_: str) -> ArgumentType:
    """An extended community of a VRF: the number of an autonomous system or an address, and a number."""

    def read(words: Sequence[Word], i: int) -> tuple[object, int] | None:
        text = words[i].text
        return (text, 1) if _TARGET.fullmatch(text) else None

    return ArgumentType(
        read,
        "ASN:nn or IP-address:nn",
        "a target such as 65000:1 or 10.1.1.1:1",
        lambda text: ":" in text or text.isdigit(),
        closed=True,
    )


def _letters(_: str) -> ArgumentType:
    """A name that does not begin with a digit (a map, a list): keeps numbers free for what else may stand there."""

    def read(words: Sequence[Word], i: int) -> tuple[object, int] | None:
        text = words[i].text
        return None if text[0].isdigit() else (text, 1)

    return ArgumentType(read, "WORD", "a name that does not begin with a digit", _never)


def _line(parameters: str) -> ArgumentType:
    longest = int(parameters) if parameters else None

    def read(words: Sequence[Word], i: int) -> tuple[object, int] | None:
        text = words[i].rest
        return (text, len(words) - i) if longest is None or len(octets_of(text)) <= longest else None

    right = f"a text of at most {longest} characters" if longest else "a text"
    return ArgumentType(read, "LINE", right, _always)


def _text(_: str) -> ArgumentType:
    """A text between two delimiters, which may go over several lines: `^C … ^C`."""

    def read(words: Sequence[Word], i: int) -> tuple[object, int] | None:
        text = words[i].rest
        return None if text_between(text) is None else (text, len(words) - i)

    return ArgumentType(read, "LINE", "a text between two delimiting characters", _never)


def _interface(_: str) -> ArgumentType:
    def read(words: Sequence[Word], i: int) -> tuple[object, int] | None:
        joined = interface_name(words[i].text)
        if joined:
            return joined, 1
        if i + 1 < len(words) and words[i].text.replace("-", "").isalpha() and _UNIT.fullmatch(words[i + 1].text):
            joined = interface_name(words[i].text + words[i + 1].text)
            if joined:
                return joined, 2
        return None

    right = "an interface name such as FastEthernet0/0"
    return ArgumentType(read, "Interface", right, _never, first=INTERFACE_TYPES, second="<number>")


_HOST = re.compile(r"[A-Za-z](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")


def _host(_: str) -> ArgumentType:
    def read(words: Sequence[Word], i: int) -> tuple[object, int] | None:
        text = words[i].text
        value = _address_of(text)
        if value is not None:
            return value, 1
        return (text, 1) if _HOST.fullmatch(text) else None

    return ArgumentType(read, "Hostname or A.B.C.D", "an IPv4 address or a host name", lambda text: bool(_DOTTED.fullmatch(text)))


ARGUMENT_TYPES: Mapping[str, TypeFactory] = {
    "int": _integer,
    "signed": _signed,
    "address": _address,
    "wildcard": _address,
    "ipv6": _ipv6,
    "mask": _mask,
    "word": _word,
    "name": _letters,
    "target": _target,
    "subtree": _subtree,
    "line": _line,
    "text": _text,
    "interface": _interface,
    "host": _host,
}
